"""Calibrating a cluster: each kind of node once, the results on every node."""

import pytest

from nassim.errors import NassimError
from nassim.executors import device
from nassim.executors.calibrating import check_device
from nassim.hardware.saved import load_machines, machines_file

ray = pytest.importorskip("ray")
from nassim.executors.ray.calibrating import calibrate_cluster  # noqa: E402

NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A head that runs no jobs, and two nodes of a kind."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("NASSIM_MACHINES", str(tmp_path / "folder" / "machines.json"))
    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "num_cpus": 0})
    cluster.add_node(**NODE)
    cluster.add_node(**NODE)
    yield cluster
    cluster.shutdown()


@pytest.mark.slow
def test_nodes_of_a_kind_are_measured_once_and_the_result_is_kept(cluster):
    (machine,) = calibrate_cluster(cluster.address, "cpu", 1)
    assert (machine.device, machine.threads) == (device.device_name(gpu=False), 1)
    assert machine.peak_flop_per_s > 1e9
    assert load_machines(machines_file()) == (machine,)
    assert not ray.is_initialized()
    with pytest.raises(NassimError, match="no node of the cluster has 2 CPU: 3 node"):
        calibrate_cluster(cluster.address, "cpu", 2)
    with pytest.raises(NassimError, match="no node of the cluster has 1 GPU"):
        calibrate_cluster(cluster.address, "cuda", 1)


def test_only_devices_that_torch_knows_are_measured():
    with pytest.raises(NassimError, match="found the device 'tpu'; cpu or cuda can be measured"):
        check_device("tpu")
