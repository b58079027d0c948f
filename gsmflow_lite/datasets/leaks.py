"""Features that give the answer away: a column of row numbers, or of class numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from ..errors import DataError
from .base import GZSLDataset

ROWS_TO_TELL = 8  # fewer rows have whole numbers that follow each other by chance
CLASSES_TO_TELL = 3  # two classes may differ in a feature of two values
MOSTLY = 0.6  # of the row numbers differ, where rows were drawn with replacement
ROW_NAMES = frozenset(["", "index", "id", "level_0", "row", "rownames"])
PAIRS = 400  # pairs of rows of one class that find the columns worth a closer look
MOST_ROWS = 1 << 14  # that are looked at for a note


def check_leaks(
    features: Float[np.ndarray, "n D"],
    labels: Int[np.ndarray, " n"],
    columns: Sequence[str],
    where: str,
) -> None:
    """Raise ``DataError`` for a column that numbers the rows, or that alone says the class.

    ``columns`` are their names; empty if they have none. A column says the class if it has one
    value for each class, all different. Where every column does so, features without any noise
    were meant, and nothing is refused.
    """
    if len(features) < ROWS_TO_TELL:
        return
    numbered = np.flatnonzero(_numbers_rows(features) | _named_as_numbers(features, columns))
    if len(numbered):
        raise DataError(
            f"{where}features must not hold row numbers, but {_called(numbered[0], columns)} does, "
            "and so it tells the class: leave that column out"
        )
    says = _says_class(features, labels)
    if says.any() and not says.all():
        raise DataError(
            f"{where}features must not hold the class itself, but "
            f"{_called(np.flatnonzero(says)[0], columns)} has one value for each class: "
            "leave that column out"
        )


def leak_note(dataset: GZSLDataset) -> str:
    """Return a sentence if columns tell the class apart from any image; empty text if none does.

    A column does so if it alone tells all classes apart, or if it has one value within each class,
    as the columns of one-hot labels and of attributes have. It looks at so many rows, evenly
    spaced, that those of large data fit into memory.
    """
    count = len(dataset.labels)
    rows = np.unique(np.linspace(0, count - 1, min(count, MOST_ROWS)).astype(np.int64))
    features = dataset.features[rows]
    labels = dataset.labels[rows]
    counting = np.ptp(features - rows[:, None], axis=0) == 0
    telling = np.flatnonzero(_separates(features, labels) | (counting & (len(rows) > 1)))
    constant = _constant_in_classes(features, labels)
    if not len(telling) and constant.any() and not constant.all():
        return (
            f"{constant.sum()} columns of the features have one value within each class (column "
            f"{np.flatnonzero(constant)[0]} is the first): do they hold one-hot labels or "
            "attributes?"
        )
    if not len(telling):
        return ""
    return (
        f"column {telling[0]} of the features alone tells all classes apart "
        f"({len(telling)} such columns): does it hold labels or row numbers?"
    )


def _separates(
    features: Float[np.ndarray, "n D"], labels: Int[np.ndarray, " n"]
) -> Bool[np.ndarray, " D"]:
    """Return in which columns the values of no two classes overlap."""
    _, low, high = _ranges(features, labels)
    if len(low) < CLASSES_TO_TELL or len(labels) < 2 * len(low):
        return np.zeros(features.shape[1], bool)
    by_low = np.argsort(low, axis=0)
    low = np.take_along_axis(low, by_low, 0)
    high = np.take_along_axis(high, by_low, 0)
    return np.all(high[:-1] < low[1:], axis=0)


def _constant_in_classes(
    features: Float[np.ndarray, "n D"], labels: Int[np.ndarray, " n"]
) -> Bool[np.ndarray, " D"]:
    """Return which columns are constant in each class, and differ between classes of two rows."""
    counts, low, high = _ranges(features, labels)
    several = counts > 1  # a class of one row is constant in all columns
    if several.sum() < CLASSES_TO_TELL:
        return np.zeros(features.shape[1], bool)
    return (low == high).all(0) & (np.ptp(low[several], axis=0) > 0)


def _ranges(
    features: Float[np.ndarray, "n D"], labels: Int[np.ndarray, " n"]
) -> tuple[Int[np.ndarray, " K"], Float[np.ndarray, "K D"], Float[np.ndarray, "K D"]]:
    """Return how many rows each class that occurs has, and the least and largest values there."""
    order = np.argsort(labels, kind="stable")
    _, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
    low = np.minimum.reduceat(features[order], starts)
    high = np.maximum.reduceat(features[order], starts)
    return counts, low, high


def _called(column: int, names: Sequence[str]) -> str:
    return f"column {names[column]!r}" if len(names) else f"column {column}"


def _numbers_rows(features: Float[np.ndarray, "n D"]) -> Bool[np.ndarray, " D"]:
    """Return which columns hold whole numbers that follow each other, in any order."""
    low = features.min(0)
    found = features.max(0) - low == len(features) - 1
    for column in np.flatnonzero(found):
        ordered = np.sort(features[:, column]).astype(np.float64)
        found[column] = (np.diff(ordered) == 1).all()
    return found


def is_row_name(name: str) -> bool:
    """Return whether a column of this name is what pandas or a table calls its rows by.

    >>> is_row_name("Unnamed: 0"), is_row_name("width")
    (True, False)
    """
    return name.casefold() in ROW_NAMES or name.startswith("Unnamed: ")


def _named_as_numbers(
    features: Float[np.ndarray, "n D"], columns: Sequence[str]
) -> Bool[np.ndarray, " D"]:
    """Return which columns are called like row numbers and hold whole ones, hardly any twice."""
    found = np.zeros(features.shape[1], bool)
    for column, name in enumerate(columns):
        values = features[:, column]
        if is_row_name(name) and (values == np.floor(values)).all():
            found[column] = len(np.unique(values)) > MOSTLY * len(values)
    return found


def _says_class(
    features: Float[np.ndarray, "n D"], labels: Int[np.ndarray, " n"]
) -> Bool[np.ndarray, " D"]:
    """Return which columns have one value for each class, all different."""
    _, first, place = np.unique(labels, return_index=True, return_inverse=True)
    again = np.setdiff1d(np.arange(len(labels)), first)
    if not len(again) or len(first) < CLASSES_TO_TELL:
        return np.zeros(features.shape[1], bool)
    some = again[np.linspace(0, len(again) - 1, min(PAIRS, len(again))).astype(int)]
    found = (features[some] == features[first[place[some]]]).all(0)
    for column in np.flatnonzero(found):
        of_class = features[first, column]
        constant = (features[:, column] == of_class[place]).all()
        found[column] = constant and len(np.unique(of_class)) == len(of_class)
    return found
