from collections import Counter

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nassim.cost.counting import count
from nassim.errors import NassimError
from nassim.space import Architecture
from search_spaces.cell import EDGES, OPERATIONS, Cell

architectures = st.fixed_dictionaries({edge: st.sampled_from(OPERATIONS) for edge in EDGES}).map(Architecture)
CIFAR10 = Cell()
SMALL = {"width": 4, "cells": 1, "input_shape": (1, 8, 8)}


def test_the_space():
    cell = Cell()
    assert cell.size == 15625
    assert tuple(choice.name for choice in cell.domain.choices) == EDGES
    assert all(choice.labels == OPERATIONS for choice in cell.domain.choices)


@given(architectures)
@settings(deadline=None)
def test_published_names_round_trip(architecture):
    text = Cell.to_string(architecture)
    assert Cell.from_string(text) == architecture


def test_published_names():
    text = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|none~2|"
    architecture = Cell.from_string(text)
    assert architecture["0->1"] == "avg_pool_3x3"
    assert architecture["1->3"] == "skip_connect"
    assert architecture["2->3"] == "none"
    assert Cell.to_string(architecture) == text
    for bad in ("", "|none~0|", text.replace("none", "conv"), text.replace("~2", "~1"), text + "+|none~0|"):
        with pytest.raises(NassimError, match=r"an arch_str of NAS-Bench-201 is .* each op one of none, skip_connect"):
            Cell.from_string(bad)


def test_golden_values():
    # Stem 3*9*16*32*32; stages of 5 cells of 6 convolutions 9*w*w*s*s; reductions 9*w*2w + 9*2w*2w + w*2w at half the
    # size; 64 * 10 for the classifier.
    cells = sum(5 * 6 * 9 * w * w * s * s for w, s in ((16, 32), (32, 16), (64, 8)))
    reductions = sum((9 * w * 2 * w + 9 * 4 * w * w + 2 * w * w) * s * s for w, s in ((16, 16), (32, 8)))
    profile = CIFAR10.profile(dict.fromkeys(EDGES, "nor_conv_3x3"))
    assert profile.forward_macs == 3 * 9 * 16 * 32 * 32 + cells + reductions + 640 == 220_119_680
    assert profile.params == 1_531_546
    # Each convolution but the first has two gradients of the forward pass's cost; so has the classifier.
    assert profile.backward_flop == 2 * profile.forward_flop - 2 * 3 * 9 * 16 * 32 * 32
    assert profile.uncounted == ()
    assert (profile.torch_forward_flop, profile.torch_backward_flop) == (profile.forward_flop, profile.backward_flop)


@pytest.fixture(scope="module")
def published(tables):
    """The published cells but those whose figures are marked as those of another, isomorphic cell."""
    rows = pd.read_parquet(tables / "nasbench201/architectures.parquet")
    return rows[~rows.flops_inferred_from_isomorph]


@pytest.mark.parametrize(
    ("classes", "size", "macs", "params"),
    [
        (10, 32, "flops_M_cifar10", "params_M_cifar10valid"),
        pytest.param(100, 32, "flops_M_cifar100", "params_M_cifar100", marks=pytest.mark.slow),
        pytest.param(120, 16, "flops_M_imagenet16", "params_M_imagenet16_120", marks=pytest.mark.slow),
    ],
)
def test_looked_up_counts_are_the_published_ones_to_the_last_digit(published, classes, size, macs, params):
    cell = CIFAR10 if classes == 10 else Cell(classes=classes, input_shape=(3, size, size))
    profiles = [cell.profile(Cell.from_string(text)) for text in published.arch_str]
    assert [f"{cell.published_macs(p) / 1e6:.6f}" for p in profiles] == [f"{x:.6f}" for x in published[macs]]
    assert [f"{p.params / 1e6:.6f}" for p in profiles] == [f"{x:.6f}" for x in published[params]]


@pytest.mark.parametrize("operation", ["nor_conv_3x3", "avg_pool_3x3"])
def test_counting_the_network_gives_the_published_counts(published, operation):
    architecture = dict.fromkeys(EDGES, operation)
    with torch.device("meta"):
        profile = count(CIFAR10.subnet(architecture), CIFAR10.input_shape)
    ((_, row),) = published[published.arch_str == Cell.to_string(architecture)].iterrows()
    assert f"{CIFAR10.published_macs(profile) / 1e6:.6f}" == f"{row.flops_M_cifar10:.6f}"
    assert f"{profile.params / 1e6:.6f}" == f"{row.params_M_cifar10valid:.6f}"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_cell_trains_even_one_that_passes_nothing_on(operation):
    cell = Cell(**SMALL)
    network = cell.subnet(dict.fromkeys(EDGES, operation))
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    x, y = torch.randn(8, 1, 8, 8), torch.arange(8)
    for _ in range(2):
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(x), y)
        loss.backward()
        optimiser.step()
    assert loss.isfinite()
    assert network(x).shape == (8, 10)
    assert cell.profile(dict.fromkeys(EDGES, operation)).backward_flop > 0


def test_the_network_computes_the_cell_as_defined():
    cell = Cell(**SMALL)
    architecture = Cell.from_string(
        "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|"
    )
    network = cell.subnet(architecture).eval()
    x = torch.randn(2, 4, 8, 8)
    block = network[2]
    one = block.edges["0->1"](x)
    two = x + block.edges["1->2"](one)
    pooled = torch.nn.functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    torch.testing.assert_close(block(x), pooled + one * 0 + block.edges["2->3"](two))


def test_what_no_network_can_be_built_with():
    for wrong in ({"width": 0}, {"cells": 1.5}, {"classes": "10"}):
        (name,) = wrong
        with pytest.raises(NassimError, match=f"Cell: {name} is a whole number of at least 1, found"):
            Cell(**wrong)
    for shape in ((3, 32), (3, 30, 32), (0, 8, 8)):
        with pytest.raises(NassimError, match="Cell: input_shape is"):
            Cell(input_shape=shape)


def test_samples_are_uniform_over_operations():
    rng, cell = np.random.default_rng(0), Cell(**SMALL)
    drawn = Counter(cell.sample(rng)["2->3"] for _ in range(5000))
    assert drawn.keys() == set(OPERATIONS)
    assert all(abs(count - 1000) < 5 * (5000 * 0.2 * 0.8) ** 0.5 for count in drawn.values())
