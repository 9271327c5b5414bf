"""Drivers in processes of their own, to be interrupted and killed."""

import multiprocessing
import os
import signal
import threading
from contextlib import suppress
from itertools import count
from multiprocessing.process import BaseProcess

from searching import Done, check_books

from nassim.errors import NassimError
from nassim.experiment.model import Experiment
from nassim.ledger.store import Ledger
from nassim.notices import JobReported, Notice, RunStarted
from nassim.run import execute, resume

PATIENCE_S = 120.0

# Children of a server that has imported all of this start at once, and share no threads with the tests' process.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(
    ["drivers", "nassim.run.running", "nassim.run.make", "nassim.executors.inline", "sklearn.datasets"]
)


class Driver:
    """A driver of a run named "run", new or resumed."""

    def __init__(self, plan: Experiment, kill_after_s: float | None = None, interrupt_at: int | None = None) -> None:
        """Start it.

        Args:
            plan: What to run.
            kill_after_s: Let it kill itself so long after it has begun to work.
            interrupt_at: Let it interrupt itself at this report, from 1.
        """
        self._reports = _processes.Semaphore(0)
        arguments = (plan.model_dump(mode="json"), self._reports, kill_after_s, interrupt_at)
        self.process: BaseProcess = _processes.Process(target=_drive, args=arguments)
        self.process.start()

    def wait_for_reports(self, count: int) -> None:
        for _ in range(count):
            assert self._reports.acquire(timeout=PATIENCE_S)

    def send(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def send_to_all(self, number: signal.Signals) -> None:
        """Send a signal to its whole process group, as a terminal does."""
        os.killpg(self.process.pid, number)

    def join(self) -> int:
        """Wait for its end and return its exit code."""
        self.process.join(PATIENCE_S)
        assert not self.process.is_alive()
        return self.process.exitcode


def _drive(document: dict, reports, kill_after_s: float | None, interrupt_at: int | None) -> None:
    os.setsid()
    plan, numbers = Experiment.model_validate(document), count(1)

    def observe(notice: Notice) -> None:
        if isinstance(notice, JobReported):
            reports.release()
            if next(numbers) == interrupt_at:
                os.kill(os.getpid(), signal.SIGINT)
        if isinstance(notice, RunStarted) and kill_after_s is not None:
            threading.Timer(kill_after_s, os.kill, (os.getpid(), signal.SIGKILL)).start()

    with suppress(NassimError):
        names = [record.name for record in Ledger(plan.ledger).runs()]
        if names:
            resume("run", plan.ledger, observe=observe)
            return
    execute(plan, name="run", observe=observe)


def drive_on(plan: Experiment) -> Done:
    """Let a last driver bring a run to its end, and check the books."""
    assert Driver(plan).join() == 0
    done = Done(plan.ledger, "run")
    check_books(done)
    return done
