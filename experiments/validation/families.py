"""Predicted against measured time of seven families of networks on this machine's processor, with one thread.

Each family has what the others lack: channels by the odd number, depthwise convolutions, groups, attention, wide
products. `python experiments/validation/families.py measure FILE.csv` draws the networks and times them, in about 15
minutes; `... score FILE.csv` calibrates on some and predicts others, in about 3.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from baselines import BASELINES, predict
from scoring import mape, show
from torch import Tensor, nn
from torch.nn import functional

from nassim.cost.counting import count
from nassim.hardware.calibration import TimedStep, calibrate, prior
from nassim.hardware.kernels import Kernel, KernelTable, inference_kernels, training_kernels
from nassim.hardware.layers import operations_of
from nassim.hardware.roofline import DeviceModel
from nassim.seeds import derive_seed
from nassim.space import SearchSpace
from search_spaces.cell import Cell
from search_spaces.chain import Chain, conv_norm

NETWORKS = 20
ROUNDS = 2
BATCHES = (1, 4, 32)
TRAINING_BATCH = 32
REPEATS = 5
REPEAT_S = 0.02
CALIBRATED_ON = 40
DRAWS = 3
PEAK_FLOP_PER_S, BANDWIDTH_BYTES_PER_S = 1e11, 1.2e10
"""Of one core of the EPYC that docs/hardware.md has figures of; `nassim calibrate` measures others."""

Rng = np.random.Generator
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Timed:
    """One measurement.

    Attributes:
        family: Of the network.
        number: Of the network in its family.
        mode: "inference" or "training".
        batch: Inputs a step.
        seconds: Of the processor, for whatever else runs on the machine only adds to those of the clock: the median of
            the repeats, and the least of the rounds.
    """

    family: str
    number: int
    mode: str
    batch: int
    seconds: float


class Residual(nn.Module):
    """What the layers make, added to their input."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape."""
        out: Tensor = self.layers(x)
        return functional.relu(out + x)


class Attention(nn.Module):
    """Self-attention of some heads, as transformers have it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.inwards, self.outwards = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, places, width) to the same shape."""
        parts = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.inwards(x).chunk(3, dim=-1))
        out: Tensor = self.outwards(functional.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2))
        return out


class Encoder(nn.Module):
    """A transformer's block, normalised first."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(width), Attention(width, heads))
        self.wide = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, places, width) to the same shape."""
        x = x + self.attention(x)
        out: Tensor = x + self.wide(x)
        return out


def _of(space: SearchSpace, rng: Rng) -> nn.Module:
    return space.subnet({choice.name: str(rng.choice(choice.labels)) for choice in space.domain.choices})


def _head(width: int) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10)]


def _cell(rng: Rng) -> nn.Module:
    return _of(Cell(width=int(rng.choice((8, 16, 24))), cells=1), rng)


def _chain(rng: Rng) -> nn.Module:
    return _of(Chain(width=int(rng.choice((8, 16, 24))), head=256), rng)


def _plain(rng: Rng) -> nn.Module:
    layers, width = list[nn.Module](), 3
    for _ in range(3):
        for _ in range(int(rng.integers(1, 4))):
            wider = int(rng.integers(6, 100))
            layers += conv_norm(width, wider, int(rng.choice((1, 3, 5))), relu=True)
            width = wider
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, *_head(width))


def _residual(rng: Rng) -> nn.Module:
    width = int(rng.choice((16, 32, 48)))
    layers = conv_norm(3, width, 3, relu=True)
    for stage in range(3):
        if stage:
            layers += conv_norm(width, 2 * width, 3, stride=2, relu=True)
            width *= 2
        for _ in range(int(rng.integers(1, 4))):
            layers.append(Residual(*conv_norm(width, width, 3, relu=True), *conv_norm(width, width, 3)))
    return nn.Sequential(*layers, *_head(width))


def _grouped(rng: Rng) -> nn.Module:
    width = int(rng.choice((32, 64, 128)))
    layers = conv_norm(3, width, 3, stride=2, relu=True)
    for stage in range(2):
        if stage:
            layers.append(nn.AvgPool2d(2))
        for _ in range(int(rng.integers(1, 4))):
            groups = int(rng.choice((2, 4, 8, 16)))
            inner = [*conv_norm(width, width, int(rng.choice((3, 5))), groups=groups, relu=True)]
            layers.append(Residual(*conv_norm(width, width, 1, relu=True), *inner, *conv_norm(width, width, 1)))
    return nn.Sequential(*layers, *_head(width))


def _transformer(rng: Rng) -> nn.Module:
    heads = int(rng.choice((2, 4)))
    width = heads * int(rng.choice((16, 24, 32, 48)))
    blocks = (Encoder(width, heads) for _ in range(int(rng.integers(1, 5))))
    return nn.Sequential(nn.Linear(48, width), *blocks, nn.LayerNorm(width), nn.Flatten(), nn.Linear(64 * width, 10))


def _perceptron(rng: Rng) -> nn.Module:
    layers, width = list[nn.Module](), 256
    for _ in range(int(rng.integers(1, 7))):
        wider = int(rng.integers(20, 1200))
        layers += [nn.Linear(width, wider), nn.ReLU()]
        width = wider
    return nn.Sequential(*layers, nn.Linear(width, 10))


IMAGE = (3, 32, 32)
FAMILIES: dict[str, tuple[Callable[[Rng], nn.Module], Shape]] = {
    "cell": (_cell, IMAGE),
    "chain": (_chain, IMAGE),
    "plain": (_plain, IMAGE),
    "residual": (_residual, IMAGE),
    "grouped": (_grouped, IMAGE),
    "transformer": (_transformer, (64, 48)),
    "perceptron": (_perceptron, (256,)),
}
"""How a network of each is drawn, and the shape of its input."""


def network(family: str, number: int) -> nn.Module:
    """Return one network of a family."""
    draw, _ = FAMILIES[family]
    return draw(np.random.default_rng(derive_seed(0, family, number)))


def measure(family: str, number: int) -> Iterator[Timed]:
    """Time one network: forward passes of some batches, and training steps of one, by SGD with momentum."""
    module, shape = network(family, number).eval(), FAMILIES[family][1]
    for batch in BATCHES:
        x = torch.zeros(batch, *shape)
        with torch.inference_mode():
            yield Timed(family, number, "inference", batch, _time(lambda x=x: module(x)))
    module.train()
    x, y = torch.zeros(TRAINING_BATCH, *shape), torch.zeros(TRAINING_BATCH, dtype=torch.long)
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-9, momentum=0.9)

    def step() -> None:
        optimizer.zero_grad()
        functional.cross_entropy(module(x), y).backward()
        optimizer.step()

    yield Timed(family, number, "training", TRAINING_BATCH, _time(step))


def _time(run: Callable[[], object]) -> float:
    run()
    begin = time.thread_time()
    run()
    times = max(1, int(REPEAT_S / (time.thread_time() - begin)))
    seconds = []
    for _ in range(REPEATS):
        begin = time.thread_time()
        for _ in range(times):
            run()
        seconds.append((time.thread_time() - begin) / times)
    return float(np.median(seconds))


def measure_all(file: Path) -> None:
    """Measure all networks, in some rounds."""
    torch.set_num_threads(1)
    rows = [
        asdict(timed)
        for _ in range(ROUNDS)
        for n in range(NETWORKS)
        for family in FAMILIES
        for timed in measure(family, n)
    ]
    measured = pd.DataFrame(rows).groupby(["family", "number", "mode", "batch"], as_index=False).min()
    measured.to_csv(file, index=False)


def _steps(measured: pd.DataFrame) -> list[TimedStep]:
    return [
        TimedStep(_kernels(row.family, row.number, row.mode), row.batch, row.seconds) for row in measured.itertuples()
    ]


@cache
def _kernels(family: str, number: int, mode: str) -> tuple[Kernel, ...]:
    works = operations_of(count(network(family, number), FAMILIES[family][1], layers=True))
    return training_kernels(works) if mode == "training" else inference_kernels(works)


@dataclass(frozen=True, slots=True)
class Errors:
    """Mean absolute percentage errors of predictions.

    Attributes:
        model: Of the time model.
        within: Percent of the steps that lie within its interval for 9 in 10.
        baselines: Of each baseline.
    """

    model: float
    within: float
    baselines: tuple[float, ...]

    @classmethod
    def of(cls, known: pd.DataFrame, others: pd.DataFrame, start: DeviceModel) -> "Errors":
        """Calibrate on some measurements, and predict others."""
        learnt, asked = _steps(known), _steps(others)
        found = calibrate(learnt, start)
        steps = [(m.kernels, m.batch) for m in asked]
        table, measured = KernelTable.of(steps), np.array([m.seconds for m in asked])
        predicted = found.model.table_seconds(table)
        within = np.abs(np.log(predicted / measured)) < np.log(found.factor(table))
        baselines = (mape(predict(name, learnt, steps), measured) for name in BASELINES)
        return cls(mape(predicted, measured), float(100 * np.mean(within)), tuple(baselines))

    @classmethod
    def mean(cls, errors: "Sequence[Errors]") -> "Errors":
        """Return the means of some draws."""
        baselines = np.mean([each.baselines for each in errors], axis=0)
        model, within = (float(np.mean([getattr(each, name) for each in errors])) for name in ("model", "within"))
        return cls(model, within, tuple(baselines.tolist()))

    def row(self) -> tuple[str, ...]:
        """Return them as text."""
        return f"{self.model:.0f}", f"{self.within:.0f}", *(f"{error:.0f}" for error in self.baselines)


def score(file: Path) -> None:
    """Print errors within a family, on a family that is left out, and from one batch to another."""
    measured = pd.read_csv(file)
    start = prior("cpu", PEAK_FLOP_PER_S, BANDWIDTH_BYTES_PER_S, overlaps=False)
    header = ("predicted", "MAPE %", "within %", *BASELINES)
    for mode in ("inference", "training"):
        these = measured[measured["mode"] == mode]
        own, left_out = [], []
        for family in FAMILIES:
            rows, others = these[these.family == family], these[these.family != family]
            draws_own, draws_out = [], []
            for draw in range(DRAWS):
                known = rows.number.isin(np.random.default_rng(draw).choice(NETWORKS, NETWORKS // 2, replace=False))
                draws_own.append(Errors.of(rows[known], rows[~known], start))
                draws_out.append(Errors.of(others.sample(CALIBRATED_ON, random_state=draw), rows, start))
            own.append((f"{family}, from 10 others of it", *Errors.mean(draws_own).row()))
            left_out.append((f"{family}, from {CALIBRATED_ON} steps of the others", *Errors.mean(draws_out).row()))
        print(f"\n{mode}\n")
        show(header, [*own, *left_out])
    inference = measured[measured["mode"] == "inference"]
    print("\nfrom one batch to another\n")
    rows = []
    for known in BATCHES:
        sample = inference[inference.batch == known].sample(CALIBRATED_ON, random_state=0)
        for asked in BATCHES:
            others = inference[inference.batch == asked].drop(sample.index, errors="ignore")
            rows.append((f"batch {asked}, from batch {known}", *Errors.of(sample, others, start).row()))
    show(header, rows)


def main() -> None:
    """Measure or score."""
    match sys.argv[1:]:
        case ["measure", file]:
            measure_all(Path(file))
        case ["score", file]:
            score(Path(file))
        case _:
            raise SystemExit("families.py measure FILE.csv, or families.py score FILE.csv")


if __name__ == "__main__":
    main()
