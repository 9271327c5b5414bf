"""Finds an experiment file, reads it and says all that is wrong with it at once."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import nassim
from nassim.catalogue import did_you_mean
from nassim.errors import NassimError, WrongValue
from nassim.experiment.document import Document, Mistake, Unreadable
from nassim.experiment.mistakes import mistakes_in
from nassim.experiment.model import Experiment

MOST_MISTAKES = 20
"""Mistakes that one message lists."""


def load_experiment(reference: str | Path) -> Experiment:
    """Read and validate an experiment file.

    Relative paths in it to files (`data.path`, `site.catalogue`, the `file.py:Class` of a part of one's own) start from
    the folder that it lies in; in the result they are absolute.

    Args:
        reference: A path, or the name of an experiment that comes with nassim (`bundled`).

    Raises:
        NassimError: There is no such file, or it has mistakes: each with its line, key path, what was found and what is
            allowed.
    """
    path = _find(str(reference))
    document = _read(path)
    mistakes = list(document.mistakes)
    experiment = None
    try:
        experiment = Experiment.model_validate(_rooted(document.value, path.absolute().parent))
    except ValidationError as error:
        for mistake in mistakes_in(error, Experiment):
            mistakes.append(Mistake(mistake.path, mistake.message, document.line(mistake.path)))
    if mistakes or experiment is None:
        raise _error(path, mistakes)
    return experiment


@contextmanager
def located(reference: str | Path) -> Iterator[None]:
    """Have mistakes that show once an experiment's parts are made name the file and the line.

    Args:
        reference: As for `load_experiment`, which has read it.

    Raises:
        NassimError: A mistake was found.
    """
    try:
        yield
    except WrongValue as error:
        path = _find(str(reference))
        line = _read(path).line(error.path)
        raise _error(path, [Mistake(error.path, error.reason, line)]) from error


def recorded_experiment(document: Mapping[str, Any], run: str) -> Experiment:
    """Validate the experiment that the ledger has of a run.

    Raises:
        NassimError: This version doesn't take it.
    """
    try:
        return Experiment.model_validate(document)
    except ValidationError as error:
        mistakes = "; ".join(map(str, mistakes_in(error, Experiment)[:MOST_MISTAKES]))
        raise NassimError(
            f"run {run} can't be gone on with: its experiment in the ledger is none that this version of nassim takes: "
            f"{mistakes}. `nassim report {run}` shows what it came to"
        ) from error


def bundled() -> dict[str, Path]:
    """Return the experiments that come with nassim, by name: of an installed package, or of a checkout."""
    package = Path(nassim.__file__).parent
    folder = package / "bundled"
    if not folder.is_dir():
        folder = package.parent / "experiments"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def _find(reference: str) -> Path:
    path = Path(reference)
    if path.suffix in (".yaml", ".yml") or path.name != reference:
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "there is no such file"
            raise NassimError(f"{reference}: {what}; an experiment is a YAML file")
        return path
    known = bundled()
    if reference not in known:
        raise NassimError(
            f"there is no experiment {reference!r}{did_you_mean(reference, known)}; allowed: the path of a .yaml "
            f"file, or one of {', '.join(known)}"
        )
    return known[reference]


def _read(path: Path) -> Document:
    try:
        return Document(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        message = f"not UTF-8 text: byte {error.object[error.start]:#04x} at position {error.start:,}"
        raise _error(path, [Mistake((), message)]) from error
    except Unreadable as error:
        raise _error(path, [error.mistake]) from error
    except OSError as error:
        raise NassimError(f"{path}: {error.strerror}") from error


def _rooted(value: Any, folder: Path) -> Any:
    """Make the document's paths absolute, where they are what they should be."""
    if not isinstance(value, dict):
        return value
    value = dict(value)
    match value.get("data"):
        case {"path": str(file)} as data if file:
            value["data"] = data | {"path": str(folder / file)}
    match value.get("site"):
        case {"catalogue": str(file)} as site if file:
            value["site"] = site | {"catalogue": str(folder / file)}
    for part, key in (("space", "name"), ("data", "name"), ("executor", "kind")):
        _root_part(value, part, key, folder)
    if isinstance(searches := value.get("searches"), list):
        value["searches"] = [dict(search) if isinstance(search, dict) else search for search in searches]
        for search in value["searches"]:
            for part, key in (("evaluator", "kind"), ("sampler", "name"), ("pruner", "name")):
                if isinstance(search, dict):
                    _root_part(search, part, key, folder)
    return value


def _root_part(value: dict[Any, Any], part: str, key: str, folder: Path) -> None:
    """Make the path absolute of a part that is a file of one's own."""
    match value.get(part):
        case {**spec} if ".py:" in str(spec.get(key)):
            value[part] = spec | {key: str(folder / str(spec[key]))}


def _error(path: Path, mistakes: list[Mistake]) -> NassimError:
    if len(mistakes) == 1:
        return NassimError(f"{path}: {mistakes[0]}")
    ordered = sorted(mistakes, key=lambda mistake: mistake.line or 0)
    lines = [f"  {mistake}" for mistake in ordered[:MOST_MISTAKES]]
    if len(ordered) > MOST_MISTAKES:
        lines.append(f"  and {len(ordered) - MOST_MISTAKES} more")
    return NassimError("\n".join([f"{path} has {len(mistakes)} mistakes:", *lines]))
