"""Draws a run's summary as text: for a terminal, and the same without colour for a log file."""

from collections.abc import Callable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from nassim.cost.work import Activity
from nassim.report import units
from nassim.report.bill import RunCost
from nassim.report.bill_text import render_bill
from nassim.report.summary import EXCLUDED, INCLUDED, Compute, Device, FoundModel, RunSummary, SearchSummary

NARROWEST = 80
"""Columns that a report needs at least."""
LABEL_WIDTH = 34
COLUMN_WIDTH = 16

Searches = Sequence[SearchSummary]
Row = tuple[str, list[str]]


def render(summary: RunSummary, cost: RunCost, width: int = NARROWEST) -> RenderableType:
    """Return a run's summary, ready to be printed by rich.

    Args:
        summary: The run.
        cost: What it cost.
        width: Columns there are; searches that don't fit side by side follow below.
    """
    side_by_side = max(1, (max(width, NARROWEST) - LABEL_WIDTH) // (COLUMN_WIDTH + 2))
    groups = [summary.searches[i : i + side_by_side] for i in range(0, len(summary.searches), side_by_side)]
    return Group(
        *_heading(summary),
        *(part for searches in groups for part in ("", _comparison(searches))),
        "",
        render_bill(cost),
        "",
        *_books(summary),
        "",
        *_scope(),
    )


def _heading(summary: RunSummary) -> Iterator[RenderableType]:
    drivers = "" if summary.drivers == 1 else f", {summary.drivers} drivers"
    yield Text.assemble((summary.run, "bold"), f"  {summary.status}  started {summary.started_at}{drivers}")
    facts = {"experiment": summary.experiment, "space": summary.space, "data": summary.data, "seed": summary.seed}
    yield Text("  ".join(f"{name} {units.UNKNOWN if fact is None else fact}" for name, fact in facts.items()))
    for device in summary.devices:
        yield Text(_device(device))


def _device(device: Device) -> str:
    nodes = "" if device.nodes == 1 else f" on {device.nodes} nodes"
    peak = "peak rate unknown"
    if device.peak_flop_per_s is not None:
        peak = f"peak {units.amount(device.peak_flop_per_s, 'FLOP/s')} each ({device.peak_source})"
    processors = f"{device.processors:g} processor{'' if device.processors == 1 else 's'}"
    return f"{units.count(device.workers, 'worker')}{nodes} of {processors}: {device.device}, {peak}"


def _comparison(searches: Searches) -> Table:
    """Draw searches side by side, one a column."""
    table = Table(box=None, pad_edge=False, padding=(0, 1), show_header=True)
    table.add_column("", width=LABEL_WIDTH, no_wrap=True)
    for search in searches:
        table.add_column(escape(search.name), width=COLUMN_WIDTH, justify="right", overflow="fold", header_style="bold")
    for title, rows in (
        ("Search", [*_trials(searches), *_compute(searches)]),
        ("Found model", [*_model(searches), *_training(searches)]),
        ("Search over final training", list(_ratios(searches))),
    ):
        table.add_row(Text(title, style="bold"))
        for label, cells in rows:
            table.add_row(f"  {label}", *map(escape, cells))
    return table


def _trials(searches: Searches) -> Iterator[Row]:
    yield "evaluator", [search.evaluator or units.UNKNOWN for search in searches]
    yield "sampler", [search.sampler or units.UNKNOWN for search in searches]
    if any(search.pruner not in (None, "none") for search in searches):
        yield "pruner", [search.pruner or units.UNKNOWN for search in searches]
    yield "trials", [units.whole(search.trials) for search in searches]
    counts = [{str(cost.outcome or "open"): cost.trials for cost in search.outcomes} for search in searches]
    for outcome in dict.fromkeys(outcome for count in counts for outcome in count):
        yield f"  {outcome}", [units.whole(count.get(outcome, 0)) for count in counts]
    yield "architectures evaluated", [units.whole(search.architectures) for search in searches]


def _compute(searches: Searches) -> Iterator[Row]:
    parts = [search.search for search in searches]
    flop = [value for part in parts for value in (part.forward_flop, part.backward_flop, part.flop)]
    cells = units.amounts(flop, "FLOP")
    yield "compute, forward", cells[0::3]
    yield "compute, backward", cells[1::3]
    yield "compute, forward + backward", cells[2::3]
    yield "device-seconds leased", [units.seconds(part.device_s) for part in parts]
    yield from _by_activity(parts)
    yield "driver-seconds, waiting left out", [units.seconds(part.driver_busy_s) for part in parts]
    yield "utilisation of the hardware", [units.percent(part.utilisation) for part in parts]


def _by_activity(parts: Sequence[Compute]) -> Iterator[Row]:
    sums = [{cost.activity: cost.device_s for cost in part.activities} for part in parts]
    for activity in Activity:
        if any(amounts.get(activity) for amounts in sums):
            yield f"  {activity}", [units.seconds(amounts.get(activity, 0.0)) for amounts in sums]


def _model(searches: Searches) -> Iterator[Row]:
    yield "architecture", _of_found(searches, lambda found: found.architecture_id)
    yield "parameters", _of_found(searches, lambda found: units.whole(found.params))
    yield "one inference", _amounts_of_found(searches, lambda found: found.forward_macs, "MAC")
    yield "one inference", _amounts_of_found(searches, lambda found: found.forward_flop, "FLOP")
    yield "test accuracy", _of_found(searches, lambda found: units.percent(found.test_accuracy))


def _training(searches: Searches) -> Iterator[Row]:
    yield "final training, forward", _amounts_of_found(searches, lambda found: found.training_forward_flop, "FLOP")
    yield "final training, backward", _amounts_of_found(searches, lambda found: found.training_backward_flop, "FLOP")
    yield "final training", _amounts_of_found(searches, lambda found: found.training_flop, "FLOP")
    yield "final training, device-seconds", _of_found(searches, lambda found: units.seconds(found.training_s))


def _ratios(searches: Searches) -> Iterator[Row]:
    yield "FLOP", [units.times(search.flop_ratio) for search in searches]
    yield "device-seconds", [units.times(search.device_s_ratio) for search in searches]


def _of_found(searches: Searches, show: Callable[[FoundModel], str]) -> list[str]:
    return [units.UNKNOWN if search.found is None else show(search.found) for search in searches]


def _amounts_of_found(searches: Searches, amount_of: Callable[[FoundModel], int], unit: str) -> list[str]:
    return units.amounts([None if search.found is None else amount_of(search.found) for search in searches], unit)


def _books(summary: RunSummary) -> Iterator[RenderableType]:
    yield Text("The books", style="bold")
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    table.add_column("  worker", overflow="fold")
    for title in ("leased", "posted", "difference"):
        table.add_column(title, justify="right", no_wrap=True)
    for worker in summary.balance:
        state = "" if worker.closes else "  does not close"
        cells = (
            units.seconds(worker.leased_s),
            units.seconds(worker.posted_s),
            f"{round(worker.difference_s, 6) + 0.0:.6f} s{state}",
        )
        table.add_row(f"  {escape(worker.worker)}{'' if worker.released else ' (still leased)'}", *cells)
    yield table
    yield from (_line(text) for text in (_verdict(summary), _whole_run(summary), _burden(summary)))


def _whole_run(summary: RunSummary) -> str:
    total, shared = summary.total, summary.shared
    return (
        f"In all {units.amount(total.flop, 'FLOP')} in {units.seconds(total.device_s)} of leases, of which "
        f"{units.seconds(total.busy_s)} kept work; {units.seconds(shared.device_s)} (start-up above all) belong to no "
        f"single search. The driver took {units.seconds(total.driver_busy_s)} besides waiting, of the run's "
        f"{units.seconds(summary.wall_s)}."
    )


def _burden(summary: RunSummary) -> str:
    sources = sorted({device.peak_source for device in summary.devices if device.peak_source})
    labelled = f", peak rate {' and '.join(sources)}" if sources else ""
    return (
        f"Hardware burden (processors x peak rate x seconds leased{labelled}): "
        f"{units.amount(summary.total.burden_flop, 'FLOP')}; utilisation {units.percent(summary.total.utilisation)}."
    )


def _verdict(summary: RunSummary) -> str:
    if not summary.closes:
        return "The books DO NOT CLOSE: posted and leased seconds differ where the table says so."
    still = "" if all(worker.released for worker in summary.balance) else " so far"
    return f"The books close{still}: every leased second is posted to one activity."


def _scope() -> Iterator[RenderableType]:
    yield Text("What the figures hold", style="bold")
    yield _line(
        "Search over final training: all FLOP and all leased device-seconds of the search, over those of training the "
        "found model once. One multiply-add is 1 MAC and 2 FLOP."
    )
    yield _line(f"In: {'; '.join(INCLUDED)}.")
    yield _line(f"Out: {'; '.join(EXCLUDED)}.")


def _line(text: str) -> Padding:
    return Padding(Text(text), (0, 0, 0, 2))
