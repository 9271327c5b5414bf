"""The database locked or gone in the middle of a run: it goes on, or stops with what is unwritten saved beside it."""

import os
import shutil
import signal
import sqlite3
import tempfile
import threading
from pathlib import Path

import pytest
from postgresql import PostgresqlServer, backends, missing
from searching import FULL, Done, check_books, experiment, run

from nassim.errors import NassimError
from nassim.ledger.entry import Stage
from nassim.ledger.store import Ledger
from nassim.notices import JobReported
from nassim.run import execute, resume

AT_REPORT = 4


def at_report(number, act, notices):
    """Return an observer that acts at a report."""

    def observe(notice):
        notices.append(notice)
        if isinstance(notice, JobReported) and sum(isinstance(told, JobReported) for told in notices) == number:
            act()

    return observe


class Lock:
    """Another connection that holds SQLite's write lock."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def take(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def release(self) -> None:
        self._connection.execute("ROLLBACK")


@pytest.fixture
def undisturbed(tmp_path) -> Done:
    (tmp_path / "undisturbed").mkdir()
    return run(experiment(tmp_path / "undisturbed", FULL | {"trials": 3}))


@pytest.mark.slow
def test_a_lock_that_passes_is_sat_out(tmp_path, undisturbed):
    url = f"sqlite:///{tmp_path / 'ledger.db'}?timeout=0.1"
    plan = experiment(tmp_path, FULL | {"trials": 3}, ledger=url)
    lock, notices = None, []

    def hold():
        nonlocal lock
        lock = Lock(tmp_path / "ledger.db")
        lock.take()
        threading.Timer(1.0, lock.release).start()

    execute(plan, name="run", observe=at_report(AT_REPORT, hold, notices))
    done = Done(url, "run", notices)
    check_books(done)
    assert done.results() == undisturbed.results()
    assert done.status == "finished"
    away, back = done.warnings
    assert "can't be written now: database is locked" in away
    assert away.endswith("; it is tried again for 60 s")
    assert back == "the database is back, and what was kept is written"


@pytest.mark.slow
def test_a_lock_that_stays_stops_the_run_and_resume_takes_in_what_was_kept(tmp_path, undisturbed, monkeypatch):
    monkeypatch.setattr("nassim.search.commits.PATIENCE_S", 0.3)
    url = f"sqlite:///{tmp_path / 'ledger.db'}?timeout=0.1"
    plan = experiment(tmp_path, FULL | {"trials": 30}, ledger=url)
    lock = None

    def hold():
        nonlocal lock
        lock = Lock(tmp_path / "ledger.db")
        lock.take()

    with pytest.raises(NassimError, match=r"database is locked.* saved in .*/runs/run/run\.unwritten\.jsonl; when"):
        execute(plan, name="run", observe=at_report(AT_REPORT, hold, []))
    lock.release()
    kept = (tmp_path / "runs" / "run" / "run.unwritten.jsonl").read_text()
    written = len(Ledger(url).frame("run"))
    resume("run", url)
    done = Done(url, "run")
    check_books(done)
    assert done.status == "finished"
    assert len(done.entries) > written + kept.count("nassim_entries")
    assert [t.values for t in done.study("full")][:3] == [t.values for t in undisturbed.study("full")]
    assert not list((tmp_path / "runs" / "run").glob("*.unwritten.jsonl"))


@pytest.fixture
def server():
    """A server of its own, to be stopped."""
    if reason := missing():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="nassim-pg-"))
    server = PostgresqlServer(folder, durable=True)
    server.start()
    server.running = True
    yield server
    if server.running:
        server.stop()
    shutil.rmtree(folder, ignore_errors=True)


def test_a_server_that_comes_back(tmp_path, undisturbed, server):
    url = server.new_database()
    plan = experiment(tmp_path, FULL | {"trials": 3}, ledger=url)
    notices: list = []
    starting = threading.Timer(0.5, server.start)

    def restart():
        server.stop()
        starting.start()

    execute(plan, name="run", observe=at_report(AT_REPORT, restart, notices))
    starting.join()
    done = Done(url, "run", notices)
    check_books(done)
    assert done.results() == undisturbed.results()
    assert "the database is back, and what was kept is written" in done.warnings


@pytest.mark.slow
def test_a_server_that_stays_away(tmp_path, undisturbed, server, monkeypatch):
    monkeypatch.setattr("nassim.search.commits.PATIENCE_S", 0.3)
    url = server.new_database()
    plan = experiment(tmp_path, FULL | {"trials": 30}, ledger=url)

    def stop():
        server.stop()
        server.running = False

    with pytest.raises(NassimError) as stopped:
        execute(plan, name="run", observe=at_report(AT_REPORT, stop, []))
    assert "is saved in" in str(stopped.value)
    assert "c0rrect" not in str(stopped.value)
    server.start()
    server.running = True
    resume("run", url)
    done = Done(url, "run")
    check_books(done)
    assert done.status == "finished"
    assert [t.values for t in done.study("full")][:3] == [t.values for t in undisturbed.study("full")]


@pytest.mark.slow
def test_a_server_that_stalls_is_away(tmp_path, undisturbed, server, monkeypatch):
    """Its process is stopped, not ended: the connection stays open, and nothing answers."""
    monkeypatch.setattr("nassim.ledger.database.WRITE_ANSWER_S", 0.3)
    url = server.new_database()
    plan, stopped = experiment(tmp_path, FULL | {"trials": 3}, ledger=url), []

    def stall():
        stopped.extend(backends(server))
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)

    execute(plan, name="run", observe=at_report(AT_REPORT, stall, []))
    (pid,) = stopped
    os.kill(pid, signal.SIGCONT)
    done = Done(url, "run")
    check_books(done)
    assert done.results() == undisturbed.results()


@pytest.mark.parametrize("what", ["ledger.db*", pytest.param("ledger.db-wal", marks=pytest.mark.slow)])
def test_a_ledger_that_is_deleted_while_the_run_goes_on_is_rescued(tmp_path, undisturbed, what):
    plan = experiment(tmp_path, FULL | {"trials": 3})

    def delete():
        for file in tmp_path.glob(what):
            file.unlink()

    with pytest.raises(
        NassimError, match=r"was deleted while it was written.* is saved in .*/runs/run/ledger-1\.db\. Put"
    ):
        execute(plan, name="run", observe=at_report(AT_REPORT, delete, []))
    (tmp_path / "runs" / "run" / "ledger-1.db").rename(tmp_path / "ledger.db")
    resume("run", plan.ledger)
    done = Done(plan.ledger, "run")
    check_books(done)
    assert done.results() == undisturbed.results()


@pytest.mark.slow
def test_what_is_not_written_is_saved_elsewhere_where_the_runs_folder_is_away_too(tmp_path, undisturbed, monkeypatch):
    for module in ("commits", "hindrances"):
        monkeypatch.setattr(f"nassim.search.{module}.PATIENCE_S", 0.3)
    home, own, aside = tmp_path / "home", tmp_path / "runs/run", tmp_path / "aside"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    url = f"sqlite:///{tmp_path / 'ledger.db'}?timeout=0.1"
    plan, locks = experiment(tmp_path, FULL | {"trials": 3}, ledger=url), []

    def take_away():
        locks.append(Lock(tmp_path / "ledger.db"))
        locks[0].take()
        own.rename(aside)

    with pytest.raises(NassimError, match=r"locked.* is saved in .*/home/nassim-run-.*; move it into .*/runs/run, and"):
        execute(plan, name="run", observe=at_report(AT_REPORT, take_away, []))
    (saved,) = home.glob("nassim-run-*/run.unwritten.jsonl")
    posted, written = saved.read_text().count("nassim_entries"), len(Ledger(url).frame("run"))
    locks[0].release()
    aside.rename(own)
    shutil.move(saved, own)
    resume("run", url)
    done = Done(url, "run")
    check_books(done)
    assert posted
    assert len(done.entries) > written + posted
    assert done.results() == undisturbed.results()


@pytest.mark.slow
def test_a_ledger_that_is_deleted_with_all_beside_it_is_rescued_elsewhere(tmp_path, undisturbed, monkeypatch):
    home, there = tmp_path / "home", tmp_path / "there"
    home.mkdir()
    there.mkdir()
    monkeypatch.setenv("HOME", str(home))
    plan = experiment(there, FULL | {"trials": 3})
    with pytest.raises(NassimError, match=r"is saved in .*/home/nassim-run-.*/ledger-1\.db\. Put that file"):
        execute(plan, name="run", observe=at_report(AT_REPORT, lambda: shutil.rmtree(there), []))
    there.mkdir()
    (rescued,) = home.glob("nassim-run-*/ledger-1.db")
    shutil.move(rescued, there / "ledger.db")
    resume("run", plan.ledger)
    done = Done(plan.ledger, "run")
    check_books(done)
    assert done.results() == undisturbed.results()


def test_a_run_is_not_kept_in_memory(tmp_path):
    with pytest.raises(NassimError, match="is in memory, and would be gone with the run"):
        execute(experiment(tmp_path, FULL, ledger="sqlite://"))
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_database_away_at_the_end_too(tmp_path, monkeypatch):
    """The last commit of all fails: what is unwritten is saved, and a resume has nothing to do but take it in."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}?timeout=0.1"
    plan = experiment(tmp_path, FULL | {"trials": 1}, ledger=url)
    lock = Lock(tmp_path / "ledger.db")
    monkeypatch.setattr("nassim.search.commits.PATIENCE_S", 0.3)

    def hold(notice):
        if isinstance(notice, JobReported) and notice.stage is Stage.FINAL and notice.step == notice.last == 3:
            lock.take()

    with pytest.raises(NassimError, match="is saved in"):
        execute(plan, name="run", observe=hold)
    lock.release()
    resume("run", url)
    done = Done(url, "run")
    check_books(done)
    assert done.status == "finished"
    assert set(done.findings) == {"full"}
