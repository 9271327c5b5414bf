"""What contractions perform: for each operation of torch that is one, a line of arithmetic on shapes.

A contraction multiplies and adds along a dimension that its result has not. A multiply-add is two FLOP. What is counted
is what the usual dense algorithm performs: products with the zeros of a padding and with masked scores among them, a
factor of 4 for complex numbers, biases left out. `nassim.cost.attention` and `nassim.cost.factorisations` register the
rest.
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf, log2, prod
from typing import Any

from torch import Tensor
from torch.utils._pytree import tree_any, tree_map_only

from nassim.cost.work import FLOP_PER_MAC

Shape = Sequence[int]
Formula = Callable[..., int]

FORMULAS: dict[str, Formula] = {}
"""FLOP by the name of an operation. Each takes what the operation takes, with shapes in place of tensors, and the shape
or shapes of what it returns as `out`."""

COMPLEX_TOO: set[str] = set()
"""Operations whose formula holds for complex numbers as it stands."""

COMPLEX_FACTOR = 4
"""A product of complex numbers is four real ones, and their sum goes with them."""


def formula(*operations: str, complex_too: bool = False) -> Callable[[Formula], Formula]:
    """Register a formula for operations, before any network is counted that has them.

    Args:
        operations: Their names in torch's schemas, without `aten::` for those of aten.
        complex_too: Whether it holds for complex numbers as it stands; else these count four times.

    Raises:
        ValueError: One of them has a formula.
    """

    def register(function: Formula) -> Formula:
        for operation in operations:
            if operation in FORMULAS:
                raise ValueError(f"there is a formula of {operation} already")
            FORMULAS[operation] = function
        COMPLEX_TOO.update(operations if complex_too else ())
        return function

    return register


def performed_flop(operation: str, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> int:
    """Return the FLOP of one call of an operation that has a formula."""
    shapes, named, out = tree_map_only(Tensor, lambda tensor: tensor.shape, (tuple(args), dict(kwargs), result))
    flop = FORMULAS[operation](*shapes, **named, out=out)
    is_complex = operation not in COMPLEX_TOO and tree_any(_is_complex, (tuple(args), result))
    return flop * COMPLEX_FACTOR if is_complex else flop


def _is_complex(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_complex()


@formula("mm", "bmm", "mv", "dot", "vdot", "_int_mm", "_scaled_mm")
def product(a: Shape, b: Shape, *_: Any, **__: Any) -> int:
    """Multiply each number of a by a row of b, or by one number where b is a vector."""
    return FLOP_PER_MAC * prod(a) * (b[-1] if len(b) > 1 else 1)


@formula("addmm", "baddbmm", "addbmm", "addmv", "_addmm_activation")
def added_product(bias: Shape, a: Shape, b: Shape, *_: Any, **__: Any) -> int:
    """As the product: what is added to it is a bias."""
    return product(a, b)


@formula("addr")
def added_outer_product(bias: Shape, a: Shape, b: Shape, *_: Any, **__: Any) -> int:
    """Multiply and add at each element."""
    return FLOP_PER_MAC * prod(a) * prod(b)


@formula("mkldnn_linear", "_weight_int8pack_mm", "_weight_int4pack_mm", "_mixed_dtypes_linear")
def linear(x: Shape, *_: Any, out: Shape, **__: Any) -> int:
    """Sum over the inputs for each output, however the weights are packed."""
    return FLOP_PER_MAC * prod(out) * x[-1]


@formula("affine_grid_generator")
def affine_grid(matrix: Shape, *_: Any, out: Shape, **__: Any) -> int:
    """Multiply each place by a matrix."""
    return FLOP_PER_MAC * prod(out) * matrix[-1]


@formula("_grouped_mm", "_scaled_grouped_mm")
def grouped_product(a: Shape, b: Shape, *_: Any, **__: Any) -> int:
    """Groups share out a dimension of a or b that has no groups of its own (rows, columns, or what is summed over)."""
    return FLOP_PER_MAC * prod(a if len(a) == 2 or len(b) == 3 else a[1:]) * b[-1]


@formula("_trilinear")
def trilinear(
    a: Shape, b: Shape, c: Shape, new_a: Shape, new_b: Shape, new_c: Shape, summed: Shape, unrolled: int = 1, **_: Any
) -> int:
    """Multiply a and b, then their product and c, for each index of one dimension; sum as soon as possible."""
    sizes = [max(size) for size in zip(*map(_widened, (a, b, c), (new_a, new_b, new_c)), strict=True)]
    every = range(len(sizes))
    summed_first = {i for i in summed if i in new_c and i != unrolled}
    summed_last = {i for i in summed if i not in new_c and i != unrolled}
    first = {i for i in every if i not in new_a or i not in new_b} | {unrolled}
    last = first - summed_first | {i for i in every if i not in new_c}
    return sum(
        prod(sizes[i] for i in over) * (FLOP_PER_MAC if sums else 1)
        for over, sums in ((first, summed_first), (last, summed_last))
    )


def _widened(shape: Shape, new: Shape) -> list[int]:
    sizes = iter(shape)
    return [1 if i in new else next(sizes) for i in range(len(shape) + len(new))]


def convolved(places: Shape, weight: Shape) -> int:
    """Multiply a whole weight, which has the inputs of one group only, at each place: of the output, as a rule.

    The forward pass, the gradient of the input and that of the weight multiply the same pairs of numbers.
    """
    return FLOP_PER_MAC * prod(weight) * places[0] * prod(places[2:])


@formula("convolution", "_convolution", "convolution_overrideable")
def convolution(
    x: Shape, weight: Shape, bias: Any, stride: Any, padding: Any, dilation: Any, transposed: bool, *_: Any, out: Shape
) -> int:
    """A transposed convolution's places are those of its input."""
    return convolved(x if transposed else out, weight)


@formula("convolution_backward")
def convolution_backward(gradient: Shape, x: Shape, weight: Shape, bias: Any, *settings: Any, out: Any) -> int:
    """As often as there are gradients, of the input and of the weight."""
    *_, transposed, _, _, wanted = settings
    gradients: int = sum(wanted[:2])
    return gradients * convolved(x if transposed else gradient, weight)


@formula("convolution_backward_overrideable")
def convolution_backward_overrideable(gradient: Shape, x: Shape, weight: Shape, *settings: Any, out: Any) -> int:
    """Has no bias among its arguments."""
    return convolution_backward(gradient, x, weight, None, *settings, out=out)


@formula(
    "cudnn_convolution", "cudnn_convolution_relu", "cudnn_convolution_add_relu", "miopen_convolution",
    "miopen_convolution_relu", "miopen_convolution_add_relu", "miopen_depthwise_convolution", "mkldnn_convolution",
    "_conv_depthwise2d", "conv_depthwise3d", "_slow_conv2d_forward", "slow_conv3d_forward", "slow_conv_dilated2d",
    "slow_conv_dilated3d", "_nnpack_spatial_convolution",
)  # fmt: skip
def device_convolution(x: Shape, weight: Shape, *_: Any, out: Shape, **__: Any) -> int:
    """A convolution, by the name of a device's kernel."""
    return convolved(out, weight)


@formula(
    "cudnn_convolution_transpose", "miopen_convolution_transpose", "slow_conv_transpose2d", "slow_conv_transpose3d"
)
def device_transposed_convolution(x: Shape, weight: Shape, *_: Any, **__: Any) -> int:
    """A transposed convolution, by the name of a device's kernel."""
    return convolved(x, weight)


@formula("conv_tbc")
def convolution_tbc(x: Shape, weight: Shape, *_: Any, out: Shape) -> int:
    """Tensors are of shape (time, batch, channels)."""
    return FLOP_PER_MAC * prod(weight) * out[0] * out[1]


@formula("_cudnn_rnn", "miopen_rnn")
def recurrent(x: Shape, weights: Sequence[Shape], *_: Any, **__: Any) -> int:
    """Multiply by every matrix (of each layer and direction, biases apart) at each step of each sequence."""
    return sum(FLOP_PER_MAC * prod(x[:-1]) * prod(weight) for weight in weights if len(weight) > 1)


@formula("_cudnn_rnn_backward", "miopen_rnn_backward")
def recurrent_backward(x: Shape, weights: Sequence[Shape], *rest: Any, **__: Any) -> int:
    """As the forward pass for the gradients of all inputs and states, and once more for those of the weights."""
    of_weights: bool = rest[-1][3]
    return (1 + of_weights) * recurrent(x, weights)


@formula("mkldnn_rnn_layer")
def recurrent_layer(x: Shape, weight: Shape, recurrent_weight: Shape, *_: Any, **__: Any) -> int:
    """One layer in one direction."""
    return recurrent(x, (weight, recurrent_weight))


@formula("mkldnn_rnn_layer_backward")
def recurrent_layer_backward(x: Shape, weight: Shape, recurrent_weight: Shape, *_: Any, **__: Any) -> int:
    """Gradients of the inputs, the states and the weights."""
    return 2 * recurrent(x, (weight, recurrent_weight))


@formula("_cdist_forward")
def distances(a: Shape, b: Shape, p: float, *_: Any, out: Shape) -> int:
    """Subtract, take the power, add: for p of 0, 1, 2 and infinity three operations a number; and one root a pair."""
    if p in (0, 1, inf):
        return prod(out) * 3 * a[-1]
    return prod(out) * ((3 if p == 2 else 4) * a[-1] + 1)


@formula("_cdist_backward")
def distances_backward(gradient: Shape, a: Shape, b: Shape, p: float, *_: Any, **__: Any) -> int:
    """Subtract, make it the distance's derivative, multiply by the gradient, add: one side's gradient."""
    if p == 0:
        return 0
    return prod(gradient) * (4 if p in (1, 2, inf) else 7) * a[-1]


@formula("_euclidean_dist")
def euclidean_distances(a: Shape, b: Shape, *, out: Shape) -> int:
    """A product of matrices with two columns more, for the squares, which take two operations a number; and a root."""
    return prod(out) * (FLOP_PER_MAC * (a[-1] + 2) + 1) + 2 * (prod(a) + prod(b))


@formula("_pdist_forward")
def distances_among(a: Shape, p: float = 2.0, *, out: Shape) -> int:
    """As between two sets."""
    return distances(a, a, p, out=out)


@formula("_pdist_backward")
def distances_among_backward(gradient: Shape, a: Shape, p: float, *_: Any, **__: Any) -> int:
    """The gradients of both sides."""
    return 2 * distances_backward(gradient, a, a, p)


def transformed(shape: Shape, dims: Sequence[int], factor: float) -> int:
    """Return the FLOP of Fourier transforms of n points each: `factor` * n * log2(n)."""
    points = prod(shape[dim] for dim in dims)
    return prod(shape) // points * round(factor * points * log2(points))


@formula("_fft_c2c", complex_too=True)
def fourier(x: Shape, dims: Sequence[int], *_: Any, **__: Any) -> int:
    """Radix 2 (Cooley and Tukey 1965): n / 2 * log2(n) butterflies of a complex product and two sums."""
    return transformed(x, dims, 5)


@formula("_fft_r2c", complex_too=True)
def fourier_of_real(x: Shape, dims: Sequence[int], *_: Any, **__: Any) -> int:
    """Half, by symmetry."""
    return transformed(x, dims, 2.5)


@formula("_fft_c2r", complex_too=True)
def fourier_to_real(x: Shape, dims: Sequence[int], *_: Any, out: Shape) -> int:
    """Half, by symmetry."""
    return transformed(out, dims, 2.5)
