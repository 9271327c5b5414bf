"""The sections of a report, in their order."""

from collections.abc import Iterator

from nassim import units
from nassim.cost.work import FLOP_PER_MAC, Activity
from nassim.report.comparison import compare, tested
from nassim.report.costs import cost_section
from nassim.report.facts import Device, FoundModel, RunFacts, SearchFacts, WorkerBalance
from nassim.report.summary import summary_section, verdict
from nassim.report.tables import NONE, Cell, Items, Pieces, Row, Section, Table, figure, words

MOST_REASONS = 5
"""Reasons that are shown of a search, the most frequent first."""
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
    yield summary_section(facts)
    groups = [facts.searches[i : i + abreast] for i in range(0, len(facts.searches), abreast)]
    if groups:
        yield Section("The searches", tuple(compare(group) for group in groups))
    if fronts := tuple(_front(search) for search in facts.searches if search.front):
        yield Section("The fronts: trials that no other is better than", fronts)
    if found := tuple(_architecture(search, model) for search in facts.searches for model in _models(search)):
        yield Section("The architectures found", found)
    if failed := tuple(block for search in facts.searches for block in _failures(search)):
        yield Section("Why trials failed", failed)
    yield cost_section(facts)
    yield _books(facts)
    yield _scope(facts)


def _device(device: Device) -> str:
    nodes = "" if device.nodes == 1 else f" on {device.nodes} nodes"
    rate, peak = device.peak_flop_per_s, "peak rate unknown"
    if rate.value is not None:
        peak = f"peak {figure(rate, lambda value: units.amount(value, 'FLOP/s'))} each ({device.peak_source})"
    processors = f"{device.processors:g} processor{'' if device.processors == 1 else 's'}"
    return f"{units.count(device.workers, 'worker')}{nodes} of {processors}: {device.device}, {peak}"


def _models(search: SearchFacts) -> tuple[FoundModel, ...]:
    """Return the models that a search has found, the best by its first objective first."""
    return () if search.found is None else (search.found, *search.also_found)


def _front(search: SearchFacts) -> Table:
    """Return the trials that no other is better than, the best by the first objective first."""
    models = _models(search)
    metric = next(iter(models[0].metrics))
    on_test = {model.trial: tested(model, metric) for model in models}
    columns = (*(f"{name} ({aim})" for name, aim in search.objectives.items()), f"test {metric}")
    rows = tuple(
        Row(
            f"trial {each.trial}, {each.architecture_id}",
            (*words([*map(units.metric, each.values.values())]), on_test.get(each.trial, Cell(NONE))),
        )
        for each in search.front
    )
    return Table(columns, (Row(search.name, depth=0), *rows))


def _architecture(search: SearchFacts, found: FoundModel) -> Pieces:
    pairs = tuple(f"{choice}={label}" for choice, label in found.architecture.items())
    return Pieces(f"{search.name}: {found.architecture_id}", (found.words,) if found.words else pairs)


def _failures(search: SearchFacts) -> Iterator[Items]:
    shown = search.failures[:MOST_REASONS]
    items = [f"{units.count(each.trials, 'trial')}, such as trial {each.example}: {each.reason}" for each in shown]
    if more := len(search.failures) - len(shown):
        items.append(f"{units.count(more, 'more reason')}; the JSON report has them all")
    if items:
        failed = sum(each.trials for each in search.failures)
        yield Items(f"{search.name}: {failed:,} of {units.count(search.trials, 'trial')}", tuple(items))


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
    burden = figure(total.leased.flop, lambda value: units.amount(value, "FLOP"))
    sources = sorted({device.peak_source for device in facts.devices if device.peak_source})
    used = (
        f"Hardware burden (processors x peak rate x seconds leased{', peak rate ' if sources else ''}"
        f"{' and '.join(sources)}): {burden}; utilisation {figure(total.utilisation, units.percent)}."
    )
    return Section("The books", (Table(("leased", "posted", "difference"), rows), verdict(facts), told, used))


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
