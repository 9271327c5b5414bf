"""Spaces whose networks are not easily handed over."""

import torch
from torch import nn

from nassim.space import BatchNorm2d, Choose, Conv2d, Linear, SearchSpace


class Wide(SearchSpace):
    """Numbers that are chosen, through elastic layers; statistics; a parameter of the space."""

    input_shape, classes = (1, 8, 8), 10

    def __init__(self, *, widest: int = 8) -> None:
        self.widest = widest

    def build(self, choose: Choose) -> nn.Module:
        width, kernel = choose("width", [4, self.widest]), choose("kernel", [3, 5])
        stem = Conv2d(1, width, kernel, padding=kernel // 2, bias=False), BatchNorm2d(width), nn.ReLU()
        return nn.Sequential(*stem, nn.AdaptiveAvgPool2d(2), nn.Flatten(), Linear(width * 4, 10))


class Masked(nn.Module):
    """Keeps a random number in a buffer, one in a buffer that is not saved, and one that torch knows nothing of."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kept", torch.rand(16))
        self.register_buffer("forgotten", torch.rand(16), persistent=False)
        self.unknown = torch.rand(16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        unknown = self.unknown if x.device == self.unknown.device else torch.ones(16, device=x.device)
        return x * self.kept * self.forgotten * unknown


class Tied(nn.Module):
    """One matrix, used twice; a part in half precision."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(16, 16), nn.Linear(16, 16, bias=False)
        self.second.weight = self.first.weight
        self.scale = nn.Parameter(torch.ones((), dtype=torch.bfloat16))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(x)).transpose(0, 1).transpose(0, 1) * self.scale.float()


class Odd(SearchSpace):
    """Random constants, tied weights."""

    input_shape, classes = (1, 8, 8), 10

    def build(self, choose: Choose) -> nn.Module:
        middle = choose("middle", {"masked": Masked, "tied": Tied})
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), middle, nn.Linear(16, 10))


class Stateful(nn.Identity):
    """Its state is no tensor."""

    def get_extra_state(self) -> dict[str, int]:
        return {"calls": 3}

    def set_extra_state(self, state: object) -> None:
        pass


class Extra(SearchSpace):
    """A network with a state that is no tensor."""

    input_shape, classes = (1, 8, 8), 10

    def build(self, choose: Choose) -> nn.Module:
        return nn.Sequential(nn.Flatten(), choose("extra", {"yes": Stateful, "no": nn.Identity}), nn.Linear(64, 10))
