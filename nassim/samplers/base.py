"""Sampler: a sampler of Optuna's that says what else it can do."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from nassim.space.domain import Choice

A = TypeVar("A")


class Sampler(BaseSampler):
    """A sampler of Optuna's that says what else it can do. By default it can nothing else, and draws one by one.

    Attributes:
        trials_at_most: After how many trials it has nothing left to propose; None for one that never ends.
        learns: Whether it trains a controller, in `learn`, which is on the books as such.
        draws: Whether it draws architectures outside of any trial, on which shared weights are trained.
        redraws: Whether what it proposes depends on a trial's number, its parameters and the finished trials alone, so
            that it can be asked again for a trial whose proposal is beyond the limits.
        learns_from_values_alone: Whether it hears of complete trials only.
    """

    trials_at_most: int | None = None
    learns: bool = False
    draws: bool = False
    redraws: bool = False
    learns_from_values_alone: bool = False

    def learn(self, study: Study) -> int:
        """Train a controller on what it was told since, where there is one; return how many updates that took."""
        return 0

    def draw(self, study: Study, n: int, seed: int, walk: Callable[[Callable[[Choice], str]], A]) -> list[A]:
        """Draw from the present policy, outside of any trial.

        Args:
            study: The study that the policy is of.
            n: How many to draw.
            seed: What is drawn depends on it and the policy alone.
            walk: Asks its argument for the label of one choice after the other, and returns what these come to.
        """
        raise TypeError(f"{type(self).__name__} draws nothing outside of trials")

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return no space: parameters are drawn one by one."""
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return no parameters."""
        return {}


class Wrapping(Sampler):
    """Passes on to another sampler.

    Args:
        inner: The other.
    """

    def __init__(self, inner: BaseSampler) -> None:
        self.inner = inner

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Pass on."""
        self.inner.before_trial(study, trial)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Pass on."""
        return self.inner.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Pass on."""
        return self.inner.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Pass on."""
        return self.inner.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Pass on."""
        self.inner.after_trial(study, trial, state, values)


def as_sampler(sampler: BaseSampler) -> Sampler:
    """Return any sampler of Optuna's as one that says what else it can do: nothing, unless it says so itself."""
    return sampler if isinstance(sampler, Sampler) else Wrapping(sampler)
