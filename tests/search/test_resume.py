"""A driver killed at any moment: what is on the ledger stays, what follows is what would have been."""

import random
import time

import pandas as pd
import pytest
from drivers import Driver, drive_on
from searching import ENAS, FULL, Done, check_books, experiment, run

from nassim.cost.work import Activity
from nassim.errors import NassimError
from nassim.ledger.entry import DRIVER
from nassim.ledger.store import Ledger
from nassim.run import resume
from nassim.search.recovery import recover
from nassim.seeds import derive_seed

PRUNED = {"pruner": {"name": "median", "parameters": {"n_startup_trials": 1}}}
EVOLUTION = {"sampler": {"name": "evolution", "parameters": {"population": 2, "tournament": 2}}}
REINFORCE = {"sampler": {"name": "reinforce", "parameters": {"batch": 2}}}
FEW = FULL | {"trials": 4}
SEARCHES = {
    "tpe": FEW | {"sampler": {"name": "tpe", "parameters": {"n_startup_trials": 2}}},
    "tpe, pruned": FEW | PRUNED,
    "evolution": FEW | EVOLUTION,
    "reinforce": FEW | REINFORCE,
    "enas": ENAS,
}


def killed(plan, kills: int, seed: int, longest_s: float) -> list[pd.DataFrame]:
    """Kill so many drivers of a run, each at a random moment; return the ledger's entries after each."""
    rng = random.Random(seed)
    frames = []
    for _ in range(kills):
        Driver(plan, kill_after_s=rng.uniform(0.0, longest_s)).join()
        ledger = Ledger(plan.ledger)
        if not ledger.runs():
            continue
        frames.append(ledger.frame("run"))
        balance = ledger.balance("run")
        assert (balance["difference_s"].abs() < 1e-6).all(), "the books close after a kill too"
        if ledger.run("run").status == "finished":
            break
    return frames


def check_nothing_lost(frames: list[pd.DataFrame], done: Done) -> None:
    """Every entry that was on the ledger after a kill is there in the end, unchanged."""
    final = lines(done.entries)
    for frame in frames:
        assert lines(frame).items() <= final.items()


def lines(entries: pd.DataFrame) -> dict:
    """Each entry by its number."""
    rows = entries.astype(object).where(entries.notna(), None)
    return {row["seq"]: tuple(row.items()) for row in rows.to_dict("records")}


@pytest.mark.parametrize(
    ("search", "kills"),
    [
        pytest.param("tpe, pruned", 2, marks=pytest.mark.slow),
        pytest.param("enas", 2, marks=pytest.mark.slow),
        *(pytest.param(search, 25, marks=pytest.mark.slow) for search in SEARCHES),
    ],
)
def test_a_run_whose_drivers_are_killed_comes_to_what_an_undisturbed_one_does(tmp_path, search, kills):
    (tmp_path / "undisturbed").mkdir()
    began = time.monotonic()
    undisturbed = run(experiment(tmp_path / "undisturbed", SEARCHES[search]))
    took_s = time.monotonic() - began
    plan = experiment(tmp_path, SEARCHES[search])
    frames = killed(plan, kills, derive_seed(0, "kills", search), min(took_s, 6 * took_s / kills))
    done = Done(plan.ledger, "run") if Ledger(plan.ledger).runs() else None
    if done is None or done.status != "finished":
        done = drive_on(plan)
    check_books(done)
    check_nothing_lost(frames, done)
    assert done.results() == undisturbed.results()
    extra, warming = (done.flop(**which) - undisturbed.flop(**which) for which in ({}, {"activity": Activity.STARTUP}))
    assert extra == done.flop(activity=Activity.LOST) + warming, "what was done twice was lost once, or warmed up"
    assert not list((tmp_path / "runs" / "run").glob("checkpoints/**/*.pt"))


@pytest.mark.slow
def test_down_time_is_not_billed(tmp_path):
    plan = experiment(tmp_path)
    killed(plan, 2, 5, 1.0)
    time.sleep(1.0)
    done = drive_on(plan)
    leases = done.ledger.leases("run")
    held = leases[leases["worker"] == DRIVER].sort_values("opened_s")
    assert len(held) > 1
    ends = done.ledger.frame("run").assign(end_s=lambda rows: rows["start_s"] + rows["seconds"])
    for opened_s in held["opened_s"].iloc[1:]:
        gap_s = opened_s - ends.loc[ends["end_s"] <= opened_s, "end_s"].max()
        assert gap_s < 1.0, "a driver's clock goes on where the last one's stopped"


def test_a_finished_run_is_not_resumed(tmp_path):
    plan = experiment(tmp_path, FULL | {"trials": 1})
    run(plan)
    with pytest.raises(NassimError, match=r"run run has finished; there is nothing to resume\. `nassim report run`"):
        resume("run", plan.ledger)


def test_a_run_that_is_not_there_is_not_resumed(tmp_path):
    plan = experiment(tmp_path, FULL | {"trials": 1})
    run(plan)
    with pytest.raises(NassimError, match="there is no run 'ruin'"):
        resume("ruin", plan.ledger)


@pytest.mark.slow
def test_a_run_is_resumed_from_another_folder(tmp_path, monkeypatch):
    """Checkpoints are where the first driver has put them, not where the second one stands."""
    folder = tmp_path / "there"
    folder.mkdir()
    monkeypatch.chdir(folder)
    plan = experiment(tmp_path, ENAS, checkpoint={"folder": "runs"})
    driver = Driver(plan)
    driver.wait_for_reports(8)
    driver.process.kill()
    driver.join()
    monkeypatch.chdir(tmp_path)
    resume("run", plan.ledger)
    assert Ledger(plan.ledger).run("run").status == "finished"


@pytest.mark.parametrize(
    ("harm", "again"),
    [
        (lambda files: files[-1].write_bytes(b"half"), 1),
        pytest.param(
            lambda files: [file.unlink() for file in files],
            3,
            marks=pytest.mark.slow,
        ),
    ],
    ids=["damaged", "gone"],
)
def test_rounds_whose_weights_are_gone_are_done_again_and_booked_as_lost(tmp_path, harm, again):
    plan = experiment(tmp_path, ENAS)
    # Three rounds, the trials after the second and one after the third.
    assert Driver(plan, interrupt_at=3 + 6 + 1).join() == 0
    harm(sorted((tmp_path / "runs" / "run" / "shared-weights" / "enas").glob("*.pt")))
    notices: list = []
    resume("run", plan.ledger, observe=notices.append)
    done = Done(plan.ledger, "run", notices)
    check_books(done)
    assert done.status == "finished"
    assert set(done.outcomes) == {"complete"}
    assert len(done.trials) == 15
    assert done.warnings == [f"enas/shared: what it left is gone or damaged; it goes on from step {3 - again} of 3"]
    samples = done.entries.groupby(["activity", "job"])["samples"].sum()
    assert dict(samples[Activity.SUPERNET]) == {"enas/shared": 3 * 1079}
    assert dict(samples[Activity.LOST]) == {"enas/shared": again * 1079}


def test_the_weights_of_the_last_two_rounds_are_left(tmp_path):
    run(experiment(tmp_path, ENAS))
    files = sorted((tmp_path / "runs" / "run" / "shared-weights" / "enas").iterdir())
    assert [file.name for file in files] == ["round-00001.pt", "round-00002.pt"]


def test_what_a_driver_starts_from_is_what_is_on_the_ledger(tmp_path):
    """Of a run that is through there is nothing to go on with, and all that was spent."""
    done = run(experiment(tmp_path, FULL, ENAS))
    recovery = recover(done.ledger, "run")
    assert [*recovery.pasts] == ["enas/shared"], "other searches may use what it has left"
    assert not recovery.lost
    assert recovery.found == {"full", "enas"}
    spent, of_enas = recovery.spending.overall(123.0), recovery.spending.of("enas", 123.0)
    assert spent.flop == done.spent_flop
    assert spent.wall_s == 123.0
    assert spent.trials == len(done.trials)
    workers = done.entries[done.entries["worker"] != DRIVER]
    assert spent.device_s == pytest.approx(workers["seconds"].sum())
    searching = workers[(workers["search"] == "enas") & (workers["stage"] != "final")]
    assert of_enas.device_s == pytest.approx(searching["seconds"].sum())
    assert of_enas.trials == 15
