"""What searches find, beside random architectures, and how well shared weights rank: an experiment over seeds.

For each seed each search of the experiment is run as it stands, in this process. Its find is trained anew, by 3 other
seeds, in two ways: as candidates are, on training data alone (tried), and by the final schedule (tested). It is held
against 12 random architectures in both ways: their mean, and their median, which is higher because some have no path
from input to output. All accuracies are on the test split.

The weights that an enas search leaves rank 30 random architectures; tau is Kendall's rank correlation with the
validation accuracy that they reach when trained by themselves, and the ceiling the same between two such trainings with
other seeds: what noise allows.

Run: `python experiments/validation/weight_sharing.py --seeds 10-19`. Results are kept in a file, and what is there is
not computed again. A seed of the quickstart takes about 3 minutes of one core.
"""

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch
from enas_variants import seeds_of
from scipy.stats import wilcoxon
from scoring import Array, show, tau
from standalone import Bench, Kept

from nassim.data.source import digits
from nassim.evaluation import Candidate
from nassim.evaluators.enas import EnasEvaluator
from nassim.evaluators.rounds import Rounds, enas_schedule
from nassim.evaluators.shared import SharedWeights
from nassim.experiment.loading import load_experiment
from nassim.experiment.model import CheckpointSpec, EnasSpec, Experiment, InlineSpec
from nassim.ledger.store import Ledger
from nassim.run import execute
from nassim.seeds import derive_seed
from nassim.space.architecture import Architecture
from nassim.space.catalogue import load_space

RANKED, RANDOM, TRAININGS = 30, 12, range(1, 4)
WAYS = ("tried", "tested")
DERIVED = ("cells", "equals", "ties")

Result = dict[str, Any]
"""Of one seed: by way and search, and of "random cells", the accuracies; by search the `convolutions` of its find and
the `flop` that it took; of an enas search `tau` and `ceiling`, how many different `cells` it derived, and how many
others of these equal the best in accuracy (`equals`) and in score (`ties`)."""


def measure(experiment: Experiment, bench: Bench, kept: Kept) -> Result:
    """Run the searches of an experiment; measure their finds and what these are held against."""
    result: Result = {"convolutions": {}, "flop": {}} | {way: {} for way in WAYS}
    random = bench.sample(RANDOM, "random", experiment.seed)
    result["tried"]["random cells"] = [bench.tried(a, experiment.seed) for a in random]
    result["tested"]["random cells"] = [bench.tested(a, experiment.seed) for a in random]
    for search in experiment.searches:
        alone = experiment.model_copy(update={"searches": (search,)})
        what = ["search", alone.model_dump(mode="json", exclude={"executor", "checkpoint", "ledger"})]
        run = kept.get(what, lambda e=alone: _run(e, bench))
        find = Architecture(run["find"])
        result["convolutions"][search.name] = sum("conv" in option for option in find.values())
        result["flop"][search.name] = run["flop"]
        result["tried"][search.name] = float(np.mean([bench.tried(find, training) for training in TRAININGS]))
        result["tested"][search.name] = float(np.mean([bench.tested(find, training) for training in TRAININGS]))
        if "shared" in run:
            ranked = bench.sample(RANKED, "ranked")
            alone_twice = [[bench.validated(a, training) for a in ranked] for training in (1, 2)]
            result["tau"] = float(np.mean([tau(run["shared"], one) for one in alone_twice]))
            result |= {"ceiling": tau(*alone_twice)} | run["derived"]
    return result


def _run(experiment: Experiment, bench: Bench) -> dict[str, Any]:
    """Run an experiment of one search; return its find, its FLOP, and what its shared weights say, if it has any."""
    (search,) = experiment.searches
    with tempfile.TemporaryDirectory() as folder:
        own = {"checkpoint": CheckpointSpec(folder=folder), "ledger": f"sqlite:///{folder}/ledger.db"}
        executor = InlineSpec(kind="inline", threads=1)
        execute(experiment.model_copy(update=own | {"executor": executor}), name="run")
        ledger = Ledger(own["ledger"])
        totals = ledger.totals("run", by=("search", "stage"))
        spent = totals[(totals["search"] == search.name) & (totals["stage"] == "search")].iloc[0]
        (finding,) = ledger.findings("run")
        found = {"find": dict(finding.architecture), "flop": int(spent["forward_flop"] + spent["backward_flop"])}
        if not isinstance(search.evaluator, EnasSpec):
            return found
        ranked = bench.sample(RANKED, "ranked")
        shared = _shared_accuracies(search.name, search.evaluator, experiment.seed, bench, Path(folder), ranked)
        return found | {"shared": shared, "derived": _derived(ledger, _rounds(search.evaluator))}


def _rounds(spec: EnasSpec) -> Rounds:
    """Return how a search by weight sharing is laid out."""
    shared = enas_schedule(spec.rounds, spec.batch_size, spec.learning_rate)
    return Rounds(shared, spec.warmup, spec.updates, spec.children, spec.derive, spec.minibatch)


def _derived(ledger: Ledger, rounds: Rounds) -> dict[str, int]:
    """Return how many different architectures were derived, and how many of them equal the best."""
    entries = ledger.frame("run")
    scored = entries[entries["value"].notna() & (entries["activity"] == "score")]
    derived = scored[scored["trial"] >= rounds.learn_trials].drop_duplicates("architecture")
    score, accuracy = derived["value"], derived["metrics"].map(lambda text: json.loads(text)["accuracy"])
    best = score.idxmax()
    return {
        "cells": len(derived),
        "equals": int((accuracy == accuracy[best]).sum()) - 1,
        "ties": int((score == score[best]).sum()) - 1,
    }


def _shared_accuracies(
    search: str, spec: EnasSpec, seed: int, bench: Bench, folder: Path, architectures: Sequence[Architecture]
) -> list[float]:
    """Return the accuracies on all validation data with the weights that a search has left."""
    rounds = _rounds(spec)
    (last,) = (file.parent for file in folder.rglob(f"shared-weights/{search}/round-{spec.rounds - 1:05d}.pt"))
    seed = derive_seed(seed, "shared weights")
    evaluator = EnasEvaluator(search, bench.space, bench.source, rounds, SharedWeights(f"{search}/shared", last, seed))
    candidates = [Candidate(a, rounds.learn_trials + n, 0) for n, a in enumerate(architectures)]
    return [p.metrics["accuracy"] for p in evaluator.run(evaluator.plan(candidates)) if p.is_report]


def bench_of(experiment: Experiment, kept: Kept) -> Bench:
    """Return what trains architectures as this experiment does."""
    space = load_space(experiment.space.name, experiment.space.parameters)
    source = digits(derive_seed(experiment.seed, "data"), experiment.data.validation, experiment.data.test)
    name = json.dumps(experiment.space.model_dump(), sort_keys=True)
    return Bench(name, space, source, experiment.training, experiment.final.schedule, kept)


def rank_row(seed: int, result: Result) -> list[str]:
    """Return how the shared weights of a seed rank."""
    return [str(seed), *(f"{result[key]:.2f}" for key in ("tau", "ceiling")), *(str(result[key]) for key in DERIVED)]


def find_row(name: str, results: Sequence[Result], way: str) -> list[str]:
    """Return a search's line: its find over random architectures, over seeds."""
    found = 100 * np.array([result[way][name] for result in results])
    over_mean = found - [100 * np.mean(result[way]["random cells"]) for result in results]
    over_median = found - [100 * np.median(result[way]["random cells"]) for result in results]
    return [
        name,
        way,
        str(len(found)),
        with_error(found),
        with_error(over_mean),
        str(sum(over_mean > 0)),
        with_error(over_median),
        str(sum(over_median > 0)),
        f"{wilcoxon(over_median, alternative='greater').pvalue:.4f}",
        str(sum(result["convolutions"][name] == 0 for result in results)),
        f"{np.mean([result['flop'][name] for result in results]) / 1e9:.0f}",
    ]


def pair_row(first: str, second: str, results: Sequence[Result], way: str) -> list[str]:
    """Return the line of two searches: the find of the first over that of the second."""
    gains = 100 * np.array([result[way][first] - result[way][second] for result in results])
    return [f"{first} over {second}", way, str(len(gains)), with_error(gains), str(sum(gains > 0))]


def with_error(values: Array) -> str:
    """Return a mean and its standard error."""
    return f"{values.mean():.2f} ± {values.std(ddof=1) / np.sqrt(len(values)):.2f}"


def report(results: Mapping[int, Result], searches: Sequence[str]) -> None:
    """Print the tables."""
    found, ranks = list(results.values()), {seed: result for seed, result in results.items() if "tau" in result}
    if ranks:
        show(
            ("seed", "tau", "ceiling", "cells derived", "as accurate", "as high a score"),
            [rank_row(*r) for r in ranks.items()],
        )
        both = np.array([(result["tau"], result["ceiling"]) for result in ranks.values()])
        print(f"\ntau {with_error(both[:, 0])}, ceiling {with_error(both[:, 1])}\n")
    over = ("over random cells' mean", "better", "over their median", "better", "p, Wilcoxon")
    header = ("search", "find is", "seeds", "accuracy, %", *over, "without convolution", "GFLOP")
    show(header, [find_row(name, found, way) for name in searches for way in WAYS])
    pairs = [pair_row(*pair, found, way) for pair in combinations(reversed(searches), 2) for way in WAYS]
    if pairs:
        print()
        show(("finds", "are", "seeds", "difference, points", "better"), pairs)


def main() -> None:
    """Measure the seeds asked for and print the tables."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("experiment", nargs="?", default="quickstart", help="a file, by default the quickstart")
    arguments.add_argument("--seeds", type=seeds_of, default="0-9", help="one, or the first and the last: 0-9")
    arguments.add_argument("--searches", nargs="+", help="which, by default all")
    arguments.add_argument("--kept", type=Path, default=Path("weight-sharing.db"), help="file of results")
    given = arguments.parse_args()
    torch.set_num_threads(1)
    experiment, kept = load_experiment(given.experiment), Kept(given.kept)
    chosen = [search for search in experiment.searches if search.name in (given.searches or [search.name])]
    results = {}
    for seed in given.seeds:
        seeded = experiment.model_copy(update={"seed": seed, "searches": tuple(chosen)})
        results[seed] = measure(seeded, bench_of(seeded, kept), kept)
        print(seed, results[seed], flush=True)
    report(results, [search.name for search in chosen])


if __name__ == "__main__":
    main()
