"""Optuna's own samplers, made resumable."""

from collections.abc import Callable, Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from nassim.samplers.base import Sampler
from nassim.samplers.memory import PerStudy
from nassim.seeds import derive_seed


class Reseeded(Sampler):
    """A sampler of Optuna's whose random numbers depend on the seed, the trial's number and the parameter alone.

    Optuna's samplers draw all their trials from one generator, whose state is lost with the process; the rest of their
    state is in the storage. Here the generator is seeded before each use, so a resumed study proposes what an
    undisturbed one would have. Proposals asked for from several threads at once (`n_jobs`) are valid, and not
    reproducible, as with Optuna.

    Args:
        make: Makes a sampler of Optuna's that keeps its generators as its random, TPE and NSGA-II samplers do.
        seed: Everything random derives from this.
        learns_from_values_alone: Whether it hears of complete trials only.

    Attributes:
        learns_from_values_alone: As given.
    """

    def __init__(self, make: Callable[[], BaseSampler], seed: int, *, learns_from_values_alone: bool = False) -> None:
        self.learns_from_values_alone = learns_from_values_alone
        self._seed = seed
        self._inner: PerStudy[BaseSampler] = PerStudy(make)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Pass on."""
        self._inner.of(study).before_trial(study, trial)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Pass on."""
        return self._seeded(study, trial, "relative").infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Pass on, with generators seeded for this trial."""
        return self._seeded(study, trial, "relative").sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Pass on, with generators seeded for this parameter of this trial."""
        inner = self._seeded(study, trial, f"independent {param_name}")
        return inner.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Pass on."""
        self._inner.of(study).after_trial(study, trial, state, values)

    def _seeded(self, study: Study, trial: FrozenTrial, purpose: str) -> BaseSampler:
        inner = self._inner.of(study)
        _seed(inner, derive_seed(self._seed, "trial", trial.number, purpose))
        return inner


def _seed(sampler: BaseSampler, seed: int) -> None:
    """Seed a sampler's generators.

    Optuna takes a seed in the constructor only, and a new TPE sampler for each trial would read all trials again: 17
    ms an ask after 1,000 trials instead of 4.
    """
    sampler._rng.rng.seed(seed)  # type: ignore[attr-defined]
    fallback = getattr(sampler, "_random_sampler", None)
    if fallback is not None:
        _seed(fallback, derive_seed(seed, "fallback"))
