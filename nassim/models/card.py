"""ModelCard: what is written beside a model's weights."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nassim.space.architecture import Architecture


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a found model comes from, as far as that is known before it is trained.

    Attributes:
        run: Name of the run.
        search: Name of the search that found it.
        space: The search space, as it is named in a folder with its sources.
        parameters: Arguments of the space's class.
        data: What it learnt from.
        nassim: The version that trained it.
        preparation: What was done to the inputs before they came to it; known where it is trained.
        sources: The space's code where that is a file of one's own: names of files to texts.
    """

    run: str
    search: str
    space: str
    parameters: Mapping[str, Any]
    data: str
    nassim: str
    preparation: str = ""
    sources: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of a trained model.

    Attributes:
        architecture: Its architecture.
        input_shape: Shape of one input, float32, without the batch dimension.
        classes: Number of its outputs: logits, or the numbers that a regression predicts.
        metrics: What it came to on the test data, such as `accuracy`.
        params: Learnable parameters.
        forward_flop: FLOP of the forward pass of one input.
        backward_flop: FLOP of the backward pass of one input.
        training_flop: FLOP of its whole training.
        uncounted: Operations without a formula in it: its FLOP are at least those given.
        seed: What its training was random by; its first weights follow from it.
        origin: Where it comes from.
        task: What it learnt: "classification", "binary" or "regression".
    """

    architecture: Architecture
    input_shape: tuple[int, ...]
    classes: int
    metrics: Mapping[str, float]
    params: int
    forward_flop: int
    backward_flop: int
    training_flop: int
    uncounted: tuple[str, ...]
    seed: int
    origin: Origin
    task: str = "classification"

    def to_values(self) -> dict[str, Any]:
        """Return the card as JSON-able values, the sources among them."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        origin = {name: getattr(self.origin, name) for name in self.origin.__slots__}
        fields |= {"architecture": dict(self.architecture), "metrics": dict(self.metrics), "origin": origin}
        values: dict[str, Any] = json.loads(json.dumps(fields))
        return values

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "ModelCard":
        """Read what `to_values` returned.

        Raises:
            ValueError, TypeError, KeyError, AttributeError: It is something else.
        """
        read = {
            "architecture": Architecture(values["architecture"]),
            "origin": Origin(**values["origin"]),
            "input_shape": tuple(values["input_shape"]),
            "uncounted": tuple(values["uncounted"]),
        }
        return cls(**{**values, **read})
