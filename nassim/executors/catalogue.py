"""The executors that there are, and one's own."""

from nassim.catalogue import Catalogue
from nassim.executors.base import Executor

EXECUTORS: Catalogue[Executor] = Catalogue(
    "executor",
    "nassim.executors.base.Executor",
    "nassim.executors",
    {"ray": "nassim.executors.ray.executor:RayExecutor", "inline": "nassim.executors.inline:InlineExecutor"},
)
