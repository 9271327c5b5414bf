"""Final: trains the found architecture on all but the test data, tests it once, and saves it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from nassim.cost.work import Activity, Work
from nassim.data.source import DataSource
from nassim.errors import NassimError, StorageFault
from nassim.evaluation import Candidate, Evaluator, Job, Progress, StateLost
from nassim.evaluators.checkpoint import persistently
from nassim.evaluators.epochs import last_kept, new_network, run_epochs
from nassim.evaluators.schedule import Schedule
from nassim.evaluators.task import CLASSIFICATION, Task
from nassim.evaluators.training import Examination, Trainer, best_device, perform
from nassim.evaluators.warming import warm_up
from nassim.ledger.entry import Stage
from nassim.models.card import ModelCard, Origin
from nassim.models.file import SavedModel, read_model, save_model
from nassim.space.search_space import SearchSpace


@dataclass(frozen=True)
class FinalEvaluator(Evaluator):
    """Trains one architecture from scratch on training and validation data together, then tests it, once.

    Each epoch reports `train_loss`; the last report comes with the saved model, whose weights are its checkpoint, and
    is the task's metrics and `loss` on the test data. A job that goes on from its last step finds all that in the
    model's file.

    Attributes:
        space: Where the architecture is from.
        source: What it learns.
        schedule: How it is trained.
        origin: Whose find it is, for whoever is handed the model.
        file_of: Returns the file to save a job's model in, on a path that workers share, from the job's id.
        task: What it learns to predict, and what is reported.
        device: Where; by default a GPU if the worker holds one.

    Raises:
        NassimError: The space's networks can't learn this data, or the data can't be read.
    """

    space: SearchSpace
    source: DataSource
    schedule: Schedule
    origin: Origin
    file_of: Callable[[str], Path]
    task: Task = CLASSIFICATION
    device: str | None = None

    def __post_init__(self) -> None:
        self.source.check(self.space)

    def warm_up(self) -> Work:
        """Train and examine a few networks for a minibatch: see `nassim.evaluators.warming`."""
        return warm_up(self.space, self.schedule, self.source, self.task, self.device or best_device())

    def plan(self, candidates: Sequence[Candidate], first: int = 0) -> Job:
        """Return the job that trains one architecture from epoch `first` on and tests it: see `Evaluator.plan`."""
        (candidate,) = candidates
        search = self.origin.search
        return Job(
            f"{search}/final",
            search,
            "final training",
            (candidate,),
            first,
            self.schedule.epochs,
            candidate.seed,
            self._work(candidate, self.schedule.epochs - first),
            Stage.FINAL,
        )

    def _work(self, candidate: Candidate, epochs: int) -> tuple[Work, ...]:
        """Return the Work of training over some epochs and of testing; none where the model is there already."""
        if not epochs:
            return ()
        profile, sizes = self.space.profile(candidate.architecture), self.source.sizes
        training = profile.training(epochs * (sizes.train + sizes.validation))
        return training, profile.inference(sizes.test, Activity.TEST)

    def run(self, job: Job) -> Iterator[Progress]:
        """Train, test and save: see `Evaluator.run`.

        Raises:
            NassimError: The network can't be saved.
            StateLost: The job goes on from its last step, and the file is not its model.
        """
        yield from self._train(job) if job.first < job.last else self._take_up(job)

    def _train(self, job: Job) -> Iterator[Progress]:
        (candidate,) = job.candidates
        device = self.device or best_device()
        data = self.source.load_final(device)
        network = new_network(self.space, candidate, device)
        trainer = Trainer(network, self.schedule, data.train, candidate.seed, self.task)
        training, testing = job.planned

        def run_epoch(epoch: int) -> Iterator[Progress]:
            losses = lambda: _report(job, epoch + 1, {"train_loss": trainer.loss})  # noqa: E731
            return perform(trainer.epoch(epoch), training, losses)

        yield from run_epochs(job, trainer, run_epoch, device)
        test = Examination(network, data.test, self.task)
        yield from perform(test.steps(), testing)
        card = self._card(job, network, test.figures)
        size = yield from persistently(lambda: save_model(self.file_of(job.id), network, card))
        yield Progress(Work(Activity.CHECKPOINT, bytes=size), **_report(job, job.last, test.figures))

    def _take_up(self, job: Job) -> Iterator[Progress]:
        """Report what the model's test came to, after a driver that was gone before it heard of it."""
        (candidate,) = job.candidates
        saved = yield from persistently(lambda: self._saved(job, candidate))
        yield Progress(Work(Activity.TRANSFER, bytes=saved.bytes), **_report(job, job.last, saved.card.metrics))

    def _saved(self, job: Job, candidate: Candidate) -> SavedModel:
        """Return the model that a job has saved.

        Raises:
            StateLost: It is gone, damaged or another's.
            StorageFault: It can't be read now.
        """
        file = self.file_of(job.id)
        try:
            saved = read_model(file)
        except StorageFault:
            raise
        except NassimError as error:
            raise StateLost(str(error), last_kept(job, job.last)) from error
        card = saved.card
        found = card.origin.run, card.origin.search, card.architecture, card.seed
        wanted = self.origin.run, self.origin.search, candidate.architecture, candidate.seed
        if found != wanted:
            raise StateLost(f"the model {file} is of {found}, wanted {wanted}", last_kept(job, job.last))
        return saved

    def _card(self, job: Job, network: nn.Module, metrics: Mapping[str, float]) -> ModelCard:
        (candidate,), (training, _) = job.candidates, job.planned
        sizes = self.source.sizes
        samples = self.schedule.epochs * (sizes.train + sizes.validation)
        return ModelCard(
            architecture=candidate.architecture,
            input_shape=tuple(self.space.input_shape),
            classes=self.space.classes,
            metrics=metrics,
            params=sum(parameter.numel() for parameter in network.parameters()),
            forward_flop=training.forward_flop // training.samples,
            backward_flop=training.backward_flop // training.samples,
            training_flop=training.flop // training.samples * samples,
            uncounted=training.uncounted,
            seed=candidate.seed,
            origin=replace(self.origin, preparation=self.source.preparation),
            task=self.task.kind,
        )


def _report(job: Job, step: int, metrics: Mapping[str, float]) -> dict[str, Any]:
    return {"step": step, "trial": job.candidates[0].trial, "metrics": metrics}
