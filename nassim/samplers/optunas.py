"""Optuna's own samplers and pruners, as an experiment file asks for them."""

from functools import partial

from optuna.pruners import BasePruner, HyperbandPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, NSGAIISampler, TPESampler

from nassim.samplers.reseeded import Reseeded

MOST_RUNGS = 64
"""Rungs that successive halving may leave out: it raises its reduction factor to that power."""


def make_tpe(
    *,
    seed: int,
    n_startup_trials: int = 10,
    n_ei_candidates: int = 24,
    multivariate: bool = True,
    group: bool = False,
    constant_liar: bool = True,
) -> BaseSampler:
    """Optuna's TPE with Optuna's defaults; `constant_liar` has it reckon with the trials that other workers run."""
    if n_startup_trials < 0 or n_ei_candidates < 1:
        raise ValueError(
            "n_startup_trials must be at least 0 and n_ei_candidates at least 1, found "
            f"{n_startup_trials} and {n_ei_candidates}"
        )
    make = partial(
        TPESampler,
        n_startup_trials=n_startup_trials,
        n_ei_candidates=n_ei_candidates,
        multivariate=multivariate,
        group=group,
        constant_liar=constant_liar,
    )
    make()  # so that Optuna refuses arguments that don't go together here, not in the first trial
    return Reseeded(make, seed)


def make_nsga2(
    *,
    seed: int,
    population_size: int = 50,
    mutation_prob: float | None = None,
    crossover_prob: float = 0.9,
    swapping_prob: float = 0.5,
) -> BaseSampler:
    """Optuna's NSGA-II with Optuna's defaults (Deb et al. 2002)."""
    if not 0 <= swapping_prob <= 1:
        raise ValueError(f"swapping_prob must be at least 0 and at most 1, found {swapping_prob}")
    make = partial(
        NSGAIISampler,
        population_size=population_size,
        mutation_prob=mutation_prob,
        crossover_prob=crossover_prob,
        swapping_prob=swapping_prob,
    )
    make()  # so that Optuna refuses arguments that are out of range here, not in the first trial
    return Reseeded(make, seed, learns_from_values_alone=True)


def make_halving(
    *,
    min_resource: str | int = "auto",
    reduction_factor: int = 4,
    min_early_stopping_rate: int = 0,
    bootstrap_count: int = 0,
) -> BasePruner:
    """Optuna's successive halving with Optuna's defaults (Li et al. 2018)."""
    if min_early_stopping_rate > MOST_RUNGS:
        raise ValueError(f"min_early_stopping_rate must be at most {MOST_RUNGS}, found {min_early_stopping_rate}")
    return SuccessiveHalvingPruner(min_resource, reduction_factor, min_early_stopping_rate, bootstrap_count)


def make_hyperband(
    *, max_resource: int, min_resource: int = 1, reduction_factor: int = 3, bootstrap_count: int = 0
) -> BasePruner:
    """Optuna's Hyperband with Optuna's defaults (Li et al. 2017)."""
    # Its brackets are made in the first trial; so that Optuna refuses here what it would refuse there:
    SuccessiveHalvingPruner(min_resource, reduction_factor, 0, bootstrap_count)
    if min_resource > max_resource:
        raise ValueError(f"min_resource must be at most {max_resource}, a training's last epoch, found {min_resource}")
    return HyperbandPruner(min_resource, max_resource, reduction_factor, bootstrap_count)
