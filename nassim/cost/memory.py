"""The memory that training a network holds when its backward pass begins.

It is no sum over the parts of a network: a tensor that two layers keep for their gradients is held once. So it is
counted for each network, and no part of a Profile.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from nassim.cost.counting import batches, failing_well, in_training, input_type, on_meta
from nassim.cost.dispatch import OperationCounter


@dataclass(frozen=True, slots=True)
class TrainingMemory:
    """Bytes held at the peak of a training step, when the forward pass has ended.

    Attributes:
        saved_bytes: Of tensors that the forward pass of one input leaves for the backward pass, the input included
            where a layer keeps it. Each piece of memory once; weights, and what doesn't grow with the batch, apart.
        weight_bytes: Of parameters and buffers.
        gradient_bytes: Of the gradients of all parameters that learn.
    """

    saved_bytes: int
    weight_bytes: int
    gradient_bytes: int

    def peak_bytes(self, batch: int, optimizer_states: int = 0) -> int:
        """Return the bytes held while a batch is trained on.

        What an operation needs for itself while it runs, the loss, and what the framework keeps in reserve come on top.

        Args:
            batch: Inputs in a batch.
            optimizer_states: What the optimiser keeps for each parameter: 0 for SGD, 1 with momentum, 2 for Adam.
        """
        return batch * self.saved_bytes + self.weight_bytes + (1 + optimizer_states) * self.gradient_bytes


def count_training_memory(module: nn.Module, input_shape: Sequence[int]) -> TrainingMemory:
    """Count what autograd keeps of one forward pass on the meta device. The network is left as it was.

    Args:
        module: Any network from one tensor to one tensor, on any device.
        input_shape: Shape of one input, without the batch dimension.

    Raises:
        NassimError: The network can't take such an input.
    """
    batch, _ = batches(module, input_shape)
    saved: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        saved.append(tensor)
        return tensor

    with torch.inference_mode(False), torch.enable_grad(), in_training(module), on_meta(module):
        x = torch.empty((batch, *input_shape), dtype=input_type(module), device="meta")
        with failing_well(input_shape), saved_tensors_hooks(keep, lambda tensor: tensor), OperationCounter(batch):
            module(x)
    learning = [weight for weight in module.parameters() if weight.requires_grad]
    return TrainingMemory(
        saved_bytes=_distinct_bytes(saved, batch) // batch,
        weight_bytes=sum(w.numel() * w.element_size() for w in (*module.parameters(), *module.buffers())),
        gradient_bytes=sum(weight.numel() * weight.element_size() for weight in learning),
    )


def _distinct_bytes(tensors: Sequence[Tensor], batch: int) -> int:
    """Return the bytes of the memory behind tensors that grow with the batch, each piece once."""
    storages = {storage._cdata: storage for storage in (tensor.untyped_storage() for tensor in tensors)}
    return sum(storage.nbytes() for storage in storages.values() if storage.nbytes() % batch == 0)
