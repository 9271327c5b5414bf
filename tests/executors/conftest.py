"""A Ray that the tests of this folder share, started when the first of them asks."""

import logging
import os

import pytest


@pytest.fixture(scope="module")
def local_ray():
    """A Ray of two CPUs."""
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
