"""Books: turns what an executor reports, and the driver does, into entries."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from nassim.budget import Spent
from nassim.cost.work import AMOUNTS, Activity, Work
from nassim.evaluation import Candidate, Job
from nassim.executors.base import Event, Executor, Lap, Metered, Released, Unmetered, Waiting
from nassim.ledger.entry import DRIVER, Entry, Lease, Outcome, Worker
from nassim.ledger.writer import Writer
from nassim.search.commits import Commits
from nassim.search.driver_time import DriverTime
from nassim.search.pace import Pace
from nassim.search.spending import Account, Accounts, Spending
from nassim.search.stretches import Past, Stretches


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialEnd:
    """How a trial ends.

    Attributes:
        trial: Its number.
        outcome: What became of it.
        reported: The metrics that it reported last.
        attempt: How often its job was handed out before.
        reason: Why, where that is to be said.
    """

    trial: int
    outcome: Outcome
    reported: Mapping[str, float] = field(default_factory=dict)
    attempt: int = 0
    reason: str | None = None


_NOT_LOST_TWICE = (Activity.LOST, Activity.PREEMPTED)


@dataclass(frozen=True, slots=True)
class _WrittenOff:
    """What became of the last laps of a job that was lost: of those from `from_s` on."""

    from_s: float
    to: Activity
    reason: str | None


class Books:
    """Books one driver's share of a run: workers' laps, trials' ends, and the driver's own seconds.

    The driver is a worker too: from `open` to `close` each of its seconds is posted to one activity. `turn` says what
    it is busy with; the seconds are added up and posted with each commit, one entry per activity.
    """

    def __init__(
        self,
        writer: Writer,
        executor: Executor,
        spending: Spending | None = None,
        warn: Callable[[str], None] = lambda message: None,
        pasts: Mapping[str, Past] = MappingProxyType({}),
    ) -> None:
        """Begin the books of a driver.

        Args:
            writer: Writes them.
            executor: Whose workers they are about, and whose clock they go by.
            spending: What earlier drivers of the run have spent; is added to.
            warn: Is told when the database goes away and when it is back.
            pasts: What earlier drivers have left of unfinished jobs, by the jobs' ids.
        """
        self._writer = writer
        self._executor = executor
        self._warn = warn
        self._commits = Commits(writer, warn)
        self._spending = spending or Spending()
        self._accounts = Accounts()
        self._driver = DriverTime(executor.now_s, self._accounts)
        self._stretches = Stretches(pasts)
        self._written_off: dict[tuple[str | None, int], _WrittenOff] = {}
        self._pace = Pace()
        self._uncounted: set[str] = set()

    def open(self, node: str, opened_s: float) -> None:
        """Begin the driver's lease at a moment that has passed; what it did since then was starting."""
        self._writer.lease(Lease(Worker(DRIVER, node, DRIVER, processors=1), opened_s))
        self._driver.begin(opened_s)

    def close(self, hurried: Callable[[], bool] = lambda: False) -> None:
        """End the driver's lease, now, and commit. What unfinished jobs had done since their checkpoints is lost.

        Args:
            hurried: Whether there is no time to wait for a database that is away.

        Raises:
            LedgerUnavailable: It has been away for too long, or there was no time.
        """
        for job in self._stretches.jobs():
            self.write_off(self._stretches.take_unkept(job), "interrupted")
        self.tally()
        self._post_driver()
        self._writer.release(DRIVER, self._driver.at_s, "closed")
        self._commits.commit_at_last(hurried)

    @property
    def account(self) -> Account:
        """What is being worked for."""
        return self._accounts.current

    def work_for(self, account: Account) -> None:
        """Work for this from now on."""
        self.tally()
        self._accounts.open(account, self._driver.at_s)
        self._spending.work_for(account, self._driver.at_s)

    def spent(self) -> Spent:
        """Return what the run has spent up to this moment."""
        return self._spending.overall(self._executor.now_s())

    def spent_by(self, search: str) -> Spent:
        """Return what a search has spent up to this moment, its final training left out."""
        return self._spending.of(search, self._executor.now_s())

    @property
    def held(self) -> int:
        """How many workers are leased and ready."""
        return self._spending.held

    def next_attempt(self, job: str) -> int:
        """Return the number of a job's next attempt, from 0."""
        return self._stretches.attempts(job)

    def kept_step(self, job: str) -> int:
        """Return the step of a job's last checkpoint, as long as something of the job can be lost; 0 without one."""
        return self._stretches.step(job)

    def turn(self, activity: Activity) -> AbstractContextManager[None]:
        """Return a context in which the driver's seconds are posted to `activity`."""
        return self._driver.turn(activity)

    def tally(self) -> None:
        """Bring the driver's own seconds up to this moment."""
        self._driver.tally()

    def _post_driver(self) -> None:
        for entry in self._driver.take():
            self._append(entry)
        self._spending.hear_driver(self._driver.posted_s)

    def _append(self, entry: Entry) -> None:
        self._writer.append(entry)
        self._spending.post(entry)

    def post(self, event: Event) -> None:
        """Book an event: a lap becomes an entry; a lease is opened or released. Other events cost nothing."""
        match event:
            case Lap(job=None):
                for line in lines_without_job(event, self._accounts):
                    self._append(line)
                self._spending.hear(event.worker, event.start_s + event.seconds)
            case Lap(job=Job() as job):
                self._post_lap(event, job)
                self._spending.hear(event.worker, event.start_s + event.seconds)
            case Lease(worker, opened_s):
                self._spending.lease(worker.id, worker.device, worker.processors, opened_s)
                self._writer.lease(event)
            case Released(worker_id, at_s, reason):
                self._spending.release(worker_id)
                self._writer.release(worker_id, at_s, reason)
            case Metered():
                self._post_energy(event)
            case Waiting(0, of):
                self._warn(f"there is room for all {of} workers now")
            case Waiting(workers, of, wanted):
                self._warn(f"{workers} of {of} workers {'waits' if workers == 1 else 'wait'} for room: {wanted}")
            case Unmetered(node, reason):
                self._warn(f"energy is not measured on {node}: {reason}")

    def _post_lap(self, lap: Lap, job: Job) -> None:
        work = self._pace.estimate(lap, job) if lap.unreported else lap.work
        entry = line_of_job(replace(lap, work=work), job)
        if work is not None:
            if not lap.unreported:
                self._pace.learn(work, lap.seconds, job)
            self._warn_of_uncounted(job, work)
        self._remember(job, entry)
        self._append(entry)

    def _warn_of_uncounted(self, job: Job, work: Work) -> None:
        """Say once of each operation without a formula that the FLOP on the books are short of it."""
        if news := [name for name in work.uncounted if name not in self._uncounted]:
            self._uncounted.update(news)
            self._warn(
                f"{job.search}: no formula for the FLOP of {', '.join(news)}; its FLOP on the books are at least those "
                "that are counted (docs/counting.md)"
            )

    def _post_energy(self, metered: Metered) -> None:
        """Book what a lap drew to what its seconds are on by now: they may have been written off."""
        for line in lines_of_energy(metered, self._accounts):
            lost = self._written_off.get((line.job, line.attempt))
            if line.activity in _NOT_LOST_TWICE:
                self._append(line)
            elif lost and lost.from_s <= line.start_s:
                self._append(moved(line, lost.to, lost.reason))
            else:
                if line.job:
                    self._stretches.join(line.job, line)
                self._append(line)

    def _remember(self, job: Job, entry: Entry) -> None:
        """Remember what would be lost if the worker, or a checkpoint, were lost."""
        if entry.activity is Activity.CHECKPOINT:
            if entry.step is not None:
                self._stretches.keep(job.id, entry.step)
        elif entry.activity not in _NOT_LOST_TWICE:
            self._stretches.add(job.id, entry)

    def kept(self, job: Job) -> None:
        """The job's results are in hand: nothing of it can be lost any more."""
        self._stretches.forget(job.id)

    def lose(self, job: Job, reason: str | None, to: Activity = Activity.LOST) -> None:
        """Move what the job had done since its last checkpoint from its activities to `lost` (or `preempted`).

        Entries are immutable, so each is corrected by two lines, as a bookkeeper would: one takes the amount away
        from the activity it was posted to, one adds it to `lost`.
        """
        self._lose(self._stretches.take_unkept(job.id), reason, to)

    def set_back(self, job_id: str, step: int, reason: str) -> None:
        """Move what a job has done since a step to `lost`, checkpoints or not, for these are gone.

        A line says where the job stands from now on, for a driver that takes over.
        """
        entries = self._stretches.take_since(job_id, step)
        self._lose(entries, reason)
        self._append(
            Entry(
                DRIVER,
                self._driver.at_s,
                0.0,
                Activity.CHECKPOINT,
                search=self.account.search,
                stage=entries[0].stage if entries else self.account.stage,
                job=job_id,
                step=step,
                attempt=self.next_attempt(job_id),
                reason=reason,
            )
        )

    def _lose(self, entries: Sequence[Entry], reason: str | None, to: Activity = Activity.LOST) -> None:
        for entry in reversed(entries):
            self._written_off[entry.job, entry.attempt] = _WrittenOff(entry.start_s, to, reason)
        self.write_off(entries, reason, to)

    def write_off(self, entries: Sequence[Entry], reason: str | None, to: Activity = Activity.LOST) -> None:
        """Move posted entries to `lost` (or `preempted`): see `lose`."""
        for entry in entries:
            self._append(negated(entry, reason))
            self._append(moved(entry, to, reason))

    def end_trial(
        self, end: TrialEnd, architecture: str | None, value: float | None, values: Mapping[str, float]
    ) -> None:
        """Write a trial's closing line, with its values of the objectives, of which `value` is the first's."""
        self._append(
            Entry(
                DRIVER,
                self._driver.at_s,
                0.0,
                Activity.SAMPLER,
                search=self.account.search,
                trial=end.trial,
                architecture=architecture,
                attempt=end.attempt,
                value=value,
                metrics=values,
                outcome=end.outcome,
                reason=end.reason,
            )
        )

    @property
    def is_due(self) -> bool:
        """Whether it is time to commit."""
        return self._commits.due

    def settle_when_due(self) -> bool:
        """Commit if the last commit was long enough ago; return whether all that is posted is committed."""
        return self.is_due and self.settle()

    def settle(self) -> bool:
        """Commit all that is posted, the entries and the trials' states with them; return whether that is done.

        While the database is away everything is kept and tried again.

        Raises:
            LedgerUnavailable: It has been away for too long.
        """
        with self.turn(Activity.LEDGER):
            self._post_driver()
            return self._commits.commit()


def line_of_job(lap: Lap, job: Job) -> Entry:
    """Return the entry of a lap that was run for a job."""
    candidate = _candidate_of(lap, job)
    return Entry(
        lap.worker,
        lap.start_s,
        lap.seconds,
        lap.activity,
        search=job.search,
        stage=job.stage,
        job=job.id,
        trial=candidate.trial if candidate else None,
        architecture=candidate.architecture.id if candidate else None,
        step=lap.step,
        attempt=job.attempt,
        value=lap.metrics.get(job.metric),
        metrics=lap.metrics,
        **_amounts(lap.work),
    )


def _amounts(work: Work | None) -> dict[str, Any]:
    return {} if work is None else {"uncounted": work.uncounted, **work.amounts}


def _candidate_of(lap: Lap, job: Job) -> Candidate | None:
    """Return the candidate that a lap was for; None where it was for several, or for none."""
    if len(job.candidates) == 1:
        return job.candidates[0]
    return next(
        (candidate for candidate in job.candidates if lap.trial is not None and candidate.trial == lap.trial), None
    )


def lines_without_job(lap: Lap, accounts: Accounts) -> Iterator[Entry]:
    """Yield the entries of a lap for no job: the start belongs to no search, idling to the searches of its time."""
    if lap.activity is Activity.STARTUP:
        yield Entry(lap.worker, lap.start_s, lap.seconds, lap.activity, **_amounts(lap.work))
        return
    for share in accounts.shares(lap.start_s, lap.seconds):
        account = share.account
        yield Entry(lap.worker, share.start_s, share.seconds, lap.activity, account.search, account.stage)


def lines_of_energy(metered: Metered, accounts: Accounts) -> Iterator[Entry]:
    """Yield the entries of what a lap drew. Its seconds are posted already, so these have none."""
    lap, job = metered.lap, metered.lap.job
    if job is not None:
        line = line_of_job(replace(lap, work=None, metrics={}), job)
        yield replace(line, seconds=0.0, energy_j=metered.joules, metered_s=metered.seconds)
        return
    stretch = replace(lap, work=None, start_s=metered.start_s, seconds=metered.seconds)
    for line in lines_without_job(stretch, accounts):
        share_j = metered.joules * line.seconds / metered.seconds
        yield replace(line, seconds=0.0, energy_j=share_j, metered_s=line.seconds)


def negated(entry: Entry, reason: str | None) -> Entry:
    """Return what takes an entry's amounts off again."""
    return replace(
        entry,
        seconds=-entry.seconds,
        **{name: -getattr(entry, name) for name in AMOUNTS},
        energy_j=None if entry.energy_j is None else -entry.energy_j,
        metered_s=None if entry.metered_s is None else -entry.metered_s,
        reason=reason,
        value=None,
        metrics={},
    )


def moved(entry: Entry, to: Activity, reason: str | None) -> Entry:
    """Return what puts an entry's amounts on another activity. What was reported with it stays where it was."""
    return replace(entry, activity=to, reason=reason, value=None, metrics={})
