"""Budget: how much may be spent. Spent: how much has been."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace

from nassim import units


@dataclass(slots=True)
class Spent:
    """What has been spent so far, over all workers and all earlier drivers of the run.

    Attributes:
        flop: Operations performed, forward and backward.
        device_s: Seconds of worker leases, busy or idle, up to this moment; the driver's own are not in it.
        wall_s: Seconds on the run's clock, which stands still while no driver runs.
        trials: Trials that have ended, those beyond their search's limits left out.
        kwh: Energy of the data centre for the workers' devices, as far as it is posted. This and the two below are kept
            where a budget needs them; nan where a number that they need is unknown.
        usd: Rent of the workers' devices.
        gco2e: Emissions, in grams of CO2 equivalent.
    """

    flop: int = 0
    device_s: float = 0.0
    wall_s: float = 0.0
    trials: int = 0
    kwh: float = 0.0
    usd: float = 0.0
    gco2e: float = 0.0


@dataclass(frozen=True, slots=True)
class Overrun:
    """A budget that was reached.

    Attributes:
        owner: Whose it is: "experiment", or the name of a search.
        name: Which limit.
        limit: The limit.
        spent: What has been spent of it.
    """

    owner: str
    name: str
    limit: float
    spent: float

    @property
    def overshoot(self) -> float:
        """How far over the limit, in the limit's unit."""
        return max(0.0, self.spent - self.limit)

    def __str__(self) -> str:
        limit, spent, overshoot = map(_SHOWN[self.name], (self.limit, self.spent, self.overshoot))
        share = units.percent(self.overshoot / self.limit)
        return f"{self.owner}'s budget: {limit} reached, spent {spent} (overshoot {overshoot}, {share})"


_SHOWN: Mapping[str, Callable[[float], str]] = {
    "flop": lambda value: units.amount(value, "FLOP"),
    "device_s": lambda value: f"{units.seconds(value)} of device time",
    "wall_s": lambda value: f"{units.seconds(value)} of wall-clock time",
    "trials": lambda value: units.count(int(value), "trial"),
    "kwh": units.kwh,
    "usd": units.usd,
    "gco2e": units.gco2e,
}
"""How amounts of each limit are told: as the report tells them."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits on what may be spent, each above 0; None is no limit. Units as in Spent."""

    flop: int | None = None
    device_s: float | None = None
    wall_s: float | None = None
    trials: int | None = None
    kwh: float | None = None
    usd: float | None = None
    gco2e: float | None = None

    def reached(self, spent: Spent, owner: str = "experiment") -> Overrun | None:
        """Return the first limit that `spent` has reached, or None."""
        for field in fields(self):
            limit = getattr(self, field.name)
            amount = getattr(spent, field.name)
            if limit is not None and amount >= limit:
                return Overrun(owner, field.name, limit, amount)
        return None

    def seconds_left(self, spent: Spent, workers: int) -> float:
        """Return after how many seconds at the soonest a limit on time is reached, with so many workers held."""
        wall_s = math.inf if self.wall_s is None else self.wall_s - spent.wall_s
        device_s = math.inf if self.device_s is None or not workers else (self.device_s - spent.device_s) / workers
        return max(0.0, min(wall_s, device_s))


@dataclass(frozen=True, slots=True)
class Allowance:
    """The budgets that hold at a time.

    Attributes:
        items: Of each budget its owner ("experiment", or the name of a search), its limits, and what has been spent.
    """

    items: tuple[tuple[str, Budget, Spent], ...] = ()

    def reached(self) -> Overrun | None:
        """Return the first limit that is reached, or None."""
        for owner, budget, spent in self.items:
            if overrun := budget.reached(spent, owner):
                return overrun
        return None

    def updated(self, overrun: Overrun) -> Overrun:
        """Return an overrun of one of these budgets with what has been spent by now."""
        spent = next(spent for owner, _, spent in self.items if owner == overrun.owner)
        return Overrun(overrun.owner, overrun.name, overrun.limit, getattr(spent, overrun.name))

    @property
    def limits_work(self) -> bool:
        """Whether a running job may have to be stopped: trials alone are counted when they end."""
        return any(replace(budget, trials=None) != Budget() for _, budget, _ in self.items)

    def seconds_left(self, workers: int) -> float:
        """Return after how many seconds at the soonest a limit on time is reached, with so many workers held."""
        return min((budget.seconds_left(spent, workers) for _, budget, spent in self.items), default=math.inf)

    @property
    def trials_left(self) -> float:
        """Trials that may still end; infinite where no budget limits them."""
        left = (budget.trials - spent.trials for _, budget, spent in self.items if budget.trials is not None)
        return min(left, default=math.inf)
