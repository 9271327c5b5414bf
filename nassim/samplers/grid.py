"""Every architecture once."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from nassim.errors import NassimError
from nassim.seeds import derive_seed


class GridSampler(BaseSampler):
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

    @property
    def trials_at_most(self) -> int:
        """How many trials exhaust the grid."""
        return len(self._points)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return no space: parameters are looked up one by one."""
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return no parameters."""
        return {}

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
