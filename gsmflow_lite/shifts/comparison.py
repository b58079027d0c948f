"""Compare the reports of two generators: what differs, and whether chance explains it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import DataError
from .meters import BY_NAME
from .report import Reading, ShiftReport
from .verdict import NOT_MEASURED

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("metric", "class", "first", "second", "difference", "low", "high", "nearer")


def differences(first: ShiftReport, second: ShiftReport) -> pd.DataFrame:
    """Compare every metric that both reports have, of all classes (``class`` None) and of each.

    ============== =================================================================================
    ``metric``     the name of the metric
    ``class``      the name of the class, or None
    ``first``      the value in the first report
    ``second``     the value in the second report
    ``difference`` second minus first, with a 95 % interval ``low`` to ``high``
    ``nearer``     ``first`` or ``second``, whichever is nearer to real data; ``chance`` where the
                   intervals of both allow that the other one is as good
    ============== =================================================================================

    What is nearer goes by how good the values are: twice the variance is as bad as half. Widths
    are added as if the readings were independent. Both meet the same real rows, so the intervals
    are rather wide than narrow. Raises ``DataError`` for reports on different classes.
    """
    import pandas as pd

    if first.names != second.names:
        raise DataError(
            f"reports to compare must be of the same classes, got {first.names[:5]} "
            f"and {second.names[:5]}"
        )

    others = {(r.metric, r.label): r for r in second.readings}
    rows = [
        _row(reading, others[reading.metric, reading.label])
        for reading in first.readings
        if (reading.metric, reading.label) in others
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(a: Reading, b: Reading) -> tuple:
    both = (a.metric, a.label, a.value, b.value)
    if not (a.measured and b.measured):
        return (*both, np.nan, np.nan, np.nan, NOT_MEASURED)

    difference = b.value - a.value
    half = float(np.hypot(a.half_width, b.half_width))
    return (*both, difference, difference - half, difference + half, _nearer(a, b))


def _nearer(a: Reading, b: Reading) -> str:
    good_a, reach_a = _goodness_and_reach(a)
    good_b, reach_b = _goodness_and_reach(b)
    if abs(good_a - good_b) <= np.hypot(reach_a, reach_b):
        return "chance"
    return "first" if good_a > good_b else "second"


def _goodness_and_reach(r: Reading) -> tuple[float, float]:
    """Return how good the value is, and by how much it may be better or worse."""
    values = np.array([r.value, r.value - r.half_width, r.value + r.half_width])
    goodness = BY_NAME[r.metric].goodness(values)
    return goodness[0], float(np.abs(goodness - goodness[0]).max())
