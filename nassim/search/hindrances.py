"""Hindrances: jobs that can't go on for now, by a fault of the machine and not of their own."""

from collections.abc import Callable

from nassim.cost.work import Activity
from nassim.errors import StorageFault
from nassim.evaluation import Job
from nassim.executors.base import Event, Hindered, JobEnded, Lap

PATIENCE_S = 60.0
"""How long a job may be hindered before the run stops, to be gone on with when that is put right."""


class Hindrances:
    """Since when which jobs are hindered. They go on by themselves once they can.

    Args:
        warn: Is told when the first job is hindered, and when none is any more.
    """

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._since_s: dict[str, float] = {}
        self._reason = ""

    def take(self, event: Event, now_s: float) -> None:
        """Take in what has happened."""
        match event:
            case Hindered(job, reason):
                if not self._since_s:
                    self._warn(f"{reason}; it is tried again for {PATIENCE_S:g} s")
                self._since_s.setdefault(job.id, now_s)
                self._reason = reason
            case Lap(job=job, activity=activity) if job is not None and activity is not Activity.IDLE:
                if self._since_s.pop(job.id, None) is not None and not self._since_s:
                    self._warn("what hindered jobs has passed, and they go on")
            case JobEnded(job):
                self._since_s.pop(job.id, None)

    def hold(self, job: Job) -> bool:
        """Whether a job is hindered."""
        return job.id in self._since_s

    def check(self, now_s: float) -> None:
        """Look whether it takes too long.

        Raises:
            StorageFault: It does.
        """
        if self._since_s and now_s - min(self._since_s.values()) > PATIENCE_S:
            raise StorageFault(f"{self._reason}. It was tried for {PATIENCE_S:g} s")
