"""Attributes costs to the layers of a network, in the forward and in the backward pass."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from types import TracebackType
from typing import Any

from torch import Tensor, nn
from torch.autograd.graph import Node
from torch.utils._pytree import tree_leaves
from torch.utils.hooks import RemovableHandle

from nassim.cost.dispatch import OperationCounter
from nassim.cost.profile import CalledOperation, LayerCost
from nassim.cost.tally import Tally, amounts

Scopes = Mapping[Hashable, Tally]
"""What was counted, by the path of the module that did it; nothing, where it is not known."""


def weigh(parameters: Iterable[Tensor], buffers: Iterable[Tensor]) -> tuple[int, int]:
    """Return how many of these parameters learn, and the bytes of all parameters and buffers."""
    parameters, buffers = tuple(parameters), tuple(buffers)
    learning = sum(weight.numel() for weight in parameters if weight.requires_grad)
    return learning, sum(weight.numel() * weight.element_size() for weight in (*parameters, *buffers))


class NodeScopes:
    """Books what nodes of the autograd graph do in the backward pass under the scopes to which they were given."""

    def __init__(self, counter: OperationCounter) -> None:
        self._counter = counter
        self._nodes: set[Node] = set()
        self._hooks: list[RemovableHandle] = []

    def claim(self, values: Iterable[Any], scope: Hashable) -> None:
        """Give the nodes behind these tensors that are no one's yet to a scope."""
        waiting = [value.grad_fn for value in values if isinstance(value, Tensor) and value.grad_fn is not None]
        while waiting:
            node = waiting.pop()
            if node in self._nodes:
                continue
            self._nodes.add(node)
            self._hooks.append(node.register_prehook(lambda _: setattr(self._counter, "scope", scope)))
            waiting += [earlier for earlier, _ in node.next_functions if earlier is not None]

    def release(self) -> None:
        """Leave the nodes alone from now on."""
        for hook in self._hooks:
            hook.remove()


class LayerTracker:
    """While active, sets a counter's scope to the innermost module that runs.

    A node of the autograd graph belongs to the module in whose forward pass it was made, and carries that scope into
    the backward pass.
    """

    def __init__(self, network: nn.Module, counter: OperationCounter) -> None:
        self._network = network
        self._counter = counter
        self._running: list[str] = []
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._nodes = NodeScopes(counter)
        self._hooks: list[RemovableHandle] = []

    def __enter__(self) -> "LayerTracker":
        for path, module in self._network.named_modules():
            self._hooks.append(module.register_forward_pre_hook(self._entering(path), with_kwargs=True))
            self._hooks.append(module.register_forward_hook(self._leaving(path), always_call=True))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for hook in self._hooks:
            hook.remove()
        self._nodes.release()

    def _entering(self, path: str) -> Any:
        def hook(module: nn.Module, args: Any, kwargs: Any) -> None:
            self._nodes.claim(tree_leaves((args, kwargs)), self._running[-1] if self._running else "")
            self._running.append(path)
            self._counter.scope = path
            self._shapes.setdefault(path, ())

        return hook

    def _leaving(self, path: str) -> Any:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            outputs = [value for value in tree_leaves(output) if isinstance(value, Tensor)]
            self._nodes.claim(outputs, path)
            self._shapes[path] = self._shapes[path] or tuple(outputs[0].shape[1:] if outputs else ())
            self._running.pop()
            self._counter.scope = self._running[-1] if self._running else ""

        return hook

    def rows(self, forward: Scopes, backward: Scopes, batch: int) -> list[LayerCost]:
        """Return the layers in the order in which they first ran.

        They are the modules without parts, and those with parts that also do something themselves or hold weights.
        """
        modules = dict(self._network.named_modules())
        weights = self._weights(modules)
        rows = []
        for path, shape in self._shapes.items():
            module, held = modules[path], weights[path]
            costs = amounts(weigh(*held), forward[path], backward[path], batch)
            row = LayerCost(
                name=path,
                kind=type(module).__name__,
                output_shape=shape,
                **costs,
                operations=_called(forward[path], costs, batch),
            )
            if forward[path].calls or backward[path].calls or any(held) or not any(module.children()):
                rows.append(row)
        return rows

    def _weights(self, modules: Mapping[str, nn.Module]) -> Mapping[str, tuple[list[Tensor], list[Tensor]]]:
        """Return the parameters and the buffers that are booked under each module, each once."""
        booked: set[int] = set()
        weights: defaultdict[str, tuple[list[Tensor], list[Tensor]]] = defaultdict(lambda: ([], []))
        for path, module in modules.items():
            while path not in self._shapes:
                path = path.rpartition(".")[0]
            for kept, held in zip(weights[path], (module.parameters, module.buffers), strict=True):
                kept += [weight for weight in held(recurse=False) if id(weight) not in booked]
                booked |= {id(weight) for weight in kept}
        return weights


def _called(forward: Tally, costs: Mapping[str, int], batch: int) -> tuple[CalledOperation, ...]:
    return tuple(
        CalledOperation(
            name=cost.operation,
            flop=cost.flop // batch,
            read_bytes=cost.read_bytes // batch,
            written_bytes=cost.written_bytes // batch,
            weight_bytes=cost.weight_bytes,
            backward_flop=costs["backward_flop"] * (cost.flop // batch) // costs["forward_flop"] if cost.flop else 0,
            shape=cost.shape,
            calls=calls,
        )
        for cost, calls in forward.calls.items()
    )
