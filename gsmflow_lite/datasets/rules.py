"""The rules of generalized zero-shot learning that a data set must obey; each raises ``DataError``.

``where`` begins each message, see :func:`~gsmflow_lite.datasets.inputs.at_source`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

import numpy as np
from jaxtyping import Float, Int, Shaped

from ..errors import DataError, such_classes
from .image_rows import ImageRows

Splits = Mapping[str, Int[np.ndarray, " n"]]  # rows of train, test_seen and test_unseen


def check_labels(
    labels: Int[np.ndarray, " N"],
    shape: tuple[int, int],
    classes: int,
    where: str,
) -> None:
    """Check that labels name a class for each row of features of this ``shape``."""
    rows, width = shape
    if len(labels) != rows:
        transposed = len(labels) == width
        hint = " Features look transposed: hand in features.T." if transposed else ""
        raise DataError(
            f"{where}labels must be one per row of features ({rows}), got {len(labels)}.{hint}"
        )

    low = labels.min()
    high = labels.max()
    if low < 0:
        raise DataError(
            f"{where}labels must start at 0, got {low}: correct them, "
            "or remove rows without a class"
        )
    if low == 1 and high == classes:
        raise DataError(
            f"{where}labels must run from 0 to {classes - 1}, got 1 to {high}: "
            "they count from 1, so subtract 1"
        )
    if high >= classes:
        raise DataError(
            f"{where}attributes must have one row per class, got {classes} rows but label {high} "
            f"(labels run from 0, so {high + 1} rows are needed): "
            "did the split file come from another data set?"
        )


def check_attributes(attributes: Float[np.ndarray, "K A"], where: str) -> None:
    """Check that no class has attributes that are all zero."""
    zero = np.flatnonzero(~attributes.any(1))
    if len(zero):
        raise DataError(
            f"{where}every class needs a description, but the attributes of class {zero[0]} are "
            f"all zero ({such_classes(len(zero))}): fill them in or leave the class out"
        )


def check_attribute_groups(
    groups: Mapping[str, Sequence[int]],
    attributes: Float[np.ndarray, "K A"],
    class_names: Sequence[str],
    where: str,
) -> None:
    """Check that groups share no attribute, and that each class has exactly one of each group."""
    taken: set[int] = set()
    width = attributes.shape[1]
    for name, numbers in groups.items():
        if not numbers or min(numbers) < 0 or max(numbers) >= width:
            raise DataError(
                f"{where}attribute_groups[{name!r}] must hold attribute numbers from 0 to "
                f"{width - 1}, got {list(numbers)}: correct them"
            )
        repeated = taken.intersection(numbers)
        if repeated or len(set(numbers)) < len(numbers):
            raise DataError(
                f"{where}an attribute must be in one group only, once, but attribute_groups"
                f"[{name!r}] repeats some: {list(numbers)}"
            )
        taken.update(numbers)

        count = np.count_nonzero(attributes[:, list(numbers)], axis=1)
        strange = np.flatnonzero(count != 1)
        if len(strange):
            raise DataError(
                f"{where}each class must have exactly one attribute of a group, but "
                f"{_namer(class_names)(strange[0])} has {count[strange[0]]} of {name!r} "
                f"({such_classes(len(strange))}): correct the group, or leave it out"
            )


def check_length(
    name: str,
    array: Shaped[np.ndarray, " ..."] | ImageRows,
    rows: int,
    where: str,
) -> None:
    """Check that an array has one entry for each row of features."""
    if array.shape[:1] != (rows,):
        got = len(array) if array.ndim else "a single one"
        raise DataError(
            f"{where}{name} must have one entry per row of features ({rows}), got {got}"
        )


def check_images(images: Shaped[np.ndarray, " ..."] | ImageRows, where: str) -> None:
    """Check that images are numbers, with rows and columns."""
    if images.dtype.kind not in "biuf" or images.ndim < 3:
        raise DataError(
            f"{where}images must be numbers, (N, H, W), got {images.dtype} of shape "
            f"{images.shape}: reshape them, or leave them out"
        )


def check_text_encoder(name: object, texts: object, where: str) -> None:
    """Check that a text encoder is named, and only where there are texts that it has read."""
    if not isinstance(name, str):
        raise DataError(
            f"{where}text_encoder must be a name, got {type(name).__name__}: give encoder.name"
        )
    if name and texts is None:
        raise DataError(
            f"{where}text_encoder says what made attributes of texts, so texts must be there, got "
            f"none beside {name!r}: give them, or leave text_encoder out"
        )


def check_backbone(name: object, where: str) -> None:
    """Check that a backbone is named by a text."""
    if not isinstance(name, str):
        raise DataError(
            f"{where}backbone must be a name, got {type(name).__name__}: give backbone.full_name"
        )


# --- splits --------------------------------------------------------------------------------------


def check_splits(splits: Splits, rows: int, where: str) -> None:
    """Check that no split is empty, names a row twice, or shares a row with another."""
    for name, index in splits.items():
        _check_rows(name, index, rows, where)
    for one, other in combinations(splits, 2):
        shared = np.intersect1d(splits[one], splits[other])
        if len(shared):
            raise DataError(
                f"{where}{one} and {other} must not share rows, but both hold row {shared[0]} "
                f"({len(shared)} shared)"
            )


def _check_rows(
    name: str,
    index: np.ndarray,
    rows: int,
    where: str,
) -> None:
    if not len(index):
        raise DataError(f"{where}{name} must not be empty")
    if index.min() < 0 or index.max() >= rows:
        raise DataError(
            f"{where}{name} must hold row numbers from 0 to {rows - 1}, "
            f"got {index.min()} to {index.max()}: do the features and the split belong together?"
        )
    values, counts = np.unique(index, return_counts=True)
    if len(values) != len(index):
        raise DataError(f"{where}{name} names row {values[counts.argmax()]} more than once")


# --- classes -------------------------------------------------------------------------------------


def check_classes(
    labels: Int[np.ndarray, " N"],
    splits: Splits,
    class_names: Sequence[str],
    where: str,
) -> None:
    """Check that unseen classes are never trained on, and that every class can be tested."""
    called = _namer(class_names)
    seen = np.unique(labels[splits["train"]])
    unseen = np.unique(labels[splits["test_unseen"]])
    tested = np.unique(labels[splits["test_seen"]])

    leaked = np.intersect1d(seen, unseen)
    if len(leaked):
        rows = (labels[splits["train"]] == leaked[0]).sum()
        raise DataError(
            f"{where}an unseen class must have no training rows, but {called(leaked[0])} has "
            f"{rows} ({such_classes(len(leaked))}): remove them from train"
        )
    _check_tested(seen, tested, called, where)
    _check_all_used(len(class_names), seen, unseen, called, where)
    if len(seen) < 2:
        raise DataError(
            f"{where}at least 2 seen classes are needed to learn how classes differ, "
            f"got {len(seen)}"
        )


def _check_all_used(
    count: int,
    seen: np.ndarray,
    unseen: np.ndarray,
    called: Callable[[int], str],
    where: str,
) -> None:
    empty = np.setdiff1d(np.arange(count), np.union1d(seen, unseen))
    if len(empty):
        raise DataError(
            f"{where}every class needs samples, but {called(empty[0])} has none in any split "
            f"({such_classes(len(empty))}): give it rows, give labels as names, or remove its "
            "row of attributes and renumber the labels"
        )


def _check_tested(
    seen: np.ndarray,
    tested: np.ndarray,
    called: Callable[[int], str],
    where: str,
) -> None:
    strange = np.setdiff1d(tested, seen)
    if len(strange):
        raise DataError(
            f"{where}test_seen holds {called(strange[0])}, which has no training rows: "
            "move it to test_unseen"
        )
    missing = np.setdiff1d(seen, tested)
    if len(missing):
        raise DataError(
            f"{where}{called(missing[0])} has no rows in test_seen: every seen class is scored, "
            "so it needs some"
        )


def check_validation(
    declared: Int[np.ndarray, " V"],
    seen: Int[np.ndarray, " S"],
    class_names: Sequence[str],
    where: str,
) -> None:
    """Check that declared validation classes are seen ones, and leave some to learn from."""
    strange = np.setdiff1d(declared, seen)
    if len(strange):
        raise DataError(
            f"{where}validation classes must be seen ones, but {_namer(class_names)(strange[0])} "
            "is not: leave it out"
        )
    count = len(np.unique(declared))
    if count < len(declared):
        raise DataError(f"{where}declared_validation names a class more than once: list each once")
    if not 1 <= count <= len(seen) - 2:
        raise DataError(
            f"{where}declared_validation must leave at least 2 of the {len(seen)} seen classes to "
            f"learn from and hold at least 1, got {count}: give None to have some drawn"
        )


def _namer(class_names: Sequence[str]) -> Callable[[int], str]:
    """Return a function that says which class a number means, even if there is none."""

    def called(number: int) -> str:
        if 0 <= number < len(class_names):
            return f"class {number} ({class_names[number]!r})"
        return f"class {number}"

    return called
