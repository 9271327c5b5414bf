"""How much a trial costs besides its training: bare Optuna, Ray Tune with OptunaSearch, and nassim, side by side.

Two objectives, TPE, two workers of one thread each:

- one that returns at once: trials per second is what the machinery does;
- a real training of 3 epochs on handwritten digits (a small NAS-Bench-201 cell): the share of the workers' time, from
  the first trial's start to the last one's end, that is spent in training and validating; and how many trials a second
  nassim does, of what two bare processes do that train the same architectures, one after the other.

Bare Optuna runs in the driver, in memory, one trial after the other; Ray Tune keeps its results in files; nassim
commits every trial and its entries to SQLite, so that what is acknowledged survives `kill -9`.

    python experiments/benchmarks/overhead.py [--trials 200] [--real-trials 100] [--slow-trials 20]

Ray Tune without reused actors starts a process a trial, which takes a second or more; it is given fewer of them.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

os.environ |= {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "OMP_NUM_THREADS": "1",
    # Workers find this module by name, so that what it caches is theirs.
    "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]),
}

import optuna
from rich.console import Console
from rich.table import Table

from nassim.cost.work import Activity, Work
from nassim.data.source import digits
from nassim.evaluation import Candidate, Evaluator, Job, Progress, Ready
from nassim.evaluators.full import FullEvaluator
from nassim.evaluators.schedule import Schedule
from nassim.executors.clock import utc
from nassim.executors.ray.executor import RayExecutor
from nassim.ledger.store import Ledger
from nassim.samplers.catalogue import make_sampler
from nassim.search.books import Books
from nassim.search.loop import SearchLoop
from nassim.search.search import Search
from nassim.search.spending import Account, Allowance
from nassim.space.architecture import Architecture
from search_spaces.cell import Cell

WORKERS = 2
SEED = 0


@dataclass(frozen=True)
class Result:
    """What one contender did.

    Attributes:
        trials: How many trials it ran.
        wall_s: From the first trial's start to the last one's end.
        training_s: Seconds in training and validating, over all workers; 0 for the objective that returns at once.
        workers: How many workers shared the wall-clock time.
        architectures: The options of each trial by choice, where another contender is to train the same.
    """

    trials: int
    wall_s: float
    training_s: float
    workers: int
    architectures: tuple[dict[str, str], ...] = ()

    @property
    def trials_per_s(self) -> float:
        """Trials per second of wall-clock time."""
        return self.trials / self.wall_s

    @property
    def share(self) -> float:
        """Share of the workers' time spent in training."""
        return self.training_s / (self.workers * self.wall_s)


class Instant(Evaluator):
    """An evaluator whose job is over as soon as it is begun."""

    def plan(self, candidates: Sequence[Candidate], first: int = 0) -> Job:
        """Return the job of one candidate."""
        (candidate,) = candidates
        work = (Work(Activity.TRAIN, samples=1),)
        return Job(f"instant/{candidate.trial}", "instant", "training", (candidate,), 0, 1, 0, work)

    def run(self, job: Job) -> Iterator[Progress]:
        """Report how many labels are the first in the alphabet."""
        (candidate,) = job.candidates
        yield Progress(job.planned[0], 1, candidate.trial, {"accuracy": instant_value(candidate.architecture)})


def instant_value(architecture: Architecture) -> float:
    """Return a value without any work: the share of skip connections."""
    return sum(label == "skip_connect" for label in architecture.values()) / len(architecture)


def make_space() -> Cell:
    """Return the space all contenders search: 6 choices of 5 options."""
    return Cell(input_shape=(1, 8, 8), classes=10, width=8, cells=1)


@lru_cache(maxsize=1)
def make_evaluator(real: bool) -> Evaluator:
    """Return the objective's evaluator, warmed up; once a process, as a worker holds it."""
    if not real:
        return Instant()
    import torch

    torch.set_num_threads(1)
    evaluator = FullEvaluator("full", make_space(), digits(), Schedule(epochs=3, batch_size=64))
    evaluator.warm_up()
    return evaluator


def make_runner(real: bool) -> Ready:
    """Return what a worker of nassim runs."""
    return Ready(make_evaluator(real).run)


def evaluate(real: bool, labels: dict[str, str], number: int) -> tuple[float, float, float]:
    """Evaluate an architecture outside of nassim, with the same training; returns value, start and end."""
    evaluator, start = make_evaluator(real), time.time()
    architecture, value = Architecture(labels), 0.0
    if not real:
        return instant_value(architecture), start, time.time()
    candidate = Candidate(architecture, number, number)
    job = Job("bench", "full", "training", (candidate,), 0, 3, number, planned(architecture))
    for progress in evaluator.run(job):
        value = progress.metrics.get("accuracy", value)
    return value, start, time.time()


def planned(architecture: Architecture) -> tuple[Work, Work]:
    """Return a plan that costs nothing to make: contenders without books don't count."""
    return Work(Activity.TRAIN, samples=3 * 1079), Work(Activity.VALIDATE, samples=3 * 359)


def make_tpe() -> optuna.samplers.TPESampler:
    """Return TPE with the settings that are nassim's defaults, for the others: they decide how long an ask takes."""
    return optuna.samplers.TPESampler(seed=SEED, multivariate=True, constant_liar=True)


def choices() -> dict[str, list[str]]:
    """Return the space's options by choice."""
    return {choice.name: list(choice.labels) for choice in make_space().domain.choices}


def bare_optuna(real: bool, trials: int) -> Result:
    """Optuna in memory, one trial after the other, in this process."""
    options, spans = choices(), []

    def objective(trial: optuna.Trial) -> float:
        labels = {name: trial.suggest_categorical(name, values) for name, values in options.items()}
        value, start, end = evaluate(real, labels, trial.number)
        spans.append((start, end))
        return value

    study = optuna.create_study(direction="maximize", sampler=make_tpe())
    make_evaluator(real)
    start = time.time()
    study.optimize(objective, n_trials=trials)
    return Result(trials, time.time() - start, sum(b - a for a, b in spans), 1)


def ray_tune(reuse_actors: bool, real: bool, trials: int) -> Result:
    """Ray Tune with OptunaSearch."""
    import ray
    from ray import tune
    from ray.tune.search.optuna import OptunaSearch

    class Trainable(tune.Trainable):
        def setup(self, config: dict[str, str]) -> None:
            self.labels = config

        def reset_config(self, new_config: dict[str, str]) -> bool:
            self.labels = new_config
            return True

        def step(self) -> dict[str, float | bool]:
            value, start, end = evaluate(real, dict(self.labels), 0)
            return {"accuracy": value, "start": start, "end": end, "done": True}

        def save_checkpoint(self, checkpoint_dir: str) -> None:
            return None

        def load_checkpoint(self, checkpoint: object) -> None:
            return None

    ray.init(num_cpus=WORKERS, include_dashboard=False, logging_level="error", log_to_driver=False)
    try:
        with tempfile.TemporaryDirectory() as folder:
            results = tune.Tuner(
                Trainable,
                param_space={name: tune.choice(values) for name, values in choices().items()},
                tune_config=tune.TuneConfig(
                    metric="accuracy",
                    mode="max",
                    search_alg=OptunaSearch(sampler=make_tpe()),
                    num_samples=trials,
                    max_concurrent_trials=WORKERS,
                    reuse_actors=reuse_actors,
                ),
                run_config=tune.RunConfig(verbose=0, storage_path=folder),
            ).fit()
            spans = [(result.metrics["start"], result.metrics["end"]) for result in results]
    finally:
        ray.shutdown()
    wall_s = max(end for _, end in spans) - min(start for start, _ in spans)
    return Result(len(spans), wall_s, sum(end - start for start, end in spans), WORKERS)


def nassim(real: bool, trials: int) -> Result:
    """Run nassim, with its ledger on SQLite in a file, committed and synced as in any run."""
    space = make_space()
    with tempfile.TemporaryDirectory() as folder, RayExecutor(workers=WORKERS) as executor:
        ledger = Ledger(f"sqlite:///{Path(folder, 'ledger.db')}")
        writer = ledger.create("overhead", {}, "2026-01-01T00:00:00+00:00")
        books = Books(writer, executor)
        study = optuna.create_study(
            storage=writer.storage(utc),
            direction="maximize",
            sampler=make_sampler("tpe", SEED, {}, space.domain),
        )
        evaluator = make_evaluator(real)
        search = Search("overhead", SEED, space, evaluator, study, None, trials)
        executor.start(partial(make_runner, real))
        books.open("here", 0.0)
        books.work_for(Account(search.name))
        SearchLoop(search, executor, books, Allowance(), lambda notice: None).run()
        for event in executor.close():
            books.post(event)
        books.close()
        writer.close("finished")
        entries = ledger.frame("overhead")
        architectures = tuple(dict(trial.params) for trial in study.get_trials(deepcopy=False))
        ended = int(entries["outcome"].notna().sum())
    jobs = entries[entries["job"].notna()]
    wall_s = float((jobs["start_s"] + jobs["seconds"]).max() - jobs["start_s"].min())
    training = jobs["activity"].isin([Activity.TRAIN, Activity.VALIDATE])
    return Result(ended, wall_s, float(jobs.loc[training, "seconds"].sum()), WORKERS, architectures)


Span = tuple[float, float]


def train_all(barrier: Barrier, todo: "Queue[tuple[int, dict[str, str]] | None]", done: "Queue[Span]") -> None:
    """Train what there is to train, in a process with nothing else."""
    make_evaluator(True)
    barrier.wait()
    for number, labels in iter(todo.get, None):
        _, start, end = evaluate(True, labels, number)
        done.put((start, end))


def bare_processes(architectures: Sequence[dict[str, str]]) -> Result:
    """Train these architectures in WORKERS processes, without books, sampler or Ray."""
    spawn = multiprocessing.get_context("spawn")
    barrier, todo, done = spawn.Barrier(WORKERS), spawn.Queue(), spawn.Queue()
    for item in (*enumerate(architectures), *[None] * WORKERS):
        todo.put(item)
    processes = [spawn.Process(target=train_all, args=(barrier, todo, done)) for _ in range(WORKERS)]
    for process in processes:
        process.start()
    spans = [done.get() for _ in architectures]
    for process in processes:
        process.join()
    wall_s = max(end for _, end in spans) - min(start for start, _ in spans)
    return Result(len(spans), wall_s, sum(end - start for start, end in spans), WORKERS)


WITHOUT_REUSE = "Ray Tune + OptunaSearch"
WITH_REUSE = "Ray Tune + OptunaSearch, reuse_actors"
BARE = "bare Optuna, 1 process, in memory"
NASSIM = "nassim, durable SQLite ledger"
CONTENDERS: dict[str, Callable[[bool, int], Result]] = {
    BARE: bare_optuna,
    WITHOUT_REUSE: partial(ray_tune, False),
    WITH_REUSE: partial(ray_tune, True),
    NASSIM: nassim,
}


def measure(real: bool, trials: int, slow_trials: int) -> dict[str, Result]:
    """Run all contenders on one objective, one after the other."""
    results = {}
    for name, run in CONTENDERS.items():
        count = min(trials, slow_trials) if name == WITHOUT_REUSE else trials
        print(f"{name}: {count} trials {'of 3 epochs' if real else 'that return at once'}", file=sys.stderr, flush=True)
        results[name] = run(real, count)
    return results


def main() -> None:
    """Run all contenders and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200, help="trials of the objective that returns at once")
    parser.add_argument("--real-trials", type=int, default=100, help="trials of 3 epochs on digits")
    parser.add_argument(
        "--slow-trials", type=int, default=20, help="at most so many for Ray Tune without reused actors"
    )
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    instant = measure(False, arguments.trials, arguments.slow_trials)
    real = measure(True, arguments.real_trials, arguments.slow_trials)
    reference = instant[WITH_REUSE].trials_per_s
    table = Table(
        "",
        "returns at once\ntrials/s",
        "times Ray Tune\nwith reuse",
        "3 epochs\ntrials/s",
        "of worker time\nin training",
    )
    for name in CONTENDERS:
        quick, slow = instant[name], real[name]
        table.add_row(
            name,
            f"{quick.trials_per_s:,.1f}",
            f"{quick.trials_per_s / reference:.1f}",
            f"{slow.trials_per_s:.2f}",
            f"{slow.share:.1%}",
        )
    Console(width=110, file=sys.stdout).print(table)
    quick = instant[NASSIM].trials_per_s / instant[BARE].trials_per_s
    slow = real[NASSIM].trials_per_s / bare_processes(real[NASSIM].architectures).trials_per_s
    print(f"Of trials that return at once nassim does {quick:.2f} of bare Optuna's a second.")
    print(f"Of 3 epochs, {slow:.2f} of what {WORKERS} bare processes do on the same architectures.")


if __name__ == "__main__":
    import overhead

    overhead.main()
