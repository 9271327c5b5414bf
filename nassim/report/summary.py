"""RunSummary: all that a report says of a run, as plain values. Nothing here draws, and nothing that draws decides.

An amount that is not known is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from nassim.cost.work import Activity
from nassim.ledger.entry import Outcome

INCLUDED = (
    "every second that a worker is held: start-up, data loading, work, idle and lost time",
    "failed, pruned, duplicate and stopped trials, and work done twice after a fault",
    "the training of shared weights, with all children that it takes",
    "the driver's own seconds: sampler, controller, planning, ledger, waiting",
)
"""What is on the books."""

EXCLUDED = (
    "installing, downloading data, writing and debugging code, and other runs and seeds",
    "the driver's operations (its seconds are posted, its FLOP are not counted)",
    "element-wise operations, normalisation and pooling, which torch's FLOP counter leaves out",
)
"""What is not."""


@dataclass(frozen=True, slots=True)
class ActivityCost:
    """What one activity took.

    Attributes:
        activity: The activity.
        device_s: Seconds of the workers' leases.
        driver_s: Seconds of the driver.
        forward_flop: FLOP of forward passes.
        backward_flop: FLOP of backward passes.
    """

    activity: Activity
    device_s: float
    driver_s: float
    forward_flop: int
    backward_flop: int


@dataclass(frozen=True, slots=True)
class Compute:
    """What a part of a run took.

    Attributes:
        activities: What each activity took, in the order of Activity.
        burden_flop: Hardware burden (Thompson et al. 2020): processors x peak rate x seconds leased, in FLOP; None
            where a worker's peak rate is unknown.
    """

    activities: tuple[ActivityCost, ...]
    burden_flop: float | None

    @property
    def forward_flop(self) -> int:
        """FLOP of forward passes."""
        return sum(cost.forward_flop for cost in self.activities)

    @property
    def backward_flop(self) -> int:
        """FLOP of backward passes."""
        return sum(cost.backward_flop for cost in self.activities)

    @property
    def flop(self) -> int:
        """Operations performed, forward and backward, in FLOP."""
        return self.forward_flop + self.backward_flop

    @property
    def device_s(self) -> float:
        """Device-seconds leased, busy or idle."""
        return sum(cost.device_s for cost in self.activities)

    @property
    def busy_s(self) -> float:
        """Device-seconds of kept work: leased, and neither start-up, idle, lost nor pre-empted."""
        return sum(cost.device_s for cost in self.activities if cost.activity not in UNPRODUCTIVE)

    @property
    def driver_s(self) -> float:
        """Seconds of the driver, waiting included."""
        return sum(cost.driver_s for cost in self.activities)

    @property
    def driver_busy_s(self) -> float:
        """Seconds of the driver, waiting left out."""
        return sum(cost.driver_s for cost in self.activities if cost.activity is not Activity.IDLE)

    @property
    def utilisation(self) -> float | None:
        """Operations performed over the hardware burden."""
        return self.flop / self.burden_flop if self.burden_flop else None


UNPRODUCTIVE = (Activity.STARTUP, Activity.IDLE, Activity.LOST, Activity.PREEMPTED)


@dataclass(frozen=True, slots=True)
class OutcomeCost:
    """What the trials of one outcome took.

    Attributes:
        outcome: The outcome; None for trials that are still open.
        trials: How many.
        device_s: Seconds of workers spent on them alone.
        flop: FLOP, forward and backward.
    """

    outcome: Outcome | None
    trials: int
    device_s: float
    flop: int


@dataclass(frozen=True, slots=True)
class FoundModel:
    """The model that a search found.

    Attributes:
        architecture_id: Twelve hexadecimal digits.
        architecture: Choice name to option label.
        trial: The trial it was found in; None where no single trial proposed it.
        params: Learnable parameters.
        forward_macs: Multiply-adds of one inference.
        forward_flop: FLOP of one inference.
        training_forward_flop: FLOP of the forward passes of its final training.
        training_backward_flop: FLOP of the backward passes of its final training.
        training_s: Device-seconds of its final training: those spent training, on the worker that did it.
        training_samples: Inputs that it was trained on, over all epochs.
        seed: The seed of the final training.
        metrics: What the final training reported last, on the test split; None for a figure that isn't finite.
        training_torch_flop: What torch's FlopCounterMode makes of its final training.
    """

    architecture_id: str
    architecture: Mapping[str, str]
    trial: int | None
    params: int
    forward_macs: int
    forward_flop: int
    training_forward_flop: int
    training_backward_flop: int
    training_s: float
    training_samples: int
    seed: int
    metrics: Mapping[str, float | None]
    training_torch_flop: int

    @property
    def training_flop(self) -> int:
        """FLOP of its final training, forward and backward."""
        return self.training_forward_flop + self.training_backward_flop

    @property
    def test_accuracy(self) -> float | None:
        """Share of the test split that it gets right."""
        return self.metrics.get("accuracy")


@dataclass(frozen=True, slots=True)
class SearchSummary:
    """One search, its final training, and how they compare.

    Attributes:
        name: The search's name.
        evaluator: Kind of its evaluator; None where the ledger doesn't say.
        sampler: Name of its sampler.
        pruner: Name of its pruner.
        outcomes: What became of its trials, in the order of Outcome.
        architectures: Distinct architectures that were evaluated: those of complete, duplicate and pruned trials.
        search: What the search took.
        final: What its final training took, with what the other workers idled meanwhile.
        found: The found model; None before its final training is done.
    """

    name: str
    evaluator: str | None
    sampler: str | None
    pruner: str | None
    outcomes: tuple[OutcomeCost, ...]
    architectures: int
    search: Compute
    final: Compute
    found: FoundModel | None

    @property
    def trials(self) -> int:
        """Trials, whatever became of them."""
        return sum(cost.trials for cost in self.outcomes)

    @property
    def flop_ratio(self) -> float | None:
        """Search compute over the final model's: FLOP of the search over FLOP of the final training."""
        return self.search.flop / self.found.training_flop if self.found and self.found.training_flop else None

    @property
    def device_s_ratio(self) -> float | None:
        """Device-seconds leased for the search over device-seconds of the final training."""
        return self.search.device_s / self.found.training_s if self.found and self.found.training_s else None


@dataclass(frozen=True, slots=True)
class Device:
    """Workers that are alike.

    Attributes:
        device: What they compute on.
        workers: How many.
        nodes: On how many machines.
        processors: Processors that each holds.
        peak_flop_per_s: Peak rate of one processor; None where it is unknown.
        peak_source: "catalogue" or "measured"; None where the rate is unknown.
    """

    device: str
    workers: int
    nodes: int
    processors: float
    peak_flop_per_s: float | None
    peak_source: str | None


@dataclass(frozen=True, slots=True)
class WorkerBalance:
    """Whether one worker's books close.

    Attributes:
        worker: The worker's id.
        leased_s: Seconds leased, from the leases.
        posted_s: Seconds posted, from the entries.
        released: Whether its leases have ended.
    """

    worker: str
    leased_s: float
    posted_s: float
    released: bool

    @property
    def difference_s(self) -> float:
        """Posted minus leased."""
        return self.posted_s - self.leased_s

    @property
    def closes(self) -> bool:
        """Whether posted and leased seconds agree to a microsecond, or a millionth for leases longer than a second."""
        return abs(self.difference_s) <= 1e-6 * max(1.0, self.leased_s)


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run.

    Attributes:
        run: Its name.
        status: `finished`, `running` (also where the driver was killed), `interrupted`, `failed` or `stopped`.
        started_at: When it was started, ISO 8601.
        drivers: How many drivers have held it: 1, and 1 more for each resume.
        experiment: Name of its experiment.
        space: Name of the search space.
        data: Name of the data.
        seed: The run's seed; a run has one.
        devices: What it ran on.
        searches: Its searches, in the experiment's order.
        shared: What belongs to no single search: start-up, and what came before the first and after the last.
        total: What the whole run took.
        wall_s: Seconds on the run's clock; None where no driver's lease is known.
        balance: Leased and posted seconds of each worker, the driver among them.
    """

    run: str
    status: str
    started_at: str
    drivers: int
    experiment: str | None
    space: str | None
    data: str | None
    seed: int | None
    devices: tuple[Device, ...]
    searches: tuple[SearchSummary, ...]
    shared: Compute
    total: Compute
    wall_s: float | None
    balance: tuple[WorkerBalance, ...]

    @property
    def closes(self) -> bool:
        """Whether the books of every worker close."""
        return all(worker.closes for worker in self.balance)
