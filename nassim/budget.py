"""Budget: what may be spent. Spent: what has been. Overrun: a limit that was reached."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, Field

from nassim import units
from nassim.spec import Amount, Count, Spec, whole


@dataclass(slots=True)
class Spent:
    """What has been spent so far, over all workers and all earlier drivers of the run.

    Attributes:
        flop: Operations performed, forward and backward.
        device_s: Seconds of worker leases, busy or idle; the driver's own are not in it.
        wall_s: Seconds on the run's clock, which stands still while no driver runs: the driver's.
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


FAR = 100.0
"""An overshoot, as a share of its limit, from which on it isn't told how far."""


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
        over = self.overshoot / self.limit
        share = units.percent(over) if over < FAR else f"more than {units.percent(FAR)}"
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


FlopAmount = Annotated[int, BeforeValidator(whole), Field(gt=0)]
"""A whole number above 0."""


class Budget(Spec):
    """Limits on what may be spent, over all workers and all resumes. A limit left out is none."""

    flop: FlopAmount | None = None
    """Operations, forward and backward, in FLOP."""
    device_s: Amount | None = None
    """Seconds of worker leases, busy or idle, added up over the workers."""
    wall_s: Amount | None = None
    """Seconds on the run's clock, which stands still while no driver runs."""
    trials: Count | None = None
    """Trials over all searches, infeasible ones left out; of the experiment's budget alone."""
    kwh: Amount | None = None
    """Energy for the workers' devices, the data centre's included, in kWh; by `site`, as the next two."""
    usd: Amount | None = None
    """Rent of the workers' devices, in USD."""
    gco2e: Amount | None = None
    """Emissions for that energy, in grams of CO2 equivalent."""

    def reached(self, spent: Spent, owner: str = "experiment") -> Overrun | None:
        """Return the first limit that `spent` has reached, or None."""
        for name, limit in self:
            amount = getattr(spent, name)
            if limit is not None and amount >= limit:
                return Overrun(owner, name, limit, amount)
        return None

    @property
    def limits_work(self) -> bool:
        """Whether a running job may have to be stopped: trials alone are counted when they end."""
        return any(limit is not None for name, limit in self if name != "trials")

    def seconds_left(self, spent: Spent, workers: int) -> float:
        """Return after how many seconds at the soonest a limit on time is reached, with so many workers held."""
        wall_s = math.inf if self.wall_s is None else self.wall_s - spent.wall_s
        device_s = math.inf if self.device_s is None or not workers else (self.device_s - spent.device_s) / workers
        return max(0.0, min(wall_s, device_s))
