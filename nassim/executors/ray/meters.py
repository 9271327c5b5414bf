"""The meters of a pool of Ray workers: the driver reads its own machine's, on others one worker of each does."""

from nassim.executors.base import Event, Unmetered
from nassim.executors.energy.local import LocalMeter
from nassim.executors.energy.metering import READ_EVERY_S, FindMeter, Metering
from nassim.executors.energy.place import Place
from nassim.executors.ray.member import Answer, Member
from nassim.executors.ray.worker import Reading
from nassim.ledger.entry import Lease


class RayMeters:
    """Has the counters of every machine read that workers are on, each by one process at a time.

    Args:
        find: Makes the meter of a machine, on that machine.
        at_s: What the executor's clock shows now.
        here: The machines, as workers name them, that the driver reads itself.
    """

    def __init__(self, find: FindMeter, at_s: float, here: frozenset[str]) -> None:
        self._find = find
        self._here = here
        self._metering = Metering()
        self._local = LocalMeter(find, at_s, self._metering)
        self._readers: dict[str, Member] = {}
        self._places: dict[Member, Place] = {}
        self._blind: set[str] = set()
        self._asked_s = at_s

    def welcome(self, member: Member, leased: Lease, place: Place) -> None:
        """A worker is ready."""
        if place.machine in self._here:
            self._local.lease(leased.worker, place.gpus, leased.opened_s)
        elif place.machine not in self._blind:
            self._metering.lease(leased.worker, place, leased.opened_s)
            self._places[member] = place
            self._appoint(place.machine)

    def post(self, events: list[Event]) -> list[Event]:
        """Return what workers came to, and what that makes known of what they drew."""
        return [*events, *self._metering.note(events)]

    def look(self, members: list[Member], now_s: float) -> list[Event]:
        """Read the counters, or have them read, if that is due.

        While a worker starts nothing is read: it becomes known only when it is ready that it was there all along.
        """
        if now_s - self._asked_s < READ_EVERY_S or not (self._local.works or self._readers):
            return []
        if any(member.held for member in members if not member.ready):
            return []
        self._asked_s = now_s
        for reader in self._readers.values():
            reader.read_meter(self._find)
        return self._local.read(now_s)

    def heard(self, answer: Answer) -> list[Event]:
        """Take in what a worker read."""
        reader = answer.member
        machine = self._places[reader].machine
        reading: Reading = answer.future.result()
        at_s = reader.shown_s(answer, reading.received, reading.replied)
        if reading.joules is not None:
            return [*self._metering.read(machine, at_s, reading.joules)]
        self._readers.pop(machine, None)
        self._blind.add(machine)
        return [*self._metering.lose(machine, for_good=True), Unmetered(reading.node, reading.problem)]

    def dropped(self, member: Member, now_s: float) -> list[Event]:
        """A worker is given up. If it was the one that read, another on its machine does so from now on."""
        place = self._places.pop(member, None)
        if place is None:
            return self._local.read(now_s)
        if self._readers.get(place.machine) is not member:
            return []
        del self._readers[place.machine]
        events = self._metering.lose(place.machine)
        self._appoint(place.machine)
        return [*events]

    def ask_last(self) -> set[Member]:
        """Have the other machines' counters read for the last time, and return who will answer."""
        for reader in self._readers.values():
            reader.read_meter(self._find)
        return set(self._readers.values())

    def close(self, now_s: float) -> list[Event]:
        """All workers are released: return what is left to say of them."""
        return [*self._local.read(now_s), *self._metering.end()]

    def _appoint(self, machine: str) -> None:
        """Let a worker of a machine read its counters, if none does."""
        on_it = [member for member, place in self._places.items() if place.machine == machine]
        if on_it and machine not in self._readers and machine not in self._blind:
            self._readers[machine] = on_it[0]
            on_it[0].read_meter(self._find)
