"""Searches on Ray whose nodes are taken away, whose drivers are killed, and that are interrupted."""

import os
import signal

import pytest
from drivers import Driver, drive_on
from nodes import HEAD, NODE
from searching import FULL, RAY, Done, check_books, experiment, run, traps

from nassim.cost.work import Activity
from nassim.notices import JobReported
from nassim.run import execute

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow


@pytest.fixture
def cluster():
    """A cluster of a head without CPUs and two nodes of one each."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    cluster = Cluster(initialize_head=True, head_node_args=HEAD)
    cluster.add_node(**NODE)
    cluster.second = cluster.add_node(**NODE)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def test_a_node_that_is_taken_away_fails_no_trial(tmp_path, cluster):
    """All trials of the node's worker are slow, so one is under way on it."""
    search = FULL | {"sampler": {"name": "random"}, "trials": 4}
    executor = RAY | {"workers": 2, "address": cluster.address}
    plan = experiment(tmp_path, search, space=traps("sleeps"), executor=executor)
    notices: list = []

    def observe(notice):
        notices.append(notice)
        if sum(isinstance(notice, JobReported) for notice in notices) == 3 and cluster.second:
            cluster.remove_node(cluster.second, allow_graceful=False)
            cluster.second = None

    execute(plan, name="run", observe=observe)
    done = Done(plan.ledger, "run", notices)
    check_books(done)
    assert done.status == "finished"
    assert set(done.outcomes) <= {"complete", "duplicate"}
    assert (done.trials["attempts"] == 2).sum() == 1
    assert any(": NodeDied: " in warning for warning in done.warnings)
    preempted = done.entries[done.entries["activity"] == Activity.PREEMPTED]
    assert preempted["seconds"].sum() > 0
    assert done.entries[done.entries["activity"] == Activity.LOST].empty
    trained = done.entries[done.entries["activity"] == Activity.TRAIN].groupby("trial")["samples"].sum()
    assert set(trained) == {3 * 1079}, "what was done twice is on preempted once"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_whole_process_group_ends_a_run_on_ray_in_good_order(tmp_path, number):
    plan = experiment(tmp_path, executor=RAY | {"workers": 2})
    driver = Driver(plan)
    driver.wait_for_reports(4)
    if number is signal.SIGINT:
        driver.send_to_all(number)
    else:
        driver.send(number)
    assert driver.join() == 0
    first = Done(plan.ledger, "run")
    check_books(first)
    assert first.status == "interrupted"
    assert drive_on(plan).status == "finished"


def test_a_driver_of_ray_workers_killed_and_resumed(tmp_path):
    (tmp_path / "inline").mkdir()
    plan = experiment(tmp_path, executor=RAY)
    for reports in (2, 5, 4):
        driver = Driver(plan)
        driver.wait_for_reports(reports)
        driver.process.kill()
        driver.join()
    done = drive_on(plan)
    assert done.status == "finished"
    assert done.results() == run(experiment(tmp_path / "inline")).results()
