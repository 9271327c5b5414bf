"""Pareto: which of many vectors of losses no other is better than, and how a set of them is ranked and chosen from.

A loss is a figure that is better the lower it is. One vector is better than another, and dominates it, where it is no
higher in any loss and lower in one. Everywhere losses are an array (n, m): n vectors of m finite losses.
"""

import numpy as np
from numpy.typing import NDArray

Losses = NDArray[np.float64]
Indices = NDArray[np.int64]


def front(losses: Losses) -> Indices:
    """Return the indices of the vectors that none dominates, by their losses in turn, then by index."""
    order = np.lexsort((np.arange(len(losses)), *losses.T[::-1]))
    kept = np.empty_like(losses)
    found: list[int] = []
    for index in order:
        held, one = kept[: len(found)], losses[index]
        # What dominates a vector comes before it in this order.
        if not ((held <= one).all(axis=1) & (held < one).any(axis=1)).any():
            kept[len(found)] = one
            found.append(int(index))
    return np.array(found, np.int64)


def ranks(losses: Losses) -> Indices:
    """Return each vector's rank: 0 on the front, 1 on the front of those left without it, and so on.

    The non-dominated sorting of NSGA-II (Deb et al. 2002, section III-A). Takes n x n x m steps: for populations.
    """
    one, other = losses[:, None], losses[None]
    dominates = np.logical_and((one <= other).all(axis=2), (one < other).any(axis=2))
    found = np.full(len(losses), -1, np.int64)
    left, rank = np.ones(len(losses), np.bool_), 0
    while left.any():
        top = left & ~dominates[left].any(axis=0)
        found[top] = rank
        left &= ~top
        rank += 1
    return found


def crowding(losses: Losses) -> NDArray[np.float64]:
    """Return how far each vector of one front is from its neighbours: the crowding distance of NSGA-II.

    Deb et al. (2002), section III-B: the sum over the losses of the distance between the next lower and the next higher
    vector, over the loss's range; infinite for a loss's least and greatest.
    """
    distances = np.zeros(len(losses))
    for loss in losses.T:
        order = np.argsort(loss, kind="stable")
        width = loss[order[-1]] - loss[order[0]] if len(order) else 0.0
        if 0 < width < np.inf:
            distances[order[[0, -1]]] = np.inf
            distances[order[1:-1]] += (loss[order[2:]] - loss[order[:-2]]) / width
    return distances


def knee(losses: Losses) -> int:
    """Return the index of a front's knee, the first of equals.

    Each loss is scaled to [0, 1] over the front, and the knee is the vector of the least sum. For two losses that is
    the one furthest from the straight line between the two ends of the front, on the better side of it.
    """
    return int(np.argmin(_scaled(losses).sum(axis=1)))


def spread(losses: Losses, count: int) -> list[int]:
    """Return the indices of at most `count` vectors that cover a front: the first, then ever the furthest from those.

    Distances are Euclidean, each loss scaled to [0, 1] over the front (Gonzalez 1985, farthest-first traversal). Of
    vectors that are equally far the first is taken.
    """
    scaled = _scaled(losses)
    chosen = [0]
    nearest = np.linalg.norm(scaled - scaled[0], axis=1)
    while len(chosen) < min(count, len(losses)):
        nearest[chosen] = -1.0
        chosen.append(int(np.argmax(nearest)))
        nearest = np.minimum(nearest, np.linalg.norm(scaled - scaled[chosen[-1]], axis=1))
    return chosen


def _scaled(losses: Losses) -> Losses:
    least, width = losses.min(axis=0), np.ptp(losses, axis=0)
    scaled: Losses = (losses - least) / np.where(width > 0, width, 1.0)
    return scaled
