"""Counts what the operations cost that torch dispatches to the meta device, and remembers what each returns."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from nassim.cost.operations import is_free
from nassim.cost.traffic import Traffic, traffic_of

MEMORY_LIMIT = 50_000
"""Remembered operations, by arguments, after which memory starts anew."""

PLAIN_TENSORS = (Tensor, nn.Parameter)
PLAIN_VALUES = (int, float, bool, str, torch.dtype, torch.device, torch.layout, torch.memory_format, type(None))


@dataclass(slots=True)
class Tally:
    """What was counted in one scope, for the whole batch.

    Attributes:
        flop: FLOP of contractions, as performed.
        torch_flop: What torch's formulas make of them.
        read_bytes: Bytes of activations read.
        written_bytes: Bytes of activations written.
        elementwise_bytes: The part of both that operations without FLOP moved.
        amounts: The distinct FLOP of single operations.
        uncounted: Calls of operations that have no formula and are not known to be free of contractions.
    """

    flop: int = 0
    torch_flop: int = 0
    read_bytes: int = 0
    written_bytes: int = 0
    elementwise_bytes: int = 0
    amounts: set[int] = field(default_factory=set)
    uncounted: Counter[str] = field(default_factory=Counter)

    @classmethod
    def total(cls, tallies: Iterable["Tally"]) -> "Tally":
        """Return what was counted in several scopes together."""
        total = cls()
        for tally in tallies:
            total.flop += tally.flop
            total.torch_flop += tally.torch_flop
            total.read_bytes += tally.read_bytes
            total.written_bytes += tally.written_bytes
            total.elementwise_bytes += tally.elementwise_bytes
            total.amounts |= tally.amounts
            total.uncounted += tally.uncounted
        return total


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is known of an operation apart from its arguments."""

    formula: Any
    decomposes: bool
    in_place: bool
    replayable: bool
    uncounted: str | None
    traffic: Traffic


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What an operation made of its arguments: its cost, and the shapes, strides and types of its results."""

    flop: int
    torch_flop: int
    read_bytes: int
    written_bytes: int
    results: tuple[tuple[Any, Any, Any] | None, ...]
    single: bool


_memory: dict[Any, _Outcome] = {}


class OperationCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While active, runs and counts operations on meta tensors.

    An operation's kernel for the meta device takes 50 to 500 µs, for it is written in Python. Networks repeat their
    layers, so what an operation returns for arguments of the same shapes is remembered and made anew in 10 µs.

    Args:
        batch: Inputs in a batch: a prime that divides no size of a weight, so that a tensor that holds something for
            each input is known by its number of elements.

    Attributes:
        scope: What the operations are booked under; free to be changed at any time.
    """

    def __init__(self, batch: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.scope: Hashable = ""
        self._batch = batch
        self._tallies: defaultdict[Hashable, Tally] = defaultdict(Tally)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Nothing here is compiled, and wrapping against it would import torch's compiler: a second in each process.
        return False

    def take(self) -> defaultdict[Hashable, Tally]:
        """Return what was counted since the last call, by scope."""
        tallies, self._tallies = self._tallies, defaultdict(Tally)
        return tallies

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        kind = _kind(func)
        if kind.decomposes:
            with self:
                return func.decompose(*args, **kwargs)
        key = self._key(func, args, kwargs) if kind.replayable else None
        outcome = _memory.get(key) if key is not None else None
        if outcome is not None:
            result = args[0] if kind.in_place else _rebuild(outcome)
        else:
            result = func(*args, **kwargs)
            outcome = self._observe(kind, func, args, kwargs, result)
            if key is not None and outcome.results is not _UNKNOWN:
                if len(_memory) >= MEMORY_LIMIT:
                    _memory.clear()
                _memory[key] = outcome
        self._book(kind, outcome)
        return result

    def _book(self, kind: _Kind, outcome: _Outcome) -> None:
        tally = self._tallies[self.scope]
        tally.read_bytes += outcome.read_bytes
        tally.written_bytes += outcome.written_bytes
        if kind.formula is None:
            tally.elementwise_bytes += outcome.read_bytes + outcome.written_bytes
        if outcome.flop:
            tally.flop += outcome.flop
            tally.torch_flop += outcome.torch_flop
            tally.amounts.add(outcome.flop)
        elif kind.uncounted:
            tally.uncounted[kind.uncounted] += 1

    def _key(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Return what an operation's outcome depends on, or None where that can't be said."""
        try:
            return func, self._batch, _describe(args), _describe(tuple(kwargs.items()))
        except TypeError:
            return None

    def _observe(
        self, kind: _Kind, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any
    ) -> _Outcome:
        flop = kind.formula(*args, **kwargs, out_val=result) if kind.formula else 0
        is_convolution = func is torch.ops.aten.convolution_backward.default
        overcounted = _overcounted(kind.formula, args, result) if is_convolution else 0
        read_bytes, written_bytes = kind.traffic.moved(args, kwargs, result, self._batch)
        single = not isinstance(result, tuple | list)
        results = [result] if single else result
        plain = all(value is None or type(value) in PLAIN_TENSORS for value in results)
        specs = tuple(
            None if value is None else (value.shape, value.stride(), value.dtype) for value in results
        ) if plain else _UNKNOWN  # fmt: skip
        return _Outcome(flop - overcounted, flop, read_bytes, written_bytes, specs, single)


_UNKNOWN: tuple[Any, ...] = (object(),)


@cache
def _kind(func: Any) -> _Kind:
    formula = flop_registry.get(func._overloadpacket)
    composite = torch._C.DispatchKey.CompositeImplicitAutograd
    decomposes = formula is None and (
        composite in func.py_kernels or torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), composite)
    )
    writes = [argument for argument in func._schema.arguments if argument.alias_info and argument.alias_info.is_write]
    in_place = torch.Tag.inplace in func.tags and len(writes) == 1 and writes[0] is func._schema.arguments[0]
    aliases = any(result.alias_info for result in func._schema.returns)
    return _Kind(
        formula=formula,
        decomposes=decomposes,
        in_place=in_place,
        replayable=in_place or not aliases,
        uncounted=None if formula or is_free(func) else str(func._overloadpacket).replace("aten.", ""),
        traffic=traffic_of(func),
    )


def _overcounted(formula: Any, args: tuple[Any, ...], result: Any) -> int:
    """Return how much of a convolution's backward FLOP is too much.

    torch's formula takes the weight gradient for that of a convolution without groups: `groups` times what is done.
    """
    groups, needs = args[9], args[10]
    if groups == 1 or not needs[1]:
        return 0
    weight_gradient: int = formula(*args[:10], [False, True, False], out_val=result)
    once: int = weight_gradient // groups
    return weight_gradient - once


def _rebuild(outcome: _Outcome) -> Any:
    results = [
        None if spec is None else torch.empty_strided(spec[0], spec[1], dtype=spec[2], device="meta")
        for spec in outcome.results
    ]
    return results[0] if outcome.single else tuple(results)


def _describe(values: Any) -> tuple[Any, ...]:
    described: list[Any] = []
    for value in values:
        kind = type(value)
        if kind in PLAIN_TENSORS and value.is_meta:
            described.append((value.shape, value.stride(), value.dtype))
        elif kind in PLAIN_VALUES:
            described.append((kind, value))
        elif kind in (tuple, list):
            described.append(_describe(value))
        else:
            raise TypeError
    return tuple(described)
