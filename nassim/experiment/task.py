"""Task: what the networks learn to predict, as an experiment file says it."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from nassim.errors import NassimError
from nassim.evaluators import task
from nassim.experiment.mistakes import show
from nassim.spec import Parameters, Spec, Text, contradiction, one_named


def _spelled_out(value: Any) -> Any:
    """Take `f1` for `{f1: {}}`."""
    wanted = "f1, or one with its arguments: {f1: {average: micro}}"
    return one_named(value, wanted, lambda parameters: {} if parameters is None else parameters)


NamedMetric = Annotated[dict[str, Parameters], BeforeValidator(_spelled_out)]
"""One name, and the arguments of the class that it stands for."""


class TaskSpec(Spec):
    """What the networks learn to predict, what trains them, and what is reported of them."""

    kind: Literal["classification", "binary", "regression"] = "classification"
    """classification (a class of several, an output each), binary (0 or 1, from one output) or regression (numbers, an
    output each)."""
    loss: Text | None = None
    """What trains them: cross_entropy; binary_cross_entropy; or, for a regression, mse (the default), mae, huber or
    smooth_l1."""
    metrics: Annotated[tuple[NamedMetric, ...], Field(max_length=20, strict=False)] = ()
    """What is reported beside loss; by default accuracy, or r2 for a regression. The first is what searches go by that
    don't say it."""

    @model_validator(mode="after")
    def _fits_together(self) -> "TaskSpec":
        allowed = task.LOSSES[self.kind]
        if self.loss is not None and self.loss not in allowed:
            found = f"found {show(self.loss)}; allowed for a {self.kind} task: {', '.join(allowed)}"
            raise contradiction((("loss",), found))
        try:
            self.task()
        except NassimError as error:
            raise contradiction((("metrics",), str(error).removeprefix("task: "))) from error
        return self

    def task(self) -> task.Task:
        """Return the task as evaluators take it."""
        metrics = (task.Metric(name, given) for metric in self.metrics for name, given in metric.items())
        return task.Task(self.kind, self.loss or "", tuple(metrics))
