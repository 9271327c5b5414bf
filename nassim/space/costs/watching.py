"""Watching: which numbers a `build` looks at, so that no decision of it on several of them goes unseen.

A number that only goes into layers shows in what these cost. One that is compared, counted to or looked up may decide
on more than that, together with others. So `build` is run with numbers that know from which choices they come, also
when they have been added or multiplied, and that note whoever looks at them.
"""

import math
import operator
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from torch import nn
from torch.utils._pytree import tree_leaves

from nassim.errors import NassimError, describe, users_code
from nassim.space.choosing import Choose, Options, PlainReader

Names = frozenset[str]
"""The choices from which a number comes."""

TRUSTED = ("torch", "nassim")
"""Packages in whose code a look concerns the layer that is being made, and nothing else."""

HASHED, IN_A_SET = "hash 1", "== 2"
"""Where a watched number is hashed and then compared with another, both are in a set or in the keys of a dictionary."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is done with numbers at one place.

    Attributes:
        place: File and line.
        what: What is done there, and with how many; nothing where numbers are gathered, and then looked at together.
        names: The choices from which the numbers come.
    """

    place: tuple[str, int]
    what: str
    names: Names


class Watch:
    """What is looked at while a `build` runs."""

    def __init__(self) -> None:
        self._found: defaultdict[Look, list[Any]] = defaultdict(list)
        self._gathering: set[tuple[str, int]] = set()

    def note(self, what: str, names: Names, found: Any, *, gathers: bool = False) -> None:
        """Note a look.

        Args:
            what: What is done.
            names: The choices from which the numbers come.
            found: What comes of it.
            gathers: Whether numbers get out of sight here, perhaps to be put together with others.
        """
        frame = sys._getframe(2)
        if frame.f_globals.get("__name__", "").partition(".")[0] not in TRUSTED:
            place = frame.f_code.co_filename, frame.f_lineno
            self._found[Look(place, what, names)].append(found)
            hashes = any(look.place == place and look.what == HASHED for look in self._found)
            if gathers or (what == IN_A_SET and hashes):
                self._gathering.add(place)

    def looks(self) -> dict[Look, tuple[Any, ...]]:
        """Return the looks with what came of them."""
        together: defaultdict[tuple[str, int], Names] = defaultdict(frozenset)
        for look in self._found:
            together[look.place] |= look.names
        looks: defaultdict[Look, tuple[Any, ...]] = defaultdict(tuple)
        for look, found in self._found.items():
            if look.place in self._gathering:
                look = Look(look.place, "", together[look.place])
            looks[look] += tuple(found)
        return looks


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen while a `build` ran.

    Attributes:
        looks: What came of each look.
        names: By the paths of modules, the choices from which their numbers come and by which they were chosen.
    """

    looks: Mapping[Look, tuple[Any, ...]]
    names: Mapping[str, Names]


def watch(build: Callable[[Choose], nn.Module], architecture: Mapping[str, str]) -> Watched:
    """Run a `build` for an architecture and return what is seen.

    Raises:
        NassimError: It fails, perhaps for it takes plain numbers alone.
    """
    seen = Watch()
    reader = _WatchingReader(architecture, seen)
    with users_code(describe):
        network = build(reader)
        return Watched(seen.looks(), dict(_names_by_path(network, reader.chosen)))


def _names_by_path(network: nn.Module, chosen: Mapping[nn.Module, str]) -> Iterator[tuple[str, Names]]:
    for path, module in network.named_modules():
        around = [network, *(network.get_submodule(path[:i]) for i, sign in enumerate(path) if sign == ".")]
        choices = {chosen[each] for each in (*around, module) if each in chosen}
        if names := _names(*tree_leaves(list(vars(module).values()))).union(choices):
            yield path, names


class _WatchingReader(PlainReader):
    """A `choose` that gives watched values, and plain modules.

    Attributes:
        chosen: The choices of these modules.
    """

    def __init__(self, architecture: Mapping[str, str], seen: Watch) -> None:
        super().__init__(lambda name, _: architecture[name])
        self._seen = seen
        self.chosen: dict[nn.Module, str] = {}

    def __call__(self, name: str, options: Options) -> Any:
        """Answer `build`: see `Choose`."""
        value = super().__call__(name, options)
        if isinstance(value, nn.Module):
            self.chosen[value] = name
            return value
        watched = _watched(value, frozenset({name}), self._seen)
        if watched is value:
            raise NassimError(f"values like {value!r} can't be watched")
        return watched


def _watched(value: Any, names: Names, seen: Watch) -> Any:
    kind = type(value)
    if kind in (Number, Text):
        value, names = value.plain, names | value.names
    elif kind in (tuple, list):
        return kind(_watched(each, names, seen) for each in value)
    if isinstance(value, str):
        text = Text(value)
        text.plain, text.names, text.seen = value, names, seen
        return text
    return Number(value, names, seen) if isinstance(value, Real) else value


def _plain(value: Any) -> Any:
    return value.plain if type(value) in (Number, Text) else value


def _names(*values: Any) -> Names:
    return frozenset().union(*(value.names for value in values if type(value) in (Number, Text)))


def _calculated(operation: Callable[..., Any]) -> Any:
    def method(*values: Any) -> Any:
        return _watched(operation(*map(_plain, values)), _names(*values), values[0].seen)

    return method


def _reflected(operation: Callable[[Any, Any], Any]) -> Any:
    return _calculated(lambda mine, other: operation(other, mine))


def _looked_at(what: str, operation: Callable[..., Any], *, gathers: bool = False) -> Any:
    def method(*values: Any) -> Any:
        found = operation(*map(_plain, values))
        watched = sum(type(value) in (Number, Text) for value in values)
        values[0].seen.note(f"{what} {watched}", _names(*values), found, gathers=gathers)
        return found

    return method


class Number:
    """A number whose sums and products are watched too. Passes for a plain one wherever that can be."""

    def __init__(self, plain: Any, names: Names, seen: Watch) -> None:
        self.plain, self.names, self.seen = plain, names, seen

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self.plain)

    __add__, __radd__ = _calculated(operator.add), _reflected(operator.add)
    __sub__, __rsub__ = _calculated(operator.sub), _reflected(operator.sub)
    __mul__, __rmul__ = _calculated(operator.mul), _reflected(operator.mul)
    __floordiv__, __rfloordiv__ = _calculated(operator.floordiv), _reflected(operator.floordiv)
    __truediv__, __rtruediv__ = _calculated(operator.truediv), _reflected(operator.truediv)
    __mod__, __rmod__ = _calculated(operator.mod), _reflected(operator.mod)
    __pow__, __rpow__ = _calculated(operator.pow), _reflected(operator.pow)
    __divmod__, __rdivmod__ = _calculated(divmod), _reflected(divmod)
    __neg__, __abs__, __round__ = _calculated(operator.neg), _calculated(abs), _calculated(round)
    __floor__, __ceil__, __trunc__ = _calculated(math.floor), _calculated(math.ceil), _calculated(math.trunc)
    __eq__, __ne__ = _looked_at("==", operator.eq), _looked_at("!=", operator.ne)
    __lt__, __le__ = _looked_at("<", operator.lt), _looked_at("<=", operator.le)
    __gt__, __ge__ = _looked_at(">", operator.gt), _looked_at(">=", operator.ge)
    __bool__, __hash__ = _looked_at("bool", bool), _looked_at("hash", hash)
    __index__ = _looked_at("index", operator.index)
    __int__, __float__ = _looked_at("int", int, gathers=True), _looked_at("float", float, gathers=True)
    __str__, __repr__ = _looked_at("str", str, gathers=True), _looked_at("repr", repr, gathers=True)
    __format__ = _looked_at("format", format, gathers=True)


class Text(str):
    """A text that is watched where it is compared, looked up or put together with others."""

    plain: str
    names: Names
    seen: Watch

    __eq__, __ne__ = _looked_at("==", operator.eq), _looked_at("!=", operator.ne)
    __hash__, __contains__ = _looked_at("hash", hash), _looked_at("in", operator.contains)
    startswith, endswith = _looked_at("starts", str.startswith), _looked_at("ends", str.endswith)
    __add__ = _looked_at("add", operator.add, gathers=True)
    __str__, __format__ = _looked_at("str", str, gathers=True), _looked_at("format", format, gathers=True)
    split, lower = _looked_at("split", str.split, gathers=True), _looked_at("lower", str.lower, gathers=True)
