"""Stretches: what unfinished jobs have done, between one checkpoint and the next."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from nassim.ledger.entry import Entry


@dataclass(slots=True)
class Stretch:
    """What a job did from one checkpoint to the next, or has done since the last.

    Attributes:
        entries: Its lines on the books.
        step: The step of the checkpoint that keeps it; None while there is none.
    """

    entries: list[Entry] = field(default_factory=list)
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """What earlier drivers have left of an unfinished job.

    Attributes:
        stretches: What it has done, each with its checkpoint.
        attempts: How often it was handed out.
    """

    stretches: tuple[Stretch, ...]
    attempts: int


class Stretches:
    """The stretches of all unfinished jobs, by the jobs' ids.

    Args:
        pasts: What earlier drivers have left.
    """

    def __init__(self, pasts: Mapping[str, Past]) -> None:
        self._of: defaultdict[str, list[Stretch]] = defaultdict(list)
        self._attempts: dict[str, int] = {}
        for job, past in pasts.items():
            self._of[job] = [*past.stretches]
            self._attempts[job] = past.attempts

    def add(self, job: str, entry: Entry) -> None:
        """A job has done more."""
        self._open(job).entries.append(entry)
        self._attempts[job] = entry.attempt + 1

    def attempts(self, job: str) -> int:
        """Return how often a job was handed out, as far as it has come to something."""
        return self._attempts.get(job, 0)

    def keep(self, job: str, step: int) -> None:
        """What a job has done up to a step is kept by a checkpoint."""
        self._open(job).step = step

    def join(self, job: str, line: Entry) -> None:
        """Add what a lap drew to the stretch that the lap is in, if there is one still."""
        for stretch in reversed(self._of.get(job, ())):
            if stretch.entries and stretch.entries[0].start_s <= line.start_s:
                stretch.entries.append(line)
                return

    def step(self, job: str) -> int:
        """Return the step of a job's last checkpoint; 0 without one."""
        return next((stretch.step for stretch in reversed(self._of.get(job, ())) if stretch.step is not None), 0)

    def take_unkept(self, job: str) -> list[Entry]:
        """Return what a job has done since its last checkpoint, and forget it."""
        stretches = self._of.get(job)
        return stretches.pop().entries if stretches and stretches[-1].step is None else []

    def take_since(self, job: str, step: int) -> list[Entry]:
        """Return all that a job has done since it came to a step, and forget it."""
        stretches = self._of[job]
        first = next((n for n, stretch in enumerate(stretches) if stretch.step is None or stretch.step > step), None)
        taken, self._of[job] = ([], stretches) if first is None else (stretches[first:], stretches[:first])
        return [entry for stretch in taken for entry in stretch.entries]

    def forget(self, job: str) -> None:
        """Nothing of a job can be lost any more."""
        self._of.pop(job, None)
        self._attempts.pop(job, None)

    def _open(self, job: str) -> Stretch:
        stretches = self._of[job]
        if not stretches or stretches[-1].step is not None:
            stretches.append(Stretch())
        return stretches[-1]

    def jobs(self) -> list[str]:
        """Return the ids of the jobs."""
        return [*self._of]
