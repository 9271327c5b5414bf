"""The meter of the machine that the driver is on, read by the driver itself."""

import socket

from nassim.errors import NassimError
from nassim.executors.base import Event, Unmetered
from nassim.executors.energy.metering import READ_EVERY_S, FindMeter, Metering
from nassim.executors.energy.place import Place
from nassim.ledger.entry import Worker

HERE = "here"
"""The machine that the driver is on."""


class LocalMeter:
    """Measures the leases on this machine, from the moment it is made. Where nothing can be read it does nothing.

    Args:
        find: Makes the meter.
        at_s: What the executor's clock shows now.
        metering: What the readings are for.
    """

    def __init__(self, find: FindMeter, at_s: float, metering: Metering) -> None:
        self._meter, _ = find()
        self._metering = metering
        self._read_s = at_s
        self.read(at_s)

    @property
    def works(self) -> bool:
        """Whether anything is measured."""
        return self._meter is not None

    def lease(self, worker: Worker, gpus: tuple[str, ...], from_s: float) -> None:
        """A worker on this machine is leased."""
        if self._meter is not None:
            self._metering.lease(worker, Place(HERE, gpus), from_s)

    def due(self, now_s: float) -> bool:
        """Whether the last reading is long enough ago."""
        return self._meter is not None and now_s - self._read_s >= READ_EVERY_S

    def read(self, now_s: float) -> list[Event]:
        """Read the counters, and return what is known by that."""
        if self._meter is None:
            return []
        self._read_s = now_s
        try:
            joules = self._meter.read_j()
        except NassimError as error:
            self._meter = None
            return [*self._metering.lose(HERE, for_good=True), Unmetered(socket.gethostname(), str(error))]
        return [*self._metering.read(HERE, now_s, joules)]
