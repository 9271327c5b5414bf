"""Setting: what every evaluator is made with, whatever its kind."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nassim.data.source import DataSource
from nassim.evaluators.schedule import Schedule
from nassim.evaluators.shared import SharedWeights
from nassim.evaluators.task import Task
from nassim.seeds import derive_seed
from nassim.space.architecture import Architecture
from nassim.space.search_space import SearchSpace


@dataclass(frozen=True, slots=True)
class Setting:
    """What every evaluator is made with, on the driver and on each worker.

    Attributes:
        search: Name of the search.
        space: Where the candidates are from.
        source: What they learn.
        schedule: How an experiment trains candidates from scratch.
        task: What they learn to predict, and what is reported.
        seed: Everything random in the run derives from it.
        accepts: Whether an architecture is within the search's limits.
        folder_of: Returns the folder of shared weights, on a path that workers and the driver share, from their name.
    """

    search: str
    space: SearchSpace
    source: DataSource
    schedule: Schedule
    task: Task
    seed: int
    accepts: Callable[[Architecture], bool]
    folder_of: Callable[[str], Path]

    def shared_weights(self, name: str | None = None) -> SharedWeights:
        """Return the shared weights of a name: those of the search, unless it is given.

        Searches that name the same have the same: they are trained once.
        """
        seed = derive_seed(self.seed, "shared weights") if name is None else derive_seed(self.seed, "weights", name)
        whose = self.search if name is None else name
        return SharedWeights(f"{whose}/shared", self.folder_of(whose), seed)
