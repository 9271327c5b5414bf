"""Cost tables: every figure is the one that counting gives, however the options of a space depend on one another."""

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from toy_spaces import SPACES

from nassim.cost.counting import count
from nassim.cost.profile import AMOUNTS
from nassim.errors import NassimError
from nassim.space import Architecture, SearchSpace
from nassim.space.costs.bulk import Enumeration
from search_spaces.cell import Cell
from search_spaces.chain import Chain


class Line(SearchSpace):
    """Layers from a function of `choose`; a space in three lines."""

    classes = 3

    def __init__(self, layers, input_shape=(6,)):
        self.layers, self.input_shape = layers, input_shape

    def build(self, choose):
        return nn.Sequential(*self.layers(choose))


def separate(choose):
    return [nn.Linear(6, 6), choose("a", {"linear": lambda: nn.Linear(6, 6), "tanh": nn.Tanh}),
            choose("b", {"norm": lambda: nn.LayerNorm(6), "none": nn.Identity}), nn.Linear(6, 3)]  # fmt: skip


def one_changes_the_shape(choose):
    return [nn.Linear(6, 4), choose("a", {"keep": nn.Identity, "twice": lambda: nn.Linear(4, 8)}), nn.ReLU(),
            choose("b", {"pool": lambda: nn.AdaptiveAvgPool1d(5), "sum": Total}), nn.Linear(5, 3)]  # fmt: skip


class Total(nn.Module):
    def forward(self, x):
        return x.sum(-1, keepdim=True).expand(-1, 5)


class Cut(nn.Module):
    """Passes no gradient on."""

    def forward(self, x):
        return x.detach()


class Twice(nn.Module):
    """Runs what it holds twice."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(self.inner(x))


def one_cuts_the_gradient(choose):
    return [nn.Linear(6, 6), choose("a", {"cut": Cut, "pass": nn.Identity}), choose("b", {"x": nn.Tanh, "y": nn.ReLU}),
            nn.Linear(6, 3)]  # fmt: skip


def weights_are_shared(choose):
    shared = nn.Linear(6, 6)
    return [nn.Linear(6, 6), choose("a", {"shared": lambda: shared, "own": lambda: nn.Linear(6, 6)}),
            choose("b", {"shared": lambda: shared, "none": nn.Identity}), nn.Linear(6, 3)]  # fmt: skip


def build_looks_into_options(choose):
    chosen = choose("a", {"tanh": nn.Tanh, "linear": lambda: nn.Linear(6, 6)})
    more = [nn.Linear(6, 6)] if isinstance(chosen, nn.Tanh) else []
    return [nn.Linear(6, 6), chosen, choose("b", {"x": nn.Tanh, "y": nn.ReLU}), *more, nn.Linear(6, 3)]


def options_run_twice(choose):
    return [nn.Linear(6, 6), Twice(choose("a", {"linear": lambda: nn.Linear(6, 6), "tanh": nn.Tanh})),
            nn.Linear(6, 6), nn.Linear(6, 3)]  # fmt: skip


def options_write_in_place(choose):
    return [nn.Linear(6, 6), choose("a", {"relu": lambda: nn.ReLU(inplace=True), "none": nn.Identity}),
            nn.Linear(6, 6), choose("b", {"relu": nn.ReLU, "tanh": nn.Tanh}), nn.Linear(6, 3)]  # fmt: skip


def numbers_and_options(choose):
    width = choose("width", [4, 8])
    return [nn.Linear(6, width), choose("a", {"linear": lambda: nn.Linear(width, width), "tanh": nn.Tanh}),
            choose("b", {"deep": lambda: nn.Sequential(*[nn.Linear(width, width) for _ in range(choose("n", [1, 2]))]),
                         "none": nn.Identity}), nn.Linear(width, 3)]  # fmt: skip


def numbers_in_two_options(choose):
    def deep(i):
        return lambda: nn.Sequential(*[nn.Linear(6, 6) for _ in range(choose(f"n{i}", [1, 2]))])

    return [nn.Linear(6, 6), choose("a", {"tanh": nn.Tanh, "deep": deep(0)}),
            choose("b", {"tanh": nn.Tanh, "deep": deep(1)}), nn.Linear(6, 3)]  # fmt: skip


def transforms(choose):
    fourier = {"fft": Fourier, "none": nn.Identity}
    return [nn.Linear(6, 6), choose("a", fourier), choose("b", fourier), nn.Linear(6, 3)]


class Fourier(nn.Module):
    def forward(self, x):
        return torch.fft.fft(x).real


def one_choice_repeated(choose):
    return [nn.Linear(6, 6), *(choose("a", {"linear": lambda: nn.Linear(6, 6), "tanh": nn.Tanh}) for _ in range(3)),
            choose("b", {"x": nn.Tanh, "y": nn.ReLU}), nn.Linear(6, 3)]  # fmt: skip


LINES = (
    separate, one_changes_the_shape, one_cuts_the_gradient, weights_are_shared, build_looks_into_options,
    options_run_twice, options_write_in_place, numbers_and_options, numbers_in_two_options, transforms,
    one_choice_repeated,
)  # fmt: skip
SHIPPED = [Cell(width=4, cells=1, input_shape=(1, 8, 8)), Chain(width=4, head=16, input_shape=(1, 8, 8))]


def counted(space, architecture):
    with torch.device("meta"):
        network = space.subnet(architecture)
    return count(network, space.input_shape)


def fresh():
    return [*(Line(layers) for layers in LINES), *(space() for space in SPACES)]


@pytest.mark.parametrize("space", fresh(), ids=lambda space: getattr(space, "layers", type(space)).__name__)
def test_look_ups_and_arrays_equal_counting_for_every_architecture(space):
    every = list(space.enumerate())
    expected = [counted(space, architecture) for architecture in every]
    assert [space.profile(architecture) for architecture in every] == expected
    arrays = space.table.arrays()
    for name in AMOUNTS:
        assert arrays[name].dtype == np.int64
        assert arrays[name].tolist() == [getattr(profile, name) for profile in expected]
    assert arrays["uncounted_calls"].tolist() == [sum(dict(profile.uncounted).values()) for profile in expected]


@pytest.mark.parametrize(
    ("layers", "structural"),
    [
        (separate, set()),
        (one_cuts_the_gradient, {"a"}),
        (numbers_and_options, {"width", "n"}),
        (numbers_in_two_options, {"n0", "n1"}),
        (one_choice_repeated, set()),
        (options_run_twice, set()),
        (options_write_in_place, set()),
    ],
)
def test_what_depends_on_what_is_found(layers, structural, monkeypatch):
    space = Line(layers)
    space.table.arrays()
    assert space.table.structural == structural
    monkeypatch.setattr("nassim.space.costs.table.count", lambda *_: pytest.fail("counted again"))
    for architecture in space.enumerate():
        space.profile(architecture)


@pytest.mark.slow
@given(st.integers(0, 10**6), st.sampled_from(SHIPPED))
@settings(deadline=None, max_examples=30)
def test_shipped_spaces_equal_torch_s_own_counter(seed, space):
    architecture = space.sample(np.random.default_rng(seed))
    profile = space.profile(architecture)
    assert profile == counted(space, architecture)
    with torch.device("meta"):
        network, x = space.subnet(architecture), torch.zeros(2, *space.input_shape)
        with FlopCounterMode(display=False) as forward:
            output = network(x)
        with FlopCounterMode(display=False) as backward:
            output.sum().backward()
    assert 2 * profile.torch_forward_flop == forward.get_total_flops()
    assert 2 * profile.torch_backward_flop == backward.get_total_flops()


@pytest.mark.slow
@pytest.mark.parametrize("space", [Cell(), Chain()], ids=["cell", "chain"])
def test_a_shipped_space_is_counted_a_few_times_and_then_looked_up(space, monkeypatch):
    calls = []

    def counting(*arguments):
        calls.append(arguments)
        return count(*arguments)

    monkeypatch.setattr("nassim.space.costs.table.count", counting)
    arrays = space.table.arrays()
    assert space.table.structural == set()
    assert len(calls) <= 7
    every = Enumeration(space.domain)
    for index in np.random.default_rng(0).integers(space.size, size=25):
        profile = counted(space, every[index])
        assert [arrays[name][index] for name in AMOUNTS] == [getattr(profile, name) for name in AMOUNTS]
        assert space.profile(every[index]) == profile
    assert len(calls) <= 7


def test_no_search_counts_an_architecture_twice_or_much_more_than_it_asks_for(monkeypatch):
    calls = []
    monkeypatch.setattr("nassim.space.costs.table.count", lambda *arguments: (calls.append(0), count(*arguments))[1])
    cell = Cell(width=4, cells=1, input_shape=(1, 8, 8))
    first = cell.sample(np.random.default_rng(0))
    cell.profile(first)
    cell.profile(first)
    assert len(calls) == 1
    for elastic in (Line(numbers_and_options), Line(build_looks_into_options)):
        calls.clear()
        for architecture in [*elastic.enumerate(), *elastic.enumerate()]:
            elastic.profile(architecture)
        assert len(calls) <= elastic.size


@pytest.mark.parametrize("layers", LINES)
def test_figures_do_not_depend_on_the_order_of_questions(layers):
    one, other = Line(layers), Line(layers)
    every = list(one.enumerate())
    forwards = {architecture: one.profile(architecture) for architecture in every}
    assert forwards == {architecture: other.profile(architecture) for architecture in reversed(every)}


def test_weights_and_random_state_are_left_alone():
    space, state = Line(separate), torch.get_rng_state()
    for architecture in space.enumerate():
        space.profile(architecture)
    assert torch.equal(state, torch.get_rng_state())


def test_a_filled_table_travels_with_its_space():
    cell = Cell(width=4, cells=1, input_shape=(1, 8, 8))
    arrays = cell.table.arrays()
    copy = pickle.loads(pickle.dumps(cell))
    assert all((copy.table.arrays()[name] == arrays[name]).all() for name in arrays)


@pytest.mark.parametrize("space", [*(space() for space in SPACES), *SHIPPED], ids=lambda space: type(space).__name__)
def test_enumeration_is_that_of_the_space_and_maps_both_ways(space):
    every = Enumeration(space.domain)
    assert len(every) == space.size
    for index, architecture in zip(range(200), space.enumerate(), strict=False):
        assert every[index] == architecture
        assert every.index(architecture) == index
    with pytest.raises(ValueError, match="is not of this domain"):
        every.index(Architecture({**every[0], "no such": "x"}))


def test_spaces_too_large_to_enumerate_are_refused_and_looked_up_all_the_same():
    def layers(choose):
        return [nn.Linear(6, 6), *(choose(f"c{i}", {"a": nn.Tanh, "b": nn.ReLU}) for i in range(25)), nn.Linear(6, 3)]

    space = Line(layers)
    with pytest.raises(NassimError, match=r"has 33,554,432 architectures, more than the 20,000,000"):
        space.table.arrays()
    architecture = space.sample(np.random.default_rng(0))
    assert space.profile(architecture) == space.profile(architecture) == counted(space, architecture)


def test_sums_beyond_64_bits_are_refused_and_looked_up_all_the_same():
    def layers(choose):
        wide = 2**30 + 1
        return [nn.Linear(6, wide), nn.Linear(wide, wide), choose("a", {"x": nn.Tanh, "y": nn.ReLU}),
                nn.Linear(wide, wide), choose("b", {"x": nn.Tanh, "y": nn.ReLU}), nn.Linear(wide, 3)]  # fmt: skip

    space = Line(layers)
    with pytest.raises(NassimError, match=r"backward_flop of this space's architectures reaches .* a 64-bit array"):
        space.table.arrays()
    assert space.profile({"a": "y", "b": "x"}).backward_flop > 2**63


def test_what_is_not_of_the_space_is_told():
    cell = Cell(width=4, cells=1, input_shape=(1, 8, 8))
    cell.table.arrays()
    with pytest.raises(NassimError, match="there is no choice 'z'"):
        cell.profile({"z": "x"})
    with pytest.raises(NassimError, match="choice '0->1' is reached and not decided"):
        cell.profile({})


def test_networks_that_do_not_run_say_why_as_if_counted():
    space = Line(lambda choose: [choose("a", {"good": nn.Identity, "bad": lambda: nn.Linear(5, 6)}), nn.Linear(6, 3)])
    assert space.profile({"a": "good"}).forward_flop == 36
    with pytest.raises(NassimError, match=r"can't be run on inputs of shape \(6,\) for counting"):
        space.profile({"a": "bad"})


def test_options_that_fail_together_fail_alone():
    def layers(choose):
        return [nn.Linear(6, 6), choose("a", {"sigmoid": nn.Sigmoid, "none": nn.Identity}),
                choose("b", {"relu": lambda: nn.ReLU(inplace=True), "tanh": nn.Tanh}), nn.Linear(6, 3)]  # fmt: skip

    space = Line(layers)
    for architecture in space.enumerate():
        if dict(architecture) == {"a": "sigmoid", "b": "relu"}:
            with pytest.raises(NassimError, match="modified by an inplace operation"):
                space.profile(architecture)
        else:
            assert space.profile(architecture) == counted(space, architecture)
