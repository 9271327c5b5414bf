"""Attributes costs to the calls of a network: each call of a function of torch, with its backward pass."""

from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves
from torch.utils.hooks import RemovableHandle

from nassim.cost.counting import batches, run_step
from nassim.cost.dispatch import OperationCounter
from nassim.cost.layers import NodeScopes, weigh
from nassim.cost.tally import Tally, amounts
from nassim.errors import NassimError


class CallSite(NamedTuple):
    """A call of a function of torch, or the weights of a module.

    Attributes:
        label: What the module that makes it is known by in networks that differ.
        what: The function, or whose weights.
        place: Which of those with this label it is.
    """

    label: frozenset[str]
    what: str
    place: int


CallCost = tuple[tuple[int, ...], tuple[tuple[str, int], ...]]
"""The amounts of a Profile in their order, and the operations that can't be counted."""


class CallTracker(TorchFunctionMode):
    """While active, sets a counter's scope to the call that runs: its label, the function, and which of these it is.

    A node of the autograd graph belongs to the call that made it, and carries its scope into the backward pass.

    Args:
        network: The network that runs.
        counter: Counts its operations.
        labels: Of modules by their paths. The calls of others have the label of the call before.
    """

    def __init__(self, network: nn.Module, counter: OperationCounter, labels: Mapping[str, frozenset[str]]) -> None:
        super().__init__()
        self._labels = labels
        self._label: frozenset[str] = frozenset()
        self._paths = {module: path for path, module in network.named_modules()}
        self._counter = counter
        self._counter.scope = CallSite(frozenset(), "", 0)
        self._running: list[str] = []
        self._calls: Counter[tuple[frozenset[str], str]] = Counter()
        self._nodes = NodeScopes(counter)
        self._hooks: list[RemovableHandle] = []

    def __enter__(self) -> "CallTracker":
        self._hooks.append(nn.modules.module.register_module_forward_pre_hook(self._entering))
        self._hooks.append(nn.modules.module.register_module_forward_hook(self._leaving, always_call=True))
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, traceback)  # type: ignore[no-untyped-call]
        for hook in self._hooks:
            hook.remove()
        self._nodes.release()

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if self._running:
            self._label = self._labels.get(self._running[-1], self._label)
        call = self._label, getattr(func, "__name__", "")
        self._calls[call] += 1
        outer, self._counter.scope = self._counter.scope, CallSite(*call, self._calls[call])
        try:
            result = func(*args, **(kwargs or {}))
            self._nodes.claim(tree_leaves(result), self._counter.scope)
        finally:
            self._counter.scope = outer
        return result

    def _entering(self, module: nn.Module, args: Any) -> None:
        self._running.append(self._paths.get(module, ""))

    def _leaving(self, module: nn.Module, args: Any, output: Any) -> None:
        self._running.pop()


def count_calls(
    network: nn.Module, input_shape: Sequence[int], labels: Mapping[str, frozenset[str]]
) -> dict[CallSite, CallCost]:
    """Return what each call of a network costs for one input, and what the weights of each module amount to.

    Over all of them each amount adds up to that of `nassim.cost.counting.count`, however they are labelled.

    Args:
        network: The network.
        input_shape: Shape of one input, without the batch dimension.
        labels: Of modules by their paths, such that calls of one label are alike in networks that differ.

    Raises:
        NassimError: As `count`, or the network may cost other than in proportion to the batch.
    """
    batch = batches(network, input_shape)[0]
    counter = OperationCounter(batch)
    tracker = CallTracker(network, counter, labels)
    forward, backward = run_step(network, input_shape, None, counter, tracker)
    nothing = Tally()
    costs = {
        call: _cost((0, 0), forward.get(call, nothing), backward.get(call, nothing), batch)
        for call in {**forward, **backward}
        if isinstance(call, CallSite)
    }
    places: Counter[tuple[frozenset[str], str]] = Counter()
    for path, weights in _weights(network).items():
        module = labels.get(path, frozenset()), f"weights of {type(network.get_submodule(path)).__name__}"
        places[module] += 1
        costs[CallSite(*module, places[module])] = _cost(weigh(*weights), nothing, nothing, batch)
    return costs


def _cost(weights: tuple[int, int], forward: Tally, backward: Tally, batch: int) -> CallCost:
    if not (forward.in_proportion and backward.in_proportion):
        raise NassimError("an operation of this network may cost other than in proportion to the batch")
    uncounted = forward.uncounted + backward.uncounted
    return tuple(amounts(weights, forward, backward, batch).values()), tuple(sorted(uncounted.items()))


def _weights(network: nn.Module) -> dict[str, tuple[list[Tensor], list[Tensor]]]:
    """Return the parameters and the buffers of each module, each under the first that holds it."""
    booked: set[int] = set()
    weights: dict[str, tuple[list[Tensor], list[Tensor]]] = {}
    for path, module in network.named_modules():
        parameters, buffers = (
            [weight for weight in held(recurse=False) if id(weight) not in booked]
            for held in (module.parameters, module.buffers)
        )
        if parameters or buffers:
            weights[path] = parameters, buffers
            booked.update(map(id, (*parameters, *buffers)))
    return weights
