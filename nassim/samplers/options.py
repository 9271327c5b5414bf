"""Distributions with finitely many options, and uniform draws from any distribution."""

from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import RandomSampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from nassim.seeds import derive_seed

MOST_OPTIONS = 128
"""An integer parameter of more values than this counts as a continuous one."""


def fraction(seed: int, *path: int | str) -> float:
    """Return a number in [0, 1) that depends on the seed and the path alone, in steps of 2**-31."""
    return derive_seed(seed, *path) / 2**31


def count(distribution: BaseDistribution) -> int | None:
    """Return the number of options, or None for a distribution that isn't taken as finite (floats, long ranges)."""
    if isinstance(distribution, CategoricalDistribution):
        return len(distribution.choices)
    if isinstance(distribution, IntDistribution):
        options = (distribution.high - distribution.low) // distribution.step + 1
        return options if options <= MOST_OPTIONS else None
    return None


def option_at(distribution: BaseDistribution, index: int) -> Any:
    """Return the option with this index; the distribution is finite."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[index]
    assert isinstance(distribution, IntDistribution)
    return distribution.low + index * distribution.step


def index_of(distribution: BaseDistribution, option: Any) -> int:
    """Return the index of an option; the distribution is finite."""
    if isinstance(distribution, IntDistribution):
        return (int(option) - distribution.low) // distribution.step
    return int(distribution.to_internal_repr(option))


def uniform(study: Study, trial: FrozenTrial, name: str, distribution: BaseDistribution, seed: int) -> Any:
    """Return a value for the trial's parameter, uniform over the distribution.

    It depends on the seed, the trial's number and the parameter's name alone.
    """
    if isinstance(distribution, CategoricalDistribution):
        place = fraction(seed, "trial", trial.number, name)
        return distribution.choices[int(place * len(distribution.choices))]
    generator = RandomSampler(seed=derive_seed(seed, "trial", trial.number, name))
    return generator.sample_independent(study, trial, name, distribution)
