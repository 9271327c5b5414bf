"""Uniform random sampling, inside trials and outside of them."""

from collections.abc import Callable
from typing import Any, TypeVar

from optuna.distributions import BaseDistribution
from optuna.study import Study
from optuna.trial import FrozenTrial

from nassim.samplers.base import Sampler
from nassim.samplers.options import fraction, uniform
from nassim.space.domain import Choice

A = TypeVar("A")


class UniformSampler(Sampler):
    """Optuna's random sampling, except that a value depends on the seed, the trial's number and its name alone.

    So a resumed study proposes what an undisturbed one would have. Several objectives are as good as one.

    Args:
        seed: Everything random derives from this.
    """

    draws = True
    redraws = True

    def __init__(self, *, seed: int) -> None:
        self._seed = seed

    def draw(self, study: Study, n: int, seed: int, walk: Callable[[Callable[[Choice], str]], A]) -> list[A]:
        """Draw uniformly at each choice, outside of any trial, as single-path one-shot trains its supernet.

        Guo et al. (2019). See `Sampler.draw`.
        """

        def one(number: int) -> A:
            return walk(lambda c: c.labels[int(fraction(seed, "draw", number, c.name) * len(c.labels))])

        return [one(number) for number in range(n)]

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Draw a parameter."""
        return uniform(study, trial, param_name, param_distribution, self._seed)
