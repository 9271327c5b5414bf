"""NAS-Bench-201's networks as layer records, in closed form, as frameworks execute them.

Dong & Yang (2020): stem; three stages of five cells at 16, 32 and 64 channels and 32x32, 16x16 and 8x8 pixels, with a
residual reduction between stages; classifier. A cell has nodes 0 to 3 and an operation on each of its six edges.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from nassim.cost.profile import CalledOperation
from nassim.cost.shape import ContractionShape
from nassim.cost.work import FLOP_PER_MAC

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
CELLS = 5
STAGES = ((16, 32), (32, 16), (64, 8))
FLOAT_BYTES = 4

Cell = tuple[str, ...]
"""The operation on each edge, in the order of EDGES."""


def parse(arch_str: str) -> Cell:
    """Read NAS-Bench-201's notation: `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`."""
    return tuple(edge.split("~")[0] for node in arch_str.split("+") for edge in node.strip("|").split("|"))


def twin(cell: Cell) -> Cell | None:
    """Return the cell with nodes 1 and 2 exchanged: the same kernels in another order; None where 1 feeds 2."""
    return (cell[1], cell[0], cell[2], cell[3], cell[5], cell[4]) if cell[2] == "none" else None


@dataclass(frozen=True, slots=True)
class Map:
    """Activations at one point of the network: channels and pixels a side."""

    channels: int
    side: int

    @property
    def size(self) -> int:
        """Bytes for one input."""
        return self.channels * self.side**2 * FLOAT_BYTES


def _conv(before: Map, after: Map, kernel: int) -> CalledOperation:
    weights = before.channels * after.channels * kernel**2
    flop = FLOP_PER_MAC * weights * after.side**2
    shape = ContractionShape(after.channels, before.channels, kernel**2, stride=(before.side // after.side) ** 2)
    return CalledOperation("convolution", flop, before.size, after.size, weights * FLOAT_BYTES, 2 * flop, shape)


def _elementwise(operation: str, at: Map, inputs: int = 1, weights: int = 0) -> CalledOperation:
    return CalledOperation(operation, 0, inputs * at.size, at.size, weights * FLOAT_BYTES)


def _relu_conv_bn(before: Map, after: Map, kernel: int) -> Iterator[CalledOperation]:
    yield _elementwise("relu", before)
    yield _conv(before, after, kernel)
    yield _elementwise("native_batch_norm", after, weights=2 * after.channels)


def _operation(name: str, at: Map) -> Iterator[CalledOperation]:
    if name.startswith("nor_conv"):
        yield from _relu_conv_bn(at, at, int(name[-1]))
    elif name == "avg_pool_3x3":
        yield _elementwise("avg_pool2d", at)
    elif name == "none":
        yield _elementwise("mul", at)  # PyTorch's implementation multiplies by zero


def _eager_cell(cell: Cell, at: Map) -> Iterator[CalledOperation]:
    # `sum(...)` begins with the integer 0, so that a node of n edges costs n additions, the first of one tensor.
    for node in (1, 2, 3):
        incoming = (op for (_, target), op in zip(EDGES, cell, strict=True) if target == node)
        for i, op in enumerate(incoming):
            yield from _operation(op, at)
            yield _elementwise("add", at, inputs=min(i + 1, 2))


def _reduction(before: Map, after: Map) -> Iterator[CalledOperation]:
    yield from _relu_conv_bn(before, after, 3)
    yield from _relu_conv_bn(after, after, 3)
    pooled = Map(before.channels, after.side)
    yield CalledOperation("avg_pool2d", 0, before.size, pooled.size)
    yield _conv(pooled, after, 1)
    yield _elementwise("add", after, inputs=2)


def _network(cells: dict[Map, tuple[CalledOperation, ...]], classes: int) -> Iterator[CalledOperation]:
    """Lay out stem, stages and classifier around the cell's layers at each stage. Layers stay nameless."""
    maps = list(cells)
    yield _conv(Map(3, maps[0].side), maps[0], 3)
    yield _elementwise("native_batch_norm", maps[0], weights=2 * maps[0].channels)
    for previous, at in zip((None, *maps), maps, strict=False):
        if previous is not None:
            yield from _reduction(previous, at)
        for _ in range(CELLS):
            yield from cells[at]
    last = maps[-1]
    yield _elementwise("native_batch_norm", last, weights=2 * last.channels)
    yield _elementwise("relu", last)
    yield CalledOperation("mean", 0, last.size, last.channels * FLOAT_BYTES)
    flop = FLOP_PER_MAC * last.channels * classes
    read, written = last.channels * FLOAT_BYTES, classes * FLOAT_BYTES
    weight_bytes, shape = last.channels * classes * FLOAT_BYTES, ContractionShape(classes, last.channels)
    yield CalledOperation("addmm", flop, read, written, weight_bytes, 2 * flop, shape)


def eager_layers(cell: Cell, classes: int = 10) -> tuple[CalledOperation, ...]:
    """Return what PyTorch runs: every edge, whether or not its result is used."""
    maps = [Map(*stage) for stage in STAGES]
    return tuple(_network({at: tuple(_eager_cell(cell, at)) for at in maps}, classes))


def is_constant(cell: Cell) -> bool:
    """Return whether no path leads from node 0 to node 3: the network's output doesn't depend on its input."""
    reached = {0}
    for (source, target), op in zip(EDGES, cell, strict=True):
        if op != "none" and source in reached:
            reached.add(target)
    return 3 not in reached


def compiled_cell(cell: Cell) -> Cell:
    """Return the cell as a compiler for inference leaves it: edges whose result nobody uses become "none".

    With one exception that the measurements show. `none` multiplies by zero, and a compiler folds a multiplication
    into the convolution before it before it looks for zeros. So a node that is one convolution's output, and that only
    `none` edges use, is computed all the same, with weights of zero.
    """
    cell = _without_zeros(cell)
    needed = _ancestors(cell, {3})
    for node in (2, 1):
        if node not in needed and _is_convolution(cell, node):
            needed |= _ancestors(cell, {node})
    return tuple(op if target in needed else "none" for (_, target), op in zip(EDGES, cell, strict=True))


def _without_zeros(cell: Cell) -> Cell:
    """A copy of nothing is nothing: skip edges from a node without inputs become "none"."""
    kept = list(cell)
    for edge, (source, _) in enumerate(EDGES):
        incoming = [kept[i] for i, (_, target) in enumerate(EDGES) if target == source]
        if kept[edge] == "skip_connect" and source > 0 and all(op == "none" for op in incoming):
            kept[edge] = "none"
    return tuple(kept)


def _ancestors(cell: Cell, nodes: set[int]) -> set[int]:
    found = set(nodes)
    for (source, target), op in reversed(list(zip(EDGES, cell, strict=True))):
        if op != "none" and target in found:
            found.add(source)
    return found


def _is_convolution(cell: Cell, node: int) -> bool:
    incoming = [
        (source, op) for (source, target), op in zip(EDGES, cell, strict=True) if target == node and op != "none"
    ]
    if len(incoming) != 1:
        return False
    ((source, op),) = incoming
    return op.startswith("nor_conv") or (op == "skip_connect" and _is_convolution(cell, source))


def _compiled_nodes(cell: Cell, at: Map) -> Iterator[CalledOperation]:
    for node in (1, 2, 3):
        incoming = [op for (_, target), op in zip(EDGES, cell, strict=True) if target == node and op != "none"]
        for i, op in enumerate(incoming):
            yield from _operation(op, at)
            if i > 0:
                yield _elementwise("add", at, inputs=2)


def compiled_layers(cell: Cell, classes: int = 10) -> tuple[CalledOperation, ...]:
    """Return what a compiler for inference (TensorFlow Lite) leaves to run, before it fuses layers.

    Nothing, for a network whose output is a constant, unless convolutions with weights of zero remain in it.
    """
    kept = compiled_cell(cell)
    if not any(op != "none" and source == 0 for (source, _), op in zip(EDGES, kept, strict=True)):
        return ()
    maps = [Map(*stage) for stage in STAGES]
    return tuple(_network({at: tuple(_compiled_nodes(kept, at)) for at in maps}, classes))
