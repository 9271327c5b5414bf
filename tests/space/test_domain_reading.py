import itertools
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_spaces import SPACES, Conditional, Elastic, Nested

from nassim.errors import NassimError
from nassim.space import Architecture, SearchSpace
from nassim.space.choosing import PlainReader
from nassim.space.domain import ALWAYS, Choice
from nassim.space.domain_reader import read_domain
from search_spaces.cell import Cell


def every_run(build):
    """All networks, by following each run of build into each of its branches: slow, and surely right."""
    found, waiting = set(), [()]
    while waiting:
        prefix = waiting.pop()
        script = iter(prefix)
        reader = PlainReader(lambda name, labels, script=script: next(script, labels[0]))
        build(reader)
        taken = list(reader.taken.items())
        found.add(Architecture(dict(taken)))
        for position in range(len(prefix), len(taken)):
            head = tuple(label for _, label in taken[:position])
            waiting += [(*head, label) for label in reader.asked[taken[position][0]][1:]]
    return found


@pytest.mark.parametrize("kind", SPACES)
def test_domain_holds_exactly_the_networks_that_build_can_make(kind):
    space = kind()
    expected = every_run(space.build)
    listed = list(space.enumerate())
    assert len(listed) == len(set(listed)) == space.size == len(expected)
    assert set(listed) == expected


def test_sizes_by_hand():
    # depth 1: 2 widths; depth 2: 2 * (narrow: 1, wide: 2 extras); depth 3: 2 * 2 * 2. End: plain or 3 gates.
    assert Conditional().size == (2 + 2 * (1 + 2) + 8) * (1 + 3)
    # deep: 2 acts * 2 inners; flat: 2 inners; skip.
    assert Nested().size == 2 * 2 + 2 + 1
    assert Elastic().size == 3 * 2 * 3 * 2
    assert Cell().size == 5**6


def test_conditions_read_as_written():
    domain = Conditional().domain
    names = [choice.name for choice in domain.choices]
    assert names[:3] == ["depth", "width0", "width1"]
    assert set(names[3:5]) == {"extra", "width2"}
    assert names[5:] == ["end", "gate"]
    assert domain["depth"].when == domain["width0"].when == domain["end"].when == ALWAYS
    assert domain["width1"].when == ((("depth", frozenset("23")),),)
    assert domain["extra"].when == ((("depth", frozenset("2")), ("width1", frozenset({"wide"}))),)
    assert domain["gate"].when == ((("end", frozenset({"gated"})),),)


@st.composite
def programs(draw):
    """A build without layers: each choice is asked when one of some conjunctions on two earlier choices holds."""
    program = []
    for i in range(draw(st.integers(1, 6))):
        labels = [str(label) for label in range(draw(st.integers(1, 3)))]
        clauses = []
        if i:
            for _ in range(draw(st.integers(0, 2))):
                names = draw(st.lists(st.integers(0, i - 1), min_size=1, max_size=2, unique=True))
                clauses.append(
                    [(f"c{j}", draw(st.sets(st.sampled_from("012"), min_size=1, max_size=2))) for j in names]
                )
        program.append((f"c{i}", labels, clauses))
    return program


@given(programs())
@settings(max_examples=150, deadline=None)
def test_domain_of_any_program_of_pairs_of_conditions(program):
    def build(choose):
        decided = {}
        for name, labels, clauses in program:
            if not clauses or any(all(decided.get(n) in allowed for n, allowed in clause) for clause in clauses):
                decided[name] = choose(name, labels)

    domain = read_domain(build)
    expected = every_run(build)
    assert set(domain.enumerate()) == expected
    assert domain.size == len(expected)


def test_conjunction_of_three_is_found_or_refused_at_building():
    class Rare(SearchSpace):
        input_shape, classes = (2,), 2

        def build(self, choose):
            answers = [choose(name, list(range(5))) for name in "abc"]
            if answers == [3, 1, 4]:
                choose("rare", ["x", "y"])
            return torch.nn.Linear(2, 2)

    space = Rare()
    rare = {"a": "3", "b": "1", "c": "4"}
    if "rare" in space.domain:
        assert space.size == 5**3 + 1
    else:
        with pytest.raises(NassimError, match=r"Rare.build asks for choice 'rare' of x, y in .* than its domain says"):
            space.subnet(rare)


def test_reading_builds_nothing_real_and_leaves_the_random_state_alone():
    before = torch.get_rng_state()
    devices = set()

    class Spy(SearchSpace):
        input_shape, classes = (2,), 2

        def build(self, choose):
            layer = choose(
                "layer", {"a": lambda: torch.nn.Linear(2, 2), "b": lambda: torch.nn.Linear(2, 2, bias=False)}
            )
            devices.add(layer.weight.device.type)
            torch.rand(1, device="cpu")
            return layer

    assert Spy().domain.size == 2
    assert devices == {"meta"}
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("kind", SPACES)
def test_canonical_forms(kind):
    space = kind()
    rng = np.random.default_rng(1)
    everywhere = {choice.name: choice.labels[-1] for choice in space.domain.choices}
    for _ in range(30):
        architecture = space.sample(rng)
        assert space.canonical(architecture) == architecture
        assert space.canonical({**everywhere, **architecture}) == architecture, "choices not reached are dropped"
    assert pickle.loads(pickle.dumps(space.domain)) == space.domain


def test_samples_reach_every_architecture():
    space = Conditional()
    rng = np.random.default_rng(0)
    assert {space.sample(rng) for _ in range(3000)} == set(space.enumerate())


def test_enumeration_is_lazy():
    labels = [str(i) for i in range(100)]
    choices = tuple(Choice(f"c{i}", tuple(labels)) for i in range(30))
    domain = type(Cell().domain)(choices)
    first = list(itertools.islice(domain.enumerate(), 3))
    assert [architecture["c29"] for architecture in first] == ["0", "1", "2"]
    assert domain.size == 100**30


def test_what_canonical_refuses():
    space = Conditional()
    good = {"depth": "1", "width0": "wide", "end": "plain"}
    assert dict(space.canonical(good)) == good
    with pytest.raises(NassimError, match="there is no choice 'dpeth'; the choices are depth, width0, width1"):
        space.canonical({**good, "dpeth": "1"})
    with pytest.raises(NassimError, match="choice 'depth' has no option '4'; its options are 1, 2, 3"):
        space.canonical({**good, "depth": "4"})
    with pytest.raises(NassimError, match="choice 'width1' has no option 'broad'; its options are narrow, wide"):
        space.canonical({**good, "width1": "broad"})
    with pytest.raises(
        NassimError, match=r"choice 'gate' is reached and not decided in .*; its options are sigmoid, tanh"
    ):
        space.canonical({**good, "end": "gated"})
    with pytest.raises(NassimError, match="choice 'depth' has no option 'x'; its options are 1, 2, 3"):
        space.domain.walk(lambda choice: "x")


def failing(build):
    space = type("Mine", (SearchSpace,), {"input_shape": (2,), "classes": 2, "build": build})()
    with pytest.raises(NassimError) as caught:
        _ = space.domain
    return str(caught.value)


def test_spaces_that_can_not_be_read():
    linear = torch.nn.Linear

    def other_labels(self, choose):
        choose("a", [1, 2] if choose("b", [1, 2]) == 1 else [1, 3])
        return linear(2, 2)

    assert "choice 'a' is asked with the options 1, 3 and elsewhere with 1, 2" in failing(other_labels)

    def raises(self, choose):
        if choose("b", ["x", "y"]) == "y":
            raise ValueError("no such thing")
        return linear(2, 2)

    assert failing(raises) == 'Mine.build fails for {"b":"y"}: ValueError: no such thing'
    assert failing(lambda self, choose: 3) == "Mine.build returns an nn.Module, found int for {}"

    turns = itertools.count()

    def random(self, choose):
        if next(turns) % 2:
            choose("sometimes", [1, 2])
        return linear(2, 2)

    assert "it must not depend on chance" in failing(random)

    def circular(self, choose):
        first = choose("first", ["a", "b"])
        order = ("p", "q") if first == "a" else ("q", "p")
        if choose(order[0], [0, 1]):
            choose(order[1], [0, 1])
        return linear(2, 2)

    assert "depend on one another; ask one of them first in every network" in failing(circular)


def test_large_spaces_are_read_in_few_runs():
    runs = itertools.count()

    def build(choose):
        next(runs)
        for stage in range(5):
            for layer in range(choose(f"depth{stage}", [2, 3, 4])):
                choose(f"kernel{stage}.{layer}", [3, 5, 7])
                choose(f"expansion{stage}.{layer}", [3, 4, 6])
        family = choose("family", list("abcdefgh"))
        for layer in range(6):
            choose(f"{family}{layer}", [1, 2, 3])

    domain = read_domain(build)
    assert domain.size == (9**2 + 9**3 + 9**4) ** 5 * 8 * 3**6
    assert next(runs) < 1500
