"""The Ray executor on one machine."""

import os
import signal
import threading
import time

import pytest

from nassim.cost.work import Activity
from nassim.errors import NassimError
from nassim.executors.base import Ending, JobEnded, Lap, Released, Report
from nassim.executors.inline import InlineExecutor
from nassim.executors.ray.executor import RayExecutor
from nassim.ledger.entry import Lease
from nassim.testing.executors import RealTimeExecutorContract, check_books, drive, ends, outline, run_all
from nassim.testing.runners import make_dying_runner, make_torch_runner, make_toy_runner, toy_job

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.usefixtures("local_ray")

HANG_S = 3.0
"""Several times as long as a worker that has something to do may be silent, even on a busy machine."""


def ready(executor, workers=1):
    """Wait until so many workers are free; return the events on the way."""
    events = []
    while executor.free < workers:
        events += executor.wait(60)
    return events


def until(executor, kind, count=1):
    """Wait for so many events of a kind; return all on the way."""
    events = []
    while sum(isinstance(event, kind) for event in events) < count:
        events += executor.wait(60)
    return events


def live_actors():
    from ray._private.state import actors

    return [actor for actor in actors().values() if actor["State"] not in ("DEAD",)]


class TestRay(RealTimeExecutorContract):
    @pytest.fixture
    def executor(self):
        with RayExecutor(workers=1) as executor:
            yield executor


def test_one_worker_does_what_inline_does():
    def jobs():
        names = ["trains", "raises", "diverges", "raises at once", "trains"]
        jobs = [toy_job(name, 3, f"{n}", gated=n % 2 == 0) for n, name in enumerate(names)]
        return [*jobs, toy_job("trains", 3, "stopped", gated=True)]

    def verdict(report):
        return report.job.id != "stopped" or report.step < 2

    with InlineExecutor() as inline, RayExecutor(workers=1) as on_ray:
        assert outline(drive(on_ray, jobs(), verdict)) == outline(drive(inline, jobs(), verdict))


def test_workers_work_at_the_same_time_each_in_its_process_with_its_threads():
    with RayExecutor(workers=2, cpus_per_worker=1) as executor:
        executor.start(make_toy_runner)
        events = ready(executor, 2)
        executor.submit(toy_job("slow", 20, "a"))
        executor.submit(toy_job("slow", 20, "b"))
        events += until(executor, JobEnded, 2)
        where = run_all(executor, [toy_job("says where", 1, "c"), toy_job("says where", 1, "d")])
        check_books([*events, *where, *executor.close()])
    spans = {
        name: [event for event in events if isinstance(event, Lap) and event.job and event.job.id == name]
        for name in "ab"
    }
    assert spans["a"][0].start_s < spans["b"][-1].start_s
    assert spans["b"][0].start_s < spans["a"][-1].start_s
    facts = [event.metrics for event in where if isinstance(event, Report)]
    assert all(fact["threads"] == 1 for fact in facts)
    assert os.getpid() not in {fact["pid"] for fact in facts}


@pytest.mark.slow
def test_a_worker_with_torch_knows_its_device_and_its_peak_rate():
    with RayExecutor(workers=1) as executor:
        executor.start(make_torch_runner)
        worker = next(event.worker for event in ready(executor) if isinstance(event, Lease))
    assert worker.device.startswith("cpu: ")
    assert worker.processors == 1
    assert worker.peak_source == "measured"
    assert 1e9 < worker.peak_flop_per_s < 1e12


def test_a_killed_worker_loses_its_job_and_is_replaced(tmp_path):
    with RayExecutor(workers=1) as executor:
        executor.start(make_toy_runner)
        events = run_all(executor, [toy_job("dies", 3, gated=True)])
        (lost,) = ends(events)
        assert lost.ending is Ending.LOST
        assert lost.reason.startswith("WorkerDied: Worker unexpectedly exits")
        assert "\n" not in lost.reason
        assert lost.checkpoint_step is None
        events += run_all(executor, [toy_job("dies", 3, attempt=1)])
        events += executor.close()
    assert [end.ending for end in ends(events)] == [Ending.LOST, Ending.DONE]
    workers = [event.worker.id for event in events if isinstance(event, Lease)]
    assert len(set(workers)) == 2
    lost_laps = [event for event in events if isinstance(event, Lap) and event.activity is Activity.LOST]
    assert [lap.job.attempt for lap in lost_laps] == [0]
    assert lost_laps[0].seconds > 0
    check_books(events)


@pytest.mark.slow
def test_what_was_reported_before_the_death_stands():
    with RayExecutor(workers=1) as executor:
        executor.start(make_toy_runner)
        events = run_all(executor, [toy_job("dies", 3, gated=True)])
    assert [event.step for event in events if isinstance(event, Report)] == [1]


def test_the_last_checkpoint_of_a_lost_job_is_known(tmp_path):
    with RayExecutor(workers=1) as executor:
        executor.start(make_toy_runner)
        pids = [event.metrics["pid"] for event in run_all(executor, [toy_job("says where", 1)]) if is_report(event)]
        executor.submit(toy_job("saves", 1000, checkpoint=str(tmp_path / "state")))
        events = until(executor, Report, 5)
        os.kill(int(pids[0]), signal.SIGKILL)
        events += until(executor, JobEnded)
    (lost,) = ends(events)
    steps = [event.step for event in events if isinstance(event, Report)]
    assert steps[-1] - 1 <= lost.checkpoint_step <= steps[-1]


def is_report(event):
    return isinstance(event, Report)


def test_an_idle_worker_that_dies_is_replaced():
    with RayExecutor(workers=1) as executor:
        executor.start(make_toy_runner)
        events = run_all(executor, [toy_job("says where", 1)])
        os.kill(int(next(event.metrics["pid"] for event in events if is_report(event))), signal.SIGKILL)
        while not any(isinstance(event, Released) for event in events):
            events += executor.wait(60)
        events += ready(executor)
        check_books([*events, *executor.close()])
    assert ends(events)[0].ending is Ending.DONE
    assert sum(isinstance(event, Lease) for event in events) == 2


@pytest.mark.slow
def test_a_hanging_worker_is_replaced_and_its_job_lost():
    with RayExecutor(workers=1, hang_timeout_s=HANG_S) as executor:
        executor.start(make_toy_runner)
        events = run_all(executor, [toy_job("hangs"), toy_job("trains")])
        events += executor.close()
    assert [(end.ending, end.reason) for end in ends(events)] == [
        (Ending.LOST, "WorkerHangs: nothing came of it for 3 s"),
        (Ending.DONE, None),
    ]
    check_books(events)


@pytest.mark.slow
def test_a_stopped_process_hangs_too():
    with RayExecutor(workers=1, hang_timeout_s=HANG_S) as executor:
        executor.start(make_toy_runner)
        pids = [event.metrics["pid"] for event in run_all(executor, [toy_job("says where", 1)]) if is_report(event)]
        executor.submit(toy_job("slow", 1000))
        until(executor, Report)
        os.kill(int(pids[0]), signal.SIGSTOP)
        (lost,) = ends(until(executor, JobEnded))
    assert (lost.ending, lost.reason) == (Ending.LOST, "WorkerHangs: nothing came of it for 3 s")


@pytest.mark.slow
def test_a_working_job_does_not_hang_though_it_reports_nothing():
    with RayExecutor(workers=1, hang_timeout_s=HANG_S) as executor:
        executor.start(make_toy_runner)
        ready(executor)
        job = toy_job("works silently", timeout_s=HANG_S + 1.0)
        executor.submit(job)
        (end,) = ends(until(executor, JobEnded))
    assert (end.ending, end.reason) == (Ending.FAILED, "ran over its time limit of 4 s")


@pytest.mark.slow
def test_a_job_that_hangs_past_its_time_limit_fails():
    with RayExecutor(workers=1, grace_s=0.7) as executor:
        executor.start(make_toy_runner)
        events = run_all(executor, [toy_job("hangs", timeout_s=0.5), toy_job("trains")])
        events += executor.close()
    failed, done = ends(events)
    assert (failed.ending, failed.reason) == (Ending.FAILED, "ran over its time limit of 0.5 s and did not stop")
    assert done.ending is Ending.DONE
    check_books(events)


@pytest.mark.slow
def test_a_driver_that_was_away_blames_nobody():
    with RayExecutor(workers=1, hang_timeout_s=HANG_S) as executor:
        executor.start(make_toy_runner)
        ready(executor)
        executor.submit(toy_job("slow", 10))
        time.sleep(HANG_S + 1.0)
        (end,) = ends(until(executor, JobEnded))
    assert end.ending is Ending.DONE


@pytest.mark.slow
def test_workers_that_die_in_a_row_are_not_replaced_for_ever():
    with RayExecutor(workers=1, restarts=1) as executor:
        executor.start(make_dying_runner)
        with pytest.raises(NassimError, match=r"no worker is left: 2 died in a row, the last one so: WorkerDied: "):
            executor.wait(60), executor.wait(60), executor.wait(60)
        check_books(executor.close())


@pytest.mark.slow
def test_more_workers_than_there_is_room_for_start_with_what_there_is():
    with RayExecutor(workers=3) as executor:
        executor.start(make_toy_runner)
        events = ready(executor, 2)
        assert executor.capacity == 3
        events += run_all(executor, [toy_job("trains", name=f"{n}") for n in range(4)])
        events += executor.close()
    assert sum(isinstance(event, Lease) for event in events) == 2
    check_books(events)


def test_no_room_for_a_single_worker_is_an_error():
    with RayExecutor(workers=1, cpus_per_worker=64, patience_s=1.0) as executor:
        executor.start(make_toy_runner)
        message = r"no worker could be had for 1 s: each is to hold 64 CPU, and there is no room on 1 node\(s\): 2 CPU"
        with pytest.raises(NassimError, match=message):
            executor.wait(30)
        assert executor.close() == []


def test_closing_leaves_no_actor_and_no_held_cpu_behind():
    with RayExecutor(workers=2) as executor:
        executor.start(make_toy_runner)
        ready(executor, 2)
        executor.submit(toy_job("hangs"))
        until(executor, Report)
    deadline = time.monotonic() + 60
    while (live_actors() or ray.available_resources().get("CPU") != 2) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert live_actors() == []
    assert ray.available_resources()["CPU"] == 2


def interrupted(executor):
    executor.start(make_toy_runner)
    ready(executor)
    executor.submit(toy_job("hangs"))
    until(executor, Report)
    threading.Timer(0.5, signal.raise_signal, (signal.SIGINT,)).start()
    executor.wait(30)


@pytest.mark.slow
def test_an_interrupt_while_waiting_closes_cleanly():
    executor = RayExecutor(workers=1)
    with pytest.raises(KeyboardInterrupt), executor:
        interrupted(executor)
    assert executor.capacity == 0
    assert executor.close() == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"workers": 0}, "workers is 0; there must be at least 1"),
        ({"cpus_per_worker": 0}, "cpus_per_worker is 0; a worker needs more than 0 CPUs"),
        ({"gpus_per_worker": -1}, "gpus_per_worker is -1; it must be 0 or more"),
    ],
)
def test_settings_out_of_range_are_told(settings, message):
    with pytest.raises(NassimError, match=message):
        RayExecutor(**settings)
