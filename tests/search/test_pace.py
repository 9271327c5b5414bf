"""Work of which nobody heard is estimated: by its seconds, and never as more than it can have been."""

import pytest

from nassim.cost.work import Activity, Work
from nassim.executors.base import Lap
from nassim.search.pace import Pace
from nassim.testing.runners import TRAIN, VALIDATE, toy_job

EPOCH_FLOP = TRAIN.flop + VALIDATE.flop  # 3,000 + 300
JOB = toy_job("trains", 4)


def lost(seconds: float) -> Lap:
    return Lap("w", 0.0, seconds, Activity.LOST, job=JOB, unreported=True)


@pytest.mark.parametrize(
    ("seconds", "flop"),
    [
        (0.0, 0),
        (0.5, 0.5 * EPOCH_FLOP / 2),  # two epochs took four seconds
        (1.0, EPOCH_FLOP / 2),
        (3600.0, EPOCH_FLOP),  # it hung: more than an epoch would have been reported
    ],
)
def test_seconds_go_at_the_pace_so_far_up_to_a_step(seconds, flop):
    pace = Pace()
    for _ in range(2):
        pace.learn(TRAIN, 1.5, JOB)
        pace.learn(VALIDATE, 0.4, JOB)
        pace.learn(Work(Activity.CHECKPOINT, bytes=10), 0.1, JOB)
    work = pace.estimate(lost(seconds), JOB)
    assert work.activity is Activity.LOST
    assert work.flop == pytest.approx(flop, abs=2)
    assert work.modelled_flop == work.flop
    assert work.backward_flop == pytest.approx(flop * TRAIN.backward_flop / EPOCH_FLOP, abs=2)


def test_without_a_pace_it_is_a_step():
    assert Pace().estimate(lost(0.1), JOB).flop == EPOCH_FLOP


def test_a_job_that_plans_nothing_has_done_nothing():
    assert Pace().estimate(lost(1.0), toy_job("trains", 0, planned=())) is None
