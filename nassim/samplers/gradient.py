"""The policy gradient: back-propagation through a controller's decisions, and Adam."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nassim.samplers.controller import Array, Controller, Path, Slot, tensor

BETAS = (0.9, 0.999)
EPSILON = 1e-8
"""Adam's own constants (Kingma & Ba 2015, section 2)."""


@dataclass(slots=True)
class _Step:
    """One time step of a batch: what went in, what came out, and who decides what after it."""

    joined: Array
    gates: Array
    c_before: Array
    c: Array
    h: Array
    decisions: dict[Slot, tuple[list[int], list[int]]]


def gradients(
    controller: Controller, paths: Sequence[Path], advantages: Sequence[float], entropy_weight: float
) -> dict[str, Array]:
    """Return the gradient of what the controller maximises, by the name of the tensor.

    It is the mean over the paths of advantage x log p(path) (Williams 1992; Zoph & Le 2017, section 3.2) plus
    entropy_weight times the sum of the entropies of the path's decisions.

    Args:
        controller: The policy.
        paths: One for each sample; of any length, over any parameters.
        advantages: Reward less baseline, one for each path.
        entropy_weight: Weight of the entropy bonus.
    """
    steps = _forward(controller, paths)
    found: defaultdict[str, Array] = defaultdict(lambda: np.zeros(()))
    scale = np.asarray(advantages) / len(paths)
    dh, dc = (np.zeros((len(paths), controller.hidden)) for _ in range(2))
    for time in reversed(range(len(steps))):
        step = steps[time]
        for slot, (rows, options) in step.decisions.items():
            d_raw = _raw_gradient(controller, slot, step.h[rows], options, scale[rows], entropy_weight / len(paths))
            found[tensor("output", slot)] = found[tensor("output", slot)] + step.h[rows].T @ d_raw
            found[tensor("bias", slot)] = found[tensor("bias", slot)] + d_raw.sum(axis=0)
            dh[rows] += d_raw @ controller.weights(tensor("output", slot)).T
        d_gates, dc = _cell_gradient(step, dh, dc)
        found["lstm"] = found["lstm"] + step.joined.T @ d_gates
        d_joined = d_gates @ controller.weights("lstm").T
        dx, dh = d_joined[:, : controller.hidden], d_joined[:, controller.hidden :].copy()
        if time == 0:
            found["start"] = dx.sum(axis=0)
            continue
        for slot, (rows, options) in steps[time - 1].decisions.items():
            d_embedding = np.zeros((slot.options, controller.hidden))
            np.add.at(d_embedding, options, dx[rows])
            found[tensor("embedding", slot)] = found[tensor("embedding", slot)] + d_embedding
    return dict(found)


def _forward(controller: Controller, paths: Sequence[Path]) -> list[_Step]:
    """Run all paths side by side. A path that has ended is fed zeros; nothing that follows depends on it."""
    h, c = (np.zeros((len(paths), controller.hidden)) for _ in range(2))
    x = np.tile(controller.weights("start"), (len(paths), 1))
    steps = []
    for time in range(max(map(len, paths))):
        c_before = c
        h, c, joined, gates = controller.step(x, h, c)
        decisions: dict[Slot, tuple[list[int], list[int]]] = {}
        x = np.zeros_like(h)
        for row, path in enumerate(paths):
            if time < len(path):
                slot, option = path[time]
                rows, options = decisions.setdefault(slot, ([], []))
                rows.append(row)
                options.append(option)
        for slot, (rows, options) in decisions.items():
            x[rows] = controller.weights(tensor("embedding", slot))[options]
        steps.append(_Step(joined, gates, c_before, c, h, decisions))
    return steps


def _raw_gradient(
    controller: Controller, slot: Slot, h: Array, options: Sequence[int], advantages: Array, entropy_weight: float
) -> Array:
    """Return the gradient at the output layer, before tanh and temperature: (rows, options)."""
    p, squashed = controller.probabilities(slot, h)
    log_p = np.log(p)
    entropy = -(p * log_p).sum(axis=1, keepdims=True)
    d_logits = -advantages[:, None] * p - entropy_weight * p * (log_p + entropy)
    d_logits[np.arange(len(options)), options] += advantages
    d_raw: Array = d_logits * (1 - squashed**2) * (controller.tanh_constant / controller.temperature)
    return d_raw


def _cell_gradient(step: _Step, dh: Array, dc: Array) -> tuple[Array, Array]:
    """Return the gradients at the four gates before their non-linearities, and at the cell's state one step before."""
    i, f, o, g = np.split(step.gates, 4, axis=1)
    tanh_c = np.tanh(step.c)
    dc = dc + dh * o * (1 - tanh_c**2)
    d_gates = np.concatenate(
        [dc * g * i * (1 - i), dc * step.c_before * f * (1 - f), dh * tanh_c * o * (1 - o), dc * i * (1 - g**2)], axis=1
    )
    return d_gates, dc * f


@dataclass(frozen=True, slots=True)
class Moments:
    """What Adam keeps of one tensor: running means of the gradient and of its square, and how many there were."""

    first: Array
    second: Array
    steps: int


def adam(weights: Array, gradient: Array, moments: Moments | None, learning_rate: float) -> tuple[Array, Moments]:
    """Return the weights after one ascending step of Adam (Kingma & Ba 2015, algorithm 1), and its new moments."""
    decay, square_decay = BETAS
    before = moments or Moments(np.zeros_like(weights), np.zeros_like(weights), 0)
    steps = before.steps + 1
    first = decay * before.first + (1 - decay) * gradient
    second = square_decay * before.second + (1 - square_decay) * gradient**2
    size = np.sqrt(second / (1 - square_decay**steps)) + EPSILON
    return weights + learning_rate * (first / (1 - decay**steps)) / size, Moments(first, second, steps)


def ascend(
    controller: Controller, moments: Mapping[str, Moments], found: Mapping[str, Array], learning_rate: float
) -> tuple[Controller, dict[str, Moments]]:
    """Return the controller after one step up the gradient. Tensors without a gradient stay as they are."""
    learnt, kept = dict(controller.learnt), dict(moments)
    for name, gradient in found.items():
        learnt[name], kept[name] = adam(controller.weights(name), gradient, kept.get(name), learning_rate)
    return (
        Controller(controller.seed, controller.hidden, controller.tanh_constant, controller.temperature, learnt),
        kept,
    )
