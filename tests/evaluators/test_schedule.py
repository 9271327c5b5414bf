import subprocess
import sys
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nassim.errors import NassimError
from nassim.evaluators.schedule import Schedule


@given(count=st.integers(2, 5000), batch_size=st.integers(2, 300))
def test_minibatches_cover_every_input_once_and_none_is_of_one(count, batch_size):
    sizes = Schedule(1, batch_size).minibatches(count)
    assert sum(sizes) == count
    assert min(sizes) >= 2
    assert max(sizes) <= batch_size + 1


def test_a_last_minibatch_of_one_joins_the_one_before():
    assert Schedule(1, 4).minibatches(9) == [4, 5]
    assert Schedule(1, 4).minibatches(10) == [4, 4, 2]
    assert Schedule(1, 4).minibatches(8) == [4, 4]
    assert Schedule(1, 4).minibatches(3) == [3]


def test_cosine_falls_from_the_highest_to_the_lowest():
    schedule = Schedule(epochs=10, learning_rate=1.0, final_learning_rate=0.2)
    rates = [schedule.learning_rate_at(step, 5) for step in range(51)]
    assert rates[0] == 1.0
    assert rates[25] == pytest.approx(0.6)  # halfway: 0.2 + 0.8 * (1 + cos(pi / 2)) / 2
    assert rates[50] == pytest.approx(0.2)
    assert rates == sorted(rates, reverse=True)


def test_warm_up_rises_to_the_highest_and_then_the_cosine_begins():
    schedule = Schedule(epochs=4, learning_rate=0.8, warmup_epochs=1)
    rates = [schedule.learning_rate_at(step, 4) for step in range(16)]
    assert rates[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8])
    assert rates[5] < 0.8


def test_constant_stays():
    schedule = Schedule(epochs=4, learning_rate=0.3, decay="constant")
    assert {schedule.learning_rate_at(step, 7) for step in range(28)} == {0.3}


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("epochs", 0, "a whole number of at least 1"),
        ("epochs", True, "a whole number of at least 1"),
        ("epochs", 2.0, "a whole number of at least 1"),
        ("batch_size", 1, "a whole number of at least 2"),
        ("optimizer", "lion", "one of sgd, adam, adamw"),
        ("learning_rate", 0, "a number above 0"),
        ("learning_rate", float("nan"), "a number above 0"),
        ("decay", "step", "one of constant, cosine"),
        ("final_learning_rate", 0.2, "a number from 0 to learning_rate"),
        ("warmup_epochs", 5, "a whole number from 0 to less than epochs"),
        ("momentum", 1.0, "a number from 0 to less than 1"),
        ("weight_decay", -0.1, "a number of at least 0"),
        ("clip_norm", 0.0, "a number above 0, or none"),
    ],
)
def test_a_value_out_of_range_is_named(field, value, allowed):
    assert field in {each.name for each in fields(Schedule)}
    with pytest.raises(NassimError, match=rf"schedule: {field} is {allowed}.*, found {value!r}"):
        Schedule(**{"epochs": 5, field: value})


def test_nesterov_needs_momentum():
    with pytest.raises(NassimError, match="nesterov is used with a momentum above 0 only, found True"):
        Schedule(5, momentum=0.0, nesterov=True)


def test_a_schedule_needs_no_torch():
    code = "import sys, nassim.evaluators.schedule, nassim.evaluators.rounds; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
