"""An estimate: one metric over the repeats, of each class and of all classes together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from ..errors import DataError
from .metric import Metric

FAULT = 0.5  # the size, or the share of directions, of faulty features

# Why something cannot be measured.
TOO_FEW_ROWS = "no class has enough different real rows"
ALONE = "with one class there is no other one whose label could be mistaken for its own"


@dataclass(frozen=True, eq=False)
class Bounded:
    """A value over R repeats with the floor and the ceiling between which it is judged.

    Each has one entry, or one entry per class, for each repeat. The floor may have other repeats,
    or be one number. ``faulty`` is what real features get to which a fault was done on purpose; it
    is None where the floor is such a fault already. Floor and ``faulty`` scatter as much as chance
    allows: a metric whose ceiling is not surely above both cannot tell.
    """

    value: Float[np.ndarray, "R ..."]
    floor: Float[np.ndarray, "F ..."] | float
    ceiling: Float[np.ndarray, "R ..."]
    faulty: Float[np.ndarray, "R ..."] | None = None

    def map(self, function: Callable[[Any], Any]) -> Bounded:
        """Return the same with ``function`` applied to all numbers."""
        faulty = None if self.faulty is None else function(self.faulty)
        return Bounded(function(self.value), function(self.floor), function(self.ceiling), faulty)

    @property
    def share(self) -> float:
        """Where the mean value lies on the way from the floor (0) to the mean ceiling (1)."""
        floor = np.mean(self.floor)
        return float((self.value.mean() - floor) / (self.ceiling.mean() - floor))


@dataclass(frozen=True, eq=False)
class Estimate:
    """One metric over R repeats: of each of U classes, and of all classes together.

    ``by_class`` has NaN for a class on which the metric cannot be measured alone. ``together`` is
    of all classes. ``goodness`` is by what they are judged together: see :meth:`Metric.goodness`.
    ``p`` is the chance that shuffled classes together do as well; None where it was not tested.
    ``squared`` gives how much of the noise falls with the square of the number of rows, 0 to 1; it
    is None for a metric that is no correlation (see :mod:`.foresight`).
    """

    metric: Metric
    by_class: Bounded  # (R, U)
    together: Bounded  # (R,)
    goodness: Bounded  # (R,)
    p: float | None = None
    squared: Callable[[], float] | None = None

    @property
    def measured(self) -> Bool[np.ndarray, " U"]:
        """Whether the metric could be measured on each class alone."""
        value_is_there = np.isfinite(self.by_class.value).all(0)
        return value_is_there & np.isfinite(self.by_class.ceiling).all(0)

    @classmethod
    def mean_over_classes(cls, metric: Metric, by_class: Bounded) -> Estimate:
        """Make an estimate whose classes together are the mean over the classes measured.

        They are judged by the mean of their goodness. Raises ``DataError`` where no class could be
        measured.
        """
        by_class, measured = _where_measured(by_class)
        together = by_class.map(lambda x: x[..., measured].mean(-1))
        goodness = by_class.map(lambda x: metric.goodness(x[..., measured]).mean(-1))
        return cls(metric, by_class, together, goodness)

    @classmethod
    def ratio_of_sums(
        cls,
        metric: Metric,
        by_class: Bounded,
        sums: Bounded,
    ) -> Estimate:
        """Make an estimate whose numbers of all classes are ratios of ``sums``.

        All classes are judged by the worse of two: the mean of their goodness, and the goodness of
        the ratio of sums. The mean sees classes that shift both ways, so that the sums cancel. The
        sums see one wide class that makes up most of the variance. Raises ``DataError`` where no
        class could be measured.
        """
        mean = cls.mean_over_classes(metric, by_class)
        of_sums = sums.map(metric.goodness)
        worse = min(mean.goodness, of_sums, key=lambda goodness: goodness.share)
        return replace(mean, together=sums, goodness=worse)

    @classmethod
    def of_all_classes(cls, metric: Metric, together: Bounded, by_class: Bounded) -> Estimate:
        """Make an estimate of all classes together that is no mean over classes."""
        goodness = together.map(metric.goodness)
        return cls(metric, _with_floor_per_class(by_class), together, goodness)


def not_by_class(repeats: int, count: int) -> Bounded:
    """Return the numbers by class of a metric that exists only of all classes together."""
    nothing = np.full((repeats, count), np.nan)
    return Bounded(nothing, np.nan, nothing)


def _where_measured(by_class: Bounded) -> tuple[Bounded, Bool[np.ndarray, " U"]]:
    """Put NaN for classes on which a number is missing, and return which ones are measured."""
    complete = _with_floor_per_class(by_class)
    has_value = np.isfinite(complete.value).all(0)
    has_ceiling = np.isfinite(complete.ceiling).all(0)
    measured = has_value & has_ceiling & np.isfinite(complete.floor).all(0)
    if not measured.any():
        raise DataError(TOO_FEW_ROWS)

    value = np.where(measured, complete.value, np.nan)
    ceiling = np.where(measured, complete.ceiling, np.nan)
    return replace(complete, value=value, ceiling=ceiling), measured


def _with_floor_per_class(by_class: Bounded) -> Bounded:
    """Return the same with a floor of shape (F, U); one number is F = 1 repeat of each class."""
    floor = np.atleast_2d(np.asarray(by_class.floor, np.float64))
    floor = np.broadcast_to(floor, (len(floor), by_class.value.shape[1]))
    return replace(by_class, floor=floor)
