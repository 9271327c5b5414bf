"""Operations of what is no contraction, where they depend on more than the size of one tensor.

The convention is that of `nassim.cost.elementwise`.
"""

from collections.abc import Sequence
from math import ceil, log2, prod

from torch import Tensor

from nassim.cost.elementwise import Call, rule


@rule("gelu")
def gelu(call: Call) -> int:
    """Return those of x / 2 * (1 + erf(x / sqrt(2))), or x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x ** 3)))."""
    return call.size(call.output) * (5 if call.kwargs.get("approximate", "none") == "none" else 9)


@rule("gelu_backward")
def gelu_backward(call: Call) -> int:
    """The derivative of either, times the gradient."""
    return call.size(call.output) * (11 if call.kwargs.get("approximate", "none") == "none" else 18)


def normalised(call: Call, weight: int) -> int:
    """Mean 1, variance 3, subtract and multiply 2, scale and shift 2."""
    by_statistics = next((value for value in call.args if isinstance(value, bool)), "no_training" not in call.name)
    operations: int = 4 * by_statistics + 2 + 2 * (call.args[weight] is not None)
    return call.size(call.input) * operations


@rule("native_layer_norm")
def layer_norm(call: Call) -> int:
    """Has the normalised shape before the weight."""
    return normalised(call, weight=2)


@rule("native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_functional", "cudnn_batch_norm",
      "_native_batch_norm_legit_no_training", "native_group_norm")  # fmt: skip
def batch_norm(call: Call) -> int:
    """Over a batch, or over groups of channels."""
    return normalised(call, weight=1)


@rule("native_layer_norm_backward", "native_group_norm_backward")
def layer_norm_backward(call: Call) -> int:
    """What batch normalisation's takes, and 4 for a weight: on the gradient 1, its own gradient 2, the bias's 1."""
    weight = call.args[5 if "layer" in call.name else 4]
    return call.size(call.input) * (13 if weight is not None else 9)


def _taps(kernel: Sequence[int], dimensions: int) -> int:
    return prod([*kernel] * (dimensions // len(kernel)))


@rule("avg_pool2d", "avg_pool3d", "max_pool2d_with_indices", "max_pool3d_with_indices", "fractional_max_pool2d")
def pool(call: Call) -> int:
    """Add or compare each element of a window."""
    return _taps(call.args[1], call.dimensions) * call.size(call.output)


@rule("avg_pool2d_backward", "avg_pool3d_backward")
def pool_backward(call: Call) -> int:
    """Add a gradient at each element of its window."""
    return _taps(call.args[2], call.dimensions) * call.size(call.input)


def _windows(size: int, count: int) -> int:
    return sum(ceil((i + 1) * size / count) - i * size // count for i in range(count))


@rule("_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_max_pool2d", "adaptive_max_pool3d",
      "_adaptive_avg_pool2d_backward", "_adaptive_avg_pool3d_backward")  # fmt: skip
def adaptive_pool(call: Call) -> int:
    """As pooling, with windows of the sizes that fit."""
    pooled, out = (call.args[1], call.input) if "backward" in call.name else (call.input, call.output)
    space: tuple[int, ...] = tuple(pooled.shape[-call.dimensions :])
    sides = zip(space, out.shape[-call.dimensions :], strict=True)
    return call.size(pooled) // prod(space) * prod(_windows(*side) for side in sides)


def _interpolation(call: Call, mode: int) -> int:
    """Multiply and add each neighbour, whose weights all channels share: 2 in each dimension if linear, 4 if cubic."""
    return {0: 2 << call.dimensions, 1: 0, 2: 2 << 2 * call.dimensions}[mode]


@rule("grid_sampler_2d", "grid_sampler_3d")
def grid_sample(call: Call) -> int:
    """Interpolate; or take the nearest element, for nothing."""
    return _interpolation(call, call.args[2]) * call.size(call.output)


@rule("grid_sampler_2d_backward", "grid_sampler_3d_backward")
def grid_sample_backward(call: Call) -> int:
    """As much for the gradient of the input, which adds in any case, and for that of each coordinate."""
    operations = _interpolation(call, call.args[3])
    of_input, of_grid = map(bool, call.args[6])
    return (of_input * (operations or 1) + of_grid * call.dimensions * operations) * call.size(call.input)


@rule("convolution_backward")
def bias_gradient(call: Call) -> int:
    """Add the gradient over all places, if the bias takes one; that of a linear layer is an operation of its own."""
    return call.size(call.input) if call.args[10][2] else 0


@rule("index_add", "scatter_add", "scatter_reduce", "index_reduce")
def add_at(call: Call) -> int:
    """Add, or reduce, each element of the source."""
    return call.size(call.args[3])


@rule("index_put", "_index_put_impl", "_unsafe_index_put")
def put_at(call: Call) -> int:
    """Add if accumulating; else only move."""
    return call.size(call.args[2]) if len(call.args) > 3 and call.args[3] else 0


@rule("_embedding_bag", "_embedding_bag_forward_only")
def embedding_bag(call: Call) -> int:
    """Add (or compare) each number of each row, after multiplying it by a weight if there is one; a mean divides."""
    rows, indices, _, _, mode, _, weights = (*call.args, *(None,) * 7)[:7]
    numbers: int = call.size(indices) * rows.shape[1]
    return numbers * (1 + (weights is not None)) + (call.size(call.output) if mode == 1 else 0)


@rule("_embedding_bag_backward", "_embedding_bag_dense_backward")
def embedding_bag_backward(call: Call) -> int:
    """Add the gradient to each row."""
    numbers: int = call.size(call.args[1]) * call.input.shape[-1]
    return numbers


@rule("_embedding_bag_per_sample_weights_backward")
def embedding_bag_weights_backward(call: Call) -> int:
    """Multiply each row by the gradient, and add."""
    numbers: int = 2 * call.size(call.args[2]) * call.input.shape[-1]
    return numbers


@rule("nll_loss_forward", "nll_loss2d_forward")
def nll_loss(call: Call) -> int:
    """One number for each target: negate, add."""
    return 2 * call.size(call.args[1])


@rule("nll_loss_backward", "nll_loss2d_backward")
def nll_loss_backward(call: Call) -> int:
    """One number for each target."""
    return call.size(call.args[2])


@rule("sort")
def sort(call: Call) -> int:
    """Compare log2(n) times for each of n elements."""
    dims = [value for value in call.args[1:] if type(value) is int]
    count = call.input.shape[dims[0] if dims else call.kwargs.get("dim", -1)] if call.input.dim() else 1
    return call.size(call.input) * ceil(log2(max(count, 1)))


@rule("searchsorted", "bucketize")
def search(call: Call) -> int:
    """Compare log2(n + 1) times for each element that is sought among n."""
    among, sought = call.args[:2] if call.name == "searchsorted" else call.args[1::-1]
    return call.size(sought) * ceil(log2(int(among.shape[-1]) + 1))


def _scores(call: Call, q: Tensor, k: Tensor) -> tuple[int, int]:
    """Return how many scores there are, and the operations that a mask and dropout add to each."""
    masked = call.kwargs.get("attn_mask") is not None
    dropped = any(isinstance(value, float) and value > 0 for value in call.args)
    return call.size(q) // q.shape[-1] * k.shape[-2], masked + 2 * dropped


@rule("_scaled_dot_product_flash_attention_for_cpu")
def attention(call: Call) -> int:
    """Scale each score and take the softmax."""
    scores, more = _scores(call, *call.args[:2])
    return scores * (1 + 5 + more)


@rule("_scaled_dot_product_flash_attention_for_cpu_backward")
def attention_backward(call: Call) -> int:
    """Scale, exp(score - logsumexp), times (gradient - sum), scale; the sums take 2 for each element of the output."""
    scores, more = _scores(call, *call.args[1:3])
    return scores * (1 + 2 + 2 + 1 + more) + 2 * call.size(call.input)
