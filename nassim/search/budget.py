"""Budget: how much may be spent. Spent: how much has been."""

import math
from dataclasses import dataclass, fields


@dataclass(slots=True)
class Spent:
    """What has been spent so far, over all workers and all earlier drivers of the run.

    Attributes:
        flop: Operations performed, forward and backward.
        device_s: Seconds of worker leases, busy or idle; the driver's own are not in it.
        wall_s: Seconds on the run's clock, which stands still while no driver runs.
        trials: Trials that have ended.
    """

    flop: int = 0
    device_s: float = 0.0
    wall_s: float = 0.0
    trials: int = 0

    def add(self, flop: int, device_s: float) -> None:
        """Add what a worker did."""
        self.flop += flop
        self.device_s += device_s


@dataclass(frozen=True, slots=True)
class Overrun:
    """A budget that was reached.

    Attributes:
        name: Which limit.
        limit: The limit.
        spent: What had been spent when the last job had stopped.
    """

    name: str
    limit: float
    spent: float

    @property
    def overshoot(self) -> float:
        """How far over the limit, in the limit's unit."""
        return max(0.0, self.spent - self.limit)

    def __str__(self) -> str:
        share = f"{self.overshoot / self.limit:.1%}" if self.limit else "all of it"
        return (
            f"budget reached: {self.name} {self.limit:g}, spent {self.spent:g} (overshoot {self.overshoot:g}, {share})"
        )


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits on what may be spent; None is no limit. Units as in Spent."""

    flop: int | None = None
    device_s: float | None = None
    wall_s: float | None = None
    trials: int | None = None

    def reached(self, spent: Spent) -> Overrun | None:
        """Return the first limit that `spent` has reached, or None."""
        for field in fields(self):
            limit = getattr(self, field.name)
            amount = getattr(spent, field.name)
            if limit is not None and amount >= limit:
                return Overrun(field.name, limit, amount)
        return None


@dataclass(frozen=True, slots=True)
class Allowance:
    """The budgets that hold at a time (a search's own, the experiment's), each with what has been spent of it."""

    items: tuple[tuple[Budget, Spent], ...] = ()

    def reached(self) -> Overrun | None:
        """Return the first limit that is reached, or None."""
        return next((overrun for budget, spent in self.items if (overrun := budget.reached(spent))), None)

    @property
    def wall_s_left(self) -> float:
        """Wall-clock seconds until the first budget is reached; infinite where none limits them."""
        left = (b.wall_s - s.wall_s for b, s in self.items if b.wall_s is not None)
        return max(0.0, min(left, default=math.inf))

    @property
    def trials_left(self) -> float:
        """Trials that may still end; infinite where no budget limits them."""
        return min((b.trials - s.trials for b, s in self.items if b.trials is not None), default=math.inf)
