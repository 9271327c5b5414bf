"""Durable: files that are there in full or not at all, after a power cut too."""

import os
import secrets
from pathlib import Path

UNFINISHED = ".unfinished"
"""How the name of a file ends that is still being written, or that a killed process has left."""


def write_durably(path: Path, content: bytes | memoryview) -> None:
    """Write a file; one that stood there before is replaced in one step.

    Args:
        path: Where; its folder is made if need be, in one that is there, so that a mount which is gone is missed.
        content: All of it.

    Raises:
        OSError: It can't be written. What stood there before is as it was.
    """
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}{UNFINISHED}")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make what was renamed in a folder, or removed from it, durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
