"""This machine's calibration: its parameters predict torch's own times."""

import time

import pytest
import torch
from torch.nn import functional

from nassim.cost.shape import ContractionShape
from nassim.hardware.kernels import Kernel, KernelKind
from nassim.hardware.machine import measure_machine


@pytest.mark.slow
def test_a_measured_machine_predicts_a_convolution_it_was_not_measured_on():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        begin = time.perf_counter()
        machine = measure_machine(time.perf_counter)
        assert time.perf_counter() - begin < 60
        x, w = torch.zeros(32, 24, 24, 24), torch.zeros(24, 24, 3, 3)
        size = x.numel() * 4
        kernel = Kernel(
            KernelKind.CONVOLUTION, 2 * x.numel() * 24 * 9, 2 * size, w.numel() * 4, ContractionShape(24, 24, 9)
        )
        seconds = min(_timed(lambda: functional.conv2d(x, w, padding=1)) for _ in range(20))
        assert 1 / 2 < machine.calibration.model.step_seconds([kernel]) / seconds < 2
        assert machine.threads == 1
        assert 1e8 < machine.bandwidth_bytes_per_s < 1e12
    finally:
        torch.set_num_threads(threads)


def _timed(run) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin
