"""Where points are dense, as curves: the smallest regions that hold a share of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

HELD_SHARES = (0.5, 0.9)  # of the points, inside the inner and the outer curve
CELLS = 48  # of the grid, along each axis
AROUND = 3.0  # widths of the kernel around the outermost points
FEWEST = 5  # points of which a density is drawn
NO_CONTOUR = np.empty((0, 2))


def density_contours(
    points: Float[np.ndarray, "n 2"], shares: Sequence[float] = HELD_SHARES
) -> Float[np.ndarray, "m 2"]:
    """Draw around points the regions of highest density that hold these shares of them.

    The density is a histogram, smoothed by a Gaussian of Scott's width, n^(-1/6) standard
    deviations along each axis. A row of NaN ends each curve. Fewer than 5 points, or points without
    width, have none.
    """
    wide = points.std(0) * len(points) ** (-1 / 6) if len(points) >= FEWEST else np.zeros(2)
    if not (wide > 0).all():
        return NO_CONTOUR
    x, y, density = _smoothed(points.astype(np.float64), wide)
    curves = [curve for share in shares for curve in _lines(x, y, density, _level(density, share))]
    gap = np.full((1, 2), np.nan)
    return np.concatenate([NO_CONTOUR, *[part for curve in curves for part in (curve, gap)]])


def _smoothed(
    points: Float[np.ndarray, "n 2"], wide: Float[np.ndarray, " 2"]
) -> tuple[Float[np.ndarray, " X"], Float[np.ndarray, " Y"], Float[np.ndarray, "X Y"]]:
    """The middles of the cells of a grid, and the density in each."""
    from scipy.ndimage import gaussian_filter

    low, high = points.min(0) - AROUND * wide, points.max(0) + AROUND * wide
    x, y = points.T
    limits = list(zip(low.tolist(), high.tolist(), strict=True))
    counts, *edges = np.histogram2d(x, y, bins=CELLS, range=limits)
    cell = (high - low) / CELLS
    density = gaussian_filter(counts, wide / cell, mode="constant")
    across, up = ((edge[1:] + edge[:-1]) / 2 for edge in edges)
    return across, up, density


def _level(density: Float[np.ndarray, "X Y"], share: float) -> float:
    """The density above which this share of all lies."""
    falling = np.sort(density, axis=None)[::-1]
    held = np.cumsum(falling) / falling.sum()
    return float(falling[np.searchsorted(held, share)])


def _lines(
    x: Float[np.ndarray, " X"],
    y: Float[np.ndarray, " Y"],
    density: Float[np.ndarray, "X Y"],
    level: float,
) -> list[Float[np.ndarray, "m 2"]]:
    from contourpy import contour_generator  # comes with matplotlib

    lines = contour_generator(x, y, density.T).lines(level)
    return [np.asarray(line) for line in lines]
