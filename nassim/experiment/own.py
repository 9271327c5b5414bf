"""Parts that are named in an experiment, those of one's own among them."""

from collections.abc import Callable, Collection
from typing import Any, ClassVar

from pydantic import Discriminator
from pydantic_core import PydanticCustomError

from nassim.catalogue import Catalogue
from nassim.errors import KeyPath, NassimError
from nassim.spec import Parameters, Spec

OWN = "own"
"""The tag, in a union of parts, of one that does not ship."""


class PartSpec(Spec):
    """What an experiment says of a part that a catalogue makes."""

    naming: ClassVar[Collection[str]] = ("kind",)
    """The keys that say which part it is, and those that all of its kind have."""

    @property
    def arguments(self) -> dict[str, Any]:
        """What it is made with."""
        return self.model_dump(exclude=set(self.naming))

    @property
    def within(self) -> KeyPath:
        """Where in what the experiment says of it these stand."""
        return ()


class Own(PartSpec):
    """A part that a package installs, or one of one's own: `path/to/file.py:Class` or `module:Class`."""

    parameters: Parameters = {}
    """Arguments of its class."""

    @property
    def arguments(self) -> dict[str, Any]:
        """What it is made with."""
        return dict(self.parameters)

    @property
    def within(self) -> KeyPath:
        """Where in what the experiment says of it these stand."""
        return ("parameters",)


def by(key: str, catalogue: Catalogue[Any]) -> Discriminator:
    """Tell the parts of a union apart by a key: those that ship by their names, all others as OWN."""

    def tag(value: Any) -> str | None:
        found = value.get(key) if isinstance(value, dict) else getattr(value, key, None)
        if found is None:
            return None
        is_own = ":" in str(found) or catalogue.entry_point(str(found)) is not None
        return OWN if is_own and not catalogue.is_shipped(str(found)) else str(found)

    tag.__name__ = key  # by which pydantic calls it in what it finds wrong
    return Discriminator(tag)


def known(catalogue: Catalogue[Any]) -> Callable[[str], str]:
    """Return what sees that a catalogue may have a part."""

    def check(name: str) -> str:
        try:
            catalogue.check(name)
        except NassimError as error:
            expected = ", ".join(f"'{each}'" for each in catalogue.list())
            raise PydanticCustomError("not_known", "{expected}", {"expected": expected}) from error
        return name

    return check
