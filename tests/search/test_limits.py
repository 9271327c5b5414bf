"""Limits are never exceeded, and what is beyond them costs nothing."""

from dataclasses import dataclass

import optuna
import pytest
from papers import COSTS, SPACE, Paper, cost, limit, look
from searching import ENAS, FULL, experiment, run

from nassim.cost.work import Activity, Work
from nassim.errors import NassimError
from nassim.evaluation import Job, Progress
from nassim.hardware.costs import Costs
from nassim.ledger.entry import Stage
from nassim.run import execute
from nassim.samplers.catalogue import make_sampler
from nassim.samplers.redrawing import MOST_REDRAWS
from nassim.search.agenda import MOST_IN_VAIN
from nassim.search.aims import ACCURACY, Limit, excesses
from nassim.search.feasibility import check_limits
from nassim.space.distributions import suggest

SAMPLERS = ("random", "tpe", "nsga2", "grid", "evolution", "reinforce")
LEARNERS = ("tpe", "nsga2")
"""Samplers that are told by how much a proposal is beyond the limits."""

SMALL = 860
"""Parameters. Stem and classifier have 698, a conv3 has 148, a conv1 20, the others none."""
WITHIN = [each for each in SPACE.enumerate() if COSTS.cost("params")(each) <= SMALL]


def test_the_limit_of_these_tests_divides_the_space():
    # Without a conv3: 3 x 3 x 3 networks, of at most 698 + 60. With one (846), in one of 3 places: no room for a conv1,
    # so 2 x 2 for the rest. With two there are 994.
    assert (SPACE.size, len(WITHIN)) == (64, 27 + 3 * 4)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_no_sampler_has_anything_trained_that_is_beyond_them(sampler):
    limits = (limit("params", SMALL), limit("forward_flop", 12_000))
    found = look(sampler, 12, objectives=(ACCURACY, cost("forward_flop")), limits=limits)
    within = [each for each in SPACE.enumerate() if not excesses(limits, each)]
    assert 0 < len(within) < 40
    beyond = found.trials["outcome"] == "infeasible"
    assert (~beyond).sum() == 12, "those beyond the limits don't count"
    for number, is_beyond in beyond.items():
        assert bool(excesses(limits, SPACE.canonical(found.study.trials[number].params))) == is_beyond
    spent = found.entries[found.entries["trial"].isin(beyond.index[beyond])]
    assert spent[["forward_flop", "backward_flop", "samples", "seconds"]].to_numpy().sum() == 0
    assert len(spent) == beyond.sum(), "they have their closing lines and nothing else"
    assert beyond.any() == (sampler in LEARNERS), "the others draw again"
    assert set(found.loop.trials.complete) == set(beyond.index[~beyond])


def test_an_infeasible_trial_says_why_and_what_it_would_have_cost():
    found = look("tpe", 4, limits=(limit("params", SMALL),))
    beyond = found.trials[found.trials["outcome"] == "infeasible"]
    params = COSTS.cost("params")(SPACE.canonical(found.study.trials[beyond.index[0]].params))
    assert beyond["reason"].iloc[0] == f"params is {params:,.0f}, the limit 860"
    (notice, *_) = [each for each in found.notices if getattr(each, "outcome", None) == "infeasible"]
    assert notice.reason == beyond["reason"].iloc[0]
    # Optuna's constraint: how far beyond, as a share of the limit.
    assert found.study.trials[beyond.index[0]].constraints == {"params": pytest.approx(params / 860 - 1)}


@pytest.mark.parametrize("sampler", LEARNERS)
def test_samplers_that_are_told_learn_to_keep_within(sampler):
    found = look(sampler, 20, limits=(limit("params", 700),))
    # 2 x 2 x 2 of the 64 networks have no convolution but the stem: drawn at random it would take 160 proposals.
    assert 20 < len(found.trials) < 100


@pytest.mark.parametrize("sampler", ["random", "evolution", "reinforce"])
def test_a_first_draw_within_the_limits_is_what_it_would_have_been_without(sampler):
    free, limited = look(sampler, 30), look(sampler, 30, limits=(limit("params", 10_000),))
    assert limited.proposed == free.proposed
    tight = look(sampler, 5, limits=(limit("params", SMALL),))
    firsts = [a for a, b in zip(free.proposed, tight.proposed, strict=False) if a == b]
    assert 0 < len(firsts) < 5


def test_a_grid_has_what_is_within_and_no_more():
    sampler = make_sampler("grid", 0, {}, SPACE.domain, is_within=lambda each: each in WITHIN)
    assert sampler.trials_at_most == len(WITHIN)
    found = look("grid", len(WITHIN), limits=(limit("params", SMALL),))
    assert {SPACE.canonical(params) for params in found.proposed} == set(WITHIN)


@pytest.mark.slow
def test_a_search_that_finds_nothing_within_ends():
    found = look("nsga2", 4, limits=(limit("params", 600),))
    assert found.loop.reason == f"its limits: the last {MOST_IN_VAIN:,} proposals were beyond them"
    assert list(found.trials["outcome"]) == ["infeasible"] * MOST_IN_VAIN
    assert found.loop.trials.complete == {}


def test_a_redrawing_sampler_gives_up_in_the_end():
    asked = []
    sampler = make_sampler("random", 0, {}, SPACE.domain, is_within=asked.append)
    suggest(optuna.create_study(sampler=sampler).ask(), SPACE.domain)
    assert len(asked) == MOST_REDRAWS
    assert len(set(asked)) > 30, "each time another"


@pytest.mark.parametrize(
    ("limits", "nearest"),
    [
        ({"params": 600}, "params is 698, the limit 600"),
        ({"params": 700, "forward_flop": 1}, "forward_flop is .*, the limit 1"),
        ({"latency_ms": {"device": "a100", "at_most": 0.001}}, "latency_ms@a100 is .*, the limit 0.001"),
    ],
)
def test_a_space_with_nothing_within_is_refused_before_anything_starts(tmp_path, limits, nearest):
    plan = experiment(tmp_path, FULL, limits=limits)
    with pytest.raises(NassimError, match=rf"search full: limits: found no architecture of the 64 .*{nearest}\. Raise"):
        execute(plan)
    assert not list(tmp_path.iterdir()), "nothing is written"


def test_limits_that_are_hard_to_meet_are_found_to_be_met():
    """Only one network has as few parameters and as many bytes to write."""
    least = min(COSTS.cost("params")(each) for each in SPACE.enumerate())
    check_limits(SPACE, [limit("params", least), limit("latency_ms", 10.0, device="rpi4")])


def test_the_children_that_train_shared_weights_are_within(tmp_path):
    done = run(experiment(tmp_path, ENAS | {"limits": {"params": SMALL}}))
    assert set(done.outcomes) == {"complete"}
    small = {each.id for each in WITHIN}
    assert set(done.trials["architecture"]) <= small
    # Of the round's children the FLOP alone are on the books: between the least and the greatest of those within.
    shared = done.entries[(done.entries["activity"] == "supernet") & (done.entries["samples"] > 0)]
    flop = [SPACE.profile(each).forward_flop for each in WITHIN]
    per_input = shared["forward_flop"] / shared["samples"]
    assert per_input.between(min(flop), max(flop)).all()


def test_limits_on_memory_and_energy_hold_in_a_run(tmp_path):
    costs = {"training_memory_bytes": {}, "energy_mj": {"device": "rpi4", "batch": 2}}
    # As the experiment trains: minibatches of 128, SGD with momentum.
    made = {name: Costs(SPACE, 128, 1).cost(name, **where) for name, where in costs.items()}
    every = {name: sorted(map(of, SPACE.enumerate())) for name, of in made.items()}
    limits = {name: {**where, "at_most": every[name][40]} for name, where in costs.items()}
    done = run(experiment(tmp_path, FULL | {"trials": 8, "sampler": {"name": "random"}}, limits=limits))
    assert set(done.outcomes) <= {"complete", "duplicate"}
    found = [SPACE.canonical(trial.params) for trial in done.study("full")]
    assert len(found) == 8
    for name, of in made.items():
        assert max(map(of, found)) <= every[name][40] < every[name][-1]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_cost_that_can_not_be_told_fails_its_trial_alone(sampler):
    def riddle(architecture):
        if architecture["block0"] == "conv3":
            raise NassimError("nobody knows")
        return 1.0

    found = look(sampler, 12, limits=(Limit("riddle", 1.0, riddle),))
    assert "failed" in set(found.trials["outcome"])
    for number, trial in found.trials.iterrows():
        unknown = found.study.trials[number].params["block0"] == "conv3"
        assert trial["outcome"] == "failed" if unknown else trial["outcome"] in ("complete", "duplicate")
        assert trial["reason"] == ("NassimError: nobody knows" if unknown else None)
        assert (trial["samples"] == 0) == unknown


@dataclass(frozen=True)
class Everlasting:
    """A preparation whose states are never lost."""

    id: str

    def standing(self, step):
        return step

    def needless(self, step):
        return ()


class Rounds(Paper):
    """Prepares before every fourth trial and evaluates two at a time; notes what is done in which order."""

    batch = 2
    trials = 8

    def __init__(self):
        self.done = []
        self.preparations = (Everlasting("s/shared"),)

    def due(self, preparation, trial):
        return 1 + min(trial, self.trials - 1) // 4

    def prepare(self, preparation, first, draw):
        self.done.append(f"prepares {first}")
        planned = (Work(Activity.SUPERNET),)
        return Job(preparation.id, "s", "shared weights", (), first, first + 1, 0, planned, Stage.SHARED)

    def plan(self, candidates, first=0):
        self.done.append([candidate.trial for candidate in candidates])
        planned = (Work(Activity.SCORE),)
        return Job(f"s/{candidates[0].trial}", "s", "scoring", tuple(candidates), first, 1, 0, planned, stoppable=False)

    def run(self, job):
        yield Progress(job.planned[0])
        for candidate in job.candidates:
            yield Progress(Work(Activity.SCORE), 1, candidate.trial, {"accuracy": 0.5})
        if not job.candidates:
            yield Progress(Work(Activity.CHECKPOINT), job.last, None, {"train_loss": 0.5})


def test_a_round_is_prepared_also_where_the_one_before_ends_with_what_is_beyond():
    def before(study):
        for _ in range(3):
            study.enqueue_trial({"block0": "skip"})
        for _ in range(2):
            study.enqueue_trial(dict.fromkeys(("block0", "block1", "block2"), "conv3"))

    rounds = Rounds()
    found = look("random", 8, limits=(limit("params", SMALL),), before=before, evaluator=rounds)
    assert list(found.trials["outcome"] == "infeasible") == [False] * 3 + [True] * 2 + [False] * 5
    assert rounds.done == ["prepares 0", [0, 1], [2], "prepares 1", [5, 6], [7, 8], [9]]
