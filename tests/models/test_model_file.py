"""A model's file comes back as it was saved, or not at all."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from model_samples import SPACES, saved, trained
from safetensors.torch import load_file, save_file

from nassim.errors import NassimError
from nassim.models.file import read_model, save_model

WIDE = f"{SPACES}:Wide", {"width": "4", "kernel": "5"}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "models" / "tpe.safetensors"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A file's content and what was read from it."""
    path = tmp_path_factory.mktemp("whole") / "model.safetensors"
    saved(path, *WIDE)
    return path.read_bytes(), read_model(path)


def same(one, other):
    named = one.card == other.card and one.tensors.keys() == other.tensors.keys()
    return named and all(torch.equal(tensor, other.tensors[name]) for name, tensor in one.tensors.items())


def test_it_is_what_any_reader_of_safetensors_reads(file):
    _, network = saved(file, *WIDE)
    read = load_file(file)
    state = network.state_dict()
    assert read.keys() == state.keys()
    assert all(torch.equal(read[name], state[name]) and read[name].dtype == state[name].dtype for name in state)


def test_what_is_known_of_it_comes_back(file):
    saved(file, *WIDE, {"widest": 12})
    card = read_model(file).card
    assert (card.origin.space, card.origin.parameters) == ("model_spaces.py:Wide", {"widest": 12})
    assert card.origin.sources == {"model_spaces.py": SPACES.read_text()}
    assert (dict(card.architecture), card.input_shape) == ({"width": "4", "kernel": "5"}, (1, 8, 8))
    assert card.metrics == {"accuracy": 0.1 + 0.2, "loss": 2.5}


def test_saving_again_replaces_it_and_writes_the_same_bytes(file):
    saved(file, *WIDE)
    first = file.read_bytes()
    file.write_bytes(b"what a killed worker never leaves")
    saved(file, *WIDE)
    assert file.read_bytes() == first
    assert [path.name for path in file.parent.iterdir()] == ["tpe.safetensors"]


@settings(deadline=None)
@given(st.data())
def test_damage_anywhere_is_found(whole, tmp_path_factory, data):
    content, model = whole
    at, other = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.safetensors"
    path.write_bytes(content[:at] + bytes([content[at] ^ other]) + content[at + 1 :])
    try:
        read = read_model(path)
    except NassimError:
        return
    assert same(read, model), "what stands between two values of JSON may be another blank"


@pytest.mark.parametrize("length", [0, 7, 8, 100, -1])
def test_a_file_that_was_cut_is_damaged(whole, tmp_path, length):
    path = tmp_path / "cut.safetensors"
    path.write_bytes(whole[0][:length])
    with pytest.raises(NassimError, match=r"the model .*cut\.safetensors is damaged: .*Restore it from a copy"):
        read_model(path)


def test_other_files_are_no_models(tmp_path):
    with pytest.raises(NassimError, match=r"there are no weights at .*nowhere: no such file"):
        read_model(tmp_path / "nowhere")
    with pytest.raises(NassimError, match="can't be read: Is a directory"):
        read_model(tmp_path)
    save_file({"x": torch.ones(1)}, tmp_path / "other.safetensors")
    with pytest.raises(NassimError, match="holds weights, but is no model that this nassim can read"):
        read_model(tmp_path / "other.safetensors")


def test_a_state_that_is_no_tensor_is_refused_by_name(file):
    with pytest.raises(
        NassimError, match=r"its state '1\._extra_state' is of type dict, and safetensors hold tensors alone"
    ):
        saved(file, f"{SPACES}:Extra", {"extra": "yes"})
    assert not file.exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path, whole):
    (tmp_path / "models").write_text("a file")
    _, network = trained(*WIDE)
    with pytest.raises(NassimError, match=r"the model can't be saved in .*models/tpe\.safetensors: "):
        save_model(Path(tmp_path / "models" / "tpe.safetensors"), network, whole[1].card)
