"""What is known of each operation of torch: how its FLOP, its other operations and its bytes are counted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_any
from torch.utils.flop_counter import flop_registry

from nassim.cost import factorisations, rules  # noqa: F401 both register what they hold
from nassim.cost.attention import TORCH_FORMULAS
from nassim.cost.elementwise import Call, Rule, elementwise_flop, rule_of
from nassim.cost.formulas import FORMULAS, performed_flop
from nassim.cost.movement import only_moves
from nassim.cost.shape import shape_of
from nassim.cost.tally import OperationCost
from nassim.cost.traffic import NO_TRAFFIC, Traffic, traffic_of


@dataclass(frozen=True, slots=True)
class Operation:
    """What is known of an operation apart from its arguments.

    Attributes:
        name: As in its schema, without `aten::`, and without the underscore of what works in place.
        performed: Whether there is a formula for the FLOP that it performs.
        by_torch: torch's own formula, if there is one.
        by_gradients: Whether torch's formula depends on which arguments require gradients.
        rule: What counts its other operations, if they are known.
        traffic: What it does to memory.
        known: Whether nothing of it goes uncounted.
    """

    name: str
    performed: bool
    by_torch: Callable[..., int] | None
    by_gradients: bool
    rule: Rule | None
    traffic: Traffic
    known: bool

    def cost(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any, batch: int) -> OperationCost | None:
        """Return what a call costs; None for what costs nothing.

        Args:
            args: Positional arguments of the call.
            kwargs: Named arguments of the call.
            result: What it returned.
            batch: Inputs in the batch, a prime.
        """
        if self.free:
            return None
        flop, torch_flop, elementwise, uncounted = 0, 0, 0, None if self.known else self.name.replace("::", ".")
        contracts = self.performed or self.by_torch is not None
        if contracts and not tree_any(lambda value: _grows(value, batch), (args, kwargs, result)):
            uncounted = f"{self.name}_of_weights"
        elif contracts:
            torch_flop = self.by_torch(*args, **kwargs, out_val=result) if self.by_torch else 0
            flop = performed_flop(self.name, args, kwargs, result) if self.performed else torch_flop
        if self.rule:
            elementwise = elementwise_flop(self.rule, Call(self.name, args, kwargs, result, batch))
        read, written, weights = self.traffic.moved(args, kwargs, result, batch)
        cost = OperationCost(
            operation=self.name,
            flop=flop,
            torch_flop=torch_flop,
            elementwise_flop=elementwise,
            read_bytes=read,
            written_bytes=written,
            elementwise_bytes=0 if contracts else read + written,
            uncounted=uncounted,
            in_proportion=all(_proportional(amount, batch) for amount in (flop, torch_flop, elementwise)),
            weight_bytes=weights,
            shape=shape_of(self.name, args, kwargs) if flop else None,
        )
        return cost if cost else None

    @property
    def free(self) -> bool:
        """Whether no call of it costs anything: it views, or names."""
        return self.known and self.traffic is NO_TRAFFIC and not (self.performed or self.by_torch or self.rule)


def _proportional(flop: int, batch: int) -> bool:
    """Say whether an amount of a batch is a multiple of it, and not of its square, which products of inputs may be."""
    return flop % batch == 0 and (flop == 0 or flop // batch % batch != 0)


def _grows(value: Any, batch: int) -> bool:
    return isinstance(value, Tensor) and value.numel() % batch == 0


@cache
def read_operation(function: torch._ops.OpOverload) -> Operation:
    """Return what is known of an operation."""
    name = _name(function)
    by_torch = TORCH_FORMULAS.get(name) or flop_registry.get(function._overloadpacket)
    moves, performed = only_moves(name, function), name in FORMULAS
    rule = None if moves else rule_of(name, function)
    return Operation(
        name=name,
        performed=performed,
        by_torch=by_torch,
        by_gradients=name in TORCH_FORMULAS,
        rule=rule,
        traffic=traffic_of(function),
        known=performed or by_torch is not None or rule is not None or moves,
    )


def _name(function: torch._ops.OpOverload) -> str:
    name = function._schema.name.removeprefix("aten::")
    return name[:-1] if name.endswith("_") and not name.endswith("__") else name
