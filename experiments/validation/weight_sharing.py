"""What searches find, beside random architectures, and how well shared weights rank: an experiment over seeds.

For each seed the experiment is run as it stands, in this process. Its finds are held against 20 random architectures
that are trained and tested by the same final schedule: their mean, and their median, which is higher because some have
no path from input to output. The weights that an enas search leaves rank 40 random architectures; tau is Kendall's rank
correlation with what they reach when trained by themselves, and the ceiling the same between two such trainings with
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
from nassim.experiment.loading import load_experiment
from nassim.experiment.model import Checkpoint, Enas, Experiment, Inline
from nassim.ledger.store import Ledger
from nassim.run import execute
from nassim.seeds import derive_seed
from nassim.space.architecture import Architecture
from nassim.space.loading import load_space

RANKED, RANDOM = 40, 20

Result = dict[str, Any]
"""Of one seed: by search the test accuracy of the find (`found`), its `convolutions` and the `flop` of the search;
`random` test accuracies; of an enas search `tau` and `ceiling`, how many different `cells` it derived, and how many
others of these equal the best in accuracy (`equals`) and in score (`ties`)."""


def measure(experiment: Experiment, bench: Bench, folder: Path) -> Result:
    """Run an experiment and what it is held against."""
    execute(experiment, name="run")
    ledger = Ledger(experiment.ledger)
    totals = ledger.totals("run", by=("search", "stage"))
    spent = totals[totals["stage"] == "search"].set_index("search")
    findings = ledger.findings("run")
    result: Result = {
        "found": {finding.search: finding.metrics["accuracy"] for finding in findings},
        "convolutions": {finding.search: _convolutions(finding.architecture) for finding in findings},
        "flop": {name: int(row["forward_flop"] + row["backward_flop"]) for name, row in spent.iterrows()},
        "random": bench.random_tested(RANDOM, experiment.seed).tolist(),
    }
    for search in experiment.searches:
        if isinstance(search.evaluator, Enas):
            ranked = bench.sample(RANKED, "ranked")
            alone = [[bench.validated(a, training) for a in ranked] for training in (1, 2)]
            shared = _shared_accuracies(search.name, search.evaluator, experiment.seed, bench, folder, ranked)
            result |= {"tau": float(np.mean([tau(shared, one) for one in alone])), "ceiling": tau(*alone)}
            result |= _derived(ledger, search.name, search.evaluator.derive)
    return result


def _convolutions(architecture: Architecture) -> int:
    return sum("conv" in option for option in architecture.values())


def _derived(ledger: Ledger, search: str, count: int) -> dict[str, int]:
    """Return how many different architectures were derived, and how many of them equal the best."""
    entries = ledger.frame("run")
    scored = entries[(entries["search"] == search) & entries["value"].notna() & (entries["activity"] == "score")]
    derived = scored[scored["trial"] > scored["trial"].max() - count].drop_duplicates("architecture")
    score, accuracy = derived["value"], derived["metrics"].map(lambda text: json.loads(text)["accuracy"])
    best = score.idxmax()
    return {
        "cells": len(derived),
        "equals": int((accuracy == accuracy[best]).sum()) - 1,
        "ties": int((score == score[best]).sum()) - 1,
    }


def _shared_accuracies(
    search: str, spec: Enas, seed: int, bench: Bench, folder: Path, architectures: Sequence[Architecture]
) -> list[float]:
    """Return the accuracies on all validation data with the weights that a search has left."""
    shared = enas_schedule(spec.rounds, spec.batch_size, spec.learning_rate)
    rounds = Rounds(shared, spec.warmup, spec.updates, spec.children, spec.derive, spec.minibatch)
    (last,) = (file.parent for file in folder.rglob(f"shared-weights/{search}/round-{spec.rounds - 1:05d}.pt"))
    seed = derive_seed(seed, "shared weights")
    evaluator = EnasEvaluator(search, bench.space, bench.source, rounds, str(last), seed)
    candidates = [Candidate(a, rounds.learn_trials + n, 0) for n, a in enumerate(architectures)]
    return [p.metrics["accuracy"] for p in evaluator.run(evaluator.plan(candidates)) if p.is_report]


def result_of(experiment: Experiment, seed: int, kept: Kept) -> Result:
    """Return what was measured for a seed, now or before."""
    space = load_space(experiment.space.name, experiment.space.parameters)
    source = digits(derive_seed(seed, "data"), experiment.data.validation, experiment.data.test)
    name = json.dumps(experiment.space.model_dump(), sort_keys=True)
    bench = Bench(name, space, source, experiment.training.schedule(), experiment.final.schedule.schedule(), kept)
    with tempfile.TemporaryDirectory() as folder:
        own = {
            "seed": seed,
            "executor": Inline(kind="inline", threads=1),
            "checkpoint": Checkpoint(folder=folder),
            "ledger": f"sqlite:///{folder}/ledger.db",
        }
        what = experiment.model_dump(mode="json", exclude=set(own))
        return kept.get(["run", what, seed], lambda: measure(experiment.model_copy(update=own), bench, Path(folder)))


def seed_row(seed: int, result: Result) -> list[str]:
    """Return a seed's line."""
    ranks = [f"{result[key]:.2f}" if key in result else "" for key in ("tau", "ceiling")]
    derived = "{cells}, {equals}, {ties}".format(**result) if "cells" in result else ""
    random = result["random"]
    finds = [f"{100 * accuracy:.2f} ({result['flop'][name] / 1e9:.0f})" for name, accuracy in result["found"].items()]
    return [str(seed), *ranks, derived, f"{100 * np.mean(random):.2f}", f"{100 * np.median(random):.2f}", *finds]


def search_row(name: str, results: Sequence[Result]) -> list[str]:
    """Return a search's line: its find over random architectures, over seeds."""
    found = np.array([result["found"][name] for result in results])
    over_mean = found - [np.mean(result["random"]) for result in results]
    over_median = found - [np.median(result["random"]) for result in results]
    return [
        name,
        with_error(found),
        with_error(over_mean),
        f"{sum(over_mean > 0)} of {len(found)}",
        with_error(over_median),
        f"{sum(over_median > 0)} of {len(found)}",
        f"{wilcoxon(over_median, alternative='greater').pvalue:.4f}",
        f"{sum(result['convolutions'][name] == 0 for result in results)}",
        f"{np.mean([result['flop'][name] for result in results]) / 1e9:.0f}",
    ]


def with_error(accuracies: Array) -> str:
    """Return a mean and its standard error, in percent."""
    return f"{100 * accuracies.mean():.2f} ± {100 * accuracies.std(ddof=1) / np.sqrt(len(accuracies)):.2f}"


def pair_row(first: str, second: str, results: Sequence[Result]) -> list[str]:
    """Return the line of two searches: the find of the first over that of the second."""
    gains = np.array([result["found"][first] - result["found"][second] for result in results])
    wins = f"{sum(gains > 0)} of {len(gains)}, {sum(gains == 0)} equal"
    return [f"{first} over {second}", with_error(gains), wins]


def report(results: Mapping[int, Result]) -> None:
    """Print the tables."""
    searches, found = list(next(iter(results.values()))["found"]), list(results.values())
    header = ["seed", "tau", "ceiling", "derived, equal, tie", "random: mean", "median"]
    header += [f"{name} (GFLOP)" for name in searches]
    show(header, [seed_row(seed, result) for seed, result in results.items()])
    ranks = np.array([(result["tau"], result["ceiling"]) for result in found if "tau" in result])
    if len(ranks) > 1:
        (mean, ceiling), errors = ranks.mean(axis=0), ranks.std(axis=0, ddof=1) / np.sqrt(len(ranks))
        print(f"\nMean tau {mean:.3f} ± {errors[0]:.3f}, ceiling {ceiling:.3f} ± {errors[1]:.3f}\n")
    if len(found) > 1:
        header = ["search", "find tests, %", "over mean", "better in", "over median", "better in", "p, Wilcoxon"]
        show([*header, "finds without convolution", "GFLOP"], [search_row(name, found) for name in searches])
        print()
        pairs = [pair_row(first, second, found) for first, second in combinations(reversed(searches), 2)]
        show(["searches", "finds' difference, points", "better in"], pairs)


def main() -> None:
    """Measure the seeds asked for and print the tables."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("experiment", nargs="?", default="quickstart", help="a file, by default the quickstart")
    arguments.add_argument("--seeds", type=seeds_of, default="0-9", help="one, or the first and the last: 0-9")
    arguments.add_argument("--kept", type=Path, default=Path("weight-sharing.db"), help="file of results")
    given = arguments.parse_args()
    torch.set_num_threads(1)
    experiment, kept = load_experiment(given.experiment), Kept(given.kept)
    results = {}
    for seed in given.seeds:
        results[seed] = result_of(experiment, seed, kept)
        print(seed, results[seed], flush=True)
    report(results)


if __name__ == "__main__":
    main()
