"""The chain of NAS-Bench-Macro (Su et al. 2021, https://arxiv.org/abs/2103.11922): 8 layers, 6,561 networks.

Each layer is one of three blocks: an identity, or MobileNetV2's inverted residual with expansion 3 and kernel 3, or
with expansion 6 and kernel 5. The first layer of each of the three stages doubles the width and halves the resolution;
there the identity is a 1x1 convolution with stride 2, as published.

The published table's parameters and FLOPs are nassim's `params` and `forward_macs`: multiply-adds of convolutions and
the linear layer, biases not counted.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from nassim.errors import NassimError
from nassim.space import Architecture, Choose, SearchSpace

BLOCKS = ("identity", "mb3_k3", "mb6_k5")
"""The labels of every layer; the published digits 0, 1 and 2."""

STAGES = (2, 3, 3)
"""Layers in each stage."""

LAYERS = tuple(f"layer{i}" for i in range(sum(STAGES)))
"""The choices."""


class Chain(SearchSpace):
    """NAS-Bench-Macro: 8 layers with 3 choices each. The defaults are the published network for CIFAR-10.

    Args:
        width: Channels of the stem, doubled in each stage.
        head: Channels of the convolution before the classifier.
        input_shape: (channels, height, width) of one image.
        classes: Number of classes.

    Raises:
        NassimError: A parameter that no network can be built with.
    """

    def __init__(
        self, *, width: int = 32, head: int = 1280, input_shape: Sequence[int] = (3, 32, 32), classes: int = 10
    ) -> None:
        for name, value in (("width", width), ("head", head), ("classes", classes)):
            if not isinstance(value, int) or value < 1:
                raise NassimError(f"Chain: {name} is a whole number of at least 1, found {value!r}")
        if len(input_shape) != 3 or min(input_shape) < 1:
            raise NassimError(f"Chain: input_shape is (channels, height, width), found {tuple(input_shape)}")
        self.width = width
        self.head = head
        self.input_shape = tuple(input_shape)
        self.classes = classes

    def build(self, choose: Choose) -> nn.Module:
        """Return the network: stem, eight chosen blocks, head."""
        width = self.width
        layers: list[nn.Module] = conv_norm(self.input_shape[0], width, 3, relu=True)
        names = iter(LAYERS)
        for depth in STAGES:
            layers.append(choose_block(choose, next(names), width, 2 * width, stride=2))
            width *= 2
            layers += [choose_block(choose, next(names), width, width, stride=1) for _ in range(depth - 1)]
        layers += conv_norm(width, self.head, 1, relu=True)
        head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(self.head, self.classes)]
        # Channels last trains these networks several times as fast on a CPU, and what they compute is the same.
        return nn.Sequential(*layers, *head).to(memory_format=torch.channels_last)

    @staticmethod
    def from_digits(text: str) -> Architecture:
        """Read a published name such as 22212220.

        Raises:
            NassimError: The text is not 8 digits of 0, 1 and 2.
        """
        if len(text) != len(LAYERS) or not set(text) <= set("012"):
            raise NassimError(f"a chain of NAS-Bench-Macro is {len(LAYERS)} digits of 0, 1 and 2, found {text!r}")
        return Architecture({name: BLOCKS[int(digit)] for name, digit in zip(LAYERS, text, strict=True)})

    @staticmethod
    def to_digits(architecture: Mapping[str, str]) -> str:
        """Write the published name."""
        return "".join(str(BLOCKS.index(architecture[name])) for name in LAYERS)


def choose_block(choose: Choose, name: str, inputs: int, outputs: int, stride: int) -> nn.Module:
    """Ask for the block of one layer."""
    block: nn.Module = choose(
        name,
        {
            "identity": lambda: nn.Identity() if stride == 1 else nn.Sequential(*conv_norm(inputs, outputs, 1, stride)),
            "mb3_k3": lambda: InvertedResidual(inputs, outputs, stride, expansion=3, kernel=3),
            "mb6_k5": lambda: InvertedResidual(inputs, outputs, stride, expansion=6, kernel=5),
        },
    )
    return block


class InvertedResidual(nn.Module):
    """MobileNetV2's block (Sandler et al. 2018) with ReLU: widen, convolve each channel by itself, narrow."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int, kernel: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.layers = nn.Sequential(
            *conv_norm(inputs, hidden, 1, relu=True),
            *conv_norm(hidden, hidden, kernel, stride, groups=hidden, relu=True),
            *conv_norm(hidden, outputs, 1),
        )
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, height, width) to (batch, outputs, height / stride, width / stride)."""
        out: Tensor = self.layers(x)
        return out + x if self.has_shortcut else out


def conv_norm(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, relu: bool = False
) -> list[nn.Module]:
    """Return a convolution without bias, batch normalisation and, if asked for, ReLU."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), *([nn.ReLU()] if relu else [])]
