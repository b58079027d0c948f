"""How the points of a map look: their size, what is shown of them, and what their colours say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int

LAYERS = ("real", "synthesized", "others", "arrows")
VIRIDIS = ("#440154", "#3B528B", "#21918C", "#5EC962", "#FDE725")  # viridis
RAMP_STEPS = 32  # colours of the ramp: a page draws a few of them better than thousands
TRIMMED = 0.02  # of all values, at either end, beyond the ends of the ramp


@dataclass(frozen=True)
class Looks:
    """How a map looks; by default as it always did.

    ``size`` and ``opacity`` are times the usual ones. ``points`` and ``contours`` say what is drawn
    of the classes in focus. ``hidden`` are the ``LAYERS`` that are hidden, and ``off`` the numbers
    of the classes that are.
    """

    size: float = 1.0
    opacity: float = 1.0
    points: bool = True
    contours: bool = False
    hidden: frozenset[str] = frozenset()
    off: frozenset[int] = field(default_factory=frozenset)

    def shows(self, layer: str) -> bool:
        """Whether a layer is shown."""
        return layer not in self.hidden

    def drawn(self, layer: str, labels: Int[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
        """Which points of a layer are drawn, by their classes."""
        if not self.shows(layer):
            return np.zeros(len(labels), bool)
        if layer == "others":
            return np.ones(len(labels), bool)
        return ~np.isin(labels, list(self.off)) & self.points


@dataclass(frozen=True, eq=False)
class Scale:
    """Colours for numbers, from the dark end of the ramp at ``low`` to the light one at ``high``.

    Numbers beyond the ends have the colours of the ends.
    """

    low: float
    high: float

    @classmethod
    def over(cls, values: Sequence[Float[np.ndarray, " n"]]) -> Scale:
        """The scale from nearly the lowest to nearly the highest of all values."""
        every = np.concatenate([np.empty(0), *values])
        every = every[np.isfinite(every)]
        if not len(every):
            return cls(0.0, 1.0)
        low, high = np.quantile(every, [TRIMMED, 1 - TRIMMED])
        return cls(float(low), float(high))

    def colours(self, values: Float[np.ndarray, " n"]) -> list[str]:
        """The colour of each value."""
        stops = np.array([[int(stop[i : i + 2], 16) for i in (1, 3, 5)] for stop in VIRIDIS])
        share = (np.nan_to_num(values, nan=self.low) - self.low) / ((self.high - self.low) or 1.0)
        place = (
            (share.clip(0, 1) * (RAMP_STEPS - 1)).round() / (RAMP_STEPS - 1) * (len(VIRIDIS) - 1)
        )
        parts = [np.interp(place, range(len(VIRIDIS)), stop) for stop in stops.T]
        return ["#{:02X}{:02X}{:02X}".format(*map(round, rgb)) for rgb in np.stack(parts, 1)]


Tints = Mapping[str, Sequence[str]]  # by kind of points, the colour of each
