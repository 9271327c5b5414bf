"""The cluster files that ship, and a job that is really submitted."""

import logging
import os
import shlex
import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

ray = pytest.importorskip("ray")

ROOT = Path(__file__).parents[2]
CLUSTERS = ROOT / "experiments" / "clusters"
SCRIPTS = Path(sys.executable).parent


def test_ray_up_takes_the_cluster_file():
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = prepare_config(yaml.safe_load((CLUSTERS / "ray-up.yaml").read_text()))
    validate_config(config)
    types = config["available_node_types"]
    assert types["head"]["resources"] == {"CPU": 0}
    assert types["worker"]["resources"] == {"CPU": 4, "GPU": 1}
    assert (types["worker"]["min_workers"], types["worker"]["max_workers"]) == (0, 8)


def test_ray_up_would_not_take_a_key_it_does_not_know():
    from jsonschema import ValidationError
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = yaml.safe_load((CLUSTERS / "ray-up.yaml").read_text())
    with pytest.raises(ValidationError, match="max_wokers"):
        validate_config(prepare_config({**config, "max_wokers": 8}))


def rayjob():
    return yaml.safe_load((CLUSTERS / "kuberay-rayjob.yaml").read_text())


def test_rays_autoscaler_reads_the_kuberay_manifest():
    from ray.autoscaler._private.kuberay.autoscaling_config import _derive_autoscaling_config_from_ray_cr

    job = rayjob()
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    cluster = {"metadata": job["metadata"], "spec": job["spec"]["rayClusterSpec"]}
    config = _derive_autoscaling_config_from_ray_cr(cluster)
    types = config["available_node_types"]
    assert types["headgroup"]["resources"]["CPU"] == 0
    assert {name: types["gpu"]["resources"][name] for name in ("CPU", "GPU")} == {"CPU": 4, "GPU": 1}
    assert (types["gpu"]["min_workers"], types["gpu"]["max_workers"]) == (0, 8)
    assert config["idle_timeout_minutes"] == 5
    assert job["spec"]["rayClusterSpec"]["rayVersion"] == version("ray")


def test_the_manifests_command_is_one_that_nassim_has():
    program, *arguments = shlex.split(rayjob()["spec"]["entrypoint"])
    assert program == "nassim"
    ran = subprocess.run([SCRIPTS / program, *arguments], capture_output=True, text=True, timeout=60)
    # All it finds wrong is that the file isn't here.
    assert ran.returncode == 2
    assert "/shared/search.yaml: there is no such file" in ran.stderr


@pytest.fixture
def job_server(monkeypatch):
    """A local cluster with Ray's job server; yields the server's address."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    head = {"num_cpus": 2, "include_dashboard": True, "dashboard_port": port, "object_store_memory": 80 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    yield f"http://127.0.0.1:{port}"
    ray.shutdown()
    cluster.shutdown()
    logging.getLogger("ray").setLevel(logging.WARNING)


EXPERIMENT = """
name: submitted
space: {name: cell, parameters: {input_shape: [1, 8, 8], classes: 10, width: 2, cells: 1}}
data: {name: digits}
training: {epochs: 1, batch_size: 256, learning_rate: 0.1}
searches:
  - {name: random, evaluator: {kind: full}, sampler: {name: random}, trials: 2}
final: {schedule: {epochs: 1, batch_size: 256, learning_rate: 0.1}}
"""


@pytest.mark.slow
def test_an_experiment_runs_as_a_submitted_job(job_server, tmp_path):
    working_dir, shared = tmp_path / "work", tmp_path / "shared"
    working_dir.mkdir()
    (working_dir / "search.yaml").write_text(f"{EXPERIMENT}checkpoint: {{folder: '{shared}'}}\n")
    ledger = f"sqlite:///{tmp_path}/ledger.db"
    run = [SCRIPTS / "nassim", "run", "search.yaml", "--address", "auto", "--ledger", ledger, "--name", "submitted-1"]
    submit = [SCRIPTS / "ray", "job", "submit", "--address", job_server, "--working-dir", working_dir, "--", *run]
    submitted = subprocess.run(submit, capture_output=True, text=True, timeout=300, env=os.environ)
    assert submitted.returncode == 0, submitted.stdout + submitted.stderr
    assert "succeeded" in submitted.stdout

    from nassim.ledger.store import Ledger

    entries = Ledger(ledger).frame("submitted-1")
    assert set(entries[entries.outcome.notna()].outcome) <= {"complete", "duplicate"}
    assert {"ray-0", "ray-1"} <= set(entries.worker)
