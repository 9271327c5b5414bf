"""What a worker says of its device."""

import os
import subprocess
import sys

import pytest

from nassim.executors import device
from nassim.executors.device import available_threads, this_worker
from nassim.hardware.machine import Machine, peak_flop_per_s
from nassim.hardware.saved import machines_file, save_machines

torch = pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Measured rates are remembered in a folder of the test's own."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(device, "_cpu_model", lambda: "Unlisted 1")
    monkeypatch.setenv("NASSIM_MACHINES", str(tmp_path / "machines.json"))
    return tmp_path


def test_a_rate_is_measured_once_for_a_device_and_a_number_of_threads(monkeypatch):
    measured = []
    monkeypatch.setattr(device, "peak_flop_per_s", lambda clock, where: measured.append(where) or 8e9)
    assert this_worker("a", threads=1).peak_flop_per_s == 8e9
    assert this_worker("b", threads=1).peak_flop_per_s == 8e9
    assert measured == ["cpu"]
    assert this_worker("c", threads=4).peak_flop_per_s == 2e9
    assert measured == ["cpu", "cpu"]


def test_a_listed_device_has_the_catalogues_rate(monkeypatch):
    monkeypatch.setattr(device, "_cpu_model", lambda: "AMD EPYC 7763 64-Core Processor")
    monkeypatch.setattr(device, "peak_flop_per_s", lambda clock, where: pytest.fail("measured, though it is listed"))
    worker = this_worker("a", threads=2)
    assert (worker.peak_flop_per_s, worker.peak_source) == (5.02e12 / 64, "catalogue")


def test_a_calibrated_device_has_the_rate_that_calibration_measured(monkeypatch):
    monkeypatch.setattr(device, "peak_flop_per_s", lambda clock, where: 7e9)
    save_machines(machines_file(), [Machine("cpu: Unlisted 1", 2, 8e10, 1e10)])
    worker = this_worker("a", threads=2)
    assert (worker.peak_flop_per_s, worker.peak_source) == (4e10, "measured")
    assert this_worker("b", threads=1).peak_flop_per_s == 7e9  # calibrated with two threads, not with one


def test_an_old_rate_is_measured_again(monkeypatch):
    rates = iter([8e9, 9e9])
    monkeypatch.setattr(device, "peak_flop_per_s", lambda clock, where: next(rates))
    assert this_worker("a", threads=1).peak_flop_per_s == 8e9
    monkeypatch.setattr(device, "GOOD_FOR_S", 0.0)
    assert this_worker("a", threads=1).peak_flop_per_s == 9e9


def test_the_measured_rate_is_that_of_a_matrix_product():
    rate = peak_flop_per_s(device.stamp, "cpu")
    left = torch.rand(512, 512)
    times = []
    for _ in range(30):
        begin = device.stamp()
        left @ left
        times.append(device.stamp() - begin)
    assert 0.1 < rate / (2 * 512**3 / min(times)) < 10


def test_a_process_without_torch_does_not_load_it_to_measure():
    code = (
        "import sys; from nassim.executors.device import this_worker;"
        "print(this_worker('a', 1).peak_source, 'torch' in sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["None", "False"]


@pytest.mark.parametrize(
    ("said", "threads"), [("3", 3), ("", len(os.sched_getaffinity(0))), ("0", None), ("all", None)]
)
def test_threads_are_those_that_are_asked_for_or_one_per_cpu(monkeypatch, said, threads):
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert available_threads() == (threads or len(os.sched_getaffinity(0)))


@pytest.mark.parametrize(
    "kept", [b"", b'{"key": "x', b"[1, 2]", b"null", b"\xff\xfe\x00", b"[" * 100_000, b'{"key": 1}']
)
def test_a_rate_that_can_not_be_read_is_measured_and_kept_anew(folder, monkeypatch, kept):
    rates = iter([8e9, 9e9])
    monkeypatch.setattr(device, "peak_flop_per_s", lambda clock, where: next(rates))
    this_worker("a", threads=1)
    (file,) = folder.glob("nassim-*/peak-*.json")
    file.write_bytes(kept)
    assert [this_worker("a", threads=1).peak_flop_per_s for _ in range(2)] == [9e9, 9e9]


def test_a_rate_that_can_not_be_kept_is_measured(folder, monkeypatch):
    monkeypatch.setattr(device, "peak_flop_per_s", lambda clock, where: 8e9)
    monkeypatch.setattr("tempfile.tempdir", str(folder / "nowhere"))
    assert this_worker("a", threads=1).peak_flop_per_s == 8e9
