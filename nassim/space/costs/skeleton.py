"""Skeleton: what networks cost that differ by options which can be swapped for one another, from one run."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from nassim.cost.counting import batches, input_type
from nassim.cost.dispatch import OperationCounter
from nassim.cost.layers import weigh
from nassim.cost.profile import AMOUNTS, Profile
from nassim.cost.tally import Tally, amounts
from nassim.space.architecture import Architecture
from nassim.space.choosing import Choose
from nassim.space.costs.swapping import ClashError, Place, Swap, SwapReader
from nassim.space.domain import Domain

Amounts = tuple[int, ...]
"""The whole numbers of a Profile, in the order of `nassim.cost.profile.AMOUNTS`."""

Tallies = defaultdict[Place, Tally]
"""What was counted, by place."""

Decision = tuple[str, str]
"""A choice and a label."""


class Networks(Protocol):
    """What a space is asked for, to tell what its networks cost: see `nassim.space.SearchSpace`."""

    input_shape: tuple[int, ...]

    @property
    def domain(self) -> Domain:
        """The choices."""

    def build(self, choose: Choose) -> nn.Module:
        """Return a network, asking where it may vary."""

    def canonical(self, labels: Mapping[str, str]) -> Architecture:
        """Return the architecture of these decisions."""

    def subnet(self, architecture: Mapping[str, str]) -> nn.Module:
        """Return the network of an architecture."""


class InseparableError(Exception):
    """What the options of this network cost can't be told apart."""


@dataclass(frozen=True, slots=True)
class Skeleton:
    """What a family of networks costs: the sum of the parts whose decisions an architecture takes.

    Attributes:
        fixed: Amounts of what every network of the family has.
        options: Amounts by one decision, of every swapped choice and label that was measured.
        nested: Amounts by several decisions, for options inside options.
        uncounted: Decisions to calls of operations that can't be counted.
    """

    fixed: Amounts
    options: Mapping[Decision, Amounts]
    nested: Mapping[frozenset[Decision], Amounts]
    uncounted: Mapping[frozenset[Decision], Counter[str]]

    def covers(self, architecture: Mapping[str, str], structural: frozenset[str]) -> bool:
        """Say whether every option that a canonical architecture of this family takes was measured."""
        return all(name in structural or (name, label) in self.options for name, label in architecture.items())

    def profile(self, architecture: Mapping[str, str]) -> Profile:
        """Return what the network of a canonical architecture of this family costs."""
        options = self.options
        amounts = [self.fixed, *(options[item] for item in architecture.items() if item in options)]
        if not self.nested and not self.uncounted:
            return _profile(amounts, ())
        taken = set(architecture.items())
        amounts += [more for decisions, more in self.nested.items() if decisions <= taken]
        calls = sum((calls for decisions, calls in self.uncounted.items() if decisions <= taken), Counter[str]())
        return _profile(amounts, tuple(sorted(calls.items())))


def _profile(parts: Iterable[Amounts], uncounted: tuple[tuple[str, int], ...]) -> Profile:
    return Profile(*map(sum, zip(*parts, strict=True)), uncounted)  # type: ignore[arg-type, call-arg]


def read_skeleton(space: Networks, architecture: Mapping[str, str], structural: frozenset[str]) -> Skeleton:
    """Measure every option that can be swapped into the network of an architecture.

    Args:
        space: The space.
        architecture: A canonical architecture.
        structural: Choices that stay as the architecture has them.

    Raises:
        ClashError: The network depends on one more choice.
        InseparableError: Its options can't be told apart, or it can't be run.
    """
    try:
        return _read(space, architecture, structural)
    except (ClashError, InseparableError):
        raise
    except Exception as error:
        raise InseparableError(f"{type(error).__name__}: {error}") from error


def _read(space: Networks, architecture: Mapping[str, str], structural: frozenset[str]) -> Skeleton:
    reader = SwapReader(architecture, structural)
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        network = space.build(reader)
    batch = batches(network, space.input_shape)[0]
    forward, backward = _step(network, space.input_shape, batch)
    weights = _weights(network)
    places: defaultdict[frozenset[Decision], set[Place]] = defaultdict(set)
    for place in (*weights, *forward, *backward):
        places[frozenset(place)].add(place)
    parts: dict[frozenset[Decision], Amounts] = {}
    uncounted: dict[frozenset[Decision], Counter[str]] = {}
    for decisions, same in places.items():
        ahead = Tally.total(forward[place] for place in same)
        back = Tally.total(backward[place] for place in same)
        held = [weight for place in same for weight in weights.get(place, ())]
        parts[decisions] = _amounts(ahead, back, held, batch)
        if calls := ahead.uncounted + back.uncounted:
            uncounted[decisions] = calls
    nothing = (0,) * len(AMOUNTS)
    return Skeleton(
        fixed=parts.get(frozenset(), nothing),
        options={decision: parts.get(frozenset({decision}), nothing) for decision in _measured(network)},
        nested={decisions: amounts for decisions, amounts in parts.items() if len(decisions) > 1},
        uncounted=uncounted,
    )


def _step(network: nn.Module, input_shape: tuple[int, ...], batch: int) -> tuple[Tallies, Tallies]:
    """Run one training step and return what its forward and its backward pass cost at each place."""
    counter = OperationCounter(batch)
    counter.scope = ()
    for module in network.modules():
        if isinstance(module, Swap):
            module.counter = counter
    network.train()
    with torch.inference_mode(False), torch.enable_grad():
        x = torch.empty((batch, *input_shape), dtype=input_type(network), device="meta")
        with counter:
            output = network(x)
        forward = counter.take()
        if not isinstance(output, Tensor):
            raise InseparableError("the network returns something that is not a tensor")
        if output.requires_grad:
            start = output.sum()
            with counter:
                start.backward()  # type: ignore[no-untyped-call]
        backward = counter.take()
    return _by_place(forward), _by_place(backward)


def _by_place(tallies: Mapping[Hashable, Tally]) -> Tallies:
    return defaultdict(Tally, {scope: tally for scope, tally in tallies.items() if isinstance(scope, tuple)})


def _amounts(forward: Tally, backward: Tally, weights: list[Tensor], batch: int) -> Amounts:
    """Return one part's amounts for one input."""
    if not (forward.in_proportion and backward.in_proportion):
        raise InseparableError("an operation may cost other than in proportion to the batch")
    learning = [weight for weight in weights if isinstance(weight, nn.Parameter)]
    buffers = [weight for weight in weights if not isinstance(weight, nn.Parameter)]
    return tuple(amounts(weigh(learning, buffers), forward, backward, batch).values())


def _weights(network: nn.Module) -> dict[Place, list[Tensor]]:
    """Return the parameters and buffers at each place.

    Raises:
        InseparableError: A weight stands at two places, so that it would be counted twice.
    """
    owners: dict[int, Place] = {}
    weights: defaultdict[Place, list[Tensor]] = defaultdict(list)

    def visit(module: nn.Module, place: Place) -> None:
        for weight in (*module.parameters(recurse=False), *module.buffers(recurse=False)):
            if owners.setdefault(id(weight), place) != place:
                raise InseparableError("a weight is shared between options")
            weights[place].append(weight)
        if isinstance(module, Swap):
            for label, option in zip(module.labels, module.options, strict=True):
                visit(option, (*place, (module.choice, label)))
        else:
            for child in module.children():
                visit(child, place)

    visit(network, ())
    return {place: list({id(weight): weight for weight in held}.values()) for place, held in weights.items()}


def _measured(network: nn.Module) -> list[Decision]:
    """Return every swapped choice with the labels that were measured wherever it is asked."""
    labels: dict[str, frozenset[str]] = {}
    for module in network.modules():
        if isinstance(module, Swap):
            labels[module.choice] = labels.get(module.choice, frozenset(module.labels)) & frozenset(module.labels)
    return [(choice, label) for choice, measured in labels.items() for label in sorted(measured)]
