"""A real PostgreSQL server for tests, started by them: `postgresql_server`, and `postgresql_url` for a new database.

The server refuses to run as root, so root starts it as user postgres or nobody.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import create_engine, text

USER = "nassim"
PASSWORD = "c0rrect horse:battery/st@ple"
_QUOTED_PASSWORD = "c0rrect%20horse%3Abattery%2Fst%40ple"
_FOLDERS = (*os.environ.get("PATH", "").split(os.pathsep), *map(str, Path("/usr/lib/postgresql").glob("*/bin")))


def _program(name: str) -> str | None:
    return next((found for folder in _FOLDERS if (found := shutil.which(name, path=folder))), None)


def _account() -> pwd.struct_passwd | None:
    """Who runs the server: None for ourselves."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names.get("nobody")


class PostgresqlServer:
    """A server in a folder of its own, reached by a Unix socket in it."""

    def __init__(self, folder: Path, durable: bool = False) -> None:
        self.folder = folder
        self._durable = durable
        self._account = _account()
        self._databases = 0
        if self._account:
            os.chown(folder, self._account.pw_uid, self._account.pw_gid)
        folder.chmod(0o755)
        password = folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._call("initdb", "-D", "data", "-U", USER, "--auth=scram-sha-256", f"--pwfile={password}", "-E", "UTF8")

    def _call(self, program: str, *arguments: str) -> None:
        who = {"user": self._account.pw_uid, "group": self._account.pw_gid} if self._account else {}
        extra = {"extra_groups": []} if self._account else {}
        done = subprocess.run(
            [str(_program(program)), *arguments],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            **who,
            **extra,
        )
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        durability = "" if self._durable else "-c fsync=off -c full_page_writes=off"
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' {durability}"
        self._call("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def stop(self) -> None:
        """Stop at once, as a crash would: connections break, nothing is flushed."""
        self._call("pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop")

    def url(self, database: str) -> str:
        return f"postgresql://{USER}:{_QUOTED_PASSWORD}@/{database}?host={self.folder}"

    def new_database(self) -> str:
        """Return the URL of a new, empty database."""
        self._databases += 1
        name = f"test{self._databases}"
        engine = create_engine(
            self.url("postgres").replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return self.url(name)


def missing() -> str | None:
    """Return why there can be no server here; None where there can."""
    for name in ("initdb", "pg_ctl"):
        if not _program(name):
            return f"PostgreSQL's {name} is not on the PATH, nor under /usr/lib/postgresql"
    if os.getuid() == 0 and not _account():
        return "PostgreSQL can't run as root, and there is neither a user postgres nor nobody"
    return None


def backends(server: PostgresqlServer) -> list[int]:
    """Return the processes that serve connections."""
    master = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    titles = {child.pid: " ".join(child.cmdline()) for child in psutil.Process(master).children()}
    return [pid for pid, title in titles.items() if USER in title]


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    if reason := missing():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="nassim-pg-"))
    try:
        server = PostgresqlServer(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgresql_url(postgresql_server: PostgresqlServer) -> str:
    return postgresql_server.new_database()
