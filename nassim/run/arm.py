"""Arm: a search, made from what the experiment says of it."""

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage

from nassim.experiment.model import Search as SearchSpec
from nassim.parts import Parts
from nassim.samplers.catalogue import make_pruner, make_sampler, trials_at_most
from nassim.search.checkpoints import Checkpoints
from nassim.search.search import Search
from nassim.seeds import derive_seed


def check_arm(parts: Parts, spec: SearchSpec) -> None:
    """Find what can't be made.

    Raises:
        NassimError: A name or a parameter of the sampler or the pruner is not what it should be.
    """
    _sampler(parts, spec)
    _pruner(parts, spec)


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
    study = optuna.create_study(
        storage=storage,
        study_name=f"{run}/{spec.name}",
        direction="maximize",
        sampler=sampler,
        pruner=_pruner(parts, spec),
        load_if_exists=True,
    )
    trials, at_most = evaluator.trials or spec.trials or 0, trials_at_most(sampler)
    draw = getattr(sampler, "draw", None)
    return Search(
        name=spec.name,
        seed=parts.experiment.seed,
        space=space,
        evaluator=evaluator,
        study=study,
        draw=(lambda n, seed: draw(study, n, seed, space.domain.walk)) if draw else None,
        trials=trials if at_most is None else min(trials, at_most),
        prunes=spec.pruner.name != "none",
        reuse=spec.duplicates == "reuse",
        retries=parts.experiment.retries,
        trial_timeout_s=spec.trial_timeout_s,
        checkpoints=checkpoints,
    )


def _sampler(parts: Parts, spec: SearchSpec) -> BaseSampler:
    evaluator, parameters = parts.evaluators[spec.name], dict(spec.sampler.parameters)
    if spec.sampler.name == "reinforce" and evaluator.learn_trials is not None:
        parameters = {"batch": evaluator.batch, "learn_trials": evaluator.learn_trials} | parameters
    seed = derive_seed(parts.experiment.seed, "sampler", spec.name)
    return make_sampler(spec.sampler.name, seed, parameters, parts.space.domain)


def _pruner(parts: Parts, spec: SearchSpec) -> BasePruner:
    return make_pruner(spec.pruner.name, spec.pruner.parameters, parts.experiment.training.epochs)
