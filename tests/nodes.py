"""What the nodes of Ray clusters are made of that run on this machine alone."""

NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
_QUICK_HEALTH_CHECK = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 200,
    "health_check_timeout_ms": 500,
    "health_check_failure_threshold": 3,
}

HEAD = {**NODE, "num_cpus": 0, "_system_config": _QUICK_HEALTH_CHECK}
"""A head that runs no jobs, and notices within two seconds that a node has gone."""
