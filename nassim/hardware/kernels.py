"""Kernels: what a framework launches for a network, and what each of them is timed by."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from nassim.cost.profile import CalledOperation
from nassim.cost.shape import ContractionShape

Array = NDArray[np.float64]


class KernelKind(StrEnum):
    """Kernels that share their parameters."""

    CONVOLUTION = "convolution"
    """Dense convolutions: work on every byte many times."""
    PRODUCT = "product"
    """Matrix products, attention, recurrent layers: the same, with fewer preparations."""
    GROUPED = "grouped"
    """Convolutions of groups, depthwise ones among them: small contractions beside each other."""
    REDUCTION = "reduction"
    """Pooling: bound by memory, and far from its peak."""
    STATISTICS = "statistics"
    """Normalisation by the batch's own statistics, in training: the same, and slower or faster."""
    ELEMENTWISE = "elementwise"
    """Activations, additions, copies, normalisation by stored statistics: read once, write once."""


CONVOLVING = (KernelKind.CONVOLUTION, KernelKind.GROUPED)
CONTRACTING = (*CONVOLVING, KernelKind.PRODUCT)

DROPOUT = "native_dropout"
"""One kernel on an accelerator, and none at inference."""
_REDUCTIONS = frozenset(("mean", "sum", "amax", "amin", "im2col", "col2im"))
_ACTIVATIONS = frozenset((
    "relu", "leaky_relu", "elu", "celu", "sigmoid", "tanh", "silu", "mish", "softplus", "hardtanh", "hardsigmoid",
    "hardswish", "gelu", "clamp",
))  # fmt: skip


def kernel_kind(operation: CalledOperation) -> KernelKind:
    """Return which kernels run an operation at inference."""
    if operation.flop and "conv" in operation.name:
        return KernelKind.GROUPED if operation.shape and operation.shape.groups > 1 else KernelKind.CONVOLUTION
    if operation.flop:
        return KernelKind.PRODUCT
    pools = "pool" in operation.name or "upsample" in operation.name or operation.name in _REDUCTIONS
    return KernelKind.REDUCTION if pools else KernelKind.ELEMENTWISE


def _normalises(operation: CalledOperation) -> bool:
    return operation.name.endswith("_norm") or "batch_norm" in operation.name


def _activates(operation: CalledOperation) -> bool:
    return operation.name in _ACTIVATIONS


@dataclass(frozen=True, slots=True)
class Kernel:
    """One launch.

    Attributes:
        kind: Which parameters it is timed with.
        flop: FLOP an input.
        bytes: Bytes of activations read and written, an input.
        fixed_bytes: Bytes read and written whatever the batch (parameters).
        shape: Of a contraction, where it is known.
    """

    kind: KernelKind
    flop: int
    bytes: int
    fixed_bytes: int = 0
    shape: ContractionShape | None = None


def inference_kernels(operations: Iterable[CalledOperation], fuse: bool = False) -> tuple[Kernel, ...]:
    """Return the kernels of a forward pass.

    Args:
        operations: In the order in which they run.
        fuse: Whether the framework compiles for inference: normalisation is folded into the contraction before it, and
            an activation into whatever is before it. PyTorch run eagerly does not; TensorFlow Lite, TensorRT and
            `torch.compile` do.
    """
    kept: list[CalledOperation] = []
    for operation in (each for each in operations if each.name != DROPOUT):
        previous = kept[-1] if kept else None
        if fuse and previous is not None and operation.read_bytes == previous.written_bytes:
            folds = _normalises(operation) and kernel_kind(previous) in CONTRACTING
            if folds or _activates(operation):
                continue
        kept.append(operation)
    return tuple(map(_forward, kept))


def _forward(operation: CalledOperation) -> Kernel:
    size, weights = operation.moved_bytes, operation.weight_bytes
    return Kernel(kernel_kind(operation), operation.flop, size, weights, operation.shape)


OPTIMIZER_PASSES = 5
"""Passes over the parameters of a step of SGD with momentum: read weight, gradient and momentum, write two of them."""


def training_kernels(operations: Sequence[CalledOperation]) -> tuple[Kernel, ...]:
    """Return the kernels of a training step run eagerly: forward, backward, optimiser."""
    passes = chain.from_iterable(map(_forward_and_backward, operations))
    weights = (each.weight_bytes for each in operations if each.weight_bytes)
    return (*passes, *(Kernel(KernelKind.ELEMENTWISE, 0, 0, OPTIMIZER_PASSES * size) for size in weights))


def _forward_and_backward(operation: CalledOperation) -> tuple[Kernel, ...]:
    kind, moved, weights = kernel_kind(operation), operation.moved_bytes, operation.weight_bytes
    if _normalises(operation):
        # Forward, the statistics take a pass of their own; backward, so do the sums over input and gradient.
        passes = (operation.read_bytes + moved, operation.read_bytes + 2 * moved)
        return tuple(Kernel(KernelKind.STATISTICS, 0, size, weights) for size in passes)
    if kind in CONTRACTING:
        # The gradients of the input and of the weights are a contraction each.
        half = Kernel(kind, operation.backward_flop // 2, moved, weights, operation.shape)
        return (_forward(operation), half, half)
    # An activation's gradient needs its output as well; other gradients only pass through.
    kept = operation.written_bytes if _activates(operation) else 0
    return (_forward(operation), Kernel(kind, 0, moved + kept, weights))


_UNSHAPED = ContractionShape(width=1024, depth=1024)
"""What stands in where a contraction's shape isn't known: wide enough that its speed no longer depends on it."""


VECTOR = 16
"""Channels that a processor's kernels compute together, whether or not there are so many."""
TILE = 32
"""The same on an accelerator."""


def _filled(channels: int, together: int) -> float:
    """Return which share of what is computed together there are channels for."""
    return channels / (together * -(-channels // together))


@dataclass(frozen=True, slots=True)
class KernelColumns:
    """Kernels with their batches: a column for each of what they are timed by. Those of kinds hold 0 or 1.

    Attributes:
        flop: FLOP of the batch.
        bytes: Bytes moved for the batch.
        reduction: Products that are added up to one result of a contraction.
        in_tiles: Share of the products that an accelerator performs that are asked for: channels are filled up.
        in_vectors: The same on a processor.
        transformable: Dense 3x3 convolutions of stride 1, for which there are Winograd's kernels.
        contracts: Convolutions and products.
        convolves: Convolutions, grouped or not.
        grouped: Of KernelKind.GROUPED.
        reduces: Of KernelKind.REDUCTION.
        normalises: Of KernelKind.STATISTICS.
    """

    flop: Array
    bytes: Array
    reduction: Array
    in_tiles: Array
    in_vectors: Array
    transformable: Array
    contracts: Array
    convolves: Array
    grouped: Array
    reduces: Array
    normalises: Array

    @classmethod
    def of(cls, kernels: Iterable[tuple[Kernel, int]]) -> "KernelColumns":
        """Lay out kernels, each given with its batch."""
        return cls(*np.array([_cells(*pair) for pair in kernels], np.float64).reshape(-1, 11).T.copy())


def _cells(kernel: Kernel, batch: int) -> tuple[float, ...]:
    shape = kernel.shape or _UNSHAPED
    # A depthwise convolution computes its channels together. A processor fills up those of the input as well, where
    # they are more than a vector.
    tiled = vectorised = 1.0
    if not shape.depthwise:
        tiled = _filled(shape.width, TILE)
        vectorised = _filled(shape.width, VECTOR) * (_filled(shape.depth, VECTOR) if shape.depth > VECTOR else 1.0)
    return (
        kernel.flop * batch,
        kernel.bytes * batch + kernel.fixed_bytes,
        shape.reduction,
        tiled,
        vectorised,
        (shape.window, shape.stride, shape.groups) == (9, 1, 1),
        kernel.kind in CONTRACTING,
        kernel.kind in CONVOLVING,
        kernel.kind is KernelKind.GROUPED,
        kernel.kind is KernelKind.REDUCTION,
        kernel.kind is KernelKind.STATISTICS,
    )


@dataclass(frozen=True, slots=True)
class KernelTable:
    """Steps as counts of distinct kernels, to time many of them at once.

    Attributes:
        kernels: The distinct kernels.
        counts: How often each step launches each of them, (steps, kernels).
    """

    kernels: KernelColumns
    counts: Array

    @classmethod
    def of(cls, steps: Sequence[tuple[Sequence[Kernel], int]]) -> "KernelTable":
        """Count the kernels of steps, each given as its kernels and its batch size."""
        tallies = [Counter((kernel, batch) for kernel in kernels) for kernels, batch in steps]
        index = {pair: i for i, pair in enumerate(dict.fromkeys(pair for tally in tallies for pair in tally))}
        counts = np.zeros((len(steps), len(index)))
        for row, tally in zip(counts, tallies, strict=True):
            for pair, n in tally.items():
                row[index[pair]] = n
        return cls(KernelColumns.of(index), counts)
