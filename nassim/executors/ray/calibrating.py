"""Measures each kind of node of a Ray cluster, with a small task on one node of the kind."""

from collections.abc import Callable, Iterable
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from nassim.errors import NassimError
from nassim.executors.calibrating import calibrate_here, check_device, keep
from nassim.executors.device import device_name
from nassim.executors.ray.cluster import Bundle, room
from nassim.executors.ray.joining import joined
from nassim.hardware.machine import Machine

PATIENCE_S = 300.0
"""How long to wait for nodes that others keep busy."""


def calibrate_cluster(address: str, device: str, threads: int) -> tuple[Machine, ...]:
    """Measure a device of each kind that the cluster's nodes have, and keep the results on every node.

    Args:
        address: The cluster: "host:port" or "auto".
        device: "cpu" or "cuda".
        threads: Threads to compute with, on the CPU; so many CPUs of a node are held while it is measured.

    Raises:
        NassimError: There is no such cluster, no node has what is to be measured, or it stays busy.
    """
    with joined(address, 0, Bundle()):
        amount, least = ("GPU", 1.0) if device == "cuda" else ("CPU", float(threads))
        nodes = [
            node["NodeID"]
            for node in ray.nodes()  # type: ignore[no-untyped-call]
            if node["Alive"] and node["Resources"].get(amount, 0.0) >= least
        ]
        if not nodes:
            raise NassimError(f"no node of the cluster has {least:g} {amount}: {room()}")
        names = _on_each(nodes, _describe, device)
        kinds = {name: node for node, name in reversed(list(zip(nodes, names, strict=True)))}
        machines = tuple(_on_each(kinds.values(), calibrate_here, device, threads, **_held(device, threads)))
        _on_each(nodes, keep, machines)
        return machines


def _describe(device: str) -> str:
    check_device(device)
    return device_name(gpu=device == "cuda")


def _held(device: str, threads: int) -> dict[str, float]:
    return {"num_gpus": 1} if device == "cuda" else {"num_cpus": threads}


def _on_each(nodes: Iterable[str], function: Callable[..., Any], *arguments: Any, **held: float) -> list[Any]:
    """Call a function on each of some nodes, all at the same time."""
    held = held or ({"num_gpus": 0.01} if "cuda" in arguments else {"num_cpus": 0})
    task: Any = ray.remote(function)
    calls = [
        task.options(**held, scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote(*arguments)
        for node in nodes
    ]
    try:
        return list(ray.get(calls, timeout=PATIENCE_S))
    except GetTimeoutError as error:
        for call in calls:
            ray.cancel(call, force=True)
        raise NassimError(
            f"after {PATIENCE_S:g} s some nodes are still busy with other work; measure when they are free. {room()}"
        ) from error
    except RayTaskError as error:
        cause = error.cause
        raise NassimError(
            str(cause) if isinstance(cause, NassimError) else f"a node can't be measured: {cause!r}"
        ) from error
    except RayError as error:
        raise NassimError(f"a node can't be measured: {error}") from error
