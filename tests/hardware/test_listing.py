"""Tables of the catalogue, and calibrations kept in a file."""

from dataclasses import replace

import pytest

from nassim.errors import NassimError
from nassim.hardware.calibration import prior
from nassim.hardware.catalogue import load_catalogue
from nassim.hardware.listing import device_rows, price_rows, pue_rows, region_rows
from nassim.hardware.machine import Machine
from nassim.hardware.roofline import Calibration
from nassim.hardware.saved import load_machines, save_machines

CATALOGUE = load_catalogue()
MODEL = prior("AMD EPYC", 1e11, 2e10, overlaps=False)
MACHINE = Machine("AMD EPYC", 2, 1e11, 2e10, Calibration(MODEL, (MODEL, MODEL), 0.05, ("launch_s",)))


def test_tables_have_a_row_an_entry_and_leave_unknown_numbers_empty():
    assert [row["device"] for row in device_rows(CATALOGUE)] == list(CATALOGUE.devices)
    by_id = {row["device"]: row for row in device_rows(CATALOGUE)}
    assert by_id["a100_sxm_40"]["fp32_tflop_per_s"] == 19.5
    assert by_id["jetson_agx_xavier"]["bandwidth_gb_per_s"] is None
    assert len(price_rows(CATALOGUE)) == len(CATALOGUE.prices)
    assert {"region": "FRA", "gco2e_per_kwh": 56.0}.items() <= region_rows(CATALOGUE)[9].items()
    assert pue_rows(CATALOGUE)[0]["pue"] == 1.58


def test_calibrations_come_back_and_are_replaced(tmp_path):
    path = tmp_path / "machines.json"
    save_machines(path, [MACHINE])
    faster = replace(MACHINE, peak_flop_per_s=2e11)
    other = replace(MACHINE, threads=1)
    save_machines(path, [faster, other])
    assert load_machines(path) == (faster, other)


@pytest.mark.parametrize("text", ["", "{}{", '[{"device": "x"}]', "[1]", "null", "{}", "[" * 100_000, "\0"])
def test_a_file_that_is_no_calibration_says_what_to_do(tmp_path, text):
    path = tmp_path / "machines.json"
    path.write_text(text)
    with pytest.raises(NassimError, match=r"machines.json can't be read .*; remove it, and measure again"):
        load_machines(path)
