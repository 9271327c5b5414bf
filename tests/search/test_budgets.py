"""Budgets: they reach into running trials, hold over all workers and resumes, and are overshot by a report at most."""

import os
import signal

import pytest
from searching import ENAS, FULL, Done, check_books, experiment, run, traps

from nassim import units
from nassim.budget import Overrun
from nassim.cost.work import Activity
from nassim.errors import NassimError
from nassim.notices import JobReported, SearchEnded
from nassim.run import execute, resume

GRID = FULL | {"sampler": {"name": "grid"}, "trials": 2}


def epochs_flop(done, search="full") -> list[int]:
    """FLOP of each epoch of each trial of a search: what lies between two reports."""
    rows = done.entries[(done.entries["search"] == search) & (done.entries["stage"] == "search")]
    rows = rows[rows["samples"] > 0].assign(flop=rows["forward_flop"] + rows["backward_flop"])
    trains = rows["activity"].isin([Activity.TRAIN, Activity.SUPERNET, Activity.SCORE])
    return list(rows.groupby([rows["job"], trains.groupby(rows["job"]).cumsum()])["flop"].sum())


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Done:
    return run(experiment(tmp_path_factory.mktemp("undisturbed"), FULL, ENAS))


@pytest.mark.parametrize("share", [0.3, *(pytest.param(share, marks=pytest.mark.slow) for share in (0.45, 0.99))])
def test_a_search_that_used_up_its_flop_stops_at_a_report_and_its_find_is_trained(tmp_path, undisturbed, share):
    limit = int(share * undisturbed.flop(search="full", stage="search"))
    done = run(experiment(tmp_path, FULL | {"budget": {"flop": limit}}, ENAS))
    spent = done.flop(search="full", stage="search")
    assert limit <= spent < limit + max(epochs_flop(undisturbed))
    assert done.status == "finished"
    assert set(done.findings) == {"full", "enas"}, "the budget is the search's own"
    outcomes = list(done.trials.loc["full", "outcome"])
    assert outcomes[:-1] == ["complete"] * (len(outcomes) - 1)
    stopped = done.trials.loc["full"][done.trials.loc["full", "outcome"] == "stopped"]
    assert set(stopped["reason"]) <= {"full's budget reached: flop"}
    ended = next(notice for notice in done.notices if isinstance(notice, SearchEnded))
    assert ended.reason == str(Overrun("full", "flop", limit, spent))


def test_stopped_trials_are_what_they_would_have_been_so_far(tmp_path, undisturbed):
    limit = sum(undisturbed.flop(search="full", stage="search", trial=trial) for trial in (0, 1)) + 1
    done = run(experiment(tmp_path, FULL | {"budget": {"flop": limit}}))
    for trial, whole in zip(done.study("full"), undisturbed.study("full"), strict=False):
        assert trial.params == whole.params
        assert trial.intermediate_values.items() <= whole.intermediate_values.items()
    assert done.outcomes == ["complete", "complete", "stopped"]


@pytest.mark.parametrize("share", [pytest.param(0.3, marks=pytest.mark.slow), 0.8])
def test_an_experiment_that_used_up_its_flop_stops_as_a_whole(tmp_path, undisturbed, share):
    limit = int(share * undisturbed.spent_flop)
    plan = experiment(tmp_path, FULL, ENAS, budget={"flop": limit})
    done = run(plan)
    largest = max(*epochs_flop(undisturbed), *epochs_flop(undisturbed, "enas"))
    assert done.status == "stopped"
    assert limit <= done.spent_flop < limit + largest
    assert str(Overrun("experiment", "flop", limit, done.spent_flop)) in done.warnings[-1]
    with pytest.raises(NassimError, match="run run was stopped by its experiment's budget, which holds over resumes"):
        resume("run", plan.ledger)


def test_a_final_training_stops_with_the_experiment(tmp_path, undisturbed):
    limit = undisturbed.flop(activity="startup") + undisturbed.flop(search="full", stage="search") + 1
    done = run(experiment(tmp_path, FULL, budget={"flop": limit}))
    assert done.status == "stopped"
    assert not done.findings
    assert 0 < done.flop(stage="final") < undisturbed.flop(search="full", stage="final") / 2
    (warning,) = done.warnings
    assert warning.startswith(f"experiment's budget: {units.amount(limit, 'FLOP')} reached, spent ")


def test_trials_over_all_searches(tmp_path):
    second = FULL | {"name": "second"}
    done = run(experiment(tmp_path, FULL, second, budget={"trials": 8}))
    assert [len(done.trials.loc[name]) for name in ("full", "second")] == [6, 2]
    assert set(done.outcomes) == {"complete"}
    assert done.status == "stopped"
    assert set(done.findings) == {"full"}


def test_as_many_trials_as_there_are_stop_nothing(tmp_path):
    done = run(experiment(tmp_path, budget={"trials": 6}))
    assert done.status == "finished"
    assert set(done.findings) == {"full"}


@pytest.mark.parametrize(("name", "time"), [("wall_s", "wall-clock"), ("device_s", "device")])
def test_seconds(tmp_path, name, time):
    """A trial that sleeps takes 0.5 s an epoch; the limit falls into its first."""
    search = GRID | {"trials": 1, "budget": {name: 0.2}}
    plan = experiment(tmp_path, search, space=traps("sleeps"))
    with pytest.raises(
        NassimError, match=rf"none of its 1 trials is complete \(full's budget: 0.20 s of {time} time reached"
    ):
        execute(plan, name="run")
    done = Done(plan.ledger, "run")
    check_books(done)
    assert done.outcomes == ["stopped"]
    assert done.trials["samples"].iloc[0] == 1079 + 359, "it was stopped at its first report"


def test_budgets_hold_over_resumes(tmp_path, undisturbed):
    limit = int(0.6 * undisturbed.flop(search="full", stage="search"))
    plan = experiment(tmp_path, FULL | {"budget": {"flop": limit}})
    reports = 0

    def interrupt_at_the_fourth_report(notice):
        nonlocal reports
        reports += isinstance(notice, JobReported)
        if reports == 4:
            reports += 1
            os.kill(os.getpid(), signal.SIGINT)

    execute(plan, name="run", observe=interrupt_at_the_fourth_report)
    first = Done(plan.ledger, "run")
    assert first.status == "interrupted"
    assert 0 < first.spent_flop < limit
    resume("run", plan.ledger)
    done = Done(plan.ledger, "run")
    check_books(done)
    assert done.status == "finished"
    assert limit <= done.flop(search="full", stage="search") < limit + max(epochs_flop(undisturbed))
