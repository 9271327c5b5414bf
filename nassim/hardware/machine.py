"""Measure this machine: peak rates and time model of a device, from products, copies, convolutions, tiny kernels."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from nassim.cost.shape import ContractionShape
from nassim.cost.work import FLOP_PER_MAC
from nassim.hardware.kernels import Kernel, KernelKind
from nassim.hardware.roofline import Calibration

if TYPE_CHECKING:
    import torch

FLOAT_BYTES = 4
_REPEATS = 5
_REPEAT_S = 0.03


@dataclass(frozen=True, slots=True)
class Machine:
    """A measured device.

    Attributes:
        device: What it calls itself.
        threads: Threads that torch computed with; 1 for an accelerator.
        peak_flop_per_s: The best rate that a matrix product reached, in FP32.
        bandwidth_bytes_per_s: The best rate that a copy reached, read and written.
        calibration: Time model fitted to the measurements; its peaks are the two above. None where an earlier version
            measured, whose time model was another.
    """

    device: str
    threads: int
    peak_flop_per_s: float
    bandwidth_bytes_per_s: float
    calibration: Calibration | None = None


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
    from nassim.hardware.calibration import TimedStep, calibrate, prior

    target = torch.device(device)

    finish = _finisher(target)
    with torch.inference_mode():
        peak = peak_flop_per_s(clock, device)
        source = torch.ones(1 << 24, device=target)
        copy = torch.empty_like(source)
        bandwidth = 2 * FLOAT_BYTES * source.numel() / _time(clock, finish, lambda: copy.copy_(source))
        measured = [TimedStep(p.kernels, 1, _time(clock, finish, p.run)) for p in _probes(target)]
    name = torch.cuda.get_device_name(target) if target.type == "cuda" else _processor()
    start = prior(name, peak, bandwidth, overlaps=target.type != "cpu")
    threads = torch.get_num_threads() if target.type == "cpu" else 1
    return Machine(name, threads, peak, bandwidth, calibrate(measured, start))


def _processor() -> str:
    import torch

    return torch.cpu.get_capabilities().get("cpu_name") or torch.backends.cpu.get_cpu_capability()


def peak_flop_per_s(clock: Callable[[], float], device: str) -> float:
    """Measure the best rate of large float32 matrix products on a device of this machine: a fifth of a second.

    Args:
        clock: Returns seconds.
        device: Torch's name of it: "cpu", "cuda:0".
    """
    import torch

    target = torch.device(device)
    size = 8192 if target.type == "cuda" else 768
    left = torch.ones(size, size, device=target)
    return FLOP_PER_MAC * size**3 / _time(clock, _finisher(target), partial(torch.mm, left, left))


def _finisher(target: "torch.device") -> Callable[[], None]:
    """Return what waits until the device has done all that it was given."""
    import torch

    return partial(torch.cuda.synchronize, target) if target.type == "cuda" else lambda: None


def _probes(target: "torch.device") -> Iterator[_Probe]:
    """Yield kernels of the kinds and sizes that searches train, and tiny ones."""
    import torch
    from torch.nn import functional

    for batch, channels, side in ((1, 4, 4), (1, 16, 32), (4, 24, 16), (64, 16, 32), (64, 64, 8), (128, 32, 16)):
        x = torch.zeros(batch, channels, side, side, device=target)
        size = x.numel() * FLOAT_BYTES
        for width, groups in ((1, 1), (3, 1), (5, 1), (3, channels), (5, channels), (3, 4)):
            w = torch.zeros(channels, channels // groups, width, width, device=target)
            shape = ContractionShape(channels // groups, channels // groups, width**2, groups)
            kind = KernelKind.GROUPED if groups > 1 else KernelKind.CONVOLUTION
            flop = FLOP_PER_MAC * x.numel() * shape.reduction
            apply = partial(functional.conv2d, weight=w, padding=width // 2, groups=groups)
            yield _Probe(apply, x, Kernel(kind, flop, 2 * size, w.numel() * FLOAT_BYTES, shape))
        pool = partial(functional.avg_pool2d, kernel_size=3, stride=1, padding=1)
        yield _Probe(pool, x, Kernel(KernelKind.REDUCTION, 0, 2 * size))
        normalise = partial(functional.batch_norm, running_mean=None, running_var=None, training=True)
        yield _Probe(normalise, x, Kernel(KernelKind.STATISTICS, 0, 3 * size))
        yield _Probe(torch.relu, x, Kernel(KernelKind.ELEMENTWISE, 0, 2 * size))
    for batch, width in ((1, 64), (1, 512), (64, 64), (64, 512)):
        x, w = torch.zeros(batch, width, device=target), torch.zeros(width, width, device=target)
        kernel = Kernel(
            KernelKind.PRODUCT,
            FLOP_PER_MAC * x.numel() * width,
            2 * x.numel() * FLOAT_BYTES,
            w.numel() * FLOAT_BYTES,
            ContractionShape(width, width),
        )
        yield _Probe(partial(functional.linear, weight=w), x, kernel)


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
