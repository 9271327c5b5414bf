"""How long a network takes on a device: a roofline with launch overhead per kernel.

Williams, Waterman & Patterson (2009), "Roofline: an insightful visual performance model", for each kernel that a
framework launches, plus what the roofline leaves out and small networks are made of: the host's time to launch it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain


class KernelKind(StrEnum):
    """Kernels that share their parameters."""

    CONTRACTION = "contraction"
    """Convolutions, matrix products, attention: work on every byte many times."""
    REDUCTION = "reduction"
    """Pooling, and normalisation by the batch's own statistics: bound by memory, and far from its peak."""
    ELEMENTWISE = "elementwise"
    """Activations, additions, copies, normalisation by stored statistics: read once, write once."""


_CONTRACTIONS = ("conv", "linear", "attention", "bilinear", "rnn", "lstm", "gru", "matmul")
_REDUCTIONS = ("pool", "upsample", "fold")
_NORMS = ("norm",)
_ACTIVATIONS = ("relu", "elu", "sigmoid", "tanh", "swish", "silu", "mish", "softplus", "hardtanh")


def _named(kind: str, words: Iterable[str]) -> bool:
    return any(word in kind.lower() for word in words)


@dataclass(frozen=True, slots=True)
class LayerWork:
    """What one layer does for one input.

    Attributes:
        name: Path of the layer in the network.
        kind: What it is, by its class's name ("Conv2d", "BatchNorm2d", "ReLU", "Add", "AvgPool2d", ...).
        forward_flop: FLOP of the forward pass.
        read_bytes: Bytes of activations read in the forward pass.
        written_bytes: Bytes of activations written in the forward pass.
        weight_bytes: Bytes of parameters, read once for a whole batch.
        backward_flop: FLOP of the backward pass.
    """

    name: str
    kind: str
    forward_flop: int
    read_bytes: int
    written_bytes: int
    weight_bytes: int = 0
    backward_flop: int = 0

    @property
    def kernel_kind(self) -> KernelKind:
        """Which kernels run it at inference."""
        if _named(self.kind, _CONTRACTIONS):
            return KernelKind.CONTRACTION
        return KernelKind.REDUCTION if _named(self.kind, _REDUCTIONS) else KernelKind.ELEMENTWISE

    @property
    def moved_bytes(self) -> int:
        """Bytes of activations read and written in the forward pass."""
        return self.read_bytes + self.written_bytes


@dataclass(frozen=True, slots=True)
class Kernel:
    """One launch.

    Attributes:
        kind: Which parameters it is timed with.
        flop: FLOP an input.
        bytes: Bytes of activations read and written, an input.
        fixed_bytes: Bytes read and written whatever the batch (parameters).
    """

    kind: KernelKind
    flop: int
    bytes: int
    fixed_bytes: int = 0


def inference_kernels(layers: Iterable[LayerWork], fuse: bool = False) -> tuple[Kernel, ...]:
    """Return the kernels of a forward pass.

    Args:
        layers: In the order in which they run.
        fuse: Whether the framework compiles for inference: normalisation is folded into the contraction before it, and
            an activation into whatever is before it. PyTorch run eagerly does not; TensorFlow Lite, TensorRT and
            `torch.compile` do.
    """
    kept: list[LayerWork] = []
    for layer in layers:
        previous = kept[-1] if kept else None
        if fuse and previous is not None and layer.read_bytes == previous.written_bytes:
            folds = _named(layer.kind, _NORMS) and previous.kernel_kind is KernelKind.CONTRACTION
            if folds or _named(layer.kind, _ACTIVATIONS):
                continue
        kept.append(layer)
    return tuple(map(_forward, kept))


def _forward(layer: LayerWork) -> Kernel:
    return Kernel(layer.kernel_kind, layer.forward_flop, layer.moved_bytes, layer.weight_bytes)


OPTIMIZER_PASSES = 5
"""Passes over the parameters of a step of SGD with momentum: read weight, gradient and momentum, write two of them."""


def training_kernels(layers: Sequence[LayerWork]) -> tuple[Kernel, ...]:
    """Return the kernels of a training step run eagerly: forward, backward, optimiser."""
    passes = chain.from_iterable(map(_forward_and_backward, layers))
    weights = (layer.weight_bytes for layer in layers if layer.weight_bytes)
    return (*passes, *(Kernel(KernelKind.ELEMENTWISE, 0, 0, OPTIMIZER_PASSES * size) for size in weights))


def _forward_and_backward(layer: LayerWork) -> tuple[Kernel, ...]:
    if _named(layer.kind, _NORMS):
        # Forward, the statistics take a pass of their own; backward, so do the sums over input and gradient.
        forward = Kernel(KernelKind.REDUCTION, 0, layer.read_bytes + layer.moved_bytes, layer.weight_bytes)
        return (forward, Kernel(KernelKind.REDUCTION, 0, layer.read_bytes + 2 * layer.moved_bytes, layer.weight_bytes))
    if layer.kernel_kind is KernelKind.CONTRACTION:
        # The gradients of the input and of the weights are a contraction each.
        half = Kernel(KernelKind.CONTRACTION, layer.backward_flop // 2, layer.moved_bytes, layer.weight_bytes)
        return (_forward(layer), half, half)
    # An activation's gradient needs its output as well; other gradients only pass through.
    kept = layer.written_bytes if _named(layer.kind, _ACTIVATIONS) else 0
    return (_forward(layer), Kernel(layer.kernel_kind, 0, layer.moved_bytes + kept, layer.weight_bytes))


@dataclass(frozen=True, slots=True)
class DeviceModel:
    """The few numbers that turn kernels into seconds on one device, under one framework.

    Attributes:
        device: Id or name of the device.
        peak_flop_per_s: Peak rate of the arithmetic in use.
        bandwidth_bytes_per_s: Peak rate of its memory.
        compute_efficiency: Share of the peak rate that contractions reach.
        memory_efficiency: Share of the bandwidth that contractions and element-wise kernels reach.
        reduction_efficiency: Share of the bandwidth that reductions reach.
        contraction_launch_s: The host's seconds to launch a contraction.
        launch_s: The host's seconds to launch any other kernel.
        kernel_s: The least seconds that a kernel occupies the device.
        step_s: The host's seconds for each step besides: entering the framework, handing over a batch.
        overlaps: Whether the host launches ahead while the device computes (accelerators), so that a step takes the
            longer of the two; on a processor that does both it takes their sum.
    """

    device: str
    peak_flop_per_s: float
    bandwidth_bytes_per_s: float
    compute_efficiency: float
    memory_efficiency: float
    reduction_efficiency: float
    contraction_launch_s: float
    launch_s: float
    kernel_s: float
    step_s: float
    overlaps: bool

    def device_seconds(self, kernel: Kernel, batch: int = 1) -> float:
        """Return the seconds that a kernel occupies the device for a batch: max(compute, memory) + `kernel_s`."""
        efficiency = self.reduction_efficiency if kernel.kind is KernelKind.REDUCTION else self.memory_efficiency
        compute_s = kernel.flop * batch / (self.peak_flop_per_s * self.compute_efficiency)
        memory_s = (kernel.bytes * batch + kernel.fixed_bytes) / (self.bandwidth_bytes_per_s * efficiency)
        return max(compute_s, memory_s) + self.kernel_s

    def host_seconds(self, kernel: Kernel) -> float:
        """Return the host's seconds to launch a kernel."""
        return self.contraction_launch_s if kernel.kind is KernelKind.CONTRACTION else self.launch_s

    def step_seconds(self, kernels: Iterable[Kernel], batch: int = 1) -> float:
        """Return the seconds of one step (a forward pass or a training step, by its kernels) of `batch` inputs."""
        return self.together(*self.step_parts(kernels, batch))

    def step_parts(self, kernels: Iterable[Kernel], batch: int = 1) -> tuple[float, float]:
        """Return the host's and the device's seconds of one step. Those of its kernels add up."""
        host_s, device_s = self.step_s, 0.0
        for kernel in kernels:
            host_s += self.host_seconds(kernel)
            device_s += self.device_seconds(kernel, batch)
        return host_s, device_s

    def together(self, host_s: float, device_s: float) -> float:
        """Return the seconds of a step that takes so many of the host and of the device."""
        return max(host_s, device_s) if self.overlaps else host_s + device_s

    def epoch_seconds(self, kernels: Sequence[Kernel], samples: int, batch: int) -> float:
        """Return the seconds of one pass over `samples` inputs in steps of `batch`, the last one smaller."""
        full, rest = divmod(samples, batch)
        seconds = full * self.step_seconds(kernels, batch)
        return seconds + self.step_seconds(kernels, rest) if rest else seconds
