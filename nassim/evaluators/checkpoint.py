"""Checkpoints: a state written so that it is there in full or not at all."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from nassim.durable import write_durably
from nassim.errors import NassimError


def write(path: Path, state: Mapping[str, Any]) -> int:
    """Write a state durably and return its bytes; a state that stood there before is replaced in one step.

    Args:
        path: Where; its folder is made if need be.
        state: Tensors and plain values alone.
    """
    buffer = BytesIO()
    torch.save(dict(state), buffer)
    write_durably(path, buffer.getbuffer())
    return buffer.getbuffer().nbytes


def read(path: Path, device: str) -> tuple[dict[str, Any], int]:
    """Return a state, on a device, and its bytes.

    Raises:
        NassimError: There is none, or it is damaged.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise NassimError(
            f"checkpoint {path} is missing; workers on several machines need a checkpoint folder that they share"
        ) from None
    try:
        state: dict[str, Any] = torch.load(BytesIO(content), map_location=device, weights_only=True)
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # damaged content makes torch.load raise almost anything
        raise NassimError(
            f"checkpoint {path} ({len(content)} bytes) is damaged, or holds more than tensors and plain values: "
            f"torch raised {type(error).__name__}"
        ) from error
    return state, len(content)
