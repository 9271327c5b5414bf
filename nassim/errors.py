"""Errors meant for the person at the keyboard."""

import signal

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""What asks a process to end, and can be answered."""


class NassimError(Exception):
    """Something the user can put right; the message says what was found, what is allowed and what to do.

    The command line prints the message alone, without a traceback, and exits with status 2; with 1 where a run had
    begun, whose report it prints before.
    """


class Interrupted(KeyboardInterrupt):
    """A signal asked this process to end. The command line prints the message and the notes in one line.

    Attributes:
        number: The signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(number).name}")
        self.number = number

    @property
    def status(self) -> int:
        """The exit status of a process that a signal ended, as shells have it."""
        return 128 + self.number
