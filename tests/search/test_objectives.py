"""Searches by several objectives: what is told, what is on the books, and what is found."""

import json

import numpy as np
import optuna
import pytest
from drivers import Driver, drive_on
from papers import COSTS, SPACE, accuracy, cost, look
from searching import ENAS, FULL, experiment, run

from nassim import pareto
from nassim.experiment.model import EnasSpec, FullSpec
from nassim.ledger.store import Ledger
from nassim.notices import SearchEnded, SearchStarted, TrialEnded
from nassim.search.aims import ACCURACY, Objective
from nassim.search.picking import pick

LOSS = Objective("loss", maximised=False)
TWO = ["accuracy", {"forward_flop": "min"}]
SAMPLERS = ("random", "tpe", "nsga2", "grid", "evolution", "reinforce")


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_trials_values_are_on_its_closing_line(sampler):
    latency = Objective("latency_ms@a100", maximised=False, cost=COSTS.cost("latency_ms", device="a100"))
    objectives = (ACCURACY, cost("forward_flop"), latency)
    found = look(sampler, 10, objectives=objectives)
    assert len(found.trials) == 10
    told = {each.trial: each.values for each in found.notices if isinstance(each, TrialEnded)}
    for trial in found.study.trials:
        architecture = SPACE.canonical(trial.params)
        wanted = {
            "accuracy": accuracy(architecture),
            "forward_flop": SPACE.profile(architecture).forward_flop,
            "latency_ms@a100": latency.cost(architecture),
        }
        assert trial.values == list(wanted.values())
        assert json.loads(found.trials.loc[trial.number, "metrics"]) == wanted == told[trial.number]
        assert found.trials.loc[trial.number, "value"] == wanted["accuracy"]
    assert found.study.directions == [optuna.study.StudyDirection[d] for d in ("MAXIMIZE", "MINIMIZE", "MINIMIZE")]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_one_objective_that_is_minimised_is_the_other_way_round(sampler):
    """Loss is 1 - accuracy here, so that a search by the one proposes what a search by the other does."""
    by_loss, by_accuracy = look(sampler, 15, objectives=(LOSS,)), look(sampler, 15)
    assert by_loss.proposed == by_accuracy.proposed
    losses, accuracies = by_loss.trials["value"].to_numpy(), by_accuracy.trials["value"].to_numpy()
    assert losses == pytest.approx(1 - accuracies)


def test_a_pruner_goes_by_the_one_objective_whichever_it_is():
    by_loss = look("random", 20, objectives=(LOSS,), pruner="median")
    by_accuracy = look("random", 20, pruner="median")
    assert list(by_loss.trials["outcome"]) == list(by_accuracy.trials["outcome"])
    assert "pruned" in set(by_loss.trials["outcome"])
    pruned = by_loss.trials[by_loss.trials["outcome"] == "pruned"].iloc[0]
    assert json.loads(pruned["metrics"]) == {"loss": pruned["value"]}, "what it reported last"


def test_a_metric_that_is_not_reported_fails_the_trial():
    found = look("random", 2, objectives=(ACCURACY, Objective("f1", maximised=True)))
    assert list(found.trials["outcome"]) == ["failed"] * 2
    assert set(found.trials["reason"]) == {"reported f1 None"}
    assert found.trials["value"].notna().all(), "what it did report is on its line"


def test_duplicates_take_all_values():
    found = look("random", 80, objectives=(ACCURACY, cost("params")), reuse=True)
    again = found.trials[found.trials["outcome"] == "duplicate"]
    assert (again["samples"] == 0).all()
    for number, trial in again.iterrows():
        first = found.trials[found.trials["architecture"] == trial["architecture"]].iloc[0]
        assert trial["metrics"] == first["metrics"]
        assert found.study.trials[number].values == found.study.trials[first.name].values


# What is found.

VALUES = {0: (0.90, 40.0), 1: (0.95, 90.0), 2: (0.80, 10.0), 3: (0.95, 99.0), 4: (0.90, 40.0), 5: (0.70, 20.0)}
OBJECTIVES = (ACCURACY, Objective("forward_flop", maximised=False))
EACH = dict(enumerate(SPACE.enumerate()))


@pytest.mark.parametrize(
    ("how", "trials"),
    [
        ("best", (1,)),
        # Of the front, 1, 0 (as good as 4) and 2: losses from -0.95 to -0.80 and from 10 to 90, scaled (0, 1),
        # (1/3, 3/8), (1, 0). The sums are 1, 0.708 and 1.
        ("knee", (0,)),
        ("front", (1, 0, 2)),
        (1, (1,)),
        # From (0, 1) to (1, 0) it is 1.41, to (1/3, 3/8) 0.71.
        (2, (1, 2)),
        (3, (1, 2, 0)),
        (99, (1, 2, 0)),
    ],
)
def test_what_is_picked_of_a_front(how, trials):
    picked = pick(how, OBJECTIVES, VALUES, EACH)
    assert picked.front == (1, 0, 4, 2)
    assert picked.trials == trials


def test_an_architecture_that_is_on_the_front_twice_is_picked_once():
    values, twice = VALUES | {4: (0.85, 30.0)}, EACH | {4: EACH[0]}
    assert pick("front", OBJECTIVES, values, twice).trials == (1, 0, 2)
    assert pick("front", OBJECTIVES, values, twice).front == (1, 0, 4, 2)


def test_of_one_objective_the_earliest_best_is_picked():
    values = {n: value[:1] for n, value in VALUES.items()}
    for how in ("best", "knee", 1):
        assert pick(how, OBJECTIVES[:1], values, EACH).trials == (1,)
    assert pick("front", OBJECTIVES[:1], values, EACH).front == (1, 3)


def test_a_run_by_two_objectives_trains_the_front_it_finds(tmp_path):
    search = FULL | {"sampler": {"name": "nsga2", "parameters": {"population_size": 4}}, "objectives": TWO, "trials": 8}
    done = run(experiment(tmp_path, search, final={"schedule": {"epochs": 1}, "pick": "front"}))
    findings = done.ledger.findings("run")
    losses = np.array([(-t.values[0], t.values[1]) for t in done.study("full")])
    front = tuple(pareto.front(losses).tolist())
    assert len(front) > 1
    assert {each.front for each in findings} == {front}
    assert [each.trial for each in findings] == sorted({e.trial for e in findings}, key=front.index)
    assert len({each.architecture for each in findings}) == len(findings) == len({t.architecture for t in findings})
    assert [each.job for each in findings] == [
        "full/final",
        *(f"full/final/{each.trial}" for each in findings[1:]),
    ]
    assert findings[0].objectives == {"accuracy": "max", "forward_flop": "min"}
    (ended,) = [notice for notice in done.notices if isinstance(notice, SearchEnded)]
    assert (ended.trial, ended.front, ended.found) == (front[0], len(front), len(findings))
    assert ended.values == dict(zip(("accuracy", "forward_flop"), done.study("full")[front[0]].values, strict=True))
    table = done.ledger.front("run")
    assert list(table["trial"]) == list(front)
    assert list(table.columns) == ["search", "trial", "architecture", "found", "accuracy", "forward_flop"]
    assert table["accuracy"].is_monotonic_decreasing
    assert list(table.loc[table["found"], "trial"]) == [each.trial for each in findings]
    trained = done.entries[(done.entries["stage"] == "final") & (done.entries["activity"] == "train")]
    assert list(trained["job"].unique()) == [each.job for each in findings]


def test_a_run_by_loss_finds_the_least_and_shows_it(tmp_path):
    done = run(experiment(tmp_path, FULL, objectives=["loss"]))
    (started,) = [notice for notice in done.notices if isinstance(notice, SearchStarted)]
    assert not started.maximised
    complete = done.trials[done.trials["outcome"] == "complete"]
    assert done.findings["full"].trial == complete["value"].idxmin()[1]
    assert done.findings["full"].objectives == {"loss": "min"}


def test_trials_report_what_an_experiment_file_may_go_by(tmp_path):
    done = run(experiment(tmp_path, FULL | {"trials": 1}, ENAS))
    for search, spec in (("full", FullSpec), ("enas", EnasSpec)):
        laps = done.entries[(done.entries["search"] == search) & (done.entries["stage"] == "search")]
        reported = laps[laps["trial"].notna() & laps["outcome"].isna()]["metrics"].dropna()
        # ENAS ranks by the accuracy with equals told apart, which nobody needs to ask for.
        assert {name for text in reported for name in json.loads(text)} - {"score"} == {
            "accuracy",
            "loss",
            *spec.also_reported,
        }


def test_shared_weights_by_two_objectives_find_among_the_derived(tmp_path):
    objectives = ["accuracy", {"forward_flop": {"target": 5000}}]
    done = run(experiment(tmp_path, ENAS, objectives=objectives, final={"schedule": {"epochs": 1}, "pick": 2}))
    derived = range(12, 15)
    findings = done.ledger.findings("run")
    assert set(findings[0].front) <= set(derived)
    assert {each.trial for each in findings} <= set(findings[0].front)
    assert len(findings) == min(2, len({done.trials.loc[("enas", n), "architecture"] for n in findings[0].front}))


@pytest.mark.slow
def test_a_run_that_is_killed_between_two_final_trainings_goes_on_with_the_second(tmp_path):
    search = FULL | {"objectives": TWO, "trials": 5, "sampler": {"name": "random"}}
    final = {"schedule": {"epochs": 3}, "pick": "front"}
    (tmp_path / "undisturbed").mkdir()
    undisturbed = run(experiment(tmp_path / "undisturbed", search, final=final))
    finals = undisturbed.ledger.findings("run")
    assert len(finals) > 1
    plan = experiment(tmp_path, search, final=final)
    driver = Driver(plan)
    driver.wait_for_reports(5 * 3 + 4 + 2)  # five trials of three epochs; a final training; two epochs of the next
    driver.process.kill()
    driver.join()
    found = Ledger(plan.ledger).findings("run")
    assert 1 <= len(found) < len(finals)
    done = drive_on(plan)
    assert done.ledger.findings("run") == finals
    assert done.results() == undisturbed.results()


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["nsga2", "reinforce"])
def test_killed_searches_by_two_objectives_come_to_what_an_undisturbed_one_does(tmp_path, sampler):
    parameters = {"nsga2": {"population_size": 2}, "reinforce": {"batch": 2}}
    search = FULL | {"sampler": {"name": sampler, "parameters": parameters[sampler]}, "trials": 5}
    aims = {
        "objectives": ["accuracy", {"forward_flop": {"target": 5000}}],
        "limits": {"params": 1000},
        "training": {"epochs": 1},
    }
    (tmp_path / "undisturbed").mkdir()
    undisturbed = run(experiment(tmp_path / "undisturbed", search, **aims))
    plan = experiment(tmp_path, search, **aims)
    driver = Driver(plan)
    driver.wait_for_reports(3)
    driver.process.kill()
    driver.join()
    done = drive_on(plan)
    assert done.results() == undisturbed.results()
