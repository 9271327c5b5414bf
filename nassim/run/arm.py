"""Arm: a search, made from what the experiment says of it."""

from collections.abc import Callable
from functools import partial
from itertools import chain

import optuna
from optuna.pruners import BasePruner
from optuna.storages import BaseStorage

from nassim.budget import Budget
from nassim.errors import WrongValue, placed
from nassim.experiment.aims import is_maximised, label, named, weight_of
from nassim.experiment.model import SearchSpec
from nassim.hardware.costs import COSTS
from nassim.run.make import Parts
from nassim.samplers.base import Sampler
from nassim.samplers.catalogue import make_pruner, make_sampler
from nassim.samplers.redrawing import MOST_REDRAWS
from nassim.samplers.reward import WeightedProduct
from nassim.search.aims import Limit, Objective, is_within
from nassim.search.checkpoints import Checkpoints
from nassim.search.feasibility import check_limits
from nassim.search.search import Search
from nassim.seeds import derive_seed
from nassim.space.architecture import Architecture
from nassim.space.sampling import take_acceptable

Draw = Callable[[int, int], list[Architecture]]
"""Draws n architectures with a seed."""


def check_arm(parts: Parts, spec: SearchSpec) -> None:
    """Find what can't be made.

    Raises:
        WrongValue: A name or a parameter of the sampler or the pruner is not what it should be; an objective or a
            limit is on a device that can't be told of; the space's networks can't be evaluated so; no network was
            found within the limits.
    """
    with placed("searches", parts.experiment.searches.index(spec), whose=f"search {spec.name}"):
        with placed("sampler", "parameters"):
            sampler = _sampler(parts, spec)
        with placed("pruner", "parameters"):
            _pruner(parts, spec)
        _check_together(parts, spec, sampler)
        _objectives(parts, spec)
        parts.evaluators[spec.name].check()
        check_limits(parts.space, parts.limits_of(spec))


def _check_together(parts: Parts, spec: SearchSpec, sampler: Sampler) -> None:
    """See that evaluator, sampler and pruner go together, by what they say of themselves.

    Raises:
        WrongValue: They don't.
    """
    evaluator, budget = parts.evaluators[spec.name], parts.experiment.budget
    kind = spec.evaluator.kind
    if evaluator.draws and not sampler.draws:
        draw = "draws architectures from the sampler to train shared weights on, and this sampler can't; random and"
        raise WrongValue(f"found {spec.sampler.name!r}; {kind} {draw} reinforce can", ("sampler", "name"))
    if spec.pruner.name != "none" and not evaluator.prunable:
        prune = "reports a trial once, which leaves nothing to prune; take the pruner away"
        raise WrongValue(f"found {spec.pruner.name!r}; {kind} {prune}", ("pruner", "name"))
    if evaluator.trials is not None and spec.trials is not None:
        raise WrongValue(f"found {spec.trials}; {kind} says itself how many trials; take this away", ("trials",))
    ends = (evaluator.trials, spec.trials, sampler.trials_at_most, budget.trials)
    if all(each is None for each in ends) and spec.budget == Budget():
        raise WrongValue("this key is missing, and the search has no budget to end it", ("trials",))


def make_arm(parts: Parts, spec: SearchSpec, run: str, storage: BaseStorage, checkpoints: Checkpoints | None) -> Search:
    """Return the search, its study opened or taken up.

    Args:
        parts: The experiment's parts.
        spec: What the experiment says of this search.
        run: Name of the run.
        storage: Where the run's studies are.
        checkpoints: Where trainings keep their states.
    """
    space, evaluator, sampler = parts.space, parts.evaluators[spec.name], _sampler(parts, spec)
    objectives, limits = _objectives(parts, spec), parts.limits_of(spec)
    study = optuna.create_study(
        storage=storage,
        study_name=_study_name(spec, run, storage),
        directions=["maximize" if objective.maximised else "minimize" for objective in objectives],
        sampler=sampler,
        pruner=_pruner(parts, spec),
        load_if_exists=True,
    )
    of_evaluator = spec.trials if evaluator.trials is None else evaluator.trials
    ends = [count for count in (of_evaluator, sampler.trials_at_most) if count is not None]
    return Search(
        name=spec.name,
        seed=parts.experiment.seed,
        space=space,
        evaluator=evaluator,
        study=study,
        draw=_within(lambda n, seed: sampler.draw(study, n, seed, space.domain.walk), limits)
        if sampler.draws
        else None,
        trials=min(ends, default=None),
        prunes=spec.pruner.name != "none",
        objectives=objectives,
        limits=limits,
        reuse=spec.duplicates == "reuse",
        retries=parts.experiment.retries,
        trial_timeout_s=spec.trial_timeout_s,
        checkpoints=checkpoints,
    )


def _study_name(spec: SearchSpec, run: str, storage: BaseStorage) -> str:
    """Return the search's name: Hyperband goes by it, and nothing may go by the run's.

    A run that nassim 0.1.0 began goes on with the study that it made, named after the run too.
    """
    earlier = f"{run}/{spec.name}"
    return earlier if earlier in optuna.get_all_study_names(storage) else spec.name


def _objectives(parts: Parts, spec: SearchSpec) -> tuple[Objective, ...]:
    ranked_by = parts.evaluators[spec.name].ranked_by
    return tuple(
        Objective(
            ranked_by.get(name, label(name, what)),
            is_maximised(name, what, parts.task),
            parts.cost(name, what) if name in COSTS else None,
        )
        for name, what in named(parts.experiment.objectives_of(spec))
    )


def _within(draw: Draw, limits: tuple[Limit, ...]) -> Draw:
    """Return what draws within limits: it draws again, as often as the sampler may for a trial."""

    def draw_within(n: int, seed: int) -> list[Architecture]:
        again = (derive_seed(seed, "redraw", attempt) for attempt in range(MOST_REDRAWS))
        drawn = chain.from_iterable(draw(n, each) for each in chain([seed], again))
        return take_acceptable(drawn, partial(is_within, limits), n, (MOST_REDRAWS + 1) * n)

    return draw_within if limits else draw


def _sampler(parts: Parts, spec: SearchSpec) -> Sampler:
    evaluator = parts.evaluators[spec.name]
    objectives, limits = parts.experiment.objectives_of(spec), parts.limits_of(spec)
    targets = tuple((what.target or 1.0, weight_of(name, what, parts.task)) for name, what in [*named(objectives)][1:])
    return make_sampler(
        spec.sampler.name,
        derive_seed(parts.experiment.seed, "sampler", spec.name),
        spec.sampler.parameters,
        parts.space.domain,
        reward=WeightedProduct(targets) if targets else None,
        is_within=partial(is_within, limits) if limits else None,
        defaults={"batch": evaluator.batch, "learn_trials": evaluator.learn_trials} if evaluator.learn_trials else {},
    )


def _pruner(parts: Parts, spec: SearchSpec) -> BasePruner:
    return make_pruner(spec.pruner.name, spec.pruner.parameters, parts.experiment.training.epochs)
