"""Schedule: how a network is trained."""

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from nassim.spec import Amount, Count, Spec, contradiction

OptimizerName = Literal["sgd", "adam", "adamw"]
Decay = Literal["constant", "cosine"]


class Schedule(Spec):
    """How a network is trained; torch is not needed to make one.

    The cosine falls a little each step (Loshchilov & Hutter 2017, without restarts), and so rises the warm-up.

    Raises:
        ValueError: A value is out of range, or contradicts another.
    """

    epochs: Count
    """Passes over the training data."""
    batch_size: Annotated[Count, Field(ge=2)] = 128
    """Inputs a step; at least 2, for batch normalisation."""
    optimizer: OptimizerName = "sgd"
    """sgd, adam or adamw."""
    learning_rate: Amount = 0.1
    """The highest: after the warm-up, before the decay."""
    decay: Decay = "cosine"
    """constant, or cosine: half a cosine from `learning_rate` down to `final_learning_rate`."""
    final_learning_rate: Annotated[float, Field(ge=0)] = 0.0
    """Where a cosine ends."""
    warmup_epochs: Annotated[int, Field(ge=0)] = 0
    """Epochs over which the learning rate rises linearly; fewer than `epochs`."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """SGD's."""
    nesterov: bool = False
    """Whether SGD's momentum is Nesterov's."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """L2 for sgd and adam, decoupled for adamw."""
    clip_norm: Amount | None = None
    """Gradients are scaled down to this norm; by default they are left as they are."""

    @model_validator(mode="after")
    def _fits_together(self) -> "Schedule":
        rules = (
            (self.final_learning_rate > self.learning_rate, "final_learning_rate", "a number from 0 to learning_rate"),
            (self.warmup_epochs >= self.epochs, "warmup_epochs", "a whole number from 0 to less than epochs"),
            (self.nesterov and self.momentum == 0, "nesterov", "used with a momentum above 0 only"),
        )
        if wrong := [((key,), f"is {allowed}, found {getattr(self, key)}") for broken, key, allowed in rules if broken]:
            raise contradiction(*wrong)
        return self

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
