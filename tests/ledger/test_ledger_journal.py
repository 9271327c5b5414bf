"""Optuna's own test cases for storages, on the journal in the ledger."""

import pickle

import optuna
import pytest
from ledger_samples import new_run
from optuna.testing.pytest_storages import StorageTestCase

from nassim.ledger.journal import WriterJournal
from nassim.ledger.store import Ledger


class TestWriterStorage(StorageTestCase):
    @pytest.fixture
    def storage(self, tmp_path):
        with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
            writer = new_run(ledger)
            storage = writer.storage()
            yield storage
            # Whatever the test did, an onlooker and a later driver see the same studies.
            writer.commit()
            for other in (ledger.storage("run"), ledger.resume("run").storage()):
                assert _studies(other) == _studies(storage)

    def test_pickle_storage(self, storage):
        with pytest.raises(TypeError, match="only the driver writes the ledger"):
            pickle.dumps(storage)


def _studies(storage):
    return [
        (study.study_name, study.user_attrs, study.system_attrs, repr(storage.get_all_trials(study._study_id)))
        for study in storage.get_all_studies()
    ]


def test_a_value_that_is_no_json_is_refused_at_once_and_leaves_no_trace():
    writer = new_run(Ledger("sqlite://"))
    study = optuna.create_study(storage=writer.storage())
    pending = writer.pending
    with pytest.raises(TypeError):
        study.set_user_attr("x", object())
    assert writer.pending == pending
    assert study.user_attrs == {}


def test_ask_and_tell_cost_no_more_at_the_end_than_at_the_beginning(monkeypatch):
    """Each log is read once, so that the last trial costs what the first one did."""
    read, whole = [], WriterJournal.read_logs

    def counted(journal, log_number_from):
        logs = whole(journal, log_number_from)
        read.append(len(logs))
        return logs

    monkeypatch.setattr(WriterJournal, "read_logs", counted)
    writer = new_run(Ledger("sqlite://"))
    storage = writer.storage()
    study_id = storage.create_new_study([optuna.study.StudyDirection.MAXIMIZE], "tpe")
    for _ in range(100):
        trial = storage.create_new_trial(study_id)
        storage.set_trial_state_values(trial, optuna.trial.TrialState.COMPLETE, [0.5])
    assert sum(read) == 1 + 2 * 100
    assert max(read) == 1
