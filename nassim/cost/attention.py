"""Attention is counted as a fused kernel runs it, whatever torch makes of it on the meta device.

Devices run `scaled_dot_product_attention` as one kernel (FlashAttention, Dao et al. 2022, and its like), on processors
as on GPUs. It keeps no scores: its backward pass works them out once more, so that five products stand against the two
of the forward pass. The meta device knows no such kernel, and would run the steps one by one, four against two. So,
while a counter is active, the processor's kernel stands in there. torch's own figure is still that of the steps.
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

from nassim.cost.formulas import Shape, formula
from nassim.cost.work import FLOP_PER_MAC

FUSED = "_scaled_dot_product_flash_attention_for_cpu"

_registrations = torch.library.Library("aten", "IMPL")  # type: ignore[no-untyped-call]
_attention = torch.ops.aten.scaled_dot_product_attention.default


def attended(q: Shape, v: Shape, with_keys: int, with_values: int) -> int:
    """Return the FLOP of products between scores and keys, or queries, and between scores and values.

    Args:
        q: Shape of the queries, (batch, heads, queries, d). Keys and values may have fewer heads and share them.
        v: Shape of the values, (batch, heads, keys, e).
        with_keys: How many products are along d.
        with_values: How many are along e.
    """
    return FLOP_PER_MAC * prod(q[:-1]) * v[-2] * (with_keys * q[-1] + with_values * v[-1])


@formula(
    FUSED, "_scaled_dot_product_flash_attention", "_scaled_dot_product_efficient_attention",
    "_scaled_dot_product_cudnn_attention", "_scaled_dot_product_fused_attention_overrideable",
    "_scaled_dot_product_attention_math_for_mps", "_triton_scaled_dot_attention",
)  # fmt: skip
def attention(q: Shape, k: Shape, v: Shape, *_: Any, **__: Any) -> int:
    """Scores from queries and keys; the output from scores and values."""
    return attended(q, v, 1, 1)


@formula(
    f"{FUSED}_backward", "_scaled_dot_product_flash_attention_backward",
    "_scaled_dot_product_efficient_attention_backward", "_scaled_dot_product_cudnn_attention_backward",
    "_scaled_dot_product_fused_attention_overrideable_backward",
)  # fmt: skip
def attention_backward(gradient: Shape, q: Shape, k: Shape, v: Shape, *_: Any, **__: Any) -> int:
    """The scores again, then gradients of values, scores, queries and keys (Dao et al. 2022, algorithm 4)."""
    return attended(q, v, 3, 2)


@formula("_native_multi_head_attention", "_triton_multi_head_attention")
def multi_head_attention(q: Shape, k: Shape, v: Shape, width: int, *_: Any, **__: Any) -> int:
    """Project all three, of shape (batch, length, width); attend; project what comes out."""
    return FLOP_PER_MAC * (2 * prod(q) + prod(k) + prod(v)) * width + attended(q, v, 1, 1)


@formula("_transformer_encoder_layer_fwd")
def encoder_layer(x: Shape, width: int, heads: int, *rest: Any, **__: Any) -> int:
    """Self-attention and two linear layers: the path that inference takes."""
    hidden: int = rest[11][0]
    return multi_head_attention(x, x, x, width) + 2 * FLOP_PER_MAC * prod(x) * hidden


def _torch_backward(gradient: Tensor, q: Tensor, k: Tensor, v: Tensor, *_: Any, **__: Any) -> int:
    """Of the steps run one by one, those whose result takes a gradient."""
    scores = q.requires_grad or k.requires_grad
    return attended(q.shape, v.shape, q.requires_grad + k.requires_grad, scores + v.requires_grad)


def _torch_forward(q: Tensor, k: Tensor, v: Tensor, *_: Any, **__: Any) -> int:
    return attended(q.shape, v.shape, 1, 1)


TORCH_FORMULAS: Mapping[str, Callable[..., int]] = {FUSED: _torch_forward, f"{FUSED}_backward": _torch_backward}
"""What torch's FlopCounterMode counts on the meta device where the fused kernel stands in, from the arguments."""


def _attend(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0,
    is_causal: bool = False, *, scale: float | None = None, enable_gqa: bool = False,
) -> Any:  # fmt: skip
    counted = any(getattr(mode, "fuses_attention", False) for mode in _get_current_dispatch_mode_stack())
    if counted and _can_be_fused((query, key, value), attn_mask, enable_gqa):
        fused = getattr(torch.ops.aten, FUSED)
        return fused(query, key, value, dropout_p, is_causal, attn_mask=attn_mask, scale=scale)[0]
    return _attention.decompose(query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa)


def _can_be_fused(tensors: Sequence[Tensor], mask: Tensor | None, shares_heads: bool) -> bool:
    """Say whether the kernels take such arguments (ATen's native/transformers/sdp_utils_cpp.h)."""
    q, k, v = tensors
    return (
        all(tensor.dim() == 4 and tensor.stride(-1) == 1 and tensor.numel() for tensor in tensors)
        and q.is_floating_point()
        and q.size(0) == k.size(0) == v.size(0)
        and q.size(-1) == k.size(-1) == v.size(-1)
        and (shares_heads or q.size(1) == k.size(1) == v.size(1))
        and not (mask is not None and mask.requires_grad)
    )


_registrations.impl("scaled_dot_product_attention", _attend, "AutogradMeta")  # type: ignore[no-untyped-call]
