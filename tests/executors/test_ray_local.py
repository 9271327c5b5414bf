"""The Ray that nassim starts on one machine, in a process of its own: who can reach it, and what is left of it."""

import subprocess
import sys

import pytest

SHOWS = """
import psutil, ray
from nassim.executors.ray.cluster import Bundle
from nassim.executors.ray.joining import joined

with joined("local", 1, Bundle()):
    ray.get(ray.remote(lambda: None).remote())
    me = psutil.Process()
    for process in (me, *me.children(recursive=True)):
        for connection in process.net_connections("inet"):
            if connection.status == psutil.CONN_LISTEN:
                print(process.name(), connection.laddr.ip)
"""


@pytest.mark.slow
def test_it_listens_on_the_loopback_address_alone():
    done = subprocess.run([sys.executable, "-c", SHOWS], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    listening = [line.rsplit(" ", 1) for line in done.stdout.splitlines()]
    assert {"gcs_server", "raylet"} <= {name for name, _ in listening}
    assert {address for _, address in listening} <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}
