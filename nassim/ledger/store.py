"""Ledger: the append-only list of what runs have cost, and every total as a fold over it."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import Connection, select

from nassim.errors import NassimError
from nassim.ledger import queries, records, takeover
from nassim.ledger.database import Database
from nassim.ledger.engines import ALLOWED
from nassim.ledger.entry import Stage
from nassim.ledger.finding import Finding
from nassim.ledger.records import RunRecord
from nassim.ledger.schema import findings
from nassim.ledger.writer import Writer

if TYPE_CHECKING:
    from optuna.storages import JournalStorage


class Ledger:
    """The runs in one database. Making one touches nothing: the database is reached when it is first needed.

    Any number of processes may read, and any number of drivers may write, each its own run.

    Args:
        url: `sqlite:///FILE`, `sqlite://` (in memory, for simulations) or `postgresql://USER:PASSWORD@HOST/DATABASE`.
            Passwords are shown nowhere.

    Raises:
        NassimError: The URL is of another kind. Each method raises it too where the database can't be reached.
    """

    def __init__(self, url: str) -> None:
        self._database = Database(url)

    @classmethod
    def open(cls, url: str) -> "Ledger":
        """Return the ledger at a URL, for reading; unlike the constructor, look whether there is one.

        Raises:
            NassimError: There is no ledger, it is of another version, or it can't be reached.
        """
        ledger = cls(url)
        with ledger._database.reading():
            return ledger

    def __repr__(self) -> str:
        return f"Ledger({self.url!r})"

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where it is, without passwords."""
        return str(self._database)

    def check_lasting(self) -> None:
        """Find out whether it outlives this process, as the ledger of a run must.

        Raises:
            NassimError: It is in memory.
        """
        if not self._database.is_lasting:
            raise NassimError(f"the ledger {self.url} is in memory, and would be gone with the run. Allowed: {ALLOWED}")

    def close(self) -> None:
        """Close the connections. The ledger can be used again, which opens new ones."""
        self._database.close()

    def create(
        self, run: str, experiment: Mapping[str, Any], started_at: str, about: Mapping[str, Any] | None = None
    ) -> Writer:
        """Enter a new run, making the database's tables (and SQLite's file) where there are none.

        Args:
            run: Its name.
            experiment: The experiment, as JSON-able values; passwords of URLs in it are left out.
            started_at: When it was started, ISO 8601.
            about: Versions, host, and how the run's folder is known.

        Raises:
            RunNameTaken: There is a run of that name.
        """
        return Writer(self._database, takeover.enter(self._database, run, experiment, started_at, about or {}))

    def free_name(self, stem: str) -> str:
        """Return the next name, `stem-1`, `stem-2`, ..., that no run has at this moment."""
        takeover.check_name(stem)
        numbers = [0]
        if self._database.exists():
            names = [record.name for record in self.runs()]
            tails = [name.removeprefix(f"{stem}-") for name in names if name.startswith(f"{stem}-")]
            numbers += [int(tail) for tail in tails if tail.isdecimal()]
        return f"{stem}-{max(numbers) + 1}"

    def resume(self, run: str, aside: Path | str | None = None) -> Writer:
        """Take a run over from a driver that is gone, and go on where the ledger ends.

        Leases that it left open are closed at the last second posted on them; from now on it can't post any more,
        should it still live. `Writer.clock_s` says where the clock goes on, so that down time isn't billed.

        Args:
            run: Name of the run.
            aside: Folder where the earlier driver may have saved what it could not write (`Writer.save_aside`). It is
                taken in once, and its file removed.

        Raises:
            NassimError: There is no such run, or what was saved aside doesn't fit it.
        """
        return Writer(self._database, takeover.take_over(self._database, run, Path(aside) if aside else None))

    def migrate(self) -> tuple[int, int]:
        """Bring a ledger that an earlier nassim wrote to this one's schema; nothing in it is lost.

        Returns:
            The version of the schema that it had, and the one that it has.

        Raises:
            NassimError: There is no ledger, or it is of a version that can't be migrated.
        """
        return self._database.migrate()

    def runs(self) -> list[RunRecord]:
        """Return all runs, in the order in which they were created."""
        with self._database.reading() as connection:
            return records.all_of(connection)

    def run(self, name: str) -> RunRecord:
        """Return the run of that name.

        Raises:
            NassimError: There is none; the message lists names like it.
        """
        with self._database.reading() as connection:
            return records.one_of(connection, name, self.url)

    def frame(self, run: str) -> pd.DataFrame:
        """Return all entries of a run: their numbers `seq`, the number of their `lease`, and the fields of Entry."""
        with self._database.reading() as connection:
            return queries.all_entries(connection, self._id(connection, run))

    def totals(
        self, run: str, by: Sequence[str] = ("search", "stage", "activity", "outcome"), stage: Stage | None = None
    ) -> pd.DataFrame:
        """Return sums over a run's entries, computed by the database.

        Args:
            run: Name of the run.
            by: What to take them by: search, stage, activity, worker, job, trial, architecture, attempt, outcome, node,
                device. An entry's outcome is that on its trial's closing line, "open" without one, None outside trials.
            stage: Of this stage's entries alone.

        Returns:
            One row per combination found, with the columns of `by`, and: `seconds`; `processor_seconds` (seconds times
            the lease's processors); the amounts of Work (those of FLOP and elementwise bytes as exact Python ints,
            however large); `energy_j` (measured joules; NaN where nothing was measured) and `metered_s` (the seconds
            they were measured in); `entries`.
        """
        with self._database.reading() as connection:
            return queries.totals(connection, self._id(connection, run), by, stage)

    def trials(self, run: str) -> pd.DataFrame:
        """Return one row per trial.

        Its columns are search, trial, architecture, outcome, reason, value (of the first objective; NaN without one),
        metrics (the values of all objectives, as JSON text), attempts, start_s, end_s, and its sums, which are those of
        `totals`.
        """
        with self._database.reading() as connection:
            return queries.trials(connection, self._id(connection, run))

    def uncounted(self, run: str) -> pd.DataFrame:
        """Return which operations without a formula were performed: search, stage, operation.

        Where there is one, the FLOP of that search and stage are at least what `totals` says.
        """
        with self._database.reading() as connection:
            return queries.uncounted(connection, self._id(connection, run))

    def leases(self, run: str) -> pd.DataFrame:
        """Return the leases of a run: `seq`, the fields of Lease, `closed_s` (NaN while open) and `reason`."""
        with self._database.reading() as connection:
            return queries.all_leases(connection, self._id(connection, run))

    def balance(self, run: str) -> pd.DataFrame:
        """Return whether the books close: by worker `leased_s`, `posted_s`, `difference_s`, `closed`.

        `leased_s` comes from the leases alone, `posted_s` from the entries alone. A lease that is still open (`closed`
        is False) counts up to the last second posted on its worker.
        """
        with self._database.reading() as connection:
            return queries.balance(connection, self._id(connection, run))

    def findings(self, run: str) -> list[Finding]:
        """Return what the searches of a run found, in the order in which they found it."""
        with self._database.reading() as connection:
            run_id = self._id(connection, run)
            query = select(findings.c.finding).where(findings.c.run_id == run_id).order_by(findings.c.seq)
            return [Finding.from_json(text) for text in connection.execute(query).scalars()]

    def front(self, run: str) -> pd.DataFrame:
        """Return the fronts of a run's searches: their complete trials that no other is better than.

        One row for each trial on the front of a search that has a finding, the best by the first objective first. Its
        columns are search, trial, architecture, found (whether it was trained by the final schedule), and one for each
        objective, by name; NaN for those of other searches. Which of them are to be maximised is in `findings`.
        """
        with self.understood():
            return queries.fronts(self.findings(run), self.trials(run))

    def storage(self, run: str) -> "JournalStorage":
        """Return an Optuna storage with a run's studies to look at, live while its driver writes them."""
        from optuna.storages import JournalStorage

        from nassim.ledger.journal import ReaderJournal

        with self.understood():
            return JournalStorage(ReaderJournal(self._database, self.run(run).id, run))

    def understood(self) -> AbstractContextManager[None]:
        """Return a context in which whatever is raised is told as damage of the ledger.

        To be entered where what was read of it is made sense of, and nothing else is done.

        Raises:
            NassimError: Something was raised within.
        """
        return self._database.understood()

    def _id(self, connection: Connection, run: str) -> int:
        return records.one_of(connection, run, self.url).id
