"""What can't be gone on with is told before anything is changed, and is reported all the same."""

import json
import sqlite3
from contextlib import closing

import pytest
from searching import experiment

from nassim.errors import NassimError
from nassim.ledger.store import Ledger
from nassim.report.reading import read_run
from nassim.run import execute, resume

MINE = """\
from torch import nn
from nassim.space import SearchSpace

class Never(nn.Identity):
    def forward(self, x):
        assert x.is_meta, "not today"
        return x

class Mine(SearchSpace):
    input_shape, classes = (1, 8, 8), 10

    def build(self, choose):
        act = choose("act", {"relu": nn.ReLU, "tanh": nn.Tanh})
        if choose("deep", ["yes", "no"]) == "yes":
            choose("more", [1, 2])
        return nn.Sequential(nn.Flatten(), act, Never(), nn.Linear(64, 10))
"""


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """An experiment with a run that failed."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "mine.py").write_text(MINE)
    plan = experiment(folder, space={"name": f"{folder / 'mine.py'}:Mine"})
    with pytest.raises(NassimError, match="has found nothing"):
        execute(plan, name="run")
    return plan, folder


@pytest.fixture
def failed(begun):
    """The same, the file of its space, and what changes a column of the ledger; all is as it was afterwards."""
    plan, folder = begun
    (folder / "mine.py").write_text(MINE)
    with closing(sqlite3.connect(folder / "ledger.db", isolation_level=None)) as database:
        before = database.execute("SELECT experiment, about FROM nassim_runs").fetchone()

        def rewrite(column: str, change) -> None:
            document = json.loads(before[("experiment", "about").index(column)])
            change(document)
            database.execute(f"UPDATE nassim_runs SET {column} = ?", [json.dumps(document)])

        yield plan, folder / "mine.py", rewrite
        database.execute("UPDATE nassim_runs SET experiment = ?, about = ?", before)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            '"tanh": nn.Tanh',
            '"gelu": nn.GELU',
            "option 'tanh' of choice 'act' is gone; option 'gelu' of choice 'act' is new",
        ),
        ('"act"', '"activation"', "choice 'act' is gone; choice 'activation' is new"),
        ('"yes", "no"', '"no", "yes"', "the options of choice 'deep' are in another order"),
        ('== "yes"', '== "no"', "choice 'more' is asked under other conditions"),
        ("[1, 2]", "range(1, 20)", "option '3' of choice 'more' is new; .*, and 12 more"),
    ],
)
def test_a_space_that_is_another_is_told_with_what_is_different(failed, old, new, told):
    plan, mine, _ = failed
    before = Ledger(plan.ledger).run("run")
    mine.write_text(MINE.replace(old, new))
    with pytest.raises(NassimError, match=rf"the space of run run is another than it was when the run began: {told}"):
        resume("run", plan.ledger, trust=True)
    assert Ledger(plan.ledger).run("run") == before
    mine.unlink()
    assert read_run(Ledger(plan.ledger), "run").status == "failed"


def test_a_space_that_is_the_same_is_gone_on_with_and_so_is_one_that_was_not_recorded(failed):
    plan, mine, rewrite = failed
    sessions = Ledger(plan.ledger).run("run").sessions
    mine.write_text(MINE.replace("not today", "not now either"))
    with pytest.raises(NassimError, match="has found nothing"):
        resume("run", plan.ledger, trust=True)
    rewrite("about", lambda about: about.pop("space"))
    mine.write_text(MINE.replace('"relu"', '"rely"'))
    with pytest.raises(NassimError, match="has found nothing"):
        resume("run", plan.ledger, trust=True)
    assert Ledger(plan.ledger).run("run").sessions == sessions + 2


def test_an_experiment_that_is_not_taken_any_more_is_told_and_reported(failed):
    plan, _, rewrite = failed
    rewrite("experiment", lambda document: document["training"].update(epochs=0, epoch=3))
    with pytest.raises(
        NassimError,
        match=r"run run can't be gone on with: .* takes: training\.epochs: found 0, .*; training\.epoch: ",
    ):
        resume("run", plan.ledger, trust=True)
    assert read_run(Ledger(plan.ledger), "run").status == "failed"
