"""Stopping: a run that is asked to stop does so in good order; asked again, at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from nassim.evaluation import Job, Progress, Ready, Runner, RunnerFactory


class Stopping:
    """Whether a run is to stop.

    A signal may come in the middle of anything, of a posting too. So it is only noted here, and the driver looks when
    it can stop without leaving something half done. Just a job that runs in the driver's own process, which may take
    long until its next report, is interrupted where it is.

    Attributes:
        asked: No more work is to be handed out, and running jobs are to end at their next report.
    """

    def __init__(self) -> None:
        self.asked = False
        self._told = False
        self._at_once = False
        self._interruptible = False

    def ask(self) -> None:
        """Ask to stop; the second time, at once.

        Raises:
            KeyboardInterrupt: The second time, if a job is running in this process.
        """
        self._at_once = self.asked
        self.asked = True
        if self._at_once and self._interruptible:
            raise KeyboardInterrupt

    def check(self) -> None:
        """Stop here if it is to be at once.

        Raises:
            KeyboardInterrupt: It is.
        """
        if self._at_once:
            raise KeyboardInterrupt

    def is_news(self) -> bool:
        """Whether it has been asked since the last call."""
        told, self._told = self._told, self.asked
        return self.asked and not told

    @contextmanager
    def by_signals(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM as asking; a third one has its usual effect. For the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def on_signal(number: int, frame: FrameType | None) -> None:
            if self.asked:
                restore()
            self.ask()

        before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}

        def restore() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)

        try:
            yield
        finally:
            restore()

    def interrupting(self, factory: RunnerFactory) -> RunnerFactory:
        """Let the jobs of a runner in this process be interrupted between two Progress."""

        def make() -> Ready:
            runner, warming = factory()
            return Ready(lambda job: self._interruptibly(runner, job), warming)

        return make

    def _interruptibly(self, runner: Runner, job: Job) -> Iterator[Progress]:
        steps = iter(runner(job))
        while True:
            self.check()
            self._interruptible = True
            try:
                progress = next(steps, None)
            finally:
                self._interruptible = False
            if progress is None:
                return
            yield progress
