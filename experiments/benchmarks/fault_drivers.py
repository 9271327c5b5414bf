"""Drivers of runs, in processes of their own that may be killed at any moment."""

import multiprocessing
import os
import signal
import sys
import threading
import traceback
from dataclasses import dataclass
from pathlib import Path

from nassim.errors import NassimError
from nassim.experiment.model import Experiment
from nassim.ledger import database
from nassim.ledger.errors import LedgerUnavailable
from nassim.ledger.store import Ledger
from nassim.ledger.writer import Writer
from nassim.notices import JobReported, Notice
from nassim.run import execute, resume
from nassim.search import commits, hindrances

PATIENCE_S = 2.0
"""How long a driver waits for a database or a disk here, rather than the usual minute."""
ANSWER_S = 0.5
"""How long a database may take here to answer, rather than the usual 15 s."""
LONGEST_S = 180.0
"""No driver takes so long: one that does hangs."""
STOPPED = 2
"""Exit status of a driver that ended with a message, having closed the books."""

# Children of a server that has imported all of this start at once.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(
    [
        "fault_drivers",
        "nassim.run.running",
        "nassim.run.make",
        "nassim.executors.inline",
        "nassim.executors.ray.executor",
        "torch._decomp",
        "sklearn.datasets",
    ]
)


@dataclass(frozen=True, slots=True)
class Death:
    """When a driver is to kill itself: so long after it is told such a thing of a search."""

    notice: type[Notice]
    search: str
    after_s: float


class Driver:
    """A driver that begins a run, or goes on with it.

    Args:
        plan: What to run.
        run: The run's name.
        acknowledged: File that takes the numbers of the entries that each commit has acknowledged.
        reported: File that takes a byte for each report of a job.
        log: File that takes what it says.
        death: When it is to kill itself.
    """

    def __init__(
        self, plan: Experiment, run: str, acknowledged: Path, reported: Path, log: Path, death: Death | None = None
    ) -> None:
        self._log = log
        arguments = (plan.model_dump(mode="json"), run, acknowledged, reported, log, death)
        self._process = _processes.Process(target=_drive, args=arguments, daemon=True)
        self._process.start()

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        return self._process.is_alive()

    def kill(self) -> bool:
        """Kill it, and say whether it lived until then."""
        self._process.kill()
        return self.join() == -signal.SIGKILL

    def join(self) -> int:
        """Wait for its end and return its exit status."""
        self._process.join(LONGEST_S)
        if self._process.exitcode not in (0, STOPPED, -signal.SIGKILL):
            sys.exit(f"a driver ended with {self._process.exitcode}; it said:\n{self._log.read_text()[-5000:]}")
        return self._process.exitcode


def is_entered(url: str, run: str) -> bool:
    """Whether a run is on a ledger.

    Raises:
        LedgerUnavailable: The database can't be reached.
    """
    try:
        return any(record.name == run for record in Ledger(url).runs())
    except LedgerUnavailable:
        raise
    except NassimError:
        return False


def _drive(document: dict, run: str, acknowledged: Path, reported: Path, log: Path, death: Death | None) -> None:
    os.setsid()
    output, reports = _opened(log), _opened(reported)
    os.dup2(output, 1)
    os.dup2(output, 2)
    commits.PATIENCE_S = hindrances.PATIENCE_S = PATIENCE_S
    database.WRITE_ANSWER_S = ANSWER_S
    _say_what_is_acknowledged(acknowledged)

    def observe(notice: Notice) -> None:
        if isinstance(notice, JobReported):
            os.write(reports, b".")
        if death and type(notice) is death.notice and notice.search == death.search:
            threading.Timer(death.after_s, os.kill, (os.getpid(), signal.SIGKILL)).start()

    plan = Experiment.model_validate(document)
    try:
        if is_entered(plan.ledger, run):
            resume(run, plan.ledger, observe=observe)
        else:
            execute(plan, name=run, observe=observe)
    except NassimError:
        traceback.print_exc()
        sys.exit(STOPPED)


def _opened(file: Path) -> int:
    """Open a file to write at its end, at once."""
    return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)


def _say_what_is_acknowledged(file: Path) -> None:
    """Have each commit write down the numbers of its entries once it has returned."""
    said = _opened(file)
    pending: list[int] = []
    append, commit = Writer.append, Writer.commit

    def append_and_remember(writer, entry):  # noqa: ANN001, ANN202, as the method it stands for
        pending.append(append(writer, entry))
        return pending[-1]

    def commit_and_say(writer) -> None:  # noqa: ANN001, as above
        commit(writer)
        os.write(said, "".join(f"{seq}\n" for seq in pending).encode())
        pending.clear()

    Writer.append, Writer.commit = append_and_remember, commit_and_say  # type: ignore[method-assign]
