import ast
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import nassim
from nassim.data.reading import ArrayFile
from nassim.data.source import DataSource, SearchData, digits
from nassim.data.splitting import Sizes
from nassim.errors import NassimError
from nassim.space import SearchSpace


class Takes(SearchSpace):
    def __init__(self, input_shape, classes):
        self.input_shape, self.classes = input_shape, classes

    def build(self, choose):
        raise AssertionError("not to be built")


def rows(*splits):
    return torch.cat([split.x.flatten(1) for split in splits])


def test_tensors_are_as_described():
    source = digits()
    data = source.load()
    assert (len(data.train), len(data.validation)) == (source.sizes.train, source.sizes.validation)
    assert data.train.x.shape[1:] == source.input_shape == (1, 8, 8)
    assert (data.train.x.dtype, data.train.y.dtype) == (torch.float32, torch.int64)
    assert source.outputs == 10


def test_the_splits_together_are_the_data_and_final_training_has_train_and_validation():
    source = digits(seed=3)
    data, final = source.load(), source.load_final()
    assert torch.equal(final.train.x, torch.cat([data.train.x, data.validation.x]))
    assert torch.equal(final.train.y, torch.cat([data.train.y, data.validation.y]))
    everything = torch.from_numpy(source.reader.read()[0]).flatten(1)
    found = rows(final.train, final.test)
    assert torch.equal(np_sorted(found), np_sorted(everything))


def np_sorted(x):
    return torch.from_numpy(x.numpy()[np.lexsort(x.numpy().T)])


def test_no_image_of_the_test_is_in_what_a_search_sees():
    source = digits()
    seen = {row.numpy().tobytes() for row in rows(source.load().train, source.load().validation)}
    kept = {row.numpy().tobytes() for row in rows(source.load_final().test)}
    assert not seen & kept


def test_the_test_split_is_out_of_a_searchs_reach():
    assert set(SearchData.__slots__) == {"train", "validation"}
    package = Path(nassim.__file__).parent
    callers = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("load_final", "test") and _is_data(path, node)
    }
    assert callers == {"evaluators/final.py", "testing/data.py"}


def _is_data(path, node):
    """`load_final` anywhere; `.test` in the evaluators, where it could only be the split."""
    return node.attr == "load_final" or (path.parent.name == "evaluators" and ast.unparse(node) == "data.test")


def test_data_is_loaded_once_a_process():
    assert digits(seed=5).load() is digits(seed=5).load()
    assert digits(seed=5).load_final() is digits(seed=5).load_final()


def test_a_source_travels_light():
    source = digits(seed=9)
    assert pickle.loads(pickle.dumps(source)) == source
    assert len(pickle.dumps(source)) < 500


def test_sizes_are_known_without_torch_or_scikit_learn():
    code = """
import sys
from nassim.data.source import digits
assert digits().sizes.train == 1079, digits().sizes
assert digits().input_shape == (1, 8, 8)
assert not {"torch", "sklearn"} & set(sys.modules), "loaded what it needn't"
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_file_of_ones_own_is_loaded_and_split(tmp_path, monkeypatch):
    np.savez(tmp_path / "mine.npz", x=np.random.default_rng(0).normal(size=(60, 2, 3, 3)), y=np.arange(60) % 4)
    monkeypatch.chdir(tmp_path)
    source = DataSource(ArrayFile("mine.npz"), validation=0.25, test=0.25)
    monkeypatch.chdir("/")
    assert source.sizes == Sizes(30, 15, 15)
    source.check(Takes((2, 3, 3), 4))
    assert source.load().train.x.shape == (30, 2, 3, 3)


@pytest.mark.parametrize(
    ("shape", "classes", "message"),
    [
        ((3, 32, 32), 10, r"space Takes takes inputs of shape \(3, 32, 32\), the data's are \(1, 8, 8\)"),
        ((1, 8, 8), 100, "space Takes has 100 outputs, and the data needs 10 classes; set the space's classes"),
    ],
)
def test_a_space_that_does_not_fit_is_refused(shape, classes, message):
    with pytest.raises(NassimError, match=message):
        digits().check(Takes(shape, classes))


def test_a_class_too_small_to_split_is_found_before_work_starts(tmp_path):
    np.savez(tmp_path / "few.npz", x=np.zeros((41, 2)), y=np.array([0, 1] * 20 + [2]))
    with pytest.raises(NassimError, match="class 2 has 1 inputs"):
        DataSource(ArrayFile(str(tmp_path / "few.npz"))).check(Takes((2,), 3))


def test_digits_too_thinly_split_are_found_before_work_starts():
    with pytest.raises(
        NassimError, match=r"class \d has 1\d\d inputs, of which \d+ would train, \d+ validate and 0 test"
    ):
        digits(test=0.003).check(Takes((1, 8, 8), 10))


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"validation": 0}, "validation is a share of the inputs, above 0 and below 1, found 0"),
        ({"test": 1.5}, "test is a share of the inputs, above 0 and below 1, found 1.5"),
        ({"validation": float("nan")}, "found nan"),
        ({"validation": 0.5, "test": 0.5}, "leave nothing to train on"),
    ],
)
def test_shares_out_of_range_are_refused(shares, message):
    with pytest.raises(NassimError, match=message):
        digits(**shares)
