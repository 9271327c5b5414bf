"""What stands in for hardware that is not listed."""

from statistics import median

import pytest

from nassim.hardware.catalogue import Confidence, DeviceKind, load_catalogue
from nassim.hardware.catalogue.closest import closest
from nassim.hardware.figure import Kind

CATALOGUE = load_catalogue()


@pytest.mark.parametrize(
    ("said", "device"),
    [
        ("gpu: NVIDIA GeForce RTX 3070", "rtx3080"),
        ("gpu: NVIDIA GeForce RTX 3080 Laptop GPU", "rtx3080"),
        ("gpu: NVIDIA H100 NVL", "h100_sxm"),
        ("gpu: Tesla V100-FHHL-16GB", "v100_sxm2"),
        ("gpu: AMD Instinct MI250X", "any_gpu"),
        ("cpu: AMD EPYC 7713 64-Core Processor", "epyc_7763"),
        ("cpu: AMD EPYC", "any_server_cpu"),
        ("cpu: Intel Xeon Processor (Skylake, IBRS)", "any_server_cpu"),
        ("cpu: Intel(R) Core(TM) i7-8700K CPU @ 3.70GHz", "any_cpu"),
        ("cpu: x86_64", "any_cpu"),
        ("unknown", "any_cpu"),
    ],
)
def test_the_nearest_by_name_or_else_a_generic_one(said, device):
    found, why = closest(CATALOGUE, said)
    assert found.id == device
    assert why == ("nothing in the catalogue has a name like it" if found.is_generic else "the nearest by name")


def test_a_gpu_is_never_taken_for_a_processor_nor_the_reverse():
    kinds = {
        closest(CATALOGUE, f"{sort}: {device.name}")[0].kind
        for sort in ("gpu",)
        for device in CATALOGUE.devices.values()
    }
    assert kinds == {"gpu"}
    assert {closest(CATALOGUE, f"cpu: {device.name}")[0].kind for device in CATALOGUE.devices.values()} == {"cpu"}


@pytest.mark.parametrize("device", ["any_gpu", "any_server_cpu", "any_cpu"])
def test_generic_devices_have_a_power_a_source_and_stand_for_one_processor(device):
    generic = CATALOGUE.devices[device]
    assert generic.figure("max_w").kind is Kind.MEASURED
    assert (generic.is_generic, generic.processors) == (True, 1)
    assert generic.source


def test_any_gpu_rents_for_the_median_of_those_whose_price_was_seen_at_gcp():
    prices = [
        price.usd_per_device_h.value
        for price in CATALOGUE.prices
        if (price.provider, price.billing, price.confidence) == ("gcp", "on-demand", Confidence.SEEN)
        and CATALOGUE.devices[price.device].kind is DeviceKind.GPU
        and not CATALOGUE.devices[price.device].is_generic
    ]
    # T4 0.35, L4 0.56, P100 1.46, V100 2.48, A100 3.67 and 5.03, H100 10.98
    assert len(prices) == 7
    assert CATALOGUE.find_price(CATALOGUE.devices["any_gpu"]).usd_per_h == median(prices) == 2.48
