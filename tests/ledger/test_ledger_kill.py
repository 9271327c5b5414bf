"""The driver killed at random moments, many times over: nothing acknowledged is lost, nothing is posted twice."""

import multiprocessing
import os
import random
from itertools import islice

import optuna
import pytest
from ledger_samples import closing, lap, lease, new_run

from nassim.executors.clock import utc
from nassim.ledger.entry import Outcome
from nassim.ledger.store import Ledger
from nassim.seeds import derive_seed

LAPS = 3
"""Laps of a whole trial."""


def drive(url: str, acknowledge: int, seed: int) -> None:
    """Ask, post, tell and commit until killed, at every point of a trial; say what was acknowledged."""
    rng = random.Random(seed)
    ledger = Ledger(url)
    writer = ledger.resume("run") if ledger.runs() else new_run(ledger)
    study = optuna.create_study(storage=writer.storage(utc), study_name="tpe", load_if_exists=True)
    seqs: list[int] = []

    def commit_at_times(chance: float) -> None:
        if rng.random() < chance:
            writer.commit()
            os.write(acknowledge, "".join(f"{seq}\n" for seq in seqs).encode())
            seqs.clear()

    for trial in study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.RUNNING]):
        seqs.append(writer.append(closing(trial.number, Outcome.STOPPED)))
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    writer.lease(lease(f"w{writer.clock_s}", writer.clock_s))
    worker = f"w{writer.clock_s}"
    while True:
        trial = study.ask()
        trial.suggest_categorical("x", ["a", "b"])
        for step in range(LAPS):
            seqs.append(writer.append(lap(writer.clock_s, 0.5, worker=worker, trial=trial.number, step=step)))
            commit_at_times(0.2)
        seqs.append(writer.append(closing(trial.number)))
        study.tell(trial, 1.0)
        commit_at_times(0.5)


@pytest.mark.parametrize("kills", [10, pytest.param(150, marks=pytest.mark.slow)])
def test_nothing_is_lost_and_nothing_is_twice(url, kills):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    rng = random.Random(derive_seed(7, "kills", url.split(":")[0]))
    with Ledger(url) as ledger:
        new_run(ledger)
    fork = multiprocessing.get_context("fork")
    acknowledged: set[int] = set()
    for kill in range(kills):
        reading, writing = os.pipe()
        driver = fork.Process(target=drive, args=(url, writing, derive_seed(7, kill)))
        driver.start()
        os.close(writing)
        with os.fdopen(reading) as pipe:
            # So far it gets however busy the machine is; then it has a moment more, which ends anywhere.
            heard = list(islice(pipe, rng.randrange(12)))
            driver.join(rng.uniform(0.0, 0.05))
            assert driver.is_alive(), "the driver ended by itself"
            driver.kill()
            driver.join()
            heard += pipe
        acknowledged |= {int(line) for line in heard if line.endswith("\n")}
        if kill % 5 == 0 or kill == kills - 1:
            check(url, acknowledged)
    assert len(acknowledged) > kills


def check(url: str, acknowledged: set[int]) -> None:
    with Ledger(url) as ledger:
        frame = ledger.frame("run")
        states = (
            {
                trial.number: trial.state.is_finished()
                for trial in ledger.storage("run").get_all_trials(0, deepcopy=False)
            }
            if acknowledged
            else {}
        )
        balance = ledger.balance("run")
    assert acknowledged <= set(frame["seq"]), "an acknowledged entry is lost"
    assert not frame["seq"].duplicated().any()
    laps = frame[frame["outcome"].isna()]
    assert not laps.duplicated(["trial", "step"]).any(), "an entry is there twice"
    closings = frame[frame["outcome"].notna()]
    assert {number for number, finished in states.items() if finished} == set(closings["trial"]), (
        "a trial's state and its closing line are there together or not at all"
    )
    whole = closings.loc[closings["outcome"] == "complete", "trial"]
    counts = laps.groupby("trial").size()
    assert (counts[whole] == LAPS).all(), "a finished trial without its entries"
    assert set(laps["trial"]) <= set(states), "entries without their trial"
    assert balance["difference_s"].abs().max() < 1e-6
