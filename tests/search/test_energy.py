"""What counters measured is on the books: all of it, once, and where its seconds are, also if these are lost later."""

import math
import os
import threading
import time
from pathlib import Path

import pytest
from searching import RAY, experiment, run

from nassim.cost.work import Activity, Work
from nassim.executors.base import Lap, Metered, Unmetered
from nassim.executors.inline import InlineExecutor
from nassim.hardware.figure import Kind
from nassim.ledger.entry import DRIVER, Lease, Worker
from nassim.ledger.store import Ledger
from nassim.report.reading import read_run
from nassim.search.books import Books
from nassim.search.recovery import recover
from nassim.testing.runners import toy_job

WATTS = 100.0


class Rapl:
    """The counters of one package as the kernel shows them, which a thread of the test drives at 100 W."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "intel-rapl:0"
        self._folder.mkdir(parents=True)
        (self._folder / "name").write_text("package-0\n")
        (self._folder / "max_energy_range_uj").write_text("262143328850\n")
        self._begun = time.monotonic()
        self._done = threading.Event()
        self._tick()
        self._thread = threading.Thread(target=self._run)

    def _tick(self) -> None:
        beside = self._folder / "next"
        beside.write_text(f"{int(WATTS * 1e6 * (time.monotonic() - self._begun))}\n")
        os.replace(beside, self._folder / "energy_uj")

    def _run(self) -> None:
        while not self._done.wait(0.01):
            self._tick()

    def __enter__(self) -> "Rapl":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()


@pytest.mark.parametrize("executor", [{"kind": "inline"}, pytest.param(RAY | {"workers": 2}, marks=pytest.mark.slow)])
def test_a_run_on_a_machine_with_counters_is_measured_to_the_last_second(tmp_path, monkeypatch, executor):
    monkeypatch.setenv("NASSIM_POWERCAP", str(tmp_path / "powercap"))
    with Rapl(tmp_path / "powercap"):
        done = run(experiment(tmp_path, executor=executor))
    laps = done.entries[(done.entries["worker"] != DRIVER) & done.entries["metered_s"].isna()]
    energy = done.entries[done.entries["metered_s"].notna()]
    assert (energy["seconds"] == 0).all()
    assert energy["metered_s"].sum() == pytest.approx(laps["seconds"].sum(), rel=0.01)
    leases = done.ledger.leases(done.run)
    leases = leases[leases["worker"] != DRIVER]
    held_s = leases["closed_s"].max() - leases["opened_s"].min()
    assert energy["energy_j"].sum() == pytest.approx(WATTS * held_s, rel=0.25)
    # Every trial, however short, has joules; each for the seconds that it took.
    trials = done.ledger.totals(done.run, ("trial",)).dropna(subset="trial")
    assert (trials["energy_j"] > 0).all()
    assert trials["metered_s"].to_numpy() == pytest.approx(trials["seconds"].to_numpy(), rel=0.05)
    if executor["kind"] == "inline":
        kwh = read_run(done.ledger, done.run).total.leased.device_kwh
        assert kwh.kind is Kind.MEASURED
        assert kwh.value == pytest.approx(WATTS * held_s / 3_600_000, rel=0.25)


def test_without_counters_the_run_says_why(tmp_path, monkeypatch):
    monkeypatch.setenv("NASSIM_POWERCAP", str(tmp_path / "nothing"))
    done = run(experiment(tmp_path))
    assert done.entries["energy_j"].isna().all()
    assert done.warnings == []
    assert "no RAPL energy counters under" in done.ledger.run(done.run).about["energy"]


@pytest.fixture
def ledger(tmp_path):
    return Ledger(f"sqlite:///{tmp_path / 'l.db'}")


@pytest.fixture
def books(ledger):
    """Books of a run with one worker."""
    books = Books(ledger.create("run", {}, "2026-01-02T03:04:05+00:00"), InlineExecutor(), warn=WARNINGS.append)
    WARNINGS.clear()
    books.open("node", 0.0)
    books.post(Lease(Worker("w", "node", "cpu: test", 1.0), 0.0))
    return books


WARNINGS: list[str] = []
JOB = toy_job("trains", 4)


def lap(start_s, activity=Activity.TRAIN, step=None, job=JOB):
    return Lap("w", start_s, 1.0, activity, Work(activity, samples=1) if job else None, job, step)


def post(books, *events):
    for event in events:
        books.post(event)


def measured(each, joules=10.0):
    return Metered(each, each.start_s, each.seconds, joules)


def by_activity(ledger):
    rows = ledger.totals("run", ("activity",)).set_index("activity")
    return {activity: (row["seconds"], row["energy_j"], row["metered_s"]) for activity, row in rows.iterrows()}


@pytest.mark.parametrize("late", [False, True])
def test_joules_of_lost_work_are_lost_with_it_whenever_they_are_heard_of(books, ledger, late):
    kept, saved, lost = lap(0), lap(1, Activity.CHECKPOINT, 1), lap(2)
    post(books, kept, saved, lost)
    if late:
        books.lose(JOB, "WorkerDied")
    post(books, measured(kept, 10), measured(saved, 20), measured(lost, 40))
    if not late:
        books.lose(JOB, "WorkerDied")
    books.settle()
    found = by_activity(ledger)
    assert found[Activity.TRAIN] == (1, 10, 1)
    assert found[Activity.CHECKPOINT] == (1, 20, 1)
    assert found[Activity.LOST] == (1, 40, 1)


def test_a_driver_that_takes_over_loses_the_joules_of_what_it_loses(books, ledger):
    kept, saved, lost, more = lap(0), lap(1, Activity.CHECKPOINT, 1), lap(2), lap(3)
    # Joules of what came before the checkpoint, and of it, are heard of after it.
    post(books, kept, saved, lost, measured(kept, 10), measured(saved, 20), measured(lost, 40), more)
    books.settle()
    recovery = recover(ledger, "run")
    assert [stretch.step for stretch in recovery.pasts["trains"].stretches] == [1]
    books.write_off(recovery.lost, "its driver was killed")
    books.settle()
    found = by_activity(ledger)
    assert found[Activity.TRAIN] == (1, 10, 1)
    assert found[Activity.CHECKPOINT] == (1, 20, 1)
    assert found[Activity.LOST] == (2, 40, 1)


def test_joules_of_idling_go_to_the_searches_that_it_was_in(books, ledger):
    from nassim.search.spending import Account

    books._accounts.open(Account("a"), 1.0)
    books._accounts.open(Account("b"), 4.0)
    idle = Lap("w", 2.0, 6.0, Activity.IDLE)
    post(books, idle, Metered(idle, 2.0, 6.0, 60.0))
    books.settle()
    rows = ledger.totals("run", ("search", "worker")).set_index(["search", "worker"])
    assert rows.loc[("a", "w"), ["seconds", "energy_j", "metered_s"]].tolist() == [2, 20, 2]
    assert rows.loc[("b", "w"), ["seconds", "energy_j", "metered_s"]].tolist() == [4, 40, 4]


def test_a_machine_that_is_not_measured_is_told(books):
    books.post(Unmetered("node7", "no permission to read energy_uj"))
    assert WARNINGS == ["energy is not measured on node7: no permission to read energy_uj"]


def test_joules_have_no_seconds_so_the_books_still_close(books, ledger):
    work = lap(0)
    post(books, work, measured(work))
    books.settle()
    row = ledger.balance("run").set_index("worker").loc["w"]
    assert row["posted_s"] == 1.0
    assert math.isnan(ledger.frame("run")["energy_j"].iloc[0])
