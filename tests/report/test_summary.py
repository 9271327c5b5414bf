"""The summary's figures are the ledger's, with the arithmetic shown."""

import pytest
from report_samples import ENTRIES, PEAK_FLOP_PER_S, RUN, A, post_sample, with_search_names

from nassim.cost.work import Activity
from nassim.errors import NassimError
from nassim.ledger.entry import Outcome
from nassim.report.reading import summarise


@pytest.fixture
def summary(tmp_path):
    return summarise(post_sample(f"sqlite:///{tmp_path / 'l.db'}"), RUN)


def test_the_run(summary):
    assert (summary.run, summary.status, summary.drivers, summary.seed) == (RUN, "finished", 1, 7)
    assert (summary.experiment, summary.space, summary.data) == ("sample", "cell", "digits")
    assert summary.wall_s == 20
    (device,) = summary.devices
    assert (device.device, device.workers, device.nodes, device.processors) == ("cpu: test", 1, 1, 2)
    assert (device.peak_flop_per_s, device.peak_source) == (PEAK_FLOP_PER_S, "measured")


def test_search_compute_counts_all_trials_whatever_became_of_them(summary):
    full = summary.searches[0]
    assert full.search.forward_flop == 100_000 + 50_000 + 10_000 + 5_000
    assert full.search.backward_flop == 200_000 + 20_000 + 15_000
    assert full.search.device_s == 4 + 1 + 3 + 1 + 1
    assert full.search.busy_s == 4 + 1 + 3 + 1
    assert full.search.driver_s == 0.5 + 11.5
    assert full.search.driver_busy_s == 0.5


def test_trials_by_outcome(summary):
    full = summary.searches[0]
    assert [(cost.outcome, cost.trials, cost.flop) for cost in full.outcomes] == [
        (Outcome.COMPLETE, 1, 350_000),
        (Outcome.PRUNED, 1, 30_000),
        (Outcome.FAILED, 1, 20_000),
    ]
    assert full.trials == 3
    assert full.architectures == 2  # A and B; the failed trial's A was evaluated by trial 0


def test_the_found_model_and_the_ratio(summary):
    full = summary.searches[0]
    found = full.found
    assert (found.architecture_id, found.architecture) == (A.id, {"edge": "conv3x3"})
    assert (found.params, found.forward_macs, found.forward_flop) == (1234, 500, 1000)
    assert (found.training_forward_flop, found.training_backward_flop, found.training_s) == (30_000, 50_000, 5)
    assert found.test_accuracy == 0.961
    assert found.metrics["loss"] is None
    assert full.flop_ratio == 400_000 / 80_000
    assert full.device_s_ratio == 10 / 5


def test_a_search_that_has_found_nothing_yet_has_no_ratio(summary):
    enas = summary.searches[1]
    assert (enas.found, enas.flop_ratio, enas.device_s_ratio) == (None, None, None)
    assert enas.search.flop == 120_000
    assert (enas.trials, enas.architectures) == (0, 0)


def test_start_up_belongs_to_no_search(summary):
    assert [(cost.activity, cost.device_s) for cost in summary.shared.activities] == [(Activity.STARTUP, 2)]


def test_searches_and_shared_add_up_to_the_total(summary):
    parts = [summary.shared, *(part for search in summary.searches for part in (search.search, search.final))]
    assert sum(part.device_s for part in parts) == summary.total.device_s == 20
    assert (
        sum(part.flop for part in parts) == summary.total.flop == sum(e.forward_flop + e.backward_flop for e in ENTRIES)
    )
    assert sum(part.driver_s for part in parts) == summary.total.driver_s == 20
    assert sum(part.burden_flop for part in parts) == pytest.approx(summary.total.burden_flop)


def test_hardware_burden_is_processors_times_peak_times_leased_seconds(summary):
    assert summary.total.burden_flop == 2 * PEAK_FLOP_PER_S * 20
    assert summary.total.utilisation == summary.total.flop / (2 * PEAK_FLOP_PER_S * 20)


def test_an_unknown_peak_rate_leaves_burden_and_utilisation_unknown(tmp_path):
    summary = summarise(post_sample(f"sqlite:///{tmp_path / 'l.db'}", peak=None), RUN)
    assert summary.total.burden_flop is None
    assert summary.total.utilisation is None
    assert summary.devices[0].peak_source is None


def test_the_balance(summary, tmp_path):
    assert {worker.worker: worker.closes for worker in summary.balance} == {"w0": True, "driver": True}
    assert summary.closes
    gap = summarise(post_sample(f"sqlite:///{tmp_path / 'gap.db'}", closed_s=20.5), RUN)
    assert {worker.worker: worker.difference_s for worker in gap.balance} == {"w0": -0.5, "driver": 0}
    assert not gap.closes


def test_a_run_that_goes_on(tmp_path):
    summary = summarise(post_sample(f"sqlite:///{tmp_path / 'l.db'}", closed_s=None), RUN)
    assert summary.status == "running"
    assert not any(worker.released for worker in summary.balance)
    assert summary.closes


def test_searches_that_the_experiment_does_not_name_are_shown_too(tmp_path):
    ledger = post_sample(f"sqlite:///{tmp_path / 'l.db'}", entries=with_search_names(["odd"]))
    assert [search.name for search in summarise(ledger, RUN).searches] == ["full-tpe", "enas", "odd"]


def test_an_unknown_run(tmp_path):
    ledger = post_sample(f"sqlite:///{tmp_path / 'l.db'}")
    with pytest.raises(NassimError, match="there is no run 'sample-2'"):
        summarise(ledger, "sample-2")
