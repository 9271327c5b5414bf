"""Aims: what a search goes by, and what its networks may cost."""

from collections.abc import Iterable
from dataclasses import dataclass

from nassim.errors import NassimError
from nassim.hardware.costs import Cost
from nassim.space.architecture import Architecture


@dataclass(frozen=True, slots=True)
class Objective:
    """One figure of a trial that a search goes by.

    Attributes:
        name: Its name on the books; where it has no cost, also that of the metric that the evaluator reports.
        maximised: Whether more of it is better.
        cost: What it is of an architecture, where that is known without evaluating it.
    """

    name: str
    maximised: bool
    cost: Cost | None = None

    def loss(self, value: float) -> float:
        """Return a value as a figure that is better the lower it is."""
        return -value if self.maximised else value


ACCURACY = Objective("accuracy", maximised=True)


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that a network may cost.

    Attributes:
        name: The cost's name, as in messages.
        at_most: The limit, above 0.
        cost: The cost of an architecture.
    """

    name: str
    at_most: float
    cost: Cost


@dataclass(frozen=True, slots=True)
class Excess:
    """A limit that an architecture is beyond.

    Attributes:
        limit: The limit.
        amount: What the architecture costs.
    """

    limit: Limit
    amount: float

    @property
    def share(self) -> float:
        """By how much it is beyond, as a share of the limit; above 0."""
        return self.amount / self.limit.at_most - 1

    def __str__(self) -> str:
        return f"{self.limit.name} is {_shown(self.amount)}, the limit {_shown(self.limit.at_most)}"


def excesses(limits: Iterable[Limit], architecture: Architecture) -> tuple[Excess, ...]:
    """Return the limits that an architecture is beyond; none for one within them.

    Raises:
        NassimError: What it costs can't be told.
    """
    amounts = ((limit, limit.cost(architecture)) for limit in limits)
    return tuple(Excess(limit, amount) for limit, amount in amounts if amount > limit.at_most)


def is_within(limits: Iterable[Limit], architecture: Architecture) -> bool:
    """Say whether an architecture is within the limits. One whose costs can't be told is: its trial will say why."""
    try:
        return not excesses(limits, architecture)
    except NassimError:
        return True


def _shown(amount: float) -> str:
    return f"{amount:,.0f}" if float(amount).is_integer() else f"{amount:,.4g}"
