"""Figures of a space's networks that are sums over their layers, told for all of them from a few."""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nassim.errors import NassimError
from nassim.space.architecture import Architecture
from nassim.space.costs.table import CostTable
from nassim.space.domain import ALWAYS, Domain

Vector = NDArray[np.float64]

MOST_MEASURED = 500
"""Networks that are looked at to tell what each option adds; a space that needs more is not taken apart."""

_TOLERANCE = 1e-9
"""How far, as a share, a sum in another order may be from the figure itself."""


class Tabulated(Protocol):
    """What is asked of a space: see `nassim.space.SearchSpace`."""

    @property
    def domain(self) -> Domain:
        """The choices."""

    @property
    def table(self) -> CostTable:
        """What every architecture costs."""


class OptionSums:
    """Figures of a space's networks, as a vector; each network's is the same whichever were asked for before.

    Where the space's options can be swapped for one another, as its table of costs has shown, a layer does the same
    whatever the other choices are, and a sum over layers is one over options. What each option adds is then told from
    networks that differ from one in that option alone, and checked on networks that together take every option.
    Elsewhere (numbers that are searched, choices with conditions) each network is looked at, once.

    Args:
        space: The space.
        figures: Works out an architecture's figures, sums over the layers of its network, in some time.
    """

    def __init__(self, space: Tabulated, figures: Callable[[Architecture], Vector]) -> None:
        self._space = space
        self._figures = figures
        self._known: dict[Architecture, Vector] = {}

    def of(self, architecture: Architecture) -> Vector:
        """Return an architecture's figures; raises what working them out raises."""
        if self._effects is None:
            return self._look(architecture)
        base, added = self._effects
        total: Vector = base + sum(added[item] for item in architecture.items())
        return total

    def _look(self, architecture: Architecture) -> Vector:
        if architecture not in self._known:
            self._known[architecture] = self._figures(architecture)
        return self._known[architecture]

    @cached_property
    def _effects(self) -> tuple[Vector, dict[tuple[str, str], Vector]] | None:
        """What one network has, and what each option adds to it; None where networks are no such sums."""
        choices = self._space.domain.choices
        first = {choice.name: choice.labels[0] for choice in choices}
        try:
            if not self._can_be_swapped(Architecture(first)):
                return None
            base = self._look(Architecture(first))
            added = {
                (choice.name, label): self._look(Architecture(first | {choice.name: label})) - base
                for choice in choices
                for label in choice.labels
            }
            probes = [(probe, self._look(probe)) for probe in self._probes()]
        except NassimError:
            return None  # One of these can't be built or counted, which those who ask for it are to hear, nobody else.
        for probe, figures in probes:
            total = base + sum(added[item] for item in probe.items())
            if not np.allclose(total, figures, rtol=_TOLERANCE, atol=0.0):
                return None
        return base, added

    def _can_be_swapped(self, architecture: Architecture) -> bool:
        choices = self._space.domain.choices
        if any(choice.when is not ALWAYS for choice in choices):
            return False
        if sum(len(choice.labels) for choice in choices) > MOST_MEASURED:
            return False
        table = self._space.table
        return table.skeleton(architecture) is not None and not table.structural

    def _probes(self) -> Iterator[Architecture]:
        """Yield architectures that together take every option, neighbouring choices differently."""
        choices = self._space.domain.choices
        for shift in range(max(len(choice.labels) for choice in choices)):
            options = {c.name: c.labels[(place + shift) % len(c.labels)] for place, c in enumerate(choices)}
            yield Architecture(options)
