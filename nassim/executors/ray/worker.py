"""What runs on a Ray worker: one job at a time on a thread of its own, its moments fetched by the driver.

The driver always has one call open at a worker that has a job: `run`, then `news` again and again. It returns as soon
as there is a report or the job's end, and after `NEWS_EVERY_S` in any case; moments that nobody waits for travel with
the next answer. So a report goes out at once, a short job takes a single message each way, and a worker never waits
for its driver unless the job is gated.
"""

import pickle
import queue
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import ray

from nassim.cost.work import Work
from nassim.errors import NassimError
from nassim.evaluation import Job, Progress, Runner
from nassim.executors.clock import stamp
from nassim.executors.device import set_threads, this_worker
from nassim.executors.energy.metering import FindMeter
from nassim.executors.energy.place import Place, this_place
from nassim.executors.running import AGAIN_S, End, Moment, play, start_problem
from nassim.hardware.meters import Meter
from nassim.ledger.entry import Worker

NEWS_EVERY_S = 0.5
"""A working worker gives a sign of life this often; what it did meanwhile is on the books even if it dies."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """How making the runner went.

    Attributes:
        worker: The worker, if it is ready.
        warming: What warming up took.
        place: Where it draws its energy.
        problem: Why it isn't ready.
    """

    worker: Worker | None
    warming: Work | None = None
    place: Place | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Handed:
    """Which handing-out of which job."""

    job_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class News:
    """What the job came to since the last News.

    Attributes:
        received: When the call that this answers came, by the worker's clock.
        replied: When this was sent, by the worker's clock.
        moments: The job's moments since then.
    """

    received: float
    replied: float
    moments: tuple[Moment, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the worker's machine had drawn, by its counters.

    Attributes:
        received: When the call that this answers came, by the worker's clock.
        replied: When the counters were read, by the worker's clock.
        node: Name of the machine.
        joules: What each part had drawn since the first reading; None where nothing is measured.
        problem: Why nothing is measured.
    """

    received: float
    replied: float
    node: str
    joules: Mapping[str, float] | None
    problem: str = ""


class RayWorker:
    """The actor. `run` and `news` come one at a time; `stop`, `flush`, `read_meter` and `watch` have other threads."""

    def __init__(self) -> None:
        self._tasks: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._runner: Runner | None = None
        self._moments: list[Moment] = []
        self._urgent = False
        self._told: bool | None = None
        self._stop: Handed | None = None
        self._meter: Meter | None = None
        threading.Thread(target=self._serve, name="jobs", daemon=True).start()

    def prepare(self, factory: bytes, worker_id: str, threads: int, gpus: float) -> Prepared:
        """Make the runner.

        Args:
            factory: A pickled RunnerFactory.
            worker_id: This worker's id.
            threads: CPU threads to compute with.
            gpus: GPUs held.
        """
        answer: queue.SimpleQueue[Prepared] = queue.SimpleQueue()
        self._tasks.put(lambda: answer.put(self._prepare(factory, worker_id, threads, gpus)))
        return answer.get()

    def run(self, packed: bytes) -> bytes:
        """Begin a job, given pickled, and return its first News, pickled: Ray passes bytes on at half the cost."""
        received = stamp()
        job: Job = pickle.loads(packed)
        with self._changed:
            self._told = None
        self._tasks.put(lambda: self._play(job))
        return self._wait_for_news(received)

    def news(self, go_on: bool | None = None) -> bytes:
        """Return the job's next News, pickled.

        Args:
            go_on: What a gated job that waits is to do.
        """
        received = stamp()
        if go_on is not None:
            with self._changed:
                self._told = go_on
                self._changed.notify_all()
        return self._wait_for_news(received)

    @ray.method(concurrency_group="control")
    def stop(self, handed: "Handed") -> None:
        """Let a job stop at its next report. It may be over, or may not have begun yet."""
        with self._changed:
            self._stop = handed
            self._changed.notify_all()

    @ray.method(concurrency_group="control")
    def flush(self) -> None:
        """Let the open call return with what there is."""
        with self._changed:
            self._urgent = True
            self._changed.notify_all()

    @ray.method(concurrency_group="control")
    def read_meter(self, find: FindMeter) -> Reading:
        """Read this machine's energy counters, with a meter that the first call makes."""
        received = stamp()
        try:
            if self._meter is None:
                self._meter, missing = find()
                if self._meter is None:
                    raise NassimError("; ".join(missing))
            joules = self._meter.read_j()
        except NassimError as error:
            return Reading(received, stamp(), socket.gethostname(), None, str(error))
        return Reading(received, stamp(), socket.gethostname(), joules)

    @ray.method(concurrency_group="watch")
    def watch(self) -> None:
        """Never return: the call fails when the worker dies."""
        threading.Event().wait()

    def _serve(self) -> None:
        while True:
            self._tasks.get()()

    def _prepare(self, factory: bytes, worker_id: str, threads: int, gpus: float) -> Prepared:
        try:
            set_threads(threads)
            self._runner, warming = ray.cloudpickle.loads(factory)()
            set_threads(threads)
            return Prepared(this_worker(worker_id, threads, gpus), warming, this_place(gpus))
        except (Exception, SystemExit) as error:  # noqa: BLE001, whatever a factory raises, there is no worker
            return Prepared(None, problem=start_problem(error))

    def _play(self, job: Job) -> None:
        assert self._runner is not None, "a job comes to a worker that is ready"
        for moment in play(self._runner, job, lambda: self._go_on(job), lambda: self._rest(job)):
            what = moment.what
            urgent = isinstance(what, End) or (isinstance(what, Progress) and (what.is_report or bool(what.hindrance)))
            with self._changed:
                self._moments.append(moment)
                if urgent:
                    self._urgent = True
                    self._changed.notify_all()

    def _go_on(self, job: Job) -> bool:
        handed = Handed(job.id, job.attempt)
        with self._changed:
            if job.gated:
                self._changed.wait_for(lambda: self._stop == handed or self._told is not None)
            told, self._told = self._told, None
            return self._stop != handed and told is not False

    def _rest(self, job: Job) -> bool:
        handed = Handed(job.id, job.attempt)
        with self._changed:
            return not self._changed.wait_for(lambda: self._stop == handed, AGAIN_S)

    def _wait_for_news(self, received: float) -> bytes:
        with self._changed:
            self._changed.wait_for(lambda: self._urgent, NEWS_EVERY_S)
            moments, self._moments, self._urgent = tuple(self._moments), [], False
        return pickle.dumps(News(received, stamp(), moments))
