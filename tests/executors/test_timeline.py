"""Laps without gaps, whatever the stamps say."""

from hypothesis import given
from hypothesis import strategies as st

from nassim.cost.work import Activity, Work
from nassim.evaluation import Progress
from nassim.executors.base import Ending, JobEnded, Lap
from nassim.executors.running import End, Mark
from nassim.executors.timeline import Timeline
from nassim.ledger.entry import Worker
from nassim.testing.executors import check_books
from nassim.testing.runners import TRAIN, VALIDATE, toy_job

WORKER = Worker("w", "node", "cpu", 1.0)
stamps = st.floats(0, 1e6, allow_nan=False)


@given(at=st.lists(stamps, min_size=6, max_size=6))
def test_the_books_close_though_stamps_go_back(at):
    timeline = Timeline(WORKER, 5.0)
    events = timeline.ready(at[0])
    timeline.hand(toy_job("trains"), at[1])
    whats = [Mark.BEGAN, Progress(TRAIN), Progress(VALIDATE, step=1, metrics={"accuracy": 1.0})]
    for moment, what in zip(at[2:5], whats, strict=True):
        events += timeline.take(moment, what)
    events += timeline.release(at[5], "gone", Ending.LOST)
    check_books(events)


def ended(job, *progress, ending=Ending.LOST):
    timeline = Timeline(WORKER, 0.0)
    timeline.ready(1.0)
    timeline.hand(job, 2.0)
    timeline.take(3.0, Mark.BEGAN)
    for at_s, what in enumerate(progress, 4):
        timeline.take(float(at_s), what)
    return timeline.release(10.0, "gone", ending)


def test_a_job_lost_before_its_first_step_goes_on_from_where_it_was():
    fresh, resumed = toy_job("trains", checkpoint="state"), toy_job("trains", 5, first=3, checkpoint="state")
    assert ended(fresh)[1].checkpoint_step is None
    assert ended(resumed)[1].checkpoint_step == 3
    assert ended(resumed, Progress(Work(Activity.CHECKPOINT), step=4))[1].checkpoint_step == 4


def test_a_checkpoint_without_a_step_is_of_the_last_step_reported():
    job = toy_job("trains", checkpoint="state")
    lost = ended(job, Progress(VALIDATE, step=1, metrics={"accuracy": 1.0}), Progress(Work(Activity.CHECKPOINT)))
    assert lost[1].checkpoint_step == 1


def test_a_job_that_never_began_has_lost_nothing_from_before_it_was_handed_over():
    timeline = Timeline(WORKER, 0.0)
    timeline.ready(1.0)
    job = toy_job("trains")
    timeline.hand(job, 6.0)
    idle, lost, end, _ = timeline.release(10.0, "gone", Ending.PREEMPTED)
    assert (idle.activity, idle.seconds, idle.job) == (Activity.IDLE, 5.0, None)
    assert (lost.activity, lost.seconds, lost.job) == (Activity.PREEMPTED, 4.0, job)
    assert end == JobEnded(job, "w", Ending.PREEMPTED, "gone")


def test_a_job_abandoned_while_it_waited_was_idle():
    report = Progress(VALIDATE, step=1, metrics={"accuracy": 1.0})
    assert ended(toy_job("trains", gated=True), report, ending=Ending.STOPPED)[0].activity is Activity.IDLE
    assert ended(toy_job("trains"), report, ending=Ending.STOPPED)[0].activity is Activity.VALIDATE


def test_a_job_that_fails_before_any_progress_spent_its_time_on_what_it_was_to_do():
    timeline = Timeline(WORKER, 0.0)
    timeline.ready(1.0)
    timeline.hand(toy_job("raises at once"), 2.0)
    timeline.take(2.0, Mark.BEGAN)
    lap, _ = timeline.take(5.0, End(Ending.FAILED, "ValueError"))
    assert lap == Lap("w", 2.0, 3.0, Activity.TRAIN, job=toy_job("raises at once"))


def test_a_job_abandoned_after_a_checkpoint_was_at_its_next_step():
    kept = Progress(Work(Activity.CHECKPOINT), step=1, metrics={"accuracy": 1.0})
    assert ended(toy_job("trains"), kept, ending=Ending.STOPPED)[0].activity is Activity.TRAIN
