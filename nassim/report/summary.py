"""The summary: each search in a line, and the run in a few."""

from collections.abc import Iterator

from nassim import units
from nassim.hardware.figure import Figure
from nassim.report.facts import RunFacts, SearchFacts
from nassim.report.tables import LEGEND, NONE, Cell, Row, Section, Table, figure

COLUMNS = ("search", "final training", "search : final", "search USD", "search gCO2e")
ASSUMED = "What is marked * rests on numbers that nobody gave, listed below; `nassim site` gives yours once for all."


def summary_section(facts: RunFacts) -> Section:
    """Return the summary: of each search its compute, its final training's, their ratio, its rent and emissions."""
    compared = (Table(COLUMNS, tuple(map(_search, facts.searches))), facts.headline) if facts.searches else ()
    assumed = (ASSUMED,) if facts.site.assumed else ()
    return Section("Summary", (*compared, *_mostly_failed(facts), _whole(facts), *assumed, LEGEND))


def verdict(facts: RunFacts) -> str:
    """Return whether the books close, in a sentence."""
    if not facts.balance.closes:
        return "The books DO NOT CLOSE: posted and leased seconds differ where the table of the books says so."
    still = "" if all(worker.released for worker in facts.balance.workers) else " so far"
    return f"The books close{still}: every leased second is posted to one activity."


def _mostly_failed(facts: RunFacts) -> Iterator[str]:
    """Yield what is to be known before a figure of a search is believed, most of whose trials failed."""
    for search in facts.searches:
        failed = sum(each.trials for each in search.failures)
        if failed > search.trials / 2:
            of = f"{failed:,} of {units.count(search.trials, 'trial')}"
            yield f"Most of {search.name} failed, {of}: what it found is the best of the rest."


def _search(search: SearchFacts) -> Row:
    paid = search.search.leased
    cells = (
        _flop(search.search.busy.flop),
        _flop(search.final.busy.flop) if search.final.activities else Cell(NONE),
        Cell(NONE) if search.found is None else figure(search.search_over_final.busy.flop, units.times),
        figure(paid.usd, units.number),
        figure(paid.gco2e, units.number),
    )
    return Row(search.name, cells, depth=0)


def _flop(value: Figure) -> Cell:
    return figure(value, lambda flop: units.amount(flop, "FLOP"))


def _whole(facts: RunFacts) -> str:
    leased = facts.total.leased
    return (
        f"The whole run: {_flop(facts.total.compute.flop)} in {units.seconds(facts.wall_s)}, workers held for "
        f"{figure(leased.device_s, units.seconds)}; energy {figure(leased.kwh, units.kwh)}, rent "
        f"{figure(leased.usd, units.usd)}, emissions {figure(leased.gco2e, units.gco2e)}. {verdict(facts)}"
    )
