"""Jobs that train one network epoch by epoch, keep checkpoints, and go on from them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from nassim.cost.work import Activity, Work
from nassim.errors import NassimError
from nassim.evaluation import Candidate, Job, Progress
from nassim.evaluators import checkpoint
from nassim.evaluators.training import Trainer, seeded
from nassim.seeds import derive_seed
from nassim.space.search_space import SearchSpace

Epoch = Callable[[int], Iterator[Progress]]
"""Does the epoch of this number, from 0, and reports it."""


def new_network(space: SearchSpace, candidate: Candidate, device: str) -> nn.Module:
    """Return a candidate's network, its weights a function of the candidate's seed alone."""
    with seeded(derive_seed(candidate.seed, "weights"), "cpu"):
        network = space.subnet(candidate.architecture)
    return network.to(device)


def run_epochs(job: Job, trainer: Trainer, run_epoch: Epoch, device: str) -> Iterator[Progress]:
    """Do a job's epochs, from its checkpoint if it isn't at its beginning, and write checkpoints as it asks.

    A checkpoint may be further than `job.first`: the worker that wrote it died before anybody heard of it. Then the job
    goes on from there, after the reports that were missed, without Work, for nothing is done for them.

    Raises:
        NassimError: The checkpoint is missing, damaged, of another job, or not as far as `job.first`.
    """
    past = _Past(0, ())
    if job.first > 0:
        state, size = checkpoint.read(_path(job), device)
        past = _take_up(job, state, trainer)
        yield Progress(Work(Activity.TRANSFER, bytes=size))
        yield from past.missed(job)
    reports = list(past.reports)
    for epoch in range(max(past.epochs, job.first), job.last):
        for progress in run_epoch(epoch):
            if progress.is_report:
                reports.append(dict(progress.metrics))
            yield progress
        if job.checkpoint is not None and (epoch + 1) % job.checkpoint_every == 0 and epoch + 1 < job.last:
            yield _keep(job, trainer, epoch + 1, reports)


@dataclass(frozen=True, slots=True)
class _Past:
    """What a checkpoint says of the epochs before it: how many, and the metrics that each reported."""

    epochs: int
    reports: tuple[Mapping[str, float], ...]

    def missed(self, job: Job) -> Iterator[Progress]:
        """Yield the reports of the epochs after `job.first`."""
        for step in range(job.first + 1, self.epochs + 1):
            yield Progress(Work(Activity.TRANSFER), step, job.candidates[0].trial, self.reports[step - 1])


def _keep(job: Job, trainer: Trainer, epochs: int, reports: list[Mapping[str, float]]) -> Progress:
    whose = {"job": job.id, "architecture": job.candidates[0].architecture.id}
    size = checkpoint.write(_path(job), {**trainer.state(), **whose, "epochs": epochs, "reports": reports})
    return Progress(Work(Activity.CHECKPOINT, bytes=size), epochs)


def _take_up(job: Job, state: Mapping[str, Any], trainer: Trainer) -> _Past:
    whose = state.get("job"), state.get("architecture")
    wanted = job.id, job.candidates[0].architecture.id
    if whose != wanted:
        raise NassimError(
            f"checkpoint {job.checkpoint} is of {whose}, wanted that of {wanted}; each job needs its own path"
        )
    past = _Past(state["epochs"], tuple(state["reports"]))
    if not job.first <= past.epochs < job.last:
        raise NassimError(
            f"checkpoint {job.checkpoint} is of epoch {past.epochs}, and {job.id} is to go on from epoch {job.first} "
            f"to {job.last}"
        )
    trainer.restore(state)
    return past


def _path(job: Job) -> Path:
    if job.checkpoint is None:
        raise NassimError(f"{job.id} is to go on from epoch {job.first}, and no checkpoint was kept")
    return Path(job.checkpoint)
