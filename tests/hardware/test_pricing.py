"""Figures keep their kind and what is missing; bills apply region, PUE and price to physical amounts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nassim.errors import NassimError
from nassim.hardware.catalogue import load_catalogue
from nassim.hardware.energy import PowerModel, power_w
from nassim.hardware.figure import Bound, Figure, Kind, total, weakest
from nassim.hardware.pricing import Usage, bill
from nassim.hardware.site import Lines, find_site
from nassim.hardware.terms import Terms

CATALOGUE = load_catalogue()
A100 = CATALOGUE.find_device("a100")
HOUR = Figure(3600.0, Kind.MEASURED)

known = st.builds(Figure, st.floats(0, 1e9), st.sampled_from([Kind.MEASURED, Kind.MODELLED, Kind.ASSUMED]))
figures = known | st.builds(Figure.unknown, st.sampled_from("abc"))


def site(devices, **terms):
    """Return what holds at a place of which this is said, and nothing is assumed."""
    return find_site(CATALOGUE, devices, Terms(strict=True, **terms), Lines())


@given(st.lists(figures, max_size=5))
def test_a_total_is_as_weak_as_its_weakest_part_and_misses_what_they_miss(parts):
    whole = total(parts)
    assert whole.kind is weakest(part.kind for part in parts)
    assert set(whole.missing) == {name for part in parts for name in part.missing}
    if whole.value is not None:
        assert whole.value == pytest.approx(sum(part.value for part in parts))


@given(figures, figures)
def test_a_product_is_as_weak_as_its_weaker_factor(a, b):
    assert (a * b).kind is weakest((a.kind, b.kind))


@given(figures, figures)
def test_a_ratio_is_as_weak_as_its_weaker_side_and_unknown_over_nothing(a, b):
    ratio = a.over(b, "something")
    if a.value is None or not b.value:
        assert ratio == Figure.unknown(*(a.missing + b.missing or ("something",)))
    else:
        assert (ratio.value, ratio.kind) == (a.value / b.value, weakest((a.kind, b.kind)))


exact, least, most = (Figure(2.0, bound=bound) for bound in (Bound.EXACT, Bound.AT_LEAST, Bound.AT_MOST))


@pytest.mark.parametrize(
    ("result", "bound"),
    [
        (least + exact, Bound.AT_LEAST),
        (least * 3, Bound.AT_LEAST),
        (least / 2, Bound.AT_LEAST),
        (least.over(exact, ""), Bound.AT_LEAST),
        (exact.over(least, ""), Bound.AT_MOST),
        (least.over(most, ""), Bound.AT_LEAST),
        (least.over(least, ""), Bound.OPEN),
        (exact.over(exact, ""), Bound.EXACT),
        (total([exact, least, exact]), Bound.AT_LEAST),
    ],
)
def test_what_is_at_least_so_much_stays_on_its_side(result, bound):
    assert result.bound is bound


@pytest.mark.parametrize("wrong", [(None, Kind.MEASURED, ()), (1.0, Kind.UNKNOWN, ("x",)), (None, Kind.UNKNOWN, ())])
def test_a_figure_is_wholly_known_or_wholly_unknown(wrong):
    with pytest.raises(ValueError, match="misses something"):
        Figure(*wrong)


def test_a_measured_run_priced_at_a_place():
    # 1 h of one A100, 0.25 kWh measured; France 56 g/kWh, PUE 1.2; 3.673 USD/h
    used = Usage(A100, "gpu: NVIDIA A100", HOUR, energy_j=Figure(900_000.0, Kind.MEASURED))
    cost = bill([used], site([A100], region="FRA", pue=1.2))
    assert cost.device_kwh == Figure(0.25, Kind.MEASURED)
    assert cost.kwh.value == pytest.approx(0.3)
    assert cost.kwh.kind is Kind.ASSUMED  # the PUE is the caller's word
    assert cost.gco2e.value == pytest.approx(0.3 * 56)
    assert cost.usd.value == pytest.approx(3.673)
    assert cost.usd.kind is Kind.MEASURED


def test_a_published_pue_makes_it_modelled_and_simulated_time_makes_the_rent_modelled():
    used = Usage(A100, "a100", Figure(3600.0, Kind.MODELLED), energy_j=Figure(900_000.0, Kind.MEASURED))
    cost = bill([used], site([A100], region="FRA", pue="gcp"))
    assert (cost.kwh.kind, cost.gco2e.kind, cost.usd.kind) == (Kind.MODELLED, Kind.MODELLED, Kind.MODELLED)


def test_what_nobody_says_is_unknown_and_named():
    used = Usage(A100, "a100", HOUR)
    cost = bill([used], site([]))
    assert cost.device_kwh.value == pytest.approx(0.4)  # rated 400 W for an hour
    assert cost.kwh == Figure.unknown("PUE: none given")
    assert cost.gco2e.missing == ("PUE: none given", "carbon intensity: no region given")
    assert cost.usd == Figure.unknown("price of a100_sxm_40")


def test_one_unknown_device_makes_the_whole_unknown_never_smaller():
    cost = bill([Usage(A100, "a100", HOUR), Usage(None, "cpu: Mystery", HOUR)], site([A100], region="FRA", pue=1.0))
    assert cost.device_kwh == Figure.unknown("power of cpu: Mystery")
    assert cost.usd == Figure.unknown("price of cpu: Mystery")


def test_processors_of_a_device_are_charged_their_share():
    # 4 of 64 cores for an hour at 280 W rated: 280 * 4 / 64 = 17.5 Wh
    epyc = CATALOGUE.find_device("epyc_7763")
    assert bill([Usage(epyc, "epyc", HOUR * 4)], site([])).device_kwh.value == pytest.approx(0.0175)


def test_bills_of_halves_add_up_to_the_bill_of_the_whole():
    place = site([A100], region="USA", pue="us_avg_2020")
    half = bill([Usage(A100, "a100", HOUR * 0.5)], place)
    whole = bill([Usage(A100, "a100", HOUR)], place)
    assert (half.usd + half.usd).value == pytest.approx(whole.usd.value)
    assert (half.gco2e + half.gco2e).value == pytest.approx(whole.gco2e.value)


class TestPower:
    def test_linear_between_idle_and_rated(self):
        v100 = CATALOGUE.find_device("v100_pcie")
        assert power_w(v100, 0.5) == Figure((35 + 250) / 2, Kind.MODELLED)
        assert [power_w(v100, u).value for u in (0, 1)] == [35, 250]

    def test_typical_power_where_utilisation_is_unknown(self):
        assert power_w(CATALOGUE.find_device("v100_sxm2")) == Figure(325, Kind.MODELLED)

    def test_rated_power_is_an_assumption(self):
        assert power_w(A100) == Figure(400, Kind.ASSUMED)

    def test_unknown_power_is_named(self, tmp_path):
        path = tmp_path / "own.yaml"
        path.write_text("devices: [{id: mine, kind: gpu}]")
        assert power_w(load_catalogue(path).find_device("mine")) == Figure.unknown("max_w of mine")

    def test_a_utilisation_that_is_no_share_is_refused(self):
        with pytest.raises(NassimError, match=r"found a utilisation of 1.5; a share from 0 to 1"):
            power_w(A100, 1.5)


class TestPowerModel:
    MODEL = PowerModel(idle_w=40, busy_w=240)

    def test_a_limit_above_what_it_draws_changes_nothing(self):
        assert self.MODEL.slowdown(300) == self.MODEL.slowdown(None) == 1
        assert self.MODEL.mean_w(0.5) == self.MODEL.mean_w(0.5, 300) == 140

    def test_a_limit_costs_time_by_the_cube_root_of_dynamic_power(self):
        # 240 to 65 W: dynamic power falls from 200 to 25 W, an eighth, so the clock halves
        assert self.MODEL.slowdown(65) == pytest.approx(2)
        assert self.MODEL.mean_w(1.0, 65) == 65

    def test_a_limit_below_idle_is_refused(self):
        with pytest.raises(NassimError, match=r"found a power limit of 30 W; above the idle power, 40 W"):
            self.MODEL.slowdown(30)
