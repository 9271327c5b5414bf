"""Sources: the code of parts that are one's own, to be known again and kept with what was made from it."""

import ast
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from nassim.catalogue import Catalogue
from nassim.errors import shorten

SHIPPED = ("nassim", "search_spaces")
"""Packages that come with nassim, also where a checkout of it is the folder that a file lies in."""

LONGEST_DOUBT = 5000
"""Characters of a doubt: those of two long paths."""


def portable(reference: str) -> tuple[str, Mapping[str, str]]:
    """Return a part's reference as it holds in a folder with its sources, and these: names in that folder to texts.

    A part that is installed or importable stays as it is named, and has none. With a file go those beside it that it
    imports, and those that they do; of a package beside it all modules.

    Args:
        reference: Of a part that can be loaded.
    """
    place, _, name = reference.rpartition(":")
    if not place.endswith(".py"):
        return reference, {}
    file = Path(place)
    sources = {path.relative_to(file.parent).as_posix(): _text(path) for path in _with_imported(file)}
    return f"{file.name}:{name}", sources


@dataclass(frozen=True, slots=True)
class Code:
    """Which code a part is.

    Attributes:
        origin: The file, or the package that installs it.
        state: What of it: a hash of a file and those that it imports from beside it; a package's version.
    """

    origin: str
    state: str


def code_of(catalogue: Catalogue[Any], reference: str) -> Code:
    """Tell which code loading a part runs, without running it.

    Args:
        catalogue: Of parts of its kind.
        reference: Its name there, or where it is.
    """
    place = reference.rpartition(":")[0]
    if package := _package_of(catalogue, reference):
        return Code(f"the package {package[0]}", package[1])
    if place.endswith(".py"):
        return _code_of_file(Path(place))
    top = place.partition(".")[0]
    if distributions := packages_distributions().get(top):
        return Code(f"the package {distributions[0]}", version(distributions[0]))
    spec = None
    with suppress(ValueError, ImportError):  # of what can't be imported nothing is run
        spec = find_spec(top) if top else None
    if spec and spec.origin and Path(spec.origin).is_file():
        return _code_of_file(Path(spec.origin))
    if spec and spec.submodule_search_locations:
        folder = Path(next(iter(spec.submodule_search_locations))).resolve()
        return _code(folder, folder, folder.rglob("*.py"))
    return Code(f"the module {place}", "")


def origin_of(catalogue: Catalogue[Any], code: Code) -> str:
    """Say where a part is loaded from: "its space is loaded from ..."."""
    return f"its {catalogue.what.removeprefix('search ')} is loaded from {code.origin}"


def doubt(catalogue: Catalogue[Any], reference: str, recorded: Mapping[str, str] | None) -> str | None:
    """Say why a part's code may be another than that which a run began with; None where it is the same.

    Whoever wrote the ledger has chosen the names in it: nothing in them moves a terminal's cursor.

    Args:
        catalogue: Of parts of its kind.
        reference: Its name there, or where it is.
        recorded: What `code_of` told when the run began, as a mapping; None for a run of an earlier nassim.
    """
    reason = _doubt(catalogue, reference, recorded)
    return reason and shorten(reason, LONGEST_DOUBT)


def _doubt(catalogue: Catalogue[Any], reference: str, recorded: Mapping[str, str] | None) -> str | None:
    package = _package_of(catalogue, reference)
    if package and package[0] in SHIPPED:
        return None
    code = code_of(catalogue, reference)
    loaded = origin_of(catalogue, code)
    if recorded is None:
        return f"{loaded}, and the ledger does not say which code it began with"
    before = Code(recorded.get("origin", ""), recorded.get("state", ""))
    if before.origin != code.origin:
        return f"{loaded}, and it began with {before.origin}"
    if before.state != code.state:
        return f"{loaded}, which has changed since it began: {before.state} then, {code.state} now"
    return None


def _package_of(catalogue: Catalogue[Any], name: str) -> tuple[str, str] | None:
    """Return the name and the version of the package that a part comes with under a name; None where none does."""
    if catalogue.is_shipped(name):
        return "nassim", version("nassim")
    entry = catalogue.entry_point(name)
    return (entry.dist.name, entry.dist.version) if entry and entry.dist else None


def _code_of_file(file: Path) -> Code:
    file = file.resolve()
    files = _with_imported(file) if os.path.isfile(file) else []
    if file.name == "__init__.py":
        files += [each for each in sorted(file.parent.rglob("*.py")) if each not in files]
    return _code(file, file.parent, files)


def _code(origin: Path, folder: Path, files: Iterable[Path]) -> Code:
    texts = sorted((path.relative_to(folder).as_posix(), _text(path)) for path in files)
    return Code(str(origin), blake2b(json.dumps(texts).encode(errors="replace"), digest_size=8).hexdigest())


def _with_imported(file: Path) -> list[Path]:
    found, waiting = dict[Path, None](), [file]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path] = None
            waiting += (there for module in _modules(path) for there in _beside(file.parent, module))
    return list(found)


def _modules(path: Path) -> Iterator[str]:
    """Yield the outermost names of what a file imports, wherever in it."""
    try:
        tree = ast.parse(_text(path))
    except (SyntaxError, ValueError):  # of a package's modules, this one is not in use, or it is compiled
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _beside(folder: Path, module: str) -> Iterator[Path]:
    """Yield the files of a module that lies in a folder; none where it comes from elsewhere."""
    if module in SHIPPED:
        return
    if (folder / module).is_dir():
        yield from sorted((folder / module).rglob("*.py"))
    elif (folder / f"{module}.py").is_file():
        yield folder / f"{module}.py"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig", errors="replace")
