"""Operations of all that is no contraction, by a convention.

Every arithmetic operation, comparison and value of an elementary function (exp, log, tanh, erf, a root, a power) is
one operation, as a textbook defines what is computed: a sigmoid 1 / (1 + exp(-x)) takes four. Choosing by the outcome
of a comparison, moving, filling, converting and drawing random numbers take none. What is pointwise and not listed
takes one for each element of its result, what is a reduction one for each element reduced. Only tensors that hold
something for each input are counted. Complex numbers count as two. `nassim.cost.rules` has what depends on more than
a size.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operation.

    Attributes:
        name: Of the operation.
        args: Positional arguments.
        kwargs: Named arguments.
        result: What it returned.
        batch: A prime: tensors whose number of elements it divides hold something for each input.
    """

    name: str
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    result: Any
    batch: int

    @property
    def output(self) -> Any:
        """The first result."""
        return _first(self.result)

    @property
    def input(self) -> Any:
        """The first argument."""
        return _first(self.args)

    @property
    def dimensions(self) -> int:
        """Dimensions of the space that the operation is for, by its name."""
        found = re.search(r"(\d)d", self.name)
        return int(found[1]) if found else 0

    def size(self, tensor: Any) -> int:
        """Return the elements of a tensor that holds something for each input; 0 of others."""
        return tensor.numel() if isinstance(tensor, Tensor) and tensor.numel() % self.batch == 0 else 0


def _first(values: Any) -> Any:
    while isinstance(values, tuple | list):
        values = values[0] if values else None
    return values


Rule = Callable[[Call], int]
"""Operations of one call."""

PER_RESULT = {
    0: "where masked_fill",
    2: "leaky_relu leaky_relu_backward rrelu_with_noise rrelu_with_noise_backward _prelu_kernel hardtanh clamp addcmul "
       "hardtanh_backward hardshrink hardshrink_backward softshrink_backward addcdiv xlogy native_dropout "
       "native_dropout_backward",
    3: "sigmoid_backward tanh_backward hardsigmoid_backward softplus softshrink lerp logit logit_backward sinc "
       "_prelu_kernel_backward log_sigmoid_backward mse_loss_backward linalg_cross _weight_norm_interface_backward",
    4: "sigmoid hardsigmoid elu elu_backward celu logaddexp hypot _softmax_backward_data _log_softmax_backward_data "
       "upsample_linear1d",
    5: "silu hardswish hardswish_backward mish log_sigmoid_forward softplus_backward glu _softmax _log_softmax "
       "_safe_softmax smooth_l1_loss_backward huber_loss_backward binary_cross_entropy_backward",
    6: "soft_margin_loss_backward",
    8: "upsample_bilinear2d",
    9: "silu_backward",
    16: "upsample_trilinear3d",
    32: "upsample_bicubic2d",
}  # fmt: skip
"""Names by the operations for each element of the (first) result. A softmax takes the greatest, subtracts, exp, adds
and divides; interpolation multiplies and adds 2, 4, 8 or 16 neighbours."""

PER_ARGUMENT = {
    1: "cumsum cumprod cummax cummin median nanmedian kthvalue topk col2im unfold_backward embedding_dense_backward "
       "max_pool2d_with_indices_backward max_pool3d_with_indices_backward adaptive_max_pool2d_backward "
       "adaptive_max_pool3d_backward fractional_max_pool2d_backward reflection_pad1d_backward "
       "reflection_pad2d_backward reflection_pad3d_backward replication_pad1d_backward replication_pad2d_backward "
       "replication_pad3d_backward upsample_nearest1d_backward upsample_nearest2d_backward "
       "upsample_nearest3d_backward _upsample_nearest_exact1d_backward _upsample_nearest_exact2d_backward "
       "_upsample_nearest_exact3d_backward",
    2: "linalg_vector_norm norm",
    3: "mse_loss embedding_renorm _weight_norm_interface",
    4: "var std var_mean std_mean logsumexp logcumsumexp upsample_linear1d_backward",
    6: "smooth_l1_loss huber_loss soft_margin_loss",
    8: "binary_cross_entropy_with_logits upsample_bilinear2d_backward",
    9: "binary_cross_entropy glu_backward native_batch_norm_backward cudnn_batch_norm_backward batch_norm_backward",
    16: "upsample_trilinear3d_backward",
    32: "upsample_bicubic2d_backward",
}  # fmt: skip
"""Names by the operations for each element of the first argument. What spreads a gradient adds each of its elements
once; a variance takes the mean (1), subtracts, squares and adds; losses include the sum over all elements. The gradient
of batch normalisation takes the normalised input again (2), sums of the gradient (1) and of the product of both (2),
and the input's gradient from these (4)."""

BETWEEN_COMPLEX_NUMBERS = {"mul": 6, "div": 11}
"""Operations on two complex numbers that aren't twice those on real ones."""

RULES: dict[str, Rule] = {}
"""By the name of an operation, in place or not."""


def rule(*operations: str) -> Callable[[Rule], Rule]:
    """Register what counts operations of aten.

    Raises:
        ValueError: One of them has a rule.
    """

    def register(function: Rule) -> Rule:
        for operation in operations:
            if operation in RULES:
                raise ValueError(f"there is a rule for {operation} already")
            RULES[operation] = function
        return function

    return register


def per_result(count: int) -> Rule:
    """Return the rule of so many operations for each element of the first result."""
    return lambda call: count * call.size(call.output)


def per_argument(count: int) -> Rule:
    """Return the rule of so many operations for each element of the first argument."""
    return lambda call: count * call.size(call.input)


for _count, _names in PER_RESULT.items():
    rule(*_names.split())(per_result(_count))
for _count, _names in PER_ARGUMENT.items():
    rule(*_names.split())(per_argument(_count))


def rule_of(name: str, operation: torch._ops.OpOverload) -> Rule | None:
    """Return what counts an operation; None where nothing is known of it.

    Args:
        name: As in the tables.
        operation: The operation.
    """
    if operation.namespace not in ("aten", "prims"):
        return None
    if name in RULES:
        return RULES[name]
    if torch.Tag.pointwise in operation.tags:
        return per_result(1)
    return per_argument(1) if torch.Tag.reduction in operation.tags else None


def elementwise_flop(rule: Rule, call: Call) -> int:
    """Return the operations of one call, by its rule."""
    return rule(call) * _by_complex_numbers(call)


def _by_complex_numbers(call: Call) -> int:
    if not (_is_complex(call.input) or _is_complex(call.output)):
        return 1
    if call.name == "abs":
        return 4
    return BETWEEN_COMPLEX_NUMBERS.get(call.name, 2) if all(map(_is_complex, call.args[:2])) else 2


def _is_complex(value: Any) -> bool:
    return value.is_complex() if isinstance(value, Tensor) else isinstance(value, complex)
