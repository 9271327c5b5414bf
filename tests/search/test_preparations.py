"""Preparations: trainings that trials wait for, by an evaluator of one's own (docs/extending.md)."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from papers import Paper, look
from searching import CELL, Done, check_books, experiment, run
from test_machine_faults import at_report, interrupt

from nassim.cost.work import Activity, Work
from nassim.evaluation import Job, Progress
from nassim.ledger.entry import Stage
from nassim.run import execute, resume
from nassim.search.search import SearchFailed
from nassim.space.catalogue import load_space

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"


@pytest.fixture
def searches(tmp_path):
    """Two searches by weights that they share, trained for four epochs."""
    (text,) = re.findall(r"\*\*`mine/evaluator.py`\*\*\n\n```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "one_shot.py").write_text(text)
    kind, parameters = f"{tmp_path / 'one_shot.py'}:OneShot", {"epochs": 4, "weights": "common"}
    one = {"evaluator": {"kind": kind, "parameters": parameters}, "sampler": {"name": "random"}, "trials": 3}
    return [{"name": "first", **one}, {"name": "second", **one}]


def shared(done, activity):
    entries = done.entries[(done.entries["stage"] == "shared") & (done.entries["activity"] == activity)]
    return entries[entries["worker"] != "driver"]


@pytest.mark.slow
def test_shared_weights_stop_within_a_report_and_go_on_from_their_last_checkpoint(tmp_path, searches):
    (tmp_path / "undisturbed").mkdir()
    execute(undisturbed := experiment(tmp_path / "undisturbed", *searches, space=CELL), name="run")
    plan, notices = experiment(tmp_path, *searches, space=CELL), []
    execute(plan, name="run", observe=at_report(2, interrupt, notices, kind="shared weights"))
    stopped = Done(plan.ledger, "run", notices)
    assert stopped.status == "interrupted"
    assert shared(stopped, "checkpoint")["step"].tolist() == [1, 2], "no further than the report it was asked at"
    resume("run", plan.ledger)
    done = Done(plan.ledger, "run")
    check_books(done)
    assert done.results() == Done(undisturbed.ledger, "run").results()
    assert shared(done, "checkpoint")["step"].tolist() == [1, 2, 3, 4]
    assert shared(done, "lost").empty
    assert set(shared(done, "supernet")["search"]) == {"first"}, "the second search had them for nothing"


@dataclass(frozen=True)
class Kept:
    """A preparation that keeps its states in memory."""

    id: str

    def standing(self, step):
        return step

    def needless(self, step):
        return ()


class Prepared(Paper):
    """Two preparations of two steps each, side by side; no trials, for it knows itself what is found."""

    trials = 0

    def __init__(self, found):
        self.preparations = (Kept("s/left"), Kept("s/right"))
        self.found = found

    def due(self, preparation, trial):
        return 2

    def prepare(self, preparation, first, draw):
        planned = (Work(Activity.SUPERNET, forward_flop=5),)
        return Job(preparation.id, "s", "preparing", (), first, 2, 0, planned, Stage.SHARED, checkpoint="none")

    def choose(self):
        return self.found

    def run(self, job):
        for step in range(job.first, job.last):
            yield Progress(Work(Activity.SUPERNET, forward_flop=5))
            yield Progress(Work(Activity.CHECKPOINT), step + 1, None, {"train_loss": 0.5})


def test_several_preparations_come_to_their_end_also_where_there_are_no_trials():
    found = look("random", 0, evaluator=Prepared(None))
    done = found.entries[found.entries["activity"] == "checkpoint"]
    assert done.groupby("job")["step"].agg(list).to_dict() == {"s/left": [1, 2], "s/right": [1, 2]}
    assert set(done["stage"]) == {"shared"}
    assert found.trials.empty


@pytest.mark.parametrize("first", [0, 2])
def test_a_preparation_that_gets_no_further_ends_its_search(first):
    """It would be gone on with for ever: it keeps no checkpoint, or has no more to do than what is wanted of it."""

    class Stuck(Prepared):
        def due(self, preparation, trial):
            return first + 1

        def run(self, job):
            steps = super().run(job)
            yield from steps if first else [Progress(Work(Activity.SUPERNET))]

    with pytest.raises(SearchFailed, match=f"s/left does not get beyond step {first}, and the trials of search s need"):
        look("random", 0, evaluator=Stuck(None))


@pytest.mark.slow
def test_what_an_evaluator_chooses_itself_is_trained_and_found(tmp_path, searches):
    chooses = tmp_path / "one_shot.py"
    chooses.write_text(
        chooses.read_text()
        + """

class Chooses(OneShot):
    trials = 0

    def choose(self):
        return next(iter(self._of.space.enumerate()))
"""
    )
    evaluator = {"kind": f"{chooses}:Chooses", "parameters": {"epochs": 1}}
    plan = experiment(tmp_path, {"name": "s", "evaluator": evaluator, "sampler": {"name": "random"}}, space=CELL)
    done = run(plan)
    (finding,) = done.ledger.findings("run")
    assert finding.trial is None
    assert finding.architecture == next(iter(load_space(CELL["name"], CELL["parameters"]).enumerate()))
    assert finding.metrics["accuracy"] > 0
    assert done.trials.empty
