import copy
import dataclasses
import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode, register_flop_formula

from nassim.cost.counting import BATCHES, count
from nassim.cost.formulas import formula
from nassim.cost.profile import AMOUNTS
from nassim.errors import NassimError


class Run(nn.Module):
    """A module around a function of its layers and its input."""

    def __init__(self, function, *layers):
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.function = function

    def forward(self, x):
        return self.function(x, *self.layers)


def attention(x, q, k, v):
    heads = [layer(x).unflatten(-1, (2, -1)).transpose(1, 2) for layer in (q, k, v)]
    return F.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2)


NETWORKS = {
    "linear": (lambda: nn.Linear(5, 7), (5,)),
    "convolutions": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Dropout(0.2),
            nn.Conv2d(8, 8, 5, 2, 2, groups=8, bias=False), nn.GELU(), nn.Conv2d(8, 6, 1, groups=2), nn.GroupNorm(2, 6),
            nn.ConvTranspose2d(6, 4, 3, 2), nn.ConvTranspose2d(4, 4, 3, groups=2), nn.AdaptiveAvgPool2d(2),
            nn.Flatten(), nn.Linear(16, 3), nn.LogSoftmax(1),
        ),
        (3, 16, 16),
    ),
    "one-dimensional": (lambda: nn.Sequential(nn.Conv1d(2, 4, 3), nn.Tanh(), nn.Conv1d(4, 4, 3, groups=4)), (2, 20)),
    "three-dimensional": (lambda: nn.Conv3d(2, 4, 3, padding=1), (2, 4, 4, 4)),
    "encoder": (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.1), (6, 8)),
    "attention": (lambda: Run(attention, *(nn.Linear(8, 8) for _ in range(3))), (6, 8)),
    "einsum": (lambda: Run(lambda x, a: torch.einsum("bij,bkj->bik", a(x), x), nn.Linear(4, 4)), (3, 4)),
    "recurrent": (lambda: Run(lambda x, cell: cell(cell(x)), nn.RNNCell(6, 6)), (6,)),
    "shared layer": (lambda: Run(lambda x, layer: layer(layer(x)), nn.Linear(4, 4)), (4,)),
    "frozen layer": (lambda: nn.Sequential(nn.Linear(4, 6).requires_grad_(False), nn.ReLU(), nn.Linear(6, 2)), (4,)),
    "no parameters": (lambda: nn.Sequential(nn.ReLU(), nn.Flatten()), (2, 3)),
    "unused input": (lambda: Run(lambda x, layer: layer(torch.zeros_like(x)), nn.Linear(4, 4)), (4,)),
}  # fmt: skip


def torch_counts(network, x):
    with FlopCounterMode(display=False) as forward:
        output = network(x)
    with FlopCounterMode(display=False) as backward:
        if output.requires_grad:
            output.sum().backward()
    return forward.get_total_flops(), backward.get_total_flops()


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("batch", [2, 7])
def test_counts_equal_torch_s_own(name, batch):
    make, shape = NETWORKS[name]
    network = make()
    profile = count(network, shape)
    with torch.device("meta"):
        expected = torch_counts(make(), torch.zeros(batch, *shape))
    assert (profile.torch_forward_flop * batch, profile.torch_backward_flop * batch) == expected
    assert profile.uncounted == ()


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in ("encoder", "attention")])
def test_meta_and_real_runs_cost_the_same(name):
    make, shape = NETWORKS[name]
    network = make()
    profile = count(network, shape)
    by_torch = (3 * profile.torch_forward_flop, 3 * profile.torch_backward_flop)
    assert torch_counts(network, torch.randn(3, *shape)) == by_torch


def test_golden_values():
    # Linear: 5 * 7 multiply-adds; backward only the weight's gradient, as the input takes none. 5 * 7 + 7 weights.
    profile = count(nn.Linear(5, 7), (5,))
    assert (profile.forward_macs, profile.forward_flop, profile.backward_flop, profile.params) == (35, 70, 70, 42)
    assert profile.weight_bytes == 42 * 4
    # Two: the second layer's input takes a gradient as well. 70 + 2 * 7 * 3; 70 + 2 * 42.
    profile = count(nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3)), (5,))
    assert (profile.forward_flop, profile.backward_flop) == (112, 154)
    # Convolution: 3 * 3 kernel, 3 inputs, 8 outputs, 16 * 16 places, two FLOP each.
    profile = count(nn.Conv2d(3, 8, 3, padding=1), (3, 16, 16))
    assert profile.forward_flop == profile.backward_flop == 2 * 9 * 3 * 8 * 256
    # Depthwise: two gradients of the forward pass's cost. torch counts the weight's 8 times, as of a full convolution.
    once = 2 * 9 * 8 * 256
    profile = count(nn.Sequential(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 3, padding=1, groups=8)), (3, 16, 16))
    first = 2 * 3 * 8 * 256
    assert profile.forward_flop == first + once
    assert profile.backward_flop == first + once + once
    assert profile.torch_backward_flop == first + once + 8 * once


def test_work_of_a_profile():
    profile = count(nn.Linear(5, 7), (5,))
    training, inference = profile.training(10), profile.inference(10)
    assert (training.forward_flop, training.backward_flop) == (700, 700)
    assert (training.torch_flop, training.samples) == (1400, 10)
    assert (training.elementwise_flop, inference.elementwise_flop) == (70, 0), "the bias's gradient"
    assert (inference.forward_flop, inference.backward_flop, inference.torch_flop) == (700, 0, 700)


def test_parameters_are_those_that_learn_and_bytes_are_all():
    network = nn.Sequential(nn.Linear(4, 6).requires_grad_(False), nn.BatchNorm1d(6))
    profile = count(network, (4,))
    assert profile.params == 12
    assert profile.weight_bytes == (4 * 6 + 6 + 12 + 12) * 4 + 8, "float32, and one int64 that counts batches"
    assert count(nn.Linear(4, 6).double(), (4,)).weight_bytes == 30 * 8


def test_counting_leaves_no_trace():
    network = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 2)).eval()
    network[1].train()
    before = copy.deepcopy(network.state_dict())
    state = torch.get_rng_state()
    modes = [part.training for part in network.modules()]
    with torch.no_grad():
        first = count(network, (4,), layers=True)
    with torch.inference_mode():
        assert count(network, (4,), layers=True) == first
    assert first.backward_flop > 0
    assert torch.equal(state, torch.get_rng_state())
    assert modes == [part.training for part in network.modules()]
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in network.modules())


def test_what_has_no_formula_is_listed():
    exponential = Run(lambda x, layer: torch.linalg.matrix_exp(layer(x)), nn.Linear(4, 4))
    assert dict(count(exponential, (4, 4)).uncounted) == {"linalg_matrix_exp": 2}


def test_an_operation_of_one_s_own_is_listed_until_it_has_a_formula():
    @torch.library.custom_op("nassim_test::twice", mutates_args=())
    def twice(x: torch.Tensor) -> torch.Tensor:
        return x * 2

    twice.register_fake(torch.empty_like)
    assert count(Run(lambda x: twice(twice(x))), (3,)).uncounted == (("nassim_test.twice", 2),)

    @torch.library.custom_op("nassim_test::thrice", mutates_args=())
    def thrice(x: torch.Tensor) -> torch.Tensor:
        return x * 3

    thrice.register_fake(torch.empty_like)
    formula("nassim_test::thrice")(lambda x, out: 7 * math.prod(x))
    profile = count(Run(lambda x: thrice(x)), (3,))
    assert (profile.forward_flop, profile.torch_forward_flop, profile.uncounted) == (21, 0, ())


def test_a_formula_that_torch_alone_has_is_torch_s():
    @torch.library.custom_op("nassim_test::four_times", mutates_args=())
    def four_times(x: torch.Tensor) -> torch.Tensor:
        return x * 4

    four_times.register_fake(torch.empty_like)
    register_flop_formula(torch.ops.nassim_test.four_times)(lambda shape, *_, **__: 5 * math.prod(shape))
    profile = count(Run(lambda x: four_times(x)), (3,))
    assert (profile.forward_flop, profile.torch_forward_flop, profile.uncounted) == (15, 15, ())


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_add_up_to_the_whole(name):
    make, shape = NETWORKS[name]
    network = make()
    profile, whole = count(network, shape, layers=True), count(network, shape)
    assert dataclasses.replace(profile, layers=(), differences=()) == whole
    for amount in AMOUNTS:
        assert sum(getattr(layer, amount) for layer in profile.layers) == getattr(whole, amount), amount


PARTS = {
    "linear": lambda: nn.Linear(6, 6),
    "shared": lambda: nn.Sequential(*[nn.Linear(6, 6)] * 2),
    "relu": nn.ReLU,
    "norm": lambda: nn.LayerNorm(6),
    "attention": lambda: nn.TransformerEncoderLayer(6, 2, 4, batch_first=True),
    "convolution": lambda: nn.Conv1d(4, 4, 3, padding=1, groups=2),
    "frozen": lambda: nn.Linear(6, 6).requires_grad_(False),
    "residual": lambda: Run(lambda x, layer: x + layer(x), nn.Linear(6, 6)),
    "spectral": lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(6, 6)),
    "vector": lambda: Run(lambda x, layer: x + (x @ layer.bias)[..., None], nn.Linear(6, 6)),
}


@given(st.lists(st.sampled_from(sorted(PARTS)), min_size=1, max_size=4))
@settings(deadline=None, max_examples=40)
def test_layers_add_up_whatever_they_are(names):
    profile = count(nn.Sequential(*(PARTS[name]() for name in names)), (4, 6), layers=True)
    for amount in AMOUNTS:
        assert sum(getattr(layer, amount) for layer in profile.layers) == getattr(profile, amount), amount
    work = profile.training(1)
    assert sum(entry.flop - entry.torch_flop for entry in profile.differences) == work.flop - work.torch_flop


def test_weights_of_a_layer_that_never_runs_are_those_of_the_module_that_uses_them():
    network = nn.MultiheadAttention(6, 2, batch_first=True)
    profile = count(Run(lambda x, attention: attention(x, x, x)[0], network), (4, 6), layers=True)
    (row,) = [row for row in profile.layers if row.name == "layers.0"]
    assert row.params == sum(weight.numel() for weight in network.parameters()) == profile.params


def test_each_layer_has_its_own_share():
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16, 4))
    rows = {row.name: row for row in count(network, (3, 4, 4), layers=True).layers}
    assert [(row.kind, row.output_shape) for row in rows.values()] == [
        ("Conv2d", (8, 4, 4)), ("ReLU", (8, 4, 4)), ("Flatten", (128,)), ("Linear", (4,)),
    ]  # fmt: skip
    assert (rows["0"].params, rows["0"].forward_macs, rows["0"].backward_flop) == (
        224,
        9 * 3 * 8 * 16,
        2 * 9 * 3 * 8 * 16,
    )
    assert (rows["1"].params, rows["1"].forward_flop, rows["1"].backward_flop) == (0, 0, 0)
    assert (rows["1"].elementwise_flop, rows["1"].backward_elementwise_flop) == (128, 128)
    assert (rows["0"].torch_forward_flop, rows["0"].torch_backward_flop) == (2 * 9 * 3 * 8 * 16,) * 2
    assert (rows["3"].params, rows["3"].forward_flop, rows["3"].backward_flop) == (516, 2 * 512, 2 * 2 * 512)


def test_a_product_outside_of_layers_belongs_to_the_module_that_does_it():
    def step(x, before, after):
        return after(before(x) @ before.weight.new_ones(4, 4))

    rows = {row.name: row for row in count(Run(step, nn.Linear(4, 4), nn.Linear(4, 2)), (4,), layers=True).layers}
    assert (rows[""].forward_flop, rows[""].backward_flop) == (32, 32)
    assert (rows["layers.0"].forward_flop, rows["layers.0"].backward_flop) == (32, 32)
    assert (rows["layers.1"].forward_flop, rows["layers.1"].backward_flop) == (16, 32)


def test_products_of_weights_alone_are_no_input_s_and_listed():
    def weights_alone(x, a, b):
        return x @ (a.weight @ b.weight)

    profile = count(Run(weights_alone, nn.Linear(4, 4), nn.Linear(4, 4)), (4,))
    # One product with the input forward, one backward; besides, one of the weights and two gradients of it.
    assert (profile.forward_flop, profile.backward_flop) == (32, 32)
    assert profile.uncounted == (("mm_of_weights", 3),)
    normalised = nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4))
    assert dict(count(normalised, (4,)).uncounted) == {"mv_of_weights": 3, "vdot_of_weights": 1}


def test_costs_that_are_not_in_proportion_are_refused():
    with pytest.raises(
        NassimError,
        match=r"the forward pass of this network costs .* FLOP for 1009 inputs and .* for 1013: not in prop",
    ):
        count(Run(lambda x, a: a(x) @ x.T, nn.Linear(4, 4)), (4,))
    with pytest.raises(
        NassimError, match=r"costs .* operations for 1009 inputs and .* what is computed between the in"
    ):
        count(Run(lambda x: x[:, None] - x), (4,))


def test_what_the_backward_pass_runs_again_is_counted_again():
    def parts():
        return nn.Sequential(nn.Linear(4, 6), nn.Tanh()), nn.Linear(6, 2)

    plain = count(Run(lambda x, first, last: last(first(x)), *parts()), (4,))
    kept = Run(lambda x, first, last: last(checkpoint(first, x, use_reentrant=False)), *parts())
    profile = count(kept, (4,))
    assert (profile.forward_flop, profile.elementwise_flop) == (plain.forward_flop, plain.elementwise_flop)
    assert profile.backward_flop == plain.backward_flop + 2 * 4 * 6
    assert profile.backward_elementwise_flop == plain.backward_elementwise_flop + 6
    assert profile.torch_backward_flop == profile.backward_flop


def test_an_operation_that_reshapes_in_place_is_not_remembered():
    def turned(x, layer):
        return layer(x.clone().transpose_(1, 2))

    network = Run(turned, nn.Linear(3, 5))
    assert count(network, (3, 4)) == count(network, (3, 4))
    assert count(network, (3, 4)).forward_flop == 2 * 4 * 3 * 5


def test_a_size_that_is_the_batch_s_is_no_obstacle():
    assert count(nn.Linear(1009, 3), (1009,)).forward_flop == 2 * 1009 * 3


def test_what_can_not_be_counted():
    with pytest.raises(NassimError, match=r"can't be run on inputs of shape \(3,\) for counting: RuntimeError: "):
        count(nn.Linear(4, 4), (3,))
    with pytest.raises(NassimError, match="this network has lazy layers, whose sizes are unknown until it runs"):
        count(nn.LazyLinear(3), (3,))
    with pytest.raises(NassimError, match="a network returns one tensor, found tuple"):
        count(nn.GRU(4, 4, batch_first=True), (3, 4))

    spoilt = nn.Sequential(nn.Linear(4, 4), nn.Sigmoid(), nn.ReLU(inplace=True))
    with pytest.raises(NassimError, match=r"can't be run .* for counting: RuntimeError: .* modified by an inplace"):
        count(spoilt, (4,))


def test_bytes_moved_are_kept_apart_from_flop():
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                            nn.Linear(32, 5))  # fmt: skip
    profile = count(network, (3, 4, 4), layers=True)
    image, maps, pooled, out = 4 * 3 * 16, 4 * 8 * 16, 4 * 8 * 4, 4 * 5
    indices = 2 * pooled  # int64
    forward = [(image, maps), (maps, maps), (maps, maps), (maps, pooled + indices), (0, 0), (pooled, out)]
    # Gradients: the convolution's weights need output gradient and input; normalisation and ReLU two maps each; pooling
    # its indices; the linear layer's input, weights and bias need the output's gradient, the weights the input as well.
    backward = [(maps + image, 0), (2 * maps, maps), (2 * maps, maps), (pooled + indices, maps), (0, 0),
                (3 * out + pooled, pooled)]  # fmt: skip
    assert [(layer.read_bytes, layer.written_bytes) for layer in profile.layers] == forward
    assert [(layer.backward_read_bytes, layer.backward_written_bytes) for layer in profile.layers] == backward
    assert (profile.read_bytes, profile.written_bytes) == tuple(map(sum, zip(*forward, strict=True)))
    assert profile.elementwise_bytes == sum(map(sum, forward[1:4]))
    assert profile.forward_flop == 2 * (9 * 3 * 8 * 16 + 32 * 5), "no part of it is element-wise"
    # Of the backward pass, the bias's gradient is a sum: no FLOP.
    assert profile.backward_elementwise_bytes == sum(map(sum, backward[1:4])) + out


def test_bytes_do_not_depend_on_the_sizes_of_weights():
    network = nn.Sequential(nn.Linear(1009, 1013), nn.ReLU())
    profile = count(network, (1009,))
    assert (profile.read_bytes, profile.written_bytes) == (4 * (1009 + 1013), 4 * 2 * 1013)
    assert profile.forward_flop == 2 * 1009 * 1013
    primes = nn.ModuleList(nn.Linear(1, size) for size in BATCHES)
    with pytest.raises(NassimError, match="two must be free to tell inputs from weights"):
        count(primes, (1,))


def test_bytes_of_half_precision_are_half():
    whole, half = (
        count(nn.Sequential(nn.Linear(4, 6), nn.Tanh()).to(dtype), (4,)) for dtype in (torch.float32, torch.float16)
    )
    assert (whole.read_bytes, whole.written_bytes) == (2 * half.read_bytes, 2 * half.written_bytes)


def test_inputs_of_another_type():
    network = nn.Sequential(nn.Embedding(10, 4), nn.Flatten(), nn.Linear(12, 2))
    assert count(network, (3,), dtype=torch.long).forward_flop == 2 * 12 * 2
    assert count(nn.Linear(4, 2).half(), (4,)).forward_flop == 16
