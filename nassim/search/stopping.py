"""Stopping: a run that is asked to stop does so in good order; asked again, at once."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from nassim.errors import SIGNALS, Interrupted
from nassim.evaluation import Job, Progress, Ready, Runner, RunnerFactory

STOPPING = "stopping, in good order; asked once more, at once"
"""What is told of being asked where no job runs."""


class Stopping:
    """Whether a run is to stop.

    A signal may come in the middle of anything, of a posting too. So it is only noted here, and the driver looks when
    it can stop without leaving something half done. Just what may take long and leaves nothing behind, such as a job
    that runs in the driver's own process, is interrupted where it is.

    Attributes:
        asked: No more work is to be handed out, and running jobs are to end at their next report.
        number: The signal that asked first.
    """

    def __init__(self) -> None:
        self.asked = False
        self.number = signal.SIGINT
        self._told = False
        self._tell: Callable[[], None] | None = None
        self._at_once = False
        self._interruptible = False

    def ask(self, number: int = signal.SIGINT) -> None:
        """Ask to stop; the second time, at once.

        Raises:
            Interrupted: The second time, where that leaves nothing half done.
        """
        self._at_once = self.asked
        if not self.asked:
            self.asked, self.number = True, signal.Signals(number)
        if self._tell is not None and self.is_news():
            self._tell()
        if self._at_once and self._interruptible:
            raise Interrupted(self.number)

    def check(self) -> None:
        """Stop here if it is to be at once.

        Raises:
            Interrupted: It is.
        """
        if self._at_once:
            raise Interrupted(self.number)

    @property
    def is_pressing(self) -> bool:
        """Whether somebody is to look: it has been asked since the last `is_news`, or it is to be at once."""
        return self._at_once or (self.asked and not self._told)

    def is_news(self) -> bool:
        """Whether it has been asked since the last call."""
        told, self._told = self._told, self.asked
        return self.asked and not told

    @contextmanager
    def by_signals(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM as asking; a third one ends the process where it is. For the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def on_signal(number: int, frame: FrameType | None) -> None:
            if self.asked:
                for each in SIGNALS:
                    signal.signal(each, signal.SIG_DFL)
            self.ask(number)

        before = {number: signal.signal(number, on_signal) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def answering(self, tell: Callable[[], None]) -> Iterator[None]:
        """Have it told at once when it is asked: for where nobody looks for a while, and nothing else is told."""
        self._tell = tell
        if self.is_news():
            tell()
        try:
            yield
        finally:
            self._tell = None

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let what is done within be interrupted where it is, if it is to be at once.

        Raises:
            Interrupted: It is.
        """
        self.check()
        self._interruptible = True
        try:
            yield
        finally:
            self._interruptible = False

    def interrupting(self, factory: RunnerFactory) -> RunnerFactory:
        """Let the jobs of a runner in this process be interrupted between two Progress, and its making."""

        def make() -> Ready:
            with self.interruptible():
                runner, warming = factory()
            return Ready(lambda job: self._interruptibly(runner, job), warming)

        return make

    def _interruptibly(self, runner: Runner, job: Job) -> Iterator[Progress]:
        steps = iter(runner(job))
        while True:
            with self.interruptible():
                progress = next(steps, None)
            if progress is None:
                return
            yield progress
