"""Final: trains the found architecture on all but the test data, and tests it once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nassim.cost.work import Activity, Work
from nassim.data.source import DataSource
from nassim.evaluation import Candidate, Evaluator, Job, JobKind, Progress
from nassim.evaluators.epochs import new_network, run_epochs
from nassim.evaluators.schedule import Schedule
from nassim.evaluators.training import Examination, Trainer, best_device, perform
from nassim.evaluators.warming import warm_up
from nassim.space.search_space import SearchSpace


@dataclass(frozen=True)
class FinalEvaluator(Evaluator):
    """Trains one architecture from scratch on training and validation data together, then tests it, once.

    Each epoch reports `train_loss`; the last report, of activity `test`, is `accuracy` and `loss` on the test data.

    Attributes:
        search: Name of the search whose find it is.
        space: Where the architecture is from.
        source: What it learns.
        schedule: How it is trained.
        device: Where; by default a GPU if the worker holds one.

    Raises:
        NassimError: The space's networks can't learn this data, or the data can't be read.
    """

    search: str
    space: SearchSpace
    source: DataSource
    schedule: Schedule
    device: str | None = None

    def __post_init__(self) -> None:
        self.source.check(self.space)

    def warm_up(self) -> Work:
        """Train and examine a few networks for a minibatch: see `nassim.evaluators.warming`."""
        return warm_up(self.space, self.schedule, self.source, self.device or best_device())

    def plan(self, candidates: Sequence[Candidate], first: int = 0) -> Job:
        """Return the job that trains one architecture from epoch `first` on and tests it: see `Evaluator.plan`."""
        (candidate,) = candidates
        profile, sizes = self.space.profile(candidate.architecture), self.source.sizes
        samples = (self.schedule.epochs - first) * (sizes.train + sizes.validation)
        return Job(
            f"{self.search}/final",
            self.search,
            JobKind.FINAL,
            (candidate,),
            first,
            self.schedule.epochs,
            candidate.seed,
            (profile.training(samples), profile.inference(sizes.test, Activity.TEST)),
        )

    def run(self, job: Job) -> Iterator[Progress]:
        """Train and test: see `Evaluator.run`."""
        (candidate,) = job.candidates
        device = self.device or best_device()
        data = self.source.load_final(device)
        trainer = Trainer(new_network(self.space, candidate, device), self.schedule, data.train, candidate.seed)
        training, testing = job.planned

        def report(step: int, metrics: Mapping[str, float]) -> Mapping[str, Any]:
            return {"step": step, "trial": candidate.trial, "metrics": metrics}

        def run_epoch(epoch: int) -> Iterator[Progress]:
            return perform(trainer.epoch(epoch), training, lambda: report(epoch + 1, {"train_loss": trainer.loss}))

        yield from run_epochs(job, trainer, run_epoch, device)
        test = Examination(trainer.model, data.test)
        yield from perform(
            test.steps(), testing, lambda: report(job.last, {"accuracy": test.accuracy, "loss": test.loss})
        )
