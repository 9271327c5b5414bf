import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nassim.evaluators.schedule import Schedule


@given(count=st.integers(2, 5000), batch_size=st.integers(2, 300))
def test_minibatches_cover_every_input_once_and_none_is_of_one(count, batch_size):
    sizes = Schedule(epochs=1, batch_size=batch_size).minibatches(count)
    assert sum(sizes) == count
    assert min(sizes) >= 2
    assert max(sizes) <= batch_size + 1


def test_a_last_minibatch_of_one_joins_the_one_before():
    assert Schedule(epochs=1, batch_size=4).minibatches(9) == [4, 5]
    assert Schedule(epochs=1, batch_size=4).minibatches(10) == [4, 4, 2]
    assert Schedule(epochs=1, batch_size=4).minibatches(8) == [4, 4]
    assert Schedule(epochs=1, batch_size=4).minibatches(3) == [3]


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
    ("field", "value"),
    [
        ("epochs", 0),
        ("epochs", True),
        ("epochs", 2.5),
        ("batch_size", 1),
        ("optimizer", "lion"),
        ("learning_rate", 0),
        ("learning_rate", float("nan")),
        ("decay", "step"),
        ("momentum", 1.0),
        ("weight_decay", -0.1),
        ("clip_norm", 0.0),
        ("dropout", 0.1),
    ],
)
def test_a_value_out_of_range_is_named(field, value):
    with pytest.raises(ValidationError) as caught:
        Schedule(**{"epochs": 5, field: value})
    (error,) = caught.value.errors()
    assert (error["loc"], error["input"]) == ((field,), pytest.approx(value, nan_ok=True))


@pytest.mark.parametrize(
    ("keys", "key", "message"),
    [
        ({"warmup_epochs": 3}, "warmup_epochs", "is a whole number from 0 to less than epochs, found 3"),
        ({"final_learning_rate": 1.0}, "final_learning_rate", "is a number from 0 to learning_rate, found 1.0"),
        ({"nesterov": True, "momentum": 0.0}, "nesterov", "is used with a momentum above 0 only, found True"),
    ],
)
def test_values_that_are_right_by_themselves_but_not_together(keys, key, message):
    with pytest.raises(ValidationError) as caught:
        Schedule(epochs=3, **keys)
    (error,) = caught.value.errors()
    assert (error["loc"], error["msg"]) == ((key,), message)


def test_a_schedule_needs_no_torch():
    code = "import sys, nassim.evaluators.schedule, nassim.evaluators.rounds; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
