"""Counts what a network costs: parameters, FLOP and bytes moved of one training step.

A real forward and backward pass is run on the meta device, where nothing is computed, and each operation that it
dispatches is counted by a formula on the shapes of its arguments (`nassim.cost.formulas`, `nassim.cost.elementwise`).
torch's own formulas, those of its `FlopCounterMode`, are summed beside.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from nassim.cost.dispatch import OperationCounter
from nassim.cost.layers import LayerTracker, Scopes, weigh
from nassim.cost.profile import Difference, Profile
from nassim.cost.tally import Tally, amounts
from nassim.errors import NassimError

BATCHES = (1009, 1013, 1019, 1021, 1031, 1033, 1039, 1049, 1051, 1061, 1063, 1069)
"""Inputs in the counted batch: primes, so that what is not proportional to the batch shows in a remainder."""


def count(
    module: nn.Module, input_shape: Sequence[int], *, layers: bool = False, dtype: torch.dtype | None = None
) -> Profile:
    """Count a network by one training step on the meta device. The network is left as it was.

    The backward pass starts at the sum of the outputs. The input takes no gradient, as in training, so neither does the
    first layer's.

    Args:
        module: Any network from one tensor to one tensor, on any device.
        input_shape: Shape of one input, without the batch dimension.
        layers: Break the counts down by layer, which takes longer.
        dtype: Of the input; the type of the network's floating-point weights unless given.

    Raises:
        NassimError: The network can't take such an input, doesn't return a tensor, or costs for a batch of n other than
            n times as much as for one input.
    """
    batch, other_batch = batches(module, input_shape)
    counter = OperationCounter(batch)
    tracker = LayerTracker(module, counter) if layers else None
    scopes = run_step(module, input_shape, dtype, counter, tracker or nullcontext())
    forward, backward = (Tally.total(tallies.values()) for tallies in scopes)
    if not (forward.in_proportion and backward.in_proportion):
        others = run_step(module, input_shape, dtype, OperationCounter(other_batch), nullcontext())
        for name, tally, other in zip(("forward", "backward"), (forward, backward), others, strict=True):
            _compare(name, (tally, batch), (Tally.total(other.values()), other_batch))
    return Profile(
        **amounts(weigh(module.parameters(), module.buffers()), forward, backward, batch),
        uncounted=tuple(sorted((forward.uncounted + backward.uncounted).items())),
        layers=tuple(tracker.rows(*scopes, batch)) if tracker else (),
        differences=_differences(Tally.total((forward, backward)), batch) if layers else (),
    )


def _differences(tally: Tally, batch: int) -> tuple[Difference, ...]:
    return tuple(
        Difference(name, flop // batch, by_torch // batch) for name, (flop, by_torch) in tally.differences.items()
    )


def batches(module: nn.Module, input_shape: Sequence[int]) -> tuple[int, int]:
    """Return two sizes of a batch, primes that divide no size of the network's weights or of its input.

    Raises:
        NassimError: There are none, or a layer has no sizes yet.
    """
    if any(is_lazy(weight) for weight in (*module.parameters(), *module.buffers())):
        raise NassimError(
            "this network has lazy layers, whose sizes are unknown until it runs; give their sizes, or run it once"
        )
    sizes = {size for weight in (*module.parameters(), *module.buffers()) for size in weight.shape} | {*input_shape}
    fitting = [batch for batch in BATCHES if all(size % batch for size in sizes)]
    if len(fitting) < 2:
        raise NassimError(
            f"the sizes of this network's layers are multiples of the primes {', '.join(map(str, BATCHES))}, of which "
            "two must be free to tell inputs from weights"
        )
    return fitting[0], fitting[1]


def _compare(name: str, one: tuple[Tally, int], other: tuple[Tally, int]) -> None:
    """Refuse operations of two batches, each given with the batch's size, that are not in proportion."""
    for amount, unit in (("flop", "FLOP"), ("torch_flop", "FLOP by torch"), ("elementwise_flop", "operations")):
        costs = [(tally.sums()[amount], batch) for tally, batch in (one, other)]
        if costs[0][0] * costs[1][1] != costs[1][0] * costs[0][1]:
            raise NassimError(
                f"the {name} pass of this network costs {costs[0][0]:,} {unit} for {costs[0][1]} inputs and "
                f"{costs[1][0]:,} for {costs[1][1]}: not in proportion, so there is no cost of one input; what is "
                "computed between the inputs of a batch can't be counted for one input"
            )


def run_step(
    module: nn.Module,
    input_shape: Sequence[int],
    dtype: torch.dtype | None,
    counter: OperationCounter,
    tracker: AbstractContextManager[Any],
) -> tuple[Scopes, Scopes]:
    """Run one training step on a batch of the counter's and return what its forward and its backward pass counted.

    Args:
        module: The network.
        input_shape: Shape of one input.
        dtype: Of the input; the type of the network's floating-point weights if None.
        counter: Counts the operations.
        tracker: Sets the counter's scope; is active for the whole step.

    Raises:
        NassimError: The network can't be run, or doesn't return a tensor.
    """
    with torch.inference_mode(False), torch.enable_grad(), in_training(module), on_meta(module), tracker:
        x = torch.empty((counter.batch, *input_shape), dtype=dtype or input_type(module), device="meta")
        with failing_well(input_shape), counter:
            output = module(x)
        forward = counter.take()
        if not isinstance(output, Tensor):
            raise NassimError(f"a network returns one tensor, found {type(output).__name__}")
        if output.requires_grad:
            start = output.sum()
            with failing_well(input_shape), counter:
                start.backward()  # type: ignore[no-untyped-call]
        return forward, counter.take()


@contextmanager
def failing_well(input_shape: Sequence[int]) -> Iterator[None]:
    """Tell in one message what a network fails of."""
    try:
        yield
    except NassimError:
        raise
    except Exception as error:
        raise NassimError(
            f"the network can't be run on inputs of shape {tuple(input_shape)} for counting: "
            f"{type(error).__name__}: {error}"
        ) from error


def input_type(module: nn.Module) -> torch.dtype:
    """Return the type of a network's floating-point weights, which its inputs have as well."""
    return next((weight.dtype for weight in module.parameters() if weight.dtype.is_floating_point), torch.float32)


@contextmanager
def in_training(module: nn.Module) -> Iterator[None]:
    """Put a network into training mode for a while."""
    modes = [(part, part.training) for part in module.modules()]
    module.train()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


@contextmanager
def on_meta(module: nn.Module) -> Iterator[None]:
    """Give a network weights on the meta device for a while: also for what a backward pass runs once more."""
    kept = [
        (held, name, weight)
        for part in module.modules()
        for held in (part._parameters, part._buffers)
        for name, weight in held.items()
        if weight is not None
    ]
    copies = {id(weight): _like_on_meta(weight) for _, _, weight in kept}
    try:
        for held, name, weight in kept:
            held[name] = copies[id(weight)]  # type: ignore[assignment]
        yield
    finally:
        for held, name, weight in kept:
            held[name] = weight  # type: ignore[assignment]


def _like_on_meta(weight: Tensor) -> Tensor:
    return torch.empty_strided(
        weight.shape, weight.stride(), dtype=weight.dtype, device="meta", requires_grad=weight.requires_grad
    )
