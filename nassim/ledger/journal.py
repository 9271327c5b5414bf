"""Optuna's journal in the ledger: a backend for the driver and one for other processes that look on."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NoReturn

from optuna.storages.journal import BaseJournalBackend
from sqlalchemy import select

from nassim.errors import NassimError
from nassim.ledger.database import Database
from nassim.ledger.errors import LedgerDamaged
from nassim.ledger.schema import journal

_DATES = ("datetime_start", "datetime_complete")
"""What Optuna stamps."""


class WriterJournal(BaseJournalBackend):
    """The driver's journal: in memory, and posted with the entries.

    Optuna signs each log with random numbers, and stamps trials by the host's clock. Here they are signed with the
    driver's number, and stamped as the run says, so that what is written follows from the run alone.

    Args:
        texts: The journal so far, as JSON; `post` appends to it.
        post: Posts one log.
        driver: Which driver of the run it is of, from 1.
        date: Returns the date that goes with the run's clock.
    """

    def __init__(
        self,
        texts: Sequence[str],
        post: Callable[[dict[str, Any]], None],
        driver: int,
        date: Callable[[], datetime],
    ) -> None:
        self._texts = texts
        self._post = post
        self._date = date
        self._signature = f"driver {driver}"
        self._optunas = ""

    def read_logs(self, log_number_from: int) -> list[dict[str, Any]]:
        """Return the logs from that number on, at a cost that grows with their number alone."""
        logs = _parsed(self._texts[log_number_from:])
        for log in logs:
            if log["worker_id"] == self._signature:
                log["worker_id"] = self._optunas
        return logs

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Buffer the logs; the next commit writes them."""
        for log in logs:
            self._optunas = log["worker_id"]
            is_template = "params" in log  # a trial put in by hand, whose dates are its own
            stamped = {name: self._stamp() for name in _DATES if not is_template and log.get(name) is not None}
            self._post({**log, "worker_id": self._signature, **stamped})

    def _stamp(self) -> str:
        return self._date().isoformat(timespec="microseconds")

    def __reduce__(self) -> NoReturn:
        raise TypeError("the driver's Optuna storage can't be pickled: only the driver writes the ledger")


class ReaderJournal(BaseJournalBackend):
    """A run's journal as the database has it now, to look at.

    Args:
        database: Where the ledger is.
        run_id: The run's number in it.
        run: The run's name.
    """

    def __init__(self, database: Database, run_id: int, run: str) -> None:
        self._database = database
        self._run_id = run_id
        self._run = run
        self._texts: list[str] = []
        self._behind = -1

    def read_logs(self, log_number_from: int) -> list[dict[str, Any]]:
        """Return the logs from that number on, those that the driver has committed since the last call among them."""
        with self._database.reading() as connection:
            rows = connection.execute(
                select(journal.c.seq, journal.c.log)
                .where(journal.c.run_id == self._run_id, journal.c.seq > self._behind)
                .order_by(journal.c.seq)
            ).all()
        if rows:
            self._texts += [row.log for row in rows]
            self._behind = rows[-1].seq
        return _parsed(self._texts[log_number_from:])

    def append_logs(self, logs: list[dict[str, Any]]) -> NoReturn:
        """Refuse.

        Raises:
            NassimError: Always.
        """
        raise NassimError(
            f"the studies of run {self._run} can only be looked at here: its driver alone writes them. "
            "Copy a study to a storage of its own (`nassim export --optuna URL`) to change it"
        )


def _parsed(texts: Sequence[str]) -> list[dict[str, Any]]:
    try:
        return [json.loads(text) for text in texts]
    except ValueError as error:
        raise LedgerDamaged(f"the ledger's journal of Optuna's studies is damaged: {error}") from error
