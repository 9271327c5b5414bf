"""The commands, run as a user runs them, in a folder of their own."""

import json
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from commands import COMMAND, nassim, nassim_process

from nassim.ledger.store import Ledger

SMALL = """\
name: small
space: {name: cell, parameters: {input_shape: [1, 8, 8], width: 2, cells: 1}}
data: {name: digits}
training: {epochs: 1}
searches:
  - {name: random, evaluator: {kind: full}, sampler: {name: random}, trials: 2}
final: {schedule: {epochs: 1}}
executor: {kind: inline}
"""
OPENING = "starting experiment small: random"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder where a small experiment has run, and what the run printed."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "small.yaml").write_text(SMALL)
    done = nassim_process("run", "small.yaml", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_a_run_shows_how_it_goes_on_and_ends_with_the_report(finished):
    _, out = finished
    lines = out.splitlines()
    assert lines[0] == OPENING
    assert re.fullmatch(r"\[ +\d+\.\d s\] run small-1 on 1 worker, ledger sqlite:///nassim\.db", lines[1])
    assert any("random: full with random, 2 trials" in line for line in lines)
    assert any("final training done, accuracy" in line for line in lines)
    assert "The books close: every leased second is posted to one activity." in out


def test_what_is_run_is_told_before_anything_that_takes_seconds_to_load(tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL)
    for heavy in ("torch", "ray"):
        (tmp_path / f"{heavy}.py").write_text(f"raise SystemExit('{heavy} is loaded')")
    done = nassim_process("run", "small.yaml", folder=tmp_path)
    assert done.stdout == f"{OPENING}\n"
    assert re.fullmatch(r"(torch|ray) is loaded\n", done.stderr)


def test_what_a_log_gets_holds_no_control_characters(finished):
    _, out = finished
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", out)
    assert all(line == line.rstrip() for line in out.splitlines())


def test_report_is_the_one_that_the_run_ended_with(finished):
    folder, out = finished
    again = nassim("report", "small-1", folder=folder)
    assert again.returncode == 0
    assert out.endswith(again.stdout)
    assert nassim("report", folder=folder).stdout == again.stdout  # the latest run


def test_report_as_json(finished):
    folder, _ = finished
    document = json.loads(nassim("report", "--format", "json", folder=folder).stdout)
    assert document["run"] == "small-1"
    assert document["balance"]["closes"] is True
    (search,) = document["searches"]
    assert search["trials"] == 2
    ratio = search["search"]["busy"]["flop"]["value"] / search["final"]["busy"]["flop"]["value"]
    assert search["search_over_final"]["busy"]["flop"]["value"] == ratio
    assert re.fullmatch(r"(\+?\|\w+~0[^+]*\|){3}", search["found"]["words"])


def test_a_report_loads_neither_torch_nor_ray(finished):
    folder, _ = finished
    code = (
        "import sys\nfrom nassim.cli.commands import app\nsys.argv[1:] = ['report']\n"
        "try:\n    app()\nexcept SystemExit:\n    print([m for m in ('torch', 'ray') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_runs_lists_them(finished):
    folder, _ = finished
    lines = nassim("runs", folder=folder).stdout.splitlines()
    assert re.split(r"\s{2,}", lines[0]) == ["run", "status", "started", "experiment", "seed"]
    assert re.split(r"\s{2,}", lines[1])[:2] == ["small-1", "finished"]


def test_runs_says_which_are_simulated(tmp_path):
    with Ledger(f"sqlite:///{tmp_path / 'nassim.db'}") as ledger:
        for name, about in (("told", {"simulated": True}), ("lived", {"simulated": False}), ("older", {})):
            ledger.create(name, {"name": "e", "seed": 0}, "2026-11-20T12:00:00Z", about).close("finished")
    lines = nassim("runs", folder=tmp_path).stdout.splitlines()
    assert [re.split(r"\s{2,}", line)[:2] for line in lines[1:]] == [
        ["told", "finished, simulated"],
        ["lived", "finished"],
        ["older", "finished"],
    ]


def test_export_writes_an_ordinary_optuna_study(finished, tmp_path):
    import optuna

    folder, _ = finished
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    assert nassim("export", "--optuna", url, folder=folder).stdout == "small-1/random\n"
    assert len(optuna.load_study(study_name="small-1/random", storage=url).trials) == 2
    again = nassim("export", "--optuna", url, folder=folder)
    assert again.returncode == 2
    assert "has the study 'small-1/random' already" in again.stderr


def test_a_finished_run_is_not_resumed(finished):
    folder, _ = finished
    done = nassim("resume", "small-1", folder=folder)
    assert done.returncode == 2
    assert "run small-1 has finished; there is nothing to resume" in done.stderr


def test_spaces_lists_those_that_ship(tmp_path):
    lines = nassim("spaces", folder=tmp_path).stdout.splitlines()
    assert ["cell", "search_spaces.cell:Cell"] in [line.split() for line in lines]


def test_help_answers_at_once(tmp_path):
    done = nassim("--help", folder=tmp_path)
    assert done.returncode == 0
    for command in ("run", "resume", "report", "site", "runs", "spaces", "model", "dashboard", "export"):
        assert re.search(rf"\b{command}\b", done.stdout)
    times = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import nassim.cli"], capture_output=True, text=True, check=True
    )
    heavy = {"pandas", "numpy", "sqlalchemy", "pydantic", "optuna", "torch", "ray", "yaml"}
    loaded = {line.rpartition("|")[2].strip() for line in times.stderr.splitlines()}
    assert not loaded & heavy


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "bad.yaml"], "nassim: bad.yaml: line 1: nam: unknown key (did you mean 'name'?)"),
        (["run", "quikstart"], "there is no experiment 'quikstart' (did you mean 'quickstart'?)"),
        (["run", "nowhere.yaml"], "nowhere.yaml: there is no such file"),
        (["run", "small.yaml", "--workers", "3"], "--workers given, but experiment 'small' runs inline"),
        (["run", "small.yaml", "--ledger", "mysql://me:secret@host/db"], "a ledger can't be kept in 'mysql'"),
        (
            ["run", "small.yaml", "--ledger", "sqlite:///no/such/folder/l.db"],
            "the folder no/such/folder does not exist",
        ),
        (["run", "space.yaml"], "there is no search space 'sell'"),
        (["run", "shape.yaml"], "set the space's input_shape to match"),
        (["run", "sampler.yaml"], "the sampler 'random' has no parameter 'depth'"),
        (["report"], "there is no ledger at nassim.db: no such file. `nassim run` makes one"),
        (["runs"], "there is no ledger at nassim.db"),
        (["resume", "x"], "there is no ledger at nassim.db"),
    ],
)
def test_mistakes_are_told_in_one_message_and_nothing_is_started_or_written(tmp_path, arguments, message):
    files = {
        "small.yaml": SMALL,
        "bad.yaml": "nam: x\n" + SMALL,
        "space.yaml": SMALL.replace("name: cell", "name: sell"),
        "shape.yaml": SMALL.replace("[1, 8, 8]", "[3, 8, 8]"),
        "sampler.yaml": SMALL.replace("{name: random}", "{name: random, parameters: {depth: 3}}"),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    done = nassim(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.startswith("nassim: ")
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr
    assert set(done.stdout.splitlines()) <= {OPENING, "going on with run x"}
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(files)


TRAP = """\
from nassim.space import Choose, SearchSpace
from torch import nn


class Trap(SearchSpace):
    \"\"\"A layer that can't be built, on the first asking only for a while, or one that can.\"\"\"

    input_shape, classes = (1, 8, 8), 10

    def build(self, choose: Choose) -> nn.Module:
        layer = choose("layer", {"good": lambda: nn.Linear(64, 10), "wide": lambda: nn.Linear(64, 10, bias=False)})
        return nn.Sequential(nn.Flatten(), layer)

    def to_string(self, architecture):
        return f"[b]{architecture['layer']}[/b]"
"""


@pytest.mark.slow
def test_a_search_that_comes_to_nothing_is_told_after_the_report_of_those_that_came_to_something(tmp_path):
    (tmp_path / "trap.py").write_text(TRAP)
    hopeless = (
        "  - {name: hopeless, evaluator: {kind: full}, sampler: {name: random}, trials: 3, trial_timeout_s: 1.0e-9}"
    )
    text = SMALL.replace(
        "{name: cell, parameters: {input_shape: [1, 8, 8], width: 2, cells: 1}}", "{name: trap.py:Trap}"
    )
    (tmp_path / "half.yaml").write_text(text.replace("\nfinal:", f"\n{hopeless}\nfinal:"))
    done = nassim_process("run", "half.yaml", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("nassim: search hopeless has found nothing: none of its 3 trials is complete")
    assert done.stderr.count("\n") == 1
    report = done.stdout.partition("\nsmall-1  failed")[2]
    assert re.search(r"random: \w{12}\n    \[b\](good|wide)\[/b\]\n", report)
    assert re.search(r"hopeless: 3 of 3 trials\n    3 trials, such as trial 0: \w+", report)
    assert "The books close: every leased second is posted to one activity." in report


@pytest.mark.slow
def test_interrupted_once_it_closes_its_books_and_resume_finishes_it(tmp_path):
    (tmp_path / "long.yaml").write_text(
        SMALL.replace("epochs: 1}\nsearches", "epochs: 3}\nsearches").replace("2}", "10}", 1)
    )
    process = subprocess.Popen(
        [*COMMAND, "run", "long.yaml"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if "random: full with random" in line:
            process.send_signal(signal.SIGINT)
            break
    out, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert "The books close" in out
    assert out.endswith("`nassim resume small-1` goes on with it.\n")
    done = nassim_process("resume", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "finished" in done.stdout
    assert "2 drivers" in done.stdout


def test_dashboard_shows_the_studies(finished):
    folder, _ = finished
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [*COMMAND, "dashboard", "--port", str(port)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert f"http://127.0.0.1:{port} shows run small-1" in process.stdout.readline()
        assert '"study_name": "random"' in fetch(f"http://127.0.0.1:{port}/api/studies")
    finally:
        process.terminate()
        _, said = process.communicate(timeout=30)
    assert process.returncode == 143
    assert "nassim: interrupted by SIGTERM" in said


def fetch(url: str, attempts: int = 100) -> str:
    """Read a page of a server that is just starting."""
    for attempt in range(attempts):
        try:
            with urllib.request.urlopen(url) as answer:
                return answer.read().decode()
        except OSError:
            if attempt == attempts - 1:
                raise
            time.sleep(0.1)
    raise AssertionError


def test_a_reader_that_goes_away_is_no_error(finished):
    folder, _ = finished
    command = " ".join(shlex.quote(part) for part in [*COMMAND, "report"])
    done = subprocess.run(f"{command} | head -1", shell=True, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("small-1  finished")
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_run_whose_reader_goes_away_goes_on_to_its_end(tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL)
    command = " ".join(shlex.quote(part) for part in [*COMMAND, "run", "small.yaml"])
    shell = ["bash", "-o", "pipefail", "-c", f"{command} | head -1"]
    done = subprocess.run(shell, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        "nassim: the run's progress can't be shown (BrokenPipeError: [Errno 32] Broken pipe); the run goes on",
        "nassim: the report can't be written: Broken pipe; `nassim report small-1` shows it",
    ]
    assert "finished" in nassim("runs", folder=tmp_path).stdout


@pytest.mark.parametrize("command", [["runs"], ["devices", "--format", "json"]])
def test_what_a_full_disk_does_not_take_is_told(finished, command):
    folder, _ = finished
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*COMMAND, *command], cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (2, "nassim: the output can't be written: No space left on device\n")


def test_letters_that_an_encoding_lacks_are_escaped_and_markup_is_not_taken_for_such(tmp_path):
    Ledger(f"sqlite:///{tmp_path / 'nassim.db'}").create("r-1", {"name": "😀 [red]é"}, "2026-01-01T00:00:00+00:00")
    listed = nassim_process("runs", folder=tmp_path, PYTHONIOENCODING="ascii").stdout
    assert r"\U0001f600 [red]\xe9" in listed


def test_the_found_model_is_handed_over_and_loads_with_the_line_that_is_printed(finished, tmp_path):
    folder, _ = finished
    listed = nassim("model", folder=folder).stdout
    assert re.search(r"^small-1/random +[0-9a-f]{12} +[\d,]+ +accuracy 0\.\d{4} +[\d.]+ kB$", listed, re.MULTILINE)
    done = nassim("model", "-o", str(tmp_path / "handed"), folder=folder)
    assert done.returncode == 0, done.stderr
    said, line = done.stdout.splitlines()
    assert said == f"{tmp_path / 'handed'} has the model small-1/random. In Python:"
    code = f"{line}\nimport torch\nprint(tuple(model(torch.zeros(3, 1, 8, 8)).shape), model.training)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert loaded.stdout == "(3, 10) False\n"
    again = nassim("model", "-o", str(tmp_path / "handed"), folder=folder)
    assert (again.returncode, again.stdout) == (2, "")
    assert "isn't empty. Give another, or --force" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["model", "small-1/tpe", "-o", "out"], "nassim: run small-1 has no search 'tpe'; it has 'random'"),
        (["model", "nowhere", "-o", "out"], "nassim: there is no run 'nowhere' in the ledger sqlite:///nassim.db"),
        (["model", "small-1/random"], "a folder, and none is given: `nassim model RUN/SEARCH -o DIR`"),
        (["model", "--onnx"], "a folder, and none is given: `nassim model RUN/SEARCH -o DIR`"),
        (["model", "-o", "small.yaml"], "small.yaml is a file; give the name of a folder"),
    ],
)
def test_a_model_that_there_is_not_is_told_and_nothing_written(finished, arguments, message):
    folder, _ = finished
    before = {path.name for path in folder.iterdir()}
    done = nassim(*arguments, folder=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert {path.name for path in folder.iterdir()} - before <= {"nassim.db-shm", "nassim.db-wal"}


def test_the_environment_names_the_ledger(finished):
    folder, _ = finished
    elsewhere = nassim("runs", folder=folder.parent, NASSIM_LEDGER=f"sqlite:///{folder / 'nassim.db'}")
    assert "small-1" in elsewhere.stdout
