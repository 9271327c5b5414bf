"""Operations of torch that compute nothing: they move numbers, or make them without reading any.

Names are those of schemas, without `aten::` and without the underscore of what works in place.
"""

import torch

MOVEMENT = {
    "clone", "copy", "_to_copy", "cat", "stack", "constant_pad_nd", "reflection_pad1d", "reflection_pad2d",
    "reflection_pad3d", "replication_pad1d", "replication_pad2d", "replication_pad3d", "index", "_unsafe_index", "take",
    "index_select", "index_fill", "index_copy", "gather", "scatter", "masked_scatter", "embedding", "repeat",
    "repeat_interleave", "flip", "roll", "rot90", "tril", "triu", "diag_embed", "block_diag", "select_scatter",
    "slice_scatter", "diagonal_scatter", "as_strided_scatter", "channel_shuffle", "native_channel_shuffle",
    "pixel_shuffle", "pixel_unshuffle", "upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d",
    "_upsample_nearest_exact1d", "_upsample_nearest_exact2d", "_upsample_nearest_exact3d", "max_unpool2d",
    "max_unpool3d", "im2col", "slice_backward", "select_backward", "diagonal_backward", "_unsafe_view",
    "_reshape_alias", "_reshape_copy", "lift_fresh", "lift_fresh_copy", "new_empty_strided", "set", "resize",
    "_local_scalar_dense", "item", "is_same_size", "complex", "lu_unpack", "_linalg_check_errors", "_assert_async",
    "unsafe_split", "unsafe_split_with_sizes", "_sparse_coo_tensor_with_dims_and_tensors",
}  # fmt: skip
"""`complex` joins two parts to one number; `lu_unpack` takes triangles apart."""

CREATION = {
    "empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_zeros", "new_ones", "new_full", "zeros",
    "zeros_like", "ones", "ones_like", "full", "full_like", "zero", "fill", "arange", "eye", "linspace", "logspace",
    "scalar_tensor", "one_hot", "rand", "rand_like", "randn", "randn_like", "randint", "randint_like", "randperm",
    "bernoulli", "uniform", "normal", "normal_functional", "random", "exponential", "geometric", "cauchy", "log_normal",
    "hann_window", "hamming_window", "bartlett_window", "blackman_window", "kaiser_window", "tril_indices",
    "triu_indices", "fft_fftfreq", "fft_rfftfreq",
}  # fmt: skip


def only_moves(name: str, operation: torch._ops.OpOverload) -> bool:
    """Say whether an operation of torch itself is known to compute nothing."""
    if operation.namespace not in ("aten", "prim", "prims"):
        return False
    return operation.is_view or torch.Tag.inplace_view in operation.tags or name in MOVEMENT or name in CREATION
