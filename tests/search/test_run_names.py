"""The same file, seed and one worker: the same search, whatever the run is called."""

from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from papers import PARAMETERS, SPACE, Paper, follow, look
from searching import experiment

from nassim.executors.clock import utc
from nassim.folder import RunFolder
from nassim.ledger.export import export_studies
from nassim.ledger.store import Ledger
from nassim.run.arm import make_arm
from nassim.run.make import Parts

PRUNERS = ("none", "median", "successive_halving", "hyperband")
NAMES = ("a", "nightly-2026.11.21")


def called(run: str, sampler: str, pruner: str, folder: Path, several: bool = False):
    """Run a search of an experiment in a run of this name, on paper."""
    search = {
        "name": "s",
        "evaluator": {"kind": "full"},
        "sampler": {"name": sampler, "parameters": PARAMETERS.get(sampler, {})},
        "pruner": {"name": pruner},
        "trials": 16,
        "objectives": ["accuracy", {"params": {"target": 900}}] if several else ["accuracy"],
    }
    parts = Parts(experiment(folder, search, training={"epochs": 4}), RunFolder(folder, run, None))
    ledger = Ledger("sqlite://")
    writer = ledger.create(run, {}, "2026-01-01T00:00:00+00:00")
    arm = make_arm(parts, parts.experiment.searches[0], run, writer.storage(utc), None)
    return follow(replace(arm, evaluator=Paper(), space=SPACE), ledger, writer)


def story(found) -> list[tuple]:
    return [(t.state, t.params, t.values, t.intermediate_values) for t in found.study.trials]


@pytest.mark.parametrize(
    "pruner", [*(pytest.param(name, marks=pytest.mark.slow) for name in PRUNERS[:-1]), PRUNERS[-1]]
)
@pytest.mark.parametrize("sampler", ["random", "tpe", "nsga2", "grid", "evolution", "reinforce"])
def test_nothing_depends_on_the_runs_name(tmp_path, sampler, pruner):
    one, other = (story(called(name, sampler, pruner, tmp_path)) for name in NAMES)
    assert one == other
    assert len(one) == 16


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["random", "tpe", "nsga2", "grid", "evolution", "reinforce"])
def test_nor_with_several_objectives(tmp_path, sampler):
    one, other = (story(called(name, sampler, "none", tmp_path, several=True)) for name in NAMES)
    assert one == other


def test_a_study_is_exported_under_the_runs_name_and_its_own(tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    for run in ("one", "two"):
        writer = ledger.create(run, {}, "2026-01-01T00:00:00+00:00")
        study = optuna.create_study(storage=writer.storage(utc), study_name="s", directions=["maximize", "minimize"])
        study.tell(study.ask(), (1.0, 2.0))
        # As nassim 0.1.0 named them.
        optuna.create_study(storage=writer.storage(utc), study_name=f"{run}/older")
        writer.commit()
        assert export_studies(ledger, run, url) == [f"{run}/s", f"{run}/older"]
    assert optuna.load_study(study_name="two/s", storage=url).trials[0].values == [1.0, 2.0]


def test_a_run_that_an_earlier_nassim_began_goes_on_with_its_study(tmp_path):
    parts = Parts(experiment(tmp_path), RunFolder(tmp_path, "old-1", None))
    writer = Ledger("sqlite://").create("old-1", {}, "2026-01-01T00:00:00+00:00")
    optuna.create_study(storage=writer.storage(utc), study_name="old-1/full", direction="maximize").ask()
    arm = make_arm(parts, parts.experiment.searches[0], "old-1", writer.storage(utc), None)
    assert len(arm.study.trials) == 1


def test_the_searches_of_these_tests_prune():
    """What holds for searches in which nothing is pruned would say nothing of pruners."""
    for pruner in PRUNERS[1:]:
        assert "pruned" in set(look("random", 16, pruner=pruner).trials["outcome"]), pruner
