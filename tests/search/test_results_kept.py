"""What a run found is kept: each search's model, in a folder that is the run's alone, whatever things are called."""

import json
import sqlite3

import pytest
from drivers import Driver
from searching import ENAS, FULL, TRAINING, Done, check_books, experiment, run

import nassim
from nassim.cost.work import Activity
from nassim.data.source import digits
from nassim.errors import NassimError
from nassim.evaluators.training import Examination
from nassim.folder import RunFolder, folder_of
from nassim.ledger.entry import Stage
from nassim.ledger.store import Ledger
from nassim.models.bundle import write_bundle
from nassim.models.shelf import find_model, shelved_models
from nassim.notices import JobReported
from nassim.run import execute, resume
from nassim.seeds import derive_seed

ONE = FULL | {"trials": 1}
SHORT = {"training": {"epochs": 1}, "final": {"schedule": {"epochs": 1}}}


def retested(plan, folder):
    """Test a model that was handed over on the experiment's test data."""
    data = digits(derive_seed(plan.seed, "data"), plan.data.validation, plan.data.test).load_final()
    test = Examination(nassim.load_model(folder), data.test)
    for _ in test.steps():
        pass
    return test.figures


def test_each_search_hands_over_the_model_whose_test_is_on_the_ledger(tmp_path):
    plan = experiment(tmp_path, ONE, ENAS)
    done = run(plan)
    assert [model.finding.search for model in shelved_models(done.ledger)] == ["full", "enas"]
    for name, finding in done.findings.items():
        card = write_bundle(find_model(done.ledger, f"run/{name}").file, tmp_path / name)
        assert retested(plan, tmp_path / name) == finding.metrics, "to the last bit"
        assert (card.architecture, card.seed, card.params) == (finding.architecture, finding.seed, finding.params)
        assert (card.forward_flop, card.backward_flop) == (finding.forward_flop, finding.backward_flop)
        assert card.training_flop == done.flop(search=name, stage="final", activity=Activity.TRAIN)
    saving = done.entries[(done.entries["stage"] == "final") & (done.entries["activity"] == Activity.CHECKPOINT)]
    last = saving[saving["step"] == TRAINING["epochs"]]
    assert list(last["bytes"]) == [find_model(done.ledger, f"run/{name}").bytes for name in done.findings]
    assert (last["seconds"] > 0).all()
    assert not (tmp_path / "runs" / "run" / "checkpoints").exists()


@pytest.mark.slow
def test_a_driver_that_is_gone_once_the_model_is_saved_trains_and_tests_nothing_again(tmp_path):
    plan = experiment(tmp_path, ONE, checkpoint={"folder": str(tmp_path / "runs"), "every": 0})

    def interrupt(notice):
        if isinstance(notice, JobReported) and notice.stage is Stage.FINAL and notice.value is not None:
            raise KeyboardInterrupt

    execute(plan, name="run", observe=interrupt)
    ledger = Ledger(plan.ledger)
    assert (ledger.run("run").status, ledger.findings("run")) == ("interrupted", [])
    with pytest.raises(NassimError, match="has no final model yet: the run was interrupted; `nassim resume run`"):
        find_model(ledger, "run")
    resume("run", plan.ledger)
    done = Done(plan.ledger, "run")
    check_books(done)
    assert done.status == "finished"
    assert done.flop(activity=Activity.LOST) == 0
    (tmp_path / "undisturbed").mkdir()
    undisturbed = run(experiment(tmp_path / "undisturbed", ONE))
    assert done.results() == undisturbed.results()
    write_bundle(find_model(done.ledger, "run").file, tmp_path / "handed")
    assert retested(plan, tmp_path / "handed") == done.findings["full"].metrics


@pytest.mark.slow
def test_a_final_training_whose_model_cannot_be_saved_is_gone_on_with_once_it_can(tmp_path, monkeypatch):
    """A file stands where the folder is to be."""
    monkeypatch.setattr("nassim.search.hindrances.PATIENCE_S", 0.1)
    plan = experiment(tmp_path, ONE)
    models = tmp_path / "runs" / "run" / "models"

    def block(notice):
        if not models.exists():
            models.write_text("in the way")

    with pytest.raises(NassimError, match=r"runs/run/models can't be made: File exists.*`nassim resume run` goes on"):
        execute(plan, name="run", observe=block)
    assert Ledger(plan.ledger).run("run").status == "failed"
    models.unlink()
    resume("run", plan.ledger)
    done = Done(plan.ledger, "run")
    check_books(done)
    rows = done.entries[done.entries["job"] == "full/final"]
    trained = rows[(rows["activity"] == Activity.TRAIN) & (rows["samples"] > 0)]
    assert list(trained["attempt"].unique()) == [1]
    assert rows.loc[rows["activity"] == Activity.TRAIN, "samples"].sum() == 3 * 1438
    (tmp_path / "undisturbed").mkdir()
    assert done.results() == run(experiment(tmp_path / "undisturbed", ONE)).results()


HOSTILE = (
    "../../../precious",
    "/etc/passwd",
    "a/trial/0",
    "a",
    "CON",
    "😀" * 80,
    "Full",
    "full",
    "..",
    "x [red]y[/red]",
)


@pytest.mark.slow
def test_searches_called_anything_keep_to_their_runs_folder_and_apart(tmp_path):
    (tmp_path / "precious").write_text("precious")
    root = tmp_path / "deep" / "down" / "runs"
    searches = [(ENAS if n % 2 else ONE) | {"name": name} for n, name in enumerate(HOSTILE)]
    plan = experiment(tmp_path, *searches, **SHORT)
    plan = plan.model_copy(update={"checkpoint": plan.checkpoint.model_copy(update={"folder": str(root)})})
    done = run(plan)
    assert done.status == "finished"
    files = {model.finding.search: model.file for model in shelved_models(done.ledger)}
    assert set(files) == set(HOSTILE)
    assert len(set(files.values())) == len(HOSTILE)
    assert all(file.is_file() and file.resolve().parent == root / "run" / "models" for file in files.values())
    assert (tmp_path / "precious").read_text() == "precious"
    assert {path.name for path in tmp_path.iterdir()} == {"precious", "deep", "ledger.db"} | {
        path.name for path in tmp_path.glob("ledger.db-*")
    }
    assert len(list((root / "run" / "shared-weights").iterdir())) == len(HOSTILE) // 2


def test_an_experiment_called_anything_gives_its_runs_a_name(tmp_path):
    plan = experiment(tmp_path, ONE, name="../../../precious 😀", **SHORT)
    assert execute(plan) == "precious-1"
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["precious-1"]


@pytest.mark.slow
def test_runs_of_the_same_name_in_two_ledgers_have_folders_of_their_own(tmp_path):
    """Both were once in one folder: the second began by the first one's checkpoints, and removed them at its end."""
    first = experiment(tmp_path, ENAS)
    driver = Driver(first)
    driver.wait_for_reports(8)
    driver.process.kill()
    driver.join()
    theirs = tmp_path / "runs" / "run"
    before = {path: path.read_bytes() for path in theirs.rglob("*") if path.is_file()}
    second = first.model_copy(update={"ledger": f"sqlite:///{tmp_path / 'other.db'}", "seed": 4})
    assert run(second).status == "finished"
    assert {path: path.read_bytes() for path in theirs.rglob("*") if path.is_file()} == before
    assert find_model(Ledger(second.ledger), None).file == tmp_path / "runs" / "run~2" / "models" / "enas.safetensors"
    resume("run", first.ledger)
    assert find_model(Ledger(first.ledger), None).file == theirs / "models" / "enas.safetensors"


@pytest.mark.slow
def test_a_run_whose_folder_became_anothers_is_not_gone_on_with(tmp_path):
    plan = experiment(tmp_path, ENAS)
    driver = Driver(plan)
    driver.wait_for_reports(3)
    driver.process.kill()
    driver.join()
    marker = tmp_path / "runs" / "run" / "run.json"
    marker.write_text(json.dumps({"run": "run", "identity": "another", "ledger": "sqlite:///other.db"}))
    frame = Ledger(plan.ledger).frame("run")
    with pytest.raises(NassimError, match=r"runs/run is not that of run run: its run\.json says run run"):
        resume("run", plan.ledger)
    assert Ledger(plan.ledger).frame("run").equals(frame)


@pytest.mark.slow
def test_a_run_of_version_0_1_0_is_gone_on_with_from_its_unmarked_folder(tmp_path):
    """Its name was its folder's, and a search's name was taken as a path."""
    plan = experiment(tmp_path, ENAS | {"name": "My ENAS"})
    driver = Driver(plan)
    driver.wait_for_reports(8)
    driver.process.kill()
    driver.join()
    folder = folder_of(Ledger(plan.ledger).run("run"))
    old = RunFolder(folder.path, "run", None)
    folder.shared_weights_of("My ENAS").rename(folder.path / "shared-weights" / "My ENAS")
    (folder.path / "run.json").unlink()
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute('UPDATE nassim_runs SET about = \'{"nassim": "0.1.0"}\'')
    resume("run", plan.ledger, trust=True)
    done = Done(plan.ledger, "run")
    check_books(done)
    assert done.status == "finished"
    assert find_model(done.ledger, "run").file == old.model_of("My ENAS", "My ENAS/final")
    (tmp_path / "undisturbed").mkdir()
    undisturbed = run(experiment(tmp_path / "undisturbed", ENAS | {"name": "My ENAS"}))
    assert done.results() == undisturbed.results()


def test_a_folder_that_cannot_be_made_is_told_before_anything_is_written(tmp_path):
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(NassimError, match=r"runs can't be written, where runs leave their files: File exists"):
        execute(experiment(tmp_path, ONE), name="run")
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_a_name_that_is_taken_leaves_no_folder(tmp_path):
    plan = experiment(tmp_path, ONE, **SHORT)
    run(plan)
    with pytest.raises(NassimError, match="has a run 'run' already"):
        execute(plan, name="run")
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["run"]
