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


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_shows_a_row_for_each_search(width):
    out = io.StringIO()
    terminal = Console(file=out, width=width, height=30, force_terminal=True, color_system=None)
    with Live(console=terminal, auto_refresh=False, screen=False) as live:
        screen = _Screen(live)
        for notice in STORY[:9]:
            screen(notice)
        live.refresh()
    last = out.getvalue()[out.getvalue().rindex("demo-1") :]
    assert "3/3" in last
    assert "0.8000" in last
    assert "4.00 GFLOP" in last
    assert "final 5/20" in last
    assert "warning: full: worker ray-0 died" in out.getvalue()


@pytest.mark.parametrize(
    ("values", "front", "found", "line"),
    [
        ({"accuracy": 0.9}, 2, 1, "found trial 4, value 0.9000; ended by trials"),
        (
            {"accuracy": 0.9, "forward_flop": 264144.0, "latency_ms@rpi4": 0.71},
            5,
            1,
            "found trial 4 (accuracy 0.9000, forward_flop 264,144, latency_ms@rpi4 0.7100), of 5 on the front; "
            "ended by trials",
        ),
        (
            {"accuracy": 0.9, "params": 20.0},
            5,
            3,
            "found trial 4 (accuracy 0.9000, params 20.0000) and 2 others, of 5 on the front; ended by trials",
        ),
    ],
)
def test_what_a_search_by_several_objectives_finds(values, front, found, line):
    out = io.StringIO()
    lines = _Lines(Console(file=out, width=100))
    lines(RunStarted("demo-1", 0.0, ("full",), 1, "sqlite:///nassim.db"))
    lines(SearchEnded("full", 1.0, "trials", 4, 0.9, values, front, found))
    assert out.getvalue().splitlines()[1] == f"[     1.0 s] full: {line}"


def test_the_best_is_the_least_where_less_is_better_and_infeasible_trials_do_not_count():
    standing = RunStanding()
    standing.take(RunStarted("demo-1", 0.0, ("s",), 1, ""))
    standing.take(SearchStarted("s", 1.0, "full", "tpe", 3, maximised=False))
    for number, (outcome, value) in enumerate(
        [(Outcome.COMPLETE, 0.8), (Outcome.INFEASIBLE, None), (Outcome.COMPLETE, 0.7), (Outcome.FAILED, None)]
    ):
        standing.take(TrialEnded("s", 2.0, number, outcome, value, None, 0, 0))
    assert (standing.searches["s"].best, standing.searches["s"].ended) == (0.7, 3)
