"""Training: how a network is trained, as an experiment file says it."""

from typing import Annotated

from pydantic import Field, model_validator

from nassim.errors import NassimError
from nassim.evaluators.schedule import Decay, OptimizerName, Schedule
from nassim.experiment.spec import Amount, Count, Spec, contradiction


class Training(Spec):
    """A training schedule; the keys are those of `nassim.evaluators.schedule.Schedule`."""

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
    def _makes_a_schedule(self) -> "Training":
        try:
            self.schedule()
        except NassimError as error:
            key, _, rule = str(error).removeprefix("schedule: ").partition(" is ")
            raise contradiction(((key,), f"is {rule}")) from error
        return self

    def schedule(self) -> Schedule:
        """Return the schedule."""
        return Schedule(**self.model_dump())
