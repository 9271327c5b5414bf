"""What a log and a terminal show of a run's notices."""

import io

import pytest
from rich.console import Console
from rich.live import Live

from nassim.cli.standing import RunStanding
from nassim.cli.watching import LINE_EVERY_S, _Lines, _Screen
from nassim.evaluation import JobKind
from nassim.ledger.entry import Outcome
from nassim.notices import (
    FinalEnded,
    JobReported,
    RunEnded,
    RunStarted,
    SearchEnded,
    SearchStarted,
    TrialEnded,
    Warned,
)

STORY = (
    RunStarted("demo-1", 0.0, ("full", "enas", "a search with quite a long name"), 2, "sqlite:///nassim.db"),
    SearchStarted("full", 1.0, "full", "tpe", 3),
    JobReported("full", 2.0, JobKind.TRAIN, 1, 3, 0, 0.5, 2, 10**9),
    TrialEnded("full", 4.0, 0, Outcome.COMPLETE, 0.8, None, 1, 2 * 10**9),
    TrialEnded("full", 4.5, 1, Outcome.PRUNED, None, None, 1, 3 * 10**9),
    Warned("worker ray-0 died", 5.0, "full"),
    TrialEnded("full", 30.0, 2, Outcome.COMPLETE, 0.7, None, 0, 4 * 10**9),
    SearchEnded("full", 31.0, "trials", 0, 0.8),
    JobReported("full", 40.0, JobKind.FINAL, 5, 20, None, None, 1, 0),
    FinalEnded("full", 50.0, {"accuracy": 0.9}),
    RunEnded("demo-1", 51.0, True),
)


def test_standing_folds_the_notices():
    standing = RunStanding()
    for notice in STORY:
        standing.take(notice)
    full = standing.searches["full"]
    assert (full.trials, full.ended, full.best, full.flop, full.doing) == (3, 3, 0.8, 4 * 10**9, "done")
    assert (standing.run, standing.workers, standing.at_s) == ("demo-1", 2, 51.0)
    assert standing.searches["enas"].doing == "waiting"


def test_a_log_gets_a_line_for_what_matters_and_progress_now_and_then():
    out = io.StringIO()
    lines = _Lines(Console(file=out, width=100))
    for notice in STORY:
        lines(notice)
    assert out.getvalue().splitlines() == [
        "[     0.0 s] run demo-1 on 2 workers, ledger sqlite:///nassim.db",
        "[     1.0 s] full: full with tpe, 3 trials",
        "[     5.0 s] warning: full: worker ray-0 died",
        "[    30.0 s] full: training, 3/3 trials, best 0.8000, 4.00 GFLOP, 0 running",
        "[    31.0 s] full: found trial 0, value 0.8000; ended by trials",
        "[    40.0 s] full: final 5/20, 3/3 trials, best 0.8000, 4.00 GFLOP, 1 running",
        "[    50.0 s] full: final training done, accuracy 0.9000",
        "[    51.0 s] run demo-1 complete",
    ]
    assert LINE_EVERY_S == 5


def on_a_terminal(story, width):
    """Return all that a terminal gets to see."""
    out = io.StringIO()
    terminal = Console(file=out, width=width, height=30, force_terminal=True, color_system=None)
    with Live(console=terminal, auto_refresh=False, screen=False) as live:
        screen = _Screen(live)
        for notice in story:
            screen(notice)
        live.refresh()
    return out.getvalue()


@pytest.mark.parametrize("name", ["[red]a[/red]", "[/b]", ":car:", "\\[x]"])
def test_names_are_shown_as_they_are(name):
    story = (
        RunStarted(f"{name}-1", 0.0, (name,), 1, "sqlite:///nassim.db"),
        SearchStarted(name, 1.0, "full", "tpe", 3),
        Warned("worker ray-0 died", 5.0, name),
    )
    shown = on_a_terminal(story, 80)
    assert f"{name}-1" in shown
    assert f"\n{name} " in shown
    out = io.StringIO()
    lines = _Lines(Console(file=out, width=100))
    for notice in story:
        lines(notice)
    assert out.getvalue().count(name) == 3


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_shows_a_row_for_each_search(width):
    shown = on_a_terminal(STORY[:9], width)
    last = shown[shown.rindex("demo-1") :]
    assert "3/3" in last
    assert "0.8000" in last
    assert "4.00 GFLOP" in last
    assert "final 5/20" in last
    assert "warning: full: worker ray-0 died" in shown
