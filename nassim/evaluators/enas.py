"""ENAS: weights shared by all architectures, and trials scored with them (Pham et al. 2018)."""

import math
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from nassim.cost.work import Activity, Work, add_up
from nassim.data.source import DataSource
from nassim.evaluation import Candidate, Draw, Evaluator, Job, Preparation, Progress
from nassim.evaluators.checkpoint import persistently
from nassim.evaluators.measuring import Measurement
from nassim.evaluators.rounds import Rounds, enas_schedule
from nassim.evaluators.setting import Setting
from nassim.evaluators.shared import SharedWeights
from nassim.evaluators.task import CLASSIFICATION, Task
from nassim.evaluators.training import Trainer, best_device, seeded
from nassim.ledger.entry import Stage
from nassim.seeds import derive_seed
from nassim.space.architecture import Architecture
from nassim.space.checking import check_supernet
from nassim.space.sampling import take_acceptable
from nassim.space.search_space import SearchSpace

MOST_DRAWS = 100
"""Architectures that are drawn for each child of a warm-up round, at most."""


@dataclass(frozen=True, slots=True)
class _Held:
    """Shared weights in memory, as they are after so many rounds."""

    rounds: int
    trainer: Trainer


def make_enas(
    *,
    setting: Setting,
    rounds: int,
    warmup_rounds: int | None,
    updates: int,
    children: int,
    derive: int,
    minibatch: int,
    batch_size: int,
    learning_rate: float,
) -> "EnasEvaluator":
    """Return what evaluates in a setting by ENAS; half of the rounds are warm-up unless it is said how many."""
    shared = enas_schedule(rounds, batch_size, learning_rate)
    warmup = rounds // 2 if warmup_rounds is None else warmup_rounds
    return EnasEvaluator(
        setting.search,
        setting.space,
        setting.source,
        Rounds(shared, warmup, updates, children, derive, minibatch),
        setting.shared_weights(),
        accepts=setting.accepts,
        task=setting.task,
    )


class EnasEvaluator(Evaluator):
    """Rounds of training shared weights on children that the controller draws, and of trials scored with them.

    A round is one pass over the training data, one child a minibatch (paper, section 2.2, with M = 1). Only the child's
    own weights take the step. The children of the warm-up are drawn uniformly, those of later rounds from the sampler,
    which is the controller: it learns from the first `learn_trials` trials. The others derive the search's find
    (section 2.3). `docs/weight-sharing.md` lists what is not as in the paper, with measurements.

    Before each round the weights are read from the file of the round before, unless the worker holds them, and
    afterwards written to a file of the round. What a job does follows from its seeds and that file, so a round that was
    lost is done again to the same end. Which rounds are on the books, and when a file may go, is for the search loop to
    know.

    A trial is scored on a minibatch of its own, those that derive on all validation data, in minibatches. Batch
    normalisation is by the minibatch's own statistics, as in the authors' code: running averages would be of all
    children mixed. Scoring leaves no trace in weights or statistics, so the order of trials makes no difference.

    A trial reports the task's metrics, `loss` and, for `accuracy`, what it is ranked by: `score`, the accuracy with
    equals told apart by the loss. It is (right + exp(-loss)) / (inputs + 1), and exp(-loss), the likelihood of an
    input's label, is below 1.

    Attributes:
        batch: Trials of one controller update, scored together.
        trials: Trials of the whole search.
        learn_trials: How many of them, from the first, the controller learns from.
    """

    stationary = False
    draws = True

    def __init__(
        self,
        search: str,
        space: SearchSpace,
        source: DataSource,
        rounds: Rounds,
        shared: SharedWeights,
        device: str | None = None,
        accepts: Callable[[Architecture], bool] | None = None,
        task: Task = CLASSIFICATION,
    ) -> None:
        """Describe the search; nothing is built before it is needed.

        Args:
            search: Name of the search.
            space: Where the children are from.
            source: What they learn.
            rounds: How the search is laid out.
            shared: The shared weights, this search's own. Everything random about the scores derives from their seed.
            device: Where to compute; by default a GPU if the worker holds one.
            accepts: Says whether an architecture may be a child that the weights warm up on; by default all may.
            task: What they learn to predict, and what is reported.

        Raises:
            NassimError: The space's networks can't learn this data, or the data can't be read.
        """
        source.check(space)
        self.search = search
        self.preparations = (shared,)
        self.batch = rounds.children
        self.trials = rounds.trials
        self.learn_trials = rounds.learn_trials
        self._space = space
        self._source = source
        self._rounds = rounds
        self._shared = shared
        self._seed = shared.seed
        self._device = device
        self._accepts = accepts
        self._task = task
        self.ranked_by = {"accuracy": "score"} if "accuracy" in {metric.name for metric in task.metrics} else {}
        self._held: _Held | None = None

    def check(self) -> None:
        """Find out whether the space's choices can share their weights: see `Evaluator.check`."""
        check_supernet(self._space)

    def warm_up(self) -> Work:
        """Train shared weights that are thrown away on children that together take every option, and score these."""
        trainer, works = self._begin(), [Work(Activity.STARTUP)]
        validation = self._source.load(self._on).validation
        scored = min(self._rounds.minibatch, len(validation))
        for child in self._space.domain.covering():
            profile = self._space.profile(child)
            for size in {*self._rounds.shared.minibatches(self._source.sizes.train)}:
                trainer.try_step(size, partial(trainer.model, architecture=child))
                works.append(profile.training(size, Activity.STARTUP))
            with _by_minibatch_statistics(trainer.model):
                self._measure(trainer.model, child, [(validation.x[:scored], validation.y[:scored])], []).figures()
            works.append(profile.inference(scored, Activity.STARTUP))
        return add_up(works)[0]

    def due(self, preparation: Preparation, trial: int) -> int:
        """Return how many rounds of training come before a trial."""
        return self._rounds.round_of(trial) + 1

    def prepare(self, preparation: Preparation, first: int, draw: Draw) -> Job:
        """Return the job that trains the shared weights for a round, after `first` others."""
        sizes = self._rounds.shared.minibatches(self._source.sizes.train)
        children = self._draw_uniformly(first, len(sizes)) if first < self._rounds.warmup else draw(len(sizes), first)
        return Job(
            preparation.id,
            self.search,
            "shared weights",
            (),
            first,
            first + 1,
            self._seed,
            (self._training(children, sizes),),
            Stage.SHARED,
            children=tuple(children),
            checkpoint=str(self._shared.folder),
        )

    def plan(self, candidates: Sequence[Candidate], first: int = 0) -> Job:
        """Return the job that scores trials, all of one round: see `Evaluator.plan`."""
        trials = [_number(candidate) for candidate in candidates]
        if len({self._rounds.round_of(trial) for trial in trials}) != 1:
            raise ValueError(f"trials scored together are of one round, found trials {trials}")
        name = f"{self.search}/trials/{min(trials)}-{max(trials)}"
        planned = () if first else add_up(self._scoring(candidate) for candidate in candidates)
        return Job(name, self.search, "scoring", tuple(candidates), first, 1, self._seed, planned, stoppable=False)

    def may_find(self, trial: int) -> bool:
        """Whether this trial is one of those that derive the find."""
        return self._rounds.is_derived(trial)

    def finalists(self, trials: Collection[int]) -> list[int]:
        """Return the trials whose values compare: see `Rounds.finalists`."""
        return self._rounds.finalists(trials)

    def run(self, job: Job) -> Iterator[Progress]:
        """Train shared weights or score trials with them: see `Evaluator.run`."""
        if job.first < job.last:
            yield from self._score(job) if job.candidates else self._train(job)

    def _train(self, job: Job) -> Iterator[Progress]:
        trainer = yield from self._weights_after(job.first, Activity.SUPERNET)
        self._held = None
        children, sizes = job.children, []
        try:
            for size in trainer.epoch(job.first, lambda step, x: trainer.model(x, children[step])):
                sizes.append(size)
        except BaseException:
            yield Progress(self._training(children, sizes))
            raise
        self._held = _Held(job.last, trainer)
        yield Progress(job.planned[0])
        size = yield from persistently(lambda: self._shared.write(job.last, trainer.state()))
        # Reported only now: a run that is stopped ends its jobs at their reports, and keeps the round.
        yield Progress(Work(Activity.CHECKPOINT, bytes=size), job.last, None, {"train_loss": trainer.loss})

    def _score(self, job: Job) -> Iterator[Progress]:
        rounds = self._rounds.round_of(_number(job.candidates[0])) + 1
        trainer = yield from self._weights_after(rounds, Activity.SCORE)
        with _by_minibatch_statistics(trainer.model):
            for candidate in job.candidates:
                yield from self._score_one(trainer.model, candidate)

    def _score_one(self, model: nn.Module, candidate: Candidate) -> Iterator[Progress]:
        work, trial = self._scoring(candidate), _number(candidate)
        sizes: list[int] = []
        try:
            measurement = self._measure(model, candidate.architecture, self._minibatches(trial), sizes)
            # A GPU has done the work when the result is here, so each child is billed its own seconds.
            figures = measurement.figures()
        except BaseException:
            yield Progress(work.part(sum(sizes)), trial=trial)
            raise
        yield Progress(work, 1, trial, _with_score(figures, sum(sizes)))

    @torch.no_grad()
    def _measure(
        self,
        model: nn.Module,
        architecture: Architecture,
        minibatches: Iterable[tuple[Tensor, Tensor]],
        done: list[int],
    ) -> Measurement:
        """Measure a child on minibatches, and note the size of each that is done."""
        measurement = Measurement(self._task)
        for x, y in minibatches:
            measurement.add(model(x, architecture), y)
            done.append(len(y))
        return measurement

    def _weights_after(self, rounds: int, activity: Activity) -> Generator[Progress, None, Trainer]:
        """Return the shared weights as they are after so many rounds; reads them where they aren't held.

        Args:
            rounds: The rounds.
            activity: What building the supernet and loading the data is billed to.
        """
        held, self._held = self._held, None
        if held is None or rounds < 1 <= held.rounds:
            held = _Held(0, self._begin())
            yield Progress(Work(activity))
        if held.rounds != rounds:
            state, size = yield from persistently(lambda: self._shared.read(rounds, self._on))
            held.trainer.restore(state)
            yield Progress(Work(Activity.TRANSFER, bytes=size))
        self._held = _Held(rounds, held.trainer)
        return held.trainer

    def _begin(self) -> Trainer:
        """Return shared weights as they are before the first round."""
        with seeded(derive_seed(self._seed, "weights"), "cpu"):
            supernet = self._space.supernet()
        data = self._source.load(self._on)
        return Trainer(supernet.to(self._on), self._rounds.shared, data.train, self._seed, self._task)

    @property
    def _on(self) -> str:
        """Where to compute."""
        return self._device or best_device()

    def _minibatches(self, trial: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the validation inputs that a trial is scored on, and their labels."""
        validation = self._source.load(self._on).validation
        derived = self._rounds.is_derived(trial)
        seed = derive_seed(self._seed, "minibatch", "derive" if derived else trial)
        order = torch.randperm(len(validation), generator=torch.Generator().manual_seed(seed))
        order = order[: self._scored_on(trial)].to(validation.x.device)
        for indices in torch.tensor_split(order, max(1, len(order) // self._rounds.minibatch)):
            yield validation.x[indices], validation.y[indices]

    def _scored_on(self, trial: int) -> int:
        """Return how many validation inputs a trial is scored on."""
        count = self._source.sizes.validation
        return count if self._rounds.is_derived(trial) else min(self._rounds.minibatch, count)

    def _draw_uniformly(self, number: int, count: int) -> list[Architecture]:
        """Return the children of a warm-up round.

        Raises:
            NassimError: As `take_acceptable`.
        """
        rng = np.random.default_rng(derive_seed(self._seed, "warm-up", number))
        drawn = iter(lambda: self._space.sample(rng), None)
        return take_acceptable(drawn, self._accepts, count, MOST_DRAWS * count)

    def _training(self, children: Sequence[Architecture], sizes: Sequence[int]) -> Work:
        """Return the Work of training the first children, each on a minibatch of its own."""
        steps = zip(children, sizes, strict=False)
        works = [self._space.profile(child).training(size, Activity.SUPERNET) for child, size in steps]
        return add_up([Work(Activity.SUPERNET), *works])[0]

    def _scoring(self, candidate: Candidate) -> Work:
        """Return the Work of scoring a trial."""
        profile = self._space.profile(candidate.architecture)
        return profile.inference(self._scored_on(_number(candidate)), Activity.SCORE)


def _number(candidate: Candidate) -> int:
    if candidate.trial is None:
        raise ValueError("what is scored is a trial, found a candidate without a trial number")
    return candidate.trial


def _with_score(figures: dict[str, float], count: int) -> dict[str, float]:
    """Return what a trial reports; a loss that is not finite fails the trial alone."""
    loss = figures["loss"]
    if not math.isfinite(loss):
        return dict.fromkeys(figures, math.nan) | {"score": math.nan, "loss": loss}
    if "accuracy" not in figures:
        return figures
    return {"score": (figures["accuracy"] * count + math.exp(-loss)) / (count + 1), **figures}


@contextmanager
def _by_minibatch_statistics(model: nn.Module) -> Iterator[None]:
    """Evaluate with batch normalisation by each minibatch's own statistics; keep the running ones as they are."""
    model.eval()
    layers = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    statistics = [buffer for layer in layers for buffer in layer.buffers()]
    kept = [buffer.clone() for buffer in statistics]
    for layer in layers:
        layer.train()
    try:
        yield
    finally:
        for buffer, value in zip(statistics, kept, strict=True):
            buffer.copy_(value)
