"""Optuna's own test cases for storages, on the journal in the ledger."""

import json
import pickle
import sqlite3
from datetime import UTC, datetime, timedelta

import optuna
import pytest
from ledger_samples import new_run
from optuna.testing.pytest_storages import StorageTestCase

from nassim.errors import NassimError
from nassim.executors.clock import utc
from nassim.ledger.store import Ledger


class TestWriterStorage(StorageTestCase):
    @pytest.fixture
    def storage(self, tmp_path):
        with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
            writer = new_run(ledger)
            storage = writer.storage(utc)
            yield storage
            # Whatever the test did, an onlooker and a later driver see the same studies.
            writer.commit()
            for other in (ledger.storage("run"), ledger.resume("run").storage(utc)):
                assert _studies(other) == _studies(storage)

    def test_delete_study(self, storage):
        """What is on the books stays there."""
        study_id = storage.create_new_study([optuna.study.StudyDirection.MINIMIZE])
        with pytest.raises(NassimError, match="can't be deleted"):
            storage.delete_study(study_id)
        assert [study._study_id for study in storage.get_all_studies()] == [study_id]

    test_delete_study_after_create_multiple_studies = test_create_new_study_unique_id = None

    def test_ids_go_on_after_a_name_that_is_taken(self, storage):
        directions = [optuna.study.StudyDirection.MINIMIZE]
        storage.create_new_study(directions, "one")
        with pytest.raises(optuna.exceptions.DuplicatedStudyError):
            storage.create_new_study(directions, "one")
        assert storage.create_new_study(directions, "two") == 1

    def test_pickle_storage(self, storage):
        with pytest.raises(TypeError, match="only the driver writes the ledger"):
            pickle.dumps(storage)


def _studies(storage):
    def trials(study):
        return storage.get_all_trials(study._study_id)

    return [
        (study._study_id, study.study_name, repr((study.user_attrs, study.system_attrs, trials(study))))
        for study in storage.get_all_studies()
    ]


def test_a_value_that_is_no_json_is_refused_at_once_and_leaves_no_trace():
    writer = new_run(Ledger("sqlite://"))
    study = optuna.create_study(storage=writer.storage(utc))
    pending = writer.pending
    with pytest.raises(TypeError):
        study.set_user_attr("x", object())
    assert writer.pending == pending
    assert study.user_attrs == {}


def test_attributes_are_what_a_later_driver_reads():
    ledger = Ledger("sqlite://")
    writer = new_run(ledger)
    study = optuna.create_study(storage=writer.storage(utc), study_name="tpe")
    study.set_user_attr("x", (1, {2: 3}))
    trial = study.ask()
    trial.set_user_attr("y", (4,))
    writer.commit()
    later = optuna.load_study(storage=ledger.resume("run").storage(utc), study_name="tpe")
    assert study.user_attrs == later.user_attrs == {"x": [1, {"2": 3}]}
    assert study.trials[0].user_attrs == later.trials[0].user_attrs == {"y": [4]}


def test_what_is_written_follows_from_the_run_alone(tmp_path):
    """No number of Optuna's own, no date of the host's; and a later driver goes on with it."""

    def written(name):
        ledger = Ledger(f"sqlite:///{tmp_path / name}.db")
        writer, seconds = new_run(ledger), iter(range(100))

        def date():
            return datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=next(seconds))

        study = optuna.create_study(storage=writer.storage(date), study_name="tpe")
        study.enqueue_trial({"x": 1})
        for _ in range(2):
            study.tell(study.ask({"x": optuna.distributions.IntDistribution(0, 3)}), 0.5)
        writer.commit()
        later = ledger.resume("run")
        study = optuna.load_study(storage=later.storage(date), study_name="tpe")
        study.tell(study.ask(), 0.25)
        later.commit()
        assert [trial.datetime_complete.timestamp() % 60 for trial in study.trials] == [1.0, 3.0, 5.0]
        with sqlite3.connect(tmp_path / f"{name}.db") as connection:
            return connection.execute("SELECT log FROM nassim_journal").fetchall()

    texts = written("one")
    assert {json.loads(text)["worker_id"] for (text,) in texts} == {"driver 1", "driver 2"}
    without_values = [text for (text,) in texts if '"param' not in text]
    assert without_values == [text for (text,) in written("other") if '"param' not in text]
