"""shifts.halves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np

from ..datasets.base import GZSLDataset
from ..seeds import derived_seed, stream
from . import metrics

DIMENSIONS = 64  # leading principal directions of the training rows, in which spectra and distributions are compared


SAMPLED = 4000  # training rows that those directions are fitted to, at most


class Halves:
    """Rows ``real`` (n_c, D) and ``made``, synthesized, (n, D) of U classes, and R random halves of each.

    ``first``, ``second`` and ``synthesized`` hold row numbers (R, h) for each class, h half of the fewer rows. ``axes`` gives the
    directions of spectra and distributions, (D, P), when they are needed; all of them where None (:func:`leading_axes`).
    """

    def __init__(
        self,
        real: list[np.ndarray],
        made: list[np.ndarray],
        repeats: int,
        seed: int,
        axes: Callable[[], Any] = lambda: None,
    ) -> None:
        self.real, self.made, self.repeats, self.seed = real, made, repeats, seed
        self.axes = axes
        rng = stream(seed, "halves")
        self.first, self.second, self.synthesized = [], [], []
        for r, g in zip(real, made, strict=True):
            h = min(len(r), len(g)) // 2
            order = rng.permuted(np.tile(np.arange(len(r)), (repeats, 1)), axis=1)
            self.first.append(order[:, :h])
            self.second.append(order[:, h : 2 * h])
            self.synthesized.append(
                rng.permuted(np.tile(np.arange(len(g)), (repeats, 1)), axis=1)[:, :h]
            )
        self.other = [
            derangement(len(real), rng) for _ in range(repeats)
        ]  # whose label a class gets when they are shuffled

    @cached_property
    def means(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Of first, second and synthesized halves: class means (R, U, D) and traces of class covariances (R, U)."""
        sets = ((self.real, self.first), (self.real, self.second), (self.made, self.synthesized))
        found = [
            [means_and_traces(x, rows) for x, rows in zip(data, halves, strict=True)]
            for data, halves in sets
        ]
        return tuple(
            (np.stack([m for m, _ in one], 1), np.stack([t for _, t in one], 1)) for one in found
        )

    @cached_property
    def noise(self) -> tuple[np.ndarray, ...]:
        """Expected squared errors of those means, (R, U)."""
        sizes = np.array([rows.shape[1] for rows in self.first])
        return tuple(trace / sizes for _, trace in self.means)

    @cached_property
    def varies(self) -> np.ndarray:
        """Whether the real rows of a class differ within every first half, (U,)."""
        return (self.means[0][1] > 0).all(0)

    @cached_property
    def squares(self) -> tuple[np.ndarray, ...]:
        """Squared distances between those class means, without what noise adds: (R, U, U)."""
        return tuple(
            metrics.class_distances(means, noise)
            for (means, _), noise in zip(self.means, self.noise, strict=True)
        )

    @cached_property
    def mantel(self) -> tuple[float, float] | None:
        """p-value of the correlation of real and synthesized distances, and its mean under chance. None below 3 classes."""
        if len(self.real) < 3:
            return None
        _, p, chance = metrics.mantel(
            self.squares[0].mean(0), self.squares[2].mean(0), seed=self.seed
        )
        return p, float(chance.mean())

    @cached_property
    def leading(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Real and synthesized rows along the axes, in float64."""
        sets, axes = (self.real, self.made), self.axes()
        if axes is None:
            return tuple([x.astype(np.float64) for x in data] for data in sets)
        centre = np.concatenate(self.real).mean(
            0, dtype=np.float64
        )  # large numbers would cost digits
        return tuple([(x - centre) @ axes for x in data] for data in sets)

    def triples(
        self, k: int, repeats: int, rows: int | None = None
    ) -> Iterator[tuple[np.ndarray, ...]]:
        """First, second and synthesized half of class k in the leading directions, and the class whose label is put on it."""
        real, made = self.leading
        for r in range(repeats):
            other = self.other[r][k]
            parts = (
                self.first[k][r],
                self.second[k][r],
                self.synthesized[k][r],
                self.synthesized[other][r],
            )
            a, b, g, f = (
                x[index[:rows]]
                for x, index in zip((real[k], real[k], made[k], made[other]), parts, strict=True)
            )
            yield a, b, g, f


def leading_axes(dataset: GZSLDataset, seed: int) -> np.ndarray | None:
    """Leading principal directions of the training rows, (D, P), or None where features are no more than :data:`DIMENSIONS`.

    Not of the rows that are compared: those would lie within them, as synthesized rows do not.
    """
    if dataset.features.shape[1] <= DIMENSIONS:
        return None
    from sklearn.utils.extmath import randomized_svd  # slow to import

    rng = stream(seed, "rows of the axes")
    chosen = rng.choice(len(dataset.train), min(len(dataset.train), SAMPLED), replace=False)
    rows = dataset.features[np.sort(dataset.train[chosen])]
    return randomized_svd(
        rows - rows.mean(0),
        min(DIMENSIONS, len(rows)),
        random_state=derived_seed(seed, "leading axes"),
    )[2].T.astype(np.float64)


def means_and_traces(x: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means (R, D) and traces of the covariances (R,) of the rows (R, h) of x (n, D), by one product of matrices."""
    count = rows.shape[1]
    centre = x.mean(0, dtype=np.float64)
    centred = x - centre
    chosen = np.zeros((len(rows), len(x)))
    chosen[np.arange(len(rows))[:, None], rows] = 1 / count
    means = chosen @ centred
    squares = np.square(centred).sum(1)[rows].mean(1)
    trace = squares - np.square(means).sum(1)
    trace[trace < 1e-12 * squares] = 0  # rows that are equal differ by rounding
    return means + centre, trace * count / (count - 1)


def derangement(count: int, rng: np.random.Generator) -> np.ndarray:
    """A random cycle through all classes: nobody stays in place, unless there is only one."""
    order, other = rng.permutation(count), np.empty(count, np.int64)
    other[order] = np.roll(order, 1)
    return other
