"""Checking: what is found out before a run is entered or taken over."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

import psutil

from nassim.errors import NassimError, placed
from nassim.experiment.model import Experiment, RaySpec
from nassim.folder import RunFolder
from nassim.ledger.records import RunRecord
from nassim.notices import Observe, Warned
from nassim.run.arm import check_arm
from nassim.run.code import doubts
from nassim.run.make import Parts
from nassim.space import changes
from nassim.space.checking import check_networks
from nassim.space.domain import Domain

MOST_TOLD = 5
"""Differences that one message lists."""

PATIENCE_S = 10.0
"""Seconds after which it is told what takes so long before a run begins."""

READING = (
    "the search space and the data are still being read: a space's build is run for each pair of its options, and has "
    "to come to an end; Ctrl-C ends this"
)


def check_code(record: RunRecord) -> None:
    """Refuse to run code that nobody has looked at: whoever wrote the ledger has said which it is.

    Raises:
        NassimError: It is not what the run began with.
    """
    if doubted := doubts(record):
        raise NassimError(
            f"run {record.name} is not gone on with: {doubted}. Resuming runs that code: look at it, then "
            f"`nassim resume {record.name} --trust`"
        )


def check_parts(experiment: Experiment, observe: Observe) -> Domain:
    """Make every part once, so that what can't be made is found before a run is entered; return the space's domain.

    Args:
        experiment: What is to be run.
        observe: Is told that it goes on, where it takes long.

    Raises:
        NassimError: A part can't be made, with where the experiment says it.
    """
    with _told_of(observe):
        parts = Parts(experiment, RunFolder(Path(experiment.checkpoint.folder), "", None))
        with placed("space"):
            smallest = check_networks(parts.space)
            with placed("parameters"):
                _check_memory(experiment, smallest)
        for spec in experiment.searches:
            check_arm(parts, spec)
        return parts.space.domain


def check_unchanged(run: str, before: Mapping[str, Any] | None, domain: Domain) -> None:
    """See that a space is as it was when its run was entered; runs of earlier versions don't say how it was.

    Raises:
        NassimError: It is not; the message says what is different.
    """
    different = [] if before is None else changes.changes(before, domain)
    if different:
        raise NassimError(
            f"the space of run {run} is another than it was when the run began: {'; '.join(different[:MOST_TOLD])}"
            f"{f', and {len(different) - MOST_TOLD} more' if len(different) > MOST_TOLD else ''}. Put it back as it "
            f"was to go on, or begin another run; `nassim report {run}` shows this one"
        )


def _check_memory(experiment: Experiment, smallest: int) -> None:
    """See that networks can be trained where the workers are on this machine; what others have is not known.

    Args:
        experiment: What is to be run.
        smallest: Bytes of the weights of the smallest network that is known.
    """
    if isinstance(experiment.executor, RaySpec) and (experiment.executor.address or os.environ.get("RAY_ADDRESS")):
        return
    needed, there = (2 + experiment.training.optimizer_states) * smallest, psutil.virtual_memory().total
    if needed > there:
        raise NassimError(
            f"the networks of {experiment.space.name} are too large to be trained on this machine: weights, gradients "
            f"and optimizer of the smallest that was tried take {needed:,} bytes, and there are {there:,}"
        )


@contextmanager
def _told_of(observe: Observe) -> Iterator[None]:
    """Tell those who wait for what goes on inside that it does, if it takes long."""
    timer = Timer(PATIENCE_S, observe, [Warned(READING, PATIENCE_S)])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
