"""Books: turns what an executor reports into entries, and keeps the driver's own time."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType

from nassim.cost.work import Activity, Work
from nassim.evaluation import Job
from nassim.executors.base import Event, Executor, Lap, Leased, Metered, Released, Unmetered, Waiting, Worker
from nassim.ledger.entry import DRIVER, Entry, Outcome
from nassim.ledger.lease import Lease
from nassim.ledger.writer import Writer
from nassim.search.account import Account, Accounts
from nassim.search.budget import Spent
from nassim.search.commits import Commits
from nassim.search.lines import line_of_job, lines_of_energy, lines_without_job, moved, negated
from nassim.search.pace import Pace
from nassim.search.rates import Rates
from nassim.search.stretches import Stretch, Stretches

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

    Attributes:
        spent: What the run has spent.
        held: How many workers are leased and ready.
    """

    def __init__(
        self,
        writer: Writer,
        executor: Executor,
        spent: Spent | None = None,
        warn: Callable[[str], None] = lambda message: None,
        rates: Rates | None = None,
        kept: Mapping[str, Sequence[Stretch]] = MappingProxyType({}),
    ) -> None:
        """Begin the books of a driver.

        Args:
            writer: Writes them.
            executor: Whose workers they are about, and whose clock they go by.
            spent: What earlier drivers of the run have spent; is added to.
            warn: Is told when the database goes away and when it is back.
            rates: What workers' seconds cost, for budgets that need it.
            kept: What unfinished jobs have done, and checkpoints keep, by the jobs' ids.
        """
        self.spent = spent or Spent()
        self.held = 0
        self._writer = writer
        self._executor = executor
        self._warn = warn
        self._commits = Commits(writer, executor, warn)
        self._rates = rates
        self._workers: dict[str, Worker] = {}
        self._accounts = Accounts()
        self._seconds: dict[tuple[Account, Activity], float] = defaultdict(float)
        self._activity = Activity.IDLE
        self._now_s = 0.0
        self._posted_s = 0.0
        self._stretches = Stretches(kept)
        self._written_off: dict[tuple[str | None, int], _WrittenOff] = {}
        self._pace = Pace()
        self._uncounted: set[str] = set()

    def open(self, node: str, opened_s: float) -> None:
        """Begin the driver's lease at a moment that has passed; what it did since then was starting."""
        self._now_s = self._posted_s = opened_s
        self._writer.lease(Lease(DRIVER, node, DRIVER, processors=1, opened_s=opened_s))
        self._activity = Activity.STARTUP
        self.tally()
        self._activity = Activity.IDLE

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
        self._writer.release(DRIVER, self._now_s, "closed")
        self._commits.commit_at_last(hurried)

    @property
    def account(self) -> Account:
        """What is being worked for."""
        return self._accounts.current

    def work_for(self, account: Account) -> None:
        """Work for this from now on."""
        self.tally()
        self._accounts.open(account, self._now_s)

    @property
    def search_flop(self) -> int:
        """FLOP booked to the search at hand so far, its final training left out."""
        return (self.account.spent or self.spent).flop

    @contextmanager
    def turn(self, activity: Activity) -> Iterator[None]:
        """Post the driver's seconds within to `activity`, and to what it was busy with before from then on."""
        before = self._activity
        self.tally()
        self._activity = activity
        try:
            yield
        finally:
            self.tally()
            self._activity = before

    def tally(self) -> None:
        """Bring what has been spent up to this moment."""
        now_s = self._executor.now_s()
        seconds = now_s - self._now_s
        account = self.account
        self._seconds[account, self._activity] += seconds
        self.spent.wall_s += seconds
        if account.searching is not None:
            account.searching.wall_s += seconds
        self._spend_device_s(self.held * seconds)
        self._now_s = now_s

    def _spend_device_s(self, seconds: float) -> None:
        self.spent.device_s += seconds
        if self.account.searching is not None:
            self.account.searching.device_s += seconds

    def _spend_rates(self, account: Account, lap: Lap, seconds: float) -> None:
        """Spend what seconds of a lap cost, from the account that they are booked to."""
        if self._rates is None:
            return
        worker = self._workers[lap.worker]
        spent = [self.spent] if account.searching is None else [self.spent, account.searching]
        self._rates.spend(spent, worker.device, seconds, worker.processors, lap.activity)

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
            case Lap(job=Job() as job):
                self._post_lap(event, job)
            case Lap():
                self._post_jobless(event)
            case Leased(worker, at_s):
                self._workers[worker.id] = worker
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
                self.tally()
                self.held -= 1
                self._spend_device_s(at_s - self._now_s)
                self._writer.release(worker_id, at_s, reason)
            case Metered():
                self._post_energy(event)
            case Waiting(0, of):
                self._warn(f"there is room for all {of} workers now")
            case Waiting(workers, of, wanted):
                self._warn(f"{workers} of {of} workers {'waits' if workers == 1 else 'wait'} for room: {wanted}")
            case Unmetered(node, reason):
                self._warn(f"energy is not measured on {node}: {reason}")

    def _post_jobless(self, lap: Lap) -> None:
        """Book what a worker did for no job: start, which belongs to no search, or idle."""
        if lap.activity is Activity.STARTUP:
            self.tally()
            self.held += 1
            self.spent.flop += lap.work.flop if lap.work else 0
            self.spent.device_s += lap.seconds
            self._spend_device_s(self._now_s - (lap.start_s + lap.seconds))
            self._spend_rates(Account(), lap, lap.seconds)
        else:
            for share in self._accounts.shares(lap.start_s, lap.seconds):
                self._spend_rates(share.account, lap, share.seconds)
        for line in lines_without_job(lap, self._accounts):
            self._writer.append(line)

    def _post_lap(self, lap: Lap, job: Job) -> None:
        work = self._pace.estimate(lap, job) if lap.unreported else lap.work
        entry = line_of_job(replace(lap, work=work), job)
        if work is not None:
            if not lap.unreported:
                self._pace.learn(work, lap.seconds, job)
            self._warn_of_uncounted(job, work)
            self.spent.flop += work.flop
            if self.account.searching is not None:
                self.account.searching.flop += work.flop
        self._spend_rates(self.account, lap, lap.seconds)
        self._remember(job, entry)
        self._writer.append(entry)

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
                self._writer.append(line)
            elif lost and lost.from_s <= line.start_s:
                self._writer.append(moved(line, lost.to, lost.reason))
            else:
                if line.job:
                    self._stretches.join(line.job, line)
                self._writer.append(line)

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

    def set_back(self, job_id: str, step: int, reason: str) -> int:
        """Move what a job has done since a step to `lost`, checkpoints or not, for these are gone.

        A line says where the job stands from now on, for a driver that takes over.

        Returns:
            The attempt that comes next.
        """
        entries = self._stretches.take_since(job_id, step)
        attempt = 1 + max((entry.attempt for entry in entries), default=0)
        self._lose(entries, reason)
        account = self.account
        self._writer.append(
            Entry(
                DRIVER,
                self._now_s,
                0.0,
                Activity.CHECKPOINT,
                search=account.search,
                stage=account.stage,
                job=job_id,
                step=step,
                attempt=attempt,
                reason=reason,
            )
        )
        return attempt

    def _lose(self, entries: Sequence[Entry], reason: str | None, to: Activity = Activity.LOST) -> None:
        for entry in reversed(entries):
            self._written_off[entry.job, entry.attempt] = _WrittenOff(entry.start_s, to, reason)
        self.write_off(entries, reason, to)

    def write_off(self, entries: Sequence[Entry], reason: str | None, to: Activity = Activity.LOST) -> None:
        """Move posted entries to `lost` (or `preempted`): see `lose`."""
        for entry in entries:
            self._writer.append(negated(entry, reason))
            self._writer.append(moved(entry, to, reason))

    def end_trial(
        self,
        trial: int,
        architecture_id: str | None,
        outcome: Outcome,
        attempt: int,
        reason: str | None,
        value: float | None,
        values: Mapping[str, float],
    ) -> None:
        """Write a trial's closing line, with its values of the objectives, of which `value` is the first's."""
        if outcome is not Outcome.INFEASIBLE:
            self.spent.trials += 1
            if self.account.searching is not None:
                self.account.searching.trials += 1
        self._writer.append(
            Entry(
                DRIVER,
                self._now_s,
                0.0,
                Activity.SAMPLER,
                search=self.account.search,
                trial=trial,
                architecture=architecture_id,
                attempt=attempt,
                value=value,
                metrics=values,
                outcome=outcome,
                reason=reason,
            )
        )

    def settle_when_due(self) -> bool:
        """Commit if the last commit was long enough ago; return whether all that is posted is committed."""
        return self._commits.due and self.settle()

    def settle(self) -> bool:
        """Commit all that is posted, the entries and the trials' states with them; return whether that is done.

        While the database is away everything is kept and tried again.

        Raises:
            LedgerUnavailable: It has been away for too long.
        """
        with self.turn(Activity.LEDGER):
            self._post_driver()
            return self._commits.commit()
