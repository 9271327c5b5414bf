"""The order of imports, read from every import in the package: left may import right, never back."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import nassim

PACKAGE = Path(nassim.__file__).parent
SPACES = PACKAGE.parent / "search_spaces"

LAYERS = (
    ("cli",),
    ("run",),
    ("search", "report"),
    ("notices", "experiment"),
    ("executors", "evaluators", "samplers"),
    ("evaluation",),
    ("models",),
    ("folder",),
    ("data",),
    ("ledger", "hardware"),
    ("space",),
    ("cost",),
    ("sources", "budget"),
    ("catalogue", "spec"),
    ("durable", "errors", "pareto", "seeds", "units"),
)
"""From left to right; the parts of one layer don't import each other."""

ANYWHERE = ("testing",)
"""Contract tests for authors of plug-ins: may import all, and none may import them."""

ONLY_IN = {
    "ray": ("executors/ray/*.py",),
    "sqlalchemy": ("ledger/*.py",),
    "optuna": ("samplers/*.py", "search/*.py", "run/*.py", "space/distributions.py", "ledger/*.py", "testing/*.py"),
    "optuna_dashboard": ("cli/results.py",),
    "time": ("executors/*.py",),
}
"""Which modules of others are imported where, inside functions or not."""

LIGHT = (
    "nassim",
    "nassim.cli",
    "nassim.cli.commands",
    "nassim.experiment",
    "nassim.ledger.store",
    "nassim.models.shelf",
    "nassim.cli.results",
    "nassim.report.text",
    "nassim.report.facts",
    "nassim.report.reading",
    "nassim.cli.running",
    "nassim.cli.hardware",
    "nassim.evaluation",
    "nassim.executors.base",
    "nassim.cost.work",
    "nassim.cost.profile",
    "nassim.space.architecture",
    "nassim.sources",
    "nassim.run.code",
    "nassim.evaluators.catalogue",
    "nassim.executors.catalogue",
    "nassim.samplers.catalogue",
    "nassim.data.catalogue",
    "nassim.space.catalogue",
    "nassim.notices",
)
"""What loads neither torch nor ray."""

FILES = sorted(PACKAGE.rglob("*.py"))


def layer(part: str) -> int:
    return next(i for i, parts in enumerate(LAYERS) if part in parts)


def part_of(module: str) -> str:
    """`nassim.space.architecture` is of the part `space`."""
    return module.split(".")[1] if "." in module else ""


def name_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(file: Path) -> Iterator[tuple[int, str]]:
    """Yield line and name of every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}:{node.lineno}: imports are absolute"
            module = node.module or ""
            yield node.lineno, module
            if module == "nassim":
                yield from ((node.lineno, f"nassim.{alias.name}") for alias in node.names)


def test_every_part_has_its_place():
    parts = {part_of(name_of(file)) for file in FILES} - {""}
    known = {part for parts in LAYERS for part in parts} | set(ANYWHERE)
    assert parts <= known, f"give {parts - known} a place in LAYERS"


def test_left_imports_right_and_never_back():
    wrong = []
    for file in FILES:
        own = part_of(name_of(file))
        if own in ("", *ANYWHERE):
            continue
        for line, module in imports_of(file):
            other = part_of(module) if module.startswith("nassim.") else ""
            if other and not other.startswith("__") and other != own and (
                other in ANYWHERE or layer(other) <= layer(own)
            ):  # fmt: skip
                wrong.append(f"{file.relative_to(PACKAGE)}:{line}: {own} imports {module}")
    assert not wrong, "\n".join(wrong)


def test_the_check_sees_an_import_that_goes_back(tmp_path):
    file = tmp_path / "m.py"
    file.write_text("import os\ndef f():\n    from nassim.cli.commands import app\n    from nassim import run\n")
    assert list(imports_of(file)) == [(1, "os"), (3, "nassim.cli.commands"), (4, "nassim"), (4, "nassim.run")]
    assert layer("cli") < layer("space")


def test_no_module_needs_itself():
    """Imports within functions and those for types alone included: a circle of modules is one module in disguise."""
    modules = {name_of(file) for file in FILES}
    needs = {name_of(file): {module for _, module in imports_of(file)} & modules - {name_of(file)} for file in FILES}
    while ready := {module for module, needed in needs.items() if not needed & needs.keys()}:
        needs = {module: needed for module, needed in needs.items() if module not in ready}
    assert not needs, f"a circle of imports among, or that are needed by, {sorted(needs)}"


def test_no_two_public_classes_have_one_name():
    homes: dict[str, list[str]] = {}
    for file in FILES:
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(str(file.relative_to(PACKAGE)))
    assert not {name: files for name, files in homes.items() if len(files) > 1}


@pytest.mark.parametrize("library", ONLY_IN)
def test_libraries_stay_where_they_belong(library):
    allowed = {file for pattern in ONLY_IN[library] for file in PACKAGE.glob(pattern)}
    wrong = [
        f"{file.relative_to(PACKAGE)}:{line} imports {module}"
        for file in FILES
        if file not in allowed
        for line, module in imports_of(file)
        if module.partition(".")[0] == library
    ]
    assert not wrong, "\n".join(wrong)


def test_the_wall_clock_is_read_by_executors_alone():
    wrong = [
        f"{file.relative_to(PACKAGE)}:{node.lineno}"
        for file in FILES
        if file.parent.name != "executors"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today", "perf_counter", "monotonic")
    ]
    assert not wrong, "\n".join(wrong)


def test_search_spaces_are_written_against_the_public_api_alone():
    wrong = [
        f"{file.name}:{line} imports {module}"
        for file in SPACES.glob("*.py")
        for line, module in imports_of(file)
        if module.startswith("nassim.") and module not in ("nassim.space", "nassim.errors", "nassim.cost.profile")
    ]
    assert not wrong, "\n".join(wrong)


def test_light_modules_load_neither_torch_nor_ray():
    """One after the other in one process: the first that does is named."""
    code = (
        "import importlib, sys\n"
        f"for module in {LIGHT}:\n"
        "    importlib.import_module(module)\n"
        "    if loaded := {'torch', 'ray'} & {*sys.modules}:\n"
        "        sys.exit(f'{module} loads {loaded}')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
