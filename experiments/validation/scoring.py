"""How near predictions are to measurements, where the data lie, and tables of it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau

from nassim.seeds import derive_seed

Array = NDArray[np.float64]


def table(name: str) -> Path:
    """Return the path of a whole published table, or stop with the reason why there is none."""
    folder = os.environ.get("NASSIM_TABLES")
    if folder is None:
        raise SystemExit("set NASSIM_TABLES to the folder of the whole published tables (tests/tables/README.md)")
    path = Path(folder) / name
    if not path.exists():
        raise SystemExit(f"{path} isn't there: this experiment needs that published table (tests/tables/README.md)")
    return path


def mape(predicted: Array, measured: Array) -> float:
    """Return the mean absolute percentage error, in percent."""
    return float(np.mean(np.abs(predicted / measured - 1)) * 100)


def tau(predicted: Array, measured: Array) -> float:
    """Return Kendall's rank correlation, tau-b."""
    return float(kendalltau(predicted, measured)[0])


@dataclass(frozen=True, slots=True)
class Noise:
    """What the measurement itself cannot repeat, from pairs of networks that are one network.

    Attributes:
        percent: Mean absolute error of a measurement against the truth: mean |difference| of pairs over sqrt(2).
        log_ratios: Differences of the pairs' logarithms over sqrt(2): draws of a single measurement's error.
    """

    percent: float
    log_ratios: Array

    @classmethod
    def of_pairs(cls, first: Array, second: Array) -> "Noise":
        """Estimate it from two measurements of each of some networks."""
        differences = np.abs(first - second) / ((first + second) / 2)
        return cls(float(np.mean(differences) / np.sqrt(2) * 100), np.log(first / second) / np.sqrt(2))

    def best_tau(self, truth: Array, rng: np.random.Generator) -> float:
        """Return the rank correlation that perfect predictions would reach with measurements of this noise."""
        error = rng.choice(self.log_ratios, len(truth)) * rng.choice((-1.0, 1.0), len(truth))
        return tau(truth, truth * np.exp(error))


def draws(name: str, population: int, size: int, repeats: int) -> list[Array]:
    """Return seeded samples without replacement, as index arrays."""
    seeds = (derive_seed(0, name, i) for i in range(repeats))
    return [np.random.default_rng(seed).choice(population, size, replace=False) for seed in seeds]


def without(population: int, taken: Array) -> Array:
    """Return the indices that a sample did not take."""
    return np.setdiff1d(np.arange(population), taken)


def show(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table."""
    print("| " + " | ".join(header) + " |")
    print("| " + " | ".join("---" for _ in header) + " |")
    for row in rows:
        print("| " + " | ".join(row) + " |")
