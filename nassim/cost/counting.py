"""Counts what a network costs: parameters, FLOP and bytes moved of one training step.

The FLOP are those of torch's `FlopCounterMode`: its formulas, summed over the operations that a real forward and
backward pass dispatches on the meta device, where nothing is computed. This counter differs in speed alone: it tracks
modules only if asked, and remembers what an operation makes of its arguments' shapes.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.parameter import is_lazy

from nassim.cost.dispatch import OperationCounter, Tally
from nassim.cost.layers import LayerTracker, weigh
from nassim.cost.profile import LayerCost, Profile
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
    forward, backward, rows = _step(module, input_shape, dtype, batch, layers)
    flop = [per_input(tally, batch) for tally in (forward, backward)]
    if None in flop:
        other = _step(module, input_shape, dtype, other_batch, False)
        for name, tally, doubtful in zip(("forward", "backward"), (forward, backward), other[:2], strict=True):
            _compare(name, (tally.flop, batch), (doubtful.flop, other_batch))
    params, weight_bytes = weigh(module.parameters(), module.buffers())
    return Profile(
        params=params,
        forward_flop=forward.flop // batch,
        backward_flop=backward.flop // batch,
        weight_bytes=weight_bytes,
        torch_forward_flop=forward.torch_flop // batch,
        torch_backward_flop=backward.torch_flop // batch,
        read_bytes=forward.read_bytes // batch,
        written_bytes=forward.written_bytes // batch,
        elementwise_bytes=forward.elementwise_bytes // batch,
        backward_read_bytes=backward.read_bytes // batch,
        backward_written_bytes=backward.written_bytes // batch,
        backward_elementwise_bytes=backward.elementwise_bytes // batch,
        uncounted=tuple(sorted((forward.uncounted + backward.uncounted).items())),
        layers=tuple(rows),
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


def per_input(tally: Tally, batch: int) -> int | None:
    """Return the FLOP for one input; None where some operation may not be proportional to the batch."""
    for flop in tally.amounts:
        if flop % batch or (flop and flop // batch % batch == 0):
            return None
    return tally.flop // batch


def _compare(name: str, one: tuple[int, int], other: tuple[int, int]) -> None:
    """Refuse FLOP of two batches, each given with the batch's size, that are not in proportion."""
    if one[0] * other[1] != other[0] * one[1]:
        raise NassimError(
            f"the {name} pass of this network costs {one[0]:,} FLOP for {one[1]} inputs and {other[0]:,} for "
            f"{other[1]}: not in proportion, so there is no cost of one input; products of weights alone, or "
            "between the inputs of a batch, can't be counted for one input"
        )


def _step(
    module: nn.Module, input_shape: Sequence[int], dtype: torch.dtype | None, batch: int, layers: bool
) -> tuple[Tally, Tally, list[LayerCost]]:
    """Run one training step on a batch and return what its forward and its backward pass counted."""
    if dtype is None:
        dtype = input_type(module)
    counter = OperationCounter(batch)
    with in_training(module), torch.inference_mode(False), torch.enable_grad():
        call = on_meta(module)
        x = torch.empty((batch, *input_shape), dtype=dtype, device="meta")
        with LayerTracker(module, counter) if layers else nullcontext() as tracker:
            with failing_well(input_shape), counter:
                output = call(x)
            forward = counter.take()
            if not isinstance(output, Tensor):
                raise NassimError(f"a network returns one tensor, found {type(output).__name__}")
            if output.requires_grad:
                start = output.sum()
                with failing_well(input_shape), counter:
                    start.backward()  # type: ignore[no-untyped-call]
            backward = counter.take()
            rows = tracker.rows(forward, backward, batch) if tracker else []
    return Tally.total(forward.values()), Tally.total(backward.values()), rows


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


def on_meta(module: nn.Module) -> Callable[[Tensor], object]:
    """Return the network as a function on the meta device, with weights and gradients of its own."""
    parameters = {
        name: torch.empty_strided(
            tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta", requires_grad=tensor.requires_grad
        )
        for name, tensor in module.named_parameters()
    }
    buffers = {
        name: torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
        for name, tensor in module.named_buffers()
    }
    return lambda x: functional_call(module, {**parameters, **buffers}, (x,))
