"""Measuring: the loss of a task, and the figures that say how good a network's outputs are."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nassim.errors import NassimError
from nassim.evaluators.task import Task, make_metric

_LOSSES: dict[str, Callable[..., Tensor]] = {
    "cross_entropy": F.cross_entropy,
    "binary_cross_entropy": F.binary_cross_entropy_with_logits,
    "mse": F.mse_loss,
    "mae": F.l1_loss,
    "huber": F.huber_loss,
    "smooth_l1": F.smooth_l1_loss,
}


MOST_MADE_UP = 2**24
"""Numbers that are made up to try a metric."""


def loss_of(task: Task, outputs: Tensor, y: Tensor, reduction: str = "mean") -> Tensor:
    """Return the task's loss.

    Args:
        task: What is learnt.
        outputs: What the network returns, (batch, outputs): logits, or predicted numbers.
        y: Targets, (batch,) or (batch, outputs).
        reduction: "mean" or "sum", over inputs; several numbers of an input are averaged.
    """
    if task.kind == "classification":
        return F.cross_entropy(outputs, y, reduction=reduction)
    targets = y.to(outputs.dtype).reshape(outputs.shape)
    loss = _LOSSES[task.loss](outputs, targets, reduction=reduction)
    return loss / outputs.shape[1] if reduction == "sum" else loss


def check_metrics(task: Task, outputs: int) -> None:
    """Measure made-up outputs by each metric, so that what can't be measured is found before any work starts.

    Args:
        task: What is learnt, and what is reported.
        outputs: Outputs of the networks.

    Raises:
        NassimError: As `make_metric`, or a metric fails, or is no number.
    """
    rows = max(8, min(2 * outputs, MOST_MADE_UP // outputs))
    made_up = torch.rand(rows, outputs, generator=torch.Generator().manual_seed(0))
    targets = torch.arange(len(made_up)) % max(outputs, 2)
    if task.kind == "regression":
        targets = made_up.flip(0).squeeze(1) if outputs == 1 else made_up.flip(0)
    for metric in task.metrics:
        measurement = Measurement(replace(task, metrics=(metric,)))
        try:
            measurement.add(made_up, targets)
            measurement.figures()
        except NassimError:
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
            raise NassimError(
                f"task: the metric {metric.name!r} gives no number for {outputs} output(s): {reason}"
            ) from error


class Measurement:
    """How good outputs are, added up over minibatches.

    Args:
        task: What is learnt, and what is reported.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._sums = torch.zeros(2)
        self._count = 0
        self._metrics: dict[str, Any] = {}

    def add(self, outputs: Tensor, y: Tensor) -> None:
        """Take in a minibatch's outputs (batch, outputs) and targets."""
        if not self._count:
            self._begin(outputs)
        loss = loss_of(self._task, outputs, y, "sum")
        self._sums += torch.stack([_right(self._task.kind, outputs, y), loss])
        self._count += len(y)
        for metric in self._metrics.values():
            metric.update(*_predictions(self._task.kind, outputs, y))

    def _begin(self, outputs: Tensor) -> None:
        self._sums = self._sums.to(outputs.device)
        self._metrics = {
            metric.name: make_metric(metric, self._task.kind, outputs.shape[1]).to(outputs.device)
            for metric in self._task.metrics
            if metric.name != "accuracy"
        }

    def figures(self) -> dict[str, float]:
        """Return the task's metrics by name (their mean over outputs, if there are several numbers), and `loss`."""
        right, loss = (value / self._count for value in self._sums.tolist())
        values = {name: float(metric.compute().mean()) for name, metric in self._metrics.items()}
        return {metric.name: values.get(metric.name, right) for metric in self._task.metrics} | {"loss": loss}


def _right(kind: str, outputs: Tensor, y: Tensor) -> Tensor:
    """Return how many labels are predicted rightly; of numbers none."""
    if kind == "regression":
        return torch.zeros((), device=outputs.device)
    predicted = outputs.argmax(1) if kind == "classification" else (outputs > 0).flatten()
    return (predicted == y).sum()


def _predictions(kind: str, outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return what torchmetrics wants: probabilities and labels, or numbers in one shape."""
    if kind == "classification":
        return outputs.softmax(1), y
    if kind == "binary":
        return outputs.sigmoid().flatten(), y
    return (outputs, y) if outputs.shape[1] > 1 else (outputs.flatten(), y.flatten())
