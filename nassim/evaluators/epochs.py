"""Jobs that train one network epoch by epoch, keep checkpoints, and go on from them."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from torch import nn

from nassim.cost.work import Activity, Work
from nassim.evaluation import Candidate, Job, Progress, StateLost
from nassim.evaluators import checkpoint
from nassim.evaluators.checkpoint import persistently
from nassim.evaluators.training import Trainer
from nassim.models import building
from nassim.space.search_space import SearchSpace

Epoch = Callable[[int], Iterator[Progress]]
"""Does the epoch of this number, from 0, and reports it."""


def new_network(space: SearchSpace, candidate: Candidate, device: str) -> nn.Module:
    """Return a candidate's network, its weights a function of the candidate's seed alone."""
    return building.new_network(space, candidate.architecture, candidate.seed).to(device)


def run_epochs(job: Job, trainer: Trainer, run_epoch: Epoch, device: str) -> Iterator[Progress]:
    """Do a job's epochs, from its checkpoint if it isn't at its beginning, and write checkpoints as it asks.

    The job goes on from exactly `job.first`, also where a worker that nobody heard of any more has come further: what
    is not on the books is done again. An epoch after which a checkpoint is written is reported with it, so that a job
    that is stopped at a report has lost nothing.

    Raises:
        StateLost: The checkpoint of `job.first` is missing, damaged or of another job.
    """
    if job.first > 0:
        yield Progress(Work(job.planned[0].activity))  # building the network is no transfer
        state, size = yield from persistently(lambda: _last_state(job, device))
        trainer.restore(state)
        yield Progress(Work(Activity.TRANSFER, bytes=size))
    for epoch in range(job.first, job.last):
        is_kept = job.checkpoint is not None and (epoch + 1) % job.checkpoint_every == 0 and epoch + 1 < job.last
        for progress in run_epoch(epoch):
            if progress.is_report and is_kept:
                yield Progress(progress.work)
                kept = yield from persistently(partial(_keep, job, trainer, epoch + 1))
                yield replace(progress, work=kept)
            else:
                yield progress


def _keep(job: Job, trainer: Trainer, epochs: int) -> Work:
    size = checkpoint.write(job.checkpoint_file(epochs), {**trainer.state(), **_whose(job), "epochs": epochs})
    return Work(Activity.CHECKPOINT, bytes=size)


def _last_state(job: Job, device: str) -> tuple[dict[str, Any], int]:
    """Return the state that a job goes on from, and its bytes.

    Raises:
        StateLost: It is missing, damaged or of another job. It says which is the last one that is not.
        StorageFault: It can't be read now.
    """
    try:
        return _state(job, job.first, device)
    except StateLost as lost:
        raise StateLost(str(lost), last_kept(job, job.first)) from lost


def last_kept(job: Job, before: int) -> int:
    """Return the last step before another whose state is there and sound; 0 without one."""
    for step in range(before - 1 if job.checkpoint else 0, 0, -1):
        with suppress(StateLost):
            _state(job, step, "cpu")
            return step
    return 0


def _state(job: Job, step: int, device: str) -> tuple[dict[str, Any], int]:
    file = job.checkpoint_file(step)
    state, size = checkpoint.read(file, device)
    found, wanted = {name: state.get(name) for name in _whose(job)}, _whose(job)
    if found != wanted or state.get("epochs") != step:
        raise StateLost(
            f"checkpoint {file} is of {found}, epoch {state.get('epochs')}; wanted that of {wanted}, epoch "
            f"{step}. Each job needs a folder of its own"
        )
    return state, size


def _whose(job: Job) -> dict[str, str]:
    return {"job": job.id, "architecture": job.candidates[0].architecture.id}
