"""Budgets and accounts: what is reached, by how much, and whose a second is."""

import math
from dataclasses import fields
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nassim.budget import Budget, Overrun, Spent
from nassim.cost.work import Activity
from nassim.hardware.terms import Terms
from nassim.ledger.entry import Entry, Stage
from nassim.run.pricing import UNITS
from nassim.search.spending import Account, Accounts, Allowance, Rates, Spending

amounts = st.floats(0.001, 1e6)
spents = st.builds(Spent, flop=st.integers(0, 10**21), device_s=amounts, wall_s=amounts, trials=st.integers(0, 10**6))
limits = st.builds(
    Budget,
    flop=st.none() | st.integers(1, 10**21),
    device_s=st.none() | amounts,
    wall_s=st.none() | amounts,
    trials=st.none() | st.integers(1, 10**6),
)


def test_what_is_spent_is_told_by_the_names_of_the_limits():
    assert [*Budget.model_fields] == [field.name for field in fields(Spent)]


def test_the_limits_that_need_prices_are_those_of_a_bill():
    assert UNITS == ("kwh", "usd", "gco2e")


@given(limits, spents)
def test_a_budget_is_reached_when_one_of_its_limits_is(budget, spent):
    reached = [name for name, limit in budget if limit is not None and getattr(spent, name) >= limit]
    overrun = budget.reached(spent)
    assert (overrun.name if overrun else None) == (reached[0] if reached else None)
    if overrun:
        assert overrun.limit + overrun.overshoot == pytest.approx(overrun.spent)


@given(limits, spents, st.integers(0, 100))
def test_no_limit_on_time_is_reached_before_the_seconds_left_are_over(budget, spent, workers):
    left_s = budget.seconds_left(spent, workers)
    on_time = Budget(device_s=budget.device_s, wall_s=budget.wall_s)
    if on_time.reached(spent):
        assert left_s == 0 or not workers
    elif 1e-6 < left_s < math.inf:
        later = Spent(device_s=spent.device_s + 0.999 * left_s * workers, wall_s=spent.wall_s + 0.999 * left_s)
        assert on_time.reached(later) is None


@given(st.lists(st.tuples(limits, spents), max_size=4))
def test_an_allowance_is_what_its_tightest_budget_leaves(pairs):
    allowance = Allowance(tuple((str(n), budget, lambda spent=spent: spent) for n, (budget, spent) in enumerate(pairs)))
    trials = [budget.trials - spent.trials for budget, spent in pairs if budget.trials is not None]
    assert allowance.trials_left == min(trials, default=math.inf)
    assert allowance.seconds_left(3) == min((b.seconds_left(s, 3) for b, s in pairs), default=math.inf)
    assert bool(allowance.reached()) == any(budget.reached(spent) for budget, spent in pairs)
    assert allowance.limits_work == any(
        limit is not None for budget, _ in pairs for limit in (budget.flop, budget.device_s, budget.wall_s)
    )


def test_nothing_is_limited_by_no_budget():
    assert Allowance().reached() is None
    assert Allowance().trials_left == Allowance().seconds_left(2) == math.inf
    assert not Allowance().limits_work


def test_an_overrun_says_whose_budget_it_is_and_how_far_it_went():
    spent = Spent(flop=1_200)
    allowance = Allowance((("experiment", Budget(), lambda: spent), ("tpe", Budget(flop=1_000), lambda: spent)))
    overrun = allowance.reached()
    assert overrun == Overrun("tpe", "flop", 1_000, 1_200)
    assert str(overrun) == "tpe's budget: 1.00 kFLOP reached, spent 1.20 kFLOP (overshoot 200 FLOP, 20.0 %)"
    spent.flop = 1_500
    assert allowance.updated(overrun).overshoot == 500


@pytest.mark.parametrize("limit", [5e-324, 1e-300, 1.0])
def test_an_overshoot_beyond_measure_is_told_as_such(limit):
    assert "more than 10,000 %" in str(Overrun("experiment", "wall_s", limit, 1_000.0))


def test_every_limit_is_told_with_its_unit():
    told = [str(Overrun("experiment", name, 2, 3)) for name in Budget.model_fields]
    assert [line.partition(" reached")[0].partition(": ")[2] for line in told] == [
        "2.00 FLOP",
        "2.00 s of device time",
        "2.00 s of wall-clock time",
        "2 trials",
        "2.00 kWh",
        "2.00 USD",
        "2.00 gCO2e",
    ]


@given(
    st.lists(st.floats(0, 100), max_size=5).map(sorted),
    st.floats(0, 120),
    st.floats(0, 120),
)
def test_seconds_are_divided_among_the_accounts_in_whose_time_they_fall(switches, start_s, seconds):
    accounts = Accounts()
    for number, at_s in enumerate(switches):
        accounts.open(Account(f"s{number}", Stage.FINAL if number % 2 else Stage.SEARCH), at_s)
    shares = list(accounts.shares(start_s, seconds))
    assert sum(share.seconds for share in shares) == pytest.approx(seconds, abs=1e-9)
    assert shares[0].start_s == start_s
    for share, after in pairwise(shares):
        assert share.start_s + share.seconds == pytest.approx(after.start_s, abs=1e-9)
    for share in shares:
        number = -1 if share.account.search is None else int(share.account.search[1:])
        since_s = switches[number] if number >= 0 else 0.0
        until_s = switches[number + 1] if number + 1 < len(switches) else math.inf
        assert since_s <= share.start_s + 1e-9 or seconds == 0
        assert share.start_s + share.seconds <= until_s + 1e-9 or seconds == 0


def test_a_final_training_is_not_counted_against_its_search():
    spending = Spending()
    for stage in Stage:
        spending.post(Entry("w", 0.0, 1.0, Activity.TRAIN, "tpe", stage, forward_flop=1))
    assert spending.of("tpe", 9.0).flop == 2
    assert spending.overall(9.0).flop == 3


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 10), st.sampled_from(["lap", "search", "look"]))))
def test_what_is_spent_as_it_passes_is_what_is_on_the_books_in_the_end(events):
    """Workers report when their laps end; whenever one looks, what has passed is spent."""
    spending, now_s, heard_s, since_s, count = Spending(), 0.0, dict.fromkeys("abc", 0.0), 0.0, 0
    accounts = Accounts()
    spending.work_for(Account("s0"), 0.0)
    accounts.open(Account("s0"), 0.0)
    for worker in "abc":
        spending.lease(worker, "cpu: x", 1.0, 0.0)
    for worker, passes_s, what in [*events, *((worker, 0.0, "lap") for worker in "abc")]:
        now_s += passes_s
        if what == "lap":
            for share in accounts.shares(heard_s[worker], now_s - heard_s[worker]):
                spending.post(Entry(worker, share.start_s, share.seconds, Activity.IDLE, share.account.search))
            spending.hear(worker, now_s)
            heard_s[worker] = now_s
        elif what == "search":
            count, since_s = count + 1, now_s
            spending.work_for(Account(f"s{count}"), now_s)
            accounts.open(Account(f"s{count}"), now_s)
        assert spending.overall(now_s).device_s == pytest.approx(3 * now_s, abs=1e-6)
        assert spending.of(f"s{count}", now_s).device_s == pytest.approx(3 * (now_s - since_s), abs=1e-6)


def test_corrections_of_what_an_earlier_driver_posted_take_its_price_back():
    spending = Spending(Rates(Terms()))
    spending.know("ray-0", "cpu: x", 2.0)
    spending.add("tpe", Stage.SEARCH, "ray-0", Activity.TRAIN, 5, 3.0)
    paid = spending.overall(0.0)
    assert paid.usd > 0
    for seconds, activity in ((-3.0, Activity.TRAIN), (3.0, Activity.LOST)):
        spending.post(Entry("ray-0", 0.0, seconds, activity, "tpe"))
    assert spending.overall(0.0).usd == pytest.approx(paid.usd)
    spending.post(Entry("ray-0", 0.0, -3.0, Activity.LOST, "tpe"))
    assert spending.overall(0.0).usd == pytest.approx(0.0, abs=1e-12)
