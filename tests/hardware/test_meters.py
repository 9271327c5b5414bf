"""Meters: recorded counters, wraps, missing counters; and joules split over leases."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nassim.errors import NassimError
from nassim.hardware.meters import Meter, NodeMeter, NvmlMeter, RaplMeter, ReplayMeter, drawn_j, find_meter, split

RANGE_UJ = 262_143_328_850  # of a Xeon


def counters(root: Path, **values_uj: int) -> Path:
    """A tree as the kernel shows it: two packages, cores inside the first, memory beside them."""
    names = {"0": "package-0", "0:0": "core", "0:1": "dram", "1": "package-1"}
    for key, name in names.items():
        folder = root / f"intel-rapl:{key}"
        folder.mkdir(exist_ok=True)
        (folder / "name").write_text(f"{name}\n")
        (folder / "max_energy_range_uj").write_text(f"{RANGE_UJ}\n")
        value = values_uj.get(name.replace("-", "_"), 0)
        (folder / "energy_uj").write_text(f"{value}\n")
    return root


class TestRapl:
    def test_counts_packages_and_memory_and_not_the_cores_inside(self, tmp_path):
        meter = RaplMeter(counters(tmp_path, package_0=1_000_000, core=5, dram=7, package_1=3_000_000))
        counters(tmp_path, package_0=3_500_000, core=2_000_000, dram=500_007, package_1=4_000_000)
        assert meter.read_j() == {"cpu:package-0": 2.5, "cpu:package-1": 1.0, "memory:package-0": 0.5}

    def test_a_wrap_adds_up(self, tmp_path):
        meter = RaplMeter(counters(tmp_path, package_0=RANGE_UJ - 999_999))
        counters(tmp_path, package_0=1_000_000)
        # 999,999 µJ to the end of the range, one step to 0, 1,000,000 more
        assert meter.read_j()["cpu:package-0"] == 2.0
        counters(tmp_path, package_0=1_500_000)
        assert meter.read_j()["cpu:package-0"] == 2.5

    def test_no_counters(self, tmp_path):
        with pytest.raises(NassimError, match=r"no RAPL energy counters under .*leave the energy to be modelled"):
            RaplMeter(tmp_path)

    def test_no_permission_says_what_to_do(self, tmp_path, monkeypatch):
        root = counters(tmp_path)
        read = Path.read_text

        def refuse(path: Path, *args: object) -> str:
            if path.name == "energy_uj":
                raise PermissionError(13, "Permission denied")
            return read(path)

        monkeypatch.setattr(Path, "read_text", refuse)
        with pytest.raises(NassimError, match=r"no permission to read .*energy_uj; .*chmod a\+r"):
            RaplMeter(root)


class NvmlError(Exception):
    pass


def recorded_nvml(*readings_mj: tuple[int, ...]) -> SimpleNamespace:
    """NVML as recorded: at each round of reading, the millijoules of each GPU."""
    rounds = iter([value for reading in readings_mj for value in reading])

    def energy(handle: int) -> int:
        value = next(rounds)
        if value < 0:
            raise NvmlError("Not Supported")
        return value

    return SimpleNamespace(
        NVMLError=NvmlError,
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: len(readings_mj[0]) if readings_mj else 0,
        nvmlDeviceGetHandleByIndex=lambda i: i,
        nvmlDeviceGetUUID=lambda handle: f"GPU-{handle}",
        nvmlDeviceGetTotalEnergyConsumption=energy,
    )


class TestNvml:
    def test_counts_from_when_it_was_made(self):
        meter = NvmlMeter(recorded_nvml((1_000_000, 5_000), (1_250_500, 6_000), (1_251_000, 7_000)))
        assert meter.read_j() == {"gpu:GPU-0": 250.5, "gpu:GPU-1": 1.0}
        assert meter.read_j() == {"gpu:GPU-0": 251.0, "gpu:GPU-1": 2.0}

    def test_a_gpu_without_the_counter(self):
        with pytest.raises(NassimError, match="no energy counter that can be read: Not Supported; GPUs before Volta"):
            NvmlMeter(recorded_nvml((-1,)))

    def test_no_gpu(self):
        with pytest.raises(NassimError, match="NVML finds no GPU"):
            NvmlMeter(recorded_nvml())


class TestNode:
    def test_reads_all_its_meters_as_one(self):
        node = NodeMeter([ReplayMeter([{"gpu:0": 0.0}, {"gpu:0": 5.0}]), ReplayMeter([{"cpu:0": 0.0}, {"cpu:0": 2.0}])])
        assert node.read_j() == {"gpu:0": 5.0, "cpu:0": 2.0}

    def test_refuses_to_measure_a_part_twice(self):
        with pytest.raises(NassimError, match="measured twice on this node: gpu:0"):
            NodeMeter([ReplayMeter([{"gpu:0": 0.0}]), ReplayMeter([{"gpu:0": 0.0}])])

    def test_says_why_what_cannot_be_measured_cannot(self, monkeypatch):
        monkeypatch.setattr("nassim.hardware.meters._pynvml", lambda: recorded_nvml())
        monkeypatch.setattr("nassim.hardware.meters.POWERCAP", Path("/nonexistent"))
        meter, missing = find_meter()
        assert isinstance(meter, Meter) or meter is None
        assert missing[0].startswith("NVML finds no GPU")

    def test_a_replay_ends(self):
        with pytest.raises(NassimError, match="used up"):
            ReplayMeter([]).read_j()


def test_drawn_joules_are_the_difference_of_two_readings():
    assert drawn_j({"gpu:0": 1.0, "cpu:0": 2.0}, {"gpu:0": 4.0, "cpu:0": 2.5}) == 3.5
    with pytest.raises(NassimError, match="the second reading is lower than the first"):
        drawn_j({"gpu:0": 4.0}, {"gpu:0": 1.0})
    with pytest.raises(NassimError, match="read one meter twice"):
        drawn_j({"gpu:0": 4.0}, {"gpu:1": 4.0})


@given(st.floats(0, 1e9), st.dictionaries(st.text(min_size=1), st.floats(0.001, 1e6), min_size=1))
def test_no_joule_is_counted_twice_or_lost_and_no_trial_reads_zero(joules, leased_s):
    shares = split(joules, leased_s)
    assert sum(shares.values()) == pytest.approx(joules)
    assert shares.keys() == leased_s.keys()
    assert all(share > 0 for share in shares.values()) or joules < 1e-200


def test_joules_go_by_device_seconds():
    # Two trials share a node that drew 100 J: one held it for 30 s, a short one for 0.3 s, two devices of another 69.7
    assert split(100.0, {"long": 30.0, "short": 0.3, "wide": 69.7}) == pytest.approx(
        {"long": 30.0, "short": 0.3, "wide": 69.7}
    )


def test_a_node_that_nobody_leased_charges_nobody():
    assert split(100.0, {}) == {}
    assert split(100.0, {"a": 0.0}) == {"a": 0.0}
    with pytest.raises(NassimError, match="at least 0"):
        split(1.0, {"a": -1.0})
