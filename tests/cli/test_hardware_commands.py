"""devices, regions, calibrate, site, and a report priced anew, run as a user runs them."""

import json
import re
import sys
from pathlib import Path

import commands
import pytest

from nassim.cli.hardware import FITTED, calibrate
from nassim.hardware.calibration import _PARAMETERS, prior
from nassim.hardware.machine import Machine
from nassim.hardware.roofline import Calibration

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
from report_samples import RUN, post_sample

OWN = """\
devices:
  - {id: lab_gpu, kind: gpu, fp32_tflop_per_s: 10, max_w: 360}
prices:
  - {device: lab_gpu, provider: lab, billing: on-demand, usd_per_h: 1.80}
grids:
  - {id: roof, gco2e_per_kwh: 50}
  - {id: stack, gco2e_per_kwh: 100}
"""


def nassim(*arguments: str, folder: Path, run=commands.nassim):
    return run(
        *arguments, folder=folder, NASSIM_MACHINES=str(folder / "m.json"), XDG_CONFIG_HOME=str(folder / "config")
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the sample run, 20 s on one worker, and a catalogue of one's own."""
    folder = tmp_path_factory.mktemp("priced")
    (folder / "own.yaml").write_text(OWN)
    post_sample(f"sqlite:///{folder / 'nassim.db'}").close()
    return folder


def report(folder, *options):
    done = nassim("report", RUN, "--format", "json", *options, folder=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["total"]["leased"]


def test_an_old_run_is_priced_anew(folder):
    options = ("--catalogue", "own.yaml", "--device", "lab_gpu", "--pue", "1.25")
    roof, stack = (report(folder, *options, "--region", region) for region in ("roof", "stack"))
    # 20 s at 360 W are 7,200 J = 0.002 kWh at the device, times 1.25; at 50 g/kWh 0.125 g; 20 s at 1.8 USD/h 0.01 USD.
    assert roof["kwh"]["value"] == pytest.approx(0.0025)
    assert roof["gco2e"]["value"] == pytest.approx(0.125)
    assert roof["usd"] == {"value": pytest.approx(0.01), "kind": "assumed", "missing": [], "bound": "exact"}
    assert stack["gco2e"]["value"] == pytest.approx(2 * roof["gco2e"]["value"])
    assert stack["kwh"] == roof["kwh"]


def test_a_published_device_and_region(folder):
    # An A100 is rated 400 W, France emits 56 g/kWh: 20 s * 400 W / 3.6e6 * 1.2 * 56 = 0.149 g.
    done = nassim("report", "--device", "a100", "--region", "FRA", "--pue", "1.2", folder=folder)
    line = next(line for line in done.stdout.splitlines() if "the whole run, leased" in line)
    assert line.split()[4:] == ["40.0", "GFLOP", "20.0", "s", "0.00267", "*", "0.0204", "*", "0.149", "*"]


def test_without_a_place_costs_are_assumed_and_strictly_unknown_in_text_and_json(folder):
    assumed, strict = report(folder), report(folder, "--strict")
    for unit in ("device_kwh", "kwh", "usd", "gco2e"):
        assert (assumed[unit]["value"] > 0, assumed[unit]["kind"]) == (True, "assumed")
        assert (strict[unit]["value"], strict[unit]["kind"]) == (None, "unknown")
    text = " ".join(nassim("report", "--strict", folder=folder).stdout.split())
    assert "energy unknown, rent unknown, emissions unknown." in text
    assert "Unknown for want of: power of cpu: test PUE: none given" in text


def test_a_site_is_said_once_for_all_and_taken_back(folder):
    once = report(folder, "--region", "DEU", "--pue", "1.2")
    said = nassim("site", "--region", "DEU", "--pue", "1.2", folder=folder)
    assert said.returncode == 0, said.stderr
    try:
        assert report(folder) == once
        assert report(folder, "--region", "FRA")["gco2e"]["value"] < once["gco2e"]["value"]
        shown = nassim("site", folder=folder).stdout
        rows = {line.split()[0]: line for line in shown.splitlines() if line}
        assert re.search(r"DEU +your site$", rows["region"])
        assert re.search(r"1\.2 +your site$", rows["pue"])
        assert rows["provider"].endswith("assumed")
        assert "380.9 gCO2e/kWh in Germany (2023;" in shown
        assert str(folder / "config" / "nassim" / "site.yaml") in " ".join(shown.split())
        document = json.loads(nassim("site", "--unset", "pue", "--format", "json", folder=folder).stdout)
        assert (document["region"]["value"], document["pue"]["value"]) == ("DEU", None)
    finally:
        nassim("site", "--unset", "all", folder=folder)
    assert json.loads(nassim("site", "--format", "json", folder=folder).stdout)["region"]["value"] is None


def test_a_mistake_changes_nothing_of_the_site(tmp_path):
    nassim("site", "--region", "DEU", folder=tmp_path)
    file = tmp_path / "config" / "nassim" / "site.yaml"
    assert file.read_text() == "region: DEU\n"
    assert nassim("site", "--region", "FRA", "--pue", "0.9", folder=tmp_path).returncode == 2
    assert file.read_text() == "region: DEU\n"


def test_a_broken_site_is_named_with_the_remedy_which_works(tmp_path):
    file = tmp_path / "config" / "nassim" / "site.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("region: [")
    post_sample(f"sqlite:///{tmp_path / 'nassim.db'}").close()
    for command in ("report", "site"):
        done = nassim(command, folder=tmp_path)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert done.stderr.startswith(f"nassim: your site, {file}, can't be read: ")
    assert nassim("site", "--unset", "all", folder=tmp_path).returncode == 0
    assert nassim("report", folder=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "--device", "a1000"], "nassim: device 'a1000' is not in the catalogue; near it: "),
        (["report", "--region", "Francia"], "nassim: region 'Francia' is not in the catalogue; near it: "),
        (["report", "--pue", "0.5"], "nassim: found the PUE 0.5; a number of at least 1"),
        (["report", "--pue", "gogle"], "nassim: PUE 'gogle' is not in the catalogue"),
        (["report", "--device", "a100", "--provider", "acme"], "nassim: found the provider 'acme'; the catalogue has"),
        (["site", "--region", "Germny"], "nassim: region 'Germny' is not in the catalogue; near it: DEU (Germany)"),
        (["site", "--pue", "0.5"], "nassim: found the PUE 0.5; a number of at least 1"),
        (["site", "--pue", "nan"], "nassim: found the PUE nan; a number of at least 1"),
        (["site", "--provider", "acme"], "nassim: found the provider 'acme'; the catalogue has"),
        (["site", "--unset", "place"], "nassim: found --unset place; any of device, region, pue, provider, billing"),
        (["site", "--region", "FRA", "--unset", "region"], "nassim: --region is given and unset; do one of the two"),
        (["devices", "a1000"], "nassim: device 'a1000' is not in the catalogue"),
        (["regions", "Francia"], "nassim: region 'Francia' is not in the catalogue"),
        (["devices", "--catalogue", "no.yaml"], "nassim: the catalogue no.yaml can't be read"),
        (["calibrate", "--device", "tpu"], "nassim: found the device 'tpu'; cpu or cuda can be measured"),
        (["calibrate", "--address", "127.0.0.1:1"], "nassim: there is no Ray to join at 127.0.0.1:1"),
    ],
)
def test_mistakes_are_told_in_one_message(folder, arguments, message):
    done = nassim(*arguments, folder=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1


def test_devices_lists_what_there_is_and_what_one_adds(folder):
    lines = nassim("devices", "--catalogue", "own.yaml", folder=folder).stdout.splitlines()
    assert lines[0].split()[:3] == ["device", "kind", "year"]
    rows = {line.split()[0]: line.split() for line in lines[1:] if line.strip()}
    assert rows["a100_sxm_40"][1:3] == ["gpu", "2020"]
    assert rows["lab_gpu"][2] == "unknown"  # its year
    assert max(map(len, lines)) <= 100


def test_a_device_is_shown_with_its_prices_units_and_sources(folder):
    out = nassim("devices", "a100", folder=folder).stdout
    assert "fp32_tflop_per_s      19.5" in out
    assert "idle_w                unknown" in out
    assert "source                Epoch AI" in out
    assert "usd_per_device_h" in out


def test_regions_and_pue_as_json_with_null_for_unknown(folder):
    everything = json.loads(nassim("regions", "--format", "json", folder=folder).stdout)
    france = next(row for row in everything["regions"] if row["region"] == "FRA")
    assert (france["name"], france["gco2e_per_kwh"]) == ("France", 56)
    assert everything["pue"]
    (only,) = json.loads(nassim("regions", "FRA", "--format", "json", folder=folder).stdout)["regions"]
    assert only == france
    devices = json.loads(nassim("devices", "tpu_v3", "--format", "json", folder=folder).stdout)["devices"]
    assert devices[0]["fp32_tflop_per_s"] is None


@pytest.mark.slow
def test_calibrate_measures_this_machine_and_keeps_it(folder):
    done = nassim("calibrate", folder=folder, run=commands.nassim_process)
    assert done.returncode == 0, done.stderr
    assert "peak rate" in done.stdout
    assert "memory bandwidth" in done.stdout
    (kept,) = json.loads((folder / "m.json").read_text())
    assert kept["device"].startswith("cpu: ")
    assert kept["threads"] == 1
    assert 1e9 < kept["peak_flop_per_s"] < 1e13


def test_a_calibration_that_ends_beyond_physics_warns(tmp_path, monkeypatch, capsys):
    model = prior("cpu: test", 1e11, 1e10, overlaps=False)
    machine = Machine("cpu: test", 1, 1e11, 1e10, Calibration(model, (model,), 0.05, ("compute_efficiency",)))
    monkeypatch.setenv("NASSIM_MACHINES", str(tmp_path / "m.json"))
    monkeypatch.setattr("nassim.executors.calibrating.calibrate_here", lambda device, threads: machine)
    calibrate("cpu", 1, None)
    shown = capsys.readouterr()
    assert set(FITTED) == set(_PARAMETERS)
    assert all(title in shown.out for title in FITTED.values())
    assert shown.err.startswith("nassim: cpu: test: compute efficiency ended at the most that physics allows. Either")
    assert shown.err.count("\n") == 1
