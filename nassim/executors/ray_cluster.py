"""Joining or starting Ray, holding devices on it, and telling why a worker died."""

import logging
import math
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import OutOfMemoryError
from ray.util.placement_group import PlacementGroup, placement_group, placement_group_table

from nassim.errors import NassimError
from nassim.executors.base import Ending

KNOCK_S = 10.0
"""How long a cluster's head may take to accept a connection."""
OBJECT_STORE_BYTES = 100 * 2**20
"""Memory of a local Ray's object store: messages are small, and data never passes through it."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one worker holds of a node.

    Attributes:
        cpus: CPUs.
        gpus: GPUs, possibly a share of one.
        resources: Custom Ray resources.

    Raises:
        NassimError: An amount is out of range.
    """

    cpus: float = 1
    gpus: float = 0
    resources: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.cpus <= 0:
            raise NassimError(f"cpus_per_worker is {self.cpus:g}; a worker needs more than 0 CPUs")
        if self.gpus < 0:
            raise NassimError(f"gpus_per_worker is {self.gpus:g}; it must be 0 or more")

    @property
    def bundle(self) -> dict[str, float]:
        """Amounts by Ray's names."""
        amounts = {"CPU": self.cpus, "GPU": self.gpus, **self.resources}
        return {name: float(amount) for name, amount in amounts.items() if amount}

    def __str__(self) -> str:
        return ", ".join(f"{amount:g} {name}" for name, amount in self.bundle.items())


def connect(address: str | None, workers: int, share: Share) -> bool:
    """Join the Ray at an address, or start a small local one.

    Ray that this process has already joined or started is used as it is.

    Args:
        address: "host:port" or "auto"; None for RAY_ADDRESS where it is set, as inside a submitted Ray job, and
            otherwise for a local Ray.
        workers: How many workers a local Ray is to have room for.
        share: What each of them holds.

    Returns:
        Whether Ray was joined or started here, so that `disconnect` is to end that.

    Raises:
        NassimError: There is no Ray at that address, or this machine has not what the workers are to hold.
    """
    if ray.is_initialized():
        return False
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    if address == "local":
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        cpus = math.ceil(workers * share.cpus)
        with _sigterm_kept():
            ray.init(
                "local",
                num_cpus=cpus,
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                logging_level=logging.ERROR,
                log_to_driver=False,
            )
        _check_room(workers, share)
        return True
    if "://" in address:
        raise NassimError(
            f"the address {address} is a Ray client's; run the driver on a node of the cluster, with "
            "`ray job submit` or with the address host:port or auto (docs/cluster.md)"
        )
    try:
        if address != "auto":
            _knock(address)
        with _sigterm_kept():
            ray.init(address, logging_level=logging.ERROR, log_to_driver=False)
    except (OSError, RuntimeError, ValueError) as error:
        raise NassimError(
            f"there is no Ray to join at {address}: {_first_line(error)}. Give host:port of a cluster's head node, "
            "auto on one of its nodes, or no address for a local Ray"
        ) from error
    return True


@contextmanager
def _sigterm_kept() -> Iterator[None]:
    """Keep the driver's own handler for SIGTERM, which Ray would replace by one that exits."""
    handler = signal.getsignal(signal.SIGTERM)
    yield
    if callable(handler) and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)


def _knock(address: str) -> None:
    """Find out in seconds whether anybody is there at all, for which Ray takes minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError("it is not of the form host:port")
    socket.create_connection((host, int(port)), timeout=KNOCK_S).close()


def _check_room(workers: int, share: Share) -> None:
    there = ray.cluster_resources()  # type: ignore[no-untyped-call]
    for name, amount in share.bundle.items():
        if there.get(name, 0.0) < workers * amount:
            ray.shutdown()
            raise NassimError(
                f"{workers} workers are to hold {amount:g} {name} each, and this machine has {there.get(name, 0.0):g}; "
                "ask for less, or give the address of a cluster"
            )


def disconnect() -> None:
    """Leave Ray; a local one ends."""
    ray.shutdown()


def hold(share: Share) -> PlacementGroup:
    """Ask Ray to hold a share of some node. It is held once there is room, which may be at once or never."""
    group: PlacementGroup = placement_group([share.bundle])
    return group


@dataclass(frozen=True, slots=True)
class Holding:
    """A share that Ray holds.

    Attributes:
        after_s: Seconds from asking for it until it was held.
        node: Name of the machine.
    """

    after_s: float
    node: str


def holding(group: PlacementGroup) -> Holding | None:
    """Return what Ray holds of what it was asked to hold; None while it waits for room."""
    table = placement_group_table(group)
    if table.get("state") == "PENDING" or "stats" not in table:
        return None
    node_id = next(iter(table["bundles_to_node_id"].values()), "")
    names = {node["NodeID"]: node["NodeManagerHostname"] for node in _nodes()}
    return Holding(table["stats"]["end_to_end_creation_latency_ms"] / 1000, names.get(node_id, node_id))


def room() -> str:
    """Describe the nodes of the cluster, for an error message."""
    nodes = [node["Resources"] for node in _nodes() if node["Alive"]]
    amounts = ("{:g} CPU and {:g} GPU".format(node.get("CPU", 0), node.get("GPU", 0)) for node in nodes)
    return f"{len(nodes)} node(s): " + "; ".join(amounts)


def _nodes() -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return nodes


def cause_of_death(error: BaseException) -> tuple[Ending, str]:
    """Tell from what Ray says whether a worker died or its node was taken away, and why."""
    text = str(error)
    if isinstance(error, OutOfMemoryError):
        return (
            Ending.LOST,
            f"OutOfMemory: Ray killed the worker because its node ran out of memory: {_first_line(error)}",
        )
    if "node has died" in text or getattr(error, "preempted", False):
        detail = text.strip().splitlines()[-1].strip()
        return Ending.PREEMPTED, f"NodeDied: {detail}"
    detail = next((line for line in text.splitlines() if "exit detail" in line.lower()), "") or _first_line(error)
    detail = detail.partition("Worker exit detail: ")[2] or detail
    return Ending.LOST, f"WorkerDied: {detail.partition(' Some common causes')[0].strip()}"


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
