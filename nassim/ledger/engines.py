"""Engines: how SQLite and PostgreSQL are reached, and a server that never answers is left."""

import os
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.pool import StaticPool

from nassim.errors import NassimError

ALLOWED = "sqlite:///FILE (relative), sqlite:////ABSOLUTE/FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
TIMEOUT_LIMIT_S = 86400
"""What SQLite is asked to wait for a lock at most."""
BUSY_TIMEOUT_S = 10
"""How long a statement waits for another driver's transaction, which takes milliseconds."""


class Sockets:
    """The sockets of a database's connections, to be shut when an answer stays away.

    A server may be stopped without being closed: its machine still acknowledges what it is sent, and no time limit that
    the server itself keeps would be kept. Who waits for an answer on a socket that is shut hears at once that it is.
    """

    def __init__(self) -> None:
        self._connections: dict[int, Any] = {}

    def add(self, connection: Any) -> None:
        """A connection, of psycopg's kind, was opened."""
        self._connections[id(connection)] = connection

    def remove(self, connection: Any) -> None:
        """A connection was closed."""
        self._connections.pop(id(connection), None)

    @contextmanager
    def answered_within(self, seconds: float) -> Iterator[threading.Event]:
        """Shut all sockets if what is done within takes longer, and yield what then is set."""
        shut = threading.Event()

        def shut_all() -> None:
            shut.set()
            for connection in [*self._connections.values()]:
                with suppress(Exception):  # whatever a connection says that is closed by now
                    socket.socket(fileno=os.dup(connection.fileno())).shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(seconds, shut_all)
        timer.daemon = True
        timer.start()
        try:
            yield shut
        finally:
            timer.cancel()


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
        if "?" in url and not parsed.query:
            raise NassimError(
                "a ledger in SQLite takes ?timeout=SECONDS, and the name of its file has no question mark in it"
            )
        return _checked(parsed)
    if parsed.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise NassimError(f"a ledger can't be kept in {parsed.drivername!r}. Allowed: {ALLOWED}")
    if "@" in (parsed.host or "") or "@" in (parsed.database or ""):
        raise NassimError(
            "the ledger's URL has an @ too many. In a user name or password, write @ as %40, / as %2F and : as %3A"
        )
    return parsed.set(drivername="postgresql+psycopg")


def _checked(url: URL) -> URL:
    """Return a URL of SQLite's, if it is the name of a file and nothing else but, perhaps, how long to wait for it."""
    name = url.database or ""
    if name.startswith("file:"):
        raise NassimError(f"a ledger is no SQLite URI: name its file itself. Allowed: {ALLOWED}")
    if not name.isprintable():
        raise NassimError(f"a ledger's file can't be named {name!r}. Allowed: {ALLOWED}")
    if unknown := {*url.query} - {"timeout"}:
        raise NassimError(f"a ledger in SQLite takes ?timeout=SECONDS, found {', '.join(sorted(unknown))}")
    try:
        seconds = float(str(url.query.get("timeout", 0)))
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < TIMEOUT_LIMIT_S:
        raise NassimError(
            f"the ledger's timeout is {url.query['timeout']!r}; it is seconds, at least 0 and below {TIMEOUT_LIMIT_S}"
        )
    return url


def sqlite(url: URL, file: Path | None) -> Engine:
    """Return the engine of a SQLite file; or of a ledger in memory, without one."""
    options: dict[str, Any] = {} if file else {"poolclass": StaticPool}
    if file is not None and _is_on_read_only_media(file):
        options["creator"] = lambda: sqlite3.connect(
            f"file:{quote(str(file.absolute()))}?immutable=1", uri=True, check_same_thread=False
        )
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


def _is_on_read_only_media(file: Path) -> bool:
    """Whether a file is where nobody writes. SQLite would make files beside it, so it is told.

    Raises:
        NassimError: It is, and so is a log that would have to be written back into it.
    """
    if not os.path.isfile(file) or os.access(file, os.W_OK) or os.access(file.absolute().parent, os.W_OK):
        return False
    log = file.with_name(f"{file.name}-wal")
    if log.exists() and log.stat().st_size:
        raise NassimError(
            f"the ledger {file} can't be read where nothing can be written: {log.name} beside it holds commits that "
            "are not in it yet. Copy both files to a folder that can be written, and read it there"
        )
    return True


def keep_a_write_ahead_log(connection: Connection) -> None:
    """Switch the file, once in its life, to the mode in which readers and the writer don't wait for each other.

    Raises:
        NassimError: SQLite can't do that where the file is.
    """
    while connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() != "wal":
        try:
            if connection.exec_driver_sql("PRAGMA journal_mode=WAL").scalar_one() != "wal":
                raise NassimError(
                    "the ledger can't be written where it is: SQLite keeps no log there, as on read-only media and on "
                    "some network file systems. Put it on another disk"
                )
        except OperationalError as error:
            if "locked" not in str(error.orig):
                raise
            # Another driver is making the same ledger. SQLite doesn't wait for it above, so wait for it here.
            connection.exec_driver_sql("BEGIN EXCLUSIVE")
            connection.exec_driver_sql("ROLLBACK")


def postgresql(url: URL, sockets: Sockets) -> Engine:
    """Return the engine of a PostgreSQL database.

    Args:
        url: Where it is.
        sockets: Is told of the connections.
    """
    # A server that vanishes without a word must not block the driver for the minutes that TCP waits by itself.
    patience = {"connect_timeout": "10", "tcp_user_timeout": "30000"}
    arguments = {key: value for key, value in patience.items() if key not in url.query}
    engine = create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=arguments)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        sockets.add(connection)
        connection.autocommit = True
        # A driver that was stopped in mid-transaction must not hold up the one that takes over for good.
        connection.execute(f"SET lock_timeout = '{BUSY_TIMEOUT_S}s'")
        connection.execute("SET idle_in_transaction_session_timeout = '60s'")
        connection.autocommit = False

    @event.listens_for(engine, "close")
    def forget(connection: Any, _record: object) -> None:
        sockets.remove(connection)

    return engine
