"""Generators that hand out stored features: real ones, or those that another model wrote."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from numpy.typing import ArrayLike
from torch import Tensor

from ..arguments import check_asked
from ..datasets.arrays import without_label
from ..datasets.base import GZSLDataset
from ..datasets.given import the_dataset
from ..datasets.inputs import as_array, at_source, finite_matrix
from ..datasets.on_disk import FeaturesOnDisk
from ..datasets.row_order import RowOrder
from ..errors import DataError
from ..method.tensors import checked_attributes
from ..seeds import stream
from .feature_tables import check_table_shape, label_numbers, read_table

if TYPE_CHECKING:
    import pandas as pd


class StoredFeatures:
    """Hand out stored features by the attributes of their class.

    ``features`` have class numbers ``labels`` of ``dataset``; only ``rows`` of them are handed
    out. Every row of a class comes once before any comes twice. A class is known by its
    attributes, which must equal its row in ``dataset``. Where several classes have the same and all
    of them are asked for at once, each gets its own features, in the order of their numbers; else
    they share them.
    """

    what: ClassVar[str] = "stored features"  # as errors call them
    source: str = ""

    def __init__(
        self,
        dataset: GZSLDataset,
        features: Float[np.ndarray, "N D"] | FeaturesOnDisk,
        labels: Int[np.ndarray, " N"],
        rows: Int[np.ndarray, " n"],
    ) -> None:
        self.dataset = the_dataset(dataset)
        self.features = features
        self.labels = labels
        self.rows = rows

    @property
    def classes(self) -> Int[np.ndarray, " M"]:
        """Numbers of the classes that have features here, ascending."""
        return np.unique(self.labels[self.rows])

    @property
    def counts(self) -> Int[np.ndarray, " M"]:
        """How many features each of ``classes`` has. Ask for no more, and none comes twice."""
        return np.unique(self.labels[self.rows], return_counts=True)[1]

    def synthesize(
        self,
        attributes: Float[Tensor, "M A"],
        n: int,
        *,
        temperature: float = 1.0,
        seed: int = 0,
    ) -> Float[Tensor, "M n D"]:
        """Hand out ``n`` features of each class.

        Raises ``DataError`` for a class without features, and for a temperature other than 1.
        """
        n, temperature, seed = check_asked(n, temperature, seed)
        if temperature != 1:
            raise self._error(f"have no temperature: it must be 1, got {temperature}")
        table = checked_attributes(attributes).detach().cpu().float().numpy()
        rng = stream(seed, "stored rows")
        chosen = [_draw(rows, n, rng) for rows in self._rows_of_each(table)]
        return torch.from_numpy(self.features[np.stack(chosen)])

    def _rows_of_each(self, table: Float[np.ndarray, "M A"]) -> list[Int[np.ndarray, " m"]]:
        """The rows for each description. As many equal ones as classes mean each class once."""
        found = [self._rows_of(description) for description in table]
        places: dict[bytes, list[int]] = defaultdict(list)
        for place, description in enumerate(table):
            places[(description + 0.0).tobytes()].append(place)  # -0 becomes 0
        for same in places.values():
            rows = found[same[0]]
            classes = np.unique(self.labels[rows])
            if len(same) == len(classes):
                for place, k in zip(same, classes, strict=True):
                    found[place] = rows[self.labels[rows] == k]
        return found

    def _rows_of(self, description: Float[np.ndarray, " A"]) -> Int[np.ndarray, " m"]:
        """The rows of all classes that have these attributes."""
        matches = self._classes_with(description)
        if not len(matches):
            raise self._error(
                "exist only for classes of the data set, but no class has the attributes asked for"
            )
        rows = self.rows[np.isin(self.labels[self.rows], matches)]
        if not len(rows):
            name = self.dataset.class_names[matches[0]]
            raise self._error(
                f"exist for {self._known_names()}, but class {name!r} was asked for: "
                "leave it out, or add its rows"
            )
        return rows

    def _classes_with(self, description: Float[np.ndarray, " A"]) -> Int[np.ndarray, " m"]:
        table = self.dataset.attributes
        if description.shape != table.shape[1:]:
            return np.empty(0, np.int64)
        return np.flatnonzero((table == description).all(1))

    def _known_names(self) -> str:
        classes = self.classes
        names = ", ".join(repr(self.dataset.class_names[k]) for k in classes[:10])
        return names + " ..." * (len(classes) > 10)

    def _error(self, rule: str) -> DataError:
        return DataError(f"{at_source(self.source)}{self.what} {rule}")


def _draw(rows: Int[np.ndarray, " m"], n: int, rng: np.random.Generator) -> Int[np.ndarray, " n"]:
    """Draw ``n`` rows, every one once before any twice: a copy would count as a near neighbour."""
    rounds = n // len(rows) + 1
    return np.concatenate([rng.permutation(rows) for _ in range(rounds)])[:n]


class RealSamples(StoredFeatures):
    """The oracle as a generator: it hands out real features of a class.

    They are those ``rows`` of ``dataset`` that belong to the class.
    """

    what = "real features"

    def __init__(self, dataset: GZSLDataset, rows: Int[np.ndarray, " n"]) -> None:
        dataset = the_dataset(dataset)
        super().__init__(dataset, dataset.features, dataset.labels, rows)


class FromFile(StoredFeatures):
    """Features that another model wrote, as a generator, so that they can be measured.

    ``features`` (N, D) are in the data's own units, as before ``dataset.preprocessing``, which is
    applied to them here; say ``preprocessed=True`` where that has been done. ``labels`` (N,) are

    - names of classes of ``dataset``, as text;
    - or numbers that count the rows of ``class_names``, which are names of classes of ``dataset``
      (others may be among them, unused);
    - or, where there are no ``class_names``, class numbers of ``dataset``.

    Numbers count from 0, but from 1 in a .mat file. Raises ``DataError`` where features and labels
    do not fit the data set. See :meth:`read` and :meth:`from_dataframe`.
    """

    what = "synthesized features"

    def __init__(
        self,
        dataset: GZSLDataset,
        features: ArrayLike | pd.DataFrame,
        labels: ArrayLike | pd.Series,
        *,
        class_names: Sequence[str] | Shaped[np.ndarray, " K"] | None = None,
        preprocessed: bool = False,
        source: str = "",
    ) -> None:
        dataset = the_dataset(dataset)
        matrix = _matrix_of_numbers(features, source)
        labels = RowOrder.of(features, labels, source).aligned(labels, "labels")
        label_array = np.atleast_1d(as_array(labels, "labels", source))

        # The shape is checked first: a small file may hold very many labels.
        check_table_shape(dataset, matrix, len(label_array), preprocessed, source)
        numbers = label_numbers(dataset, label_array, class_names, source)

        if dataset.preprocessing is not None and not preprocessed:
            transformed = dataset.preprocessing.transform(matrix)
            matrix = finite_matrix(transformed, "preprocessed features", source)
        super().__init__(dataset, matrix, numbers, np.arange(len(matrix)))
        self.source = source

    @classmethod
    def read(
        cls, path: str | Path, dataset: GZSLDataset, *, preprocessed: bool = False
    ) -> FromFile:
        """Read an .npz or .mat file with ``features``, ``labels`` and perhaps ``class_names``.

        ``gsmflow-lite synthesize`` writes such a file. In a .mat file features may be (N, D) or,
        as in xlsa17's files, (D, N): whichever fits the labels. Label numbers count from 1 there,
        as everywhere in MATLAB, also where Python wrote them. Nothing is unpickled, and sizes are
        checked against the file before memory is spent. Raises ``DataError``.
        """
        path = Path(path)
        return cls(dataset, **read_table(path), preprocessed=preprocessed, source=str(path))

    @classmethod
    def from_dataframe(
        cls, frame: pd.DataFrame, dataset: GZSLDataset, *, label: str, preprocessed: bool = False
    ) -> FromFile:
        """Take a DataFrame with one row per feature vector.

        The column ``label`` is the class; all other columns are features.
        """
        columns = without_label(frame, label)
        return cls(
            dataset,
            columns,
            frame[label],
            preprocessed=preprocessed,
            source="the frame",
        )


def _matrix_of_numbers(features: ArrayLike | pd.DataFrame, source: str) -> Float[np.ndarray, "N D"]:
    array = as_array(features, "features", source)
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"{at_source(source)}features must be numbers, got {array.dtype}: "
            "leave other columns out, or use astype"
        )
    return finite_matrix(array, "features", source)
