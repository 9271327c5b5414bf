"""The contract of executors as tests. A new executor subclasses `ExecutorContract` and supplies the fixture `executor`.

Example:
    ```
    class TestMine(ExecutorContract):
        @pytest.fixture
        def executor(self):
            with MyExecutor(workers=1) as executor:
                yield executor
    ```
"""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence

import pytest

from nassim.cost.work import Activity, Work, add_up
from nassim.errors import NassimError
from nassim.evaluation import Job, RunnerFactory
from nassim.executors.base import Ending, Event, Executor, Hindered, JobEnded, Lap, Metered, Released, Report
from nassim.executors.running import AGAIN_S
from nassim.ledger.entry import Lease
from nassim.testing.runners import TRAIN, VALIDATE, WARMING, make_no_runner, make_toy_runner, toy_job

PATIENCE_S = 60.0
"""How long a test waits for anything before it fails."""

Verdict = Callable[[Report], bool]
"""Whether a gated job goes on after a report."""


def drive(
    executor: Executor,
    jobs: Sequence[Job],
    verdict: Verdict = lambda report: True,
    factory: RunnerFactory = make_toy_runner,
) -> list[Event]:
    """Run jobs on an executor that has not started, close it, and return all of its events.

    Args:
        executor: The executor.
        jobs: What to run, each as soon as a worker is free.
        verdict: Called at each report: whether the job goes on.
        factory: Makes the runner.
    """
    executor.start(factory)
    return [*run_all(executor, jobs, verdict), *executor.close()]


def run_all(executor: Executor, jobs: Sequence[Job], verdict: Verdict = lambda report: True) -> list[Event]:
    """Run jobs on an executor that has started, and return the events up to the last job's end."""
    events: list[Event] = []
    waiting, running = list(jobs), 0
    until_s = executor.now_s() + PATIENCE_S
    while waiting or running:
        while waiting and executor.free:
            executor.submit(waiting.pop(0))
            running += 1
        for event in executor.wait(PATIENCE_S):
            events.append(event)
            running -= isinstance(event, JobEnded)
            if isinstance(event, Report) and not verdict(event):
                executor.stop(event.job)
            elif isinstance(event, Report) and event.job.gated:
                executor.proceed(event.job)
        assert executor.now_s() < until_s, f"still waiting for {running} jobs, so far: {outline(events)}"
    return events


def outline(events: Sequence[Event]) -> list[tuple[str, ...]]:
    """Return what happened without times and without who did it: what two executors must agree on."""
    lines: list[tuple[str, ...]] = []
    for event in events:
        match event:
            case Lease():
                lines.append(("leased",))
            case Lap(activity=activity, work=work, job=job, step=step):
                lines.append(("lap", activity, str(work), job.id if job else "", str(step)))
            case Report(job=job, step=step, trial=trial, metrics=metrics):
                lines.append(("report", job.id, str(step), str(trial), str(dict(metrics))))
            case Hindered(job=job, reason=reason):
                lines.append(("hindered", job.id, reason))
            case JobEnded(job=job, ending=ending, reason=reason, checkpoint_step=step):
                lines.append(("ended", job.id, ending, str(reason), str(step)))
            case Released():
                lines.append(("released",))
    return lines


def check_books(events: Sequence[Event]) -> None:
    """Hold every lease to its promise: laps without a gap, none negative, that add up to the lease."""
    leases = {event.worker.id: event.opened_s for event in events if isinstance(event, Lease)}
    releases = {event.worker: event.at_s for event in events if isinstance(event, Released)}
    laps: dict[str, list[Lap]] = defaultdict(list)
    for event in events:
        if isinstance(event, Lap):
            laps[event.worker].append(event)
    assert leases.keys() == releases.keys() == laps.keys()
    for worker, leased_s in leases.items():
        end_s = leased_s
        for lap in laps[worker]:
            assert lap.seconds >= 0
            assert lap.start_s == pytest.approx(end_s, abs=1e-9)
            end_s = lap.start_s + lap.seconds
        assert end_s == pytest.approx(releases[worker], abs=1e-9)
        posted_s = math.fsum(lap.seconds for lap in laps[worker])
        assert posted_s == pytest.approx(releases[worker] - leased_s, abs=1e-9)


def of_work(events: Sequence[Event]) -> list[Event]:
    """Leave out what energy counters say, which there is on some machines only."""
    return [event for event in events if not isinstance(event, Metered)]


def ends(events: Sequence[Event]) -> list[JobEnded]:
    """Return how the jobs ended, in order."""
    return [event for event in events if isinstance(event, JobEnded)]


class ExecutorContract:
    """What every executor must hold. The fixture `executor` yields one that has one worker and has not started."""

    def test_a_job_runs_from_lease_to_release(self, executor: Executor) -> None:
        """The whole log of one job, in order."""
        log = outline(drive(executor, [toy_job("trains", 1)]))
        metrics = str({"accuracy": 0.5})
        assert log == [
            ("leased",),
            ("lap", "startup", str(WARMING), "", "None"),
            ("lap", "idle", "None", "", "None"),
            ("lap", "train", str(TRAIN), "trains", "None"),
            ("lap", "validate", str(VALIDATE), "trains", "1"),
            ("report", "trains", "1", "0", metrics),
            ("ended", "trains", "done", "None", "None"),
            ("lap", "idle", "None", "", "None"),
            ("released",),
        ]

    def test_the_books_close(self, executor: Executor) -> None:
        """Laps follow one another without a gap and add up to the lease, whatever the jobs do."""
        behaviours = ["trains", "slow", "raises", "diverges", "trains"]
        jobs = [toy_job(behaviour, 3, f"{n}") for n, behaviour in enumerate(behaviours)]
        jobs += [toy_job("slow", 3, "gated", gated=True)]
        check_books(drive(executor, jobs))

    def test_work_passes_through(self, executor: Executor) -> None:
        """What laps carry adds up to what was planned, to the last FLOP."""
        job = toy_job("trains", 5)
        laps = [event for event in drive(executor, [job]) if isinstance(event, Lap)]
        assert add_up(lap.work for lap in laps if lap.work) == (WARMING, *job.planned)

    def test_a_job_goes_on_from_its_first_step(self, executor: Executor) -> None:
        """Steps count from where the job begins."""
        events = drive(executor, [toy_job("trains", 4, first=2)])
        assert [event.step for event in events if isinstance(event, Report)] == [3, 4]

    def test_a_gated_job_waits_to_be_told(self, executor: Executor) -> None:
        """After a report nothing happens before `proceed`, and the wait is idle time of the job."""
        executor.start(make_toy_runner)
        while not executor.free:
            executor.wait(PATIENCE_S)
        job = toy_job("trains", 2, gated=True)
        executor.submit(job)
        events: list[Event] = []
        while not any(isinstance(event, Report) for event in events):
            events += executor.wait(PATIENCE_S)
        assert isinstance(of_work(events)[-1], Report)
        assert of_work(executor.wait(0.3)) == []
        executor.proceed(job)
        after: list[Event] = []
        while not after:
            after = of_work(executor.wait(PATIENCE_S))
        assert isinstance(after[0], Lap)
        assert (after[0].activity, after[0].job) == (Activity.IDLE, job)
        executor.close()

    def test_a_gated_job_stops_at_its_report(self, executor: Executor) -> None:
        """Told to stop it does no further step."""
        events = drive(executor, [toy_job("trains", 5, gated=True)], lambda report: report.step < 2)
        assert [event.step for event in events if isinstance(event, Report)] == [1, 2]
        assert [end.ending for end in ends(events)] == [Ending.STOPPED]
        check_books(events)

    def test_another_job_stops_at_a_later_report(self, executor: Executor) -> None:
        """Without a gate the job is stopped at its next report at the latest, or soon after: the word has to travel."""
        events = drive(executor, [toy_job("slow", 50)], lambda report: False)
        steps = [event.step for event in events if isinstance(event, Report)]
        assert 1 <= len(steps) < 50
        assert [end.ending for end in ends(events)] == [Ending.STOPPED]
        check_books(events)

    def test_what_a_job_raises_ends_it_alone(self, executor: Executor) -> None:
        """A failed job has a reason of one line; the worker goes on with the next job."""
        events = drive(executor, [toy_job("raises"), toy_job("raises at once"), toy_job("exits"), toy_job("trains")])
        assert [(end.ending, end.reason) for end in ends(events)] == [
            (Ending.FAILED, "TypeError: an epoch went wrong"),
            (Ending.FAILED, "ValueError: raises at once can't be built"),
            (Ending.FAILED, "SystemExit: 3"),
            (Ending.DONE, None),
        ]
        assert sum(isinstance(event, Lease) for event in events) == 1
        check_books(events)

    def test_a_failed_job_keeps_its_work(self, executor: Executor) -> None:
        """What it did is there, and the seconds until it failed are posted to it."""
        laps = [event for event in drive(executor, [toy_job("raises")]) if isinstance(event, Lap) and event.job]
        assert [(lap.activity, lap.work) for lap in laps] == [
            (Activity.TRAIN, TRAIN),
            (Activity.VALIDATE, VALIDATE),
            (Activity.VALIDATE, None),
        ]

    def test_a_hindered_job_idles_and_tries_again(self, executor: Executor) -> None:
        """Its worker waits, for which no time limit runs."""
        log = outline(drive(executor, [toy_job("hindered", 1, timeout_s=AGAIN_S / 2)]))
        idle = ("lap", "idle", "None", "hindered", "None")
        assert log[5:-2] == [
            ("report", "hindered", "1", "0", str({"accuracy": 0.5})),
            idle,
            ("hindered", "hindered", "the disk is full"),
            idle,
            ("lap", "checkpoint", str(Work(Activity.CHECKPOINT, bytes=1)), "hindered", "1"),
            ("ended", "hindered", "done", "None", "1"),
        ]

    def test_a_hindered_job_can_be_stopped(self, executor: Executor) -> None:
        """It need not get as far as a report."""
        executor.start(make_toy_runner)
        events: list[Event] = []
        while not executor.free:
            events += executor.wait(PATIENCE_S)
        job = toy_job("hindered for good")
        executor.submit(job)
        while not ends(events):
            events += (news := executor.wait(PATIENCE_S))
            if any(isinstance(event, Hindered) for event in news):
                executor.stop(job)
        assert [end.ending for end in ends(events)] == [Ending.STOPPED]
        check_books([*events, *executor.close()])

    def test_a_job_that_has_lost_its_state_is_set_back(self, executor: Executor) -> None:
        """To the step that it names, and it has not failed."""
        (end,) = ends(drive(executor, [toy_job("lost", 5, first=4)]))
        assert (end.ending, end.reason, end.checkpoint_step) == (Ending.SET_BACK, "its checkpoint is gone", 2)

    def test_divergence_is_told_by_name(self, executor: Executor) -> None:
        """The reason says so."""
        (end,) = ends(drive(executor, [toy_job("diverges")]))
        assert (end.ending, end.reason) == (Ending.FAILED, "Diverged: loss is nan in epoch 2")

    def test_out_of_memory_fails_the_job_alone(self, executor: Executor) -> None:
        """As any other exception."""
        failed, done = ends(drive(executor, [toy_job("fills memory"), toy_job("trains")]))
        assert failed.ending is Ending.FAILED
        assert failed.reason == "MemoryError"
        assert done.ending is Ending.DONE

    def test_closing_abandons_a_running_job(self, executor: Executor) -> None:
        """It ends as stopped, its time is posted, and closing again does nothing."""
        executor.start(make_toy_runner)
        events: list[Event] = []
        while not executor.free:
            events += executor.wait(PATIENCE_S)
        executor.submit(toy_job("slow", 1000))
        while not any(isinstance(event, Report) for event in events):
            events += executor.wait(PATIENCE_S)
        events += executor.close()
        assert [end.ending for end in ends(events)] == [Ending.STOPPED]
        check_books(events)
        assert executor.close() == []

    def test_closing_before_a_worker_is_ready(self, executor: Executor) -> None:
        """What was held is on the books."""
        executor.start(make_toy_runner)
        check_books(executor.close())

    def test_nothing_can_be_submitted_without_a_free_worker(self, executor: Executor) -> None:
        """It is an error of the caller's."""
        executor.start(make_toy_runner)
        while not executor.free:
            executor.wait(PATIENCE_S)
        executor.submit(toy_job("slow", 100))
        assert executor.free == 0
        with pytest.raises(RuntimeError, match="no worker is free"):
            executor.submit(toy_job("trains"))

    def test_waiting_for_nothing_is_an_error(self, executor: Executor) -> None:
        """Without a job and without a timeout it would wait for ever."""
        executor.start(make_toy_runner)
        while not executor.free:
            executor.wait(PATIENCE_S)
        assert executor.wait(0.0) == []
        with pytest.raises(RuntimeError, match="nothing to wait for"):
            executor.wait()

    def test_whoever_waits_can_be_woken(self, executor: Executor) -> None:
        """Also where no event comes; and what has come is not lost with it."""
        executor.start(make_toy_runner)
        events: list[Event] = []
        while not executor.free:
            events += executor.wait(PATIENCE_S, lambda: True)
        assert any(isinstance(event, Lease) for event in events)
        began_s = executor.now_s()
        assert of_work(executor.wait(PATIENCE_S, lambda: True)) == []
        assert executor.now_s() < began_s + PATIENCE_S

    def test_dates_have_a_zone_and_are_never_set_back(self, executor: Executor) -> None:
        """Trials are stamped with them, and ordered by them."""
        executor.start(make_toy_runner)
        dates = [executor.date()]
        run_all(executor, [toy_job("trains")])
        dates.append(executor.date())
        assert dates == sorted(dates)
        assert all(date.utcoffset() is not None for date in dates)

    def test_the_clock_goes_on_where_it_was(self, executor: Executor) -> None:
        """A later driver of a run begins where the earlier ones ended, with workers of other names."""
        executor.start(make_toy_runner, at_s=1000.0, driver=3)
        events: list[Event] = []
        while not executor.free:
            events += executor.wait(PATIENCE_S)
        assert isinstance(events[0], Lease)
        assert 1000.0 <= events[0].opened_s <= executor.now_s() < 1000.0 + PATIENCE_S
        assert events[0].worker.id.endswith("@3")

    def test_stop_and_proceed_ignore_jobs_that_are_over(self, executor: Executor) -> None:
        """A job may end while its driver decides."""
        executor.start(make_toy_runner)
        job = toy_job("trains")
        run_all(executor, [job])
        executor.stop(job)
        executor.proceed(job)
        assert [end.ending for end in ends(run_all(executor, [toy_job("trains", name="next")]))] == [Ending.DONE]

    def test_checkpoints_are_known_by_their_last_step(self, executor: Executor, tmp_path: object) -> None:
        """From the checkpoint's own Progress."""
        events = drive(executor, [toy_job("saves", 3, checkpoint=f"{tmp_path}/state"), toy_job("trains")])
        assert [end.checkpoint_step for end in ends(events)] == [3, None]


class RealTimeExecutorContract(ExecutorContract):
    """What executors must hold, besides, that run a real runner by the wall clock."""

    def test_a_job_over_its_time_limit_is_stopped_and_fails(self, executor: Executor) -> None:
        """At its next Progress, also if that is no report; the worker lives."""
        silent = toy_job("works silently", timeout_s=0.2)
        events = drive(executor, [silent, toy_job("trains")])
        stopped, done = ends(events)
        assert (stopped.ending, stopped.reason) == (Ending.FAILED, "ran over its time limit of 0.2 s")
        assert done.ending is Ending.DONE
        spent_s = sum(event.seconds for event in events if isinstance(event, Lap) and event.job is silent)
        assert spent_s > 0.2
        check_books(events)

    def test_seconds_go_to_what_they_were_spent_on(self, executor: Executor) -> None:
        """An epoch that trains for 0.02 s is posted as training for about as long."""
        laps = [event for event in drive(executor, [toy_job("slow", 10)]) if isinstance(event, Lap) and event.job]
        trained_s = sum(lap.seconds for lap in laps if lap.activity is Activity.TRAIN)
        validated_s = sum(lap.seconds for lap in laps if lap.activity is Activity.VALIDATE)
        assert trained_s >= 0.2
        assert validated_s < trained_s / 2

    def test_a_runner_that_cannot_be_made_is_told(self, executor: Executor) -> None:
        """With the worker's own message, and what was held until then is on the books."""
        executor.start(make_no_runner)
        told = r"a worker on .* could not start: FileNotFoundError: no data in /nowhere"
        with pytest.raises(NassimError, match=told):
            executor.wait(PATIENCE_S)
        check_books(executor.close())
