"""Work: an amount of computation, and the activities it is spent on."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

FLOP_PER_MAC = 2
"""One multiply-add is 1 MAC and 2 FLOP. The factor is written here and nowhere else."""

AMOUNTS = (
    "forward_flop", "backward_flop", "modelled_flop", "torch_flop", "elementwise_flop", "elementwise_bytes",
    "samples", "bytes",
)  # fmt: skip
"""The whole numbers of a Work: what adds up."""


class Activity(StrEnum):
    """What a second of a lease, or an operation, was spent on. Every second belongs to exactly one."""

    STARTUP = "startup"
    """From asking for a worker until it is ready: process start, imports, data loading, warming up. On the driver: from
    the command's start until workers are asked for."""
    SHUTDOWN = "shutdown"
    """Giving the workers back and ending Ray, on the driver."""
    TRANSFER = "transfer"
    """Moving weights or data to a worker, reading a checkpoint back."""
    TRAIN = "train"
    """Training one architecture: forward and backward."""
    VALIDATE = "validate"
    """Forward passes on the validation split."""
    TEST = "test"
    """Forward passes of the final model on the test split."""
    SUPERNET = "supernet"
    """Training shared weights."""
    SCORE = "score"
    """Forward passes that score children with shared weights."""
    CHECKPOINT = "checkpoint"
    """Writing a checkpoint."""
    CONTROLLER = "controller"
    """Training the controller that proposes (REINFORCE), on the driver."""
    SAMPLER = "sampler"
    """Asking the sampler and telling it, on the driver."""
    PLAN = "plan"
    """Planning jobs: building and counting networks, on the driver."""
    LEDGER = "ledger"
    """Writing the ledger, on the driver."""
    IDLE = "idle"
    """Held, and doing nothing."""
    LOST = "lost"
    """Spent on work that a dead worker took with it."""
    PREEMPTED = "preempted"
    """Spent on work that was lost because the cluster took the worker's node away."""


WAITING = (Activity.STARTUP, Activity.IDLE)
"""What hardware is held for without being busy."""


@dataclass(frozen=True, slots=True)
class Work:
    """An amount of computation spent on one activity. Amounts of the same activity add up.

    Attributes:
        activity: What it is spent on.
        forward_flop: Operations of forward passes, in FLOP: those of contractions (convolutions, products of matrices,
            attention, transforms), as they are performed.
        backward_flop: The same of backward passes.
        modelled_flop: The part of both that is estimated and not counted: of work that died with its worker.
        torch_flop: What torch's FlopCounterMode makes of the same passes, forward and backward.
        elementwise_flop: Operations of all that is no contraction: activations, normalisation, pooling, reductions,
            additions, forward and backward. In none of the above.
        elementwise_bytes: Bytes of activations that these, and copies, move.
        samples: Inputs processed; one pass over n inputs is n samples.
        bytes: Bytes written or moved (checkpoints, transfers).
        uncounted: Names of operations without a formula that were performed too, sorted: the FLOP are at least these.
    """

    activity: Activity
    forward_flop: int = 0
    backward_flop: int = 0
    samples: int = 0
    bytes: int = 0
    torch_flop: int = 0
    elementwise_flop: int = 0
    elementwise_bytes: int = 0
    modelled_flop: int = 0
    uncounted: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in AMOUNTS:
            value = getattr(self, name)
            if not isinstance(value, int) or value < 0:
                raise ValueError(f"Work.{name} is a whole number of at least 0, found {value!r}")

    @property
    def flop(self) -> int:
        """Operations performed: forward and backward, in FLOP."""
        return self.forward_flop + self.backward_flop

    @property
    def amounts(self) -> dict[str, Any]:
        """What adds up, by name."""
        return {name: getattr(self, name) for name in AMOUNTS}

    def __add__(self, other: "Work") -> "Work":
        if other.activity != self.activity:
            raise ValueError(f"work adds up within one activity, found {self.activity} and {other.activity}")
        uncounted = tuple(sorted({*self.uncounted, *other.uncounted}))
        sums = {name: getattr(self, name) + getattr(other, name) for name in AMOUNTS}
        return Work(self.activity, uncounted=uncounted, **sums)

    def spent_on(self, activity: Activity) -> "Work":
        """Return the same amounts, spent on another activity."""
        return replace(self, activity=activity)

    def part(self, samples: int) -> "Work":
        """Return what some of its samples take, where every sample takes the same."""
        amounts = {name: amount // self.samples * samples for name, amount in self.amounts.items()}
        return Work(self.activity, uncounted=self.uncounted if samples else (), **amounts)


def add_up(works: Iterable[Work]) -> tuple[Work, ...]:
    """Return one Work per activity, in the order in which the activities first appear."""
    totals: dict[Activity, Work] = {}
    for work in works:
        totals[work.activity] = totals[work.activity] + work if work.activity in totals else work
    return tuple(totals.values())
