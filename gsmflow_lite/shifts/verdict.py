"""The words of a reading, and the rule that chooses one of them.

================ ===================================================================================
``fine``         the score is at least 0.8, and the value better than real features with a fault
``shifted``      the score is below 0.5, and the 95 % intervals of value and ceiling do not overlap
``watch``        anything else
``cannot tell``  real features are not surely better than the floor, or than real features with a
                 fault; also a fine distance order that chance explains (Mantel's p is 0.05 or more)
``not measured`` the numbers are NaN, and the notes of the report say why
================ ===================================================================================

The score says where the value lies on the way from the floor (0) to the ceiling (1). Both the score
and the intervals are taken on the scale of :meth:`.Metric.goodness`, where more is better. Where
real features are no better than the floor, there is no scale to judge by: the score is 1 if the
value reaches the ceiling, and 0 if it does not.

Real features are *surely* better where they are so by more than what chance does to both: the half
width of their 95 % interval, and how far chance takes the floor up in 5 of 100 cases, at right
angles. Few rows make the interval wide, and few classes the chance large. A value that is worse
than real features beyond chance is ``shifted`` all the same.

The colours and symbols of the words are in ``figures/style.py``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .estimates import Bounded
from .metric import half_width

FINE = 0.8  # a score from here on is fine
SHIFTED = 0.5  # a score below may be shifted
SIGNIFICANT = 0.05  # a p-value below means that chance does not explain the distance order

CANNOT_TELL = "cannot tell"
NOT_MEASURED = "not measured"
WORDS = ("fine", "watch", "shifted", CANNOT_TELL, NOT_MEASURED)


class Verdict(NamedTuple):
    """A score from 0 to 1, and the word that goes with it."""

    score: float
    word: str


def judge(goodness: Bounded, p: float | None = None) -> Verdict:
    """Judge a value by its goodness and by that of its floor and ceiling.

    ``p`` is the p-value of Mantel's test, or None where there was no test.
    """
    value = float(np.mean(goodness.value))
    floor = float(np.mean(goodness.floor))
    ceiling = float(np.mean(goodness.ceiling))

    # Relative to their size, because distances have the units of the features.
    has_scale = ceiling - floor > 1e-9 * max(abs(floor), abs(ceiling))
    if not has_scale:
        return Verdict(float(value >= ceiling), CANNOT_TELL)

    score = float(np.clip((value - floor) / (ceiling - floor), 0, 1))
    reach = half_width(goodness.value) + half_width(goodness.ceiling)
    if score < SHIFTED and abs(ceiling - value) > reach:
        return Verdict(score, "shifted")
    if not can_tell(goodness):
        return Verdict(score, CANNOT_TELL)
    if score < FINE or value <= max(map(_highest, _faults(goodness))):
        return Verdict(score, "watch")

    by_chance = p is not None and p >= SIGNIFICANT  # few classes have few orders
    return Verdict(score, CANNOT_TELL if by_chance else "fine")


def can_tell(goodness: Bounded) -> bool:
    """Say whether real features are surely better than the floor, and than those with a fault."""
    room, reach = room_and_reach(goodness)
    return room > reach


def room_and_reach(goodness: Bounded) -> tuple[float, float]:
    """Return by how much real features are better than a fault, and how far chance reaches.

    The fault is the one that is harder to see: that of the floor, or the one done on purpose.
    """
    real = float(np.mean(goodness.ceiling))
    reach_of_real = half_width(goodness.ceiling)
    pairs = []
    for fault in _faults(goodness):
        middle = float(np.mean(fault))
        above = _highest(fault) - middle
        pairs.append((real - middle, float(np.hypot(reach_of_real, above))))
    return min(pairs, key=lambda pair: pair[0] - pair[1])


def _faults(goodness: Bounded) -> list[Any]:
    return [goodness.floor] if goodness.faulty is None else [goodness.floor, goodness.faulty]


def _highest(fault: Any) -> float:
    """Return what the numbers do not exceed in 95 of 100 cases."""
    return float(np.quantile(fault, 1 - SIGNIFICANT))
