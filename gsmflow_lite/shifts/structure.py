"""The structure meter: do synthesized classes stand to each other as real ones do?

It looks at class means only. The floor of a metric is what it would be under shuffled labels.

A mean of few rows is uncertain. That would put classes further apart, so it is taken off their
squared distances (:func:`.metrics.class_distances`). It also lowers every rank correlation, that of
real features with real ones too. Value and ceiling are comparable only where the synthesized means
are as uncertain as the real ones, so the distance order is corrected to what it would be then.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from statistics import NormalDist

import numpy as np
from jaxtyping import Bool, Float, Int

from ..errors import DataError
from ..seeds import stream
from . import metrics
from .estimates import FAULT, Bounded, Estimate, not_by_class
from .halves import Half, Halves
from .meter import Measurement, Meter, from_halves
from .metric import Metric

SHUFFLED_REPEATS = 20  # repeats of the neighbour order by chance
FEWEST_CLASSES = 3  # two classes have one distance, and no order
CHANGED_BY_CHANCE = 0.05  # the chance that any triple at all is named that did not change
LEAST_RELIABILITY = 0.01  # less cannot be told from 0
MOST_CORRECTION = 2.0  # more would blow up what is only noise

DISTANCE_ORDER = Metric(
    meter="structure",
    name="distance order",
    better="higher",
    text="rank correlation of the distances between class means",
    least=-1,
    most=1,
)
DISPARITY = Metric(
    meter="structure",
    name="disparity",
    better="lower",
    text="what no rotation and scaling of the class means mends",
    most=1,
)
SCALE = Metric(
    meter="structure",
    name="scale",
    better="one",
    text="size of the constellation of class means, synthesized over real",
)
NEIGHBOUR_ORDER = Metric(
    meter="structure",
    name="neighbour order",
    better="higher",
    text="share of pairs of classes that are in order as seen from a third",
    most=1,
)


def relative_positions(halves: Halves) -> list[Estimate]:
    """Measure distance order, disparity, scale and neighbour order of the class means.

    Raises ``DataError`` with fewer than 3 classes, or where the real class means coincide.
    """
    if halves.count < FEWEST_CLASSES:
        raise DataError(
            f"how classes stand to each other takes at least {FEWEST_CLASSES} of them, "
            f"got {halves.count}"
        )
    means = halves.first.means
    if (means == means[:, :1]).all((1, 2)).any():
        raise DataError("the real class means coincide")

    disparity, scale = _disparity_and_scale(halves)
    return [_distance_order(halves), disparity, scale, _neighbour_order(halves)]


def _disparity_and_scale(halves: Halves) -> tuple[Estimate, Estimate]:
    first = halves.first.means
    synthesized = halves.synthesized.means
    repeats = np.arange(halves.repeats)[:, None]
    shuffled = synthesized[repeats, halves.shuffled]

    disparity, _ = metrics.procrustes(first, synthesized)
    floor, _ = metrics.procrustes(first, shuffled)
    best_disparity, _ = metrics.procrustes(first, halves.second.means)
    size = _size(halves.first)
    best_scale = _size(halves.second) / size

    disparities = Bounded(disparity, floor, best_disparity)
    scales = Bounded(_size(halves.synthesized) / size, 0.0, best_scale, FAULT * best_scale)
    nothing = not_by_class(halves.repeats, halves.count)
    return (
        Estimate.of_all_classes(DISPARITY, disparities, nothing),
        Estimate.of_all_classes(SCALE, scales, nothing),
    )


def _size(half: Half) -> Float[np.ndarray, " R"]:
    """Return the root-mean-square distance between class means, without what noise adds.

    At least a tenth of the mean square stays.
    """
    with_noise = metrics.pairs(metrics.class_distances(half.means)).mean(-1)
    without = metrics.pairs(half.distances).mean(-1)
    return np.sqrt(np.maximum(without, 0.1 * with_noise))


def _distance_order(halves: Halves) -> Estimate:
    """Of all classes together over all pairs, and of each class over its own distances."""
    mantel = halves.mantel
    assert mantel is not None  # there are enough classes

    correlate = metrics.rank_correlation
    first, second, synthesized, again = (
        metrics.pairs(half.distances)
        for half in (halves.first, halves.second, halves.synthesized, halves.again)
    )
    ceiling = correlate(first, second)
    correction = _correction(ceiling, correlate(synthesized, again))
    value = _corrected(correlate(first, synthesized), correction, ceiling)
    together = Bounded(value, mantel.correlations, ceiling)

    from_each = _to_others(halves.first.distances)
    value = correlate(from_each, _to_others(halves.synthesized.distances))
    ceiling = correlate(from_each, _to_others(halves.second.distances))
    by_chance = correlate(from_each, _in_random_order(from_each, halves.seed))
    by_class = Bounded(_corrected(value, correction, ceiling), by_chance, ceiling)

    estimate = Estimate.of_all_classes(DISTANCE_ORDER, together, by_class)
    return replace(estimate, p=mantel.p, squared=partial(_squared_noise, halves))


def _correction(
    reliability: Float[np.ndarray, " R"],
    of_synthesized: Float[np.ndarray, " R"],
) -> float:
    r"""Return the factor that makes synthesized means as uncertain as the real ones.

    A correlation falls with the square root of the reliability of either side, which is the
    correlation of one half with the other (Spearman 1904, *The proof and measurement of association
    between two things*). So the factor is :math:`\sqrt{r_{real} / r_{synthesized}}`.
    """
    real = max(float(reliability.mean()), LEAST_RELIABILITY)
    synthesized = max(float(of_synthesized.mean()), LEAST_RELIABILITY)
    return min(float(np.sqrt(real / synthesized)), MOST_CORRECTION)


def _corrected(
    correlations: Float[np.ndarray, "R ..."],
    correction: float,
    ceiling: Float[np.ndarray, "R ..."],
) -> Float[np.ndarray, "R ..."]:
    """Correct correlations, but lift their mean no higher than the mean of real features.

    Nothing is in better order than reality: a factor that would make it so is itself uncertain.
    """
    mean = np.maximum(correlations.mean(0), LEAST_RELIABILITY)
    most = np.maximum(ceiling.mean(0) / mean, 1.0)
    return np.clip(correlations * np.minimum(correction, most), -1, 1)


def _in_random_order(
    distances: Float[np.ndarray, "R U V"],
    seed: int,
) -> Float[np.ndarray, "R U V"]:
    return stream(seed, "distances in random order").permuted(distances, axis=2)


def _squared_noise(halves: Halves) -> float:
    r"""Return which share of the noise of squared distances falls with the square of the rows.

    A distance :math:`\lVert \delta + e \rVert^2` with noise e of covariance V has the variance
    :math:`4 \delta^T V \delta + 2\, \mathrm{tr} V^2`. V falls with the number of rows. With the
    covariance W within classes and B between their means, over all pairs of classes and h rows, the
    two are on average :math:`16\, \mathrm{tr}(BW) / h` and :math:`8\, \mathrm{tr} W^2 / h^2`.
    """
    real, _ = halves.leading
    counts = np.array([len(x) for x in real])
    centred = np.concatenate([x - x.mean(0) for x in real])
    freedom = max(len(centred) - len(real), 1)
    within = centred.T @ centred / freedom
    squares = np.square(within).sum()
    squares -= np.trace(within) ** 2 / (freedom + 1)  # what few rows add

    between = np.cov(np.stack([x.mean(0) for x in real]).T).reshape(within.shape)
    across = (between * within).sum() - squares / counts.mean()
    rows = np.mean([rows.shape[1] for rows in halves.first.rows])
    parts = max(2 * rows * across, 0.0), max(squares, 0.0)
    return parts[1] / (sum(parts) or 1.0)


def _to_others(distances: Float[np.ndarray, "R U U"]) -> Float[np.ndarray, "R U V"]:
    """Return the distances of each class to the V = U - 1 other classes."""
    repeats, count, _ = distances.shape
    others = ~np.eye(count, dtype=bool)
    return distances[:, others].reshape(repeats, count, count - 1)


def _neighbour_order(halves: Halves) -> Estimate:
    value = _order_kept(halves.first, halves.synthesized)
    ceiling = _order_kept(halves.first, halves.second)
    by_chance = _order_kept(halves.first, halves.second, halves.shuffled[:SHUFFLED_REPEATS])
    numbers = Bounded(value, 0.5, ceiling, by_chance)
    return Estimate.mean_over_classes(NEIGHBOUR_ORDER, numbers)


def _order_kept(
    real: Half,
    other: Half,
    labels: Int[np.ndarray, "r U"] | None = None,
) -> Float[np.ndarray, "r U"]:
    """Compare the orders, with the other classes under these ``labels``.

    The repeats come one by one: all triples of classes at once would take much memory.
    """
    distances = list(other.distances)
    if labels is not None:
        distances = [a[np.ix_(order, order)] for a, order in zip(distances, labels, strict=False)]
    repeats = zip(real.distances, distances, strict=False)
    return np.array([metrics.order_kept(a, b) for a, b in repeats])


def changed_places(halves: Halves, most: int = 50) -> list[tuple[int, int, int, float]]:
    """Name classes c, i and j whose order changed, with the size of the change, largest first.

    Among the real classes i is nearer to c than j; among the synthesized ones it is further away.
    A triple is named only where chance, at 5 % for all triples together, explains neither order.
    The size is the smaller one of the two gaps between the squared distances, as a share of their
    sum.
    """
    real = halves.first.distances
    synthesized = halves.synthesized.distances
    real_mean = real.mean(0)
    synthesized_mean = synthesized.mean(0)

    triples = []
    for c in range(halves.count):
        nearer = _surely_positive(_gaps(real, c))
        further = _surely_positive(-_gaps(synthesized, c))
        for i, j in np.argwhere(nearer & further):
            if c not in (i, j):
                size = min(_gap_share(real_mean[c], i, j), _gap_share(synthesized_mean[c], i, j))
                triples.append((c, int(i), int(j), float(size)))
    return sorted(triples, key=lambda triple: -triple[3])[:most]


def _gaps(distances: Float[np.ndarray, "R U U"], c: int) -> Float[np.ndarray, "R U U"]:
    """Return by how much class j (last axis) is further from c than class i (middle axis)."""
    from_c = distances[:, c]
    return from_c[:, None, :] - from_c[:, :, None]


def _surely_positive(gaps: Float[np.ndarray, "R U U"]) -> Bool[np.ndarray, "U U"]:
    """Say where the mean is positive beyond chance, at 5 % for all triples of classes together."""
    count = gaps.shape[-1]
    triples = count * (count - 1) * (count - 2) / 2
    deviations = NormalDist().inv_cdf(1 - CHANGED_BY_CHANCE / max(1, triples))
    return gaps.mean(0) > deviations * gaps.std(0, ddof=1)


def _gap_share(distances: Float[np.ndarray, " U"], i: int, j: int) -> float:
    return abs(distances[i] - distances[j]) / (abs(distances[i]) + abs(distances[j]))


STRUCTURE = Meter(
    name="structure",
    metrics=(DISTANCE_ORDER, DISPARITY, SCALE, NEIGHBOUR_ORDER),
    measurements=(
        Measurement(
            (DISTANCE_ORDER, DISPARITY, SCALE, NEIGHBOUR_ORDER),
            from_halves(relative_positions),
            "structure",
        ),
    ),
)
