"""Watching: shows how a run goes on, as a live table in a terminal and as plain lines elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from nassim import units
from nassim.cli.printing import console
from nassim.cli.standing import RunStanding, SearchStanding
from nassim.notices import (
    FinalEnded,
    JobReported,
    Notice,
    Observe,
    RunEnded,
    RunStarted,
    SearchEnded,
    SearchStarted,
    TrialEnded,
    Warned,
)

BAR_WIDTH = 10
LINE_EVERY_S = 5.0
"""A log gets a line on a search's progress at most this often."""


@contextmanager
def watch(opening: str) -> Iterator[Observe]:
    """Yield what shows a run's notices for as long as the run lasts; until the first one, show the opening."""
    target = console()
    if not target.is_terminal:
        with suppress(OSError):  # the first notice meets it too, and a run goes on without being seen
            print(opening, flush=True)
        yield _Lines(target)
        return
    with Live(console=target, refresh_per_second=4, transient=True) as live:
        yield _Screen(live, opening)


class _Screen:
    """A table with a row for each search, drawn anew at each notice."""

    def __init__(self, live: Live, opening: str) -> None:
        self._live = live
        self._standing = RunStanding()
        self._spinner = Spinner("dots" if live.console.encoding.startswith("utf") else "line", Text(opening))
        live.update(self._spinner)

    def __call__(self, notice: Notice) -> None:
        self._standing.take(notice)
        if isinstance(notice, Warned):
            self._live.console.print(Text(_line(notice, self._standing) or "", style="yellow"))
        self._live.update(self._drawn())

    def _drawn(self) -> RenderableType:
        standing = self._standing
        workers = units.count(standing.workers, "worker")
        self._spinner.update(text=Text(f"{standing.run}  {units.seconds(standing.at_s)}  {workers}"))
        table = Table(box=None, pad_edge=False)
        table.add_column("search", max_width=max(16, self._live.console.width - 64), no_wrap=True)
        table.add_column("trials", min_width=BAR_WIDTH, no_wrap=True)
        # No figure is cut short: names give way first. At 80 columns the rest takes 64.
        for title, least in (("", 9), ("best", 6), ("compute", 11), ("jobs", 4)):
            table.add_column(title, justify="right", min_width=least, no_wrap=True)
        table.add_column("", min_width=12, no_wrap=True)
        for search in standing.searches.values():
            table.add_row(
                Text(search.name),
                ProgressBar(total=max(search.trials or 1, 1), completed=search.ended, width=BAR_WIDTH),
                _ended(search) if search.trials or search.ended else "",
                "" if search.best is None else f"{search.best:.4f}",
                units.amount(search.flop, "FLOP") if search.flop else "",
                str(search.running) if search.running else "",
                search.doing,
            )
        failed = ((name, search.failures.most) for name, search in standing.searches.items())
        notes = (Text(f"{name}: {most}", "yellow", no_wrap=True, overflow="ellipsis") for name, most in failed if most)
        return Group(self._spinner, table, *notes)


class _Lines:
    """A line for each thing that matters, and on a search's progress now and then."""

    def __init__(self, target: Console) -> None:
        self._console = target
        self._standing = RunStanding()
        self._line_s = 0.0

    def __call__(self, notice: Notice) -> None:
        self._standing.take(notice)
        passing = isinstance(notice, (TrialEnded, JobReported)) and self._standing.failure is None
        if passing and notice.at_s - self._line_s < LINE_EVERY_S:
            return
        line = _line(notice, self._standing)
        if line is not None:
            self._line_s = self._line_s if self._standing.failure else notice.at_s
            self._console.print(Text(f"[{notice.at_s:8.1f} s] {line}"), soft_wrap=True)


def _line(notice: Notice, standing: RunStanding) -> str | None:
    """Return what a log says of a notice."""
    match notice:
        case RunStarted():
            return f"run {notice.run} on {units.count(notice.workers, 'worker')}, ledger {notice.ledger}"
        case SearchStarted():
            already = f", {notice.finished} of them done before" if notice.finished else ""
            already += "" if notice.best is None else f", best {notice.best:.4f}"
            trials = "as many trials as its budget allows"
            if notice.trials is not None:
                trials = units.count(notice.trials, "trial")
            return f"{notice.search}: {notice.evaluator} with {notice.sampler}, {trials}{already}"
        case TrialEnded() if standing.failure is not None:
            return f"{notice.search}: {standing.failure}"
        case TrialEnded() | JobReported():
            return _progress(standing.searches[notice.search])
        case SearchEnded():
            return f"{notice.search}: found {_found(notice)}; ended by {notice.reason}"
        case FinalEnded():
            metrics = ", ".join(f"{name} {value:.4f}" for name, value in notice.metrics.items())
            return f"{notice.search}: final training done, {metrics}"
        case Warned():
            return f"warning: {f'{notice.search}: ' if notice.search else ''}{notice.message}"
        case RunEnded():
            return f"run {notice.run} {'complete' if notice.complete else 'not complete'}"


def _found(notice: SearchEnded) -> str:
    if notice.trial is None:
        return "its architecture"
    if len(notice.values) < 2:
        return f"trial {notice.trial}, value {notice.value:.4f}"
    values = ", ".join(f"{name} {units.metric(value)}" for name, value in notice.values.items())
    others = f" and {units.count(notice.found - 1, 'other')}" if notice.found > 1 else ""
    return f"trial {notice.trial} ({values}){others}, of {notice.front} on the front"


def _ended(search: SearchStanding) -> str:
    """Return how many of its trials have ended, and of how many."""
    return str(search.ended) if search.trials is None else f"{search.ended}/{search.trials}"


def _progress(search: SearchStanding) -> str:
    trials = f"{_ended(search)} trials"
    failed = f", {search.failures.count} failed" if search.failures.count else ""
    best = "" if search.best is None else f", best {search.best:.4f}"
    flop = units.amount(search.flop, "FLOP")
    return f"{search.name}: {search.doing}, {trials}{failed}{best}, {flop}, {search.running} running"
