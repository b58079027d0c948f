"""Numbers in half precision, where that changes nothing that can be seen."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

LOST = 0.01  # of the unit: more error than this is not put up with


def halved(values: Float[np.ndarray, " ..."], unit: float) -> Float[np.ndarray, " ..."]:
    """Return ``values`` in half precision; in single where an error were over 0.01 of ``unit``.

    Half precision has three digits and ends at 65504. So it is no place for large numbers, nor for
    small differences of numbers that are not small.

    >>> halved(np.array([0.1, 2.0]), 1.0).dtype, halved(np.array([2000.1, 2000.2]), 0.1).dtype
    (dtype('float16'), dtype('float32'))
    """
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    with np.errstate(invalid="ignore"):
        error = np.abs(half - values.astype(np.float64)).max(initial=0)
    return half if error <= LOST * unit else values.astype(np.float32)


def halved_rows(features: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N D"]:
    """Return features by :func:`halved`: the unit is the least spread of a column that varies."""
    spread = features.std(0, dtype=np.float64)
    varies = spread > 1e-6 * np.abs(features).max(0, initial=0)
    return halved(features, spread[varies].min(initial=spread.max(initial=0)))
