"""How long counting takes, and how far counters agree: nassim, torch's FlopCounterMode, fvcore, ptflops, calflops.

On NAS-Bench-201's network at its published settings. Every counter but nassim's table needs the network, so building it
is shown apart. Figures are compared as multiply-adds of the forward pass of one input. Then spaces of numbers, by
look-up and counted one by one; and, for the training of the depthwise convolutions of `chain`, what FlopCounterMode
makes of the FLOP that are performed.

    pip install "nassim[bench]"
    python experiments/benchmarks/counting.py [--architectures 20]
"""

import argparse
import contextlib
import importlib
import io
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nassim.cost.counting import count
from nassim.cost.profile import AMOUNTS, Profile
from nassim.cost.work import FLOP_PER_MAC
from nassim.space import Architecture, BatchNorm2d, Choose, Conv2d, Linear, SearchSpace
from nassim.space.costs.bulk import Enumeration
from search_spaces.cell import Cell
from search_spaces.chain import Chain

SHAPE = (3, 32, 32)
HINT = 'pip install "nassim[bench]"'


@dataclass(frozen=True)
class Counter:
    """One way to count.

    Attributes:
        name: What it is.
        macs: Returns the multiply-adds of the forward pass of one input.
        counts: What it counts, and in which unit.
        trains: Whether it counts the backward pass as well.
        device: Where the network lies.
        needs: Module to be installed.
    """

    name: str
    macs: Callable[[nn.Module], float]
    counts: str
    trains: bool = False
    device: str = "cpu"
    needs: str = "torch"


def by_torch(device: str) -> Callable[[nn.Module], float]:
    """Return a counter of one training step by torch's own FlopCounterMode."""

    def macs(network: nn.Module) -> float:
        x = torch.zeros(1, *SHAPE, device=device).expand(2, *SHAPE)
        with FlopCounterMode(display=False) as forward:
            output = network(x)
        with FlopCounterMode(display=False):
            output.sum().backward()
        return forward.get_total_flops() / FLOP_PER_MAC / 2

    return macs


def by_fvcore(network: nn.Module) -> float:
    """Count by fvcore: traces the network; its FLOP are multiply-adds."""
    from fvcore.nn import FlopCountAnalysis

    analysis = FlopCountAnalysis(network.eval(), torch.zeros(1, *SHAPE))
    return float(analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).total())


def by_ptflops(network: nn.Module) -> float:
    """Count by ptflops: hooks on modules and functions."""
    from ptflops import get_model_complexity_info

    macs, _ = get_model_complexity_info(network, SHAPE, as_strings=False, print_per_layer_stat=False, backend="pytorch")
    return float(macs)


def by_calflops(network: nn.Module) -> float:
    """Count by calflops: replaced functions of torch."""
    from calflops import calculate_flops

    _, macs, _ = calculate_flops(network, (1, *SHAPE), output_as_string=False, print_results=False)
    return float(macs)


def by_nassim(network: nn.Module) -> float:
    """Count one training step by nassim, as the table does where nothing can be looked up."""
    return count(network, SHAPE).forward_macs


def print_training() -> None:
    """Print how many times too often torch's counter counts a training step of `chain`'s networks."""
    amounts = Chain().table.arrays()
    by_torch, performed = (
        amounts[f"{prefix}forward_flop"] + amounts[f"{prefix}backward_flop"] for prefix in ("torch_", "")
    )
    times = by_torch / performed
    print(f"FlopCounterMode over what is performed, training the {len(times):,} networks of chain: ", end="")
    print(f"least {times.min():.2f}, median {np.median(times):.2f}, greatest {times.max():.2f}")


CONTRACTIONS = "contractions; FLOP"
"""Convolutions, linear layers, attention."""
COUNTERS = (
    Counter("nassim count", by_nassim, f"{CONTRACTIONS}; other work apart", True, "meta"),
    Counter("FlopCounterMode, CPU", by_torch("cpu"), CONTRACTIONS, True),
    Counter("FlopCounterMode, meta", by_torch("meta"), CONTRACTIONS, True, "meta"),
    Counter("fvcore", by_fvcore, "and normalisation, pooling; MAC, which it calls FLOP", needs="fvcore.nn"),
    Counter("ptflops", by_ptflops, "and biases, normalisation, ReLU, pooling; MAC", needs="ptflops"),
    Counter("calflops", by_calflops, "contractions; MAC (its FLOP hold normalisation and more)", needs="calflops"),
)


@dataclass(frozen=True)
class Measured:
    """Seconds an architecture, and the figures.

    Attributes:
        seconds: Median of counting alone.
        macs: One figure an architecture.
    """

    seconds: float
    macs: tuple[float, ...]


def measure(counter: Counter, space: Cell, architectures: Sequence[Architecture]) -> Measured | str:
    """Count architectures, or say why this counter can't."""
    try:
        importlib.import_module(counter.needs)
    except ImportError as error:
        return f"{error}; {HINT}"
    seconds, figures = [], []
    for architecture in (architectures[0], *architectures):
        with torch.device(counter.device):
            network = space.subnet(architecture)
        start = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            figures.append(counter.macs(network))
        seconds.append(time.perf_counter() - start)
    return Measured(median(seconds[1:]), tuple(figures[1:]))


def seconds_of(function: Callable[[], Any], repeats: int = 1) -> float:
    """Return the seconds of one call, as a mean of several."""
    start = time.perf_counter()
    for _ in range(repeats):
        function()
    return (time.perf_counter() - start) / repeats


class Widths(SearchSpace):
    """Six convolutions with a width each, two of them with a kernel: 16,384 networks."""

    input_shape = (3, 16, 16)
    classes = 10

    def build(self, choose: Choose) -> nn.Module:
        """See `SearchSpace`."""
        channels: Any = 3
        layers: list[nn.Module] = []
        for i in range(6):
            width = choose(f"width{i}", [8, 16, 32, 64])
            kernel = choose(f"kernel{i}", [3, 5]) if i < 2 else 3
            layers += [Conv2d(channels, width, kernel, padding=kernel // 2), BatchNorm2d(width), nn.ReLU()]
            channels = width
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), Linear(channels, self.classes))


class Stages(SearchSpace):
    """Three stages, each of 1 to 3 inverted bottlenecks with a width, an expansion and a kernel: 93,312 networks."""

    input_shape = (3, 32, 32)
    classes = 10

    def build(self, choose: Choose) -> nn.Module:
        """See `SearchSpace`."""
        channels = choose("stem", [8, 16])
        layers: list[nn.Module] = [Conv2d(3, channels, 3, padding=1)]
        for i in range(3):
            width, depth = choose(f"width{i}", [16, 24, 32]), choose(f"depth{i}", [1, 2, 3])
            hidden, kernel = channels * choose(f"expansion{i}", [2, 4]), choose(f"kernel{i}", [3, 5])
            for stride in [2, 1, 1][:depth]:
                depthwise = Conv2d(hidden, hidden, kernel, stride, kernel // 2, groups=hidden)
                layers += [Conv2d(channels, hidden, 1), nn.ReLU6(), depthwise, nn.ReLU6(), Conv2d(hidden, width, 1)]
                channels = width
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), Linear(channels, self.classes))


def print_numbers(samples: int = 100) -> None:
    """Print how long spaces of numbers take, by look-up and counted one by one, and hold one against the other."""
    for space in (Widths(), Stages()):
        every, counted = Enumeration(space.domain), []
        seconds = seconds_of(lambda s=space, c=counted: s.table.arrays(lambda: c.append(1)))
        arrays = space.table.arrays()
        indices = np.random.default_rng(0).integers(space.size, size=samples)
        start = time.perf_counter()
        profiles = [count_one(space, every[index]) for index in indices]
        one = (time.perf_counter() - start) / samples
        for index, profile in zip(indices, profiles, strict=True):
            assert all(arrays[name][index] == getattr(profile, name) for name in AMOUNTS), every[index]
        print(
            f"{type(space).__name__}: all {space.size:,} architectures from {len(counted)} networks {seconds:.1f} s; ",
            end="",
        )
        print(f"counted one by one {one * space.size:,.0f} s ({1e3 * one:.1f} ms each); {samples} compared, all equal")


def count_one(space: SearchSpace, architecture: Architecture) -> Profile:
    """Build and count a network."""
    with torch.device("meta"):
        network = space.subnet(architecture)
    return count(network, space.input_shape)


FRESH = """
import time
from search_spaces.cell import Cell
from search_spaces.chain import Chain
import nassim.space.costs.table
space = Cell()
start = time.perf_counter(); space.domain; domain = time.perf_counter()
space.table.arrays(); print(domain - start, time.perf_counter() - domain)
"""


def print_whole_space() -> None:
    """Print how long all 15,625 architectures take, the table included."""
    read, filled = map(float, subprocess.check_output([sys.executable, "-c", FRESH], text=True).split())
    warm = []
    for _ in range(5):
        space = Cell()
        warm.append((seconds_of(lambda s=space: s.domain), seconds_of(space.table.arrays)))
    again = seconds_of(space.table.arrays, 5)
    print(f"All {space.size:,} architectures of NAS-Bench-201, every amount of a Profile:")
    print(f"  table and arrays              {median(table for _, table in warm):7.3f} s")
    print(f"  arrays from a table           {again:7.3f} s")
    print(f"  reading the space's choices   {median(domain for domain, _ in warm):7.3f} s")
    print(
        f"  in a new process, where torch loads its rules for shapes: {filled:.3f} s; reading the choices {read:.3f} s"
    )


def print_counters(space: Cell, architectures: Sequence[Architecture]) -> None:
    """Print microseconds and agreement of all ways to count."""
    looked_up = seconds_of(lambda: [space.profile(a) for a in architectures], 50) / len(architectures)
    bulk = seconds_of(space.table.arrays, 5) / space.size
    building = median([seconds_of(lambda a=a: space.subnet(a)) for a in architectures])
    found = {counter: measure(counter, space, architectures) for counter in COUNTERS}
    own = np.array([space.profile(a).forward_macs for a in architectures])
    others = [result.seconds for counter, result in found.items()
              if isinstance(result, Measured) and counter.macs is not by_nassim]  # fmt: skip
    table = Table(
        "counter", "µs", "times", "figure / nassim's", "backward", "what, and its unit", box=None, pad_edge=False
    )
    for name, seconds in (("nassim table, all at once", bulk), ("nassim table, one", looked_up)):
        times = f"{min(others) / seconds:,.0f}"
        table.add_row(name, f"{1e6 * seconds:,.1f}", times, "1", "yes", f"{CONTRACTIONS}; other work apart")
    for counter, result in found.items():
        if isinstance(result, str):
            table.add_row(counter.name, "", "", "absent", "", escape(result))
            continue
        ratio = np.array(result.macs) / own
        agreement = "1" if (ratio == 1).all() else f"{ratio.min():.4f} to {ratio.max():.4f}"
        times = f"{min(others) / result.seconds:,.1f}"
        table.add_row(counter.name, f"{1e6 * result.seconds:,.0f}", times, agreement, "yes" if counter.trains else "no",
                      counter.counts)  # fmt: skip
    Console(width=150, highlight=False).print(table)
    print(f"'times': as fast as the fastest of the others. Building the network first: {1e6 * building:,.0f} µs,")
    print("which the table doesn't need.")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architectures", type=int, default=20, help="how many are counted one by one")
    options = parser.parse_args()
    torch.set_num_threads(1)
    space = Cell()
    rng = np.random.default_rng(0)
    architectures = [space.sample(rng) for _ in range(options.architectures)]
    print(f"torch {torch.__version__}, one thread, Python {sys.version.split()[0]}\n")
    space.table.arrays()
    print_counters(space, architectures)
    print()
    print_whole_space()
    print()
    print_numbers()
    print()
    print_training()


if __name__ == "__main__":
    main()
