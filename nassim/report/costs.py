"""What a run cost: searches against their final trainings, like with like, in all units."""

from collections.abc import Iterator

from nassim import units
from nassim.report.amounts import Amounts, Part, Ratio
from nassim.report.facts import RunFacts, SearchFacts
from nassim.report.tables import Block, Cell, Items, Row, Section, Table, figure

COLUMNS = ("FLOP", "time", "kWh", "USD", "gCO2e")
WHAT = (
    "Busy: the seconds in which workers worked, whether the work was kept or lost; their FLOP are those performed. "
    "Leased: all seconds for which workers were held, idle ones too; their FLOP are those that the hardware could have "
    "performed (the hardware burden: processors x peak rate x seconds)."
)
REMEDY = (
    "`nassim site --region REGION --pue PUE --device DEVICE --provider PROVIDER` says once for all what holds here; "
    "the same options of `nassim report` say it once. `nassim regions` and `nassim devices` list what there is."
)


def cost_section(facts: RunFacts) -> Section:
    """Return what a run cost."""
    rows = [row for search in facts.searches for row in _search(search)]
    rows += _part("no single search", facts.shared, depth=0)
    rows += _part("the whole run", facts.total, depth=0)
    return Section("What it cost", (Table(COLUMNS, tuple(rows)), WHAT, *_site(facts)))


def _search(search: SearchFacts) -> Iterator[Row]:
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
        figure(amounts.flop, lambda value: units.amount(value, "FLOP")),
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
