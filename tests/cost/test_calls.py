"""Costs by call add up to those of the network, however the calls are labelled."""

import pytest
import torch
from torch import nn

from nassim.cost.calls import count_calls
from nassim.cost.counting import count
from nassim.cost.profile import AMOUNTS
from nassim.errors import NassimError


class Twice(nn.Module):
    """Runs a layer twice, adds, and multiplies by a weight that it shares."""

    def __init__(self):
        super().__init__()
        self.layer, self.other = nn.Linear(6, 6), nn.Linear(6, 6)
        self.other.weight = self.layer.weight

    def forward(self, x):
        y = torch.relu(self.layer(self.layer(x))) + x
        return torch.fft.fft(self.other(y)).real @ torch.linalg.matrix_exp(self.layer.weight)


NETWORKS = {
    "convolutions": (
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3, groups=4)),
        (3, 8, 8),
    ),
    "attention": (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (5, 8)),
    "shared": (Twice, (6,)),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("label", [None, frozenset({"x"})])
def test_calls_add_up_to_the_network(name, label):
    make, shape = NETWORKS[name]
    network = make()
    labels = {} if label is None else {path: label for path, _ in network.named_modules()}
    costs = count_calls(network, shape, labels)
    profile = count(network, shape)
    assert len(costs) > 5
    assert [sum(amounts) for amounts in zip(*(cost for cost, _ in costs.values()), strict=True)] == [
        getattr(profile, name) for name in AMOUNTS
    ]
    uncounted = [pair for _, pairs in costs.values() for pair in pairs]
    assert {name: sum(n for other, n in uncounted if other == name) for name, _ in uncounted} == dict(profile.uncounted)


def test_the_backward_pass_belongs_to_the_call():
    costs = count_calls(
        nn.Sequential(nn.Linear(6, 5), nn.Linear(5, 4)), (6,), {"0": frozenset("a"), "1": frozenset("b")}
    )
    flop = {(*call.label, call.what): cost[1:3] for call, (cost, _) in costs.items() if cost[1]}
    assert flop == {("a", "linear"): (60, 60), ("b", "linear"): (40, 80)}


def test_what_is_not_in_proportion_is_refused():
    class Products(nn.Module):
        def forward(self, x):
            return (x @ x.T) @ x

    with pytest.raises(NassimError, match="other than in proportion to the batch"):
        count_calls(Products(), (6,), {})
