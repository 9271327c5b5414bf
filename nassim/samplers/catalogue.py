"""The samplers and pruners that there are, and one's own."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from nassim.catalogue import Catalogue
from nassim.space.architecture import Architecture
from nassim.space.domain import Domain

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

    from nassim.samplers.base import Sampler

LARGEST_NUMBER = 10_000_000
"""No parameter of a sampler or a pruner is of use beyond it."""

SAMPLERS: "Catalogue[BaseSampler]" = Catalogue(
    "sampler",
    "optuna.samplers.BaseSampler",
    "nassim.samplers",
    {
        "random": "nassim.samplers.uniform:UniformSampler",
        "tpe": "nassim.samplers.optunas:make_tpe",
        "nsga2": "nassim.samplers.optunas:make_nsga2",
        "grid": "nassim.samplers.grid:make_grid",
        "reinforce": "nassim.samplers.reinforce:ReinforceSampler",
        "evolution": "nassim.samplers.evolution:EvolutionSampler",
    },
    LARGEST_NUMBER,
)
"""Any of Optuna's is one. What else a sampler can do, it says as a `nassim.samplers.base.Sampler`."""

PRUNERS: "Catalogue[BasePruner]" = Catalogue(
    "pruner",
    "optuna.pruners.BasePruner",
    "nassim.pruners",
    {
        "none": "optuna.pruners:NopPruner",
        "median": "optuna.pruners:MedianPruner",
        "successive_halving": "nassim.samplers.optunas:make_halving",
        "hyperband": "nassim.samplers.optunas:make_hyperband",
    },
    LARGEST_NUMBER,
)

IsWithin = Callable[[Architecture], bool]
"""Whether an architecture is within a search's limits."""


def make_sampler(
    name: str,
    seed: int,
    parameters: Mapping[str, object],
    domain: Domain,
    *,
    reward: Callable[[Sequence[float]], float] | None = None,
    is_within: IsWithin | None = None,
    defaults: Mapping[str, Any] = MappingProxyType({}),
) -> "Sampler":
    """Return a sampler.

    Args:
        name: One of SAMPLERS, or where one's own is.
        seed: Everything random about it derives from this.
        parameters: What the experiment file says of it; the defaults hold for the rest.
        domain: The space that is searched.
        reward: Makes one reward of the values of several objectives, for a sampler that learns from one figure.
        is_within: Whether an architecture is within the search's limits, if it has any. Samplers that don't learn from
            being told of others propose none, as far as they can.
        defaults: What holds where the experiment file doesn't say it, for samplers that have such parameters.

    Raises:
        NassimError: There is no such sampler.
        WrongValue: There is no such parameter, a value is of the wrong type or out of range, a space is too large for a
            grid.
    """
    from nassim.samplers.base import as_sampler
    from nassim.samplers.redrawing import Redrawing

    given = {"seed": seed, "domain": domain, "reward": reward, "is_within": is_within}
    sampler = as_sampler(SAMPLERS.make(name, parameters, given, defaults))
    return Redrawing(sampler, domain, is_within) if is_within is not None and sampler.redraws else sampler


def make_pruner(name: str, parameters: Mapping[str, object], last_step: int) -> "BasePruner":
    """Return a pruner.

    Args:
        name: One of PRUNERS, or where one's own is.
        parameters: What the experiment file says of it; the defaults hold for the rest.
        last_step: The step of a trial's last report: Hyperband's `max_resource`, which Optuna would have to guess from
            the trials that have finished.

    Raises:
        NassimError: There is no such pruner.
        WrongValue: There is no such parameter, or a value is of the wrong type or out of range.
    """
    return PRUNERS.make(name, parameters, {"max_resource": last_step})
