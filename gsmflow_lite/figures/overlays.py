"""Curves over a map that make a shift visible: moved prototypes, widths, and graphs of neighbours.

Everything here is an array. A row of NaN is a gap in a curve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from .points import Points

DEVIATIONS = 2.0  # of an ellipse: it holds 86 % of a Gaussian
GRAPH_NEIGHBOURS = 2  # classes that each class is joined to in the graph
NO_CURVE = np.empty((0, 2))

Edges = frozenset[tuple[int, int]]  # pairs of places in a list of classes, the smaller first


# --- Prototypes that move ------------------------------------------------------------------------


def centres(
    points: Points,
    classes: Sequence[int],
    lens: str,
) -> Float[np.ndarray, "M 2"]:
    """Find the middle of each class.

    It is the mean on the linear lens, where means are exact, and the median on the UMAP map.
    """
    if not len(classes):
        return NO_CURVE
    middle = np.mean if lens == "pca" else np.median
    return np.stack([middle(points.of(k).through(lens), axis=0) for k in classes])


def arrows(
    start: Float[np.ndarray, "M 2"],
    end: Float[np.ndarray, "M 2"],
) -> Float[np.ndarray, "3*M 2"]:
    """Join each start to its end by a line; each third row of the curve is a gap."""
    gap = np.full_like(start, np.nan)
    return np.stack([start, end, gap], axis=1).reshape(-1, 2)


# --- Widths --------------------------------------------------------------------------------------


def ellipse(
    points: Float[np.ndarray, "n 2"],
    *,
    deviations: float = DEVIATIONS,
    steps: int = 48,
) -> Float[np.ndarray, "steps+1 2"]:
    r"""Draw the closed curve of points at so many standard deviations from their mean.

    It is mean + d L u for u on the unit circle, where L L^T is the covariance. A gap ends it, so
    that curves can follow each other. Fewer than 2 points make it a single place.
    """
    angle = np.linspace(0, 2 * np.pi, steps)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)

    covariance = np.cov(points.T) if len(points) > 1 else np.zeros((2, 2))
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(values.clip(0))

    curve = points.mean(0) + deviations * circle @ root.T
    return np.concatenate([curve, [[np.nan, np.nan]]])


def ellipses(
    points: Points,
    classes: Sequence[int],
    lens: str = "pca",
) -> Float[np.ndarray, "n 2"]:
    """Draw the ellipses of several classes as one curve with gaps."""
    curves = [ellipse(points.of(k).through(lens).astype(np.float64)) for k in classes]
    return np.concatenate(curves) if curves else NO_CURVE


# --- Graphs of neighbours ------------------------------------------------------------------------


def neighbour_graph(
    means: Float[np.ndarray, "M D"],
    neighbours: int = GRAPH_NEIGHBOURS,
) -> Edges:
    """Join each class to the classes whose means are nearest to its own."""
    squares = np.square(means[:, None] - means).sum(-1)
    np.fill_diagonal(squares, np.inf)
    count = min(neighbours, len(means) - 1)
    nearest = squares.argsort(1, kind="stable")[:, :count].tolist()
    return frozenset((min(i, j), max(i, j)) for i, row in enumerate(nearest) for j in row)


def graph_lines(
    edges: Edges,
    places: Float[np.ndarray, "M 2"],
) -> Float[np.ndarray, "n 2"]:
    """Draw the edges between the places of their classes as one curve with gaps."""
    pairs = np.array(sorted(edges), np.int64).reshape(-1, 2)
    return arrows(places[pairs[:, 0]], places[pairs[:, 1]])


def changed_edges(real: Edges, synthesized: Edges) -> Mapping[str, Edges]:
    """Sort edges into those of both graphs, those that are lost and those that are added.

    A lost edge joins real classes only; an added edge joins synthesized classes only.
    """
    return {"both": real & synthesized, "lost": real - synthesized, "added": synthesized - real}
