"""Every key of the JSON report is documented, every documented key is there, and its schema stays."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from report_samples import ENTRIES, RUN, TRAIN_A, post_front, post_sample

from nassim.cost.work import Activity
from nassim.hardware.figure import Bound, Kind
from nassim.report.facts import FoundModel, RunFacts
from nassim.report.reading import read_run

PAGE = Path(__file__).parents[2] / "docs" / "report.md"
SCHEMA = PAGE.with_name("report.schema.json")
OPEN = ("architecture", "metrics", "objectives", "values")
"""Mappings whose keys are the user's."""
KINDS = {
    "figure": {"value", "kind", "missing", "bound"},
    "amounts": {"flop", "device_s", "device_kwh", "kwh", "usd", "gco2e"},
    "ratio": {"flop", "device_s", "kwh", "usd", "gco2e"},
    "part": {"busy", "leased", "compute", "activities", "driver_s", "driver_busy_s", "utilisation"},
    "term": {"value", "origin"},
    "model": {*FoundModel.model_fields, *FoundModel.model_computed_fields},
}
"""Mappings that stand in several places: the page has a table for each, and says of a key that it is one."""


@pytest.fixture
def facts(tmp_path):
    return read_run(post_front(f"sqlite:///{tmp_path / 'l.db'}"), RUN, {"device": "a100", "region": "FRA", "pue": 1.2})


def kind_of(value) -> str:
    return next((kind for kind, keys in KINDS.items() if isinstance(value, dict) and set(value) == keys), "")


def keys_in(value, path=""):
    """Yield path and kind of every key, down to mappings that have a table of their own."""
    for key, item in value.items():
        here = f"{path}.{key}".removeprefix(".")
        if isinstance(item, list):
            here = f"{here}[]"
            mappings = [each for each in item if isinstance(each, dict)]
            kinds = {kind_of(each) for each in mappings} or {""}
            yield here, *kinds
            for each in mappings if kinds == {""} else ():
                yield from keys_in(each, here)
        elif isinstance(item, dict) and not kind_of(item) and key not in OPEN:
            yield from keys_in(item, here)
        else:
            yield here, kind_of(item)


def first(kind, value):
    """Return the first mapping of a kind."""
    if kind_of(value) == kind:
        return value
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for item in items if (found := first(kind, item))), None)


def tables():
    """Return the page's rows by table: what each key means."""
    _, _, keys = PAGE.read_text(encoding="utf-8").partition("\n## Keys\n")
    parts = re.split(r"^Keys of (?:an? )?(\w+):", keys, flags=re.MULTILINE)
    texts = {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}
    return {kind: dict(re.findall(r"^\| `([^`]+)` \| (.*) \|$", text, re.MULTILINE)) for kind, text in texts.items()}


@pytest.mark.parametrize("kind", ["", *KINDS])
def test_keys_are_those_documented(facts, kind):
    report = json.loads(facts.to_json())
    found = dict(keys_in(first(kind, report) if kind else report))
    assert set(found) == set(tables()[kind])


@pytest.mark.parametrize("kind", ["", *KINDS])
def test_the_page_says_of_what_kind_a_key_is(facts, kind):
    report = json.loads(facts.to_json())
    # What is null in one place may be of a kind in another.
    kinds = dict(sorted(keys_in(first(kind, report) if kind else report)))
    for key, nested in kinds.items():
        said = re.findall(rf"\(({'|'.join(KINDS)})\)$", tables()[kind][key])
        assert said == ([nested] if nested else []), key


def test_the_page_names_every_activity_kind_and_bound():
    rows = tables()
    for row, words in (
        (rows["part"]["activities[].activity"], Activity),
        (rows["figure"]["kind"], Kind),
        (rows["figure"]["bound"], Bound),
    ):
        assert set(re.findall(r"`([\w -]+)`", row)) == {str(word) for word in words}


def test_it_is_strict_json_and_null_is_unknown(facts):
    parsed = json.loads(facts.to_json(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    enas = parsed["searches"][1]
    assert enas["found"] is None
    assert enas["search_over_final"]["busy"]["flop"] == {
        "value": None,
        "kind": "unknown",
        "missing": ["a final training that is done"],
        "bound": "exact",
    }
    assert parsed["searches"][0]["found"]["metrics"] == {"accuracy": 0.961, "loss": None}


def test_amounts_are_exact_however_large(tmp_path):
    huge = replace(TRAIN_A, forward_flop=2**62 + 1, elementwise_flop=2**60 + 1)
    entries = [huge if entry is TRAIN_A else entry for entry in ENTRIES]
    report = json.loads(read_run(post_sample(f"sqlite:///{tmp_path / 'l.db'}", entries=entries), RUN).to_json())
    compute = report["searches"][0]["search"]["compute"]
    assert compute["forward_flop"]["value"] == 2**62 + 1 + 65_000
    assert compute["elementwise_flop"]["value"] == 2**60 + 1


@pytest.mark.parametrize("simulated", [True, False])
def test_it_says_whether_the_run_is_simulated(tmp_path, simulated):
    ledger = post_sample(f"sqlite:///{tmp_path / 'l.db'}", simulated=simulated)
    assert json.loads(read_run(ledger, RUN).to_json())["simulated"] is simulated


def test_the_schema_stays():
    """Who changes it on purpose raises SCHEMA, unless keys are only added, and writes the file anew.

    python -c 'import json; from nassim.report.facts import RunFacts
    print(json.dumps(RunFacts.model_json_schema(mode="serialization"), indent=1))' >docs/report.schema.json
    """
    assert RunFacts.model_json_schema(mode="serialization") == json.loads(SCHEMA.read_text(encoding="utf-8"))
