"""Calibrations kept in a file: one measured machine a device name."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from nassim.errors import NassimError
from nassim.hardware.machine import Machine
from nassim.hardware.roofline import DeviceModel


def save_machines(path: Path, machines: Iterable[Machine]) -> None:
    """Write measured machines as JSON; one that the file already has under the same device and threads is replaced."""
    kept = {(m.device, m.threads): m for m in (*(load_machines(path) if path.exists() else ()), *machines)}
    path.write_text(json.dumps([asdict(machine) for machine in kept.values()], indent=2) + "\n", encoding="utf-8")


def load_machines(path: Path) -> tuple[Machine, ...]:
    """Read measured machines.

    Raises:
        NassimError: The file can't be read, or was not written by `save_machines`.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return tuple(Machine(**{**entry, "model": DeviceModel(**entry["model"])}) for entry in entries)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise NassimError(
            f"the calibrations in {path} can't be read ({type(error).__name__}: {error}); measure again with "
            "`nassim calibrate`"
        ) from error
