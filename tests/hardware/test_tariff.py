"""What hardware of some name costs, and what it would cost as another device."""

import pytest

from nassim.cost.work import Activity
from nassim.hardware.catalogue import load_catalogue
from nassim.hardware.figure import Kind
from nassim.hardware.tariff import Held, tariff
from nassim.hardware.terms import Terms

A100, EPYC = "gpu: NVIDIA A100-SXM4-40GB", "cpu: AMD EPYC 7763 64-Core Processor"


@pytest.mark.parametrize(
    ("said", "device"),
    [
        (A100, "a100_sxm_40"),
        (EPYC, "epyc_7763"),
        ("gpu: NVIDIA H200", "h200_sxm"),
        ("cpu: AMD EPYC", None),  # the beginning of several
        ("gpu: NVIDIA A100", None),
        ("unknown", None),
        ("", None),
    ],
)
def test_only_a_whole_name_is_recognised(said, device):
    found = load_catalogue().recognise(said)
    assert (found.id if found else None) == device


@pytest.mark.parametrize(
    ("held", "priced_as", "processor_s"),
    [
        (Held(A100, 100, 25), "v100", 25),  # a quarter of an accelerator is a quarter of another
        (Held(EPYC, 100, 400), "epyc_9654", 400),  # 4 of 64 cores are 4 of 96
        (Held(EPYC, 100, 400), "a100", 100),  # from one sort to the other a worker holds a whole device
        (Held(A100, 100, 25), "epyc_9654", 100 * 96),
        (Held("unknown", 100, 400), "a100", 100),
    ],
)
def test_seconds_priced_as_another_device(held, priced_as, processor_s):
    device = load_catalogue().find_device(priced_as)
    joules = tariff(Terms(device=priced_as), [held.device]).cost([held]).device_kwh
    watts = {"v100_sxm2": 325.0}.get(device.id, device.max_w)  # of the V100 the mean of a computer in training is known
    assert joules.value * 3_600_000 == pytest.approx(watts / device.processors * processor_s)
    assert joules.kind is Kind.ASSUMED


def test_seconds_on_the_device_itself_stay_measured_though_it_is_named():
    terms = Terms(device="a100", pue=1), Terms(pue=1)
    named, found = (tariff(each, [A100]).cost([Held(A100, 3600, 3600)]) for each in terms)
    assert named == found
    assert (named.usd.value, named.usd.kind) == (3.673, Kind.MEASURED)


def test_waiting_draws_idle_power_where_it_is_known():
    held = {activity: Held("gpu: NVIDIA A40", 1, 1, activity) for activity in (Activity.TRAIN, Activity.IDLE)}
    costs = tariff(Terms(), ["gpu: NVIDIA A40"])
    watts = {activity: costs.cost([each]).device_kwh.value * 3_600_000 for activity, each in held.items()}
    assert watts == {Activity.TRAIN: pytest.approx(300), Activity.IDLE: pytest.approx(80)}


def test_joules_that_were_measured_in_all_but_rounding_leave_nothing_to_model():
    cost = tariff(Terms(), ["cpu: odd"]).cost([Held("cpu: odd", 0.3, 0.3, energy_j=3.6, metered_s=0.1 + 0.2)])
    assert (cost.device_kwh.value, cost.device_kwh.kind) == (1e-6, Kind.MEASURED)
    part = Held("cpu: odd", 0.3, 0.3, energy_j=3.6, metered_s=0.2)
    assert tariff(Terms(strict=True), ["cpu: odd"]).cost([part]).device_kwh.missing == ("power of cpu: odd",)
    # The third that was not measured is taken to draw 12 W, as a core of any processor.
    assumed = tariff(Terms(), ["cpu: odd"]).cost([part]).device_kwh
    assert (assumed.value, assumed.kind) == (pytest.approx((3.6 + 0.1 * 12) / 3_600_000), Kind.ASSUMED)


def test_hardware_that_is_not_listed_is_taken_for_what_is_closest():
    rates = tariff(Terms(), ["cpu: AMD EPYC"])
    cost = rates.cost([Held("cpu: AMD EPYC", 3600, 2 * 3600)])
    # Two cores of a server processor for an hour: 8.6 W and 0.38847 / 8 USD each; 475 g a kWh, PUE 1.
    assert cost.kwh.value == pytest.approx(2 * 8.6 / 1000)
    assert cost.gco2e.value == pytest.approx(2 * 8.6 / 1000 * 475)
    assert cost.usd.value == pytest.approx(2 * 0.38847 / 8)
    assert {cost.kwh.kind, cost.gco2e.kind, cost.usd.kind} == {Kind.ASSUMED}
    assert rates.assumed[0].startswith("cpu: AMD EPYC is taken for any_server_cpu: nothing in the catalogue")


def test_the_users_own_device_stands_for_hardware_of_its_sort_that_is_not_listed():
    rates = tariff(Terms(own_device="epyc_9654"), ["cpu: AMD EPYC", EPYC, A100, "gpu: odd"])
    taken = {name: each.device.id for name, each in rates.devices.items()}
    assert taken == {
        "cpu: AMD EPYC": "epyc_9654",
        EPYC: "epyc_7763",
        A100: "a100_sxm_40",
        "gpu: odd": "any_gpu",
    }
    assert "cpu: AMD EPYC is taken for epyc_9654, as `nassim site` says" in rates.basis


def test_measured_joules_of_hardware_that_is_taken_for_another_stay_measured():
    held = Held("cpu: AMD EPYC", 3600, 3600, energy_j=3_600_000, metered_s=3600)
    cost = tariff(Terms(own_device="epyc_9654"), ["cpu: AMD EPYC"]).cost([held])
    assert (cost.device_kwh.value, cost.device_kwh.kind) == (1.0, Kind.MEASURED)
    assert cost.usd.kind is Kind.ASSUMED


def test_a_listed_device_without_a_power_takes_that_of_a_generic_one_unless_strict(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("devices: [{id: mute, kind: gpu}]")
    held = [Held("gpu: mute", 3600, 3600)]
    rates = tariff(Terms(catalogue=str(path)), ["gpu: mute"])
    assert rates.cost(held).device_kwh.value == pytest.approx(0.2)  # 200 W
    assert any(line.startswith("200 W for mute, for want of its power") for line in rates.assumed)
    strict = tariff(Terms(catalogue=str(path), strict=True), ["gpu: mute"])
    assert strict.cost(held).device_kwh.missing == ("max_w of mute",)
    assert strict.assumed == ()
