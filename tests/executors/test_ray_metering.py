"""Energy on Ray: each machine is measured once, by one process at a time, whatever becomes of its workers."""

import math
import os
import signal

import pytest

from nassim.executors.base import JobEnded, Lap, Metered, Released, Report, Unmetered
from nassim.executors.ray.executor import RayExecutor
from nassim.ledger.entry import Lease
from nassim.testing.executors import check_books, run_all
from nassim.testing.runners import make_toy_runner, toy_job

ray = pytest.importorskip("ray")

WATTS = 100.0


def steady(folder):
    """Return what makes a meter of a machine that draws 100 W. Who reads it, and what it says, is noted in a folder."""

    def find():
        import os
        import time

        from nassim.hardware.meters import Meter

        class Steady(Meter):
            def __init__(self):
                self._since = time.monotonic()

            def read_j(self):
                joules = 100.0 * (time.monotonic() - self._since)
                with (folder / str(os.getpid())).open("a") as file:
                    file.write(f"{joules}\n")
                return {"cpu:0": joules}

        return Steady(), ()

    return find


def read_by(folder):
    """What each process read last, in joules, by its id."""
    return {int(file.name): float(file.read_text().split()[-1]) for file in folder.iterdir()}


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def until(executor, condition):
    events = []
    while not condition(events):
        events += executor.wait(30)
    return events


def check_metered(events):
    """No second is metered twice, none outside of its lap, and every one draws what the machine and its sharers do."""
    metered = of(Metered, events)
    assert len({id(event.lap) for event in metered}) == len(metered)
    laps = of(Lap, events)
    assert all(any(event.lap is lap for lap in laps) for event in metered)
    for event in metered:
        assert event.lap.start_s - 1e-9 <= event.start_s
        assert event.start_s + event.seconds <= event.lap.start_s + event.lap.seconds + 1e-9
        assert event.joules <= WATTS * event.seconds * 1.2 + 1.0


def run_two(executor):
    executor.start(make_toy_runner)
    events = until(executor, lambda _: executor.free == 2)
    events += run_all(executor, [toy_job("slow", 100, "a"), toy_job("slow", 40, "b"), toy_job("slow", 1, "c")])
    events += executor.close()
    check_books(events)
    check_metered(events)
    return events


@pytest.mark.slow
@pytest.mark.usefixtures("local_ray")
class TestOneMachine:
    def test_the_driver_measures_it_once_and_two_workers_share_it(self, tmp_path):
        with RayExecutor(workers=2, find=steady(tmp_path)) as executor:
            events = run_two(executor)
        ((pid, read_j),) = read_by(tmp_path).items()
        assert pid == os.getpid()
        metered = of(Metered, events)
        joules = math.fsum(event.joules for event in metered)
        leased = [event.opened_s for event in of(Lease, events)]
        held_s = max(event.at_s for event in of(Released, events)) - min(leased)
        # Once for the time that at least one was held, and not once for each
        assert joules == pytest.approx(WATTS * held_s, rel=0.25)
        assert joules <= read_j
        # Every second leased is measured, start-up and idling too.
        seconds = math.fsum(lap.seconds for lap in of(Lap, events))
        assert math.fsum(event.seconds for event in metered) == pytest.approx(seconds, rel=1e-3)
        assert all(event.joules > 0 for event in metered if event.seconds > 1e-6)

    @pytest.mark.slow
    def test_where_the_driver_is_elsewhere_one_worker_reads(self, tmp_path, monkeypatch):
        monkeypatch.setattr("nassim.executors.ray.executor.machines_here", lambda: frozenset({"elsewhere"}))
        with RayExecutor(workers=2, find=steady(tmp_path)) as executor:
            events = run_two(executor)
        readers = read_by(tmp_path)
        worker_j = {pid: joules for pid, joules in readers.items() if pid != os.getpid()}
        assert len(worker_j) == 1
        joules = math.fsum(event.joules for event in of(Metered, events))
        assert joules == pytest.approx(next(iter(worker_j.values())), rel=0.25)

    @pytest.mark.slow
    def test_another_worker_reads_when_the_one_that_did_is_killed(self, tmp_path, monkeypatch):
        monkeypatch.setattr("nassim.executors.ray.executor.machines_here", lambda: frozenset({"elsewhere"}))
        with RayExecutor(workers=2, find=steady(tmp_path)) as executor:
            executor.start(make_toy_runner)
            events = until(executor, lambda _: executor.free == 2)
            for name in "ab":
                executor.submit(toy_job("slow", 100_000, name))
            events += until(executor, lambda new: len(of(Metered, new)) > 50)
            (first,) = set(read_by(tmp_path)) - {os.getpid()}
            os.kill(first, signal.SIGKILL)
            events += until(executor, lambda new: of(JobEnded, new))
            events += until(executor, lambda new: len(of(Metered, new)) > 50)
            events += executor.close()
        assert len(set(read_by(tmp_path)) - {os.getpid()}) >= 2
        check_books(events)
        check_metered(events)

    @pytest.mark.slow
    def test_a_machine_that_cannot_be_measured_is_told_once(self, monkeypatch):
        monkeypatch.setattr("nassim.executors.ray.executor.machines_here", lambda: frozenset({"elsewhere"}))
        with RayExecutor(workers=2, find=lambda: (None, ("no counter here", "nor there"))) as executor:
            events = run_two(executor)
        assert [event.reason for event in of(Unmetered, events)] == ["no counter here; nor there"]
        assert not of(Metered, events)


@pytest.mark.slow
def test_two_nodes_of_a_cluster_on_one_machine_are_measured_once(tmp_path):
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    node = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    cluster.add_node(**node)
    try:
        with RayExecutor(workers=2, address=cluster.address, find=steady(tmp_path)) as executor:
            events = run_two(executor)
        assert set(read_by(tmp_path)) == {os.getpid()}
        held_s = max(event.at_s for event in of(Released, events)) - min(event.opened_s for event in of(Lease, events))
        assert math.fsum(event.joules for event in of(Metered, events)) == pytest.approx(WATTS * held_s, rel=0.25)
        assert len(of(Report, events)) == 141
    finally:
        ray.shutdown()
        cluster.shutdown()
