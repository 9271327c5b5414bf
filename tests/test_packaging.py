"""The built wheel, installed on its own in an empty folder, has all that a user needs."""

import importlib.util
import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path
from sysconfig import get_path

import pytest

ROOT = Path(__file__).parents[1]


def run(*command, folder):
    """Run a command outside of the checkout and return what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling, which builds the wheel, is not installed: pip install -e '.[dev]'")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Return the folder of the commands of an environment that has the wheel, and this environment's dependencies."""
    folder = tmp_path_factory.mktemp("env")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python]
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, folder=folder)
    # Only now, or pip would take this environment's own nassim for one that it may replace.
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(get_path("purelib"))
    return folder / "bin"


def test_the_wheel_holds_spaces_experiments_and_catalogues(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"nassim/py.typed", "nassim/bundled/quickstart.yaml", "search_spaces/cell.py"} <= names
    data = {path.relative_to(ROOT).as_posix() for path in (ROOT / "nassim").rglob("*.csv")}
    assert data <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith(("tests/", "experiments/")) for name in names)


def test_every_experiment_is_bundled():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    bundled = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    for path in (ROOT / "experiments").glob("*.yaml"):
        assert bundled[f"experiments/{path.name}"] == f"nassim/bundled/{path.name}"


def test_an_installed_nassim_finds_its_spaces_and_experiments(installed, tmp_path):
    assert "search_spaces.cell:Cell" in run(installed / "nassim", "spaces", folder=tmp_path)
    code = (
        "import nassim, search_spaces\nfrom nassim.experiment import bundled, load_experiment\n"
        "print(nassim.__file__, search_spaces.__file__, *bundled().values(), load_experiment('quickstart').name)"
    )
    *files, name = run(installed / "python", "-c", code, folder=tmp_path).split()
    assert name == "quickstart"
    assert all(Path(file).is_relative_to(installed.parent) for file in files)


@pytest.mark.slow
def test_an_installed_nassim_runs_the_quickstart(installed, tmp_path):
    out = run(installed / "nassim", "run", "quickstart", folder=tmp_path)
    assert "Search : final is FLOP performed over FLOP performed" in out
    assert "The books close: every leased second is posted to one activity." in out
