"""Bundle: a folder with a model and all it takes to use it, besides nassim."""

import os
import secrets
import shutil
from pathlib import Path

from nassim.durable import UNFINISHED, sync_folder, write_durably
from nassim.errors import NassimError
from nassim.models.card import ModelCard
from nassim.models.file import read_model
from nassim.models.onnx import check_exporter, export_onnx
from nassim.models.texts import ONNX, WEIGHTS, texts_of


def write_bundle(file: Path, target: Path, *, force: bool = False, onnx: bool = False) -> ModelCard:
    """Write a saved model to a folder, in full or not at all, and return its card.

    Args:
        file: The model's file.
        target: The folder; made if need be.
        force: Write also where there are files, over those of the same names.
        onnx: Write the network as ONNX too.

    Raises:
        NassimError: The folder isn't empty or can't be written; the model is missing or damaged, or is not of the
            network that its space builds by now; ONNX can't be written.
    """
    target = Path(os.path.abspath(target))
    _check_target(target, force)
    if onnx:
        check_exporter()
    from nassim.models.loading import rebuild  # torch takes seconds, so only now: a wrong folder is told at once

    saved = read_model(file)
    unfinished = target.parent / f"{target.name}.{secrets.token_hex(4)}{UNFINISHED}"
    try:
        unfinished.mkdir(parents=True)
        for name, text in texts_of(saved.card, onnx=onnx).items():
            (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
            write_durably(unfinished / name, text.encode())
        write_durably(unfinished / WEIGHTS, file.read_bytes())
        network = rebuild(saved, unfinished)
        if onnx:
            export_onnx(network, saved.card.input_shape, unfinished / ONNX)
        _move(unfinished, target)
    except OSError as error:
        raise NassimError(f"the model can't be written to {target}: {error.strerror}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return saved.card


def _check_target(target: Path, force: bool) -> None:
    if target.exists() and not target.is_dir():
        raise NassimError(f"{target} is a file; give the name of a folder")
    if target.is_dir() and any(target.iterdir()) and not force:
        raise NassimError(f"the folder {target} isn't empty. Give another, or --force to write over what is in it")


def _move(unfinished: Path, target: Path) -> None:
    """Put a folder in its place; where there is one already, file by file, and without an earlier model's ONNX."""
    for compiled in unfinished.rglob("__pycache__"):
        shutil.rmtree(compiled)
    if not target.exists():
        unfinished.replace(target)
    else:
        (target / ONNX).unlink(missing_ok=True)
        for folder, _, names in os.walk(unfinished):
            there = target / Path(folder).relative_to(unfinished)
            there.mkdir(exist_ok=True)
            for name in names:
                (Path(folder) / name).replace(there / name)
    sync_folder(target.parent)
