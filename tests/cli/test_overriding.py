"""Options of the command line take the place of what the file says."""

import pytest

from nassim.cli.running import override
from nassim.errors import NassimError
from nassim.experiment import load_experiment
from nassim.experiment.model import InlineSpec


@pytest.fixture
def experiment():
    return load_experiment("quickstart")


def test_what_is_given_replaces_what_the_file_says(experiment):
    changed = override(experiment, ledger="sqlite:///x.db", workers=7, address="auto", seed=5)
    assert (changed.ledger, changed.seed) == ("sqlite:///x.db", 5)
    assert (changed.executor.workers, changed.executor.address) == (7, "auto")
    assert changed.executor.threads == experiment.executor.threads


def test_what_is_not_given_stays(experiment):
    assert override(experiment, ledger=None, workers=None, address=None, seed=None) == experiment


def test_workers_and_address_are_for_ray(experiment):
    inline = experiment.model_copy(update={"executor": InlineSpec(kind="inline")})
    with pytest.raises(NassimError, match="--workers and --address given, but experiment 'quickstart' runs inline"):
        override(inline, ledger=None, workers=2, address="auto", seed=None)
