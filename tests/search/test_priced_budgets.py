"""Budgets in kWh, USD and gCO2e stop a run by the numbers that its report applies, over resumes too."""

import signal

import pytest
from searching import FULL, Done, experiment

from nassim import units
from nassim.errors import NassimError
from nassim.hardware.own_site import save_site
from nassim.hardware.terms import Terms
from nassim.ledger.store import Ledger
from nassim.notices import SearchEnded, TrialEnded, Warned
from nassim.report.reading import read_run
from nassim.run import execute, resume
from nassim.search.recovery import recover
from nassim.search.spending import Rates

CATALOGUE = """\
devices:
  - {id: furnace, kind: gpu, max_w: 3600000}
  - {id: stray, kind: gpu}
prices:
  - {device: furnace, provider: lab, billing: on-demand, usd_per_h: 7200}
grids:
  - {id: roof, gco2e_per_kwh: 10}
"""
# A second of a worker, priced as a whole furnace: 3.6 MJ = 1 kWh, 2 USD, and with a PUE of 1 10 gCO2e.

MANY = FULL | {"sampler": {"name": "random"}, "trials": 2000}


@pytest.fixture
def site(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(CATALOGUE)
    return {"device": "furnace", "region": "roof", "pue": 1.0, "catalogue": str(path)}


@pytest.mark.slow
def test_searches_end_when_they_have_spent_their_budgets_and_their_models_are_trained(tmp_path, site):
    limits = {"kwh": 2.0, "usd": 2.0, "gco2e": 10.0}  # 2, 1 and 1 s; the first trial of a process is slow
    searches = [MANY | {"name": unit, "budget": {unit: limit}} for unit, limit in limits.items()]
    notices = []
    run = execute(experiment(tmp_path, *searches, site=site), observe=notices.append)
    done = Done(f"sqlite:///{tmp_path / 'ledger.db'}", run)
    assert (done.status, set(done.findings)) == ("finished", set(limits))
    reasons = [notice.reason for notice in notices if isinstance(notice, SearchEnded)]
    report_s = done.entries.groupby(["job", "step"])["seconds"].sum().max()
    for cost, reason, per_s in zip(read_run(done.ledger, run).searches, reasons, (1, 2, 10), strict=True):
        unit, limit = cost.name, limits[cost.name]
        assert f"{unit}'s budget: {getattr(units, unit)(limit)} reached" in reason
        # The overshoot is one report of the one worker, and the moments around it.
        assert limit <= getattr(cost.search.leased, unit).value < limit + per_s * (report_s + 0.5)


@pytest.mark.slow
def test_a_run_stops_at_its_budget_of_emissions_and_the_report_agrees(tmp_path, site):
    run = execute(experiment(tmp_path, MANY, site=site, budget={"gco2e": 30}))
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    assert ledger.run(run).status == "stopped"
    # What a driver would take up is what the report says: about 3 s, of which the start is a part.
    bill = read_run(ledger, run).total.leased
    spent = recover(ledger, run, Rates(Terms(**site))).spending.overall(0.0)
    assert spent.gco2e == pytest.approx(bill.gco2e.value)
    assert spent.gco2e == pytest.approx(10 * spent.kwh) == pytest.approx(10 * spent.device_s)
    assert 30 <= spent.gco2e < 60


@pytest.mark.slow
def test_a_budget_holds_over_a_resume(tmp_path, site):
    def interrupt(notice):
        if isinstance(notice, TrialEnded) and notice.trial == 1:
            signal.raise_signal(signal.SIGINT)

    limited = MANY | {"budget": {"usd": 8}}
    run = execute(experiment(tmp_path, limited, site=site), observe=interrupt)
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    assert Ledger(url).run(run).status == "interrupted"
    before = read_run(Ledger(url), run).searches[0].search.leased.usd.value
    assert 0 < before < 8
    resume(run, url)
    cost = read_run(Ledger(url), run).searches[0].search.leased.usd.value
    assert Ledger(url).run(run).status == "finished"
    assert 8 <= cost < 8 + 4


@pytest.mark.parametrize(
    ("changes", "budget", "message"),
    [
        (
            {"device": None},
            "usd",
            "budget.usd needs what a second of a worker costs, and unknown is: site.device",
        ),
        ({"pue": None}, "kwh", "budget.kwh needs what a second of a worker costs, and unknown is: PUE: none given"),
        ({"region": None}, "gco2e", "unknown is: carbon intensity: no region given"),
        ({"device": "stray"}, "usd", "unknown is: price of stray"),
        ({"device": "stray"}, "gco2e", "unknown is: max_w of stray"),
        ({"region": "Atlantis"}, "usd", "region 'Atlantis' is not in the catalogue"),
        ({"pue": "nobody"}, "device_s", "PUE 'nobody' is not in the catalogue"),
    ],
)
def test_a_budget_without_its_numbers_is_refused_before_anything_starts(tmp_path, site, changes, budget, message):
    refused = experiment(tmp_path, MANY, site=site | changes, budget={budget: 5})
    with pytest.raises(NassimError) as error:
        execute(refused, strict=True)
    assert message in str(error.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own.yaml"]


def assumptions(plan):
    """Run an experiment and return what it warned of as assumed."""
    notices = []
    execute(plan, observe=notices.append)
    return [notice.message for notice in notices if isinstance(notice, Warned) and "assumed" in notice.message]


def test_a_budget_by_numbers_that_nobody_gave_is_warned_of(tmp_path):
    (warning,) = assumptions(experiment(tmp_path, MANY | {"trials": 1, "budget": {"usd": 1000}}))
    assert warning.startswith("searches[0].budget.usd: what a second of a worker costs is assumed: ")
    assert "475 gCO2e/kWh, the world's average" in warning
    assert "PUE 1, of one machine" in warning
    assert warning.endswith(
        "`nassim site`, or the experiment's `site`, says what holds; with --strict nothing is assumed"
    )


def test_a_budget_by_the_users_own_site_is_not_warned_of(tmp_path, site, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    save_site({name: site[name] for name in ("region", "pue", "catalogue")})
    one = MANY | {"trials": 1}
    assert assumptions(experiment(tmp_path, one, site={"device": "furnace"}, budget={"gco2e": 1e9})) == []
    assert assumptions(experiment(tmp_path, one)) == []  # without a budget nothing rests on it
