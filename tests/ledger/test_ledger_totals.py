"""Totals: exact, additive, and equal to a fold over the entries."""

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_samples import closing, lap, lease, new_run

from nassim.cost.work import Activity
from nassim.errors import NassimError
from nassim.ledger.entry import Outcome, Stage
from nassim.ledger.store import Ledger

AMOUNTS = ["seconds", "forward_flop", "backward_flop", "samples", "bytes", "entries"]


def test_totals_of_no_entries_have_no_rows(ledger):
    new_run(ledger)
    assert ledger.totals("run").empty
    assert ledger.totals("run", ()).empty
    assert ledger.trials("run").empty
    assert ledger.frame("run").empty
    assert ledger.balance("run").empty


def test_an_entry_has_the_outcome_of_its_trials_closing_line(ledger):
    writer = new_run(ledger)
    for trial, outcome in ((0, Outcome.COMPLETE), (1, Outcome.PRUNED)):
        writer.append(lap(0.0, 2.0, trial=trial))
        writer.append(closing(trial, outcome))
    writer.append(lap(0.0, 3.0, trial=2))
    writer.append(lap(0.0, 4.0, trial=None))
    writer.append(lap(0.0, 5.0, trial=1, search="other"))
    writer.commit()
    totals = ledger.totals("run", ["outcome"])
    seconds = dict(zip(totals["outcome"], totals["seconds"], strict=True))
    assert seconds == {"complete": 2.0, "pruned": 2.0, "open": 3.0 + 5.0, None: 4.0}


def test_sums_beyond_64_bits_are_exact_python_ints(ledger):
    """Patterson et al. (2021) put the Evolved Transformer's search at 2.9e21 FLOP; 2**63 is 9.2e18."""
    writer = new_run(ledger)
    each = 9 * 10**18 + 7
    for i in range(330):
        writer.append(lap(float(i), forward_flop=each, backward_flop=2**63 - 1))
    writer.append(lap(0.0, forward_flop=-each, backward_flop=-(2**63 - 1)))
    writer.commit()
    row = ledger.totals("run", ()).iloc[0]
    assert row["forward_flop"] == 329 * each > 2.9e21
    assert row["backward_flop"] == 329 * (2**63 - 1)
    assert type(row["forward_flop"]) is int
    assert ledger.trials("run").loc[0, "forward_flop"] == 329 * each


def test_energy_that_was_not_measured_is_unknown_and_not_zero(ledger):
    writer = new_run(ledger)
    writer.append(lap(0.0, 2.0, energy_j=5.0))
    writer.append(lap(2.0, 3.0, activity=Activity.IDLE))
    writer.commit()
    totals = ledger.totals("run", ["activity"]).set_index("activity")
    assert totals.loc["train", ["energy_j", "metered_s"]].tolist() == [5.0, 2.0]
    assert math.isnan(totals.loc["idle", "energy_j"])
    assert totals.loc["idle", "metered_s"] == 0.0
    total = ledger.totals("run", ()).iloc[0]
    assert (total["energy_j"], total["metered_s"], total["seconds"]) == (5.0, 2.0, 5.0)


def test_energy_that_is_posted_after_its_seconds_is_metered_in_them(ledger):
    writer = new_run(ledger)
    writer.append(lap(0.0, 2.0))
    writer.append(lap(2.0, 1.0, energy_j=4.0))
    writer.append(lap(0.0, 0.0, energy_j=6.0, metered_s=1.5, forward_flop=0, backward_flop=0))
    writer.commit()
    row = ledger.totals("run", ()).iloc[0]
    assert (row["energy_j"], row["metered_s"], row["seconds"]) == (10.0, 2.5, 3.0)


def test_totals_by_device_come_from_the_leases(ledger):
    writer = new_run(ledger)
    for worker, processors in (("w0", 2), ("w1", 3)):
        writer.lease(lease(worker, processors=processors))
        writer.append(lap(0.0, 2.0, worker=worker))
    writer.append(closing(0))
    writer.commit()
    totals = ledger.totals("run", ["device", "node"])
    assert totals["device"].tolist() == ["cpu: test", None]
    assert totals["processor_seconds"].tolist() == [2.0 * 2 + 2.0 * 3, 0.0]


def test_an_unknown_dimension_is_answered_with_those_there_are(ledger):
    new_run(ledger)
    with pytest.raises(NassimError, match=r"by colour. Allowed: search, stage, activity, worker"):
        ledger.totals("run", ["search", "colour"])


def test_trials_tell_their_story(ledger):
    writer = new_run(ledger)
    writer.append(lap(1.0, 2.0, trial=0, architecture="aa"))
    writer.append(lap(5.0, 2.0, trial=0, architecture="aa", attempt=1, reason="not this one"))
    writer.append(lap(7.0, 0.5, trial=0))
    writer.append(closing(1, Outcome.FAILED, reason="Diverged: loss is nan", architecture="bb"))
    writer.commit()
    first, second = ledger.trials("run").to_dict("records")
    assert (first["outcome"], first["architecture"], first["attempts"]) == ("open", "aa", 2)
    assert (first["start_s"], first["end_s"], first["seconds"], first["forward_flop"]) == (1.0, 7.5, 4.5, 30)
    assert (second["outcome"], second["reason"], second["entries"]) == ("failed", "Diverged: loss is nan", 1)


entry_values = st.fixed_dictionaries(
    {
        "seconds": st.floats(0, 1e6),
        "worker": st.sampled_from(["w0", "w1"]),
        "activity": st.sampled_from(list(Activity)),
        "search": st.sampled_from(["tpe", "enas"]),
        "stage": st.sampled_from(list(Stage)),
        "trial": st.none() | st.integers(0, 3),
        "forward_flop": st.integers(-(2**63) + 1, 2**63 - 1),
        "backward_flop": st.integers(0, 2**63 - 1),
        "samples": st.integers(0, 2**40),
        "bytes": st.integers(0, 2**40),
    }
)
closings = st.dictionaries(
    st.tuples(st.sampled_from(["tpe", "enas"]), st.integers(0, 3)), st.sampled_from(list(Outcome))
)


@settings(max_examples=12, deadline=None)
@given(values=st.lists(entry_values, min_size=1, max_size=30), outcomes=closings)
def test_totals_equal_a_fold_over_the_frame_and_add_up(values, outcomes):
    ledger = Ledger("sqlite://")
    writer = new_run(ledger)
    for value in values:
        writer.append(lap(0.0, **value))
    for (search, trial), outcome in outcomes.items():
        writer.append(closing(trial, outcome, search))
    writer.commit()

    folded = _fold_frame(ledger.frame("run"))
    for by in (["search", "stage", "activity", "outcome"], ["search"], ["outcome", "stage"], ["worker", "trial"], []):
        totals = ledger.totals("run", by)
        expected = _fold(folded, by)
        assert {_key(row, by): _exact(row) for row in totals.to_dict("records")} == {
            key: _exact(row) for key, row in expected.items()
        }
        for row in totals.to_dict("records"):
            assert row["seconds"] == pytest.approx(expected[_key(row, by)]["seconds"], abs=1e-6)
    assert sum(ledger.totals("run")["forward_flop"]) == ledger.totals("run", ())["forward_flop"].iloc[0]
    ledger.close()


def _fold_frame(frame: pd.DataFrame) -> list[dict]:
    """Return the entries as rows, each with the outcome of its trial."""
    rows = frame.to_dict("records")
    outcomes = {(row["search"], row["trial"]): row["outcome"] for row in rows if not pd.isna(row["outcome"])}
    for row in rows:
        trial = None if pd.isna(row["trial"]) else row["trial"]
        row["trial"] = trial
        row["outcome"] = None if trial is None else outcomes.get((row["search"], trial), "open")
        row["entries"] = 1
    return rows


def _fold(rows: list[dict], by: list[str]) -> dict[tuple, dict]:
    sums: dict[tuple, dict] = {}
    for row in rows:
        group = sums.setdefault(_key(row, by), dict.fromkeys(AMOUNTS, 0))
        for name in AMOUNTS:
            group[name] += row[name]
    return sums


def _key(row: dict, by: list[str]) -> tuple:
    return tuple(None if pd.isna(row[name]) else row[name] for name in by)


def _exact(row: dict) -> list[int]:
    return [row[name] for name in AMOUNTS if name != "seconds"]
