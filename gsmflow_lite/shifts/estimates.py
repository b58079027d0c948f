"""shifts.estimates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import DataError

TOO_FEW_ROWS = "no class has enough different real rows"


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
        return (
            {"higher": 1, "lower": -1}[self.better] * values
            if self.better != "half"
            else -np.abs(values - 0.5)
        )


# The first of each meter is its headline.
METRICS = (
    Metric(
        "semantic",
        "agreement",
        "higher",
        "cosine of the attributes read off a class with those asked for",
        -1,
        1,
    ),
    Metric(
        "semantic",
        "own class",
        "higher",
        "share of samples that a classifier of real classes gives to their own",
        0,
        1,
    ),
    Metric(
        "semantic",
        "response",
        "higher",
        "how far a permuted attribute is followed, 0 if it is not heard",
        -np.inf,
    ),
    Metric("variance", "spread", "one", "total variance, synthesized over real"),
    Metric(
        "variance",
        "effective rank",
        "one",
        "number of directions that the variance fills, synthesized over real",
    ),
    Metric(
        "variance",
        "volume",
        "one",
        "variance per direction (geometric mean), synthesized over real",
    ),
    Metric(
        "variance",
        "recall",
        "higher",
        "share of real rows within the synthesized manifold, both centred",
        0,
        1,
    ),
    Metric(
        "structure",
        "distance order",
        "higher",
        "rank correlation of the distances between class means",
        -1,
        1,
    ),
    Metric(
        "structure",
        "disparity",
        "lower",
        "what no rotation and scaling of the class means mends",
        0,
        1,
    ),
    Metric(
        "structure",
        "scale",
        "one",
        "size of the constellation of class means, synthesized over real",
    ),
    Metric(
        "structure",
        "neighbour order",
        "higher",
        "share of pairs of classes that are in order as seen from a third",
        0,
        1,
    ),
    Metric(
        "overall",
        "quadratic test",
        "half",
        "AUC of telling synthesized from real rows, by features and squares",
        0,
        1,
    ),
    Metric("overall", "Frechet", "lower", "squared distance of Gaussians, within classes"),
    Metric(
        "overall", "sliced Wasserstein", "lower", "distance along random directions, within classes"
    ),
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
    def by_class(
        cls, name: str, value: np.ndarray, ceiling: np.ndarray, floor, *, together=None
    ) -> Estimate:
        """All classes together are the mean over classes (or what ``together`` says), and are judged by their mean goodness.

        Raises ``DataError`` where no class could be measured.
        """
        metric, floor = (
            BY_NAME[name],
            np.broadcast_to(np.asarray(floor, np.float64), value.shape[1:]),
        )
        there = np.isfinite(value).all(0) & np.isfinite(ceiling).all(0) & np.isfinite(floor)
        if not there.any():
            raise DataError(TOO_FEW_ROWS)
        value, ceiling = (np.where(there, x, np.nan) for x in (value, ceiling))
        goodness = tuple(metric.goodness(x[..., there]).mean(-1) for x in (value, floor, ceiling))
        if together is None:
            return cls(
                metric,
                value,
                ceiling,
                floor,
                *(x[:, there].mean(1) for x in (value, ceiling)),
                floor[there].mean(),
                goodness,
            )
        whole = tuple(metric.goodness(x) for x in (together[0], floor[there].mean(), together[1]))
        # The worse of the two: classes may shift both ways and cancel, or one class may make up most of the sum.
        return cls(
            metric,
            value,
            ceiling,
            floor,
            *together,
            floor[there].mean(),
            min(goodness, whole, key=_share),
        )

    @classmethod
    def with_whole(
        cls, name: str, value, ceiling, floor, all_value, all_ceiling, all_floor: float
    ) -> Estimate:
        """A metric of all classes together that is no mean over classes."""
        metric, whole = BY_NAME[name], (all_value, np.float64(all_floor), all_ceiling)
        floor = np.broadcast_to(np.asarray(floor, np.float64), value.shape[1:])
        return cls(
            metric,
            value,
            ceiling,
            floor,
            *whole[::2],
            all_floor,
            tuple(metric.goodness(x) for x in whole),
        )


def _share(goodness: Goodness) -> float:
    """Where a value lies between floor and ceiling."""
    of_value, of_floor, of_ceiling = map(np.mean, goodness)
    return (of_value - of_floor) / (of_ceiling - of_floor)
