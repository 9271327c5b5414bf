"""What a run cost as plain JSON values: of each figure its value, how it was got, and what is missing."""

from dataclasses import asdict
from typing import Any

from nassim.hardware.figure import Figure
from nassim.report.bill import Cost, RunCost, SearchCost


def costs_document(cost: RunCost) -> dict[str, Any]:
    """Return what a run cost as plain JSON values; what is unknown has the value null."""
    return {
        "terms": asdict(cost.terms),
        "basis": list(cost.basis),
        "missing": list(cost.missing),
        "searches": [_search(search) for search in cost.searches],
        "shared": _cost(cost.shared),
        "total": _cost(cost.total),
    }


def _search(search: SearchCost) -> dict[str, Any]:
    return {
        "name": search.name,
        "search": _cost(search.search),
        "final": _cost(search.final),
        "training": None if search.training is None else _cost(search.training),
        "search_over_training": {
            "kwh": _figure(search.kwh_ratio),
            "usd": _figure(search.usd_ratio),
            "gco2e": _figure(search.gco2e_ratio),
        },
    }


def _cost(cost: Cost) -> dict[str, Any]:
    return {
        "device_h": _figure(cost.device_h),
        "device_kwh": _figure(cost.bill.device_kwh),
        "kwh": _figure(cost.bill.kwh),
        "usd": _figure(cost.bill.usd),
        "gco2e": _figure(cost.bill.gco2e),
    }


def _figure(figure: Figure) -> dict[str, Any]:
    return {"value": figure.value, "kind": figure.kind.value, "missing": list(figure.missing)}
