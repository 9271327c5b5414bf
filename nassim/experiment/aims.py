"""Aims: what a search goes by (objectives), and what its networks may cost (limits)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from nassim.catalogue import did_you_mean
from nassim.errors import KeyPath
from nassim.evaluators.task import Task
from nassim.experiment.mistakes import show
from nassim.hardware.costs import COSTS, ON_A_DEVICE
from nassim.spec import Amount, Count, Spec, Text, one_named


class OnDevice(Spec):
    """What a figure that depends on a device is of."""

    device: Text | None = None
    """For `latency_ms` and `energy_mj`, which need it: on which device (`nassim devices`)."""
    batch: Count | None = None
    """For these: inputs of the forward pass; by default 1."""


class ObjectiveSpec(OnDevice):
    """One aim of a search, under the name of what it is of."""

    direction: Literal["min", "max"] | None = None
    """min or max; by default as is better of a metric, such as max for accuracy, and min for a cost."""
    target: Amount | None = None
    """What reinforce weighs a later objective by: its reward is the first times (value / target) ^ weight of each."""
    weight: float | None = None
    """See `target`; below 0 for an objective to be minimised, -0.07 by default; above 0, and 0.07, for one to be
    maximised."""


class LimitSpec(OnDevice):
    """A limit on what the networks of a search may cost, under the name of the cost."""

    at_most: Amount
    """The most that it may be."""


def _spelled_out(value: Any) -> Any:
    """Take `accuracy` for `{accuracy: {}}` and `{params: min}` for `{params: {direction: min}}`."""
    wanted = "accuracy, or one with what is said of it: {params: min}, {latency_ms: {device: a100, direction: min}}"
    return one_named(value, wanted, lambda what: {"direction": what} if isinstance(what, str) else what)


def _limits(value: Any) -> Any:
    """Take `params: 50000` for `params: {at_most: 50000}`."""
    if not isinstance(value, dict):
        return value
    return {name: what if isinstance(what, (dict, LimitSpec)) else {"at_most": what} for name, what in value.items()}


NamedObjective = Annotated[dict[str, ObjectiveSpec], BeforeValidator(_spelled_out)]
"""One name, and what is said of it."""

Objectives = Annotated[tuple[NamedObjective, ...], Field(min_length=1, max_length=10, strict=False)]
"""The first is what trials are compared by where one figure must do."""

Limits = Annotated[dict[str, LimitSpec], BeforeValidator(_limits)]
"""By the name of the cost."""


def named(objectives: Objectives) -> Iterator[tuple[str, ObjectiveSpec]]:
    """Yield the objectives with their names."""
    for item in objectives:
        yield from item.items()


def label(name: str, what: OnDevice) -> str:
    """Return what a figure is called on the books: `params`, `latency_ms@a100`, `latency_ms@a100:8` for a batch."""
    device = f"@{what.device}" if what.device else ""
    return f"{name}{device}{f':{what.batch}' if what.batch not in (None, 1) else ''}"


def is_maximised(name: str, objective: ObjectiveSpec, task: Task) -> bool:
    """Whether more of it is better."""
    if objective.direction is not None:
        return objective.direction == "max"
    return name not in COSTS and task.is_better_higher(name)


def weight_of(name: str, objective: ObjectiveSpec, task: Task) -> float:
    """Return what reinforce weighs an objective with: MnasNet's -0.07 by default (Tan et al. 2019, section 3.1)."""
    if objective.weight is not None:
        return objective.weight
    return 0.07 if is_maximised(name, objective, task) else -0.07


def objective_mistakes(
    objectives: Objectives, kind: str, task: Task, also: Sequence[str] | None
) -> Iterator[tuple[KeyPath, str]]:
    """Yield what is wrong with objectives, each with its key path from them.

    Args:
        objectives: As the file has them.
        kind: Kind of the evaluator.
        task: What its networks learn.
        also: What its trials report beside the task's metrics and `loss`; None where that is not known, so that a
            metric of any name may be reported.
    """
    metrics = (*(metric.name for metric in task.metrics), "loss", *(also or ()))
    first: dict[str, int] = {}
    for index, (name, objective) in enumerate(named(objectives)):
        called = label(name, objective)
        if called in first:
            yield (index,), f"found {called!r}, which objectives[{first[called]}] has already"
        elif name not in metrics and name not in COSTS and also is None:
            if objective.direction is None:
                yield (index, name, "direction"), f"this key is missing: min or max, for nobody knows what {name!r} is"
        elif name not in metrics and name not in COSTS:
            yield (index,), _unknown(name, (*metrics, *COSTS), f" for {kind}")
        elif index == 0 and name not in metrics:
            yield (index,), f"found {name!r}, a cost; the first is what trials of {kind} report: {', '.join(metrics)}"
        else:
            for key, what in (*_device_mistakes(name, objective), *_weight_mistakes(name, objective, index, task)):
                yield (index, name, key), what
        first.setdefault(called, index)


def weighing_mistakes(objectives: Objectives, task: Task) -> Iterator[tuple[KeyPath, str]]:
    """Yield why reinforce can't make one reward of several objectives."""
    for index, (name, objective) in enumerate(named(objectives)):
        if index == 0 and not is_maximised(name, objective, task):
            yield (index,), f"found {name!r} to be minimised; reinforce weighs the others against one to be maximised"
        elif index and objective.target is None:
            yield (index, name, "target"), "this key is missing: reinforce weighs (value / target) ^ weight"


def limit_mistakes(limits: Mapping[str, LimitSpec]) -> Iterator[tuple[KeyPath, str]]:
    """Yield what is wrong with limits, each with its key path from them."""
    for name, limit in limits.items():
        if name not in COSTS:
            yield (name,), f"{_unknown(name, COSTS)}, which are known before anything is trained"
        for key, what in _device_mistakes(name, limit):
            yield (name, key), what


def _device_mistakes(name: str, what: OnDevice) -> Iterator[tuple[str, str]]:
    if name in ON_A_DEVICE:
        if what.device is None:
            yield "device", f"this key is missing: {name} depends on the device (`nassim devices`)"
        return
    for key in ("device", "batch"):
        if getattr(what, key) is not None:
            yield key, f"found {show(getattr(what, key))}; {name} does not depend on it; take this away"


def _weight_mistakes(name: str, objective: ObjectiveSpec, index: int, task: Task) -> Iterator[tuple[str, str]]:
    for key in ("target", "weight"):
        if index == 0 and getattr(objective, key) is not None:
            yield key, "the first objective is what the others are weighed against; take this away"
            return
    if objective.weight is None:
        return
    if objective.target is None:
        yield "target", "this key is missing: `weight` is that of value / target"
    wanted = "above" if is_maximised(name, objective, task) else "below"
    if objective.weight == 0 or (objective.weight > 0) != (wanted == "above"):
        aim = "maximised" if wanted == "above" else "minimised"
        yield "weight", f"found {objective.weight:g}, wanted a number {wanted} 0: {name} is to be {aim}"


def _unknown(name: str, known: Collection[str], where: str = "") -> str:
    return f"found {name!r}{did_you_mean(name, known)}; allowed{where}: {', '.join(known)}"
