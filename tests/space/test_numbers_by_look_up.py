"""Spaces of numbers: their arrays are told from some networks, and every figure is the one that counting gives."""

import numpy as np
import pytest
import torch
from number_spaces import NUMBERS, Mixed
from torch import nn

from nassim.cost.counting import count
from nassim.cost.profile import AMOUNTS
from nassim.errors import NassimError
from nassim.space import Linear, SearchSpace
from nassim.space.costs.bulk import Enumeration
from nassim.space.costs.watching import watch


def assert_counted(space, arrays, indices):
    """Hold arrays against counting."""
    every = Enumeration(space.domain)
    for index in indices:
        with torch.device("meta"):
            network = space.subnet(every[index])
        profile = count(network, space.input_shape)
        assert {name: arrays[name][index] for name in AMOUNTS} == {name: getattr(profile, name) for name in AMOUNTS}
        assert arrays["uncounted_calls"][index] == sum(dict(profile.uncounted).values())


class Line(SearchSpace):
    """Linear layers of five widths, and what a function of these adds."""

    input_shape = (6,)
    classes = 3

    def __init__(self, more, widths=(4, 8, 16)):
        self.more, self.widths = more, widths

    def build(self, choose):
        widths = [choose(f"width{i}", self.widths) for i in range(5)]
        layers = [Linear(before, after) for before, after in zip([6, *widths], [*widths, 3], strict=True)]
        return nn.Sequential(*layers, *self.more(widths))


def test_a_space_of_numbers_is_told_from_some_of_its_networks():
    space, counted = Line(lambda widths: [nn.Tanh()] if widths[0] > widths[1] else [], widths=(4, 8, 12, 16)), []
    arrays = space.table.arrays(lambda: counted.append(1))
    assert 0 < len(counted) < space.size / 4
    assert_counted(space, arrays, np.random.default_rng(0).integers(space.size, size=100))
    counted.clear()
    again = space.table.arrays(lambda: counted.append(1))
    assert not counted, "what was learnt is kept"
    assert all((again[name] == arrays[name]).all() for name in arrays)


@pytest.mark.slow
@pytest.mark.parametrize("kind", NUMBERS)
def test_every_network_of_a_space_of_numbers_is_as_counted(kind):
    space, counted = kind(), []
    arrays = space.table.arrays(lambda: counted.append(1))
    assert 0 < len(counted) < space.size / 3
    indices = range(space.size) if kind is not Mixed else np.random.default_rng(0).integers(space.size, size=3000)
    assert_counted(space, arrays, indices)


def all_the_greatest(widths):
    return [nn.Tanh()] if all(width == 16 for width in widths) else []


def all_of_one(widths):
    return [nn.Tanh()] if len(set(widths)) == 1 else []


def wide_in_total(widths):
    return [nn.Tanh()] if sum(widths) >= 80 else []


def widest_in_total_as_plain_numbers(widths):
    return [nn.Tanh()] if sum(int(width) for width in widths) == 80 else []


def one_for_each(widths):
    return [nn.Tanh() for _ in range(sum(width // 16 for width in widths) - 4)]


def by_name(widths):
    return [nn.Tanh()] if "-".join(f"{width}" for width in widths) == "16-4-16-4-16" else []


@pytest.mark.parametrize(
    "more",
    [
        all_the_greatest,
        by_name,
        *(
            pytest.param(each, marks=pytest.mark.slow)
            for each in (all_of_one, wide_in_total, widest_in_total_as_plain_numbers, one_for_each)
        ),
    ],
)
def test_what_few_networks_have_is_found(more):
    space = Line(more)
    arrays = space.table.arrays()
    assert_counted(space, arrays, range(0, space.size, 17))
    with_more = [i for i, architecture in enumerate(space.enumerate()) if len(space.subnet(architecture)) > 6]
    assert 0 < len(with_more) <= 3
    assert_counted(space, arrays, with_more)


def test_a_space_with_values_that_can_not_be_watched_is_counted():
    class Odd(Line):
        def build(self, choose):
            odd = choose("odd", {"none": None, "some": 1})
            return super().build(lambda name, options: choose(name, options) + (odd is not None))

    space, counted = Odd(lambda _: []), []
    arrays = space.table.arrays(lambda: counted.append(1))
    assert len(counted) > space.size
    assert_counted(space, arrays, range(0, space.size, 50))


@pytest.mark.parametrize(
    ("function", "looks"),
    [
        (lambda a, b: a + b > 3, [("> 1", "ab", True)]),
        (lambda a, b: a * 2 == 3, [("== 1", "a", False)]),
        (lambda a, b: min(a, b), [("< 2", "ab", False)]),
        (lambda a, b: list(range(b - a)), [("index 1", "ab", 1)]),
        (lambda a, b: {2: "x"}[a], [("hash 1", "a", 2), ("== 1", "a", True)]),
        (lambda a, b: int(a) + int(b), [("", "ab", 2), ("", "ab", 3)]),
        (lambda a, b: len({a, b - 1}), [("", "ab", 2), ("", "ab", 2), ("", "ab", True)]),
        (lambda a, b: nn.Linear(a, b), []),
        (lambda a, b: nn.Conv2d(a, b * a, 3, padding=a // 2, groups=a), []),
        (lambda a, b: divmod(-(a**b), 3) and round(a / b), []),
    ],
)
def test_who_looks_at_a_number_is_noted(function, looks):
    def build(choose):
        function(choose("a", [1, 2]), choose("b", [3, 4]))
        return nn.Identity()

    found = watch(build, {"a": "2", "b": "3"}).looks
    flat = [(look.what, "".join(sorted(look.names)), value) for look, values in found.items() for value in values]
    assert flat == looks


def test_modules_are_known_by_the_choices_of_their_numbers():
    def build(choose):
        a, b = choose("a", [1, 2]), choose("b", [3, 4])
        chosen = choose("c", {"two": lambda: nn.Sequential(nn.Linear(a, 3), nn.Tanh())})
        return nn.Sequential(nn.Linear(a, a * b), nn.ReLU(), chosen)

    names = watch(build, {"a": "2", "b": "3", "c": "two"}).names
    assert names == {"0": {"a", "b"}, "2": {"c"}, "2.0": {"a", "c"}, "2.1": {"c"}}


def test_a_build_that_takes_plain_numbers_alone_is_told():
    def build(choose):
        return nn.Linear(3, [1, 2][choose("a", {"x": "text"})])

    with pytest.raises(NassimError, match="TypeError: list indices must be integers"):
        watch(build, {"a": "x"})
