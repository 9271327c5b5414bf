"""The cell space of NAS-Bench-201 (Dong & Yang 2020, https://arxiv.org/abs/2001.00326): 15,625 cells.

A cell has 4 nodes; each of the 6 edges between them carries one of 5 operations, and a node is the sum of what reaches
it. Every cell of a network is alike. The network is a stem, three stages of `cells` cells at widths w, 2w and 4w, and a
residual block that halves the resolution between stages.

The published table counts the same parameters as nassim. Its "FLOPs" are multiply-adds of convolutions and linear
layers, as nassim's `forward_macs`, and one more for each bias that is added: the classifier's, one for each class. So
published = (forward_macs + classes) / 10^6, see `Cell.published_macs`. This holds for every cell that was measured; 150
rows of the table in circulation are marked as inferred from an isomorphic cell, and carry the figures of that cell,
which has fewer convolutions than the one they name.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from nassim.cost.profile import Profile
from nassim.errors import NassimError
from nassim.space import Architecture, Choose, SearchSpace

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
"""The labels of every edge, named as published."""

NODES = 4
EDGES = tuple(f"{source}->{target}" for target in range(1, NODES) for source in range(target))
"""The choices, from node to node, in the published order."""


class Cell(SearchSpace):
    """NAS-Bench-201: 4 nodes, 5 operations on each of 6 edges. The defaults are the published network for CIFAR-10.

    Args:
        width: Channels of the first stage, doubled at each of the two that follow (C in the paper).
        cells: Cells in a stage (N in the paper).
        input_shape: (channels, height, width) of one image.
        classes: Number of classes.

    Raises:
        NassimError: A parameter that no network can be built with.
    """

    def __init__(
        self, *, width: int = 16, cells: int = 5, input_shape: Sequence[int] = (3, 32, 32), classes: int = 10
    ) -> None:
        for name, value in (("width", width), ("cells", cells), ("classes", classes)):
            if not isinstance(value, int) or value < 1:
                raise NassimError(f"Cell: {name} is a whole number of at least 1, found {value!r}")
        if len(input_shape) != 3 or min(input_shape) < 1 or input_shape[1] % 4 or input_shape[2] % 4:
            raise NassimError(
                "Cell: input_shape is (channels, height, width), height and width multiples of 4 because they are "
                f"halved twice; found {tuple(input_shape)}"
            )
        self.width = width
        self.cells = cells
        self.input_shape = tuple(input_shape)
        self.classes = classes

    def build(self, choose: Choose) -> nn.Module:
        """Return the network: stem, three stages of alike cells, classifier."""
        width = self.width
        layers: list[nn.Module] = [
            nn.Conv2d(self.input_shape[0], width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        ]
        for stage in range(3):
            if stage:
                layers.append(Reduction(width, 2 * width))
                width *= 2
            layers += [FourNodeCell(choose, width) for _ in range(self.cells)]
        head = [nn.BatchNorm2d(width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, self.classes)]
        # Channels last trains these networks up to a third faster on a CPU, and what they compute is the same.
        return nn.Sequential(*layers, *head).to(memory_format=torch.channels_last)

    @staticmethod
    def from_string(text: str) -> Architecture:
        """Read NAS-Bench-201's `arch_str`, such as `|none~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|`.

        Raises:
            NassimError: The text is not of that form.
        """
        found: dict[str, str] = {}
        for target, node in enumerate(text.strip().split("+"), start=1):
            for part in node.strip("|").split("|"):
                operation, _, source = part.partition("~")
                found[f"{source}->{target}"] = operation
        if tuple(found) != EDGES or not set(found.values()) <= set(OPERATIONS):
            raise NassimError(
                f"an arch_str of NAS-Bench-201 is |op~0|+|op~0|op~1|+|op~0|op~1|op~2| with each op one of "
                f"{', '.join(OPERATIONS)}, found {text!r}"
            )
        return Architecture(found)

    @staticmethod
    def to_string(architecture: Mapping[str, str]) -> str:
        """Write NAS-Bench-201's `arch_str`."""
        nodes = (
            "|".join(f"{architecture[f'{source}->{target}']}~{source}" for source in range(target))
            for target in range(1, NODES)
        )
        return "+".join(f"|{node}|" for node in nodes)

    def published_macs(self, profile: Profile) -> int:
        """Return what the published table calls FLOPs: multiply-adds, and one for each bias of the classifier."""
        return profile.forward_macs + self.classes


class FourNodeCell(nn.Module):
    """One cell: node j is the sum over i < j of the edge i->j applied to node i; the output is the last node."""

    def __init__(self, choose: Choose, width: int) -> None:
        super().__init__()
        self.edges = nn.ModuleDict(
            {
                edge: choose(
                    edge,
                    {
                        "none": Zero,
                        "skip_connect": nn.Identity,
                        "nor_conv_1x1": lambda: relu_conv_norm(width, width, 1),
                        "nor_conv_3x3": lambda: relu_conv_norm(width, width, 3),
                        "avg_pool_3x3": lambda: nn.AvgPool2d(3, 1, 1, count_include_pad=False),
                    },
                )
                for edge in EDGES
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, width, height, width of map) to the same shape."""
        nodes = [x]
        for target in range(1, NODES):
            total = self.edges[f"0->{target}"](x)
            for source in range(1, target):
                total = total + self.edges[f"{source}->{target}"](nodes[source])
            nodes.append(total)
        return nodes[-1]


class Zero(nn.Module):
    """The operation `none`: zeros that still carry a gradient (of zero), as published."""

    def forward(self, x: Tensor) -> Tensor:
        """Return zeros of the input's shape."""
        return x.mul(0.0)


class Reduction(nn.Module):
    """The residual block between stages: doubles the width, halves the resolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.main = nn.Sequential(relu_conv_norm(inputs, outputs, 3, stride=2), relu_conv_norm(outputs, outputs, 3))
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, height, width) to (batch, outputs, height / 2, width / 2)."""
        shortcut: Tensor = self.shortcut(x)
        return shortcut + self.main(x)


def relu_conv_norm(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Return ReLU, convolution and batch normalisation, in this order."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(nn.ReLU(), convolution, nn.BatchNorm2d(outputs))
