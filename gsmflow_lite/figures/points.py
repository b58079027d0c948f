"""figures.points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import DataError


@dataclass(frozen=True, eq=False)
class Points:
    """Rows seen through both lenses: places ``pca`` and ``umap`` (N, 2), class ``labels`` (N,), row numbers ``rows`` (N,).

    Raises ``DataError`` unless there is a row of each for every label.
    """

    pca: np.ndarray
    umap: np.ndarray
    labels: np.ndarray
    rows: np.ndarray

    def __post_init__(self) -> None:
        for name, shape in (
            ("pca", (self.count, 2)),
            ("umap", (self.count, 2)),
            ("rows", (self.count,)),
        ):
            if np.shape(getattr(self, name)) != shape:
                raise DataError(
                    f"{name} must have shape {shape}, one row per label, got {np.shape(getattr(self, name))}"
                )

    @property
    def count(self) -> int:
        """N."""
        return len(self.labels)

    def of(self, number: int) -> Points:
        """The points of one class."""
        return self._only(self.labels == number)

    def without(self, numbers: Sequence[int]) -> Points:
        """The points of all other classes."""
        return self._only(~np.isin(self.labels, numbers))

    def _only(self, which: np.ndarray) -> Points:
        return Points(self.pca[which], self.umap[which], self.labels[which], self.rows[which])


NO_POINTS = Points(np.empty((0, 2)), np.empty((0, 2)), np.empty(0, int), np.empty(0, int))
