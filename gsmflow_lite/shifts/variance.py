"""The variance meter: are synthesized classes as varied as real ones?

The floor of these metrics is 0, every feature vector the same. Shuffled labels would be no floor:
they leave the variance of a class as large as it was, or larger.

The fault that these metrics must see is a loss of half: real rows of half the size or, for the
effective rank, in half as many directions.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from ..errors import DataError
from . import metrics
from .estimates import FAULT, TOO_FEW_ROWS, Bounded, Estimate
from .halves import ROWS_COMPARED, Halves
from .meter import Measurement, Meter, from_halves
from .metric import Metric
from .metrics import NEIGHBOURS

SPREAD = Metric(
    meter="variance",
    name="spread",
    better="one",
    text="total variance, synthesized over real",
)
EFFECTIVE_RANK = Metric(
    meter="variance",
    name="effective rank",
    better="one",
    text="number of directions that the variance fills, synthesized over real",
)
VOLUME = Metric(
    meter="variance",
    name="volume",
    better="one",
    text="variance per direction (geometric mean), synthesized over real",
)
RECALL = Metric(
    meter="variance",
    name="recall",
    better="higher",
    text="share of real rows within the synthesized manifold, both centred",
    most=1,
)


def spread(halves: Halves) -> list[Estimate]:
    """Compare traces of class covariances; all classes together are the ratio of the sums.

    Raises ``DataError`` where the rows of no class vary.
    """
    varies = halves.varies
    if not varies.any():
        raise DataError(TOO_FEW_ROWS)

    first = np.where(varies, halves.first.traces, np.nan)
    second = halves.second.traces
    synthesized = halves.synthesized.traces
    by_class = _with_fault(synthesized / first, second / first)

    total = first[:, varies].sum(1)
    value = synthesized[:, varies].sum(1) / total
    ceiling = second[:, varies].sum(1) / total
    return [Estimate.ratio_of_sums(SPREAD, by_class, _with_fault(value, ceiling))]


def _with_fault(
    value: Float[np.ndarray, "R ..."],
    ceiling: Float[np.ndarray, "R ..."],
) -> Bounded:
    """Return ratios of variances; rows of half the size have a quarter of the variance."""
    return Bounded(value, 0.0, ceiling, FAULT**2 * ceiling)


def spectra(halves: Halves) -> list[Estimate]:
    """Compare effective rank and volume of class covariances in the leading directions.

    Raises ``DataError`` where the rows of no class vary.
    """
    rank = np.full((3, halves.repeats, halves.count), np.nan)  # value, ceiling and fault
    volume = np.full((2, halves.repeats, halves.count), np.nan)  # value and ceiling
    for k in np.flatnonzero(halves.varies).tolist():
        ranks, log_volumes = _ranks_and_log_volumes(halves, k)
        with np.errstate(divide="ignore", invalid="ignore"):
            rank[:, :, k] = ranks[1:] / ranks[0]
            volume[:, :, k] = np.exp(2 * (log_volumes[1:3] - log_volumes[0]))

        # Rows that are equal differ by rounding along the axes.
        is_flat = halves.synthesized.traces[:, k] == 0
        rank[0, is_flat, k] = 0
        volume[0, is_flat, k] = 0

    return [
        Estimate.mean_over_classes(EFFECTIVE_RANK, Bounded(rank[0], 0.0, *rank[1:])),
        Estimate.mean_over_classes(VOLUME, _with_fault(*volume)),
    ]


def _ranks_and_log_volumes(
    halves: Halves,
    k: int,
) -> tuple[Float[np.ndarray, "4 R"], Float[np.ndarray, "4 R"]]:
    """Return both of the first, the synthesized, the second and the faulty half of class k."""
    real, synthesized = halves.leading
    sets = (
        real[k][halves.first.rows[k]],
        synthesized[k][halves.synthesized.rows[k]],
        real[k][halves.second.rows[k]],
        _in_fewer_directions(real[k])[halves.second.rows[k]],
    )
    ranks = [metrics.effective_rank(metrics.spectrum(x)) for x in sets]
    log_volumes = [metrics.log_volume(x) for x in sets]
    return np.stack(ranks), np.stack(log_volumes)


def _in_fewer_directions(rows: Float[np.ndarray, "N P"]) -> Float[np.ndarray, "N P"]:
    """Return the rows along half as many of their principal directions as their variance fills.

    N rows fill at most N - 1 directions, so that the rank is too low by about 1 / r = 1 / m +
    1 / (N - 1) for a measured m. Few rows are returned as they are: they cannot show the fault.
    """
    centred = rows - rows.mean(0)
    measured = float(metrics.effective_rank(metrics.spectrum(rows)))
    rank = 1 / max(1 / max(measured, 1) - 1 / (len(rows) - 1), 1 / rows.shape[1])
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    kept = axes[: max(1, round(FAULT * rank))]
    return centred @ kept.T @ kept


def centred_recall(halves: Halves) -> list[Estimate]:
    """Measure recall after each class is centred: where a class lies is no matter of variance.

    Raises ``DataError`` where no class has enough different rows.
    """
    numbers = np.full((3, halves.repeats, halves.count), np.nan)  # value, ceiling and fault
    for k in np.flatnonzero(halves.varies).tolist():
        if halves.first.rows[k].shape[1] > NEIGHBOURS:
            numbers[:, :, k] = _recall_of_class(halves, k)
    value, ceiling, faulty = numbers
    return [Estimate.mean_over_classes(RECALL, Bounded(value, 0.0, ceiling, faulty))]


def _recall_of_class(halves: Halves, k: int) -> Float[np.ndarray, "3 R"]:
    """Return the recall of first halves by synthesized, second and faulty halves of class k."""
    real, synthesized = (x[k] - x[k].mean(0) for x in halves.leading)
    within_real = metrics.distances(real, real)
    within_synthesized = metrics.distances(synthesized, synthesized)
    across = metrics.distances(real, synthesized)
    across_faulty = metrics.distances(real, FAULT * real)

    numbers = np.empty((3, halves.repeats))
    for repeat in range(halves.repeats):
        a, b, g = (
            half.rows[k][repeat, :ROWS_COMPARED]
            for half in (halves.first, halves.second, halves.synthesized)
        )
        within = within_real[np.ix_(b, b)]
        numbers[:, repeat] = (
            metrics.recall(within_synthesized[np.ix_(g, g)], across[np.ix_(a, g)]),
            metrics.recall(within, within_real[np.ix_(a, b)]),
            metrics.recall(FAULT * within, across_faulty[np.ix_(a, b)]),
        )
    return numbers


VARIANCE = Meter(
    name="variance",
    metrics=(SPREAD, EFFECTIVE_RANK, VOLUME, RECALL),
    measurements=(
        Measurement((SPREAD,), from_halves(spread), "spread"),
        Measurement((EFFECTIVE_RANK, VOLUME), from_halves(spectra), "effective rank, volume"),
        Measurement((RECALL,), from_halves(centred_recall), "recall"),
    ),
)
