"""docs/extending.md: the parts of one's own on it are taken off the page, and run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nassim.ledger.store import Ledger

PAGE = Path(__file__).parents[1] / "docs" / "extending.md"
FILES = re.compile(r"^\*\*`([^`]+)`\*\*\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path):
    """A folder with the files of the page."""
    for name, text in FILES.findall(PAGE.read_text(encoding="utf-8")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def run(folder, *arguments):
    command = [sys.executable, *arguments]
    paths = os.pathsep.join([str(PAGE.parents[1]), str(folder)])
    environment = os.environ | {"PYTHONPATH": paths, "COLUMNS": "200"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_experiment_of_nothing_but_ones_own_parts_runs(folder):
    assert len(list(folder.glob("mine/*.py"))) == 6
    run(folder, "-c", "from nassim.cli import main; main()", "run", "mine.yaml")
    ledger = Ledger(f"sqlite:///{folder / 'nassim.db'}")
    assert ledger.run("mine-1").status == "finished"
    assert ledger.balance("mine-1")["closed"].all()
    assert {finding.search for finding in ledger.findings("mine-1")} == {"from-scratch", "climbing", "at-random"}
    entries = ledger.frame("mine-1")
    shared = entries[entries["stage"] == "shared"]
    assert set(shared["job"]) == {"common/shared"}, "what two searches share is one training"
    assert set(shared["search"]) == {"climbing"}, "of the search that it was done for"
    assert shared.loc[shared["activity"] == "checkpoint", "step"].tolist() == [1, 2, 3], "done once"
    code = ledger.run("mine-1").about["code"]
    assert {Path(reference.partition(":")[0]).name for reference in code} == {
        f"{part}.py" for part in ("space", "data", "evaluator", "sampler", "pruner", "executor")
    }


@pytest.mark.slow
def test_they_keep_to_the_contracts(folder):
    run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py")
