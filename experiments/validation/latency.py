"""Predicted against measured time on all 15,625 cells of NAS-Bench-201.

Latencies that others measured on five devices (HELP, Lee et al. 2021; HW-NAS-Bench, Li et al. 2021), and the training
seconds that NAS-Bench-201 published. A device is calibrated on 20 architectures drawn at random; the other 15,605 are
predicted. Run: `NASSIM_TABLES=FOLDER python experiments/validation/latency.py`; takes about two minutes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from baselines import BASELINES, predict
from nasbench201 import Cell, compiled_cell, compiled_layers, eager_layers, is_constant, parse, twin
from scoring import Array, Noise, draws, mape, show, table, tau, without

from nassim.hardware.calibration import TimedStep, calibrate, prior
from nassim.hardware.catalogue import load_catalogue
from nassim.hardware.kernels import Kernel, KernelTable, inference_kernels, training_kernels
from nassim.hardware.roofline import DeviceModel

CALIBRATED_ON = 20
REPEATS = 5
EPOCH_SAMPLES = 25_000


@dataclass(frozen=True, slots=True)
class Column:
    """One column of measurements.

    Attributes:
        name: The column.
        device: Id of the device in the catalogue.
        batch: Inputs a step.
        scale: Seconds of one step for one unit of the column.
        execution: How the framework runs the cell.
    """

    name: str
    device: str
    batch: int
    scale: float
    execution: str


COLUMNS = (
    *(
        Column(f"{column}_{batch}_ms", device, batch, 1e-3, "eager")
        for column, device in (("1080ti", "gtx1080ti"), ("2080ti", "rtx2080ti"), ("titan_rtx", "titan_rtx"))
        for batch in (1, 32, 256)
    ),
    Column("gold_6226_ms", "xeon_gold_6226", 1, 1e-3, "eager"),
    Column("raspi4_ms", "raspberry_pi_4", 1, 1e-3, "compiled"),
    Column("train_time_per_epoch_s_cifar10valid", "gtx1080ti", 256, 256 / EPOCH_SAMPLES, "training"),
)


def _same_operations(cell: Cell) -> Cell:
    # Run eagerly, every edge costs the same wherever it is, so cells of the same operations share their kernels.
    return tuple(sorted(cell))


EXECUTIONS: dict[str, tuple[Callable[[Cell], Cell], Callable[[Cell], Sequence[Kernel]]]] = {
    "eager": (_same_operations, lambda cell: inference_kernels(eager_layers(cell))),
    "compiled": (compiled_cell, lambda cell: inference_kernels(compiled_layers(cell), fuse=True)),
    "training": (_same_operations, lambda cell: training_kernels(eager_layers(cell))),
}
"""Ways of executing a cell: which cells are one, and what each launches."""


@dataclass(frozen=True, slots=True)
class Space:
    """All cells as a framework executes them: the kernels of each distinct one, and which one each cell is."""

    kernels: tuple[tuple[Kernel, ...], ...]
    index: Array

    @classmethod
    def of(cls, cells: Sequence[Cell], execution: str) -> "Space":
        """Lay out all cells for one way of executing them."""
        canonical, kernels = EXECUTIONS[execution]
        keys = [canonical(cell) for cell in cells]
        order = {key: i for i, key in enumerate(dict.fromkeys(keys))}
        return cls(tuple(tuple(kernels(key)) for key in order), np.array([order[key] for key in keys]))

    def seconds(self, model: DeviceModel, batch: int, counted: KernelTable) -> Array:
        """Return every cell's seconds a step."""
        return model.table_seconds(counted)[self.index]


@dataclass(frozen=True, slots=True)
class Score:
    """Errors over the predicted cells, means of the draws; percent within the interval for 9 in 10; baselines' MAPE."""

    mape: float
    median: float
    live_mape: float
    tau: float
    within: float
    baselines: tuple[float, ...]


def starting_model(column: Column) -> DeviceModel:
    """Return what the catalogue has to expect of a column's device."""
    device = load_catalogue().find_device(column.device)
    peak, bandwidth = device.fp32_flop_per_s, device.bandwidth_bytes_per_s
    if peak is None or bandwidth is None:
        raise SystemExit(f"{device.id} has no known peak rate or bandwidth in the catalogue")
    return prior(device.id, peak, bandwidth, overlaps=device.kind == "gpu")


def _by_the_catalogue_alone(column: Column, space: Space, measured: Array) -> tuple[str, str, str]:
    """Return tau, and the median of predicted over measured, of what is not calibrated at all."""
    counted = KernelTable.of([(kernels, column.batch) for kernels in space.kernels])
    predicted = space.seconds(starting_model(column), column.batch, counted)
    return column.name, f"{tau(predicted, measured):.3f}", f"{np.median(predicted / measured):.2f}"


def _score(column: Column, space: Space, measured: Array, live: Array) -> tuple[Score, DeviceModel]:
    start = starting_model(column)
    counted = KernelTable.of([(kernels, column.batch) for kernels in space.kernels])
    scores = []
    model = start
    for chosen in draws(column.name, len(measured), CALIBRATED_ON, REPEATS):
        steps = [TimedStep(space.kernels[space.index[i]], column.batch, float(measured[i])) for i in chosen]
        found = calibrate(steps, start)
        model = found.model
        rest = without(len(measured), chosen)
        predicted = space.seconds(model, column.batch, counted)
        errors = np.abs(predicted / measured - 1)[rest] * 100
        within = np.abs(np.log(predicted / measured)) < np.log(found.factor(counted))[space.index]
        cells = [(kernels, column.batch) for kernels in space.kernels]
        baselines = [mape(predict(name, steps, cells)[space.index][rest], measured[rest]) for name in BASELINES]
        ranks = tau(predicted[rest], measured[rest])
        shown = (errors.mean(), np.median(errors), errors[live[rest]].mean(), ranks, 100 * within[rest].mean())
        scores.append((*shown, *baselines))
    (*means,) = np.mean(scores, axis=0)
    return Score(*means[:5], tuple(means[5:])), model


def _twins(cells: Sequence[Cell]) -> tuple[Array, Array]:
    position = {cell: i for i, cell in enumerate(cells)}
    pairs = [(i, position[other]) for i, cell in enumerate(cells) if (other := twin(cell)) is not None]
    pairs = [(i, j) for i, j in pairs if i < j and not is_constant(cells[i])]
    first, second = np.array(pairs).T
    return first, second


def main() -> None:
    """Print one row of errors and noise for each column, what the last draw fitted, and what needs no calibration."""
    networks = pd.read_parquet(table("nasbench201/architectures.parquet"))
    frame = networks.merge(pd.read_parquet(table("nasbench201_latency/latency.parquet")), on="arch_index")
    cells = [parse(text) for text in frame.arch_str]
    live = np.array([not is_constant(cell) for cell in cells])
    first, second = _twins(cells)
    spaces = {execution: Space.of(cells, execution) for execution in EXECUTIONS}
    rows, linear, fitted, alone = [], [], [], []
    for column in COLUMNS:
        measured = frame[column.name].to_numpy(np.float64) * column.scale
        space = spaces[column.execution]
        score, model = _score(column, space, measured, live)
        noise = Noise.of_pairs(measured[first], measured[second])
        counted = KernelTable.of([(kernels, column.batch) for kernels in space.kernels])
        best = noise.best_tau(space.seconds(model, column.batch, counted)[live], np.random.default_rng(0))
        errors = f"{score.mape:.1f}", f"{score.live_mape:.1f}", f"{score.median:.1f}", f"{score.tau:.3f}"
        rows.append((column.name, *errors, f"{noise.percent:.1f}", f"{best:.3f}", f"{score.within:.0f}"))
        linear.append((column.name, f"{score.mape:.1f}", *(f"{error:.1f}" for error in score.baselines)))
        fitted.append((column.name, *_parameters(model)))
        # As objectives and limits have it: run eagerly on every device.
        if column.execution != "training":
            alone.append(_by_the_catalogue_alone(column, spaces["eager"], measured))
    show(("column", "MAPE %", "live MAPE %", "median %", "tau", "noise %", "best tau", "within %"), rows)
    print()
    show(("MAPE %", "time model", *BASELINES), linear)
    print()
    names = ("compute", "Winograd", "half K", "half N", "memory", "reduction", "statistics")
    times = ("convolution µs", "launch µs", "kernel µs", "step µs")
    show(("column", *names, *times), fitted)
    print()
    show(("by the catalogue alone", "tau", "predicted / measured"), alone)


def _parameters(model: DeviceModel) -> tuple[str, ...]:
    shares = (
        model.compute_efficiency,
        model.winograd_speedup,
        model.half_reduction,
        model.half_outputs,
        model.memory_efficiency,
        model.reduction_efficiency,
        model.statistics_efficiency,
    )
    overheads_s = (model.convolution_launch_s, model.launch_s, model.kernel_s, model.step_s)
    return (*(f"{share:.3g}" for share in shares), *(f"{seconds * 1e6:.3g}" for seconds in overheads_s))


if __name__ == "__main__":
    main()
