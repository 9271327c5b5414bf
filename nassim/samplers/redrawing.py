"""Proposals that keep within limits, for samplers that can just propose again."""

import copy
from collections.abc import Callable
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from nassim.samplers.base import A, Sampler, Wrapping
from nassim.seeds import derive_seed
from nassim.space.architecture import Architecture
from nassim.space.distributions import distributions
from nassim.space.domain import Choice, Domain

MOST_REDRAWS = 100
"""How often a proposal is drawn again. The last is proposed whatever it is."""


class Redrawing(Wrapping):
    """Has another sampler propose a trial's whole architecture, again and again until it is within limits.

    What the other sampler draws may depend on a trial's number, its parameters and the finished trials alone: then so
    does what this one proposes. A first draw within the limits is what the other sampler would have proposed by itself.

    Args:
        inner: Who proposes.
        domain: The space that is searched.
        is_within: Whether an architecture is within the limits.
    """

    def __init__(self, inner: Sampler, domain: Domain, is_within: Callable[[Architecture], bool]) -> None:
        super().__init__(inner)
        self._sampler = inner
        self.trials_at_most, self.learns, self.draws = inner.trials_at_most, inner.learns, inner.draws
        self.learns_from_values_alone = inner.learns_from_values_alone
        self._domain = domain
        self._distributions = distributions(domain)
        self._is_within = is_within

    def learn(self, study: Study) -> int:
        """Pass on."""
        return self._sampler.learn(study)

    def draw(self, study: Study, n: int, seed: int, walk: Callable[[Callable[[Choice], str]], A]) -> list[A]:
        """Pass on."""
        return self._sampler.draw(study, n, seed, walk)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the space's parameters; the proposal says which of them are reached."""
        return dict(self._distributions)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Propose an architecture."""
        architecture = self._draw(study, trial, trial.number)
        for attempt in range(MOST_REDRAWS):
            if self._is_within(architecture):
                break
            # Numbers below 0 are no trial's.
            architecture = self._draw(study, trial, -1 - derive_seed(trial.number, "redraw", attempt))
        return dict(architecture)

    def _draw(self, study: Study, trial: FrozenTrial, number: int) -> Architecture:
        """Return what the inner sampler proposes for a trial of this number, apart from what is fixed of it."""
        shadow = copy.copy(trial)
        shadow.number, shadow.params, shadow.distributions = number, {}, {}
        fixed = trial.system_attrs.get("fixed_params", {})
        space = self.inner.infer_relative_search_space(study, shadow)
        together = self.inner.sample_relative(study, shadow, space)

        def pick(choice: Choice) -> str:
            name, distribution = choice.name, self._distributions[choice.name]
            if name in fixed:
                option = fixed[name]
            elif name in together:
                option = together[name]
            else:
                option = self.inner.sample_independent(study, shadow, name, distribution)
            shadow.params[name], shadow.distributions[name] = option, distribution
            return str(option)

        try:
            return self._domain.walk(pick)
        finally:
            self.inner.after_trial(study, shadow, TrialState.FAIL, None)
