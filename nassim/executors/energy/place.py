"""Place: where a worker draws its energy."""

import socket
from dataclasses import dataclass
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Differs between machines, and is the same in all containers of one."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker draws its energy.

    Attributes:
        machine: Which machine's counters count it.
        gpus: Its GPUs, as meters name them; empty for a worker that computes on processors.
    """

    machine: str
    gpus: tuple[str, ...] = ()

    def draws(self, part: str) -> bool:
        """Whether a worker here is charged for what a part draws: its own GPUs, or the processors and their memory."""
        return part in self.gpus if self.gpus else part.startswith(("cpu:", "memory:"))


def this_place(gpus: float = 0.0) -> Place:
    """Say where this process draws its energy.

    Args:
        gpus: GPUs that it owns, possibly a share of one.
    """
    of_processors, of_gpus = _machines()
    return Place(of_gpus, _gpu_parts()) if gpus else Place(of_processors)


def machines_here() -> frozenset[str]:
    """Return the names of the machine of all workers whose counters this process can read."""
    return frozenset(_machines())


def _machines() -> tuple[str, str]:
    """Name this machine for its processors and for its GPUs.

    The processors' counters are the same whichever of a machine's containers reads them; GPUs are counted where they
    are seen.
    """
    host = socket.gethostname()
    machine = BOOT_ID.read_text().strip() if BOOT_ID.exists() else host
    return machine, f"{machine}/{host}"


def _gpu_parts() -> tuple[str, ...]:
    import torch

    uuids = [str(torch.cuda.get_device_properties(i).uuid) for i in range(torch.cuda.device_count())]
    return tuple(f"gpu:GPU-{uuid.removeprefix('GPU-')}" for uuid in uuids)
