"""Output: what is printed to may be unable to take it, for want of letters, of space, or of a reader."""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from nassim.errors import NassimError


@contextmanager
def lenient() -> Iterator[None]:
    """Escape letters that an encoding lacks, and let nothing that can't be written show as a traceback.

    Raises:
        NassimError: Standard output has no space left.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        if not is_lost(error):
            raise
        let_go()
        raise NassimError(f"the output can't be written: {error.strerror}") from None


def is_lost(error: OSError) -> bool:
    """Whether an error is of a stream that takes no more, and not of a file by its name."""
    return error.filename is None and error.errno in (errno.EPIPE, errno.ENOSPC, errno.EIO)


def note(message: str) -> None:
    """Say something on standard error, if anybody is there to read it."""
    with suppress(OSError):
        print(f"nassim: {message}", file=sys.stderr)


def let_go() -> None:
    """Give standard output up, with what it didn't take, or Python would complain of that when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
