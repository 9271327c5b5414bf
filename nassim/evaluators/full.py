"""Full: trains each candidate from scratch and validates it after every epoch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nassim.cost.work import Work
from nassim.data.source import DataSource
from nassim.evaluation import Candidate, Evaluator, Job, Progress
from nassim.evaluators.epochs import new_network, run_epochs
from nassim.evaluators.schedule import Schedule
from nassim.evaluators.setting import Setting
from nassim.evaluators.task import CLASSIFICATION, Task
from nassim.evaluators.training import Examination, Trainer, best_device, perform
from nassim.evaluators.warming import warm_up
from nassim.space.search_space import SearchSpace


def make_full(*, setting: Setting) -> "FullEvaluator":
    """Return what evaluates in a setting by training from scratch."""
    return FullEvaluator(setting.search, setting.space, setting.source, setting.schedule, setting.task)


@dataclass(frozen=True)
class FullEvaluator(Evaluator):
    """Trains each candidate from scratch; a report an epoch: metrics and `loss` on validation data, `train_loss`.

    Attributes:
        search: Name of the search.
        space: Where the candidates are from.
        source: What they learn.
        schedule: How they are trained.
        task: What they learn to predict, and what is reported.
        device: Where; by default a GPU if the worker holds one.

    Raises:
        NassimError: The space's networks can't learn this data, or the data can't be read.
    """

    prunable = True

    search: str
    space: SearchSpace
    source: DataSource
    schedule: Schedule
    task: Task = CLASSIFICATION
    device: str | None = None

    def __post_init__(self) -> None:
        self.source.check(self.space)

    def warm_up(self) -> Work:
        """Train and examine a few networks for a minibatch: see `nassim.evaluators.warming`."""
        return warm_up(self.space, self.schedule, self.source, self.task, self.device or best_device())

    def plan(self, candidates: Sequence[Candidate], first: int = 0) -> Job:
        """Return the job that trains one candidate from epoch `first` on: see `Evaluator.plan`."""
        (candidate,) = candidates
        return Job(
            f"{self.search}/trial/{candidate.trial}",
            self.search,
            "training",
            (candidate,),
            first,
            self.schedule.epochs,
            candidate.seed,
            self._work(candidate, self.schedule.epochs - first),
            prunable=True,
        )

    def _work(self, candidate: Candidate, epochs: int) -> tuple[Work, Work]:
        """Return the Work of training and of validating over some epochs."""
        profile, sizes = self.space.profile(candidate.architecture), self.source.sizes
        return profile.training(epochs * sizes.train), profile.inference(epochs * sizes.validation)

    def run(self, job: Job) -> Iterator[Progress]:
        """Train and validate: see `Evaluator.run`."""
        (candidate,) = job.candidates
        device = self.device or best_device()
        data = self.source.load(device)
        network = new_network(self.space, candidate, device)
        trainer = Trainer(network, self.schedule, data.train, candidate.seed, self.task)
        training, validating = job.planned

        def run_epoch(epoch: int) -> Iterator[Progress]:
            yield from perform(trainer.epoch(epoch), training)
            examination = Examination(network, data.validation, self.task)

            def report() -> Mapping[str, Any]:
                metrics = examination.figures | {"train_loss": trainer.loss}
                return {"step": epoch + 1, "trial": candidate.trial, "metrics": metrics}

            yield from perform(examination.steps(), validating, report)

        yield from run_epochs(job, trainer, run_epoch, device)
