"""Books: turns what an executor reports into entries, and keeps the driver's own time."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from nassim.cost.work import Activity
from nassim.evaluation import Job, JobKind
from nassim.executors.base import Event, Executor, Lap, Leased, Released
from nassim.ledger.entry import DRIVER, Entry, Outcome, Stage
from nassim.ledger.errors import LedgerUnavailable
from nassim.ledger.lease import Lease
from nassim.ledger.writer import Writer
from nassim.search.budget import Spent

COMMIT_INTERVAL_S = 0.1
"""Entries are committed in groups: what a crash can lose is at most the work acknowledged in this long."""
PATIENCE_S = 60.0
"""How long a database may stay away before the run stops, with what is unwritten saved beside it."""


@dataclass(frozen=True, slots=True)
class Account:
    """What is being worked for: where seconds without a job of their own (idle workers, the driver) are booked.

    Attributes:
        search: Name of the search; None before the first.
        stage: Search or final training.
        spent: The sums that all that is booked meanwhile adds to.
    """

    search: str | None = None
    stage: Stage = Stage.SEARCH
    spent: tuple[Spent, ...] = field(default=(), compare=False)


class Books:
    """Books one driver's share of a run: workers' laps, trials' ends, and the driver's own seconds.

    The driver is a worker too: from `open` to `close` each of its seconds is posted to one activity. `turn` says what
    it is busy with; the seconds are added up and posted with each commit, one entry per activity.

    Attributes:
        account: What is being worked for; the run sets it as it goes from search to search.
    """

    def __init__(self, writer: Writer, executor: Executor) -> None:
        self.account = Account()
        self._writer = writer
        self._executor = executor
        self._seconds: dict[tuple[Account, Activity], float] = defaultdict(float)
        self._activity = Activity.IDLE
        self._since_s = 0.0
        self._posted_s = 0.0
        self._committed_s = 0.0
        self._away_since_s: float | None = None
        self._unsettled: dict[str, list[Entry]] = {}

    def open(self, node: str) -> None:
        """Begin the driver's lease, now."""
        self._since_s = self._posted_s = self._committed_s = self._executor.now_s()
        self._writer.lease(Lease(DRIVER, node, DRIVER, processors=1, opened_s=self._since_s))

    def close(self) -> None:
        """End the driver's lease, now, and commit."""
        self._tally()
        self._post_driver()
        self._writer.release(DRIVER, self._since_s, "closed")
        self._writer.commit()

    @property
    def search_flop(self) -> int:
        """FLOP booked to the search at hand so far."""
        return self.account.spent[-1].flop if self.account.spent else 0

    @contextmanager
    def turn(self, activity: Activity) -> Iterator[None]:
        """Post the driver's seconds within to `activity`, and to what it was busy with before from then on."""
        before = self._activity
        self._tally()
        self._activity = activity
        try:
            yield
        finally:
            self._tally()
            self._activity = before

    def _tally(self) -> None:
        now_s = self._executor.now_s()
        seconds = now_s - self._since_s
        self._seconds[self.account, self._activity] += seconds
        for spent in self.account.spent:
            spent.wall_s += seconds
        self._since_s = now_s

    def _post_driver(self) -> None:
        for (account, activity), seconds in self._seconds.items():
            self._writer.append(
                Entry(DRIVER, self._posted_s, seconds, activity, search=account.search, stage=account.stage)
            )
            self._posted_s += seconds
        self._seconds.clear()

    def post(self, event: Event) -> None:
        """Book an event: a lap becomes an entry; a lease is opened or released. Other events cost nothing."""
        match event:
            case Lap():
                self._post_lap(event)
            case Leased(worker, at_s):
                self._writer.lease(
                    Lease(
                        worker.id,
                        worker.node,
                        worker.device,
                        worker.processors,
                        opened_s=at_s,
                        peak_flop_per_s=worker.peak_flop_per_s,
                        peak_source=worker.peak_source,
                    )
                )
            case Released(worker_id, at_s, reason):
                self._writer.release(worker_id, at_s, reason)

    def _post_lap(self, lap: Lap) -> None:
        for spent in self.account.spent:
            spent.add(lap.work.flop if lap.work else 0, lap.seconds)
        search = None if lap.activity is Activity.STARTUP else self.account.search
        entry = Entry(lap.worker, lap.start_s, lap.seconds, lap.activity, search, self.account.stage)
        if lap.job is not None:
            entry = _of_job(entry, lap.job, lap)
            self._remember(lap.job, entry)
        self._writer.append(entry)

    def _remember(self, job: Job, entry: Entry) -> None:
        """Keep what would be lost if the worker died now: the job's entries since its last checkpoint."""
        if entry.activity is Activity.CHECKPOINT:
            self._unsettled.pop(job.id, None)
        elif entry.activity not in (Activity.LOST, Activity.PREEMPTED):
            self._unsettled.setdefault(job.id, []).append(entry)

    def kept(self, job: Job) -> None:
        """The job's results are in hand: nothing of it can be lost any more."""
        self._unsettled.pop(job.id, None)

    def lose(self, job: Job, reason: str | None, to: Activity = Activity.LOST) -> None:
        """Move what the job had done since its last checkpoint from its activities to `lost` (or `preempted`).

        Entries are immutable, so each is corrected by two lines, as a bookkeeper would: one takes the amount away
        from the activity it was posted to, one adds it to `lost`.
        """
        self.write_off(self._unsettled.pop(job.id, ()), reason, to)

    def write_off(self, entries: Sequence[Entry], reason: str | None, to: Activity = Activity.LOST) -> None:
        """Move posted entries to `lost` (or `preempted`): see `lose`."""
        for entry in entries:
            self._writer.append(_negated(entry, reason))
            self._writer.append(replace(entry, activity=to, reason=reason))

    def end_trial(self, trial: int, architecture_id: str, outcome: Outcome, attempt: int, reason: str | None) -> None:
        """Write a trial's closing line."""
        for spent in self.account.spent:
            spent.trials += 1
        self._writer.append(
            Entry(
                DRIVER,
                self._since_s,
                0.0,
                Activity.SAMPLER,
                search=self.account.search,
                trial=trial,
                architecture=architecture_id,
                attempt=attempt,
                outcome=outcome,
                reason=reason,
            )
        )

    def settle_when_due(self) -> None:
        """Commit if the last commit was long enough ago."""
        if self._executor.now_s() - self._committed_s >= COMMIT_INTERVAL_S:
            self.settle()

    def settle(self) -> None:
        """Commit all that is posted: the entries, and the trials' states with them.

        While the database is away everything is kept and tried again at the next call.

        Raises:
            LedgerUnavailable: It has been away for longer than PATIENCE_S.
        """
        with self.turn(Activity.LEDGER):
            self._post_driver()
            try:
                self._writer.commit()
            except LedgerUnavailable:
                self._away_since_s = self._since_s if self._away_since_s is None else self._away_since_s
                if self._since_s - self._away_since_s > PATIENCE_S:
                    raise
            else:
                self._away_since_s = None
        self._committed_s = self._since_s


def _of_job(entry: Entry, job: Job, lap: Lap) -> Entry:
    """Return the entry with what the job adds to it."""
    only = None if job.kind is JobKind.SUPERNET else job.candidates[0]
    work = lap.work
    return replace(
        entry,
        search=job.search,
        job=job.id,
        stage=Stage.FINAL if job.kind is JobKind.FINAL else Stage.SEARCH,
        trial=only.trial if only else None,
        architecture=only.architecture.id if only and len(job.candidates) == 1 else None,
        step=lap.step,
        attempt=job.attempt,
        forward_flop=work.forward_flop if work else 0,
        backward_flop=work.backward_flop if work else 0,
        samples=work.samples if work else 0,
        bytes=work.bytes if work else 0,
    )


def _negated(entry: Entry, reason: str | None) -> Entry:
    return replace(
        entry,
        seconds=-entry.seconds,
        forward_flop=-entry.forward_flop,
        backward_flop=-entry.backward_flop,
        samples=-entry.samples,
        bytes=-entry.bytes,
        reason=reason,
    )
