"""Elastic layers: one set of weights for every width and kernel size that a space chooses from.

`Conv2d`, `Linear`, `BatchNorm2d` and `LayerNorm` are written in `build` like torch's. Given plain numbers they return
torch's own layers, so a subnet has no trace of nassim. While a supernet is built and a number is left open, they return
a layer of the greatest size, which runs with its first channels and the centre of its kernel as the active architecture
needs them (Cai et al. 2020, Once-for-all, section 3.3).
"""

from abc import abstractmethod
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from nassim.errors import NassimError
from nassim.space.chosen import Chosen

Size = int | Chosen
"""A number of a layer: given, or left open until the active architecture is known."""


def Conv2d(  # noqa: N802, stands for torch's class of this name
    in_channels: Size,
    out_channels: Size,
    kernel_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: Size = 1,
    bias: bool = True,
) -> nn.Conv2d:
    """Return torch's Conv2d, or one that shares its weights between channel numbers and kernel sizes.

    Args:
        in_channels: May be chosen.
        out_channels: May be chosen.
        kernel_size: May be chosen, among odd or among even numbers: smaller kernels are the centre of the greatest.
        stride: As torch's.
        padding: May be chosen: usually `kernel_size // 2`.
        dilation: As torch's.
        groups: May be chosen, and is then the number of input channels: a depthwise convolution.
        bias: As torch's.

    Raises:
        NassimError: A number is chosen that can't be shared.
    """
    if not any(
        isinstance(size, Chosen) for size in (in_channels, out_channels, kernel_size, stride, padding, dilation, groups)
    ):
        return nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias)  # type: ignore[arg-type]
    return ElasticConv2d(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias)


def Linear(in_features: Size, out_features: Size, bias: bool = True) -> nn.Linear:  # noqa: N802
    """Return torch's Linear, or one that shares its weights between the numbers of features that may be chosen.

    After a flattened feature map of chosen width, `in_features` is `width * height * width_of_map`.
    """
    if isinstance(in_features, Chosen) or isinstance(out_features, Chosen):
        return ElasticLinear(in_features, out_features, bias)
    return nn.Linear(in_features, out_features, bias)


def BatchNorm2d(  # noqa: N802
    num_features: Size, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True
) -> nn.BatchNorm2d:
    """Return torch's BatchNorm2d, or one whose first channels, statistics included, serve every chosen width.

    Raises:
        NassimError: A chosen width without a momentum.
    """
    if isinstance(num_features, Chosen):
        return ElasticBatchNorm2d(num_features, eps, momentum, affine)
    return nn.BatchNorm2d(num_features, eps, momentum, affine)


def LayerNorm(normalized_shape: Size, eps: float = 1e-5, elementwise_affine: bool = True) -> nn.LayerNorm:  # noqa: N802
    """Return torch's LayerNorm over the last dimension, or one whose first features serve every chosen width."""
    if isinstance(normalized_shape, Chosen):
        return ElasticLayerNorm(normalized_shape, eps, elementwise_affine)
    return nn.LayerNorm(normalized_shape, eps, elementwise_affine)


class Elastic:
    """A layer that holds the greatest of its sizes and uses a share of it."""

    @abstractmethod
    def shares(self) -> dict[str, Tensor]:
        """Return the parameters and buffers that the active architecture uses, by their names in torch's layer."""


class ElasticConv2d(nn.Conv2d, Elastic):
    """See `Conv2d`."""

    def __init__(
        self,
        in_channels: Size,
        out_channels: Size,
        kernel_size: Size,
        stride: Any,
        padding: Any,
        dilation: Any,
        groups: Size,
        bias: bool,
    ) -> None:
        for name, size in (("stride", stride), ("dilation", dilation)):
            if isinstance(size, Chosen):
                raise NassimError(f"Conv2d can't share its {name}, which choice {size.names[0]!r} leaves open")
        greatest_kernel = _greatest(kernel_size, "Conv2d")
        if isinstance(kernel_size, Chosen) and len({size % 2 for size in kernel_size.table.values()}) > 1:
            raise NassimError(
                f"Conv2d shares kernel sizes by their centre, so those of choice {kernel_size.names[0]!r} are all odd "
                f"or all even, found {', '.join(map(str, kernel_size.table.values()))}"
            )
        if not (_same(groups, 1) or _same(groups, in_channels)):
            raise NassimError("an elastic Conv2d has 1 group, or as many as input channels (groups=in_channels)")
        super().__init__(
            _greatest(in_channels, "Conv2d"), _greatest(out_channels, "Conv2d"), greatest_kernel, stride, 0, dilation,
            _greatest(groups, "Conv2d"), bias,
        )  # fmt: skip
        self._depthwise = not _same(groups, 1)
        self._sizes = in_channels, out_channels, kernel_size
        self._padding = padding

    def shares(self) -> dict[str, Tensor]:
        """Return the first channels and the centre of the kernel."""
        inputs, outputs, kernel = map(_now, self._sizes)
        weight = self.weight[:outputs, : 1 if self._depthwise else inputs]
        if isinstance(kernel, int):
            first = (self.kernel_size[0] - kernel) // 2
            weight = weight[:, :, first : first + kernel, first : first + kernel]
        return {"weight": weight} if self.bias is None else {"weight": weight, "bias": self.bias[:outputs]}

    def forward(self, input: Tensor) -> Tensor:
        """Convolve with the active architecture's share."""
        share = self.shares()
        groups = _now(self._sizes[0]) if self._depthwise else 1
        padding = _now(self._padding)
        return F.conv2d(input, share["weight"], share.get("bias"), self.stride, padding, self.dilation, groups)


class ElasticLinear(nn.Linear, Elastic):
    """See `Linear`."""

    def __init__(self, in_features: Size, out_features: Size, bias: bool) -> None:
        super().__init__(_greatest(in_features, "Linear"), _greatest(out_features, "Linear"), bias)
        self._sizes = in_features, out_features

    def shares(self) -> dict[str, Tensor]:
        """Return the first rows and columns."""
        inputs, outputs = map(_now, self._sizes)
        weight = self.weight[:outputs, :inputs]
        return {"weight": weight} if self.bias is None else {"weight": weight, "bias": self.bias[:outputs]}

    def forward(self, input: Tensor) -> Tensor:
        """Multiply by the active architecture's share."""
        share = self.shares()
        return F.linear(input, share["weight"], share.get("bias"))


class ElasticBatchNorm2d(nn.BatchNorm2d, Elastic):
    """See `BatchNorm2d`."""

    def __init__(self, num_features: Chosen, eps: float, momentum: float | None, affine: bool) -> None:
        if momentum is None:
            raise NassimError("an elastic BatchNorm2d needs a momentum: channels are trained unequally often")
        super().__init__(_greatest(num_features, "BatchNorm2d"), eps, momentum, affine)
        self._features = num_features
        self._momentum = momentum

    def shares(self) -> dict[str, Tensor]:
        """Return the first channels of weights and statistics."""
        features = _now(self._features)
        tensors = {**dict(self.named_parameters()), **dict(self.named_buffers())}
        return {name: tensor[:features] if tensor.dim() else tensor for name, tensor in tensors.items()}

    def forward(self, input: Tensor) -> Tensor:
        """Normalise; in training, update the statistics of the active channels in place."""
        share = self.shares()
        if self.training:
            share["num_batches_tracked"].add_(1)
        return F.batch_norm(
            input, share["running_mean"], share["running_var"], share.get("weight"), share.get("bias"), self.training,
            self._momentum, self.eps,
        )  # fmt: skip


class ElasticLayerNorm(nn.LayerNorm, Elastic):
    """See `LayerNorm`."""

    def __init__(self, features: Chosen, eps: float, elementwise_affine: bool) -> None:
        super().__init__(_greatest(features, "LayerNorm"), eps, elementwise_affine)
        self._features = features

    def shares(self) -> dict[str, Tensor]:
        """Return the first features."""
        features = _now(self._features)
        return {name: tensor[:features] for name, tensor in self.named_parameters()}

    def forward(self, input: Tensor) -> Tensor:
        """Normalise over the active features."""
        share = self.shares()
        return F.layer_norm(input, (_now(self._features),), share.get("weight"), share.get("bias"), self.eps)


def _greatest(size: Any, layer: str) -> Any:
    """Return the size to hold: of a number left open, the greatest it can be."""
    if not isinstance(size, Chosen):
        return size
    values = list(size.table.values())
    if not all(isinstance(value, int) and value > 0 for value in values):
        raise NassimError(
            f"{layer} is given choice {size.names[0]!r} for a size, whose options are {', '.join(map(str, values))}; a "
            "size is a whole number of at least 1"
        )
    return max(values)


def _now(size: Any) -> Any:
    """Return a size under the active architecture."""
    return size.value() if isinstance(size, Chosen) else size


def _same(one: Size, other: Size) -> bool:
    """Say whether two sizes are equal under every architecture."""
    if isinstance(one, Chosen) and isinstance(other, Chosen):
        return one.names == other.names and one.table == other.table
    return not isinstance(one, Chosen) and not isinstance(other, Chosen) and one == other
