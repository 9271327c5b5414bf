"""Counts the operations that torch dispatches to the meta device, and remembers what each costs and returns."""

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from nassim.cost.operations import Operation, read_operation
from nassim.cost.tally import OperationCost, Tally

MEMORY_LIMIT = 50_000
"""Remembered operations, by arguments, after which memory starts anew."""

PLAIN_TENSORS = (Tensor, nn.Parameter)
PLAIN_VALUES = (int, float, bool, str, torch.dtype, torch.device, torch.layout, torch.memory_format, type(None))


@dataclass(frozen=True, slots=True)
class _Kind:
    """How an operation is run.

    Attributes:
        operation: What it costs.
        decomposes: Into others, which are counted instead.
        in_place: It returns its first argument.
        replayable: Its results can be made anew from their shapes.
    """

    operation: Operation
    decomposes: bool
    in_place: bool
    replayable: bool


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What an operation made of its arguments.

    Attributes:
        cost: None for what costs nothing.
        results: Shapes, strides and types of its results.
        single: Whether it returns a tensor, not several.
    """

    cost: OperationCost | None
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
        batch: The same.
        scope: What the operations are booked under; free to be changed at any time.
        fuses_attention: Told to `nassim.cost.attention`.
    """

    fuses_attention = True

    def __init__(self, batch: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.scope: Hashable = ""
        self.batch = batch
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
        if not kind.replayable:
            result = func(*args, **kwargs)
            self._book(kind.operation.cost(args, kwargs, result, self.batch))
            return result
        key = self._key(kind, func, args, kwargs)
        outcome = _memory.get(key)
        if outcome is not None:
            result = args[0] if kind.in_place else _rebuild(outcome)
        else:
            result = func(*args, **kwargs)
            outcome = _Outcome(kind.operation.cost(args, kwargs, result, self.batch), *_forms(result))
            reshaped = kind.in_place and key is not None and outcome.results[0] != key[2][0]
            if key is not None and outcome.results is not _UNKNOWN and not reshaped:
                if len(_memory) >= MEMORY_LIMIT:
                    _memory.clear()
                _memory[key] = outcome
        self._book(outcome.cost)
        return result

    def _book(self, cost: OperationCost | None) -> None:
        if cost is not None:
            self._tallies[self.scope].calls[cost] += 1

    def _key(self, kind: _Kind, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Return what an operation's outcome depends on, or None where that can't be said."""
        try:
            described = func, self.batch, _describe(args), _describe(tuple(kwargs.items()))
        except TypeError:
            return None
        if kind.operation.by_gradients:
            return described, tuple(isinstance(value, Tensor) and value.requires_grad for value in args)
        return described


_UNKNOWN: tuple[Any, ...] = (object(),)


@cache
def _kind(func: Any) -> _Kind:
    composite = torch._C.DispatchKey.CompositeImplicitAutograd
    decomposes = func._overloadpacket not in flop_registry and (
        composite in func.py_kernels or torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), composite)
    )
    writes = [argument for argument in func._schema.arguments if argument.alias_info and argument.alias_info.is_write]
    in_place = torch.Tag.inplace in func.tags and len(writes) == 1 and writes[0] is func._schema.arguments[0]
    aliases = any(result.alias_info for result in func._schema.returns)
    return _Kind(read_operation(func), decomposes, in_place, in_place or not aliases)


def _forms(result: Any) -> tuple[tuple[Any, ...], bool]:
    """Return shapes, strides and types of what an operation returns, and whether it is one tensor."""
    single = not isinstance(result, tuple | list)
    results = [result] if single else result
    if not all(value is None or (type(value) in PLAIN_TENSORS and value.is_meta) for value in results):
        return _UNKNOWN, single
    return tuple(None if value is None else (value.shape, value.stride(), value.dtype) for value in results), single


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
