"""An experiment file's training is the evaluators' Schedule, key for key."""

from dataclasses import MISSING, fields

import pytest
from pydantic import ValidationError

from nassim.evaluators.schedule import Schedule
from nassim.experiment.training import Training


def test_keys_and_defaults_are_those_of_a_schedule():
    keys = {name: MISSING if field.is_required() else field.default for name, field in Training.model_fields.items()}
    assert keys == {field.name: field.default for field in fields(Schedule)}


def test_it_makes_the_schedule_it_says():
    assert Training(epochs=3, learning_rate=0.5, clip_norm=5.0).schedule() == Schedule(
        3, learning_rate=0.5, clip_norm=5.0
    )


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
        Training(epochs=3, **keys)
    (error,) = caught.value.errors()
    assert (error["loc"], error["msg"]) == ((key,), message)
