from dataclasses import replace

import pytest
import torch
from small_space import DATA, SCHEDULE, Small, architecture, counted, reports, works

from nassim.cost.work import Activity, Work, add_up
from nassim.errors import NassimError
from nassim.evaluation import Candidate
from nassim.evaluators.final import FinalEvaluator
from nassim.evaluators.full import FullEvaluator
from nassim.evaluators.training import Examination
from nassim.ledger.entry import Stage
from nassim.models.card import Origin
from nassim.models.file import read_model

SPACE = Small()
FOUND = Candidate(architecture("conv3", "conv1"), None, 11)
ORIGIN = Origin("run-1", "tpe", "small", {}, "digits", "0.2.0")


@pytest.fixture
def final(tmp_path):
    return FinalEvaluator(
        SPACE,
        DATA,
        SCHEDULE.model_copy(update={"epochs": 6}),
        ORIGIN,
        lambda job: tmp_path / "models" / "tpe.safetensors",
    )


def test_planned_is_done_is_what_torch_counts(final):
    job = final.plan([FOUND])
    assert (job.id, job.stage) == ("tpe/final", Stage.FINAL)
    progresses, flop = counted(final.run(job))
    assert add_up(p.work for p in progresses[:-1]) == job.planned
    assert progresses[-1].work == Work(Activity.CHECKPOINT, bytes=final.file_of("").stat().st_size)
    assert sum(work.flop for work in job.planned) == flop
    # 1797 inputs: 359 test the model once, the other 1438 train it 6 times.
    assert [(work.activity, work.samples) for work in job.planned] == [
        (Activity.TRAIN, 6 * 1438),
        (Activity.TEST, 359),
    ]


def test_a_report_an_epoch_and_that_of_the_test_with_the_saved_model(final):
    progresses = list(final.run(final.plan([FOUND])))
    assert [(p.work.activity, p.step, set(p.metrics)) for p in progresses] == [
        *((Activity.TRAIN, step, {"train_loss"}) for step in range(1, 7)),
        (Activity.TEST, None, set()),
        (Activity.CHECKPOINT, 6, {"accuracy", "loss"}),
    ]
    losses = [p.metrics["train_loss"] for p in progresses[:-2]]
    assert losses[-1] < losses[0] / 2
    assert progresses[-1].metrics["accuracy"] > 0.85


def test_going_on_from_a_checkpoint_ends_as_if_never_stopped(final, tmp_path):
    job = replace(final.plan([FOUND]), checkpoint=str(tmp_path / "final"), checkpoint_every=2)
    whole, model = reports(final.run(replace(job, checkpoint=None))), final.file_of("").read_bytes()
    final.file_of("").unlink()
    for progress in final.run(job):
        if progress.work.activity is Activity.CHECKPOINT and progress.step == 4:
            break
    assert not final.file_of("").exists()
    resumed = replace(final.plan([FOUND], 4), checkpoint=job.checkpoint)
    progresses = list(final.run(resumed))
    assert reports(progresses) == whole[4:]
    assert final.file_of("").read_bytes() == model, "weights, costs and figures of the whole training"
    done = works(progresses)
    assert tuple(done[work.activity] for work in resumed.planned) == resumed.planned


def test_the_saved_model_is_the_trained_one_and_says_what_it_is(final, monkeypatch):
    tested = []

    def examine(network, split, task):
        tested.append(network)
        return Examination(network, split, task)

    monkeypatch.setattr("nassim.evaluators.final.Examination", examine)
    job = final.plan([FOUND])
    *_, last = final.run(job)
    saved = read_model(final.file_of(""))
    for name, value in tested[0].state_dict().items():
        assert torch.equal(saved.tensors[name], value), name
    profile, card = SPACE.profile(FOUND.architecture), saved.card
    assert card.metrics == last.metrics
    origin = replace(ORIGIN, preparation=DATA.preparation)
    assert (card.architecture, card.seed, card.origin) == (FOUND.architecture, FOUND.seed, origin)
    assert (card.input_shape, card.classes) == ((1, 8, 8), 10)
    assert card.params == profile.params
    assert (card.forward_flop, card.backward_flop) == (profile.forward_flop, profile.backward_flop)
    assert card.training_flop == job.planned[0].flop


def test_from_the_last_step_on_there_is_nothing_to_do_but_to_report(final):
    *_, last = final.run(final.plan([FOUND]))
    again = final.plan([FOUND], 6)
    assert again.planned == ()
    (progress,), flop = counted(final.run(again))
    assert flop == 0
    assert (progress.step, progress.metrics) == (6, last.metrics)
    assert progress.work == Work(Activity.TRANSFER, bytes=final.file_of("").stat().st_size)
    other = replace(FOUND, seed=12)
    with pytest.raises(NassimError, match=r"tpe\.safetensors is of .*11\), wanted .*12\)"):
        list(final.run(final.plan([other], 6)))


def test_a_model_that_does_not_fit_on_the_disk_is_saved_once_there_is_space(final, small_disk):
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2**20))
    file = small_disk / "models" / "tpe.safetensors"
    full, hindered = replace(final, file_of=lambda job: file), 0
    for progress in full.run(full.plan([FOUND])):
        if progress.hindrance:
            assert progress.hindrance == f"the model can't be saved in {file}: No space left on device"
            assert list(file.parent.iterdir()) == []
            hindered += 1
            if hindered == 2:
                ballast.unlink()
    assert hindered == 2
    assert (progress.step, progress.work.bytes) == (6, file.stat().st_size)


def test_nothing_but_the_test_split_tests(monkeypatch, final):
    """The images that a search runs on are of its own splits; the final training runs on the others just once."""
    seen = []
    forward = torch.nn.Sequential.forward

    def watch(self, x):
        if x.shape[1:] == (1, 8, 8):
            seen.append(x.flatten(1).clone())
        return forward(self, x)

    monkeypatch.setattr(torch.nn.Sequential, "forward", watch)
    full = FullEvaluator("tpe", SPACE, DATA, SCHEDULE.model_copy(update={"epochs": 1}))
    list(full.run(full.plan([replace(FOUND, trial=0)])))
    searched = {row.numpy().tobytes() for row in torch.cat([x for x in seen if x.device.type == "cpu"])}
    seen.clear()
    list(final.run(final.plan([FOUND])))
    rows = [row.numpy().tobytes() for row in torch.cat([x for x in seen if x.device.type == "cpu"])]
    tested = [row for row in rows if row not in searched]
    assert len(tested) == len(set(tested)) == 359
