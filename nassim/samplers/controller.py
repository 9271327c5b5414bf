"""The controller: an LSTM that decides one parameter after the other, each knowing the decisions before it.

Written in numpy, forward and backward, so that a simulation on a table loads no torch: with 100 units a decision is
one product with a 200 x 400 matrix.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nassim.seeds import derive_seed

Array = NDArray[np.float64]

INITIAL_SPREAD = 0.1
"""Weights start uniform in [-0.1, 0.1] (Pham et al. 2018, section 3.1)."""


class Slot(NamedTuple):
    """A parameter that the controller decides: its name and the number of its options."""

    name: str
    options: int


Path = Sequence[tuple[Slot, int]]
"""The decisions that make one architecture, in the order taken: parameter and index of the option."""


@lru_cache(maxsize=4096)
def _initial(seed: int, name: str, shape: tuple[int, ...]) -> Array:
    weights = np.random.default_rng(derive_seed(seed, "controller", name)).uniform(
        -INITIAL_SPREAD, INITIAL_SPREAD, shape
    )
    weights.setflags(write=False)
    return weights


def _sigmoid(x: Array) -> Array:
    return 0.5 * (1 + np.tanh(0.5 * x))


@dataclass(frozen=True, slots=True)
class Controller:
    """The weights of an LSTM policy over parameters that need not be known beforehand.

    The cell is that of Zoph & Le (2017) and Pham et al. (2018): one layer without bias, fed with the embedding of the
    option taken last. Each parameter has an output layer and option embeddings of its own; they come into being when
    the parameter is first met, with initial weights that depend on the seed and the parameter alone. So conditional
    spaces need no preparation.

    Attributes:
        seed: Initial weights derive from this.
        hidden: Units of the LSTM, and the width of the embeddings.
        tanh_constant: The logits are this times tanh(output / temperature), which bounds them.
        temperature: See `tanh_constant`.
        learnt: Weights that are no longer the initial ones, by name.
    """

    seed: int
    hidden: int
    tanh_constant: float
    temperature: float
    learnt: Mapping[str, Array]

    def weights(self, name: str) -> Array:
        """Return the tensor of this name, one of those that `gradients` returns."""
        found = self.learnt.get(name)
        if found is not None:
            return found
        kind, _, slot = name.partition(":")
        options = int(slot.partition(":")[0] or 0)
        shapes: dict[str, tuple[int, ...]] = {
            "lstm": (2 * self.hidden, 4 * self.hidden),
            "start": (self.hidden,),
            "embedding": (options, self.hidden),
            "output": (self.hidden, options),
            "bias": (options,),
        }
        return _initial(self.seed, name, shapes[kind])

    def step(self, x: Array, h: Array, c: Array) -> tuple[Array, Array, Array, Array]:
        """Run the cell once; the leading axes are the batch's.

        Args:
            x: Input, (..., hidden).
            h: Output of the step before, (..., hidden).
            c: State of the cell after the step before, (..., hidden).

        Returns:
            The new h and c, the input joined with the old h (..., 2 hidden), and the four gates (..., 4 hidden): input,
            forget, output, candidate.
        """
        joined = np.concatenate([x, h], axis=-1)
        gates = joined @ self.weights("lstm")
        split = 3 * self.hidden
        gates[..., :split] = _sigmoid(gates[..., :split])
        gates[..., split:] = np.tanh(gates[..., split:])
        i, f, o, g = np.split(gates, 4, axis=-1)
        c = f * c + i * g
        return o * np.tanh(c), c, joined, gates

    def probabilities(self, slot: Slot, h: Array) -> tuple[Array, Array]:
        """Return the probabilities of the slot's options and tanh(output / temperature), both (..., options)."""
        raw = h @ self.weights(tensor("output", slot)) + self.weights(tensor("bias", slot))
        squashed = np.tanh(raw / self.temperature)
        odds = np.exp(self.tanh_constant * squashed)
        return odds / odds.sum(axis=-1, keepdims=True), squashed


def tensor(kind: str, slot: Slot) -> str:
    """Return the name of one of a parameter's own tensors; kind is embedding, output or bias."""
    return f"{kind}:{slot.options}:{slot.name}"


class Episode:
    """One architecture in the making: the controller's state after the decisions taken so far."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._h = np.zeros(controller.hidden)
        self._c = np.zeros(controller.hidden)
        self._inputs = [controller.weights("start")]

    def probabilities(self, slot: Slot) -> Array:
        """Return the probabilities of the slot's options, given the decisions so far."""
        for x in self._inputs:
            self._h, self._c, _, _ = self._controller.step(x, self._h, self._c)
        self._inputs.clear()
        return self._controller.probabilities(slot, self._h)[0]

    def take(self, slot: Slot, option: int) -> None:
        """Note that an option was taken, by the controller or by someone else."""
        self._inputs.append(self._controller.weights(tensor("embedding", slot))[option])

    def decide(self, slot: Slot, place: float) -> int:
        """Return the option at this place in [0, 1) of the distribution."""
        passed = int(np.searchsorted(np.cumsum(self.probabilities(slot)), place, side="right"))
        return min(passed, slot.options - 1)
