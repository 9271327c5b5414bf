import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nassim.data.splitting import Sizes, split_sizes, stratified
from nassim.errors import NassimError


def test_sizes_of_the_digits():
    # round(1797 * 0.2) = round(359.4) = 359, twice; 1797 - 2 * 359 = 1079
    assert split_sizes(1797, 0.2, 0.2) == Sizes(1079, 359, 359)


@given(
    members=st.lists(st.integers(20, 60), min_size=2, max_size=6),
    validation=st.floats(0.1, 0.4),
    test=st.floats(0.1, 0.4),
    seed=st.integers(0, 2**31 - 1),
)
def test_every_input_is_in_one_split_and_every_class_has_its_share(members, validation, test, seed):
    labels = np.repeat(np.arange(len(members)), members)
    sizes = split_sizes(len(labels), validation, test)
    parts = stratified(labels, sizes, seed)
    assert tuple(map(len, parts)) == (sizes.train, sizes.validation, sizes.test)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(labels)))
    for part in parts:
        exact = np.array(members) * len(part) / len(labels)
        assert np.abs(np.bincount(labels[part], minlength=len(members)) - exact).max() < 2


def test_the_seed_says_which_inputs():
    labels = np.arange(100) % 4
    sizes = split_sizes(100, 0.2, 0.2)
    first, again, other = (stratified(labels, sizes, seed) for seed in (7, 7, 8))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[2], other[2])


def test_a_class_too_small_is_named():
    labels = np.array([0] * 50 + [1] * 2)
    with pytest.raises(NassimError, match=r"class 1 has 2 inputs, of which .* each class needs at least one in each"):
        stratified(labels, split_sizes(52, 0.2, 0.2), 0)


def test_too_little_data_is_refused():
    with pytest.raises(NassimError, match=r"5 inputs split into 3 for training, 1 for validation and 1 for the test"):
        split_sizes(5, 0.2, 0.2)
