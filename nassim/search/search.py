"""Search: one arm of an experiment, ready to run."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import optuna
from optuna.trial import TrialState

from nassim.errors import NassimError
from nassim.evaluation import Evaluator, Job
from nassim.search.aims import ACCURACY, Limit, Objective
from nassim.search.checkpoints import Checkpoints
from nassim.space import SearchSpace
from nassim.space.architecture import Architecture


class SearchFailed(NassimError):  # noqa: N818, a state of a search rather than an error of the program
    """A search that can't go on, though others can: a job failed that it can't do without, or no trial is complete."""


@dataclass(frozen=True, slots=True)
class Search:
    """One arm of an experiment, ready to run.

    Attributes:
        name: Its name.
        seed: The run's seed; a trial's seed depends on it and the trial's number alone.
        space: Where it searches.
        evaluator: How candidates are evaluated.
        study: Its Optuna study, with sampler and pruner.
        draw: Draws n architectures from the sampler's policy with a seed; None where the sampler can't.
        trials: Trials the search takes, all outcomes counted; None where a budget ends it.
        prunes: Whether the pruner may stop trials, so that jobs wait for its verdict at each report.
        objectives: What it goes by, in the order of the study's directions. The first is a metric that the evaluator
            reports.
        limits: What its networks may cost; those beyond are not evaluated.
        reuse: Whether a duplicate takes the earlier trial's values instead of being evaluated again.
        retries: How often in a row a job that lost its worker is handed out again without getting further.
        trial_timeout_s: Seconds on a worker after which a trial fails; None for no limit.
        checkpoints: Where trainings keep their states, and what removes files that are needless; None for neither.
    """

    name: str
    seed: int
    space: SearchSpace
    evaluator: Evaluator
    study: optuna.Study
    draw: Callable[[int, int], list[Architecture]] | None
    trials: int | None
    prunes: bool = False
    objectives: tuple[Objective, ...] = (ACCURACY,)
    limits: tuple[Limit, ...] = ()
    reuse: bool = False
    retries: int = 3
    trial_timeout_s: float | None = None
    checkpoints: Checkpoints | None = None

    @property
    def best(self) -> float | None:
        """The best value so far of a trial that the search may find; None before the first."""
        complete = self.study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
        values = [trial.values[0] for trial in complete if self.evaluator.may_find(trial.number)]
        return (max if self.objectives[0].maximised else min)(values, default=None)

    def dress(self, job: Job, *, limited: bool) -> Job:
        """Return the job with what the search, not the evaluator, says about it.

        Args:
            job: As planned.
            limited: Whether a budget may have it stopped. It then waits for the verdict after each report, as for the
                pruner's, or it would be an epoch further by the time that it hears of it.
        """
        job = replace(job, metric=self.objectives[0].name, timeout_s=self.trial_timeout_s if job.prunable else None)
        if job.stoppable:
            job = replace(job, gated=limited or (self.prunes and job.prunable))
        if job.stoppable and job.checkpoint is None and self.checkpoints and self.checkpoints.every:
            every = self.checkpoints.every
            job = replace(job, checkpoint=self.checkpoints.folder_of(job), checkpoint_every=every)
        return job
