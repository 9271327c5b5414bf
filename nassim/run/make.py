"""Make: what an experiment names, made real. The driver makes it to plan, every worker to run."""

from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from nassim import __version__
from nassim.cost.work import Activity, Work, add_up
from nassim.data.catalogue import DATA
from nassim.data.source import DataSource
from nassim.errors import placed
from nassim.evaluation import Evaluator, Job, Progress, Ready, RunnerFactory
from nassim.evaluators.catalogue import EVALUATORS
from nassim.evaluators.checkpoint import persistently
from nassim.evaluators.final import FinalEvaluator
from nassim.evaluators.measuring import check_metrics
from nassim.evaluators.setting import Setting
from nassim.executors.base import Executor
from nassim.executors.catalogue import EXECUTORS
from nassim.experiment.aims import OnDevice, label
from nassim.experiment.model import Experiment, SearchSpec
from nassim.folder import RunFolder
from nassim.hardware.costs import Cost, Costs
from nassim.ledger.entry import Stage
from nassim.models.card import Origin
from nassim.search.aims import Limit, Objective, is_within
from nassim.seeds import derive_seed
from nassim.sources import portable
from nassim.space import SearchSpace
from nassim.space.catalogue import load_space


class Parts:
    """The space, the data and the evaluators of one run.

    Args:
        experiment: The experiment.
        folder: The run's folder: shared weights, checkpoints and models lie there.

    Raises:
        WrongValue: A space, data or a parameter is not what it should be, or they don't fit together.
    """

    def __init__(self, experiment: Experiment, folder: RunFolder) -> None:
        self.experiment = experiment
        self.folder = folder
        with placed("space"):
            self.space: SearchSpace = load_space(experiment.space.name, experiment.space.parameters)
        with placed("data"):
            self.source = _source(experiment)
            self.source.check(self.space)
        self.task = experiment.task.task()
        with placed("task", "metrics"):
            check_metrics(self.task, self.source.outputs)
        self.evaluators: dict[str, Evaluator] = {}
        for index, spec in enumerate(experiment.searches):
            with placed("searches", index, "evaluator", *spec.evaluator.within, whose=f"search {spec.name}"):
                self.evaluators[spec.name] = self._evaluator(spec)
        self.finals = dict(self._finals())

    def _evaluator(self, spec: SearchSpec) -> Evaluator:
        setting = Setting(
            spec.name,
            self.space,
            self.source,
            self.experiment.training,
            self.task,
            self.experiment.seed,
            partial(is_within, self.limits_of(spec)),
            self.folder.shared_weights_of,
        )
        return EVALUATORS.make(spec.evaluator.kind, spec.evaluator.arguments, {"setting": setting})

    def _finals(self) -> Iterator[tuple[str, FinalEvaluator]]:
        """Yield who trains what each search finds, with its name."""
        experiment, folder = self.experiment, self.folder
        space, sources = portable(experiment.space.name)
        for spec in experiment.searches:
            origin = Origin(
                run=folder.run,
                search=spec.name,
                space=space,
                parameters=experiment.space.parameters,
                data=self.source.reader.name,
                nassim=__version__,
                sources=sources,
            )
            schedule, file_of = experiment.final.schedule, partial(folder.model_of, spec.name)
            yield spec.name, FinalEvaluator(self.space, self.source, schedule, origin, file_of, self.task)

    def limits_of(self, spec: SearchSpec) -> tuple[Limit, ...]:
        """Return what the networks of a search may cost.

        Raises:
            NassimError: A limit is on a device that can't be told of.
        """
        limits = self.experiment.limits_of(spec)
        return tuple(Limit(label(name, what), what.at_most, self.cost(name, what)) for name, what in limits.items())

    def cost(self, name: str, what: OnDevice) -> Cost:
        """Return what tells a cost of an architecture."""
        return self.costs.cost(name, what.device, what.batch or 1)

    @property
    def main_objective(self) -> Objective:
        """The task's main metric, to be bettered."""
        name = self.task.main_metric
        return Objective(name, self.task.is_better_higher(name))

    @cached_property
    def costs(self) -> Costs:
        """What the space's architectures cost."""
        schedule, extra = self.experiment.training, self.experiment.site.catalogue
        return Costs(self.space, schedule.batch_size, schedule.optimizer_states, Path(extra) if extra else None)

    def run_job(self, job: Job) -> Iterator[Progress]:
        """Run a job with the evaluator it belongs to, while the run's folder is there that it writes to."""
        is_final = job.stage is Stage.FINAL
        folders = [] if job.checkpoint is None else [Path(job.checkpoint)]
        if is_final:
            folders.append(self.folder.model_of(job.search, job.id).parent)
        yield from persistently(partial(self.folder.make, *folders))
        for progress in (self.finals if is_final else self.evaluators)[job.search].run(job):
            yield progress
            if folders:
                yield from persistently(self.folder.check)

    def warm_up(self) -> Work:
        """Warm a worker up for what it will be asked to do; searches that evaluate alike need it once."""
        specs = self.experiment.searches
        alike = {spec.evaluator.model_dump_json(): self.evaluators[spec.name] for spec in specs}
        distinct = [*alike.values(), self.finals[specs[0].name]]
        return add_up([Work(Activity.STARTUP), *(evaluator.warm_up() for evaluator in distinct)])[0]

    @property
    def factory(self) -> RunnerFactory:
        """What makes the runner on a worker."""
        # A worker needs no ledger, and its URL may hold a password.
        return partial(_make_runner, self.experiment.model_dump(mode="json", exclude={"ledger"}), self.folder)


def _make_runner(document: dict[str, Any], folder: RunFolder) -> Ready:
    folder.check()
    parts = Parts(Experiment.model_validate(document), folder)
    return Ready(parts.run_job, parts.warm_up())


def _source(experiment: Experiment) -> DataSource:
    spec, seed = experiment.data, derive_seed(experiment.seed, "data")
    with placed(*spec.within):
        reader = DATA.make(spec.name, spec.arguments, {"task": experiment.task.kind})
    return DataSource(reader, spec.validation, spec.test, seed, spec.scale)


def make_executor(experiment: Experiment) -> Executor:
    """Return the executor that the experiment names, not started yet; ray is loaded only if it is that.

    Raises:
        WrongValue: A parameter is not what it should be.
    """
    spec = experiment.executor
    with placed("executor", *spec.within):
        return EXECUTORS.make(spec.kind, spec.arguments)
