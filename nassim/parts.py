"""Parts: what an experiment names, made real. The driver makes them to plan, every worker to run."""

from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from nassim.data.source import DataSource, arrays, digits
from nassim.evaluation import Evaluator, Job, JobKind, Progress, Runner, RunnerFactory
from nassim.evaluators.enas import EnasEvaluator
from nassim.evaluators.final import FinalEvaluator
from nassim.evaluators.full import FullEvaluator
from nassim.evaluators.rounds import Rounds, enas_schedule
from nassim.executors.base import Executor
from nassim.experiment.data import Arrays
from nassim.experiment.model import Enas, Experiment, Inline, Search
from nassim.hardware.costs import Costs
from nassim.seeds import derive_seed
from nassim.space import SearchSpace
from nassim.space.loading import load_space


class Parts:
    """The space, the data and the evaluators of one run.

    Args:
        experiment: The experiment.
        folder: The run's folder, a path that all workers share: shared weights and checkpoints lie there.

    Raises:
        NassimError: A space, data or a parameter is not what it should be, or they don't fit together.
    """

    def __init__(self, experiment: Experiment, folder: Path) -> None:
        self.experiment = experiment
        self.folder = folder
        self.space: SearchSpace = load_space(experiment.space.name, experiment.space.parameters)
        self.source = _source(experiment)
        self.evaluators: dict[str, Evaluator] = {spec.name: self._evaluator(spec) for spec in experiment.searches}
        self.finals = {
            spec.name: FinalEvaluator(spec.name, self.space, self.source, experiment.final.schedule.schedule())
            for spec in experiment.searches
        }

    def _evaluator(self, spec: Search) -> Evaluator:
        if isinstance(spec.evaluator, Enas):
            enas, seed = spec.evaluator, derive_seed(self.experiment.seed, "shared weights")
            shared = enas_schedule(enas.rounds, enas.batch_size, enas.learning_rate)
            rounds = Rounds(shared, enas.updates, enas.children, enas.derive, enas.minibatch)
            folder = str(self.folder / "shared-weights" / spec.name)
            return EnasEvaluator(spec.name, self.space, self.source, rounds, folder, seed)
        return FullEvaluator(spec.name, self.space, self.source, self.experiment.training.schedule())

    @cached_property
    def costs(self) -> Costs:
        """What the space's architectures cost."""
        schedule, extra = self.experiment.training.schedule(), self.experiment.site.catalogue
        return Costs(self.space, schedule.batch_size, schedule.optimizer_states, Path(extra) if extra else None)

    def run_job(self, job: Job) -> Iterator[Progress]:
        """Run a job with the evaluator it belongs to."""
        evaluator = self.finals[job.search] if job.kind is JobKind.FINAL else self.evaluators[job.search]
        return evaluator.run(job)

    @property
    def factory(self) -> RunnerFactory:
        """What makes the runner on a worker."""
        # A worker needs no ledger, and its URL may hold a password.
        return partial(_make_runner, self.experiment.model_dump(mode="json", exclude={"ledger"}), str(self.folder))


def _make_runner(document: dict[str, Any], folder: str) -> Runner:
    return Parts(Experiment.model_validate(document), Path(folder)).run_job


def _source(experiment: Experiment) -> DataSource:
    data, seed = experiment.data, derive_seed(experiment.seed, "data")
    if isinstance(data, Arrays):
        return arrays(data.path, data.validation, data.test, seed)
    return digits(seed, data.validation, data.test)


def make_executor(experiment: Experiment) -> Executor:
    """Return the executor that the experiment names, not started yet; ray is loaded only if it is that."""
    spec = experiment.executor
    if isinstance(spec, Inline):
        from nassim.executors.inline import InlineExecutor

        return InlineExecutor(threads=spec.threads)
    from nassim.executors.ray import RayExecutor

    return RayExecutor(**spec.model_dump(exclude={"kind"}))
