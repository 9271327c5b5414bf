"""Ctrl-C and SIGTERM: once in good order, twice at once; what is left can be resumed."""

import os
import signal
import time

import pytest
from drivers import Driver, drive_on
from searching import ENAS, FULL, Done, check_books, experiment, run, traps

from nassim.cost.work import Activity
from nassim.errors import Interrupted
from nassim.executors.inline import InlineExecutor
from nassim.ledger.store import Ledger
from nassim.run import execute, resume

SLOW = {"epochs": 2, "batch_size": 128}
"""On "sleeps" an epoch takes half a second."""


@pytest.mark.parametrize(
    ("search", "number"),
    [pytest.param(FULL | {"trials": 3}, signal.SIGINT, marks=pytest.mark.slow), (ENAS, signal.SIGTERM)],
    ids=["full, Ctrl-C", "enas, SIGTERM"],
)
def test_once_ends_jobs_at_their_next_report(tmp_path, number, search):
    plan = experiment(tmp_path, search)
    driver = Driver(plan)
    driver.wait_for_reports(5)
    driver.send(number)
    assert driver.join() == 0
    first = Done(plan.ledger, "run")
    check_books(first)
    assert first.status == "interrupted"
    assert not first.findings
    assert first.flop(activity=Activity.LOST) == 0, "a job that ends at a report has lost nothing"
    done = drive_on(plan)
    assert done.status == "finished"
    (tmp_path / "undisturbed").mkdir()
    assert done.results() == run(experiment(tmp_path / "undisturbed", search)).results()


@pytest.mark.slow
def test_once_ends_a_final_training_at_its_next_report(tmp_path):
    plan = experiment(tmp_path, FULL | {"trials": 1}, space=traps("sleeps"), training=SLOW, final={"schedule": SLOW})
    driver = Driver(plan)
    driver.wait_for_reports(3)
    driver.send(signal.SIGINT)
    assert driver.join() == 0
    first = Done(plan.ledger, "run")
    check_books(first)
    assert (first.status, first.outcomes) == ("interrupted", ["complete"])
    done = drive_on(plan)
    assert done.status == "finished"
    samples = done.entries[done.entries["stage"] == "final"].groupby("activity")["samples"].sum()
    assert (samples["train"], samples["test"]) == (2 * 1438, 359)


@pytest.mark.slow
def test_twice_stops_now(tmp_path):
    """The second signal comes into the middle of an epoch."""
    plan = experiment(tmp_path, FULL | {"trials": 1}, space=traps("sleeps"), training=SLOW)
    driver = Driver(plan)
    driver.wait_for_reports(1)
    time.sleep(0.15)
    driver.send(signal.SIGINT)
    driver.send(signal.SIGTERM)  # two of a kind, sent at once, could arrive as one
    assert driver.join() == 0
    first = Done(plan.ledger, "run")
    check_books(first)
    assert first.status == "interrupted"
    assert 0 < first.entries.loc[first.entries["activity"] == Activity.LOST, "samples"].sum() < 1079
    done = drive_on(plan)
    assert done.status == "finished"
    samples = done.entries[done.entries["stage"] == "search"].groupby("activity")["samples"].sum()
    assert samples["train"] == 2 * 1079


@pytest.mark.parametrize("numbers", [(signal.SIGTERM,), (signal.SIGINT, signal.SIGTERM)], ids=repr)
def test_before_the_workers_start_a_run_that_is_entered_is_closed(tmp_path, monkeypatch, numbers):
    create = Ledger.create

    def create_and_be_asked(*arguments):
        writer = create(*arguments)
        for number in numbers:
            os.kill(os.getpid(), number)
        return writer

    plan = experiment(tmp_path, FULL | {"trials": 1})
    monkeypatch.setattr(Ledger, "create", create_and_be_asked)
    execute(plan, name="run")
    first = Done(plan.ledger, "run")
    check_books(first)
    assert (first.status, first.outcomes) == ("interrupted", [])
    monkeypatch.undo()
    resume("run", plan.ledger)
    assert Done(plan.ledger, "run").status == "finished"


def test_before_a_run_is_entered_nothing_of_it_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(InlineExecutor, "connect", lambda executor: os.kill(os.getpid(), signal.SIGTERM))
    plan, seen = experiment(tmp_path, FULL | {"trials": 1}), []
    with pytest.raises(Interrupted, match="interrupted by SIGTERM"):
        execute(plan, name="run", observe=seen.append)
    assert [notice.message for notice in seen] == ["stopping, in good order; asked once more, at once"]
    assert not (tmp_path / "runs").exists()
