"""Two lenses on features, PCA and UMAP, fitted on real features once, so a picture never jumps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int

from ..errors import DataError
from ..events import Watch
from ..numerics import principal_axes
from ..seeds import stream
from .map_cache import cached_map, keep_map, map_key
from .umap_layout import JITTER, lay_out

PLACED_BY = 5  # nearest real points that decide where a new one is placed; more blurs the places
ROWS_SEARCHED_AT_ONCE = 1024  # bounds the memory of a search


@dataclass(frozen=True, eq=False)
class Projection:
    """PCA and UMAP of real features.

    Neither ever sees a synthesized feature: those are placed on the maps afterwards.

    UMAP shows which features are near each other, and cannot show spread: features that are shrunk
    to 0.4 of their spread fill its map all the same. The linear lens shows spread. Look at both,
    and read :func:`gsmflow_lite.shifts.metrics.spread_ratio` beside them.

    ============== ===================================================================
    ``features``   the real features that carry the map: all of them, or a sample
    ``rows``       their rows among those given
    ``given``      how many were given
    ``mean``       the mean of all that were given
    ``axes``       the first two principal directions of all that were given
    ``explained``  the share of the variance along each, 0 to 1
    ``umap_real``  the map
    ============== ===================================================================

    Methods raise ``DataError`` for features of another width, or not finite.
    """

    features: Float[np.ndarray, "n D"]
    rows: Int[np.ndarray, " n"]
    given: int
    mean: Float[np.ndarray, " D"]
    axes: Float[np.ndarray, "2 D"]
    explained: Float[np.ndarray, " 2"]
    umap_real: Float[np.ndarray, "n 2"]
    neighbours: int
    seed: int

    # --- How it is made --------------------------------------------------------------------------

    @classmethod
    def fit(
        cls,
        features: Float[np.ndarray, "N D"],
        *,
        neighbours: int = 15,
        seed: int = 0,
        cache: bool = True,
        most: int = 3000,
        watch: Watch = lambda event: None,
    ) -> Projection:
        """Fit both lenses on real features. Larger ``neighbours`` shows coarser structure.

        UMAP is fitted on at most ``most`` rows, drawn with ``seed`` (``describe`` says so), and PCA
        on all. With ``cache`` the map is kept in the folder ``$GSMFLOW_CACHE`` or
        ``~/.cache/gsmflow_lite``, under the hash of its content, and read from there next time.
        ``watch`` gets the stages: neighbours, import umap, layout. Raises ``DataError`` for
        features that no map can be made of.
        """
        features = _checked(features)
        rows = _sample(len(features), most, seed)
        kept = features[rows]
        neighbours = min(neighbours, len(kept) - 1)

        key = map_key(kept, neighbours, seed)
        layout = cached_map(key, len(kept)) if cache else None
        if layout is None:
            layout = lay_out(kept, neighbours, seed, watch, given=len(features))
            if cache:
                keep_map(key, layout)
        return cls(kept, rows, len(features), *_principal(features), layout, neighbours, seed)

    @classmethod
    def linear(cls, features: Float[np.ndarray, "N D"]) -> Projection:
        """Fit PCA alone, at once. Places on the UMAP map are NaN."""
        nowhere = np.full((len(features), 2), np.nan, np.float32)
        return cls.ready(features, nowhere, neighbours=0, seed=0)

    @classmethod
    def ready(
        cls,
        features: Float[np.ndarray, "N D"],
        layout: Float[np.ndarray, "N 2"],
        *,
        neighbours: int,
        seed: int,
    ) -> Projection:
        """Fit PCA, and take the UMAP map that was made before of all these features.

        ``neighbours`` and ``seed`` say how that map was made. Raises ``DataError`` where it has
        another number of rows.
        """
        features = _checked(features)
        n = len(features)
        if np.shape(layout) != (n, 2):
            raise DataError(
                f"a map must have a place for each row of features, {(n, 2)}, "
                f"got {np.shape(layout)}"
            )
        return cls(features, np.arange(n), n, *_principal(features), layout, neighbours, seed)

    @property
    def describe(self) -> str:
        """The recipe in a line, to stand on a figure."""
        n = len(self.rows)
        rows = f"{n} real rows"
        if n != self.given:
            rows = f"{n} of {self.given} real rows, drawn with seed {self.seed}"
        return f"PCA and UMAP fitted on {rows}; {self.neighbours} neighbours, seed {self.seed}"

    # --- Where features lie ----------------------------------------------------------------------

    def pca(self, features: Float[np.ndarray, "M D"]) -> Float[np.ndarray, "M 2"]:
        """Project features on the linear lens, exactly."""
        return (self._as_wide(features) - self.mean) @ self.axes.T

    def place(self, features: Float[np.ndarray, "M D"]) -> Float[np.ndarray, "M 2"]:
        r"""Place features on the UMAP map, which does not move.

        A place is the weighted geometric median of the places of the nearest real features, with
        weights :math:`1 / d^2`:

        .. math:: \arg\min_y \sum_i w_i \, |y - y_i|

        A weighted mean would put a point whose neighbours lie in two clusters into the void between
        them. A real feature is placed on itself. On held-out real glyphs this keeps as many classes
        apart as UMAP's own transform does.
        """
        return self.placed(features)[0]

    def placed(
        self, features: Float[np.ndarray, "M D"]
    ) -> tuple[Float[np.ndarray, "M 2"], Float[np.ndarray, " M"], Int[np.ndarray, " M"]]:
        """Do :meth:`place` and :meth:`nearest` by one search: places, distances and rows."""
        distance, index = self._search(features, min(PLACED_BY, len(self.features) - 1))
        tiny = JITTER * self._scale
        weights = ((distance[:, :1] + tiny) / (distance + tiny)) ** 2
        places = geometric_median(self.umap_real[index].astype(np.float64), weights)
        return places, distance[:, 0], self.rows[index[:, 0]]

    def nearest(
        self, features: Float[np.ndarray, "M D"]
    ) -> tuple[Float[np.ndarray, " M"], Int[np.ndarray, " M"]]:
        """Find the nearest real feature of each: its distance and its row among those given.

        A map has no empty country: whatever is placed lands among the real points, however far away
        it is in truth. Compare the distance with :attr:`usual_distance`. It has the units of the
        features.
        """
        distance, index = self._search(features, 1)
        return distance[:, 0], self.rows[index[:, 0]]

    @cached_property
    def nearest_other(self) -> tuple[Float[np.ndarray, " n"], Int[np.ndarray, " n"]]:
        """The nearest *other* real feature of each real one: its distance, and its row."""
        distance, index = self._search(self.features, 2)
        rows = np.arange(len(index))
        second = (index[:, 0] == rows).astype(int)  # the first is usually the feature itself
        return distance[rows, second], self.rows[index[rows, second]]

    @cached_property
    def usual_distance(self) -> float:
        """The distance within which 95 % of the real features have another one.

        A feature that is further than this from every real one is off the map.
        """
        return float(np.quantile(self.nearest_other[0], 0.95))

    def _search(
        self,
        features: Float[np.ndarray, "M D"],
        count: int,
    ) -> tuple[Float[np.ndarray, "M k"], Int[np.ndarray, "M k"]]:
        """Distances and numbers of the nearest real features, nearest first.

        Torch searches, because scikit-learn is slow to import.
        """
        real = torch.from_numpy(self.features)
        distances = []
        numbers = []
        for part in torch.from_numpy(self._as_wide(features)).split(ROWS_SEARCHED_AT_ONCE):
            nearest = torch.cdist(part, real).topk(count, largest=False)
            distances.append(nearest.values)
            numbers.append(nearest.indices)
        return torch.cat(distances).numpy(), torch.cat(numbers).numpy()

    @cached_property
    def _scale(self) -> float:
        return float(self.features.std(0).mean()) or 1.0

    def _as_wide(self, features: np.ndarray) -> Float[np.ndarray, "M D"]:
        """Check that features are as wide as the real ones."""
        matrix = _matrix(features)
        width = len(self.mean)
        if matrix.shape[1] != width:
            raise DataError(
                f"features must have {width} columns, as those that the map was fitted on, "
                f"got {matrix.shape[1]}: are they of another data set or preprocessing?"
            )
        return matrix


def geometric_median(
    places: Float[np.ndarray, "M k 2"],
    weights: Float[np.ndarray, "M k"],
    rounds: int = 10,
) -> Float[np.ndarray, "M 2"]:
    """Find the points with the least weighted sum of distances to ``places``.

    Weiszfeld's iteration from the weighted mean, over so many rounds.
    """
    centre = _weighted_mean(places, weights)
    for _ in range(rounds):
        distance = np.linalg.norm(places - centre[:, None], axis=2)
        # The least distance is a hundredth of the usual gap between two points of a map.
        centre = _weighted_mean(places, weights / np.maximum(distance, 1e-3))
    return centre


def _weighted_mean(
    places: Float[np.ndarray, "M k 2"],
    weights: Float[np.ndarray, "M k"],
) -> Float[np.ndarray, "M 2"]:
    return np.einsum("mk,mkd->md", weights, places) / weights.sum(1, keepdims=True)


def _matrix(features: np.ndarray) -> Float[np.ndarray, "N D"]:
    """Features as finite float64; in single precision distances to oneself are not zero."""
    features = np.asarray(features, np.float64)
    if features.ndim != 2:
        raise DataError(f"features must be a matrix (rows, columns), got shape {features.shape}")
    broken = (~np.isfinite(features)).sum()
    if broken:
        raise DataError(
            f"features must be finite, got {broken} values that are not: remove those rows"
        )
    return features


def _checked(features: np.ndarray) -> Float[np.ndarray, "N D"]:
    matrix = _matrix(features)
    rows, columns = matrix.shape
    if rows < 4 or columns < 2:
        raise DataError(
            f"a map needs at least 4 rows and 2 columns of real features, got shape {matrix.shape}"
        )
    return matrix


def _principal(
    features: Float[np.ndarray, "N D"],
) -> tuple[Float[np.ndarray, " D"], Float[np.ndarray, "2 D"], Float[np.ndarray, " 2"]]:
    """The mean, the first two principal directions, and their shares of the variance."""
    variances, vectors = principal_axes(np.cov(features.T))
    last_two = slice(None, -3, -1)  # variances ascend
    shares = variances[last_two] / (variances.sum() or 1.0)
    return features.mean(0), vectors[:, last_two].T, shares


def _sample(
    given: int,
    most: int,
    seed: int,
) -> Int[np.ndarray, " n"]:
    """All rows, or ``most`` of them drawn with ``seed``, ascending."""
    if given <= most:
        return np.arange(given)
    drawn = stream(seed, "rows of a projection").choice(given, most, replace=False)
    return np.sort(drawn)
