"""A ledger that nassim 0.1.0 wrote (`version_0_1_0.sql`) is migrated, and reports what that version reported of it."""

import sqlite3
from pathlib import Path

import pytest

from nassim.errors import NassimError
from nassim.ledger.export import export_studies
from nassim.ledger.store import Ledger
from nassim.report.reading import read_run

WRITTEN = Path(__file__).parent / "version_0_1_0.sql"
# By search: FLOP of search and final training, forward and backward; seconds of both; trials; find and its accuracy.
REPORTED = {
    "full": (
        (2_880_601_600, 41_082_381_184, 956_110_720, 11_635_605_760),
        (3.6370031850019586, 0.3224302569979045),
        (3, 1, "01bb81120e79", 0.10027855153203342),
    ),
    "enas": (
        (1_269_365_696, 30_540_967_232, 964_185_280, 11_642_784_256),
        (0.4083052440000756, 0.24527729200053727),
        (6, 4, "817f04de9491", 0.11977715877437325),
    ),
}


@pytest.fixture
def url(tmp_path):
    database = sqlite3.connect(tmp_path / "old.db")
    database.executescript(WRITTEN.read_text(encoding="utf-8"))
    database.close()
    return f"sqlite:///{tmp_path / 'old.db'}"


def test_it_is_offered_to_be_migrated(url):
    with pytest.raises(NassimError, match=r"`nassim migrate --ledger sqlite:.*old\.db` brings it there, with all that"):
        Ledger.open(url)


def test_migrated_it_reports_the_same_figures_and_says_how_they_were_counted(url):
    assert Ledger(url).migrate() == (2, 4)
    facts = read_run(Ledger.open(url), "small-1")
    assert (facts.wall_s, facts.balance.closes, facts.counting.convention) == (4.990981785998883, True, "torch")
    assert facts.total.compute.flop.value == 100_972_001_728
    for search in facts.searches:
        parts = (search.search.compute, search.final.compute)
        flop = tuple(figure.value for part in parts for figure in (part.forward_flop, part.backward_flop))
        leased_s = search.search.leased.device_s.value, search.final.leased.device_s.value
        found = search.trials, search.found.trial, search.found.architecture_id, search.found.test_accuracy
        assert (flop, leased_s, found) == REPORTED[search.name]
        assert [part.torch_flop for part in parts] == [sum(flop[:2]), sum(flop[2:])]


def test_migrated_its_studies_can_be_exported(url, tmp_path):
    Ledger(url).migrate()
    target = f"sqlite:///{tmp_path / 'studies.db'}"
    assert export_studies(Ledger.open(url), "small-1", target) == ["small-1/full", "small-1/enas"]


def test_migrated_from_a_dump_it_can_be_written(url):
    """A dump that was read in keeps no write-ahead log, other than the file that it was made of."""
    with Ledger(url) as ledger:
        ledger.migrate()
        writer = ledger.resume("small-1")
        writer.close("interrupted")
        assert ledger.run("small-1").status == "interrupted"


@pytest.mark.parametrize("finding", ["{not json", "{}"])
def test_a_damaged_one_is_told_and_left_as_it_is(url, finding):
    database = sqlite3.connect(url.removeprefix("sqlite:///"))
    database.execute("UPDATE nassim_findings SET finding = ?", (finding,))
    database.commit()
    before = [*database.iterdump()]
    with pytest.raises(NassimError, match="it is damaged, or was changed by something else"):
        Ledger(url).migrate()
    assert [*database.iterdump()] == before
