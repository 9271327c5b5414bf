"""Losses and figures of each kind of task, held against scikit-learn and sums by hand."""

import numpy as np
import pytest
import torch
from sklearn import metrics as known

from nassim.errors import NassimError
from nassim.evaluators.measuring import Measurement, check_metrics, loss_of
from nassim.evaluators.task import Metric, Task

RNG = torch.Generator().manual_seed(0)
LOGITS = torch.randn(90, 3, generator=RNG)
LABELS = torch.randint(3, (90,), generator=RNG)
NUMBERS = torch.randn(90, 2, generator=RNG)
GUESSES = NUMBERS + torch.randn(90, 2, generator=RNG) / 2


def measured(task, outputs, y):
    """By minibatches of different sizes."""
    measurement = Measurement(task)
    for x, targets in zip(outputs.split([40, 40, 10]), y.split([40, 40, 10]), strict=True):
        measurement.add(x, targets)
    return measurement.figures()


def task(kind, *names, loss=""):
    return Task(kind, loss, tuple(map(Metric, names)))


def test_classes():
    found = measured(task("classification", "accuracy", "f1", "auroc"), LOGITS, LABELS)
    predicted, probabilities = LOGITS.argmax(1), LOGITS.softmax(1)
    assert found == pytest.approx(
        {
            "accuracy": known.accuracy_score(LABELS, predicted),
            "f1": known.f1_score(LABELS, predicted, average="macro"),
            "auroc": known.roc_auc_score(LABELS, probabilities, multi_class="ovr"),
            "loss": known.log_loss(LABELS, probabilities),
        },
        rel=1e-5,
    )


def test_two_classes_by_one_output():
    logits, labels = LOGITS[:, :1], (LABELS > 0).long()
    found = measured(task("binary", "accuracy", "f1", "average_precision"), logits, labels)
    predicted, probabilities = logits.flatten() > 0, logits.sigmoid().flatten()
    assert found == pytest.approx(
        {
            "accuracy": known.accuracy_score(labels, predicted),
            "f1": known.f1_score(labels, predicted),
            "average_precision": known.average_precision_score(labels, probabilities),
            "loss": known.log_loss(labels, probabilities),
        },
        rel=1e-5,
    )


@pytest.mark.parametrize("outputs", [1, 2])
def test_numbers(outputs):
    y = NUMBERS[:, :outputs].squeeze(1)
    guesses = GUESSES[:, :outputs]
    found = measured(task("regression", "r2", "mae", "rmse", loss="huber"), guesses, y)
    errors = (guesses - NUMBERS[:, :outputs]).numpy()
    huber = np.where(np.abs(errors) < 1, errors**2 / 2, np.abs(errors) - 0.5)
    assert found == pytest.approx(
        {
            "r2": known.r2_score(y, guesses),
            "mae": np.abs(errors).mean(),
            "rmse": np.sqrt((errors**2).mean(0)).mean(),
            "loss": huber.mean(),
        },
        rel=1e-4,
    )


@pytest.mark.parametrize(("name", "value"), [("mse", 2.5), ("mae", 1.5), ("huber", 1.0), ("smooth_l1", 1.0)])
def test_losses_of_numbers(name, value):
    # errors 1 and 2: squares 1 and 4; absolutely 1 and 2; beyond 1 linear: 1/2 and 2 - 1/2
    loss = loss_of(Task("regression", name), torch.tensor([[1.0], [2.0]]), torch.zeros(2))
    assert loss == pytest.approx(value)


def test_what_is_better_higher():
    of_numbers = task("regression", "r2", "mae", "rmse")
    assert [of_numbers.is_better_higher(name) for name in ("r2", "mae", "rmse", "loss")] == [True, False, False, False]
    with pytest.raises(NassimError, match="'accuracy2' is not reported; reported are loss, accuracy: name more"):
        Task().is_better_higher("accuracy2")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Task("regresion"), "task: kind is one of classification, binary, regression, found 'regresion'"),
        (lambda: Task("binary", "mse"), "the loss of a binary task is one of binary_cross_entropy, found 'mse'"),
        (lambda: check_metrics(task("binary", "acuracy"), 1), "no metric 'acuracy'; did you mean Accuracy"),
        (
            lambda: check_metrics(task("regression", "f1"), 1),
            "'f1' is not for a regression task, which is about numbers",
        ),
        (lambda: check_metrics(task("binary", "r2"), 1), "'r2' is not for a binary task, which is about classes"),
        (lambda: task("binary", "f1", "f1"), "'f1' is reported twice; name it once"),
        (lambda: task("binary", "loss"), "'loss' is reported anyway; take it away"),
        (lambda: task("regression", "accuracy"), "'accuracy' is not for a regression task, which is about numbers"),
        (
            lambda: Task("binary", "", (Metric("accuracy", {"top_k": 2}),)),
            "'accuracy' takes no arguments, found {'top_k': 2}; torchmetrics' Accuracy does",
        ),
        (
            lambda: check_metrics(task("classification", "ConfusionMatrix"), 3),
            "'ConfusionMatrix' gives no number for 3",
        ),
        (lambda: check_metrics(task("binary", "ROC"), 1), "'ROC' gives no number for 1 output"),
        (lambda: check_metrics(task("regression", "KLDivergence"), 1), "'KLDivergence' gives no number for 1 output"),
        (
            lambda: check_metrics(Task("classification", "", (Metric("f1", {"num_classes": 3}),)), 2),
            "'f1': num_classes follows from task and data",
        ),
        (
            lambda: check_metrics(Task("regression", "", (Metric("MinkowskiDistance", {"p": 0}),)), 1),
            "'MinkowskiDistance' with {'p': 0}: Argument",
        ),
        (
            lambda: check_metrics(Task("classification", "", (Metric("f1", {"average": "x"}),)), 3),
            "'f1' with .*: Expected argument `average` to be one of",
        ),
    ],
)
def test_what_cannot_be_measured_is_told(make, message):
    with pytest.raises(NassimError, match=message):
        make()
