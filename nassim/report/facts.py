"""Facts: all that a report says of a run, as plain values. Nothing here draws, and nothing that draws decides.

The JSON report is these values, key by key: `docs/report.md` documents each.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, computed_field

from nassim.cost.differences import Discrepancy
from nassim.hardware.figure import Figure
from nassim.hardware.terms import SaidBy
from nassim.ledger.entry import Outcome
from nassim.report.amounts import Comparison, Fact, Part

SCHEMA = 2
"""Goes up when a key of the JSON report changes its meaning or goes."""

HEADLINE = (
    "Search : final is FLOP performed over FLOP performed, busy over busy: a matter of the method, and not of the "
    "hardware or of how many workers idled while one trained the final model."
)
INCLUDED = (
    "every second that a worker is held: start-up, data loading, work, idle and lost time",
    "failed, pruned, duplicate and stopped trials, and work done twice after a fault",
    "the training of shared weights, with all children that it takes",
    "the driver's own seconds: sampler, controller, planning, ledger, waiting",
)
EXCLUDED = (
    "installing, downloading data, writing and debugging code, and other runs and seeds",
    "the driver's operations (its seconds are posted, its FLOP are not counted), and its machine's energy and rent",
    "element-wise operations, from FLOP and their ratio alone: they have rows of their own",
    "embodied carbon, storage, networks",
)


class OutcomeCost(Fact):
    """What the trials of one outcome took.

    Attributes:
        outcome: The outcome, or "open".
        trials: How many.
        device_s: Seconds of workers spent on them alone.
        flop: FLOP, forward and backward.
    """

    outcome: Outcome | Literal["open"]
    trials: int
    device_s: float
    flop: Figure


class Failure(Fact):
    """Trials that failed for one reason.

    Attributes:
        reason: The reason, as the example has it; reasons that differ in numbers alone are one.
        trials: How many trials.
        example: Number of the first of them.
    """

    reason: str
    trials: int
    example: int


class FoundModel(Fact):
    """The model that a search found.

    Attributes:
        architecture_id: Twelve hexadecimal digits.
        architecture: Choice name to option label.
        words: The architecture as its space writes one; None where the space doesn't.
        trial: The trial it was found in; None where no single trial proposed it.
        params: Learnable parameters.
        forward_macs: Multiply-adds of one inference.
        forward_flop: FLOP of one inference.
        elementwise_flop: Operations of one inference that are no contraction.
        elementwise_bytes: Bytes of activations that these, and copies, move.
        training_samples: Inputs that it was trained on, over all epochs.
        seed: The seed of the final training.
        metrics: What the final training reported last, on the test split; None for a figure that isn't finite.
    """

    architecture_id: str
    architecture: Mapping[str, str]
    words: str | None
    trial: int | None
    params: int
    forward_macs: Figure
    forward_flop: Figure
    elementwise_flop: Figure
    elementwise_bytes: Figure
    training_samples: int
    seed: int
    metrics: Mapping[str, float | None]

    @computed_field
    @property
    def test_accuracy(self) -> float | None:
        """Share of the test split that it gets right."""
        return self.metrics.get("accuracy")


class FrontTrial(Fact):
    """A trial on the front of a search by several objectives.

    Attributes:
        trial: Its number.
        architecture_id: Twelve hexadecimal digits.
        values: Its values of the objectives, by name.
        found: Whether it was trained by the final schedule.
    """

    trial: int
    architecture_id: str
    values: Mapping[str, float]
    found: bool


class SearchFacts(Fact):
    """One search, its final training, and how they compare.

    Attributes:
        name: The search's name.
        evaluator: Kind of its evaluator; None where the ledger doesn't say.
        sampler: Name of its sampler.
        pruner: Name of its pruner.
        trials: Trials, whatever became of them.
        outcomes: What became of its trials, in the order of Outcome.
        failures: Why trials failed, the most frequent reason first.
        architectures: Distinct architectures that were evaluated: those of complete, duplicate and pruned trials.
        search: What the search took.
        final: What its final training took, from its first second to its last; leased, with all other workers. Of a
            search that trained several models, what all of them took.
        found: The found model; None before its final training is done. Of several the best by the first objective.
        also_found: The others.
        objectives: What it went by: names, the first first, with "max" or "min"; empty before it has found any.
        front: The trials that no other is better than, the best by the first objective first, and of an architecture
            one; empty with one objective.
    """

    name: str
    evaluator: str | None
    sampler: str | None
    pruner: str | None
    trials: int
    outcomes: tuple[OutcomeCost, ...]
    failures: tuple[Failure, ...]
    architectures: int
    search: Part
    final: Part
    found: FoundModel | None
    also_found: tuple[FoundModel, ...]
    objectives: Mapping[str, str]
    front: tuple[FrontTrial, ...]

    @computed_field
    @property
    def search_over_final(self) -> Comparison:
        """The search over its final training; unknown before that is done."""
        return self.search.over(None if self.found is None else self.final)


class DeviceFacts(Fact):
    """Workers that are alike.

    Attributes:
        device: What they compute on.
        workers: How many were held at a time, at most.
        nodes: On how many machines.
        processors: Processors that each holds.
        peak_flop_per_s: Peak rate of one processor, as the latest of them was given it.
        peak_source: "catalogue" or "measured"; None where the rate is unknown.
    """

    device: str
    workers: int
    nodes: int
    processors: float
    peak_flop_per_s: Figure
    peak_source: str | None


class WorkerBalance(Fact):
    """Whether one worker's books close.

    Attributes:
        worker: The worker's id.
        leased_s: Seconds leased, from the leases.
        posted_s: Seconds posted, from the entries.
        released: Whether its leases have ended.
    """

    worker: str
    leased_s: float
    posted_s: float
    released: bool

    @computed_field
    @property
    def difference_s(self) -> float:
        """Posted minus leased."""
        return self.posted_s - self.leased_s

    @computed_field
    @property
    def closes(self) -> bool:
        """Whether posted and leased seconds agree to a microsecond, or a millionth for leases longer than a second."""
        return abs(self.difference_s) <= 1e-6 * max(1.0, self.leased_s)


class Balance(Fact):
    """Whether a run's books close.

    Attributes:
        workers: Each worker, the driver among them.
    """

    workers: tuple[WorkerBalance, ...]

    @computed_field
    @property
    def closes(self) -> bool:
        """Whether the books of every worker close."""
        return all(worker.closes for worker in self.workers)


class Counting(Fact):
    """How FLOP were counted.

    Attributes:
        convention: "performed"; of a run by an earlier nassim "torch", or "mixed" where this one has resumed it.
        version: The nassim that began the run; None where the ledger doesn't say.
        uncounted: Operations without a formula that were performed, over the whole run.
        differences: The ways in which the FLOP performed and torch's differ.
    """

    convention: str
    version: str | None
    uncounted: tuple[str, ...]
    differences: tuple[Discrepancy, ...]


class Term(Fact):
    """Something that is said of the site.

    Attributes:
        value: What is said; None where nobody says anything.
        origin: Who says it.
    """

    value: str | int | float | None
    origin: SaidBy | None


class SiteFacts(Fact):
    """What the run was priced by.

    Attributes:
        terms: What is said of the site, by name.
        strict: Whether nothing was to be assumed.
        basis: Each number that was looked up or given, and where it is from, in words.
        assumed: Each number that nobody gave, in words.
        missing: What would have to be known for all figures of the whole run.
    """

    terms: Mapping[str, Term]
    strict: bool
    basis: tuple[str, ...]
    assumed: tuple[str, ...]
    missing: tuple[str, ...]


class RunFacts(Fact):
    """A run.

    Attributes:
        schema_version: Which keys there are, and what they mean; `schema` in JSON.
        run: Its name.
        status: `finished`, `running` (also where the driver was killed), `interrupted`, `failed` or `stopped`.
        simulated: Whether its seconds passed on a simulated clock.
        started_at: When it was started, ISO 8601.
        drivers: How many drivers have held it: 1, and 1 more for each resume.
        experiment: Name of its experiment.
        space: Name of the search space.
        data: Name of the data.
        seed: The run's seed; a run has one.
        wall_s: Seconds on the run's clock; None where no driver's lease is known.
        devices: What it ran on.
        searches: Its searches, in the experiment's order.
        shared: What belongs to no single search: start-up, and what came before the first and after the last.
        total: What the whole run took.
        counting: How its FLOP were counted.
        site: What it was priced by.
        balance: Whether its books close.
        headline: Which ratio is the headline, and why.
        included: What is on the books.
        excluded: What is not.
    """

    schema_version: int = Field(default=SCHEMA, serialization_alias="schema")
    run: str
    status: str
    simulated: bool
    started_at: str
    drivers: int
    experiment: str | None
    space: str | None
    data: str | None
    seed: int | None
    wall_s: float | None
    devices: tuple[DeviceFacts, ...]
    searches: tuple[SearchFacts, ...]
    shared: Part
    total: Part
    counting: Counting
    site: SiteFacts
    balance: Balance
    headline: str = HEADLINE
    included: tuple[str, ...] = INCLUDED
    excluded: tuple[str, ...] = EXCLUDED

    def to_json(self) -> str:
        """Return them as JSON text; what is unknown is null."""
        return self.model_dump_json(indent=2, by_alias=True)
