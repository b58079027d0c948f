"""How many rows or classes would do, where a metric cannot tell with those that there are."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .estimates import Bounded, Estimate
from .metric import half_width
from .verdict import can_tell, room_and_reach

ONE_SIDED = 1.645  # standard deviations that chance exceeds in 5 of 100 cases
CHANCE_ALONE = 0.95  # a correlation that so few classes reach by chance is none of the rows
MOST_TIMES = 1000.0  # as many rows or more are as good as never


def times_as_many_rows(
    goodness: Bounded,
    squared: Callable[[], float] | None = None,
) -> float | None:
    """Return by what the number of rows must be multiplied until the metric can tell.

    ``squared`` is given for a rank correlation: see :func:`by_reliability`. All else is foretold by
    its scatter. None means that nobody can say, or that more rows do not help.
    """
    times = _by_scatter(goodness) if squared is None else _by_correlation(goodness, squared)
    return times if times is not None and 1 <= times <= MOST_TIMES else None


def _by_scatter(goodness: Bounded) -> float | None:
    """Let every deviation fall with the square root of the number of rows."""
    room, reach = room_and_reach(goodness)
    return (reach / room) ** 2 if room > 0 else None


def _by_correlation(goodness: Bounded, squared: Callable[[], float]) -> float | None:
    r"""Find the reliability x at which the metric can tell, and then the number of rows.

    The scatter of a correlation is taken to be :math:`s\, (1 - x^2)`, and chance c is that of the
    classes, which more rows leave as it is. So :math:`x^2 = s^2 (1 - x^2)^2 + c^2`.
    """
    reliability = float(np.mean(goodness.ceiling))
    half = half_width(goodness.ceiling)
    is_known = 0 < reliability < 1 and 2 * reliability > half
    chance = _chance(goodness)
    if not is_known or chance >= CHANCE_ALONE:
        return None

    s = half / (1 - reliability**2)
    root = math.sqrt(1 + 4 * s**2 * (1 - chance**2))
    square = 2 * (s**2 + chance**2) / (1 + 2 * s**2 + root)
    return by_reliability(reliability, math.sqrt(square), squared())


def _chance(goodness: Bounded) -> float:
    """Return how far chance takes the floor up, without the scatter of real features."""
    _, reach = room_and_reach(goodness)
    return math.sqrt(max(reach**2 - half_width(goodness.ceiling) ** 2, 0))


def by_reliability(reliability: float, wanted: float, squared: float = 0.0) -> float:
    r"""Return how many times as many rows give the reliability ``wanted``, both from 0 to 1.

    A reliability r is the correlation of two halves, so that :math:`(1 - r) / r` is noise over
    signal. With m times as many rows the noise of a mean is m times less. That is the prophecy
    formula of Spearman (1910), *Correlation calculated from faulty data*, and Brown (1910), *Some
    experimental results in the correlation of mental abilities*:

    .. math:: r_m = \frac{m r}{1 + (m - 1) r}

    Where the share ``squared`` = q of the noise falls with the square of the rows, as in squared
    distances, m follows from

    .. math:: \frac{1 - r_m}{r_m} = \frac{1 - r}{r} \Big(\frac{1 - q}{m} + \frac{q}{m^2}\Big)

    >>> round(by_reliability(0.5, 0.8), 6)
    4.0
    """
    falls_to = (1 - wanted) / wanted * reliability / (1 - reliability)
    linear = 1 - squared
    return (linear + math.sqrt(linear**2 + 4 * falls_to * squared)) / (2 * falls_to)


def enough_classes(correlation: float) -> int:
    r"""Return how many classes have so many distances that chance explains no such correlation.

    By chance a rank correlation of P pairs has a standard deviation of
    about :math:`1 / \sqrt{P - 1}` (Kendall 1948, *Rank correlation methods*).
    """
    pairs = 1 + (ONE_SIDED / max(correlation, 0.01)) ** 2
    return math.ceil((1 + math.sqrt(1 + 8 * pairs)) / 2)


def advice(estimate: Estimate, rows: float) -> str:
    """Say what would do where an estimate of all classes cannot tell.

    It has about ``rows`` rows a class, and so many synthesized ones.
    """
    goodness = estimate.goodness
    if can_tell(goodness):  # all but the value itself, which chance explains
        return _more_classes(estimate, float(np.mean(goodness.value)))

    times = times_as_many_rows(goodness, estimate.squared)
    if times is not None:
        enough = math.ceil(times * rows)
        return f"about {enough} rows a class would do, real and synthesized, in place of {rows:.0f}"
    if estimate.squared is not None and _chance(goodness) >= CHANCE_ALONE:
        return _more_classes(estimate, float(np.mean(goodness.ceiling)))
    return f"it takes more than {rows:.0f} rows a class, real and synthesized"


def _more_classes(estimate: Estimate, correlation: float) -> str:
    classes = estimate.by_class.value.shape[1]
    enough = max(enough_classes(correlation), classes + 1)
    return f"about {enough} classes would do, in place of {classes}"
