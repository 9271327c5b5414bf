"""Counts what a network costs: parameters, forward and backward FLOP of one training step.

The figures are those of torch's `FlopCounterMode`: its formulas, summed over the operations that a real forward and
backward pass dispatches on the meta device, where nothing is computed. This counter differs in speed alone: it tracks
modules only if asked, and remembers what an operation makes of its arguments' shapes.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.func import functional_call

from nassim.cost.dispatch import OperationCounter, Tally
from nassim.cost.layers import LayerTracker
from nassim.cost.profile import LayerCost, Profile
from nassim.errors import NassimError

BATCH = 1009
"""Inputs in the counted batch: a prime, so that what is not proportional to the batch shows in a remainder."""

OTHER_BATCH = 1013
"""Counted too, where the remainder leaves a doubt."""


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
    forward, backward, rows = _step(module, input_shape, dtype, BATCH, layers)
    totals = [_per_input(tally, BATCH) for tally in (forward, backward)]
    if None in totals:
        other = _step(module, input_shape, dtype, OTHER_BATCH, False)
        totals = [
            _compare(name, tally.flop, doubtful.flop)
            for name, tally, doubtful in zip(("forward", "backward"), (forward, backward), other[:2], strict=True)
        ]
    uncounted = Counter(forward.uncounted) + Counter(backward.uncounted)
    weights = [*module.parameters(), *module.buffers()]
    return Profile(
        params=sum(weight.numel() for weight in module.parameters() if weight.requires_grad),
        forward_flop=totals[0] or 0,
        backward_flop=totals[1] or 0,
        weight_bytes=sum(weight.numel() * weight.element_size() for weight in weights),
        overcounted_flop=backward.overcounted_flop // BATCH,
        uncounted=tuple(sorted(uncounted.items())),
        layers=tuple(rows),
    )


def _per_input(tally: Tally, batch: int) -> int | None:
    """Return the FLOP for one input; None where some operation may not be proportional to the batch."""
    for flop in tally.amounts:
        if flop % batch or (flop and flop // batch % batch == 0):
            return None
    return tally.flop // batch


def _compare(name: str, flop: int, other_flop: int) -> int:
    if flop * OTHER_BATCH != other_flop * BATCH:
        raise NassimError(
            f"the {name} pass of this network costs {flop:,} FLOP for {BATCH} inputs and {other_flop:,} for "
            f"{OTHER_BATCH}: not in proportion, so there is no cost of one input; products of weights alone, or "
            "between the inputs of a batch, can't be counted for one input"
        )
    return flop // BATCH


def _step(
    module: nn.Module, input_shape: Sequence[int], dtype: torch.dtype | None, batch: int, layers: bool
) -> tuple[Tally, Tally, list[LayerCost]]:
    """Run one training step on a batch and return what its forward and its backward pass counted."""
    if dtype is None:
        dtype = next((w.dtype for w in module.parameters() if w.dtype.is_floating_point), torch.float32)
    counter = OperationCounter()
    with _in_training(module), torch.inference_mode(False), torch.enable_grad():
        call = _on_meta(module)
        x = torch.empty((batch, *input_shape), dtype=dtype, device="meta")
        with LayerTracker(module, counter) if layers else nullcontext() as tracker:
            try:
                with counter:
                    output = call(x)
            except NassimError:
                raise
            except Exception as error:
                raise NassimError(
                    f"the network can't be run on inputs of shape {tuple(input_shape)} for counting: "
                    f"{type(error).__name__}: {error}"
                ) from error
            forward = counter.take()
            if not isinstance(output, Tensor):
                raise NassimError(f"a network returns one tensor, found {type(output).__name__}")
            if output.requires_grad:
                start = output.sum()
                with counter:
                    start.backward()  # type: ignore[no-untyped-call]
            backward = counter.take()
            rows = tracker.rows(forward, backward, batch) if tracker else []
    return forward, backward, rows


@contextmanager
def _in_training(module: nn.Module) -> Iterator[None]:
    modes = [(part, part.training) for part in module.modules()]
    module.train()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


def _on_meta(module: nn.Module) -> Callable[[Tensor], object]:
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
