"""Which model a name stands for, and what is said where there is none."""

import pytest

from nassim.errors import NassimError
from nassim.folder import folder_of
from nassim.ledger.finding import Finding
from nassim.ledger.store import Ledger
from nassim.models.shelf import find_model, shelved_models
from nassim.space.architecture import Architecture

FOUND = Finding("", 3, Architecture({"a": "x"}), 10, 20, 40, 100, 1, {"accuracy": 0.5}, 60)


def enter(ledger, root, run, searches, found=(), saved=(), status="finished", **about):
    """Enter a run of these searches, some of which have found a model, some of them with its file."""
    document = {"searches": [{"name": name} for name in searches], "checkpoint": {"folder": str(root)}}
    writer = ledger.create(run, document, "2026-01-01T00:00:00+00:00", {"folder": run, "identity": run} | about)
    for name in found:
        writer.found(Finding(**{field: getattr(FOUND, field) for field in FOUND.__slots__} | {"search": name}))
    writer.commit()
    if status != "running":
        writer.close(status)
    for name in saved:
        file = folder_of(ledger.run(run)).model_of(name, f"{name}/final")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"weights")


@pytest.fixture
def ledger(tmp_path):
    with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        enter(ledger, tmp_path, "one-1", ["tpe"], ["tpe"], ["tpe"])
        enter(ledger, tmp_path, "two-1", ["tpe", "a/b", "one-1"], ["tpe", "a/b"], ["tpe", "a/b"], "failed")
        yield ledger


@pytest.mark.parametrize(
    ("name", "run", "search"),
    [
        ("one-1", "one-1", "tpe"),
        ("one-1/tpe", "one-1", "tpe"),
        ("two-1/tpe", "two-1", "tpe"),
        ("tpe", "two-1", "tpe"),
        ("two-1/a/b", "two-1", "a/b"),
        ("a/b", "two-1", "a/b"),
    ],
)
def test_a_run_a_search_of_the_latest_or_both(ledger, name, run, search):
    model = find_model(ledger, name)
    assert (model.run, model.finding.search, model.bytes) == (run, search, 7)


def test_nothing_stands_for_the_only_search_of_the_latest_run(ledger, tmp_path):
    with pytest.raises(NassimError, match="run two-1 has the searches 'tpe', 'a/b', 'one-1'; say which: two-1/SEARCH"):
        find_model(ledger, None)
    enter(ledger, tmp_path, "three-1", ["enas"], ["enas"], ["enas"])
    assert find_model(ledger, None).file == tmp_path / "three-1" / "models" / "enas.safetensors"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("one-2/tpe", r"there is no run 'one-2' .*Did you mean one-1"),
        ("one-1/enas", "run one-1 has no search 'enas'; it has 'tpe'"),
        ("enas", r"there is no run 'enas' .*two-1 has no search of that name, but 'tpe', 'a/b', 'one-1'"),
        ("two-1", "say which: two-1/SEARCH"),
        ("two-1/one-1", r"search one-1 of run two-1 has no final model yet: the run has failed.*nassim resume two-1"),
    ],
)
def test_a_name_that_stands_for_no_model_is_told_with_what_there_is(ledger, name, message):
    with pytest.raises(NassimError, match=message):
        find_model(ledger, name)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("running", "the run goes on; or, if its driver is gone, `nassim resume r-1`"),
        ("interrupted", "the run was interrupted; `nassim resume r-1` goes on with it"),
        ("stopped", "the run was stopped by its experiment's budget"),
    ],
)
def test_why_there_is_no_model_yet(ledger, tmp_path, status, message):
    enter(ledger, tmp_path, "r-1", ["tpe"], status=status)
    with pytest.raises(NassimError, match=f"search tpe of run r-1 has no final model yet: {message}"):
        find_model(ledger, "r-1")


def test_weights_that_are_gone_or_were_never_saved(ledger, tmp_path):
    enter(ledger, tmp_path, "gone-1", ["tpe"], ["tpe"])
    with pytest.raises(NassimError, match=r"are gone: there is no file .*gone-1/models/tpe\.safetensors"):
        find_model(ledger, "gone-1")
    writer = ledger.create("old-1", {"searches": [{"name": "tpe"}]}, "2026-01-01", {"nassim": "0.1.0"})
    writer.found(Finding(**{field: getattr(FOUND, field) for field in FOUND.__slots__} | {"search": "tpe"}))
    writer.commit()
    with pytest.raises(NassimError, match=r"run old-1 is of nassim 0\.1\.0, which did not save models"):
        find_model(ledger, "old-1")


def test_all_are_listed_with_the_size_of_those_that_are_there(ledger, tmp_path):
    enter(ledger, tmp_path, "gone-1", ["tpe"], ["tpe"])
    listed = [(model.run, model.finding.search, model.bytes) for model in shelved_models(ledger)]
    assert listed == [("one-1", "tpe", 7), ("two-1", "tpe", 7), ("two-1", "a/b", 7), ("gone-1", "tpe", None)]
    assert [model.run for model in shelved_models(ledger, "one-1")] == ["one-1"]
    with pytest.raises(NassimError, match="there is no run 'four'"):
        shelved_models(ledger, "four")


def test_a_ledger_without_runs_says_so(tmp_path):
    with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        ledger.create("r-1", {}, "2026-01-01")
        with pytest.raises(NassimError, match="run r-1 has the searches"):
            find_model(ledger, None)
