"""Failing: what a part of a run raises where nobody expects it, told in one message; its traceback is kept beside."""

import sysconfig
import traceback
from contextlib import suppress
from pathlib import Path
from traceback import FrameSummary

import nassim
from nassim.errors import NassimError, describe
from nassim.folder import RunFolder

TRACEBACK = "traceback.txt"
"""Where in a run's folder the last failure is described for whoever mends it."""

_LIBRARIES = tuple(
    str(Path(path).resolve())
    for path in (*(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")), nassim.__path__[0])
)


def failure(error: BaseException, run: str, folder: RunFolder) -> NassimError:
    """Return what to tell of a run that something unforeseen has ended; write the traceback to the run's folder.

    Args:
        error: What was raised: by a part of the user's own, or by a mistake of nassim's.
        run: The run's name.
        folder: Its folder.
    """
    file, kept = folder.path / TRACEBACK, ""
    with suppress(OSError, NassimError):
        folder.check()
        file.write_text("".join(traceback.format_exception(error)), encoding="utf-8", errors="backslashreplace")
        kept = f" The traceback is in {file}"
    return NassimError(f"{told(error)}. When that is put right, `nassim resume {run}` goes on.{kept}")


def told(error: BaseException) -> str:
    """Return what was raised, and where: in the user's own code, if it has come through there."""
    frames = traceback.extract_tb(error.__traceback__)
    frame = next((each for each in reversed(frames) if not _is_library(each)), frames[-1] if frames else None)
    return describe(error) + (f", at {frame.filename}:{frame.lineno} in {frame.name}" if frame else "")


def _is_library(frame: FrameSummary) -> bool:
    return frame.filename.startswith("<") or str(Path(frame.filename).resolve()).startswith(_LIBRARIES)
