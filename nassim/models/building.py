"""Building a network anew, as it was before it was trained."""

from collections.abc import Mapping

import torch
from torch import nn

from nassim.seeds import derive_seed
from nassim.space.search_space import SearchSpace


def new_network(space: SearchSpace, architecture: Mapping[str, str], seed: int) -> nn.Module:
    """Return the network of an architecture on the CPU, all that is random about it a function of the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "weights"))
        return space.subnet(architecture)
