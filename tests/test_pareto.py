"""Fronts, ranks, crowding distances, the knee and what covers a front; golden values show their arithmetic."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nassim import pareto

vectors = st.integers(1, 3).flatmap(
    lambda m: st.lists(st.lists(st.integers(0, 6), min_size=m, max_size=m), min_size=1, max_size=30)
)


def array(rows):
    return np.array(rows, float)


def dominates(one, other) -> bool:
    return all(a <= b for a, b in zip(one, other, strict=True)) and any(a < b for a, b in zip(one, other, strict=True))


def test_the_front_is_in_the_order_of_its_losses():
    losses = array([[3, 1], [1, 4], [2, 2], [2, 3], [4, 4], [1, 4]])
    # (2, 3) is worse than (2, 2), (4, 4) than all; the two (1, 4) are as good as each other.
    assert pareto.front(losses).tolist() == [1, 5, 2, 0]
    assert pareto.ranks(losses).tolist() == [0, 0, 0, 1, 2, 0]


@given(vectors)
def test_the_front_is_what_nothing_dominates_and_ranks_peel_it(rows):
    losses = array(rows)
    brute = {i for i, one in enumerate(rows) if not any(dominates(other, one) for other in rows)}
    assert set(pareto.front(losses).tolist()) == brute
    ranks = pareto.ranks(losses)
    assert set(np.flatnonzero(ranks == 0).tolist()) == brute
    for i, one in enumerate(rows):
        above = [ranks[j] for j, other in enumerate(rows) if dominates(other, one)]
        assert ranks[i] == (max(above) + 1 if above else 0), "one more than the worst of those that dominate it"


def test_crowding_is_the_room_between_neighbours():
    losses = array([[0, 10], [1, 6], [4, 5], [8, 0]])
    # Ranges 8 and 10. The second: (4 - 0) / 8 + (10 - 5) / 10 = 1; the third: (8 - 1) / 8 + (6 - 0) / 10 = 1.475.
    assert pareto.crowding(losses).tolist() == [np.inf, 1.0, 1.475, np.inf]
    assert pareto.crowding(losses[:, :1] * 0).tolist() == [0.0] * 4, "where all are equal there is no room"


def test_the_knee_is_furthest_from_the_line_between_the_ends():
    losses = array([[0, 100], [1, 40], [2, 30], [6, 20], [10, 0]])
    # Scaled by 10 and 100: (0, 1), (.1, .4), (.2, .3), (.6, .2), (1, 0). The line between the ends is x + y = 1, and
    # the distances to it are (1 - x - y) / sqrt(2): of 0, .5, .5, .2, 0. The first of the two furthest is taken.
    assert pareto.knee(losses) == 1
    assert pareto.knee(losses * [1, -1] + [0, 100]) == 0, "on a line that bends the other way the ends are best"
    assert pareto.knee(losses[:1]) == pareto.knee(losses[[0, 4]]) == 0


def test_the_knee_does_not_depend_on_units():
    losses = array([[0, 100], [1, 50], [2, 20], [6, 10], [10, 0]])
    # Scaled: sums of 1, .6, .4, .7, 1.
    assert pareto.knee(losses) == pareto.knee(losses * [1e9, 1e-3] + [5, 7]) == 2


def test_a_front_is_covered_from_its_first_on():
    losses = array([[0, 10], [1, 8], [2, 7], [5, 4], [10, 0]])
    # Scaled by 10. From (0, 1) the furthest is (1, 0); then (.5, .4), whose nearer end is .64 away, (.2, .7) .36;
    # then (.2, .7): .36 from the first, .42 from (.5, .4); (.1, .8) is .22 from the first.
    assert pareto.spread(losses, 4) == [0, 4, 3, 2]
    assert sorted(pareto.spread(losses, 99)) == [0, 1, 2, 3, 4]
    assert pareto.spread(losses[[2, 2, 2]], 2) == [0, 1], "equals are taken in their order"


@pytest.mark.parametrize("count", [1, 2, 5])
def test_as_many_as_were_asked_for(count):
    assert len(pareto.spread(np.random.default_rng(0).normal(size=(5, 3)), count)) == count
