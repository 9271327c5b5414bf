"""Splitting: which inputs train, which validate and which test."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nassim.errors import NassimError

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Inputs of each split."""

    train: int
    validation: int
    test: int


def split_sizes(count: int, validation: float, test: float) -> Sizes:
    """Return how `count` inputs are shared out.

    Args:
        count: Inputs in all.
        validation: Share for validation, in (0, 1).
        test: Share for the test, in (0, 1).

    Raises:
        NassimError: A split would be left with too few inputs to be of use.
    """
    sizes = Sizes(
        count - round(count * validation) - round(count * test), round(count * validation), round(count * test)
    )
    if sizes.train < 2 or sizes.validation < 2 or sizes.test < 1:
        raise NassimError(
            f"{count} inputs split into {sizes.train} for training, {sizes.validation} for validation and {sizes.test} "
            f"for the test (validation: {validation}, test: {test}); at least 2, 2 and 1 are needed: change the shares "
            "or add data"
        )
    return sizes


def class_counts(members: Sequence[int], sizes: Sizes) -> list[tuple[int, int, int]]:
    """Return for each class how many of its inputs train, validate and test.

    Every class has, to within one input a split, the same share in each split as in the whole.

    Args:
        members: Inputs of each class.
        sizes: As `split_sizes` returns them for the sum of the members.

    Raises:
        NassimError: A class has too few inputs to be in every split.
    """
    tests = _quotas(np.asarray(members), sizes.test)
    validations = _quotas(np.asarray(members) - tests, sizes.validation)
    trains = members - tests - validations
    counts = list(zip(trains.tolist(), validations.tolist(), tests.tolist(), strict=True))
    for label, (train, validation, test) in enumerate(counts):
        if min(train, validation, test) < 1:
            raise NassimError(
                f"class {label} has {members[label]} inputs, of which {train} would train, {validation} validate and "
                f"{test} test; each class needs at least one in each: add data of this class or enlarge the shares"
            )
    return counts


def stratified(labels: Indices, sizes: Sizes, seed: int) -> tuple[Indices, Indices, Indices]:
    """Return the indices of the training, validation and test inputs, each in ascending order.

    Args:
        labels: (count,), from 0.
        sizes: As `split_sizes` returns them for that count.
        seed: Which inputs go where.

    Raises:
        NassimError: As `class_counts`.
    """
    rng = np.random.default_rng(seed)
    parts = [
        np.split(rng.permutation(np.flatnonzero(labels == label)), [train, train + validation])
        for label, (train, validation, _) in enumerate(class_counts(np.bincount(labels).tolist(), sizes))
    ]
    train, validation, test = (np.sort(np.concatenate(part)) for part in zip(*parts, strict=True))
    return train, validation, test


def unstratified(targets: npt.NDArray[Any], sizes: Sizes, seed: int) -> tuple[Indices, Indices, Indices]:
    """Return the indices of the training, validation and test inputs where there are no classes to be shared out.

    Args:
        targets: One for each input.
        sizes: As `split_sizes` returns them for that count.
        seed: Which inputs go where.
    """
    order = np.random.default_rng(seed).permutation(len(targets))
    train, validation, test = np.split(order, [sizes.train, sizes.train + sizes.validation])
    return np.sort(train), np.sort(validation), np.sort(test)


def _quotas(members: Indices, wanted: int) -> Indices:
    """Share `wanted` out among classes in proportion to their members, by largest remainder."""
    exact = members * wanted / members.sum()
    quotas: Indices = np.floor(exact).astype(np.int64)
    most_short = np.argsort(quotas - exact, kind="stable")[: wanted - quotas.sum()]
    quotas[most_short] += 1
    return quotas
