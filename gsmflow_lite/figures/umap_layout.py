"""The recipe of a UMAP map: neighbours from scikit-learn, then a layout that a seed repeats."""

from __future__ import annotations

import warnings

import numpy as np
from jaxtyping import Float, Int
from threadpoolctl import threadpool_limits

from ..events import Stage, Step, Watch
from ..seeds import derived_seed, stream

MAP_FORMAT = 2  # of cached maps; a change of the recipe in this file must raise it
EPOCHS = 200  # of the layout: more moves points little and takes longer
JITTER = 1e-6  # of the features' spread: without it no seed can repeat a layout of equal rows


def lay_out(
    features: Float[np.ndarray, "N D"],
    neighbours: int,
    seed: int,
    watch: Watch,
    *,
    given: int,
) -> Float[np.ndarray, "N 2"]:
    """Lay out the UMAP map of features, which were drawn from ``given`` rows.

    Larger ``neighbours`` shows coarser structure. ``watch`` gets three stages: neighbours, import
    umap, layout.
    """
    rng = stream(seed, "jitter of a projection")
    spread = features.std() or 1.0
    moved = features + JITTER * spread * rng.standard_normal(features.shape)

    with threadpool_limits(
        1
    ):  # umap raises the threads of all else; this sets them back at the end
        distances, index = _neighbours(moved, neighbours, watch, given)
        return _umap(moved, distances, index, neighbours, seed, watch)


def _neighbours(
    features: Float[np.ndarray, "N D"],
    count: int,
    watch: Watch,
    given: int,
) -> tuple[Float[np.ndarray, "N k"], Int[np.ndarray, "N k"]]:
    """Find the nearest rows of each row, itself first. The search of umap compiles for minutes."""
    from sklearn.neighbors import NearestNeighbors  # slower to import than the package

    n = len(features)
    stage = "neighbours" if n == given else f"neighbours of {n} rows, drawn from {given}"
    watch(Stage(stage, 1))
    found = NearestNeighbors(n_neighbors=count).fit(features).kneighbors(features)
    watch(Step(stage, 1, 1))
    return found


def _umap(
    features: Float[np.ndarray, "N D"],
    distances: Float[np.ndarray, "N k"],
    index: Int[np.ndarray, "N k"],
    neighbours: int,
    seed: int,
    watch: Watch,
) -> Float[np.ndarray, "N 2"]:
    watch(Stage("import umap", 1))
    with warnings.catch_warnings():
        tensorflow = "Tensorflow not installed"
        warnings.filterwarnings("ignore", message=tensorflow, category=ImportWarning)
        import umap  # takes seconds, and half a minute the first time ever
    watch(Step("import umap", 1, 1))

    watch(Stage("layout", 1))
    reducer = umap.UMAP(
        n_neighbors=neighbours,
        precomputed_knn=(index, distances),
        init="pca",
        n_epochs=EPOCHS,
        random_state=derived_seed(seed, "UMAP"),
        n_jobs=1,  # a seeded layout has one thread; asking for more makes umap warn
    )
    with warnings.catch_warnings():
        # Umap says that with these neighbours it cannot place new rows. `Projection.place` does.
        warnings.filterwarnings("ignore", message=r"precomputed_knn\[2\]", category=UserWarning)
        layout = reducer.fit_transform(features.astype(np.float32))
    watch(Step("layout", 1, 1))
    return np.ascontiguousarray(layout, np.float32)
