"""The shipped catalogue, look-ups, and one's own entries."""

from dataclasses import fields
from pathlib import Path

import pytest

from nassim.errors import NassimError
from nassim.hardware.catalogue import Device, Precision, load_catalogue
from nassim.hardware.figure import Figure, Kind

CATALOGUE = load_catalogue()


def test_reaches_from_the_k40_to_the_b200_and_to_small_boards():
    wanted = {"k40", "p100_pcie", "v100_sxm2", "a100_sxm_40", "h100_sxm", "h200_sxm", "b200", "tpu_v2", "tpu_v4"}
    assert wanted | {"epyc_7763", "jetson_agx_xavier", "raspberry_pi_4"} <= set(CATALOGUE.devices)


def test_every_entry_names_its_source():
    entries = (*CATALOGUE.devices.values(), *CATALOGUE.prices, *CATALOGUE.grids.values(), *CATALOGUE.pues.values())
    assert [entry for entry in entries if not entry.source or entry.source in ("devices.csv", "grids.csv")] == []
    assert all("memory" not in price.source or price.confidence.is_unverified for price in CATALOGUE.prices)


def test_no_number_is_zero():
    numbers = [field.name for field in fields(Device) if field.name.endswith(("_per_s", "_w", "_bytes"))]
    assert len(numbers) == 8
    for device in CATALOGUE.devices.values():
        assert all(getattr(device, name) is None or getattr(device, name) > 0 for name in numbers), device.id


def test_every_price_is_of_a_listed_device():
    assert {price.device for price in CATALOGUE.prices} <= set(CATALOGUE.devices)


def test_no_name_stands_for_two_devices():
    for device in CATALOGUE.devices.values():
        for name in (device.id, device.name, *device.aliases):
            assert CATALOGUE.find_device(name) is device


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a100", "a100_sxm_40"),
        ("A100-SXM4-40GB", "a100_sxm_40"),
        ("gpu: NVIDIA H200", "h200_sxm"),
        ("cpu: AMD EPYC 7763 64-Core Processor", "epyc_7763"),
        ("Tesla T4", "t4"),
        ("NVIDIA Tesla K40", "k40"),
        ("NVIDIA P100", "p100_pcie"),
        ("V100 16GB", "v100_sxm2"),
        ("A100 80GB", "a100_sxm_80"),
        ("GTX Titan X", "gtx_titan_x"),
        ("NVIDIA TITAN X (Pascal)", "titan_x_pascal"),
        ("NVIDIA TITAN Xp", "titan_xp"),
        ("Tesla K40m", "k40"),
        ("TPU v2 chip", "tpu_v2"),
        ("v3-8", "tpu_v3_8"),
        ("GTX 1080", "gtx1080"),
        ("jetson agx", "jetson_agx_xavier"),
    ],
)
def test_devices_answer_to_ids_aliases_what_drivers_report_and_first_words(name, found):
    assert CATALOGUE.find_device(name).id == found


@pytest.mark.parametrize("name", ["Titan", "RTX 4090 T", "b2", "a10", "RTX 3090 Ti", "NVIDIA", "GeForce"])
def test_a_part_of_a_word_or_of_a_family_stands_for_no_device(name):
    with pytest.raises(NassimError, match=r"is not in the catalogue|is ambiguous"):
        CATALOGUE.find_device(name)


def test_a_variant_is_not_found_by_the_name_of_the_plain_model(tmp_path):
    path = written(tmp_path, "devices: [{id: lab9ti, kind: gpu, name: Lab 9 Ti}]")
    with pytest.raises(NassimError, match=r"device 'Lab 9' is not in the catalogue; near it: lab9ti \(Lab 9 Ti\)"):
        load_catalogue(path).find_device("Lab 9")


@pytest.mark.parametrize(("name", "found"), [("FRA", "FRA"), ("france", "FRA"), ("europe-west9", "gcp:europe-west9")])
def test_regions_answer_to_codes_names_and_cloud_regions(name, found):
    assert CATALOGUE.find_grid(name).id == found


def test_an_ambiguous_name_lists_what_it_may_be():
    with pytest.raises(NassimError, match=r"device 'a100_sxm' is ambiguous: a100_sxm_40, a100_sxm_80; write more of"):
        CATALOGUE.find_device("a100_sxm")


@pytest.mark.parametrize(
    ("name", "candidates"),
    [("Titan X", "gtx_titan_x, titan_x_pascal"), ("NVIDIA A100 PCIe", "a100_pcie_40, a100_pcie_80")],
)
def test_a_name_of_two_devices_stands_for_neither(name, candidates):
    with pytest.raises(NassimError, match=f"device '{name}' is ambiguous: {candidates}"):
        CATALOGUE.find_device(name)


def test_a_tpu_device_is_four_of_its_chips():
    for version in ("tpu_v2", "tpu_v3"):
        chip, device = CATALOGUE.devices[version], CATALOGUE.devices[f"{version}_8"]
        for field in ("fp32_flop_per_s", "tensor16_flop_per_s", "memory_bytes", "typical_w", "max_w"):
            one, four = getattr(chip, field), getattr(device, field)
            assert four == (None if one is None else pytest.approx(4 * one)), field
        prices = zip(CATALOGUE.prices_of(chip), CATALOGUE.prices_of(device), strict=True)
        assert all(four.usd_per_device_h.value == pytest.approx(4 * one.usd_per_device_h.value) for one, four in prices)


def test_an_unknown_name_lists_the_near_ones_and_what_to_do():
    with pytest.raises(
        NassimError, match=r"device 'a100_sxn_40' .* near it: a100_sxm_40 \(A100 .*`nassim devices` lists"
    ):
        CATALOGUE.find_device("a100_sxn_40")
    with pytest.raises(NassimError, match="region '' is not in the catalogue"):
        CATALOGUE.find_grid("")


def test_unknown_and_unverified_numbers_say_so():
    xavier = CATALOGUE.find_device("jetson xavier")
    assert xavier.figure("bandwidth_bytes_per_s") == Figure.unknown("bandwidth_bytes_per_s of jetson_agx_xavier")
    assert xavier.figure("fp32_flop_per_s").kind is Kind.ASSUMED
    assert CATALOGUE.find_device("v100").peak_flop_per_s(Precision.TENSOR16) == Figure(125e12, Kind.MEASURED)


def test_a_processor_has_its_share_of_the_device():
    # EPYC 7763: 64 cores * 2.45 GHz * 32 FLOP = 5.02 TFLOP/s; one core has a 64th of it
    assert CATALOGUE.find_device("epyc_7763").peak_flop_per_s().value == pytest.approx(5.02e12 / 64)


def test_prices_are_per_device_whatever_is_rented():
    v100 = CATALOGUE.find_device("v100")
    aws = CATALOGUE.find_price(v100, provider="aws")
    assert aws is not None
    assert aws.usd_per_device_h.value == pytest.approx(3.06)  # p3.16xlarge: 24.48 for 8
    assert CATALOGUE.find_price(v100, provider="runpod") is None


def test_a_provider_that_nobody_has_is_likely_a_slip():
    with pytest.raises(NassimError, match=r"provider 'amazon'; the catalogue has aws, gcp"):
        CATALOGUE.find_price(CATALOGUE.find_device("v100"), provider="amazon")


OWN = """\
devices:
  - id: lab_gpu
    kind: gpu
    aliases: [Lab GPU, mine]
    fp32_tflop_per_s: 10
    max_w: 200
    unverified: [max_w]
prices:
  - {device: lab_gpu, provider: lab, billing: on-demand, usd_per_h: 0.5}
  - {device: v100_sxm2, provider: lab, billing: on-demand, usd_per_h: 1}
grids:
  - {id: roof, gco2e_per_kwh: 41}
pue:
  - {id: cellar, pue: 1.3}
"""


def written(folder: Path, text: str, name: str = "own.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_ones_own_entries_join_and_go_first(tmp_path):
    catalogue = load_catalogue(written(tmp_path, OWN))
    device = catalogue.find_device("mine")
    assert (device.fp32_flop_per_s, device.idle_w, device.source) == (1e13, None, "own.yaml")
    assert device.figure("max_w").kind is Kind.ASSUMED
    assert catalogue.find_price(catalogue.find_device("v100")).provider == "lab"
    assert (catalogue.find_grid("roof").gco2e_per_kwh, catalogue.find_pue("cellar").pue) == (41, 1.3)
    assert catalogue.find_device("b200") is CATALOGUE.find_device("b200")
    assert "lab_gpu" not in load_catalogue().devices


def test_ones_own_table_as_csv_replaces_an_entry(tmp_path):
    path = written(tmp_path, "id,gco2e_per_kwh\nFRA,1\n", "grids.csv")
    assert load_catalogue(path).find_grid("FRA").gco2e_per_kwh == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (OWN.replace("10", "ten"), "own.yaml, line 2, fp32_tflop_per_s: found 'ten'; a number of at least 0"),
        (OWN.replace("200", "-1"), "own.yaml, line 2, max_w: found '-1'; a number of at least 0"),
        (OWN.replace("pue: 1.3", "pue: 0.9"), "own.yaml, line 14, pue: found '0.9'; a number of at least 1"),
        (OWN.replace("kind: gpu", "kind: quantum"), "line 2, kind: found 'quantum'; one of gpu, tpu, cpu, soc"),
        (OWN.replace("max_w:", "max_watts:"), "line 2, max_watts: there is no such field in devices; id, kind"),
        (OWN.replace("[max_w]", "[power]"), "line 2, unverified: found 'power'; names of columns: fp32_tflop_per_s"),
        (OWN.replace("    kind: gpu\n", ""), "line 2, kind: found nothing; every entry of devices has id, kind"),
        (OWN.replace("grids:", "regions:"), "line 11: found 'regions'; any of devices, prices, grids, pue"),
        (OWN.replace("v100_sxm2", "v1000"), "line 10, device: found 'v1000'; the id of a device in the catalogue"),
        (OWN + "  - {id: cellar, pue: 1.4}\n", "line 15, id: found 'cellar' a second time; the first is in line 14"),
        ("devices: [", "own.yaml is not YAML"),
        ("- 1", "own.yaml: a mapping with any of devices, prices, grids, pue"),
        ("pue: 3", "line 1, pue: a list of mappings"),
        ("pue: [{id: {a: 1}, pue: 2}]", "line 1, id: a text, a number or a list"),
    ],
)
def test_errors_say_where_what_and_what_is_allowed(tmp_path, text, message):
    with pytest.raises(NassimError) as caught:
        load_catalogue(written(tmp_path, text))
    assert message in str(caught.value)


def test_errors_of_files_that_cannot_be_read(tmp_path):
    with pytest.raises(NassimError, match="can't be read"):
        load_catalogue(tmp_path / "absent.yaml")
    with pytest.raises(NassimError, match=r"of no known sort; a YAML file \(.yaml\), or one named devices.csv"):
        load_catalogue(written(tmp_path, "", "hardware.csv"))
    with pytest.raises(NassimError, match=r"grids.csv, line 2: more cells than the header has columns"):
        load_catalogue(written(tmp_path, "id,gco2e_per_kwh\na,1,2\n", "grids.csv"))
