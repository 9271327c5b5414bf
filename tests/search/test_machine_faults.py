"""Faults of the machine are not the candidates': what can't be written is tried again, what is gone is done again."""

import shutil
import signal
from pathlib import Path
from zipfile import ZipFile

import pytest
from searching import ENAS, FULL, RAY, Done, check_books, experiment, run, traps

from nassim.cost.work import Activity
from nassim.errors import NassimError
from nassim.evaluation import Job
from nassim.evaluators.full import FullEvaluator
from nassim.evaluators.shared import SharedWeights
from nassim.notices import JobReported, Warned
from nassim.report.reading import read_run
from nassim.report.sections import sections
from nassim.run import execute, resume
from nassim.run.drive import Drive
from nassim.search import agenda
from nassim.search.agenda import Flight

PLAN = FULL | {"trials": 3}


class Disk:
    """What jobs write to. It fails while a file stands where their folder is to be."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._aside = folder.with_name(f"{folder.name}.aside")

    def fail(self) -> None:
        if self._folder.exists():
            self._folder.rename(self._aside)
        self._folder.touch()

    def work(self) -> None:
        self._folder.unlink()
        if self._aside.exists():
            self._aside.rename(self._folder)


def at_report(number, act, notices, kind="training"):
    """Return an observer that acts at a report of such jobs."""
    reports = 0

    def observe(notice):
        nonlocal reports
        notices.append(notice)
        if isinstance(notice, JobReported) and notice.kind == kind:
            reports += 1
            if reports == number:
                act()

    return observe


def mending(disk, observe):
    """Return an observer that lets the disk work again as soon as its fault is told of."""

    def mend(notice):
        observe(notice)
        if isinstance(notice, Warned) and "it is tried again for" in notice.message:
            disk.work()

    return mend


def interrupt():
    signal.raise_signal(signal.SIGINT)


def zero(file):
    """Write zeros over what a file's largest part holds, as disks do; its size and its directory are as they were."""
    with ZipFile(file) as archive:
        part = max(archive.infolist(), key=lambda part: part.file_size)
        held = archive.read(part)
    file.write_bytes(file.read_bytes().replace(held, bytes(len(held))))


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Done:
    return run(experiment(tmp_path_factory.mktemp("undisturbed"), PLAN))


@pytest.mark.parametrize(
    "executor", [{"kind": "inline"}, pytest.param(RAY, marks=pytest.mark.slow)], ids=["inline", "ray"]
)
def test_a_disk_that_fails_for_a_while_costs_time_and_nothing_else(tmp_path, undisturbed, executor):
    disk, notices, plan = Disk(tmp_path / "runs/run/checkpoints"), [], experiment(tmp_path, PLAN, executor=executor)
    execute(plan, name="run", observe=mending(disk, at_report(2, disk.fail, notices)))
    done = Done(plan.ledger, "run", notices)
    check_books(done)
    assert done.results() == undisturbed.results()
    hindered, passed = done.warnings
    assert hindered.endswith("; it is tried again for 60 s")
    assert passed == "what hindered jobs has passed, and they go on"
    assert not done.flop(activity=Activity.LOST)
    assert done.status == "finished"


@pytest.mark.slow
def test_the_saved_model_waits_for_the_disk_too(tmp_path, undisturbed):
    disk, notices = Disk(tmp_path / "runs/run/models"), []
    plan = experiment(tmp_path, PLAN, checkpoint={"folder": str(tmp_path / "runs"), "every": 0})
    execute(plan, name="run", observe=mending(disk, at_report(1, disk.fail, notices, kind="final training")))
    done = Done(plan.ledger, "run", notices)
    check_books(done)
    assert done.results() == undisturbed.results()
    assert "the model can't be saved in" in done.warnings[0]
    assert not done.flop(activity=Activity.LOST)


@pytest.mark.slow
def test_shared_weights_wait_for_the_disk_too(tmp_path):
    (tmp_path / "undisturbed").mkdir()
    undisturbed = run(experiment(tmp_path / "undisturbed", ENAS))
    disk, notices, plan = Disk(tmp_path / "runs/run/shared-weights"), [], experiment(tmp_path, ENAS)
    execute(plan, name="run", observe=mending(disk, at_report(3, disk.fail, notices, kind="scoring")))
    done = Done(plan.ledger, "run", notices)
    check_books(done)
    assert done.results() == undisturbed.results()
    assert len(done.warnings) == 2
    assert not done.flop(activity=Activity.LOST)


def test_a_disk_that_fails_for_long_stops_the_run_and_resume_goes_on(tmp_path, undisturbed, monkeypatch):
    monkeypatch.setattr("nassim.search.hindrances.PATIENCE_S", 0.1)
    disk, plan = Disk(tmp_path / "runs/run/checkpoints"), experiment(tmp_path, PLAN)
    with pytest.raises(NassimError, match=r"It was tried for 0\.1 s; when .* `nassim resume run` goes on"):
        execute(plan, name="run", observe=at_report(2, disk.fail, []))
    stopped = Done(plan.ledger, "run")
    check_books(stopped)
    assert (stopped.status, set(stopped.outcomes)) == ("failed", {"complete", "open"})
    disk.work()
    resume("run", plan.ledger)
    done = Done(plan.ledger, "run")
    check_books(done)
    assert done.results() == undisturbed.results()


@pytest.mark.parametrize(
    ("harm", "step"),
    [
        pytest.param(lambda file: shutil.rmtree(file.parent), 0, marks=pytest.mark.slow),
        (lambda file: file.write_bytes(b"half"), 0),
        pytest.param(zero, 0, marks=pytest.mark.slow),
        pytest.param(lambda file: file.rename(file.with_name("000001.pt")), 0, marks=pytest.mark.slow),
    ],
    ids=["gone", "damaged", "zeroed", "another's"],
)
def test_a_checkpoint_that_is_gone_sends_its_job_back(tmp_path, undisturbed, harm, step):
    """What it had kept is done again, and on the books as lost."""
    plan, notices = experiment(tmp_path, PLAN), []
    execute(plan, name="run", observe=at_report(5, interrupt, []))
    (file,) = (tmp_path / "runs/run/checkpoints").glob("**/*.pt")
    assert file.name == "000002.pt"
    harm(file)
    resume("run", plan.ledger, observe=notices.append)
    done = Done(plan.ledger, "run", notices)
    check_books(done)
    assert done.results() == undisturbed.results()
    (warning,) = done.warnings
    assert warning.endswith(f"goes on from step {step}")
    assert done.flop(activity=Activity.LOST, trial=1) == undisturbed.flop(trial=1) * 2 // 3


@pytest.mark.parametrize(
    "report", [4, pytest.param(5, marks=pytest.mark.slow)], ids=["before a checkpoint", "before a trial's end"]
)
def test_another_runs_folder_that_is_put_in_the_runs_place_stays_as_it_is(tmp_path, undisturbed, monkeypatch, report):
    monkeypatch.setattr("nassim.search.hindrances.PATIENCE_S", 0.5)
    monkeypatch.setattr("nassim.executors.inline.AGAIN_S", 0.1)
    plan, own, aside = experiment(tmp_path, PLAN), tmp_path / "runs/run", tmp_path / "aside"
    others = {}

    def replace():
        shutil.copytree(own, aside)
        (own / "run.json").write_text('{"run": "other", "identity": "other"}')
        (own / "checkpoints/full/trial/1/000001.pt").write_bytes(b"the other's")
        (own / "checkpoints/full/trial/1/000002.pt").write_bytes(b"the other's")
        others.update(contents(own))

    with pytest.raises(NassimError, match=r"its run\.json says run other"):
        execute(plan, name="run", observe=at_report(report, replace, []))
    check_books(Done(plan.ledger, "run"))
    assert contents(own) == others
    shutil.rmtree(own)
    aside.rename(own)
    resume("run", plan.ledger)
    done = Done(plan.ledger, "run")
    check_books(done)
    assert done.results() == undisturbed.results()


@pytest.mark.slow
def test_a_job_goes_back_to_the_last_checkpoint_that_is_there(tmp_path, undisturbed):
    plan, notices, kept = experiment(tmp_path, PLAN), [], []
    folder = tmp_path / "runs/run/checkpoints/full/trial/1"

    def keep_first():
        kept.append((folder / "000001.pt").read_bytes())

    observe, stop = at_report(4, keep_first, []), at_report(5, interrupt, [])
    execute(plan, name="run", observe=lambda notice: (observe(notice), stop(notice)))
    (folder / "000001.pt").write_bytes(*kept)
    (folder / "000002.pt").unlink()
    # It is interrupted once more behind the step that it has gone back to: what was lost stays lost, once.
    resume("run", plan.ledger, observe=at_report(1, interrupt, notices))
    resume("run", plan.ledger)
    done = Done(plan.ledger, "run", notices)
    check_books(done)
    assert done.results() == undisturbed.results()
    assert done.warnings[0].endswith("goes on from step 1")
    assert done.flop(activity=Activity.LOST, trial=1) == undisturbed.flop(trial=1) // 3


def test_a_final_model_that_is_gone_before_its_finding_is_posted_is_trained_again(tmp_path, undisturbed, monkeypatch):
    plan, notices = experiment(tmp_path, PLAN), []

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Drive, "_finding", interrupted)
        execute(plan, name="run")
    (tmp_path / "runs/run/models/full.safetensors").unlink()
    resume("run", plan.ledger, observe=notices.append)
    done = Done(plan.ledger, "run", notices)
    check_books(done)
    assert done.results() == undisturbed.results()
    assert "there are no weights at" in done.warnings[0]


@pytest.mark.slow
def test_shared_weights_that_vanish_while_they_are_needed_are_trained_again(tmp_path, monkeypatch):
    plan, notices = experiment(tmp_path, ENAS), []
    folder = tmp_path / "runs/run/shared-weights/enas"
    execute(plan, name="run", observe=at_report(2, interrupt, [], kind="scoring"))
    # The resumed driver finds them sound, and its worker doesn't find them any more.
    looks = []

    def vanishing(weights, step):
        looks.append(step)
        found = (folder / f"round-{step - 1:05d}.pt").is_file()
        if len(looks) == 1:
            for file in folder.iterdir():
                file.unlink()
        return found

    monkeypatch.setattr(SharedWeights, "_is_sound", vanishing)
    resume("run", plan.ledger, observe=notices.append)
    done = Done(plan.ledger, "run", notices)
    check_books(done)
    assert done.status == "finished"
    assert set(done.outcomes) == {"complete"}
    assert done.warnings == ["enas/shared: what it left is gone or damaged; it goes on from step 0 of 2"]
    kept, lost = (
        done.entries[done.entries["activity"] == activity].groupby("job")["samples"].sum()
        for activity in (Activity.SUPERNET, Activity.LOST)
    )
    assert dict(kept) == {"enas/shared": 3 * 1079}
    assert dict(lost[lost != 0]) == {"enas/shared": 2 * 1079}


@pytest.mark.slow
@pytest.mark.parametrize(
    "budget", [{}, pytest.param({"flop": 50e6}, marks=pytest.mark.slow)], ids=["all trials done", "its budget reached"]
)
def test_shared_weights_that_nobody_needs_any_more_are_not_written_off(tmp_path, budget):
    """Their search is over but for the final training, so nothing is trained in their place."""
    search = ENAS | {"budget": budget}
    (tmp_path / "undisturbed").mkdir()
    undisturbed = run(experiment(tmp_path / "undisturbed", search))
    assert (len(undisturbed.outcomes) < 15) == bool(budget)
    plan, notices = experiment(tmp_path, search), []
    execute(plan, name="run", observe=at_report(1, interrupt, [], kind="final training"))
    for file in (tmp_path / "runs/run/shared-weights/enas").iterdir():
        file.unlink()
    resume("run", plan.ledger, observe=notices.append)
    done = Done(plan.ledger, "run", notices)
    check_books(done)
    assert done.results() == undisturbed.results()
    assert not [warning for warning in done.warnings if "gone or damaged" in warning]


@pytest.mark.slow
def test_shared_weights_of_another_round_are_not_taken_for_a_rounds(tmp_path):
    (tmp_path / "undisturbed").mkdir()
    undisturbed = run(experiment(tmp_path / "undisturbed", ENAS))
    plan, notices = experiment(tmp_path, ENAS), []
    execute(plan, name="run", observe=at_report(8, interrupt, [], kind="scoring"))
    earlier, later = sorted((tmp_path / "runs/run/shared-weights/enas").iterdir())
    shutil.copy(earlier, later)
    resume("run", plan.ledger, observe=notices.append)
    done = Done(plan.ledger, "run", notices)
    check_books(done)
    assert done.results() == undisturbed.results()
    assert done.warnings == ["enas/shared: what it left is gone or damaged; it goes on from step 2 of 3"]


@pytest.mark.slow
def test_shared_weights_that_wait_for_the_disk_end_when_asked(tmp_path):
    disk, notices, plan = Disk(tmp_path / "runs/run/shared-weights"), [], experiment(tmp_path, ENAS)
    observe = at_report(1, disk.fail, notices, kind="shared weights")

    def ask(notice):
        observe(notice)
        if isinstance(notice, Warned) and "it is tried again for" in notice.message:
            interrupt()

    execute(plan, name="run", observe=ask)
    stopped = Done(plan.ledger, "run", notices)
    check_books(stopped)
    assert stopped.status == "interrupted"
    assert stopped.entries["seconds"].sum() < 30.0
    disk.work()
    resume("run", plan.ledger)
    check_books(Done(plan.ledger, "run"))
    assert Done(plan.ledger, "run").status == "finished"


def test_a_checkpoint_that_is_gone_is_no_worker_that_is_lost():
    def plan(step):
        return Job("full/trial/0", "full", "training", (), step, 3, 0, ())

    flight = Flight(plan(2), plan)
    flight.set_back(0)
    assert (flight.job.first, flight.job.attempt, flight.fruitless) == (0, 1, 0)
    flight.send_back(1)
    assert flight.fruitless == 1, "it has been further"


@pytest.mark.slow
def test_a_driver_without_memory_stops_and_no_trial_is_to_blame(tmp_path, undisturbed, monkeypatch):
    plan = experiment(tmp_path, PLAN)
    plans, real = [], agenda.Agenda._flight

    def short(self, planned):
        plans.append(planned)
        if len(plans) == 2:
            monkeypatch.setattr(agenda, "LITTLE_BYTES", 1 << 60)
            raise MemoryError
        return real(self, planned)

    monkeypatch.setattr(agenda.Agenda, "_flight", short)
    with pytest.raises(NassimError, match=r"the driver has run out of memory; `nassim resume run` goes on"):
        execute(plan, name="run")
    stopped = Done(plan.ledger, "run")
    check_books(stopped)
    assert "failed" not in stopped.outcomes
    monkeypatch.undo()
    resume("run", plan.ledger)
    done = Done(plan.ledger, "run")
    assert done.results() == undisturbed.results()


def test_a_network_that_asks_for_too_much_memory_fails_alone(tmp_path, monkeypatch):
    plan = FullEvaluator.plan

    def greedy(evaluator, candidates, first=0):
        if candidates[0].trial == 1:
            raise MemoryError("Unable to allocate 3.6 TiB")
        return plan(evaluator, candidates, first)

    monkeypatch.setattr(FullEvaluator, "plan", greedy)
    done = run(experiment(tmp_path, PLAN))
    assert done.outcomes == ["complete", "failed", "complete"]
    assert done.trials["reason"]["full", 1] == "MemoryError: Unable to allocate 3.6 TiB"


def test_a_search_most_of_whose_trials_failed_says_so(tmp_path):
    plan = FULL | {"trials": 3, "sampler": {"name": "grid"}}
    done = run(experiment(tmp_path, plan, space=traps("raises", "diverges", "fine")))
    assert done.status == "finished"
    assert done.warnings[-1] == "most trials failed, 2 of 3; `nassim report` tells why"
    (summary, *_) = sections(read_run(done.ledger, "run"), 1)
    assert "Most of full failed, 2 of 3 trials: what it found is the best of the rest." in summary.blocks
