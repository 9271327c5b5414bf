"""Figures that are sums over layers are told from few networks where options can be swapped, else from each network."""

import numpy as np
import pytest
from torch import nn
from toy_spaces import Conditional, Elastic

from nassim.cost.counting import count
from nassim.errors import NassimError
from nassim.space import SearchSpace
from nassim.space.costs.additive import OptionSums


class Rows(SearchSpace):
    """Four layers of four options that all return alike, and perhaps one that can't be built."""

    input_shape = (6,)
    classes = 2

    def __init__(self, *, broken: bool = False) -> None:
        self._broken = broken

    def build(self, choose):
        options = {
            "linear": lambda: nn.Linear(6, 6),
            "twice": lambda: nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 6)),
            "tanh": nn.Tanh,
            "skip": nn.Identity,
        }
        if self._broken:
            options["odd"] = lambda: nn.Linear(5, 6)
        return nn.Sequential(nn.Linear(6, 6), *(choose(f"layer{n}", options) for n in range(4)), nn.Linear(6, 2))


class Asked:
    """FLOP and bytes of a network's layers, counted; and of which networks."""

    def __init__(self, space):
        self.space = space
        self.of = []

    def __call__(self, architecture):
        self.of.append(architecture)
        layers = count(self.space.subnet(architecture), self.space.input_shape, layers=True).layers
        return np.array([sum(row.forward_flop for row in layers), 0.1 * sum(row.written_bytes for row in layers)])


def test_options_that_can_be_swapped_are_told_from_few_networks():
    space = Rows()
    asked = Asked(space)
    sums = OptionSums(space, asked)
    found = {each: sums.of(each) for each in space.enumerate()}
    # Of 256 networks one, three others for each choice, and four that together take every option.
    assert len(asked.of) == len(set(asked.of)) == 1 + 4 * 3 + 4
    for architecture in list(found)[::7]:
        assert found[architecture] == pytest.approx(asked(architecture), rel=1e-12)


@pytest.mark.parametrize("space", [Elastic(), Conditional()])
def test_elsewhere_each_network_is_looked_at_once(space):
    asked = Asked(space)
    sums = OptionSums(space, asked)
    every = list(space.enumerate())[::3]
    for _ in range(2):
        found = [sums.of(each).tolist() for each in every]
    assert asked.of == every
    assert found == [asked(each).tolist() for each in every]


def test_figures_do_not_depend_on_what_was_asked_for_before():
    space = Rows()
    every = list(space.enumerate())
    forth, back = OptionSums(space, Asked(space)), OptionSums(space, Asked(space))
    found = [forth.of(each).tolist() for each in every]
    assert [back.of(each).tolist() for each in reversed(every)][::-1] == found, "to the last digit"


def test_a_network_that_can_not_be_looked_at_fails_alone():
    space = Rows(broken=True)
    sums = OptionSums(space, Asked(space))
    fine = space.canonical({f"layer{n}": "tanh" for n in range(4)})
    assert sums.of(fine).tolist() == Asked(space)(fine).tolist()
    with pytest.raises(NassimError, match="can't be run on inputs of shape"):
        sums.of(space.canonical({**fine, "layer1": "odd"}))
