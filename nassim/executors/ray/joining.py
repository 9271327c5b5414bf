"""Joining a Ray cluster, or starting a small Ray of one's own."""

import logging
import math
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir
from types import ModuleType

import psutil
import ray
from ray._private import ray_constants, utils, worker
from ray.exceptions import RayError

from nassim.errors import NassimError
from nassim.executors.ray.cluster import Bundle, first_line
from nassim.executors.ray.tokens import AUTH_MODE, match_tokens, read_mode

KNOWN = "2.60.0"
"""The version of Ray that nassim was last tested with."""
KNOCK_S = 10.0
"""How long a cluster's head may take to accept a connection."""
OBJECT_STORE_BYTES = 100 * 2**20
"""Memory of a local Ray's object store: messages are small, and data never passes through it."""

_has_run = False
"""Whether this process has joined or started a Ray."""


@contextmanager
def joined(address: str | None, workers: int, share: Bundle) -> Iterator[None]:
    """Join the Ray at an address, or start a small local one; at the end, leave it, and end a local one.

    Ray that this process has already joined or started is used as it is, and left as it is.

    Args:
        address: "host:port" or "auto"; None for RAY_ADDRESS where it is set, as inside a submitted Ray job, and
            otherwise for a local Ray.
        workers: How many workers a local Ray is to have room for.
        share: What each of them holds.

    Raises:
        NassimError: There is no Ray at that address, or this machine has not what the workers are to hold.
    """
    if ray.is_initialized():
        yield
        return
    global _has_run
    with _kept_auth_mode():
        address = address or os.environ.get("RAY_ADDRESS") or "local"
        try:
            if address == "local":
                _start(workers, share)
            else:
                _join(address)
            _has_run = True
            yield
        finally:
            ray.shutdown()


def _start(workers: int, share: Bundle) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray listens on the loopback address alone on Windows and macOS. Elsewhere it takes an outer one, whatever it is
    # given. What its processes have to say when one dies, a page of its log, is not shown: `check_ray` tells it.
    local = _replaced(ray_constants, "ENABLE_RAY_CLUSTER", False)
    quiet = _replaced(worker, "listen_error_messages", lambda worker, stopped: None)
    with _sigterm_kept(), local, quiet, _whole(), _files_explained():
        try:
            ray.init(
                "local",
                num_cpus=math.ceil(workers * share.cpus),
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                logging_level=logging.ERROR,
                log_to_driver=False,
            )
        except (RuntimeError, ValueError, RayError) as error:
            raise NassimError(
                f"Ray can't be started on this machine: {first_line(error)}. Its log is in {_logs()}"
            ) from error
    there = ray.cluster_resources()  # type: ignore[no-untyped-call]
    for name, amount in share.bundle.items():
        if there.get(name, 0.0) < workers * amount:
            raise NassimError(
                f"{workers} workers are to hold {amount:g} {name} each, and this machine has {there.get(name, 0.0):g}; "
                "ask for less, or give the address of a cluster"
            )


def _logs() -> Path:
    return Path(os.environ.get("RAY_TMPDIR") or gettempdir()) / "ray" / "session_latest" / "logs"


@contextmanager
def _files_explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NassimError(
            f"Ray can't be started on this machine, for it can't write its files: {error}. Set RAY_TMPDIR to a folder "
            "where it can"
        ) from error


def _join(address: str) -> None:
    if "://" in address:
        raise NassimError(
            f"the address {address} is a Ray client's; run the driver on a node of the cluster, with "
            "`ray job submit` or with the address host:port or auto (docs/cluster.md)"
        )
    try:
        if address != "auto":
            _knock(address)
            match_tokens(address, is_first=not _has_run)
        with _sigterm_kept():
            ray.init(address, logging_level=logging.ERROR, log_to_driver=False)
    except (OSError, RuntimeError, ValueError) as error:
        raise NassimError(
            f"there is no Ray to join at {address}: {first_line(error)}. Give host:port of a cluster's head node, "
            "auto on one of its nodes, or no address for a local Ray"
        ) from error


def _knock(address: str) -> None:
    """Find out in seconds whether anybody is there at all, for which Ray takes minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError("it is not of the form host:port")
    socket.create_connection((host, int(port)), timeout=KNOCK_S).close()


@contextmanager
def _kept_auth_mode() -> Iterator[None]:
    """Leave the environment as it was: Ray writes there whether it asks for tokens, and the next Ray may be another."""
    before = os.environ.get(AUTH_MODE)
    try:
        yield
    finally:
        os.environ.pop(AUTH_MODE, None)
        if before is not None:
            os.environ[AUTH_MODE] = before
            read_mode()


@contextmanager
def _sigterm_kept() -> Iterator[None]:
    """Keep the driver's own handler for SIGTERM.

    Ray would replace it by one that exits, at once, and later on by one that calls it, but prints where each thread is
    and sets an alarm that aborts the process in three seconds.
    """
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with _replaced(utils, "set_sigterm_handler", lambda handler: None):
            yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)
            signal.alarm(0)


@contextmanager
def _whole() -> Iterator[None]:
    """Leave no process of a Ray that was interrupted, or failed, while it started; it knows them only afterwards."""
    me = psutil.Process()
    before = me.children(recursive=True)
    try:
        yield
    except BaseException:
        for process in me.children(recursive=True):
            if process not in before:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        raise


@contextmanager
def _replaced(module: ModuleType, name: str, value: object) -> Iterator[None]:
    """Replace what Ray has no option for, while it starts.

    Raises:
        NassimError: This Ray doesn't have it.
    """
    if not hasattr(module, name):
        raise NassimError(
            f"nassim can't start Ray {ray.__version__}, which has no {name} any more; Ray {KNOWN} is known to do"
        )
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)
