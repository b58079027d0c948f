"""The words of a reading, and the rule that chooses one of them.

================ ===================================================================================
``fine``         the score is at least 0.8
``shifted``      the score is below 0.5, and the 95 % intervals of value and ceiling do not overlap
``watch``        anything else; also a distance order that chance explains (Mantel's p is 0.05 or
                 more), and any value where real features are no better than the floor
``not measured`` the numbers are NaN, and the notes of the report say why
================ ===================================================================================

The score says where the value lies on the way from the floor (0) to the ceiling (1). Both the score
and the intervals are taken on the scale of :meth:`.Metric.goodness`, where more is better. Where
real features are no better than the floor, there is no scale to judge by: the score is 1 if the
value reaches the ceiling, and 0 if it does not.

The colours and symbols of the words are in ``figures/style.py``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .estimates import Bounded
from .metric import half_width

FINE = 0.8  # a score from here on is fine
SHIFTED = 0.5  # a score below may be shifted
SIGNIFICANT = 0.05  # a p-value below means that chance does not explain the distance order

NOT_MEASURED = "not measured"
WORDS = ("fine", "watch", "shifted", NOT_MEASURED)


class Verdict(NamedTuple):
    """A score from 0 to 1, and the word that goes with it."""

    score: float
    word: str


def judge(goodness: Bounded) -> Verdict:
    """Judge a value by its goodness and by that of its floor and ceiling."""
    value = float(np.mean(goodness.value))
    floor = float(np.mean(goodness.floor))
    ceiling = float(np.mean(goodness.ceiling))

    # Relative to their size, because distances have the units of the features.
    has_scale = ceiling - floor > 1e-9 * max(abs(floor), abs(ceiling))
    if not has_scale:
        return Verdict(float(value >= ceiling), "watch")

    score = float(np.clip((value - floor) / (ceiling - floor), 0, 1))
    reach = half_width(goodness.value) + half_width(goodness.ceiling)
    return Verdict(score, _word(score, overlaps=abs(ceiling - value) <= reach))


def _word(score: float, *, overlaps: bool) -> str:
    if score >= FINE:
        return "fine"
    return "shifted" if score < SHIFTED and not overlaps else "watch"


def watched_if_by_chance(word: str, p: float | None) -> str:
    """Return ``watch`` for a fine distance order that chance explains: few classes have few orders.

    ``p`` is the p-value of Mantel's test, or None where there was no test.
    """
    by_chance = p is not None and p >= SIGNIFICANT
    return "watch" if word == "fine" and by_chance else word
