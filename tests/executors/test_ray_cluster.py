"""The Ray executor on a cluster of several nodes, and with a Ray of its own."""

import os
import signal
import subprocess
import sys
import time

import pytest
from nodes import HEAD, NODE

from nassim.cost.work import Activity
from nassim.errors import NassimError
from nassim.executors.base import Ending, JobEnded, Lap, Released, Report, Waiting
from nassim.executors.ray.executor import RayExecutor
from nassim.ledger.entry import Lease
from nassim.testing.executors import check_books, ends, run_all
from nassim.testing.runners import make_toy_runner, toy_job

ray = pytest.importorskip("ray")


@pytest.fixture(scope="module")
def head():
    """A cluster whose head runs no jobs."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    cluster = Cluster(initialize_head=True, head_node_args=HEAD)
    yield cluster
    cluster.shutdown()


@pytest.fixture
def cluster(head):
    """That cluster and one node with a CPU."""
    head.first = head.add_node(**NODE)
    yield head
    ray.shutdown()
    for node in list(head.worker_nodes):
        head.remove_node(node)


def until(executor, condition):
    """Wait until the events so far meet a condition; return them."""
    events = []
    deadline = time.monotonic() + 180
    while not condition(events):
        assert time.monotonic() < deadline, events
        events += executor.wait(1)
    return events


def count(kind):
    return lambda events, kind=kind: sum(isinstance(event, kind) for event in events)


@pytest.mark.slow
@pytest.mark.parametrize("abruptly", [True, False])
def test_a_node_that_goes_preempts_its_job_and_one_that_comes_takes_over(cluster, abruptly):
    second = cluster.add_node(**NODE)
    with RayExecutor(workers=2, address=cluster.address) as executor:
        executor.start(make_toy_runner)
        events = until(executor, lambda _: executor.free == 2)
        for name in "ab":
            executor.submit(toy_job("slow", 100_000, name))
        events += until(executor, lambda new: {event.job.id for event in new if isinstance(event, Report)} == set("ab"))
        cluster.remove_node(second, allow_graceful=not abruptly)
        events += until(executor, count(JobEnded))
        (gone,) = ends(events)
        assert gone.ending is Ending.PREEMPTED
        assert gone.reason.startswith("NodeDied: ")
        (released,) = [event for event in events if isinstance(event, Released)]
        assert (executor.free, executor.capacity) == (0, 2)
        events += until(executor, count(Report))
        cluster.add_node(**NODE)
        events += until(executor, lambda _: executor.free == 1)
        events += run_all(executor, [toy_job("trains", name="c")])
        events += executor.close()
    assert released.worker == gone.worker
    assert [event.activity for event in events if isinstance(event, Lap) and event.worker == gone.worker][-1] == (
        Activity.PREEMPTED
    )
    assert [(end.job.id, end.ending) for end in ends(events)[1:]] == [
        ("c", Ending.DONE),
        ("b" if gone.job.id == "a" else "a", Ending.STOPPED),
    ]
    assert len({event.worker.id for event in events if isinstance(event, Lease)}) == 3
    check_books(events)


@pytest.mark.slow
def test_a_worker_that_waits_for_room_says_so_and_is_not_billed_for_the_wait(cluster):
    with RayExecutor(workers=2, address=cluster.address) as executor:
        executor.start(make_toy_runner)
        events = until(executor, lambda heard: executor.free == 1 and waits(heard))
        before_s = executor.now_s()
        cluster.add_node(**NODE)
        events += until(executor, lambda heard: executor.free == 2 and waits(heard))
        events += executor.close()
    first, second = (event.opened_s for event in events if isinstance(event, Lease))
    assert first < before_s
    assert second > before_s - 0.1
    one, none = (event for event in events if isinstance(event, Waiting))
    assert (one.workers, one.of) == (1, 2)
    assert one.wanted == "each is to hold 1 CPU, on 2 node(s): 0 CPU and 0 GPU; 1 CPU and 0 GPU"
    assert (none.workers, none.of) == (0, 2)
    check_books(events)


def waits(events) -> bool:
    return any(isinstance(event, Waiting) for event in events)


@pytest.mark.slow
def test_the_driver_keeps_its_own_handler_of_sigterm(cluster):
    def stop_in_good_order(number, frame):
        pass

    before = signal.signal(signal.SIGTERM, stop_in_good_order)
    try:
        with RayExecutor(workers=1, address=cluster.address) as executor:
            executor.start(make_toy_runner)
            assert signal.getsignal(signal.SIGTERM) is stop_in_good_order
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.slow
def test_without_any_node_left_it_waits_for_one_and_then_gives_up(cluster):
    with RayExecutor(workers=1, address=cluster.address, patience_s=2.0) as executor:
        executor.start(make_toy_runner)
        events = until(executor, lambda _: executor.free == 1)
        cluster.remove_node(cluster.first)
        events += until(executor, count(Released))
        with pytest.raises(NassimError, match=r"no worker could be had for 2 s: .* no room on 1 node\(s\): 0 CPU"):
            executor.wait(30)
        events += executor.close()
    check_books(events)


@pytest.mark.slow
def test_ray_may_take_its_time_to_notice_a_dead_node(monkeypatch):
    """With Ray's own health checks a dead node is unreachable for many seconds before it is declared dead."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "num_cpus": 0})
    node = cluster.add_node(**NODE)
    try:
        with RayExecutor(workers=1, address=cluster.address) as executor:
            executor.start(make_toy_runner)
            events = until(executor, lambda _: executor.free == 1)
            executor.submit(toy_job("slow", 100_000))
            events += until(executor, count(Report))
            cluster.remove_node(node, allow_graceful=False)
            events += until(executor, count(JobEnded))
            events += executor.close()
        assert [end.ending for end in ends(events)] == [Ending.PREEMPTED]
        check_books(events)
    finally:
        ray.shutdown()
        cluster.shutdown()


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere.invalid:6379", "127.0.0.1"])
def test_an_address_without_ray_is_told(address):
    with pytest.raises(NassimError, match=f"there is no Ray to join at {address}: .*Give host:port"):
        RayExecutor(address=address).start(make_toy_runner)
    assert not ray.is_initialized()


def test_a_ray_client_address_is_told():
    with pytest.raises(NassimError, match="run the driver on a node of the cluster, with `ray job submit`"):
        RayExecutor(address="ray://head:10001").start(make_toy_runner)


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2])
def test_executors_one_after_the_other_have_a_ray_each_and_leave_none(times):
    for _ in range(times):
        with RayExecutor(workers=1) as executor:
            executor.start(make_toy_runner)
            check_books([*run_all(executor, [toy_job("trains")]), *executor.close()])
        assert not ray.is_initialized()


@pytest.mark.slow
def test_a_gpu_that_is_not_there_is_told_at_once():
    with RayExecutor(workers=2, gpus_per_worker=4096) as executor:
        message = r"2 workers are to hold 4096 GPU each, and this machine has \d+; ask for less, or give the address"
        with pytest.raises(NassimError, match=message):
            executor.start(make_toy_runner)
    assert not ray.is_initialized()


@pytest.mark.slow
def test_a_worker_killed_for_memory_is_lost_and_says_so():
    with_little_memory = {"memory_usage_threshold": 0.001, "memory_monitor_refresh_ms": 100}
    ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False, _system_config=with_little_memory)
    try:
        with RayExecutor(workers=1, restarts=0) as executor:
            executor.start(make_toy_runner)
            with pytest.raises(
                NassimError, match=r"no worker is left: 1 died in a row, the last one so: OutOfMemory: "
            ):
                until(executor, lambda _: False)
    finally:
        ray.shutdown()


DRIVER = """
import os, signal, sys
from nassim.executors.ray.executor import RayExecutor
from nassim.executors.base import Report
from nassim.testing.runners import make_toy_runner, toy_job

with RayExecutor(workers=1) as executor:
    executor.start(make_toy_runner)
    while not executor.free:
        executor.wait()
    executor.submit(toy_job("says where", 1))
    for event in executor.wait():
        if isinstance(event, Report):
            print(int(event.metrics["pid"]), flush=True)
    while not executor.free:
        executor.wait()
    executor.submit(toy_job("hangs"))
    while True:
        executor.wait()
"""


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_a_driver_that_is_stopped_leaves_no_worker_behind(sent):
    """Ctrl-C reaches the whole process group, as a terminal sends it; SIGKILL the driver alone."""
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    worker = int(driver.stdout.readline())
    assert is_alive(worker)
    if sent == signal.SIGINT:
        os.killpg(driver.pid, sent)
    else:
        driver.kill()
    _, errors = driver.communicate(timeout=120)
    deadline = time.monotonic() + 120
    while is_alive(worker) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_alive(worker)
    if sent == signal.SIGINT:
        assert errors.strip().endswith("KeyboardInterrupt")


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"
