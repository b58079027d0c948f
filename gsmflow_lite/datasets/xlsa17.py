"""The xlsa17 layout of a benchmark folder: a feature file, and ``att_splits.mat``.

Xian et al. (2019), "Zero-Shot Learning - A Comprehensive Evaluation of the Good, the Bad and the
Ugly".
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Int

from ..errors import DataError
from .base import GZSLDataset
from .formats.mat import read_mat
from .mat_arrays import MatContent, from_zero, mat_matrix, mat_whole_numbers

SPLITS_FILE = "att_splits.mat"
SPLIT_KEYS = ("trainval_loc", "test_seen_loc", "test_unseen_loc")
XLSA17_SOURCE = (
    "it comes with 'Zero-Shot Learning - A Comprehensive Evaluation of the Good, the Bad and the "
    "Ugly' (Xian et al.), on its data page at MPI Informatics under 'Proposed Split'"
)
WITHOUT_SPLITS = (
    f"{SPLITS_FILE} is missing: it must hold att (A, K), {', '.join(SPLIT_KEYS)}; {XLSA17_SOURCE}"
)


def without_features(features: str) -> str:
    """Say that the feature file is missing, what it holds, and who has it."""
    return (
        f"{features}.mat is missing: it must hold features (D, N) and labels (N, 1); "
        f"{XLSA17_SOURCE}"
    )


def read_xlsa17(folder: Path, features: str, name: str) -> GZSLDataset:
    """Read the data set. Raises ``DataError``."""
    path = folder / f"{features}.mat"
    splits = folder / SPLITS_FILE
    content = read_mat(path, ["features", "labels"], single=["features"])
    table = read_mat(
        splits, ["att", *SPLIT_KEYS], optional=["train_loc", "val_loc", "allclasses_names"]
    )
    matrix = mat_matrix(content, "features", path)
    attributes = mat_matrix(table, "att", splits).T
    numbers = mat_whole_numbers(content, "labels", path)
    _check_orientation(path, matrix.shape, len(numbers))
    labels = from_zero(numbers, len(attributes), "labels", path, f"classes in {splits.name}'s att")

    rows = partial(_rows, table, splits=splits, count=len(labels), path=path)
    train, test_seen, test_unseen = [rows(key) for key in SPLIT_KEYS]
    declared = None
    if {"train_loc", "val_loc"} <= set(table):
        declared = _validation(labels, rows("train_loc"), rows("val_loc"), train)
    return GZSLDataset(
        features=matrix.T,
        labels=labels,
        attributes=attributes,
        train=train,
        test_seen=test_seen,
        test_unseen=test_unseen,
        class_names=_names(table, len(attributes), splits),
        declared_validation=declared,
        name=name,
        source=f"{path} with {splits.name}",
    )


def _rows(
    table: MatContent,
    key: str,
    *,
    splits: Path,
    count: int,
    path: Path,
) -> Int[np.ndarray, " n"]:
    numbers = mat_whole_numbers(table, key, splits)
    return from_zero(numbers, count, key, splits, f"rows in {path.name}")


def _validation(
    labels: np.ndarray,
    fitted_rows: np.ndarray,
    held_rows: np.ndarray,
    train: np.ndarray,
) -> Int[np.ndarray, " V"] | None:
    """Return the seen classes that val_loc sets aside, or None where it divides a class.

    Only its classes are used, never its rows. The rows of train_loc and val_loc together are not
    those of trainval_loc: in published files they hold test images.
    """
    fitted = np.unique(labels[fitted_rows])
    held = np.unique(labels[held_rows])
    seen = np.unique(labels[train])
    all_seen = len(held) and np.isin(held, seen).all()
    some_left = len(seen) - len(held) >= 2
    whole = not np.isin(held, fitted).any()
    return held if all_seen and some_left and whole else None


def _check_orientation(
    path: Path,
    shape: tuple[int, ...],
    labels: int,
) -> None:
    if shape[1] == labels:
        return
    if shape[0] == labels:
        raise DataError(
            f"{path}: features must be stored as (D, N), one column per image, got {shape} with "
            f"{labels} labels: they are transposed, so save features' (MATLAB) or features.T "
            "(Python)"
        )
    raise DataError(
        f"{path}: features must have one column per label ({labels}), got shape {shape}: "
        "save both together again"
    )


def _names(
    table: MatContent,
    classes: int,
    path: Path,
) -> Sequence[str]:
    names = table.get("allclasses_names", [])
    if isinstance(names, np.ndarray):
        raise DataError(
            f"{path}: allclasses_names must be a cell array of text, got numbers {names.shape}: "
            "leave it out"
        )
    if names and len(names) != classes:
        raise DataError(
            f"{path}: allclasses_names must have one name per column of att ({classes}), "
            f"got {len(names)}"
        )
    return names
