"""Two lenses on features, PCA and UMAP: fitted on real features once and then kept, so that a picture never jumps."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import warnings
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from ..errors import DataError, StorageError
from ..events import Stage, Step, Watch
from ..numerics import principal_axes
from ..seeds import derived_seed, stream
from ..storage import write_whole
from .points import Points

MAP_FORMAT = 2  # of cached maps; a change of the recipe below must raise it
EPOCHS = 200  # of UMAP's layout: more moves points little and takes longer
JITTER = 1e-6  # of the features' spread: equal rows make a layout that no seed can repeat
PLACED_BY = (
    5  # nearest real points that decide where a new one is placed; more blurs, fewer follows noise
)
ROWS_SEARCHED_AT_ONCE = 1024  # bounds the memory of a search
DIGEST = hashlib.sha256().digest_size


@dataclass(frozen=True, eq=False)
class Projection:
    """PCA and UMAP of real features. Neither ever sees a synthesized one: those are placed into what is there.

    UMAP shows who is near whom, and cannot show spread: features shrunk to 0.4 of their spread fill its map all the same.
    The linear lens shows spread. Look at both, and read :func:`gsmflow_lite.shifts.metrics.spread_ratio` beside them.

    ============== ======== =============================================================================
    ``features``   (n, D)   the real features that carry the map: all that were given, or a sample of them
    ``rows``       (n,)     their rows among those given
    ``given``      int      how many were given
    ``mean``       (D,)     of all that were given
    ``axes``       (2, D)   the first two principal directions of all that were given
    ``explained``  (2,)     share of the variance along each, 0 to 1
    ``umap_real``  (n, 2)   the map
    ============== ======== =============================================================================

    Methods raise ``DataError`` for features of another width, or not finite.
    """

    features: np.ndarray
    rows: np.ndarray
    given: int
    mean: np.ndarray
    axes: np.ndarray
    explained: np.ndarray
    umap_real: np.ndarray
    neighbours: int
    seed: int

    @classmethod
    def fit(
        cls,
        features: np.ndarray,
        *,
        neighbours: int = 15,
        seed: int = 0,
        cache: bool = True,
        most: int = 3000,
        watch: Watch = lambda event: None,
    ) -> Projection:
        """Fit both lenses on real features (N, D). Larger ``neighbours`` shows coarser structure.

        UMAP is fitted on at most ``most`` rows, drawn with ``seed`` (``describe`` says so); PCA on all. With ``cache`` the
        map is kept in the folder ``$GSMFLOW_CACHE`` or ``~/.cache/gsmflow_lite`` under the hash of its content, and found
        there next time. ``watch`` is told the stages: neighbours, import umap, layout. Raises ``DataError`` for features
        that no map can be made of.
        """
        features = _checked(features)
        rows = _sample(len(features), most, seed)
        kept = features[rows]
        neighbours = min(neighbours, len(kept) - 1)
        key = _key(kept, neighbours, seed)
        found = _cached(key, len(kept)) if cache else None
        with threadpool_limits(
            1
        ):  # umap raises the threads of all else; on leaving, they are what they were
            layout = (
                _layout(kept, neighbours, seed, watch, given=len(features))
                if found is None
                else found
            )
        if cache and found is None:
            _keep(key, layout)
        return cls(kept, rows, len(features), *_principal(features), layout, neighbours, seed)

    @classmethod
    def linear(cls, features: np.ndarray) -> Projection:
        """PCA alone, at once: places on the UMAP map are NaN."""
        return cls.ready(
            features, np.full((len(features), 2), np.nan, np.float32), neighbours=0, seed=0
        )

    @classmethod
    def ready(
        cls, features: np.ndarray, layout: np.ndarray, *, neighbours: int, seed: int
    ) -> Projection:
        """With a UMAP map, ``layout`` (N, 2), of all features (N, D), made before with so many neighbours and that seed."""
        features = _checked(features)
        if np.shape(layout) != (len(features), 2):
            raise DataError(
                f"a map must have a place for each row of features, {(len(features), 2)}, got {np.shape(layout)}"
            )
        return cls(
            features,
            np.arange(len(features)),
            len(features),
            *_principal(features),
            layout,
            neighbours,
            seed,
        )

    @property
    def describe(self) -> str:
        """The recipe in a line, to stand on a figure."""
        n, given = len(self.rows), self.given
        rows = (
            f"{n} real rows"
            if n == given
            else f"{n} of {given} real rows, drawn with seed {self.seed}"
        )
        return f"PCA and UMAP fitted on {rows}; {self.neighbours} neighbours, seed {self.seed}"

    def pca(self, features: np.ndarray) -> np.ndarray:
        """The linear lens, exact: features (M, D) -> (M, 2)."""
        return (self._own(features) - self.mean) @ self.axes.T

    def place(self, features: np.ndarray) -> np.ndarray:
        r"""Where features (M, D) belong on the UMAP map, which stays as it is: (M, 2).

        The weighted geometric median of the places of the nearest real features, with weights :math:`1 / d^2`:

        .. math:: \arg\min_y \sum_i w_i \, |y - y_i|

        A weighted mean would put a point whose neighbours lie in two clusters into the void between them. A real feature
        lands on itself. On held-out real glyphs this keeps as many classes apart as UMAP's own transform does.
        """
        return self.placed(features)[0]

    def placed(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """:meth:`place` and :meth:`nearest` by one search: places (M, 2), distances (M,) and rows (M,)."""
        distance, index = self._search(features, min(PLACED_BY, len(self.features) - 1))
        tiny = JITTER * self._scale
        weights = ((distance[:, :1] + tiny) / (distance + tiny)) ** 2  # (M, k)
        places = _geometric_median(self.umap_real[index].astype(np.float64), weights)
        return places, distance[:, 0], self.rows[index[:, 0]]

    def nearest(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distance (M,) to the nearest real feature, in the units of the features, and its row among those given (M,).

        A map has no empty country: whatever is placed lands among the real points, however far away it is in truth. Compare
        the distance with :attr:`usual_distance`.
        """
        distance, index = self._search(features, 1)
        return distance[:, 0], self.rows[index[:, 0]]

    @cached_property
    def usual_distance(self) -> float:
        """Distance within which 95 % of the real features have another one; what lies further out is off the map."""
        distance, _ = self._search(self.features, 2)  # the first is the feature itself
        return float(np.quantile(distance[:, 1], 0.95))

    def points(
        self, features: np.ndarray, labels: np.ndarray, rows: np.ndarray | None = None
    ) -> Points:
        """Features (M, D) of classes ``labels`` (M,) through both lenses; ``rows`` number them, 0 to M - 1 where None."""
        rows = np.arange(len(labels)) if rows is None else np.asarray(rows)
        return Points(self.pca(features), self.place(features), np.asarray(labels), rows)

    def _search(self, features: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Distances and places (M, count) of the nearest real features, nearest first; scikit-learn is slow to import."""
        real, found = torch.from_numpy(self.features), []
        for some in torch.from_numpy(self._own(features)).split(ROWS_SEARCHED_AT_ONCE):
            found.append(torch.cdist(some, real).topk(count, largest=False))
        return tuple(np.concatenate([part[i].numpy() for part in found]) for i in range(2))

    @cached_property
    def _scale(self) -> float:
        return float(self.features.std(0).mean()) or 1.0

    def _own(self, features: np.ndarray) -> np.ndarray:
        features = _matrix(features)
        if features.shape[1] != len(self.mean):
            raise DataError(
                f"features must have {len(self.mean)} columns, as those that the map was fitted on, got {features.shape[1]}: "
                "are they of another data set or preprocessing?"
            )
        return features


def cache_folder() -> Path:
    """Where maps are kept: ``$GSMFLOW_CACHE``, or ``~/.cache/gsmflow_lite``."""
    return Path(os.environ.get("GSMFLOW_CACHE") or Path("~/.cache/gsmflow_lite").expanduser())


def _matrix(features: np.ndarray) -> np.ndarray:
    """Features as finite float64 (N, D); in single precision distances to oneself are not zero."""
    features = np.asarray(features, np.float64)
    if features.ndim != 2:
        raise DataError(f"features must be a matrix (rows, columns), got shape {features.shape}")
    if not np.isfinite(features).all():
        raise DataError(
            f"features must be finite, got {(~np.isfinite(features)).sum()} values that are not: remove those rows"
        )
    return features


def _checked(features: np.ndarray) -> np.ndarray:
    features = _matrix(features)
    if len(features) < 4 or features.shape[1] < 2:
        raise DataError(
            f"a map needs at least 4 rows and 2 columns of real features, got shape {features.shape}"
        )
    return features


def _principal(features: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean (D,), first two principal directions (2, D), each with its largest entry positive, and their shares (2,)."""
    mean = features.mean(0)
    values, vectors = principal_axes(np.cov(features.T))
    return mean, vectors[:, :-3:-1].T, values[:-3:-1] / (values.sum() or 1.0)


def _sample(given: int, most: int, seed: int) -> np.ndarray:
    """All rows, or ``most`` of them drawn with ``seed``, ascending."""
    if given <= most:
        return np.arange(given)
    return np.sort(stream(seed, "rows of a projection").choice(given, most, replace=False))


def _neighbours(features: np.ndarray, count: int):
    from sklearn.neighbors import (
        NearestNeighbors,  # takes longer to import than the rest of the package
    )

    return NearestNeighbors(n_neighbors=count).fit(features)


def _layout(
    features: np.ndarray, neighbours: int, seed: int, watch: Watch, *, given: int
) -> np.ndarray:
    """The UMAP map (n, 2) of features (n, D). The neighbours come from scikit-learn: umap's own search compiles for minutes."""
    n = len(features)
    stages = [
        "neighbours" if n == given else f"neighbours of {n} rows, drawn from {given}",
        "import umap",
        "layout",
    ]
    rng = stream(seed, "jitter of a projection")
    moved = features + JITTER * (features.std() or 1.0) * rng.standard_normal(features.shape)
    watch(Stage(stages[0], 1))
    distance, index = _neighbours(moved, neighbours).kneighbors(
        moved
    )  # each row's first neighbour is itself
    watch(Step(stages[0], 1, 1))
    watch(Stage(stages[1], 1))
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="Tensorflow not installed", category=ImportWarning
        )
        import umap  # seconds, and half a minute the first time ever
    watch(Step(stages[1], 1, 1))
    watch(Stage(stages[2], 1))
    reducer = umap.UMAP(
        n_neighbors=neighbours,
        precomputed_knn=(index, distance),
        init="pca",
        n_epochs=EPOCHS,
        random_state=derived_seed(seed, "UMAP"),
        n_jobs=1,  # a seeded layout has one thread; asking for more makes umap warn
    )
    with warnings.catch_warnings():
        # With neighbours from elsewhere umap cannot transform new rows, and says so. `place` does that here.
        warnings.filterwarnings("ignore", message=r"precomputed_knn\[2\]", category=UserWarning)
        layout = reducer.fit_transform(moved.astype(np.float32))
    watch(Step(stages[2], 1, 1))
    return np.ascontiguousarray(layout, np.float32)


def _geometric_median(places: np.ndarray, weights: np.ndarray, rounds: int = 10) -> np.ndarray:
    """Weiszfeld's iteration from the weighted mean: places (M, k, 2) and weights (M, k) -> (M, 2)."""
    pull = weights
    for _ in range(rounds + 1):
        centre = np.einsum("mk,mkd->md", pull, places) / pull.sum(1, keepdims=True)
        distance = np.linalg.norm(places - centre[:, None], axis=2)
        pull = weights / np.maximum(
            distance, 1e-3
        )  # map units: a hundredth of UMAP's usual gap between points
    return centre


# --- The cache: one file a map, its bytes followed by their sha256 ---------------------------------------------------


def _key(features: np.ndarray, neighbours: int, seed: int) -> str:
    """Hash of what the map is made from: another umap may draw another map."""
    settings = (MAP_FORMAT, version("umap-learn"), EPOCHS, JITTER, neighbours, seed, features.shape)
    digest = hashlib.sha256(repr(settings).encode())
    digest.update(np.ascontiguousarray(features, np.float32).tobytes())
    return digest.hexdigest()


def _cached(key: str, rows: int) -> np.ndarray | None:
    """The map under ``key``, or None where there is none or it is damaged."""
    try:
        content = (cache_folder() / f"{key}.map").read_bytes()
    except (OSError, RuntimeError):  # RuntimeError: a user without a home
        return None
    body, digest = content[:-DIGEST], content[-DIGEST:]
    if hashlib.sha256(body).digest() != digest:
        return None
    try:
        layout = np.load(io.BytesIO(body), allow_pickle=False)
    except (ValueError, EOFError):
        return None
    return layout if layout.shape == (rows, 2) and layout.dtype == np.float32 else None


def _keep(key: str, layout: np.ndarray) -> None:
    """Write the map; a folder that cannot be written is no error, for the map is there already."""
    body = io.BytesIO()
    np.save(body, layout, allow_pickle=False)
    with contextlib.suppress(StorageError, RuntimeError):
        write_whole(
            cache_folder() / f"{key}.map",
            body.getvalue() + hashlib.sha256(body.getvalue()).digest(),
        )
