"""A runner that needs no network and no data, for tests of executors and of what drives them.

What a toy job does is named by its `search`; see `BEHAVIOURS`.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from nassim.cost.work import Activity, Work, add_up
from nassim.evaluation import Candidate, Diverged, Job, Progress, Ready, StateLost
from nassim.space.architecture import Architecture

TRAIN = Work(Activity.TRAIN, forward_flop=1_000, backward_flop=2_000, samples=10)
"""What a toy epoch trains."""
VALIDATE = Work(Activity.VALIDATE, forward_flop=300, samples=3)
"""What a toy epoch validates."""
PAUSE_S = 0.02
"""How long an epoch of "slow" takes."""


def toy_job(behaviour: str, epochs: int = 2, name: str | None = None, **changes: Any) -> Job:
    """Return a job for the toy runner.

    Args:
        behaviour: What it does, one of `BEHAVIOURS`.
        epochs: Its steps.
        name: Its id; the behaviour's name if None.
        changes: Other fields of the Job.
    """
    fields: dict[str, Any] = {
        "id": name or behaviour,
        "search": behaviour,
        "kind": "training",
        "candidates": (Candidate(Architecture({"op": behaviour}), trial=0, seed=0),),
        "first": 0,
        "last": epochs,
        "seed": 0,
        "planned": add_up([TRAIN, VALIDATE] * epochs),
    }
    return Job(**(fields | changes))


WARMING = Work(Activity.STARTUP, forward_flop=50, backward_flop=100, samples=1)
"""What a toy worker takes to warm up."""


def make_toy_runner() -> Ready:
    """A RunnerFactory: every job does what its `search` says."""
    return Ready(lambda job: BEHAVIOURS[job.search](job), WARMING)


def make_no_runner() -> Ready:
    """A RunnerFactory that fails, as one does whose data isn't there."""
    raise FileNotFoundError("no data in /nowhere")


def make_dying_runner() -> Ready:
    """A RunnerFactory that takes its process with it."""
    os.kill(os.getpid(), signal.SIGKILL)
    return make_toy_runner()


def make_torch_runner() -> Ready:
    """The toy runner in a process that has loaded torch, whose worker therefore measures its peak rate."""
    import torch

    assert torch.get_num_threads() > 0
    return make_toy_runner()


def _epoch(job: Job, step: int) -> Iterator[Progress]:
    yield Progress(TRAIN)
    yield Progress(VALIDATE, step=step, trial=job.candidates[0].trial, metrics={"accuracy": step / (step + 1)})


def _epochs(job: Job, pause_s: float = 0.0) -> Iterator[Progress]:
    for step in range(job.first + 1, job.last + 1):
        _sleep(pause_s)
        yield from _epoch(job, step)


def _saves(job: Job) -> Iterator[Progress]:
    """Writes a checkpoint after each epoch."""
    assert job.checkpoint is not None
    for step in range(job.first + 1, job.last + 1):
        yield from _epoch(job, step)
        _sleep(PAUSE_S)
        Path(job.checkpoint).write_text(str(step))
        yield Progress(Work(Activity.CHECKPOINT, bytes=1), step=step)


def _raises(job: Job) -> Iterator[Progress]:
    yield from _epoch(job, job.first + 1)
    raise TypeError("an epoch went wrong\nand here is more about it")


def _raises_at_once(job: Job) -> Iterator[Progress]:
    raise ValueError(f"{job.id} can't be built")
    yield


def _diverges(job: Job) -> Iterator[Progress]:
    yield from _epoch(job, job.first + 1)
    raise Diverged("loss is nan in epoch 2")


def _exits(job: Job) -> Iterator[Progress]:
    raise SystemExit(3)
    yield


def _fills_memory(job: Job) -> Iterator[Progress]:
    yield Progress(TRAIN)
    bytearray(1 << 60)


def _hangs(job: Job) -> Iterator[Progress]:
    """Reports once and then never again."""
    yield from _epoch(job, job.first + 1)
    _sleep(3600.0)


def _works_silently(job: Job) -> Iterator[Progress]:
    """Works without ever reporting."""
    while True:
        _sleep(PAUSE_S)
        yield Progress(TRAIN)


def _dies(job: Job) -> Iterator[Progress]:
    """Kills its process after the first epoch, if the job is handed out for the first time.

    Where the job is gated, what it has reported has reached the driver by then.
    """
    yield from _epoch(job, job.first + 1)
    if job.attempt == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    yield from _epochs(job)


def _hindered(job: Job, times: int) -> Iterator[Progress]:
    """Can't write its checkpoint at first."""
    yield from _epoch(job, job.first + 1)
    for _ in range(times):
        yield Progress(Work(Activity.IDLE), hindrance="the disk is full")
    yield Progress(Work(Activity.CHECKPOINT, bytes=1), step=job.first + 1)


def _lost(job: Job) -> Iterator[Progress]:
    """Does not find what it is to go on from."""
    raise StateLost("its checkpoint is gone", step=job.first - 2)
    yield


def _says_where(job: Job) -> Iterator[Progress]:
    """Reports its process and its threads."""
    metrics = {"pid": float(os.getpid()), "threads": float(os.environ["OMP_NUM_THREADS"])}
    yield Progress(TRAIN, step=1, metrics=metrics)


def _sleep(seconds: float) -> None:
    if seconds:
        threading.Event().wait(seconds)


BEHAVIOURS: Mapping[str, Callable[[Job], Iterator[Progress]]] = {
    "trains": _epochs,
    "slow": lambda job: _epochs(job, PAUSE_S),
    "saves": _saves,
    "raises": _raises,
    "raises at once": _raises_at_once,
    "diverges": _diverges,
    "exits": _exits,
    "fills memory": _fills_memory,
    "hangs": _hangs,
    "works silently": _works_silently,
    "dies": _dies,
    "hindered": lambda job: _hindered(job, 1),
    "hindered for good": lambda job: _hindered(job, 1_000_000),
    "lost": _lost,
    "says where": _says_where,
}
"""What toy jobs do, by name."""
