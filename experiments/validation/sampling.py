"""The samples of published tables that tests read, taken from the whole ones: rows at even steps, and a few by name.

Run: `NASSIM_TABLES=FOLDER python experiments/validation/sampling.py`; takes a second.
"""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
from nasbench201 import OPERATIONS, parse
from scoring import table

SAMPLES = Path(__file__).parents[2] / "tests" / "tables"


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Every 50th cell, the five that have one operation everywhere, and the one most accurate on CIFAR-10."""
    uniform = frame.arch_str.map(lambda text: len(set(parse(text))) == 1)
    best = frame.cifar10valid_eval_acc_200ep_mean == frame.cifar10valid_eval_acc_200ep_mean.max()
    if uniform.sum() != len(OPERATIONS):
        raise SystemExit(f"{uniform.sum()} cells have one operation everywhere, not {len(OPERATIONS)}: another table")
    return frame[(frame.arch_index % 50 == 0) | uniform | best]


def _latencies(frame: pd.DataFrame) -> pd.DataFrame:
    """Of those cells what HW-NAS-Bench measured; the other columns' terms are not known to allow copies."""
    cells = _cells(pd.read_parquet(table("nasbench201/architectures.parquet")))
    return frame.loc[frame.arch_index.isin(cells.arch_index), ["arch_index", "raspi4_ms"]]


def _chains(frame: pd.DataFrame) -> pd.DataFrame:
    """Every 20th chain, the three that have one block everywhere, and the most accurate one."""
    return frame[(frame.index % 20 == 0) | frame.arch.isin(["00000000", "11111111", "22222222", "22212220"])]


def _runs(frame: pd.DataFrame) -> pd.DataFrame:
    """Every 11th run: 11 divides neither the repeats of a run nor the budgets of a cell."""
    return frame[frame.index % 11 == 0]


def _workloads(frame: pd.DataFrame) -> pd.DataFrame:
    """All settings of the vision networks: ShuffleNetV2 and ResNet-50 on both GPUs."""
    return frame[frame.network.isin(["shufflenetv2", "resnet50"])]


CHOOSE: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "nasbench201/architectures.parquet": _cells,
    "nasbench201_latency/latency.parquet": _latencies,
    "nasbench_macro/nasbench_macro_cifar10.parquet": _chains,
    "ecnas/runs_rtx6000.parquet": _runs,
    "zeus_power/power.parquet": _workloads,
}


def main() -> None:
    """Write the samples."""
    for name, choose in CHOOSE.items():
        whole = pd.read_parquet(table(name))
        rows = choose(whole).reset_index(drop=True)
        file = SAMPLES / name
        file.parent.mkdir(parents=True, exist_ok=True)
        rows.to_parquet(file, index=False, compression="zstd", write_statistics=False)
        print(f"{name}: {len(rows)} of {len(whole)} rows, {file.stat().st_size} bytes")


if __name__ == "__main__":
    main()
