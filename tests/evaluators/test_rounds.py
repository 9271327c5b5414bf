import pytest

from nassim.errors import NassimError
from nassim.evaluators.rounds import Rounds, enas_schedule
from nassim.evaluators.schedule import Schedule

ROUNDS = Rounds(enas_schedule(3), updates=2, children=5, derive=4)
WARM = Rounds(enas_schedule(5), warmup=2, updates=2, children=5, derive=4)


def test_trials_are_those_of_all_rounds_and_the_derivation():
    assert (ROUNDS.trials_per_round, ROUNDS.learn_trials, ROUNDS.trials) == (10, 30, 34)
    assert [ROUNDS.round_of(trial) for trial in (0, 9, 10, 29, 30, 33)] == [0, 0, 1, 2, 2, 2]
    assert [trial for trial in range(34) if ROUNDS.is_derived(trial)] == [30, 31, 32, 33]


def test_the_warm_up_has_no_trials():
    assert (WARM.trials_per_round, WARM.learn_trials, WARM.trials) == (10, 30, 34)
    assert [WARM.round_of(trial) for trial in (0, 9, 10, 29, 30, 33)] == [2, 2, 3, 4, 4, 4]
    with pytest.raises(NassimError, match="enas: warmup is less than the rounds, found 3 of 3"):
        Rounds(enas_schedule(3), warmup=3)


def test_the_find_is_among_those_that_were_derived():
    assert ROUNDS.finalists([0, 28, 30, 31, 33]) == [30, 31, 33]
    assert ROUNDS.finalists([0, 12, 14, 15]) == [12, 14, 15], "the last round that has values"
    assert ROUNDS.finalists([]) == []


def test_the_papers_settings_are_the_defaults():
    schedule = enas_schedule(310)
    assert schedule == Schedule(
        epochs=310,
        batch_size=128,
        optimizer="sgd",
        learning_rate=0.05,
        decay="cosine",
        final_learning_rate=0.001,
        momentum=0.9,
        nesterov=True,
        weight_decay=1e-4,
        clip_norm=5.0,
    )


@pytest.mark.parametrize(
    ("field", "least"), [("warmup", 0), ("updates", 1), ("children", 1), ("derive", 1), ("minibatch", 2)]
)
@pytest.mark.parametrize("value", [-1, 1.0, True])
def test_a_number_out_of_range_is_named(field, least, value):
    with pytest.raises(NassimError, match=f"enas: {field} is a whole number of at least {least}, found {value!r}"):
        Rounds(enas_schedule(3), **{field: value})
