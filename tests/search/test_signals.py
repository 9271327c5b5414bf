"""Ctrl-C and SIGTERM: once in good order, twice at once; what is left can be resumed."""

import signal
import time

import pytest
from drivers import Driver, drive_on
from searching import ENAS, FULL, Done, check_books, experiment, run, traps

from nassim.cost.work import Activity

SLOW = {"epochs": 2, "batch_size": 128}
"""On "sleeps" an epoch takes half a second."""


@pytest.mark.parametrize(
    ("search", "number"),
    [(FULL | {"trials": 3}, signal.SIGINT), (ENAS, signal.SIGTERM)],
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
