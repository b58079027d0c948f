"""generators.stored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..datasets.arrays import as_array, at_source, class_numbers, read_npz
from ..datasets.base import GZSLDataset, finite_matrix, whole_numbers
from ..datasets.matfiles import read_mat
from ..errors import DataError
from ..seeds import stream


class _Stored:
    """Stored features handed out by the attributes of their class; every row of a class comes once before any comes twice.

    ``features`` (N, D), with class numbers ``labels`` (N,) of ``dataset``; only ``rows`` of them are handed out. A class is
    known by its attributes, which must equal its row in ``dataset``; classes with equal attributes share their features.
    """

    what = "stored features"  # as errors call them
    source = ""

    def __init__(
        self, dataset: GZSLDataset, features: np.ndarray, labels: np.ndarray, rows: np.ndarray
    ) -> None:
        self.dataset, self.features, self.labels, self.rows = dataset, features, labels, rows

    @property
    def classes(self) -> np.ndarray:
        """Numbers of the classes that have features here, ascending, (M,)."""
        return np.unique(self.labels[self.rows])

    @property
    def counts(self) -> np.ndarray:
        """How many features each of ``classes`` has, (M,). Ask for no more of a class, and none comes twice."""
        return np.unique(self.labels[self.rows], return_counts=True)[1]

    def synthesize(
        self, attributes: Tensor, n: int, *, temperature: float = 1.0, seed: int = 0
    ) -> Tensor:
        """Attributes (M, A) -> features (M, n, D). Raises ``DataError`` for a class without features, or a temperature."""
        if temperature != 1:
            raise self._error(f"have no temperature: it must be 1, got {temperature}")
        rng = stream(seed, "stored rows")
        asked = np.asarray(torch.as_tensor(attributes).detach().cpu(), np.float32)
        picked = [_draw(self._rows_of(a), n, rng) for a in asked]
        return torch.from_numpy(self.features[np.stack(picked)])

    def _rows_of(self, attributes: np.ndarray) -> np.ndarray:
        table = self.dataset.attributes
        matches = (
            np.flatnonzero((table == attributes).all(1))
            if attributes.shape == table.shape[1:]
            else []
        )
        if not len(matches):
            raise self._error(
                "exist only for classes of the data set, but no class has the attributes asked for"
            )
        rows = self.rows[np.isin(self.labels[self.rows], matches)]
        if not len(rows):
            names, there = self.dataset.class_names, self.classes
            known = ", ".join(repr(names[k]) for k in there[:10]) + " ..." * (len(there) > 10)
            raise self._error(
                f"exist for {known}, but class {names[matches[0]]!r} was asked for: leave it out, or add its rows"
            )
        return rows

    def _error(self, rule: str) -> DataError:
        return DataError(f"{at_source(self.source)}{self.what} {rule}")


def _draw(rows: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Every row once before any twice: what counts neighbours would take a copy for a very near one."""
    return np.concatenate([rng.permutation(rows) for _ in range(n // len(rows) + 1)])[:n]


class RealSamples(_Stored):
    """The oracle as a generator: it hands out real features of a class, the ``rows`` (n,) of ``dataset`` that are of it."""

    what = "real features"

    def __init__(self, dataset: GZSLDataset, rows: np.ndarray) -> None:
        super().__init__(dataset, dataset.features, dataset.labels, rows)


class FromFile(_Stored):
    """Features that some other model wrote, as a generator, so that they can be measured like those of any model.

    ``features`` (N, D) are in the data's own units, that is, as before ``dataset.preprocessing``, which is applied to them
    here; say ``preprocessed`` where that has been done. ``labels`` (N,) are one of

    - names of classes of ``dataset``, as text;
    - numbers of the rows of ``class_names``, which are names of classes of ``dataset`` (others may be among them, unused);
    - where there are no ``class_names``: class numbers of ``dataset``.

    Numbers count from 0, but from 1 in a .mat file. Raises ``DataError``. See :meth:`read` and :meth:`from_dataframe`.
    """

    what = "synthesized features"

    def __init__(
        self,
        dataset: GZSLDataset,
        features,
        labels,
        *,
        class_names: Sequence[str] | None = None,
        preprocessed: bool = False,
        source: str = "",
    ) -> None:
        array = as_array(features, "features", source)
        if array.dtype.kind not in "biuf":
            raise DataError(
                f"{at_source(source)}features must be numbers, got {array.dtype}: leave other columns out, or use astype"
            )
        matrix = finite_matrix(array, "features", source)
        labels = np.atleast_1d(as_array(labels, "labels", source))
        _check_shape(
            dataset, matrix, len(labels), preprocessed, source
        )  # first: a small file may hold very many labels
        numbers = _labels(dataset, labels, class_names, source)
        if dataset.preprocessing is not None and not preprocessed:
            matrix = finite_matrix(
                dataset.preprocessing.transform(matrix), "preprocessed features", source
            )
        super().__init__(dataset, matrix, numbers, np.arange(len(matrix)))
        self.source = source

    @classmethod
    def read(
        cls, path: str | Path, dataset: GZSLDataset, *, preprocessed: bool = False
    ) -> FromFile:
        """Read an .npz or .mat file with ``features``, ``labels`` and, where wanted, ``class_names``.

        ``gsmflow-lite synthesize`` writes such a file. In a .mat file features may be (N, D) or, as in xlsa17's files,
        (D, N), whichever goes with the labels, and label numbers count from 1, as everywhere in MATLAB, also where Python
        wrote them. Nothing is unpickled, and sizes are checked against the file before memory is spent.
        """
        path, readers = Path(path), {".npz": _read_npz, ".mat": _read_mat}
        reader = readers.get(path.suffix.lower())
        if reader is None:
            raise DataError(
                f"{path}: synthesized features must be in an .npz or a .mat file: save them as one of these"
            )
        return cls(dataset, **reader(path), preprocessed=preprocessed, source=str(path))

    @classmethod
    def from_dataframe(
        cls, frame, dataset: GZSLDataset, *, label: str, preprocessed: bool = False
    ) -> FromFile:
        """From a DataFrame with one row per feature vector: column ``label`` is the class, all other columns are features."""
        if label not in frame.columns:
            known = ", ".join(map(str, frame.columns[:10]))
            raise DataError(f"label must name a column of the frame ({known} ...), got {label!r}")
        return cls(
            dataset,
            frame.drop(columns=label),
            frame[label],
            preprocessed=preprocessed,
            source="the frame",
        )


def _read_npz(path: Path) -> dict:
    content = read_npz(path, ("features", "labels"), ("class_names",))
    names = content.get("class_names")
    if names is not None and (names.ndim != 1 or names.dtype.kind not in "US"):
        raise DataError(
            f"{path}: class_names must be a list of names, got shape {names.shape} of {names.dtype}"
        )
    return content


def _read_mat(path: Path) -> dict:
    """The same with MATLAB's habits undone: labels are a column and count from 1, features may be (D, N)."""
    content = read_mat(path, ["features", "labels"], optional=["class_names"])
    for key, wanted, kind in (("features", "numbers", np.ndarray), ("class_names", "text", list)):
        if key in content and not isinstance(content[key], kind):
            raise DataError(
                f"{path}: {key} must be {wanted}, got {'text' if wanted == 'numbers' else 'numbers'}: save it again"
            )
    features, labels = content["features"], content["labels"]
    content["labels"] = labels if isinstance(labels, list) else _from_one(labels, path)
    count = len(content["labels"])
    if features.shape == (count, count):
        raise DataError(
            f"{path}: features are square, {features.shape}, so rows cannot be told from columns: "
            "leave one feature vector out, or use an .npz file, where they are (N, D)"
        )
    content["features"] = features.T if features.shape[1:] == (count,) else features
    return content


def _from_one(labels: np.ndarray, path: Path) -> np.ndarray:
    if 1 not in labels.shape:
        raise DataError(
            f"{path}: labels must be one column (N, 1) or one row (1, N), got shape {labels.shape}"
        )
    if not labels.all():
        raise DataError(
            f"{path}: labels in a .mat file must count from 1, got 0: they are 0-based, so add 1"
        )
    return labels.ravel() - 1.0  # whole numbers that are unsigned would wrap round


def _labels(dataset: GZSLDataset, labels, names: Sequence[str] | None, source: str) -> np.ndarray:
    """Class numbers of ``dataset``, however the classes are given."""
    array = as_array(labels, "labels", source)
    if array.dtype.kind not in "biuf":
        return class_numbers(array, "labels", dataset.class_names, None, source)
    numbers = whole_numbers(array, "labels", source)
    most = len(dataset.class_names if names is None else names)
    what = "class numbers of the data set" if names is None else "numbers of class_names"
    if len(numbers) and (numbers.min() < 0 or numbers.max() >= most):
        raise DataError(
            f"{at_source(source)}labels must be {what}, {most} of them, counted from 0 (in a .mat file from 1), "
            f"got {numbers.min()} to {numbers.max()} as counted from 0: correct them, or give names instead of numbers"
        )
    if names is None:
        _check_start(numbers, dataset.unseen_classes, source)
        return numbers
    if not (
        isinstance(names, np.ndarray) and names.dtype.kind == "U"
    ):  # a text apart for each would take ten times as much
        names = np.array([str(name) for name in names])
    used = names[np.unique(numbers)]
    if len(np.unique(used)) < len(used):
        raise DataError(
            f"{at_source(source)}class_names must differ, but two labels are of one name: give each class its own"
        )
    known = {name: k for k, name in enumerate(dataset.class_names)}
    _check_start(
        numbers,
        np.array([i for i, name in enumerate(names) if known.get(name) in dataset.unseen_classes]),
        source,
    )
    return class_numbers(names[numbers], "class_names of labels", dataset.class_names, None, source)


def _check_start(numbers: np.ndarray, unseen: np.ndarray, source: str) -> None:
    """Refuse numbers that quietly give classes the features of others: from the wrong start, or places among the unseen."""
    there = np.unique(numbers)
    for shift in (-1, 1):
        if np.array_equal(there + shift, unseen):
            raise DataError(
                f"{at_source(source)}labels must count from 0 (in a .mat file from 1), but adding {shift} makes them exactly "
                "the unseen classes: they seem to start from the wrong number, so correct them, or give names to be sure"
            )
    if np.array_equal(there, np.arange(len(unseen))) and not np.array_equal(there, unseen):
        raise DataError(
            f"{at_source(source)}labels must be class numbers, but they run from 0 to {len(unseen) - 1}, as places among the "
            "unseen classes would: give the class numbers of the data set, or names"
        )


def _check_shape(
    dataset: GZSLDataset, matrix: np.ndarray, labels: int, preprocessed: bool, source: str
) -> None:
    rows, width = matrix.shape
    after, fitted = dataset.features.shape[1], dataset.preprocessing
    before = after if fitted is None else len(fitted.offset)
    wanted, other = (after, before) if preprocessed else (before, after)
    if rows == wanted and width == labels:
        hint = "they look transposed, so hand in features.T"
    elif width == other:
        hint = (
            "leave preprocessed out"
            if preprocessed
            else "they look preprocessed already, so say preprocessed=True (--preprocessed)"
        )
    else:
        hint = "do they come from another data set or extractor?"
    if width != wanted:
        state = (
            ""
            if fitted is None
            else " after preprocessing"
            if preprocessed
            else " before preprocessing"
        )
        raise DataError(
            f"{at_source(source)}features must be {wanted} wide{state}, got shape {matrix.shape}: {hint}"
        )
    if rows != labels:
        raise DataError(
            f"{at_source(source)}labels must be one per row of features ({rows}), got {labels}: save both together"
        )
