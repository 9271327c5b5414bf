"""Every key of the JSON report is documented, and every documented key is there."""

import json
import re
from pathlib import Path

import pytest
from report_samples import RUN, post_sample

from nassim.cost.work import Activity
from nassim.report.bill import run_cost
from nassim.report.json import document, to_json
from nassim.report.reading import summarise

PAGE = Path(__file__).parents[2] / "docs" / "report.md"
COMPUTES = ("searches[].search", "searches[].final", "shared", "total")
COSTS = (*(f"costs.searches[].{part}" for part in ("search", "final", "training")), "costs.shared", "costs.total")
RATIOS = tuple(f"costs.searches[].search_over_training.{unit}" for unit in ("kwh", "usd", "gco2e"))
BRACKETS = ("search_over_final", "search_over_training", "balance", "costs", "costs.terms")
"""What only holds keys together."""
OPEN = ("searches[].found.architecture", "searches[].found.metrics")
"""Mappings whose keys are the user's."""


@pytest.fixture
def summary(tmp_path):
    return summarise(post_sample(f"sqlite:///{tmp_path / 'l.db'}"), RUN)


@pytest.fixture
def cost(tmp_path):
    return run_cost(post_sample(f"sqlite:///{tmp_path / 'c.db'}"), RUN, {"device": "a100", "region": "FRA", "pue": 1.2})


def key_paths(value, path=""):
    if path and not path.endswith(BRACKETS):
        yield path
    if isinstance(value, dict) and path not in OPEN:
        for key, item in value.items():
            yield from key_paths(item, f"{path}.{key}".removeprefix("."))
    elif isinstance(value, list):
        yield f"{path}[]"
        for item in value:
            yield from (p for p in key_paths(item, f"{path}[]") if p != f"{path}[]")


def documented():
    text = PAGE.read_text(encoding="utf-8")
    keys, of_compute, of_cost, of_figure = (
        set(re.findall(r"^\| `([^`]+)` \|", part, re.MULTILINE))
        for part in re.split("Keys of a (?:compute|cost|figure)", text)
    )
    figures = {f"{cost}.{key}" for cost in COSTS for key in of_cost}
    return (
        keys
        | {f"{compute}.{key}" for compute in COMPUTES for key in of_compute}
        | figures
        | {f"{figure}.{key}" for figure in (*figures, *RATIOS) for key in of_figure}
    )


def test_keys_are_those_documented(summary, cost):
    found = set(key_paths(document(summary, cost)))
    lists = {path.removesuffix("[]") for path in found if path.endswith("[]")}
    assert found - lists == documented()


def test_the_page_names_every_activity():
    line = next(line for line in PAGE.read_text(encoding="utf-8").splitlines() if "`activities[].activity`" in line)
    assert set(re.findall(r"`(\w+)`", line)) == set(Activity)


def test_it_is_strict_json_and_null_is_unknown(summary, cost):
    parsed = json.loads(to_json(summary, cost), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert parsed == json.loads(json.dumps(document(summary, cost)))
    enas = parsed["searches"][1]
    assert enas["found"] is None
    assert enas["search_over_final"] == {"flop": None, "device_s": None}
    assert parsed["searches"][0]["found"]["metrics"] == {"accuracy": 0.961, "loss": None}
