"""Writer: one driver's pen. It buffers in memory and commits everything buffered in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select, update

from nassim.errors import NassimError
from nassim.ledger import unwritten
from nassim.ledger.database import Database
from nassim.ledger.entry import Entry, Lease
from nassim.ledger.errors import LedgerUnavailable, RunTakenOver
from nassim.ledger.finding import Finding
from nassim.ledger.postings import Posting, entry_row, insert, lease_row, storable
from nassim.ledger.schema import entries, findings, journal, leases, releases, runs, statuses

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

RUNNING = "running"
ENDED = ("finished", "interrupted", "failed", "stopped")
"""How a run can end; `stopped` is by a budget."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a driver takes up a run with.

    Attributes:
        run_id: The run's number in the ledger.
        run: Its name.
        started_at: When it was started.
        session: Counts the run's drivers; the fencing token.
        posted: How many postings have arrived.
        clock_s: The largest time on the run's clock.
        leases: The number of each worker's last lease.
        closed_trials: Search and number of the trials that have their closing line.
        logs: Optuna's journal so far, as JSON texts.
    """

    run_id: int
    run: str
    started_at: str
    session: int
    posted: int
    clock_s: float = 0.0
    leases: Mapping[str, int] = field(default_factory=dict, repr=False)
    closed_trials: frozenset[tuple[str, int]] = field(default=frozenset(), repr=False)
    logs: Sequence[str] = field(default=(), repr=False)


class Writer:
    """Posts to one run. Made by `Ledger.create` and `Ledger.resume`.

    What is appended lies in memory until `commit`, which writes all of it (entries, leases, findings and Optuna's
    journal) in one transaction. What `commit` has returned from is durable. Postings are numbered when they are
    appended, and a commit begins where the ledger ends, so that repeating one after a lost answer posts nothing twice.

    Only the thread that drives the search uses a Writer.

    Attributes:
        run: Name of the run.
    """

    def __init__(self, database: Database, standing: Standing) -> None:
        self.run = standing.run
        self._database = database
        self._standing = standing
        self._first = standing.posted
        self._buffer: list[Posting] = []
        self._clock_s = standing.clock_s
        self._closed_trials = set(standing.closed_trials)
        self._storage: BaseStorage | None = None
        # Kept after the release too: work may turn out to be lost, and is then corrected on the lease it was done on.
        self._leases = dict(standing.leases)
        self._open: set[str] = set()
        self._ended = False

    def __repr__(self) -> str:
        return f"Writer({self.run!r}, session {self._standing.session}, {self.pending} pending, {self._database})"

    @property
    def pending(self) -> int:
        """How many postings are not committed."""
        return len(self._buffer)

    @property
    def driver(self) -> int:
        """Which driver of the run this is, from 1."""
        return self._standing.session

    @property
    def clock_s(self) -> float:
        """The largest time on the run's clock so far: where the next driver's clock goes on."""
        return self._clock_s

    def append(self, entry: Entry) -> int:
        """Buffer an entry and return its number, which is unique in the run and grows.

        Raises:
            NassimError: An amount is larger than a single entry can hold.
            ValueError: A time is not finite, a trial has no search, or a trial is closed for the second time.
        """
        row = entry_row(entry)
        if entry.outcome is not None:
            self._close_trial(entry)
        row["lease"] = self._leases.get(entry.worker)
        self._advance_clock(entry.start_s + entry.seconds)
        return self._post(entries.name, row)

    def lease(self, lease: Lease) -> None:
        """Buffer the beginning of a lease.

        Raises:
            ValueError: The worker holds one already.
        """
        worker = lease.worker.id
        if worker in self._open:
            raise ValueError(f"worker {worker!r} holds a lease already; release it first")
        self._open.add(worker)
        self._advance_clock(lease.opened_s)
        self._leases[worker] = self._post(leases.name, lease_row(lease))

    def release(self, worker: str, closed_s: float, reason: str) -> None:
        """Buffer the end of a worker's lease.

        Raises:
            ValueError: The worker holds none.
        """
        if worker not in self._open:
            raise ValueError(f"worker {worker!r} holds no lease; open: {sorted(self._open)}")
        self._open.remove(worker)
        self._advance_clock(closed_s)
        row = {"lease": self._leases[worker], "closed_s": closed_s, "reason": storable(reason)}
        self._post(releases.name, row)

    def found(self, finding: Finding) -> None:
        """Buffer what a search found."""
        self._post(findings.name, {"search": finding.search, "finding": finding.to_json()})

    def storage(self, date: Callable[[], datetime]) -> "BaseStorage":
        """Return the Optuna storage of the run's studies, whose writes are buffered and committed with the entries.

        It answers from memory, so asking and telling cost no I/O. There is one of each Writer; it belongs to this
        process and can't be pickled.

        Args:
            date: Returns the date, with its time zone, that trials are stamped with; asked for once, the first time.
        """
        if self._storage is None:
            from nassim.ledger.journal import RunStorage

            with self._database.understood():
                self._storage = RunStorage(self._standing.logs, self._post_log, self.driver, date)
        return self._storage

    def commit(self) -> None:
        """Write everything buffered in one transaction. What was buffered stays so if this raises.

        Raises:
            LedgerUnavailable: The database is locked, away or full: commit again later, or save aside.
            LedgerGone: The ledger's file was deleted: rescue it.
            RunTakenOver: Another driver has resumed the run.
        """
        pending = len(self._buffer)
        if not pending:
            return
        try:
            with self._database.writing() as connection:
                arrived = self._claim(connection, self._first + pending)
                insert(connection, self._buffer[arrived - self._first : pending])
        except LedgerUnavailable as error:
            raise LedgerUnavailable(f"{error}. {pending} postings of run {self.run} are kept in memory") from None
        del self._buffer[:pending]
        self._first += pending

    def save_aside(self, folder: Path | str) -> Path:
        """Write what is buffered to a file in `folder`, which `Ledger.resume` takes in, and return its path.

        Raises:
            NassimError: It can't be written there.
        """
        standing = self._standing
        left = unwritten.Unwritten(
            self.run, standing.run_id, standing.started_at, standing.session, tuple(self._buffer)
        )
        return unwritten.save(left, Path(folder))

    def rescue(self, folder: Path | str) -> Path:
        """Write the whole ledger, whose file was deleted, and what is buffered to a new file in `folder`.

        The run ends there as interrupted. Nothing can be posted any more.

        Returns:
            The file.

        Raises:
            NassimError: The ledger can't be read any more, or there can't be written.
        """
        path = next(path for n in count(1) if not (path := Path(folder) / f"ledger-{n}.db").exists())
        self._database.copy_to(path)
        self._database.close()
        self._database = Database(f"sqlite:///{path.absolute()}")
        self.close("interrupted")
        self._database.close()
        return path

    def close(self, status: str) -> None:
        """Post how the run ended, and commit. Call it again if it raises; the status is posted once.

        Args:
            status: One of `finished`, `interrupted`, `failed`, `stopped` (by a budget).

        Raises:
            LedgerUnavailable: As `commit`.
            RunTakenOver: As `commit`.
            ValueError: The status is another.
        """
        if status not in ENDED:
            raise ValueError(f"a run ends as one of {', '.join(ENDED)}, found {status!r}")
        if not self._ended:
            self._post(statuses.name, {"status": status})
            self._ended = True
        self.commit()

    def _post(self, table: str, row: dict[str, Any]) -> int:
        if self._ended:
            raise ValueError(f"run {self.run} is closed; nothing can be posted to it")
        seq = self._first + len(self._buffer)
        row["run_id"] = self._standing.run_id
        row["seq"] = seq
        self._buffer.append(Posting(table, row))
        return seq

    def _post_log(self, text: str) -> None:
        self._post(journal.name, {"log": text})

    def _close_trial(self, entry: Entry) -> None:
        if entry.search is None or entry.trial is None:
            raise ValueError("a closing line names its search and its trial")
        if (entry.search, entry.trial) in self._closed_trials:
            raise ValueError(f"trial {entry.trial} of search {entry.search!r} has its closing line already")
        self._closed_trials.add((entry.search, entry.trial))

    def _advance_clock(self, time_s: float) -> None:
        self._clock_s = max(self._clock_s, time_s)

    def _claim(self, connection: Connection, upto: int) -> int:
        """Make `upto` the number of postings that have arrived, and return what it was."""
        mine = (runs.c.id == self._standing.run_id) & (runs.c.session == self._standing.session)
        advance = update(runs).where(mine).values(posted=upto)
        if connection.execute(advance.where(runs.c.posted == self._first)).rowcount == 1:
            return self._first
        # An earlier commit had arrived, although its answer was lost; or this is no longer our run.
        found = connection.execute(
            select(runs.c.posted, runs.c.session).where(runs.c.id == self._standing.run_id)
        ).one_or_none()
        if found is None:
            raise NassimError(f"run {self.run} is no longer in the ledger {self._database}; it was removed meanwhile")
        if found.session != self._standing.session:
            raise RunTakenOver(
                f"run {self.run} was resumed by another driver (session {found.session}), so this one "
                f"(session {self._standing.session}) may not post to it any more. End this one"
            )
        if found.posted < self._first:
            raise NassimError(
                f"the ledger {self._database} has lost committed postings of run {self.run}: {self._first} were "
                f"acknowledged, {found.posted} are there. Was it restored from a backup? Resume the run to "
                "go on from there"
            )
        connection.execute(advance)
        return int(found.posted)
