"""From one batch to another: calibrated on 20 cells of NAS-Bench-201 at some batches, the others predicted at each.

Run: `NASSIM_TABLES=FOLDER python experiments/validation/batches.py`; takes about a minute.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from latency import COLUMNS, EXECUTIONS, starting_model
from nasbench201 import parse
from scoring import Array, draws, mape, show, table

from nassim.hardware.calibration import TimedStep, calibrate
from nassim.hardware.kernels import Kernel, KernelTable

DEVICES = ("1080ti", "2080ti", "titan_rtx")
BATCHES = (1, 32, 256)
KNOWN = ((1,), (32,), (256,), (1, 32), (1, 256), (32, 256))
CALIBRATED_ON = 20
REPEATS = 3
EVERY = 20
"""Of the cells, so many apart, are taken."""


def _errors(frame: pd.DataFrame, kernels: Sequence[tuple[Kernel, ...]], device: str, known: Sequence[int]) -> Array:
    """Return for each batch the percentage error, and the percent within the interval; means of the draws."""
    start = starting_model(next(column for column in COLUMNS if column.name == f"{device}_{known[0]}_ms"))
    seconds = {batch: frame[f"{device}_{batch}_ms"].to_numpy(np.float64) * 1e-3 for batch in BATCHES}
    tables = {batch: KernelTable.of([(each, batch) for each in kernels]) for batch in BATCHES}
    errors = []
    for chosen in draws(f"{device} {known}", len(frame), CALIBRATED_ON, REPEATS):
        batches = [known[number % len(known)] for number in range(len(chosen))]
        found = calibrate(
            [TimedStep(kernels[i], b, float(seconds[b][i])) for i, b in zip(chosen, batches, strict=True)], start
        )
        row = []
        for batch, counted in tables.items():
            predicted, measured = found.model.table_seconds(counted), seconds[batch]
            within = np.abs(np.log(predicted / measured)) < np.log(found.factor(counted))
            row.append((mape(predicted, measured), 100 * within.mean()))
        errors.append(row)
    return np.asarray(np.mean(errors, axis=0))


def main() -> None:
    """Print a row for each device and what it was calibrated at."""
    networks = pd.read_parquet(table("nasbench201/architectures.parquet"))
    frame = networks.merge(pd.read_parquet(table("nasbench201_latency/latency.parquet")), on="arch_index")[::EVERY]
    canonical, launched = EXECUTIONS["eager"]
    kernels = [tuple(launched(canonical(parse(text)))) for text in frame.arch_str]
    rows = []
    for device in DEVICES:
        for known in KNOWN:
            shown = (f"{error:.1f} ({within:.0f})" for error, within in _errors(frame, kernels, device, known))
            rows.append((device, " and ".join(map(str, known)), *shown))
    show(("device", "calibrated at batch", *map(str, BATCHES)), rows)


if __name__ == "__main__":
    main()
