"""Random points that keep apart, as attributes for worlds whose truth is known."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

DRAWS_PER_POINT = 30  # of each next point; with more of them, points lie more evenly


def remotest_points(
    n: int,
    dimensions: int,
    rng: np.random.Generator,
    *,
    low: float = 0.0,
) -> Float[np.ndarray, "n dimensions"]:
    """Draw points in the cube from ``low`` to 1, so that no two of them nearly coincide.

    Each is the one of ``DRAWS_PER_POINT`` draws that lies furthest from all points before it.
    """
    points = rng.uniform(low, 1, (1, dimensions))
    while len(points) < n:
        draws = rng.uniform(low, 1, (DRAWS_PER_POINT, dimensions))
        distances = np.linalg.norm(draws[:, None] - points, axis=2)
        remotest = distances.min(1).argmax()
        points = np.vstack([points, draws[remotest]])
    return points
