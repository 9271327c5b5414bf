"""What networks compute besides modules: each function is counted as summed by hand, or listed."""

import pytest
import torch
import torch.nn.functional as F
from modules import LINEAR, Case, N, Run
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nassim.cost.counting import count


def after(function, flop=(0, 0), elementwise=(0, 0), uncounted=(), size=N):
    """Return a function of Linear's output, of 8 numbers or some more, with all of its own operations."""
    linear = 2 * size * size
    return Case(
        lambda: Run(lambda x, layer: function(layer(x)), nn.Linear(size, size)), (size,),
        (linear + flop[0], linear + flop[1]), (elementwise[0], elementwise[1] + size), dict(uncounted),
    )  # fmt: skip


def on_matrix(function, flop, elementwise=None, uncounted=()):
    """Return a function of a matrix 4 x 4 of an input, the output of Linear(4, 4), which takes 2 * 64 either way."""
    return Case(
        lambda: Run(lambda x, layer: function(layer(x)), nn.Linear(4, 4)), (4, 4), (128 + flop[0], 128 + flop[1]),
        elementwise and (elementwise[0], elementwise[1] + 16), dict(uncounted),
    )  # fmt: skip


def at(x):
    return torch.zeros(x.shape, dtype=torch.long, device=x.device)


class Product(torch.autograd.Function):
    """A product of matrices with a backward pass of its own."""

    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        return x @ weight

    @staticmethod
    def backward(ctx, gradient):
        x, weight = ctx.saved_tensors
        return gradient @ weight.T, x.T @ gradient


def in_bfloat16(x, layer):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return layer(x)


def without_gradient(x, first, last):
    with torch.no_grad():
        x = first(x)
    return last(x)


FUNCTIONS = {
    # 8 real points: 2.5 * 8 * 3. There and back; the gradient of a real transform is a whole one, of 120, and that of
    # its inverse doubles the 3 complex numbers that stand for two.
    "rfft, irfft": after(lambda x: torch.fft.irfft(torch.fft.rfft(x)), (120, 60 + 120), (0, 2 * 3)),
    # 64 points in two dimensions: 5 * 64 * 6, times 2 / 2 for its real input, and whole for the gradient.
    "fft2": after(lambda x: torch.fft.fft2(x.unflatten(1, (8, 8))).abs().flatten(1), (1920, 1920), (4 * 64, 2 * 2 * 64),
                  size=64),
    "inverse": on_matrix(torch.linalg.inv, (128, 2 * 128), (0, 16)),  # 2 n^3; two products, and -
    # n^3 - n^3 / 3 (21), two times n^2 for each of 4 columns; the gradient solves for these again, and has a product.
    "solve": on_matrix(lambda a: torch.linalg.solve(a, torch.ones(4, 4, device=a.device)), (43 + 128, 128 + 128), None),
    "singular values": on_matrix(torch.linalg.svdvals, (26 * 64, 128), None),
    "exponential": on_matrix(torch.linalg.matrix_exp, (0, 0), None, {"linalg_matrix_exp": 2}),
    "power": on_matrix(lambda a: torch.linalg.matrix_power(a, 4), (2 * 128, 4 * 128), (0, 2 * 16)),
    "einsum": on_matrix(lambda a: torch.einsum("nij,nkj->nik", a, a), (128, 256), (0, 16)),
    "distances": on_matrix(lambda a: torch.cdist(a, a[:, :3] * 2), (12 * (3 * 4 + 1), 2 * 12 * 4 * 4), None),
    "bmm of three": on_matrix(lambda a: a @ a @ a, (256, 512), (0, 32)),
    "vector": on_matrix(lambda a: a @ torch.ones(4, device=a.device), (32, 0), (0, 16)),  # mv; an outer product back
    "autograd.Function": Case(
        lambda: Run(lambda x, layer: Product.apply(layer(x), layer.weight), nn.Linear(N, N)), (N,),
        (2 * LINEAR, 3 * LINEAR), (0, N)),
    "vmap": Case(
        lambda: Run(lambda x, layer: torch.vmap(lambda v: layer.weight @ v)(layer(x)), nn.Linear(N, N)), (N,),
        (2 * LINEAR, 3 * LINEAR), (0, N)),
    "autocast": Case(lambda: Run(in_bfloat16, nn.Linear(N, N)), (N,), (LINEAR, LINEAR), (0, N)),
    "bfloat16": Case(lambda: nn.Linear(N, N).bfloat16(), (N,), (LINEAR, LINEAR), (0, N), dtype=torch.bfloat16),
    "no_grad": Case(
        lambda: Run(without_gradient, nn.Linear(N, N), nn.Linear(N, N)), (N,), (2 * LINEAR, LINEAR), (0, N)),
    # Four real products for each complex one. Absolute values 4; sign, product, and the bias's sum 2 each.
    "complex": Case(lambda: Run(lambda x, a: a(x).abs(), nn.Linear(N, N, dtype=torch.cfloat)), (N,),
                    (4 * LINEAR, 4 * LINEAR), (4 * N, 2 * N + 2 * N + 2 * N), dtype=torch.cfloat),
    "int8": Case(
        lambda: Run(lambda x, a: torch._int_mm(x.to(torch.int8), a.weight.T.to(torch.int8)).float(), nn.Linear(N, N)),
        (N,), (LINEAR, 0), (0, 0)),
    # Each number added where it goes; the gradient is gathered. And the other way round.
    "scatter_add": after(lambda x: torch.zeros_like(x).scatter_add(1, at(x), x), elementwise=(8, 0)),
    "index_add": after(lambda x: torch.zeros_like(x).index_add(1, at(x[0]), x), elementwise=(8, 0)),
    "gather": after(lambda x: x.gather(1, at(x)), elementwise=(0, 8)),
    "index": after(lambda x: x[:, at(x[0])], elementwise=(0, 8)),
    "sort": after(lambda x: x.sort(-1)[0], elementwise=(8 * 3, 0)),  # log2(8) comparisons each
    "search": after(lambda x: torch.searchsorted(torch.arange(7.0, device=x.device), x) + x, elementwise=(8 * 4, 0)),
    "variance": after(lambda x: x.var(-1), elementwise=(4 * 8, 3 * 8 + 1)),  # mean, x - mean, squared, added
    "clamp": after(lambda x: x.clamp(0, 1), elementwise=(2 * 8, 3 * 8)),
    "GELU by tanh": after(lambda x: F.gelu(x, approximate="tanh"), elementwise=(9 * 8, 18 * 8)),
    # 8 x 8 outputs of one channel from four neighbours each. The grid: 64 places times a matrix 2 x 3.
    "affine grid": after(
        lambda x: F.grid_sample(x.new_ones(len(x), 1, 8, 8), F.affine_grid(x[:, :6].view(-1, 2, 3), (len(x), 1, 8, 8))),
        (2 * 64 * 2 * 3, 2 * 64 * 2 * 3), (2 * 4 * 64, 2 * 4 * 64 * 2)),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Default grid_sample and affine_grid behavior")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_costs_what_it_is_by_hand(name):
    case = FUNCTIONS[name]
    network = case.make()
    profile = count(network, case.shape, dtype=case.dtype)
    assert (profile.forward_flop, profile.backward_flop) == case.flop
    assert dict(profile.uncounted) == case.uncounted
    if case.elementwise is not None:
        assert (profile.elementwise_flop, profile.backward_elementwise_flop) == case.elementwise
    with torch.device("meta"):
        x = torch.zeros(3, *case.shape, dtype=case.dtype)
    with FlopCounterMode(display=False) as forward:
        output = network.to("meta")(x)
    with FlopCounterMode(display=False) as backward:
        if output.requires_grad:
            output.sum().backward()
    by_torch = 3 * profile.torch_forward_flop, 3 * profile.torch_backward_flop
    assert by_torch == (forward.get_total_flops(), backward.get_total_flops())
