"""The meters behind :mod:`gsmflow_lite.shifts`: every metric on repeated random halves of the real features.

In each of R repeats the real rows of a class fall into a first and a second half of h rows, and h of the imagined rows are
drawn. *Value* compares the imagined rows with the first half, *ceiling* the second half with the first: real against real,
with the same number of rows. As half of the rows were left out, the scatter over repeats is about that of an estimate from all
where both sides have as many rows, and more where one has more: intervals are wide rather than narrow. What trains a classifier
trains it anew in every repeat, so that the intervals of two-sample tests are about twice as wide as need be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Any

import numpy as np
import torch

from . import metrics
from .datasets.base import GZSLDataset
from .errors import DataError
from .gaussian import ridge_means
from .generators import Generator
from .metrics import NEIGHBOURS
from .readout import AttributeReadout

DIMENSIONS = 64  # leading principal directions of the training rows, in which spectra and distributions are compared
SAMPLED = 4000  # training rows that those directions are fitted to, at most
CLASSIFIED = 20  # repeats of what trains a classifier, or compares whole distributions
ROWS = 100  # of each half for metrics whose cost grows with the square of the rows
DIRECTIONS = 64  # of the sliced Wasserstein distance
PERMUTED = 12  # attributes whose permutation a generator is asked to follow
ANSWERS = 30  # samples of each class for each of them

FEW = "no class has enough different real rows"
ALONE = "with one class there is no other one whose label could be mistaken for its own"


@dataclass(frozen=True)
class Metric:
    """What a number is called, which meter it belongs to, and what it is.

    ``better`` says how values are judged: ``higher``, ``lower``, ``one`` (a ratio: twice is as bad as half) or ``half`` (a
    chance of telling apart: the further from 0.5 the worse). Values are from ``least`` to ``most``.
    """

    meter: str
    name: str
    better: str
    text: str
    least: float = 0.0
    most: float = np.inf

    def goodness(self, values: np.ndarray) -> np.ndarray:
        """``values`` (...,) on a scale where more is better, (...,); ratios from 0 to 1."""
        if self.better == "one":
            return np.minimum(values, 1 / np.maximum(values, 1e-12)).clip(0, 1)
        return {"higher": 1, "lower": -1}[self.better] * values if self.better != "half" else -np.abs(values - 0.5)


# The first of each meter is its headline.
METRICS = (
    Metric("semantic", "agreement", "higher", "cosine of the attributes read off a class with those asked for", -1, 1),
    Metric("semantic", "own class", "higher", "share of samples that a classifier of real classes gives to their own", 0, 1),
    Metric("semantic", "response", "higher", "how far a permuted attribute is followed, 0 if it is not heard", -np.inf),
    Metric("variance", "spread", "one", "total variance, imagined over real"),
    Metric("variance", "effective rank", "one", "number of directions that the variance fills, imagined over real"),
    Metric("variance", "volume", "one", "variance per direction (geometric mean), imagined over real"),
    Metric("variance", "recall", "higher", "share of real rows within the imagined manifold, both centred", 0, 1),
    Metric("structure", "distance order", "higher", "rank correlation of the distances between class means", -1, 1),
    Metric("structure", "disparity", "lower", "what no rotation and scaling of the class means mends", 0, 1),
    Metric("structure", "scale", "one", "size of the constellation of class means, imagined over real"),
    Metric("structure", "neighbour order", "higher", "share of pairs of classes that are in order as seen from a third", 0, 1),
    Metric("overall", "quadratic test", "half", "AUC of telling imagined from real rows, by features and squares", 0, 1),
    Metric("overall", "Frechet", "lower", "squared distance of Gaussians, within classes"),
    Metric("overall", "sliced Wasserstein", "lower", "distance along random directions, within classes"),
    Metric("overall", "neighbour test", "half", "the same by the 5 nearest rows", 0, 1),
)
BY_NAME = {metric.name: metric for metric in METRICS}


Goodness = tuple[np.ndarray, np.ndarray, np.ndarray]  # of value (R,), floor () and ceiling (R,)


@dataclass(frozen=True, eq=False)
class Estimate:
    """One metric over repeats. NaN stands for a class on which it cannot be measured.

    ``value``, ``ceiling`` (R, U) by class; ``all_value``, ``all_ceiling`` (R,) of all classes together; ``floor`` (U,) or ();
    ``all_floor`` (). ``all_goodness`` of value (R,), floor () and ceiling (R,): how they are judged together.
    """

    metric: Metric
    value: np.ndarray
    ceiling: np.ndarray
    floor: np.ndarray
    all_value: np.ndarray
    all_ceiling: np.ndarray
    all_floor: float
    all_goodness: Goodness

    @property
    def measured(self) -> np.ndarray:
        """Whether it could be measured on a class alone, (U,)."""
        return np.isfinite(self.value).all(0) & np.isfinite(self.ceiling).all(0)

    @classmethod
    def by_class(cls, name: str, value: np.ndarray, ceiling: np.ndarray, floor, *, together=None) -> Estimate:
        """All classes together are the mean over classes (or what ``together`` says), and are judged by their mean goodness.

        Raises ``DataError`` where no class could be measured.
        """
        metric, floor = BY_NAME[name], np.broadcast_to(np.asarray(floor, np.float64), value.shape[1:])
        there = np.isfinite(value).all(0) & np.isfinite(ceiling).all(0) & np.isfinite(floor)
        if not there.any():
            raise DataError(FEW)
        value, ceiling = (np.where(there, x, np.nan) for x in (value, ceiling))
        goodness = tuple(metric.goodness(x[..., there]).mean(-1) for x in (value, floor, ceiling))
        if together is None:
            return cls(
                metric, value, ceiling, floor, *(x[:, there].mean(1) for x in (value, ceiling)), floor[there].mean(), goodness
            )
        whole = tuple(metric.goodness(x) for x in (together[0], floor[there].mean(), together[1]))
        # The worse of the two: classes may shift both ways and cancel, or one class may make up most of the sum.
        return cls(metric, value, ceiling, floor, *together, floor[there].mean(), min(goodness, whole, key=_share))

    @classmethod
    def with_whole(cls, name: str, value, ceiling, floor, all_value, all_ceiling, all_floor: float) -> Estimate:
        """A metric of all classes together that is no mean over classes."""
        metric, whole = BY_NAME[name], (all_value, np.float64(all_floor), all_ceiling)
        floor = np.broadcast_to(np.asarray(floor, np.float64), value.shape[1:])
        return cls(metric, value, ceiling, floor, *whole[::2], all_floor, tuple(metric.goodness(x) for x in whole))


def _share(goodness: Goodness) -> float:
    """Where a value lies between floor and ceiling."""
    of_value, of_floor, of_ceiling = map(np.mean, goodness)
    return (of_value - of_floor) / (of_ceiling - of_floor)


class Halves:
    """Rows ``real`` (n_c, D) and ``made``, imagined, (n, D) of U classes, and R random halves of each.

    ``first``, ``second`` and ``imagined`` hold row numbers (R, h) for each class, h half of the fewer rows. ``axes`` gives the
    directions of spectra and distributions, (D, P), when they are needed; all of them where None (:func:`leading_axes`).
    """

    def __init__(
        self, real: list[np.ndarray], made: list[np.ndarray], repeats: int, seed: int, axes: Callable[[], Any] = lambda: None
    ) -> None:
        self.real, self.made, self.repeats, self.seed = real, made, repeats, seed
        self.axes = axes
        rng = np.random.default_rng([seed, 3])
        self.first, self.second, self.imagined = [], [], []
        for r, g in zip(real, made, strict=True):
            h = min(len(r), len(g)) // 2
            order = rng.permuted(np.tile(np.arange(len(r)), (repeats, 1)), axis=1)
            self.first.append(order[:, :h])
            self.second.append(order[:, h : 2 * h])
            self.imagined.append(rng.permuted(np.tile(np.arange(len(g)), (repeats, 1)), axis=1)[:, :h])
        self.other = [_derangement(len(real), rng) for _ in range(repeats)]  # whose label a class gets when they are shuffled

    @cached_property
    def means(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Of first, second and imagined halves: class means (R, U, D) and traces of class covariances (R, U)."""
        sets = ((self.real, self.first), (self.real, self.second), (self.made, self.imagined))
        found = [[_means(x, rows) for x, rows in zip(data, halves, strict=True)] for data, halves in sets]
        return tuple((np.stack([m for m, _ in one], 1), np.stack([t for _, t in one], 1)) for one in found)

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
        return tuple(metrics.class_distances(means, noise) for (means, _), noise in zip(self.means, self.noise, strict=True))

    @cached_property
    def mantel(self) -> tuple[float, float] | None:
        """p-value of the correlation of real and imagined distances, and its mean under chance. None below 3 classes."""
        if len(self.real) < 3:
            return None
        _, p, chance = metrics.mantel(self.squares[0].mean(0), self.squares[2].mean(0), seed=self.seed)
        return p, float(chance.mean())

    @cached_property
    def leading(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Real and imagined rows along the axes, in float64."""
        sets, axes = (self.real, self.made), self.axes()
        if axes is None:
            return tuple([x.astype(np.float64) for x in data] for data in sets)
        centre = np.concatenate(self.real).mean(0, dtype=np.float64)  # large numbers would cost digits
        return tuple([(x - centre) @ axes for x in data] for data in sets)

    def triples(self, k: int, repeats: int, rows: int | None = None) -> Iterator[tuple[np.ndarray, ...]]:
        """First, second and imagined half of class k in the leading directions, and the class whose label is put on it."""
        real, made = self.leading
        for r in range(repeats):
            other = self.other[r][k]
            parts = self.first[k][r], self.second[k][r], self.imagined[k][r], self.imagined[other][r]
            a, b, g, f = (x[index[:rows]] for x, index in zip((real[k], real[k], made[k], made[other]), parts, strict=True))
            yield a, b, g, f


def leading_axes(dataset: GZSLDataset, seed: int) -> np.ndarray | None:
    """Leading principal directions of the training rows, (D, P), or None where features are no more than :data:`DIMENSIONS`.

    Not of the rows that are compared: those would lie within them, as imagined rows do not.
    """
    if dataset.features.shape[1] <= DIMENSIONS:
        return None
    from sklearn.utils.extmath import randomized_svd  # slow to import

    rng = np.random.default_rng([seed, 4])
    chosen = rng.choice(len(dataset.train), min(len(dataset.train), SAMPLED), replace=False)
    rows = dataset.features[np.sort(dataset.train[chosen])]
    return randomized_svd(rows - rows.mean(0), min(DIMENSIONS, len(rows)), random_state=seed)[2].T.astype(np.float64)


def _means(x: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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


def _derangement(count: int, rng: np.random.Generator) -> np.ndarray:
    """A random cycle through all classes: nobody stays in place, unless there is only one."""
    order, other = rng.permutation(count), np.empty(count, np.int64)
    other[order] = np.roll(order, 1)
    return other


# --- Semantic --------------------------------------------------------------------------------------------------------


def agreement(halves: Halves, readout: AttributeReadout, attributes: np.ndarray, classes: np.ndarray) -> Estimate:
    """Attributes read off means of ``classes`` (U,) against ``attributes`` (K, A); the floor is any other description.

    Raises ``DataError`` where no attribute can be read.
    """
    asked, own = readout.standardise(attributes), np.arange(len(classes))
    if not readout.readability.any():
        raise DataError("no attribute can be read off real features of classes that were left out")
    value = _agreement(readout, halves.made, halves.imagined, asked)  # (R, U, K)
    mine = value[:, own, classes]
    floor = (value.sum(2) - mine) / (len(attributes) - 1)
    ceiling = _agreement(readout, halves.real, halves.second, asked[classes])[:, own, own]
    return Estimate.by_class("agreement", mine, ceiling, floor.mean(0))


def _agreement(readout: AttributeReadout, data: list[np.ndarray], halves: list[np.ndarray], asked: np.ndarray) -> np.ndarray:
    """Of what is read off the means of halves with every description asked for, (R, U, K)."""
    means, noise = [], []
    for x, rows in zip(data, halves, strict=True):
        mean, _ = _means(x, rows)
        _, trace = _means(readout.read(x) * np.sqrt(readout.readability), rows)
        means.append(readout.read(mean))
        noise.append(trace / (2 * rows.shape[1]))  # half of it: as if both halves had been taken, of real and of imagined rows
    return readout.agreement(np.stack(means, 1), asked, np.stack(noise, 1))


def own_class(halves: Halves) -> Estimate:
    """Linear discriminant analysis, trained on the first halves of all classes, names the others' samples.

    Raises ``DataError`` with one class, or too few rows.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    count = len(halves.real)
    if count < 2:
        raise DataError(ALONE)
    if not halves.varies.any():
        raise DataError(FEW)
    repeats = min(CLASSIFIED, halves.repeats)
    found = np.empty((3, repeats, count))
    for r, parts in enumerate(zip(*[halves.triples(k, repeats) for k in range(count)], strict=True)):
        rows = np.concatenate([a for a, _, _, _ in parts])
        labels = np.repeat(np.arange(count), [len(a) for a, _, _, _ in parts])
        judge = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1, priors=np.full(count, 1 / count)).fit(rows, labels)
        for k, (_, b, g, f) in enumerate(parts):
            found[:, r, k] = [(judge.predict(x) == k).mean() for x in (g, b, f)]
    return Estimate.by_class("own class", found[0], found[1], found[2].mean(0))


@dataclass(frozen=True, eq=False)
class Answers:
    r"""How what is read off a generator changes when an attribute is permuted among the U classes.

    For the J attributes ``chosen``, those that are read best: ``read`` (J, U, n), the change of what is read off n samples;
    ``asked`` (J, U), the change asked for; ``linear`` (J,), the slope of the linear map from descriptions to real class means.
    The slope of a generator that does not hear its condition is 0:

    .. math:: \sum \Delta_{read} \Delta_{asked} / \sum \Delta_{asked}^2
    """

    chosen: np.ndarray
    read: np.ndarray
    asked: np.ndarray
    linear: np.ndarray

    @classmethod
    def of(
        cls, generator: Generator, readout: AttributeReadout, dataset: GZSLDataset, classes: np.ndarray, seed: int
    ) -> Answers:
        """Ask ``generator``, always with one seed. Raises ``DataError`` where it does not answer, or nothing can change."""
        table, rng = dataset.attributes[classes], np.random.default_rng([seed, 5])
        described, names = readout.standardise(table), [dataset.class_names[k] for k in classes]
        worth = readout.readability * described.var(0)
        chosen = np.argsort(-worth, kind="stable")[:PERMUTED]
        chosen = chosen[worth[chosen] > 1e-9]
        if not len(chosen):
            raise DataError("no readable attribute differs between the classes measured")
        make = lambda asked: imagine(generator, asked, ANSWERS, seed, len(readout.centre), names)  # noqa: E731
        base, other, read = make(table), _derangement(len(classes), rng), []
        for j in chosen:
            changed = table.copy()
            changed[:, j] = table[other, j]
            try:
                answer = make(changed)
            except (ArithmeticError, LookupError, RuntimeError, ValueError) as error:  # it knows its classes and no others
                raise DataError(f"the generator does not answer a permuted attribute: {error}") from error
            read.append((answer.astype(np.float64) - base) @ readout.weights[:, j])  # (U, n)
        asked = (described[other] - described)[:, chosen].T
        linear = (ridge_means(dataset).numpy()[chosen] * readout.weights[:, chosen].T).sum(1) * readout.spread[chosen]
        return cls(chosen, np.stack(read), asked, linear)

    def slopes(self) -> dict[int, float]:
        """By attribute number."""
        slopes = (self.read.mean(2) * self.asked).sum(1) / np.square(self.asked).sum(1)
        return dict(zip(self.chosen.tolist(), slopes.tolist(), strict=True))

    def estimate(self, repeats: int, seed: int) -> Estimate:
        """Over random halves of the samples. Real data cannot be asked: the linear map stands in as the ceiling."""
        rng, n = np.random.default_rng([seed, 7]), self.read.shape[2]
        means = np.stack([self.read[..., rng.permutation(n)[: n // 2]].mean(2) for _ in range(repeats)])  # (R, J, U)
        followed = np.stack([means * self.asked, np.broadcast_to(self.linear[:, None] * self.asked**2, means.shape)])
        total = np.square(self.asked).sum(0)
        by_class = followed.sum(2) / np.where(total > 0, total, np.nan)  # (value and ceiling, R, U)
        return Estimate.with_whole("response", *by_class, 0.0, *followed.sum((2, 3)) / total.sum(), 0.0)


def imagine(generator: Generator, attributes: np.ndarray, n: int, seed: int, width: int, names: Sequence[str]) -> np.ndarray:
    """What ``generator`` gives for attributes (U, A), float32 (U, n, width), known to be of that shape and finite.

    Raises ``DataError`` for another shape, or values that are not finite.
    """
    given = torch.as_tensor(generator.synthesize(torch.from_numpy(attributes.copy()), n, seed=seed))  # it may work in place
    if given.is_complex():
        raise DataError("imagined features must be real numbers, got complex ones: take their real part")
    made = given.detach().cpu().float().numpy()
    if made.shape != (len(attributes), n, width):
        raise DataError(
            f"a generator asked for {n} features of {len(attributes)} classes must give shape "
            f"{(len(attributes), n, width)}, got {made.shape}"
        )
    broken = ~np.isfinite(made).all((1, 2))
    if broken.any():
        raise DataError(
            f"imagined features must be finite, but those of class {names[broken.argmax()]!r} are not "
            f"({broken.sum()} such classes): lower the temperature, or train with a smaller learning rate"
        )
    return made


# --- Variance --------------------------------------------------------------------------------------------------------
# The floor is 0, every sample the same: shuffled labels leave the variance of a class as large as it was, or larger.


def spread(halves: Halves) -> Estimate:
    """Traces of class covariances; all classes together are the ratio of the sums.

    Raises ``DataError`` with too few rows or classes.
    """
    (_, first), (_, second), (_, imagined) = halves.means
    there = halves.varies
    if not there.any():
        raise DataError(FEW)
    first = np.where(there, first, np.nan)
    together = tuple(x[:, there].sum(1) / first[:, there].sum(1) for x in (imagined, second))
    return Estimate.by_class("spread", imagined / first, second / first, 0.0, together=together)


def spectra(halves: Halves) -> list[Estimate]:
    """Effective rank and volume of class covariances in the leading directions."""
    rank, volume = (np.full((2, halves.repeats, len(halves.real)), np.nan) for _ in range(2))
    real, made = halves.leading
    for k in np.flatnonzero(halves.varies):
        sets = real[k][halves.first[k]], real[k][halves.second[k]], made[k][halves.imagined[k]]  # (R, h, P) each
        ranks = [metrics.effective_rank(metrics.spectrum(x)) for x in sets]
        logs = [metrics.log_volume(x) for x in sets]
        with np.errstate(divide="ignore", invalid="ignore"):
            rank[:, :, k] = ranks[2] / ranks[0], ranks[1] / ranks[0]
            volume[:, :, k] = np.exp(2 * (logs[2] - logs[0])), np.exp(2 * (logs[1] - logs[0]))
        flat = halves.means[2][1][:, k] == 0  # rows that are equal differ by rounding along the axes
        rank[0, flat, k] = volume[0, flat, k] = 0
    return [Estimate.by_class("effective rank", *rank, 0.0), Estimate.by_class("volume", *volume, 0.0)]


def recall(halves: Halves) -> Estimate:
    """Recall of real by imagined rows once each class is centred: where a class lies is no matter of variance."""
    found = np.full((2, halves.repeats, len(halves.real)), np.nan)
    real, made = halves.leading
    for k in np.flatnonzero(halves.varies):
        if halves.first[k].shape[1] <= NEIGHBOURS:
            continue
        r, g = (x[k] - x[k].mean(0) for x in (real, made))
        rr, gg, rg = metrics.distances(r, r), metrics.distances(g, g), metrics.distances(r, g)
        for i in range(halves.repeats):
            a, b, m = (rows[k][i, :ROWS] for rows in (halves.first, halves.second, halves.imagined))
            found[0, i, k] = metrics.recall(gg[np.ix_(m, m)], rg[np.ix_(a, m)])
            found[1, i, k] = metrics.recall(rr[np.ix_(b, b)], rr[np.ix_(a, b)])
    return Estimate.by_class("recall", *found, 0.0)


# --- Structure -------------------------------------------------------------------------------------------------------


def structure(halves: Halves) -> list[Estimate]:
    """Distance order, disparity, scale and neighbour order of the class means.

    Raises ``DataError`` with too few rows or classes.
    """
    count = len(halves.real)
    if count < 3:
        raise DataError(f"how classes stand to each other takes at least 3 of them, got {count}")
    means = [m for m, _ in halves.means]
    if (means[0] == means[0][:, :1]).all((1, 2)).any():
        raise DataError("the real class means coincide")
    shuffled = means[2][np.arange(halves.repeats)[:, None], np.stack(halves.other)]
    floor, _ = metrics.procrustes(means[0], shuffled)
    (value, scale), (ceiling, scale_ceiling) = (metrics.procrustes(means[0], m) for m in (means[2], means[1]))
    nothing = np.full((halves.repeats, count), np.nan)
    return [
        _distance_order(*halves.squares, halves.mantel[1]),
        Estimate.with_whole("disparity", nothing, nothing, np.nan, value, ceiling, float(floor.mean())),
        Estimate.with_whole("scale", nothing, nothing, np.nan, scale, scale_ceiling, 0.0),
        _neighbour_order(*halves.squares),
    ]


def _distance_order(first: np.ndarray, second: np.ndarray, imagined: np.ndarray, chance: float) -> Estimate:
    count = first.shape[-1]
    others = ~np.eye(count, dtype=bool)
    rows = [d[:, others].reshape(len(d), count, count - 1) for d in (first, second, imagined)]
    return Estimate.with_whole(
        "distance order",
        metrics.rank_correlation(rows[0], rows[2]),
        metrics.rank_correlation(rows[0], rows[1]),
        0.0,
        metrics.rank_correlation(metrics.pairs(first), metrics.pairs(imagined)),
        metrics.rank_correlation(metrics.pairs(first), metrics.pairs(second)),
        chance,
    )


def _neighbour_order(first: np.ndarray, second: np.ndarray, imagined: np.ndarray) -> Estimate:
    pairs = [[metrics.order_kept(a, b) for a, b in zip(first, other, strict=True)] for other in (imagined, second)]
    return Estimate.by_class("neighbour order", np.array(pairs[0]), np.array(pairs[1]), 0.5)


def changed_places(halves: Halves, most: int = 50) -> list[tuple[int, int, int, float]]:
    """Classes c, i, j and a size: i is nearer to c than j in reality, and further away among the imagined classes.

    Only where chance, at 5 % for all such triples together, turns neither order round; largest first. The size is the smaller
    of the two gaps between the squared distances, as a share of their sum.
    """
    real, _, made = halves.squares
    count = len(halves.real)
    sure = NormalDist().inv_cdf(1 - 0.05 / max(1, count * (count - 1) * (count - 2) / 2))
    found = []
    for c in range(count):
        gaps = [d[:, c, None, :] - d[:, c, :, None] for d in (real, made)]  # (R, U, U): by how much j is further than i
        nearer, further = (sign * gap.mean(0) > sure * gap.std(0, ddof=1) for gap, sign in zip(gaps, (1, -1), strict=True))
        for i, j in np.argwhere(nearer & further):
            if c not in (i, j):
                shares = [abs(d[c, i] - d[c, j]) / (abs(d[c, i]) + abs(d[c, j])) for d in (real.mean(0), made.mean(0))]
                found.append((c, int(i), int(j), float(min(shares))))
    return sorted(found, key=lambda one: -one[3])[:most]


# --- Overall ---------------------------------------------------------------------------------------------------------


def overall(halves: Halves) -> list[Estimate]:
    """Distances of the distributions of a class in the leading directions, means over classes.

    Raises ``DataError`` with too few rows or classes.
    """
    directions = metrics.unit_directions(halves.leading[0][0].shape[1], DIRECTIONS, halves.seed)

    def sliced(a: np.ndarray, x: np.ndarray) -> np.ndarray:
        h = min(a.shape[1], x.shape[1])
        return metrics.sliced_wasserstein(a[:, :h], x[:, :h], directions)

    return [_compared(halves, "Frechet", metrics.frechet), _compared(halves, "sliced Wasserstein", sliced)]


def two_sample_tests(halves: Halves) -> list[Estimate]:
    """Can a classifier tell imagined from real rows of a class? Trained anew on each pair of halves.

    Raises ``DataError`` with too few rows or classes.
    """

    def told_apart(kind: str) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        return lambda a, x: metrics.auc(*metrics.two_sample_scores(a, x, kind, seed=halves.seed))

    tests = (("quadratic test", "quadratic"), ("neighbour test", "neighbours"))
    return [_compared(halves, name, told_apart(kind), rows=ROWS, least=NEIGHBOURS + 1) for name, kind in tests]


def _compared(
    halves: Halves,
    name: str,
    number: Callable[[np.ndarray, np.ndarray], np.ndarray],
    *,
    rows: int | None = None,
    least: int = 1,
) -> Estimate:
    """A ``number`` of two sets (R, h, P), (R,), of each class: imagined, real and another class's rows against real ones."""
    repeats, count = min(CLASSIFIED, halves.repeats), len(halves.real)
    if count < 2:
        raise DataError(ALONE)
    found = np.full((3, repeats, count), np.nan)
    for k in range(count):
        a, b, g, f = (_stack(one) for one in zip(*halves.triples(k, repeats, rows), strict=True))
        if min(x.shape[1] for x in (a, b, g, f)) >= least:
            found[:, :, k] = [number(a, x) for x in (g, b, f)]
    return Estimate.by_class(name, found[0], found[1], found[2].mean(0))


def _stack(parts: tuple[np.ndarray, ...]) -> np.ndarray:
    """(R, h, P); the class whose label is put on may have fewer rows in some repeats than in others."""
    h = min(map(len, parts))
    return np.stack([x[:h] for x in parts])
