"""The run's clock is the command's: what comes before the workers and after them is on the books, and the run's."""

import pytest
from searching import ENAS, FULL, Done, check_books, experiment
from threadpoolctl import threadpool_info, threadpool_limits

from nassim.cost.work import Activity
from nassim.ledger.entry import DRIVER
from nassim.notices import TrialEnded
from nassim.run import execute, resume

BEFORE_S = 40.0


def run_since(plan, since_s, observe=lambda notice: None) -> Done:
    execute(plan, name="run", since_s=since_s, observe=observe)
    done = Done(plan.ledger, "run")
    check_books(done)
    return done


def of_driver(done, activity) -> float:
    rows = done.entries
    return rows.loc[(rows["worker"] == DRIVER) & (rows["activity"] == activity), "seconds"].sum()


def test_what_the_command_did_before_is_the_runs(tmp_path):
    done = run_since(experiment(tmp_path, FULL | {"trials": 1}), BEFORE_S)
    leases = done.ledger.leases("run").set_index("worker")
    assert leases.loc[DRIVER, "opened_s"] == 0
    assert BEFORE_S < of_driver(done, Activity.STARTUP) < leases.drop(DRIVER)["opened_s"].min() + 1
    assert leases.drop(DRIVER)["opened_s"].min() >= BEFORE_S, "no worker is leased before it was asked for"
    assert done.entries.loc[done.entries["activity"] == Activity.STARTUP, "search"].isna().all()


def test_a_budget_on_the_clock_of_a_search_begins_with_a_worker(tmp_path):
    """A search that may take less than workers take to start, and much less than the command took before."""
    plan = experiment(tmp_path, FULL | {"trials": 1, "budget": {"wall_s": BEFORE_S / 2}})
    assert run_since(plan, BEFORE_S).outcomes == ["complete"]


def test_a_resumed_runs_clock_goes_on_by_what_the_second_command_took(tmp_path):
    plan = experiment(tmp_path, FULL | {"trials": 2})
    before = run_since(plan, 0.0, observe=interrupt_at_a_trials_end)
    assert before.status == "interrupted"
    clock_s = before.ledger.leases("run")["closed_s"].max()
    resume("run", plan.ledger, since_s=BEFORE_S)
    done = Done(plan.ledger, "run")
    check_books(done)
    opened = done.ledger.leases("run").groupby("worker")["opened_s"].max()
    assert opened[DRIVER] == pytest.approx(clock_s)
    assert opened.drop(DRIVER).max() >= clock_s + BEFORE_S


def interrupt_at_a_trials_end(notice):
    if isinstance(notice, TrialEnded):
        raise KeyboardInterrupt


def test_the_driver_computes_with_one_thread(tmp_path):
    """A second one gains nothing on a controller this small, and competes with the workers."""
    during: set[int] = set()

    def observe(notice):
        during.update(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")

    with threadpool_limits(2, user_api="blas"):
        run_since(experiment(tmp_path, ENAS), 0.0, observe=observe)
        assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} == {2}
    assert during == {1}
