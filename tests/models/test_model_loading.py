"""What is loaded computes what was trained, to the last bit; what can't is told why."""

import pytest
import torch
from model_samples import SPACES, inputs, saved

import nassim
from nassim.errors import NassimError
from nassim.models.bundle import write_bundle
from nassim.space.catalogue import load_space

SPACE = """
from nassim.space import SearchSpace
from torch import nn


class Own(SearchSpace):
    input_shape, classes = (1, 8, 8), 10

    def build(self, choose):
        middle = choose("middle", {"relu": nn.ReLU, "norm": lambda: nn.BatchNorm1d(16)})
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), middle, nn.Linear(16, 10))
"""


@pytest.mark.parametrize(
    ("reference", "parameters", "architecture"),
    [
        (f"{SPACES}:Wide", {"widest": 12}, {"width": "12", "kernel": "5"}),
        (f"{SPACES}:Odd", {}, {"middle": "masked"}),
        (f"{SPACES}:Odd", {}, {"middle": "tied"}),
        ("cell", {"input_shape": [1, 8, 8], "width": 4, "cells": 1}, None),
        ("search_spaces.chain:Chain", {"width": 4, "head": 16, "input_shape": [1, 8, 8]}, None),
    ],
    ids=["elastic numbers", "random constants", "tied weights", "cell", "module"],
)
def test_outputs_are_those_of_the_trained_network_bit_for_bit(tmp_path, reference, parameters, architecture):
    architecture = architecture or next(load_space(reference, parameters).enumerate())
    space, trained = saved(tmp_path / "m.safetensors", reference, architecture, parameters)
    write_bundle(tmp_path / "m.safetensors", tmp_path / "handed")
    before = torch.random.get_rng_state()
    loaded = nassim.load_model(tmp_path / "handed")
    assert torch.equal(torch.random.get_rng_state(), before), "loading draws nothing"
    assert not loaded.training
    x = inputs(space, seed=99)
    with torch.no_grad():
        assert torch.equal(loaded(x), trained(x))
        assert torch.equal(loaded(x[:1]), trained(x[:1]))


@pytest.fixture
def handed(tmp_path):
    """A folder with a model of a space of one's own."""
    (tmp_path / "own.py").write_text(SPACE)
    saved(tmp_path / "m.safetensors", f"{tmp_path / 'own.py'}:Own", {"middle": "norm"})
    write_bundle(tmp_path / "m.safetensors", tmp_path / "handed")
    return tmp_path / "handed"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("nn.Linear(16, 10)", "nn.Linear(16, 10, bias=False)", "not in the network: 3.bias"),
        ("nn.Linear(16, 10)", "nn.Linear(16, 10), nn.LayerNorm(10)", "not among the weights: 4.weight, 4.bias"),
        (
            "nn.Linear(64, 16)",
            "nn.Linear(64, 16).double()",
            r"of another shape or type: 1\.weight is float64 \(16, 64\), its weights float32 \(16, 64\)",
        ),
        (
            "16",
            "32",
            r"type: 1\.weight is float32 \(32, 64\), its weights float32 \(16, 64\), .*2\.running_mean .* and 2 more",
        ),
        ('"norm"', '"batch norm"', "can't be rebuilt: .*middle.*norm"),
        ("class Own", "class Other", "can't be rebuilt: .*has no class 'Own'; its search spaces are Other"),
        ("import nn", "import nm", "can't be rebuilt: .*own.py, line 3, can't be imported: ImportError"),
    ],
)
def test_a_space_whose_code_is_another_by_now_is_told_with_what_differs(handed, before, after, message):
    code = handed / "space" / "own.py"
    code.write_text(code.read_text().replace(before, after))
    with pytest.raises(NassimError, match=message) as caught:
        nassim.load_model(handed)
    assert "run run-1" in str(caught.value)
    assert "The space's code is to be as it was when the model was trained" in str(caught.value)


def test_a_folder_without_weights_is_told(handed):
    (handed / "model.safetensors").unlink()
    with pytest.raises(NassimError, match=r"there are no weights at .*handed/model\.safetensors"):
        nassim.load_model(handed)
    with pytest.raises(NassimError, match=r"there are no weights at nowhere/model\.safetensors"):
        nassim.load_model("nowhere")
