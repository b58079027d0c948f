"""datasets.statistics."""

from __future__ import annotations

import numpy as np

from .base import GZSLDataset
from .on_disk import FeaturesOnDisk, in_chunks


def class_means(dataset: GZSLDataset, classes: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Mean feature of each of ``classes`` (M,) over those of its rows that are in ``rows`` (R,): (M, D), float32.

    Features on disk are read once, in the order of the file, whatever the number of classes.
    """
    if isinstance(dataset.features, FeaturesOnDisk):
        return _means_on_disk(dataset, classes, rows)
    return np.stack([dataset.features[dataset.of_class(k, rows)].mean(0) for k in classes])


def _means_on_disk(dataset: GZSLDataset, classes: np.ndarray, rows: np.ndarray) -> np.ndarray:
    ascending = np.argsort(classes)
    rows = np.sort(rows[np.isin(dataset.labels[rows], classes)])
    numbers = ascending[np.searchsorted(classes, dataset.labels[rows], sorter=ascending)]
    sums = np.zeros((len(classes), dataset.features.shape[1]))
    for places, x in in_chunks(dataset.features, rows):
        order = np.argsort(numbers[places], kind="stable")
        there, starts = np.unique(numbers[places][order], return_index=True)
        sums[there] += np.add.reduceat(x[order], starts, axis=0, dtype=np.float64)
    counts = np.bincount(numbers, minlength=len(classes))
    return (sums / counts[:, None]).astype(np.float32)


def within_covariance(dataset: GZSLDataset) -> np.ndarray:
    """Covariance of the training rows around their class means, pooled over classes: (D, D), float64."""
    rows, classes = np.sort(dataset.train), dataset.seen_classes
    means = class_means(dataset, classes, rows)
    total = np.zeros((means.shape[1],) * 2)
    for places, x in in_chunks(dataset.features, rows):
        residuals = (x - means[np.searchsorted(classes, dataset.labels[rows[places]])]).astype(
            np.float64
        )
        total += residuals.T @ residuals
    return total / max(1, len(rows) - len(classes))
