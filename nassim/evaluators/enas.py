"""ENAS: weights shared by all architectures, and trials scored with them (Pham et al. 2018)."""

from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from nassim.cost.work import Activity, Work, add_up
from nassim.data.source import DataSource
from nassim.evaluation import Candidate, Draw, Evaluator, Job, JobKind, Progress
from nassim.evaluators import checkpoint
from nassim.evaluators.rounds import Rounds
from nassim.evaluators.training import Trainer, best_device, measure, seeded
from nassim.seeds import derive_seed
from nassim.space.search_space import SearchSpace


@dataclass(frozen=True, slots=True)
class _Held:
    """Shared weights in memory, as they are after a round; -1 is before the first."""

    round: int
    trainer: Trainer


class EnasEvaluator(Evaluator):
    """Rounds of training shared weights on children that the controller draws, and of trials scored with them.

    A round is one pass over the training data, one child a minibatch (paper, section 2.2, with M = 1). Only the child's
    own weights take the step. The sampler is the controller: it learns from the first `learn_trials` trials; the others
    derive the search's find (section 2.3).

    Before each round the weights are read from the file of the round before, unless the worker holds them, and
    afterwards written to a file of the round. What a job does follows from its seeds and that file, so a round that was
    lost is done again to the same end. The file before the last stays for that; older ones are removed. Whether the
    training before a round is on the books is for the search loop to know: `due` looks at no file.

    A trial is scored with batch normalisation by the minibatch's own statistics, as in the authors' code, whose reward
    runs the child with `is_training=True`: running averages would be of all children mixed. Scoring leaves no trace in
    the weights or the statistics, so the order of trials makes no difference.

    Attributes:
        batch: Trials of one controller update, scored together.
        trials: Trials of the whole search.
        learn_trials: How many of them, from the first, the controller learns from.
    """

    stationary = False

    def __init__(
        self,
        search: str,
        space: SearchSpace,
        source: DataSource,
        rounds: Rounds,
        folder: str,
        seed: int,
        device: str | None = None,
    ) -> None:
        """Describe the search; nothing is built before it is needed.

        Args:
            search: Name of the search.
            space: Where the children are from.
            source: What they learn.
            rounds: How the search is laid out.
            folder: Where the shared weights are kept: this search's own, and shared by all workers.
            seed: Everything random about the shared weights and the scores derives from this.
            device: Where to compute; by default a GPU if the worker holds one.

        Raises:
            NassimError: The space's networks can't learn this data, or the data can't be read.
        """
        source.check(space)
        self.search = search
        self.batch = rounds.children
        self.trials = rounds.trials
        self.learn_trials = rounds.learn_trials
        self._space = space
        self._source = source
        self._rounds = rounds
        self._folder = Path(folder)
        self._seed = seed
        self._device = device
        self._held: _Held | None = None

    def due(self, asked: int) -> bool:
        """Whether a round begins with this trial."""
        return self._rounds.begins(asked)

    def prepare(self, asked: int, draw: Draw) -> Job:
        """Return the job that trains the shared weights for the round that begins with this trial."""
        number = self._rounds.round_of(asked)
        sizes = self._rounds.shared.minibatches(self._source.sizes.train)
        children = tuple(
            Candidate(architecture, None, derive_seed(self._seed, "child", number, position))
            for position, architecture in enumerate(draw(len(sizes)))
        )
        planned = (self._training(children, sizes),)
        return Job(f"{self.search}/round/{number}", self.search, JobKind.SUPERNET, children, 0, 1, self._seed, planned)

    def plan(self, candidates: Sequence[Candidate], first: int = 0) -> Job:
        """Return the job that scores trials, all of one round: see `Evaluator.plan`."""
        trials = [_number(candidate) for candidate in candidates]
        if len({self._rounds.round_of(trial) for trial in trials}) != 1:
            raise ValueError(f"trials scored together are of one round, found trials {trials}")
        name = f"{self.search}/trials/{min(trials)}-{max(trials)}"
        planned = (self._scoring(candidates),)
        return Job(name, self.search, JobKind.SCORE, tuple(candidates), first, 1, self._seed, planned)

    def finalists(self, trials: Collection[int]) -> list[int]:
        """Return the trials whose values compare: see `Rounds.finalists`."""
        return self._rounds.finalists(trials)

    def run(self, job: Job) -> Iterator[Progress]:
        """Train shared weights or score trials with them: see `Evaluator.run`."""
        if job.first < job.last:
            yield from self._train(job) if job.kind is JobKind.SUPERNET else self._score(job)

    def _train(self, job: Job) -> Iterator[Progress]:
        number = int(job.id.rsplit("/", 1)[1])
        trainer = yield from self._weights_after(number - 1)
        self._held = None
        children, sizes = job.candidates, []
        try:
            for size in trainer.epoch(number, lambda step, x: trainer.model(x, children[step].architecture)):
                sizes.append(size)
        except BaseException:
            yield Progress(self._training(children, sizes))
            raise
        self._held = _Held(number, trainer)
        yield Progress(job.planned[0])
        size = checkpoint.write(self._file(number), trainer.state())
        for older in range(number - 1):
            self._file(older).unlink(missing_ok=True)
        # Reported only now: a run that is stopped ends its jobs at their reports, and keeps the round.
        yield Progress(Work(Activity.CHECKPOINT, bytes=size), 1, None, {"train_loss": trainer.loss})

    def _score(self, job: Job) -> Iterator[Progress]:
        trainer = yield from self._weights_after(self._rounds.round_of(_number(job.candidates[0])))
        measured: list[Tensor] = []
        try:
            with _by_minibatch_statistics(trainer.model):
                for candidate in job.candidates:
                    x, y = self._minibatch(_number(candidate))
                    measured.append(measure(trainer.model(x, candidate.architecture), y))
            scores = torch.stack(measured).tolist()
        except BaseException:
            yield Progress(self._scoring(job.candidates[: len(measured)]))
            raise
        work = job.planned[0]
        for candidate, (right, loss) in zip(job.candidates, scores, strict=True):
            # Logits that are not finite have no right or wrong: that trial alone fails.
            accuracy = right / self._scored_on if loss - loss == 0 else float("nan")
            metrics = {"accuracy": accuracy, "loss": loss / self._scored_on}
            yield Progress(work, 1, candidate.trial, metrics)
            work = Work(Activity.SCORE)

    def _weights_after(self, number: int) -> Generator[Progress, None, Trainer]:
        """Return the shared weights as they are after a round; reads them where they aren't held."""
        if self._held is None or self._held.round != number:
            device = self._device or best_device()
            with seeded(derive_seed(self._seed, "weights"), "cpu"):
                supernet = self._space.supernet()
            train = self._source.load(device).train
            trainer = Trainer(supernet.to(device), self._rounds.shared, train, self._seed)
            if number >= 0:
                state, size = checkpoint.read(self._file(number), device)
                trainer.restore(state)
                yield Progress(Work(Activity.TRANSFER, bytes=size))
            self._held = _Held(number, trainer)
        return self._held.trainer

    def _minibatch(self, trial: int) -> tuple[Tensor, Tensor]:
        validation = self._source.load(self._device or best_device()).validation
        seed = derive_seed(self._seed, "minibatch", *self._rounds.draw_of(trial))
        order = torch.randperm(len(validation), generator=torch.Generator().manual_seed(seed))
        indices = order[: self._scored_on].to(validation.x.device)
        return validation.x[indices], validation.y[indices]

    @property
    def _scored_on(self) -> int:
        """Validation inputs that a trial is scored on."""
        return min(self._rounds.minibatch, self._source.sizes.validation)

    def _training(self, children: Sequence[Candidate], sizes: Sequence[int]) -> Work:
        """Return the Work of training the first children, each on a minibatch of its own."""
        steps = zip(children, sizes, strict=False)
        works = [self._space.profile(c.architecture).training(size, Activity.SUPERNET) for c, size in steps]
        return add_up([Work(Activity.SUPERNET), *works])[0]

    def _scoring(self, candidates: Sequence[Candidate]) -> Work:
        """Return the Work of scoring candidates."""
        profiles = [self._space.profile(candidate.architecture) for candidate in candidates]
        return add_up([Work(Activity.SCORE), *(p.inference(self._scored_on, Activity.SCORE) for p in profiles)])[0]

    def _file(self, number: int) -> Path:
        return self._folder / f"round-{number:05d}.pt"


def _number(candidate: Candidate) -> int:
    if candidate.trial is None:
        raise ValueError("what is scored is a trial, found a candidate without a trial number")
    return candidate.trial


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
        with torch.no_grad():
            yield
    finally:
        for buffer, value in zip(statistics, kept, strict=True):
            buffer.copy_(value)
