"""Claims about predicted time and energy, held against measurements that others published."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "experiments" / "validation"))

import energy  # noqa: E402
import latency  # noqa: E402
import nasbench201  # noqa: E402
import scoring  # noqa: E402

from nassim.hardware.catalogue import load_catalogue  # noqa: E402


@pytest.fixture(scope="module")
def cells(tables):
    networks = pd.read_parquet(tables / "nasbench201/architectures.parquet")
    frame = networks.merge(pd.read_parquet(tables / "nasbench201_latency/latency.parquet"), on="arch_index")
    return frame, [nasbench201.parse(text) for text in frame.arch_str]


def test_the_largest_cell_has_the_published_operations():
    # 220.12 M MACs, 1,531,546 parameters (Dong & Yang 2020)
    layers = nasbench201.eager_layers(("nor_conv_3x3",) * 6)
    assert sum(layer.flop for layer in layers) / 2e6 == pytest.approx(220.12, abs=0.005)
    biases = 10  # of the classifier, which the layers leave out
    assert sum(layer.weight_bytes for layer in layers) // 4 + biases == 1_531_546


def test_layer_records_have_the_published_operations(cells):
    frame, parsed = cells
    counted = frame[~frame.flops_inferred_from_isomorph].index[::97]
    for i in counted:
        macs = sum(layer.flop for layer in nasbench201.eager_layers(parsed[i])) / 2e6
        assert macs == pytest.approx(frame.flops_M_cifar10[i], abs=1e-4)


def score(cells, name, monkeypatch):
    frame, parsed = cells
    monkeypatch.setattr(latency, "REPEATS", 2)
    monkeypatch.setattr("nassim.hardware.calibration.PLAUSIBLE", 1)
    column = next(column for column in latency.COLUMNS if column.name == name)
    live = np.array([not nasbench201.is_constant(cell) for cell in parsed])
    measured = frame[name].to_numpy(np.float64) * column.scale
    score, model = latency._score(column, latency.Space.of(parsed, column.execution), measured, live)
    assert 0 < model.memory_efficiency <= 1
    return score


# What is constant a compiler folds, and the prediction is off by factors there.
@pytest.mark.parametrize(("name", "percent"), [("raspi4_ms", 15), ("train_time_per_epoch_s_cifar10valid", 3)])
def test_twenty_architectures_calibrate_a_device(cells, name, percent, monkeypatch):
    found = score(cells, name, monkeypatch)
    assert found.tau >= 0.87
    assert found.live_mape <= percent


@pytest.mark.parametrize("tables", [pytest.param("whole", marks=pytest.mark.slow)], indirect=True)
@pytest.mark.parametrize("name", ["1080ti_1_ms", "2080ti_256_ms", "titan_rtx_32_ms", "gold_6226_ms"])
def test_twenty_architectures_calibrate_a_device_that_the_samples_leave_out(cells, name, monkeypatch):
    found = score(cells, name, monkeypatch)
    assert found.tau >= 0.9
    assert found.mape <= 5


def test_ecnas_networks_have_the_published_parameters_and_seconds(tables):
    runs = pd.read_parquet(tables / "ecnas/runs_rtx6000.parquet")
    epochs = energy.Epochs.of(runs.iloc[:: max(1, len(runs) // 400)])
    start = latency.prior("rtx6000", 16.31e12, 672e9, overlaps=True)
    model = latency.calibrate(epochs.steps[:20], start).model
    seconds = model.table_seconds(epochs.kernels) * energy.ECNAS_SAMPLES / energy.ECNAS_BATCH
    assert scoring.mape(seconds[20:], epochs.seconds[20:]) <= 5


def test_six_settings_calibrate_the_power_of_a_workload(tables):
    frame = pd.read_parquet(tables / "zeus_power/power.parquet")
    catalogue = load_catalogue()
    percent, settings = [], []
    for key, workload in frame.groupby(["gpu", "dataset", "network", "optimizer"]):
        idle_w = catalogue.find_device(energy.ZEUS_DEVICES[key[0]]).figure("idle_w").value
        (chosen,) = scoring.draws("/".join(key), len(workload), energy.ZEUS_CALIBRATED_ON, 1)
        _, watts, joules, _ = energy._zeus_errors(workload, idle_w, chosen)
        percent.append((watts, joules))
        settings.append(len(workload))
    watts, joules = np.average(percent, axis=0, weights=settings)
    assert watts <= 12
    assert joules <= 18
