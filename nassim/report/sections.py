"""The sections of a report, in their order."""

from collections.abc import Iterator

from nassim import units
from nassim.cost.work import FLOP_PER_MAC, Activity
from nassim.hardware.figure import Figure
from nassim.report.amounts import Amounts, Part, Ratio
from nassim.report.facts import DeviceFacts, RunFacts, SearchFacts, WorkerBalance
from nassim.report.searches import search_sections
from nassim.report.tables import LEGEND, NONE, Block, Cell, Items, Row, Section, Table, figure, words

SUMMARY_COLUMNS = ("search", "final training", "search : final", "search USD", "search gCO2e")
ASSUMED = "What is marked * rests on numbers that nobody gave, listed below; `nassim site` gives yours once for all."
COST_COLUMNS = ("FLOP", "time", "kWh", "USD", "gCO2e")
WHAT = (
    "Busy: the seconds in which workers worked, whether the work was kept or lost; their FLOP are those performed. "
    "Leased: all seconds for which workers were held, idle ones too; their FLOP are those that the hardware could have "
    "performed (the hardware burden: processors x peak rate x seconds)."
)
REMEDY = (
    "`nassim site --region REGION --pue PUE --device DEVICE --provider PROVIDER` says once for all what holds here; "
    "the same options of `nassim report` say it once. `nassim regions` and `nassim devices` list what there is."
)
PERFORMED = (
    "FLOP are operations of contractions (convolutions, products of matrices, attention) as performed, forward and "
    f"backward; one multiply-add is 1 MAC and {FLOP_PER_MAC} FLOP. Element-wise work (activations, normalisation, "
    "pooling, additions) stands beside and is left out of them, as is the field's habit."
)
TORCH = (
    "This run's FLOP were counted by nassim {version}, as torch's FlopCounterMode does: the weight gradient of a "
    "grouped convolution once for each group, which is too often. It did not count element-wise work."
)
MIXED = f"{TORCH} What was done since it was resumed is counted as performed."
CONVENTIONS = {"performed": PERFORMED, "torch": TORCH, "mixed": MIXED}
"""What is said of each convention of counting."""


def heading(facts: RunFacts) -> Iterator[str]:
    """Yield what run it is, and what it ran on."""
    drivers = "" if facts.drivers == 1 else f", {facts.drivers} drivers"
    simulated = "  simulated" if facts.simulated else ""
    yield f"{facts.run}  {facts.status}{simulated}  started {facts.started_at}{drivers}"
    named = {"experiment": facts.experiment, "space": facts.space, "data": facts.data, "seed": facts.seed}
    yield "  ".join(f"{name} {units.UNKNOWN if value is None else value}" for name, value in named.items())
    yield from map(_device, facts.devices)


def sections(facts: RunFacts, abreast: int) -> Iterator[Section]:
    """Yield the sections of a report.

    Args:
        facts: What it says.
        abreast: How many searches there is room for side by side.
    """
    yield _summary(facts)
    yield from search_sections(facts.searches, abreast)
    yield _costs(facts)
    yield _books(facts)
    yield _scope(facts)


def _device(device: DeviceFacts) -> str:
    nodes = "" if device.nodes == 1 else f" on {device.nodes} nodes"
    rate, peak = device.peak_flop_per_s, "peak rate unknown"
    if rate.value is not None:
        peak = f"peak {figure(rate, lambda value: units.amount(value, 'FLOP/s'))} each ({device.peak_source})"
    processors = f"{device.processors:g} processor{'' if device.processors == 1 else 's'}"
    return f"{units.count(device.workers, 'worker')}{nodes} of {processors}: {device.device}, {peak}"


def _summary(facts: RunFacts) -> Section:
    """Return the summary: of each search its compute, its final training's, their ratio, its rent and emissions."""
    compared = (
        (Table(SUMMARY_COLUMNS, tuple(map(_in_a_line, facts.searches))), facts.headline) if facts.searches else ()
    )
    assumed = (ASSUMED,) if facts.site.assumed else ()
    return Section("Summary", (*compared, *_mostly_failed(facts), _whole(facts), *assumed, LEGEND))


def _mostly_failed(facts: RunFacts) -> Iterator[str]:
    """Yield what is to be known before a figure of a search is believed, most of whose trials failed."""
    for search in facts.searches:
        failed = sum(each.trials for each in search.failures)
        if failed > search.trials / 2:
            of = f"{failed:,} of {units.count(search.trials, 'trial')}"
            yield f"Most of {search.name} failed, {of}: what it found is the best of the rest."


def _in_a_line(search: SearchFacts) -> Row:
    paid = search.search.leased
    cells = (
        _flop(search.search.busy.flop),
        _flop(search.final.busy.flop) if search.final.activities else Cell(NONE),
        Cell(NONE) if search.found is None else figure(search.search_over_final.busy.flop, units.times),
        figure(paid.usd, units.number),
        figure(paid.gco2e, units.number),
    )
    return Row(search.name, cells, depth=0)


def _whole(facts: RunFacts) -> str:
    leased = facts.total.leased
    return (
        f"The whole run: {_flop(facts.total.compute.flop)} in {units.seconds(facts.wall_s)}, workers held for "
        f"{figure(leased.device_s, units.seconds)}; energy {figure(leased.kwh, units.kwh)}, rent "
        f"{figure(leased.usd, units.usd)}, emissions {figure(leased.gco2e, units.gco2e)}. {_verdict(facts)}"
    )


def _verdict(facts: RunFacts) -> str:
    """Return whether the books close, in a sentence."""
    if not facts.balance.closes:
        return "The books DO NOT CLOSE: posted and leased seconds differ where the table of the books says so."
    still = "" if all(worker.released for worker in facts.balance.workers) else " so far"
    return f"The books close{still}: every leased second is posted to one activity."


def _costs(facts: RunFacts) -> Section:
    """Return what a run cost."""
    rows = [row for search in facts.searches for row in _cost_of(search)]
    rows += _part("no single search", facts.shared, depth=0)
    rows += _part("the whole run", facts.total, depth=0)
    return Section("What it cost", (Table(COST_COLUMNS, tuple(rows)), WHAT, *_site(facts)))


def _cost_of(search: SearchFacts) -> Iterator[Row]:
    ratios = search.search_over_final
    yield Row(search.name, depth=0)
    yield from _part("search", search.search)
    if search.final.activities:
        yield from _part("final", search.final)
        yield Row("search : final, busy", _ratio(ratios.busy))
        yield Row("search : final, leased", _ratio(ratios.leased))


def _part(label: str, part: Part, depth: int = 1) -> Iterator[Row]:
    if part.busy.device_s.value:
        yield Row(f"{label}, busy", _amounts(part.busy), depth)
    yield Row(f"{label}, leased", _amounts(part.leased), depth)


def _amounts(amounts: Amounts) -> tuple[Cell, ...]:
    return (
        _flop(amounts.flop),
        figure(amounts.device_s, units.duration),
        *(figure(each, units.number) for each in (amounts.kwh, amounts.usd, amounts.gco2e)),
    )


def _ratio(ratio: Ratio) -> tuple[Cell, ...]:
    return tuple(figure(each, units.times) for each in (ratio.flop, ratio.device_s, ratio.kwh, ratio.usd, ratio.gco2e))


def _site(facts: RunFacts) -> Iterator[Block]:
    leased, site = facts.total.leased, facts.site
    if leased.kwh.value is None and leased.device_kwh.value is not None:
        yield f"Energy at the devices, before the data centre's PUE: {figure(leased.device_kwh, units.kwh)}."
    for name, items in (("Applied", site.basis), ("Assumed", site.assumed), ("Unknown for want of", site.missing)):
        if items:
            yield Items(f"{name}:", items)
    if site.assumed or site.missing:
        yield REMEDY


def _books(facts: RunFacts) -> Section:
    rows = tuple(map(_worker, facts.balance.workers))
    shared, total = facts.shared, facts.total
    lost = sum(cost.device_s for cost in total.activities if cost.activity in (Activity.LOST, Activity.PREEMPTED))
    told = (
        f"Workers were held for {figure(total.leased.device_s, units.seconds)}, of which they were busy for "
        f"{figure(total.busy.device_s, units.seconds)} ({units.seconds(lost)} of that work was lost); "
        f"{figure(shared.leased.device_s, units.seconds)} (start-up above all) belong to no single search. The driver "
        f"took {units.seconds(total.driver_busy_s)} besides waiting, of the run's {units.seconds(facts.wall_s)}."
    )
    sources = sorted({device.peak_source for device in facts.devices if device.peak_source})
    used = (
        f"Hardware burden (processors x peak rate x seconds leased{', peak rate ' if sources else ''}"
        f"{' and '.join(sources)}): {_flop(total.leased.flop)}; utilisation {figure(total.utilisation, units.percent)}."
    )
    return Section("The books", (Table(("leased", "posted", "difference"), rows), _verdict(facts), told, used))


def _worker(worker: WorkerBalance) -> Row:
    state = "" if worker.closes else "  does not close"
    difference = f"{round(worker.difference_s, 6) + 0.0:.6f} s{state}"
    cells = words([units.seconds(worker.leased_s), units.seconds(worker.posted_s), difference])
    return Row(f"{worker.worker}{'' if worker.released else ' (still leased)'}", cells)


def _scope(facts: RunFacts) -> Section:
    counting = facts.counting
    lines = [CONVENTIONS[counting.convention].format(version=counting.version)]
    if counting.uncounted:
        names = ", ".join(counting.uncounted)
        lines.append(
            f"Performed too, without a formula to count them by, so that FLOP are at least those shown: {names}."
        )
    lines += [f"In: {'; '.join(facts.included)}.", f"Out: {'; '.join(facts.excluded)}."]
    return Section("What the figures hold", tuple(lines))


def _flop(value: Figure) -> Cell:
    return figure(value, lambda flop: units.amount(flop, "FLOP"))
