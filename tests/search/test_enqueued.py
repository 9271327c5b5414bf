"""Trials that were put into a study by hand are run, and what is not a trial yet bricks nothing."""

import optuna
import pytest
from optuna.trial import TrialState
from papers import SPACE, Paper, limit, look

from nassim.evaluation import Ready
from nassim.executors.clock import utc
from nassim.executors.inline import InlineExecutor
from nassim.ledger.store import Ledger
from nassim.ledger.writer import Writer
from nassim.samplers.uniform import UniformSampler
from nassim.search.books import Books
from nassim.search.loop import SearchLoop
from nassim.search.search import Search
from nassim.search.spending import Account, Allowance

BEST = {"block0": "conv3", "block1": "conv3", "block2": "conv3"}
SAMPLERS = ("random", "tpe", "nsga2", "grid", "evolution", "reinforce")


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_what_was_enqueued_comes_first(sampler):
    def before(study):
        study.enqueue_trial(BEST)
        study.enqueue_trial({"block1": "skip"})

    found = look(sampler, 8, before=before)
    assert found.proposed[0] == BEST
    assert found.proposed[1]["block1"] == "skip"
    assert len(found.proposed) == 8, "they are of the search's trials"
    assert set(found.trials["outcome"]) <= {"complete", "duplicate"}
    assert found.trials.loc[0, "value"] == 1.0


def test_more_enqueued_than_the_search_has_trials_stay_waiting():
    found = look("random", 2, before=lambda study: [study.enqueue_trial(BEST) for _ in range(3)])
    assert [trial.state for trial in found.study.trials] == [TrialState.COMPLETE] * 2 + [TrialState.WAITING]
    assert len(found.trials) == 2


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_an_option_that_the_space_does_not_have_fails_its_trial_alone(sampler):
    found = look(sampler, 4, before=lambda study: study.enqueue_trial({"block0": "conv7"}))
    assert found.trials.loc[0, "outcome"] == "failed"
    assert "it was enqueued with what the space doesn't have: 'conv7' not in (" in found.trials.loc[0, "reason"]
    assert "failed" not in list(found.trials["outcome"])[1:]


@pytest.mark.parametrize("sampler", ["random", "evolution", "reinforce"])
def test_what_is_fixed_stays_and_the_rest_is_drawn_within_limits(sampler):
    """A conv3 leaves room for no other: 698 + 148 of 860 parameters."""
    found = look(
        sampler, 4, limits=(limit("params", 860),), before=lambda study: study.enqueue_trial({"block1": "conv3"})
    )
    assert found.proposed[0]["block1"] == "conv3"
    assert sum(label == "conv3" for label in found.proposed[0].values()) == 1
    assert found.trials.loc[0, "outcome"] == "complete"


def test_what_is_enqueued_beyond_the_limits_is_not_trained():
    found = look("random", 3, limits=(limit("params", 860),), before=lambda study: study.enqueue_trial(BEST))
    assert found.trials.loc[0, "outcome"] == "infeasible"
    assert found.trials.loc[0, "samples"] == 0
    assert len(found.trials) == 4, "it doesn't count"


def drive(writer: Writer, until: int | None = None) -> None:
    """Run a search of six trials on a ledger; or leave it as a driver that is killed after so many asks does."""
    study = optuna.create_study(
        storage=writer.storage(utc),
        study_name="s",
        direction="maximize",
        sampler=UniformSampler(seed=0),
        load_if_exists=True,
    )
    if until is not None:
        for _ in range(until):
            study.ask()
        study.ask().suggest_categorical("block0", SPACE.domain["block0"].labels)
        study.enqueue_trial(BEST)
        writer.commit()
        return
    with InlineExecutor(threads=1) as executor:
        books = Books(writer, executor)
        executor.start(lambda: Ready(Paper().run), at_s=writer.clock_s)
        books.open("here", writer.clock_s)
        books.work_for(Account("s"))
        SearchLoop(
            Search("s", 0, SPACE, Paper(), study, None, 6), executor, books, Allowance(), lambda notice: None
        ).run()
        for event in executor.close():
            books.post(event)
        books.close()
        writer.close("finished")


def test_open_trials_without_all_their_parameters_are_closed_as_failed():
    ledger = Ledger("sqlite://")
    drive(ledger.create("run", {}, "2026-01-01T00:00:00+00:00"), until=1)
    drive(ledger.resume("run"))
    trials = ledger.trials("run")
    reason = "its driver ended while it was being proposed"
    assert list(trials["outcome"])[:2] == ["failed", "failed"], "one had no parameter yet, one a single one"
    assert list(trials["reason"])[:2] == [reason, reason]
    assert set(trials["outcome"][2:]) <= {"complete", "duplicate"}
    assert len(trials) == 6
    study = optuna.load_study(study_name="s", storage=ledger.storage("run"))
    assert [trial.state for trial in study.trials][:2] == [TrialState.FAIL] * 2
    assert study.trials[2].params == BEST, "what waits is no open trial, and is asked for next"
    # And once more: what was closed is taken up as it is.
    drive(ledger.resume("run"))
    assert len(ledger.trials("run")) == 6
