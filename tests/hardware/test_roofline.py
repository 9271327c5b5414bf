"""The time model: one kernel, one step, and parameters got back from times that they made."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nassim.errors import NassimError
from nassim.hardware.calibration import KernelTable, Measurement, calibrate, prior
from nassim.hardware.roofline import DeviceModel, Kernel, KernelKind, LayerWork, inference_kernels, training_kernels

GPU = DeviceModel(
    device="gpu",
    peak_flop_per_s=1e13,
    bandwidth_bytes_per_s=1e12,
    compute_efficiency=0.5,
    memory_efficiency=0.8,
    reduction_efficiency=0.2,
    contraction_launch_s=30e-6,
    launch_s=10e-6,
    kernel_s=2e-6,
    step_s=100e-6,
    overlaps=True,
)
CPU = replace(GPU, device="cpu", overlaps=False)

CONV = LayerWork("conv", "Conv2d", 10_000_000, 40_000, 80_000, 4_000, 20_000_000)
NORM = LayerWork("norm", "BatchNorm2d", 0, 80_000, 80_000, 400)
RELU = LayerWork("relu", "ReLU", 0, 80_000, 80_000)
POOL = LayerWork("pool", "AvgPool2d", 0, 80_000, 20_000)


def test_a_kernel_takes_the_longer_of_compute_and_memory():
    (conv,) = inference_kernels([CONV])
    # batch 100: 1e9 FLOP / (1e13 * 0.5) = 200 µs; (120,000 * 100 + 4,000) B / (1e12 * 0.8) = 15 µs; + 2 µs
    assert GPU.device_seconds(conv, 100) == pytest.approx(202e-6)
    (pool,) = inference_kernels([POOL])
    # (80,000 + 20,000) * 100 B / (1e12 * 0.2) = 50 µs; + 2 µs
    assert GPU.device_seconds(pool, 100) == pytest.approx(52e-6)


def test_an_accelerator_hides_the_shorter_of_host_and_device():
    kernels = inference_kernels([CONV, NORM, RELU])
    # host: 100 + 30 + 10 + 10 = 150 µs; device at batch 1: 2 + 0.15 or so, three times
    assert GPU.step_seconds(kernels, 1) == pytest.approx(150e-6)
    # device at batch 100: 202 + (160,000 * 100 + 400) / 8e11 + 2 + 16,000,000 / 8e11 + 2 = 202 + 22 + 22
    assert GPU.step_seconds(kernels, 100) == pytest.approx(246e-6, rel=1e-4)
    assert CPU.step_seconds(kernels, 100) == pytest.approx(396e-6, rel=1e-4)


def test_a_compiler_folds_normalisation_and_activations_into_what_is_before():
    assert len(inference_kernels([CONV, NORM, RELU])) == 3
    assert inference_kernels([CONV, NORM, RELU], fuse=True) == inference_kernels([CONV])
    assert inference_kernels([POOL, NORM], fuse=True) == inference_kernels([POOL, NORM])
    assert inference_kernels([POOL, RELU], fuse=True) == inference_kernels([POOL, RELU])  # of another size


def test_training_computes_two_gradients_of_a_contraction():
    forward, first, second, optimizer = training_kernels([CONV])
    assert forward.flop == first.flop == second.flop == 10_000_000
    assert (optimizer.bytes, optimizer.fixed_bytes) == (0, 5 * 4_000)


def test_training_moves_more_for_statistics_and_kept_outputs():
    forward, backward, _ = training_kernels([NORM])
    # forward reads twice and writes once; backward reads input and gradient twice and writes once
    assert (forward.bytes, backward.bytes) == (3 * 80_000, 5 * 80_000)
    assert forward.kind is backward.kind is KernelKind.REDUCTION
    assert [kernel.bytes for kernel in training_kernels([RELU])] == [2 * 80_000, 3 * 80_000]


def test_layers_are_known_by_their_class():
    kinds = {
        "contraction": ("Conv2d", "Linear", "MultiheadAttention", "LSTM"),
        "reduction": ("AdaptiveAvgPool2d", "MaxPool2d", "Upsample"),
        "elementwise": ("LayerNorm", "GELU", "Add", "Dropout"),
    }
    for kernel, names in kinds.items():
        assert [LayerWork("", name, 0, 1, 1).kernel_kind for name in names] == [kernel] * len(names)


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
    assert KernelTable.of(steps).step_seconds(model) == pytest.approx([model.step_seconds(k, b) for k, b in steps])


def measured(model: DeviceModel) -> list[Measurement]:
    stacks = ([CONV], [CONV, NORM, RELU], [POOL] * 6, [RELU] * 12, [CONV] * 9, [NORM, POOL], [CONV, CONV, POOL, RELU])
    steps = [(inference_kernels(stack), batch) for stack in stacks for batch in (1, 16, 256, 2048)]
    return [Measurement(kernels, batch, model.step_seconds(kernels, batch)) for kernels, batch in steps]


@pytest.mark.parametrize("truth", [GPU, CPU], ids=["gpu", "cpu"])
def test_calibration_finds_the_device_that_made_the_times(truth):
    start = prior("?", truth.peak_flop_per_s, truth.bandwidth_bytes_per_s, truth.overlaps)
    found = calibrate(measured(truth), start)
    for m in measured(truth):
        assert found.step_seconds(m.kernels, m.batch) == pytest.approx(m.seconds, rel=0.03)
    assert found.compute_efficiency == pytest.approx(truth.compute_efficiency, rel=0.05)
    assert found.reduction_efficiency == pytest.approx(truth.reduction_efficiency, rel=0.1)


def test_one_wild_measurement_does_not_spoil_a_calibration():
    wild = measured(GPU)
    wild[5] = replace(wild[5], seconds=10 * wild[5].seconds)
    found = calibrate(wild, prior("?", 1e13, 1e12, overlaps=True))
    for m in measured(GPU):
        assert found.step_seconds(m.kernels, m.batch) == pytest.approx(m.seconds, rel=0.1)


def test_what_measurements_say_nothing_about_stays_at_the_prior():
    # A step bound by launches, alone, tells nothing of the device's rates.
    kernels = inference_kernels([RELU] * 50)
    start = prior("?", 1e13, 1e12, overlaps=True)
    found = calibrate([Measurement(kernels, 1, 5e-3)], start)
    assert found.step_seconds(kernels, 1) == pytest.approx(5e-3, rel=0.02)
    assert found.compute_efficiency == pytest.approx(start.compute_efficiency)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_measurements_are_refused(seconds):
    with pytest.raises(NassimError, match="seconds are positive and finite"):
        calibrate([Measurement((Kernel(KernelKind.ELEMENTWISE, 0, 1),), 1, seconds)], GPU)


def test_no_measurement_is_refused():
    with pytest.raises(NassimError, match="give at least one measured step"):
        calibrate([], GPU)
