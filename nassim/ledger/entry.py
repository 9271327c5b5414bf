"""What workers' seconds are posted as: Entry, one immutable line of the ledger, and the Lease that they are of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from nassim.cost.work import Activity

DRIVER = "driver"
"""Worker's id of the driver, whose own seconds are posted too."""


class Stage(StrEnum):
    """What an entry is for: finding a model, or training the one that was found."""

    SEARCH = "search"
    SHARED = "shared"
    """The training of weights that a search shares among its trials, and perhaps with other searches. It is on the
    books of the search that it was done for."""
    FINAL = "final"


SIDES: Mapping[Stage, tuple[Stage, ...]] = {
    Stage.SEARCH: (Stage.SEARCH, Stage.SHARED),
    Stage.FINAL: (Stage.FINAL,),
}
"""The two sides of the comparison, and the stages that are of each."""


class Outcome(StrEnum):
    """What became of a trial. Written once, on the trial's closing line."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"
    DUPLICATE = "duplicate"
    """Complete, and its architecture had been evaluated before in the same search."""
    STOPPED = "stopped"
    """Ended by a budget or by the user."""
    INFEASIBLE = "infeasible"
    """Its network is beyond the search's limits, so that it was never evaluated."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one worker did for some seconds; or, with an outcome, the line that closes a trial.

    The ledger adds the run and a sequence number. Amounts are negative on a correction: work that turned out to be lost
    is taken off the activity it was posted to and put on `lost`, by two further entries. An entry's own fate (its work
    was of use, or lost) is its activity; the fate of the trial it was done for is on the trial's closing line, so
    totals by outcome join the two.

    Attributes:
        worker: Id of the worker whose lease the seconds are of; "driver" for the driver's own.
        start_s: When it began, on the run's clock.
        seconds: How long it took: device-seconds of one lease.
        activity: What the seconds were spent on.
        search: Name of the search; None for work that belongs to none.
        stage: Search, training of shared weights or final training.
        job: Id of the job it was done for; None outside jobs.
        trial: Number of the Optuna trial; None outside trials.
        architecture: Id of the architecture.
        step: Steps (epochs, rounds) completed with it.
        attempt: How often the trial's job had been handed out before.
        forward_flop: FLOP of forward passes. This and the amounts up to `uncounted` are those of Work.
        backward_flop: FLOP of backward passes.
        modelled_flop: The part of both that is estimated.
        torch_flop: What torch's FlopCounterMode makes of the same passes.
        elementwise_flop: Operations of all that is no contraction.
        elementwise_bytes: Bytes of activations that these move.
        samples: Inputs processed.
        bytes: Bytes written or moved.
        uncounted: Operations without a formula that were performed too.
        energy_j: Joules at the device; None where nothing was measured (then modelled when read). What counters say
            comes later than the seconds, as entries of 0 s with the joules alone.
        metered_s: Seconds that `energy_j` was measured in; None for those of the entry itself.
        value: What the search goes by, of its first objective: on a lap that reported it, and on the closing line of a
            trial that came to one.
        metrics: All that was reported with it, by name; on the closing line the values of all objectives.
        outcome: On closing lines alone: what became of the trial.
        reason: Why, for a trial that failed, was stopped, is beyond its limits or lost work.
    """

    worker: str
    start_s: float
    seconds: float
    activity: Activity
    search: str | None = None
    stage: Stage = Stage.SEARCH
    job: str | None = None
    trial: int | None = None
    architecture: str | None = None
    step: int | None = None
    attempt: int = 0
    forward_flop: int = 0
    backward_flop: int = 0
    modelled_flop: int = 0
    torch_flop: int = 0
    elementwise_flop: int = 0
    elementwise_bytes: int = 0
    samples: int = 0
    bytes: int = 0
    uncounted: tuple[str, ...] = ()
    energy_j: float | None = None
    metered_s: float | None = None
    value: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict, hash=False)
    outcome: Outcome | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that runs one job at a time on a device it holds.

    Attributes:
        id: Unique within a run; a worker that replaces a dead one has an id of its own.
        node: Name of the machine.
        device: What it computes on, for example "cpu: AMD EPYC 7B13" or "gpu: NVIDIA H200".
        processors: How many processors it holds: CPU threads, or GPUs.
        peak_flop_per_s: Peak rate of one processor in FLOP/s; None where it is unknown.
        peak_source: "catalogue" or "measured"; None where the rate is unknown.
    """

    id: str
    node: str
    device: str
    processors: float
    peak_flop_per_s: float | None = None
    peak_source: str | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker holds its device from `opened_s` on, until its release; at most one lease of a worker is open at a time.

    An executor tells of it when the worker is ready, followed by its `startup` lap.

    Attributes:
        worker: The worker.
        opened_s: When it began, on the run's clock.
    """

    worker: Worker
    opened_s: float
