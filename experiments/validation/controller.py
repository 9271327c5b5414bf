"""What each choice in the controller of ENAS is worth, on the published accuracies of NAS-Bench-201.

No weights are shared here: a reward is a cell's validation accuracy after 12 epochs on CIFAR-10, as published, with
the noise of a minibatch of 128. So it shows what the controller does with rewards that don't change, for many seeds;
`enas_variants.py` has the whole of ENAS. A variant differs from the quickstart's controller in one thing. After the
trials that it learns from it draws 40 cells, and its find is the best of these.

Run: `python experiments/validation/controller.py --trials 640 [VARIANT ...]`. A variant takes about 8 s of one core.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from nasbench201 import EDGES, OPERATIONS, parse
from scoring import Array, show, table

from nassim.samplers.controller import Controller, Episode, Path, Slot
from nassim.samplers.reinforce import Policy
from nassim.seeds import derive_seed

MINIBATCH, CHILDREN, DERIVE = 128, 8, 40
SLOTS = [Slot(f"{source}->{target}", len(OPERATIONS)) for source, target in EDGES]


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to learn: the arguments are those of ReinforceSampler.

    Attributes:
        lag: How many blocks are out with workers while the next is proposed.
    """

    learning_rate: float = 0.0035
    entropy_weight: float = 1e-4
    baseline_decay: float = 0.95
    baseline_start: float | None = None
    tanh_constant: float = 2.5
    temperature: float = 5.0
    hidden: int = 100
    lag: int = 0

    def policy(self, seed: int) -> Policy:
        """Return the policy before it has learnt anything."""
        controller = Controller(seed, self.hidden, self.tanh_constant, self.temperature, {})
        weights = self.learning_rate, self.entropy_weight, self.baseline_decay
        return Policy(controller, *weights, baseline=self.baseline_start)


VARIANTS: Mapping[str, Variant] = {
    "quickstart's": Variant(),
    "learning rate 0.00035": Variant(learning_rate=0.00035),
    "learning rate 0.001": Variant(learning_rate=0.001),
    "learning rate 0.01": Variant(learning_rate=0.01),
    "baseline from 0": Variant(baseline_start=0.0),
    "baseline's decay 0.99": Variant(baseline_decay=0.99),
    "baseline from 0, decay 0.99": Variant(baseline_start=0.0, baseline_decay=0.99),
    "tanh constant 1.1": Variant(tanh_constant=1.1),
    "tanh constant 0.44, no temperature": Variant(tanh_constant=0.44, temperature=1.0),
    "tanh constant 2.5, no temperature": Variant(temperature=1.0),
    "entropy weight 0": Variant(entropy_weight=0.0),
    "entropy weight 0.01": Variant(entropy_weight=0.01),
    "64 units": Variant(hidden=64),
    "one block behind": Variant(lag=1),
    "three blocks behind": Variant(lag=3),
    "authors' code for cells": Variant(0.0035, 1e-4, 0.99, 0.0, 0.44, 1.0, 64),
}


def accuracies() -> Array:
    """Return the published accuracies, by the operation on each edge."""
    frame = pd.read_parquet(table("nasbench201/architectures.parquet"))
    found = np.empty((len(OPERATIONS),) * len(EDGES))
    for cell, accuracy in zip(frame["arch_str"].map(parse), frame["cifar10valid_val_acc_12ep"], strict=True):
        found[tuple(map(OPERATIONS.index, cell))] = accuracy / 100
    return found


def draw(policy: Policy, rng: np.random.Generator) -> Path:
    """Return a cell that the policy draws."""
    episode, path = Episode(policy.controller), []
    for slot in SLOTS:
        path.append((slot, episode.decide(slot, rng.random())))
        episode.take(*path[-1])
    return path


def options(path: Path) -> tuple[int, ...]:
    """Return a cell's place in the table."""
    return tuple(option for _, option in path)


def search(known: Array, variant: Variant, trials: int, seed: int) -> tuple[float, float]:
    """Return the mean accuracy of what is derived after so many trials, and the best."""
    rng = np.random.default_rng(derive_seed(seed, "controller's trials"))
    policy, waiting = variant.policy(seed), []
    for _ in range(trials // CHILDREN):
        paths = [draw(policy, rng) for _ in range(CHILDREN)]
        right = rng.binomial(MINIBATCH, [known[options(path)] for path in paths])
        waiting.append((paths, (right / MINIBATCH).tolist()))
        if len(waiting) > variant.lag:
            policy = policy.learn(*waiting.pop(0))
    derived = [known[options(draw(policy, rng))] for _ in range(DERIVE)]
    return float(np.mean(derived)), max(derived)


def row(name: str, found: Array) -> list[str]:
    """Return a line of the table: means over seeds and their standard errors."""
    errors = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    return [name, *(f"{mean:.2f} ± {error:.2f}" for mean, error in zip(found.mean(axis=0), errors, strict=True))]


def main() -> None:
    """Measure the variants and print a line for each."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("variants", nargs="*", metavar="VARIANT", default=list(VARIANTS), help="by default all")
    arguments.add_argument("--trials", type=int, default=640, help="that the controller learns from")
    arguments.add_argument("--seeds", type=int, default=20, help="how many")
    given = arguments.parse_args()
    known = accuracies()
    random = np.random.default_rng(0).choice(known.ravel(), (given.seeds, DERIVE))
    rows = [row("random", 100 * np.stack([random.mean(axis=1), random.max(axis=1)], axis=1))]
    for name in given.variants:
        found = [search(known, VARIANTS[name], given.trials, seed) for seed in range(given.seeds)]
        rows.append(row(name, 100 * np.array(found)))
    show(("controller", "derived, %", "find, %"), rows)


if __name__ == "__main__":
    main()
