"""The time model: one kernel, one step, and parameters got back from times that they made."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nassim.cost.profile import CalledOperation
from nassim.cost.shape import ContractionShape
from nassim.errors import NassimError
from nassim.hardware import calibration
from nassim.hardware.calibration import TimedStep, calibrate, prior
from nassim.hardware.kernels import (
    Kernel,
    KernelColumns,
    KernelKind,
    KernelTable,
    inference_kernels,
    training_kernels,
)
from nassim.hardware.roofline import DeviceModel

GPU = DeviceModel(
    device="gpu",
    peak_flop_per_s=1e13,
    bandwidth_bytes_per_s=1e12,
    compute_efficiency=0.5,
    grouped_efficiency=0.05,
    winograd_speedup=2.0,
    half_reduction=32.0,
    half_outputs=1e4,
    memory_efficiency=0.8,
    reduction_efficiency=0.2,
    statistics_efficiency=0.1,
    convolution_launch_s=30e-6,
    launch_s=10e-6,
    kernel_s=2e-6,
    step_s=100e-6,
    overlaps=True,
)
CPU = replace(GPU, device="cpu", overlaps=False)

POINTWISE = ContractionShape(width=64, depth=32)
CONV = CalledOperation("convolution", 10_240_000, 40_000, 80_000, 4_000, 20_480_000, POINTWISE)
NORM = CalledOperation("native_batch_norm", 0, 80_000, 80_000, 400)
RELU = CalledOperation("relu", 0, 80_000, 80_000)
POOL = CalledOperation("avg_pool2d", 0, 80_000, 20_000)


WIDE = replace(CONV, flop=64 * CONV.flop, shape=ContractionShape(width=64, depth=2048))


def device_seconds(model: DeviceModel, kernel: Kernel, batch: int = 1) -> float:
    (seconds,) = model.device_seconds(KernelColumns.of([(kernel, batch)]))
    return float(seconds)


def convolution(width: int, depth: int, window: int = 1, groups: int = 1, stride: int = 1) -> Kernel:
    """2 ** 20 results, and no bytes."""
    shape = ContractionShape(width, depth, window, groups, stride)
    kind = KernelKind.GROUPED if groups > 1 else KernelKind.CONVOLUTION
    return Kernel(kind, 2 * 2**20 * depth * window, 0, 0, shape)


@pytest.fixture(autouse=True)
def few_fits(monkeypatch):
    """Those of a few starts are enough but for two tests, which take as many as they need."""
    monkeypatch.setattr(calibration, "STARTS", 3)
    monkeypatch.setattr(calibration, "PLAUSIBLE", 1)


def test_a_kernel_takes_the_longer_of_compute_and_memory():
    (conv,) = inference_kernels([CONV])
    # 160,000 results of 32 products each, 100 times: 2 * (32 + half_reduction) * 1.6e7 FLOP and 2 * half_outputs * 32
    # for those that don't fill the device, at 1e13 * 0.5: 409.6 + 0.128 us; bytes take 15; + 2 us
    assert device_seconds(GPU, conv, 100) == pytest.approx(411.728e-6)
    # A processor computes, then moves (120,000 * 100 + 4,000) B / (1e12 * 0.8).
    assert device_seconds(CPU, conv, 100) == pytest.approx(411.728e-6 + 15.005e-6)
    (pool,) = inference_kernels([POOL])
    # (80,000 + 20,000) * 100 B / (1e12 * 0.2) = 50 us; + 2 us
    assert device_seconds(GPU, pool, 100) == pytest.approx(52e-6)


def test_an_accelerator_hides_the_shorter_of_host_and_device():
    kernels = inference_kernels([CONV, NORM, RELU])
    # host: 100 + 30 + 10 + 10 = 150 us; device at batch 1: 2 + 4.2, 2 + 0.2, 2 + 0.2
    assert GPU.step_seconds(kernels, 1) == pytest.approx(150e-6)
    # device at batch 100: 411.7 + (160,000 * 100 + 400) / 8e11 + 2 + 16,000,000 / 8e11 + 2 = 411.7 + 22 + 22
    assert GPU.step_seconds(kernels, 100) == pytest.approx(455.7e-6, rel=1e-4)
    assert CPU.step_seconds(kernels, 100) == pytest.approx(620.7e-6, rel=1e-4)


def compute_seconds(model: DeviceModel, kernel: Kernel) -> float:
    return device_seconds(model, kernel) - model.kernel_s


def test_channels_are_computed_by_the_tile_and_by_the_vector():
    # 2 ** 20 results of 512 products each, and half_reduction besides; 20 channels are computed as 32 are, 33 as 64.
    results = 2 * 2**20 / 5e12
    for width, times in ((20, 1.6), (32, 1.0), (33, 64 / 33), (64, 1.0)):
        assert compute_seconds(GPU, convolution(width, 512)) == pytest.approx((512 * times + 32) * results, rel=0.02)
    # On a processor the input's channels are filled up to the vector too, where they are more than one of 16.
    for depth, performed in ((8, 8), (16, 16), (17, 32), (32, 32)):
        assert compute_seconds(CPU, convolution(16, depth)) == pytest.approx((performed + 32) * results, rel=0.02)


def test_short_sums_and_few_results_are_slow():
    def rate(kernel: Kernel) -> float:
        return kernel.flop / compute_seconds(GPU, kernel)

    # Sums of half_reduction products reach half the rate, and so do half_outputs results.
    long, short = convolution(64, 32 * 1024), convolution(64, 32)
    assert rate(short) == pytest.approx(rate(long) / 2, rel=0.02)
    few = replace(long, flop=long.flop * 10**4 // 2**20)
    assert rate(few) == pytest.approx(rate(long) / 2, rel=0.02)


def test_winograd_is_for_dense_3x3_convolutions_of_stride_1():
    plain = replace(GPU, winograd_speedup=1.0)
    faster = {
        "3x3": convolution(64, 64, 9),
        "strided": convolution(64, 64, 9, stride=4),
        "5x5": convolution(64, 64, 25),
        "grouped": convolution(64, 64, 9, groups=2),
    }
    ratios = {name: compute_seconds(plain, kernel) / compute_seconds(GPU, kernel) for name, kernel in faster.items()}
    assert ratios.pop("3x3") == pytest.approx(2, rel=0.1)
    assert set(ratios.values()) == {1.0}


def test_grouped_and_depthwise_convolutions_have_an_efficiency_of_their_own():
    dense, grouped = convolution(64, 64), convolution(64, 64, groups=8)
    assert compute_seconds(GPU, grouped) == pytest.approx(10 * compute_seconds(GPU, dense))
    # One channel a group is computed with its neighbours, two of a tile of 32 alone.
    depthwise, pairs = convolution(1, 1, 9, groups=64), convolution(2, 2, 9, groups=32)
    assert compute_seconds(GPU, pairs) > 4 * compute_seconds(GPU, depthwise)


def test_a_compiler_folds_normalisation_and_activations_into_what_is_before():
    assert len(inference_kernels([CONV, NORM, RELU])) == 3
    assert inference_kernels([CONV, NORM, RELU], fuse=True) == inference_kernels([CONV])
    assert inference_kernels([POOL, NORM], fuse=True) == inference_kernels([POOL, NORM])
    assert inference_kernels([POOL, RELU], fuse=True) == inference_kernels([POOL, RELU])  # of another size


def test_training_computes_two_gradients_of_a_contraction():
    forward, first, second, optimizer = training_kernels([CONV])
    assert forward.flop == first.flop == second.flop == 10_240_000
    assert (optimizer.bytes, optimizer.fixed_bytes) == (0, 5 * 4_000)


def test_training_moves_more_for_statistics_and_kept_outputs():
    forward, backward, _ = training_kernels([NORM])
    # forward reads twice and writes once; backward reads input and gradient twice and writes once
    assert (forward.bytes, backward.bytes) == (3 * 80_000, 5 * 80_000)
    assert forward.kind is backward.kind is KernelKind.STATISTICS
    assert [kernel.bytes for kernel in training_kernels([RELU])] == [2 * 80_000, 3 * 80_000]


def test_an_epoch_ends_with_a_smaller_step():
    kernels = inference_kernels([CONV])
    epoch = GPU.epoch_seconds(kernels, samples=2_100, batch=1_000)
    assert epoch == 2 * GPU.step_seconds(kernels, 1_000) + GPU.step_seconds(kernels, 100)
    assert GPU.epoch_seconds(kernels, 2_000, 1_000) == 2 * GPU.step_seconds(kernels, 1_000)


layers = st.lists(st.sampled_from([CONV, NORM, RELU, POOL]), min_size=1, max_size=8)


@given(layers, st.integers(1, 64), st.sampled_from([GPU, CPU]))
def test_more_work_never_takes_less_time(stack, batch, model):
    kernels = training_kernels(stack)
    assert model.step_seconds(kernels, 2 * batch) >= model.step_seconds(kernels, batch)
    assert model.step_seconds((*kernels, *kernels), batch) >= model.step_seconds(kernels, batch)
    assert model.step_seconds(inference_kernels(stack, fuse=True), batch) <= model.step_seconds(kernels, batch)


@given(st.lists(st.tuples(layers, st.integers(1, 64)), min_size=1, max_size=5), st.sampled_from([GPU, CPU]))
def test_a_table_of_steps_times_each_as_the_model_does(stacks, model):
    steps = [(training_kernels(stack), batch) for stack, batch in stacks]
    assert model.table_seconds(KernelTable.of(steps)) == pytest.approx([model.step_seconds(k, b) for k, b in steps])


def measured(model: DeviceModel) -> list[TimedStep]:
    stacks = ([CONV], [CONV, NORM, RELU], [POOL] * 6, [RELU] * 12, [CONV] * 9, [NORM, POOL], [CONV, WIDE, POOL, RELU])
    steps = [(inference_kernels(stack), batch) for stack in stacks for batch in (1, 16, 256, 2048)]
    return [TimedStep(kernels, batch, model.step_seconds(kernels, batch)) for kernels, batch in steps]


@pytest.mark.parametrize("truth", [GPU, CPU], ids=["gpu", "cpu"])
def test_calibration_finds_the_device_that_made_the_times(truth):
    start = prior("?", truth.peak_flop_per_s, truth.bandwidth_bytes_per_s, truth.overlaps)
    found = calibrate(measured(truth), start).model
    for m in measured(truth):
        assert found.step_seconds(m.kernels, m.batch) == pytest.approx(m.seconds, rel=0.03)
    assert found.compute_efficiency == pytest.approx(truth.compute_efficiency, rel=0.1)
    assert found.reduction_efficiency == pytest.approx(truth.reduction_efficiency, rel=0.1)


def test_one_wild_measurement_does_not_spoil_a_calibration():
    wild = measured(GPU)
    wild[5] = replace(wild[5], seconds=10 * wild[5].seconds)
    found = calibrate(wild, prior("?", 1e13, 1e12, overlaps=True)).model
    for m in measured(GPU):
        assert found.step_seconds(m.kernels, m.batch) == pytest.approx(m.seconds, rel=0.1)


def test_what_measurements_say_nothing_about_stays_at_the_prior():
    # A step bound by launches, alone, tells nothing of the device's rates.
    kernels = inference_kernels([RELU] * 50)
    start = prior("?", 1e13, 1e12, overlaps=True)
    found = calibrate([TimedStep(kernels, 1, 5e-3)], start).model
    assert found.step_seconds(kernels, 1) == pytest.approx(5e-3, rel=0.02)
    assert found.compute_efficiency == pytest.approx(start.compute_efficiency)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_measurements_are_refused(seconds):
    with pytest.raises(NassimError, match="seconds are positive and finite"):
        calibrate([TimedStep((Kernel(KernelKind.ELEMENTWISE, 0, 1),), 1, seconds)], GPU)


def test_no_measurement_is_refused():
    with pytest.raises(NassimError, match="give at least one measured step"):
        calibrate([], GPU)


@pytest.mark.parametrize("overlaps", [True, False])
def test_no_efficiency_is_beyond_physics(overlaps):
    # Times that would take 64 times the peak rate.
    start = prior("?", 1e10, 1e12, overlaps)
    kernels = [(inference_kernels([WIDE] * n), batch) for n in (1, 3) for batch in (64, 256)]
    steps = [TimedStep(k, batch, sum(kernel.flop for kernel in k) * batch / 64e10) for k, batch in kernels]
    found = calibrate(steps, start)
    assert found.model.compute_efficiency == pytest.approx(1, rel=0.01)
    assert "compute_efficiency" in found.at_most
    assert all(getattr(found.model, f"{what}_efficiency") <= 10 for what in ("memory", "reduction", "statistics"))
    assert calibrate(measured(GPU), prior("?", 1e13, 1e12, overlaps=True)).at_most == ()


def test_a_calibration_is_the_best_of_several_starts(monkeypatch):
    # Where launches bound some steps and the device others, a fit from the prior alone ends in a local optimum.
    truth = replace(GPU, launch_s=4e-5, convolution_launch_s=2e-4, memory_efficiency=0.9, compute_efficiency=0.1)
    steps = [
        TimedStep(inference_kernels(stack), batch, truth.step_seconds(inference_kernels(stack), batch))
        for stack in ([CONV] * 5, [CONV, NORM, RELU] * 4, [POOL] * 6, [RELU] * 12)
        for batch in (8, 64)
    ]
    start = prior("?", 1e13, 1e12, overlaps=True)

    def error() -> float:
        found = calibrate(steps, start).model
        return max(abs(found.step_seconds(m.kernels, m.batch) / m.seconds - 1) for m in steps)

    monkeypatch.setattr(calibration, "STARTS", 1)
    one = error()
    monkeypatch.setattr(calibration, "STARTS", 8)
    assert error() < min(0.02, one / 2)


def test_what_was_not_measured_has_a_wide_interval(monkeypatch):
    monkeypatch.setattr(calibration, "PLAUSIBLE", 4)
    large = [m for m in measured(GPU) if m.batch == 2048]
    found = calibrate(large, prior("?", 1e13, 1e12, overlaps=True))

    def factor(m: TimedStep) -> float:
        return float(found.factor(KernelTable.of([(m.kernels, m.batch)]))[0])

    # Launches, which bound small batches alone, are what the prior says of them, and that is told.
    convolutions = {m.batch: m for m in measured(GPU) if len(m.kernels) == 9}
    assert factor(convolutions[1]) > 1.25
    assert factor(convolutions[2048]) < 1.06
