"""Exported studies carry what they cost, and name the trial that nassim found."""

import math

import optuna
import pytest
from searching import CELL, ENAS, FULL, Done, experiment, run, traps
from sqlalchemy import create_engine, text

from nassim.cost.work import Activity
from nassim.errors import NassimError
from nassim.executors.clock import utc
from nassim.ledger.entry import DRIVER, Entry
from nassim.ledger.export import PASSED_OVER, export_studies
from nassim.ledger.store import Ledger
from nassim.report.reading import read_run

SHORT = {"training": {"epochs": 2}, "final": {"schedule": {"epochs": 1}}}


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Done:
    """A run of three searches: some trials are duplicates; some fail; some are a controller's lessons."""
    folder = tmp_path_factory.mktemp("run")
    full, enas = FULL | {"trials": 8}, ENAS
    return run(experiment(folder, full, enas, space=CELL, **SHORT))


@pytest.fixture(scope="module")
def exported(done, tmp_path_factory) -> dict[str, optuna.Study]:
    url = f"sqlite:///{tmp_path_factory.mktemp('export') / 'studies.db'}"
    assert export_studies(done.ledger, "run", url) == ["run/full", "run/enas"]
    return {name: optuna.load_study(study_name=f"run/{name}", storage=url) for name in ("full", "enas")}


@pytest.mark.parametrize("search", ["full", "enas"])
def test_a_trials_attributes_are_its_line_of_the_ledger(done, exported, search):
    trials = exported[search].get_trials()
    assert len(trials) == len(done.trials.loc[search])
    for trial in trials:
        row, attributes = done.trials.loc[search, trial.number], trial.user_attrs
        assert attributes["nassim:outcome"] == row["outcome"]
        assert attributes["nassim:attempts"] == row["attempts"] == 1
        for name in ("forward_flop", "backward_flop", "torch_flop", "elementwise_bytes", "samples"):
            assert attributes[f"nassim:{name}"] == row[name]
        is_counted = row["elementwise_flop"] > 0 or row["samples"] == 0
        assert attributes.get("nassim:elementwise_flop") == (row["elementwise_flop"] if is_counted else None)
        assert attributes["nassim:device_s"] == row["seconds"] > 0
        assert attributes["nassim:architecture_id"] == row["architecture"]
        assert attributes["nassim:architecture"] == trial.params
        assert attributes["nassim:value"] == trial.value
        assert attributes["nassim:found"] == (trial.number == done.findings[search].trial)
        assert "nassim:reason" not in attributes
        assert ("nassim:energy_j" in attributes) == (not math.isnan(row["energy_j"]))


@pytest.mark.parametrize("search", ["full", "enas"])
def test_a_studys_attributes_are_the_figures_of_the_report(done, exported, search):
    (facts,) = [facts for facts in read_run(done.ledger, "run").searches if facts.name == search]
    attributes, finding = exported[search].user_attrs, done.findings[search]
    for stage, part in (("search", facts.search), ("final", facts.final)):
        assert attributes[f"nassim:{stage}_forward_flop"] == part.compute.forward_flop.value
        assert attributes[f"nassim:{stage}_backward_flop"] == part.compute.backward_flop.value
        assert attributes[f"nassim:{stage}_device_s"] == pytest.approx(part.busy.device_s.value)
        assert attributes[f"nassim:{stage}_driver_s"] == pytest.approx(part.driver_s)
    assert attributes["nassim:found_trial"] == finding.trial
    assert attributes["nassim:found_architecture"] == dict(finding.architecture)
    assert attributes["nassim:found_params"] == finding.params
    assert attributes["nassim:found_forward_flop"] == finding.forward_flop
    assert attributes["nassim:found_test_metrics"] == finding.metrics
    assert (attributes["nassim:run"], attributes["nassim:search"]) == ("run", search)
    assert attributes["nassim:status"] == "finished"


def test_what_belongs_to_no_single_trial_is_in_the_studys_totals(done, exported):
    """Trials of shared weights cost their scoring; the training is the search's."""
    study = exported["enas"]
    of_trials = sum(trial.user_attrs["nassim:backward_flop"] for trial in study.get_trials())
    assert of_trials == 0
    trained = (
        done.flop(search="enas", activity=Activity.SUPERNET)
        - done.entries.loc[
            (done.entries["search"] == "enas") & (done.entries["activity"] == Activity.SUPERNET), "forward_flop"
        ].sum()
    )
    assert study.user_attrs["nassim:search_backward_flop"] == trained > 0


@pytest.mark.parametrize("search", ["full", "enas"])
def test_optunas_best_trial_is_the_one_that_nassim_found(done, exported, search):
    study = exported[search]
    assert study.best_trial.number == done.findings[search].trial
    for trial in study.get_trials():
        better = trial.value >= study.best_value and trial.number != study.best_trial.number
        assert (PASSED_OVER in trial.constraints) == better
    if search == "enas":
        assert done.findings[search].trial >= 12, "2 rounds of 2 updates of 3 trials come before the derived ones"


def test_of_equals_the_found_one_is_optunas_best_and_why_others_failed_is_told(tmp_path):
    search = FULL | {"sampler": {"name": "random"}, "trials": 9}
    done = run(experiment(tmp_path, search, space=traps("fine", "raises"), **SHORT))
    assert {"complete", "duplicate", "failed"} == set(done.outcomes)
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    export_studies(done.ledger, "run", url)
    study = optuna.load_study(study_name="run/full", storage=url)
    assert study.best_trial.number == done.findings["full"].trial
    for trial in study.get_trials():
        failed = trial.user_attrs["nassim:outcome"] == "failed"
        assert failed == (trial.state.name == "FAIL")
        assert trial.user_attrs.get("nassim:reason") == ("TypeError: this one can't be trained" if failed else None)
        assert ("nassim:value" in trial.user_attrs) == (not failed)


def test_a_run_that_goes_on_is_exported_as_far_as_it_is(tmp_path):
    """An open trial has no outcome but the ledger's "open"; nothing is found yet."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    writer = ledger.create("run-1", {}, "2026-01-01T00:00:00+00:00")
    study = optuna.create_study(study_name="run-1/tpe", storage=writer.storage(utc), direction="maximize")
    study.ask()
    writer.commit()
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    export_studies(ledger, "run-1", url)
    copy = optuna.load_study(study_name="run-1/tpe", storage=url)
    assert [trial.state.name for trial in copy.get_trials()] == ["RUNNING"]
    assert copy.get_trials()[0].user_attrs == {}
    assert copy.user_attrs["nassim:search_forward_flop"] == 0
    assert not [name for name in copy.user_attrs if "found" in name]
    assert DRIVER not in copy.user_attrs


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"])
def test_a_storage_in_memory_is_refused(done, url):
    with pytest.raises(
        NassimError, match=r"is in memory, where studies are gone once they are exported\. Wanted: sqlite"
    ):
        export_studies(done.ledger, "run", url)


@pytest.mark.parametrize("url", ["redis://:secret@localhost/0", "mysql://a:secret@b/c", "odd://x", "x", ""])
def test_a_storage_that_can_not_be_is_refused(done, url):
    with pytest.raises(
        NassimError, match=r"there can be no Optuna storage at .*\. Wanted: sqlite:///FILE or"
    ) as caught:
        export_studies(done.ledger, "run", url)
    assert "secret" not in str(caught.value)


def test_an_export_that_fails_leaves_no_study(done, tmp_path):
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    optuna.create_study(study_name="other", storage=url)
    with create_engine(url).begin() as connection:
        connection.execute(
            text("CREATE TRIGGER full BEFORE INSERT ON trials BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
        )
    with pytest.raises(NassimError, match=r"there can be no Optuna storage at sqlite:.*Wanted: sqlite:///FILE"):
        export_studies(done.ledger, "run", url)
    assert optuna.get_all_study_names(url) == ["other"]


def test_a_study_that_is_there_already_is_left_as_it_is(done, tmp_path):
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    optuna.create_study(study_name="run/enas", storage=url)
    with pytest.raises(NassimError, match="has the study 'run/enas' already; delete it there, or export elsewhere"):
        export_studies(done.ledger, "run", url)
    assert optuna.get_all_study_names(url) == ["run/enas"]


def test_what_could_not_be_counted_is_listed(tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    writer = ledger.create("run-1", {}, "2026-01-01T00:00:00+00:00")
    optuna.create_study(study_name="run-1/tpe", storage=writer.storage(utc), direction="maximize")
    uncounted = ("aten::fft", "aten::lu")
    writer.append(Entry("w", 0.0, 1.0, Activity.TRAIN, search="tpe", forward_flop=5, uncounted=uncounted))
    writer.commit()
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    export_studies(ledger, "run-1", url)
    attributes = optuna.load_study(study_name="run-1/tpe", storage=url).user_attrs
    assert attributes["nassim:search_uncounted"] == [*uncounted]
    assert "nassim:final_uncounted" not in attributes
