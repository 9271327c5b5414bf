"""What training holds: counted on the meta device, measured on real training steps."""

import numpy as np
import pytest
import torch
from test_counting import NETWORKS
from torch import nn
from torch.autograd.graph import saved_tensors_hooks

from nassim.cost.memory import count_training_memory
from nassim.errors import NassimError
from search_spaces.cell import Cell
from search_spaces.chain import Chain


def held(network, shape, batch):
    """Return the bytes that autograd really keeps after a forward pass, without the network's own tensors."""
    own = {tensor.untyped_storage().data_ptr() for tensor in (*network.parameters(), *network.buffers())}
    saved = []
    with saved_tensors_hooks(lambda tensor: (saved.append(tensor), tensor)[1], lambda tensor: tensor):
        network(torch.randn(batch, *shape))
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in saved}
    return sum(size for pointer, size in storages.items() if pointer not in own)


def per_input(network, shape):
    """Return what one more input adds: what doesn't grow with the batch (a normalisation's statistics) cancels out."""
    return (held(network, shape, 8) - held(network, shape, 4)) / 4


# With dropout, attention on a processor is run in steps, which keep the scores; it is counted as one fused kernel.
@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "encoder"])
def test_saved_bytes_are_those_that_a_real_step_keeps(name):
    make, shape = NETWORKS[name]
    network = make()
    assert count_training_memory(network, shape).saved_bytes == per_input(network, shape)


@pytest.mark.parametrize(
    "space",
    [Cell(width=4, cells=1, input_shape=(1, 8, 8)), Chain(width=4, head=16, input_shape=(1, 16, 16))],
    ids=["cell", "chain"],
)
def test_saved_bytes_of_shipped_spaces(space):
    rng = np.random.default_rng(0)
    for _ in range(20):
        architecture = space.sample(rng)
        memory = space.training_memory(architecture)
        assert memory.saved_bytes == per_input(space.subnet(architecture), space.input_shape)
        profile = space.profile(architecture)
        assert (memory.weight_bytes, memory.gradient_bytes) == (profile.weight_bytes, 4 * profile.params)


def test_what_two_layers_keep_is_held_once():
    # Tanh keeps its result, which is what the linear layer keeps as its input; the first layer keeps the network's.
    memory = count_training_memory(nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2)), (4,))
    assert memory.saved_bytes == 4 * 4 + 4 * 6
    assert memory.weight_bytes == memory.gradient_bytes == 4 * (4 * 6 + 6 + 6 * 2 + 2)


def test_peak_is_what_is_saved_and_weights_gradients_and_the_optimiser_s():
    memory = count_training_memory(nn.Sequential(nn.Linear(4, 6).requires_grad_(False), nn.Linear(6, 2)), (4,))
    weights, learning, saved = 4 * (30 + 14), 4 * 14, 4 * 6
    assert memory.peak_bytes(10) == 10 * saved + weights + learning
    assert memory.peak_bytes(10, optimizer_states=2) == 10 * saved + weights + 3 * learning


def test_what_can_not_be_run_is_told():
    with pytest.raises(NassimError, match=r"can't be run on inputs of shape \(3,\) for counting: RuntimeError"):
        count_training_memory(nn.Linear(4, 4), (3,))
