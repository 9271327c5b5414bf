"""What the time model has to be better than: linear models of a step's seconds, fitted to the same measurements."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import nnls
from scoring import Array

from nassim.hardware.calibration import TimedStep
from nassim.hardware.kernels import CONTRACTING, Kernel

RIDGE = 1e-3
"""How strongly coefficients are held near 0, against relative errors."""


def _flop(kernels: Sequence[Kernel], batch: int) -> list[float]:
    return [batch * sum(kernel.flop for kernel in kernels)]


def _four(kernels: Sequence[Kernel], batch: int) -> list[float]:
    moved = sum(kernel.bytes * batch + kernel.fixed_bytes for kernel in kernels)
    contractions = sum(kernel.kind in CONTRACTING for kernel in kernels)
    return [*_flop(kernels, batch), moved, len(kernels), contractions]


_SORTS = [(kind, window) for kind in ("convolution", "grouped") for window in (1, 9, 25)]
_SORTS += [(kind, 1) for kind in ("product", "reduction", "statistics", "elementwise")]


def _operations(kernels: Sequence[Kernel], batch: int) -> list[float]:
    sorts = [(kernel.kind, kernel.shape.window if kernel.shape else 1) for kernel in kernels]
    counts = [float(sorts.count(sort)) for sort in _SORTS]
    return [*counts, *(batch * n for n in counts)]


BASELINES: dict[str, Callable[[Sequence[Kernel], int], list[float]]] = {
    "FLOP": _flop,
    "FLOP, bytes, layers, contractions": _four,
    "counts of operations": _operations,
}
"""What each of them takes of a step, besides a constant."""


def predict(baseline: str, known: Sequence[TimedStep], steps: Sequence[tuple[Sequence[Kernel], int]]) -> Array:
    """Return the seconds of steps by a linear model of coefficients of at least 0, fitted to the relative errors."""

    def rows(these: Sequence[tuple[Sequence[Kernel], int]]) -> Array:
        return np.array([[1.0, *BASELINES[baseline](*step)] for step in these])

    learnt = rows([(m.kernels, m.batch) for m in known])
    relative = learnt / np.array([[m.seconds] for m in known])
    scale = np.maximum(np.linalg.norm(relative, axis=0), np.finfo(float).tiny)
    ridge = RIDGE * np.eye(len(scale))
    found, _ = nnls(np.vstack([relative / scale, ridge]), np.concatenate([np.ones(len(known)), np.zeros(len(scale))]))
    return np.asarray(rows(steps) @ (found / scale))
