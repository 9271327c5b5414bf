"""A run's facts are the ledger's, with the arithmetic shown."""

from dataclasses import replace

import pytest
from report_samples import (
    AIMS,
    ENTRIES,
    FOUND,
    PEAK_FLOP_PER_S,
    RUN,
    TRAIN_A,
    A,
    B,
    post_front,
    post_sample,
    with_search_names,
)

from nassim.cost.work import Activity
from nassim.errors import NassimError
from nassim.hardware.figure import Bound, Figure, Kind
from nassim.ledger.entry import DRIVER, Entry, Lease, Outcome, Stage, Worker
from nassim.ledger.store import Ledger
from nassim.report.facts import Failure, FrontTrial
from nassim.report.reading import read_run


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'l.db'}"


@pytest.fixture
def facts(url):
    return read_run(post_sample(url), RUN)


def test_the_run(facts):
    assert (facts.run, facts.status, facts.drivers, facts.seed) == (RUN, "finished", 1, 7)
    assert (facts.experiment, facts.space, facts.data) == ("sample", "cell", "digits")
    assert facts.wall_s == 20
    (device,) = facts.devices
    assert (device.device, device.workers, device.nodes, device.processors) == ("cpu: test", 1, 1, 2)
    assert (device.peak_flop_per_s, device.peak_source) == (Figure(PEAK_FLOP_PER_S), "measured")


def test_search_compute_counts_all_trials_whatever_became_of_them(facts):
    search = facts.searches[0].search
    assert search.compute.forward_flop == Figure(100_000 + 50_000 + 10_000 + 5_000)
    assert search.compute.backward_flop == Figure(200_000 + 20_000 + 15_000)
    assert search.compute.flop == search.busy.flop == Figure(400_000)
    assert search.compute.torch_flop == 310_000
    assert (search.compute.elementwise_flop, search.compute.elementwise_bytes) == (Figure(7_000), Figure(9_000))
    assert search.driver_s == 0.5 + 11.5
    assert search.driver_busy_s == 0.5


def test_busy_is_what_is_leased_without_idling_and_starting(facts):
    search, final = facts.searches[0].search, facts.searches[0].final
    assert search.leased.device_s.value == 4 + 1 + 3 + 1 + 1
    assert search.busy.device_s.value == 4 + 1 + 3 + 1
    assert (final.busy.device_s.value, final.leased.device_s.value) == (5 + 1, 5 + 1)
    assert facts.shared.busy.device_s.value == 0
    assert facts.total.busy.device_s.value == 20 - 1 - 2


def test_warming_up_is_performed_and_not_busy(url):
    warming = replace(ENTRIES[0], forward_flop=500)
    facts = read_run(post_sample(url, entries=(warming, *ENTRIES[1:])), RUN)
    assert (facts.shared.compute.flop, facts.shared.busy.flop) == (Figure(500), Figure(0))
    assert facts.total.compute.flop.value == facts.total.busy.flop.value + 500


def test_lost_work_is_busy(url):
    lost = replace(TRAIN_A, activity=Activity.LOST)
    entries = [lost if entry is TRAIN_A else entry for entry in ENTRIES]
    search = read_run(post_sample(url, entries=entries), RUN).searches[0].search
    assert (search.busy.device_s.value, search.busy.flop.value) == (9, 400_000)


def test_trials_by_outcome(facts):
    full = facts.searches[0]
    assert [(cost.outcome, cost.trials, cost.flop.value) for cost in full.outcomes] == [
        (Outcome.COMPLETE, 1, 350_000),
        (Outcome.PRUNED, 1, 30_000),
        (Outcome.FAILED, 1, 20_000),
    ]
    assert full.trials == 3
    assert full.architectures == 2  # A and B; the failed trial's A was evaluated by trial 0
    assert full.failures == (Failure(reason="Diverged: loss nan", trials=1, example=2),)


def test_failures_are_grouped_by_reason_whatever_the_numbers_in_it(url):
    reasons = ["OutOfMemory: 20.5 MiB", "OutOfMemory: 3 MiB", "Diverged: loss nan", "OutOfMemory: 1,000 MiB"]
    closings = [
        Entry(DRIVER, 0.0, 0.0, Activity.SAMPLER, "enas", trial=n, architecture=B.id, outcome=outcome, reason=reason)
        for n, (outcome, reason) in enumerate(
            [(Outcome.FAILED, reason) for reason in reasons] + [(Outcome.STOPPED, "experiment's budget reached: flop")]
        )
    ]
    enas = read_run(post_sample(url, entries=(*ENTRIES, *closings)), RUN).searches[1]
    assert enas.failures == (
        Failure(reason="OutOfMemory: 20.5 MiB", trials=3, example=0),
        Failure(reason="Diverged: loss nan", trials=1, example=2),
    )


def test_the_found_model(facts):
    found = facts.searches[0].found
    assert (found.architecture_id, found.architecture, found.words) == (A.id, {"edge": "conv3x3"}, "|conv3x3|")
    assert (found.params, found.forward_macs, found.forward_flop) == (1234, Figure(500), Figure(1000))
    assert (found.elementwise_flop, found.elementwise_bytes) == (Figure(70), Figure(90))
    assert found.test_accuracy == 0.961
    assert found.metrics["loss"] is None


def test_of_several_models_the_first_is_the_found_one_and_the_front_has_all(url):
    search = read_run(post_front(url), RUN).searches[0]
    assert (search.found.trial, [model.trial for model in search.also_found]) == (0, [1])
    assert search.objectives == AIMS
    assert search.front == (
        FrontTrial(trial=0, architecture_id=A.id, values={"accuracy": 0.9, "params": 1234.0}, found=True),
        FrontTrial(trial=1, architecture_id=B.id, values={"accuracy": 0.8, "params": 12.0}, found=True),
    )


def test_a_search_by_one_objective_has_no_front(facts):
    assert facts.searches[0].front == ()


def test_like_is_compared_with_like(facts):
    ratios = facts.searches[0].search_over_final
    # All FLOP of the search over all of the final training, its test among them: 80,000 trained, 1,000 tested.
    assert ratios.busy.flop.value == 400_000 / 81_000
    assert ratios.busy.device_s.value == 9 / 6
    assert ratios.leased.device_s.value == 10 / 6
    # Of leased seconds the FLOP that could have been: 2 processors at the same rate on both sides.
    assert ratios.leased.flop.value == pytest.approx(10 / 6)


def test_other_workers_that_idle_meanwhile_are_in_leased_over_leased_alone(url):
    idle = Entry("w1", 12, 6, Activity.IDLE, search="full-tpe", stage=Stage.FINAL)
    ledger = Ledger(url)
    writer = ledger.create(RUN, {}, "2026-11-20T12:00:00Z", {"nassim": "0.2.0"})
    for worker in ("w0", "w1"):
        writer.lease(Lease(Worker(worker, "host", "cpu: test", 2), 0.0))
    writer.lease(Lease(Worker(DRIVER, "host", "driver", 1), 0.0))
    for entry in (*ENTRIES, idle):
        writer.append(entry)
    writer.found(FOUND)
    writer.close("finished")
    full = next(search for search in read_run(ledger, RUN).searches if search.name == "full-tpe")
    assert full.search_over_final.busy.device_s.value == 9 / 6
    assert full.search_over_final.leased.device_s.value == 10 / 12


def test_a_search_that_has_found_nothing_yet_has_no_ratio(facts):
    enas = facts.searches[1]
    assert enas.found is None
    for ratio in (enas.search_over_final.busy, enas.search_over_final.leased):
        assert ratio.flop == ratio.usd == Figure.unknown("a final training that is done")
    assert enas.search.busy.flop.value == 120_000
    assert (enas.trials, enas.architectures, enas.final.activities) == (0, 0, ())


def test_start_up_belongs_to_no_search(facts):
    assert [(cost.activity, cost.device_s) for cost in facts.shared.activities] == [(Activity.STARTUP, 2)]


def test_searches_and_shared_add_up_to_the_total(facts):
    parts = [facts.shared, *(part for search in facts.searches for part in (search.search, search.final))]
    assert sum(part.leased.device_s.value for part in parts) == facts.total.leased.device_s.value == 20
    done = sum(entry.forward_flop + entry.backward_flop for entry in ENTRIES)
    assert sum(part.compute.flop.value for part in parts) == facts.total.compute.flop.value == done
    assert sum(part.driver_s for part in parts) == facts.total.driver_s == 20
    for amounts in ("busy", "leased"):
        for name in ("flop", "kwh", "usd", "gco2e"):
            whole = getattr(getattr(facts.total, amounts), name).value
            assert sum(getattr(getattr(part, amounts), name).value for part in parts) == pytest.approx(whole)


def test_hardware_burden_is_processors_times_peak_times_leased_seconds(facts):
    assert facts.total.leased.flop == Figure(2 * PEAK_FLOP_PER_S * 20)
    assert facts.total.utilisation.value == facts.total.compute.flop.value / (2 * PEAK_FLOP_PER_S * 20)


def test_an_unknown_peak_rate_leaves_burden_and_utilisation_unknown(url):
    facts = read_run(post_sample(url, peak=None), RUN)
    assert facts.total.leased.flop == facts.total.utilisation == Figure.unknown("peak rate of cpu: test")
    assert facts.searches[0].search_over_final.leased.flop.value is None
    assert facts.devices[0].peak_source is None


def test_flop_that_are_estimated_mark_all_that_they_are_in(url):
    estimated = replace(TRAIN_A, activity=Activity.LOST, modelled_flop=300_000)
    entries = [estimated if entry is TRAIN_A else entry for entry in ENTRIES]
    facts = read_run(post_sample(url, entries=entries), RUN)
    full, enas = facts.searches
    assert full.search.compute.modelled_flop == 300_000
    kinds = [full.search.busy.flop, full.search.utilisation, full.search_over_final.busy.flop, facts.total.busy.flop]
    assert {figure.kind for figure in kinds} == {Kind.MODELLED}
    assert {cost.flop.kind for cost in full.outcomes if cost.outcome is Outcome.COMPLETE} == {Kind.MODELLED}
    assert {full.final.busy.flop.kind, enas.search.busy.flop.kind} == {Kind.MEASURED}


def test_flop_beside_operations_without_a_formula_are_at_least_so_many(url):
    partly = replace(TRAIN_A, uncounted=("aten::fft", "aten::cumsum"))
    entries = [partly if entry is TRAIN_A else entry for entry in ENTRIES]
    found = replace(FOUND, uncounted=("aten::fft",))
    facts = read_run(post_sample(url, entries=entries, found=(found,)), RUN)
    full, enas = facts.searches
    assert full.search.compute.uncounted == facts.counting.uncounted == ("aten::cumsum", "aten::fft")
    assert enas.search.compute.uncounted == full.final.compute.uncounted == ()
    least = [full.search.busy.flop, full.search.utilisation, full.search_over_final.busy.flop, facts.total.busy.flop]
    assert {figure.bound for figure in (*least, full.found.forward_flop, full.found.forward_macs)} == {Bound.AT_LEAST}
    assert {enas.search.busy.flop.bound, full.final.busy.flop.bound, full.search.leased.flop.bound} == {Bound.EXACT}
    activities = {cost.activity: cost.flop.bound for cost in full.search.activities}
    assert (activities[Activity.TRAIN], activities[Activity.IDLE]) == (Bound.AT_LEAST, Bound.EXACT)


def test_operations_without_a_formula_on_both_sides_leave_the_ratio_open(url):
    odd = [replace(entry, uncounted=("aten::fft",)) if entry.forward_flop else entry for entry in ENTRIES]
    facts = read_run(post_sample(url, entries=odd), RUN)
    assert facts.searches[0].search_over_final.busy.flop.bound is Bound.OPEN


def test_a_ledger_of_an_earlier_version_counted_as_torch_does(url):
    plain = [replace(entry, elementwise_flop=0, elementwise_bytes=0) for entry in ENTRIES]
    found = replace(FOUND, elementwise_flop=0, elementwise_bytes=0)
    facts = read_run(post_sample(url, entries=plain, found=(found,), version="0.1.0"), RUN)
    assert (facts.counting.convention, facts.counting.version) == ("torch", "0.1.0")
    unknown = Figure.unknown("element-wise work, which nassim 0.1.0 did not count")
    assert facts.total.compute.elementwise_flop == facts.total.compute.elementwise_bytes == unknown
    assert facts.searches[0].found.elementwise_flop == unknown
    assert facts.shared.compute.elementwise_flop == Figure(0)  # nothing was computed


def test_a_run_that_this_version_has_resumed_is_counted_in_both_ways(url):
    facts = read_run(post_sample(url, version="0.1.0"), RUN)
    assert facts.counting.convention == "mixed"
    assert facts.searches[0].search.compute.elementwise_flop.value is None


def test_a_run_of_this_version_is_counted_as_performed(facts):
    assert facts.counting.convention == "performed"


def test_workers_are_those_held_at_a_time(url):
    ledger = Ledger(url)
    writer = ledger.create(RUN, {}, "2026-11-20T12:00:00Z")
    # Three drivers one after the other had two workers each, of which one was replaced as it died.
    leases = [("a", 0, 10), ("b", 0, 4), ("c", 4, 10), ("d", 10, 20), ("e", 12, 20), ("f", 21, None), ("g", 21, None)]
    for worker, opened_s, closed_s in sorted(leases, key=lambda lease: lease[1]):
        writer.lease(Lease(Worker(worker, "host", "cpu: test", 1, 1e9 + opened_s, "measured"), opened_s))
        if closed_s is not None:
            writer.release(worker, closed_s, "closed")
    writer.close("interrupted")
    (device,) = read_run(ledger, RUN).devices
    assert (device.workers, device.peak_flop_per_s) == (2, Figure(1e9 + 21))


def test_the_balance(facts, tmp_path):
    assert {worker.worker: worker.closes for worker in facts.balance.workers} == {"w0": True, "driver": True}
    assert facts.balance.closes
    gap = read_run(post_sample(f"sqlite:///{tmp_path / 'gap.db'}", closed_s=20.5), RUN)
    assert {worker.worker: worker.difference_s for worker in gap.balance.workers} == {"w0": -0.5, "driver": 0}
    assert not gap.balance.closes


def test_a_run_that_goes_on(url):
    facts = read_run(post_sample(url, closed_s=None), RUN)
    assert facts.status == "running"
    assert not any(worker.released for worker in facts.balance.workers)
    assert facts.balance.closes


def test_searches_that_the_experiment_does_not_name_are_shown_too(url):
    ledger = post_sample(url, entries=with_search_names(["odd"]))
    assert [search.name for search in read_run(ledger, RUN).searches] == ["full-tpe", "enas", "odd"]


def test_an_unknown_run(url):
    ledger = post_sample(url)
    with pytest.raises(NassimError, match="there is no run 'sample-2'"):
        read_run(ledger, "sample-2")
