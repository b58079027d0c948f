"""Random halves of the real and of the synthesized features, on which every metric is repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from ..datasets.base import GZSLDataset
from ..events import Watch
from ..seeds import derived_seed, stream
from . import metrics

DIMENSIONS = 64  # principal directions in which spectra and distributions are compared
SAMPLED_ROWS = 4000  # the most training rows that these directions are fitted to
TRAINED_REPEATS = 20  # repeats of what trains a classifier, or compares whole distributions
ROWS_COMPARED = 100  # of each half, for metrics whose cost grows with the square of the rows


@dataclass(eq=False)
class Half:
    """One of the three halves of each class: its ``features``, and which ``rows`` of them it takes.

    Both have an entry for each of the U classes. ``rows`` holds the row numbers of each repeat.
    """

    features: Sequence[Float[np.ndarray, "N D"]]
    rows: list[Int[np.ndarray, "R h"]]

    @property
    def means(self) -> Float[np.ndarray, "R U D"]:
        """The class means."""
        return self._moments[0]

    @property
    def traces(self) -> Float[np.ndarray, "R U"]:
        """The traces of the class covariances: the total variance of each class."""
        return self._moments[1]

    @property
    def noise(self) -> Float[np.ndarray, "R U"]:
        """The expected squared error of each class mean."""
        sizes = np.array([rows.shape[1] for rows in self.rows])
        return self.traces / sizes

    @cached_property
    def distances(self) -> Float[np.ndarray, "R U U"]:
        """Squared distances between the class means, without what noise adds to them."""
        return metrics.class_distances(self.means, self.noise)

    @cached_property
    def _moments(self) -> tuple[Float[np.ndarray, "R U D"], Float[np.ndarray, "R U"]]:
        of_classes = zip(self.features, self.rows, strict=True)
        means, traces = zip(*[means_and_traces(x, rows) for x, rows in of_classes], strict=True)
        return np.stack(means, 1), np.stack(traces, 1)


class Drawn(NamedTuple):
    """What one repeat draws of one class: features in the leading directions."""

    first: Float[np.ndarray, "h P"]
    second: Float[np.ndarray, "h P"]
    synthesized: Float[np.ndarray, "h P"]
    mistaken: Float[np.ndarray, "g P"]  # synthesized features of another class, under this label


class Chance(NamedTuple):
    """What Mantel's test says of the distance order."""

    p: float
    correlations: Float[np.ndarray, " permutations"]  # what permuted classes reach


class Halves:
    """Real and synthesized features of U classes, and R random halves of each class.

    ``first`` and ``second`` are two halves of the real features that share no row. ``synthesized``
    and ``again`` take as many rows of the synthesized features, and share none either. The number
    of rows is half of what the smaller of the two sets has. ``mistaken`` says, for each repeat,
    whose label a class gets when labels are shuffled. ``axes`` is called when directions for
    spectra and distributions are needed; it gives None where all directions are taken (see
    :func:`leading_axes`). ``watch`` gets the steps of what takes longer.
    """

    def __init__(
        self,
        real: Sequence[Float[np.ndarray, "N D"]],
        synthesized: Sequence[Float[np.ndarray, "n D"]],
        repeats: int,
        seed: int,
        axes: Callable[[], Float[np.ndarray, "D P"] | None] = lambda: None,
        watch: Watch = lambda event: None,
    ) -> None:
        self.watch = watch
        self.repeats = repeats
        self.seed = seed
        self.axes = axes
        self.first = Half(real, [])
        self.second = Half(real, [])
        self.synthesized = Half(synthesized, [])
        self.again = Half(synthesized, [])

        rng = stream(seed, "halves")
        for of_real, of_synthesized in zip(real, synthesized, strict=True):
            size = min(len(of_real), len(of_synthesized)) // 2
            order = _permutations(len(of_real), repeats, rng)
            self.first.rows.append(order[:, :size])
            self.second.rows.append(order[:, size : 2 * size])
            order = _permutations(len(of_synthesized), repeats, rng)
            self.synthesized.rows.append(order[:, :size])
            self.again.rows.append(order[:, size : 2 * size])
        self.mistaken = [derangement(len(real), rng) for _ in range(repeats)]

    @property
    def count(self) -> int:
        """The number of classes."""
        return len(self.first.features)

    @cached_property
    def varies(self) -> Bool[np.ndarray, " U"]:
        """Whether the real rows of each class differ within every first half."""
        return np.all(self.first.traces > 0, axis=0)

    @cached_property
    def shuffled(self) -> Int[np.ndarray, "R U"]:
        """For each repeat, which class stands under the label of each class."""
        return np.stack(self.mistaken)

    @cached_property
    def mantel(self) -> Chance | None:
        """Mantel's test of real and synthesized distances; None below 3 classes."""
        if self.count < 3:
            return None

        real = self.first.distances.mean(0)
        synthesized = self.synthesized.distances.mean(0)
        _, p, by_chance = metrics.mantel(real, synthesized, seed=self.seed)
        return Chance(p, by_chance)

    @cached_property
    def leading(self) -> tuple[list[Float[np.ndarray, "N P"]], list[Float[np.ndarray, "n P"]]]:
        """Real and synthesized features along the leading directions, in float64."""
        axes = self.axes()
        if axes is None:
            real = [x.astype(np.float64) for x in self.first.features]
            return real, [x.astype(np.float64) for x in self.synthesized.features]

        # Taken off first, because large numbers would cost digits.
        centre = np.concatenate(self.first.features).mean(0, dtype=np.float64)
        real = [(x - centre) @ axes for x in self.first.features]
        return real, [(x - centre) @ axes for x in self.synthesized.features]

    def drawn(self, k: int, repeats: int, most: int | None = None) -> Iterator[Drawn]:
        """Give what each of the first ``repeats`` draws of class k, ``most`` rows of a half."""
        real, synthesized = self.leading
        for repeat in range(repeats):
            other = self.mistaken[repeat][k]
            yield Drawn(
                first=real[k][self.first.rows[k][repeat, :most]],
                second=real[k][self.second.rows[k][repeat, :most]],
                synthesized=synthesized[k][self.synthesized.rows[k][repeat, :most]],
                mistaken=synthesized[other][self.synthesized.rows[other][repeat, :most]],
            )


def leading_axes(dataset: GZSLDataset, seed: int) -> Float[np.ndarray, "D P"] | None:
    """Return the leading principal directions of the training rows.

    None where there are no more features than :data:`DIMENSIONS`. The rows that are compared play
    no part: they would lie within directions that were fitted to them, and synthesized rows do not.
    """
    if dataset.features.shape[1] <= DIMENSIONS:
        return None
    from sklearn.utils.extmath import randomized_svd  # slow to import

    rng = stream(seed, "rows of the axes")
    count = min(len(dataset.train), SAMPLED_ROWS)
    chosen = rng.choice(len(dataset.train), count, replace=False)
    rows = dataset.features[np.sort(dataset.train[chosen])]

    directions = min(DIMENSIONS, len(rows))
    svd_seed = derived_seed(seed, "leading axes")
    _, _, axes = randomized_svd(rows - rows.mean(0), directions, random_state=svd_seed)
    return axes.T.astype(np.float64)


def means_and_traces(
    x: Float[np.ndarray, "N D"],
    rows: Int[np.ndarray, "R h"],
) -> tuple[Float[np.ndarray, "R D"], Float[np.ndarray, " R"]]:
    """Return the means of rows of ``x``, and the traces of their covariances, of each repeat.

    All means come from one product of matrices.
    """
    size = rows.shape[1]
    centre = x.mean(0, dtype=np.float64)
    centred = x - centre

    weights = np.zeros((len(rows), len(x)))
    weights[np.arange(len(rows))[:, None], rows] = 1 / size
    means = weights @ centred

    squares = np.square(centred).sum(1)[rows].mean(1)
    traces = squares - np.square(means).sum(1)
    traces[traces < 1e-12 * squares] = 0  # rows that are equal differ by rounding
    return means + centre, traces * size / (size - 1)


def derangement(count: int, rng: np.random.Generator) -> Int[np.ndarray, " count"]:
    """Return a random cycle through all classes; no class stays in place, unless it is alone."""
    order = rng.permutation(count)
    other = np.empty(count, np.int64)
    other[order] = np.roll(order, 1)
    return other


def _permutations(count: int, repeats: int, rng: np.random.Generator) -> Int[np.ndarray, "R N"]:
    return rng.permuted(np.tile(np.arange(count), (repeats, 1)), axis=1)
