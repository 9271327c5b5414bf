from dataclasses import replace

import torch
from small_space import DATA, SCHEDULE, Small, architecture, counted, reports, works

from nassim.cost.work import Activity, add_up
from nassim.evaluation import Candidate, JobKind
from nassim.evaluators.final import FinalEvaluator
from nassim.evaluators.full import FullEvaluator

SPACE = Small()
FINAL = FinalEvaluator("tpe", SPACE, DATA, replace(SCHEDULE, epochs=6))
FOUND = Candidate(architecture("conv3", "conv1"), None, 11)


def test_planned_is_done_is_what_torch_counts():
    job = FINAL.plan([FOUND])
    assert (job.id, job.kind) == ("tpe/final", JobKind.FINAL)
    progresses, flop = counted(FINAL.run(job))
    assert add_up(p.work for p in progresses) == job.planned
    assert sum(work.flop for work in job.planned) == flop
    # 1797 inputs: 359 test the model once, the other 1438 train it 6 times.
    assert [(work.activity, work.samples) for work in job.planned] == [
        (Activity.TRAIN, 6 * 1438),
        (Activity.TEST, 359),
    ]


def test_a_report_an_epoch_and_the_test_last():
    progresses = list(FINAL.run(FINAL.plan([FOUND])))
    assert [(p.work.activity, p.step, set(p.metrics)) for p in progresses] == [
        *((Activity.TRAIN, step, {"train_loss"}) for step in range(1, 7)),
        (Activity.TEST, 6, {"accuracy", "loss"}),
    ]
    losses = [p.metrics["train_loss"] for p in progresses[:-1]]
    assert losses[-1] < losses[0] / 2
    assert progresses[-1].metrics["accuracy"] > 0.85


def test_going_on_from_a_checkpoint_ends_as_if_never_stopped(tmp_path):
    job = replace(FINAL.plan([FOUND]), checkpoint=str(tmp_path / "final"), checkpoint_every=2)
    whole = reports(FINAL.run(replace(job, checkpoint=None)))
    for progress in FINAL.run(job):
        if progress.work.activity is Activity.CHECKPOINT and progress.step == 4:
            break
    resumed = replace(FINAL.plan([FOUND], 4), checkpoint=job.checkpoint)
    progresses = list(FINAL.run(resumed))
    assert reports(progresses) == whole[4:]
    done = works(progresses)
    assert tuple(done[work.activity] for work in resumed.planned) == resumed.planned


def test_nothing_but_the_test_split_tests(monkeypatch):
    """The images that a search runs on are of its own splits; the final training runs on the others just once."""
    seen = []
    forward = torch.nn.Sequential.forward

    def watch(self, x):
        if x.shape[1:] == (1, 8, 8):
            seen.append(x.flatten(1).clone())
        return forward(self, x)

    monkeypatch.setattr(torch.nn.Sequential, "forward", watch)
    full = FullEvaluator("tpe", SPACE, DATA, replace(SCHEDULE, epochs=1))
    list(full.run(full.plan([replace(FOUND, trial=0)])))
    searched = {row.numpy().tobytes() for row in torch.cat([x for x in seen if x.device.type == "cpu"])}
    seen.clear()
    list(FINAL.run(FINAL.plan([FOUND])))
    rows = [row.numpy().tobytes() for row in torch.cat([x for x in seen if x.device.type == "cpu"])]
    tested = [row for row in rows if row not in searched]
    assert len(tested) == len(set(tested)) == 359
