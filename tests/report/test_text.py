"""The text says what the summary holds, at any width, and says unknown where it doesn't know."""

import io

import pytest
from report_samples import RUN, post_sample, with_search_names
from rich.console import Console

from nassim.report import units
from nassim.report.bill import run_cost
from nassim.report.reading import summarise
from nassim.report.text import render


def draw(ledger, width):
    out = io.StringIO()
    Console(file=out, width=width).print(render(summarise(ledger, RUN), run_cost(ledger, RUN, {}), width))
    return out.getvalue()


def cells(text, label):
    """Return the cells of the rows with this label."""
    rows = [line for line in text.splitlines() if line.strip().startswith(label)]
    return [[cell for cell in row.strip().removeprefix(label).split("  ") if cell.strip()] for row in rows]


@pytest.fixture
def ledger(tmp_path):
    return post_sample(f"sqlite:///{tmp_path / 'l.db'}")


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits(ledger, width):
    assert max(map(len, draw(ledger, width).splitlines())) <= width


def test_searches_stand_side_by_side(ledger):
    text = draw(ledger, 80)
    assert [cell.strip() for cell in cells(text, "compute, forward + backward")[0]] == ["400 kFLOP", "120 kFLOP"]
    assert [cell.strip() for cell in cells(text, "test accuracy")[0]] == ["96.1 %", "unknown"]
    assert [cell.strip() for cell in cells(text, "FLOP")[0]] == ["5.00 x", "unknown"]
    assert [cell.strip() for cell in cells(text, "pruned")[0]] == ["1", "0"]


def test_searches_that_do_not_fit_follow_below(tmp_path):
    names = [f"search-{n}" for n in range(7)]
    text = draw(post_sample(f"sqlite:///{tmp_path / 'l.db'}", entries=with_search_names(names), closed_s=None), 80)
    assert max(map(len, text.splitlines())) <= 80
    assert all(name in text for name in names)


def test_names_are_shown_as_they_are(tmp_path):
    name = "[red]a[/red]"
    text = draw(post_sample(f"sqlite:///{tmp_path / 'l.db'}", entries=with_search_names([name])), 80)
    assert name in text


def test_books_that_close_and_books_that_do_not(ledger, tmp_path):
    assert "The books close: every leased second is posted to one activity." in draw(ledger, 80)
    gap = draw(post_sample(f"sqlite:///{tmp_path / 'gap.db'}", closed_s=20.5), 80)
    assert "The books DO NOT CLOSE" in gap
    assert "-0.500000 s  does not close" in gap
    still = draw(post_sample(f"sqlite:///{tmp_path / 'still.db'}", closed_s=None), 80)
    assert "The books close so far" in still
    assert "w0 (still leased)" in still


def test_burden_is_labelled_or_unknown(ledger, tmp_path):
    assert "peak rate measured" in draw(ledger, 80)
    unknown = draw(post_sample(f"sqlite:///{tmp_path / 'u.db'}", peak=None), 120)
    assert "seconds leased): unknown; utilisation unknown." in unknown


def test_it_says_what_is_in_and_what_is_out(ledger):
    text = " ".join(draw(ledger, 80).split())
    assert "In: every second that a worker is held" in text
    assert "Out: installing, downloading data" in text


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
