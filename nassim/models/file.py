"""A model's file: its weights as safetensors, its card in the header, and a checksum over both."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from nassim.durable import write_durably
from nassim.errors import NassimError, StorageFault
from nassim.models.card import ModelCard

if TYPE_CHECKING:
    from torch import Tensor, nn

KEY = "nassim"
"""Of safetensors' metadata."""

Tensors = Mapping[str, "Tensor"]


@dataclass(frozen=True, slots=True)
class SavedModel:
    """A model as it was read.

    Attributes:
        card: What is known of it.
        tensors: Its parameters and buffers by name, on the CPU.
        bytes: Size of its file.
    """

    card: ModelCard
    tensors: Tensors
    bytes: int


def save_model(path: Path, network: "nn.Module", card: ModelCard) -> int:
    """Write a model durably and return the bytes of its file; one that stood there before is replaced in one step.

    Raises:
        NassimError: The network keeps something else than tensors in its state.
        StorageFault: It can't be written now.
    """
    from safetensors.torch import save

    # Clones, for safetensors takes no two tensors of one memory, which tied weights are.
    tensors = {name: _tensor(name, value).detach().cpu().clone() for name, value in network.state_dict().items()}
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    values = card.to_values()
    # One key, for safetensors writes several in an order that changes.
    header = {"card": values, "checksum": _checksum(values, tensors)}
    content = save(tensors, {KEY: json.dumps(header, ensure_ascii=False)})
    try:
        write_durably(path, content)
    except OSError as error:
        raise StorageFault(f"the model can't be saved in {path}: {error.strerror}") from error
    return len(content)


def read_model(path: Path) -> SavedModel:
    """Read a model and look whether it is whole.

    Raises:
        NassimError: There is none, it is damaged, or it is no model that nassim saved.
        StorageFault: It can't be read now.
    """
    from safetensors.torch import load

    with _told(path):
        content = path.read_bytes()
        tensors = load(content)
        header = _header(path)
        if header["checksum"] != _checksum(header["card"], tensors):
            raise NassimError(f"the model {path} is damaged: its checksum is another. Restore it from a copy")
        card = ModelCard.from_values(header["card"])
    return SavedModel(card, tensors, len(content))


def _header(path: Path) -> dict[str, Any]:
    with safe_open(path, "numpy") as file:
        header: dict[str, Any] = json.loads((file.metadata() or {})[KEY])
        return header


def _checksum(card: Mapping[str, Any], tensors: Tensors) -> str:
    import torch

    digest = blake2b(json.dumps(card).encode(), digest_size=16)
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _tensor(name: str, value: object) -> "Tensor":
    from torch import Tensor

    if not isinstance(value, Tensor):
        raise NassimError(
            f"the model can't be saved: its state {name!r} is of type {type(value).__name__}, and safetensors hold "
            "tensors alone. Keep it as a tensor, or make it anew in __init__"
        )
    return value


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Tell what is wrong with a file as a user can put it right."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise NassimError(f"there are no weights at {path}: no such file") from None
    except OSError as error:
        raise StorageFault(f"the model {path} can't be read: {error.strerror}") from error
    except SafetensorError as error:
        raise NassimError(f"the model {path} is damaged: {error}. Restore it from a copy") from error
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise NassimError(f"{path} holds weights, but is no model that this nassim can read") from error
