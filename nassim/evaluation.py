"""What evaluators promise and executors run: Candidate, Job, Progress, Preparation, Evaluator.

An evaluator does work and does not know what it is billed; an executor knows the time and does not know what the work
means. Between them passes a Job (driver to worker) and a stream of Progress (worker to driver).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol

from nassim.cost.work import Activity, Work
from nassim.errors import NassimError
from nassim.ledger.entry import Stage
from nassim.space.architecture import Architecture


@dataclass(frozen=True, slots=True)
class Candidate:
    """An architecture under evaluation.

    Attributes:
        architecture: What is evaluated.
        trial: The number of its Optuna trial; None outside trials (what a search has found).
        seed: Everything random about its evaluation derives from this.
    """

    architecture: Architecture
    trial: int | None
    seed: int


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work to be done by one worker, with its planned Work known before it runs. Picklable.

    Attributes:
        id: Unique within a run, for example "tpe/trial/17".
        search: Name of the search that it is done for, whose evaluator runs it.
        kind: What it does, as a label for people: "training", "scoring".
        candidates: What it evaluates, and is booked to: the trials that end with it, or what the search has found. None
            for a preparation.
        first: Number of steps (epochs, rounds) already done: the job goes on from there.
        last: Number of steps done when the job ends.
        seed: Everything random about the job that isn't a candidate's own derives from this.
        planned: One Work per activity: what the job performs when it runs from `first` to `last`, exactly.
        stage: What it is on the books as.
        children: Architectures that shared weights are trained on, one a minibatch.
        stoppable: Whether it may be stopped at a report, and gone on with later from a checkpoint. Another is let end,
            for it is short, and all that it has done would be lost.
        prunable: Whether the pruner sees its reports, and may stop it. Then it is of one trial.
        gated: After each report the worker waits to be told to go on or to stop. Without it, the worker goes on by
            itself and a stop takes effect at its next report.
        checkpoint: Folder for the job's states, a file a step, on a path that workers share; None keeps none. The
            worker writes them and removes none: only the driver knows from which of them the job may have to go on.
        checkpoint_every: Steps between checkpoints.
        attempt: 0 at first; counts the times that the job was handed out again.
        timeout_s: Seconds on the worker after which the job is stopped and fails; None for no limit.
        metric: The key of reported metrics that the search goes by.
    """

    id: str
    search: str
    kind: str
    candidates: tuple[Candidate, ...]
    first: int
    last: int
    seed: int
    planned: tuple[Work, ...]
    stage: Stage = Stage.SEARCH
    children: tuple[Architecture, ...] = ()
    stoppable: bool = True
    prunable: bool = False
    gated: bool = False
    checkpoint: str | None = None
    checkpoint_every: int = 1
    attempt: int = 0
    timeout_s: float | None = None
    metric: str = "accuracy"

    @property
    def trials(self) -> list[int]:
        """The numbers of the trials that it evaluates."""
        return [candidate.trial for candidate in self.candidates if candidate.trial is not None]

    def checkpoint_file(self, step: int) -> Path:
        """Return the file of the job's state after a step.

        Raises:
            NassimError: The job keeps no states.
        """
        if self.checkpoint is None:
            raise NassimError(f"{self.id} keeps no checkpoints, so there is none of step {step}")
        return Path(self.checkpoint) / f"{step:06d}.pt"


@dataclass(frozen=True, slots=True)
class Progress:
    """What a running job yields: the Work done since its last Progress, all of one activity.

    The executor posts the seconds since the last Progress to `work.activity`, so an evaluator yields at every change of
    activity (after training an epoch, after validating it, after writing a checkpoint), and yields what was done so far
    before it lets an exception out.

    Attributes:
        work: What was done.
        step: Steps (epochs, rounds) completed; with metrics it makes this Progress a report.
        trial: The trial that it was done for, that it is booked to and that the metrics are of; None where the job has
            one candidate, or where it was done for no single one.
        metrics: Figures such as `accuracy` and `loss`; empty for Work alone.
        hindrance: Why the job can't go on for now, by no fault of its own: a full disk, say. It tries again when it is
            asked for its next Progress.
    """

    work: Work
    step: int | None = None
    trial: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    hindrance: str = ""

    @property
    def is_report(self) -> bool:
        """Whether this carries metrics, which the search loop passes on to the pruner or the sampler."""
        return bool(self.metrics)


class Diverged(Exception):  # noqa: N818, a state of training rather than an error of the program
    """Training produced a loss that is not finite. The candidate fails; the search goes on."""


class StateLost(NassimError):  # noqa: N818, a state of the job rather than an error of the program
    """The state that a job was to go on from is gone or damaged. The job is not to blame, and is set back.

    Attributes:
        step: Of the last state before that is there and sound; 0 without one.
    """

    def __init__(self, message: str, step: int = 0) -> None:
        super().__init__(message)
        self.step = step


Runner = Callable[[Job], Iterator[Progress]]
"""What an executor runs on its workers."""


class Ready(NamedTuple):
    """A worker that can be given jobs.

    Attributes:
        runner: Runs them.
        warming: What warming up took, a Work of activity `startup`.
    """

    runner: Runner
    warming: Work = Work(Activity.STARTUP)


RunnerFactory = Callable[[], Ready]
"""Makes a Runner on a worker, once in its life: loads the data, the space, the evaluators, and warms up. Picklable."""

Draw = Callable[[int, int], Sequence[Architecture]]
"""Draws n architectures from the sampler's present policy, outside of any trial, for a step of a preparation: what is
drawn depends on the policy and the step alone."""


class Preparation(Protocol):
    """A training that trials wait for, such as that of shared weights; it looks after its states itself.

    It comes on step by step, in one job after another, all of its id, each with a checkpoint at each step that it
    reports. How far it has come is on the ledger. Several searches may go by the same: it is done once.
    """

    @property
    def id(self) -> str:
        """The id of its jobs, unique within a run."""

    def standing(self, step: int) -> int:
        """Return the last step up to this one whose state is there and sound; 0 without one.

        Asked when a driver takes a search up, and when a job did not find what it was to go on from.
        """

    def needless(self, step: int) -> Sequence[Path]:
        """Return the files that nobody needs any more once the ledger holds that it has come to a step."""


class Evaluator(ABC):
    """Says what it takes to know how good an architecture is.

    `prepare` and `plan` run on the driver and are cheap; `warm_up` and `run` run on a worker. The Work that `run`
    yields over a whole job adds up to the job's planned Work, to the last FLOP.

    Attributes:
        preparations: What its trials wait for.
        draws: Whether preparations draw architectures from the sampler.
        prunable: Whether a trial reports more than once, so that a pruner can stop it.
        batch: Trials that one job evaluates; 1 unless candidates are scored together.
        trials: How many trials the whole search takes; None where the search says.
        ranked_by: Reported metrics that stand in for others as objectives, by the names of these: they rank as these
            do, and tell equals apart.
        learn_trials: How many of them, from the first, the sampler learns from; None for all.
        stationary: Whether evaluating an architecture again can only repeat an earlier result. Not so with shared
            weights, which change as the search goes on.
    """

    preparations: Sequence[Preparation] = ()
    draws: bool = False
    prunable: bool = False
    batch: int = 1
    trials: int | None = None
    ranked_by: Mapping[str, str] = MappingProxyType({})
    learn_trials: int | None = None
    stationary: bool = True

    def due(self, preparation: Preparation, trial: int) -> int:
        """Return to which step a preparation must have come before a trial is evaluated.

        The number never falls from one trial to the next. Of a search that has no trials it is asked of trial 0.
        """
        return 0

    def prepare(self, preparation: Preparation, first: int, draw: Draw) -> Job:
        """Return a job that a preparation goes on with from a step; how far, is for the evaluator to say.

        No trial is evaluated meanwhile; jobs of other preparations may be.

        Args:
            preparation: One of `preparations`.
            first: The step to which it has come.
            draw: Draws architectures from the sampler's policy.
        """
        raise TypeError(f"{type(self).__name__} prepares nothing")

    def choose(self) -> Architecture | None:
        """Return what the search has found where its evaluator knows, and not a trial; None where the trials say.

        Asked when its preparations have come to their end and all trials are told.
        """
        return None

    def may_find(self, trial: int) -> bool:
        """Whether a search that comes to its end may find this trial, if it is the best of all such."""
        return True

    def finalists(self, trials: Collection[int]) -> list[int]:
        """Return those of the complete trials whose values compare, among which the search's find is."""
        return list(trials)

    def check(self) -> None:
        """Find out on the driver, before anything is started, what would make the whole search fail.

        Raises:
            NassimError: What is wrong.
        """
        return

    def warm_up(self) -> Work:
        """Do on a worker, before it counts as ready, what its first job would otherwise be charged for.

        Loads data and libraries, and runs kernels for the first time. Leaves no trace in any later result.

        Returns:
            What that took, of activity `startup`.
        """
        return Work(Activity.STARTUP)

    @abstractmethod
    def plan(self, candidates: Sequence[Candidate], first: int = 0) -> Job:
        """Return the job that evaluates these candidates (at most `batch`), going on from step `first`.

        Raises:
            NassimError: The candidates can't be built or counted.
        """

    @abstractmethod
    def run(self, job: Job) -> Iterator[Progress]:
        """Do the job, from `job.first` to `job.last`.

        What a fault of the machine keeps from being written or read is tried until it is; `hindrance` says so.

        Raises:
            Diverged: A loss that is not finite.
            StateLost: What the job was to go on from is gone.
        """
