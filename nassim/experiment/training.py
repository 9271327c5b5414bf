"""Training: how a network is trained, as an experiment file says it."""

from typing import Annotated, Literal

from pydantic import Field

from nassim.experiment.spec import Amount, Count, Spec


class Training(Spec):
    """A training schedule."""

    epochs: Count
    """Passes over the training data."""
    batch_size: Count = 128
    """Inputs a step."""
    optimizer: Literal["sgd", "adam", "adamw"] = "sgd"
    """Which optimiser."""
    learning_rate: Amount = 0.1
    """At the beginning."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """SGD's."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """The optimiser's."""
    decay: Literal["constant", "cosine"] = "cosine"
    """How the learning rate falls."""
