"""Holding devices on Ray, and telling why a worker died."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import ray
from ray._private import worker
from ray.exceptions import OutOfMemoryError
from ray.util.placement_group import PlacementGroup, placement_group, placement_group_table

from nassim.errors import NassimError
from nassim.executors.base import Ending, ExecutorLost


@dataclass(frozen=True, slots=True)
class Bundle:
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


def what_died() -> str | None:
    """Return which process of a Ray that was started here has died, without which there is no Ray; None if none has."""
    node = worker._global_node
    dead: list[str] = [kind for kind, _ in node.dead_processes()] if node else []
    return next((kind for kind in ("gcs_server", "raylet") if kind in dead), None)


def check_ray() -> None:
    """Find out that a Ray that was started here has died, before it is called: it would answer never.

    Ray waits a minute for its own dead, and then ends the process that called.

    Raises:
        ExecutorLost: It has.
    """
    if died := what_died():
        raise ExecutorLost(
            f"the Ray that was started here has lost its {died}, which crashed, or was killed, by hand or because this "
            "machine ran out of memory"
        )


def hold(share: Bundle) -> PlacementGroup:
    """Ask Ray to hold a share of some node. It is held once there is room, which may be at once or never."""
    check_ray()
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
    check_ray()
    table = placement_group_table(group)
    if table.get("state") == "PENDING" or "stats" not in table:
        return None
    node_id = next(iter(table["bundles_to_node_id"].values()), "")
    names = {node["NodeID"]: node["NodeManagerHostname"] for node in _nodes()}
    return Holding(table["stats"]["end_to_end_creation_latency_ms"] / 1000, names.get(node_id, node_id))


def room() -> str:
    """Describe the nodes of the cluster, for an error message."""
    nodes = [node["Resources"] for node in _nodes() if node["Alive"]]
    amounts = sorted((node.get("CPU", 0.0), node.get("GPU", 0.0)) for node in nodes)
    return f"{len(nodes)} node(s): " + "; ".join(f"{cpus:g} CPU and {gpus:g} GPU" for cpus, gpus in amounts)


def _nodes() -> list[dict[str, Any]]:
    check_ray()
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return nodes


def cause_of_death(error: BaseException) -> tuple[Ending, str]:
    """Tell from what Ray says whether a worker died or its node was taken away, and why."""
    text = str(error)
    if isinstance(error, OutOfMemoryError):
        return (
            Ending.LOST,
            f"OutOfMemory: Ray killed the worker because its node ran out of memory: {first_line(error)}",
        )
    if "node has died" in text or getattr(error, "preempted", False):
        detail = text.strip().splitlines()[-1].strip()
        return Ending.PREEMPTED, f"NodeDied: {detail}"
    detail = next((line for line in text.splitlines() if "exit detail" in line.lower()), "") or first_line(error)
    detail = detail.partition("Worker exit detail: ")[2] or detail
    return Ending.LOST, f"WorkerDied: {detail.partition(' Some common causes')[0].strip()}"


def first_line(error: BaseException) -> str:
    """Return the first line of an exception's message, or its type."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
