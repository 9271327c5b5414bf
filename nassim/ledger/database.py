"""Database: the two kinds of transaction that a ledger needs, and what faults of databases mean."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import cached_property
from pathlib import Path
from threading import Event

from sqlalchemy import Connection, Engine, inspect, select, text
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    InternalError,
    InvalidRequestError,
    OperationalError,
)

from nassim.errors import NassimError
from nassim.ledger import engines
from nassim.ledger.credentials import HIDDEN, secrets_of, shown, without_credentials
from nassim.ledger.errors import LedgerDamaged, LedgerFault, LedgerGone, LedgerUnavailable
from nassim.ledger.schema import OLDEST_VERSION, SCHEMA_VERSION, metadata, migrate, schema

WRITE_ANSWER_S = 15.0
"""How long a server may take to answer a transaction that writes. Whoever waits is the driver of a run."""
READ_ANSWER_S = 300.0
"""How long it may take to answer one that reads: sums over all entries of a large run."""

_SCHEMA_LOCK = 0x6E617373
"""Key of PostgreSQL's advisory lock that drivers hold while they create the tables."""


class Database:
    """A SQLAlchemy engine that is made when first needed, and the two kinds of transaction a ledger needs.

    Args:
        url: Where it is.

    Raises:
        NassimError: The URL is not of a kind that a ledger is kept in.
    """

    def __init__(self, url: str) -> None:
        self._url = engines.parse(url)
        self._checked = False
        self._logs = False
        self._sockets = engines.Sockets()
        self._written: dict[Path, tuple[int, int]] = {}

    def __str__(self) -> str:
        return shown(self._url.set(drivername=self._url.get_backend_name()))

    @property
    def _is_sqlite(self) -> bool:
        return self._url.drivername.startswith("sqlite")

    @property
    def file(self) -> Path | None:
        """The SQLite file; None for SQLite in memory and for PostgreSQL."""
        in_file = self._is_sqlite and self._url.database not in (None, "", ":memory:")
        return Path(str(self._url.database)) if in_file else None

    @property
    def is_lasting(self) -> bool:
        """Whether it outlives this process."""
        return not self._is_sqlite or self.file is not None

    @cached_property
    def _engine(self) -> Engine:
        try:
            if self._is_sqlite:
                return engines.sqlite(self._url, self.file)
            return engines.postgresql(self._url, self._sockets)
        except ModuleNotFoundError as error:
            raise NassimError(
                f"{self} needs the Python package {error.name}. Install it with: pip install 'nassim[postgresql]'"
            ) from None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the ledger throughout.

        What is done within is done with what is in the ledger alone: whatever it raises, the ledger is damaged.

        Raises:
            NassimError: There is no ledger, or it can't be read.
        """
        if self.file is not None and not os.path.isfile(self.file):
            raise NassimError(f"there is no ledger at {self.file}: no such file. `nassim run` makes one")
        level = {} if self._is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with (
            self._translated("read", READ_ANSWER_S),
            self._engine.connect().execution_options(**level) as connection,
            self.understood(),
        ):
            if not self._checked:
                self._check(connection)
            yield connection

    def exists(self) -> bool:
        """Whether there is a ledger.

        Raises:
            LedgerUnavailable: The database can't be reached.
        """
        if self.file is not None and not os.path.isfile(self.file):
            return False
        with self._translated("read", READ_ANSWER_S), self._engine.connect() as connection:
            return inspect(connection).has_table(schema.name)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A short transaction that is committed at the end.

        In SQLite it holds the write lock from its beginning: one that began as a reader could find the ledger changed
        under it, which SQLite answers with an error at once, however long it would wait for a lock.

        Raises:
            LedgerUnavailable: The database is locked, away or full. Whether the transaction was committed is unknown
                when its connection broke in the last moment.
            LedgerGone: Its file was deleted, or replaced by another.
            LedgerFault: It can't be written for another reason.
        """
        with self._translated("written", WRITE_ANSWER_S):
            if not self._checked:
                self._create()
            self._keep_a_log()
            with self._engine.connect().execution_options(begin="IMMEDIATE") as connection, connection.begin():
                yield connection
        self._check_file()

    def copy_to(self, file: Path) -> None:
        """Write all that is in a SQLite ledger to a new file, also when its own file was deleted in the meantime.

        Raises:
            LedgerFault: It can't be read any more, or the file can't be written.
        """
        options = {"begin": None}
        with (
            self._translated("copied", READ_ANSWER_S),
            self._engine.connect().execution_options(**options) as connection,
        ):
            connection.exec_driver_sql("VACUUM INTO ?", (str(file),))

    def _check_file(self) -> None:
        """Look whether the file and its log are still there that were written to. SQLite would write into deleted ones.

        Raises:
            LedgerGone: One is not.
        """
        if self.file is None:
            return
        for file in (self.file, _log_of(self.file)):
            try:
                status = file.stat()
            except OSError as error:
                raise LedgerGone(
                    f"the ledger {self.file} was deleted while it was written: {error.strerror}: {file}"
                ) from None
            found = status.st_dev, status.st_ino
            if found != self._written.setdefault(file, found):
                raise LedgerGone(f"the ledger {self.file} was replaced by another file while it was written: {file}")

    def migrate(self) -> tuple[int, int]:
        """Bring a ledger that an earlier nassim wrote to the present schema, all of it or nothing.

        Returns:
            The version of the schema that it had, and the one that it has.

        Raises:
            NassimError: There is no ledger, or it is of a version that can't be migrated.
        """
        if not self.exists():
            raise NassimError(f"there is no ledger in {self}, so there is nothing to migrate")
        options = {"begin": "IMMEDIATE"}
        with (
            self._translated("migrated", READ_ANSWER_S),
            self._engine.connect().execution_options(**options) as connection,
            connection.begin(),
            self.understood(),
        ):
            if not OLDEST_VERSION <= self._version(connection) <= SCHEMA_VERSION:
                self._check(connection)
            return migrate(connection)

    def close(self) -> None:
        """Close all connections. SQLite then removes its log, and the next transaction begins a new one."""
        if "_engine" in self.__dict__:
            self._engine.dispose()
        if self.file is not None:
            self._written.pop(_log_of(self.file), None)

    def _create(self) -> None:
        if self.file is not None and not os.path.isdir(self.file.absolute().parent):
            raise NassimError(f"the ledger can't be put at {self.file}: the folder {self.file.parent} does not exist")
        if self.file is not None:
            with suppress(OSError):  # what SQLite makes itself its group can't write, whatever the umask; it says why
                self.file.touch(0o666, exist_ok=True)
            self._keep_a_log()
        with self._engine.connect().execution_options(begin="IMMEDIATE") as connection, connection.begin():
            if not self._is_sqlite:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})"))
            if not inspect(connection).has_table(schema.name):
                metadata.create_all(connection)
                connection.execute(schema.insert().values(version=SCHEMA_VERSION))
            self._check(connection)

    def _keep_a_log(self) -> None:
        """Switch a file to a write-ahead log that has none, as one that a dump was read into."""
        if self.file is not None and not self._logs:
            with self._engine.connect().execution_options(begin=None) as connection:
                engines.keep_a_write_ahead_log(connection)
            self._logs = True

    def _check(self, connection: Connection) -> None:
        if not inspect(connection).has_table(schema.name):
            raise NassimError(f"there is no ledger in {self} yet. `nassim run` makes one")
        version = self._version(connection)
        if OLDEST_VERSION <= version < SCHEMA_VERSION:
            raise NassimError(
                f"the ledger in {self} has schema {version}, which an earlier nassim wrote; this one's is "
                f"{SCHEMA_VERSION}. `nassim migrate --ledger {self}` brings it there, with all that is in it"
            )
        if version != SCHEMA_VERSION:
            raise NassimError(
                f"the ledger in {self} has schema {version}, this nassim knows schema {SCHEMA_VERSION} alone. "
                "Use a nassim of the version that wrote it, or a newer one"
            )
        self._checked = True

    def _version(self, connection: Connection) -> int:
        versions = connection.execute(select(schema.c.version)).scalars().all()
        if len(versions) != 1 or not isinstance(versions[0], int):
            raise self._damaged(f"it names {len(versions)} versions of its schema, {versions[:5]}, and should name one")
        return versions[0]

    @contextmanager
    def understood(self) -> Iterator[None]:
        """Tell whatever is raised within as damage: to be entered where nothing matters but what is in the ledger.

        Raises:
            LedgerDamaged: Something was raised.
        """
        try:
            yield
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, InvalidRequestError) as error:
            raise self._damaged(f"{type(error).__name__}: {error}") from error

    def _damaged(self, what: str) -> LedgerDamaged:
        return LedgerDamaged(
            f"the ledger {self} holds what this nassim can't make sense of ({what}): it is damaged, or was changed by "
            "something else. Restore it from a backup, or give another"
        )

    @contextmanager
    def _translated(self, verb: str, answer_s: float) -> Iterator[None]:
        """Say what faults mean: those of the database, and an answer that stays away for so long."""
        with nullcontext(Event()) if self._is_sqlite else self._sockets.answered_within(answer_s) as shut:
            try:
                yield
            except IntegrityError:
                # What the rows say is at odds, which only the one who posted them can make sense of.
                raise
            except UnicodeDecodeError as error:
                # SQLite quotes what it finds at fault, and Python can't read the message.
                raise self._damaged(f"{type(error).__name__}: {error}") from error
            except DBAPIError as error:
                reason = f"it has not answered for {answer_s:g} s" if shut.is_set() else self._reason(error)
                may_pass = isinstance(error, OperationalError | InterfaceError | InternalError)
                if not self._is_for_good(reason) and (may_pass or error.connection_invalidated):
                    raise LedgerUnavailable(f"the ledger {self} can't be {verb} now: {reason}") from None
                raise LedgerFault(f"the ledger {self} can't be {verb}: {reason}") from None

    def _is_for_good(self, reason: str) -> bool:
        """Whether waiting is of no use."""
        return self._is_sqlite and any(symptom in reason for symptom in _FOR_GOOD)

    def _reason(self, error: DBAPIError) -> str:
        reason = " ".join(str(error.orig).split())
        for secret in secrets_of(self._url):
            reason = reason.replace(secret, HIDDEN)
        reason = str(without_credentials(reason))
        for symptom, remedy in _REMEDIES.items():
            if symptom in reason:
                return f"{reason}. {remedy}"
        return reason


def _log_of(file: Path) -> Path:
    return Path(f"{file.resolve()}-wal")


_DAMAGED = "It is damaged: restore it from a backup, or give another"
_REMEDIES = {
    "locked": "Another program holds it; end that program or wait",
    "is full": "Free space on that disk",
    "No space left": "Free space on that disk",
    "refused": "Is the server running, and are host and port right?",
    "No such file": "Is the server running, and is the socket's folder right?",
    "translate host name": "Is the host's name right?",
    "resolve host": "Is the host's name right?",
    "authentication failed": "Check the user and the password",
    "not a database": "Give the name of a ledger, or of a new file",
    "malformed": _DAMAGED,
    "no such table": _DAMAGED,
    "no such column": _DAMAGED,
    "readonly database": "Copy it to a folder that can be written",
}
_FOR_GOOD = ("not a database", "malformed", "no such table", "no such column", "readonly database", "UTF-8")
