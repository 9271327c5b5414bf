"""Regularised evolution: the oldest die, not the worst (Real et al. 2019)."""

import random
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from nassim import pareto
from nassim.samplers.base import Sampler
from nassim.samplers.memory import PerStudy
from nassim.samplers.options import count, index_of, option_at, uniform
from nassim.seeds import derive_seed


@dataclass(slots=True)
class _Lineage:
    """The finished trials of a study that have a value, in order of finishing, read as they finish."""

    done: list[FrozenTrial] = field(default_factory=list)
    open: list[int] = field(default_factory=list)
    seen: int = 0
    lock: Lock = field(default_factory=Lock)

    def youngest(self, trials: Sequence[FrozenTrial], population: int) -> list[FrozenTrial]:
        """Read the study's trials; return those that finished last, oldest first; none before there are that many."""
        with self.lock:
            waiting = [*self.open, *range(self.seen, len(trials))]
            self.seen = max(self.seen, len(trials))
            self.open = []
            for number in waiting:
                if number >= len(trials) or not trials[number].state.is_finished():
                    self.open.append(number)
                elif trials[number].values is not None:
                    insort(self.done, trials[number], key=_finished)
            return self.done[-population:] if len(self.done) >= population else []


def _finished(trial: FrozenTrial) -> tuple[float, int]:
    assert trial.datetime_complete is not None
    return trial.datetime_complete.timestamp(), trial.number  # Optuna's date is local, and set back in autumn


class EvolutionSampler(Sampler):
    """Proposes mutants of the best of a random few of the trials that finished last.

    Until `population` trials have finished, trials are drawn uniformly. From then on the population is the last
    `population` trials to finish; `tournament` of them are drawn with replacement, and the best of these gets a child
    that differs in exactly one parameter (Real et al. 2019, algorithm 1). A child can be asked for at any time, there
    are no generations, so parallel workers never wait. Where the mutation reaches parameters that the parent doesn't
    have (conditional spaces), these are drawn uniformly.

    With several objectives the best of the tournament is the one of the lowest non-dominated rank within the
    population, and of those the one with most room around it: the crowded comparison of NSGA-II (Deb et al. 2002,
    section III-B). Whoever is best, the oldest die.

    **A pure function of the seed and the finished trials**, in the order in which the storage says that they finished
    (equal times by number); what is random about a trial depends on the seed and its number alone. So a new sampler on
    the same storage goes on exactly as the old one would have. Failed trials are left out; a pruned one ranks below
    every completed one, and by the last value it reported.

    Args:
        seed: Everything random derives from this.
        population: Size of the population: 100 in the paper's experiments.
        tournament: Size of the sample that the parent is the best of: 25 in the paper's experiments.

    Raises:
        ValueError: An argument is out of its range.
    """

    redraws = True

    def __init__(self, *, seed: int, population: int = 100, tournament: int = 25) -> None:
        for name, value in (("population", population), ("tournament", tournament)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, found {value!r}")
        self._seed = seed
        self._population = population
        self._tournament = tournament
        self._lineages: PerStudy[_Lineage] = PerStudy(_Lineage)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the parent's parameters, which the child has too but for what the mutation cuts off."""
        parent = self._parent(study, trial)
        if parent is None:
            return {}
        return {name: found for name, found in parent.distributions.items() if not found.single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the parent's parameters, one of them mutated."""
        if not search_space:
            return {}
        parent = self._parent(study, trial)
        inherited = {} if parent is None else {n: v for n, v in parent.params.items() if n in search_space}
        child = {
            name: inherited[name] if name in inherited else uniform(study, trial, name, distribution, self._seed)
            for name, distribution in search_space.items()
        }
        if inherited:
            chance = random.Random(derive_seed(self._seed, "trial", trial.number, "mutation"))
            name = chance.choice(list(inherited))
            child[name] = self._other(study, trial, name, search_space[name], inherited[name], chance)
        return child

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Draw a parameter that isn't inherited."""
        return uniform(study, trial, param_name, param_distribution, self._seed)

    def _parent(self, study: Study, trial: FrozenTrial) -> FrozenTrial | None:
        """Return the winner of the trial's tournament, or None while the population isn't complete."""
        trials = study._get_trials(deepcopy=False, use_cache=True)
        population = self._lineages.of(study).youngest(trials, self._population)
        if not population:
            return None
        chance = random.Random(derive_seed(self._seed, "trial", trial.number, "tournament"))
        fitness = _fitness(study, population)
        return population[max(chance.choices(range(len(population)), k=self._tournament), key=fitness.__getitem__)]

    def _other(
        self,
        study: Study,
        trial: FrozenTrial,
        name: str,
        distribution: BaseDistribution,
        now: Any,
        chance: random.Random,
    ) -> Any:
        """Return another option than the present one; for a parameter that isn't finite, a value drawn anew."""
        options = count(distribution)
        if options is None:
            return uniform(study, trial, name, distribution, self._seed)
        other = chance.randrange(options - 1)
        return option_at(distribution, other + (other >= index_of(distribution, now)))


def _fitness(study: Study, population: Sequence[FrozenTrial]) -> list[tuple[float, float]]:
    """Return what each of a population is compared by; the greater, the better."""
    signs = [1.0 if direction is StudyDirection.MAXIMIZE else -1.0 for direction in study.directions]
    if len(signs) == 1:
        return [(t.state is TrialState.COMPLETE, signs[0] * t.values[0]) for t in population]
    losses = -np.array([trial.values for trial in population]) * signs
    ranks, room = pareto.ranks(losses), np.zeros(len(population))
    for rank in range(ranks.max() + 1):
        room[ranks == rank] = pareto.crowding(losses[ranks == rank])
    return list(zip(-ranks, room, strict=True))
