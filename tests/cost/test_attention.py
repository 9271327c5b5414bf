"""Attention is counted as a fused kernel runs it, torch's own figure as of the steps that meta runs."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nassim.cost.counting import count

BATCH, HEADS, LENGTH, WIDTH = 7, 2, 5, 8
PROJECTION = 2 * LENGTH * WIDTH * WIDTH
PRODUCT = 2 * HEADS * LENGTH * LENGTH * (WIDTH // HEADS)
"""FLOP of one product of the scores' size, for one input."""


class Attention(nn.Module):
    """Attention between projections of the input, by a function of queries, keys and values."""

    def __init__(self, attend=F.scaled_dot_product_attention, heads=(HEADS, HEADS, HEADS), learning=(True, True, True)):
        super().__init__()
        self.attend, self.heads = attend, heads
        self.layers = nn.ModuleList(nn.Linear(WIDTH, count * WIDTH // HEADS) for count in heads)
        self.layers.requires_grad_(False)
        for layer, learns in zip(self.layers, learning, strict=True):
            layer.requires_grad_(learns)

    def forward(self, x):
        parts = [layer(x).unflatten(-1, (heads, -1)).transpose(1, 2) for layer, heads in
                 zip(self.layers, self.heads, strict=True)]  # fmt: skip
        return self.attend(*parts).transpose(1, 2).flatten(2)


def by_torch(network, x):
    with FlopCounterMode(display=False) as forward:
        output = network(x)
    with FlopCounterMode(display=False) as backward:
        if output.requires_grad:
            output.sum().backward()
    return forward.get_total_flops() // len(x), backward.get_total_flops() // len(x)


def on_meta(network):
    return by_torch(network.to("meta"), torch.zeros(BATCH, LENGTH, WIDTH, device="meta"))


class Flash(torch.autograd.Function):
    """Attention that keeps no scores (Dao et al. 2022, algorithms 1 and 4), without blocks."""

    @staticmethod
    def forward(ctx, q, k, v):
        scores = (q / 2) @ k.transpose(-1, -2)  # sqrt(4) numbers a head
        ctx.save_for_backward(q, k, v, scores.logsumexp(-1, keepdim=True))
        return scores.softmax(-1) @ v

    @staticmethod
    def backward(ctx, gradient):
        q, k, v, logsumexp = ctx.saved_tensors
        p = torch.exp((q / 2) @ k.transpose(-1, -2) - logsumexp)
        of_p = gradient @ v.transpose(-1, -2)
        of_scores = p * (of_p - (p * of_p).sum(-1, keepdim=True)) / 2
        return of_scores @ k, of_scores.transpose(-1, -2) @ q, p.transpose(-1, -2) @ gradient


def test_it_performs_the_products_of_a_fused_kernel():
    network, x = Attention(Flash.apply), torch.randn(BATCH, LENGTH, WIDTH)
    fused = Attention()
    fused.load_state_dict(network.state_dict())
    outputs = [layer(x) for layer in (network, fused)]
    for output in outputs:
        output.square().sum().backward()
    torch.testing.assert_close(*outputs)
    for one, other in zip(network.parameters(), fused.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)
    profile = count(fused, (LENGTH, WIDTH))
    assert (profile.forward_flop, profile.backward_flop) == by_torch(network, x)
    assert profile.forward_flop == 3 * PROJECTION + 2 * PRODUCT
    assert profile.backward_flop == 3 * PROJECTION + 5 * PRODUCT
    assert (profile.torch_forward_flop, profile.torch_backward_flop) == (
        3 * PROJECTION + 2 * PRODUCT, 3 * PROJECTION + 4 * PRODUCT,
    )  # fmt: skip


def test_what_torch_counts_elsewhere():
    network = Attention()
    assert on_meta(network) == (3 * PROJECTION + 2 * PRODUCT, 3 * PROJECTION + 4 * PRODUCT)
    on_a_processor = by_torch(Attention(), torch.zeros(BATCH, LENGTH, WIDTH))
    assert on_a_processor == (3 * PROJECTION, 3 * PROJECTION), "its kernel has no formula there"


@pytest.mark.parametrize(
    ("learning", "products"),
    [
        ((True, False, False), 2),  # of the scores and of the queries
        ((False, True, False), 2),
        ((False, False, True), 1),  # of the values
        ((True, True, False), 3),
        ((False, False, False), 0),
    ],
)
def test_torch_s_figure_follows_which_gradients_are_taken(learning, products):
    network = Attention(learning=learning)
    profile = count(network, (LENGTH, WIDTH))
    assert (profile.torch_forward_flop, profile.torch_backward_flop) == on_meta(network)
    assert profile.torch_backward_flop == sum(learning) * PROJECTION + products * PRODUCT
    assert profile.backward_flop == sum(learning) * PROJECTION + (5 * PRODUCT if any(learning) else 0)


def steps(q, k, v):
    return F.softmax(q @ k.transpose(-1, -2), -1) @ v


ATTENTIONS = {
    # Function, heads of queries, keys and values, products backward: 5 fused, 4 in steps.
    "causal": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), (2, 2, 2), 5),
    "dropout": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, dropout_p=0.1), (2, 2, 2), 5),
    "mask": (
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, torch.ones(5, 5, device=q.device).tril().bool()),
        (2, 2, 2),
        5,
    ),
    "shared keys": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True), (2, 1, 1), 5),
    "steps": (steps, (2, 2, 2), 4),
    "three dimensions": (
        lambda q, k, v: F.scaled_dot_product_attention(q[:, 0], k[:, 0], v[:, 0])[:, None],
        (1, 1, 1),
        4,
    ),
    "values of another size": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v[..., :2]), (2, 2, 2), None),
    "a mask that learns": (
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, torch.zeros(5, 5, device=q.device).requires_grad_()),
        (2, 2, 2),
        4,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTENTIONS)
def test_ways_to_attend(name):
    function, heads, products = ATTENTIONS[name]
    network = Attention(function, heads)
    profile = count(network, (LENGTH, WIDTH))
    assert (profile.torch_forward_flop, profile.torch_backward_flop) == on_meta(network)
    assert profile.forward_flop == profile.torch_forward_flop
    if products:
        projections = sum(heads) * PROJECTION // HEADS
        assert profile.backward_flop == projections + products * PRODUCT * heads[0] // HEADS
    else:  # No fused kernel on processors: products of the scores with 4 numbers of keys, and with 2 of values.
        assert profile.backward_flop == profile.torch_backward_flop == 3 * PROJECTION + 2 * PRODUCT + 2 * PRODUCT // 2


def test_modules_attend_fused_unless_they_return_the_scores():
    class Attending(nn.Module):
        def __init__(self, need_weights):
            super().__init__()
            self.attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
            self.need_weights = need_weights

        def forward(self, x):
            return self.attention(x, x, x, need_weights=self.need_weights)[0]

    for need_weights, products in ((True, 4), (False, 5)):
        profile = count(Attending(need_weights), (LENGTH, WIDTH))
        assert profile.forward_flop == 4 * PROJECTION + 2 * PRODUCT
        # Of the four projections, the first three have inputs that take no gradient.
        assert profile.backward_flop == 5 * PROJECTION + products * PRODUCT
    assert count(Attending(True), (LENGTH, WIDTH), layers=True).differences == ()
    (difference,) = count(Attending(False), (LENGTH, WIDTH), layers=True).differences
    assert (difference.flop, difference.torch_flop) == (5 * PRODUCT, 4 * PRODUCT)


def test_what_a_fused_kernel_does_besides():
    profile = count(Attention(lambda q, k, v: F.scaled_dot_product_attention(q, k, v)), (LENGTH, WIDTH))
    scores = HEADS * LENGTH * LENGTH
    # Scale, and 5 of a softmax.
    assert profile.elementwise_flop == 6 * scores
    # Scale, subtract, exp, subtract, multiply, scale; 2 for each number of the output; 3 biases.
    assert profile.backward_elementwise_flop == 6 * scores + 2 * LENGTH * WIDTH + 3 * LENGTH * WIDTH
