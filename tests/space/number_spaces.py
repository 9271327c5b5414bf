"""Spaces of numbers: too many networks to measure one family after the other."""

import torch
import torch.nn.functional as F
from torch import nn

from nassim.space import BatchNorm2d, Conv2d, Linear, SearchSpace


class Widths(SearchSpace):
    """A width for each layer, kernels for some: 4,096 networks."""

    input_shape = (3, 8, 8)
    classes = 4

    def build(self, choose):
        channels, layers = 3, []
        for i in range(5):
            width = choose(f"width{i}", [4, 8, 12, 16])
            kernel = choose(f"kernel{i}", [3, 5]) if i < 2 else 3
            layers += [Conv2d(channels, width, kernel, padding=kernel // 2), BatchNorm2d(width), nn.ReLU()]
            channels = width
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), Linear(channels, 4))


class Stages(SearchSpace):
    """Two stages with depths, widths, expansions and kernels; layers that keep a shape add it: 2,592."""

    input_shape = (3, 8, 8)
    classes = 4

    def build(self, choose):
        width, layers = choose("stem", [4, 8]), []
        layers.append(Conv2d(3, width, 1))
        for s in range(2):
            depth, wide = choose(f"depth{s}", [1, 2, 3]), choose(f"width{s}", [4, 8, 12])
            expansion, kernel = choose(f"expansion{s}", [1, 2]), choose(f"kernel{s}", [3, 5])
            for i in range(depth):
                layers.append(Inverted(width, wide, expansion, kernel, 2 if i == 0 else 1))
                width = wide
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), Linear(width, 4))


class Inverted(nn.Module):
    def __init__(self, channels, width, expansion, kernel, stride):
        super().__init__()
        hidden = channels * expansion
        self.layers = nn.Sequential(
            Conv2d(channels, hidden, 1),
            nn.ReLU6(),
            Conv2d(hidden, hidden, kernel, stride, kernel // 2, groups=hidden),
            Conv2d(hidden, width, 1),
        )
        self.adds = stride == 1 and channels == width

    def forward(self, x):
        return x + self.layers(x) if self.adds else self.layers(x)


class Transformer(SearchSpace):
    """An embedding size for all blocks, heads and ratio for each, and how many there are: 680 networks."""

    input_shape = (3, 8, 8)
    classes = 4

    def build(self, choose):
        size, depth = choose("size", [8, 16]), choose("depth", [1, 2, 3, 4])
        blocks = [
            Block(size, choose(f"heads{i}", [1, 2]), choose(f"ratio{i}", {"half": 0.5, "one": 1.0}))
            for i in range(depth)
        ]
        return Tokens(size, blocks)


class Tokens(nn.Module):
    def __init__(self, size, blocks):
        super().__init__()
        self.patches, self.blocks, self.head = nn.Conv2d(3, size, 4, 4), nn.ModuleList(blocks), nn.Linear(size, 4)
        self.places = nn.Parameter(torch.zeros(1, 4, size))

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2) + self.places
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(1))


class Block(nn.Module):
    def __init__(self, size, heads, ratio):
        super().__init__()
        hidden = int(size * ratio)
        self.heads, self.norm, self.three, self.out = (
            heads,
            nn.LayerNorm(size),
            nn.Linear(size, 3 * size),
            nn.Linear(size, size),
        )
        self.rest = nn.Sequential(nn.LayerNorm(size), nn.Linear(size, hidden), nn.GELU(), nn.Linear(hidden, size))

    def forward(self, x):
        batch, places, size = x.shape
        q, k, v = self.three(self.norm(x)).view(batch, places, 3, self.heads, size // self.heads).permute(2, 0, 3, 1, 4)
        x = x + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, places, size))
        return x + self.rest(x)


class Mixed(SearchSpace):
    """Widths, and modules of each width that are swapped; some ask a number of their own: 26,244 networks."""

    input_shape = (3, 8, 8)
    classes = 4

    def build(self, choose):
        channels, layers = 3, []
        for i in range(4):
            width = choose(f"width{i}", [4, 8, 12])

            def dilated(i=i, c=channels, w=width):
                dilation = choose(f"dilation{i}", [1, 2])
                return nn.Conv2d(c, w, 3, padding=dilation, dilation=dilation)

            layers.append(choose(f"layer{i}", {"one": lambda c=channels, w=width: Conv2d(c, w, 1), "wide": dilated}))
            layers.append(choose(f"act{i}", {"relu": nn.ReLU, "none": nn.Identity}) if i % 2 else nn.Tanh())
            channels = width
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), Linear(channels, 4))


class Recurrent(SearchSpace):
    """Hidden sizes of recurrent layers, and whether they look both ways: 512 networks."""

    input_shape = (5, 4)
    classes = 4

    def build(self, choose):
        sizes = [choose(f"size{i}", [4, 8, 12, 16]) for i in range(3)]
        return Layers(sizes, [choose(f"both{i}", [True, False]) for i in range(3)])


class Layers(nn.Module):
    def __init__(self, sizes, both):
        super().__init__()
        self.layers, inputs = nn.ModuleList(), 4
        for size, ways in zip(sizes, both, strict=True):
            self.layers.append(nn.GRU(inputs, size, batch_first=True, bidirectional=ways))
            inputs = size * 2 if ways else size
        self.head = nn.Linear(inputs, 4)

    def forward(self, x):
        for layer in self.layers:
            x, _ = layer(x)
        return self.head(x[:, -1])


NUMBERS = (Widths, Stages, Transformer, Mixed, Recurrent)
