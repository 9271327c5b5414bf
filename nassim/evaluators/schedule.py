"""Schedule: how a network is trained."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from nassim.errors import NassimError

OptimizerName = Literal["sgd", "adam", "adamw"]
Decay = Literal["constant", "cosine"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a network is trained; torch is not needed to make one.

    Attributes:
        epochs: Passes over the training data.
        batch_size: Inputs a step.
        optimizer: "sgd", "adam" or "adamw".
        learning_rate: The highest: after the warm-up, before the decay.
        decay: "constant", or "cosine": half a cosine from `learning_rate` down to `final_learning_rate`, a little each
            step (Loshchilov & Hutter 2017, without restarts).
        final_learning_rate: Where a cosine ends.
        warmup_epochs: Epochs over which the learning rate rises linearly, a little each step.
        momentum: SGD's.
        nesterov: Whether SGD's momentum is Nesterov's.
        weight_decay: L2 for sgd and adam, decoupled for adamw.
        clip_norm: Gradients are scaled down to this norm, over all parameters; None leaves them.

    Raises:
        NassimError: A value is out of range.
    """

    epochs: int
    batch_size: int = 128
    optimizer: OptimizerName = "sgd"
    learning_rate: float = 0.1
    decay: Decay = "cosine"
    final_learning_rate: float = 0.0
    warmup_epochs: int = 0
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 0.0
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        for wrong, name, allowed in self._rules():
            if wrong:
                raise NassimError(f"schedule: {name} is {allowed}, found {getattr(self, name)!r}")

    def _rules(self) -> Iterator[tuple[bool, str, str]]:
        yield not _whole(self.epochs, 1), "epochs", "a whole number of at least 1"
        yield not _whole(self.batch_size, 2), "batch_size", "a whole number of at least 2 (batch normalisation)"
        yield self.optimizer not in get_args(OptimizerName), "optimizer", f"one of {', '.join(get_args(OptimizerName))}"
        yield not 0 < self.learning_rate < math.inf, "learning_rate", "a number above 0"
        yield self.decay not in get_args(Decay), "decay", f"one of {', '.join(get_args(Decay))}"
        yield (
            not 0 <= self.final_learning_rate <= self.learning_rate,
            "final_learning_rate",
            "a number from 0 to learning_rate",
        )
        yield (
            not _whole(self.warmup_epochs, 0) or self.warmup_epochs >= self.epochs,
            "warmup_epochs",
            "a whole number from 0 to less than epochs",
        )
        yield not 0 <= self.momentum < 1, "momentum", "a number from 0 to less than 1"
        yield self.nesterov and self.momentum == 0, "nesterov", "used with a momentum above 0 only"
        yield not 0 <= self.weight_decay < math.inf, "weight_decay", "a number of at least 0"
        yield self.clip_norm is not None and not 0 < self.clip_norm < math.inf, "clip_norm", "a number above 0, or none"

    @property
    def optimizer_states(self) -> int:
        """How many numbers the optimiser keeps for each parameter."""
        return (1 if self.momentum else 0) if self.optimizer == "sgd" else 2

    def minibatches(self, count: int) -> list[int]:
        """Return the sizes of the minibatches of one epoch over `count` inputs, at least 2.

        The last is smaller where `batch_size` doesn't divide `count`. A last one of a single input joins the one before
        it, because batch normalisation can't train on one input.
        """
        full, rest = divmod(count, self.batch_size)
        sizes = [self.batch_size] * full
        if rest == 1 and sizes:
            sizes[-1] += 1
        elif rest:
            sizes.append(rest)
        return sizes

    def learning_rate_at(self, step: int, steps_per_epoch: int) -> float:
        """Return the learning rate of a step, counted from 0 over all epochs."""
        warmup = self.warmup_epochs * steps_per_epoch
        if step < warmup:
            return self.learning_rate * (step + 1) / warmup
        if self.decay == "constant":
            return self.learning_rate
        share = (step - warmup) / (self.epochs * steps_per_epoch - warmup)
        span = self.learning_rate - self.final_learning_rate
        return self.final_learning_rate + span * (1 + math.cos(math.pi * share)) / 2


def _whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
