"""Predicted against measured energy of training, on measurements that others made.

EC-NAS (Bakhtiarifard et al. 2024): joules an epoch of cells of NAS-Bench-101 on a Quadro RTX 6000, by the time model
and a mean power, both calibrated on 20 of the runs. Zeus (You et al. 2023): seconds, power and joules of an epoch of
six workloads by batch size and power limit on two GPUs, by the power model, calibrated on 6 settings of a workload.
Run: `NASSIM_TABLES=FOLDER python experiments/validation/energy.py`; takes about a minute.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import nasbench101
import numpy as np
import pandas as pd
from scipy.optimize import least_squares
from scoring import Array, draws, mape, show, table, tau, without

from nassim.hardware.calibration import TimedStep, calibrate, prior
from nassim.hardware.catalogue import Device, load_catalogue
from nassim.hardware.energy import PowerModel, power_w
from nassim.hardware.kernels import KernelTable, training_kernels
from nassim.hardware.pricing import J_PER_KWH

REPEATS = 5


def _known(device: Device, field: str) -> float:
    value = device.figure(field).value
    if value is None:
        raise SystemExit(f"the catalogue doesn't know {field} of {device.id}")
    return value


ECNAS_PUE = 1.59
ECNAS_SAMPLES, ECNAS_BATCH = 40_000, 256
ECNAS_CALIBRATED_ON = 20


@dataclass(frozen=True, slots=True)
class Epochs:
    """EC-NAS's runs, an epoch of each."""

    kernels: KernelTable
    steps: tuple[TimedStep, ...]
    seconds: Array
    joules: Array

    @classmethod
    def of(cls, runs: pd.DataFrame) -> "Epochs":
        """Lay out the runs. Carbontracker's kWh are those of the data centre; divided by its PUE, of the computer."""
        modules = [nasbench101.parse(*pair) for pair in zip(runs.adjacency, runs.operations, strict=True)]
        networks = [nasbench101.layers(module) for module in modules]
        params = [sum(layer.weight_bytes for layer in network) // 4 for network in networks]
        if params != runs.params.tolist():
            raise SystemExit("the closed form doesn't give the published number of parameters")
        seconds = (runs.final_training_time_s / runs.final_epoch).to_numpy(np.float64)
        joules = (runs.final_energy_kwh * J_PER_KWH / ECNAS_PUE / runs.final_epoch).to_numpy(np.float64)
        kernels = [training_kernels(network) for network in networks]
        per_step = seconds * ECNAS_BATCH / ECNAS_SAMPLES
        steps = tuple(TimedStep(k, ECNAS_BATCH, float(s)) for k, s in zip(kernels, per_step, strict=True))
        return cls(KernelTable.of([(k, ECNAS_BATCH) for k in kernels]), steps, seconds, joules)


def ecnas() -> None:
    """Print errors of seconds, watts and joules an epoch, calibrated, and by rated power alone."""
    runs = pd.read_parquet(table("ecnas/runs_rtx6000.parquet"))
    epochs = Epochs.of(runs)
    device = load_catalogue().find_device("quadro_rtx_6000")
    start = prior(device.id, _known(device, "fp32_flop_per_s"), _known(device, "bandwidth_bytes_per_s"), overlaps=True)
    watts = epochs.joules / epochs.seconds
    errors = []
    for chosen in draws("ecnas", len(runs), ECNAS_CALIBRATED_ON, REPEATS):
        model = calibrate([epochs.steps[i] for i in chosen], start).model
        seconds = model.table_seconds(epochs.kernels) * ECNAS_SAMPLES / ECNAS_BATCH
        mean_w = np.full(len(runs), np.median(watts[chosen]))
        rated_w = power_w(device).value or np.nan
        rest = without(len(runs), chosen)
        pairs = (
            (seconds, epochs.seconds),
            (mean_w, watts),
            (seconds * mean_w, epochs.joules),
            (seconds * rated_w, epochs.joules),
        )
        errors.append([(mape(p[rest], m[rest]), tau(p[rest], m[rest])) for p, m in pairs])
    means = np.mean(errors, axis=0)
    names = ("seconds", "watts of the computer", "joules", "joules by the GPU's rated power alone")
    ranks = [f"{t:.3f}" if np.isfinite(t) else "" for _, t in means]
    show(
        ("EC-NAS, an epoch", "MAPE %", "tau"),
        [(n, f"{e:.1f}", t) for n, (e, _), t in zip(names, means, ranks, strict=True)],
    )
    repeated = runs.assign(joules=epochs.joules).groupby(["arch_hash", "epoch_budget", "source"]).joules
    spread = (repeated.transform("std") / repeated.transform("mean")).dropna()
    print(f"\nrepeats of a run: standard deviation {spread.mean() * 100:.1f} % of the joules ({len(spread)} runs)\n")


ZEUS_CALIBRATED_ON = 6
ZEUS_DEVICES = {"a40": "a40", "v100": "v100_pcie"}
_NOISE = 0.05
_SPREAD = np.array([2.0, 1.0, 0.3, 0.3])


@dataclass(frozen=True, slots=True)
class Workload:
    """What a training run takes an epoch: the longer of the host's time and the device's, as in DeviceModel.

    Attributes:
        host_s: The host's seconds an epoch at batch 1, shared out over larger batches.
        device_s: The device's seconds an epoch without a power limit.
        power: How its power goes with utilisation and limit.
    """

    host_s: float
    device_s: float
    power: PowerModel

    def predict(self, batch: int, limit_w: float) -> tuple[float, float]:
        """Return seconds and mean watts of an epoch."""
        device_s = self.device_s * self.power.slowdown(limit_w)
        seconds = max(self.host_s / batch, device_s)
        return seconds, self.power.mean_w(device_s / seconds, limit_w)


def _fit(settings: pd.DataFrame, idle_w: float) -> Workload:
    batches, limits = settings.batch_size.tolist(), settings.power_limit.tolist()
    measured = np.log(settings[["time_per_epoch", "average_power"]].to_numpy(np.float64))
    start = np.log([0.5 * min(batches) * settings.time_per_epoch.max(), settings.time_per_epoch.min(), 1.0, 3.0])
    start[2] = np.log(max(1.05 * settings.average_power.max() - idle_w, 0.1 * idle_w))

    def workload(offset: Array) -> Workload:
        host_s, device_s, dynamic_w, exponent = np.exp(start + offset * _SPREAD)
        return Workload(float(host_s), float(device_s), PowerModel(idle_w, idle_w + float(dynamic_w), float(exponent)))

    def residuals(offset: Array) -> Array:
        predicted = np.log([workload(offset).predict(*setting) for setting in zip(batches, limits, strict=True)])
        return np.concatenate([((predicted - measured) / _NOISE).ravel(), offset])

    guesses = (np.zeros(4), np.array([-1.0, 0.3, 0.0, 0.0]), np.array([-2.0, 0.5, 0.0, 0.0]))
    best = min((least_squares(residuals, guess, loss="soft_l1") for guess in guesses), key=lambda fit: fit.cost)
    return workload(best.x)


def _zeus_errors(settings: pd.DataFrame, idle_w: float, chosen: Array) -> Sequence[float]:
    workload = _fit(settings.iloc[chosen], idle_w)
    rest = settings.iloc[without(len(settings), chosen)]
    predicted = np.array([workload.predict(b, w) for b, w in zip(rest.batch_size, rest.power_limit, strict=True)])
    measured = rest[["time_per_epoch", "average_power"]].to_numpy(np.float64)
    return (
        mape(predicted[:, 0], measured[:, 0]),
        mape(predicted[:, 1], measured[:, 1]),
        mape(predicted.prod(axis=1), measured.prod(axis=1)),
        tau(predicted.prod(axis=1), measured.prod(axis=1)),
    )


def zeus() -> None:
    """Print errors of seconds, watts and joules an epoch, for each workload and all together."""
    frame = pd.read_parquet(table("zeus_power/power.parquet"))
    catalogue = load_catalogue()
    rows, weights, errors = [], [], []
    for key, settings in frame.groupby(["gpu", "dataset", "network", "optimizer"]):
        idle_w = _known(catalogue.find_device(ZEUS_DEVICES[key[0]]), "idle_w")
        samples = draws("/".join(key), len(settings), ZEUS_CALIBRATED_ON, REPEATS)
        mean = np.mean([_zeus_errors(settings, idle_w, chosen) for chosen in samples], axis=0)
        weights.append(len(settings))
        errors.append(mean)
        rows.append(("/".join(key), str(len(settings)), *(f"{e:.1f}" for e in mean[:3]), f"{mean[3]:.3f}"))
    total = np.average(errors, axis=0, weights=weights)
    rows.append(("all, by settings", str(sum(weights)), *(f"{e:.1f}" for e in total[:3]), f"{total[3]:.3f}"))
    show(("Zeus, an epoch", "settings", "seconds MAPE %", "watts MAPE %", "joules MAPE %", "joules tau"), rows)


if __name__ == "__main__":
    ecnas()
    zeus()
