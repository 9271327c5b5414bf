"""One Ray worker as its driver sees it: calls out, news in, laps on the driver's clock."""

import pickle
import queue
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import ray
from ray.util.placement_group import remove_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from nassim.cost.work import Work
from nassim.evaluation import Job, Progress
from nassim.executors.base import Ending, Event
from nassim.executors.clock import Clock, Offset, stamp
from nassim.executors.device import UNKNOWN
from nassim.executors.energy.metering import FindMeter
from nassim.executors.ray.cluster import Bundle, hold, holding
from nassim.executors.ray.worker import Handed, News, RayWorker
from nassim.executors.running import End, over_time, same_job
from nassim.executors.timeline import Timeline
from nassim.ledger.entry import Worker

UNREACHABLE_S = 90.0
"""How long Ray may take to say what became of a worker that can't be reached any more."""


class Question(Enum):
    """What an answer answers."""

    PREPARE = auto()
    NEWS = auto()
    METER = auto()
    WATCH = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, or what came instead of one, to a call that was `sent` and answered at these stamps of the driver."""

    member: "Member"
    call: Question
    sent: float
    arrived: float
    future: "Future[Any]"


Inbox = queue.SimpleQueue[Answer]


class Member:
    """A worker of the pool, from the moment it is asked for until its device is given back.

    Attributes:
        id: The worker's id.
        gone: Whether its device has been given back.
    """

    def __init__(self, worker_id: str, share: Bundle, threads: int, factory: bytes, clock: Clock, inbox: Inbox) -> None:
        self.id = worker_id
        self.gone = False
        self._heard_s = clock.now_s()
        self._doomed_s: float | None = None
        self._clock = clock
        self._inbox = inbox
        self._asked_s = clock.now_s()
        self._handed_s = 0.0
        self._offset = Offset()
        self._timeline: Timeline | None = None
        self._waits = False
        self._stopping = False
        self._processors = share.gpus or float(threads)
        self._group = hold(share)
        self._actor = _ACTOR.options(
            num_cpus=share.cpus,
            num_gpus=share.gpus,
            resources=dict(share.resources),
            scheduling_strategy=PlacementGroupSchedulingStrategy(self._group, placement_group_bundle_index=0),
        ).remote()
        self._call(Question.PREPARE, self._actor.prepare.remote(factory, worker_id, threads, share.gpus))
        self.watch()

    @property
    def ready(self) -> bool:
        """Whether it can be given jobs, or has one."""
        return self._timeline is not None and not self.gone

    @property
    def job(self) -> Job | None:
        """Its job; None without one."""
        return self._timeline.job if self._timeline else None

    @property
    def silent(self) -> bool:
        """Whether nothing is to be heard of it until it is told what to do."""
        return self.ready and (self.job is None or self._waits)

    @property
    def held(self) -> bool:
        """Whether it holds its device already."""
        return self.ready or holding(self._group) is not None

    @property
    def age_s(self) -> float:
        """How long ago it was asked for."""
        return self._clock.now_s() - self._asked_s

    def has(self, job: Job) -> bool:
        """Whether this is its job."""
        return same_job(self.job, job)

    def watch(self) -> None:
        """Have its death answered as soon as Ray knows of it."""
        self._call(Question.WATCH, self._actor.watch.remote())

    def welcome(self, worker: Worker, warming: Work | None, arrived: float) -> list[Event]:
        """Take in that it is ready.

        Args:
            worker: What it says of itself.
            warming: What warming up took.
            arrived: When it said so, as a stamp of the driver.
        """
        held = holding(self._group)
        self._timeline = Timeline(worker, self._asked_s + (held.after_s if held else 0.0))
        return self._timeline.ready(self._clock.shown_s(arrived), warming)

    def run(self, job: Job) -> None:
        """Hand it a job."""
        assert self._timeline is not None
        self._waits = self._stopping = False
        self._heard_s = self._handed_s = self._clock.now_s()
        self._timeline.hand(job, self._handed_s)
        self._call(Question.NEWS, self._actor.run.remote(pickle.dumps(job)))

    def news(self, answer: Answer) -> list[Event]:
        """Take in what its job came to."""
        assert self._timeline is not None
        news: News = pickle.loads(answer.future.result())
        self._offset.learn(answer.sent, news.received, news.replied, answer.arrived)
        last = news.moments[-1].what if news.moments else None
        job = self.job
        is_over = isinstance(last, End)
        self._waits = job is not None and job.gated and not self._stopping
        self._waits = self._waits and isinstance(last, Progress) and last.is_report
        if not is_over and not self._waits:
            self._call(Question.NEWS, self._actor.news.remote())
        if last is not None:
            self._heard_s = self._clock.now_s()
        events: list[Event] = []
        for moment in news.moments:
            events += self._timeline.take(self._clock.shown_s(self._offset.here(moment.at)), moment.what)
        return events

    def proceed(self) -> None:
        """Let its gated job go on."""
        if self._waits:
            self._tell(go_on=True)

    def stop(self) -> None:
        """Stop its job."""
        if self._waits:
            self._tell(go_on=False)
        elif not self._stopping and self.job is not None:
            self._actor.stop.remote(Handed(self.job.id, self.job.attempt))
        self._stopping = True

    def flush(self) -> None:
        """Have its open call answered now."""
        self._actor.flush.remote()

    def read_meter(self, find: FindMeter) -> None:
        """Have it read its machine's energy counters."""
        self._call(Question.METER, self._actor.read_meter.remote(find))

    def shown_s(self, answer: Answer, received: float, replied: float) -> float:
        """Return what the executor's clock showed when the worker answered.

        Args:
            answer: The answer.
            received: When the call came, by the worker's clock.
            replied: When it was answered, by the worker's clock.
        """
        self._offset.learn(answer.sent, received, replied, answer.arrived)
        return self._clock.shown_s(self._offset.here(replied))

    def excuse(self, seconds: float) -> None:
        """Don't hold these seconds against it: the driver wasn't listening."""
        self._heard_s += seconds
        self._handed_s += seconds
        if self._doomed_s is not None:
            self._doomed_s += seconds

    def doom(self) -> None:
        """Its process can't be reached."""
        if self._doomed_s is None:
            self._doomed_s = self._clock.now_s()

    def complaint(self, hang_timeout_s: float, grace_s: float) -> tuple[Ending, str] | None:
        """Return how its job ends and why, if it is to be given up; None if it isn't.

        Args:
            hang_timeout_s: How long its job may come to nothing.
            grace_s: How long its job may go on past its time limit.
        """
        now_s = self._clock.now_s()
        if self._doomed_s is not None:
            self.watch()
            unreachable = now_s - self._doomed_s > UNREACHABLE_S
            return (Ending.LOST, "WorkerDied: it can't be reached") if unreachable else None
        if self.silent:
            return None
        quiet_s = self._quiet_s(now_s)
        hangs = quiet_s > hang_timeout_s
        limit_s = self.job.timeout_s if self.job else None
        over_s = -1.0 if limit_s is None else now_s - self._handed_s - limit_s
        if limit_s is not None and ((hangs and over_s > 0) or min(over_s, quiet_s) > grace_s):
            return Ending.FAILED, f"{over_time(limit_s)} and did not stop"
        return (Ending.LOST, f"WorkerHangs: nothing came of it for {hang_timeout_s:g} s") if hangs else None

    def release(self, reason: str, ending: Ending = Ending.STOPPED) -> list[Event]:
        """Give its device back, now.

        Args:
            reason: Why; also of its job's end, unless that is STOPPED.
            ending: How its job ends, if it has one.
        """
        now_s = self._clock.now_s()
        if self._timeline is not None:
            events = self._timeline.release(now_s, reason, ending)
        elif held := holding(self._group):
            worker = Worker(self.id, held.node, UNKNOWN, self._processors)
            events = Timeline(worker, min(self._asked_s + held.after_s, now_s)).never_ready(now_s, reason)
        else:
            events = []
        self.gone = True
        ray.kill(self._actor)
        remove_placement_group(self._group)
        return events

    def abandon(self, reason: str) -> list[Event]:
        """Take it to be gone with the Ray that it was on; what it held before it was ready can't be told any more.

        Args:
            reason: Why.
        """
        self.gone = True
        return self._timeline.release(self._clock.now_s(), reason) if self._timeline else []

    def _quiet_s(self, now_s: float) -> float:
        """Return how long nothing has come of it; before it is ready, since its device is held."""
        if self.ready:
            return now_s - self._heard_s
        held = holding(self._group)
        return now_s - self._heard_s - held.after_s if held else 0.0

    def _tell(self, go_on: bool) -> None:
        self._waits = False
        self._heard_s = self._clock.now_s()
        self._call(Question.NEWS, self._actor.news.remote(go_on))

    def _call(self, call: Question, answer: "ray.ObjectRef[Any]") -> None:
        sent = stamp()
        answer.future().add_done_callback(lambda future: self._inbox.put(Answer(self, call, sent, stamp(), future)))


_ACTOR: Any = ray.remote(concurrency_groups={"control": 1, "watch": 1})(RayWorker)  # type: ignore[call-overload]
