"""The controller's hand-written gradients and Adam, against torch's."""

import numpy as np
import pytest
import torch

from nassim.samplers.controller import Controller, Episode, Slot, tensor
from nassim.samplers.gradient import ascend, gradients

A, B, C = Slot("a", 3), Slot("b", 5), Slot("c", 2)
PATHS = [
    [(A, 0), (B, 4), (C, 1), (B, 2)],
    [(A, 2), (C, 0)],
    [(B, 3), (A, 1), (C, 1)],
    [(A, 0), (B, 4), (C, 0)],
]
"""Of different lengths and over different parameters, as a conditional space has them."""
ADVANTAGES = [0.7, -1.3, 0.2, 0.0]
ENTROPY_WEIGHT = 0.05


@pytest.fixture
def controller():
    fresh = Controller(seed=3, hidden=7, tanh_constant=2.5, temperature=2.0, learnt={})
    names = ["lstm", "start", *(tensor(k, s) for k in ("embedding", "output", "bias") for s in (A, B, C))]
    return Controller(3, 7, 2.5, 2.0, {name: 8 * fresh.weights(name) for name in names})


def log_p_and_entropy(controller, weights, path):
    """The same policy written with torch's LSTM cell, one path at a time."""
    hidden = controller.hidden
    cell = torch.nn.LSTMCell(hidden, hidden, bias=False, dtype=torch.float64)
    i, f, o, g = weights["lstm"].split(hidden, dim=1)
    joined = torch.cat([i, f, g, o], dim=1).T
    h, c = torch.zeros(1, hidden, dtype=torch.float64), torch.zeros(1, hidden, dtype=torch.float64)
    x, log_p, entropy = weights["start"][None], 0.0, 0.0
    for slot, option in path:
        own = {"weight_ih": joined[:, :hidden], "weight_hh": joined[:, hidden:]}
        h, c = torch.func.functional_call(cell, own, (x, (h, c)))
        raw = h @ weights[tensor("output", slot)] + weights[tensor("bias", slot)]
        decided = torch.distributions.Categorical(
            logits=controller.tanh_constant * torch.tanh(raw / controller.temperature)
        )
        log_p = log_p + decided.log_prob(torch.tensor([option]))
        entropy = entropy + decided.entropy()
        x = weights[tensor("embedding", slot)][option][None]
    return log_p, entropy


def objective(controller, weights):
    total = 0.0
    for path, advantage in zip(PATHS, ADVANTAGES, strict=True):
        log_p, entropy = log_p_and_entropy(controller, weights, path)
        total = total + advantage * log_p + ENTROPY_WEIGHT * entropy
    return total.sum() / len(PATHS)


def test_gradients_equal_autograd(controller):
    found = gradients(controller, PATHS, ADVANTAGES, ENTROPY_WEIGHT)
    weights = {name: torch.tensor(value, requires_grad=True) for name, value in controller.learnt.items()}
    objective(controller, weights).backward()
    assert found.keys() == {name for name, value in weights.items() if value.grad is not None}
    for name, gradient in found.items():
        np.testing.assert_allclose(gradient, weights[name].grad.numpy(), rtol=1e-9, atol=1e-12, err_msg=name)


def test_adam_equals_torch(controller):
    weights = {name: torch.tensor(value, requires_grad=True) for name, value in controller.learnt.items()}
    adam = torch.optim.Adam(weights.values(), lr=0.01, maximize=True)
    moments = {}
    for _ in range(5):
        controller, moments = ascend(
            controller, moments, gradients(controller, PATHS, ADVANTAGES, ENTROPY_WEIGHT), 0.01
        )
        adam.zero_grad()
        objective(controller, weights).backward()
        adam.step()
    for name, value in weights.items():
        np.testing.assert_allclose(controller.weights(name), value.detach().numpy(), rtol=1e-7, atol=1e-9, err_msg=name)


def test_one_by_one_gives_the_probabilities_of_the_batch(controller):
    weights = {name: torch.tensor(value) for name, value in controller.learnt.items()}
    for path in PATHS:
        episode, log_p = Episode(controller), 0.0
        for slot, option in path:
            log_p += np.log(episode.probabilities(slot)[option])
            episode.take(slot, option)
        assert log_p == pytest.approx(log_p_and_entropy(controller, weights, path)[0].item(), rel=1e-12)


def test_decisions_follow_the_probabilities(controller):
    episode = Episode(controller)
    p = Episode(controller).probabilities(B)
    places = (np.arange(20_000) + 0.5) / 20_000
    shares = np.bincount([episode.decide(B, place) for place in places], minlength=5) / len(places)
    np.testing.assert_allclose(shares, p, atol=1e-4)
