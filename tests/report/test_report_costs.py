"""What a run cost follows from its ledger by arithmetic that can be done by hand, and says what of it was assumed."""

from dataclasses import replace

import pytest
from report_samples import ENTRIES, RUN, post_sample

from nassim.errors import NassimError
from nassim.hardware.figure import Figure, Kind
from nassim.hardware.own_site import save_site
from nassim.hardware.terms import SaidBy
from nassim.ledger.entry import DRIVER
from nassim.report.facts import Term
from nassim.report.reading import read_run

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
# The sample's worker holds 2 processors of "cpu: test" for 20 s: search full-tpe 10 s (of which 9 s busy), its final
# training 6 s, enas 2 s, start-up 2 s.
UNITS = ("device_kwh", "kwh", "usd", "gco2e")


@pytest.fixture
def catalogue(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(CATALOGUE)
    return str(path)


@pytest.fixture
def ledger(tmp_path):
    return post_sample(f"sqlite:///{tmp_path / 'l.db'}")


def leased(ledger, strict=False, **given):
    return read_run(ledger, RUN, given, strict).total.leased


def test_the_device_of_the_lease_is_priced_by_the_share_of_it_that_is_held(ledger, catalogue):
    cost = leased(ledger, catalogue=catalogue, region="roof", pue="1.5")
    assert cost.device_s == Figure(20.0)
    assert cost.device_kwh.value == pytest.approx(20 * 400 * 2 / 4 / 3_600_000)
    assert cost.kwh.value == pytest.approx(20 * 200 / 3_600_000 * 1.5)
    assert cost.usd.value == pytest.approx(20 * 7.2 * 2 / 4 / 3600)
    assert cost.gco2e.value == pytest.approx(20 * 200 / 3_600_000 * 1.5 * 50)
    # Rated power taken as mean power, and a PUE that was typed in, are assumptions; a price is published.
    assert (cost.device_kwh.kind, cost.gco2e.kind, cost.usd.kind) == (Kind.ASSUMED, Kind.ASSUMED, Kind.MEASURED)


def test_ratios_are_busy_over_busy_and_leased_over_leased_and_keep_their_marks(ledger, catalogue):
    ratios = read_run(ledger, RUN, {"catalogue": catalogue, "region": "roof", "pue": 1}).searches[0].search_over_final
    for ratio, expected in ((ratios.busy, 9 / 6), (ratios.leased, 10 / 6)):
        assert (ratio.usd.value, ratio.usd.kind) == (pytest.approx(expected), Kind.MEASURED)
        for figure in (ratio.kwh, ratio.gco2e):
            assert (figure.value, figure.kind) == (pytest.approx(expected), Kind.ASSUMED)


def test_ratios_of_energy_and_emissions_need_no_pue_and_no_region_for_both_cancel_out(ledger, catalogue):
    full = read_run(ledger, RUN, {"catalogue": catalogue}, strict=True).searches[0]
    assert full.search.leased.kwh.value is None
    assert full.search.leased.gco2e.value is None
    assert full.search_over_final.busy.kwh.value == full.search_over_final.busy.gco2e.value == pytest.approx(9 / 6)


def test_twice_the_intensity_is_twice_the_emissions_and_nothing_else(ledger, catalogue):
    once, twice = (leased(ledger, catalogue=catalogue, region=region, pue=1.1) for region in ("roof", "stack"))
    assert twice.gco2e.value == 2 * once.gco2e.value > 0
    assert (twice.kwh, twice.usd) == (once.kwh, once.usd)


def test_priced_as_another_device_seconds_are_taken_as_many_and_assumed(ledger, catalogue):
    cost = leased(ledger, catalogue=catalogue, device="lab_gpu", pue=1)
    # From a CPU to an accelerator each worker holds a whole device. It works 17 of 20 s: 2 s start, 1 s idles.
    assert cost.usd == Figure(pytest.approx(20 * 36 / 3600), Kind.ASSUMED)
    assert cost.kwh.value == pytest.approx((17 * 900 + 3 * 90) / 3_600_000)


def test_measured_joules_are_used_and_labelled_and_the_rest_is_modelled(tmp_path, catalogue):
    def post(name, entries):
        return post_sample(f"sqlite:///{tmp_path / name}", entries=entries)

    metered = [replace(entry, energy_j=100.0 * entry.seconds) for entry in ENTRIES if entry.worker != DRIVER]
    whole = leased(post("a.db", metered), catalogue=catalogue)
    assert whole.device_kwh == Figure(pytest.approx(20 * 100 / 3_600_000), Kind.MEASURED)
    unmetered = [replace(entry, energy_j=None) if entry.start_s == 2 else entry for entry in metered]
    mixed = leased(post("b.db", unmetered), catalogue=catalogue)
    assert mixed.device_kwh == Figure(pytest.approx((16 * 100 + 4 * 200) / 3_600_000), Kind.ASSUMED)
    # Joules of a device say nothing of another.
    other = leased(post("c.db", metered), catalogue=catalogue, device="lab_gpu")
    assert other.device_kwh.value == pytest.approx((17 * 900 + 3 * 90) / 3_600_000)


def test_without_a_word_on_the_site_everything_is_known_and_assumed(ledger):
    facts = read_run(ledger, RUN)
    cost = facts.total.leased
    # Two cores of any processor at 12 W for 20 s, PUE 1, 475 g a kWh; each rents for 0.38847 / 8 USD an hour.
    assert cost.kwh == Figure(pytest.approx(2 * 12 * 20 / 3_600_000), Kind.ASSUMED)
    assert cost.gco2e == Figure(pytest.approx(2 * 12 * 20 / 3_600_000 * 475), Kind.ASSUMED)
    assert cost.usd == Figure(pytest.approx(2 * 0.38847 / 8 * 20 / 3600), Kind.ASSUMED)
    assert facts.site.missing == ()
    assert [line.split(" ")[0] for line in facts.site.assumed] == ["cpu:", "475", "PUE", "0.0486"]


def test_a_cluster_is_taken_to_be_in_a_data_centre(tmp_path):
    joined = {"kind": "ray", "address": "auto"}
    ledger = post_sample(f"sqlite:///{tmp_path / 'l.db'}", executor=joined)
    cost = leased(ledger)
    assert cost.kwh.value == pytest.approx(1.56 * cost.device_kwh.value)


def test_strictly_what_nobody_says_is_unknown_and_named(ledger):
    facts = read_run(ledger, RUN, strict=True)
    for name in UNITS:
        figure = getattr(facts.total.leased, name)
        assert (figure.value, figure.kind) == (None, Kind.UNKNOWN)
    assert facts.site.missing == (
        "power of cpu: test",
        "PUE: none given",
        "carbon intensity: no region given",
        "price of cpu: test",
    )
    assert facts.site.assumed == ()
    assert "cpu: test is not in the catalogue: its power and price are unknown" in facts.site.basis


def test_measured_joules_need_no_entry_in_the_catalogue_but_a_price_does(tmp_path):
    metered = [replace(entry, energy_j=3.6 * entry.seconds) for entry in ENTRIES if entry.worker != DRIVER]
    ledger = post_sample(f"sqlite:///{tmp_path / 'l.db'}", entries=metered)
    cost = leased(ledger, strict=True, region="FRA", pue=1)
    assert cost.kwh.value == pytest.approx(20e-6)
    assert cost.gco2e.value > 0
    assert cost.usd.missing == ("price of cpu: test",)


def test_the_option_goes_before_the_experiment_and_that_before_the_users_site(tmp_path, catalogue, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    save_site({"region": "DEU", "pue": 1.3})
    site = {"device": None, "region": "roof", "pue": None, "catalogue": catalogue}
    ledger = post_sample(f"sqlite:///{tmp_path / 'l.db'}", site=site)
    facts = read_run(ledger, RUN, {"region": "stack"})
    assert facts.site.terms["region"] == Term(value="stack", origin=SaidBy.OPTION)
    assert facts.site.terms["pue"] == Term(value=1.3, origin=SaidBy.SITE)
    assert facts.site.terms["catalogue"] == Term(value=catalogue, origin=SaidBy.EXPERIMENT)
    assert facts.site.terms["billing"] == Term(value=None, origin=None)
    assert facts.total.leased.gco2e.value == pytest.approx(20 * 200 / 3_600_000 * 1.3 * 100)
    assert read_run(ledger, RUN).total.leased.gco2e.value == pytest.approx(20 * 200 / 3_600_000 * 1.3 * 50)


def test_a_site_that_can_not_be_applied_here_leaves_the_report_whole(tmp_path):
    site = {"catalogue": "/nowhere/own.yaml", "pue": 7}
    facts = read_run(post_sample(f"sqlite:///{tmp_path / 'l.db'}", site=site), RUN)
    assert facts.total.leased.kwh.value == pytest.approx(2 * 12 * 20 / 3_600_000)
    assert "the experiment's site can't be applied: the catalogue /nowhere/own.yaml can't" in facts.site.basis[0]


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
        read_run(ledger, RUN, given)
    assert message in str(error.value)
