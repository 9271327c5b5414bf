"""Catalogue: the parts of one kind, by name, and the way in for one's own.

A part is named in an experiment as what ships under that name, as what a package installs under it (an entry point), or
as one's own: `path/to/file.py:Class` or `module:Class`.
"""

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from difflib import get_close_matches
from functools import partial
from hashlib import blake2b
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import MappingProxyType, ModuleType, NoneType, UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin

from nassim.errors import NassimError, WrongValue, describe, shorten, users_code

T = TypeVar("T")

LONGEST_SHOWN = 200
"""Characters of a value that a message shows."""

_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text", NoneType: "null"}
"""The types of parameters that are checked, as an experiment file has them."""


class Catalogue(Generic[T]):
    """The parts of one kind.

    Attributes:
        what: What one is called: "sampler".
        base: The class that all are of, by module and name; it is imported when a part is.
        group: The entry-point group under which packages install them.
    """

    def __init__(
        self,
        what: str,
        base: str,
        group: str,
        shipped: Mapping[str, str] | None = None,
        largest: float = float("inf"),
    ) -> None:
        """List what ships.

        Args:
            what: What one is called.
            base: The class that all are of, by module and name.
            group: The entry-point group under which packages install them.
            shipped: Name to `module:name` of a class, or of a function that makes one.
            largest: The largest number that is of use to one of these, as a parameter.
        """
        self.what = what
        self.base = base
        self.group = group
        self._shipped = dict(shipped or {})
        self._largest = largest

    def list(self) -> dict[str, str]:
        """Return what there is by name: name to `module:name`, without importing them."""
        installed = sorted(entry_points(group=self.group), key=lambda entry: entry.name)
        return self._shipped | {each.name: each.value for each in installed if each.name not in self._shipped}

    def entry_point(self, name: str) -> EntryPoint | None:
        """Return the entry point that installs a part under a name; None where none does."""
        if name in self._shipped:
            return None
        return next(iter(entry_points(group=self.group, name=name)), None)

    def is_shipped(self, reference: str) -> bool:
        """Whether this is the name of a part that ships, whose code is nassim's."""
        return reference in self._shipped

    def check(self, reference: str) -> None:
        """See, without loading anything, that there may be such a part.

        Raises:
            NassimError: There is none of that name, and it is no reference to one's own.
        """
        known = self.list()
        place, _, name = known.get(reference, reference).rpartition(":")
        if not place or not name:
            raise NassimError(
                f"there is no {self.what} {reference!r}{did_you_mean(reference, known)}; the {self.what}s are "
                f"{', '.join(known) or 'none'}, and one's own is module:Class or path/to/file.py:Class"
            )

    def find(self, reference: str) -> Callable[..., T]:
        """Load the class, or the function, that makes a part.

        Raises:
            NassimError: There is no such part, its module can't be imported, or it is of another kind.
        """
        self.check(reference)
        place, _, name = self.list().get(reference, reference).rpartition(":")
        module = _load_file(Path(place)) if place.endswith(".py") else _load_module(place)
        if reference in self._shipped:
            makes: Callable[..., T] = getattr(module, name)
            return makes
        return self._find_class(module, place, name)

    def make(
        self,
        reference: str,
        parameters: Mapping[str, Any],
        given: Mapping[str, Any] = MappingProxyType({}),
        defaults: Mapping[str, Any] = MappingProxyType({}),
    ) -> T:
        """Make a part.

        Args:
            reference: Its name, or where it is.
            parameters: Keyword arguments that the experiment gives.
            given: Keyword arguments that it is made with in any case, of which each part takes those that it knows; an
                experiment can't give these.
            defaults: Keyword arguments for what the experiment leaves out, likewise.

        Raises:
            WrongValue: A parameter is unknown, missing, of the wrong type or out of range; its key is in the path.
            NassimError: As for `find`, or it can't be made.
        """
        makes = self.find(reference)
        taken = _parameters(makes)
        named = {key: value for key, value in defaults.items() if key in taken} | dict(parameters)
        self._check_parameters(reference, taken, named, given)
        arguments = {key: value for key, value in given.items() if key in taken} | named
        if reference in self._shipped:
            try:
                return makes(**arguments)
            except ValueError as error:
                at_fault = tuple(key for key in parameters if key in str(error))[:1]
                raise WrongValue(f"the {self.what} {reference!r}: {error}", at_fault) from error
        shown = shorten(str(dict(parameters)), LONGEST_SHOWN)
        with users_code(lambda error: f"the {self.what} {reference!r} can't be made with {shown}: {describe(error)}"):
            return makes(**arguments)

    def _check_parameters(
        self,
        reference: str,
        taken: Mapping[str, inspect.Parameter],
        parameters: Mapping[str, Any],
        given: Mapping[str, Any],
    ) -> None:
        names = [name for name, each in taken.items() if name not in given and each.kind not in _VARIADIC]
        takes_any = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in taken.values())
        for name, value in parameters.items():
            if name in given or (name not in names and not takes_any):
                allowed = f"its parameters are {', '.join(names)}" if names else "it takes no parameters"
                raise WrongValue(
                    f"the {self.what} {reference!r} has no parameter {name!r}{did_you_mean(name, names)}; {allowed}",
                    (name,),
                )
            annotation = taken[name].annotation if name in names else Any
            if (types := _types(annotation)) and not _fits(value, types):
                wanted = " or ".join(_WORDS[each] for each in types)
                raise WrongValue(f"the {self.what} {reference!r}: {name} is {wanted}, found {value!r}", (name,))
            if reference in self._shipped and isinstance(value, int | float) and not abs(value) <= self._largest:
                raise WrongValue(
                    f"the {self.what} {reference!r}: {name} is a number up to {self._largest:,}, found {value!r}",
                    (name,),
                )
        for name in names:
            if name not in parameters and taken[name].default is inspect.Parameter.empty:
                raise NassimError(f"the {self.what} {reference!r} needs a value for its parameter {name!r}")

    def _find_class(self, module: ModuleType, place: str, name: str) -> type[T]:
        where, _, what = self.base.rpartition(".")
        base: type[T] = getattr(importlib.import_module(where), what)

        def is_one(value: object) -> bool:
            return inspect.isclass(value) and issubclass(value, base)

        members = vars(module).items()
        classes = [key for key, value in members if is_one(value) and value.__module__ == module.__name__]
        there = f"its {self.what}s are {', '.join(classes)}" if classes else f"it has no {self.what}"
        found = getattr(module, name, None)
        if found is None:
            raise NassimError(f"{place} has no class {name!r}; {there}")
        if not is_one(found):
            raise NassimError(f"{place}:{name} is not a subclass of {self.base}; {there}")
        if lacking := sorted(getattr(found, "__abstractmethods__", ())):
            method = getattr(base, lacking[0], None)
            takes = f"({', '.join(inspect.signature(method).parameters)})" if inspect.isfunction(method) else ""
            raise NassimError(f"the {self.what} {f'{place}:{name}'!r} has no method {lacking[0]}{takes}")
        makes: type[T] = found
        return makes


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Return " (did you mean 'this'?)", or nothing where nothing that is known comes near."""
    close = get_close_matches(word.lower(), list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


_VARIADIC = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


def _parameters(makes: Callable[..., object]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(makes, eval_str=True).parameters
    except Exception:  # noqa: BLE001, an annotation of a user's own may name what isn't there
        return inspect.signature(makes).parameters


def _types(annotation: Any) -> tuple[type, ...]:
    """Return the types that an annotation allows; none where it is one that is not checked here."""
    parts = get_args(annotation) if get_origin(annotation) in (UnionType, Union) else (annotation,)
    return parts if all(part in _WORDS for part in parts) else ()


def _fits(value: object, types: tuple[type, ...]) -> bool:
    """Say whether a value from a YAML file can be passed: an int is also a float, and a bool is no number."""
    return type(value) in types or (float in types and type(value) is int)


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
