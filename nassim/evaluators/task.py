"""Task: what a network is to learn, and so the loss that trains it and the figures that say how well it does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from typing import Any, get_args

from nassim.data.reading import TaskKind
from nassim.errors import NassimError

LOSSES: Mapping[str, tuple[str, ...]] = {
    "classification": ("cross_entropy",),
    "binary": ("binary_cross_entropy",),
    "regression": ("mse", "mae", "huber", "smooth_l1"),
}
"""Losses by kind of task, the default first; torch's functions of these names."""

DEFAULT_METRICS = {"classification": "accuracy", "binary": "accuracy", "regression": "r2"}

ALIASES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "f1": ("F1Score", {"average": "macro"}),
    "precision": ("Precision", {"average": "macro"}),
    "recall": ("Recall", {"average": "macro"}),
    "auroc": ("AUROC", {}),
    "average_precision": ("AveragePrecision", {}),
    "r2": ("R2Score", {}),
    "mae": ("MeanAbsoluteError", {}),
    "mse": ("MeanSquaredError", {}),
    "rmse": ("MeanSquaredError", {"squared": False}),
    "pearson": ("PearsonCorrCoef", {}),
    "spearman": ("SpearmanCorrCoef", {}),
}
"""Short names for torchmetrics' classes; binary tasks take no `average`."""


HIGHER_IS_BETTER = {"loss": False, "train_loss": False, "accuracy": True} | {
    name: name not in ("mae", "mse", "rmse") for name in ALIASES
}
"""Of the figures with short names; those of others torchmetrics knows, which takes seconds to load."""


OUR_ARGUMENTS = {"task", "num_classes", "num_outputs"}
"""Arguments of torchmetrics' classes that are given here."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure that says how good predictions are.

    Attributes:
        name: What it is reported as: "accuracy", one of `ALIASES`, or the name of a class of torchmetrics.
        parameters: Arguments of that class.
    """

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Task:
    """What a network is to learn.

    Attributes:
        kind: "classification": a label of k classes from k outputs. "binary": 0 or 1 from one output, a logit.
            "regression": numbers, one an output.
        loss: What trains it, see `LOSSES`; the first of them unless given.
        metrics: What is reported beside `loss`, the first being what a search goes by unless it says otherwise. Beside
            `accuracy`, which is computed here, all are torchmetrics'.

    Raises:
        NassimError: A name that isn't known, or that doesn't go with this kind of task.
    """

    kind: TaskKind = "classification"
    loss: str = ""
    metrics: tuple[Metric, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in LOSSES:
            raise NassimError(f"task: kind is one of {', '.join(get_args(TaskKind))}, found {self.kind!r}")
        object.__setattr__(self, "loss", self.loss or LOSSES[self.kind][0])
        object.__setattr__(self, "metrics", self.metrics or (Metric(DEFAULT_METRICS[self.kind]),))
        if self.loss not in LOSSES[self.kind]:
            raise NassimError(
                f"task: the loss of a {self.kind} task is one of {', '.join(LOSSES[self.kind])}, found {self.loss!r}"
            )
        for metric in self.metrics:
            if metric.name == "accuracy" and self.kind == "regression":
                raise NassimError("task: the metric 'accuracy' is not for a regression task, which is about numbers")
            if metric.name == "accuracy" and metric.parameters:
                found = dict(metric.parameters)
                raise NassimError(f"task: 'accuracy' takes no arguments, found {found}; torchmetrics' Accuracy does")
        names = [metric.name for metric in self.metrics]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice or "loss" in names:
            raise NassimError(
                f"task: {twice or 'loss'!r} is reported " + ("twice; name it once" if twice else "anyway; take it away")
            )

    @property
    def main_metric(self) -> str:
        """The first of the metrics: what searches go by that don't say it, and a found model is known by."""
        return self.metrics[0].name

    def is_better_higher(self, name: str) -> bool:
        """Say whether more is better of a reported figure.

        Raises:
            NassimError: It isn't reported.
        """
        if name in HIGHER_IS_BETTER:
            return HIGHER_IS_BETTER[name]
        metric = next((metric for metric in self.metrics if metric.name == name), None)
        if metric is None:
            reported = ", ".join(["loss", *(metric.name for metric in self.metrics)])
            raise NassimError(f"{name!r} is not reported; reported are {reported}: name more in `task.metrics`")
        return bool(make_metric(metric, self.kind, outputs=2).higher_is_better)


CLASSIFICATION = Task()


def make_metric(metric: Metric, kind: TaskKind, outputs: int) -> Any:
    """Return a new torchmetrics object of this name.

    Raises:
        NassimError: torchmetrics has no such class, it isn't for this kind of task, or refuses its parameters.
    """
    name, defaults = ALIASES.get(metric.name, (metric.name, {}))
    made = _classes().get(name)
    if made is None:
        close = get_close_matches(metric.name, [*ALIASES, *_classes()], n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else f"such as accuracy, {', '.join(ALIASES)}"
        raise NassimError(f"task: torchmetrics has no metric {metric.name!r}; {hint}")
    of_classes = _is_of_classes(made)
    if of_classes != (kind != "regression"):
        fitting = "numbers" if kind == "regression" else "classes"
        raise NassimError(f"task: the metric {metric.name!r} is not for a {kind} task, which is about {fitting}")
    if taken := OUR_ARGUMENTS & {*metric.parameters}:
        raise NassimError(f"task: the metric {metric.name!r}: {', '.join(sorted(taken))} follows from task and data")
    arguments: dict[str, Any] = dict(metric.parameters)
    if of_classes:
        if kind == "classification":
            arguments = {"task": "multiclass", "num_classes": outputs, **defaults, **arguments}
        else:
            arguments = {"task": "binary", **arguments}
    else:
        arguments = {**defaults, **arguments}
        if outputs > 1 and "num_outputs" in _parameters(made):
            arguments.setdefault("num_outputs", outputs)
    try:
        return made(**arguments)
    except Exception as error:  # torchmetrics has exceptions of its own
        raise NassimError(f"task: the metric {metric.name!r} with {arguments}: {error}") from error


@cache
def _classes() -> Mapping[str, Callable[..., Any]]:
    import torchmetrics
    import torchmetrics.classification
    import torchmetrics.regression

    found: dict[str, Callable[..., Any]] = {}
    for module in (torchmetrics.regression, torchmetrics.classification):
        for name in module.__all__:
            made = getattr(module, name)
            if not name.startswith(("Binary", "Multiclass", "Multilabel")):
                found[name] = made
    return found


def _is_of_classes(made: Callable[..., Any]) -> bool:
    return "classification" in made.__module__


def _parameters(made: Callable[..., Any]) -> Sequence[str]:
    import inspect

    return tuple(inspect.signature(made).parameters)
