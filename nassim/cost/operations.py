"""Which torch operations are free of contractions, so that counting nothing for them is right.

FLOP are counted for contractions: products of matrices, convolutions, attention. Element-wise work, normalisation,
pooling, reductions and the movement of data are left out by convention, in torch's counter as everywhere. An operation
that is neither counted nor listed here is reported by name, as `Profile.uncounted`.
"""

import torch

NORMALISATION = {
    "native_batch_norm", "native_batch_norm_backward", "cudnn_batch_norm", "cudnn_batch_norm_backward",
    "_native_batch_norm_legit", "_native_batch_norm_legit_functional", "_native_batch_norm_legit_no_training",
    "batch_norm_backward", "native_layer_norm", "native_layer_norm_backward", "native_group_norm",
    "native_group_norm_backward", "_fused_rms_norm", "_fused_rms_norm_backward", "_softmax",
    "_softmax_backward_data", "_safe_softmax", "_log_softmax", "_log_softmax_backward_data", "native_dropout",
    "native_dropout_backward",
}  # fmt: skip

POOLING = {
    f"{name}{suffix}"
    for name in ("avg_pool", "adaptive_avg_pool", "_adaptive_avg_pool", "max_pool", "adaptive_max_pool")
    for dimensions in ("1d", "2d", "3d")
    for suffix in (dimensions, f"{dimensions}_backward", f"{dimensions}_with_indices",
                   f"{dimensions}_with_indices_backward")
}  # fmt: skip

REDUCTION = {
    "sum", "mean", "amax", "amin", "max", "min", "any", "all", "argmax", "argmin", "prod", "var", "std", "var_mean",
    "std_mean", "logsumexp", "linalg_vector_norm", "norm", "cumsum", "cumprod", "nll_loss_forward",
    "nll_loss_backward", "nll_loss2d_forward", "nll_loss2d_backward", "mse_loss", "mse_loss_backward",
    "binary_cross_entropy", "binary_cross_entropy_backward", "smooth_l1_loss", "smooth_l1_loss_backward",
}  # fmt: skip

MOVEMENT = {
    "clone", "copy", "copy_", "_to_copy", "cat", "stack", "constant_pad_nd", "reflection_pad1d", "reflection_pad2d",
    "reflection_pad1d_backward", "reflection_pad2d_backward", "replication_pad1d", "replication_pad2d",
    "replication_pad1d_backward", "replication_pad2d_backward", "index", "index_put", "index_put_",
    "_index_put_impl_", "index_select", "index_add", "index_add_", "gather", "scatter", "scatter_", "scatter_add",
    "scatter_add_", "embedding", "embedding_dense_backward", "repeat", "flip", "roll", "tril", "triu",
    "channel_shuffle", "native_channel_shuffle", "pixel_shuffle", "pixel_unshuffle", "upsample_nearest1d",
    "upsample_nearest2d", "upsample_nearest1d_backward", "upsample_nearest2d_backward", "slice_backward",
    "select_backward", "diagonal_backward", "unfold_backward", "im2col", "col2im", "_unsafe_view", "_reshape_alias",
    "_reshape_copy", "lift_fresh", "new_empty_strided", "set_", "_local_scalar_dense", "item", "is_same_size",
    "sort", "topk",
}  # fmt: skip

CREATION = {
    "empty", "empty_like", "empty_strided", "new_empty", "new_zeros", "new_ones", "new_full", "zeros", "zeros_like",
    "ones", "ones_like", "full", "full_like", "zero_", "fill", "fill_", "arange", "eye", "linspace",
    "scalar_tensor", "one_hot", "rand", "rand_like", "randn", "randn_like", "randint", "randperm", "bernoulli",
    "bernoulli_", "uniform", "uniform_", "normal", "normal_", "normal_functional", "random_", "exponential_",
}  # fmt: skip

FREE = NORMALISATION | POOLING | REDUCTION | MOVEMENT | CREATION


def is_free(operation: torch._ops.OpOverload) -> bool:
    """Say whether an operation of torch itself is known to hold no contraction."""
    if operation.namespace not in ("aten", "prim", "prims"):
        return False
    if torch.Tag.pointwise in operation.tags or torch.Tag.reduction in operation.tags or operation.is_view:
        return True
    return operation._schema.name.split("::")[1] in FREE
