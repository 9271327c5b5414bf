"""One reward of several objectives, for a sampler that learns from one figure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WeightedProduct:
    """MnasNet's reward: value x product over the others of (other / target) ^ weight (Tan et al. 2019, equation 2).

    With accuracy, one latency, its target and a weight of -0.07 it is the paper's, whose soft constraint weighs both
    sides of the target alike (equation 3, alpha = beta).

    Attributes:
        targets: Target and weight of each objective after the first.
    """

    targets: tuple[tuple[float, float], ...]

    def __call__(self, values: Sequence[float]) -> float:
        """Return the reward of a trial's values, one for each objective; the first is to be maximised.

        A value of 0 is taken for the smallest number there is, so that no reward is infinite.
        """
        reward = values[0]
        for value, (target, weight) in zip(values[1:], self.targets, strict=True):
            reward *= (max(value, _LEAST) / target) ** weight
        return reward


_LEAST = 1e-12
