"""Profile: what one network costs for one input."""

from dataclasses import dataclass, field

from nassim.cost.shape import ContractionShape
from nassim.cost.work import FLOP_PER_MAC, Activity, Work

AMOUNTS = (
    "params", "forward_flop", "backward_flop", "weight_bytes", "torch_forward_flop", "torch_backward_flop",
    "elementwise_flop", "backward_elementwise_flop", "read_bytes", "written_bytes", "elementwise_bytes",
    "backward_read_bytes", "backward_written_bytes", "backward_elementwise_bytes",
)  # fmt: skip
"""The whole numbers of a Profile: its first fields, in their order. Those of a network's parts add up."""


@dataclass(frozen=True, slots=True)
class CalledOperation:
    """Calls of one operation in a layer's forward pass that are alike; the amounts are one call's, of one input.

    Attributes:
        name: As torch dispatches it, without `aten::`: "convolution", "native_batch_norm", "relu", "add", ...
        flop: FLOP; above 0 for contractions alone.
        read_bytes: Bytes of activations read.
        written_bytes: Bytes of activations written.
        weight_bytes: Bytes of parameters, read once for a whole batch.
        backward_flop: FLOP of the backward pass: the layer's, shared out over its contractions.
        shape: Of a convolution or a product of matrices.
        calls: How many there are.
    """

    name: str
    flop: int
    read_bytes: int
    written_bytes: int
    weight_bytes: int = 0
    backward_flop: int = 0
    shape: ContractionShape | None = None
    calls: int = 1

    @property
    def moved_bytes(self) -> int:
        """Bytes of activations read and written."""
        return self.read_bytes + self.written_bytes


@dataclass(frozen=True, slots=True)
class LayerCost:
    """One module's share of a Profile: of a leaf, or of a module with operations or weights of its own.

    The amounts are those of a Profile; over all layers each adds up to the network's. Weights that several modules
    share belong to the first, and those of a module that never runs to the one around it, which uses them.

    Attributes:
        name: Dotted path of the module in the network.
        kind: Class name of the module.
        output_shape: Shape of the output for one input, without the batch dimension.
        operations: What its forward pass calls of torch.
    """

    name: str
    kind: str
    params: int
    weight_bytes: int
    forward_flop: int
    backward_flop: int
    read_bytes: int
    written_bytes: int
    backward_read_bytes: int
    backward_written_bytes: int
    output_shape: tuple[int, ...]
    torch_forward_flop: int = 0
    torch_backward_flop: int = 0
    elementwise_flop: int = 0
    backward_elementwise_flop: int = 0
    elementwise_bytes: int = 0
    backward_elementwise_bytes: int = 0
    operations: tuple[CalledOperation, ...] = ()

    @property
    def forward_macs(self) -> int:
        """Multiply-adds of the forward pass of one input."""
        return self.forward_flop // FLOP_PER_MAC


@dataclass(frozen=True, slots=True)
class Difference:
    """An operation of a network for which torch's FlopCounterMode says otherwise than is performed.

    Attributes:
        operation: Its name.
        flop: FLOP of all its calls for one input, in both passes, as performed.
        torch_flop: What torch's FlopCounterMode makes of them.
    """

    operation: str
    flop: int
    torch_flop: int


@dataclass(frozen=True, slots=True)
class Profile:
    """What one network costs for one input (a batch of n costs n times as much).

    FLOP are the operations of contractions, as they are performed: convolutions, products of matrices, attention,
    bilinear forms, distances, Fourier transforms. Where torch's FlopCounterMode says otherwise, its figure stands
    beside. All other work has operations and bytes of its own, and is never mixed into the FLOP: each operation of a
    training step reads every activation among its arguments once and writes its results once, as frameworks do that
    fuse nothing and as if there were no cache. What does not grow with the batch (weights, their gradients, statistics,
    the optimiser) is left out, and so is what only views a tensor another way. `nassim.cost.memory` counts what must be
    held.

    Attributes:
        params: Learnable parameters.
        forward_flop: FLOP of the forward pass.
        backward_flop: FLOP of the backward pass, as counted (not an assumed multiple of the forward pass).
        weight_bytes: Bytes of parameters and buffers.
        torch_forward_flop: FLOP of the forward pass according to torch's FlopCounterMode.
        torch_backward_flop: FLOP of the backward pass according to it.
        elementwise_flop: Operations of the forward pass that are no contraction: activations, normalisation, pooling,
            reductions, additions.
        backward_elementwise_flop: The same of the backward pass.
        read_bytes: Bytes of activations read in the forward pass.
        written_bytes: Bytes of activations written in the forward pass.
        elementwise_bytes: The part of both that is moved by what is no contraction, copies among it.
        backward_read_bytes: Bytes of activations and of their gradients read in the backward pass.
        backward_written_bytes: Bytes of activations' gradients written in the backward pass.
        backward_elementwise_bytes: The part of both that is moved by what is no contraction.
        uncounted: Operations that have no formula and are not known to be free of contractions, with the number of
            calls. Empty for a network that is counted in full.
        layers: The modules that do something, in the order in which they run; empty unless asked for.
        differences: The operations of which torch's FLOP are others; empty unless the layers are asked for.
    """

    params: int
    forward_flop: int
    backward_flop: int
    weight_bytes: int
    torch_forward_flop: int = 0
    torch_backward_flop: int = 0
    elementwise_flop: int = 0
    backward_elementwise_flop: int = 0
    read_bytes: int = 0
    written_bytes: int = 0
    elementwise_bytes: int = 0
    backward_read_bytes: int = 0
    backward_written_bytes: int = 0
    backward_elementwise_bytes: int = 0
    uncounted: tuple[tuple[str, int], ...] = ()
    layers: tuple[LayerCost, ...] = field(default=(), repr=False)
    differences: tuple[Difference, ...] = field(default=(), repr=False)

    @property
    def forward_macs(self) -> int:
        """Multiply-adds of the forward pass."""
        return self.forward_flop // FLOP_PER_MAC

    def training(self, samples: int, activity: Activity = Activity.TRAIN) -> Work:
        """Return the Work of training steps (forward and backward) over `samples` inputs."""
        return Work(
            activity,
            forward_flop=self.forward_flop * samples,
            backward_flop=self.backward_flop * samples,
            torch_flop=(self.torch_forward_flop + self.torch_backward_flop) * samples,
            elementwise_flop=(self.elementwise_flop + self.backward_elementwise_flop) * samples,
            elementwise_bytes=(self.elementwise_bytes + self.backward_elementwise_bytes) * samples,
            samples=samples,
            uncounted=tuple(sorted(name for name, _ in self.uncounted)),
        )

    def inference(self, samples: int, activity: Activity = Activity.VALIDATE) -> Work:
        """Return the Work of forward passes over `samples` inputs."""
        return Work(
            activity,
            forward_flop=self.forward_flop * samples,
            torch_flop=self.torch_forward_flop * samples,
            elementwise_flop=self.elementwise_flop * samples,
            elementwise_bytes=self.elementwise_bytes * samples,
            samples=samples,
            uncounted=tuple(sorted(name for name, _ in self.uncounted)),
        )
