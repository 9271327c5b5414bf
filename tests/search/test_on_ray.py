"""Searches on Ray workers: what they come to is the same, also where workers and nodes die."""

from contextlib import nullcontext

import pytest
from searching import CELL, ENAS, FULL, RAY, TRAPS, experiment, run, traps

from nassim.cost.work import Activity
from nassim.errors import NassimError
from nassim.folder import RunFolder
from nassim.ledger.entry import DRIVER
from nassim.models.shelf import find_model
from nassim.run import execute
from nassim.space.catalogue import load_space

ray = pytest.importorskip("ray")

GRID = FULL | {"sampler": {"name": "grid"}, "trials": 9}
GATED = GRID | {"pruner": {"name": "median", "parameters": {"n_startup_trials": 9}}}
"""Prunes nothing; but at each report a job waits for its driver, so what was reported before a death has arrived."""
PRUNED = FULL | {"pruner": {"name": "median", "parameters": {"n_startup_trials": 1}}}


@pytest.fixture
def inline(tmp_path):
    """A folder for the same run inline."""
    (tmp_path / "inline").mkdir()
    return tmp_path / "inline"


@pytest.mark.slow
@pytest.mark.usefixtures("local_ray")
def test_one_ray_worker_comes_to_what_inline_does(tmp_path, inline):
    """Its models too, which the worker that trains them saves; and that the driver gives it back takes time."""
    done = run(experiment(tmp_path, PRUNED, ENAS, space=CELL, executor=RAY))
    same = run(experiment(inline, PRUNED, ENAS, space=CELL))
    assert done.status == "finished"
    assert done.results() == same.results()
    assert "pruned" in done.outcomes
    model = find_model(done.ledger, "run/full")
    assert model.file == tmp_path / "runs" / "run" / "models" / "full.safetensors"
    assert model.file.read_bytes() == find_model(same.ledger, "run/full").file.read_bytes()
    final = done.entries[done.entries["job"] == "full/final"].iloc[-1]
    assert (final["activity"], final["step"], final["bytes"]) == ("checkpoint", 3, model.bytes)
    assert final["seconds"] > 0
    driver = done.entries[done.entries["worker"] == DRIVER].groupby("activity")["seconds"].sum()
    assert driver[Activity.STARTUP] > 0
    assert driver[Activity.SHUTDOWN] > 0


def validated(rows) -> int:
    """FLOP of one epoch's validation."""
    return int(rows.loc[rows["activity"] == Activity.VALIDATE, "forward_flop"].max())


@pytest.mark.slow
@pytest.mark.usefixtures("local_ray")
def test_a_trial_whose_worker_is_killed_goes_on_from_its_checkpoint_on_another(tmp_path, inline):
    """It dies in the fourth step of its second epoch."""
    marker = tmp_path / "died"
    plan = experiment(tmp_path, GRID, space=traps("fine", "dies once", marker=marker), executor=RAY)
    done = run(plan)
    assert marker.exists()
    assert done.outcomes == ["complete"] * 2
    assert sorted(done.trials["attempts"]) == [1, 2]
    ((_, number),) = done.trials[done.trials["attempts"] == 2].index
    rows = done.entries[done.entries["job"] == f"full/trial/{number}"]
    trained = rows[(rows["activity"] == Activity.TRAIN) & (rows["samples"] > 0)]
    assert list(trained["samples"]) == [1079, 1079, 1079], "no epoch is trained twice"
    assert rows.loc[rows["activity"] == Activity.TRAIN, "worker"].nunique() == 2
    lost = rows[rows["activity"] == Activity.LOST]
    assert lost["seconds"].sum() > 0
    assert lost["attempt"].max() == 0
    lost_flop = lost[["forward_flop", "backward_flop"]].sum().sum()
    assert lost["modelled_flop"].sum() == lost_flop, "nobody counted what it died in"
    assert 0 < lost_flop <= trained[["forward_flop", "backward_flop"]].sum(axis=1).max() + validated(rows)
    (warning,) = done.warnings
    assert warning.startswith(f"full/trial/{number}: WorkerDied: ")
    assert warning.endswith("; goes on from step 1")
    assert done.results() == run(experiment(inline, GRID, space=plan.space.model_dump())).results()


@pytest.mark.slow
@pytest.mark.usefixtures("local_ray")
def test_a_candidate_that_always_kills_its_worker_fails_alone(tmp_path):
    plan = experiment(tmp_path, GATED, space=traps("fine", "dies"), executor=RAY, retries=1, checkpoint={"every": 0})
    done = run(plan)
    assert sorted(done.outcomes) == ["complete", "failed"]
    (reason,) = done.trials.loc[done.trials["outcome"] == "failed", "reason"]
    assert reason.startswith("lost its worker 2 times in a row without getting further: WorkerDied: ")
    assert done.status == "finished"
    assert done.findings["full"].architecture["op"] == "fine"
    failed = done.ledger.totals("run", by=("outcome", "activity")).set_index(["outcome", "activity"])
    assert failed.loc[("failed", "lost"), "samples"] == 2 * (1079 + 359), "an epoch each time"
    assert failed.loc[("failed", "train"), "samples"] == 0


@pytest.mark.slow
@pytest.mark.usefixtures("local_ray")
def test_a_round_of_shared_weights_whose_worker_is_killed_is_done_again(tmp_path, inline):
    marker = tmp_path / "died"
    plan = experiment(tmp_path, ENAS, space=traps("fine", "dies at once", marker=marker), executor=RAY)
    done = run(plan)
    assert marker.exists()
    assert set(done.outcomes) == {"complete"}
    assert any(": WorkerDied: " in warning for warning in done.warnings)
    rounds = done.entries[done.entries["activity"] == Activity.SUPERNET]
    assert dict(rounds.groupby("job")["samples"].sum()) == {"enas/shared": 3 * 1079}
    assert done.results() == run(experiment(inline, ENAS, space=plan.space.model_dump())).results()


@pytest.mark.slow
@pytest.mark.usefixtures("local_ray")
def test_two_workers_share_a_budget_and_overshoot_by_a_report_each_at_most(tmp_path):
    (tmp_path / "workers").mkdir()
    meeting = {"name": f"{TRAPS}:Meeting", "parameters": {"folder": str(tmp_path / "workers")}}
    space = load_space(meeting["name"], meeting["parameters"])
    epoch = max(1079 * p.training(1).flop + 359 * p.inference(1).flop for p in map(space.profile, space.enumerate()))
    limit = 7 * epoch
    search = FULL | {"budget": {"flop": limit}}
    done = run(experiment(tmp_path, search, space=meeting, executor=RAY | {"workers": 2}))
    assert limit <= done.flop(search="full", stage="search") < limit + 2 * epoch
    assert done.status == "finished"
    assert len(done.entries.loc[done.entries["activity"] == Activity.TRAIN, "worker"].unique()) == 2


@pytest.mark.slow
@pytest.mark.usefixtures("local_ray")
def test_workers_that_do_not_see_the_folder_end_the_run_with_one_message(tmp_path, monkeypatch):
    unseen = RunFolder(tmp_path / "not shared" / "run", "run", "abc")
    monkeypatch.setattr("nassim.run.running.claimed", lambda root, run, **about: nullcontext(unseen))
    with pytest.raises(NassimError, match=r"could not start: the folder of run run, .* can't be seen from here"):
        execute(experiment(tmp_path, executor=RAY), name="run")
