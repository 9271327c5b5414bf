"""Where the FLOP that are performed and those of torch's FlopCounterMode differ, and why."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A way in which torch's FlopCounterMode counts other FLOP than are performed.

    Attributes:
        what: What is computed.
        performed: How many FLOP it takes.
        by_torch: What torch counts on the meta device, and so `torch_forward_flop` and `torch_backward_flop`. It has no
            formula for what it counts as 0.
        elsewhere: What it counts on real devices, where that is something else again; else empty.
        operations: Names of the operations.
    """

    what: str
    performed: str
    by_torch: str
    elsewhere: str
    operations: tuple[str, ...]


DIFFERENCES = (
    Discrepancy(
        "grouped and depthwise convolutions, backward",
        "each gradient as much as the forward pass",
        "the weight's gradient once per group too often",
        "",
        ("convolution_backward", "convolution_backward_overrideable"),
    ),
    Discrepancy(
        "attention (`scaled_dot_product_attention`)",
        "a fused kernel: 2 products of the scores' size forward; 5 backward, for it works out the scores again",
        "the steps one by one: 2 and 4, fewer where queries, keys or values take no gradient",
        "0 on processors, whose kernel has no formula; 2 and 5 on CUDA",
        ("_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_flash_attention_for_cpu_backward",
         "_scaled_dot_product_fused_attention_overrideable",
         "_scaled_dot_product_fused_attention_overrideable_backward", "_scaled_dot_product_attention_math_for_mps",
         "_triton_scaled_dot_attention"),
    ),
    Discrepancy(
        "transformer layers in inference, by the fast path",
        "projections, attention, linear layers",
        "0",
        "",
        ("_transformer_encoder_layer_fwd", "_native_multi_head_attention", "_triton_multi_head_attention"),
    ),
    Discrepancy(
        "recurrent layers (`RNN`, `GRU`, `LSTM`)",
        "a product with each matrix at each step",
        "the same: it runs the steps one by one",
        "0 on CUDA (cuDNN); on processors 0 for LSTM (oneDNN)",
        ("_cudnn_rnn", "_cudnn_rnn_backward", "miopen_rnn", "miopen_rnn_backward", "mkldnn_rnn_layer",
         "mkldnn_rnn_layer_backward"),
    ),
    Discrepancy(
        "products with vectors (`mv`, `dot`), and of batches that are added up (`addbmm`)",
        "2 FLOP for each pair that is multiplied",
        "0",
        "",
        ("mv", "addmv", "dot", "vdot", "addr", "addbmm"),
    ),
    Discrepancy(
        "bilinear forms (`nn.Bilinear`)",
        "two products for each output",
        "0",
        "",
        ("_trilinear",),
    ),
    Discrepancy(
        "distances (`cdist`, `pdist`)",
        "3 or 4 operations a number and a root a pair; between many points, a product of matrices",
        "0, but for the products of the gradient",
        "",
        ("_cdist_forward", "_cdist_backward", "_euclidean_dist", "_pdist_forward", "_pdist_backward"),
    ),
    Discrepancy(
        "Fourier transforms",
        "5 n log2(n) for n complex points, half of it for real ones",
        "0",
        "",
        ("_fft_c2c", "_fft_r2c", "_fft_c2r"),
    ),
    Discrepancy(
        "factorisations and solutions (`torch.linalg`)",
        "LAPACK's counts to leading order",
        "0",
        "",
        ("linalg_lu_factor_ex", "linalg_lu", "_linalg_det", "_linalg_slogdet", "linalg_inv_ex", "linalg_cholesky_ex",
         "cholesky_inverse", "geqrf", "linalg_householder_product", "_linalg_eigvals", "linalg_eig", "linalg_qr",
         "_linalg_svd", "linalg_pinv", "_linalg_eigh", "linalg_solve_triangular", "triangular_solve", "cholesky_solve",
         "_cholesky_solve_helper", "linalg_lu_solve", "_linalg_solve_ex"),
    ),
    Discrepancy(
        "products of complex numbers, and products in place (`addmm_`)",
        "4 times as many for complex numbers; in place as elsewhere",
        "as if they were real; 0 in place",
        "",
        ("mm", "bmm", "addmm", "baddbmm", "convolution"),
    ),
    Discrepancy(
        "products of whole or packed numbers, by groups, with an activation, of affine grids",
        "2 FLOP for each pair that is multiplied",
        "0",
        "",
        ("_int_mm", "_weight_int8pack_mm", "_weight_int4pack_mm", "_mixed_dtypes_linear", "_grouped_mm",
         "_scaled_grouped_mm", "_addmm_activation", "mkldnn_linear", "affine_grid_generator"),
    ),
    Discrepancy(
        "convolutions by the name of a kernel (`conv_tbc`)",
        "as convolutions",
        "0",
        "",
        ("conv_tbc", "cudnn_convolution_relu", "cudnn_convolution_add_relu", "cudnn_convolution_transpose",
         "miopen_convolution", "miopen_convolution_relu", "miopen_convolution_add_relu", "miopen_convolution_transpose",
         "miopen_depthwise_convolution", "mkldnn_convolution", "_conv_depthwise2d", "conv_depthwise3d",
         "slow_conv3d_forward", "slow_conv_dilated2d", "slow_conv_dilated3d", "slow_conv_transpose2d",
         "slow_conv_transpose3d", "_nnpack_spatial_convolution"),
    ),
)  # fmt: skip
"""The ways in which they differ. Where torch has no formula its figure is 0."""


def discrepancy(operation: str) -> Discrepancy | None:
    """Return why torch counts an operation otherwise, if it is known to."""
    return next((entry for entry in DIFFERENCES if operation in entry.operations), None)
