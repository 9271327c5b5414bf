"""The command line, as a process of its own or, where that is no part of the claim, in this one."""

import io
import os
import signal
import subprocess
import sys
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from nassim.cli import main

COMMAND = (sys.executable, "-c", "import sys; from nassim.cli import main; sys.argv[0] = 'nassim'; main()")


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed and the status that it ended with."""

    stdout: str
    stderr: str
    returncode: int


def nassim_process(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user does, in a folder."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env={**os.environ, "COLUMNS": "80", **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def nassim(*arguments: str, folder: Path, **environment: str) -> Said:
    """Run a command in a folder, in this process, which has loaded already what takes seconds."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    said = {"COLUMNS": "80", **environment}
    with ExitStack() as stack:
        for part in (
            chdir(folder),
            patch.dict(os.environ, said),
            patch.object(sys, "argv", ["nassim", *arguments]),
            redirect_stdout(out),
            redirect_stderr(err),
            pytest.raises(SystemExit),
        ):
            ended = stack.enter_context(part)
        main()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a command leaves it to end the process
    texts = []
    for stream in (out, err):
        stream.seek(0)
        texts.append(stream.read())
    return Said(*texts, ended.value.code or 0)
