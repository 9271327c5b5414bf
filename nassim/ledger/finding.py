"""Finding: the model that a search found, and what it costs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

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
        job: Id of its final training.
        objectives: What the search went by: names on the trials' closing lines, the first first, with "max" or "min".
        front: The trials on the front of the search when this was picked from it, the best by the first objective
            first: those complete trials that no other is better than. Their values are on their closing lines.
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
    job: str = ""
    objectives: Mapping[str, str] = field(default_factory=dict, hash=False)
    front: tuple[int, ...] = ()

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
        plain = {name: dict(fields[name]) for name in ("architecture", "metrics", "objectives")}
        return json.dumps(fields | plain)

    @classmethod
    def from_json(cls, text: str) -> "Finding":
        """Read what `to_json` wrote."""
        fields = json.loads(text)
        # An earlier nassim had one objective, and one finding a search.
        first = {"job": f"{fields['search']}/final", "objectives": {"accuracy": "max"}, "front": ()}
        fields = first | fields
        fields |= {name: tuple(fields[name]) for name in ("uncounted", "front")}
        return cls(**fields | {"architecture": Architecture(fields["architecture"])})
