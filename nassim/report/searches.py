"""The searches' sections: each beside the others, the models that they found, and why trials failed."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from nassim import units
from nassim.cost.work import WAITING, Activity
from nassim.hardware.figure import Figure
from nassim.report.amounts import Part
from nassim.report.facts import FoundModel, SearchFacts
from nassim.report.tables import NONE, Cell, Items, Pieces, Row, Section, Table, amounts, figure, words

MOST_REASONS = 5
"""Reasons that are shown of a search, the most frequent first."""

Searches = Sequence[SearchFacts]


def search_sections(searches: Searches, abreast: int) -> Iterator[Section]:
    """Yield the sections on searches.

    Args:
        searches: What they took and found.
        abreast: How many there is room for side by side.
    """
    groups = [searches[i : i + abreast] for i in range(0, len(searches), abreast)]
    if groups:
        yield Section("The searches", tuple(map(_side_by_side, groups)))
    if fronts := tuple(_front(search) for search in searches if search.front):
        yield Section("The fronts: trials that no other is better than", fronts)
    if found := tuple(_architecture(search, model) for search in searches for model in _models(search)):
        yield Section("The architectures found", found)
    if failed := tuple(block for search in searches for block in _failures(search)):
        yield Section("Why trials failed", failed)


def _side_by_side(searches: Searches) -> Table:
    """Return searches side by side, one a column."""
    rows = (
        Row("Search", depth=0),
        *_trials(searches),
        *_part([search.search for search in searches]),
        Row("driver-seconds, waiting left out", words([units.seconds(each.search.driver_busy_s) for each in searches])),
        Row("Final training", depth=0),
        *_part([search.final for search in searches]),
        Row("Found model", depth=0),
        *_model(searches),
    )
    return Table(tuple(search.name for search in searches), rows)


def _trials(searches: Searches) -> Iterator[Row]:
    yield Row("evaluator", words([search.evaluator for search in searches]))
    yield Row("sampler", words([search.sampler for search in searches]))
    if any(search.pruner not in (None, "none") for search in searches):
        yield Row("pruner", words([search.pruner for search in searches]))
    yield Row("trials", words([units.whole(search.trials) for search in searches]))
    counts = [{str(cost.outcome): cost.trials for cost in search.outcomes} for search in searches]
    for outcome in dict.fromkeys(outcome for count in counts for outcome in count):
        yield Row(outcome, words([units.whole(count.get(outcome, 0)) for count in counts]), depth=2)
    yield Row("architectures evaluated", words([units.whole(search.architectures) for search in searches]))


def _part(parts: Sequence[Part]) -> Iterator[Row]:
    """Yield what a part of each search took: compute, and seconds by what they were spent on."""
    computes = [part.compute for part in parts]
    flop = [(compute.flop, compute.forward_flop, compute.backward_flop) for compute in computes]
    cells = amounts([each for three in flop for each in three], "FLOP")
    for row, label in enumerate(("compute performed", "forward", "backward")):
        yield Row(label, _begun(parts, cells[row::3]), depth=1 + bool(row))
    for label, values, unit in (
        ("element-wise, not in it", [compute.elementwise_flop for compute in computes], "FLOP"),
        ("element-wise traffic", [compute.elementwise_bytes for compute in computes], "B"),
    ):
        yield Row(label, _begun(parts, amounts(values, unit)), depth=2)
    yield Row("device-seconds leased", _seconds(parts, lambda part: part.leased.device_s))
    yield Row("busy", _seconds(parts, lambda part: part.busy.device_s), depth=2)
    yield from _by_activity(parts)
    yield Row("utilisation of the hardware", _begun(parts, [figure(part.utilisation, units.percent) for part in parts]))


def _by_activity(parts: Sequence[Part]) -> Iterator[Row]:
    sums = [{cost.activity: cost.device_s for cost in part.activities} for part in parts]
    busy = [activity for activity in Activity if activity not in WAITING]
    for activity in (*busy, *WAITING):
        if any(each.get(activity) for each in sums):
            cells = words([units.seconds(each.get(activity, 0.0)) for each in sums])
            yield Row(str(activity), _begun(parts, cells), depth=2 if activity in WAITING else 3)


def _seconds(parts: Sequence[Part], of: Callable[[Part], Figure]) -> tuple[Cell, ...]:
    return _begun(parts, [figure(of(part), units.seconds) for part in parts])


def _begun(parts: Sequence[Part], cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """Return the cells of the parts that have begun; of others nothing was spent, which is no measurement."""
    return tuple(cell if part.activities else Cell(NONE) for part, cell in zip(parts, cells, strict=True))


def _model(searches: Searches) -> Iterator[Row]:
    def row(label: str, show: Callable[[FoundModel], Cell]) -> Row:
        return Row(label, tuple(Cell(NONE) if each.found is None else show(each.found) for each in searches))

    yield row("architecture", lambda found: Cell(found.architecture_id))
    yield row("parameters", lambda found: Cell(units.whole(found.params)))
    yield row("one inference", lambda found: figure(found.forward_macs, lambda value: units.amount(value, "MAC")))
    yield row("", lambda found: figure(found.forward_flop, lambda value: units.amount(value, "FLOP")))
    for name in dict.fromkeys(name for each in searches if each.found for name in each.found.metrics if name != "loss"):
        yield row(f"test {name}", partial(_tested, name=name))


def _tested(found: FoundModel, name: str) -> Cell:
    """Return a metric of the found model on the test split, an accuracy in per cent."""
    value = found.metrics.get(name)
    if value is None:
        return Cell(NONE if name not in found.metrics else units.UNKNOWN)
    return Cell(units.percent(value) if name == "accuracy" else units.metric(value))


def _models(search: SearchFacts) -> tuple[FoundModel, ...]:
    """Return the models that a search has found, the best by its first objective first."""
    return () if search.found is None else (search.found, *search.also_found)


def _front(search: SearchFacts) -> Table:
    """Return the trials that no other is better than, the best by the first objective first."""
    models = _models(search)
    metric = next(iter(models[0].metrics))
    on_test = {model.trial: _tested(model, metric) for model in models}
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
