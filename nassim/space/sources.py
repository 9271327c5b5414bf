"""Sources: the code of a search space that is a file of one's own, to be kept with what was made from it."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from nassim.space.loading import list_spaces

SHIPPED = ("nassim", "search_spaces")
"""Packages that come with nassim, also where a checkout of it is the folder that a file lies in."""


def portable(reference: str) -> tuple[str, Mapping[str, str]]:
    """Return a space's reference as it holds in a folder with its sources, and these: names in that folder to texts.

    A space that is installed or importable stays as it is named, and has none. With a file go those beside it that it
    imports, and those that they do; of a package beside it all modules.

    Args:
        reference: As for `load_space`, of a space that can be loaded.
    """
    place, _, name = reference.rpartition(":")
    if reference in list_spaces() or not place.endswith(".py"):
        return reference, {}
    file = Path(place)
    sources = {path.relative_to(file.parent).as_posix(): _text(path) for path in _with_imported(file)}
    return f"{file.name}:{name}", sources


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
    except SyntaxError:  # of a package's modules, this one is not in use
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
