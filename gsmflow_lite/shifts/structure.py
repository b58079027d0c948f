"""The structure meter: do synthesized classes stand to each other as real ones do?

It looks at class means only. The floor of a metric is what it would be under shuffled labels, or
what chance gives.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from jaxtyping import Bool, Float

from ..errors import DataError
from . import metrics
from .estimates import Bounded, Estimate, not_by_class
from .halves import Half, Halves
from .meter import Measurement, Meter, from_halves
from .metric import Metric

FEWEST_CLASSES = 3  # two classes have one distance, and no order
CHANGED_BY_CHANCE = 0.05  # the chance that any triple at all is named that did not change

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
    shuffled = synthesized[repeats, np.stack(halves.mistaken)]

    disparity, scale = metrics.procrustes(first, synthesized)
    best_disparity, best_scale = metrics.procrustes(first, halves.second.means)
    floor, _ = metrics.procrustes(first, shuffled)

    disparities = Bounded(disparity, float(floor.mean()), best_disparity)
    scales = Bounded(scale, 0.0, best_scale)
    nothing = not_by_class(halves.repeats, halves.count)
    return (
        Estimate.of_all_classes(DISPARITY, disparities, nothing),
        Estimate.of_all_classes(SCALE, scales, nothing),
    )


def _distance_order(halves: Halves) -> Estimate:
    """Of all classes together over all pairs, and of each class over its own distances."""
    first = halves.first.distances
    second = halves.second.distances
    synthesized = halves.synthesized.distances
    chance = 0.0 if halves.mantel is None else halves.mantel.correlation

    all_pairs = metrics.pairs(first)
    value = metrics.rank_correlation(all_pairs, metrics.pairs(synthesized))
    ceiling = metrics.rank_correlation(all_pairs, metrics.pairs(second))
    together = Bounded(value, chance, ceiling)

    from_each = _to_others(first)
    value = metrics.rank_correlation(from_each, _to_others(synthesized))
    ceiling = metrics.rank_correlation(from_each, _to_others(second))
    return Estimate.of_all_classes(DISTANCE_ORDER, together, Bounded(value, 0.0, ceiling))


def _to_others(distances: Float[np.ndarray, "R U U"]) -> Float[np.ndarray, "R U V"]:
    """Return the distances of each class to the V = U - 1 other classes."""
    repeats, count, _ = distances.shape
    others = ~np.eye(count, dtype=bool)
    return distances[:, others].reshape(repeats, count, count - 1)


def _neighbour_order(halves: Halves) -> Estimate:
    value = _order_kept(halves.first, halves.synthesized)
    ceiling = _order_kept(halves.first, halves.second)
    return Estimate.mean_over_classes(NEIGHBOUR_ORDER, Bounded(value, 0.5, ceiling))


def _order_kept(real: Half, other: Half) -> Float[np.ndarray, "R U"]:
    """Go through the repeats one by one: all triples of classes at once would take much memory."""
    repeats = zip(real.distances, other.distances, strict=True)
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
