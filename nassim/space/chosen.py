"""Chosen: what `choose` returns for a value while a supernet is built, when nothing is decided yet.

Elastic layers take it for a width or a kernel size, and take their share once the active architecture is known. Python
itself can't go on with it: each `int()`, comparison or `range()` is refused by a message that names the choice.
"""

import operator
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from itertools import product
from typing import Any, NoReturn

from nassim.errors import NassimError

active: ContextVar[Mapping[str, str]] = ContextVar("active architecture")
"""The architecture that the supernet call in progress runs; unset between calls."""


def active_label(name: str) -> str:
    """Return the label that the active architecture takes at a choice.

    Raises:
        NassimError: No supernet call is in progress, or its architecture doesn't decide the choice.
    """
    architecture = active.get(None)
    if architecture is None:
        raise NassimError(
            f"a part of a supernet with choice {name!r} was called by itself; call supernet(x, architecture), or "
            "extract the subnet"
        )
    if name not in architecture:
        raise NassimError(f"the architecture {dict(architecture)} doesn't decide choice {name!r}, which it reaches")
    return architecture[name]


class Chosen:
    """A value that depends on choices not yet decided. Adds, subtracts, multiplies and floor-divides.

    Attributes:
        names: The choices it depends on.
        table: The value for each tuple of their labels.
    """

    def __init__(self, names: tuple[str, ...], table: Mapping[tuple[str, ...], Any]) -> None:
        self.names = names
        self.table = dict(table)

    @classmethod
    def of(cls, name: str, options: Mapping[str, Any]) -> "Chosen":
        """Make the value of one choice from its labels and values."""
        return cls((name,), {(label,): value for label, value in options.items()})

    def value(self) -> Any:
        """Return the value under the active architecture.

        Raises:
            NassimError: No supernet call is in progress, or its architecture has other labels.
        """
        labels = tuple(active_label(name) for name in self.names)
        if labels not in self.table:
            raise NassimError(f"no option {', '.join(labels)} at choice {', '.join(self.names)}")
        return self.table[labels]

    def __repr__(self) -> str:
        return f"Chosen({', '.join(self.names)}: {sorted(set(map(str, self.table.values())))})"

    def _combine(self, other: Any, operation: Callable[[Any, Any], Any]) -> "Chosen":
        right = other if isinstance(other, Chosen) else Chosen((), {(): other})
        names = tuple(dict.fromkeys(self.names + right.names))
        labels = {name: dict.fromkeys(key[i] for key in side.table) for side in (self, right) for i, name in
                  enumerate(side.names)}  # fmt: skip
        table = {}
        for key in product(*(labels[name] for name in names)):
            decided = dict(zip(names, key, strict=True))
            mine, theirs = (side.table[tuple(decided[name] for name in side.names)] for side in (self, right))
            table[key] = operation(mine, theirs)
        return Chosen(names, table)

    def __add__(self, other: Any) -> "Chosen":
        return self._combine(other, operator.add)

    def __sub__(self, other: Any) -> "Chosen":
        return self._combine(other, operator.sub)

    def __mul__(self, other: Any) -> "Chosen":
        return self._combine(other, operator.mul)

    def __floordiv__(self, other: Any) -> "Chosen":
        return self._combine(other, operator.floordiv)

    def __radd__(self, other: Any) -> "Chosen":
        return self._combine(other, lambda mine, theirs: theirs + mine)

    def __rsub__(self, other: Any) -> "Chosen":
        return self._combine(other, lambda mine, theirs: theirs - mine)

    def __rmul__(self, other: Any) -> "Chosen":
        return self._combine(other, lambda mine, theirs: theirs * mine)

    def _refuse(self, *_: Any) -> NoReturn:
        """Refuse what needs the value now; assigned to the special methods below."""
        layer = _layer_being_built()
        raise NassimError(
            f"choice {self.names[0]!r} is a value that a supernet leaves open, so {layer or 'build'} can't use it as a "
            "plain one; give widths and kernel sizes to the elastic layers of nassim.space (Conv2d, Linear, "
            "BatchNorm2d, LayerNorm), and choose between structures by factories: choose(name, {label: lambda: module})"
        )

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> NoReturn:
        """Refuse to be given to a function of torch, such as the size of a weight."""
        waiting = [args, kwargs or {}]
        while True:
            value = waiting.pop()
            if isinstance(value, Chosen):
                value._refuse()
            if isinstance(value, Mapping):
                waiting += value.values()
            elif isinstance(value, tuple | list):
                waiting += value

    __int__ = __index__ = __float__ = __bool__ = __len__ = __iter__ = __getitem__ = __contains__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = __hash__ = _refuse
    __mod__ = __rmod__ = __truediv__ = __rtruediv__ = __rfloordiv__ = __pow__ = __rpow__ = __neg__ = _refuse
    __round__ = __format__ = __str__ = _refuse


def _layer_being_built() -> str | None:
    """Return the class name of the torch module whose constructor is running, if there is one."""
    module = getattr(sys.modules.get("torch.nn"), "Module", None)
    frame = sys._getframe(2)
    while module is not None and frame is not None:
        layer = frame.f_locals.get("self")
        if frame.f_code.co_name == "__init__" and isinstance(layer, module):
            return f"{type(layer).__module__.split('.')[0]}'s {type(layer).__name__}"
        if frame.f_code.co_name == "build_network":
            return None
        frame = frame.f_back  # type: ignore[assignment]
    return None
