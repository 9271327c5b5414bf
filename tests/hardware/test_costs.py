"""What an architecture costs, by name: each cost is the figure that it says it is."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from nassim.cost.counting import count
from nassim.cost.shape import ContractionShape
from nassim.errors import NassimError
from nassim.hardware.calibration import prior
from nassim.hardware.costs import COSTS, ON_A_DEVICE, PROFILED, Costs
from nassim.hardware.inference import find_inference
from nassim.hardware.kernels import Kernel, KernelKind, inference_kernels
from nassim.hardware.layers import operations_of
from nassim.hardware.machine import Machine
from nassim.hardware.roofline import Calibration
from nassim.hardware.saved import save_machines, saved_machine
from nassim.space import SearchSpace


class Pair(SearchSpace):
    """Two layers, and a choice in which the network can't take its input."""

    input_shape = (1, 8, 8)
    classes = 10

    def build(self, choose):
        first = choose(
            "first", {"conv": lambda: nn.Conv2d(1, 4, 3, padding=1), "wide": lambda: nn.Conv2d(1, 4, 5, 1, 2)}
        )
        second = choose(
            "second", {"relu": nn.ReLU, "pool": lambda: nn.AvgPool2d(3, 1, 1), "odd": lambda: nn.Linear(5, 5)}
        )
        return nn.Sequential(first, second, nn.Flatten(), nn.Linear(256, self.classes))


SPACE = Pair()
FINE = SPACE.canonical({"first": "conv", "second": "relu"})
ODD = SPACE.canonical({"first": "conv", "second": "odd"})
COST = Costs(SPACE, batch_size=32, optimizer_states=2)


@pytest.fixture(autouse=True)
def no_calibrations(tmp_path, monkeypatch):
    monkeypatch.setenv("NASSIM_MACHINES", str(tmp_path / "machines.json"))
    return tmp_path / "machines.json"


def test_costs_of_the_table_are_those_of_a_count():
    profile = count(SPACE.subnet(FINE), SPACE.input_shape)
    found = {name: COST.cost(name)(FINE) for name in PROFILED}
    assert found == {
        "params": profile.params,
        "forward_flop": profile.forward_flop,
        "backward_flop": profile.backward_flop,
        "forward_macs": profile.forward_flop / 2,
        "weight_bytes": profile.weight_bytes,
        "activation_bytes": profile.written_bytes,
    }
    # A convolution of 40 parameters and a layer of 2,570; 64 places x 4 x 9 multiply-adds, and 2,560.
    assert (found["params"], found["forward_macs"]) == (2610, 64 * 4 * 9 + 2560)


def test_every_cost_can_be_asked_for():
    assert set(COSTS) == {*PROFILED, "training_memory_bytes", *ON_A_DEVICE}
    for name in COSTS:
        device = "a100" if name in ON_A_DEVICE else None
        assert COST.cost(name, device)(FINE) > 0


def test_training_memory_is_that_of_the_experiments_training():
    memory = SPACE.training_memory(FINE)
    # 32 inputs, the weights, their gradients and two more of the same for Adam.
    wanted = 32 * memory.saved_bytes + memory.weight_bytes + 3 * memory.gradient_bytes
    assert COST.cost("training_memory_bytes")(FINE) == wanted


@pytest.mark.parametrize("device", ["a100", "rpi4"])
@pytest.mark.parametrize("batch", [1, 64])
def test_latency_is_that_of_the_networks_kernels(device, batch):
    with torch.device("meta"):
        kernels = inference_kernels(operations_of(count(SPACE.subnet(FINE), SPACE.input_shape, layers=True)))
    model = find_inference(device).model
    latency = COST.cost("latency_ms", device, batch)
    assert latency(FINE) == pytest.approx(1e3 * model.step_seconds(kernels, batch), rel=1e-9)
    assert COST.cost("latency_ms", device, 2**20)(FINE) > 2 * latency(FINE)


def test_a_device_is_timed_by_the_catalogue():
    # The catalogue's A100: 19.5 TFLOP/s in FP32, 1,555 GB/s, 400 W, no idle power.
    inference = find_inference("a100")
    assert inference.model == prior("a100_sxm_40", 19.5e12, 1555e9, overlaps=True)
    kernel = Kernel(KernelKind.CONVOLUTION, flop=10**9, bytes=10**6, shape=ContractionShape(512, 1024))
    # Host: 0.5 ms a step and 50 us a convolution. Device: 1e9 / (0.3 x 19.5e12) s = 171 us, 1.0 % more for sums of 1024
    # products and 2.1 % for 488,281 results; and 3 us a kernel.
    parts = inference.parts([kernel], 1)
    assert parts == pytest.approx([550e-6, (1e9 + 2 * 16 * 1e9 / 2048 + 2 * 1e4 * 1024) / 5.85e12 + 3e-6])
    assert inference.seconds(parts) == pytest.approx(550e-6)
    assert inference.joules(parts) == pytest.approx(550e-6 * 400)


def test_energy_goes_by_how_busy_the_device_is():
    # The Raspberry Pi: 2.5 W idle, 6.4 W rated; it launches its own kernels, so it is busy all the time.
    pi = find_inference("rpi4")
    assert pi.joules(np.array([0.001, 0.003])) == pytest.approx(0.004 * 6.4)
    # The PCIe V100: 35 W idle, 250 W rated. Busy for 1 ms of 4: 35 + 215 / 4 = 88.75 W.
    v100 = find_inference("v100_pcie")
    assert v100.joules(np.array([0.004, 0.001])) == pytest.approx(0.004 * 88.75)


def test_a_calibration_of_the_device_is_preferred(no_calibrations):
    model = prior("cpu: AMD EPYC 7763 64-Core Processor", 1e11, 2e10, overlaps=False)
    name = "cpu: AMD EPYC 7763 64-Core Processor"
    calibration = Calibration(model, (), 0.02, ())
    save_machines(no_calibrations, [Machine(name, threads, 1e11, 2e10, calibration) for threads in (1, 8)])
    inference = find_inference("epyc_7763")
    assert (inference.model, inference.processors) == (model, 8)
    # 8 of the 64 processors of a device of 280 W, for a second.
    assert inference.joules(np.array([0.5, 0.5])) == pytest.approx(280 * 8 / 64)
    assert find_inference("epyc_9654").processors == 96


def test_a_calibration_of_an_earlier_version_gives_its_peak_and_is_to_be_measured_again(no_calibrations):
    old = {"compute_efficiency": 0.3, "memory_efficiency": 0.7}  # and so on: the time model of then
    name = "cpu: AMD EPYC 7763 64-Core Processor"
    entry = {"device": name, "threads": 2, "peak_flop_per_s": 1e11, "bandwidth_bytes_per_s": 2e10, "model": old}
    no_calibrations.write_text(json.dumps([entry]))
    assert saved_machine(name, 2).peak_flop_per_s == 1e11
    with pytest.raises(NassimError, match=r"machines.json is of an earlier version.*again with `nassim calibrate`"):
        find_inference("epyc_7763")
    calibration = Calibration(prior(name, 1e11, 2e10, overlaps=False), (), 0.02, ())
    save_machines(no_calibrations, [Machine(name, 1, 1e11, 2e10, calibration)])
    assert find_inference("epyc_7763").processors == 1


@pytest.mark.parametrize(
    ("name", "device", "message"),
    [
        (
            "latency_ms",
            "tpu_v4",
            "needs numbers that are unknown: fp32_flop_per_s of tpu_v4. Add them to the catalogue",
        ),
        ("energy_mj", "apple_m4", "fp32_flop_per_s of apple_m4; bandwidth_bytes_per_s of apple_m4"),
        ("latency_ms", "a1000", "device 'a1000' is not in the catalogue; near it: "),
    ],
)
def test_what_a_device_is_not_known_to_do_is_said_at_once(name, device, message):
    with pytest.raises(NassimError) as error:
        COST.cost(name, device)
    assert message in str(error.value)


def test_a_device_of_ones_own_and_an_unknown_power(tmp_path):
    extra = tmp_path / "own.yaml"
    extra.write_text("devices:\n  - {id: board, kind: soc, fp32_tflop_per_s: 0.1, bandwidth_gb_per_s: 10}\n")
    costs = Costs(SPACE, 32, 1, extra)
    assert costs.cost("latency_ms", "board")(FINE) > 0
    with pytest.raises(NassimError, match="the energy of a network on board needs numbers that are unknown: max_w of"):
        costs.cost("energy_mj", "board")


@pytest.mark.parametrize("name", COSTS)
def test_a_network_that_can_not_be_built_costs_nobody_knows_what(name):
    cost = COST.cost(name, "a100" if name in ON_A_DEVICE else None)
    with pytest.raises(NassimError):
        cost(ODD)
    assert cost(FINE) > 0
