"""The overall view: how different are the distributions of a class, whatever the shift?

The floor of a metric is what the rows of another class get under the label of this one. The fault
that a metric must see as well is a collapse: real rows at half of their distance from the mean.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from ..errors import DataError
from ..events import Step
from . import metrics
from .estimates import ALONE, FAULT, Bounded, Estimate
from .halves import ROWS_COMPARED, TRAINED_REPEATS, Drawn, Halves
from .meter import Measurement, Meter, from_halves
from .metric import Metric
from .metrics import NEIGHBOURS
from .two_sample import auc, two_sample_scores

DIRECTIONS = 64  # of the sliced Wasserstein distance

QUADRATIC_TEST = Metric(
    meter="overall",
    name="quadratic test",
    better="half",
    text="AUC of telling synthesized from real rows, by features and squares",
    most=1,
)
FRECHET = Metric(
    meter="overall",
    name="Frechet",
    better="lower",
    text="squared distance of Gaussians, within classes",
)
SLICED_WASSERSTEIN = Metric(
    meter="overall",
    name="sliced Wasserstein",
    better="lower",
    text="distance along random directions, within classes",
)
NEIGHBOUR_TEST = Metric(
    meter="overall",
    name="neighbour test",
    better="half",
    text="the same by the 5 nearest rows",
    most=1,
)

Rows = Float[np.ndarray, "R h P"]
Compare = Callable[[Rows, Rows], Float[np.ndarray, " R"]]


def distribution_distances(halves: Halves) -> list[Estimate]:
    """Measure distances between the distributions of a class in the leading directions.

    Raises ``DataError`` with one class.
    """
    real, _ = halves.leading
    directions = metrics.unit_directions(real[0].shape[1], DIRECTIONS, halves.seed)

    def sliced(a: Rows, x: Rows) -> Float[np.ndarray, " R"]:
        size = min(a.shape[1], x.shape[1])
        return metrics.sliced_wasserstein(a[:, :size], x[:, :size], directions)

    return [
        _compared(halves, FRECHET, metrics.frechet),
        _compared(halves, SLICED_WASSERSTEIN, sliced),
    ]


def two_sample_tests(halves: Halves) -> list[Estimate]:
    """Train classifiers to tell synthesized from real rows of a class, anew on each pair of halves.

    Raises ``DataError`` with one class, or too few rows.
    """

    def test(classifier: str) -> Compare:
        return lambda a, x: auc(*two_sample_scores(a, x, classifier, seed=halves.seed))

    limits = {"most": ROWS_COMPARED, "least": NEIGHBOURS + 1}
    return [
        _compared(halves, QUADRATIC_TEST, test("quadratic"), **limits),
        _compared(halves, NEIGHBOUR_TEST, test("neighbours"), **limits),
    ]


def _compared(
    halves: Halves,
    metric: Metric,
    compare: Compare,
    *,
    most: int | None = None,
    least: int = 1,
) -> Estimate:
    """Compare synthesized, real, faulty and another class's rows with the first real half.

    ``most`` rows of a half are taken. A class with fewer than ``least`` is not measured.
    """
    if halves.count < 2:
        raise DataError(ALONE)

    repeats = min(TRAINED_REPEATS, halves.repeats)
    numbers = np.full((4, repeats, halves.count), np.nan)  # value, floor, ceiling and fault
    for k in range(halves.count):
        halves.watch(Step("overall view", k, halves.count))
        rows = _stacked(list(halves.drawn(k, repeats, most)))
        if min(x.shape[1] for x in rows) >= least:
            numbers[0, :, k] = compare(rows.first, rows.synthesized)
            numbers[1, :, k] = compare(rows.first, rows.mistaken)
            numbers[2, :, k] = compare(rows.first, rows.second)
            middle = halves.leading[0][k].mean(0)
            numbers[3, :, k] = compare(rows.first, middle + FAULT * (rows.second - middle))
    return Estimate.mean_over_classes(metric, Bounded(*numbers))


def _stacked(drawn: list[Drawn]) -> Drawn:
    """Stack the rows of all repeats, (R, h, P).

    The class whose label is mistaken may have fewer rows in some repeats than in others, so that
    all repeats are cut to the fewest.
    """
    stacks = []
    for parts in zip(*drawn, strict=True):
        fewest = min(map(len, parts))
        stacks.append(np.stack([part[:fewest] for part in parts]))
    return Drawn(*stacks)


OVERALL = Meter(
    name="overall",
    metrics=(QUADRATIC_TEST, FRECHET, SLICED_WASSERSTEIN, NEIGHBOUR_TEST),
    measurements=(
        Measurement(
            (FRECHET, SLICED_WASSERSTEIN),
            from_halves(distribution_distances),
            "Frechet, sliced Wasserstein",
        ),
        Measurement(
            (QUADRATIC_TEST, NEIGHBOUR_TEST), from_halves(two_sample_tests), "two-sample tests"
        ),
    ),
)
