"""Finding: the model that a search found, and what it costs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from nassim.cost.work import FLOP_PER_MAC
from nassim.space.architecture import Architecture


@dataclass(frozen=True, slots=True)
class Finding:
    """What a search found.

    Attributes:
        search: Name of the search.
        trial: Number of the trial that it was found in; None where no single trial proposed it.
        architecture: The architecture found.
        params: Learnable parameters.
        forward_flop: FLOP of the forward pass of one input.
        backward_flop: FLOP of the backward pass of one input.
        samples: Inputs that the final training trained on, over all its epochs.
        seed: The seed of the final training.
        metrics: What the final training reported last: figures on the test split, such as `accuracy`.
        torch_flop: What torch's FlopCounterMode makes of one input's forward and backward pass.
        elementwise_flop: Operations of one inference that are no contraction.
        elementwise_bytes: Bytes of activations that these move.
        uncounted: Operations without a formula in it: its FLOP are at least those given.
        words: The architecture in its space's own words; None where the space has none.
    """

    search: str
    trial: int | None
    architecture: Architecture
    params: int
    forward_flop: int
    backward_flop: int
    samples: int
    seed: int
    metrics: Mapping[str, float]
    torch_flop: int
    elementwise_flop: int = 0
    elementwise_bytes: int = 0
    uncounted: tuple[str, ...] = ()
    words: str | None = None

    @property
    def architecture_id(self) -> str:
        """Twelve hexadecimal digits that name the architecture."""
        return self.architecture.id

    @property
    def forward_macs(self) -> int:
        """Multiply-adds of the forward pass of one input."""
        return self.forward_flop // FLOP_PER_MAC

    def to_json(self) -> str:
        """Return the finding as JSON text."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps(fields | {"architecture": dict(self.architecture), "metrics": dict(self.metrics)})

    @classmethod
    def from_json(cls, text: str) -> "Finding":
        """Read what `to_json` wrote."""
        fields = json.loads(text)
        fields["uncounted"] = tuple(fields["uncounted"])
        return cls(**fields | {"architecture": Architecture(fields["architecture"])})
