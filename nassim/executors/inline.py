"""Jobs in this very process, one at a time: the reference, for tests and for debugging."""

import socket
from collections.abc import Callable, Iterator

from nassim.errors import NassimError
from nassim.evaluation import Job, Progress, Runner, RunnerFactory
from nassim.executors.base import Event, Executor, never, worker_id
from nassim.executors.clock import Clock, pause
from nassim.executors.device import UNKNOWN, available_threads, set_threads, this_worker
from nassim.executors.energy.local import LocalMeter
from nassim.executors.energy.metering import FindMeter, Metering
from nassim.executors.running import AGAIN_S, End, Moment, play, same_job, start_problem
from nassim.executors.timeline import Timeline
from nassim.hardware.meters import find_meter
from nassim.ledger.entry import Worker


class InlineExecutor(Executor):
    """One worker, in this process. It works inside `wait`, up to the next report or the job's end.

    A job that hangs hangs the driver, and a job that kills its process kills it: other executors are for that.
    """

    in_process = True

    def __init__(self, threads: int | None = None, find: FindMeter = find_meter) -> None:
        """Make an executor that has not started.

        Args:
            threads: Threads to compute with; None for OMP_NUM_THREADS, or a thread per CPU.
            find: Makes the meter of this machine.
        """
        self._threads = threads or available_threads()
        self._find = find
        self._metering = Metering()
        self._meter: LocalMeter | None = None
        self._clock = Clock()
        self._leased_s = 0.0
        self._id = "inline"
        self._factory: RunnerFactory | None = None
        self._runner: Runner | None = None
        self._timeline: Timeline | None = None
        self._moments: Iterator[Moment] | None = None
        self._undecided = False
        self._stop = False
        self._events: list[Event] = []
        self._closed = False

    def start(self, factory: RunnerFactory, at_s: float = 0.0, driver: int = 1) -> None:
        """Begin the lease. The runner is made in the first `wait`."""
        self._clock = Clock(at_s)
        self._factory = factory
        self._leased_s = at_s
        self._id = worker_id("inline", driver)
        self._meter = LocalMeter(self._find, at_s, self._metering)

    @property
    def free(self) -> int:
        """1 if the worker is ready and has no job."""
        return int(self._timeline is not None and self._timeline.job is None and not self._closed)

    @property
    def capacity(self) -> int:
        """1: there is one process."""
        return 1

    def submit(self, job: Job) -> None:
        """Take a job; the next `wait` begins it."""
        if not self.free or self._timeline is None or self._runner is None:
            raise RuntimeError("no worker is free")
        self._timeline.hand(job, self._clock.now_s())
        self._stop = self._undecided = False
        self._moments = play(self._runner, job, lambda: not self._stop, self._rest)

    def wait(self, timeout_s: float | None = None, woken: Callable[[], bool] = never) -> list[Event]:
        """Work up to the next report, hindrance or the job's end.

        Args:
            timeout_s: Seconds after which to return without events; work is not interrupted. With nothing to work on
                no event can come, and it returns at once.
            woken: Not asked: work is not interrupted.

        Raises:
            RuntimeError: There is nothing to wait for, and no timeout.
        """
        if self._timeline is None and not self._closed:
            self._make_ready()
        elif self._moments is not None and not self._undecided:
            self._work(self._moments)
        elif not self._events and timeout_s is None:
            raise RuntimeError("there is nothing to wait for: the worker has no job, or its job waits to be told")
        return self._take_events()

    def proceed(self, job: Job) -> None:
        """Let the gated job go on, in the next `wait`."""
        if self._has(job):
            self._undecided = False

    def stop(self, job: Job) -> None:
        """Stop the job: at once if it waits to be told, otherwise at its next report."""
        if self._has(job):
            self._undecided = False
            self._stop = True

    def now_s(self) -> float:
        """Return the clock: seconds since `start`, plus `at_s`."""
        return self._clock.now_s()

    def close(self) -> list[Event]:
        """Give the worker back. A job in mid-way is abandoned."""
        if not self._closed and self._timeline is not None:
            self._post(self._timeline.release(self.now_s(), "closed"))
        elif not self._closed and self._factory is not None:
            worker = Worker(self._id, socket.gethostname(), UNKNOWN, float(self._threads))
            self._events += Timeline(worker, self._leased_s).never_ready(self.now_s(), "closed")
        if not self._closed and self._meter is not None:
            self._events += [*self._meter.read(self.now_s()), *self._metering.end()]
        self._closed = True
        self._moments = None
        return self._take_events()

    def _make_ready(self) -> None:
        if self._factory is None or self._meter is None:
            raise RuntimeError("the executor has not been started")
        set_threads(self._threads)
        try:
            self._runner, warming = self._factory()
        except Exception as error:
            raise NassimError(start_problem(error)) from error
        set_threads(self._threads)
        worker = this_worker(self._id, self._threads)
        self._timeline = Timeline(worker, self._leased_s)
        self._meter.lease(worker, (), self._leased_s)
        self._post(self._timeline.ready(self.now_s(), warming))

    def _post(self, events: list[Event]) -> None:
        self._events += [*events, *self._metering.note(events)]

    def _work(self, moments: Iterator[Moment]) -> None:
        """Advance the job up to its next report or its end. What it came to stands though it be interrupted."""
        assert self._timeline is not None
        for moment in moments:
            self._post(self._timeline.take(self._clock.shown_s(moment.at), moment.what))
            if self._meter and self._meter.due(self.now_s()):
                self._events += self._meter.read(self.now_s())
            if isinstance(moment.what, End):
                self._moments = None
            elif isinstance(moment.what, Progress) and moment.what.hindrance:
                break
            elif isinstance(moment.what, Progress) and moment.what.is_report:
                job = self._timeline.job
                assert job is not None
                self._undecided = job.gated and not self._stop
                break

    def _rest(self) -> bool:
        if not self._stop:
            pause(AGAIN_S)
        return not self._stop

    def _has(self, job: Job) -> bool:
        return self._timeline is not None and same_job(self._timeline.job, job)

    def _take_events(self) -> list[Event]:
        events, self._events = self._events, []
        return events
