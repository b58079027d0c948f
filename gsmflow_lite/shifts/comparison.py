"""Two generators by the same meters: what differs between their reports, and whether chance explains it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import DataError
from .estimates import BY_NAME, Metric
from .report import NOT_MEASURED, Reading, ShiftReport

if TYPE_CHECKING:
    import pandas as pd


def differences(first: ShiftReport, second: ShiftReport) -> pd.DataFrame:
    """Every metric that both reports have, of all classes together (``class`` None) and class by class.

    Columns ``metric``, ``class``, ``first``, ``second``, ``difference`` (second minus first) with a 95 % interval ``low`` to
    ``high``, and ``nearer``: ``first`` or ``second``, whichever is nearer to real data, or ``chance`` where how good they are
    (twice the variance is as bad as half) differs by less than the intervals of both leave open. Widths are added as if the
    readings were independent; both meet the same real rows, so that intervals are rather wide than narrow. Raises ``DataError``
    for reports on different classes.
    """
    import pandas as pd

    if first.names != second.names:
        raise DataError(
            f"reports to compare must be of the same classes, got {first.names[:5]} and {second.names[:5]}"
        )
    others = {(r.metric, r.label): r for r in second.readings}
    pairs = [
        (r, others[r.metric, r.label]) for r in first.readings if (r.metric, r.label) in others
    ]
    return pd.DataFrame([_row(a, b) for a, b in pairs], columns=COLUMNS)


COLUMNS = ["metric", "class", "first", "second", "difference", "low", "high", "nearer"]


def _row(a: Reading, b: Reading) -> tuple:
    if NOT_MEASURED in (a.word, b.word):
        return (a.metric, a.label, a.value, b.value, *[np.nan] * 3, NOT_MEASURED)
    difference = b.value - a.value
    half = float(np.hypot(_half(a), _half(b)))
    metric = BY_NAME[a.metric]
    first, second = metric.goodness(np.array([a.value, b.value]))
    unsure = np.hypot(_reach(metric, a), _reach(metric, b))
    nearer = "chance" if abs(first - second) <= unsure else "first" if first > second else "second"
    return (
        a.metric,
        a.label,
        a.value,
        b.value,
        difference,
        difference - half,
        difference + half,
        nearer,
    )


def _half(r: Reading) -> float:
    """Half of the width of an interval, from the side that was not cut off where values end."""
    return max(r.value - r.low, r.high - r.value)


def _reach(metric: Metric, r: Reading) -> float:
    """By how much the value may be better or worse than it is."""
    ends = metric.goodness(np.array([r.value - _half(r), r.value, r.value + _half(r)]))
    return float(np.abs(ends - ends[1]).max())
