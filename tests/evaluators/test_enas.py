import os
import pickle
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_space import DATA, Small, architecture, counted, disturb, reports, until_raised
from torch import nn

from nassim.cost.work import Activity, Work, add_up
from nassim.errors import NassimError
from nassim.evaluation import Candidate, Diverged, StateLost
from nassim.evaluators.enas import EnasEvaluator
from nassim.evaluators.rounds import Rounds, enas_schedule
from nassim.evaluators.shared import SharedWeights
from nassim.ledger.entry import Stage
from nassim.seeds import derive_seed
from nassim.space import BatchNorm2d, Conv2d, Linear, SearchSpace
from search_spaces.cell import Cell

SPACE = Small()
ROUNDS = Rounds(enas_schedule(3, batch_size=64, learning_rate=0.1), updates=2, children=4, derive=3, minibatch=128)
WARM = replace(ROUNDS, shared=enas_schedule(5, batch_size=64, learning_rate=0.1), warmup=2)


class Elastic(SearchSpace):
    """A chosen width, through elastic layers."""

    input_shape = (1, 8, 8)
    classes = 10

    def build(self, choose):
        width = choose("width", [4, 8])
        return nn.Sequential(
            Conv2d(1, width, 3, stride=2), BatchNorm2d(width), nn.ReLU(), nn.Flatten(), Linear(width * 9, 10)
        )


def enas(folder, space=SPACE, rounds=ROUNDS, seed=7):
    return EnasEvaluator("enas", space, DATA, rounds, SharedWeights("enas/shared", Path(folder), seed))


def draw(space=SPACE, seed=0):
    """Draws as the search loop does: what is drawn depends on a seed and not on earlier draws."""
    return lambda n, step=0: [space.sample(rng) for rng in [np.random.default_rng(seed)] for _ in range(n)]


def trials(first, last, space=SPACE, seed=1):
    architectures = draw(space, seed)(last)
    return [Candidate(architectures[n], n, derive_seed(0, "trial", n)) for n in range(first, last)]


def do(evaluator, job):
    return list(evaluator.run(job))


def prepare(evaluator, number, draw):
    (shared,) = evaluator.preparations
    return evaluator.prepare(shared, number, draw)


def do_rounds(evaluator, numbers, space=SPACE):
    """Train the shared weights for some rounds."""
    return [do(evaluator, prepare(evaluator, number, draw(space, number))) for number in numbers]


def weights(folder, number):
    state = torch.load(os.path.join(folder, f"round-{number:05d}.pt"), weights_only=True)
    return {**state["model"], **{f"o{k}": v["momentum_buffer"] for k, v in state["optimizer"]["state"].items()}}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


# The books.


@pytest.mark.parametrize(
    "space", [SPACE, Elastic(), Cell(width=2, cells=1, input_shape=(1, 8, 8))], ids=lambda s: type(s).__name__
)
def test_a_round_does_what_is_planned_and_torch_counts_as_much(tmp_path, space):
    evaluator = enas(tmp_path, space)
    supernet = prepare(evaluator, 0, draw(space))
    score = evaluator.plan(trials(0, 4, space))
    for job, activity in ((supernet, Activity.SUPERNET), (score, Activity.SCORE)):
        progresses, flop = counted(evaluator.run(job))
        (planned,) = job.planned
        done = [p.work for p in progresses if p.work.activity is activity]
        assert sum(done[1:], done[0]) == planned
        assert planned.flop == flop > 0


def test_each_trial_is_billed_its_own_work(tmp_path):
    evaluator = enas(tmp_path)
    do_rounds(evaluator, range(3))
    for candidates, inputs in ((trials(16, 20), 128), (trials(24, 27), 359)):  # 359 digits to validate on
        job = evaluator.plan(candidates)
        expected = [SPACE.profile(c.architecture).inference(inputs, Activity.SCORE) for c in candidates]
        assert [(p.work, p.trial) for p in do(evaluator, job)] == [
            (work, candidate.trial) for work, candidate in zip(expected, candidates, strict=True)
        ]
        assert job.planned == add_up(expected)


def test_a_job_that_is_done_plans_nothing(tmp_path):
    assert enas(tmp_path).plan(trials(0, 4), first=1).planned == ()


def test_the_plan_of_a_round_adds_up_the_children(tmp_path):
    job = prepare(enas(tmp_path), 1, draw())
    assert (job.id, job.stage, job.first, job.last) == ("enas/shared", Stage.SHARED, 1, 2)
    sizes = [64] * 16 + [55]  # 1079 digits to train on
    profiles = [SPACE.profile(child) for child in job.children]
    assert len(profiles) == 17
    assert job.candidates == ()
    (planned,) = job.planned
    assert (planned.activity, planned.samples) == (Activity.SUPERNET, 1079)
    for amount in ("forward_flop", "backward_flop"):
        steps = zip(profiles, sizes, strict=True)
        assert getattr(planned, amount) == sum(getattr(profile, amount) * size for profile, size in steps)


def test_the_plan_of_scores(tmp_path):
    candidates = trials(4, 8)
    job = enas(tmp_path).plan(candidates)
    assert (job.id, job.stoppable, job.candidates) == ("enas/trials/4-7", False, tuple(candidates))
    flop = sum(SPACE.profile(candidate.architecture).forward_flop for candidate in candidates)
    (planned,) = job.planned
    assert (planned.activity, planned.forward_flop, planned.samples) == (Activity.SCORE, 128 * flop, 4 * 128)
    assert (planned.backward_flop, planned.torch_flop) == (0, 128 * flop)


def test_a_round_reports_once_its_weights_are_kept(tmp_path):
    evaluator = enas(tmp_path)
    progresses = do(evaluator, prepare(evaluator, 0, draw()))
    assert [(p.work.activity, p.step, p.trial, set(p.metrics)) for p in progresses] == [
        (Activity.SUPERNET, None, None, set()),
        (Activity.SUPERNET, None, None, set()),
        (Activity.CHECKPOINT, 1, None, {"train_loss"}),
    ]
    assert progresses[2].work.bytes == os.path.getsize(tmp_path / "round-00000.pt")


def test_each_trial_has_a_report(tmp_path):
    evaluator = enas(tmp_path)
    do_rounds(evaluator, [0])
    found = reports(do(evaluator, evaluator.plan(trials(0, 4))))
    assert [(step, trial) for step, trial, _ in found] == [(1, 0), (1, 1), (1, 2), (1, 3)]
    for _, _, metrics in found:
        right = round(128 * metrics["accuracy"])
        assert metrics["accuracy"] == right / 128
        assert metrics["score"] == (right + np.exp(-metrics["loss"])) / 129


# The search.


def test_rounds_come_before_the_trials_that_need_them(tmp_path):
    evaluator = enas(tmp_path)
    assert [evaluator.due(*evaluator.preparations, trial) for trial in (0, 7, 8, 15, 16, 26)] == [1, 1, 2, 2, 3, 3]
    assert (evaluator.batch, evaluator.trials, evaluator.learn_trials, evaluator.stationary) == (4, 27, 24, False)
    warm = enas(tmp_path, rounds=WARM)
    assert [warm.due(*warm.preparations, trial) for trial in (0, 7, 8, 15, 16, 26)] == [3, 3, 4, 4, 5, 5]
    assert (warm.trials, warm.learn_trials) == (27, 24)


def test_the_children_of_the_warm_up_are_uniform_and_the_others_the_samplers(tmp_path):
    evaluator = enas(tmp_path, rounds=WARM)

    def same(n, step):
        return [architecture("skip", "drop")] * n

    warmup = [[*prepare(evaluator, number, same).children] for number in range(2)]
    counts = Counter(child for children in warmup for child in children)
    assert len(counts) > 10, "of 16 architectures, in 34 draws"
    assert warmup[0] != warmup[1]
    assert [*prepare(evaluator, 0, draw()).children] == warmup[0]
    assert {*prepare(evaluator, 2, same).children} == {architecture("skip", "drop")}


def test_the_find_is_among_the_derived_trials(tmp_path):
    assert enas(tmp_path).finalists([3, 24, 25, 26]) == [24, 25, 26]


def test_shared_weights_learn(tmp_path):
    rounds = replace(ROUNDS, shared=enas_schedule(12, batch_size=64, learning_rate=0.1))
    evaluator = enas(tmp_path, rounds=rounds)
    losses = [p.metrics["train_loss"] for ps in do_rounds(evaluator, range(12)) for p in ps if p.is_report]
    assert losses[-1] < 0.6 * losses[0]
    found = [Candidate(choice, 96 + n, 0) for n, choice in enumerate(SPACE.enumerate())]
    accuracies = [m["accuracy"] for *_, m in reports(do(evaluator, evaluator.plan(found)))]
    assert len(accuracies) == 16
    assert min(accuracies) > 0.7, "every child scores well above chance, 0.1"


def test_each_trial_is_scored_on_a_minibatch_of_its_own_and_those_derived_on_all(tmp_path):
    evaluator = enas(tmp_path)
    do_rounds(evaluator, range(3))
    same_architecture = [Candidate(architecture("conv3", "skip"), n, n) for n in range(16, 27)]
    losses = [metrics["loss"] for *_, metrics in reports(do(evaluator, evaluator.plan(same_architecture)))]
    assert len(set(losses[:8])) == 8
    assert len(set(losses[8:])) == 1
    inputs = [torch.cat([x for x, _ in evaluator._minibatches(trial)]) for trial in (16, 24)]
    assert [len(x) for x in inputs] == [128, 359]
    everything = DATA.load().validation.x
    assert torch.equal(inputs[1].sum(0), everything.sum(0)), "each once, the order aside"
    assert [len(y) for _, y in evaluator._minibatches(24)] == [180, 179], "none smaller than those of the others"


def test_equal_accuracies_are_told_apart_by_the_loss(tmp_path):
    evaluator = enas(tmp_path)
    do_rounds(evaluator, range(3))
    # Logits that the data decides alone, three times as sure for one architecture: as many right, at another loss.
    evaluator._held.trainer.model.register_forward_hook(
        lambda module, args, y: args[0].flatten(1)[:, 20:30] * (3.0 if args[1]["first"] == "conv1" else 0.1)
    )
    candidates = [Candidate(architecture(first, "skip"), n, n) for n, first in ((24, "conv1"), (25, "skip"))]
    one, other = (metrics for *_, metrics in reports(do(evaluator, evaluator.plan(candidates))))
    assert one["accuracy"] == other["accuracy"]
    assert (one["score"] > other["score"]) == (one["loss"] < other["loss"])
    assert abs(one["score"] - other["score"]) < 1 / 359, "less than one input counts"


def test_scoring_is_by_the_minibatchs_own_statistics_and_leaves_no_trace(tmp_path):
    evaluator = enas(tmp_path)
    do_rounds(evaluator, [0])
    before = weights(tmp_path, 0)
    first = reports(do(evaluator, evaluator.plan(trials(0, 4))))
    assert reports(do(evaluator, evaluator.plan(trials(0, 4)))) == first
    backwards = reports(do(evaluator, evaluator.plan(trials(0, 4)[::-1])))
    assert sorted(backwards, key=lambda r: r[1]) == first
    held = evaluator._held.trainer.model.state_dict()
    assert all(torch.equal(held[name], before[name]) for name in held)

    # The same by hand: the subnet with the shared weights, in training mode, on the trial's minibatch.
    candidate = trials(0, 1)[0]
    ((x, y),) = evaluator._minibatches(0)
    subnet = evaluator._held.trainer.model.extract(candidate.architecture).eval()
    for module in subnet.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train()
    loss = nn.functional.cross_entropy(subnet(x), y).item()
    assert first[0][2]["loss"] == pytest.approx(loss, rel=1e-5)


# Whichever worker does it, and after whatever.


def test_any_worker_gets_the_same_weights_and_scores(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    alone = enas(one)
    do_rounds(alone, range(3))
    scores = reports(do(alone, alone.plan(trials(16, 20))))
    for number in range(3):
        disturb()
        do_rounds(enas(other), [number])  # a new worker each round, which reads the weights
    assert same(weights(one, 2), weights(other, 2))
    worker = enas(other)
    progresses = do(worker, worker.plan(trials(16, 20)))
    assert [p.work for p in progresses[:2]] == [
        Work(Activity.SCORE),  # building the supernet
        Work(Activity.TRANSFER, bytes=os.path.getsize(other / "round-00002.pt")),
    ]
    assert reports(progresses) == scores
    again = do(worker, worker.plan(trials(20, 24)))
    assert Activity.TRANSFER not in {p.work.activity for p in again}, "weights are held and not read again"


def test_a_worker_that_holds_other_weights_builds_no_second_supernet(tmp_path):
    one, other = enas(tmp_path), enas(tmp_path)
    do_rounds(one, [0])
    do(other, other.plan(trials(0, 4)))
    do_rounds(one, [1])
    progresses = do(other, other.plan(trials(8, 12)))
    assert [p.work.activity for p in progresses] == [Activity.TRANSFER, *[Activity.SCORE] * 4]
    assert reports(progresses) == reports(do(one, one.plan(trials(8, 12))))
    do_rounds(other, [0])  # from the beginning again
    fresh = tmp_path / "fresh"
    do_rounds(enas(fresh), [0])
    assert same(weights(tmp_path, 0), weights(fresh, 0))


def test_a_round_that_was_lost_is_done_again_to_the_same_end(tmp_path):
    evaluator = enas(tmp_path)
    do_rounds(evaluator, range(2))
    kept = weights(tmp_path, 1)
    do_rounds(enas(tmp_path), [1])
    assert same(weights(tmp_path, 1), kept)
    do_rounds(evaluator, [1])  # by the worker that did it before
    assert same(weights(tmp_path, 1), kept)


def test_a_worker_removes_no_file_and_the_driver_is_told_which_are_needless(tmp_path):
    evaluator = enas(tmp_path)
    needless = []
    for number in range(3):
        do_rounds(evaluator, [number])
        needless.append([file.name for file in evaluator.preparations[0].needless(number + 1)])
    assert sorted(os.listdir(tmp_path)) == [f"round-0000{number}.pt" for number in range(3)]
    assert needless == [[], [], ["round-00000.pt"]]


def test_rounds_stand_up_to_the_last_file_that_is_there_and_sound(tmp_path):
    evaluator = enas(tmp_path)
    assert evaluator.preparations[0].standing(0) == 0
    do_rounds(evaluator, range(3))
    assert evaluator.preparations[0].standing(3) == 3
    (tmp_path / "round-00002.pt").write_bytes(b"half a file")
    assert evaluator.preparations[0].standing(3) == 2
    (tmp_path / "round-00001.pt").unlink()
    assert evaluator.preparations[0].standing(3) == 1
    (tmp_path / "round-00000.pt").unlink()
    assert evaluator.preparations[0].standing(3) == 0


@pytest.mark.parametrize("whose", ["another round's", "another search's"])
def test_weights_in_the_place_of_a_rounds_are_not_taken_for_its_own(tmp_path, whose):
    evaluator, other = enas(tmp_path), enas(tmp_path / "other", seed=6)
    do_rounds(evaluator, range(2))
    do_rounds(other, range(2))
    source = tmp_path / "round-00000.pt" if whose == "another round's" else tmp_path / "other" / "round-00001.pt"
    (tmp_path / "round-00001.pt").write_bytes(source.read_bytes())
    assert evaluator.preparations[0].standing(2) == 1
    with pytest.raises(StateLost, match=r"round-00001\.pt are of \{'round': [01], 'seed': \d\}; wanted those of"):
        do(enas(tmp_path), evaluator.plan(trials(8, 12)))


def test_a_round_that_was_kept_is_not_done_again(tmp_path):
    evaluator = enas(tmp_path)
    job = prepare(evaluator, 0, draw())
    assert do(evaluator, replace(job, first=1)) == []


def test_missing_weights_fail_clearly(tmp_path):
    evaluator = enas(tmp_path)
    with pytest.raises(NassimError, match=r"checkpoint .*round-00001\.pt is missing"):
        do(evaluator, evaluator.plan(trials(8, 12)))


def test_a_round_that_fails_tells_its_work_and_is_begun_anew(tmp_path):
    evaluator = enas(tmp_path)
    do_rounds(evaluator, [0])
    before = weights(tmp_path, 0)
    evaluator._held.trainer.model.register_forward_pre_hook(fail_at(5))
    job = prepare(evaluator, 1, draw(seed=1))
    (progress,), _ = until_raised(evaluator.run(job), MemoryError)
    flop = sum(SPACE.profile(child).forward_flop * 64 for child in job.children[:4])
    assert (progress.work.samples, progress.work.forward_flop) == (4 * 64, flop)
    assert same(weights(tmp_path, 0), before)
    do(evaluator, job)
    fresh = tmp_path / "fresh"
    do_rounds(enas(fresh), range(2))
    assert same(weights(tmp_path, 1), weights(fresh, 1))


def fail_at(call):
    calls = iter(range(1, 10**9))

    def hook(*_):
        if next(calls) >= call:
            raise MemoryError("no more")

    return hook


def test_scores_before_an_exception_are_on_the_books(tmp_path):
    evaluator = enas(tmp_path)
    do_rounds(evaluator, [0])
    evaluator._held.trainer.model.register_forward_pre_hook(fail_at(3))
    candidates = trials(0, 4)
    *scored, last = until_raised(evaluator.run(evaluator.plan(candidates)), MemoryError)[0]
    assert [p.work for p in scored] == [
        SPACE.profile(candidate.architecture).inference(128, Activity.SCORE) for candidate in candidates[:2]
    ]
    assert (last.work, last.trial, last.is_report) == (Work(Activity.SCORE), 2, False)


def test_the_part_of_a_trial_before_an_exception_is_on_the_books(tmp_path):
    evaluator = enas(tmp_path)
    do_rounds(evaluator, range(3))
    evaluator._held.trainer.model.register_forward_pre_hook(fail_at(4))
    candidates = trials(24, 27)
    *_, last = until_raised(evaluator.run(evaluator.plan(candidates)), MemoryError)[0]
    assert last.work == SPACE.profile(candidates[1].architecture).inference(180, Activity.SCORE)
    assert last.trial == 25


def test_shared_weights_that_diverge_say_so(tmp_path):
    rounds = replace(ROUNDS, shared=ROUNDS.shared.model_copy(update={"learning_rate": 1e30, "clip_norm": None}))
    evaluator = enas(tmp_path, rounds=rounds)
    job = prepare(evaluator, 0, draw())
    (built, progress), error = until_raised(evaluator.run(job), Diverged)
    assert str(error).startswith("loss is nan at epoch 1, step ")
    assert built.work == Work(Activity.SUPERNET)
    assert (progress.work,) == job.planned
    assert os.listdir(tmp_path) == []


def test_one_child_that_is_not_finite_fails_alone(tmp_path):
    evaluator = enas(tmp_path)
    do_rounds(evaluator, [0])
    evaluator._held.trainer.model.register_forward_hook(
        lambda module, args, y: y * float("nan") if args[1]["first"] == "conv1" else y
    )
    candidates = [Candidate(architecture(first, "skip"), n, n) for n, first in enumerate(["conv3", "conv1", "skip"])]
    accuracies = [metrics["accuracy"] for *_, metrics in reports(do(evaluator, evaluator.plan(candidates)))]
    assert np.isfinite(accuracies).tolist() == [True, False, True]


def test_what_is_scored_together_is_of_one_round(tmp_path):
    with pytest.raises(ValueError, match="trials scored together are of one round"):
        enas(tmp_path).plan(trials(6, 10))
    with pytest.raises(ValueError, match="without a trial number"):
        enas(tmp_path).plan([Candidate(architecture("skip", "skip"), None, 0)])


def test_an_evaluator_travels(tmp_path):
    copy = pickle.loads(pickle.dumps(enas(tmp_path)))
    do_rounds(copy, [0])
    assert os.listdir(tmp_path) == ["round-00000.pt"]
