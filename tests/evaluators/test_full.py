import os
import pickle
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_space import (
    DATA,
    SCHEDULE,
    Small,
    architecture,
    counted,
    disturb,
    reports,
    seed_of,
    until_raised,
    works,
)
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nassim.cost.work import Activity, Work, add_up
from nassim.errors import NassimError
from nassim.evaluation import Candidate, Diverged
from nassim.evaluators.full import FullEvaluator
from nassim.evaluators.schedule import Schedule
from nassim.space import SearchSpace

SPACE = Small()
FULL = FullEvaluator("tpe", SPACE, DATA, SCHEDULE)
CANDIDATE = Candidate(architecture("conv3", "drop"), 17, seed_of(17))


def test_the_plan_of_a_trial():
    job = FULL.plan([CANDIDATE])
    assert (job.id, job.prunable, job.first, job.last, job.seed) == ("tpe/trial/17", True, 0, 3, CANDIDATE.seed)
    # digits: 1079 to train on, 359 to validate on, 3 epochs. Stem 4x4x6x9, block 4x4x6x6x9, classifier 96x10 MACs.
    forward_flop = 2 * (864 + 5184 + 960)
    # Backward: two as much again, but for the stem, whose input takes no gradient.
    backward_flop = 2 * (864 + 2 * 5184 + 2 * 960)
    training, validating = job.planned
    assert (training.activity, training.samples) == (Activity.TRAIN, 3 * 1079)
    assert (training.forward_flop, training.backward_flop) == (3 * 1079 * forward_flop, 3 * 1079 * backward_flop)
    assert (validating.activity, validating.samples) == (Activity.VALIDATE, 3 * 359)
    assert (validating.forward_flop, validating.backward_flop) == (3 * 359 * forward_flop, 0)


@pytest.mark.parametrize("batch_size", [64, 166, 1079])  # 1079 = 6 * 166 + 83 = 16 * 64 + 55
@pytest.mark.parametrize("ops", [("conv3", "conv1"), ("skip", "drop")])
def test_planned_is_done_is_what_torch_counts(batch_size, ops):
    evaluator = replace(FULL, schedule=SCHEDULE.model_copy(update={"batch_size": batch_size}))
    job = evaluator.plan([Candidate(architecture(*ops), 0, 1)])
    progresses, flop = counted(evaluator.run(job))
    assert add_up(p.work for p in progresses) == job.planned
    assert sum(work.flop for work in job.planned) == flop


def test_a_last_minibatch_of_one_input_trains():
    evaluator = replace(
        FULL, schedule=SCHEDULE.model_copy(update={"epochs": 1, "batch_size": 77})
    )  # 1079 = 14 * 77 + 1
    job = evaluator.plan([CANDIDATE])
    progresses, flop = counted(evaluator.run(job))
    assert add_up(p.work for p in progresses) == job.planned
    assert sum(work.flop for work in job.planned) == flop


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_trial_stopped_after_some_epochs_did_those(epochs):
    job = FULL.plan([CANDIDATE])

    def pruned():
        for progress in FULL.run(job):
            yield progress
            if progress.step == epochs:
                return

    progresses, flop = counted(pruned())
    for planned in job.planned:
        done = works(progresses)[planned.activity]
        assert (done.samples * 3, done.flop * 3) == (planned.samples * epochs, planned.flop * epochs)
    assert sum(p.work.flop for p in progresses) == flop


def test_one_report_an_epoch():
    progresses = list(FULL.run(FULL.plan([CANDIDATE])))
    assert [(p.work.activity, p.is_report) for p in progresses] == [
        (Activity.TRAIN, False),
        (Activity.VALIDATE, True),
    ] * 3
    assert [(step, trial) for step, trial, _ in reports(progresses)] == [(1, 17), (2, 17), (3, 17)]
    assert all(set(metrics) == {"accuracy", "loss", "train_loss"} for _, _, metrics in reports(progresses))


def test_networks_learn_the_digits():
    evaluator = replace(FULL, schedule=SCHEDULE.model_copy(update={"epochs": 6}))
    accuracies = [m["accuracy"] for *_, m in reports(evaluator.run(evaluator.plan([CANDIDATE])))]
    assert accuracies[0] < accuracies[-1]
    assert accuracies[-1] > 0.85


def test_the_same_seed_gives_the_same_result_whatever_ran_before():
    job = FULL.plan([CANDIDATE])
    first = reports(FULL.run(job))
    torch.manual_seed(99)
    list(FULL.run(FULL.plan([Candidate(architecture("conv1", "skip"), 3, 4)])))
    second = []
    for progress in FULL.run(job):
        disturb()
        second += reports([progress])
    assert first == second
    other = reports(FULL.run(FULL.plan([replace(CANDIDATE, seed=1)])))
    assert first != other


def test_two_trainings_in_turns_do_not_disturb_one_another():
    jobs = [FULL.plan([Candidate(architecture("conv3", "drop"), n, seed_of(n))]) for n in (0, 1)]
    alone = [reports(FULL.run(job)) for job in jobs]
    turns = list(zip(*(FULL.run(job) for job in jobs), strict=True))
    assert [reports(column) for column in zip(*turns, strict=True)] == alone


@pytest.mark.slow
def test_another_process_gets_the_same_result():
    code = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
import torch; torch.set_num_threads({torch.get_num_threads()})
from test_full import FULL, CANDIDATE; from small_space import reports
print(reports(FULL.run(FULL.plan([CANDIDATE]))))
"""
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert found.strip() == repr(reports(FULL.run(FULL.plan([CANDIDATE]))))


# Checkpoints.


def checkpointed(folder, first=0, epochs=5, every=1, evaluator=FULL):
    evaluator = replace(evaluator, schedule=SCHEDULE.model_copy(update={"epochs": epochs}))
    job = evaluator.plan([CANDIDATE], first)
    return evaluator, replace(job, checkpoint=str(folder / "17"), checkpoint_every=every)


def killed_at(progresses, wanted):
    """Run until a Progress is as wanted; return what came up to it."""
    found = []
    for progress in progresses:
        found.append(progress)
        if wanted(progress):
            return found
    raise AssertionError("never came")


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_going_on_from_a_checkpoint_ends_as_if_never_stopped(tmp_path, step, optimizer):
    evaluator, job = checkpointed(tmp_path)
    evaluator = replace(
        evaluator, schedule=evaluator.schedule.model_copy(update={"optimizer": optimizer, "nesterov": False})
    )
    whole = reports(evaluator.run(replace(job, checkpoint=None)))
    killed_at(evaluator.run(job), lambda p: p.work.activity is Activity.CHECKPOINT and p.step == step)
    disturb()
    resumed = replace(evaluator.plan([CANDIDATE], step), checkpoint=job.checkpoint)
    size = os.path.getsize(job.checkpoint_file(step))
    progresses, flop = counted(evaluator.run(resumed))
    assert [progress.work for progress in progresses[:2]] == [Work(Activity.TRAIN), Work(Activity.TRANSFER, bytes=size)]
    assert reports(progresses) == whole[step:]
    done = works(progresses)
    assert tuple(done[work.activity] for work in resumed.planned) == resumed.planned
    assert sum(work.flop for work in resumed.planned) == flop


def test_checkpoints_come_when_asked_for(tmp_path):
    evaluator, job = checkpointed(tmp_path, epochs=7, every=2)
    written = [(p.step, p.work.bytes) for p in evaluator.run(job) if p.work.activity is Activity.CHECKPOINT]
    assert [step for step, _ in written] == [2, 4, 6]
    assert [(step, os.path.getsize(job.checkpoint_file(step))) for step in (2, 4, 6)] == written
    assert len(os.listdir(job.checkpoint)) == 3


def test_a_job_goes_on_from_where_it_is_told_though_a_worker_had_come_further(tmp_path):
    evaluator, job = checkpointed(tmp_path)
    whole = reports(evaluator.run(replace(job, checkpoint=None)))
    killed_at(evaluator.run(job), lambda p: p.work.activity is Activity.CHECKPOINT and p.step == 3)
    resumed = replace(evaluator.plan([CANDIDATE], 1), checkpoint=job.checkpoint)
    progresses, flop = counted(evaluator.run(resumed))
    assert reports(progresses) == whole[1:]
    assert works(progresses)[Activity.TRAIN].samples == 4 * 1079
    assert sum(p.work.flop for p in progresses) == flop


def test_a_missing_checkpoint_fails_clearly(tmp_path):
    evaluator, job = checkpointed(tmp_path, first=2)
    with pytest.raises(NassimError, match=r"checkpoint .*/17/000002\.pt is missing; workers on several machines need"):
        list(evaluator.run(job))
    with pytest.raises(NassimError, match="tpe/trial/17 keeps no checkpoints, so there is none of step 2"):
        list(evaluator.run(replace(job, checkpoint=None)))


def flip(content):
    """Change one bit of a weight."""
    return content[:2000] + bytes([content[2000] ^ 1]) + content[2001:]


@pytest.mark.parametrize(
    "damage", [lambda c: b"", lambda c: c[: len(c) // 2], lambda c: b"x" * 100, lambda c: c[100:], flip]
)
def test_a_damaged_checkpoint_fails_clearly(tmp_path, damage):
    evaluator, job = checkpointed(tmp_path)
    killed_at(evaluator.run(job), lambda p: p.step == 2)
    path = job.checkpoint_file(1)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(NassimError, match=r"checkpoint .* is damaged"):
        list(evaluator.run(replace(job, first=1)))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_checkpoint_that_would_run_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "owned"),)

    evaluator, job = checkpointed(tmp_path, first=1)
    file = job.checkpoint_file(1)
    file.parent.mkdir()
    torch.save({"model": Evil()}, file)
    with pytest.raises(NassimError, match="is damaged"):
        list(evaluator.run(job))
    file.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(NassimError, match="is damaged"):
        list(evaluator.run(job))
    assert not (tmp_path / "owned").exists()


def test_a_checkpoint_of_another_trial_or_epoch_is_refused(tmp_path):
    evaluator, job = checkpointed(tmp_path)
    killed_at(evaluator.run(job), lambda p: p.work.activity is Activity.CHECKPOINT and p.step == 2)
    other = replace(evaluator.plan([replace(CANDIDATE, trial=18)], 1), checkpoint=job.checkpoint)
    with pytest.raises(NassimError, match=r"is of \{'job': 'tpe/trial/17', .*Each job needs a folder of its own"):
        list(evaluator.run(other))
    shutil.copy(job.checkpoint_file(2), job.checkpoint_file(4))
    with pytest.raises(NassimError, match=r"is of .*, epoch 2; wanted that of .*, epoch 4"):
        list(evaluator.run(replace(job, first=4)))


# What goes wrong.


class Trap(nn.Module):
    """Multiplies by a weight, and does something bad from a call on."""

    calls = 0

    def __init__(self, at, do):
        super().__init__()
        self.linear = nn.Linear(64, 10)
        self.at, self.do = at, do

    def forward(self, x):
        if x.device.type == "meta":
            return self.linear(x.flatten(1))
        Trap.calls += 1
        y = self.linear(x.flatten(1))
        return self.do(y) if Trap.calls >= self.at else y


def out_of_memory(y):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


class Trapped(SearchSpace):
    input_shape = (1, 8, 8)
    classes = 10

    def __init__(self, at, do):
        self.at, self.do = at, do

    def build(self, choose):
        choose("only", ["one", "two"])
        return Trap(self.at, self.do)


def trapped(at, do):
    Trap.calls = 0
    evaluator = FullEvaluator("t", Trapped(at, do), DATA, SCHEDULE)
    return evaluator.run(evaluator.plan([Candidate(evaluator.space.domain.walk(lambda c: c.labels[0]), 0, 0)]))


STEP_FLOP = 2 * 64 * 10 * 2  # forward, and the weights' gradient; the input takes none


@pytest.mark.parametrize("factor", [float("nan"), float("inf")])
@pytest.mark.parametrize("call", [3, 16])
def test_divergence_says_where_and_all_work_done_is_told(factor, call):
    run = trapped(call, lambda y: y * factor)
    with FlopCounterMode(display=False) as counter:
        progresses, error = until_raised(run, Diverged)
    assert str(error) in (f"loss is {value} at epoch 1, step {call}" for value in ("nan", "inf"))
    assert sum(p.work.flop for p in progresses) == counter.get_total_flops() > 0
    assert not reports(progresses)


def test_divergence_in_validation():
    # 17 training steps an epoch, then one pass over validation
    run = trapped(18, lambda y: y * float("nan"))
    with FlopCounterMode(display=False) as counter:
        progresses, error = until_raised(run, Diverged)
    assert str(error) == "loss is nan outside training"
    assert works(progresses)[Activity.VALIDATE].samples == 359
    assert sum(p.work.flop for p in progresses) == counter.get_total_flops()


def test_work_before_an_exception_is_told():
    progresses, error = until_raised(trapped(17 + 1 + 5, out_of_memory), torch.OutOfMemoryError)
    assert "out of memory" in str(error)
    done = works(progresses)
    assert done[Activity.TRAIN].samples == 1079 + 4 * 64
    assert done[Activity.TRAIN].flop == (1079 + 4 * 64) * STEP_FLOP
    assert done[Activity.VALIDATE].samples == 359


def test_a_space_that_does_not_fit_the_data_is_refused_before_anything_starts():
    class Wide(Small):
        input_shape = (3, 32, 32)

    with pytest.raises(NassimError, match="space Wide takes inputs of shape"):
        FullEvaluator("tpe", Wide(), DATA, Schedule(epochs=1))


def test_an_evaluator_travels():
    copy = pickle.loads(pickle.dumps(FULL))
    assert reports(copy.run(copy.plan([CANDIDATE]))) == reports(FULL.run(FULL.plan([CANDIDATE])))
