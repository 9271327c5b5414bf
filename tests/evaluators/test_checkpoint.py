"""A checkpoint is read as it was written, or not at all."""

import random

import pytest
import torch

from nassim.evaluation import StateLost
from nassim.evaluators import checkpoint

STATE = {"weights": torch.arange(2000.0), "losses": [0.25, 1.5], "epochs": 3}


def same(state):
    return torch.equal(state["weights"], STATE["weights"]) and {**state, "weights": 0} == {**STATE, "weights": 0}


def test_no_byte_of_a_checkpoint_can_change_what_is_gone_on_with(tmp_path):
    """torch reads weights whose bytes are others as if they were those that it wrote."""
    file, rng = tmp_path / "000003.pt", random.Random(0)
    checkpoint.write(file, STATE)
    whole, unseen = file.read_bytes(), 0
    for place in rng.sample(range(len(whole)), 200):
        changed = bytearray(whole)
        changed[place] ^= 1 << rng.randrange(8)
        file.write_bytes(changed)
        try:
            state, _ = checkpoint.read(file, "cpu")
        except StateLost:
            continue
        unseen += 1
        assert same(state), f"byte {place} of {len(whole)} has changed weights unseen"
    assert unseen < 50, "of bytes between the records alone nobody knows"


def test_zeros_in_the_place_of_weights_are_damage(tmp_path):
    """As a file system may leave them after a power cut: the size is right, a page is not."""
    file = tmp_path / "000003.pt"
    size = checkpoint.write(file, STATE)
    with file.open("r+b") as opened:
        opened.seek(size // 2)
        opened.write(bytes(1024))
    with pytest.raises(StateLost, match=r"000003\.pt .* is damaged: archive/data/0 in it has changed"):
        checkpoint.read(file, "cpu")
