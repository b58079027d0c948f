"""The variance meter: are synthesized classes as varied as real ones?

The floor of these metrics is 0, every feature vector the same. Shuffled labels would be no floor:
they leave the variance of a class as large as it was, or larger.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from ..errors import DataError
from . import metrics
from .estimates import TOO_FEW_ROWS, Bounded, Estimate
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
    by_class = Bounded(synthesized / first, 0.0, second / first)

    total = first[:, varies].sum(1)
    value = synthesized[:, varies].sum(1) / total
    ceiling = second[:, varies].sum(1) / total
    return [Estimate.ratio_of_sums(SPREAD, by_class, value, ceiling)]


def spectra(halves: Halves) -> list[Estimate]:
    """Compare effective rank and volume of class covariances in the leading directions.

    Raises ``DataError`` where the rows of no class vary.
    """
    shape = (2, halves.repeats, halves.count)  # value and ceiling
    rank = np.full(shape, np.nan)
    volume = np.full(shape, np.nan)
    for k in np.flatnonzero(halves.varies).tolist():
        ranks, log_volumes = _ranks_and_log_volumes(halves, k)
        with np.errstate(divide="ignore", invalid="ignore"):
            rank[:, :, k] = ranks[1:] / ranks[0]
            volume[:, :, k] = np.exp(2 * (log_volumes[1:] - log_volumes[0]))

        # Rows that are equal differ by rounding along the axes.
        is_flat = halves.synthesized.traces[:, k] == 0
        rank[0, is_flat, k] = 0
        volume[0, is_flat, k] = 0

    return [
        Estimate.mean_over_classes(EFFECTIVE_RANK, Bounded(rank[0], 0.0, rank[1])),
        Estimate.mean_over_classes(VOLUME, Bounded(volume[0], 0.0, volume[1])),
    ]


def _ranks_and_log_volumes(
    halves: Halves,
    k: int,
) -> tuple[Float[np.ndarray, "3 R"], Float[np.ndarray, "3 R"]]:
    """Return both of the first, the synthesized and the second half of class k."""
    real, synthesized = halves.leading
    sets = (
        real[k][halves.first.rows[k]],
        synthesized[k][halves.synthesized.rows[k]],
        real[k][halves.second.rows[k]],
    )
    ranks = [metrics.effective_rank(metrics.spectrum(x)) for x in sets]
    log_volumes = [metrics.log_volume(x) for x in sets]
    return np.stack(ranks), np.stack(log_volumes)


def centred_recall(halves: Halves) -> list[Estimate]:
    """Measure recall after each class is centred: where a class lies is no matter of variance.

    Raises ``DataError`` where no class has enough different rows.
    """
    value = np.full((halves.repeats, halves.count), np.nan)
    ceiling = np.full((halves.repeats, halves.count), np.nan)
    for k in np.flatnonzero(halves.varies).tolist():
        if halves.first.rows[k].shape[1] > NEIGHBOURS:
            value[:, k], ceiling[:, k] = _recall_of_class(halves, k)
    return [Estimate.mean_over_classes(RECALL, Bounded(value, 0.0, ceiling))]


def _recall_of_class(
    halves: Halves,
    k: int,
) -> tuple[Float[np.ndarray, " R"], Float[np.ndarray, " R"]]:
    """Return the recall of first halves by synthesized and by second halves of class k."""
    real, synthesized = (x[k] - x[k].mean(0) for x in halves.leading)
    within_real = metrics.distances(real, real)
    within_synthesized = metrics.distances(synthesized, synthesized)
    across = metrics.distances(real, synthesized)

    value = np.empty(halves.repeats)
    ceiling = np.empty(halves.repeats)
    for repeat in range(halves.repeats):
        a, b, g = (
            half.rows[k][repeat, :ROWS_COMPARED]
            for half in (halves.first, halves.second, halves.synthesized)
        )
        value[repeat] = metrics.recall(within_synthesized[np.ix_(g, g)], across[np.ix_(a, g)])
        ceiling[repeat] = metrics.recall(within_real[np.ix_(b, b)], within_real[np.ix_(a, b)])
    return value, ceiling


VARIANCE = Meter(
    name="variance",
    metrics=(SPREAD, EFFECTIVE_RANK, VOLUME, RECALL),
    measurements=(
        Measurement((SPREAD,), from_halves(spread), "spread"),
        Measurement((EFFECTIVE_RANK, VOLUME), from_halves(spectra), "effective rank, volume"),
        Measurement((RECALL,), from_halves(centred_recall), "recall"),
    ),
)
