"""Trained networks of several spaces, saved."""

from pathlib import Path

import torch
from torch import nn

from nassim.models.building import new_network
from nassim.models.card import ModelCard, Origin
from nassim.models.file import save_model
from nassim.sources import portable
from nassim.space.catalogue import load_space

SPACES = Path(__file__).parent / "model_spaces.py"


def inputs(space, count=16, seed=0):
    return torch.randn(count, *space.input_shape, generator=torch.Generator().manual_seed(seed))


def trained(reference, architecture, parameters=None, seed=7):
    """Return a space's network after some steps of training, which move its buffers too, ready to be used."""
    space = load_space(reference, parameters or {})
    network = new_network(space, architecture, seed).train()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.01)
    with torch.random.fork_rng():
        for step in range(3):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(inputs(space, seed=step)), torch.zeros(16, dtype=torch.long)).backward()
            optimiser.step()
    return space, network.eval()


def saved(path, reference, architecture, parameters=None, network=None):
    """Train and save a model; return its space and the network in memory."""
    space, in_memory = trained(reference, architecture, parameters)
    name, sources = portable(reference)
    origin = Origin("run-1", "tpe", name, parameters or {}, "digits", "0.2.0", "nothing", sources)
    card = ModelCard(
        architecture=space.canonical(architecture),
        input_shape=tuple(space.input_shape),
        classes=space.classes,
        metrics={"accuracy": 0.1 + 0.2, "loss": 2.5},
        params=sum(parameter.numel() for parameter in in_memory.parameters()),
        forward_flop=10,
        backward_flop=20,
        training_flop=30_000,
        uncounted=(),
        seed=7,
        origin=origin,
    )
    save_model(path, network or in_memory, card)
    return space, in_memory
