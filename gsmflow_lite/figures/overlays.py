"""What is drawn over a map to make a shift visible: moved prototypes, widths, and which classes are neighbours; as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .points import Points

DEVIATIONS = 2.0  # of an ellipse: it holds 86 % of a Gaussian
GRAPH_NEIGHBOURS = 2  # classes that each class is joined to in the graph

Edges = frozenset[tuple[int, int]]  # pairs of places in a list of classes, the smaller first


def centres(points: Points, classes: Sequence[int], lens: str) -> np.ndarray:
    """The middle of each class (M, 2): means through the linear lens, where they are exact; medians on the UMAP map."""
    middle = np.mean if lens == "pca" else np.median
    return (
        np.stack([middle(getattr(points.of(k), lens), axis=0) for k in classes])
        if len(classes)
        else np.empty((0, 2))
    )


def arrows(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Lines from start (M, 2) to end (M, 2) as one curve with gaps: (3 M, 2), each third row NaN."""
    gap = np.full_like(start, np.nan)
    return np.stack([start, end, gap], axis=1).reshape(-1, 2)


def ellipse(points: np.ndarray, *, deviations: float = DEVIATIONS, steps: int = 48) -> np.ndarray:
    r"""The curve of points (n, 2) at so many standard deviations: mean + d L u on the unit circle, L L^T the covariance.

    Returns (steps + 1, 2), closed, with NaN as its last row so that curves can follow each other. Fewer than 2 points make it
    a single place.
    """
    angle = np.linspace(0, 2 * np.pi, steps)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    covariance = np.cov(points.T) if len(points) > 1 else np.zeros((2, 2))
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(values.clip(0))
    return np.concatenate([points.mean(0) + deviations * circle @ root.T, [[np.nan, np.nan]]])


def ellipses(points: Points, classes: Sequence[int], lens: str = "pca") -> np.ndarray:
    """The ellipses of several classes as one curve with gaps, (n, 2)."""
    curves = [ellipse(getattr(points.of(k), lens).astype(np.float64)) for k in classes]
    return np.concatenate(curves) if curves else np.empty((0, 2))


def neighbour_graph(means: np.ndarray, neighbours: int = GRAPH_NEIGHBOURS) -> Edges:
    """Each class, of ``means`` (M, D), joined to its nearest others."""
    squares = np.square(means[:, None] - means).sum(-1)
    np.fill_diagonal(squares, np.inf)
    nearest = squares.argsort(1, kind="stable")[:, : min(neighbours, len(means) - 1)]
    return frozenset((min(i, int(j)), max(i, int(j))) for i, row in enumerate(nearest) for j in row)


def graph_lines(edges: Edges, places: np.ndarray) -> np.ndarray:
    """The edges between places (M, 2) as one curve with gaps."""
    pairs = np.array(sorted(edges), np.int64).reshape(-1, 2)
    return arrows(places[pairs[:, 0]], places[pairs[:, 1]])


def changed_edges(real: Edges, synthesized: Edges) -> Mapping[str, Edges]:
    """Edges of both graphs, those that are lost in imagination, and those that imagination adds."""
    return {"both": real & synthesized, "lost": real - synthesized, "added": synthesized - real}
