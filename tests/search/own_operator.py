"""A space with an operator that nobody can count."""

import torch
from torch import Tensor, nn

from nassim.space import Choose, SearchSpace


@torch.library.custom_op("nassim_tests::twice", mutates_args=())
def twice(x: Tensor) -> Tensor:
    """Return the double of a tensor by an operator of one's own."""
    return 2 * x


@twice.register_fake
def _(x):
    return torch.empty_like(x)


twice.register_autograd(lambda context, gradient: 2 * gradient)


class Twice(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return twice(x)


class Own(SearchSpace):
    """A layer, with or without an operator that nobody can count."""

    input_shape = (1, 8, 8)
    classes = 10

    def build(self, choose: Choose) -> nn.Module:
        end = choose("end", {"plain": nn.Identity, "own": Twice})
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 10), end)
