"""The text says what the facts are, at any width, and says unknown where something isn't known."""

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from report_samples import ENTRIES, FOUND, RUN, TRAIN_A, A, B, post_front, post_sample, with_search_names
from rich.cells import cell_len
from rich.console import Console

from nassim import units
from nassim.cost.work import Activity
from nassim.hardware.figure import Kind
from nassim.ledger.entry import DRIVER, Entry, Outcome
from nassim.ledger.store import Ledger
from nassim.report.reading import read_run
from nassim.report.tables import BOUNDS, MARKS
from nassim.report.text import render
from nassim.space.architecture import Architecture

PAGE = Path(__file__).parents[2] / "docs" / "report.md"


def draw(ledger, width, **options):
    out = io.StringIO()
    Console(file=out, width=width).print(render(read_run(ledger, RUN, **options), width))
    return out.getvalue()


def told(ledger, width=80, **options):
    """Return the text as one line, for what may be folded anywhere."""
    return " ".join(draw(ledger, width, **options).split())


def section(text, title):
    """Return the lines of a section."""
    _, _, rest = text.partition(f"\n{title}\n")
    return rest.partition("\n\n")[0].splitlines()


def cells(lines, label):
    """Return the cells of the first row with this label."""
    row = next(line for line in lines if line.strip().startswith(label))
    return re.split(r"\s{2,}", row.strip().removeprefix(label).strip())


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'l.db'}"


@pytest.fixture
def ledger(url):
    return post_sample(url)


@pytest.mark.parametrize("width", [80, 100, 120])
def test_it_fits(ledger, width):
    assert max(map(len, draw(ledger, width).splitlines())) <= width


def test_it_begins_with_a_line_a_search_and_a_few_on_the_run(ledger):
    lines = section(draw(ledger, 120), "Summary")
    # 20 s of two cores at 12 W (assumed) are 1.33e-4 kWh; the search's 10 s half of that, at 475 g 0.0317 g.
    assert cells(lines, "full-tpe") == ["400 kFLOP", "81.0 kFLOP", "4.94 x", "0.000270 *", "0.0317 *"]
    assert cells(lines, "enas") == ["120 kFLOP", "none", "none", "5.40e-05 *", "0.00633 *"]
    whole = " ".join(" ".join(lines).split())
    assert "The whole run: 601 kFLOP in 20.0 s, workers held for 20.0 s; energy 0.000133 kWh *" in whole
    assert "The books close: every leased second is posted to one activity." in whole
    assert "`nassim site` gives yours once for all" in whole
    assert len(lines) <= 12


def test_it_says_first_of_all_that_a_run_is_simulated(ledger, tmp_path):
    simulated = post_sample(f"sqlite:///{tmp_path / 'simulated.db'}", simulated=True)
    first, *rest = draw(simulated, 80).splitlines()
    assert first == "sample-1  finished  simulated  started 2026-11-20T12:00:00Z"
    assert ["sample-1  finished  started 2026-11-20T12:00:00Z", *rest] == draw(ledger, 80).splitlines()


def test_searches_stand_side_by_side(ledger):
    lines = section(draw(ledger, 80), "The searches")
    assert lines[0].split() == ["full-tpe", "enas"]
    assert cells(lines, "compute performed") == ["400 kFLOP", "120 kFLOP"]
    assert cells(lines, "element-wise, not in it") == ["7.00 kFLOP", "0 kFLOP"]
    assert cells(lines, "element-wise traffic") == ["9.00 kB", "0 kB"]
    assert cells(lines, "pruned") == ["1", "0"]
    assert cells(lines, "busy") == ["9.00 s", "2.00 s"]
    assert cells(lines, "test accuracy") == ["96.1 %", "none"]


def test_what_it_cost_compares_like_with_like(ledger):
    lines = section(draw(ledger, 100), "What it cost")
    assert cells(lines, "search, busy")[:2] == ["400 kFLOP", "9.00 s"]
    assert cells(lines, "search, leased")[:2] == ["20.0 GFLOP", "10.0 s"]
    assert cells(lines, "final, leased")[:2] == ["12.0 GFLOP", "6.00 s"]
    # Cores at an assumed power and price: the seconds' ratio, marked as what it rests on.
    assert cells(lines, "search : final, busy") == ["4.94 x", "1.50 x", "1.50 x *", "1.50 x *", "1.50 x *"]
    assert cells(lines, "search : final, leased") == ["1.67 x", "1.67 x", "1.67 x *", "1.67 x *", "1.67 x *"]
    assert "Assumed:" in " ".join(lines)


def test_strictly_it_says_what_is_missing_and_how_to_give_it(ledger):
    text = told(ledger, strict=True)
    assert "energy unknown, rent unknown, emissions unknown." in text
    assert "Unknown for want of: power of cpu: test PUE: none given carbon intensity: no region given" in text
    assert "`nassim site --region REGION --pue PUE --device DEVICE --provider PROVIDER` says once for all" in text
    assert "Assumed" not in text.partition("What it cost")[2]


def test_figures_are_one_below_the_other_whether_they_are_marked_or_not(url):
    entries = [replace(TRAIN_A, modelled_flop=1) if entry is TRAIN_A else entry for entry in ENTRIES]
    lines = section(draw(post_sample(url, entries=entries), 100), "What it cost")
    ends = {line.index(" kFLOP") for line in lines if " kFLOP" in line}
    assert len(ends) == 1
    assert any("400 kFLOP ~" in line for line in lines)


def test_marks_reach_ratios_and_name_the_operations(url):
    entries = [replace(TRAIN_A, uncounted=("aten::fft",), modelled_flop=1) if e is TRAIN_A else e for e in ENTRIES]
    text = draw(post_sample(url, entries=entries), 120)
    assert cells(section(text, "Summary"), "full-tpe")[:3] == [">= 400 kFLOP ~", "81.0 kFLOP", ">= 4.94 x ~"]
    assert "FLOP are at least those shown: aten::fft." in " ".join(text.split())


def test_a_ledger_of_an_earlier_version_says_how_it_counted(url):
    plain = [replace(entry, elementwise_flop=0, elementwise_bytes=0) for entry in ENTRIES]
    text = draw(post_sample(url, entries=plain, version="0.1.0"), 100)
    assert "counted by nassim 0.1.0, as torch's FlopCounterMode does" in " ".join(text.split())
    assert cells(section(text, "The searches"), "element-wise, not in it") == ["unknown", "unknown"]


def test_architectures_are_shown_in_the_spaces_own_words_or_choice_by_choice(url, tmp_path):
    assert [line.strip() for line in section(draw(post_sample(url), 80), "The architectures found")] == [
        f"full-tpe: {FOUND.architecture_id}",
        "|conv3x3|",
    ]
    choices = {f"layer {n}": "conv3x3" for n in range(8)} | {"wide": "x" * 100}
    found = replace(FOUND, words=None, architecture=Architecture(choices))
    lines = section(draw(post_sample(f"sqlite:///{tmp_path / 'b.db'}", found=(found,)), 80), "The architectures found")
    pairs = re.split(r"\s{2,}", "  ".join(line.strip() for line in lines[1:]))
    assert pairs[:8] == [f"layer {n}=conv3x3" for n in range(8)]  # none is broken
    assert "".join(pairs[8:]) == "wide=" + "x" * 100


def test_why_trials_failed(url):
    reasons = [f"Error{'abcdefgh'[n % 7]}: {n}" for n in range(14)]
    closings = [
        Entry(
            DRIVER, 0.0, 0.0, Activity.SAMPLER, "enas", trial=n, architecture=B.id, outcome=Outcome.FAILED, reason=why
        )
        for n, why in enumerate(reasons)
    ]
    lines = section(draw(post_sample(url, entries=(*ENTRIES, *closings)), 80), "Why trials failed")
    assert [line.strip() for line in lines] == [
        "full-tpe: 1 of 3 trials",
        "1 trial, such as trial 2: Diverged: loss nan",
        "enas: 14 of 14 trials",
        *(f"2 trials, such as trial {n}: Error{'abcde'[n]}: {n}" for n in range(5)),
        "2 more reasons; the JSON report has them all",
    ]


def test_an_architectures_words_that_are_longer_than_a_line_are_broken_after_marks(url):
    words = "+".join(f"|nor_conv_3x3~{n}|avg_pool_3x3~{n}|" for n in range(6))
    found = replace(FOUND, words=words)
    lines = section(draw(post_sample(url, found=(found,)), 80), "The architectures found")[1:]
    assert "".join(line.strip() for line in lines) == words
    assert all(line.strip()[-1] in "|+" for line in lines)
    assert len(lines) == 3


def test_a_run_that_has_only_just_begun(url):
    ledger = Ledger(url)
    ledger.create(RUN, {}, "2026-11-20T12:00:00Z")
    text = told(ledger)
    assert "The whole run: 0 FLOP in unknown, workers held for 0.00 s" in text
    assert "The searches" not in text


def test_nothing_is_said_of_failures_where_there_are_none(url):
    kept = [entry for entry in ENTRIES if entry.outcome is not Outcome.FAILED]
    assert "Why trials failed" not in draw(post_sample(url, entries=kept), 80)


def test_searches_that_do_not_fit_follow_below(url):
    names = [f"search-{n}" for n in range(7)]
    text = draw(post_sample(url, entries=with_search_names(names), closed_s=None), 80)
    assert max(map(len, text.splitlines())) <= 80
    assert all(name in text for name in names)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize(
    "name", ["[red]a[/red]", "[/b]", ":car:", "\\[x]", "a long name " * 6 + "of 80", "searching" * 9, "搜索" * 20]
)
def test_names_are_shown_as_they_are_whatever_is_in_them(url, name, width):
    text = draw(post_sample(url, entries=with_search_names([name])), width)
    assert max(map(cell_len, text.splitlines())) <= width
    # There it has the lines to itself, however many it takes.
    assert re.sub(r"\s", "", name) in re.sub(r"\s", "", "".join(section(text, "What it cost")))


def test_books_that_close_and_books_that_do_not(ledger, tmp_path):
    assert "The books close: every leased second is posted to one activity." in told(ledger)
    gap = post_sample(f"sqlite:///{tmp_path / 'gap.db'}", closed_s=20.5)
    assert "The books DO NOT CLOSE" in told(gap)
    assert "-0.500000 s  does not close" in draw(gap, 80)
    still = post_sample(f"sqlite:///{tmp_path / 'still.db'}", closed_s=None)
    assert "The books close so far" in told(still)
    assert "w0 (still leased)" in draw(still, 80)


def test_burden_is_labelled_or_unknown(ledger, tmp_path):
    assert "peak rate measured" in told(ledger)
    unknown = told(post_sample(f"sqlite:///{tmp_path / 'u.db'}", peak=None))
    assert "seconds leased): unknown; utilisation unknown." in unknown


def test_it_says_what_is_in_and_what_is_out(ledger):
    text = told(ledger)
    assert "In: every second that a worker is held" in text
    assert "Out: installing, downloading data" in text


def test_the_page_explains_every_mark():
    rows = re.findall(r"^\| (\S+) \| `([\w ]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    marks = {kind: mark.strip("`") for mark, kind in rows}
    assert {kind: marks[kind] for kind in Kind if MARKS[kind]} == {kind: mark for kind, mark in MARKS.items() if mark}
    assert {bound: marks[bound] for bound, mark in BOUNDS.items() if mark} == {
        bound: mark.strip() for bound, mark in BOUNDS.items() if mark
    }


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (units.amounts([1e12, 2.5e9, 0, None], "FLOP"), ["1.00 TFLOP", "0.00250 TFLOP", "0 TFLOP", "unknown"]),
        (units.amounts([999.6e6], "FLOP"), ["1.00 GFLOP"]),
        (units.amounts([None], "FLOP"), ["unknown"]),
        (units.amount(0, "FLOP"), "0 FLOP"),
        (units.amount(3.1e21, "FLOP"), "3.10 ZFLOP"),
        (units.seconds(None), "unknown"),
        (units.seconds(0.026), "0.03 s"),
        (units.seconds(59.96), "60.0 s"),
        (units.seconds(7200), "7,200 s (2.0 h)"),
        (units.duration(7200), "2.00 h"),
        (units.duration(59.96), "60.0 s"),
        (units.duration(None), "unknown"),
        (units.kwh(0.00126), "0.00126 kWh"),
        (units.usd(None), "unknown"),
        (units.gco2e(8.5e9), "8.50e+09 gCO2e"),
        (units.percent(0.961), "96.1 %"),
        (units.percent(0.000012), "0.00120 %"),
        (units.percent(None), "unknown"),
        (units.times(12.345), "12.3 x"),
        (units.times(20_000), "20,000 x"),
        (units.whole(None), "unknown"),
        (units.whole(1234567), "1,234,567"),
        (units.count(1, "worker"), "1 worker"),
    ],
)
def test_amounts_read_as_people_read_them(shown, expected):
    assert shown == expected


def test_a_front_is_shown_with_what_was_trained_of_it(tmp_path):
    text = draw(post_front(f"sqlite:///{tmp_path / 'f.db'}"), 100)
    lines = [" ".join(line.split()) for line in section(text, "The fronts: trials that no other is better than")]
    assert lines == [
        "accuracy (max) params (min) test accuracy",
        "full-tpe",
        f"trial 0, {A.id} 0.9000 1,234 96.1 %",
        f"trial 1, {B.id} 0.8000 12 81.0 %",
    ]
