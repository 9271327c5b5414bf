"""Every module of torch.nn with what it costs, summed by hand.

A case is a network, the shape of an input, and the operations of one input: FLOP forward and backward, element-wise
operations forward and backward. Layers stand behind a linear layer or a convolution, so that their input takes a
gradient. A sum is written from the definition: per element, a * b + c is 2, a comparison 1, exp(x) 1.
"""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import nn


class Run(nn.Module):
    """A module around a function of its input and its layers."""

    def __init__(self, function, *layers):
        super().__init__()
        self.function, self.layers = function, nn.ModuleList(layers)

    def forward(self, x):
        return self.function(x, *self.layers)


@dataclass(frozen=True)
class Case:
    make: object
    shape: tuple
    flop: tuple
    elementwise: tuple
    uncounted: dict = field(default_factory=dict)
    dtype: torch.dtype | None = None


N = 8
"""Numbers of a vector: the output of Linear(8, 8), which has 8 biases, whose gradients take 8 additions."""
LINEAR = 2 * N * N


def on_vector(layer, forward, backward, flop=(0, 0)):
    """Return a layer behind Linear(8, 8), with its own operations for each of 8 elements."""
    return Case(
        lambda: nn.Sequential(nn.Linear(N, N), layer()), (N,),
        (LINEAR + flop[0], LINEAR + flop[1]), (N * forward, N * backward + N),
    )  # fmt: skip


MAP = 64
"""Places of a map 8 x 8. A convolution 1 x 1 from 3 to 4 channels stands before: 4 maps, no bias."""
MAPS = 4 * MAP
CONVOLUTION = 2 * 3 * MAPS


def on_maps(layer, forward, backward, flop=(0, 0), **more):
    """Return a layer behind a convolution, with all of its own operations."""
    return Case(
        lambda: nn.Sequential(nn.Conv2d(3, 4, 1, bias=False), layer()), (3, 8, 8),
        (CONVOLUTION + flop[0], CONVOLUTION + flop[1]), (forward, backward), **more,
    )  # fmt: skip


def on_line(layer, forward, backward, flop=(0, 0)):
    """Return a layer behind a convolution over 8 places in one dimension, from 3 to 4 channels."""
    return Case(
        lambda: nn.Sequential(nn.Conv1d(3, 4, 1, bias=False), layer()), (3, 8),
        (2 * 3 * 32 + flop[0], 2 * 3 * 32 + flop[1]), (forward, backward),
    )  # fmt: skip


def on_volume(layer, forward, backward, flop=(0, 0)):
    """Return a layer behind a convolution over 4 x 4 x 4 places, from 3 to 4 channels."""
    return Case(
        lambda: nn.Sequential(nn.Conv3d(3, 4, 1, bias=False), layer()), (3, 4, 4, 4),
        (2 * 3 * 256 + flop[0], 2 * 3 * 256 + flop[1]), (forward, backward),
    )  # fmt: skip


def on_pair(layer, forward, backward, uncounted=()):
    """Return a function of Linear(8, 8)'s output and its input, a target, with all of its own operations."""
    return Case(
        lambda: Run(lambda x, linear, layer: layer(linear(x), x), nn.Linear(N, N), layer()), (N,),
        (LINEAR, LINEAR), (forward, backward + N), dict(uncounted),
    )  # fmt: skip


def to_class(layer, forward, backward):
    """Return a loss of Linear(8, 8)'s output and the class 0."""

    def loss(x, linear, layer):
        return layer(linear(x), torch.zeros(len(x), dtype=torch.long, device=x.device))

    return Case(
        lambda: Run(loss, nn.Linear(N, N), layer()), (N,), (LINEAR, LINEAR), (forward, backward + N),
    )  # fmt: skip


ACTIVATIONS = {
    # f(x); then the gradient g times f'(x).
    "Identity": on_vector(nn.Identity, 0, 0),
    "Flatten": on_vector(nn.Flatten, 0, 0),
    "Unflatten": on_vector(lambda: nn.Unflatten(1, (2, 4)), 0, 0),
    "ReLU": on_vector(nn.ReLU, 1, 1),  # compare; compare
    "Threshold": on_vector(lambda: nn.Threshold(0.1, 20), 1, 1),
    "ReLU6": on_vector(nn.ReLU6, 2, 2),  # two comparisons each
    "Hardtanh": on_vector(nn.Hardtanh, 2, 2),
    "Hardshrink": on_vector(nn.Hardshrink, 2, 2),
    "Softshrink": on_vector(nn.Softshrink, 3, 2),  # and a difference forward
    "LeakyReLU": on_vector(nn.LeakyReLU, 2, 2),  # compare, multiply
    "RReLU": on_vector(nn.RReLU, 2, 2),
    "PReLU": on_vector(nn.PReLU, 2, 4),  # compare, multiply; compare, two products; the weight's gradient adds up
    "ELU": on_vector(nn.ELU, 4, 4),  # compare, a * (exp(x) - 1); compare, g * a * exp(x)
    "SELU": on_vector(nn.SELU, 4, 4),
    "CELU": on_vector(nn.CELU, 4, 4),
    "Sigmoid": on_vector(nn.Sigmoid, 4, 3),  # 1 / (1 + exp(-x)); g * y * (1 - y)
    "Tanh": on_vector(nn.Tanh, 1, 3),  # tanh; g * (1 - y * y)
    "Hardsigmoid": on_vector(nn.Hardsigmoid, 4, 3),  # (x + 3) / 6 and two comparisons; two comparisons, g / 6
    "Hardswish": on_vector(nn.Hardswish, 5, 5),  # and times x; two comparisons, g * (x / 3 + 1 / 2)
    "SiLU": on_vector(nn.SiLU, 5, 9),  # x * s; g * s * (1 + x * (1 - s)), with s of 4
    "GELU": on_vector(nn.GELU, 5, 11),  # x / 2 * (1 + erf(x / c)); 4 of erf, 4 of a density, times x, +, times g
    "Softplus": on_vector(nn.Softplus, 3, 5),  # log(1 + exp(x)); g times a sigmoid
    "LogSigmoid": on_vector(nn.LogSigmoid, 5, 3),  # -log(1 + exp(-x)); g / (1 + exp(x))
    "Mish": on_vector(nn.Mish, 5, 14),  # x * tanh(log(1 + exp(x))); softplus 3, tanh 1, sigmoid 4, 6 products and sums
    "Softsign": on_vector(nn.Softsign, 3, 8),  # x / (1 + abs(x)); as torch runs it: 3 quotients, 2 products, +, -, sign
    "Tanhshrink": on_vector(nn.Tanhshrink, 2, 5),  # x - tanh(x); g - g * (1 - y * y), the minus apart
    "GLU": on_vector(nn.GLU, 5 / 2, 9 / 2),  # on 4 of 8: a * s; s again 4, g * s, g * a * s * (1 - s)
    "Softmax": on_vector(lambda: nn.Softmax(1), 5, 4),  # greatest, subtract, exp, add, divide; y * (g - sum(g * y))
    "LogSoftmax": on_vector(lambda: nn.LogSoftmax(1), 5, 4),  # .., subtract the log; g - exp(y) * sum(g)
    "Softmin": on_vector(lambda: nn.Softmin(1), 6, 5),  # of -x
    "Softmax2d": on_maps(nn.Softmax2d, 5 * MAPS, 4 * MAPS),
    "Dropout": on_vector(nn.Dropout, 2, 1),  # scale the mask, multiply; multiply
    "AlphaDropout": on_vector(nn.AlphaDropout, 6, 1),  # mask + 1, * a, + b; x * mask, + that; g * mask
    "FeatureAlphaDropout": on_vector(nn.FeatureAlphaDropout, 6, 1),
    "Dropout1d": on_line(nn.Dropout1d, 4 + 32, 32),  # scale the 4 masks, multiply; multiply
    "Dropout2d": on_maps(nn.Dropout2d, 4 + MAPS, MAPS),
    "Dropout3d": on_volume(nn.Dropout3d, 4 + 256, 256),
}

POOLING = {
    # Maps of 8 x 8 become 4 x 4: a window has 2 x 2.
    "MaxPool1d": on_line(lambda: nn.MaxPool1d(2), 2 * 16, 16),
    "MaxPool2d": on_maps(lambda: nn.MaxPool2d(2), 4 * 64, 64),
    "MaxPool3d": on_volume(lambda: nn.MaxPool3d(2), 8 * 32, 32),
    "AvgPool1d": on_line(lambda: nn.AvgPool1d(2), 2 * 16, 2 * 16),
    "AvgPool2d": on_maps(lambda: nn.AvgPool2d(2), 4 * 64, 4 * 64),
    "AvgPool3d": on_volume(lambda: nn.AvgPool3d(2), 8 * 32, 8 * 32),
    # 8 places in 3 windows: 0-2, 2-5, 5-7, of 3, 4 and 3; 4 in 3: of 2, 2 and 2.
    "AdaptiveMaxPool1d": on_line(lambda: nn.AdaptiveMaxPool1d(3), 4 * 10, 12),
    "AdaptiveMaxPool2d": on_maps(lambda: nn.AdaptiveMaxPool2d(3), 4 * 10 * 10, 36),
    "AdaptiveMaxPool3d": on_volume(lambda: nn.AdaptiveMaxPool3d(3), 4 * 6**3, 4 * 27),
    "AdaptiveAvgPool1d": on_line(lambda: nn.AdaptiveAvgPool1d(3), 4 * 10, 4 * 10),
    "AdaptiveAvgPool2d": on_maps(lambda: nn.AdaptiveAvgPool2d(3), 4 * 10 * 10, 4 * 10 * 10),
    "AdaptiveAvgPool3d": on_volume(lambda: nn.AdaptiveAvgPool3d(3), 4 * 6**3, 4 * 6**3),
    "FractionalMaxPool2d": on_maps(lambda: nn.FractionalMaxPool2d(2, 3), 4 * 36, 36),
    # As torch runs it, a power, a mean, and on each mean its sign, absolute value, comparison, two products, root. Then
    # 3 of the root, 3 products, comparison, sign, product, sum of both ways; the mean's gradient; 3 of the power.
    "LPPool1d": on_line(lambda: nn.LPPool1d(2, 2), 32 + 32 + 6 * 16, 10 * 16 + 32 + 3 * 32),
    "LPPool2d": on_maps(lambda: nn.LPPool2d(2, 2), 256 + 256 + 6 * 64, 10 * 64 + 256 + 3 * 256),
    "LPPool3d": on_volume(lambda: nn.LPPool3d(2, 2), 256 + 256 + 6 * 32, 10 * 32 + 256 + 3 * 256),
    # The maximum's comparisons, its gradients, and no more: numbers are moved to places.
    "MaxUnpool1d": on_line(
        lambda: Run(lambda x: F.max_unpool1d(*F.max_pool1d(x, 2, return_indices=True), 2)), 2 * 16, 16),
    "MaxUnpool2d": on_maps(
        lambda: Run(lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2)), 4 * 64, 64),
    "MaxUnpool3d": on_volume(
        lambda: Run(lambda x: F.max_unpool3d(*F.max_pool3d(x, 2, return_indices=True), 2)), 8 * 32, 32),
}  # fmt: skip

NORMALISATION = {
    # Mean 1, variance 3, subtract, divide, scale, shift; normalise again 2, sums 1 and 2, gradient 4.
    "BatchNorm1d": on_line(lambda: nn.BatchNorm1d(4), 8 * 32, 9 * 32),
    "BatchNorm2d": on_maps(lambda: nn.BatchNorm2d(4), 8 * MAPS, 9 * MAPS),
    "BatchNorm3d": on_volume(lambda: nn.BatchNorm3d(4), 8 * 256, 9 * 256),
    "SyncBatchNorm": on_maps(lambda: nn.SyncBatchNorm(4), 8 * MAPS, 9 * MAPS),
    # Without a scale and a shift.
    "InstanceNorm1d": on_line(lambda: nn.InstanceNorm1d(4), 6 * 32, 9 * 32),
    "InstanceNorm2d": on_maps(lambda: nn.InstanceNorm2d(4), 6 * MAPS, 9 * MAPS),
    "InstanceNorm3d": on_volume(lambda: nn.InstanceNorm3d(4), 6 * 256, 9 * 256),
    # The scale's and the shift's own gradients, 2 and 1, and the gradient times the scale.
    "GroupNorm": on_maps(lambda: nn.GroupNorm(2, 4), 8 * MAPS, 13 * MAPS),
    "LayerNorm": on_vector(lambda: nn.LayerNorm(N), 8, 13),
    # As torch runs it: square, mean, + eps, root, times it, times the scale; 11 for each of 8 elements, and 3.
    "RMSNorm": Case(
        lambda: nn.Sequential(nn.Linear(N, N), nn.RMSNorm(N)), (N,), (LINEAR, LINEAR), (4 * N + 2, 11 * N + 3 + N)
    ),
    # x * x; mean of 2 channels; a * mean + k; power; divide. Then 3 quotients, 7 products, a power, -, +, + and a mean.
    "LocalResponseNorm": on_maps(lambda: nn.LocalResponseNorm(2), 7 * MAPS, 15 * MAPS),
}

SHAPES = {
    "ZeroPad1d": on_line(lambda: nn.ZeroPad1d(1), 0, 0),
    "ZeroPad2d": on_maps(lambda: nn.ZeroPad2d(1), 0, 0),
    "ZeroPad3d": on_volume(lambda: nn.ZeroPad3d(1), 0, 0),
    "ConstantPad1d": on_line(lambda: nn.ConstantPad1d(1, 2.0), 0, 0),
    "ConstantPad2d": on_maps(lambda: nn.ConstantPad2d(1, 2.0), 0, 0),
    "ConstantPad3d": on_volume(lambda: nn.ConstantPad3d(1, 2.0), 0, 0),
    # The gradient of each of the padded places is added to its source.
    "ReflectionPad1d": on_line(lambda: nn.ReflectionPad1d(1), 0, 4 * 10),
    "ReflectionPad2d": on_maps(lambda: nn.ReflectionPad2d(1), 0, 4 * 10**2),
    "ReflectionPad3d": on_volume(lambda: nn.ReflectionPad3d(1), 0, 4 * 6**3),
    "ReplicationPad1d": on_line(lambda: nn.ReplicationPad1d(1), 0, 4 * 10),
    "ReplicationPad2d": on_maps(lambda: nn.ReplicationPad2d(1), 0, 4 * 10**2),
    "ReplicationPad3d": on_volume(lambda: nn.ReplicationPad3d(1), 0, 4 * 6**3),
    # Two copies for each dimension, whose gradients are added to that of the whole padded tensor.
    "CircularPad1d": on_line(lambda: nn.CircularPad1d(1), 0, 2 * 4 * 10),
    "CircularPad2d": on_maps(lambda: nn.CircularPad2d(1), 0, 4 * 4 * 10**2),
    "CircularPad3d": on_volume(lambda: nn.CircularPad3d(1), 0, 6 * 4 * 6**3),
    "ChannelShuffle": on_maps(lambda: nn.ChannelShuffle(2), 0, 0),
    "PixelShuffle": on_maps(lambda: nn.PixelShuffle(2), 0, 0),
    "PixelUnshuffle": on_maps(lambda: nn.PixelUnshuffle(2), 0, 0),
    # 6 x 6 patches of 3 x 3 in 4 channels: the one's way back is the other's way forward, which adds them up.
    "Unfold": on_maps(lambda: nn.Unfold(3), 0, 4 * 9 * 36),
    "Fold": on_maps(lambda: nn.Sequential(nn.Unfold(3), nn.Fold(8, 3)), 4 * 9 * 36, 4 * 9 * 36),
    # 16 x 16 outputs, of four neighbours each; or copies, whose gradients are added.
    "Upsample": on_maps(lambda: nn.Upsample(scale_factor=2, mode="bilinear"), 2 * 4 * 4 * MAPS, 2 * 4 * 4 * MAPS),
    "UpsamplingBilinear2d": on_maps(
        lambda: nn.UpsamplingBilinear2d(scale_factor=2), 2 * 4 * 4 * MAPS, 2 * 4 * 4 * MAPS),
    "UpsamplingNearest2d": on_maps(lambda: nn.UpsamplingNearest2d(scale_factor=2), 0, 4 * MAPS),
    "cubic": on_maps(lambda: nn.Upsample(scale_factor=2, mode="bicubic"), 2 * 16 * 4 * MAPS, 2 * 16 * 4 * MAPS),
    "linear": on_line(lambda: nn.Upsample(scale_factor=2, mode="linear"), 2 * 2 * 64, 2 * 2 * 64),
    "trilinear": on_volume(lambda: nn.Upsample(scale_factor=2, mode="trilinear"), 2 * 8 * 8 * 256, 2 * 8 * 8 * 256),
    "nearest in a volume": on_volume(lambda: nn.Upsample(scale_factor=2), 0, 8 * 256),
    "antialiasing": on_maps(
        lambda: Run(lambda x: F.interpolate(x, scale_factor=2, mode="bilinear", antialias=True)), 0, 0,
        uncounted={"_upsample_bilinear2d_aa": 1, "_upsample_bilinear2d_aa_backward": 1},
    ),
}  # fmt: skip

CONTRACTIONS = {
    "Linear": Case(lambda: nn.Linear(5, 7), (5,), (70, 70), (0, 7)),
    # 6 outputs, 4 inputs, 3 places of a kernel, 6 places of the output; and a bias's gradient.
    "Conv1d": on_line(lambda: nn.Conv1d(4, 6, 3), 0, 36, (2 * 6 * 4 * 3 * 6, 2 * 2 * 6 * 4 * 3 * 6)),
    "Conv2d": on_maps(lambda: nn.Conv2d(4, 6, 3), 0, 6 * 36, (2 * 6 * 4 * 9 * 36, 2 * 2 * 6 * 4 * 9 * 36)),
    "Conv3d": on_volume(lambda: nn.Conv3d(4, 6, 3), 0, 6 * 8, (2 * 6 * 4 * 27 * 8, 2 * 2 * 6 * 4 * 27 * 8)),
    # At the 8, 64 or 64 places of the input.
    "ConvTranspose1d": on_line(
        lambda: nn.ConvTranspose1d(4, 6, 3, bias=False), 0, 0, (2 * 6 * 4 * 3 * 8, 2 * 2 * 6 * 4 * 3 * 8)),
    "ConvTranspose2d": on_maps(
        lambda: nn.ConvTranspose2d(4, 6, 3, bias=False), 0, 0, (2 * 6 * 4 * 9 * 64, 2 * 2 * 6 * 4 * 9 * 64)),
    "ConvTranspose3d": on_volume(
        lambda: nn.ConvTranspose3d(4, 6, 3, bias=False), 0, 0, (2 * 6 * 4 * 27 * 64, 2 * 2 * 6 * 4 * 27 * 64)),
}  # fmt: skip
