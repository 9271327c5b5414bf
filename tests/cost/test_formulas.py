"""Formulas of contractions: golden values on shapes, and what is counted by brute force, by another route."""

from math import inf, log2, prod
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from nassim.cost import operations
from nassim.cost.counting import count
from nassim.cost.differences import DIFFERENCES, discrepancy
from nassim.cost.formulas import FORMULAS, formula, performed_flop

GOLDEN = {
    # Products of matrices: 2 for each of m * k * n pairs.
    "mm": (((2, 3), (3, 4)), {}, (2, 4), 2 * 2 * 3 * 4),
    "addmm": (((4,), (2, 3), (3, 4)), {}, (2, 4), 2 * 2 * 3 * 4),
    "bmm": (((5, 2, 3), (5, 3, 4)), {}, (5, 2, 4), 2 * 5 * 2 * 3 * 4),
    "baddbmm": (((5, 2, 4), (5, 2, 3), (5, 3, 4)), {}, (5, 2, 4), 2 * 5 * 2 * 3 * 4),
    "addbmm": (((2, 4), (5, 2, 3), (5, 3, 4)), {}, (2, 4), 2 * 5 * 2 * 3 * 4),
    "mv": (((2, 3), (3,)), {}, (2,), 2 * 2 * 3),
    "dot": (((7,), (7,)), {}, (), 2 * 7),
    "addr": (((2, 3), (2,), (3,)), {}, (2, 3), 2 * 2 * 3),
    "_weight_int8pack_mm": (((2, 3), (4, 3), (4,)), {}, (2, 4), 2 * 2 * 3 * 4),
    # Two groups of rows share out the 6 rows; each meets the matrix of its group alone.
    "_grouped_mm": (((6, 3), (2, 3, 4), (2,)), {}, (6, 4), 2 * 6 * 3 * 4),
    # 2 * 3 x 3 kernel, 4 inputs in each of 2 groups, 6 outputs, 5 x 5 places.
    "convolution": (((1, 8, 7, 7), (6, 4, 3, 3), None, [1, 1], [0, 0], [1, 1], False, [0, 0], 2), {}, (1, 6, 5, 5),
                    2 * 9 * 4 * 6 * 25),
    "cudnn_convolution": (((1, 8, 7, 7), (6, 4, 3, 3), [0, 0], [1, 1], [1, 1], 2, True, True, True), {}, (1, 6, 5, 5),
                          2 * 9 * 4 * 6 * 25),
    # Transposed: the weight, of 6 inputs and 4 outputs a group, at each of the input's 7 x 7 places.
    "cudnn_convolution_transpose": (((1, 6, 7, 7), (6, 4, 3, 3), [0, 0], [0, 0], [1, 1], [1, 1], 2, True, True, True),
                                    {}, (1, 8, 9, 9), 2 * 9 * 6 * 4 * 49),
    # Kernel 3, 8 inputs, 5 outputs, 6 steps, batch 2.
    "conv_tbc": (((6, 2, 8), (3, 8, 5), (5,), 1), {}, (6, 2, 5), 2 * 3 * 8 * 5 * 6 * 2),
    # LSTM of 2 layers with 6 units over 5 steps of 3 sequences of 4 numbers: four gates, 4 + 6 and 6 + 6 inputs.
    "_cudnn_rnn": (((5, 3, 4), [(24, 4), (24, 6), (24,), (24,), (24, 6), (24, 6), (24,), (24,)], 4, None, (2, 3, 6),
                    (2, 3, 6), 2, 6, 0, 2, False, 0.0, True, False, [], None), {}, (),
                   2 * 5 * 3 * 24 * (4 + 6 + 6 + 6)),
    "mkldnn_rnn_layer": (((5, 3, 4), (24, 4), (24, 6), (24,), (24,), (3, 6), (3, 6), False, [], 2, 6, 1, True, False,
                          False, True), {}, (), 2 * 5 * 3 * 24 * (4 + 6)),
    # 3 queries and 4 keys of 2 heads in a batch of 5: scores over 8 numbers, outputs over 4 keys.
    "_scaled_dot_product_flash_attention": (((5, 2, 3, 8), (5, 2, 4, 8), (5, 2, 4, 8)), {}, (),
                                            2 * 5 * 2 * 3 * 4 * (8 + 8)),
    # Values of 6 numbers: three products over the queries' 8, two over those 6.
    "_scaled_dot_product_efficient_attention_backward": (((5, 2, 3, 6), (5, 2, 3, 8), (5, 2, 4, 8), (5, 2, 4, 6)), {},
                                                         (), 2 * 5 * 2 * 3 * 4 * (3 * 8 + 2 * 6)),
    # Four projections of 5 * 3 vectors of 8 numbers, and the scores' two products.
    "_native_multi_head_attention": (((5, 3, 8), (5, 3, 8), (5, 3, 8), 8, 2), {}, (),
                                     2 * 4 * 5 * 3 * 8 * 8 + 2 * 2 * 5 * 3 * 3 * 8),
    # Outputs 5, inputs 3 and 4, batch 2: x W for each output, then times y.
    "_trilinear": (((2, 3), (5, 3, 4), (2, 4), [1, 3], [0], [1, 2], [2, 3]), {}, (2, 5), 2 * 2 * 5 * (3 * 4 + 4)),
    # 6 pairs, 4 numbers each: subtract, absolute value, add.
    "_cdist_forward": (((2, 4), (3, 4), 1.0, None), {}, (2, 3), 6 * 4 * 3),
    # As a product of matrices of 4 + 2 columns, the squares of all 5 points, and a root of each of 6 distances.
    "_euclidean_dist": (((2, 4), (3, 4)), {}, (2, 3), 6 * (2 * 6 + 1) + 2 * (2 * 4 + 3 * 4)),
    # 3 transforms of 8 points: 5 * 8 * 3.
    "_fft_c2c": (((3, 8), [1], 0, True), {}, (3, 8), 3 * 120),
    "_fft_r2c": (((3, 8), [1], 0, True), {}, (3, 5), 3 * 60),
    "_fft_c2r": (((3, 5), [1], 2, 8), {}, (3, 8), 3 * 60),
    # 2 matrices 6 x 6: 2/3 n^3, 2 n^3, 1/3 n^3.
    "linalg_lu_factor_ex": (((2, 6, 6),), {}, (), 2 * 144),
    "linalg_inv_ex": (((2, 6, 6),), {}, (), 2 * 432),
    "linalg_cholesky_ex": (((2, 6, 6),), {}, (), 2 * 72),
    # LU, and for each of 3 right-hand sides n^2 forward and n^2 back.
    "_linalg_solve_ex": (((2, 6, 6), (6, 3)), {}, [(2, 6, 3)], 2 * (144 + 2 * 36 * 3)),
    # R alone takes 2 m n^2 - 2/3 n^3, and as much again for Q.
    "linalg_qr": (((10, 6),), {}, (), 2 * (2 * 10 * 36 - 144)),
    "_linalg_svd": (((10, 6), False, False), {}, (), 2 * 10 * 36 + 2 * 216),
    "_linalg_eigh": (((6, 6), "L", False), {}, (), 288),
}  # fmt: skip


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_values(name):
    args, kwargs, out, flop = GOLDEN[name]
    assert FORMULAS[name](*args, **kwargs, out=out) == flop


@pytest.mark.parametrize(("wanted", "gradients"), [((True, True, True), 2), ((False, True, False), 1)])
@pytest.mark.parametrize("transposed", [False, True])
def test_a_convolution_s_gradients_take_as_much_as_its_forward_pass_each(wanted, gradients, transposed):
    x, weight, out = ((2, 6, 7), (6, 4, 3), (2, 8, 9)) if transposed else ((2, 8, 7), (6, 4, 3), (2, 6, 5))
    settings = ([1], [0], [1], transposed, [0], 2)
    forward = FORMULAS["convolution"](x, weight, None, *settings, out=out)
    assert forward == 2 * prod(weight) * 2 * (7 if transposed else 5)
    backward = FORMULAS["convolution_backward"](out, x, weight, None, *settings, wanted, out=())
    assert backward == gradients * forward
    assert FORMULAS["convolution_backward_overrideable"](out, x, weight, *settings, wanted, out=()) == backward


def test_a_recurrent_layer_s_gradients():
    args, _, _, forward = GOLDEN["_cudnn_rnn"]
    settings = (None, None, None, None, None, 2, 6, 0, 2, False, 0.0, True, False, [], None, None)
    for of_weights, times in ((True, 2), (False, 1)):
        wanted = [True, True, True, of_weights]
        assert (
            FORMULAS["_cudnn_rnn_backward"](*args[:3], None, *args[4:6], *settings, wanted, out=()) == times * forward
        )


def test_a_formula_is_not_replaced():
    with pytest.raises(ValueError, match="there is a formula of mm already"):
        formula("mm")(lambda *_, **__: 0)


def test_complex_numbers_take_four_times_as_much():
    a, b = torch.empty(2, 3, dtype=torch.cfloat), torch.empty(3, 4, dtype=torch.cfloat)
    assert performed_flop("mm", (a, b), {}, a @ b) == 4 * 2 * 2 * 3 * 4
    assert performed_flop("_fft_c2c", (b, [1], 0, True), {}, b) == 3 * 5 * 4 * 2, "whose numbers are complex as it is"


def test_every_formula_is_of_an_operation_that_is_run_as_it_is():
    for name in FORMULAS:
        packet = getattr(torch.ops.aten, name, None)
        if packet is not None:
            composite = torch._C.DispatchKey.CompositeImplicitAutograd
            ways = [getattr(packet, overload).name() for overload in packet.overloads()]
            assert not all(torch._C._dispatch_has_kernel_for_dispatch_key(way, composite) for way in ways), name


def test_every_formula_that_torch_has_not_is_among_the_differences():
    of_torch = {str(packet).removeprefix("aten.") for packet in flop_registry}
    own = {name for name in FORMULAS if name not in of_torch and "::" not in name}
    assert own <= {name for entry in DIFFERENCES for name in entry.operations}
    assert all(name in FORMULAS for entry in DIFFERENCES for name in entry.operations)
    assert discrepancy("mv").by_torch == "0"
    assert discrepancy("relu") is None


def test_the_differences_are_in_the_docs():
    page = (Path(__file__).parents[2] / "docs" / "counting.md").read_text(encoding="utf-8")
    for entry in DIFFERENCES:
        row = (entry.what, entry.performed, entry.by_torch, entry.elsewhere or "the same")
        assert f"| {' | '.join(row)} |\n" in page


def by_ones(function, *shapes):
    """Count the multiply-adds of a function that is linear in each argument: on ones, each product adds one."""
    tensors = [torch.ones(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    output = function(*tensors)
    output.sum().backward()
    return int(output.sum()), sum(int(tensor.grad.sum()) for tensor in tensors)


class Layers(nn.Module):
    """A function of the input and of a weight."""

    def __init__(self, function, shape):
        super().__init__()
        self.function, self.weight = function, nn.Parameter(torch.ones(shape))

    def forward(self, x):
        # What takes a gradient already, so that both gradients are counted.
        return self.function(x * self.weight.sum(), self.weight)


@st.composite
def convolutions(draw):
    """Return a convolution without padding, in one to three dimensions, with the shapes of an input and of a weight."""
    dimensions, groups = draw(st.integers(1, 3)), draw(st.sampled_from([1, 2, 3, 6]))
    channels, out, kernel = (draw(st.integers(1, 3)) for _ in range(3))
    settings = {"stride": draw(st.integers(1, 3)), "dilation": draw(st.integers(1, 2)), "groups": groups}
    space = [draw(st.integers(kernel * 2, 7)) for _ in range(dimensions)]
    transposed = draw(st.booleans())
    x = (channels * groups, *space)
    sides = (channels * groups, out) if transposed else (out * groups, channels)
    name = f"conv_transpose{dimensions}d" if transposed else f"conv{dimensions}d"
    return lambda x, w: getattr(F, name)(x, w, **settings), x, (*sides, *[kernel] * dimensions)


@given(convolutions())
@settings(deadline=None, max_examples=60)
def test_convolutions_perform_the_products_that_are_there(convolution):
    function, x, weight = convolution
    profile = count(Layers(function, weight), x)
    assert (profile.forward_flop, profile.backward_flop) == tuple(2 * n for n in by_ones(function, (1, *x), weight))


@pytest.mark.parametrize(("groups", "padding", "stride"), [(1, 1, 1), (4, 2, 1), (8, 1, 2), (8, 0, 1)])
def test_convolutions_perform_what_their_products_of_matrices_perform(groups, padding, stride):
    def unfolded(x, weight):
        columns = F.unfold(x, 3, padding=padding, stride=stride).unflatten(1, (groups, -1)).flatten(0, 1)
        matrices = weight.flatten(1).unflatten(0, (groups, -1)).repeat(len(x), 1, 1)
        return (matrices @ columns).unflatten(0, (len(x), groups)).flatten(1, 2)

    def convolved(x, weight):
        return F.conv2d(x, weight, groups=groups, padding=padding, stride=stride)

    weight = (16, 8 // groups, 3, 3)
    profile = count(Layers(convolved, weight), (8, 9, 9))
    x, layers = torch.ones(2, 8, 9, 9), Layers(unfolded, weight)
    assert torch.equal(layers(x).flatten(), Layers(convolved, weight)(x).flatten())
    assert (2 * profile.forward_flop, 2 * profile.backward_flop) == by_torch(layers, x)


def by_torch(network, x):
    """Return FLOP by torch's counter, which is right for products of matrices."""
    with FlopCounterMode(display=False) as forward:
        output = network(x)
    with FlopCounterMode(display=False) as backward:
        output.sum().backward()
    return forward.get_total_flops(), backward.get_total_flops()


PRODUCTS = {
    "matrices": (lambda a, b: a @ b, (5, 3), (3, 4)),
    "vector": (lambda a, b: a @ b, (5, 3), (3,)),
    "einsum": (lambda a, b: torch.einsum("nij,kjl->nikl", a, b), (4, 3), (2, 3, 5)),
    "tensordot": (lambda a, b: torch.tensordot(a, b, 2), (4, 3), (4, 3, 5)),
    "linear": (lambda a, b: F.linear(a, b), (6, 3), (4, 3)),
    "addmm": (lambda a, b: torch.addmm(torch.zeros(4, dtype=a.dtype, device=a.device), a, b), (3,), (3, 4)),
    "vmap": (lambda a, b: torch.vmap(lambda v: b @ v)(a), (3,), (4, 3)),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_perform_the_products_that_are_there(name):
    function, x, weight = PRODUCTS[name]
    profile = count(Layers(function, weight), x)
    counted = profile.forward_flop, profile.backward_flop
    forward, backward = (2 * n for n in by_ones(function, (1, *x), weight))
    if name != "vector":
        assert counted == (forward, backward)
    else:  # The gradient of the matrix is an outer product, which torch runs as a multiplication: element-wise.
        assert counted == (forward, backward // 2)
        assert profile.backward_elementwise_flop >= 5 * 3


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("directions", [1, 2])
def test_recurrent_layers_perform_a_product_with_each_matrix_at_each_step(kind, directions):
    layer = getattr(nn, kind)(4, 6, 2, batch_first=True, bidirectional=directions == 2)
    profile = count(nn.Sequential(nn.Linear(4, 4), First(layer)), (5, 4))
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[kind] * 6
    # Two layers over five steps: each direction takes inputs, 4 and then the 6 of each direction, and its own 6 states.
    inputs, states = directions * gates * (4 + 6 * directions), directions * gates * (6 + 6)
    linear = 5 * 4 * 4
    assert profile.forward_flop == 2 * (linear + 5 * (inputs + states))
    # Twice that, but for the gradient of the first state, which is 0 and takes none; and the first layer's.
    assert profile.backward_flop == 2 * (linear + 2 * 5 * (inputs + states) - states)
    assert (profile.torch_forward_flop, profile.torch_backward_flop) == (profile.forward_flop, profile.backward_flop)


class First(nn.Module):
    """A layer of which the first result is returned."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


@pytest.mark.parametrize("n", [8, 64])
def test_fourier_transforms_take_the_butterflies_of_cooley_and_tukey(n):
    def butterflies(points):
        return 0 if points == 1 else 2 * butterflies(points // 2) + points // 2

    # Each a complex product (6) and two complex sums (4).
    assert FORMULAS["_fft_c2c"]((n,), [0], 0, True, out=(n,)) == 10 * butterflies(n) == 5 * n * log2(n)


def test_factorisations_take_what_elimination_takes_to_leading_order():
    n = 300
    # In step k, n - k - 1 rows lose a multiple of one row: a product and a difference for each number right of k.
    steps = sum(2 * (n - k - 1) ** 2 for k in range(n))
    assert FORMULAS["_linalg_det"]((n, n), out=()) == pytest.approx(steps, rel=0.01)
    assert FORMULAS["linalg_cholesky_ex"]((n, n), out=()) == pytest.approx(steps / 2, rel=0.01)
    assert FORMULAS["linalg_inv_ex"]((n, n), out=()) == pytest.approx(3 * steps, rel=0.01)


@pytest.mark.parametrize(
    ("p", "of_a_number", "of_a_pair"), [(0.0, 3, 0), (1.0, 3, 0), (2.0, 3, 1), (3.0, 4, 1), (inf, 3, 0)]
)
def test_distances_take_their_definition(p, of_a_number, of_a_pair):
    profile = count(Layers(lambda x, _: torch.cdist(x, x[:, :3], p), (1,)), (5, 4))
    assert profile.forward_flop == 5 * 3 * (4 * of_a_number + of_a_pair)


class Performed(TorchDispatchMode):
    """Sums formulas over what a real run dispatches."""

    def __init__(self):
        super().__init__()
        self.flop = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        operation = operations.read_operation(func)
        if operation.performed:
            self.flop += performed_flop(operation.name, args, kwargs or {}, result)
        return result


REAL = {
    "encoder": (lambda: nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True), (5, 8)),
    "decoder": (lambda: Twice(nn.TransformerDecoderLayer(8, 2, 16, 0.0, batch_first=True)), (5, 8)),
    "gru": (lambda: First(nn.GRU(4, 6, bidirectional=True, batch_first=True)), (5, 4)),
    "bilinear": (lambda: nn.Sequential(nn.Linear(8, 8), Twice(nn.Bilinear(8, 8, 5))), (8,)),
    "convolutions": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 8, 3, 2), nn.Conv2d(8, 8, 3, groups=8), nn.ConvTranspose2d(8, 4, 3, groups=2)
        ),
        (3, 9, 9),
    ),
}


class Twice(nn.Module):
    """A layer of two inputs that gets the same twice."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x, x)


@pytest.mark.parametrize("name", REAL)
def test_a_real_step_on_a_processor_performs_what_is_counted(name):
    make, shape = REAL[name]
    network = make()
    profile = count(network, shape)
    with Performed() as forward:
        output = network(torch.randn(3, *shape))
    with Performed() as backward:
        output.sum().backward()
    assert (3 * profile.forward_flop, 3 * profile.backward_flop) == (forward.flop, backward.flop)
