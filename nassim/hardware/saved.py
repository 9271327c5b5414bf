"""Calibrations kept in a file: one measured machine a device name."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from nassim.durable import write_durably
from nassim.errors import NassimError, describe
from nassim.hardware.machine import Machine


def machines_file() -> Path:
    """Return where this user's calibrations are kept: NASSIM_MACHINES, or a file in the home folder."""
    return Path(os.environ.get("NASSIM_MACHINES") or Path.home() / ".nassim" / "machines.json")


def save_machines(path: Path, machines: Iterable[Machine]) -> None:
    """Write measured machines as JSON; one that the file already has under the same device and threads is replaced.

    Raises:
        NassimError: The file can't be written, or something else is in it.
    """
    kept = {(m.device, m.threads): m for m in (*(load_machines(path) if path.exists() else ()), *machines)}
    text = json.dumps([asdict(machine) for machine in kept.values()], indent=2) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, text.encode())
    except OSError as error:
        raise NassimError(
            f"the calibrations can't be written to {path}: {error.strerror}; set NASSIM_MACHINES to another file"
        ) from error


def saved_machine(device: str, threads: int) -> Machine | None:
    """Return this user's calibration of a device with so many threads; None if there is none.

    Raises:
        NassimError: The file of calibrations can't be read.
    """
    return next((each for each in saved_machines() if (each.device, each.threads) == (device, threads)), None)


def saved_machines() -> tuple[Machine, ...]:
    """Return this user's calibrations.

    Raises:
        NassimError: As `saved_machine`.
    """
    path = machines_file()
    return load_machines(path) if path.exists() else ()


def load_machines(path: Path) -> tuple[Machine, ...]:
    """Read measured machines.

    Raises:
        NassimError: The file can't be read, or was not written by `save_machines`.
    """
    try:
        return TypeAdapter(tuple[Machine, ...]).validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise NassimError(
            f"the calibrations in {path} can't be read ({_reason(error)}); remove it, and measure again with "
            "`nassim calibrate`"
        ) from error


def _reason(error: OSError | ValidationError) -> str:
    if isinstance(error, OSError):
        return describe(error)
    first = error.errors(include_url=False)[0]
    return ": ".join([*map(str, first["loc"]), first["msg"]])
