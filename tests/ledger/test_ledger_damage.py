"""Ledgers that are not what nassim wrote: one message each, and nothing is lost by looking."""

import os
import sqlite3
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_samples import closing, lap, lease, new_run

from nassim.errors import NassimError
from nassim.executors.clock import utc
from nassim.ledger.finding import Finding
from nassim.ledger.store import Ledger
from nassim.report.reading import read_run
from nassim.search.recovery import recover
from nassim.space.architecture import Architecture


@pytest.fixture
def file(tmp_path) -> Path:
    """A ledger with a run of a trial, and nothing beside it."""
    file = tmp_path / "ledger.db"
    with Ledger(f"sqlite:///{file}") as ledger:
        experiment = {"name": "small", "seed": 3, "space": {"name": "cell"}, "data": {"name": "digits"}}
        writer = ledger.create("run", experiment | {"searches": [{"name": "tpe"}]}, "2026-01-01T00:00:00+00:00")
        writer.lease(lease())
        writer.append(lap(0.0))
        writer.append(closing(0, value=0.5, metrics={"accuracy": 0.5}))
        optuna.create_study(storage=writer.storage(utc), study_name="tpe").enqueue_trial({"x": 1})
        found = Finding("tpe", 0, Architecture({}), 10, 20, 40, 1000, 42, {"accuracy": 0.5}, 60)
        writer.found(replace(found, objectives={"accuracy": "max"}, front=(0,)))
        writer.commit()
    assert not list(tmp_path.glob("*-wal"))
    return file


def change(file: Path, *statements: str) -> None:
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA writable_schema=ON")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def read_all(file: Path) -> None:
    """Read a ledger in every way that commands do."""
    with Ledger.open(f"sqlite:///{file}") as ledger:
        for record in ledger.runs():
            run = record.name
            for read in (ledger.frame, ledger.totals, ledger.trials, ledger.uncounted, ledger.leases, ledger.balance):
                read(run)
            ledger.front(run)
            ledger.storage(run)
            read_run(ledger, run)
            recover(ledger, run)


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (["DELETE FROM nassim_schema"], "it names 0 versions of its schema"),
        (["INSERT INTO nassim_schema VALUES (7)"], r"it names 2 versions of its schema, \[4, 7\]"),
        (["DROP TABLE nassim_entries"], r"no such table: nassim_entries. It is damaged"),
        (["DROP TABLE nassim_statuses"], r"no such table: nassim_statuses. It is damaged"),
        (["UPDATE nassim_runs SET experiment = '{'"], "make sense of .JSONDecodeError"),
        (["UPDATE nassim_runs SET about = x'ff'"], "make sense of .UnicodeDecodeError"),
        (["UPDATE nassim_entries SET seconds = 'long'"], "holds what this nassim can't make sense of"),
        (["UPDATE nassim_leases SET opened_s = x'00'"], "holds what this nassim can't make sense of"),
        (["INSERT INTO nassim_findings VALUES (1, 99, 'tpe', '[]')"], "holds what this nassim can't make sense of"),
    ],
)
def test_what_nassim_did_not_write_is_told(file, statements, message):
    change(file, *statements)
    with pytest.raises(NassimError, match=message):
        read_all(file)


def test_a_driver_does_not_write_to_a_ledger_of_two_versions(file):
    change(file, "INSERT INTO nassim_schema VALUES (7)")
    with pytest.raises(NassimError, match="it names 2 versions of its schema"):
        new_run(Ledger(f"sqlite:///{file}"), "another")


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_byte_may_be_another(file, data):
    whole = file.read_bytes()
    start = data.draw(st.integers(0, len(whole) - 1))
    patch = data.draw(st.one_of(st.binary(min_size=1, max_size=8), st.just(bytes(512)), st.just(b"\xff" * 64)))
    cut = data.draw(st.booleans())
    try:
        file.write_bytes(whole[:start] if cut else whole[:start] + patch + whole[start + len(patch) :])
        with suppress(NassimError):
            read_all(file)
    finally:
        for other in file.parent.glob("ledger.db*"):
            other.unlink()
        file.write_bytes(whole)


def test_a_file_that_is_deleted_while_it_is_written_is_noticed_and_rescued(tmp_path):
    file = tmp_path / "ledger.db"
    writer = new_run(Ledger(f"sqlite:///{file}"))
    seqs = [writer.append(lap(0.0))]
    writer.commit()
    for each in tmp_path.glob("ledger.db*"):
        each.unlink()
    seqs.append(writer.append(lap(1.0)))
    with pytest.raises(NassimError, match="was deleted while it was written"):
        writer.commit()
    seqs.append(writer.append(lap(2.0)))
    rescued = writer.rescue(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [rescued.name]
    ledger = Ledger(f"sqlite:///{rescued}")
    assert ledger.frame("run")["seq"].tolist() == seqs
    assert ledger.run("run").status == "interrupted"


def test_a_file_that_is_replaced_is_left_alone(tmp_path):
    file, other = tmp_path / "ledger.db", tmp_path / "other.db"
    writer = new_run(Ledger(f"sqlite:///{file}"))
    with Ledger(f"sqlite:///{other}") as ledger:
        new_run(ledger, "theirs")
    for each in tmp_path.glob("ledger.db*"):
        each.unlink()
    other.rename(file)
    content = file.read_bytes()
    writer.append(lap(0.0))
    with pytest.raises(NassimError, match="was replaced by another file while it was written"):
        writer.commit()
    assert file.read_bytes() == content
    writer.rescue(tmp_path)
    assert [record.name for record in Ledger(f"sqlite:///{file}").runs()] == ["theirs"]


def test_a_log_that_is_replaced_is_noticed(tmp_path):
    writer = new_run(Ledger(f"sqlite:///{tmp_path / 'ledger.db'}"))
    log = tmp_path / "ledger.db-wal"
    log.rename(tmp_path / "away")
    log.touch()
    writer.append(lap(0.0))
    with pytest.raises(NassimError, match=r"was replaced by another file while it was written: .*ledger\.db-wal"):
        writer.commit()
    assert len(Ledger(f"sqlite:///{writer.rescue(tmp_path)}").frame("run")) == 1


def test_a_ledger_behind_a_link_has_its_log_beside_the_file(tmp_path):
    (tmp_path / "link.db").symlink_to(tmp_path / "ledger.db")
    writer = new_run(Ledger(f"sqlite:///{tmp_path / 'link.db'}"))
    writer.append(lap(0.0))
    writer.commit()
    assert len(Ledger(f"sqlite:///{tmp_path / 'ledger.db'}").frame("run")) == 1


READ = "import sys; from nassim.cli import main; sys.argv[1:] = ['runs', '--ledger', sys.argv[1]]; main()"


@pytest.fixture
def sealed(file):
    """The ledger on a disk that is mounted read-only."""
    folder = file.parent / "sealed"
    folder.mkdir()
    mounted = ["mount", "-t", "tmpfs", "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(mounted, check=False, capture_output=True).returncode:
        pytest.skip("a read-only disk can't be mounted here")

    def seal(*files: Path) -> Path:
        for each in files:
            (folder / each.name).write_bytes(each.read_bytes())
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        return folder / file.name

    yield seal
    subprocess.run(["umount", str(folder)], check=True)


def test_a_ledger_on_read_only_media_can_be_read(file, sealed):
    there = sealed(file)
    read_all(there)
    shown = subprocess.run(
        [sys.executable, "-c", READ, f"sqlite:///{there}"], capture_output=True, text=True, check=True
    )
    assert "run" in shown.stdout
    with (
        Ledger(f"sqlite:///{there}") as ledger,
        pytest.raises(NassimError, match="the ledger can't be written where it is"),
    ):
        new_run(ledger, "another")


def test_a_ledger_on_read_only_media_whose_commits_lie_beside_it_is_not_read_without_them(file, sealed):
    with Ledger(f"sqlite:///{file}") as ledger:
        new_run(ledger, "another")
        there = sealed(*file.parent.glob("ledger.db*"))
    with pytest.raises(NassimError, match=r"ledger\.db-wal beside it holds commits that are not in it yet"):
        read_all(there)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite+pysqlite://"])
def test_a_ledger_in_memory_does_not_last(url):
    with pytest.raises(NassimError, match=r"is in memory, and would be gone with the run. Allowed: sqlite:///FILE"):
        Ledger(url).check_lasting()


@pytest.mark.parametrize("url", ["sqlite:///file::memory:?uri=true", "sqlite:///file:x?mode=memory&uri=true"])
def test_a_ledger_is_no_sqlite_uri(url):
    with pytest.raises(NassimError, match="a ledger is no SQLite URI: name its file itself"):
        Ledger(url)
