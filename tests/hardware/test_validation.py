"""Claims about predicted time and energy, held against measurements that others published."""

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "experiments" / "validation"))

import energy  # noqa: E402
import latency  # noqa: E402
import nasbench201  # noqa: E402
import scoring  # noqa: E402

pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow", reason="published tables are Parquet files")


def read(name: str):
    path = scoring.SHARED / name
    if not path.exists():
        pytest.skip(f"the published table {path} is absent")
    return pd.read_parquet(path)


@pytest.fixture(scope="module")
def cells():
    networks = read("nasbench201/architectures.parquet")
    frame = networks.merge(read("nasbench201_latency/latency.parquet"), on="arch_index")
    return frame, [nasbench201.parse(text) for text in frame.arch_str]


def test_the_largest_cell_has_the_published_operations():
    # 220.12 M MACs, 1,531,546 parameters (Dong & Yang 2020)
    layers = nasbench201.eager_layers(("nor_conv_3x3",) * 6)
    assert sum(layer.forward_flop for layer in layers) / 2e6 == pytest.approx(220.12, abs=0.005)
    biases = 10  # of the classifier, which the layers leave out
    assert sum(layer.weight_bytes for layer in layers) // 4 + biases == 1_531_546


def test_layer_records_have_the_published_operations(cells):
    frame, parsed = cells
    counted = frame[~frame.flops_inferred_from_isomorph].index[::97]
    for i in counted:
        macs = sum(layer.forward_flop for layer in nasbench201.eager_layers(parsed[i])) / 2e6
        assert macs == pytest.approx(frame.flops_M_cifar10[i], abs=1e-4)


@pytest.mark.parametrize("name", ["1080ti_1_ms", "2080ti_256_ms", "titan_rtx_32_ms", "gold_6226_ms"])
def test_twenty_architectures_calibrate_a_device(cells, name, monkeypatch):
    frame, parsed = cells
    monkeypatch.setattr(latency, "REPEATS", 2)
    column = next(column for column in latency.COLUMNS if column.name == name)
    live = np.array([not nasbench201.is_constant(cell) for cell in parsed])
    measured = frame[name].to_numpy(np.float64) * column.scale
    score, model = latency._score(column, latency.Space.of(parsed, column.execution), measured, live)
    assert score.tau >= 0.9
    assert score.mape <= 5
    assert 0 < model.memory_efficiency <= 1


def test_ecnas_networks_have_the_published_parameters_and_seconds(monkeypatch):
    runs = read("ecnas/runs_rtx6000.parquet").iloc[::8]
    epochs = energy.Epochs.of(runs)
    start = latency.prior("rtx6000", 16.31e12, 672e9, overlaps=True)
    model = latency.calibrate(epochs.steps[:20], start)
    seconds = epochs.kernels.step_seconds(model) * energy.ECNAS_SAMPLES / energy.ECNAS_BATCH
    assert scoring.mape(seconds[20:], epochs.seconds[20:]) <= 6
