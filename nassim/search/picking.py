"""Picking: which of a search's trials are its find."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nassim import pareto
from nassim.search.aims import Objective
from nassim.space.architecture import Architecture

PICK_ONE = ("best", "knee")
"""Ways to pick that come to one trial."""


@dataclass(frozen=True, slots=True)
class Picked:
    """What a search has found.

    Attributes:
        trials: Numbers of the trials that are picked, each of another architecture and with other values.
        front: Numbers of the trials that no other is better than, the best by the first objective first.
    """

    trials: tuple[int, ...]
    front: tuple[int, ...]


def pick(
    how: str | int,
    objectives: Sequence[Objective],
    values: Mapping[int, Sequence[float]],
    architectures: Mapping[int, Architecture],
) -> Picked:
    """Pick from the front of some trials. Of those that are equal in all values, or of one architecture, the earliest.

    Args:
        how: "best" by the first objective; "knee" (see `nassim.pareto.knee`); "front", all of it; or at most how many,
            spread over the front from the best by the first objective on (see `nassim.pareto.spread`).
        objectives: What the values are of.
        values: The trials' values, one for each objective; at least one trial.
        architectures: The trials' architectures.
    """
    numbers = sorted(values)
    losses = np.array([[o.loss(v) for o, v in zip(objectives, values[n], strict=True)] for n in numbers])
    indices = pareto.front(losses)
    front = tuple(numbers[index] for index in indices)
    places = _distinct([(architectures[number], tuple(values[number])) for number in front])
    ends = losses[indices[places]]
    match how:
        case "best":
            chosen = [0]
        case "knee":
            chosen = [pareto.knee(ends)]
        case "front":
            chosen = list(range(len(places)))
        case count:
            chosen = pareto.spread(ends, int(count))
    return Picked(tuple(front[places[index]] for index in chosen), front)


def _distinct(trials: Sequence[tuple[Hashable, Hashable]]) -> list[int]:
    """Return the places of those of which neither the one nor the other thing was there before."""
    places: list[int] = []
    seen: tuple[set[Hashable], set[Hashable]] = (set(), set())
    for place, (architecture, value) in enumerate(trials):
        if architecture not in seen[0] and value not in seen[1]:
            places.append(place)
            seen[0].add(architecture)
            seen[1].add(value)
    return places
