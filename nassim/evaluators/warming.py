"""Warming up: what a worker does before it counts as ready, so that no candidate is charged for being the first."""

from contextlib import suppress

from nassim.cost.work import Activity, Work, add_up
from nassim.data.source import DataSource, Split
from nassim.evaluation import Candidate
from nassim.evaluators.epochs import new_network
from nassim.evaluators.schedule import Schedule
from nassim.evaluators.task import Task
from nassim.evaluators.training import EXAMINED_AT_ONCE, Examination, Trainer
from nassim.space.search_space import SearchSpace


def warm_up(space: SearchSpace, schedule: Schedule, source: DataSource, task: Task, device: str) -> Work:
    """Train networks that together take every option for a minibatch each, and examine them.

    Reading data, the imports that torch puts off until a first step, and the kernels that it compiles for a shape it
    hasn't met take 1 to 2 s, ten times what a small epoch does. A network that fails is left out: the trial that
    proposes it will say so.

    Args:
        space: Where the networks are from.
        schedule: How they will be trained.
        source: What they will learn; the training and validation splits are loaded.
        task: What they will learn to predict.
        device: Where.

    Returns:
        The Work of it, of activity `startup`.
    """
    data = source.load(device)
    works = [Work(Activity.STARTUP)]
    for architecture in space.domain.covering():
        with suppress(Exception):
            profile = space.profile(architecture)
            network = new_network(space, Candidate(architecture, None, seed=0), device)
            trainer = Trainer(network, schedule, data.train, seed=0, task=task)
            for size in {*schedule.minibatches(len(data.train))}:
                works.append(profile.training(trainer.try_step(size), Activity.STARTUP))
            for size in Examination(network, _first(data.validation), task).steps():
                works.append(profile.inference(size, Activity.STARTUP))
    return add_up(works)[0]


def _first(split: Split) -> Split:
    """Return inputs enough for one forward pass of each size that an examination makes."""
    rest = len(split) % EXAMINED_AT_ONCE
    return Split(split.x[: EXAMINED_AT_ONCE + rest], split.y[: EXAMINED_AT_ONCE + rest])
