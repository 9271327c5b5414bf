"""Optuna's own test cases for storages, on the journal in the ledger."""

import pickle
import time

import optuna
import pytest
from ledger_samples import new_run
from optuna.testing.pytest_storages import StorageTestCase

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


@pytest.mark.parametrize("trials", [2000])
def test_ask_and_tell_cost_no_more_at_the_end_than_at_the_beginning(trials):
    """The backend reads new logs alone: the last quarter of the trials takes no longer than twice the first."""
    writer = new_run(Ledger("sqlite://"))
    storage = writer.storage()
    study_id = storage.create_new_study([optuna.study.StudyDirection.MAXIMIZE], "tpe")
    ends = [time.process_time()]
    for _ in range(trials):
        trial = storage.create_new_trial(study_id)
        storage.set_trial_state_values(trial, optuna.trial.TrialState.COMPLETE, [0.5])
        ends.append(time.process_time())
    quarter = trials // 4
    assert ends[-1] - ends[-quarter] < 2 * (ends[quarter] - ends[0]) + 0.05
