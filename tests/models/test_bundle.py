"""A model is handed over with all it takes to use it, in full or not at all."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from model_samples import inputs, saved

import nassim
from nassim.errors import NassimError
from nassim.models import onnx
from nassim.models.bundle import write_bundle
from nassim.models.onnx import INPUT, OUTPUT, export_onnx

MINE = """
from nassim.space import SearchSpace
from parts.act import ACTIVATIONS
from torch import nn


class Mine(SearchSpace):
    input_shape, classes = (1, 8, 8), 10

    def __init__(self, *, hidden: int, names: list[str], ceiling: float) -> None:
        self.hidden, self.names, self.ceiling = hidden, names, ceiling

    def build(self, choose):
        act = choose("act", {name: ACTIVATIONS[name] for name in self.names})
        norm, clip = nn.BatchNorm1d(self.hidden), nn.Hardtanh(0, self.ceiling)
        return nn.Sequential(nn.Flatten(), nn.Linear(64, self.hidden), norm, act, clip, nn.Linear(self.hidden, 10))
"""
ACT = """
from torch import nn

ACTIVATIONS = {"tanh": nn.Tanh, 'say "relu"': nn.ReLU}
"""
PARAMETERS = {"hidden": 12, "names": ["tanh", 'say "relu"'], "ceiling": float("inf")}
ARCHITECTURE = {"act": 'say "relu"'}


@pytest.fixture
def mine(tmp_path):
    """The file of a model of a space of one's own, which imports from beside it, and the network in memory."""
    own = tmp_path / "own"
    (own / "parts").mkdir(parents=True)
    (own / "model.py").write_text(MINE)
    (own / "parts" / "act.py").write_text(ACT)
    _, network = saved(tmp_path / "tpe.safetensors", f"{own / 'model.py'}:Mine", ARCHITECTURE, PARAMETERS)
    return tmp_path / "tpe.safetensors", network


def elsewhere(folder, code):
    """Run Python in another folder and return what it prints."""
    path = {"PYTHONPATH": str(Path(nassim.__file__).parents[1])}
    command = [sys.executable, "-c", code] if "\n" in code or " " in code else [sys.executable, code]
    done = subprocess.run(command, cwd=folder, env=os.environ | path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_folder_is_all_it_takes(mine, tmp_path):
    """The space's files are gone; another process in another folder loads the model with the README's line."""
    file, network = mine
    card = write_bundle(file, tmp_path / "out" / "handed")
    file.unlink()
    for path in (tmp_path / "own").rglob("*.py"):
        path.write_text("raise RuntimeError('not this one')")
    moved = (tmp_path / "out" / "handed").rename(tmp_path / "moved")
    assert sorted(str(path.relative_to(moved)) for path in moved.rglob("*") if path.is_file()) == [
        "README.txt",
        "architecture.json",
        "model.py",
        "model.safetensors",
        "space/model.py",
        "space/parts/act.py",
    ]
    x, x_file, y_file = inputs(card), str(tmp_path / "x.pt"), str(tmp_path / "y.pt")
    torch.save(x, x_file)
    (line,) = [line.strip() for line in (moved / "README.txt").read_text().splitlines() if "import nassim" in line]
    line = line.replace("path/to/this/folder", str(moved))
    elsewhere(tmp_path / "out", f"{line}\nimport torch\ntorch.save(model(torch.load({x_file!r})), {y_file!r})")
    with torch.no_grad():
        assert torch.equal(torch.load(y_file), network(x))
    assert "BatchNorm1d(12" in elsewhere(tmp_path / "out", str(moved / "model.py"))


def test_what_it_says_of_itself(mine, tmp_path):
    write_bundle(mine[0], tmp_path / "handed")
    told = json.loads((tmp_path / "handed" / "architecture.json").read_text())
    assert told["architecture"] == ARCHITECTURE
    assert told["metrics"] == {"accuracy": 0.1 + 0.2, "loss": 2.5}
    assert told["origin"] == {
        "run": "run-1",
        "search": "tpe",
        "space": "model.py:Mine",
        "parameters": PARAMETERS,
        "data": "digits",
        "preparation": "nothing",
        "nassim": "0.2.0",
    }
    assert (
        "It takes inputs (batch, 1, 8, 8), float32, and returns logits (batch, 10)."
        in (tmp_path / "handed" / "README.txt").read_text()
    )


def test_a_folder_with_files_is_written_to_only_if_asked_and_what_else_is_there_stays(mine, tmp_path):
    target = tmp_path / "handed"
    target.mkdir()
    write_bundle(mine[0], target)
    (target / "notes.txt").write_text("precious")
    (target / "model.onnx").write_text("of another model")
    (target / "model.safetensors").write_text("old")
    with pytest.raises(NassimError, match=r"handed isn't empty\. Give another, or --force to write over"):
        write_bundle(mine[0], target)
    assert (target / "model.safetensors").read_text() == "old"
    write_bundle(mine[0], target, force=True)
    nassim.load_model(target)
    assert (target / "notes.txt").read_text() == "precious"
    assert not (target / "model.onnx").exists()
    with pytest.raises(NassimError, match=r"notes\.txt is a file; give the name of a folder"):
        write_bundle(mine[0], target / "notes.txt", force=True)


def test_where_the_network_is_another_nothing_is_written(mine, tmp_path, monkeypatch):
    class Other(torch.nn.Linear):
        pass

    monkeypatch.setattr("nassim.models.loading.new_network", lambda *_: Other(3, 2))
    before = sorted(tmp_path.iterdir())
    with pytest.raises(NassimError, match=r"don't fit the network that space model\.py:Mine builds by now"):
        write_bundle(mine[0], tmp_path / "handed")
    assert sorted(tmp_path.iterdir()) == before


def test_a_disk_that_fills_up_has_nothing_of_it(mine, small_disk):
    (small_disk / "ballast").write_bytes(bytes(2**20 - 3 * 2**12))
    with pytest.raises(NassimError, match=r"the model can't be written to .*handed: No space left on device"):
        write_bundle(mine[0], small_disk / "handed")
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]


def test_a_place_that_cannot_be_written_is_told(mine, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NassimError, match=r"the model can't be written to .*file/handed: "):
        write_bundle(mine[0], tmp_path / "file" / "handed")


def test_onnx_without_its_packages_is_told_before_anything_is_written(mine, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx, "find_spec", lambda name: None)
    with pytest.raises(NassimError, match=r"--onnx needs the Python package onnx and onnxscript\. .*'nassim\[onnx\]'"):
        write_bundle(mine[0], tmp_path / "handed", onnx=True)
    assert not (tmp_path / "handed").exists()


@pytest.mark.slow
def test_onnx_runtime_computes_what_torch_does(mine, tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    card = write_bundle(mine[0], tmp_path / "handed", onnx=True)
    session = runtime.InferenceSession(tmp_path / "handed" / "model.onnx")
    network = nassim.load_model(tmp_path / "handed")
    for count in (1, 5):
        x = inputs(card, count)
        (found,) = session.run([OUTPUT], {INPUT: x.numpy()})
        with torch.no_grad():
            torch.testing.assert_close(torch.from_numpy(found), network(x))


@pytest.mark.slow
def test_a_network_that_onnx_cannot_express_is_told(tmp_path):
    pytest.importorskip("onnxscript")

    class Fickle(torch.nn.Module):
        def forward(self, x):
            return x if x.sum().item() > 0 else -x

    with pytest.raises(NassimError, match="torch can't write this network as ONNX: "):
        export_onnx(Fickle(), (4,), tmp_path / "model.onnx")
