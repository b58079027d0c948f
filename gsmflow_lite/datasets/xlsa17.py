"""The xlsa17 layout of a benchmark folder: a feature file, and ``att_splits.mat`` or another.

Xian et al. (2019), "Zero-Shot Learning - A Comprehensive Evaluation of the Good, the Bad and the
Ugly".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Int

from ..errors import DataError
from .base import GZSLDataset
from .formats.mat import read_mat
from .mat_arrays import MatContent, from_zero, mat_matrix, mat_whole_numbers
from .unused import looks_transposed, without_unused_classes

SPLITS_FILE = "att_splits.mat"
SPLIT_KEYS = ("trainval_loc", "test_seen_loc", "test_unseen_loc")
OPTIONAL_KEYS = ("train_loc", "val_loc", "allclasses_names")
XLSA17_SOURCE = (
    "it comes with 'Zero-Shot Learning - A Comprehensive Evaluation of the Good, the Bad and the "
    "Ugly' (Xian et al.), on its data page at MPI Informatics under 'Proposed Split'"
)


def without_features(features: str) -> str:
    """Say that the feature file is missing, what it holds, and who has it."""
    return (
        f"{features}.mat is missing: it must hold features (D, N) and labels (N, 1); "
        f"{XLSA17_SOURCE}"
    )


def without_splits(splits: str) -> str:
    """Say that the file of attributes and splits is missing, what it holds, and who has it."""
    return f"{splits} is missing: it must hold att (A, K), {', '.join(SPLIT_KEYS)}; {XLSA17_SOURCE}"


def read_xlsa17(path: Path, splits: Path, name: str) -> GZSLDataset:
    """Read the data set from a file of features, and one of attributes and ``splits``.

    What is optional and cannot be used is left out, with a note. Raises ``DataError``.
    """
    notes: list[str] = []
    content = read_mat(path, ["features", "labels"], single=["features"])
    table = read_mat(splits, ["att", *SPLIT_KEYS], optional=OPTIONAL_KEYS, left_out=notes)
    matrix = mat_matrix(content, "features", path)
    attributes = mat_matrix(table, "att", splits).T
    numbers = mat_whole_numbers(content, "labels", path)
    _check_orientation(path, matrix.shape, len(numbers))
    _check_table(attributes.shape, numbers, table, splits)
    labels = from_zero(numbers, len(attributes), "labels", path, f"classes in {splits.name}'s att")

    rows = partial(_rows, table, splits=splits, count=len(labels), path=path)
    train, test_seen, test_unseen = [rows(key) for key in SPLIT_KEYS]
    fields, note = without_unused_classes(
        {
            "features": matrix.T,
            "labels": labels,
            "attributes": attributes,
            "train": train,
            "test_seen": test_seen,
            "test_unseen": test_unseen,
            "class_names": _names(table, len(attributes), notes),
            "declared_validation": _declared(table, rows, labels, train, splits, notes),
        }
    )
    notes += [note] * bool(note)
    return GZSLDataset(**fields, notes=notes, name=name, source=f"{path} with {splits.name}")


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


def _declared(
    table: MatContent,
    rows: Callable[[str], Int[np.ndarray, " n"]],
    labels: Int[np.ndarray, " N"],
    train: Int[np.ndarray, " train"],
    splits: Path,
    notes: list[str],
) -> Int[np.ndarray, " V"] | None:
    """Return the validation classes that the file declares, or None, with a note if it tries to.

    Numbers beyond the rows are refused: the file is then of other features.
    """
    if not {"train_loc", "val_loc"} <= set(table):
        return None
    for key in ("train_loc", "val_loc"):
        why = _why_unusable(table, key, splits)
        if why:
            notes.append(f"{key} is left out, so no validation classes are declared: {why}")
            return None
    return _validation(labels, rows("train_loc"), rows("val_loc"), train)


def _why_unusable(table: MatContent, key: str, path: Path) -> str:
    """Return why ``key`` is no list of whole numbers, or an empty text."""
    if not np.size(table[key]):
        return "it is empty"
    try:
        mat_whole_numbers(table, key, path)
    except DataError as error:
        return str(error)
    return ""


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


def _check_table(
    shape: tuple[int, int],
    numbers: Int[np.ndarray, " N"],
    table: MatContent,
    path: Path,
) -> None:
    """Check that classes are the columns of att; ``shape`` is (K, A), ``numbers`` count from 1."""
    names = table.get("allclasses_names", [])
    count = len(names) if isinstance(names, list) else 0
    if looks_transposed(shape, numbers - 1, count):
        raise DataError(
            f"{path}: att must have one column per class, (A, K), got {shape[::-1]} for "
            f"{shape[1]} classes: it looks transposed, so save att' (MATLAB) or att.T (Python), or "
            "name all its columns in allclasses_names"
        )


def _names(
    table: MatContent,
    classes: int,
    notes: list[str],
) -> Sequence[str]:
    names = table.get("allclasses_names", [])
    if "allclasses_names" in table and not np.size(names):
        notes.append("allclasses_names is left out: it is empty")
        return []
    if isinstance(names, np.ndarray):
        notes.append(f"allclasses_names is left out: it is numbers {names.shape} in place of text")
        return []
    if len(names) not in (0, classes):
        notes.append(
            f"allclasses_names is left out: it has {len(names)} names for {classes} columns of att"
        )
        return []
    return names
