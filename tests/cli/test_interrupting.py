"""Ctrl-C and SIGTERM at any time, to any command: one line, the right status, no traceback, nothing left behind."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from commands import COMMAND, nassim_process

from nassim.ledger.store import Ledger

PATIENCE_S = 120.0
PLAN = """\
name: small
space: {name: cell, parameters: {input_shape: [1, 8, 8], width: 2, cells: 1}}
data: {name: digits}
training: {epochs: 2}
searches:
  - {name: random, evaluator: {kind: full}, sampler: {name: random}, trials: 4, budget: {flop: 1.0e+9}}
final: {schedule: {epochs: 1}}
executor: {kind: ray, workers: 2}
"""
HEAVY = "import os, time\nopen('loading', 'w').close()\nfor _ in range(6000):\n    time.sleep(0.01)\n"
"""A module that takes long to load."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def begin(folder, *arguments):
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=(folder / "out.txt").open("w"),
        stderr=subprocess.STDOUT,
    )


def until(process, holds):
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert process.poll() is None, "it ended before"
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("arguments", "heavy", "number"),
    [
        (("run", "small.yaml"), "torch", signal.SIGTERM),
        (("report",), "pandas", signal.SIGINT),
        pytest.param(("profile", "cell"), "torch", signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(("calibrate",), "torch", signal.SIGINT, marks=pytest.mark.slow),
        pytest.param(("dashboard", "small-1"), "optuna_dashboard", signal.SIGTERM, marks=pytest.mark.slow),
    ],
)
def test_a_command_that_loads_is_answered_in_one_line(tmp_path, arguments, heavy, number):
    (tmp_path / "small.yaml").write_text(PLAN)
    (tmp_path / f"{heavy}.py").write_text(HEAVY)
    (tmp_path / "nassim.db").touch()
    process = begin(tmp_path, *arguments)
    until(process, (tmp_path / "loading").exists)
    process.send_signal(number)
    assert process.wait(10) == 128 + number
    said = (tmp_path / "out.txt").read_text().splitlines()
    assert [line for line in said if not line.startswith("starting")] == [f"nassim: interrupted by {number.name}"]
    assert not (tmp_path / "runs").exists()


def test_what_python_has_to_drop_is_raised_again():
    code = (
        "import signal\nfrom nassim.cli.interrupting import interruptible\n"
        "class Dying:\n    def __del__(self):\n        signal.raise_signal(signal.SIGTERM)\n        len('')\n"
        "with interruptible():\n    dying = Dying()\n    del dying\n    while True:\n        pass\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (143, "", "nassim: interrupted by SIGTERM\n")


def has_child(name):
    return lambda folder, process: any(child.name() == name for child in family(process))


def family(process):
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        return []


def has_said(words):
    return lambda folder, process: words in (folder / "out.txt").read_text()


def is_entered(folder, process):
    return (folder / "runs" / "small-1" / "run.json").exists()


MOMENTS = {
    "gcs_server started": has_child("gcs_server"),
    "raylet started": has_child("raylet"),
    "entered": is_entered,
    "begun": has_said("run small-1"),
    "searching": has_said("random: full with"),
    "closing": has_said("final training done"),
}


@pytest.mark.slow
@pytest.mark.parametrize("numbers", [SIGNALS[:1], SIGNALS[1:], (signal.SIGTERM, signal.SIGINT)], ids=repr)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_is_closed_whenever_it_is_interrupted_and_goes_on(tmp_path, moment, numbers):
    (tmp_path / "small.yaml").write_text(PLAN)
    process = begin(tmp_path, "run", "small.yaml")
    until(process, lambda: MOMENTS[moment](tmp_path, process))
    children = family(process)
    for number in numbers:
        process.send_signal(number)
        children += family(process)
    status = process.wait(PATIENCE_S) - 128
    assert status in numbers, "two that come while Python calls nothing of its own are answered in any order"
    said = (tmp_path / "out.txt").read_text()
    assert "stopping" in said
    assert "Traceback" not in said
    assert "gnored" not in said
    psutil.wait_procs(children, timeout=10)
    assert not [child for child in children if child.is_running()]
    if not (tmp_path / "nassim.db").exists():
        assert said.endswith(f"nassim: interrupted by {signal.Signals(status).name}\n")
        assert not list(tmp_path.glob("runs/*"))
        return
    status = Ledger(f"sqlite:///{tmp_path}/nassim.db").run("small-1").status
    assert status == "interrupted" or (status, moment) == ("finished", "closing")
    if status == "interrupted":
        assert said.endswith("`nassim resume small-1` goes on with it.\n")
        done = nassim_process("resume", folder=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "The books close" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gcs_server", "raylet"])
def test_a_run_whose_ray_is_killed_is_closed_and_goes_on(tmp_path, name):
    (tmp_path / "small.yaml").write_text(PLAN.replace("trials: 4", "trials: 1000"))
    process = begin(tmp_path, "run", "small.yaml")
    until(process, lambda: "random: full with" in (tmp_path / "out.txt").read_text())
    next(child for child in family(process) if child.name() == name).kill()
    assert process.wait(PATIENCE_S) == 1
    said = (tmp_path / "out.txt").read_text()
    assert "Traceback" not in said
    assert "state-dump" not in said
    assert said.splitlines()[-1].startswith(f"nassim: the Ray that was started here has lost its {name}")
    assert said.endswith("`nassim resume small-1` goes on with it\n")
    assert Ledger(f"sqlite:///{tmp_path}/nassim.db").run("small-1").status == "failed"
    assert nassim_process("resume", folder=tmp_path).returncode == 0
