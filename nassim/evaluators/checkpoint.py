"""Checkpoints: a state written so that it is there in full or not at all."""

from collections.abc import Callable, Generator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar
from zipfile import ZipFile

import torch

from nassim.cost.work import Activity, Work
from nassim.durable import write_durably
from nassim.errors import StorageFault
from nassim.evaluation import Progress, StateLost

T = TypeVar("T")


def write(path: Path, state: Mapping[str, Any]) -> int:
    """Write a state durably and return its bytes; a state that stood there before is replaced in one step.

    Args:
        path: Where; its folder is made if need be.
        state: Tensors and plain values alone.

    Raises:
        StorageFault: It can't be written now.
    """
    buffer = BytesIO()
    torch.save(dict(state), buffer)
    try:
        write_durably(path, buffer.getbuffer())
    except OSError as error:
        raise StorageFault(f"checkpoint {path} can't be written: {error.strerror}") from error
    return buffer.getbuffer().nbytes


def read(path: Path, device: str) -> tuple[dict[str, Any], int]:
    """Return a state, on a device, and its bytes.

    Raises:
        StateLost: There is none, or it is damaged.
        StorageFault: It can't be read now.
    """
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise StateLost(
            f"checkpoint {path} is missing; workers on several machines need a checkpoint folder that they share"
        ) from None
    except OSError as error:
        raise StorageFault(f"checkpoint {path} can't be read: {error.strerror}") from error
    try:
        # torch writes checksums, and doesn't look at them: weights that have become others would be gone on with.
        if changed := ZipFile(BytesIO(content)).testzip():
            raise StateLost(f"checkpoint {path} ({len(content)} bytes) is damaged: {changed} in it has changed")
        state = torch.load(BytesIO(content), map_location=device, weights_only=True)
    except (MemoryError, torch.OutOfMemoryError, StateLost):
        raise
    except Exception as error:  # damaged content makes zipfile and torch.load raise almost anything
        raise StateLost(
            f"checkpoint {path} ({len(content)} bytes) is damaged, or holds more than tensors and plain values: "
            f"reading it raised {type(error).__name__}"
        ) from error
    if not isinstance(state, dict):
        raise StateLost(f"checkpoint {path} ({len(content)} bytes) holds something else than a state")
    return state, len(content)


def persistently(act: Callable[[], T]) -> Generator[Progress, None, T]:
    """Do what a fault of the machine may keep from being done, again and again until it is; return what it returns."""
    while True:
        try:
            return act()
        except StorageFault as fault:
            yield Progress(Work(Activity.IDLE), hindrance=str(fault))
