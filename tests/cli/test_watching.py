"""What a log and a terminal show of a run's notices."""

import contextlib
import errno
import io
from pathlib import Path

import pytest
from rich.console import Console
from rich.live import Live

from nassim.cli.printing import print_plainly
from nassim.cli.standing import MOST_TOLD, Failures, RunStanding
from nassim.cli.watching import LINE_EVERY_S, _Lines, _Screen
from nassim.ledger.entry import Outcome, Stage
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
from nassim.run.watcher import Watcher

STORY = (
    RunStarted(
        run="demo-1",
        at_s=0.0,
        searches=("full", "enas", "a search with quite a long name"),
        workers=2,
        ledger="sqlite:///nassim.db",
    ),
    SearchStarted(search="full", at_s=1.0, evaluator="full", sampler="tpe", trials=3),
    JobReported(
        search="full",
        at_s=2.0,
        kind="training",
        stage=Stage.SEARCH,
        step=1,
        last=3,
        trial=0,
        value=0.5,
        running=2,
        flop=10**9,
    ),
    TrialEnded(
        search="full", at_s=4.0, trial=0, outcome=Outcome.COMPLETE, value=0.8, reason=None, running=1, flop=2 * 10**9
    ),
    TrialEnded(
        search="full", at_s=4.5, trial=1, outcome=Outcome.PRUNED, value=None, reason=None, running=1, flop=3 * 10**9
    ),
    Warned("worker ray-0 died", 5.0, "full"),
    TrialEnded(
        search="full", at_s=30.0, trial=2, outcome=Outcome.COMPLETE, value=0.7, reason=None, running=0, flop=4 * 10**9
    ),
    SearchEnded(search="full", at_s=31.0, reason="trials", trial=0, value=0.8),
    JobReported(
        search="full",
        at_s=40.0,
        kind="final training",
        stage=Stage.FINAL,
        step=5,
        last=20,
        trial=None,
        value=None,
        running=1,
        flop=0,
    ),
    FinalEnded(search="full", at_s=50.0, metrics={"accuracy": 0.9}),
    RunEnded(run="demo-1", at_s=51.0, complete=True),
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
        screen = _Screen(live, "starting")
        for notice in story:
            screen(notice)
        live.refresh()
    return out.getvalue()


@pytest.mark.parametrize("name", ["[red]a[/red]", "[/b]", ":car:", "\\[x]"])
def test_names_are_shown_as_they_are(name):
    story = (
        RunStarted(run=f"{name}-1", at_s=0.0, searches=(name,), workers=1, ledger="sqlite:///nassim.db"),
        SearchStarted(search=name, at_s=1.0, evaluator="full", sampler="tpe", trials=3),
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


def failed(trial, reason, at_s=10.0, search="full"):
    return TrialEnded(
        search=search, at_s=at_s, trial=trial, outcome=Outcome.FAILED, value=None, reason=reason, running=1, flop=10**9
    )


def test_why_trials_fail_is_told_by_kind_and_not_by_trial():
    """Of 250 trials that fail in three ways, each way is told at its first, tenth and hundredth."""
    out = io.StringIO()
    lines = _Lines(Console(file=out, width=200))
    for notice in STORY[:2]:
        lines(notice)
    for trial in range(250):
        kind = "TypeError: no [bold]" if trial % 2 else f"Diverged: loss is nan at epoch 1, step {trial}"
        lines(failed(trial, "OutOfMemoryError" if trial == 3 else kind, at_s=2.0))
    assert [line.partition("] ")[2] for line in out.getvalue().splitlines()[2:]] == [
        "full: trial 0 failed: Diverged: loss is nan at epoch 1, step 0",
        "full: trial 1 failed: TypeError: no [bold]",
        "full: trial 3 failed: OutOfMemoryError",
        "full: 10 trials failed like trial 0: Diverged: loss is nan at epoch 1, step 0",
        "full: 10 trials failed like trial 1: TypeError: no [bold]",
        "full: 100 trials failed like trial 0: Diverged: loss is nan at epoch 1, step 0",
        "full: 100 trials failed like trial 1: TypeError: no [bold]",
    ]


def test_where_every_trial_fails_in_its_own_way_the_first_few_are_told():
    failures = Failures()
    told = [failures.take(trial, f"KeyError: {'abcdefghijklmnop'[trial]}") for trial in range(16)]
    assert [text is not None for text in told] == [True] * MOST_TOLD + [False] * (16 - MOST_TOLD)
    assert failures.most == "16 failed, 1 of them alike: KeyError: a"
    assert Failures().most == ""


def test_the_best_is_one_that_the_search_may_find():
    """Neither what the controller alone learns from, nor what a pruned trial had come to, is a result."""
    standing = RunStanding()
    for notice in (
        *STORY[:2],
        TrialEnded(
            search="full",
            at_s=3.0,
            trial=0,
            outcome=Outcome.COMPLETE,
            value=0.99,
            reason=None,
            running=1,
            flop=1,
            may_be_found=False,
        ),
        TrialEnded(
            search="full", at_s=3.0, trial=1, outcome=Outcome.PRUNED, value=0.98, reason=None, running=1, flop=1
        ),
        TrialEnded(
            search="full", at_s=3.0, trial=2, outcome=Outcome.STOPPED, value=0.97, reason="budget", running=1, flop=1
        ),
    ):
        standing.take(notice)
    assert standing.searches["full"].best is None
    standing.take(
        TrialEnded(
            search="full", at_s=3.0, trial=3, outcome=Outcome.DUPLICATE, value=0.5, reason=None, running=1, flop=1
        )
    )
    assert standing.searches["full"].best == 0.5


def test_what_was_before_a_resume_is_shown_from_its_beginning():
    out = io.StringIO()
    lines = _Lines(Console(file=out, width=100))
    for notice in (
        STORY[0],
        SearchStarted(
            search="full", at_s=9.0, evaluator="full", sampler="tpe", trials=30, finished=12, failed=4, best=0.75
        ),
        TrialEnded(
            search="full", at_s=20.0, trial=12, outcome=Outcome.COMPLETE, value=0.5, reason=None, running=1, flop=10**9
        ),
        failed(13, "ValueError"),
        TrialEnded(
            search="full", at_s=30.0, trial=14, outcome=Outcome.COMPLETE, value=0.6, reason=None, running=1, flop=10**9
        ),
    ):
        lines(notice)
    assert [line.partition("] ")[2] for line in out.getvalue().splitlines()[1:]] == [
        "full: full with tpe, 30 trials, 12 of them done before, best 0.7500",
        "full: starting, 13/30 trials, 4 failed, best 0.7500, 1.00 GFLOP, 1 running",
        "full: trial 13 failed: ValueError",
        "full: starting, 15/30 trials, 5 failed, best 0.7500, 1.00 GFLOP, 1 running",
    ]


NAMES = ("[red]x[/red]", "[/]", ":smile:", "[link=http://x]", "a\\[b")


def test_names_and_reasons_are_shown_as_they_are():
    out = io.StringIO()
    terminal = Console(file=out, width=120, height=40, force_terminal=True, color_system=None)
    with Live(console=terminal, auto_refresh=False, screen=False) as live:
        screen = _Screen(live, "starting")
        screen(RunStarted(run="demo-1", at_s=0.0, searches=NAMES, workers=2, ledger="sqlite:///[red].db"))
        for name in NAMES:
            screen(SearchStarted(search=name, at_s=1.0, evaluator="full", sampler="tpe", trials=3))
            screen(failed(0, f"KeyError: {name}", search=name))
            screen(Warned(f"beware of {name}", 1.0, name))
        live.refresh()
    for name in NAMES:
        assert f"{name}: 1 failed: KeyError: {name}" in out.getvalue()
        assert f"warning: {name}: beware of {name}" in out.getvalue()


def test_listings_show_names_as_they_are(capsys):
    from rich.table import Table
    from rich.text import Text

    table = Table("run", box=None)
    for name in NAMES:
        table.add_row(Text(name))
    print_plainly(table, ":smile:")
    assert [line.strip() for line in capsys.readouterr().out.splitlines()] == ["run", *NAMES, ":smile:"]


def test_an_observer_that_fails_is_noted_once_and_told_of_everything(capsys):
    seen = []

    def observe(notice):
        seen.append(notice)
        raise OSError(errno.ENOSPC, "No space left on device")

    watcher = Watcher(observe)
    for notice in STORY:
        watcher(notice)
    assert seen == list(STORY), "a disk may have space again"
    assert capsys.readouterr().err == (
        "nassim: the run's progress can't be shown (OSError: [Errno 28] No space left on device); the run goes on\n"
    )


def test_a_log_on_a_full_disk_says_so():
    with Path("/dev/full").open("w") as full:
        lines = _Lines(Console(file=full, width=100))
        with pytest.raises(OSError, match="No space left on device"):
            lines(STORY[0])
        with contextlib.suppress(OSError):
            full.close()


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
            "found trial 4 (accuracy 0.9000, params 20) and 2 others, of 5 on the front; ended by trials",
        ),
    ],
)
def test_what_a_search_by_several_objectives_finds(values, front, found, line):
    out = io.StringIO()
    lines = _Lines(Console(file=out, width=100))
    lines(RunStarted(run="demo-1", at_s=0.0, searches=("full",), workers=1, ledger="sqlite:///nassim.db"))
    lines(
        SearchEnded(
            search="full", at_s=1.0, reason="trials", trial=4, value=0.9, values=values, front=front, found=found
        )
    )
    assert out.getvalue().splitlines()[1] == f"[     1.0 s] full: {line}"


def test_the_best_is_the_least_where_less_is_better_and_infeasible_trials_do_not_count():
    standing = RunStanding()
    standing.take(RunStarted(run="demo-1", at_s=0.0, searches=("s",), workers=1, ledger=""))
    standing.take(SearchStarted(search="s", at_s=1.0, evaluator="full", sampler="tpe", trials=3, maximised=False))
    for number, (outcome, value) in enumerate(
        [(Outcome.COMPLETE, 0.8), (Outcome.INFEASIBLE, None), (Outcome.COMPLETE, 0.7), (Outcome.FAILED, None)]
    ):
        standing.take(
            TrialEnded(search="s", at_s=2.0, trial=number, outcome=outcome, value=value, reason=None, running=0, flop=0)
        )
    assert (standing.searches["s"].best, standing.searches["s"].ended) == (0.7, 3)
