"""Classes that are described but have no rows, and tables of attributes that lie on their side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Int, Shaped

from .base import SPLITS
from .image_rows import images_of_rows
from .on_disk import rows_of

OF_EACH_ROW = ("labels", "groups", "images")
MOST_NAMED = 5  # classes in a note


def without_unused_classes(fields: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Leave out the classes without a row in any split, and say so in a sentence.

    ``fields`` are those of a ``GZSLDataset``: ``features``, ``labels``, ``attributes`` and the
    three splits, and perhaps ``class_names``, ``texts``, ``declared_validation``, ``groups`` and
    ``images``, as arrays or None. The other classes are renumbered in their order, and keep their
    names. Rows of a class that is left out are left out, too. Returns new fields, and a note, which
    is empty where nothing was left out. Fields that break a rule are returned as they are: the data
    set says which.

    >>> small = {"labels": [0, 2, 2], "attributes": np.eye(3), "features": np.ones((3, 1))}
    >>> splits = {"train": [0], "test_seen": [1], "test_unseen": [2]}
    >>> fields, note = without_unused_classes(small | splits)
    >>> fields["labels"].tolist(), fields["attributes"].shape, note
    ([0, 1, 1], (2, 3), 'class 1 is described but has no rows in the splits: it is left out')
    """
    result = dict(fields)
    count = len(fields["attributes"])
    labels = np.asarray(fields["labels"])
    rows = [np.asarray(fields[name]) for name in SPLITS]
    if not (_in_range(labels, count) and all(_in_range(split, len(labels)) for split in rows)):
        return result, ""

    used = np.unique(labels[np.concatenate(rows).astype(np.int64)].astype(np.int64))
    if len(used) in (0, count):
        return result, ""
    kept = np.isin(labels, used)
    if not kept.all():
        result = _only_rows(result, kept)
    result["labels"] = np.searchsorted(used, np.asarray(result["labels"]))
    result["attributes"] = np.asarray(fields["attributes"])[used]
    _renumber(result, used, count)
    unused = np.setdiff1d(np.arange(count), used)
    return result, _note(unused, fields.get("class_names"), count, int((~kept).sum()))


def _in_range(numbers: Shaped[np.ndarray, " ..."], count: int) -> bool:
    """Return whether they are a list of whole numbers from 0 to below ``count``."""
    if numbers.ndim != 1 or not numbers.size or numbers.dtype.kind not in "iuf":
        return False
    whole = numbers.dtype.kind in "iu" or bool((numbers == np.floor(numbers)).all())
    return whole and numbers.min() >= 0 and numbers.max() < count


def _only_rows(fields: dict[str, Any], kept: Bool[np.ndarray, " N"]) -> dict[str, Any]:
    result = dict(fields)
    numbers = np.flatnonzero(kept)
    result["features"] = rows_of(fields["features"], numbers)
    for name in OF_EACH_ROW:
        value = fields.get(name)
        if value is not None and np.shape(value)[:1] == kept.shape:
            result[name] = images_of_rows(np.asarray(value), numbers)
    for name in SPLITS:
        result[name] = np.searchsorted(numbers, np.asarray(fields[name]))
    return result


def _renumber(fields: dict[str, Any], used: Int[np.ndarray, " M"], count: int) -> None:
    for of_each in ("class_names", "texts"):
        values = fields.get(of_each)
        if values is not None and len(values) == count:
            fields[of_each] = tuple(values[number] for number in used)
    declared = fields.get("declared_validation")
    if declared is not None and _in_range(np.asarray(declared), count):
        declared = np.asarray(declared)
        fields["declared_validation"] = np.searchsorted(used, declared[np.isin(declared, used)])


def _note(
    unused: Int[np.ndarray, " m"],
    names: Sequence[str] | None,
    count: int,
    rows: int,
) -> str:
    named = names is not None and len(names) == count
    called = [repr(str(names[k])) if named and names is not None else str(k) for k in unused]
    listed = ", ".join(called[:MOST_NAMED]) + " ..." * (len(called) > MOST_NAMED)
    with_rows = f", with {rows} rows in no split" if rows else ""
    if len(unused) == 1:
        return (
            f"class {listed} is described but has no rows in the splits: it is left out{with_rows}"
        )
    return (
        f"{len(unused)} of {count} classes are described but have no rows in the splits: they are "
        f"left out ({listed}){with_rows}"
    )


def looks_transposed(
    shape: tuple[int, int],
    labels: Int[np.ndarray, " N"],
    names: int = 0,
) -> bool:
    """Return whether a table of this (K, A) ``shape`` seems to hold a class in each column.

    Then there are as many columns as names of classes (``names``, 0 if there are none), or as
    classes in ``labels`` (from 0, with a row of each), but not as many rows.

    >>> looks_transposed((20, 6), np.arange(6)), looks_transposed((6, 20), np.arange(6))
    (True, False)
    """
    rows, columns = shape
    present = np.unique(labels)
    if rows == columns or np.array_equal(present, np.arange(rows)):
        return False
    if names in shape:
        return names == columns and bool((present < columns).all())
    return np.array_equal(present, np.arange(columns))
