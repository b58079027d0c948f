"""Features too large for memory stay in their file, and are read some rows at a time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any, NoReturn, Protocol

import numpy as np
from jaxtyping import Float, Int, Shaped

from ..errors import DataError
from ..storage import written_whole
from .blocks import rows_per_block
from .formats.limits import one_clear_error
from .formats.matrices import MemoryMap, StoredMatrix, open_matrix


class RowTransform(Protocol):
    """A change of rows after they are read, such as a ``Preprocessing``."""

    @property
    def width(self) -> int:
        """How many numbers a changed row has."""
        ...

    def transform(self, features: Float[np.ndarray, "n D"]) -> Float[np.ndarray, "n d"]:
        """Change each row."""
        ...


class FeaturesOnDisk:
    """Features that stay on disk; rows are read and preprocessed when they are asked for.

    ``features[key]`` gives a new float32 array in memory: one row for a row number, several rows
    for a slice or for a mask over all rows, and for row numbers of any shape an array of that
    shape with one more dimension. Negative numbers count from the end. The array takes ``n x D x
    4`` bytes, and a block of ``blocks.BLOCK`` bytes beside it, so ask for no more rows than fit
    into memory. :meth:`chunks` goes through all rows. Nothing else copies: ``np.asarray`` is
    refused, so that no library copies everything by accident. :meth:`select` and
    :meth:`transformed` read nothing.

    Every value that is read is known to be finite in single precision, or a ``DataError`` names its
    row. Sending features to another process sends the name of the file, not its content. Open
    features with :func:`open_features`.
    """

    dtype = np.dtype(np.float32)
    ndim = 2

    def __init__(
        self,
        matrix: StoredMatrix,
        rows: Int[np.ndarray, " N"] | None = None,
        steps: tuple[RowTransform, ...] = (),
    ) -> None:
        self.matrix = matrix
        self._rows = rows  # of the matrix; None for all
        self._steps = steps
        height = matrix.shape[0] if rows is None else len(rows)
        width = steps[-1].width if steps else matrix.shape[1]
        self.shape = (height, width)
        self._rows_at_once = rows_per_block(max(matrix.shape[1], width))

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def path(self) -> str:
        """The file that holds the features."""
        return self.matrix.path

    @property
    def nbytes(self) -> int:
        """How many bytes all rows would take in memory."""
        return 4 * prod(self.shape)

    def __getitem__(self, key: Any) -> Float[np.ndarray, "... D"]:
        if isinstance(key, slice):
            return self._take(np.arange(*key.indices(len(self))))
        places = _row_numbers(key, len(self))
        return self._take(places.ravel()).reshape(*places.shape, self.shape[1])

    def __iter__(self) -> Iterator[Float[np.ndarray, " D"]]:
        for block in self.chunks():
            yield from block

    def chunks(self, rows_at_once: int | None = None) -> Iterator[Float[np.ndarray, "n D"]]:
        """Read all rows in order, at most ``rows_at_once`` at a time (None: a block of them)."""
        step = self._rows_at_once if rows_at_once is None else rows_at_once
        for start in range(0, len(self), step):
            yield self[start : start + step]

    def select(self, rows: Shaped[np.ndarray, " n"]) -> FeaturesOnDisk:
        """Return some of the rows, in the order of ``rows``, without reading them."""
        places = _row_numbers(rows, len(self))
        chosen = places if self._rows is None else self._rows[places]
        return FeaturesOnDisk(self.matrix, chosen, self._steps)

    def transformed(self, step: RowTransform) -> FeaturesOnDisk:
        """Return the same rows, which ``step`` changes whenever they are read."""
        return FeaturesOnDisk(self.matrix, self._rows, (*self._steps, step))

    def check(self, source: str = "") -> None:
        """Read the whole file once. Raises ``DataError`` if a value is not finite."""
        if self.matrix.checked:
            return
        try:
            for _ in FeaturesOnDisk(self.matrix).chunks():
                pass
        except DataError as error:
            text = str(error)
            if source and not text.startswith(source):
                text = f"{source}: {text}"
            raise DataError(text) from None
        self.matrix.checked = True

    def save(self, path: str | Path) -> Path:
        """Write all rows, as they are read, into an .npy file of float32, which is read fastest.

        Do this once with a file that is slow to read by rows (compressed, stored column by column,
        another number type), or with a preprocessing that is slow to repeat. The old file stays
        until the new one is whole. Raises ``StorageError``.
        """
        path = Path(path)
        header = {"descr": self.dtype.str, "fortran_order": False, "shape": self.shape}
        with written_whole(path) as file:
            np.lib.format.write_array_header_1_0(file, header)
            for block in self.chunks():
                file.write(block.data)
        return path

    def _take(self, places: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n D"]:
        rows = places if self._rows is None else self._rows[places]
        ascending = bool((np.diff(rows) >= 0).all())
        order = None if ascending else np.argsort(rows, kind="stable")  # a disk is read forwards

        out = np.empty((len(rows), self.shape[1]), np.float32)
        for start in range(0, len(rows), self._rows_at_once):
            block = slice(start, start + self._rows_at_once)
            here = block if order is None else order[block]
            out[here] = self._read(rows[here])
        return out

    def _read(self, rows: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n D"]:
        with one_clear_error(Path(self.path), "a feature"):
            stored = self.matrix.read(rows)
        with np.errstate(over="ignore"):  # a number that is too large becomes infinite
            features: np.ndarray = np.asarray(stored, np.float32)
            for step in self._steps:
                features = step.transform(features)
        if not np.isfinite(features).all():
            self._refuse(rows, stored, features)
        return features

    def _refuse(
        self,
        rows: np.ndarray,
        stored: np.ndarray,
        features: np.ndarray,
    ) -> NoReturn:
        """Raise an error that says where the first value is that is not finite."""
        with np.errstate(over="ignore"):
            finite = np.isfinite(np.asarray(stored, np.float32))
        values = stored
        when = ""
        if finite.all():
            finite = np.isfinite(features)
            values = features
            when = " after preprocessing"
        row, column = np.argwhere(~finite)[0]
        raise DataError(
            f"{self.path}: features must be finite in single precision, got {values[row, column]} "
            f"in row {rows[row]}, column {column}{when}: extract them again, "
            "or leave those rows out"
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        raise DataError(
            f"{self.path}: these features ({self.shape[0]:,} x {self.shape[1]}, "
            f"{self.nbytes / 2**30:.3g} GiB) stay on disk and are not copied whole unasked: take "
            "some rows, features[rows], go through features.chunks(), or say features[:]"
        )

    def __repr__(self) -> str:
        return f"FeaturesOnDisk({self.shape[0]} rows x {self.shape[1]}, {self.path})"


# --- opening -------------------------------------------------------------------------------------


def open_features(
    path: str | Path,
    key: str = "features",
    *,
    check: bool = True,
) -> FeaturesOnDisk:
    """Open features in an .npy file, or the array ``key`` of an HDF5 file (.h5, .hdf5, MATLAB 7.3).

    The file may hold any real number type; rows become float32 when they are read. An .npy file,
    and an HDF5 array that is neither compressed nor chunked, are memory-mapped. Other HDF5 arrays
    are read by slices of whole chunks. That is slow for rows in random order, so write such
    features once with :meth:`FeaturesOnDisk.save`. Nothing is unpickled, and no link into another
    file is followed.

    ``check`` reads everything once, so that a bad value is found now and not after hours. Without
    it, a bad value is found when it is read. Raises ``DataError``.
    """
    features = FeaturesOnDisk(open_matrix(Path(path), key))
    if check:
        features.check()
    features.matrix.checked = True  # without a check, reading finds a bad value anyway
    return features


def is_on_disk(values: Any) -> bool:
    """Return whether values are opened features, a NumPy memory map or an h5py data set.

    A result of calculating with a memory map has its type, but no file: it is in memory. So is, to
    be safe, a map whose file is gone.
    """
    if isinstance(values, np.memmap):
        return values.filename is not None and Path(values.filename).exists()
    if isinstance(values, FeaturesOnDisk):
        return True
    h5py = sys.modules.get("h5py")  # whoever has such a data set has imported it
    return h5py is not None and isinstance(values, h5py.Dataset)


def as_on_disk(values: Any, source: str = "") -> FeaturesOnDisk:
    """Return checked features for anything of which :func:`is_on_disk` is true.

    Raises ``DataError``.
    """
    if isinstance(values, np.memmap):
        features = _from_memory_map(values, source)
    elif isinstance(values, FeaturesOnDisk):
        features = values
    else:
        features = _from_hdf5_dataset(values)
    features.check(source)
    return features


def _from_memory_map(array: np.memmap, source: str) -> FeaturesOnDisk:
    try:
        return FeaturesOnDisk(MemoryMap(array))
    except DataError as error:
        raise DataError(f"{source}: {error}" if source else str(error)) from None


def _from_hdf5_dataset(dataset: Any) -> FeaturesOnDisk:
    if not dataset:
        raise DataError("an HDF5 data set must be open, but its file is closed: open it again")
    path = dataset.file.filename
    if dataset.file.mode != "r":
        raise DataError(
            f"{path}: the file must be open for reading only, got {dataset.file.mode!r}: close it"
        )
    return open_features(path, dataset.name)


# --- rows ----------------------------------------------------------------------------------------


def rows_of(
    features: Float[np.ndarray, "N D"] | FeaturesOnDisk, rows: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "n D"] | FeaturesOnDisk:
    """Return some rows: a copy in memory, or a selection on disk, which reads nothing."""
    return features.select(rows) if isinstance(features, FeaturesOnDisk) else features[rows]


def in_chunks(
    features: Float[np.ndarray, "N D"] | FeaturesOnDisk,
    rows: Int[np.ndarray, " R"] | None = None,
    rows_at_once: int | None = None,
) -> Iterator[tuple[slice, Float[np.ndarray, "n D"]]]:
    """Go through ``rows`` (None: all), and give places in ``rows`` and features, block by block.

    It works alike in memory and on disk. A disk is faster with ascending ``rows``, so give them in
    that order where the order does not matter.
    """
    count = len(features) if rows is None else len(rows)
    step = rows_at_once or rows_per_block(features.shape[1])
    for start in range(0, count, step):
        places = slice(start, min(start + step, count))
        yield places, features[places if rows is None else rows[places]]


def _row_numbers(key: Any, count: int) -> Int[np.ndarray, " ..."]:
    """Return row numbers from 0, for an index of any shape or a mask over ``count`` rows."""
    if isinstance(key, tuple):
        _refuse_key("a pair of indices", count)
    places = np.asarray(key)
    if not places.size and places.dtype != bool:
        return places.astype(np.int64)
    is_mask = places.dtype == bool
    if places.dtype.kind not in "biu" or (is_mask and places.shape != (count,)):
        _refuse_key(f"{places.dtype} of shape {places.shape}", count)
    return np.flatnonzero(places) if is_mask else _from_the_start(places, count)


def _from_the_start(places: Int[np.ndarray, " ..."], count: int) -> Int[np.ndarray, " ..."]:
    """Return row numbers from 0, where negative ones count from the end."""
    low = places.min()
    high = places.max()
    if low < -count or high >= count:
        raise IndexError(f"rows must be from 0 to {count - 1}, got {low} to {high}")
    places = places.astype(np.int64)
    return np.where(places < 0, places + count, places)


def _refuse_key(got: str, count: int) -> NoReturn:
    raise DataError(
        "features on disk are taken by row numbers, a slice of rows or a mask of "
        f"{count} rows, got {got}: take rows first, then columns, features[rows][:, columns]"
    )
