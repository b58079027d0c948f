"""Rows of a data set, or synthesized ones, as points on the two maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy.typing import ArrayLike

from ..errors import DataError


@dataclass(frozen=True, eq=False)
class Points:
    """Rows seen through both lenses: their places, their classes and their numbers.

    Raises ``DataError`` unless there is a place in both lenses and a row number for every label.
    """

    pca: Float[np.ndarray, "N 2"]
    umap: Float[np.ndarray, "N 2"]
    labels: Int[np.ndarray, " N"]
    rows: Int[np.ndarray, " N"]

    def __post_init__(self) -> None:
        shapes = {"pca": (self.count, 2), "umap": (self.count, 2), "rows": (self.count,)}
        for name, shape in shapes.items():
            actual = np.shape(getattr(self, name))
            if actual != shape:
                raise DataError(f"{name} must have shape {shape}, one row per label, got {actual}")

    @property
    def count(self) -> int:
        """Number of points, N."""
        return len(self.labels)

    def through(self, lens: str) -> Float[np.ndarray, "N 2"]:
        """The places through one lens, ``pca`` or ``umap``."""
        return {"pca": self.pca, "umap": self.umap}[lens]

    def of(self, number: int) -> Points:
        """The points of one class."""
        return self.only(self.labels == number)

    def without(self, numbers: ArrayLike) -> Points:
        """The points of all other classes."""
        return self.only(~np.isin(self.labels, numbers))

    def only(self, which: Shaped[np.ndarray, " n"]) -> Points:
        """The points that ``which`` chooses: a mask, or their places in the arrays."""
        return Points(self.pca[which], self.umap[which], self.labels[which], self.rows[which])


NO_POINTS = Points(np.empty((0, 2)), np.empty((0, 2)), np.empty(0, int), np.empty(0, int))
