"""A job played step by step."""

import time
from collections.abc import Iterator

import pytest

from nassim.cost.work import Activity, Work
from nassim.evaluation import Job, Progress
from nassim.executors.base import Ending
from nassim.executors.running import play
from nassim.testing.runners import TRAIN, toy_job

LIMIT_S = 0.2


def slow_disk(job: Job) -> Iterator[Progress]:
    """Try once in vain to write, which takes longer than the job may."""
    yield Progress(TRAIN)
    time.sleep(2 * LIMIT_S)
    yield Progress(Work(Activity.IDLE), hindrance="the disk is full")
    yield Progress(TRAIN, step=1, metrics={"accuracy": 1.0})


def slow_step(job: Job) -> Iterator[Progress]:
    """Take longer than the job may."""
    yield from slow_disk(job)
    time.sleep(2 * LIMIT_S)
    yield Progress(TRAIN, step=2, metrics={"accuracy": 1.0})


def quick(job: Job) -> Iterator[Progress]:
    """Report twice."""
    yield Progress(TRAIN, step=1, metrics={"accuracy": 1.0})
    yield Progress(TRAIN, step=2, metrics={"accuracy": 1.0})


def decided_late() -> bool:
    time.sleep(2 * LIMIT_S)
    return True


@pytest.mark.parametrize(
    ("runner", "go_on", "ending"),
    [
        (slow_disk, lambda: True, Ending.DONE),
        (quick, decided_late, Ending.DONE),
        (slow_step, lambda: True, Ending.FAILED),
    ],
    ids=["a disk that fails late", "a driver that decides late", "a slow step"],
)
def test_what_a_job_waits_for_is_not_in_its_time_limit(runner, go_on, ending):
    *_, end = play(runner, toy_job("trains", 2, gated=True, timeout_s=LIMIT_S), go_on, lambda: True)
    assert end.what.ending is ending, end.what.reason
