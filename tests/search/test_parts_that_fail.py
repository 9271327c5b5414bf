"""Whatever a part of one's own raises ends in one message that says where, with closed books; nothing is lost."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from searching import CELL, FULL, Done, check_books, experiment, run

from nassim.cost.work import Activity, Work
from nassim.errors import NassimError
from nassim.evaluation import Progress
from nassim.executors.running import play
from nassim.run import execute, resume

SAMPLER = """
import sys
import optuna

class Mine(optuna.samplers.RandomSampler):
    def before_trial(self, study, trial):
        if trial.number == 1 and not {mended}:
            {what}
"""


@pytest.mark.parametrize(
    ("what", "said"),
    [
        pytest.param("raise RuntimeError('no luck')", "RuntimeError: no luck, at ", marks=pytest.mark.slow),
        ("sys.exit(0)", "SystemExit: 0, at "),
        ("study.set_user_attr('x', object())", "TypeError: Object of type object is not JSON serializable, at "),
        pytest.param("study.tell(0, 0.5)", "ValueError: Cannot tell a COMPLETE trial., at ", marks=pytest.mark.slow),
    ],
)
def test_a_sampler_that_fails_is_told_with_its_line_and_gone_on_with_once_it_is_mended(tmp_path, what, said):
    file = tmp_path / "mine.py"
    file.write_text(SAMPLER.format(what=what, mended=False))
    plan = experiment(tmp_path, FULL | {"trials": 3, "sampler": {"name": f"{file}:Mine"}})
    with pytest.raises(NassimError) as caught:
        execute(plan, name="run")
    message = str(caught.value)
    assert said in message
    assert f"{file}:8 in before_trial. When that is put right, `nassim resume run` goes on" in message
    kept = tmp_path / "runs" / "run" / "traceback.txt"
    assert message.endswith(f"The traceback is in {kept}")
    assert "in before_trial" in kept.read_text()
    failed = Done(plan.ledger, "run")
    assert failed.status == "failed"
    check_books(failed)
    file.write_text(SAMPLER.format(what=what, mended=True))
    resume("run", plan.ledger, trust=True)
    done = Done(plan.ledger, "run")
    assert (done.status, len(done.trials)) == ("finished", 3)
    check_books(done)


def moments(*yielded):
    job = SimpleNamespace(gated=False, timeout_s=None)
    return [moment.what for moment in play(lambda job: iter(yielded), job, lambda: True, lambda: True)]


def progress(**metrics):
    return Progress(Work(Activity.TRAIN), 1, 0, metrics)


def test_metrics_are_plain_numbers_whatever_library_they_are_of():
    _, reported, _ = moments(progress(a=np.float32(0.5), b=torch.tensor(0.25), c=1, d=True))
    assert reported.metrics == {"a": 0.5, "b": 0.25, "c": 1.0, "d": 1.0}
    assert {type(value) for value in reported.metrics.values()} == {float}


@pytest.mark.parametrize(
    ("yielded", "reason"),
    [
        (progress(a="0.5"), "TypeError: the evaluator reports a as '0.5'; wanted a number"),
        (progress(a=[0.5, 0.5]), "TypeError: the evaluator reports a as [0.5, 0.5]; wanted a number"),
        (None, "TypeError: the evaluator yields None; wanted a Progress with its Work"),
    ],
)
def test_what_is_no_progress_fails_its_job(yielded, reason):
    *_, end = moments(yielded)
    assert (end.ending, end.reason) == ("failed", reason)


def test_a_reader_whose_inputs_and_targets_are_not_what_it_says_is_told(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from nassim.data.reading import Digits\n"
        "class Short(Digits):\n"
        "    def read(self):\n"
        "        x, y = super().read()\n"
        "        return x, y[:50]\n"
    )
    plan = experiment(tmp_path, FULL, space=CELL, data={"name": f"{file}:Short"})
    said = r"Short says that there are 1,797 inputs of shape \(1, 8, 8\), and reads .* and 50 targets"
    with pytest.raises(NassimError, match=said):
        run(plan)
