"""Data sets from what is in memory: plain arrays, tensors, lists, and pandas DataFrames."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int, Shaped

from ..arguments import check_seed
from ..errors import DataError
from ..seeds import stream
from .attribute_matrix import AttributeMatrix
from .base import GZSLDataset
from .column_ranges import range_note
from .inputs import as_array, at_source, is_mask, is_number, mask_to_numbers
from .leaks import check_leaks, leak_note
from .names import as_key, as_text, is_missing, whole_number_in
from .on_disk import FeaturesOnDisk, as_on_disk, is_on_disk, open_features
from .row_order import RowOrder
from .rules import check_labels
from .splits import hold_out
from .table_side import TableSide, is_counted
from .unused import looks_transposed, without_unused_classes
from .wording import Texts, as_texts

if TYPE_CHECKING:
    import pandas as pd


def from_arrays(
    features: Any,
    labels: Any,
    attributes: Any,
    *,
    unseen: Any,
    test_seen: Any = None,
    train: Any = None,
    test_unseen: Any = None,
    class_names: Any = (),
    attribute_names: Any = (),
    attribute_groups: Mapping[str, Sequence[int]] | None = None,
    groups: Any = None,
    images: Any = None,
    declared_validation: Any = None,
    texts: Any = None,
    text_encoder: str = "",
    backbone: str = "",
    name: str = "my data",
    source: str = "",
    notes: Sequence[str] = (),
    seed: int = 0,
) -> GZSLDataset:
    """Make a data set from plain arrays: NumPy arrays, torch tensors, lists, or pandas objects.

    - ``features`` (N, D). Features that do not fit into memory stay on disk: give the name of an
      .npy or HDF5 file, what :func:`open_features` returns, a memory map (``np.load(path,
      mmap_mode="r")``) or an h5py data set.
    - ``labels`` (N,): class numbers from 0, or class names.
    - ``attributes`` (K, A), a DataFrame whose index names the classes, a dict from names to
      descriptions, or the path of such a table (.csv, .tsv, .txt, .json, .npy).
    - ``unseen``: numbers or names of the classes that are never trained on, or a mask (K,).
    - ``test_seen``, ``train``, ``test_unseen``: row numbers, or masks (N,). If ``test_seen`` is
      None, a fifth of the rows of each seen class is held out, drawn with ``seed`` (whole
      ``groups``, if there are any). If the others are None, ``train`` gets the remaining rows of
      seen classes and ``test_unseen`` all rows of unseen classes.
    - ``class_names``, ``attribute_names``: in the order of the numbers; or a dict from number to
      name, from name to number, or from the names of the table to others.
    - ``groups`` (N,): numbers or names.
    - ``texts``: of each class a text or a list of texts, in the order of the numbers; or a dict
      from the names of classes to these.

    Names win over places: an index of pandas is used wherever there is one, and where two things
    are named differently, they are brought together or refused. Where labels are names, described
    classes without any row are left out with a note. The other arguments are fields of
    :class:`GZSLDataset`. Raises ``DataError``, and ``ConfigError`` for the seed.
    """
    check_seed(seed)
    _check_words(name, notes)
    table = AttributeMatrix.read(attributes, class_names, attribute_names, source)
    order = RowOrder.of(features, labels, source)
    labels = list(labels) if isinstance(labels, Iterator) else order.aligned(labels, "labels")
    table.check_not_by_attribute(labels)
    numbers = table.classes.find(labels, "labels")
    _check_orientation(table, numbers, source)
    matrix = _as_features(features, source)
    if len(matrix.shape) == 2:  # lengths first: what is said of splits would mislead
        check_labels(numbers, matrix.shape, len(table.matrix), at_source(source))
    unseen_numbers = _classes(unseen, "unseen", table.classes)
    _check_unseen(numbers, unseen_numbers, source)
    if declared_validation is not None:
        declared_validation = _classes(declared_validation, "declared_validation", table.classes)
    if groups is not None:
        groups = _group_numbers(order.aligned(groups, "groups"), len(numbers), source)
    if images is not None:
        images = as_array(order.aligned(images, "images"), "images", source)

    rows = {"train": train, "test_seen": test_seen, "test_unseen": test_unseen}
    given = {
        split: order.rows(values, split, len(numbers))
        for split, values in rows.items()
        if values is not None
    }
    of_unseen = np.isin(numbers, unseen_numbers)
    fields = {
        "features": matrix,
        "labels": numbers,
        "attributes": table.matrix,
        "class_names": table.classes.names,
        "groups": groups,
        "images": images,
        "declared_validation": declared_validation,
        "texts": None if texts is None else _texts(texts, table.classes),
        **_Splitter(numbers, of_unseen, groups, source, seed).splits(given),
    }
    if table.classes.is_named and not _are_places(labels, table.classes):
        fields, note = without_unused_classes(fields)
        notes = [*notes, note] if note else notes
    dataset = GZSLDataset(
        **fields,
        attribute_names=table.attributes.names,
        attribute_groups=table.groups(attribute_groups),
        text_encoder=text_encoder,
        backbone=backbone,
        name=name,
        source=source,
        notes=notes,
    )
    if isinstance(dataset.features, FeaturesOnDisk):  # opening those may read nothing
        return dataset
    check_leaks(dataset.features, dataset.labels, _column_names(features), at_source(source))
    found = [note for note in (leak_note(dataset), range_note(dataset)) if note]
    return replace(dataset, notes=[*dataset.notes, *found]) if found else dataset


def from_dataframe(
    frame: pd.DataFrame,
    *,
    label: str,
    attributes: Any,
    unseen: Any,
    name: str = "my data",
    **options: Any,
) -> GZSLDataset:
    """Make a data set from a DataFrame with one row per image.

    Column ``label`` is the class; all other columns are features. ``attributes`` is a DataFrame
    with one row per class, whose index names the classes, or an array. ``options`` go to
    :func:`from_arrays`. Raises ``DataError`` for a column that cannot be a feature.
    """
    columns = without_label(frame, label)
    kinds = [getattr(kind, "kind", "O") for kind in columns.dtypes]
    if kinds == ["O"] and not isinstance(columns.iloc[0, 0], str):
        columns = columns.iloc[:, 0]  # a vector in each cell
        kinds = []
    strange = [
        str(column) for column, kind in zip(columns, kinds, strict=False) if kind not in "biuf"
    ]
    if strange:
        more = " ..." if len(strange) > 10 else ""
        raise DataError(
            f"all columns but {label!r} must be numbers, got {', '.join(strange[:10])}{more}: "
            "take them out with frame.drop(columns=[...]), or turn them into numbers"
        )
    return from_arrays(columns, frame[label], attributes, unseen=unseen, name=name, **options)


def without_label(frame: Any, label: Any) -> pd.DataFrame:
    """Return the other columns of a frame. Raises ``DataError`` unless ``label`` is one of it."""
    if not hasattr(frame, "iloc") or frame.ndim != 2:
        raise DataError(
            f"a pandas DataFrame is needed, got {type(frame).__name__}: read the file with pandas, "
            "or use from_arrays"
        )
    is_one = isinstance(label, Hashable) and list(frame.columns).count(label) == 1
    if not is_one:
        known = ", ".join(map(str, frame.columns[:10]))
        got = repr(label) if isinstance(label, Hashable | list | dict) else type(label).__name__
        raise DataError(f"label must name a column of the frame ({known} ...), got {got}")
    return frame.drop(columns=[label])


# --- classes -------------------------------------------------------------------------------------


def _check_words(name: Any, notes: Any) -> None:
    if not isinstance(name, str):
        raise DataError(f"name must be a text, got {name!r}: leave it out, or put it into quotes")
    if isinstance(notes, str) or not all(isinstance(note, str) for note in notes):
        raise DataError(f"notes must be a list of texts, got {notes!r}: put it into a list")


def _are_places(labels: Any, classes: TableSide) -> bool:
    """Return whether labels are numbers that would mean other classes if one were left out.

    Texts of numbers are such numbers, unless they are names.
    """
    if not classes.numbers_count:
        return False
    array = as_array(labels, "labels", classes.source)
    if array.dtype.kind in "iuf":
        return True
    keys = {as_key(cell) for cell in array.tolist()}
    return all(whole_number_in(key) is not None and key not in classes.names for key in keys)


def _check_orientation(table: AttributeMatrix, labels: np.ndarray, source: str) -> None:
    """Refuse a table that has a row for each image, or seems to have a class in each column."""
    if not table.classes.is_named and looks_transposed(table.matrix.shape, labels):
        raise DataError(
            f"{at_source(source)}attributes must have one row per class, got shape "
            f"{table.matrix.shape} for {len(np.unique(labels))} classes: they look transposed, so "
            "hand in attributes.T"
        )
    rows = len(table.matrix)
    if rows == len(labels) > labels.max(initial=0) + 1:
        raise DataError(
            f"{at_source(source)}attributes must have one row per class, got one for each of "
            f"{rows} images: keep one row of each class"
        )


def _classes(
    values: Any,
    what: str,
    classes: TableSide,
) -> Shaped[np.ndarray, " n"]:
    """Return class numbers, of numbers or names in any order, or of a mask over the classes."""
    if isinstance(values, Set | Iterator):
        values = list(values)  # of which classes they are, no order matters
    if isinstance(values, Mapping):
        return _masked(list(values), list(values.values()), what, classes)
    if isinstance(values, str | bytes) or is_number(values):
        values = [values]
    if not is_mask(values, what, classes.source):
        return _numbers_of(values, what, classes)
    if hasattr(values, "iloc") and (classes.numbers_count or not is_counted(values.index)):
        return _masked(list(values.index), values, what, classes)
    _check_mask_has_an_order(what, classes)
    return mask_to_numbers(values, what, len(classes.order), classes.source)


def _masked(
    keys: list,
    mask: Any,
    what: str,
    classes: TableSide,
) -> Int[np.ndarray, " n"]:
    """Return the numbers of the classes whose entry in a mask with names is true."""
    where = at_source(classes.source)
    if not is_mask(mask, what, classes.source):
        raise DataError(
            f"{where}{what} as a dict must say True or False of each class, got other values: "
            "give a list of classes"
        )
    numbers = classes.find(keys, f"the index of {what}")
    count = len(set(numbers.tolist()))
    if not count == len(numbers) == len(classes.order):
        raise DataError(
            f"{where}{what} as a mask must have one entry for each class, "
            f"got {len(numbers)} for {count} of {len(classes.order)} classes"
        )
    return numbers[as_array(mask, what, classes.source)]


def _numbers_of(values: Any, what: str, classes: TableSide) -> Shaped[np.ndarray, " n"]:
    numbers = classes.find(values, what)
    count = len(classes.order)
    if count > 2 and len(numbers) == count and set(numbers.tolist()) <= {0, 1}:
        raise DataError(
            f"{at_source(classes.source)}{what} must be classes, got only 0 and 1, one for each of "
            f"{count} classes: if it is a mask, turn it into one with astype(bool)"
        )
    return numbers


def _check_mask_has_an_order(what: str, classes: TableSide) -> None:
    """Refuse a mask without names where names have changed the order of the classes."""
    if (classes.order != np.arange(len(classes.order))).any():
        raise DataError(
            f"{at_source(classes.source)}{what} must be names or numbers, because names have "
            "brought the classes into another order than that of the table, got a mask without "
            "names: give the names"
        )


def _check_unseen(
    labels: np.ndarray,
    unseen: np.ndarray,
    source: str,
) -> None:
    where = at_source(source)
    if not len(unseen):
        raise DataError(
            f"{where}unseen must name at least one class: without one there is nothing to "
            "synthesize"
        )
    without_rows = np.setdiff1d(unseen, labels)
    if len(without_rows):
        raise DataError(
            f"{where}every unseen class needs rows to be tested on, "
            f"but class {without_rows[0]} has none: check unseen"
        )
    if np.isin(labels, unseen).all():
        raise DataError(
            f"{where}unseen must leave seen classes to learn from, "
            "but it names every class that has rows"
        )


def _texts(values: Any, classes: TableSide) -> Texts:
    """Return the texts of each class in the order of the class numbers."""
    count = len(classes.order)
    if isinstance(values, Mapping):
        numbers = classes.find(list(values), "the keys of texts").tolist()
        if sorted(numbers) != list(range(count)):
            raise DataError(
                f"{at_source(classes.source)}texts must have an entry for each of {count} classes, "
                f"got {len(numbers)} for {len(set(numbers))} of them: write the others, or leave "
                "out texts"
            )
        by_number = dict(zip(numbers, values.values(), strict=True))
        values = [by_number[number] for number in range(count)]
    elif (classes.order != np.arange(count)).any():
        raise DataError(
            f"{at_source(classes.source)}texts must be a dict by name, because names have brought "
            "the classes into another order than that of the table, got a list: give the names"
        )
    return as_texts(values, count, classes.source)


# --- rows ----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Splitter:
    """Completes the splits that were given by those that were not."""

    labels: Int[np.ndarray, " N"]
    of_unseen: Shaped[np.ndarray, " N"]  # which rows are of unseen classes
    groups: Int[np.ndarray, " N"] | None
    source: str
    seed: int

    def splits(self, given: dict[str, np.ndarray]) -> dict[str, Int[np.ndarray, " n"]]:
        """Return the rows of each split."""
        rows = dict(given)
        of_seen = np.flatnonzero(~self.of_unseen)
        if "test_seen" not in rows:
            rows["test_seen"] = self._test_seen(of_seen, rows.get("train"))
        if "train" not in rows:
            rows["train"] = np.setdiff1d(of_seen, rows["test_seen"])
        if "test_unseen" not in rows:
            rows["test_unseen"] = np.flatnonzero(self.of_unseen)
        return rows

    def _test_seen(self, of_seen: np.ndarray, train: np.ndarray | None) -> np.ndarray:
        if train is not None:
            return np.setdiff1d(of_seen, train)
        rng = stream(self.seed, "test rows of seen classes")
        return hold_out(self.labels, of_seen, rng, groups=self.groups, source=self.source)


def _group_numbers(values: Any, labels: int, source: str) -> Shaped[np.ndarray, " N"]:
    """Return the group number of each label; names of groups are numbered."""
    groups = as_array(values, "groups", source)
    if groups.shape != (labels,):
        raise DataError(
            f"{at_source(source)}groups must have one entry per label ({labels}), "
            f"got shape {groups.shape}"
        )
    cells = groups.tolist()
    missing = [place for place, cell in enumerate(cells) if is_missing(cell)]
    if missing:
        raise DataError(
            f"{at_source(source)}groups must not be missing, got {cells[missing[0]]} in place "
            f"{missing[0]} ({len(missing)} such entries): give each row a group"
        )
    if groups.dtype.kind in "iuf" or all(map(is_number, cells)):
        return groups
    return np.unique(list(map(as_text, cells)), return_inverse=True)[1]


def _as_features(values: Any, source: str) -> np.ndarray | FeaturesOnDisk:
    """Return an array in memory, or features that stay on disk."""
    if hasattr(values, "iloc") and values.ndim == 1:  # a vector in each cell
        values = values.tolist()
    if isinstance(values, str | os.PathLike):
        return open_features(Path(values))
    if is_on_disk(values):
        return as_on_disk(values, source)
    return as_array(values, "features", source)


def _column_names(features: Any) -> list[str]:
    return [as_text(column) for column in features.columns] if hasattr(features, "columns") else []
