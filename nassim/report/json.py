"""A run's summary as JSON. `docs/report.md` documents every key; keys are added, and not renamed or taken away."""

import json
from typing import Any

from nassim.report.bill import RunCost
from nassim.report.bill_json import costs_document
from nassim.report.summary import (
    EXCLUDED,
    INCLUDED,
    Compute,
    Device,
    FoundModel,
    RunSummary,
    SearchSummary,
    WorkerBalance,
)

SCHEMA = 1
"""Goes up when a key changes its meaning."""


def to_json(summary: RunSummary, cost: RunCost) -> str:
    """Return a run's summary and cost as JSON text; what is unknown is null."""
    return json.dumps(document(summary, cost), indent=2, ensure_ascii=False, allow_nan=False)


def document(summary: RunSummary, cost: RunCost) -> dict[str, Any]:
    """Return a run's summary and cost as plain JSON values."""
    return {
        "schema": SCHEMA,
        "run": summary.run,
        "status": summary.status,
        "started_at": summary.started_at,
        "drivers": summary.drivers,
        "experiment": summary.experiment,
        "space": summary.space,
        "data": summary.data,
        "seed": summary.seed,
        "wall_s": summary.wall_s,
        "devices": [_device(device) for device in summary.devices],
        "searches": [_search(search) for search in summary.searches],
        "shared": _compute(summary.shared),
        "total": _compute(summary.total),
        "costs": costs_document(cost),
        "balance": {"closes": summary.closes, "workers": [_worker(worker) for worker in summary.balance]},
        "included": list(INCLUDED),
        "excluded": list(EXCLUDED),
    }


def _device(device: Device) -> dict[str, Any]:
    return {
        "device": device.device,
        "workers": device.workers,
        "nodes": device.nodes,
        "processors": device.processors,
        "peak_flop_per_s": device.peak_flop_per_s,
        "peak_source": device.peak_source,
    }


def _search(search: SearchSummary) -> dict[str, Any]:
    return {
        "name": search.name,
        "evaluator": search.evaluator,
        "sampler": search.sampler,
        "pruner": search.pruner,
        "trials": search.trials,
        "outcomes": [
            {"outcome": cost.outcome or "open", "trials": cost.trials, "device_s": cost.device_s, "flop": cost.flop}
            for cost in search.outcomes
        ],
        "architectures": search.architectures,
        "search": _compute(search.search),
        "final": _compute(search.final),
        "found": None if search.found is None else _found(search.found),
        "search_over_final": {"flop": search.flop_ratio, "device_s": search.device_s_ratio},
    }


def _compute(compute: Compute) -> dict[str, Any]:
    return {
        "forward_flop": compute.forward_flop,
        "backward_flop": compute.backward_flop,
        "flop": compute.flop,
        "device_s": compute.device_s,
        "busy_s": compute.busy_s,
        "driver_s": compute.driver_s,
        "driver_busy_s": compute.driver_busy_s,
        "burden_flop": compute.burden_flop,
        "utilisation": compute.utilisation,
        "activities": [
            {
                "activity": cost.activity,
                "device_s": cost.device_s,
                "driver_s": cost.driver_s,
                "forward_flop": cost.forward_flop,
                "backward_flop": cost.backward_flop,
            }
            for cost in compute.activities
        ],
    }


def _found(found: FoundModel) -> dict[str, Any]:
    return {
        "architecture_id": found.architecture_id,
        "architecture": dict(found.architecture),
        "trial": found.trial,
        "params": found.params,
        "forward_macs": found.forward_macs,
        "forward_flop": found.forward_flop,
        "training_forward_flop": found.training_forward_flop,
        "training_backward_flop": found.training_backward_flop,
        "training_flop": found.training_flop,
        "training_s": found.training_s,
        "training_samples": found.training_samples,
        "training_torch_flop": found.training_torch_flop,
        "seed": found.seed,
        "test_accuracy": found.test_accuracy,
        "metrics": dict(found.metrics),
    }


def _worker(worker: WorkerBalance) -> dict[str, Any]:
    return {
        "worker": worker.worker,
        "leased_s": worker.leased_s,
        "posted_s": worker.posted_s,
        "difference_s": worker.difference_s,
        "closes": worker.closes,
        "released": worker.released,
    }
