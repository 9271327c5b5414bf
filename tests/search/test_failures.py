"""Candidates that fail fail alone, with their reason, and their work stays on the books; duplicates."""

import pytest
from searching import ENAS, FULL, TRAINING, experiment, run, traps

from nassim.cost.work import Activity
from nassim.errors import NassimError
from nassim.ledger.store import Ledger
from nassim.run import execute

GRID = FULL | {"sampler": {"name": "grid"}, "trials": 10}


def reasons(done) -> dict[str, str | None]:
    """The reason of each trial by its option."""
    return {
        trial.params["op"]: done.trials.loc[("full", trial.number), "reason"] or None for trial in done.study("full")
    }


def test_whatever_a_candidate_does_it_fails_alone(tmp_path):
    options = ["fine", "raises", "diverges", "fills memory", "does not fit", "good"]
    done = run(experiment(tmp_path, GRID, space=traps(*options)))
    found = reasons(done)
    assert found.pop("fine") is found.pop("good") is None
    assert found.pop("raises") == "TypeError: this one can't be trained"
    assert found.pop("diverges").startswith("Diverged: loss is ")
    assert "allocate" in found.pop("fills memory")
    assert "Invalid channel dimensions" in found.pop("does not fit")
    assert not found
    assert done.status == "finished"
    assert sorted(done.outcomes) == ["complete"] * 2 + ["failed"] * 4
    assert done.findings["full"].architecture["op"] in ("fine", "good")
    totals = done.ledger.totals("run", by=("outcome", "activity")).set_index(["outcome", "activity"])
    assert totals.loc[("failed", "train"), "samples"] > 3 * 1079, "what the failed ones trained is theirs"


@pytest.mark.slow
def test_a_trial_over_its_time_is_stopped_at_the_end_of_its_epoch(tmp_path):
    """On "sleeps" four epochs take more than two seconds, on "fine" a tenth of that."""
    search, training = GRID | {"trial_timeout_s": 1.5}, TRAINING | {"epochs": 4}
    done = run(experiment(tmp_path, search, space=traps("fine", "sleeps"), training=training))
    assert reasons(done) == {"fine": None, "sleeps": "ran over its time limit of 1.5 s"}
    trial = done.trials[done.trials["outcome"] == "failed"].iloc[0]
    # Trained for 1 to 4 epochs, the last of which was not validated.
    assert trial["samples"] in {1079 * epochs + 359 * (epochs - 1) for epochs in range(1, 5)}
    assert trial["seconds"] > 1.5


def test_a_search_that_comes_to_nothing_leaves_the_others_to_their_end(tmp_path):
    nothing = GRID | {"name": "nothing", "trials": 1, "trial_timeout_s": 1e-6}
    plan = experiment(tmp_path, nothing, FULL | {"trials": 2})
    with pytest.raises(NassimError, match="search nothing has found nothing: none of its 1 trials is complete"):
        execute(plan, name="run")
    ledger = Ledger(plan.ledger)
    assert ledger.run("run").status == "failed"
    assert [finding.search for finding in ledger.findings("run")] == ["full"]


def test_shared_weights_that_diverge_fail_their_search_alone(tmp_path):
    hot = ENAS | {"evaluator": ENAS["evaluator"] | {"learning_rate": 1e30}}
    plan = experiment(tmp_path, hot, FULL | {"trials": 2})
    with pytest.raises(NassimError, match=r"enas/shared failed, and its search can't go on without it: Diverged: "):
        execute(plan, name="run")
    ledger = Ledger(plan.ledger)
    assert [finding.search for finding in ledger.findings("run")] == ["full"]
    assert ledger.balance("run")["difference_s"].abs().max() < 1e-6


def test_duplicates_are_trained_again_and_called_so(tmp_path):
    done = run(experiment(tmp_path, FULL | {"sampler": {"name": "random"}}, space=traps("fine", "good")))
    assert done.outcomes.count("complete") == 2
    assert done.outcomes.count("duplicate") == 4
    assert (done.trials["samples"] == 3 * (1079 + 359)).all()


def test_duplicates_take_the_earlier_value_at_no_cost(tmp_path):
    search = FULL | {"sampler": {"name": "random"}, "duplicates": "reuse"}
    done = run(experiment(tmp_path, search, space=traps("fine", "good")))
    assert done.outcomes.count("duplicate") == 4
    duplicates = done.trials[done.trials["outcome"] == "duplicate"]
    assert (duplicates[["samples", "seconds"]] == 0).all(axis=None)
    assert set(duplicates["reason"]) == {"its architecture was evaluated before"}
    values = {}
    for trial in done.study("full"):
        assert values.setdefault(trial.params["op"], trial.value) == trial.value


def test_shared_weights_change_so_no_score_is_a_duplicate(tmp_path):
    done = run(experiment(tmp_path, ENAS | {"duplicates": "reuse"}, space=traps("fine", "good")))
    assert set(done.outcomes) == {"complete"}
    assert len(done.entries[done.entries["activity"] == Activity.SCORE]) == 15


def test_a_worker_that_cannot_start_ends_the_run_with_its_books_closed(tmp_path, monkeypatch):
    def fails(*arguments):
        raise FileNotFoundError("no data")

    monkeypatch.setattr("nassim.run.make._make_runner", fails)
    plan = experiment(tmp_path)
    with pytest.raises(NassimError, match=r"a worker on .* could not start: FileNotFoundError: no data"):
        execute(plan, name="run")
    ledger = Ledger(plan.ledger)
    assert ledger.run("run").status == "failed"
    assert ledger.balance("run")["closed"].all()
