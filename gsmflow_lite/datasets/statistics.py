"""Means and covariances of classes, alike for features in memory and on disk."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from .base import GZSLDataset
from .on_disk import FeaturesOnDisk, in_chunks


def class_means(
    dataset: GZSLDataset,
    classes: Int[np.ndarray, " M"],
    rows: Int[np.ndarray, " R"],
) -> Float[np.ndarray, "M D"]:
    """Return the mean feature of each of ``classes`` over its rows among ``rows``, in float32.

    Features on disk are read once, in the order of the file, whatever the number of classes.
    """
    if isinstance(dataset.features, FeaturesOnDisk):
        return _means_on_disk(dataset.features, dataset.labels, classes, rows)
    return np.stack([dataset.features[dataset.of_class(k, rows)].mean(0) for k in classes])


def _means_on_disk(
    features: FeaturesOnDisk,
    labels: np.ndarray,
    classes: np.ndarray,
    rows: np.ndarray,
) -> np.ndarray:
    ascending = np.argsort(classes)
    rows = np.sort(rows[np.isin(labels[rows], classes)])
    places = ascending[np.searchsorted(classes, labels[rows], sorter=ascending)]  # in ``classes``

    sums = np.zeros((len(classes), features.shape[1]))
    for block, x in in_chunks(features, rows):
        _add_by_place(sums, places[block], x)
    counts = np.bincount(places, minlength=len(classes))
    return (sums / counts[:, None]).astype(np.float32)


def _add_by_place(
    sums: Float[np.ndarray, "M D"],
    places: Int[np.ndarray, " n"],
    x: Float[np.ndarray, "n D"],
) -> None:
    """Add each row of ``x`` to the row of ``sums`` at its place."""
    order = np.argsort(places, kind="stable")
    present, starts = np.unique(places[order], return_index=True)
    sums[present] += np.add.reduceat(x[order], starts, axis=0, dtype=np.float64)


def within_covariance(dataset: GZSLDataset) -> Float[np.ndarray, "D D"]:
    """Return the covariance of training rows around their class means, over all classes."""
    rows = np.sort(dataset.train)
    classes = dataset.seen_classes
    means = class_means(dataset, classes, rows)
    width = means.shape[1]

    total = np.zeros((width, width))
    for block, x in in_chunks(dataset.features, rows):
        places = np.searchsorted(classes, dataset.labels[rows[block]])
        residuals = (x - means[places]).astype(np.float64)
        total += residuals.T @ residuals
    return total / max(1, len(rows) - len(classes))
