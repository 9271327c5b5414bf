"""Samplers and pruners by name, as an experiment file asks for them."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from types import NoneType
from typing import Any, TypeVar, get_args

from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, NSGAIISampler, TPESampler

from nassim.errors import NassimError, WrongValue
from nassim.samplers.evolution import EvolutionSampler
from nassim.samplers.grid import GridSampler
from nassim.samplers.redrawing import Redrawing, RedrawingLearner
from nassim.samplers.reinforce import ReinforceSampler
from nassim.samplers.reseeded import Reseeded
from nassim.samplers.uniform import UniformSampler
from nassim.space.architecture import Architecture
from nassim.space.domain import Domain

IsWithin = Callable[[Architecture], bool]
"""Whether an architecture is within a search's limits."""

T = TypeVar("T")

LARGEST_NUMBER = 10_000_000
"""No parameter is of use beyond it."""

MOST_RUNGS = 64
"""Rungs that successive halving may leave out: it raises its reduction factor to that power."""

LARGEST_GRID = 1_000_000
"""More architectures than this make no grid: they'd be held in memory, and no search would see the end of them."""


def make_sampler(
    name: str,
    seed: int,
    parameters: Mapping[str, object],
    domain: Domain,
    *,
    reward: Callable[[Sequence[float]], float] | None = None,
    is_within: IsWithin | None = None,
) -> BaseSampler:
    """Return the sampler of this name.

    Args:
        name: random, tpe, nsga2, grid, reinforce or evolution.
        seed: Everything random about it derives from this.
        parameters: What the experiment file says of it; the defaults hold for the rest.
        domain: The space that is searched.
        reward: Makes one reward of the values of several objectives, for a sampler that learns from one figure.
        is_within: Whether an architecture is within the search's limits, if it has any. Samplers that don't learn from
            being told of others propose none, as far as they can.

    Raises:
        NassimError: There is no such sampler.
        WrongValue: There is no such parameter, a value is of the wrong type or out of range, a space is too large for a
            grid.
    """
    given = {"seed": seed, "domain": domain, "reward": reward, "is_within": is_within}
    sampler = _make("sampler", _SAMPLERS, name, parameters, given)
    if is_within is None or name not in _REDRAWN:
        return sampler
    return _REDRAWN[name](sampler, domain, is_within)


def make_pruner(name: str, parameters: Mapping[str, object], last_step: int) -> BasePruner:
    """Return Optuna's pruner of this name.

    Args:
        name: none, median, successive_halving or hyperband.
        parameters: What the experiment file says of it; the defaults hold for the rest.
        last_step: The step of a trial's last report: Hyperband's `max_resource`, which Optuna would have to guess from
            the trials that have finished.

    Raises:
        NassimError: There is no such pruner.
        WrongValue: There is no such parameter, or a value is of the wrong type or out of range.
    """
    return _make("pruner", _PRUNERS, name, parameters, {"max_resource": last_step})


def trials_at_most(sampler: BaseSampler) -> int | None:
    """Return after how many trials the sampler has nothing left to propose; None for one that never ends."""
    return sampler.trials_at_most if isinstance(sampler, GridSampler) else None


def _tpe(
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


def _nsga2(
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


def _grid(*, seed: int, domain: Domain, is_within: IsWithin | None) -> BaseSampler:
    if domain.size > LARGEST_GRID:
        raise ValueError(
            f"the space has {domain.size:,} architectures and a grid at most {LARGEST_GRID:,}; use random, tpe, "
            "nsga2, reinforce or evolution, or a smaller space"
        )
    return GridSampler([each for each in domain.enumerate() if is_within is None or is_within(each)], seed=seed)


def _halving(
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


def _hyperband(
    *, max_resource: int, min_resource: int = 1, reduction_factor: int = 3, bootstrap_count: int = 0
) -> BasePruner:
    """Optuna's Hyperband with Optuna's defaults (Li et al. 2017)."""
    # Its brackets are made in the first trial; so that Optuna refuses here what it would refuse there:
    SuccessiveHalvingPruner(min_resource, reduction_factor, 0, bootstrap_count)
    if min_resource > max_resource:
        raise ValueError(f"min_resource must be at most {max_resource}, a training's last epoch, found {min_resource}")
    return HyperbandPruner(min_resource, max_resource, reduction_factor, bootstrap_count)


_SAMPLERS: dict[str, Callable[..., BaseSampler]] = {
    "random": UniformSampler,
    "tpe": _tpe,
    "nsga2": _nsga2,
    "grid": _grid,
    "reinforce": ReinforceSampler,
    "evolution": EvolutionSampler,
}

_REDRAWN: dict[str, type[Redrawing]] = {
    "random": Redrawing,
    "reinforce": RedrawingLearner,
    "evolution": Redrawing,
}
"""Samplers that draw again what is beyond a search's limits."""

_PRUNERS: dict[str, Callable[..., BasePruner]] = {
    "none": NopPruner,
    "median": MedianPruner,
    "successive_halving": _halving,
    "hyperband": _hyperband,
}


def _make(
    kind: str,
    makers: Mapping[str, Callable[..., T]],
    name: str,
    parameters: Mapping[str, object],
    given: dict[str, Any],
) -> T:
    """Call the maker of this name with the parameters, and with what it takes of what is given."""
    if name not in makers:
        raise NassimError(f"there is no {kind} {name!r}{_meant(name, makers)}; the {kind}s are {', '.join(makers)}")
    taken = inspect.signature(makers[name], eval_str=True).parameters
    named = {key: taken[key].annotation for key in taken if key not in given}
    for key, value in parameters.items():
        if key not in named:
            allowed = f"its parameters are {', '.join(named)}" if named else "it takes no parameters"
            raise WrongValue(f"{kind} {name} has no parameter {key!r}{_meant(key, named)}; {allowed}", (key,))
        if not _fits(value, named[key]):
            raise WrongValue(f"{kind} {name}: {key} is {_words(named[key])}, found {value!r}", (key,))
        if isinstance(value, int | float) and not abs(value) <= LARGEST_NUMBER:
            raise WrongValue(f"{kind} {name}: {key} is a number up to {LARGEST_NUMBER:,}, found {value!r}", (key,))
    try:
        return makers[name](**{key: value for key, value in given.items() if key in taken}, **parameters)
    except ValueError as error:
        at_fault = [key for key in parameters if key in str(error)]
        raise WrongValue(f"{kind} {name}: {error}", tuple(at_fault[:1])) from error


def _meant(word: str, known: Mapping[str, object]) -> str:
    close = get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _types(annotation: Any) -> tuple[type, ...]:
    return get_args(annotation) or (annotation,)


def _fits(value: object, annotation: Any) -> bool:
    """Say whether a value from a YAML file can be passed: an int is also a float, and a bool is no number."""
    types = _types(annotation)
    return type(value) in types or (float in types and type(value) is int)


def _words(annotation: Any) -> str:
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "a text", NoneType: "null"}
    return " or ".join(words[part] for part in _types(annotation))
