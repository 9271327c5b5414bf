"""Database: the one place that knows how SQLite and PostgreSQL are reached, and what their faults mean."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, InterfaceError, InternalError, OperationalError
from sqlalchemy.pool import StaticPool

from nassim.errors import NassimError
from nassim.ledger.credentials import HIDDEN, secrets_of, shown, without_credentials
from nassim.ledger.errors import LedgerUnavailable
from nassim.ledger.schema import OLDEST_VERSION, SCHEMA_VERSION, metadata, schema

ALLOWED = "sqlite:///FILE (relative), sqlite:////ABSOLUTE/FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
BUSY_TIMEOUT_S = 10
"""How long a statement waits for another driver's transaction, which takes milliseconds."""
_SCHEMA_LOCK = 0x6E617373
"""Key of PostgreSQL's advisory lock that drivers hold while they create the tables."""


def parse(url: str) -> URL:
    """Return the URL, with the driver that nassim uses for it.

    Raises:
        NassimError: It can't be parsed or is of another kind. The message does not repeat it: it may hold a password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise NassimError(f"the ledger's URL can't be read. Allowed: {ALLOWED}") from None
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        return parsed
    if parsed.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise NassimError(f"a ledger can't be kept in {parsed.drivername!r}. Allowed: {ALLOWED}")
    if "@" in (parsed.host or "") or "@" in (parsed.database or ""):
        raise NassimError(
            "the ledger's URL has an @ too many. In a user name or password, write @ as %40, / as %2F and : as %3A"
        )
    return parsed.set(drivername="postgresql+psycopg")


class Database:
    """A SQLAlchemy engine that is made when first needed, and the two kinds of transaction a ledger needs.

    Args:
        url: Where it is.

    Raises:
        NassimError: The URL is not of a kind that a ledger is kept in.
    """

    def __init__(self, url: str) -> None:
        self._url = parse(url)
        self._checked = False

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

    @cached_property
    def _engine(self) -> Engine:
        try:
            return _sqlite(self._url, self.file) if self._is_sqlite else _postgresql(self._url)
        except ModuleNotFoundError as error:
            raise NassimError(
                f"{self} needs the Python package {error.name}. Install it with: pip install 'nassim[postgresql]'"
            ) from None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the ledger throughout.

        Raises:
            NassimError: There is no ledger, or it can't be read.
        """
        if self.file is not None and not self.file.is_file():
            raise NassimError(f"there is no ledger at {self.file}: no such file. `nassim run` makes one")
        level = {} if self._is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self._translated("read"), self._engine.connect().execution_options(**level) as connection:
            if not self._checked:
                self._check(connection)
            yield connection

    def exists(self) -> bool:
        """Whether there is a ledger.

        Raises:
            LedgerUnavailable: The database can't be reached.
        """
        if self.file is not None and not self.file.is_file():
            return False
        with self._translated("read"), self._engine.connect() as connection:
            return inspect(connection).has_table(schema.name)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A short transaction that is committed at the end.

        In SQLite it holds the write lock from its beginning: one that began as a reader could find the ledger changed
        under it, which SQLite answers with an error at once, however long it would wait for a lock.

        Raises:
            LedgerUnavailable: The database is locked, gone or full. Whether the transaction was committed is unknown
                when its connection broke in the last moment.
            NassimError: It can't be written for another reason.
        """
        with self._translated("written"):
            if not self._checked:
                self._create()
            with self._engine.connect().execution_options(begin="IMMEDIATE") as connection, connection.begin():
                yield connection

    def migrate(self) -> tuple[int, int]:
        """Bring a ledger that an earlier nassim wrote to the present schema, all of it or nothing.

        Returns:
            The version of the schema that it had, and the one that it has.

        Raises:
            NassimError: There is no ledger, or it is of a version that can't be migrated.
        """
        from nassim.ledger.migrating import migrate

        if not self.exists():
            raise NassimError(f"there is no ledger in {self}, so there is nothing to migrate")
        options = {"begin": "IMMEDIATE"}
        with (
            self._translated("migrated"),
            self._engine.connect().execution_options(**options) as connection,
            connection.begin(),
        ):
            if not OLDEST_VERSION <= connection.execute(select(schema.c.version)).scalar_one() <= SCHEMA_VERSION:
                self._check(connection)
            return migrate(connection)

    def close(self) -> None:
        """Close all connections."""
        if "_engine" in self.__dict__:
            self._engine.dispose()

    def _create(self) -> None:
        if self.file is not None and not self.file.absolute().parent.is_dir():
            raise NassimError(f"the ledger can't be put at {self.file}: the folder {self.file.parent} does not exist")
        if self.file is not None:
            with suppress(OSError):  # what SQLite makes itself its group can't write, whatever the umask; it says why
                self.file.touch(0o666, exist_ok=True)
            with self._engine.connect().execution_options(begin=None) as connection:
                _keep_a_write_ahead_log(connection)
        with self._engine.connect().execution_options(begin="IMMEDIATE") as connection, connection.begin():
            if not self._is_sqlite:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})"))
            if not inspect(connection).has_table(schema.name):
                metadata.create_all(connection)
                connection.execute(schema.insert().values(version=SCHEMA_VERSION))
            self._check(connection)

    def _check(self, connection: Connection) -> None:
        if not inspect(connection).has_table(schema.name):
            raise NassimError(f"there is no ledger in {self} yet. `nassim run` makes one")
        version = connection.execute(select(schema.c.version)).scalar_one()
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

    @contextmanager
    def _translated(self, verb: str) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            # What the rows say is at odds, which only the one who posted them can make sense of.
            raise
        except (OperationalError, InterfaceError, InternalError) as error:
            raise LedgerUnavailable(f"the ledger {self} can't be {verb} now: {self._reason(error)}") from None
        except DBAPIError as error:
            kind = NassimError if not error.connection_invalidated else LedgerUnavailable
            raise kind(f"the ledger {self} can't be {verb}: {self._reason(error)}") from None

    def _reason(self, error: DBAPIError) -> str:
        reason = " ".join(str(error.orig).split())
        for secret in secrets_of(self._url):
            reason = reason.replace(secret, HIDDEN)
        reason = str(without_credentials(reason))
        for symptom, remedy in _REMEDIES.items():
            if symptom in reason:
                return f"{reason}. {remedy}"
        return reason


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
}


def _sqlite(url: URL, file: Path | None) -> Engine:
    options: dict[str, Any] = {} if file else {"poolclass": StaticPool}
    timeout = {} if "timeout" in url.query else {"timeout": BUSY_TIMEOUT_S}
    engine = create_engine(url, hide_parameters=True, connect_args=timeout | {"check_same_thread": False}, **options)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        # Transactions begin where we say so, and not where the sqlite3 module guesses.
        connection.isolation_level = None
        # FULL: a commit is on the disk when it returns, so it survives a power cut. With NORMAL it would survive the
        # death of the process only. The price is one fsync a commit, and commits are grouped.
        connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        kind = connection.get_execution_options().get("begin", "DEFERRED")
        if kind is not None:
            connection.exec_driver_sql(f"BEGIN {kind}")

    return engine


def _keep_a_write_ahead_log(connection: Connection) -> None:
    """Switch the file, once in its life, to the mode in which readers and the writer don't wait for each other."""
    while connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() != "wal":
        try:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        except OperationalError as error:
            if "locked" not in str(error.orig):
                raise
            # Another driver is making the same ledger. SQLite doesn't wait for it above, so wait for it here.
            connection.exec_driver_sql("BEGIN EXCLUSIVE")
            connection.exec_driver_sql("ROLLBACK")


def _postgresql(url: URL) -> Engine:
    # A server that vanishes without a word must not block the driver for the minutes that TCP waits by itself.
    patience = {"connect_timeout": "10", "tcp_user_timeout": "30000"}
    arguments = {key: value for key, value in patience.items() if key not in url.query}
    engine = create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=arguments)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.autocommit = True
        # A driver that was stopped in mid-transaction must not hold up the one that takes over for good.
        connection.execute(f"SET lock_timeout = '{BUSY_TIMEOUT_S}s'")
        connection.execute("SET idle_in_transaction_session_timeout = '60s'")
        connection.autocommit = False

    return engine
