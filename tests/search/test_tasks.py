"""Searches that learn numbers, or one of two classes, by losses and metrics of any name."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from searching import ENAS, FULL, experiment, run
from sklearn.datasets import load_digits
from sklearn.metrics import r2_score, roc_auc_score

import nassim
from nassim.errors import NassimError
from nassim.models.bundle import write_bundle
from nassim.models.shelf import find_model
from nassim.run import execute

TRAINING = {"epochs": 2, "batch_size": 64, "learning_rate": 0.02}


def told(folder, y, outputs: int, *searches: dict, **changes):
    """Return an experiment on digits, pixels from 0 to 240, with these targets, by both evaluators unless told."""
    images = load_digits().images.astype(np.float32).reshape(-1, 1, 8, 8) * 15
    np.savez(folder / "data.npz", x=images, y=y)
    space = {"name": "cell", "parameters": {"input_shape": [1, 8, 8], "classes": outputs, "width": 2, "cells": 1}}
    common = {"space": space, "training": TRAINING, "final": {"schedule": TRAINING}}
    data = {"name": "arrays", "path": str(folder / "data.npz")} | changes.pop("data", {})
    return experiment(folder, *(searches or (FULL | {"trials": 3}, ENAS)), data=data, **common, **changes)


def on_test(done, search: str, plan, folder) -> tuple[np.ndarray, np.ndarray]:
    """Return what the found model makes of the test split, and what it should."""
    from nassim.folder import RunFolder
    from nassim.run.make import Parts

    write_bundle(find_model(done.ledger, f"run/{search}").file, folder / search)
    returned = {"regression": "predicted numbers (batch, ", "binary": "a logit (batch, 1), above 0 for the class 1"}
    assert returned[plan.task.kind] in (folder / search / "README.txt").read_text(encoding="utf-8")
    split = Parts(plan, RunFolder(folder, "", None)).source.load_final().test
    with torch.no_grad():
        outputs = nassim.load_model(folder / search).eval()(split.x)
    return outputs.double().numpy(), split.y.double().numpy()


@pytest.mark.slow
def test_numbers_are_learnt_and_measured(tmp_path):
    brightness = load_digits().images.mean((1, 2)) / 16
    targets = np.stack([brightness, 10 * brightness**2], axis=1).astype(np.float32)
    task = {"kind": "regression", "loss": "huber", "metrics": ["rmse", {"r2": {"multioutput": "raw_values"}}]}
    plan = told(tmp_path, targets, 2, task=task, data={"scale": "standard"})
    done = run(plan)
    assert done.status == "finished"
    assert done.warnings == []
    for search in ("full", "enas"):
        finding = done.findings[search]
        assert finding.objectives == {"rmse": "min"}
        of_search = done.trials.loc[search]
        best = of_search["value"] if search == "full" else of_search["value"][-ENAS["evaluator"]["derive"] :]
        assert done.trials.loc[(search, finding.trial), "value"] == best.min()
        found, wanted = on_test(done, search, plan, tmp_path)
        of_each = np.sqrt(((found - wanted) ** 2).mean(axis=0))
        assert finding.metrics["rmse"] == pytest.approx(of_each.mean(), rel=1e-5)
        assert finding.metrics["r2"] == pytest.approx(r2_score(wanted, found), rel=1e-4)
        errors = np.abs(found - wanted)
        huber = np.where(errors < 1, errors**2 / 2, errors - 0.5).mean()
        assert finding.metrics["loss"] == pytest.approx(huber, rel=1e-5)


@pytest.mark.slow
def test_two_classes_are_learnt_from_one_output(tmp_path):
    labels = (load_digits().target % 2).astype(np.int64)
    task = {"kind": "binary", "metrics": ["auroc", "accuracy"]}
    plan = told(tmp_path, labels, 1, task=task, data={"scale": 240})
    done = run(plan)
    for search in ("full", "enas"):
        finding = done.findings[search]
        assert finding.objectives == {"auroc": "max"}
        logits, wanted = on_test(done, search, plan, tmp_path)
        assert finding.metrics["auroc"] == pytest.approx(roc_auc_score(wanted, logits.ravel()), abs=1e-5)
        assert finding.metrics["accuracy"] == pytest.approx(((logits.ravel() > 0) == wanted).mean())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Metric `SpearmanCorrcoef` will save all:UserWarning")
def test_a_metric_of_torchmetrics_by_its_own_name_may_be_the_objective(tmp_path):
    brightness = load_digits().images.mean((1, 2)).astype(np.float32)
    task = {"kind": "regression", "metrics": ["SpearmanCorrCoef"]}
    plan = told(tmp_path, brightness, 1, task=task, data={"scale": 240})
    done = run(plan)
    found, wanted = on_test(done, "full", plan, tmp_path)
    assert done.findings["full"].objectives == {"SpearmanCorrCoef": "max"}
    assert done.findings["full"].metrics["SpearmanCorrCoef"] == pytest.approx(
        spearmanr(found.ravel(), wanted.ravel()).statistic, abs=1e-4
    )


@pytest.mark.slow
def test_inputs_that_look_unscaled_are_warned_of(tmp_path):
    plan = told(tmp_path, load_digits().target, 10, FULL | {"trials": 1})
    (warning,) = run(plan).warnings
    assert warning.startswith("the inputs reach 240, and networks learn best from numbers around 1: `data.scale: 240`")


@pytest.mark.parametrize(
    ("task", "outputs", "message"),
    [
        ({"kind": "regression"}, 10, "space Cell has 10 outputs, and the data needs 1 output"),
        ({"metrics": ["acuracy"]}, 10, "torchmetrics has no metric 'acuracy'; did you mean"),
        ({"metrics": ["rmse"]}, 10, "the metric 'rmse' is not for a classification task, which is about classes"),
        ({"metrics": [{"f1": {"averag": 1}}]}, 10, "the metric 'f1' with "),
    ],
)
def test_what_can_not_be_measured_is_told_before_anything_starts(tmp_path, task, outputs, message):
    plan = told(tmp_path, load_digits().target.astype(np.int64), outputs, task=task)
    with pytest.raises(NassimError, match=message):
        execute(plan, name="run")
    assert not (tmp_path / "runs").exists()
