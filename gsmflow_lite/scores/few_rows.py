"""Some rows that stand for all of a class: a large class then costs no more than a small one."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from ..seeds import stream


def few_of_each(
    labels: Int[np.ndarray, " n"], most: int, seed: int
) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"]]:
    """Places of at most ``most`` rows of each class, ascending, and how often each counts."""
    _, target, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if counts.max() <= most:
        return np.arange(len(labels)), np.ones(len(labels), np.int64)

    shuffled = stream(seed, "rows of the classifier").permutation(len(labels))
    by_class = shuffled[np.argsort(target[shuffled], kind="stable")]
    first_of_class = np.repeat(np.cumsum(counts) - counts, counts)
    rank = np.arange(len(labels)) - first_of_class
    kept = rank < most

    places = by_class[kept]
    total = np.repeat(counts, counts)[kept]
    times = copies(rank[kept], total, np.minimum(total, most))
    order = np.argsort(places)
    return places[order], times[order]


def copies(
    rank: Int[np.ndarray, " m"],
    total: Int[np.ndarray, " m"] | int,
    kept: Int[np.ndarray, " m"] | int,
) -> Int[np.ndarray, " m"]:
    """How often a row counts where ``kept`` rows stand for ``total``.

    ``rank`` is its place among the kept rows of its class. The first ones count once more where
    the division leaves a rest.
    """
    return total // kept + (rank < total % kept)
