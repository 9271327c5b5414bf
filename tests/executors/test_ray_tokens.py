"""A cluster that asks for a token gets the one that is here, and a clear message is the answer where there is none."""

import os
import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import grpc
import psutil
import pytest
from ray._raylet import Config

from nassim.errors import NassimError
from nassim.executors.ray.tokens import AUTH_MODE, match_tokens

TOKEN = "5f0c"


class Head(grpc.GenericRpcHandler):
    """Answers as Ray's GCS does: whoever comes with another token is refused."""

    def __init__(self, token: str | None) -> None:
        self.token = token

    def service(self, call):
        given = dict(call.invocation_metadata).get("authorization")

        def answer(request, context):
            if self.token is not None and given != f"Bearer {self.token}":
                context.abort(grpc.StatusCode.UNAUTHENTICATED, "InvalidAuthToken")
            return b""

        return grpc.unary_unary_rpc_method_handler(answer)


@pytest.fixture
def head(request, monkeypatch, tmp_path):
    """The address of a head that asks for `request.param`, seen from a machine that has no token and no mode."""
    for name in (AUTH_MODE, "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    server = grpc.server(ThreadPoolExecutor(1), handlers=[Head(request.param)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None)
    monkeypatch.undo()
    Config.initialize("")


@pytest.mark.parametrize("head", [TOKEN], indirect=True)
@pytest.mark.parametrize("where", ["environment", "file", "home"])
def test_a_token_is_given_to_who_asks_for_it(head, where, monkeypatch, tmp_path):
    file = tmp_path / ("mine" if where == "file" else ".ray/auth_token")
    file.parent.mkdir(exist_ok=True)
    if where == "environment":
        monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    else:
        file.write_text(f"{TOKEN}\n")
    if where == "file":
        monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(file))
    match_tokens(head, is_first=True)
    assert os.environ[AUTH_MODE] == "token"


@pytest.mark.parametrize("head", [None], indirect=True)
def test_no_token_is_given_to_who_asks_for_none(head, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    monkeypatch.setenv(AUTH_MODE, "token")
    match_tokens(head, is_first=True)
    assert os.environ[AUTH_MODE] == "disabled"


@pytest.mark.parametrize("head", [TOKEN], indirect=True)
def test_a_token_that_is_missing_or_wrong_is_told(head, monkeypatch):
    with pytest.raises(NassimError, match=r"asks for a token, and there is none here: copy the cluster's to ~/.ray/"):
        match_tokens(head, is_first=True)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "another")
    with pytest.raises(NassimError, match=r"refuses the one in RAY_AUTH_TOKEN: take the cluster's") as told:
        match_tokens(head, is_first=True)
    assert "another" not in str(told.value)


def test_who_answers_otherwise_changes_nothing(monkeypatch):
    monkeypatch.setenv(AUTH_MODE, "token")
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        monkeypatch.setattr("nassim.executors.ray.tokens.ANSWER_S", 0.2)
        match_tokens(f"127.0.0.1:{deaf.getsockname()[1]}", is_first=True)
    assert os.environ[AUTH_MODE] == "token"


SCRIPT = """
import os, subprocess, sys
from nassim.errors import NassimError
from nassim.executors.ray.executor import RayExecutor
from nassim.testing.executors import drive, ends
from nassim.testing.runners import toy_job

port, mode = sys.argv[1:]

def run(address):
    try:
        print(ends(drive(RayExecutor(workers=1, address=address), [toy_job("trains")]))[0].ending.value)
    except NassimError as error:
        print(error)

run(None)
start = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--port", port, "--num-cpus", "1"]
environment = os.environ | {"RAY_AUTH_MODE": mode}
subprocess.run([*start, "--include-dashboard=false"], check=True, stdout=subprocess.DEVNULL, env=environment)
run(f"127.0.0.1:{port}")
run(None)
"""


def end_cluster(port: str) -> None:
    """End what `ray start` has left running; `ray stop` would end every Ray on this machine."""
    running = {process: " ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])}
    sessions = [re.search(r"session_[\d_-]+", line) for line in running.values() if f"gcs_server_port={port}" in line]
    for process, line in running.items():
        if any(session and session[0] in line for session in sessions):
            with suppress(psutil.NoSuchProcess):
                process.kill()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "answer"),
    [("token", "done"), ("disabled", "the Ray at 127.0.0.1:{} asks for no tokens, and this process")],
)
def test_real_clusters_after_a_local_ray_of_the_same_process(mode, answer, tmp_path):
    """The local one leaves a token in the user's home, which a cluster of that user then asks for, or doesn't."""
    environment = {**os.environ, "HOME": str(tmp_path), "RAY_USAGE_STATS_ENABLED": "0"}
    del environment[AUTH_MODE]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    command = [sys.executable, "-c", SCRIPT, port, mode]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        before, joined, after = done.stdout.splitlines()
        assert (before, after) == ("done", "done"), done.stderr
        assert joined.startswith(answer.format(port))
    finally:
        end_cluster(port)
