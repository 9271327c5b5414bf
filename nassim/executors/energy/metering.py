"""Metering: what machines draw, shared among the leases on them and then among the laps of each lease.

A machine's counters are read from time to time, never by a thread of their own. What was drawn between two readings is
shared among the leases that held the part which drew it, by processor-seconds, and a lease's share among its laps, by
seconds. So every joule that is read while a lease is held is on exactly one lap, and a lap of any length has its part.
What a machine draws while no lease is held is nobody's.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from nassim.executors.base import Event, Lap, Metered, Released
from nassim.executors.energy.place import Place
from nassim.hardware.meters import Meter, split
from nassim.ledger.entry import Worker

READ_EVERY_S = 1.0
"""How often counters are read, at most, while leases are held."""

FindMeter = Callable[[], tuple[Meter | None, tuple[str, ...]]]
"""Makes the meter of the machine it is called on; None, with reasons, where nothing can be measured. Picklable."""


class _Window(NamedTuple):
    """What a lease is charged for a stretch of its time."""

    start_s: float
    end_s: float
    joules: float


@dataclass(slots=True)
class _Draw:
    """A lease that is metered: from when to when, its laps that are not charged yet, and its charges without laps.

    It is `unread` when no more readings will come.
    """

    place: Place
    processors: float
    from_s: float
    to_s: float = float("inf")
    unread: bool = False
    laps: deque[Lap] = field(default_factory=deque)
    windows: deque[_Window] = field(default_factory=deque)

    def span(self, start_s: float, end_s: float) -> tuple[float, float]:
        """Return the part of a stretch in which it is held, of no length if there is none."""
        begin_s = max(start_s, self.from_s)
        return begin_s, max(begin_s, min(end_s, self.to_s))

    def charge(self, over: bool = False) -> Iterator[Metered]:
        """Share charges among laps, as far as both are known. Both come in order and without a gap.

        Args:
            over: Whether no more of either will come.
        """
        while self.laps and self.windows:
            lap, end_s = self.laps[0], self.laps[0].start_s + self.laps[0].seconds
            if end_s > self.windows[-1].end_s and not over:
                return  # the rest of it isn't measured yet
            seconds = joules = 0.0
            begun_s = max(lap.start_s, self.windows[0].start_s)
            while self.windows:
                window = self.windows[0]
                until_s = min(end_s, window.end_s)
                shared_s = until_s - max(lap.start_s, window.start_s)
                if shared_s > 0:
                    seconds += shared_s
                    joules += window.joules * shared_s / (window.end_s - window.start_s)
                if window.end_s > end_s:
                    break
                self.windows.popleft()
            self.laps.popleft()
            if seconds > 0:
                yield Metered(lap, begun_s, seconds, joules)


class Metering:
    """The counters of some machines and the leases on them, by one clock."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, Mapping[str, float]]] = {}
        self._draws: dict[str, _Draw] = {}

    def lease(self, worker: Worker, place: Place, from_s: float) -> None:
        """A worker is leased at a machine that is metered, or is going to be."""
        self._draws[worker.id] = _Draw(place, worker.processors, from_s)

    def note(self, events: Iterable[Event]) -> list[Metered]:
        """Take in laps and releases, and return what is already known of them."""
        metered: list[Metered] = []
        for event in events:
            if isinstance(event, Lap) and (draw := self._draws.get(event.worker)):
                draw.laps.append(event)
                if draw.unread:
                    metered += self._charge({event.worker: not draw.windows})
            elif isinstance(event, Released) and (draw := self._draws.get(event.worker)):
                draw.to_s = event.at_s
        return metered

    def read(self, machine: str, at_s: float, joules: Mapping[str, float]) -> list[Metered]:
        """Share what a machine drew since its last reading; of the first, nothing.

        Args:
            machine: Which.
            at_s: When it was read. A reading that seems no later than the last one changes nothing.
            joules: What each part had drawn by then.
        """
        if machine not in self._last:
            self._last[machine] = (at_s, dict(joules))
        since_s, before = self._last[machine]
        if at_s <= since_s:
            return []
        self._last[machine] = (at_s, dict(joules))
        draws = self._on(machine)
        charged: dict[str, float] = defaultdict(float)
        for part, by_now_j in joules.items():
            for worker, share_j in _shares(part, by_now_j - before[part], since_s, at_s, draws).items():
                charged[worker] += share_j
        for worker, share_j in charged.items():
            draws[worker].windows.append(_Window(*draws[worker].span(since_s, at_s), share_j))
        return self._charge({worker: draw.to_s <= at_s for worker, draw in draws.items()})

    def lose(self, machine: str, for_good: bool = False) -> list[Metered]:
        """The meter of a machine is gone. What is drawn until another one counts, if one will, is not measured.

        Args:
            machine: Which.
            for_good: Whether none will.
        """
        self._last.pop(machine, None)
        draws = self._on(machine)
        for draw in draws.values():
            draw.unread |= for_good
        return self._charge({worker: draw.to_s < float("inf") for worker, draw in draws.items()})

    def end(self) -> list[Metered]:
        """Share what is left: all workers are released, and no more readings will come."""
        return self._charge(dict.fromkeys(self._draws, True))

    def _on(self, machine: str) -> dict[str, _Draw]:
        return {worker: draw for worker, draw in self._draws.items() if draw.place.machine == machine}

    def _charge(self, over: Mapping[str, bool]) -> list[Metered]:
        """Charge the laps of some leases; those that are over are done with."""
        events: list[Metered] = []
        for worker, is_over in over.items():
            events += self._draws[worker].charge(is_over or self._draws[worker].unread)
        for worker in [worker for worker, is_over in over.items() if is_over]:
            del self._draws[worker]
        return events


def _shares(part: str, joules: float, start_s: float, end_s: float, draws: Mapping[str, _Draw]) -> dict[str, float]:
    """Share what a part drew among the leases on it, as far as there was any."""
    spans = {worker: draw.span(start_s, end_s) for worker, draw in draws.items() if draw.place.draws(part)}
    spans = {worker: span for worker, span in spans.items() if span[1] > span[0]}
    held_s, until_s = 0.0, start_s
    for begin_s, stop_s in sorted(spans.values()):
        held_s += max(0.0, stop_s - max(begin_s, until_s))
        until_s = max(until_s, stop_s)
    used_j = joules * min(1.0, held_s / (end_s - start_s))
    return split(
        used_j, {worker: draws[worker].processors * (stop_s - begin_s) for worker, (begin_s, stop_s) in spans.items()}
    )
