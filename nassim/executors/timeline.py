"""One worker's lease as a gapless timeline: moments in, events out."""

from dataclasses import replace

from nassim.cost.work import Activity, Work
from nassim.evaluation import Job, Progress
from nassim.executors.base import Ending, Event, Hindered, JobEnded, Lap, Released, Report
from nassim.executors.running import End, Mark
from nassim.ledger.entry import Lease, Worker

_TAKEN_AWAY = {Ending.LOST: Activity.LOST, Ending.FAILED: Activity.LOST, Ending.PREEMPTED: Activity.PREEMPTED}
"""What the last seconds of a job are posted to whose worker is gone."""


class Timeline:
    """A lease from the moment the device is held until it is released.

    Each lap begins where the last one ended, so that the laps add up to the lease. A moment that seems to lie before
    the last lap's end (another machine's clock is known to a fraction of a millisecond only) makes a lap of 0 s.

    Attributes:
        job: The job that the worker has; None without one.
    """

    def __init__(self, worker: Worker, leased_s: float) -> None:
        self.job: Job | None = None
        self._worker = worker
        self._leased_s = leased_s
        self._end_s = leased_s
        self._handed_s: float | None = None
        self._activity = Activity.IDLE
        self._step = 0
        self._checkpoint_step: int | None = None
        self._waits = False

    def ready(self, at_s: float, warming: Work | None = None) -> list[Event]:
        """The worker is ready, and warming up took so much."""
        return [Lease(self._worker, self._leased_s), self._lap(at_s, Activity.STARTUP, warming)]

    def never_ready(self, at_s: float, reason: str) -> list[Event]:
        """The device was held and is given back before the worker was ready."""
        return [*self.ready(at_s), Released(self._worker.id, self._end_s, reason)]

    def hand(self, job: Job, at_s: float) -> None:
        """The worker is given a job."""
        self.job = job
        self._handed_s = at_s
        self._activity = _begins_with(job)
        self._step = job.first
        self._checkpoint_step = job.first if job.checkpoint is not None and job.first else None
        self._waits = False

    def take(self, at_s: float, what: Mark | Progress | End) -> list[Event]:
        """The job came to something.

        Args:
            at_s: When, on the executor's clock.
            what: What it came to.
        """
        job = self.job
        assert job is not None, "a moment belongs to a job"
        match what:
            case Mark.BEGAN:
                self._handed_s = None
                return [self._lap(at_s, Activity.IDLE)]
            case Mark.WAITED:
                self._waits = False
                return [self._lap(at_s, Activity.IDLE, job=job)]
            case Progress():
                return self._progress(at_s, job, what)
            case End():
                return self._end(at_s, job, what)

    def release(self, at_s: float, reason: str, ending: Ending = Ending.STOPPED) -> list[Event]:
        """The device is given back, or is gone.

        Args:
            at_s: When, on the executor's clock.
            reason: Why; also of its job's end, unless that is STOPPED.
            ending: How the worker's job ends, if it has one: STOPPED is abandoned by us, anything else went with its
                worker.
        """
        job = self.job
        if job is None:
            return [self._lap(at_s, Activity.IDLE), Released(self._worker.id, self._end_s, reason)]
        events: list[Event] = []
        if self._handed_s is not None:
            events.append(self._lap(self._handed_s, Activity.IDLE))
        activity = _TAKEN_AWAY.get(ending, Activity.IDLE if self._waits else self._activity)
        why = None if ending is Ending.STOPPED else reason
        events.append(replace(self._lap(at_s, activity, job=job), unreported=activity is not Activity.IDLE))
        events.append(JobEnded(job, self._worker.id, ending, why, self._checkpoint_step))
        events.append(Released(self._worker.id, self._end_s, reason))
        self.job = None
        return events

    def _progress(self, at_s: float, job: Job, progress: Progress) -> list[Event]:
        if progress.hindrance:
            self._waits = True
            return [self._lap(at_s, Activity.IDLE, job=job), Hindered(job, progress.hindrance)]
        work = progress.work
        self._activity = work.activity
        self._step = self._step if progress.step is None else progress.step
        if work.activity is Activity.CHECKPOINT:
            self._checkpoint_step = self._step
            self._activity = _begins_with(job) if self._step < job.last else Activity.IDLE
        lap = self._lap(at_s, work.activity, work, job, progress.step)
        events: list[Event] = [replace(lap, trial=progress.trial, metrics=progress.metrics)]
        if progress.is_report:
            self._waits = job.gated
            events.append(Report(job, self._worker.id, self._step, progress.trial, progress.metrics))
        return events

    def _end(self, at_s: float, job: Job, end: End) -> list[Event]:
        # What a job does after its last Progress has no name. A failed one died doing what it did last, or what it was
        # to do first, and so did one that is set back; after any other the worker is idle.
        events: list[Event] = []
        if end.ending in (Ending.FAILED, Ending.SET_BACK):
            events.append(self._lap(at_s, self._activity, job=job))
        if end.ending is Ending.SET_BACK:
            self._checkpoint_step = end.step
        events.append(JobEnded(job, self._worker.id, end.ending, end.reason, self._checkpoint_step))
        self.job = None
        return events

    def _lap(
        self,
        until_s: float,
        activity: Activity,
        work: Work | None = None,
        job: Job | None = None,
        step: int | None = None,
    ) -> Lap:
        start_s, self._end_s = self._end_s, max(until_s, self._end_s)
        return Lap(self._worker.id, start_s, self._end_s - start_s, activity, work, job, step)


def _begins_with(job: Job) -> Activity:
    """Return what a job does first, and again after a checkpoint."""
    return job.planned[0].activity if job.planned else Activity.IDLE
