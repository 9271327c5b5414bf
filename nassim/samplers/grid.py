"""Every architecture once."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.study import Study
from optuna.trial import FrozenTrial

from nassim.errors import NassimError
from nassim.samplers.base import Sampler
from nassim.seeds import derive_seed
from nassim.space.architecture import Architecture
from nassim.space.domain import Domain

LARGEST_GRID = 1_000_000
"""More architectures than this make no grid: they'd be held in memory, and no search would see the end of them."""


class GridSampler(Sampler):
    """Proposes each of the given points once, in an order shuffled by the seed: trial n takes point n of that order.

    Points need not have the same parameters, so a conditional space is a grid like any other. Optuna's own GridSampler
    takes a product of parameters, and ends a search by a call that works inside `Study.optimize` alone; here
    `trials_at_most` says when there is nothing left to propose. A trial that fails isn't proposed again.

    Args:
        points: The parameters of each point, all different.
        seed: The order depends on this alone.
    """

    def __init__(self, points: Sequence[Mapping[str, Any]], *, seed: int) -> None:
        self._points = list(points)
        random.Random(derive_seed(seed, "grid")).shuffle(self._points)
        self.trials_at_most = len(self._points)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Look a parameter up.

        Raises:
            NassimError: The grid is exhausted, or its point doesn't have this parameter.
        """
        if trial.number >= len(self._points):
            raise NassimError(
                f"the grid has {len(self._points):,} points and trial {trial.number} asks for another; stop after "
                f"{len(self._points):,} trials"
            )
        point = self._points[trial.number]
        if param_name not in point:
            raise NassimError(
                f"the grid's point for trial {trial.number} has no parameter {param_name!r}; it has "
                f"{', '.join(point)}: make the grid from the space that is searched"
            )
        return point[param_name]


def make_grid(*, seed: int, domain: Domain, is_within: Callable[[Architecture], bool] | None) -> GridSampler:
    """Return what proposes every architecture of a space that is within the limits.

    Raises:
        ValueError: There are too many.
    """
    if domain.size > LARGEST_GRID:
        raise ValueError(
            f"the space has {domain.size:,} architectures and a grid at most {LARGEST_GRID:,}; use random, tpe, "
            "nsga2, reinforce or evolution, or a smaller space"
        )
    return GridSampler([each for each in domain.enumerate() if is_within is None or is_within(each)], seed=seed)
