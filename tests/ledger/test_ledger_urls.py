"""Where a ledger can be, what is said where it can't, and that no password is ever seen."""

import logging
import sqlite3
import traceback

import pytest
from ledger_samples import STARTED_AT, lap, new_run
from postgresql import PASSWORD
from sqlalchemy import create_engine, text

from nassim.errors import NassimError
from nassim.ledger import takeover
from nassim.ledger.credentials import without_credentials
from nassim.ledger.errors import LedgerUnavailable
from nassim.ledger.schema import metadata
from nassim.ledger.store import Ledger

SECRET = "hunter2secret"


def test_reading_makes_no_file(tmp_path):
    file = tmp_path / "none.db"
    with pytest.raises(NassimError, match=r"no ledger at .*none\.db: no such file"):
        Ledger.open(f"sqlite:///{file}")
    ledger = Ledger(f"sqlite:///{file}")
    for read in (ledger.runs, lambda: ledger.totals("x"), lambda: ledger.resume("x")):
        with pytest.raises(NassimError, match="no such file"):
            read()
    assert ledger.free_name("q") == "q-1"
    assert list(tmp_path.iterdir()) == []


def test_a_relative_file_is_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    new_run(Ledger("sqlite:///nassim.db")).close("finished")
    assert (tmp_path / "nassim.db").is_file()
    assert [run.name for run in Ledger.open("sqlite:///nassim.db").runs()] == ["run"]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(NassimError, match=r"the folder .*/gone does not exist"):
        new_run(Ledger(f"sqlite:///{tmp_path}/gone/ledger.db"))


def test_a_file_that_is_no_database_is_left_alone(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("These are notes and no database. " * 100)
    before = file.read_bytes()
    for use in (Ledger.open, lambda url: new_run(Ledger(url))):
        with pytest.raises(NassimError, match=r"not a database. Give the name of a ledger"):
            use(f"sqlite:///{file}")
    assert file.read_bytes() == before


def test_a_database_of_something_else_is_no_ledger(tmp_path):
    file = tmp_path / "other.db"
    sqlite3.connect(file).execute("CREATE TABLE mine (x)")
    with pytest.raises(NassimError, match=r"there is no ledger in .* yet"):
        Ledger.open(f"sqlite:///{file}")


def test_a_ledger_of_a_newer_version_is_refused(ledger, url):
    new_run(ledger)
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE nassim_schema SET version = 99"))
    for use in (Ledger.open, lambda url: new_run(Ledger(url), "b")):
        with pytest.raises(NassimError, match=r"has schema 99, this nassim knows schema 4 alone. Use a nassim"):
            use(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (f"nassim.db?password={SECRET}", "can't be read. Allowed: sqlite:///FILE"),
        (f"postgresql//u:{SECRET}@host/db", "can't be read. Allowed"),
        (f"postgresql://u:{SECRET}@host:port/db", "can't be read. Allowed"),
        (f"postgresql://u:x@{SECRET}@host/db", "an @ too many. .*write @ as %40"),
        (f"mysql://u:{SECRET}@host/db", "can't be kept in 'mysql'. Allowed: sqlite"),
        ("sqlite:///what?.db", "the name of its file has no question mark in it"),
        ("sqlite+aiosqlite:///x.db", r"can't be kept in 'sqlite\+aiosqlite'"),
    ],
)
def test_a_wrong_url_is_answered_without_repeating_it(url, message):
    with pytest.raises(NassimError, match=message) as caught:
        Ledger(url)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_name_that_is_too_long_is_answered(tmp_path):
    url = f"sqlite:///{tmp_path}/{'x' * 300}.db"
    with pytest.raises(NassimError, match="no such file"):
        Ledger.open(url)
    with pytest.raises(NassimError, match="unable to open database file"):
        new_run(Ledger(url))


def test_a_server_that_is_not_there_is_answered_at_once():
    with pytest.raises(LedgerUnavailable, match=r"refused.*Is the server running") as caught:
        Ledger.open(f"postgresql://u:{SECRET}@127.0.0.1:9/db?sslpassword={SECRET}")
    shown = "".join(traceback.format_exception(caught.value))
    assert SECRET not in shown
    assert "postgresql://u:***@127.0.0.1:9/db?sslpassword=***" in shown


def test_a_missing_driver_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(NassimError, match=r"pip install 'nassim\[postgresql\]'"):
        Ledger.open("postgresql://u:p@host/db")


def test_a_wrong_password_is_not_shown(postgresql_server):
    url = postgresql_server.new_database().replace("c0rrect", SECRET)
    with pytest.raises(NassimError, match=r"password authentication failed.*Check the user") as caught:
        Ledger.open(url)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_the_password_is_nowhere(postgresql_server, tmp_path, caplog):
    """Not in repr, messages, logs, rows, files."""
    caplog.set_level(logging.DEBUG)
    url = postgresql_server.new_database()
    quoted = url.split(":")[2].split("@")[0]
    ledger = Ledger(url)
    writer = ledger.create("run", {"ledger": url, "nested": [{"url": url}]}, STARTED_AT, {"argv": ["--ledger", url]})
    writer.append(lap(0.0, reason=f"OperationalError: can't reach {url}"))
    seen = [repr(ledger), str(ledger), repr(writer), ledger.url, repr(ledger.run("run"))]
    writer.append(lap(1.0, reason=f"again {url}"))
    seen.append(writer.save_aside(tmp_path).read_text())
    writer.commit()
    for wrong in (lambda: ledger.run("x"), lambda: new_run(ledger)):
        with pytest.raises(NassimError) as caught:
            wrong()
        seen.append("".join(traceback.format_exception(caught.value)))
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            seen += [repr(row) for row in connection.execute(table.select())]
    everything = "\n".join([*seen, caplog.text])
    assert "can't reach postgresql://nassim:***@" in everything
    for secret in (PASSWORD, quoted, "battery"):
        assert secret not in everything


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("postgresql://u:p@ss/w:rd@h/db", "postgresql://u:***@h/db"),
        ("see postgresql://u:pw@h/db and redis://:pw@r", "see postgresql://u:***@h/db and redis://:***@r"),
        ("https://h/x?a=1&api_key=pw&b=2", "https://h/x?a=1&api_key=***&b=2"),
        ("postgresql://h:5432/db", "postgresql://h:5432/db"),
        ("sqlite:///nassim.db", "sqlite:///nassim.db"),
        ({"a": ["x://u:pw@h"], "n": 1}, {"a": ["x://u:***@h"], "n": 1}),
    ],
)
def test_passwords_are_taken_out_of_texts(text, clean):
    assert without_credentials(text) == clean


@pytest.mark.parametrize("name", ["", "a/b", "-x", "a b", "é", "x" * 101])
def test_a_run_has_a_name_that_can_be_typed(name):
    with pytest.raises(NassimError, match="Allowed: up to 100 letters"):
        takeover.check_name(name)


@pytest.mark.parametrize(
    ("experiment", "stem"),
    [
        ("quickstart", "quickstart"),
        ("my first search", "my-first-search"),
        ("../../../precious", "precious"),
        ("/etc/passwd", "etc-passwd"),
        ("Größe 5", "Groe-5"),
        ("CON", "CON"),
        ("搜索", "run"),
        ("😀" * 80, "run"),
        ("--help", "help"),
    ],
)
def test_runs_are_named_after_their_experiment_in_characters_that_they_may_have(experiment, stem):
    assert takeover.run_stem(experiment) == stem
    takeover.check_name(f"{stem}-1")
