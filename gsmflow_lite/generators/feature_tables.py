"""Tables of synthesized features in files: reading them, and checks against a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from ..datasets.base import GZSLDataset
from ..datasets.formats.mat import read_mat
from ..datasets.formats.npz import read_npz
from ..datasets.inputs import at_source, whole_numbers
from ..datasets.names import as_key, as_text, whole_number_in
from ..datasets.table_side import TableSide
from ..errors import DataError
from ..storage import nearby, suffix_of, to_read

# --- Reading ---------------------------------------------------------------------------------


def read_table(path: Path) -> dict[str, Any]:
    """Read ``features``, ``labels`` and, where the file has them, ``class_names``.

    Label numbers count from 0, whatever the file has. Raises ``DataError``.
    """
    readers = {".npz": _read_npz_table, ".mat": _read_mat_table}
    path = to_read(path, *readers)
    reader = readers.get(suffix_of(path))
    if reader is None:
        raise DataError(
            f"{path}: synthesized features must be in an .npz or a .mat file: "
            f"save them as one of these{'' if path.exists() else nearby(path)}"
        )
    content = reader(path)
    if not np.size(content.get("class_names", "")):
        del content["class_names"]  # an empty list names nothing
    return content


def _read_npz_table(path: Path) -> dict[str, Any]:
    content = read_npz(path, ("features", "labels"), ("class_names",))
    names = content.get("class_names")
    if names is not None and (names.ndim != 1 or names.dtype.kind not in "US"):
        raise DataError(
            f"{path}: class_names must be a list of names, got shape {names.shape} of {names.dtype}"
        )
    return content


def _read_mat_table(path: Path) -> dict[str, Any]:
    """Read it with MATLAB's habits undone.

    There labels are a column and count from 1, and features may be (D, N).
    """
    content: dict[str, Any] = read_mat(path, ["features", "labels"], optional=["class_names"])
    if not isinstance(content["features"], np.ndarray):
        raise DataError(f"{path}: features must be numbers, got text: save it again")
    names = content.get("class_names", [])
    if np.size(names) and not isinstance(names, list):
        raise DataError(f"{path}: class_names must be text, got numbers: save it again")

    labels = content["labels"]
    content["labels"] = labels if isinstance(labels, list) else _counted_from_zero(labels, path)
    content["features"] = _rows_first(content["features"], len(content["labels"]), path)
    return content


def _counted_from_zero(labels: np.ndarray, path: Path) -> Float[np.ndarray, " N"]:
    if 1 not in labels.shape:
        raise DataError(
            f"{path}: labels must be one column (N, 1) or one row (1, N), got shape {labels.shape}"
        )
    if not labels.all():
        raise DataError(
            f"{path}: labels in a .mat file must count from 1, got 0: they are 0-based, so add 1"
        )
    return labels.ravel() - 1.0  # a float, since unsigned whole numbers would wrap round


def _rows_first(features: np.ndarray, count: int, path: Path) -> np.ndarray:
    """Turn (D, N) round where that is what fits the ``count`` of labels."""
    if features.shape == (count, count):
        raise DataError(
            f"{path}: features are square, {features.shape}, so rows cannot be told from columns: "
            "leave one feature vector out, or use an .npz file, where they are (N, D)"
        )
    return features.T if features.shape[1:] == (count,) else features


# --- Labels ----------------------------------------------------------------------------------


def label_numbers(
    dataset: GZSLDataset,
    labels: Shaped[np.ndarray, " N"],
    names: Any,
    source: str,
) -> Int[np.ndarray, " N"]:
    """Class numbers of ``dataset``, however the classes are given.

    ``labels`` are names of classes, or numbers of the ``names``, or, without ``names``, class
    numbers. Raises ``DataError``.
    """
    classes = TableSide.read("class", len(dataset.class_names), None, dataset.class_names, source)
    labels = _numbers_in_text(labels, dataset.class_names)
    if labels.dtype.kind not in "biuf":
        return classes.find(labels, "labels")
    numbers = whole_numbers(labels, "labels", source)
    if names is None:
        numbers = classes.find(numbers, "labels")
        _check_range(numbers, len(dataset.class_names), "class numbers of the data set", source)
        _check_first_number(numbers, dataset.unseen_classes, source)
        return numbers

    if hasattr(names, "keys"):  # a dict or a column of pandas
        name_of = _name_of_each(dict(names), source)
        nameless = sorted(set(numbers.tolist()) - name_of.keys())
        if nameless:
            raise DataError(
                f"{at_source(source)}each number among the labels must have a name, "
                f"got none for {nameless[0]}: add it to the dict"
            )
        return classes.find([name_of[number] for number in numbers.tolist()], "labels")
    names = _in_order_of_numbers(names, source)
    _check_range(numbers, len(names), "numbers of class_names", source)
    listed = _text_array(names)
    _check_names_differ(listed[np.unique(numbers)], source)
    _check_first_number(numbers, _places_of_unseen(listed, dataset), source)
    return classes.find(listed[numbers], "class_names of labels")


def _name_of_each(names: Mapping[Any, Any], source: str) -> dict[int, str]:
    """Return names by number, of a dict in either direction."""
    for pairs in (names.items(), [(number, name) for name, number in names.items()]):
        called = {whole_number_in(as_key(number)): as_text(as_key(name)) for number, name in pairs}
        if None not in called and len(called) == len(names):
            return {number: name for number, name in called.items() if number is not None}
    raise DataError(
        f"{at_source(source)}class_names as a dict must map numbers to names, or names to numbers: "
        "number each class once"
    )


def _numbers_in_text(
    labels: Shaped[np.ndarray, " N"], names: Sequence[str]
) -> Shaped[np.ndarray, " N"]:
    """Labels as numbers where all of them are texts of numbers and none is the name of a class."""
    if labels.dtype.kind in "biuf":
        return labels
    listed = labels.tolist()
    number_of = {label: whole_number_in(as_key(label)) for label in dict.fromkeys(listed)}
    if None in number_of.values() or not set(names).isdisjoint(map(as_text, number_of)):
        return labels
    return np.array([number_of[label] for label in listed], np.int64)


def _in_order_of_numbers(names: Any, source: str) -> Any:
    """Names by number, where they are no plain array: a file may hold millions."""
    if isinstance(names, np.ndarray):
        return names
    if not hasattr(names, "__len__"):
        raise DataError(f"{at_source(source)}class_names must be a list of names, got {names!r}")
    return TableSide.read("class", len(names), None, names, source).names


def _check_range(numbers: Int[np.ndarray, " N"], count: int, what: str, source: str) -> None:
    if len(numbers) and (numbers.min() < 0 or numbers.max() >= count):
        raise DataError(
            f"{at_source(source)}labels must be {what}, {count} of them, "
            "counted from 0 (in a .mat file from 1), "
            f"got {numbers.min()} to {numbers.max()} as counted from 0: "
            "correct them, or give names instead of numbers"
        )


def _text_array(names: Sequence[str] | Shaped[np.ndarray, " K"]) -> Shaped[np.ndarray, " K"]:
    """Names as one array: separate texts would take ten times the memory."""
    if isinstance(names, np.ndarray) and names.dtype.kind == "U":
        return names
    return np.array([as_text(name) for name in names])


def _check_names_differ(used: Shaped[np.ndarray, " m"], source: str) -> None:
    if len(np.unique(used)) < len(used):
        raise DataError(
            f"{at_source(source)}class_names must differ, but two labels are of one name: "
            "give each class its own"
        )


def _places_of_unseen(
    names: Shaped[np.ndarray, " K"], dataset: GZSLDataset
) -> Int[np.ndarray, " U"]:
    """Where among the ``names`` the unseen classes stand."""
    number_of = {name: k for k, name in enumerate(dataset.class_names)}
    unseen = set(dataset.unseen_classes.tolist())
    places = [place for place, name in enumerate(names) if number_of.get(name) in unseen]
    return np.array(places, np.int64)


def _check_first_number(
    numbers: Int[np.ndarray, " N"], unseen: Int[np.ndarray, " U"], source: str
) -> None:
    """Refuse numbers that would quietly give classes the features of other classes.

    They may count from the wrong start, or be places among the unseen classes.
    """
    used = np.unique(numbers)
    for shift in (-1, 1):
        if np.array_equal(used + shift, unseen):
            raise DataError(
                f"{at_source(source)}labels must count from 0 (in a .mat file from 1), "
                f"but adding {shift} makes them exactly the unseen classes: "
                "they seem to start from the wrong number, so correct them, "
                "or give names to be sure"
            )
    places = np.arange(len(unseen))
    if np.array_equal(used, places) and not np.array_equal(used, unseen):
        raise DataError(
            f"{at_source(source)}labels must be class numbers, "
            f"but they run from 0 to {len(unseen) - 1}, as places among the unseen classes would: "
            "give the class numbers of the data set, or names"
        )


# --- Shape -----------------------------------------------------------------------------------


def check_table_shape(
    dataset: GZSLDataset,
    features: Float[np.ndarray, "N D"],
    labels: int,
    preprocessed: bool,
    source: str,
) -> None:
    """Raise ``DataError`` unless the features are as wide as the data's and have a label each."""
    rows, width = features.shape
    expected, other = _widths(dataset, preprocessed)
    if width != expected:
        hint = _hint_on_width(features, labels, expected, other, preprocessed)
        raise DataError(
            f"{at_source(source)}features must be {expected} wide{_state(dataset, preprocessed)}, "
            f"got shape {features.shape}: {hint}"
        )
    if rows != labels:
        raise DataError(
            f"{at_source(source)}labels must be one per row of features ({rows}), got {labels}: "
            "save both together"
        )


def _widths(dataset: GZSLDataset, preprocessed: bool) -> tuple[int, int]:
    """The width that is expected, and the one on the other side of the preprocessing."""
    after = dataset.features.shape[1]
    fitted = dataset.preprocessing
    before = after if fitted is None else len(fitted.offset)
    return (after, before) if preprocessed else (before, after)


def _state(dataset: GZSLDataset, preprocessed: bool) -> str:
    if dataset.preprocessing is None:
        return ""
    return " after preprocessing" if preprocessed else " before preprocessing"


def _hint_on_width(
    features: Float[np.ndarray, "N D"], labels: int, expected: int, other: int, preprocessed: bool
) -> str:
    rows, width = features.shape
    if rows == expected and width == labels:
        return "they look transposed, so hand in features.T"
    if width != other:
        return "do they come from another data set or extractor?"
    if preprocessed:
        return "leave preprocessed out"
    return "they look preprocessed already, so say preprocessed=True (--preprocessed)"
