"""The contract of every executor: jobs in, a timeline of events out.

An executor holds workers. Each worker's device is leased from the moment it is held until it is released, and the
executor reports that as a gapless timeline: the `Lease`, then `Lap`s that follow one another without a gap, then
`Released`. So the seconds of a worker's laps add up to the seconds of its lease. Where energy counters can be read,
`Metered` says afterwards what laps drew. Executors report, the search loop books.

All times are seconds on one clock, the executor's own: 0 when it starts (or `at_s`, for a run that goes on), never set
back, not running while no driver runs.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import TracebackType

from nassim.cost.work import Activity, Work
from nassim.errors import NassimError
from nassim.evaluation import Job, RunnerFactory
from nassim.executors.clock import utc
from nassim.ledger.entry import Lease


def worker_id(name: str, driver: int) -> str:
    """Return the id of a worker that has this name among those of one driver of the run."""
    return name if driver == 1 else f"{name}@{driver}"


@dataclass(frozen=True, slots=True)
class Lap:
    """What a worker did from `start_s` for `seconds`: exactly one activity.

    Attributes:
        worker: The worker's id.
        start_s: When it began; where the worker's previous lap ended.
        seconds: How long it took, at least 0.
        activity: What the time was spent on.
        work: The Work done, of that activity; None for activities without any (startup, idle, ...).
        job: The job it was done for; None outside jobs.
        step: Steps of the job completed with it, where that is known.
        trial: Of a job with several candidates, the trial that it was done for, where it was done for one.
        metrics: What was reported with it.
        unreported: Whether the job was cut short in the midst of it, so that work was done of which nobody heard.
    """

    worker: str
    start_s: float
    seconds: float
    activity: Activity
    work: Work | None = None
    job: Job | None = None
    step: int | None = None
    trial: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict, hash=False)
    unreported: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """A running job reports metrics. For a gated job the executor now waits for `proceed` or `stop`."""

    job: Job
    worker: str
    step: int
    trial: int | None
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Hindered:
    """A running job can't go on for now, by no fault of its own. It comes each time that the job has tried again.

    Attributes:
        job: The job.
        reason: What hinders it.
    """

    job: Job
    reason: str


class Ending(StrEnum):
    """How a job ended on its worker."""

    DONE = "done"
    STOPPED = "stopped"
    """It was told to stop (pruned, budget reached)."""
    FAILED = "failed"
    """It raised, diverged, ran out of memory or over its time. The worker lives."""
    LOST = "lost"
    """Its worker died with it."""
    PREEMPTED = "preempted"
    """Its worker's node was taken away."""
    SET_BACK = "set back"
    """What it was to go on from is gone or damaged. The worker lives."""


@dataclass(frozen=True, slots=True)
class JobEnded:
    """A job is off its worker. Its laps came before.

    Attributes:
        job: The job.
        worker: The worker's id.
        ending: How it ended.
        reason: Why, for a failed or lost job: one line, the exception's type first.
        checkpoint_step: The last step whose checkpoint was written, from which a lost job can go on; of one that is
            set back, the last whose checkpoint is there. None without one.
    """

    job: Job
    worker: str
    ending: Ending
    reason: str | None = None
    checkpoint_step: int | None = None


@dataclass(frozen=True, slots=True)
class Released:
    """A worker's device is no longer held from `at_s` on. Its laps reach up to that moment."""

    worker: str
    at_s: float
    reason: str = "closed"


@dataclass(frozen=True, slots=True)
class Metered:
    """What a counter measured of a lap that was reported before. Comes late, perhaps after the worker's release.

    A lap is metered at most once, for as many of its seconds as were measured. Over a run the joules add up to what the
    counters counted while workers were leased.

    Attributes:
        lap: The lap.
        start_s: From when in it energy was measured.
        seconds: For how many of its seconds.
        joules: What the worker's device drew in them.
    """

    lap: Lap
    start_s: float
    seconds: float
    joules: float


@dataclass(frozen=True, slots=True)
class Unmetered:
    """Energy is not measured on a machine, or not any longer. Comes once a machine.

    Attributes:
        node: Name of the machine.
        reason: Why, and what to do about it.
    """

    node: str
    reason: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Some workers wait for room, unbilled, while others work. Comes when their number changes.

    Attributes:
        workers: How many wait; 0 when none does any more.
        of: How many there are to be.
        wanted: What each of them is to hold, and what there is.
    """

    workers: int
    of: int
    wanted: str


Event = Lease | Lap | Report | Hindered | JobEnded | Released | Metered | Unmetered | Waiting


class ExecutorLost(NassimError):  # noqa: N818, a state of the executor rather than an error of the program
    """What all workers run on is gone. The executor can be closed, and nothing else."""


def never() -> bool:
    """Whether to be woken: not."""
    return False


class Executor(ABC):
    """Where and when jobs run. Use as a context manager: leaving it closes it.

    It has a clock of its own. Whatever is of the run goes by it: budgets, time limits, the stamps of trials. Signals
    and commits are the host's matter, and go by the host's clock.

    Attributes:
        in_process: Whether jobs run in the driver's own process, inside `wait`.
        simulated: Whether its clock is not the world's: nothing is trained that takes the seconds on the books.

    Example:
        ```
        with RayExecutor(workers=2) as executor:
            executor.start(factory)
            executor.submit(job)
            for event in executor.wait(): ...
        ```
    """

    in_process: bool = False
    simulated: bool = False

    def date(self) -> datetime:
        """Return the date that goes with the clock, with its time zone: what trials are stamped with. Never set back.

        An executor that simulates has a calendar of its own.
        """
        return utc()

    def connect(self) -> None:
        """Reach what the workers will be on, before anything is written; `start` does it where nobody has.

        Raises:
            NassimError: There is nothing to be reached (bad address), or less than the workers are to hold.
        """
        return

    @abstractmethod
    def start(self, factory: RunnerFactory, at_s: float = 0.0, driver: int = 1) -> None:
        """Begin to lease workers; each calls `factory` once. Returns before they are ready.

        A worker is leased from when its device is held. What its factory took to warm up is on its `startup` lap.

        Args:
            factory: Makes the runner on a worker.
            at_s: What the clock shows at this moment: the seconds that this run has used.
            driver: Which driver of the run this is, from 1: workers' ids are unique over all of them.

        Raises:
            NassimError: Workers can't be had (bad address, more resources than there are).
        """

    @property
    @abstractmethod
    def free(self) -> int:
        """How many jobs can be submitted now: ready workers without a job."""

    @property
    @abstractmethod
    def capacity(self) -> int:
        """How many workers there are or are being started."""

    @abstractmethod
    def submit(self, job: Job) -> None:
        """Hand a job to a free worker.

        Raises:
            RuntimeError: No worker is free.
        """

    @abstractmethod
    def wait(self, timeout_s: float | None = None, woken: Callable[[], bool] = never) -> list[Event]:
        """Return the events since the last call, in order; block until there is one, until the timeout, or until woken.

        Args:
            timeout_s: Seconds on the executor's clock; None for no limit, where an event must come.
            woken: Whether to return at once, for something of the host's. It is asked now and then: at least twice in a
                second of the host's, and between two events.

        Raises:
            NassimError: No event can come any more: no worker is left and none can be had.
            ExecutorLost: What they run on is gone.
        """

    @abstractmethod
    def proceed(self, job: Job) -> None:
        """Let a gated job go on after its report."""

    @abstractmethod
    def stop(self, job: Job) -> None:
        """Stop a job: a gated one that waits, now; another at its next report. It ends as `stopped`."""

    @abstractmethod
    def now_s(self) -> float:
        """Return the clock: seconds since `start`, plus `at_s`."""

    @abstractmethod
    def close(self) -> list[Event]:
        """Release all workers and return the last events: their laps up to the release, ended jobs, releases.

        Running jobs are abandoned and end as `stopped`. Idempotent: a second call returns no events.
        """

    def __enter__(self) -> "Executor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
