"""Tally: which operations were called, and what that comes to."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from nassim.cost.profile import AMOUNTS
from nassim.cost.shape import ContractionShape

PER_CALL = ("flop", "torch_flop", "elementwise_flop", "read_bytes", "written_bytes", "elementwise_bytes")
"""The amounts of an OperationCost."""


@dataclass(frozen=True, slots=True, eq=False)
class OperationCost:
    """What one call of an operation costs, for the whole batch. Calls that are alike share one object.

    Attributes:
        operation: Name of the operation.
        flop: FLOP of a contraction, as performed.
        torch_flop: What torch's formulas make of them.
        elementwise_flop: Operations that are no contraction's.
        read_bytes: Bytes of activations read.
        written_bytes: Bytes of activations written.
        elementwise_bytes: Both, of what is no contraction.
        uncounted: Name to report where nothing is known of the operation; else None.
        in_proportion: Whether the operations are surely in proportion to the batch.
        weight_bytes: Bytes read that do not grow with the batch.
        shape: Of a convolution or a product of matrices.
    """

    operation: str
    flop: int
    torch_flop: int
    elementwise_flop: int
    read_bytes: int
    written_bytes: int
    elementwise_bytes: int
    uncounted: str | None
    in_proportion: bool
    weight_bytes: int = 0
    shape: ContractionShape | None = None

    def __bool__(self) -> bool:
        return bool(self.uncounted) or any(getattr(self, name) for name in PER_CALL)


@dataclass(slots=True)
class Tally:
    """Calls of operations in one scope, by what they cost."""

    calls: Counter[OperationCost] = field(default_factory=Counter)

    @classmethod
    def total(cls, tallies: Iterable["Tally"]) -> "Tally":
        """Return the calls of several scopes together."""
        calls: Counter[OperationCost] = Counter()
        for tally in tallies:
            calls.update(tally.calls)
        return cls(calls)

    def sums(self) -> dict[str, int]:
        """Return the amounts of all calls together, for the whole batch."""
        sums = dict.fromkeys(PER_CALL, 0)
        for cost, calls in self.calls.items():
            for name in PER_CALL:
                sums[name] += calls * getattr(cost, name)
        return sums

    @property
    def in_proportion(self) -> bool:
        """Whether each call surely costs in proportion to the batch."""
        return all(cost.in_proportion for cost in self.calls)

    @property
    def uncounted(self) -> Counter[str]:
        """The operations of which nothing is known, with the number of calls."""
        names: Counter[str] = Counter()
        for cost, calls in self.calls.items():
            if cost.uncounted:
                names[cost.uncounted] += calls
        return names

    @property
    def differences(self) -> dict[str, tuple[int, int]]:
        """The operations of which torch's FLOP are others, with both figures."""
        found: dict[str, tuple[int, int]] = {}
        for cost, calls in self.calls.items():
            if cost.flop != cost.torch_flop:
                flop, torch_flop = found.get(cost.operation, (0, 0))
                found[cost.operation] = flop + cost.flop * calls, torch_flop + cost.torch_flop * calls
        return found


def amounts(weights: tuple[int, int], forward: Tally, backward: Tally, batch: int) -> dict[str, int]:
    """Return the amounts of a Profile for one input, by name and in their order.

    Args:
        weights: How many parameters there are, and the bytes of parameters and buffers.
        forward: What the forward pass called.
        backward: What the backward pass called.
        batch: Inputs in the batch.
    """
    ahead, back = forward.sums(), backward.sums()
    found = {
        "params": weights[0] * batch,
        "weight_bytes": weights[1] * batch,
        "forward_flop": ahead.pop("flop"),
        "torch_forward_flop": ahead.pop("torch_flop"),
        "backward_flop": back.pop("flop"),
        "torch_backward_flop": back.pop("torch_flop"),
        **ahead,
        **{f"backward_{name}": amount for name, amount in back.items()},
    }
    return {name: found[name] // batch for name in AMOUNTS}
