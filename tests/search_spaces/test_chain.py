import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nassim.cost.counting import count
from nassim.errors import NassimError
from search_spaces.chain import BLOCKS, LAYERS, Chain


def test_the_space():
    chain = Chain()
    assert chain.size == 6561
    assert tuple(choice.name for choice in chain.domain.choices) == LAYERS
    assert all(choice.labels == BLOCKS for choice in chain.domain.choices)


@given(st.text("012", min_size=8, max_size=8))
@settings(deadline=None)
def test_published_names_round_trip(text):
    assert Chain.to_digits(Chain.from_digits(text)) == text


def test_published_names():
    assert Chain.from_digits("01200000")["layer2"] == "mb6_k5"
    for bad in ("0120000", "012000003", "0120000a", ""):
        with pytest.raises(NassimError, match=r"a chain of NAS-Bench-Macro is 8 digits of 0, 1 and 2, found '"):
            Chain.from_digits(bad)


def test_golden_values():
    # Stem; three 1x1 convolutions with stride 2; the head; the classifier.
    stem, head, classifier = 3 * 9 * 32 * 32 * 32, 256 * 1280 * 4 * 4, 1280 * 10
    downsampling = 32 * 64 * 16 * 16 + 64 * 128 * 8 * 8 + 128 * 256 * 4 * 4
    profile = Chain().profile(Chain.from_digits("00000000"))
    assert profile.forward_macs == stem + downsampling + head + classifier == 7_713_280
    assert profile.params == 387_882


@pytest.fixture(scope="module")
def published(tables):
    return pd.read_parquet(tables / "nasbench_macro/nasbench_macro_cifar10.parquet").set_index("arch")


def test_looked_up_counts_are_the_published_ones(published):
    chain = Chain()
    arrays = chain.table.arrays()
    names = [Chain.to_digits(architecture) for architecture in chain.enumerate()]
    assert len(names) == 6561
    counted = pd.DataFrame({"params": arrays["params"], "flops": arrays["forward_flop"] // 2}, index=names)
    assert counted.loc[published.index].to_numpy().tolist() == published[["params", "flops"]].to_numpy().tolist()


@pytest.mark.parametrize("text", ["00000000", "11111111", "22222222", "22212220"])
def test_counting_the_network_gives_the_published_counts(published, text):
    chain = Chain()
    with torch.device("meta"):
        profile = count(chain.subnet(Chain.from_digits(text)), chain.input_shape)
    assert (profile.params, profile.forward_macs) == tuple(published.loc[text, ["params", "flops"]])


@pytest.mark.parametrize("text", ["00000000", "11111111", "22222222", "02102010"])
def test_small_chains_train(text):
    chain = Chain(width=4, head=16, input_shape=(1, 8, 8))
    network = chain.subnet(Chain.from_digits(text))
    x = torch.randn(8, 1, 8, 8)
    torch.nn.functional.cross_entropy(network(x), torch.arange(8)).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert network(x).shape == (8, 10)


def test_what_no_network_can_be_built_with():
    with pytest.raises(NassimError, match="Chain: head is a whole number of at least 1, found 0"):
        Chain(head=0)
    with pytest.raises(NassimError, match=r"Chain: input_shape is \(channels, height, width\), found \(8, 8\)"):
        Chain(input_shape=(8, 8))
