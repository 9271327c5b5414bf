"""Finds search spaces: by the name they are installed under, by module and class, or by file and class."""

import importlib
import inspect
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from hashlib import blake2b
from importlib.util import module_from_spec, spec_from_file_location
from numbers import Integral
from pathlib import Path
from types import ModuleType
from typing import Any

from nassim.errors import NassimError, WrongValue, describe, placed, shorten, users_code
from nassim.space.installed import list_spaces
from nassim.space.search_space import SearchSpace

LONGEST_SHOWN = 200
"""Characters of a value that a message shows."""


def load_space(reference: str, parameters: Mapping[str, Any]) -> SearchSpace:
    """Make a search space.

    Args:
        reference: An installed name, `module:Class`, or `path/to/file.py:Class`.
        parameters: Keyword arguments of the class.

    Raises:
        NassimError: There is no such space, its module fails to import, or a parameter is unknown, missing or refused.
    """
    installed = list_spaces()
    target = installed.get(reference, reference)
    place, separator, name = target.rpartition(":")
    if not separator or not place or not name:
        raise NassimError(
            f"there is no search space {reference!r}; installed are {', '.join(installed) or 'none'}, and one's own is "
            "module:Class or path/to/file.py:Class"
        )
    module = _load_file(Path(place)) if place.endswith(".py") else _load_module(place)
    return _make(reference, _find_class(module, place, name), parameters)


_loaded: dict[Path, tuple[bytes, ModuleType]] = {}
"""Files that were loaded, with what they said. One is run once, unless it says something else by now: operators that it
registers with torch would be registered anew, under networks that use them."""


def _load_file(path: Path) -> ModuleType:
    if not os.path.isfile(path):
        raise NassimError(f"there is no file {str(path)!r} (looked for in {Path.cwd()})")
    file = path.resolve()
    with users_code(partial(_import_failure, str(path))):
        source = file.read_bytes()
    before, module = _loaded.get(file, (b"", None))
    if module is not None and source == before:
        return module
    digest = blake2b(str(file).encode(), digest_size=4).hexdigest()
    spec = spec_from_file_location(f"{path.stem}_{digest}", path)
    assert spec is not None, "a path that ends in .py has a loader"
    assert spec.loader is not None, "a path that ends in .py has a loader"
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(path.resolve().parent))
    try:
        with users_code(partial(_import_failure, str(path))):
            spec.loader.exec_module(module)
    except NassimError:
        sys.modules.pop(spec.name, None)
        raise
    finally:
        with suppress(ValueError):  # it may have changed the path itself
            sys.path.remove(str(path.resolve().parent))
    _loaded[file] = source, module
    return module


def _load_module(name: str) -> ModuleType:
    with users_code(partial(_import_failure, name)):
        return importlib.import_module(name)


def _import_failure(what: str, error: BaseException) -> str:
    line = next((frame.lineno for frame in reversed(inspect.getinnerframes(error.__traceback__))  # type: ignore[arg-type]
                 if frame.filename.endswith(what)), None)  # fmt: skip
    place = f"{what}, line {line}," if line else what
    return f"{place} can't be imported: {describe(error)}"


def _find_class(module: ModuleType, place: str, name: str) -> type[SearchSpace]:
    spaces = [
        key for key, value in vars(module).items() if inspect.isclass(value) and issubclass(value, SearchSpace)
        and value.__module__ == module.__name__
    ]  # fmt: skip
    there = f"its search spaces are {', '.join(spaces)}" if spaces else "it has no search space"
    found = getattr(module, name, None)
    if found is None:
        raise NassimError(f"{place} has no class {name!r}; {there}")
    if not (inspect.isclass(found) and issubclass(found, SearchSpace)):
        raise NassimError(f"{place}:{name} is not a subclass of nassim.space.SearchSpace; {there}")
    return found


def _make(reference: str, kind: type[SearchSpace], parameters: Mapping[str, Any]) -> SearchSpace:
    if inspect.isabstract(kind):
        raise NassimError(f"the search space {reference!r} has no method build(self, choose)")
    accepted = inspect.signature(kind).parameters
    names = [name for name, parameter in accepted.items() if parameter.kind not in (parameter.VAR_KEYWORD,
             parameter.VAR_POSITIONAL)]  # fmt: skip
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in accepted.values())
    for name in parameters:
        if name not in names and not takes_any:
            raise WrongValue(
                f"the search space {reference!r} has no parameter {name!r}; its parameters are "
                f"{', '.join(names) or 'none'}",
                ("parameters", name),
            )
    for name in names:
        if name not in parameters and accepted[name].default is inspect.Parameter.empty:
            raise NassimError(f"the search space {reference!r} needs a value for its parameter {name!r}")
    given = shorten(str(dict(parameters)), LONGEST_SHOWN)

    def failure(error: BaseException) -> str:
        return f"the search space {reference!r} can't be made with {given}: {describe(error)}"

    with placed("parameters"), users_code(failure):
        space = kind(**parameters)
        _check_ends(reference, space)
    return space


def _check_ends(reference: str, space: SearchSpace) -> None:
    """See that a space says what its networks take and how many outputs they have."""
    for name, fits, wanted in (
        ("input_shape", _is_shape, "a tuple of whole numbers of at least 1"),
        ("classes", _is_count, "a whole number of at least 1"),
    ):
        if not hasattr(space, name):
            raise NassimError(f"the search space {reference!r} doesn't set {name}; set it in __init__")
        value = getattr(space, name)
        if not fits(value):
            shown = shorten(repr(value), LONGEST_SHOWN)
            raise NassimError(f"the search space {reference!r} has {shown} as its {name}, wanted {wanted}")


def _is_shape(value: object) -> bool:
    return isinstance(value, Sequence) and len(value) > 0 and all(map(_is_count, value))


def _is_count(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1
