"""The books of a driver, by a clock that the test sets."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nassim.cost.work import Activity, Work
from nassim.evaluation import Ready
from nassim.executors.base import Executor, Lap, Released
from nassim.folder import RunFolder
from nassim.ledger.entry import DRIVER, Lease, Stage, Worker
from nassim.ledger.store import Ledger
from nassim.search.books import Books
from nassim.search.checkpoints import Checkpoints
from nassim.search.spending import Account
from nassim.search.stopping import Stopping
from nassim.testing.runners import toy_job

TRAINED = Work(Activity.TRAIN, forward_flop=100, backward_flop=200, samples=10)


class SetClock(Executor):
    """Shows what it is set to; has nothing else of an executor."""

    at_s = 0.0
    start = submit = proceed = stop = wait = close = free = capacity = None

    def now_s(self) -> float:
        return self.at_s


class Scene:
    """Books in memory, with what they hold."""

    def __init__(self) -> None:
        self.clock = SetClock()
        self.ledger = Ledger("sqlite://")
        self.writer = self.ledger.create("run", {}, "2026-01-01T00:00:00+00:00")
        self.books = Books(self.writer, self.clock)
        self.books.open("here", 0.0)

    def lease(self, worker: str, at_s: float, ready_s: float) -> None:
        self.clock.at_s = max(self.clock.at_s, ready_s)
        self.books.post(Lease(Worker(worker, "here", "cpu: x", 1.0), at_s))
        self.books.post(Lap(worker, at_s, ready_s - at_s, Activity.STARTUP))

    def release(self, worker: str, at_s: float) -> None:
        self.clock.at_s = max(self.clock.at_s, at_s)
        self.books.post(Released(worker, at_s))

    def work_for(self, search: str, stage: Stage, at_s: float) -> None:
        self.clock.at_s = at_s
        self.books.work_for(Account(search, stage))

    def device_s(self, search: str) -> float:
        return self.books.spent_by(search).device_s

    def close(self, at_s: float):
        self.clock.at_s = at_s
        self.books.close()
        balance = self.ledger.balance("run")
        assert balance["closed"].all()
        assert balance["difference_s"].abs().max() < 1e-6
        return self.ledger.frame("run")


@pytest.fixture
def scene() -> Scene:
    return Scene()


def seconds(frame, **where) -> dict:
    for column, value in where.items():
        frame = frame[frame[column] == value]
    return dict(frame.groupby(["search", "stage"])["seconds"].sum())


def test_idle_seconds_are_of_the_search_in_which_they_passed(scene):
    scene.work_for("tpe", Stage.SEARCH, 0.0)
    scene.lease("w", 0.0, 1.0)
    scene.work_for("tpe", Stage.FINAL, 5.0)
    scene.work_for("enas", Stage.SEARCH, 15.0)
    scene.clock.at_s = 17.0
    scene.books.post(Lap("w", 1.0, 16.0, Activity.IDLE))
    scene.release("w", 17.0)
    frame = scene.close(17.0)
    idle = seconds(frame, worker="w", activity="idle")
    assert idle == {("tpe", "search"): 4.0, ("tpe", "final"): 10.0, ("enas", "search"): 2.0}
    assert (scene.device_s("tpe"), scene.device_s("enas"), scene.books.spent().device_s) == (4.0, 2.0, 17.0)


def test_starting_belongs_to_the_run_and_to_no_search(scene):
    scene.work_for("tpe", Stage.SEARCH, 0.0)
    scene.lease("w", 2.0, 5.0)
    scene.clock.at_s = 6.0
    scene.books.tally()
    assert (scene.device_s("tpe"), scene.books.spent().device_s) == (1.0, 4.0)
    scene.books.post(Lap("w", 5.0, 1.0, Activity.IDLE))
    scene.release("w", 6.0)
    frame = scene.close(6.0)
    assert frame.loc[frame["activity"] == "startup", "search"].isna().all()


def test_a_workers_seconds_count_before_they_are_heard_of_and_end_with_its_lease(scene):
    scene.lease("w", 0.0, 1.0)
    scene.clock.at_s = 10.0
    scene.books.tally()
    assert scene.books.spent().device_s == 10.0
    scene.books.post(Lap("w", 1.0, 6.0, Activity.LOST))
    scene.release("w", 7.0)
    assert scene.books.spent().device_s == 7.0
    scene.close(10.0)


@given(st.lists(st.tuples(st.sampled_from(list(Activity)), st.floats(0, 10)), max_size=20))
@settings(max_examples=30, deadline=None)
def test_the_drivers_seconds_are_posted_to_what_it_was_busy_with(turns):
    scene, spent_s = Scene(), dict.fromkeys(Activity, 0.0)
    for activity, busy_s in turns:
        with scene.books.turn(activity):
            scene.clock.at_s += busy_s
            spent_s[activity] += busy_s
    frame = scene.close(scene.clock.at_s)
    posted = frame[frame["worker"] == DRIVER].groupby("activity")["seconds"].sum()
    assert {name: posted.get(name, 0.0) for name in Activity} == pytest.approx(spent_s)
    assert scene.books.spent().wall_s == pytest.approx(scene.clock.at_s)


def test_what_a_job_lost_is_taken_from_its_activity_and_put_on_lost(scene):
    job = toy_job("trains", 3)
    scene.work_for("trains", Stage.SEARCH, 0.0)
    scene.lease("w", 0.0, 0.0)
    for start_s in (0.0, 1.0, 2.0):
        scene.clock.at_s = start_s + 1.0
        scene.books.post(Lap("w", start_s, 1.0, Activity.TRAIN, TRAINED, job))
        if start_s == 1.0:
            scene.books.post(Lap("w", 2.0, 0.0, Activity.CHECKPOINT, Work(Activity.CHECKPOINT), job, 2))
    scene.books.lose(job, "WorkerDied", Activity.PREEMPTED)
    scene.release("w", 3.0)
    frame = scene.close(3.0)
    sums = frame[frame["worker"] == "w"].groupby("activity")[["seconds", "forward_flop", "backward_flop"]].sum()
    assert list(sums.loc["train"]) == [2.0, 200, 400]
    assert list(sums.loc["preempted"]) == [1.0, 100, 200]
    assert scene.books.spent().flop == 900, "it was spent all the same"


def test_what_is_kept_can_no_longer_be_lost(scene):
    job = toy_job("trains", 3)
    scene.lease("w", 0.0, 0.0)
    scene.clock.at_s = 1.0
    scene.books.post(Lap("w", 0.0, 1.0, Activity.TRAIN, TRAINED, job))
    scene.books.kept(job)
    scene.books.lose(job, "WorkerDied")
    scene.release("w", 1.0)
    assert set(scene.close(1.0)["activity"]) == {"startup", "train", "idle"}


def test_a_job_that_is_open_when_the_books_close_has_lost_what_no_checkpoint_holds(scene):
    job = toy_job("trains", 3)
    scene.lease("w", 0.0, 0.0)
    scene.clock.at_s = 1.0
    scene.books.post(Lap("w", 0.0, 1.0, Activity.TRAIN, TRAINED, job))
    scene.release("w", 1.0)
    frame = scene.close(1.0)
    flop = frame.groupby("activity")["forward_flop"].sum()
    assert (flop["train"], flop["lost"]) == (0, 100)


def test_a_state_goes_when_a_later_one_is_committed_and_the_folder_when_the_job_is_over(tmp_path):
    checkpoints = Checkpoints(RunFolder(tmp_path, "run", None))
    job = toy_job("trains", 5, "trains/trial/3")
    job = replace(job, checkpoint=checkpoints.folder_of(job))
    files = [job.checkpoint_file(step) for step in (1, 2, 3)]
    files[0].parent.mkdir(parents=True)
    for step, file in enumerate(files, start=1):
        file.touch()
        checkpoints.written(job, step)
        assert all(earlier.exists() for earlier in files[: step - 1][-1:]), "not before the commit"
        checkpoints.sweep()
        assert [file.exists() for file in files[:step]] == [False] * (step - 1) + [True]
    checkpoints.over(job)
    assert files[2].exists()
    checkpoints.sweep()
    assert not files[2].parent.exists()


def test_the_state_that_a_resumed_job_went_on_from_goes_too(tmp_path):
    checkpoints = Checkpoints(RunFolder(tmp_path, "run", None))
    job = toy_job("trains", 5, "trains/trial/3", first=2)
    job = replace(job, checkpoint=checkpoints.folder_of(job))
    job.checkpoint_file(2).parent.mkdir(parents=True)
    job.checkpoint_file(2).touch()
    job.checkpoint_file(3).touch()
    checkpoints.written(job, 3)
    checkpoints.sweep()
    assert not job.checkpoint_file(2).exists()
    assert job.checkpoint_file(3).exists()


def test_needless_files_go_after_the_commit(tmp_path):
    checkpoints = Checkpoints(RunFolder(tmp_path, "run", None))
    file = tmp_path / "round-00000.pt"
    file.touch()
    checkpoints.needless([file, tmp_path / "never there"])
    assert file.exists()
    checkpoints.sweep()
    assert not file.exists()


def test_a_job_that_wrote_no_state_costs_no_look_at_the_disk(tmp_path):
    checkpoints = Checkpoints(RunFolder(tmp_path, "run", None))
    job = toy_job("trains", 5, "trains/trial/3")
    checkpoints.over(replace(job, checkpoint=checkpoints.folder_of(job)))
    checkpoints.sweep()
    assert not (tmp_path / "checkpoints").exists()


def test_stopping_is_news_once_and_at_once_the_second_time():
    stopping = Stopping()
    assert not stopping.is_news()
    stopping.check()
    stopping.ask()
    assert stopping.asked
    assert [stopping.is_news(), stopping.is_news()] == [True, False]
    stopping.check()
    stopping.ask()
    with pytest.raises(KeyboardInterrupt):
        stopping.check()


def test_a_job_in_this_process_is_interrupted_where_it_is():
    stopping, seen = Stopping(), []

    def runner(job):
        try:
            yield "first"
            stopping.ask()
            seen.append("asked once")
            stopping.ask()
            seen.append("asked twice")
        finally:
            seen.append("cleaned up")

    steps = stopping.interrupting(lambda: Ready(runner))().runner(toy_job("trains"))
    assert next(steps) == "first"
    with pytest.raises(KeyboardInterrupt):
        next(steps)
    assert seen == ["asked once", "cleaned up"]
