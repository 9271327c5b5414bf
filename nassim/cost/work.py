"""Work: an amount of computation, and the activities it is spent on."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

FLOP_PER_MAC = 2
"""One multiply-add is 1 MAC and 2 FLOP. The factor is written here and nowhere else."""


class Activity(StrEnum):
    """What a second of a lease, or an operation, was spent on. Every second belongs to exactly one."""

    STARTUP = "startup"
    """From asking for a worker until it is ready: process start, imports, data loading."""
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


@dataclass(frozen=True, slots=True)
class Work:
    """An amount of computation spent on one activity. Amounts of the same activity add up.

    Attributes:
        activity: What it is spent on.
        forward_flop: Operations of forward passes, in FLOP.
        backward_flop: Operations of backward passes, in FLOP.
        samples: Inputs processed; one pass over n inputs is n samples.
        bytes: Bytes written or moved (checkpoints, transfers).
    """

    activity: Activity
    forward_flop: int = 0
    backward_flop: int = 0
    samples: int = 0
    bytes: int = 0

    def __post_init__(self) -> None:
        for name in ("forward_flop", "backward_flop", "samples", "bytes"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 0:
                raise ValueError(f"Work.{name} is a whole number of at least 0, found {value!r}")

    @property
    def flop(self) -> int:
        """Operations performed: forward and backward, in FLOP."""
        return self.forward_flop + self.backward_flop

    def __add__(self, other: "Work") -> "Work":
        if other.activity != self.activity:
            raise ValueError(f"work adds up within one activity, found {self.activity} and {other.activity}")
        return Work(
            self.activity,
            self.forward_flop + other.forward_flop,
            self.backward_flop + other.backward_flop,
            self.samples + other.samples,
            self.bytes + other.bytes,
        )


def add_up(works: Iterable[Work]) -> tuple[Work, ...]:
    """Return one Work per activity, in the order in which the activities first appear."""
    totals: dict[Activity, Work] = {}
    for work in works:
        totals[work.activity] = totals[work.activity] + work if work.activity in totals else work
    return tuple(totals.values())
