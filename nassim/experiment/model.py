"""Experiment: what an experiment file says, validated.

Each class is a mapping of the file and each field one of its keys; `docs/experiment.md` describes them all.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from nassim.budget import Budget
from nassim.data.catalogue import DATA
from nassim.errors import KeyPath
from nassim.evaluators.catalogue import EVALUATORS
from nassim.evaluators.schedule import Schedule
from nassim.executors.catalogue import EXECUTORS
from nassim.experiment.aims import (
    Limits,
    Objectives,
    ObjectiveSpec,
    limit_mistakes,
    objective_mistakes,
    weighing_mistakes,
)
from nassim.experiment.data import ArraysSpec, DigitsSpec, OwnData
from nassim.experiment.own import OWN, Own, PartSpec, by, known
from nassim.experiment.site import SiteSpec
from nassim.experiment.task import TaskSpec
from nassim.samplers.catalogue import PRUNERS, SAMPLERS
from nassim.spec import LARGEST_COUNT, Amount, Count, Name, Parameters, Seed, Spec, Text, contradiction, whole


class SpaceSpec(Spec):
    """Where to search."""

    name: Text
    """A space that ships (`nassim spaces`), `path/to/file.py:Class` or `module:Class`."""
    parameters: Parameters = {}
    """Arguments of the space's class."""


class FullSpec(PartSpec):
    """Train each candidate from scratch, by the experiment's `training`."""

    also_reported: ClassVar = ("train_loss",)
    """What its trials report beside the task's metrics and `loss`."""

    kind: Literal["full"]
    """Says that it is this one."""


class EnasSpec(PartSpec):
    """Efficient NAS by weight sharing (Pham et al. 2018)."""

    also_reported: ClassVar = ()
    """What its trials report beside the task's metrics and `loss`."""

    kind: Literal["enas"]
    """Says that it is this one."""
    rounds: Count
    """Rounds: passes over the training data for the shared weights."""
    warmup_rounds: Annotated[int, Field(ge=0, le=LARGEST_COUNT)] | None = None
    """Of these, how many at the beginning train on uniformly drawn children and have no trials; by default half."""
    updates: Count = 30
    """Controller updates in each round after the warm-up."""
    children: Count = 10
    """Trials that the controller learns from in one update, each scored on a minibatch of its own."""
    derive: Count = 10
    """Trials drawn after the last round and scored on all validation inputs; the best is what the search finds."""
    minibatch: Annotated[Count, Field(ge=2)] = 128
    """Validation inputs of a minibatch."""
    batch_size: Annotated[Count, Field(ge=2)] = 128
    """Inputs a step of the shared weights' training."""
    learning_rate: Amount = 0.05
    """Of the shared weights, at the first round; it falls in one cosine to a fiftieth at the last."""

    @model_validator(mode="after")
    def _leaves_rounds_to_learn_in(self) -> "EnasSpec":
        if self.warmup_rounds is not None and self.warmup_rounds >= self.rounds:
            found = f"found {self.warmup_rounds} of {self.rounds} rounds; at least one comes after the warm-up"
            raise contradiction((("warmup_rounds",), found))
        return self


class OwnEvaluator(Own):
    """An evaluator of one's own, or of a package's: a `nassim.evaluation.Evaluator`."""

    also_reported: ClassVar = None
    """What its trials report beside the task's metrics and `loss`: nobody knows before it is made."""

    kind: Text
    """`path/to/file.py:Class` or `module:Class`."""


class SamplerSpec(Spec):
    """Who proposes."""

    name: Annotated[Text, AfterValidator(known(SAMPLERS))]
    """random, tpe, nsga2, grid, reinforce, evolution or one's own (docs/extending.md); for an enas search reinforce or
    random."""
    parameters: Parameters = {}
    """Arguments of the sampler."""


class PrunerSpec(Spec):
    """Who stops trials that look bad."""

    name: Annotated[Text, AfterValidator(known(PRUNERS))]
    """none, median, successive_halving or hyperband: Optuna's pruners; or one's own."""
    parameters: Parameters = {}
    """Arguments of the pruner."""


class SearchSpec(Spec):
    """One arm of the experiment."""

    name: Name
    """Unique within the experiment."""
    evaluator: Annotated[
        Annotated[FullSpec, Tag("full")] | Annotated[EnasSpec, Tag("enas")] | Annotated[OwnEvaluator, Tag(OWN)],
        by("kind", EVALUATORS),
    ]
    """What it takes to know how good an architecture is."""
    sampler: SamplerSpec
    """Who proposes."""
    pruner: PrunerSpec = PrunerSpec(name="none")
    """Who stops trials that look bad; by default nobody. Of a search with several objectives nobody can."""
    objectives: Objectives | None = None
    """What it goes by; by default the experiment's."""
    limits: Limits | None = None
    """What its networks may cost; by default the experiment's."""
    trials: Count | None = None
    """How many trials, all outcomes counted but infeasible; may be left out where the search has a budget, or the
    sampler is grid. An enas search's follow from its rounds."""
    duplicates: Literal["train", "reuse"] = "train"
    """An architecture that was evaluated before is trained anew, or takes the earlier value at no cost."""
    trial_timeout_s: Amount | None = None
    """Seconds on a worker after which a trial fails; none by default."""
    budget: Budget = Budget()
    """What this search may spend, its final training left out; by default no limit."""

    @model_validator(mode="after")
    def _fits_together(self) -> "SearchSpec":
        if self.budget.trials is not None:
            what = "a search says how many trials in its key `trials`; take this away"
            raise contradiction((("budget", "trials"), what))
        return self


def _pick(value: Any) -> Any:
    value = whole(value)
    counts = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST_COUNT
    if not counts and value not in ("best", "knee", "front"):
        raise PydanticCustomError("pick", "wanted best, knee, front, or a whole number of at least 1")
    return value


Pick = Annotated[int | str, BeforeValidator(_pick)]
"""best, knee, front, or a whole number of at least 1."""


class FinalSpec(Spec):
    """The final training: the found architecture, from scratch, on training and validation data, tested once."""

    schedule: Schedule
    """How it is trained."""
    pick: Pick = "best"
    """Of a front which: best (of the first objective), knee, front (all of it, one after the other), or how many."""


SMALLEST_HOLDING = 1e-4
"""Ray counts in ten-thousandths."""

LARGEST_HOLDING = 1e6

RAYS_OWN = ("CPU", "GPU", "memory", "object_store_memory", "bundle")
"""Resources that a worker holds otherwise, or that Ray keeps for itself."""


def _resource(name: str) -> str:
    if name in RAYS_OWN:
        message = "no custom resource; cpus_per_worker and gpus_per_worker say how many CPUs and GPUs a worker holds"
        raise PydanticCustomError("resource", message)
    return name


def _gpus(amount: float) -> float:
    if (amount > 1 and not amount.is_integer()) or 0 < amount < SMALLEST_HOLDING:
        raise PydanticCustomError("gpus", "wanted a whole number, or a share of one GPU from 0.0001 to 1")
    return amount


Holding = Annotated[float, Field(ge=SMALLEST_HOLDING, le=LARGEST_HOLDING)]
"""A number from 0.0001 to a million."""

ResourceName = Annotated[Name, AfterValidator(_resource)]
"""A name that is not one of Ray's own."""


class RaySpec(PartSpec):
    """Ray workers, on this machine or on a cluster."""

    kind: Literal["ray"]
    """Says that it is this one."""
    workers: Count = 2
    """How many."""
    address: Text | None = None
    """A Ray cluster to join; by default a small Ray is started on this machine."""
    cpus_per_worker: Holding = 1.0
    """CPUs that Ray sets aside for a worker."""
    gpus_per_worker: Annotated[float, Field(ge=0, le=LARGEST_HOLDING), AfterValidator(_gpus)] = 0.0
    """GPUs that Ray sets aside for a worker; may be a share of one."""
    resources: dict[ResourceName, Holding] = {}
    """Custom Ray resources that Ray sets aside for a worker, by name."""
    threads: Count | None = None
    """Threads that a worker computes with; by default as many as it holds CPUs."""
    hang_timeout_s: Amount = 3600.0
    """A worker whose job reports nothing for so long is taken to hang and is replaced; longer than an epoch takes."""
    patience_s: Amount = 300.0
    """How long to wait while the cluster has room for no worker at all."""


class InlineSpec(PartSpec):
    """In the driver's own process, one job at a time: for tests and for looking for faults."""

    kind: Literal["inline"]
    """Says that it is this one."""
    threads: Count | None = None
    """Threads to compute with; by default OMP_NUM_THREADS, or one for each CPU."""


class OwnExecutor(Own):
    """An executor of one's own, or of a package's: a `nassim.executors.base.Executor`."""

    kind: Text
    """`path/to/file.py:Class` or `module:Class`."""


class CheckpointSpec(Spec):
    """Where trainings leave their state, so that another worker can go on."""

    folder: Text = "runs"
    """A folder that all workers share, for checkpoints, shared weights and found models; a relative path starts from
    where nassim runs. Each run has a folder of its own in it."""
    every: Annotated[int, Field(ge=0, le=LARGEST_COUNT)] = 1
    """Epochs between checkpoints of a training; 0 keeps none, and what a dead worker had done of a trial is lost."""


class Experiment(Spec):
    """One experiment file."""

    name: Name
    """Runs are named after it."""
    seed: Seed = 0
    """Everything random derives from it."""
    space: SpaceSpec
    """Where to search."""
    data: Annotated[
        Annotated[DigitsSpec, Tag("digits")] | Annotated[ArraysSpec, Tag("arrays")] | Annotated[OwnData, Tag(OWN)],
        by("name", DATA),
    ]
    """What is learnt."""
    task: TaskSpec = TaskSpec()
    """What the networks learn to predict, what trains them, and what is reported of them."""
    training: Schedule
    """How candidates are trained from scratch."""
    searches: Annotated[tuple[SearchSpec, ...], Field(min_length=1, max_length=100, strict=False)]
    """The arms, one after the other."""
    final: FinalSpec
    """The same for every search."""
    objectives: Objectives | None = None
    """What searches go by that don't say it themselves; by default the first of the task's metrics."""
    limits: Limits = {}
    """What the networks of searches may cost that don't say it themselves; by default anything."""
    executor: Annotated[
        Annotated[RaySpec, Tag("ray")] | Annotated[InlineSpec, Tag("inline")] | Annotated[OwnExecutor, Tag(OWN)],
        by("kind", EXECUTORS),
    ] = RaySpec(kind="ray")
    """Where jobs run; by default two Ray workers on this machine."""
    retries: Annotated[int, Field(ge=0, le=1000)] = 3
    """How often in a row a job that lost its worker is handed out again without getting further."""
    checkpoint: CheckpointSpec = CheckpointSpec()
    """Where trainings leave their state."""
    budget: Budget = Budget()
    """What all searches and final trainings together may spend; by default no limit."""
    site: SiteSpec = SiteSpec()
    """Where the workers' devices are and what they cost; by default what `nassim site` says, or else assumed."""
    ledger: Text = "sqlite:///nassim.db"
    """The ledger: an SQLAlchemy URL."""

    def objectives_of(self, search: SearchSpec) -> Objectives:
        """Return what a search goes by."""
        return search.objectives or self.objectives or ({self.task.task().main_metric: ObjectiveSpec()},)

    def limits_of(self, search: SearchSpec) -> Limits:
        """Return what a search's networks may cost."""
        return self.limits if search.limits is None else search.limits

    @model_validator(mode="after")
    def _fits_together(self) -> "Experiment":
        mistakes: dict[KeyPath, str] = {}
        found = (self._name_mistakes(), self._task_mistakes(), self._aim_mistakes())
        for path, what in chain.from_iterable(found):
            mistakes.setdefault(path, what)  # What several searches take from the experiment is told once.
        if mistakes:
            raise contradiction(*mistakes.items())
        return self

    def _name_mistakes(self) -> Iterator[tuple[KeyPath, str]]:
        first: dict[str, int] = {}
        for index, search in enumerate(self.searches):
            if search.name in first:
                taken = f"found {search.name!r}, which searches[{first[search.name]}] has already"
                yield ("searches", index, "name"), taken
            first.setdefault(search.name, index)

    def _task_mistakes(self) -> Iterator[tuple[KeyPath, str]]:
        if self.data.name == "digits" and self.task.kind != "classification":
            yield ("task", "kind"), f"found {self.task.kind!r}; digits are ten classes, for classification alone"

    def _aim_mistakes(self) -> Iterator[tuple[KeyPath, str]]:
        for index, search in enumerate(self.searches):
            own, objectives = ("searches", index), self.objectives_of(search)
            kind, also = search.evaluator.kind, search.evaluator.also_reported
            mistakes = list(objective_mistakes(objectives, kind, self.task.task(), also))
            if len(objectives) > 1 and search.sampler.name == "reinforce" and not mistakes:
                mistakes += weighing_mistakes(objectives, self.task.task())
            for path, what in mistakes:
                yield (*(() if search.objectives is None else own), "objectives", *path), what
            for path, what in limit_mistakes(self.limits_of(search)):
                yield (*(() if search.limits is None else own), "limits", *path), what
            if len(objectives) > 1 and search.pruner.name != "none":
                why = "a pruner goes by one figure, and would stop trials that are good by another"
                found = f"found {search.pruner.name!r}; {why}: a search with several objectives has none"
                yield (*own, "pruner", "name"), f"{found}; take it away"
