import pytest

from nassim.errors import NassimError
from nassim.evaluators.rounds import Rounds, enas_schedule
from nassim.evaluators.schedule import Schedule

ROUNDS = Rounds(enas_schedule(3), updates=2, children=5, derive=4)


def test_trials_are_those_of_all_rounds_and_the_derivation():
    assert (ROUNDS.trials_per_round, ROUNDS.learn_trials, ROUNDS.trials) == (10, 30, 34)
    assert [trial for trial in range(40) if ROUNDS.begins(trial)] == [0, 10, 20]
    assert [ROUNDS.round_of(trial) for trial in (0, 9, 10, 29, 30, 33)] == [0, 0, 1, 2, 2, 2]


def test_an_update_shares_a_minibatch_and_so_does_the_derivation():
    assert [ROUNDS.draw_of(trial) for trial in (0, 4, 5, 29)] == [
        ("update", 0),
        ("update", 0),
        ("update", 1),
        ("update", 5),
    ]
    assert {ROUNDS.draw_of(trial) for trial in range(30, 34)} == {("derive",)}


def test_the_find_is_among_those_that_were_derived():
    assert ROUNDS.finalists([0, 28, 30, 31, 33]) == [30, 31, 33]
    assert ROUNDS.finalists([0, 12, 14, 15]) == [12, 14, 15], "the last round that has values"
    assert ROUNDS.finalists([]) == []


def test_the_papers_settings_are_the_defaults():
    schedule = enas_schedule(310)
    assert schedule == Schedule(
        310,
        128,
        "sgd",
        learning_rate=0.05,
        decay="cosine",
        final_learning_rate=0.001,
        momentum=0.9,
        nesterov=True,
        weight_decay=1e-4,
        clip_norm=5.0,
    )


@pytest.mark.parametrize(("field", "least"), [("updates", 1), ("children", 1), ("derive", 1), ("minibatch", 2)])
@pytest.mark.parametrize("value", [0, 1.0, True])
def test_a_number_out_of_range_is_named(field, least, value):
    with pytest.raises(NassimError, match=f"enas: {field} is a whole number of at least {least}, found {value!r}"):
        Rounds(enas_schedule(3), **{field: value})
