"""Measures what this machine's device can do: its peak rates and its time model."""

import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from nassim.errors import NassimError
from nassim.executors.clock import stamp
from nassim.executors.device import device_name, set_threads
from nassim.hardware.machine import Machine, measure_machine
from nassim.hardware.saved import machines_file, save_machines

DEVICES = ("cpu", "cuda")


def calibrate_here(device: str, threads: int) -> Machine:
    """Measure a device of this machine: some 10 seconds.

    Args:
        device: "cpu" or "cuda".
        threads: Threads to compute with, on the CPU.

    Raises:
        NassimError: The device is another, or torch sees no such one.
    """
    check_device(device)
    set_threads(threads)
    machine = measure_machine(stamp, device)
    return replace(machine, device=device_name(gpu=device == "cuda"))


def check_device(device: str) -> None:
    """Find out whether torch sees the device here.

    Raises:
        NassimError: It doesn't, or the device is neither "cpu" nor "cuda".
    """
    if device not in DEVICES:
        raise NassimError(f"found the device {device!r}; {' or '.join(DEVICES)} can be measured")
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise NassimError(f"torch {torch.__version__} of {sys.executable} sees no GPU here; measure --device cpu")


def keep(machines: Iterable[Machine]) -> Path:
    """Write measured machines to this machine's file, and return its path."""
    path = machines_file()
    save_machines(path, machines)
    return path
