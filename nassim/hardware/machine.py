"""Measure this machine: peak rates and time model of a device, from products, copies, convolutions, tiny kernels."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from nassim.cost.work import FLOP_PER_MAC
from nassim.hardware.roofline import DeviceModel, Kernel, KernelKind

if TYPE_CHECKING:
    import torch

FLOAT_BYTES = 4
_REPEATS = 5
_REPEAT_S = 0.05


@dataclass(frozen=True, slots=True)
class Machine:
    """A measured device.

    Attributes:
        device: What it calls itself.
        threads: Threads that torch computed with; 1 for an accelerator.
        peak_flop_per_s: The best rate that a matrix product reached, in FP32.
        bandwidth_bytes_per_s: The best rate that a copy reached, read and written.
        model: Time model fitted to the measurements; its peaks are the two above.
    """

    device: str
    threads: int
    peak_flop_per_s: float
    bandwidth_bytes_per_s: float
    model: DeviceModel


Apply = Callable[["torch.Tensor"], "torch.Tensor"]

_CHAIN = 10


@dataclass(frozen=True, slots=True)
class _Probe:
    """A chain of equal kernels to be timed, each on the output of the one before."""

    apply: Apply
    start: "torch.Tensor"
    kernel: Kernel

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        return (self.kernel,) * _CHAIN

    def run(self) -> None:
        x = self.start
        for _ in range(_CHAIN):
            x = self.apply(x)


def measure_machine(clock: Callable[[], float], device: str = "cpu") -> Machine:
    """Measure a device of this machine with torch in FP32: about 10 seconds, 200 MB.

    Args:
        clock: Returns seconds, for example `time.perf_counter` (the caller's, for only executors may read the time).
        device: Torch's name of it: "cpu", "cuda:0".
    """
    import torch

    # It loads scipy, which who only looks a measured machine up does not need.
    from nassim.hardware.calibration import Measurement, calibrate, prior

    target = torch.device(device)

    def finish() -> None:
        if target.type == "cuda":
            torch.cuda.synchronize(target)

    with torch.inference_mode():
        square = [(n, _square(n, target)) for n in (1024, 2048)]
        peak = max(FLOP_PER_MAC * n**3 / _time(clock, finish, run) for n, run in square)
        source = torch.ones(1 << 24, device=target)
        copy = torch.empty_like(source)
        bandwidth = 2 * FLOAT_BYTES * source.numel() / _time(clock, finish, lambda: copy.copy_(source))
        measured = [Measurement(p.kernels, 1, _time(clock, finish, p.run)) for p in _probes(target)]
    name = torch.cuda.get_device_name(target) if target.type == "cuda" else _processor()
    start = prior(name, peak, bandwidth, overlaps=target.type != "cpu")
    threads = torch.get_num_threads() if target.type == "cpu" else 1
    return Machine(name, threads, peak, bandwidth, calibrate(measured, start))


def _processor() -> str:
    import torch

    return torch.cpu.get_capabilities().get("cpu_name") or torch.backends.cpu.get_cpu_capability()


def _square(n: int, target: "torch.device") -> Callable[[], object]:
    import torch

    a, b = torch.ones(n, n, device=target), torch.ones(n, n, device=target)
    return lambda: a @ b


def _probes(target: "torch.device") -> Iterator[_Probe]:
    """Yield convolutions, pools and activations of the sizes that searches train, and tiny ones."""
    import torch
    from torch.nn import functional

    for batch, channels, side in ((1, 4, 4), (1, 16, 32), (64, 16, 32), (64, 64, 8), (128, 32, 16)):
        x = torch.zeros(batch, channels, side, side, device=target)
        size = x.numel() * FLOAT_BYTES
        for width in (1, 3):
            w = torch.zeros(channels, channels, width, width, device=target)
            flop = FLOP_PER_MAC * x.numel() * channels * width**2
            kernel = Kernel(KernelKind.CONTRACTION, flop, 2 * size, w.numel() * FLOAT_BYTES)
            yield _Probe(partial(functional.conv2d, weight=w, padding=width // 2), x, kernel)
        pool = partial(functional.avg_pool2d, kernel_size=3, stride=1, padding=1)
        yield _Probe(pool, x, Kernel(KernelKind.REDUCTION, 0, 2 * size))
        yield _Probe(torch.relu, x, Kernel(KernelKind.ELEMENTWISE, 0, 2 * size))


def _time(clock: Callable[[], float], finish: Callable[[], None], run: Callable[[], object]) -> float:
    """Return the seconds of one run: the least of some repeats, for anything else that runs only adds to them."""
    run()
    finish()
    begin = clock()
    run()
    finish()
    times = max(1, min(1000, int(_REPEAT_S / max(clock() - begin, 1e-7))))
    seconds = []
    for _ in range(_REPEATS):
        begin = clock()
        for _ in range(times):
            run()
        finish()
        seconds.append((clock() - begin) / times)
    return min(seconds)
