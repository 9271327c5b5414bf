"""ONNX: a model as other programs take it, written by torch's own exporter."""

import logging
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from nassim.errors import NassimError

if TYPE_CHECKING:
    from torch import nn

PACKAGES = ("onnx", "onnxscript")
INPUT, OUTPUT = "input", "logits"


def check_exporter() -> None:
    """Look whether the packages are there that torch's exporter needs.

    Raises:
        NassimError: They are not.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise NassimError(
            f"--onnx needs the Python package {' and '.join(missing)}. Install it with: pip install 'nassim[onnx]'"
        )


def export_onnx(network: "nn.Module", input_shape: Sequence[int], path: Path) -> None:
    """Write a network for any number of inputs at once, as one file.

    Args:
        network: On the CPU, as it is to be used.
        input_shape: Shape of one input.
        path: Where to.

    Raises:
        NassimError: torch can't express it in ONNX.
    """
    import torch

    # A batch of 1 would be taken for a number that never changes.
    inputs, batch = torch.zeros(2, *input_shape), torch.export.Dim("batch")
    noisy = logging.getLogger("torch.onnx")
    level = noisy.level
    noisy.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network,
                (inputs,),
                path,
                dynamo=True,
                external_data=False,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_shapes=({0: batch},),
                verbose=False,
            )
    except OSError as error:
        raise NassimError(f"{path} can't be written: {error.strerror}") from error
    except Exception as error:  # whatever in a user's network torch can't express
        reason = next(iter(str(error).strip().splitlines()), "")
        raise NassimError(f"torch can't write this network as ONNX: {type(error).__name__}: {reason}") from error
    finally:
        noisy.setLevel(level)
