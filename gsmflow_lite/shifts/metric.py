"""A metric: its name, the meter that it belongs to, and which values of it are good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

Better = Literal["higher", "lower", "one", "half"]


@dataclass(frozen=True)
class Metric:
    """What a number is called, which meter it belongs to, and what it says (``text``).

    ``better`` says which values are good:

    ========== =====================================================================================
    ``higher`` the higher the better
    ``lower``  the lower the better
    ``one``    a ratio: 1 is best, and twice as much is as bad as half as much
    ``half``   a chance of telling two sets apart: 0.5 is best, and either side is worse
    ========== =====================================================================================

    Values are from ``least`` to ``most``.
    """

    meter: str
    name: str
    better: Better
    text: str
    least: float = 0.0
    most: float = np.inf

    def goodness(self, values: Float[np.ndarray, ...]) -> Float[np.ndarray, ...]:
        """Return ``values`` on a scale where more is better; a ratio becomes 0 to 1."""
        if self.better == "one":
            inverse = 1 / np.maximum(values, 1e-12)
            return np.minimum(values, inverse).clip(0, 1)
        if self.better == "half":
            return -np.abs(values - 0.5)
        return values if self.better == "higher" else -values

    def interval(self, values: Float[np.ndarray, " R"]) -> tuple[float, float]:
        """Return the 95 % interval of repeated values, within what the metric can be."""
        mean = values.mean()
        half = half_width(values)
        return float(max(mean - half, self.least)), float(min(mean + half, self.most))


def half_width(values: Float[np.ndarray, " R"]) -> float:
    """Return half of the width of a 95 % interval: 1.96 standard deviations over repeats."""
    return 1.96 * float(values.std(ddof=1))
