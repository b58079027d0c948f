"""A data set as the two MATLAB files of the xlsa17 layout, which most code of the field reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from ..errors import ConfigError, StorageError
from ..storage import written_whole
from .base import GZSLDataset
from .on_disk import FeaturesOnDisk
from .xlsa17 import SPLITS_FILE

WRITTEN_AS = "res101.mat"
MOST_BYTES = 2**31 - 1  # of a variable of MATLAB 5, which is what everything reads


def save_xlsa17(dataset: GZSLDataset, folder: str | Path) -> Path:
    """Write ``res101.mat`` and ``att_splits.mat`` into a folder, and return its path.

    ``load`` reads it, as do the published codes: features (D, N), attributes (A, K), and all
    numbers counted from 1. ``train_loc`` and ``val_loc`` divide the training rows by class: those
    of the first validation fold, or none where there are too few classes. The format has no place
    for names of attributes, groups and images. Features are written as they were before
    preprocessing. Each old file stays until the new one is whole. Raises ``StorageError``, also
    for features beyond 2 GB, which the format cannot hold.
    """
    folder = Path(folder)
    before = dataset.origin or dataset
    _write(folder / SPLITS_FILE, _table(before))
    _write(folder / WRITTEN_AS, _features(before, folder / WRITTEN_AS))
    return folder


def _features(dataset: GZSLDataset, path: Path) -> dict[str, np.ndarray]:
    rows, width = dataset.features.shape
    if rows * width * 4 > MOST_BYTES:
        raise StorageError(
            f"{path}: features must take at most 2 GB in a file of MATLAB 5, got {rows} rows x "
            f"{width}: use save_folder(dataset, folder)"
        )
    features = dataset.features
    matrix = features[np.arange(rows)] if isinstance(features, FeaturesOnDisk) else features
    return {"features": matrix.T, "labels": _column(dataset.labels)}


def _table(dataset: GZSLDataset) -> dict[str, np.ndarray]:
    validation = np.isin(dataset.labels[dataset.train], _validation_classes(dataset))
    attributes = dataset.attributes.T.astype(np.float64)
    return {
        "att": attributes,
        "original_att": attributes,
        "allclasses_names": np.array([[name] for name in dataset.class_names], object),
        "trainval_loc": _column(dataset.train),
        "train_loc": _column(dataset.train[~validation]),
        "val_loc": _column(dataset.train[validation]),
        "test_seen_loc": _column(dataset.test_seen),
        "test_unseen_loc": _column(dataset.test_unseen),
    }


def _validation_classes(dataset: GZSLDataset) -> Int[np.ndarray, " V"]:
    """Return the classes of the first fold: the declared ones, or others if there are enough."""
    try:
        fold = dataset.validation_fold()
    except ConfigError:
        return np.empty(0, np.int64)
    number_of = {name: number for number, name in enumerate(dataset.class_names)}
    return np.array([number_of[fold.class_names[k]] for k in fold.unseen_classes])


def _column(numbers: Int[np.ndarray, " n"]) -> Int[np.ndarray, "n 1"]:
    """Return numbers that count from 0 as a column of numbers that count from 1, as MATLAB does."""
    return numbers[:, None].astype(np.int32) + 1


def _write(path: Path, content: dict[str, Any]) -> None:
    from scipy.io import savemat  # slow to import

    with written_whole(path) as file:
        savemat(file, content, do_compression=True)
