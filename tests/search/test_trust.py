"""Resuming a run imports the code that its ledger names: only such as the run began with, unless told otherwise."""

import json
import signal
import sqlite3
from dataclasses import asdict

import pytest
import typer
from searching import CELL, FULL, experiment

from nassim.cli.running import is_trusted, opening
from nassim.errors import Interrupted, NassimError
from nassim.executors.inline import InlineExecutor
from nassim.ledger.store import Ledger
from nassim.run import execute, resume
from nassim.sources import code_of, doubt
from nassim.space.catalogue import SPACES, load_space
from nassim.space.domain import Domain

MINE = """\
from beside import width
from nassim.space import SearchSpace
from torch import nn

class Mine(SearchSpace):
    def __init__(self, *, input_shape=(1, 8, 8), classes=10):
        self.input_shape, self.classes = input_shape, classes

    def build(self, choose):
        return nn.Sequential(nn.Flatten(), choose("layer", {"one": lambda: nn.Linear(64, 10), "two": nn.LazyLinear}))
"""


@pytest.fixture
def interrupted(tmp_path, monkeypatch):
    """A run that was interrupted before it began, with a space of its own; the space's folder is the working one."""

    def begin(space="mine.py:Mine"):
        plan = experiment(tmp_path, FULL, space={"name": space} if isinstance(space, str) else space)
        monkeypatch.setattr("nassim.run.running.check_parts", lambda experiment, observe: Domain(()))
        monkeypatch.setattr(InlineExecutor, "start", asked)
        with pytest.raises(Interrupted):
            execute(plan, name="run")
        return plan

    def asked(*arguments, **named):
        raise Interrupted(2)

    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "beside.py").write_text("width = 8\n")
    return begin


def goes_on(plan, **named):
    """Whether a resume gets as far as to the executor."""
    try:
        resume("run", plan.ledger, **named)
    except Interrupted:
        return True


def forget_code(plan):
    with sqlite3.connect(plan.ledger.removeprefix("sqlite:///")) as connection:
        about = json.loads(connection.execute("SELECT about FROM nassim_runs").fetchone()[0])
        del about["code"]
        connection.execute("UPDATE nassim_runs SET about = ?", (json.dumps(about),))


def test_what_is_as_it_was_is_run(interrupted, tmp_path):
    plan = interrupted()
    assert goes_on(plan)
    record = Ledger(plan.ledger).run("run")
    assert opening(record) == f"going on with run run, its space is loaded from {tmp_path / 'mine.py'}"
    assert not is_trusted(record)


@pytest.mark.parametrize("name", ["mine.py", "beside.py"])
def test_a_file_that_has_changed_is_not_run_unless_it_is_trusted(interrupted, tmp_path, name):
    plan = interrupted()
    (tmp_path / name).write_text((tmp_path / name).read_text() + "open('ran', 'w')\n")
    with pytest.raises(NassimError, match=rf"{tmp_path}/mine.py, which has changed .*`nassim resume run --trust`"):
        resume("run", plan.ledger)
    assert not (tmp_path / "ran").exists()
    assert goes_on(plan, trust=True)


def test_another_file_is_not_run(interrupted, tmp_path, monkeypatch):
    plan = interrupted()
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "there")
    (tmp_path / "there" / "mine.py").write_text(MINE)
    with pytest.raises(NassimError, match=rf"from {tmp_path}/there/mine.py, and it began with {tmp_path}/mine.py"):
        resume("run", plan.ledger)


def test_a_run_of_which_nothing_is_recorded_goes_on_with_a_space_of_nassims_alone(interrupted, tmp_path):
    plan = interrupted()
    forget_code(plan)
    with pytest.raises(NassimError, match="the ledger does not say which code it began with"):
        resume("run", plan.ledger)
    assert doubt(SPACES, "cell", None) is None


def test_a_space_of_nassims_is_never_doubted(interrupted):
    assert goes_on(interrupted(CELL))


def test_an_installed_package_is_known_by_its_version(monkeypatch):
    monkeypatch.setattr("nassim.sources._package_of", lambda catalogue, name: ("spaces", "1.2"))
    began = asdict(code_of(SPACES, "theirs"))
    assert doubt(SPACES, "theirs", began) is None
    monkeypatch.setattr("nassim.sources._package_of", lambda catalogue, name: ("spaces", "1.3"))
    assert "the package spaces, which has changed since it began: 1.2 then, 1.3 now" in doubt(SPACES, "theirs", began)
    monkeypatch.undo()
    assert code_of(SPACES, "cell").origin == "the package nassim"
    assert code_of(SPACES, "yaml:Loader").origin == "the package PyYAML"


def test_a_module_on_the_path_is_known_by_its_files(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "__init__.py").write_text("raise SystemExit('it is run')")
    (tmp_path / "own" / "space.py").write_text("")
    began = code_of(SPACES, "own.space:Mine")
    assert began.origin == str(tmp_path / "own" / "__init__.py")
    (tmp_path / "own" / "space.py").write_text("1")
    assert code_of(SPACES, "own.space:Mine").state != began.state


def test_a_folder_without_an_init_is_known_by_its_files_too(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "space.py").write_text("")
    began = asdict(code_of(SPACES, "plain.space:Mine"))
    assert doubt(SPACES, "plain.space:Mine", began) is None
    (tmp_path / "plain" / "space.py").write_text("1")
    assert "has changed since it began" in doubt(SPACES, "plain.space:Mine", began)


@pytest.mark.parametrize("reference", ["__main__:Mine", f"{'x' * 300}.py:Mine", f"{'x' * 300}:Mine", "a..b:Mine"])
def test_what_no_space_can_be_named_is_told(reference):
    assert "which has changed" in doubt(SPACES, reference, asdict(code_of(SPACES, reference)) | {"state": "other"})
    with pytest.raises(NassimError):
        load_space(reference, {})


def test_what_a_ledger_names_moves_no_cursor(tmp_path):
    (tmp_path / "mine.py").touch()
    asked = doubt(SPACES, f"{tmp_path}/mine.py:Mine", {"origin": "here\r\x1b[2Kall is well. ", "state": ""})
    assert asked.endswith(r"it began with here\r\x1b[2Kall is well. ")


@pytest.mark.parametrize("answer", [True, False])
def test_somebody_at_a_terminal_is_asked(interrupted, tmp_path, monkeypatch, answer):
    plan, asked = interrupted(), []
    forget_code(plan)
    for stream in ("stdin", "stdout"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True)
    monkeypatch.setattr(typer, "confirm", lambda question: asked.append(question) or answer)
    assert is_trusted(Ledger(plan.ledger).run("run")) == answer
    assert str(tmp_path / "mine.py") in asked[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_no_answer(interrupted, monkeypatch, number):
    plan = interrupted()
    forget_code(plan)
    for stream in ("stdin", "stdout"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True)
    monkeypatch.setattr(f"{typer.confirm.__module__}.visible_prompt_func", answering(Interrupted(number)))
    with pytest.raises(Interrupted) as caught:
        is_trusted(Ledger(plan.ledger).run("run"))
    assert caught.value.number == number
    monkeypatch.setattr(f"{typer.confirm.__module__}.visible_prompt_func", answering(EOFError()))
    assert not is_trusted(Ledger(plan.ledger).run("run"))


def answering(error):
    def answer(question):
        raise error

    return answer
