"""Jobs on Ray: a pool of warm workers that follows the cluster."""

import queue
from collections.abc import Callable, Mapping
from contextlib import ExitStack

import ray
from ray.exceptions import ActorUnavailableError, RayActorError, RayError, RayTaskError

from nassim.errors import NassimError
from nassim.evaluation import Job, RunnerFactory
from nassim.executors.base import Ending, Event, Executor, Lap, Waiting, never, worker_id
from nassim.executors.clock import Clock
from nassim.executors.energy.metering import FindMeter
from nassim.executors.energy.place import machines_here
from nassim.executors.ray.cluster import Bundle, cause_of_death, check_ray, room, what_died
from nassim.executors.ray.joining import joined
from nassim.executors.ray.member import Answer, Inbox, Member, Question
from nassim.executors.ray.meters import RayMeters
from nassim.executors.ray.worker import Prepared
from nassim.hardware.meters import find_meter
from nassim.ledger.entry import Lease

LOOK_S = 0.5
"""How often workers are looked at whether one hangs."""
ROOM_S = 2.0
"""How long Ray may take to find room for a worker before it is said to wait."""
FLUSH_S = 1.0
"""How long closing waits for what the workers did last."""


class RayExecutor(Executor):
    """A pool of Ray actors. Each makes the runner once, runs one job at a time, and is replaced when it dies.

    Every worker holds a placement group of its own: its lease is the time for which Ray holds that. Where the cluster
    has no room for all of them, the others wait for room, unbilled, and start when nodes join.
    """

    def __init__(
        self,
        workers: int = 2,
        address: str | None = None,
        cpus_per_worker: float = 1,
        gpus_per_worker: float = 0,
        resources: Mapping[str, float] | None = None,
        threads: int | None = None,
        hang_timeout_s: float = 3600.0,
        grace_s: float = 30.0,
        patience_s: float = 300.0,
        restarts: int = 5,
        find: FindMeter = find_meter,
    ) -> None:
        """Make an executor that has not started.

        Args:
            workers: How many workers to have, as far as the cluster has room.
            address: "host:port" of a cluster, or "auto" on one of its nodes; None for a small local Ray.
            cpus_per_worker: CPUs that a worker holds.
            gpus_per_worker: GPUs that a worker holds, possibly a share of one.
            resources: Custom Ray resources that a worker holds, by name.
            threads: Threads that a worker computes with; None for as many as it holds CPUs.
            hang_timeout_s: A worker whose job yields nothing for so long is taken to hang and is replaced. Must be
                longer than the longest epoch. Holds for making the runner, too.
            grace_s: How long a job may take to stop once it is over its time limit, before its worker is replaced.
            patience_s: How long to wait while there is no worker at all.
            restarts: How often in a row workers may die, without one getting anywhere, before they are no longer
                replaced. Workers whose node was taken away don't count.
            find: Makes the meter of a machine, on that machine.

        Raises:
            NassimError: A number is out of range.
        """
        if workers < 1:
            raise NassimError(f"workers is {workers}; there must be at least 1")
        self._workers = workers
        self._address = address
        self._share = Bundle(cpus_per_worker, gpus_per_worker, dict(resources or {}))
        self._threads = threads or max(1, int(cpus_per_worker))
        self._hang_timeout_s = hang_timeout_s
        self._grace_s = grace_s
        self._patience_s = patience_s
        self._restarts = restarts
        self._find = find
        self._meters: RayMeters | None = None
        self._clock = Clock()
        self._driver = 1
        self._factory = b""
        self._ray = ExitStack()
        self._closed = False
        self._members: list[Member] = []
        self._asked = 0
        self._inbox: Inbox = queue.SimpleQueue()
        self._events: list[Event] = []
        self._deaths = 0
        self._last_death = ""
        self._looked_s = 0.0
        self._bare_since_s = 0.0
        self._waiting = 0
        self._connected = False

    def connect(self) -> None:
        """Join or start Ray."""
        if not self._connected:
            self._ray.enter_context(joined(self._address, self._workers, self._share))
            self._connected = True

    def start(self, factory: RunnerFactory, at_s: float = 0.0, driver: int = 1) -> None:
        """Ask for the workers."""
        self.connect()
        self._clock = Clock(at_s)
        self._factory = ray.cloudpickle.dumps(factory)  # type: ignore[no-untyped-call]
        self._driver = driver
        self._looked_s = self._bare_since_s = self.now_s()
        self._meters = RayMeters(self._find, self.now_s(), machines_here())
        for _ in range(self._workers):
            self._ask()

    @property
    def free(self) -> int:
        """How many ready workers have no job."""
        return sum(member.ready and member.job is None for member in self._members)

    @property
    def capacity(self) -> int:
        """How many workers there are, are being started or wait for room."""
        return len(self._members)

    def submit(self, job: Job) -> None:
        """Hand a job to the free worker that was asked for first."""
        for member in self._members:
            if member.ready and member.job is None:
                member.run(job)
                return
        raise RuntimeError("no worker is free")

    def wait(self, timeout_s: float | None = None, woken: Callable[[], bool] = never) -> list[Event]:
        """Return the events since the last call; block until there is one, until the timeout, or until woken.

        Raises:
            NassimError: No worker is left and none can be had, or a worker can't make the runner.
            ExecutorLost: A process of the local Ray has died.
            RuntimeError: There is nothing to wait for, and no timeout.
        """
        until_s = float("inf") if timeout_s is None else self.now_s() + timeout_s
        while True:
            self._listen(0.0 if self._events else min(LOOK_S, until_s - self.now_s()))
            self._look()
            if self._events or self.now_s() >= until_s or woken():
                return self._take_events()
            if timeout_s is None and self._members and all(member.silent for member in self._members):
                raise RuntimeError("there is nothing to wait for: no worker has a job, or only such as wait to be told")

    def proceed(self, job: Job) -> None:
        """Let the gated job go on."""
        if member := self._member_of(job):
            member.proceed()

    def stop(self, job: Job) -> None:
        """Stop the job: at once if it waits to be told, otherwise at its next report."""
        if member := self._member_of(job):
            member.stop()

    def now_s(self) -> float:
        """Return the clock: seconds since `start`, plus `at_s`."""
        return self._clock.now_s()

    def close(self) -> list[Event]:
        """Give all devices back. Running jobs are abandoned; a Ray that was started here ends.

        One that has died is ended by the second call: it may take this process with it.
        """
        if self._closed:
            self._ray.close()
            return []
        self._closed = True
        lost = what_died() is not None
        try:
            if not lost:
                self._hear_last()
            for member in self._members:
                self._post(member.abandon("closed") if lost else member.release("closed"))
            if self._meters is not None:
                self._events += self._meters.close(self.now_s())
        finally:
            self._members = []
            if not lost:
                self._ray.close()
        return self._take_events()

    def _ask(self) -> None:
        name = worker_id(f"ray-{self._asked}", self._driver)
        self._asked += 1
        self._members.append(Member(name, self._share, self._threads, self._factory, self._clock, self._inbox))

    def _member_of(self, job: Job) -> Member | None:
        return next((member for member in self._members if member.has(job)), None)

    def _post(self, events: list[Event]) -> None:
        self._events += self._meters.post(events) if self._meters is not None else events

    def _take_events(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def _listen(self, seconds: float) -> None:
        """Take in what has been answered; wait for a first answer if there is none."""
        try:
            self._hear(self._inbox.get(timeout=max(seconds, 0.0)))
            while True:
                self._hear(self._inbox.get_nowait())
        except queue.Empty:
            pass

    def _hear(self, answer: Answer) -> None:
        member, error = answer.member, answer.future.exception()
        if member.gone:
            return
        if isinstance(error, ActorUnavailableError):
            # Its node may be gone, which Ray finds out by and by; `watch` will then say so.
            member.doom()
        elif answer.call is Question.WATCH:
            assert error is not None, "a watch never returns"
            self._bury(member, error)
        elif isinstance(error, RayError) and not isinstance(error, RayTaskError):
            pass  # It died, and `watch` says so too.
        elif answer.call is Question.PREPARE:
            self._welcome(member, answer.future.result(), answer.arrived)
        elif any(isinstance(event, Lap) and event.work for event in self._take_in(answer)):
            self._deaths = 0

    def _welcome(self, member: Member, prepared: Prepared, arrived: float) -> None:
        if prepared.worker is None:
            problem = prepared.problem or "a worker could not start"
            self._drop(member, Ending.LOST, problem)
            raise NassimError(problem)
        events = member.welcome(prepared.worker, prepared.warming, arrived)
        if self._meters is not None and prepared.place is not None and isinstance(events[0], Lease):
            self._meters.welcome(member, events[0], prepared.place)
        self._post(events)

    def _bury(self, member: Member, error: BaseException) -> None:
        check_ray()
        ending, reason = cause_of_death(error)
        self._replace(member, ending, reason)
        if isinstance(error, RayActorError) and error.actor_init_failed:
            raise NassimError(
                f"a worker could not start: {reason}. Every node needs nassim, in the same version as the driver"
            )

    def _replace(self, member: Member, ending: Ending, reason: str) -> None:
        """Release a worker that died or hangs and ask for another in its place."""
        self._drop(member, ending, reason)
        if ending is not Ending.PREEMPTED:
            self._deaths += 1
            self._last_death = reason
        if self._deaths <= self._restarts:
            self._ask()

    def _drop(self, member: Member, ending: Ending, reason: str) -> None:
        self._members.remove(member)
        self._post(member.release(reason, ending))
        if self._meters is not None:
            self._events += self._meters.dropped(member, self.now_s())

    def _look(self) -> None:
        """Replace workers that hang, now and then; give up where there is no worker and none to be had."""
        now_s = self.now_s()
        if now_s - self._looked_s < LOOK_S:
            return
        check_ray()
        if self._meters is not None:
            self._events += self._meters.look(self._members, now_s)
        away_s = max(now_s - self._looked_s - 2 * LOOK_S, 0.0)
        self._looked_s = now_s
        for member in list(self._members):
            member.excuse(away_s)
            if complaint := member.complaint(self._hang_timeout_s, self._grace_s):
                self._replace(member, *complaint)
        self._say_who_waits()
        if any(member.ready for member in self._members):
            self._bare_since_s = now_s
        elif not self._events:
            self._check_patience(now_s - self._bare_since_s)

    def _say_who_waits(self) -> None:
        """Tell how many workers there is no room for, when that changes and others have what they need."""
        waiting = sum(not member.held for member in self._members if member.age_s > ROOM_S)
        if waiting < len(self._members) and waiting != self._waiting:
            self._waiting = waiting
            self._events.append(Waiting(waiting, len(self._members), f"each is to hold {self._share}, on {room()}"))

    def _check_patience(self, bare_s: float) -> None:
        if not self._members:
            raise NassimError(f"no worker is left: {self._deaths} died in a row, the last one so: {self._last_death}")
        if bare_s > self._patience_s and not any(member.held for member in self._members):
            raise NassimError(
                f"no worker could be had for {self._patience_s:g} s: each is to hold {self._share}, and there is "
                f"no room on {room()}. Ask for less, add nodes, or wait longer"
            )

    def _hear_last(self) -> None:
        """Ask the workers what they did last, and wait a little for their answers."""
        working = [member for member in self._members if member.ready and not member.silent]
        for member in working:
            member.flush()
        waited_for = {(member, Question.NEWS) for member in working}
        if self._meters is not None:
            waited_for |= {(member, Question.METER) for member in self._meters.ask_last()}
        until_s = self.now_s() + FLUSH_S
        while waited_for:
            try:
                answer = self._inbox.get(timeout=max(until_s - self.now_s(), 0.0))
            except queue.Empty:
                return
            if (answer.member, answer.call) in waited_for:
                waited_for.remove((answer.member, answer.call))
                if answer.future.exception() is None:
                    self._take_in(answer)

    def _take_in(self, answer: Answer) -> list[Event]:
        """Post what a worker came to, or read, and return it."""
        if answer.call is Question.METER:
            assert self._meters is not None, "nobody reads a meter before the start"
            events = self._meters.heard(answer)
            self._events += events
        else:
            events = answer.member.news(answer)
            self._post(events)
        return events
