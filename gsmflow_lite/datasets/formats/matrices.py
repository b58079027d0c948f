"""A matrix that stays in its .npy or HDF5 file, and from which some rows are read at a time."""

from __future__ import annotations

import mmap
import os
from math import prod
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from jaxtyping import Int, Shaped

from ...errors import DataError
from .. import blocks
from .hdf5 import hdf5_array, open_hdf5
from .limits import one_clear_error, raise_unreadable
from .npy import NPY_MAGIC, check_size, npy_header

MOST_RESIDENT = 1 << 28  # bytes of a file in this process's memory before its pages are released
PAGES_AROUND = 1 << 16  # bytes that Linux brings in around a byte that is touched


class StoredMatrix(Protocol):
    """A matrix in a file; ``checked`` says that nobody needs to look for bad values."""

    shape: tuple[int, int]
    path: str
    checked: bool

    def read(self, rows: Int[np.ndarray, " n"]) -> Shaped[np.ndarray, "n D"]:
        """Read rows in the file's own number type. ``rows`` ascend, and may repeat."""
        ...


def open_matrix(path: Path, key: str) -> StoredMatrix:
    """Open an .npy file, or the array ``key`` of an HDF5 file. Raises ``DataError``."""
    if _is_npy(path):
        with one_clear_error(path, "an .npy"):
            return _matrix_in_npy(path)
    with one_clear_error(path, "an HDF5"):
        return _matrix_in_hdf5(path, key)


class MemoryMap:
    """A matrix that is memory-mapped: the system brings in the pages of the file that are touched.

    Pages are released now and then. Otherwise a pass over the file would seem to fill the memory.
    Raises ``DataError`` for an array that is no matrix of numbers.
    """

    def __init__(self, array: np.memmap, *, checked: bool = False) -> None:
        self.array = array
        self.path = str(array.filename or "a memory map")
        _check_matrix(self.path, array.shape, array.dtype)
        self.shape = (array.shape[0], array.shape[1])
        self.checked = checked
        self.pages = _pages_to_advise(array)  # None where the system must not be advised
        self._resident = 0
        self._file = _whole_map(array)
        map_start = array.offset - array.offset % mmap.ALLOCATIONGRANULARITY  # at a whole page
        self._end = map_start + len(self._file)  # in the file

    @property
    def row_bytes(self) -> int:
        """How many bytes a row takes in the file."""
        return self.array.dtype.itemsize * self.shape[1]

    def read(self, rows: Int[np.ndarray, " n"]) -> Shaped[np.ndarray, "n D"]:
        """Read rows in the file's own number type. ``rows`` ascend, and may repeat."""
        self._check_not_cut()
        first = int(rows[0])
        last = int(rows[-1])
        consecutive = last - first + 1 == len(rows) and bool((np.diff(rows) == 1).all())
        if self.pages is not None:
            self._advise(self.pages, rows, consecutive)
        return self.array[first : last + 1] if consecutive else self.array[rows]

    def _check_not_cut(self) -> None:
        """Refuse a file that is shorter than the map, because touching the missing part is fatal.

        A file that is cut after this check still ends the process.
        """
        if self._file.size() < self._end:
            raise EOFError(
                f"it was cut to {self._file.size():,} of {self._end:,} bytes while it was in use"
            )

    def _advise(
        self,
        pages: mmap.mmap,
        rows: np.ndarray,
        consecutive: bool,
    ) -> None:
        self._release_pages(pages, len(rows), consecutive)
        pages.madvise(mmap.MADV_SEQUENTIAL if consecutive else mmap.MADV_RANDOM)
        if not consecutive and self.array.flags.c_contiguous:
            self._announce(pages, rows)

    def _release_pages(
        self,
        pages: mmap.mmap,
        count: int,
        consecutive: bool,
    ) -> None:
        touched = self.row_bytes if consecutive else max(self.row_bytes, PAGES_AROUND)
        self._resident += count * touched
        if self._resident > MOST_RESIDENT:
            pages.madvise(mmap.MADV_DONTNEED)
            self._resident = 0

    def _announce(self, pages: mmap.mmap, rows: np.ndarray) -> None:
        """Tell the disk of all rows at once, so that it need not wait for one after the other.

        Of a file that was not cached, 256 rows of 8 kB came in 5 ms so, in 60 ms without this, and
        in 600 ms where Linux read ahead around each of them.
        """
        gaps = np.flatnonzero(np.diff(rows) > 1) + 1
        first = rows[np.r_[0, gaps]]  # of each run of rows without a gap
        last = rows[np.r_[gaps - 1, -1]]

        begin = self.array.offset % mmap.ALLOCATIONGRANULARITY  # the map starts at a whole page
        starts = begin + first * self.row_bytes
        ends = begin + (last + 1) * self.row_bytes
        starts -= starts % mmap.PAGESIZE
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            pages.madvise(mmap.MADV_WILLNEED, start, end - start)

    def __reduce__(self):
        base: Any = self.array.base
        whole = isinstance(base, mmap.mmap)
        if not whole or self.array.mode != "r" or not self.array.filename:
            raise DataError(
                f"{self.path}: a part of a memory map, or one that can be written to, cannot be "
                "sent to another process without copying it: use datasets.open_features(path)"
            )
        order = "C" if self.array.flags.c_contiguous else "F"
        place = (self.array.dtype.str, self.array.offset, self.shape, order)
        return _open_map_again, (self.path, *place, self.checked)


def _pages_to_advise(array: np.memmap) -> mmap.mmap | None:
    """Return the map, if it is whole and nobody can have written to it.

    A part of a map hides where it begins. Changes to a map that is a copy would be lost.
    """
    base: Any = array.base
    if isinstance(base, mmap.mmap) and array.mode == "r" and hasattr(mmap, "MADV_DONTNEED"):
        return base
    return None


def _whole_map(array: np.memmap) -> mmap.mmap:
    base: Any = array.base
    while isinstance(base, np.ndarray):
        base = base.base
    return base


def _open_map_again(
    path: str,
    dtype: str,
    offset: int,
    shape: tuple[int, int],
    order: Literal["C", "F"],
    checked: bool,
) -> MemoryMap:
    with one_clear_error(Path(path), "a feature"):
        array = np.memmap(path, np.dtype(dtype), "r", offset, shape, order)
        return MemoryMap(array, checked=checked)


class Hdf5Slices:
    """An HDF5 array that cannot be memory-mapped. It is read by slices of whole chunks.

    Each stored chunk is unpacked once in a call, however many of its rows are wanted.
    """

    def __init__(
        self,
        entry: Any,
        path: str,
        key: str,
        *,
        checked: bool = False,
    ) -> None:
        self.entry = entry
        self.path = path
        self.key = key
        self.checked = checked
        self.shape: tuple[int, int] = entry.shape
        chunk_rows = entry.chunks[0] if entry.chunks else entry.shape[0]
        block_rows = blocks.rows_per_block(entry.shape[1], entry.dtype.itemsize)
        self._slice_rows = max(1, min(chunk_rows, block_rows))

    def read(self, rows: Int[np.ndarray, " n"]) -> Shaped[np.ndarray, "n D"]:
        """Read rows in the file's own number type. ``rows`` ascend, and may repeat.

        h5py's own indexing by many rows would take a separate step for each of them.
        """
        out = np.empty((len(rows), self.shape[1]), self.entry.dtype)
        new_slice = np.flatnonzero(np.diff(rows // self._slice_rows)) + 1
        start = 0
        for end in [*new_slice.tolist(), len(rows)]:
            first = rows[start]
            last = rows[end - 1]
            out[start:end] = self.entry[first : last + 1][rows[start:end] - first]
            start = end
        return out

    def __reduce__(self):
        return _open_hdf5_again, (self.path, self.key, self.checked)


def _open_hdf5_again(path: str, key: str, checked: bool) -> StoredMatrix:
    matrix = _matrix_in_hdf5(Path(path), key)
    matrix.checked = checked
    return matrix


# --- opening -------------------------------------------------------------------------------------


def _is_npy(path: Path) -> bool:
    """Tell .npy from HDF5 by the first bytes. Raises ``DataError`` for any other file."""
    try:
        with open(path, "rb") as file:
            head = file.read(12)
    except OSError as error:
        raise_unreadable(path, error)
    if head.startswith(NPY_MAGIC):
        return True

    import h5py

    if h5py.is_hdf5(path):
        return False
    raise DataError(
        f"{path}: features on disk must be in an .npy or an HDF5 file, got one that starts with "
        f"{head!r}: save them with np.save, or with h5py"
    )


def _matrix_in_npy(path: Path) -> MemoryMap:
    with open(path, "rb") as file:
        shape, by_columns, dtype = npy_header(file)
        start = file.tell()
        size = os.fstat(file.fileno()).st_size
    _check_matrix(path, shape, dtype)
    check_size(path, shape, dtype, size - start)
    return MemoryMap(np.memmap(str(path), dtype, "r", start, shape, "F" if by_columns else "C"))


def _matrix_in_hdf5(path: Path, key: str) -> MemoryMap | Hdf5Slices:
    entry = hdf5_array(path, open_hdf5(path, rdcc_nbytes=2 * blocks.BLOCK), key)
    _check_matrix(f"{path}: {key!r}", entry.shape, entry.dtype)
    array = _memory_map(path, entry)
    if array is None:
        return Hdf5Slices(entry, str(path), key)
    entry.file.close()
    return MemoryMap(array)


def _memory_map(path: Path, entry: Any) -> np.memmap | None:
    """Map an array that is neither compressed nor chunked; return None for any other."""
    start = entry.id.get_offset() if entry.chunks is None else None
    size = prod(entry.shape) * entry.dtype.itemsize
    if start is None or start + size > os.path.getsize(path):
        return None
    array = np.memmap(str(path), entry.dtype, "r", start, entry.shape)
    # That the offset counts from the start of the file is only the library's word: look.
    same = all(array[row].tobytes() == entry[row].tobytes() for row in (0, -1))
    return array if same else None


def _check_matrix(
    path: str | Path,
    shape: tuple[int, ...],
    dtype: np.dtype,
) -> None:
    if dtype.kind not in "biuf":
        raise DataError(f"{path}: features must be real numbers, got {dtype}: save them as float32")
    if len(shape) != 2 or 0 in shape:
        raise DataError(
            f"{path}: features must be a matrix with rows and columns, got shape {shape}: "
            "save them as (N, D)"
        )
