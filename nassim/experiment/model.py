"""Experiment: what an experiment file says, validated.

Each class is a mapping of the file and each field one of its keys; `docs/experiment.md` describes them all.
"""

from collections import Counter
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from nassim.experiment.spec import (
    Amount,
    Count,
    Name,
    Parameters,
    Seed,
    Share,
    Spec,
    Text,
    contradiction,
    whole,
)
from nassim.experiment.training import Training

FlopAmount = Annotated[int, BeforeValidator(whole), Field(gt=0)]


class Space(Spec):
    """Where to search."""

    name: Text
    """A space that ships (`nassim spaces`), `path/to/file.py:Class` or `module:Class`."""
    parameters: Parameters = {}
    """Arguments of the space's class."""


class Digits(Spec):
    """scikit-learn's handwritten digits: 1,797 images of 1x8x8, 10 classes."""

    name: Literal["digits"]
    validation: Share = 0.2
    """Share of the images that candidates are validated on."""
    test: Share = 0.2
    """Share of the images that only the final model sees."""


class Arrays(Spec):
    """Arrays of one's own: an `.npz` file that holds `x` and `y`."""

    name: Literal["arrays"]
    path: Text
    """The file; a relative path starts from the experiment file's folder."""
    validation: Share = 0.2
    """As for digits."""
    test: Share = 0.2
    """As for digits."""


class Full(Spec):
    """Train each candidate from scratch, by the experiment's `training`."""

    kind: Literal["full"]


class Enas(Spec):
    """Efficient NAS by weight sharing (Pham et al. 2018)."""

    kind: Literal["enas"]


class Sampler(Spec):
    """Who proposes."""

    name: Literal["random", "tpe", "grid", "reinforce", "evolution"]
    """Which sampler."""
    parameters: Parameters = {}
    """Arguments of the sampler."""


class Pruner(Spec):
    """Who stops trials that look bad."""

    name: Literal["none", "median", "successive_halving", "hyperband"]
    """Which of Optuna's pruners."""
    parameters: Parameters = {}
    """Arguments of the pruner."""


class Limits(Spec):
    """Limits on what may be spent, over all workers and all resumes. A limit left out is none."""

    flop: FlopAmount | None = None
    """Operations, forward and backward, in FLOP."""
    device_s: Amount | None = None
    """Seconds of worker leases, busy or idle, added up over the workers."""
    wall_s: Amount | None = None
    """Seconds on the run's clock, which stands still while no driver runs."""
    trials: Count | None = None
    """Trials over all searches; of the experiment's budget alone."""


class Search(Spec):
    """One arm of the experiment."""

    name: Name
    """Unique within the experiment."""
    evaluator: Annotated[Full | Enas, Field(discriminator="kind")]
    """What it takes to know how good an architecture is."""
    sampler: Sampler
    """Who proposes."""
    pruner: Pruner = Pruner(name="none")
    """Who stops trials that look bad."""
    trials: Count
    """How many trials, all outcomes counted."""
    duplicates: Literal["train", "reuse"] = "train"
    """An architecture that was evaluated before is trained anew, or takes the earlier value at no cost."""
    trial_timeout_s: Amount | None = None
    """Seconds on a worker after which a trial fails; none by default."""
    budget: Limits = Limits()
    """What this search may spend, its final training left out."""

    @model_validator(mode="after")
    def _fits_together(self) -> "Search":
        mistakes: list[tuple[tuple[str | int, ...], str]] = []
        if self.budget.trials is not None:
            mistakes.append((("budget", "trials"), "a search says how many trials in its key `trials`; take this away"))
        if self.evaluator.kind == "enas":
            if self.sampler.name not in CHILD_SAMPLERS:
                allowed = " or ".join(CHILD_SAMPLERS)
                mistakes.append(
                    (
                        ("sampler", "name"),
                        f"found {self.sampler.name!r}; an enas search draws the children that train its shared "
                        f"weights, for which the sampler is {allowed}",
                    )
                )
            if self.pruner.name != "none":
                mistakes.append(
                    (
                        ("pruner", "name"),
                        f"found {self.pruner.name!r}; an enas search scores a trial in one step, which leaves nothing "
                        "to prune; take the pruner away",
                    )
                )
        if mistakes:
            raise contradiction(*mistakes)
        return self


CHILD_SAMPLERS = ("reinforce", "random")
"""Samplers that can draw architectures outside of any trial."""


class Final(Spec):
    """The final training: the found architecture, from scratch, on training and validation data, tested once."""

    schedule: Training
    """How it is trained."""


class Ray(Spec):
    """Ray workers, on this machine or on a cluster."""

    kind: Literal["ray"]
    workers: Count = 2
    """How many."""
    address: Text | None = None
    """A Ray cluster to join; by default a small Ray is started on this machine."""
    cpus_per_worker: Amount = 1.0
    """CPUs that Ray sets aside for a worker."""
    gpus_per_worker: Annotated[float, Field(ge=0)] = 0.0
    """GPUs that Ray sets aside for a worker."""
    threads: Count = 1
    """Threads that torch computes with in a worker."""


class Inline(Spec):
    """In the driver's own process, one job at a time: for tests and for looking for faults."""

    kind: Literal["inline"]
    threads: Count = 1
    """Threads that torch computes with."""


class Checkpoint(Spec):
    """Where trainings leave their state, so that another worker can go on."""

    folder: Text | None = None
    """A folder that all workers share; a relative path starts from where nassim runs. None keeps no checkpoints."""
    every: Count = 1
    """Epochs between checkpoints."""


class Experiment(Spec):
    """One experiment file."""

    name: Name
    """Runs are named after it."""
    seed: Seed = 0
    """Everything random derives from it."""
    space: Space
    """Where to search."""
    data: Annotated[Digits | Arrays, Field(discriminator="name")]
    """What is learnt."""
    training: Training
    """How candidates are trained from scratch."""
    searches: Annotated[tuple[Search, ...], Field(min_length=1, max_length=100, strict=False)]
    """The arms, one after the other."""
    final: Final
    """The same for every search."""
    executor: Annotated[Ray | Inline, Field(discriminator="kind")] = Ray(kind="ray")
    """Where jobs run."""
    retries: Annotated[int, Field(ge=0, le=1000)] = 3
    """How often in a row a job that lost its worker is handed out again without getting further."""
    checkpoint: Checkpoint = Checkpoint()
    """What survives a worker."""
    budget: Limits = Limits()
    """What all searches and final trainings together may spend."""
    ledger: Text = "sqlite:///nassim.db"
    """The ledger: an SQLAlchemy URL."""

    @model_validator(mode="after")
    def _names_differ(self) -> "Experiment":
        names = Counter(search.name for search in self.searches)
        twice = [index for index, search in enumerate(self.searches) if names[search.name] > 1]
        if twice:
            first = {name: next(i for i in twice if self.searches[i].name == name) for name in names if names[name] > 1}
            raise contradiction(
                *(
                    (("searches", index, "name"), f"found {name!r}, which searches[{first[name]}] has already")
                    for index in twice
                    if first[name := self.searches[index].name] != index
                )
            )
        return self
