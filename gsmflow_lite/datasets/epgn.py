"""The EPGN layout of a benchmark folder: ``data.mat`` with features, ``label.mat`` with indices.

Yu et al. (2020), "Episode-based Prototype Generating Network for Zero-Shot Learning".
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import numpy as np
from jaxtyping import Float, Int

from ..errors import DataError, such_classes
from .base import GZSLDataset
from .formats.mat import read_mat
from .mat_arrays import mat_matrix, mat_whole_numbers
from .unused import without_unused_classes

FEATURES_FILE = "data.mat"
LABELS_FILE = "label.mat"
FEATURE_KEYS = ("train_fea", "test_seen_fea", "test_unseen_fea")
LABEL_KEYS = ("train_idx", "test_seen_idex", "test_unseen_idex")  # spelt so in the published files
TABLE_KEYS = ("seen_pro", "unseen_pro", "attribute", "att_train")
EPGN_SOURCE = (
    "it comes with the code of 'Episode-based Prototype Generating Network' (Yu et al., 2020), "
    "GitHub yunlongyu/EPGN"
)
WITHOUT_LABELS = (
    f"{LABELS_FILE} is missing beside {FEATURES_FILE}: it must hold {', '.join(LABEL_KEYS)}; "
    f"{EPGN_SOURCE}"
)
WITHOUT_FEATURES = (
    f"{FEATURES_FILE} is missing beside {LABELS_FILE}: it must hold {', '.join(FEATURE_KEYS)}, "
    f"attribute, ...; {EPGN_SOURCE}"
)

SAME_ATTRIBUTES = (
    1e-4  # attributes that differ by less than this part of the largest one are the same
)


def read_epgn(path: Path, index_path: Path, name: str) -> GZSLDataset:
    """Read the data set from ``data.mat`` and ``label.mat``. Raises ``DataError``."""
    data = read_mat(path, [*FEATURE_KEYS, *TABLE_KEYS], single=FEATURE_KEYS)
    index = read_mat(index_path, LABEL_KEYS)
    parts = [mat_matrix(data, key, path) for key in FEATURE_KEYS]
    numbers = [mat_whole_numbers(index, key, index_path) for key in LABEL_KEYS]
    _check_parts(parts, numbers, path)

    tables = {key: mat_matrix(data, key, path) for key in TABLE_KEYS}
    labels = _labels(tables, numbers, path)
    ends = np.cumsum([len(part) for part in parts])
    train, test_seen, test_unseen = np.split(np.arange(ends[-1]), ends[:-1])
    fields, note = without_unused_classes(
        {
            "features": np.concatenate(parts, dtype=np.float32, casting="same_kind"),
            "labels": labels,
            "attributes": tables["attribute"],
            "train": train,
            "test_seen": test_seen,
            "test_unseen": test_unseen,
        }
    )
    source = f"{path} with {index_path.name}"
    return GZSLDataset(**fields, notes=[note] * bool(note), name=name, source=source)


def _check_parts(
    parts: list[np.ndarray],
    numbers: list[np.ndarray],
    path: Path,
) -> None:
    """Check that features have an index for each row, and that all are equally wide."""
    width = parts[0].shape[1]
    for key, label_key, part, index in zip(FEATURE_KEYS, LABEL_KEYS, parts, numbers, strict=True):
        if len(part) != len(index):
            raise DataError(
                f"{path}: {key} must have one row per entry of {LABELS_FILE}'s {label_key} "
                f"({len(index)}), got {part.shape}"
            )
        if part.shape[1] != width:
            raise DataError(
                f"{path}: {key} must be as wide as train_fea ({width}), got {part.shape[1]}"
            )


def _labels(
    tables: Mapping[str, Float[np.ndarray, "M A"]],
    numbers: list[np.ndarray],
    path: Path,
) -> Int[np.ndarray, " N"]:
    """Return the class of each row, as a row number of ``attribute``.

    The attributes of a row tell its class, because copies of the files count in different ways:
    ``att_train`` gives the class of a training row, whatever ``train_idx`` counts. The test indices
    number the rows of ``attribute``, or, in some copies, those of ``seen_pro`` and ``unseen_pro``.
    Which of the two it is follows from the classes in ``seen_pro`` and ``unseen_pro``.
    """
    attribute = tables["attribute"]
    seen = _match(tables["seen_pro"], attribute, "seen_pro", path)
    unseen = _match(tables["unseen_pro"], attribute, "unseen_pro", path)
    train = _match(tables["att_train"], attribute, "att_train", path)

    train_index, test_seen_index, test_unseen_index = numbers
    _check_train(train, train_index, seen, path)
    test_seen = _test_classes(test_seen_index, seen, len(attribute), "test_seen_idex", path)
    test_unseen = _test_classes(test_unseen_index, unseen, len(attribute), "test_unseen_idex", path)
    return np.concatenate([train, test_seen, test_unseen])


# --- classes by their attributes -----------------------------------------------------------------


def _match(
    rows: Float[np.ndarray, "N A"],
    attribute: Float[np.ndarray, "K A"],
    key: str,
    path: Path,
) -> Int[np.ndarray, " N"]:
    """Return for each row the row number of ``attribute`` that equals it to single precision."""
    if rows.shape[1] != attribute.shape[1]:
        raise DataError(
            f"{path}: {key} must be as wide as attribute ({attribute.shape[1]}), "
            f"got shape {rows.shape}: transposed?"
        )
    if not (np.isfinite(rows).all() and np.isfinite(attribute).all()):
        raise DataError(
            f"{path}: {key} and attribute must be finite, got {rows[~np.isfinite(rows)][:1]}: "
            "save them again"
        )

    # There are thousands of images, but few classes.
    unique, inverse = np.unique(rows, axis=0, return_inverse=True)
    inverse = inverse.ravel()
    classes = np.empty(len(unique), np.int64)
    for number, row in enumerate(unique):
        same = _equal_rows(attribute, row)
        if len(same) != 1:
            _refuse_row(int(np.argmax(inverse == number)), same, key, path)
        classes[number] = same[0]
    return classes[inverse]


def _equal_rows(
    attribute: Float[np.ndarray, "K A"],
    row: Float[np.ndarray, " A"],
) -> Int[np.ndarray, " same"]:
    """Return the row numbers of ``attribute`` that equal a row to single precision."""
    largest = max(np.abs(attribute).max(), np.finfo(np.float32).tiny)
    return np.flatnonzero(np.abs(attribute - row).max(1) <= SAME_ATTRIBUTES * largest)


def _refuse_row(
    row: int,
    same: np.ndarray,
    key: str,
    path: Path,
) -> NoReturn:
    got = "no row" if not len(same) else f"rows {same[0] + 1} and {same[1] + 1}"
    raise DataError(
        f"{path}: each row of {key} must equal one row of attribute, but row {row + 1} equals "
        f"{got}: without that, images cannot be given their classes"
    )


def _check_train(
    classes: np.ndarray,
    index: np.ndarray,
    seen: np.ndarray,
    path: Path,
) -> None:
    """Check that att_train goes with train_idx and with seen_pro."""
    if len(classes) != len(index):
        raise DataError(
            f"{path}: att_train must have one row per training image ({len(index)}), "
            f"got {len(classes)}"
        )
    _check_pairing(index, classes, path)
    in_one_only = sorted(set(classes) ^ set(seen))
    if in_one_only:
        raise DataError(
            f"{path}: att_train and seen_pro must describe the same classes, but row "
            f"{in_one_only[0] + 1} of attribute is in one of them only "
            f"({such_classes(len(in_one_only))}): do data.mat and label.mat belong together?"
        )


def _check_pairing(
    index: np.ndarray,
    classes: np.ndarray,
    path: Path,
) -> None:
    """Check that one number in train_idx means one class, and the other way round."""
    pairs = np.unique(np.stack([index, classes]), axis=1)
    number = _repeated(pairs[0])
    if number is not None:
        problem = f"number {number} of train_idx stands for several classes"
    else:
        class_number = _repeated(pairs[1])
        if class_number is None:
            return
        problem = f"class {class_number + 1} has several numbers in train_idx"
    raise DataError(
        f"{path}: train_idx and att_train must agree, but {problem}: "
        "do data.mat and label.mat belong together?"
    )


def _repeated(values: np.ndarray) -> int | None:
    """Return the value that occurs most often, or None if none occurs twice."""
    unique, counts = np.unique(values, return_counts=True)
    return int(unique[counts.argmax()]) if counts.max() > 1 else None


# --- test rows -----------------------------------------------------------------------------------


def _test_classes(
    index: Int[np.ndarray, " n"],
    prototypes: Int[np.ndarray, " M"],
    classes: int,
    key: str,
    path: Path,
) -> Int[np.ndarray, " n"]:
    """Read a test index as row numbers of ``attribute``, or of the prototypes where only that fits.

    ``prototypes`` are the classes of ``seen_pro`` or ``unseen_pro``, as row numbers of
    ``attribute``.
    """
    where = path.with_name(LABELS_FILE)
    table = "unseen_pro" if "unseen" in key else "seen_pro"
    as_attribute = _as_rows_of_attribute(index, prototypes, classes)
    as_prototypes = _as_rows_of_prototypes(index, prototypes)
    readings = [reading for reading in (as_attribute, as_prototypes) if reading is not None]
    if not readings:
        raise DataError(
            f"{where}: {key} must number the rows of attribute (1 to {classes}) that are in "
            f"{table}, or the rows of that (1 to {len(prototypes)}), "
            f"got {index.min()} to {index.max()}, {len(np.unique(index))} different: "
            "do data.mat and label.mat belong together?"
        )
    if len(readings) == 2 and (readings[0] != readings[1]).any():
        raise DataError(
            f"{where}: {key} can be read as rows of attribute and as rows of {table}, and the "
            "two give different classes: sort the prototypes in the order of attribute"
        )
    return readings[0]


def _as_rows_of_attribute(
    index: np.ndarray, prototypes: np.ndarray, classes: int
) -> np.ndarray | None:
    """Return the classes of an index that numbers the rows of ``attribute``, or None."""
    if index.min() < 1 or index.max() > classes or set(index - 1) != set(prototypes):
        return None
    return index - 1


def _as_rows_of_prototypes(index: np.ndarray, prototypes: np.ndarray) -> np.ndarray | None:
    """Return the classes of an index that numbers the rows of the prototypes, or None."""
    if set(index - 1) != set(range(len(prototypes))):
        return None
    return prototypes[index - 1]
