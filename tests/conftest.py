"""Fixtures that tests of several packages share."""

import logging
import os
import signal
import subprocess
import tempfile

import pytest

# Before torch is loaded. The networks here are tiny: a second thread costs more than it computes, many times more where
# the machine is busy.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# What holds at the site of whoever runs the tests is no matter of theirs.
_site = tempfile.TemporaryDirectory(prefix="nassim-tests-")
os.environ["XDG_CONFIG_HOME"] = _site.name

# Nor are the tokens of other Rays of theirs.
os.environ["RAY_AUTH_MODE"] = "disabled"

# A shell that starts this in the background has its children ignore Ctrl-C, which some tests send.
signal.signal(signal.SIGINT, signal.default_int_handler)

from postgresql import postgresql_server, postgresql_url  # noqa: E402
from published import tables  # noqa: E402

__all__ = ["local_ray", "postgresql_server", "postgresql_url", "small_disk", "tables"]


@pytest.fixture
def small_disk(tmp_path):
    """The folder of a disk of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(mounted, check=False, capture_output=True).returncode:
        pytest.skip("a disk of 1 MiB can't be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture(scope="module")
def local_ray():
    """A Ray of two CPUs that the tests of a module share, started when the first of them asks."""
    import ray

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(
        "local",
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=100 * 2**20,
        logging_level=logging.ERROR,
        log_to_driver=False,
    )
    yield
    ray.shutdown()
