"""Whatever becomes of jobs and workers, the loop ends, each trial is closed once, and the books close."""

import optuna
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nassim.budget import Budget
from nassim.cost.work import Activity, Work
from nassim.evaluation import Evaluator, Job
from nassim.executors.base import Ending, Event, Executor, JobEnded, Lap, Released, Report
from nassim.executors.clock import utc
from nassim.folder import RunFolder
from nassim.ledger.entry import Lease, Worker
from nassim.ledger.store import Ledger
from nassim.search.aims import Limit
from nassim.search.books import Books
from nassim.search.checkpoints import Checkpoints
from nassim.search.loop import SearchLoop
from nassim.search.search import Search
from nassim.search.spending import Account, Allowance
from nassim.space import SearchSpace

EPOCHS = 3
EPOCH = Work(Activity.TRAIN, forward_flop=10, backward_flop=20, samples=1)
KEPT = Work(Activity.CHECKPOINT, bytes=1)


class Pair(SearchSpace):
    input_shape = (1, 8, 8)
    classes = 10

    def build(self, choose):
        return nn.Sequential(choose("a", {"x": nn.ReLU, "y": nn.Tanh}), choose("b", {"x": nn.ReLU, "y": nn.Tanh}))


class Paper(Evaluator):
    """Plans trainings and has nobody run them; a network of b = "y" can't be planned."""

    def plan(self, candidates, first=0):
        (candidate,) = candidates
        if candidate.architecture["b"] == "y" and candidate.trial % 3 == 0:
            raise ValueError("can't be built")
        return Job(
            f"s/trial/{candidate.trial}", "s", "training", (candidate,), first, EPOCHS, 0, (EPOCH,), prunable=True
        )

    def run(self, job):
        raise NotImplementedError


class Scripted(Executor):
    """Workers whose jobs come to what a script says, a second each time."""

    def __init__(self, workers: int, script: list[tuple[int, str]]) -> None:
        self._script = iter(script)
        self._at_s = 0.0
        self._workers: dict[str, Job | None] = {}
        self._steps: dict[str, int] = {}
        self._since_s: dict[str, float] = {}
        self._told: dict[str, bool | None] = {}
        self._count = 0
        self._events: list[Event] = []
        for _ in range(workers):
            self._hire()

    def _hire(self) -> None:
        name = f"w{self._count}"
        self._count += 1
        self._workers[name], self._since_s[name] = None, self._at_s
        self._events += [Lease(Worker(name, "n", "cpu", 1), self._at_s), Lap(name, self._at_s, 0.0, Activity.STARTUP)]

    def _lap(self, worker: str, activity: Activity, work=None, job=None, step=None) -> None:
        since_s, self._since_s[worker] = self._since_s[worker], self._at_s
        self._events.append(Lap(worker, since_s, self._at_s - since_s, activity, work, job, step))

    @property
    def free(self) -> int:
        return sum(job is None for job in self._workers.values())

    @property
    def capacity(self) -> int:
        return len(self._workers)

    def start(self, factory, at_s=0.0, driver=1):
        pass

    def submit(self, job):
        worker = next(name for name, has in self._workers.items() if has is None)
        self._lap(worker, Activity.IDLE)
        self._workers[worker], self._steps[worker], self._told[worker] = job, job.first, True

    def wait(self, timeout_s=None, woken=None):
        if not self._events:
            self._at_s += 1.0
            ready = [name for name, job in self._workers.items() if job and self._told[name] is not None]
            which, what = next(self._script, (0, "report"))
            if ready:
                self._come_to(ready[which % len(ready)], what)
        events, self._events = self._events, []
        return events

    def _come_to(self, worker: str, what: str) -> None:
        job, step = self._workers[worker], self._steps[worker]
        if self._told[worker] is False:
            self._end(worker, Ending.STOPPED)
        elif step == job.last:
            self._end(worker, Ending.DONE)
        elif what == "report":
            self._lap(worker, Activity.TRAIN, EPOCH, job)
            self._steps[worker] = step = step + 1
            if step < job.last:
                self._lap(worker, Activity.CHECKPOINT, KEPT, job, step)
            self._told[worker] = None if job.gated else self._told[worker]
            value = ((job.candidates[0].trial * 7) % 10 + step) / 20
            self._events.append(Report(job, worker, step, job.candidates[0].trial, {"accuracy": value}))
        elif what == "works":
            self._lap(worker, Activity.TRAIN, EPOCH, job)
            self._end(worker, Ending.LOST)
        else:
            self._end(worker, Ending(what))

    def _end(self, worker: str, ending: Ending) -> None:
        job, step = self._workers[worker], self._steps[worker]
        self._workers[worker] = None
        if ending in (Ending.LOST, Ending.PREEMPTED):
            self._lap(worker, Activity(ending.value), job=job)
        self._events.append(JobEnded(job, worker, ending, "why", min(step, job.last - 1) or None))
        if ending in (Ending.LOST, Ending.PREEMPTED):
            self._events.append(Released(worker, self._at_s))
            del self._workers[worker]
            self._hire()

    def _tell(self, job: Job, go_on: bool) -> None:
        for worker, has in self._workers.items():
            if has is not None and has.id == job.id:
                self._told[worker] = go_on

    def proceed(self, job):
        self._tell(job, True)

    def stop(self, job):
        self._tell(job, False)

    def now_s(self):
        return self._at_s

    def close(self):
        for worker in self._workers:
            self._lap(worker, Activity.IDLE)
            self._events.append(Released(worker, self._at_s))
        events, self._events = self._events, []
        return events


moments = st.tuples(st.integers(0, 5), st.sampled_from(["report"] * 5 + ["works", "lost", "preempted", "failed"]))


@given(
    workers=st.integers(1, 4),
    script=st.lists(moments, max_size=80),
    prunes=st.booleans(),
    flop=st.none() | st.integers(1, 900),
    trials=st.none() | st.integers(1, 12),
    limited=st.booleans(),
)
@settings(max_examples=30, deadline=None)
def test_the_loop_ends_and_the_books_close(tmp_path_factory, workers, script, prunes, flop, trials, limited):
    ledger = Ledger("sqlite://")
    writer = ledger.create("run", {}, "2026-01-01T00:00:00+00:00")
    executor = Scripted(workers, script)
    books = Books(writer, executor)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=1) if prunes else optuna.pruners.NopPruner()
    study = optuna.create_study(
        storage=writer.storage(utc), direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0), pruner=pruner
    )
    checkpoints = Checkpoints(RunFolder(tmp_path_factory.getbasetemp() / "none", "run", None))
    limits = (Limit("b", 1.0, lambda architecture: 1.0 + (architecture["b"] == "y")),) if limited else ()
    search = Search("s", 0, Pair(), Paper(), study, None, 8, prunes, limits=limits, retries=2, checkpoints=checkpoints)
    of_search = "s", Budget(flop=flop), lambda: books.spent_by("s")
    allowance = Allowance((("experiment", Budget(trials=trials), books.spent), of_search))
    books.open("n", 0.0)
    books.work_for(Account("s"))
    loop = SearchLoop(search, executor, books, allowance, lambda notice: None)
    loop.run()
    for event in executor.close():
        books.post(event)
    books.close()

    frame = ledger.frame("run")
    balance = ledger.balance("run")
    assert balance["closed"].all()
    assert balance["difference_s"].abs().max() < 1e-6
    closings = frame[frame["outcome"].notna()].set_index("trial")["outcome"]
    told = {trial.number: trial.state.name for trial in study.get_trials()}
    assert set(closings.index) == set(told), "every trial that was asked for is closed"
    assert closings.index.is_unique
    within = closings[closings != "infeasible"]
    assert len(within) == 8 or loop.overrun
    assert trials is None or len(within) <= trials
    assert limited == ("infeasible" in set(closings)) or len(told) < 5
    kept = frame[frame["activity"] == "train"].groupby("trial")["samples"].sum()
    for trial, outcome in closings.items():
        done = outcome in ("complete", "duplicate")
        assert (told[trial] == "COMPLETE") == done
        assert outcome != "infeasible" or kept.get(trial, 0) == 0
        assert (kept.get(trial, 0) == EPOCHS) if done else (kept.get(trial, 0) <= EPOCHS)
    total = frame[["forward_flop", "backward_flop"]].sum().sum()
    assert total == books.spent_by("s").flop == books.spent().flop
    if loop.overrun and loop.overrun.name == "flop":
        assert total < flop + workers * 30, "at most a report more for each worker"
    assert books.spent_by("s").device_s == sum(frame.loc[frame["worker"] != "driver", "seconds"])
