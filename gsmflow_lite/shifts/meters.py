"""The meters behind :mod:`gsmflow_lite.shifts.report`: every metric on repeated random halves of the real features.

In each of R repeats the real rows of a class fall into a first and a second half of h rows, and h of the synthesized rows are
drawn. *Value* compares the synthesized rows with the first half, *ceiling* the second half with the first: real against real,
with the same number of rows. As half of the rows were left out, the scatter over repeats is about that of an estimate from all
where both sides have as many rows, and more where one has more: intervals are wide rather than narrow. What trains a classifier
trains it anew in every repeat, so that the intervals of two-sample tests are about twice as wide as need be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from ..datasets.base import GZSLDataset
from ..errors import DataError
from ..generators.base import Generator, ask
from ..method.start import ridge_means
from ..seeds import stream
from . import metrics
from .estimates import TOO_FEW_ROWS, Estimate
from .halves import Halves, derangement, means_and_traces
from .metrics import NEIGHBOURS
from .readout import AttributeReadout

CLASSIFIED = 20  # repeats of what trains a classifier, or compares whole distributions
ROWS_COMPARED = 100  # of each half for metrics whose cost grows with the square of the rows
DIRECTIONS = 64  # of the sliced Wasserstein distance
PERMUTED = 12  # attributes whose permutation a generator is asked to follow
ANSWERS = 30  # samples of each class for each of them

ALONE = "with one class there is no other one whose label could be mistaken for its own"


# --- Semantic --------------------------------------------------------------------------------------------------------


def agreement(
    halves: Halves, readout: AttributeReadout, attributes: np.ndarray, classes: np.ndarray
) -> Estimate:
    """Attributes read off means of ``classes`` (U,) against ``attributes`` (K, A); the floor is any other description.

    Raises ``DataError`` where no attribute can be read.
    """
    asked, own = readout.standardise(attributes), np.arange(len(classes))
    if not readout.readability.any():
        raise DataError("no attribute can be read off real features of classes that were left out")
    value = _agreement(readout, halves.made, halves.synthesized, asked)  # (R, U, K)
    mine = value[:, own, classes]
    floor = (value.sum(2) - mine) / (len(attributes) - 1)
    ceiling = _agreement(readout, halves.real, halves.second, asked[classes])[:, own, own]
    return Estimate.by_class("agreement", mine, ceiling, floor.mean(0))


def _agreement(
    readout: AttributeReadout, data: list[np.ndarray], halves: list[np.ndarray], asked: np.ndarray
) -> np.ndarray:
    """Of what is read off the means of halves with every description asked for, (R, U, K)."""
    means, noise = [], []
    for x, rows in zip(data, halves, strict=True):
        mean, _ = means_and_traces(x, rows)
        _, trace = means_and_traces(readout.read(x) * np.sqrt(readout.readability), rows)
        means.append(readout.read(mean))
        noise.append(
            trace / (2 * rows.shape[1])
        )  # half of it: as if both halves had been taken, of real and of synthesized rows
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
        raise DataError(TOO_FEW_ROWS)
    repeats = min(CLASSIFIED, halves.repeats)
    found = np.empty((3, repeats, count))
    for r, parts in enumerate(
        zip(*[halves.triples(k, repeats) for k in range(count)], strict=True)
    ):
        rows = np.concatenate([a for a, _, _, _ in parts])
        labels = np.repeat(np.arange(count), [len(a) for a, _, _, _ in parts])
        judge = LinearDiscriminantAnalysis(
            solver="lsqr", shrinkage=0.1, priors=np.full(count, 1 / count)
        ).fit(rows, labels)
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
        cls,
        generator: Generator,
        readout: AttributeReadout,
        dataset: GZSLDataset,
        classes: np.ndarray,
        seed: int,
    ) -> Answers:
        """Ask ``generator``, always with one seed. Raises ``DataError`` where it does not answer, or nothing can change."""
        table, rng = dataset.attributes[classes], stream(seed, "permuted attributes")
        described, names = readout.standardise(table), [dataset.class_names[k] for k in classes]
        worth = readout.readability * described.var(0)
        chosen = np.argsort(-worth, kind="stable")[:PERMUTED]
        chosen = chosen[worth[chosen] > 1e-9]
        if not len(chosen):
            raise DataError("no readable attribute differs between the classes measured")
        options = {"seed": seed, "width": len(readout.centre), "names": names}
        make = lambda asked: ask(generator, asked, ANSWERS, **options).cpu().numpy()  # noqa: E731
        base, other, read = make(table), derangement(len(classes), rng), []
        for j in chosen:
            changed = table.copy()
            changed[:, j] = table[other, j]
            try:
                answer = make(changed)
            except (
                ArithmeticError,
                LookupError,
                RuntimeError,
                ValueError,
            ) as error:  # it knows its classes and no others
                raise DataError(
                    f"the generator does not answer a permuted attribute: {error}"
                ) from error
            read.append((answer.astype(np.float64) - base) @ readout.weights[:, j])  # (U, n)
        asked = (described[other] - described)[:, chosen].T
        linear = (ridge_means(dataset).numpy()[chosen] * readout.weights[:, chosen].T).sum(
            1
        ) * readout.spread[chosen]
        return cls(chosen, np.stack(read), asked, linear)

    def slopes(self) -> dict[int, float]:
        """By attribute number."""
        slopes = (self.read.mean(2) * self.asked).sum(1) / np.square(self.asked).sum(1)
        return dict(zip(self.chosen.tolist(), slopes.tolist(), strict=True))

    def estimate(self, repeats: int, seed: int) -> Estimate:
        """Over random halves of the samples. Real data cannot be asked: the linear map stands in as the ceiling."""
        rng, n = stream(seed, "halves of answers"), self.read.shape[2]
        means = np.stack(
            [self.read[..., rng.permutation(n)[: n // 2]].mean(2) for _ in range(repeats)]
        )  # (R, J, U)
        followed = np.stack(
            [means * self.asked, np.broadcast_to(self.linear[:, None] * self.asked**2, means.shape)]
        )
        total = np.square(self.asked).sum(0)
        by_class = followed.sum(2) / np.where(total > 0, total, np.nan)  # (value and ceiling, R, U)
        return Estimate.with_whole(
            "response", *by_class, 0.0, *followed.sum((2, 3)) / total.sum(), 0.0
        )


# --- Variance --------------------------------------------------------------------------------------------------------
# The floor is 0, every sample the same: shuffled labels leave the variance of a class as large as it was, or larger.


def spread(halves: Halves) -> Estimate:
    """Traces of class covariances; all classes together are the ratio of the sums.

    Raises ``DataError`` with too few rows or classes.
    """
    (_, first), (_, second), (_, synthesized) = halves.means
    there = halves.varies
    if not there.any():
        raise DataError(TOO_FEW_ROWS)
    first = np.where(there, first, np.nan)
    together = tuple(x[:, there].sum(1) / first[:, there].sum(1) for x in (synthesized, second))
    return Estimate.by_class("spread", synthesized / first, second / first, 0.0, together=together)


def spectra(halves: Halves) -> list[Estimate]:
    """Effective rank and volume of class covariances in the leading directions."""
    rank, volume = (np.full((2, halves.repeats, len(halves.real)), np.nan) for _ in range(2))
    real, made = halves.leading
    for k in np.flatnonzero(halves.varies):
        sets = (
            real[k][halves.first[k]],
            real[k][halves.second[k]],
            made[k][halves.synthesized[k]],
        )  # (R, h, P) each
        ranks = [metrics.effective_rank(metrics.spectrum(x)) for x in sets]
        logs = [metrics.log_volume(x) for x in sets]
        with np.errstate(divide="ignore", invalid="ignore"):
            rank[:, :, k] = ranks[2] / ranks[0], ranks[1] / ranks[0]
            volume[:, :, k] = np.exp(2 * (logs[2] - logs[0])), np.exp(2 * (logs[1] - logs[0]))
        flat = (
            halves.means[2][1][:, k] == 0
        )  # rows that are equal differ by rounding along the axes
        rank[0, flat, k] = volume[0, flat, k] = 0
    return [
        Estimate.by_class("effective rank", *rank, 0.0),
        Estimate.by_class("volume", *volume, 0.0),
    ]


def recall_estimate(halves: Halves) -> Estimate:
    """Recall of real by synthesized rows once each class is centred: where a class lies is no matter of variance."""
    found = np.full((2, halves.repeats, len(halves.real)), np.nan)
    real, made = halves.leading
    for k in np.flatnonzero(halves.varies):
        if halves.first[k].shape[1] <= NEIGHBOURS:
            continue
        r, g = (x[k] - x[k].mean(0) for x in (real, made))
        rr, gg, rg = metrics.distances(r, r), metrics.distances(g, g), metrics.distances(r, g)
        for i in range(halves.repeats):
            a, b, m = (
                rows[k][i, :ROWS_COMPARED]
                for rows in (halves.first, halves.second, halves.synthesized)
            )
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
    (value, scale), (ceiling, scale_ceiling) = (
        metrics.procrustes(means[0], m) for m in (means[2], means[1])
    )
    nothing = np.full((halves.repeats, count), np.nan)
    return [
        _distance_order(*halves.squares, halves.mantel[1]),
        Estimate.with_whole(
            "disparity", nothing, nothing, np.nan, value, ceiling, float(floor.mean())
        ),
        Estimate.with_whole("scale", nothing, nothing, np.nan, scale, scale_ceiling, 0.0),
        _neighbour_order(*halves.squares),
    ]


def _distance_order(
    first: np.ndarray, second: np.ndarray, synthesized: np.ndarray, chance: float
) -> Estimate:
    count = first.shape[-1]
    others = ~np.eye(count, dtype=bool)
    rows = [d[:, others].reshape(len(d), count, count - 1) for d in (first, second, synthesized)]
    return Estimate.with_whole(
        "distance order",
        metrics.rank_correlation(rows[0], rows[2]),
        metrics.rank_correlation(rows[0], rows[1]),
        0.0,
        metrics.rank_correlation(metrics.pairs(first), metrics.pairs(synthesized)),
        metrics.rank_correlation(metrics.pairs(first), metrics.pairs(second)),
        chance,
    )


def _neighbour_order(first: np.ndarray, second: np.ndarray, synthesized: np.ndarray) -> Estimate:
    pairs = [
        [metrics.order_kept(a, b) for a, b in zip(first, other, strict=True)]
        for other in (synthesized, second)
    ]
    return Estimate.by_class("neighbour order", np.array(pairs[0]), np.array(pairs[1]), 0.5)


def changed_places(halves: Halves, most: int = 50) -> list[tuple[int, int, int, float]]:
    """Classes c, i, j and a size: i is nearer to c than j in reality, and further away among the synthesized classes.

    Only where chance, at 5 % for all such triples together, turns neither order round; largest first. The size is the smaller
    of the two gaps between the squared distances, as a share of their sum.
    """
    real, _, made = halves.squares
    count = len(halves.real)
    sure = NormalDist().inv_cdf(1 - 0.05 / max(1, count * (count - 1) * (count - 2) / 2))
    found = []
    for c in range(count):
        gaps = [
            d[:, c, None, :] - d[:, c, :, None] for d in (real, made)
        ]  # (R, U, U): by how much j is further than i
        nearer, further = (
            sign * gap.mean(0) > sure * gap.std(0, ddof=1)
            for gap, sign in zip(gaps, (1, -1), strict=True)
        )
        for i, j in np.argwhere(nearer & further):
            if c not in (i, j):
                shares = [
                    abs(d[c, i] - d[c, j]) / (abs(d[c, i]) + abs(d[c, j]))
                    for d in (real.mean(0), made.mean(0))
                ]
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

    return [
        _compared(halves, "Frechet", metrics.frechet),
        _compared(halves, "sliced Wasserstein", sliced),
    ]


def two_sample_tests(halves: Halves) -> list[Estimate]:
    """Can a classifier tell synthesized from real rows of a class? Trained anew on each pair of halves.

    Raises ``DataError`` with too few rows or classes.
    """

    def told_apart(kind: str) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        return lambda a, x: metrics.auc(*metrics.two_sample_scores(a, x, kind, seed=halves.seed))

    tests = (("quadratic test", "quadratic"), ("neighbour test", "neighbours"))
    return [
        _compared(halves, name, told_apart(kind), rows=ROWS_COMPARED, least=NEIGHBOURS + 1)
        for name, kind in tests
    ]


def _compared(
    halves: Halves,
    name: str,
    number: Callable[[np.ndarray, np.ndarray], np.ndarray],
    *,
    rows: int | None = None,
    least: int = 1,
) -> Estimate:
    """A ``number`` of two sets (R, h, P), (R,), of each class: synthesized, real and another class's rows against real ones."""
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
