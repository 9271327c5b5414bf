"""Errors meant for the person at the keyboard."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

KeyPath = tuple[str | int, ...]
"""Where a value stands in an experiment: `("searches", 1, "sampler")`."""

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


class StorageFault(NassimError):  # noqa: N818, a state of the machine rather than an error of the program
    """A disk is full, a folder can't be reached or written. What was to be written has not to do with it."""


class WrongValue(NassimError):  # noqa: N818, a noun says what it is
    """A value of an experiment that its part can't be made with; whoever has the file can say on what line it stands.

    Attributes:
        reason: What is wrong with it.
        path: Where it stands, from the part that the error has come up to.
    """

    def __init__(self, reason: str, path: KeyPath = ()) -> None:
        super().__init__(reason, path)
        self.reason, self.path = reason, path

    def __str__(self) -> str:
        return self.reason


LONGEST_REASON = 400
"""Characters of what others' code says of its failure."""


def describe(error: BaseException) -> str:
    """Return the type of an exception of others' code and the first line of its message, shortened."""
    try:
        said = str(error).strip().partition("\n")[0]
    except Exception:  # noqa: BLE001, it is their code that says it
        said = "its message can't be read"
    kind = type(error).__name__
    return shorten(f"{kind}: {said}" if said else kind, LONGEST_REASON)


def shorten(text: str, most: int) -> str:
    """Return a text that is fit for a message: cut, and what can't be printed escaped."""
    shown = text if len(text) <= most else f"{text[:most]}..."
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in shown)


@contextmanager
def users_code(tell: Callable[[BaseException], str]) -> Iterator[None]:
    """Have whatever a user's own code raises inside end in one message; Ctrl-C stays what it is.

    Args:
        tell: Makes the message of what was raised.

    Raises:
        NassimError: The code raised something.
    """
    try:
        yield
    except (NassimError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise NassimError(tell(error)) from error


@contextmanager
def placed(*path: str | int, whose: str = "") -> Iterator[None]:
    """Have mistakes that are found inside know where in the experiment they stand.

    Args:
        path: Where what is made inside stands.
        whose: What the message begins with, where the mistake does not say it.

    Raises:
        WrongValue: A mistake was found.
    """
    begin = f"{whose}: " if whose else ""
    try:
        yield
    except WrongValue as error:
        raise WrongValue(begin + error.reason, (*path, *error.path)) from error
    except NassimError as error:
        raise WrongValue(f"{begin}{error}", path) from error
