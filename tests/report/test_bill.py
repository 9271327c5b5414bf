"""What a run cost follows from its ledger by arithmetic that can be done by hand, and unknown stays unknown."""

import io
from dataclasses import replace

import pytest
from report_samples import ENTRIES, EXPERIMENT, RUN, post_sample
from rich.console import Console

from nassim.errors import NassimError
from nassim.hardware.figure import Kind
from nassim.ledger.entry import DRIVER
from nassim.ledger.lease import Lease
from nassim.ledger.store import Ledger
from nassim.report.bill import run_cost
from nassim.report.bill_json import costs_document
from nassim.report.bill_text import render_bill

CATALOGUE = """\
devices:
  - {id: lab_cpu, aliases: [test], kind: cpu, processors: 4, max_w: 400}
  - {id: lab_gpu, kind: gpu, max_w: 900, idle_w: 90}
  - {id: mute, kind: gpu}
prices:
  - {device: lab_cpu, provider: lab, billing: on-demand, usd_per_h: 7.2}
  - {device: lab_gpu, provider: lab, billing: on-demand, usd_per_h: 36}
grids:
  - {id: roof, gco2e_per_kwh: 50}
  - {id: stack, gco2e_per_kwh: 100}
"""
# The sample's worker holds 2 processors of "cpu: test" for 20 s: search full-tpe 10 s, its final training 6 s (of which
# 5 s train), enas 2 s, start-up 2 s.


@pytest.fixture
def catalogue(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(CATALOGUE)
    return str(path)


@pytest.fixture
def ledger(tmp_path):
    return post_sample(f"sqlite:///{tmp_path / 'l.db'}")


def post(url, entries, site=None):
    """Post a run with these entries, by an experiment with this site."""
    ledger = Ledger(url)
    writer = ledger.create(RUN, {**EXPERIMENT, "site": site}, "2026-11-20T12:00:00Z")
    writer.lease(Lease("w0", "host", "cpu: test", 2, 0.0))
    writer.lease(Lease(DRIVER, "host", "driver", 1, 0.0))
    for entry in entries:
        writer.append(entry)
    writer.close("finished")
    return ledger


def drawn(cost, width=80):
    out = io.StringIO()
    Console(file=out, width=width).print(render_bill(cost))
    return " ".join(out.getvalue().split())


def test_the_device_of_the_lease_is_priced_by_the_share_of_it_that_is_held(ledger, catalogue):
    cost = run_cost(ledger, RUN, {"catalogue": catalogue, "region": "roof", "pue": "1.5"})
    bill = cost.total.bill
    assert cost.total.device_h.value == pytest.approx(20 / 3600)
    assert bill.device_kwh.value == pytest.approx(20 * 400 * 2 / 4 / 3_600_000)
    assert bill.kwh.value == pytest.approx(20 * 200 / 3_600_000 * 1.5)
    assert bill.usd.value == pytest.approx(20 * 7.2 * 2 / 4 / 3600)
    assert bill.gco2e.value == pytest.approx(20 * 200 / 3_600_000 * 1.5 * 50)
    # Rated power taken as mean power, and a PUE that was typed in, are assumptions; a price is published.
    assert (bill.device_kwh.kind, bill.gco2e.kind, bill.usd.kind) == (Kind.ASSUMED, Kind.ASSUMED, Kind.MEASURED)


def test_searches_finals_and_shared_add_up_to_the_run(ledger, catalogue):
    cost = run_cost(ledger, RUN, {"catalogue": catalogue, "region": "roof", "pue": 1})
    parts = [cost.shared, *(part for search in cost.searches for part in (search.search, search.final))]
    for name in ("kwh", "usd", "gco2e"):
        assert sum(getattr(part.bill, name).value for part in parts) == pytest.approx(
            getattr(cost.total.bill, name).value
        )


def test_one_training_of_the_found_model_and_the_ratio_to_it(ledger, catalogue):
    full, enas = run_cost(ledger, RUN, {"catalogue": catalogue, "region": "roof", "pue": 1}).searches
    assert full.training.bill.usd.value == pytest.approx(5 * 7.2 * 2 / 4 / 3600)
    for ratio in (full.usd_ratio, full.kwh_ratio, full.gco2e_ratio):
        assert ratio.value == pytest.approx(10 / 5)
    assert enas.training is None
    assert enas.usd_ratio.value is None


def test_energy_over_a_training_is_known_without_a_pue_for_it_cancels_out(ledger, catalogue):
    full = run_cost(ledger, RUN, {"catalogue": catalogue}).searches[0]
    assert full.search.bill.kwh.value is None
    assert full.kwh_ratio.value == pytest.approx(2)


def test_twice_the_intensity_is_twice_the_emissions_and_nothing_else(ledger, catalogue):
    once, twice = (
        run_cost(ledger, RUN, {"catalogue": catalogue, "region": region, "pue": 1.1}).total.bill
        for region in ("roof", "stack")
    )
    assert twice.gco2e.value == 2 * once.gco2e.value > 0
    assert (twice.kwh, twice.usd) == (once.kwh, once.usd)


def test_priced_as_another_device_seconds_are_taken_as_many_and_assumed(ledger, catalogue):
    bill = run_cost(ledger, RUN, {"catalogue": catalogue, "device": "lab_gpu", "pue": 1}).total.bill
    # From a CPU to an accelerator each worker holds a whole device. It works 17 of 20 s: 2 s start, 1 s idles.
    assert bill.usd.value == pytest.approx(20 * 36 / 3600)
    assert bill.kwh.value == pytest.approx((17 * 900 + 3 * 90) / 3_600_000)
    assert bill.usd.kind is Kind.ASSUMED


def test_measured_joules_are_used_and_labelled_and_the_rest_is_modelled(tmp_path, catalogue):
    metered = [replace(entry, energy_j=100.0 * entry.seconds) for entry in ENTRIES if entry.worker != DRIVER]
    terms = {"catalogue": catalogue}
    whole = run_cost(post(f"sqlite:///{tmp_path / 'a.db'}", metered), RUN, terms).total.bill
    assert (whole.device_kwh.value, whole.device_kwh.kind) == (pytest.approx(20 * 100 / 3_600_000), Kind.MEASURED)
    unmetered = [replace(entry, energy_j=None) if entry.start_s == 2 else entry for entry in metered]
    mixed = run_cost(post(f"sqlite:///{tmp_path / 'b.db'}", unmetered), RUN, terms).total.bill
    assert mixed.device_kwh.value == pytest.approx((16 * 100 + 4 * 200) / 3_600_000)
    assert mixed.device_kwh.kind is Kind.ASSUMED
    # Joules of a device say nothing of another.
    other = run_cost(post(f"sqlite:///{tmp_path / 'c.db'}", metered), RUN, {**terms, "device": "lab_gpu"}).total.bill
    assert other.device_kwh.value == pytest.approx((17 * 900 + 3 * 90) / 3_600_000)


def test_measured_joules_need_no_entry_in_the_catalogue_but_a_price_does(tmp_path):
    metered = [replace(entry, energy_j=3.6 * entry.seconds) for entry in ENTRIES if entry.worker != DRIVER]
    bill = run_cost(post(f"sqlite:///{tmp_path / 'l.db'}", metered), RUN, {"region": "FRA", "pue": 1}).total.bill
    assert bill.kwh.value == pytest.approx(20e-6)
    assert bill.gco2e.value > 0
    assert bill.usd.missing == ("price of cpu: test",)


def test_unknown_stays_unknown_in_text_and_json(ledger):
    cost = run_cost(ledger, RUN, {})
    document = costs_document(cost)
    for name in ("device_kwh", "kwh", "usd", "gco2e"):
        figure = document["total"][name]
        assert (figure["value"], figure["kind"]) == (None, "unknown")
        assert figure["missing"]
    assert document["missing"] == [
        "power of cpu: test",
        "PUE: none given",
        "carbon intensity: no region given",
        "price of cpu: test",
    ]
    text = drawn(cost)
    assert "the whole run 0.00556 unknown unknown unknown" in text
    assert "cpu: test is not in the catalogue: its power and price are unknown" in text
    assert "Unknown for want of: power of cpu: test; PUE: none given;" in text


def test_a_device_without_power_or_price_leaves_both_unknown(ledger, catalogue):
    bill = run_cost(ledger, RUN, {"catalogue": catalogue, "device": "mute", "region": "roof", "pue": 1}).total.bill
    assert bill.gco2e.missing == ("max_w of mute",)
    assert bill.usd.missing == ("price of mute",)


def test_the_text_marks_each_number_and_names_its_sources(ledger, catalogue):
    text = drawn(run_cost(ledger, RUN, {"catalogue": catalogue, "region": "roof", "pue": 1.5}))
    # 20 s at 200 W are 0.00111 kWh, times 1.5; 20 s of half a device at 7.2 USD/h are 0.02 USD; at 50 g/kWh 0.0833 g.
    assert "the whole run 0.00556 0.00167 * 0.0200 0.0833 *" in text
    assert "search over training 2.00 x 2.00 x 2.00 x" in text
    assert "Applied: cpu: test is the catalogue's lab_cpu." in text
    assert "400 W, rated, as if always busy, shared by its 4 processors (own.yaml)" in text
    assert "50 gCO2e/kWh in roof (no year; own.yaml)" in text
    assert "PUE 1.5, as given" in text


def test_the_experiments_site_holds_where_nothing_is_given(tmp_path, catalogue):
    site = {"device": None, "region": "roof", "pue": 1.5, "catalogue": catalogue}
    ledger = post(f"sqlite:///{tmp_path / 'l.db'}", ENTRIES, site)
    own = run_cost(ledger, RUN, {}).total.bill
    assert own.gco2e.value == pytest.approx(20 * 200 / 3_600_000 * 1.5 * 50)
    elsewhere = run_cost(ledger, RUN, {"region": "stack"}).total.bill
    assert elsewhere.gco2e.value == pytest.approx(2 * own.gco2e.value)


def test_a_site_that_can_not_be_applied_here_leaves_the_report_whole(tmp_path):
    ledger = post(f"sqlite:///{tmp_path / 'l.db'}", ENTRIES, {"catalogue": "/nowhere/own.yaml", "pue": 1})
    cost = run_cost(ledger, RUN, {})
    assert cost.total.bill.usd.value is None
    assert "the experiment's site can't be applied: the catalogue /nowhere/own.yaml can't be read" in cost.basis[0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"device": "a1000"}, "device 'a1000' is not in the catalogue; near it: "),
        ({"region": "Francia"}, "region 'Francia' is not in the catalogue; near it: "),
        ({"pue": "0.9"}, "found the PUE 0.9; a number of at least 1, or a name that `nassim regions` lists"),
        ({"device": "a100", "provider": "nobody"}, "found the provider 'nobody'; the catalogue has "),
        ({"device": "a100", "billing": "gratis"}, "found the billing 'gratis'; the catalogue has "),
        ({"catalogue": "/nowhere.yaml"}, "the catalogue /nowhere.yaml can't be read"),
    ],
)
def test_what_can_not_be_found_is_told_in_one_message(ledger, given, message):
    with pytest.raises(NassimError) as error:
        run_cost(ledger, RUN, given)
    assert message in str(error.value)
