"""How many bytes of activations an operation reads and writes: each argument once, each result once."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from nassim.cost.movement import CREATION

OVERWRITES = {
    "copy_", "zero_", "fill_", "set_", "bernoulli_", "uniform_", "normal_", "random_", "exponential_", "geometric_",
    "cauchy_", "log_normal_",
}  # fmt: skip
"""Write their first argument without reading it."""

RELABELS = {
    "_unsafe_view", "_reshape_alias", "lift_fresh", "detach", "alias", "set_", "is_same_size", "unsafe_split",
    "unsafe_split_with_sizes",
}  # fmt: skip
"""Give the same memory another shape or name."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What an operation does to memory.

    Attributes:
        unread: Positions of arguments of which it needs the shape alone.
        reads: Whether it reads its other arguments.
        writes: Whether it writes its results.
    """

    unread: frozenset[int] = frozenset()
    reads: bool = True
    writes: bool = True

    def moved(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any, batch: int) -> tuple[int, int, int]:
        """Return the bytes of activations that one call reads and writes, for the whole batch, and of weights it reads.

        Args:
            args: Positional arguments of the call.
            kwargs: Named arguments of the call.
            result: What it returned.
            batch: A prime: tensors whose number of elements it divides hold something for each input.
        """
        arguments = [value for position, value in enumerate(args) if position not in self.unread]
        read, weights = _sizes((*arguments, *kwargs.values()), batch) if self.reads else (0, 0)
        return read, _sizes((result,), batch)[0] if self.writes else 0, weights


NO_TRAFFIC = Traffic(reads=False, writes=False)


def traffic_of(operation: torch._ops.OpOverload) -> Traffic:
    """Return what an operation does to memory, by its schema and name."""
    name = operation._schema.name.split("::")[1]
    views = operation.is_view or any(
        result.alias_info and not result.alias_info.is_write for result in operation._schema.returns
    )
    if views or torch.Tag.inplace_view in operation.tags or name in RELABELS or "empty" in name:
        return NO_TRAFFIC
    if name in OVERWRITES:
        return Traffic(unread=frozenset({0}))
    if name in CREATION:
        return Traffic(reads=False)
    if "pool" in name and name.endswith("_backward"):
        return Traffic(unread=frozenset({1}))
    return Traffic()


def _sizes(values: Iterable[Any], batch: int) -> tuple[int, int]:
    """Return the bytes of the tensors that grow with the batch, and of those that don't."""
    growing = rest = 0
    for tensor in _tensors(values):
        size = tensor.numel() * tensor.element_size()
        growing, rest = (growing, rest + size) if tensor.numel() % batch else (growing + size, rest)
    return growing, rest


def _tensors(values: Iterable[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, tuple | list):
            yield from _tensors(value)
