"""What hardware of some name costs, and what it would cost as another device."""

import pytest

from nassim.cost.work import Activity
from nassim.hardware.catalogue import load_catalogue
from nassim.hardware.figure import Kind
from nassim.hardware.tariff import Held, Terms, tariff

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
    part = tariff(Terms(), ["cpu: odd"]).cost([Held("cpu: odd", 0.3, 0.3, energy_j=3.6, metered_s=0.2)])
    assert part.device_kwh.missing == ("power of cpu: odd",)
