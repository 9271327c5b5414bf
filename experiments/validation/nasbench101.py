"""NAS-Bench-101's networks as layer records, in closed form (Ying et al. 2019, after the official implementation).

Stem at 128 channels and 32x32 pixels; three stacks of three modules, channels doubled and pixels halved between them;
classifier. A module is a graph of at most seven vertices: input, operations, output.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from nassim.cost.profile import CalledOperation
from nassim.cost.shape import ContractionShape
from nassim.cost.work import FLOP_PER_MAC

STEM_CHANNELS = 128
STACKS = 3
MODULES = 3
SIDE = 32
FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class Module:
    """A cell as published: upper triangular adjacency, and an operation for each vertex."""

    adjacency: tuple[tuple[bool, ...], ...]
    operations: tuple[str, ...]

    def incoming(self, vertex: int) -> list[int]:
        """Return the vertices that feed one."""
        return [v for v in range(vertex) if self.adjacency[v][vertex]]


def parse(adjacency: str, operations: str) -> Module:
    """Read a module from its adjacency matrix as a string of 0 and 1, row by row, and its operations by comma."""
    names = tuple(operations.split(","))
    n = len(names)
    return Module(tuple(tuple(bit == "1" for bit in adjacency[i * n : (i + 1) * n]) for i in range(n)), names)


def vertex_channels(module: Module, before: int, after: int) -> list[int]:
    """Return the channels at each vertex: the output's are shared out over what it concatenates."""
    last = len(module.operations) - 1
    concatenated = [v for v in module.incoming(last) if v > 0]
    channels = [before] + [0] * (last - 1) + [after]
    if last > 1 and concatenated:
        share, more = divmod(after, len(concatenated))
        for i, vertex in enumerate(concatenated):
            channels[vertex] = share + (i < more)
    for vertex in range(last - 1, 0, -1):
        if vertex not in concatenated:
            outgoing = [channels[v] for v in range(vertex + 1, last) if module.adjacency[vertex][v]]
            channels[vertex] = max(outgoing, default=0)
    return channels


def _conv(before: int, after: int, kernel: int, side: int) -> Iterator[CalledOperation]:
    weights = before * after * kernel**2
    flop = FLOP_PER_MAC * weights * side**2
    pixels = side**2 * FLOAT_BYTES
    size = after * pixels
    shape = ContractionShape(after, before, kernel**2)
    yield CalledOperation("convolution", flop, before * pixels, size, weights * FLOAT_BYTES, 2 * flop, shape)
    yield CalledOperation("native_batch_norm", 0, size, size, 2 * after * FLOAT_BYTES)
    yield CalledOperation("relu", 0, size, size)


def _module(module: Module, before: int, after: int, side: int) -> Iterator[CalledOperation]:
    channels = vertex_channels(module, before, after)
    last = len(channels) - 1
    pixels = side**2 * FLOAT_BYTES
    for vertex in range(1, last):
        width = channels[vertex]
        incoming = module.incoming(vertex)
        for i, source in enumerate(incoming):
            if source == 0:
                yield from _conv(before, width, 1, side)
            if i > 0:
                yield CalledOperation("add", 0, 2 * width * pixels, width * pixels)
        operation = module.operations[vertex]
        if operation == "maxpool3x3":
            yield CalledOperation("max_pool2d", 0, width * pixels, width * pixels)
        else:
            yield from _conv(width, width, int(operation[4]), side)
    concatenated = [v for v in module.incoming(last) if v > 0]
    if len(concatenated) > 1:
        yield CalledOperation("cat", 0, after * pixels, after * pixels)
    if module.adjacency[0][last]:
        yield from _conv(before, after, 1, side)
        if concatenated:
            yield CalledOperation("add", 0, 2 * after * pixels, after * pixels)


def layers(module: Module, classes: int = 10) -> tuple[CalledOperation, ...]:
    """Return the layers of the network of a module, in order."""
    found = [*_conv(3, STEM_CHANNELS, 3, SIDE)]
    channels, side = STEM_CHANNELS, SIDE
    for stack in range(STACKS):
        if stack > 0:
            pixels = channels * FLOAT_BYTES
            found.append(CalledOperation("max_pool2d", 0, pixels * side**2, pixels * side**2 // 4))
            side //= 2
        for index in range(MODULES):
            after = 2 * channels if stack > 0 and index == 0 else channels
            found += _module(module, channels, after, side)
            channels = after
    found.append(CalledOperation("mean", 0, channels * side**2 * FLOAT_BYTES, channels * FLOAT_BYTES))
    flop = FLOP_PER_MAC * channels * classes
    weights = (channels + 1) * classes * FLOAT_BYTES
    shape = ContractionShape(classes, channels)
    found.append(
        CalledOperation("addmm", flop, channels * FLOAT_BYTES, classes * FLOAT_BYTES, weights, 2 * flop, shape)
    )
    return tuple(found)
