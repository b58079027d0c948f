"""Data sets from what is in memory: plain arrays, tensors, lists, and pandas DataFrames."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from ..errors import DataError
from ..seeds import stream
from .base import GZSLDataset
from .inputs import as_array, as_names, at_source, class_numbers, finite_matrix, mask_to_numbers
from .on_disk import FeaturesOnDisk, as_on_disk, is_on_disk, open_features
from .splits import hold_out

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
    class_names: Sequence[str] = (),
    attribute_names: Sequence[str] = (),
    attribute_groups: Mapping[str, Sequence[int]] | None = None,
    groups: Any = None,
    images: Any = None,
    declared_validation: Any = None,
    name: str = "my data",
    source: str = "",
    seed: int = 0,
) -> GZSLDataset:
    """Make a data set from plain arrays: NumPy arrays, torch tensors, lists, or pandas objects.

    - ``features`` (N, D). Features that do not fit into memory stay on disk: give the name of an
      .npy or HDF5 file, what :func:`open_features` returns, a memory map (``np.load(path,
      mmap_mode="r")``) or an h5py data set.
    - ``labels`` (N,): class numbers from 0, or class names.
    - ``attributes`` (K, A), or a DataFrame whose index names the classes.
    - ``unseen``: numbers or names of the classes that are never trained on, or a mask (K,).
    - ``test_seen``, ``train``, ``test_unseen``: row numbers, or masks (N,). If ``test_seen`` is
      None, a fifth of the rows of each seen class is held out, drawn with ``seed`` (whole
      ``groups``, if there are any). If the others are None, ``train`` gets the remaining rows of
      seen classes and ``test_unseen`` all rows of unseen classes.

    The other arguments are fields of :class:`GZSLDataset`. Raises ``DataError``.
    """
    table = _ClassTable.read(attributes, class_names, attribute_names, source)
    labels = table.numbers(labels, "labels")
    unseen_mask = mask_to_numbers(unseen, "unseen", len(table.attributes), source)
    unseen = table.numbers(unseen_mask, "unseen")
    _check_unseen(labels, unseen, source)

    groups = _array_or_none(groups, "groups", source)
    given = {"train": train, "test_seen": test_seen, "test_unseen": test_unseen}
    splits = _Splitter(labels, np.isin(labels, unseen), groups, source, seed).splits(given)
    declared = declared_validation
    if declared is not None:
        declared = table.numbers(declared, "declared_validation")
    return GZSLDataset(
        features=_as_features(features, source),
        labels=labels,
        attributes=table.attributes,
        train=splits["train"],
        test_seen=splits["test_seen"],
        test_unseen=splits["test_unseen"],
        class_names=table.class_names,
        attribute_names=table.attribute_names,
        attribute_groups=attribute_groups,
        groups=groups,
        images=_array_or_none(images, "images", source),
        declared_validation=declared,
        name=name,
        source=source,
    )


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
    if label not in frame.columns:
        known = ", ".join(map(str, frame.columns[:10]))
        raise DataError(f"label must name a column of the frame ({known} ...), got {label!r}")
    columns = frame.drop(columns=label)
    strange = [
        str(column)
        for column, kind in columns.dtypes.items()
        if getattr(kind, "kind", "O") not in "biuf"
    ]
    if strange:
        more = " ..." if len(strange) > 10 else ""
        raise DataError(
            f"all columns but {label!r} must be numbers, got {', '.join(strange[:10])}{more}: "
            "take them out with frame.drop(columns=[...]), or turn them into numbers"
        )
    return from_arrays(columns, frame[label], attributes, unseen=unseen, name=name, **options)


# --- parts ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _ClassTable:
    """The attributes of all classes, and the names by which labels may call the classes."""

    attributes: Float[np.ndarray, "K A"]
    class_names: tuple[str, ...]
    attribute_names: Sequence[str]
    index: list | None  # of the DataFrame that held the attributes, if it was one
    source: str

    @classmethod
    def read(
        cls,
        values: Any,
        class_names: Sequence[str],
        attribute_names: Sequence[str],
        source: str,
    ) -> _ClassTable:
        index = None
        if _is_dataframe(values):
            index = values.index.tolist()
            if not len(class_names):
                class_names = [str(entry) for entry in index]
            if not len(attribute_names):
                attribute_names = [str(column) for column in values.columns]
        array = as_array(values, "attributes", source)
        attributes = finite_matrix(array, "attributes", source)
        names = as_names(class_names, "class", len(attributes), source)
        return cls(attributes, names, attribute_names, index, source)

    def numbers(self, values: Any, what: str) -> Shaped[np.ndarray, " n"]:
        """Return class numbers, of names or of numbers."""
        return class_numbers(values, what, self.class_names, self.index, self.source)


def _is_dataframe(values: Any) -> bool:
    """Return whether values are a pandas DataFrame, without importing pandas."""
    return hasattr(values, "columns") and hasattr(values, "index")


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


@dataclass(frozen=True, eq=False)
class _Splitter:
    """Completes the splits that were given by those that were not."""

    labels: Int[np.ndarray, " N"]
    of_unseen: Shaped[np.ndarray, " N"]  # which rows are of unseen classes
    groups: Int[np.ndarray, " N"] | None
    source: str
    seed: int

    def splits(self, given: dict[str, Any]) -> dict[str, Int[np.ndarray, " n"]]:
        """Return the rows of each split."""
        rows = {name: self._rows(values) for name, values in given.items() if values is not None}
        of_seen = np.flatnonzero(~self.of_unseen)
        if "test_seen" not in rows:
            rows["test_seen"] = self._test_seen(of_seen, rows.get("train"))
        if "train" not in rows:
            rows["train"] = np.setdiff1d(of_seen, rows["test_seen"])
        if "test_unseen" not in rows:
            rows["test_unseen"] = np.flatnonzero(self.of_unseen)
        return rows

    def _rows(self, values: Any) -> np.ndarray:
        return mask_to_numbers(values, "a split", len(self.labels), self.source)

    def _test_seen(self, of_seen: np.ndarray, train: np.ndarray | None) -> np.ndarray:
        if self.groups is not None and self.groups.shape != self.labels.shape:
            raise DataError(
                f"{at_source(self.source)}groups must have one entry per label "
                f"({len(self.labels)}), got shape {self.groups.shape}"
            )
        if train is not None:
            return np.setdiff1d(of_seen, train)
        rng = stream(self.seed, "test rows of seen classes")
        return hold_out(self.labels, of_seen, rng, groups=self.groups, source=self.source)


def _array_or_none(
    values: Any,
    name: str,
    source: str,
) -> np.ndarray | None:
    return None if values is None else as_array(values, name, source)


def _as_features(values: Any, source: str) -> np.ndarray | FeaturesOnDisk:
    """Return an array in memory, or features that stay on disk."""
    if isinstance(values, str | os.PathLike):
        return open_features(Path(values))
    if is_on_disk(values):
        return as_on_disk(values, source)
    return as_array(values, "features", source)
