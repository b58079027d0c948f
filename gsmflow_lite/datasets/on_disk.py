"""Features too large for memory: a matrix that stays in its .npy or HDF5 file, of which bounded blocks of rows are read."""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..errors import DataError
from ..storage import written_whole
from .matfiles import check_hdf5_array, one_clear_error, open_hdf5

if TYPE_CHECKING:
    from .preprocessing import Preprocessing

BLOCK = (
    1 << 25
)  # bytes of float32 that are worked on at a time; larger asks for more memory, smaller for more calls
HELD = 1 << 28  # bytes of a file that may be mapped into this process before its pages are let go
AROUND = 1 << 16  # bytes that Linux maps around a touched one
NPY = b"\x93NUMPY"


class FeaturesOnDisk:
    """Features (N, D) that stay on disk: rows are read, converted and preprocessed when they are asked for.

    ``features[key]`` gives a new float32 array in memory, for a row number (D,), a slice or a mask over all rows (n, D), or
    row numbers of any shape (..., D); negative ones count from the end. It holds ``n x D x 4`` bytes and a block of
    ``BLOCK`` bytes beside it, so ask for as many rows as you can hold: :meth:`chunks` goes through all of them. Nothing else
    copies; ``np.asarray`` is refused, so that no library does it by accident. :meth:`select` and :meth:`through` are lazy.

    Every value that is read is known to be finite in single precision, or a ``DataError`` names its row. Sending it to
    another process sends the name of the file, not what is in it. Make one with :func:`open_features`.
    """

    dtype, ndim = np.dtype(np.float32), 2

    def __init__(
        self, source: _Source, rows: np.ndarray | None = None, maps: tuple[Preprocessing, ...] = ()
    ) -> None:
        self._source, self._rows, self._maps = source, rows, maps
        self.shape = (
            source.shape[0] if rows is None else len(rows),
            len(maps[-1].scale) if maps else source.shape[1],
        )
        self._at_once = max(1, BLOCK // (4 * max(source.shape[1], self.shape[1])))

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def path(self) -> str:
        """The file that holds the features."""
        return self._source.path

    @property
    def nbytes(self) -> int:
        """What all rows would take in memory."""
        return 4 * prod(self.shape)

    def __getitem__(self, key) -> np.ndarray:
        if isinstance(key, slice):
            return self._take(np.arange(*key.indices(len(self))))
        places = _row_numbers(key, len(self))
        return self._take(places.ravel()).reshape(*places.shape, self.shape[1])

    def __iter__(self) -> Iterator[np.ndarray]:
        for block in self.chunks():
            yield from block

    def chunks(self, rows_at_once: int | None = None) -> Iterator[np.ndarray]:
        """All rows in order, as float32 arrays (n, D) of at most ``rows_at_once`` rows (None: as many as fill a block)."""
        step = self._at_once if rows_at_once is None else rows_at_once
        for start in range(0, len(self), step):
            yield self[start : start + step]

    def select(self, rows: np.ndarray) -> FeaturesOnDisk:
        """Some of the rows, in the order of ``rows`` (n,), without reading them."""
        places = _row_numbers(rows, len(self))
        return FeaturesOnDisk(
            self._source, places if self._rows is None else self._rows[places], self._maps
        )

    def through(self, preprocessing: Preprocessing) -> FeaturesOnDisk:
        """The same rows, mapped by ``preprocessing`` whenever they are read."""
        return FeaturesOnDisk(self._source, self._rows, (*self._maps, preprocessing))

    def check(self, source: str = "") -> None:
        """Read the whole file once, unless that has been done, and raise ``DataError`` where it is not finite."""
        if self._source.checked:
            return
        try:
            for _ in FeaturesOnDisk(self._source).chunks():
                pass
        except DataError as error:
            text = str(error)
            raise DataError(
                text if not source or text.startswith(source) else f"{source}: {text}"
            ) from None
        self._source.checked = True

    def save(self, path: str | Path) -> Path:
        """Write all rows as they are read, float32, into an .npy file that :func:`open_features` maps best.

        It is what to do once with a file that is slow to read by rows (compressed, column by column, another number type) or
        with a preprocessing that is costly to repeat. The old file stays until the new is whole. Raises ``StorageError``.
        """
        path = Path(path)
        with written_whole(path) as file:
            about = {"descr": self.dtype.str, "fortran_order": False, "shape": self.shape}
            np.lib.format.write_array_header_1_0(file, about)
            for block in self.chunks():
                file.write(block.data)
        return path

    def _take(self, places: np.ndarray) -> np.ndarray:
        rows = places if self._rows is None else self._rows[places]
        out = np.empty((len(rows), self.shape[1]), np.float32)
        order = (
            None if (np.diff(rows) >= 0).all() else np.argsort(rows, kind="stable")
        )  # a disk is read forwards
        for start in range(0, len(rows), self._at_once):
            end = start + self._at_once
            here = slice(start, end) if order is None else order[start:end]
            out[here] = self._read(rows[here])
        return out

    def _read(self, rows: np.ndarray) -> np.ndarray:
        with one_clear_error(Path(self.path), "a mapped"):
            given = self._source.read(rows)
        with np.errstate(over="ignore"):  # what does not fit into single precision is found below
            x = np.asarray(given, np.float32)
            for one in self._maps:
                x = one.transform(x)
        if not np.isfinite(x).all():
            self._refuse(rows, given, x)
        return x

    def _refuse(self, rows: np.ndarray, given: np.ndarray, x: np.ndarray) -> None:
        """Say where the first value lies that is not finite: in the file, or only after preprocessing."""
        with np.errstate(over="ignore"):
            stored = np.isfinite(np.asarray(given, np.float32))
        values, good, after = (
            (given, stored, "") if not stored.all() else (x, np.isfinite(x), " after preprocessing")
        )
        row, column = np.argwhere(~good)[0]
        raise DataError(
            f"{self.path}: features must be finite in single precision, got {values[row, column]} in row {rows[row]}, "
            f"column {column}{after}: extract them again, or leave those rows out"
        )

    def __array__(self, dtype=None, copy=None):
        raise DataError(
            f"{self.path}: these features ({self.shape[0]:,} x {self.shape[1]}, {self.nbytes / 2**30:.3g} GiB) stay on disk "
            "and are not copied whole unasked: take some rows, features[rows], go through features.chunks(), or say features[:]"
        )

    def __repr__(self) -> str:
        return f"MappedFeatures({self.shape[0]} rows x {self.shape[1]} on disk, {self.path})"


def open_features(path: str | Path, key: str = "features", *, check: bool = True) -> FeaturesOnDisk:
    """Features (N, D) of an .npy file or of the array ``key`` of an HDF5 file (.h5, .hdf5, MATLAB 7.3), left on disk.

    Any real number type will do; rows become float32 when they are read. An .npy file and an HDF5 array that is neither
    compressed nor chunked are memory-mapped; other HDF5 arrays are read by slices of whole chunks, which is slow where rows
    are asked for at random: :meth:`MappedFeatures.save` makes an .npy file of them. Nothing is unpickled and no other file
    is followed. ``check`` reads everything once, so that a bad value is found now and not after hours; without it each is
    found when it is read. Raises ``DataError``.
    """
    path = Path(path)
    kind = _kind(path)
    with one_clear_error(path, "an .npy" if kind == "npy" else "an HDF5"):
        features = FeaturesOnDisk(
            _from_npy(str(path)) if kind == "npy" else _from_hdf5(str(path), key)
        )
    if check:
        features.check()
    features._source.checked = True  # or left to the reading, which looks at every value anyway
    return features


def is_on_disk(values) -> bool:
    """Whether ``values`` are something that stays on disk: features opened here, a NumPy memory map, an h5py data set."""
    h5py = sys.modules.get("h5py")  # whoever has made such a data set has loaded it
    return isinstance(values, FeaturesOnDisk | np.memmap) or (
        h5py is not None and isinstance(values, h5py.Dataset)
    )


def as_on_disk(values, source: str = "") -> FeaturesOnDisk:
    """Whatever :func:`is_mapped` says yes to, as checked :class:`MappedFeatures`. Raises ``DataError``."""
    if isinstance(values, np.memmap):
        try:
            values = FeaturesOnDisk(_Map(values))
        except DataError as error:
            raise DataError(f"{source}: {error}" if source else str(error)) from None
    elif not isinstance(values, FeaturesOnDisk):
        if values.file.mode != "r":
            raise DataError(
                f"{values.file.filename}: the file must be open for reading only, got {values.file.mode!r}: close it"
            )
        values = open_features(values.file.filename, values.name)
    values.check(source)
    return values


def rows_of(features: np.ndarray | FeaturesOnDisk, rows: np.ndarray) -> np.ndarray | FeaturesOnDisk:
    """Some ``rows`` (n,) of features (N, D): a copy (n, D) of those in memory, a lazy selection of those on disk."""
    return features.select(rows) if isinstance(features, FeaturesOnDisk) else features[rows]


def in_chunks(
    features: np.ndarray | FeaturesOnDisk,
    rows: np.ndarray | None = None,
    rows_at_once: int | None = None,
) -> Iterator[tuple[slice, np.ndarray]]:
    """Go through ``rows`` (R,) of features (N, D), all where None, a block at a time: their places, and features (n, D).

    The same for features in memory and on disk. Hand in ascending ``rows`` where the order is of no matter: a disk likes it.
    """
    count, width = (len(features) if rows is None else len(rows)), features.shape[1]
    step = rows_at_once or max(1, BLOCK // (4 * width))
    for start in range(0, count, step):
        places = slice(start, min(start + step, count))
        yield places, features[places if rows is None else rows[places]]


def _row_numbers(key, count: int) -> np.ndarray:
    """Row numbers from 0, from an index of any shape or a mask."""
    places = np.asarray(key) if not isinstance(key, tuple) else None
    if places is not None and not places.size and places.dtype != bool:
        return places.astype(np.int64)
    if (
        places is None
        or places.dtype.kind not in "biu"
        or (places.dtype == bool and places.shape != (count,))
    ):
        got = "a pair of indices" if places is None else f"{places.dtype} of shape {places.shape}"
        raise DataError(
            f"features on disk are taken by row numbers, a slice of rows or a mask of {count} rows, got {got}: "
            "take rows first, then columns, features[rows][:, columns]"
        )
    if places.dtype == bool:
        return np.flatnonzero(places)
    if places.size and (places.min() < -count or places.max() >= count):
        raise IndexError(
            f"rows must be from 0 to {count - 1}, got {places.min()} to {places.max()}"
        )
    places = places.astype(np.int64)
    return np.where(places < 0, places + count, places)


# --- where the rows come from ---------------------------------------------------------------------------------------


class _Source(Protocol):
    """A matrix in a file. ``checked`` says that no pass over all of it is wanted, to see whether it is finite."""

    shape: tuple[int, int]
    path: str
    checked: bool

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Rows (n, D) in the file's own number type; ``rows`` ascend, and may repeat."""
        ...


class _Map:
    """A memory map. Pages that were read are let go now and then, or a pass over the file would seem to fill the memory."""

    def __init__(self, array: np.memmap) -> None:
        self.array, self.shape, self.checked, self._touched = array, array.shape, False, 0
        self.path = str(array.filename or "a memory map")
        _check_matrix(self.path, array.shape, array.dtype)
        # Only of a whole map that nobody can have written to: the part of a map hides it, and changes would be lost.
        whole = isinstance(array.base, mmap.mmap) and array.mode == "r"
        self._pages = array.base if whole and hasattr(mmap, "MADV_DONTNEED") else None
        self._file = array.base
        while isinstance(self._file, np.ndarray):
            self._file = self._file.base
        self._end = array.offset - array.offset % mmap.ALLOCATIONGRANULARITY + len(self._file)

    def read(self, rows: np.ndarray) -> np.ndarray:
        # Touching what is no longer there ends the process. A file that is cut during the next lines still does that.
        if self._file.size() < self._end:
            raise EOFError(
                f"it was cut to {self._file.size():,} of {self._end:,} bytes while it was in use"
            )
        first, last = int(rows[0]), int(rows[-1])
        in_a_row = last - first + 1 == len(rows) and bool((np.diff(rows) == 1).all())
        if self._pages is not None:
            self._let_go(in_a_row, len(rows))
            self._pages.madvise(mmap.MADV_SEQUENTIAL if in_a_row else mmap.MADV_RANDOM)
            if not in_a_row and self.array.flags.c_contiguous:
                self._ask_for(rows)
        return self.array[first : last + 1] if in_a_row else self.array[rows]

    def _ask_for(self, rows: np.ndarray) -> None:
        """Have the disk told of all rows at once: row after row, it would answer each before it hears of the next.

        From a disk whose file was not cached, 256 rows of 8 kB came in 5 ms so, in 60 ms without, and in 600 ms where Linux
        was left to read ahead around each of them.
        """
        width = self.array.dtype.itemsize * self.shape[1]
        gaps = np.flatnonzero(np.diff(rows) > 1) + 1
        first, last = rows[np.r_[0, gaps]], rows[np.r_[gaps - 1, -1]]
        begin = (
            self.array.offset % mmap.ALLOCATIONGRANULARITY
        )  # the map starts at a whole page of the file
        starts, ends = begin + first * width, begin + (last + 1) * width
        starts -= starts % mmap.PAGESIZE
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            self._pages.madvise(mmap.MADV_WILLNEED, start, end - start)

    def _let_go(self, in_a_row: bool, count: int) -> None:
        width = self.array.dtype.itemsize * self.shape[1]
        self._touched += count * (width if in_a_row else max(width, AROUND))
        if self._touched > HELD:
            self._pages.madvise(mmap.MADV_DONTNEED)
            self._touched = 0

    def __reduce__(self):
        if (
            not isinstance(self.array.base, mmap.mmap)
            or self.array.mode != "r"
            or not self.array.filename
        ):
            raise DataError(
                f"{self.path}: a part of a memory map, or one that can be written to, cannot be sent to another process "
                "without copying it: use datasets.open_features(path)"
            )
        order = "C" if self.array.flags.c_contiguous else "F"
        return _map_again, (
            self.path,
            self.array.dtype.str,
            self.array.offset,
            self.shape,
            order,
            self.checked,
        )


def _map_again(
    path: str, dtype: str, offset: int, shape: tuple[int, int], order: str, checked: bool
) -> _Map:
    with one_clear_error(Path(path), "a mapped"):
        made = _Map(np.memmap(path, dtype, "r", offset, shape, order))
    made.checked = checked
    return made


class _Slices:
    """An HDF5 array that cannot be mapped. Each stored chunk is unpacked once a call, however many of its rows are wanted."""

    def __init__(self, entry, path: str, key: str) -> None:
        self.entry, self.path, self.key, self.checked = entry, path, key, False
        self.shape = entry.shape
        tall = entry.chunks[0] if entry.chunks else entry.shape[0]
        self._tall = max(
            1, min(tall, BLOCK // (entry.dtype.itemsize * entry.shape[1]))
        )  # rows read together

    def read(self, rows: np.ndarray) -> np.ndarray:
        out = np.empty((len(rows), self.shape[1]), self.entry.dtype)
        ends = [*(np.flatnonzero(np.diff(rows // self._tall)) + 1).tolist(), len(rows)]
        start = 0
        for (
            end
        ) in ends:  # h5py's own indexing by many rows takes a step of its own for each of them
            first, last = rows[start], rows[end - 1]
            out[start:end] = self.entry[first : last + 1][rows[start:end] - first]
            start = end
        return out

    def __reduce__(self):
        return _slice_again, (self.path, self.key, self.checked)


def _slice_again(path: str, key: str, checked: bool) -> _Source:
    made = _from_hdf5(path, key)
    made.checked = checked
    return made


# --- opening --------------------------------------------------------------------------------------------------------


def _kind(path: Path) -> str:
    """``npy`` or ``hdf5``, told by what the file starts with."""
    try:
        with open(path, "rb") as file:
            head = file.read(12)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file: check its name") from None
    except OSError as error:
        raise DataError(
            f"{path}: the file must be readable, got {error.strerror or error}"
        ) from None
    if head.startswith(NPY):
        return "npy"
    import h5py

    if h5py.is_hdf5(path):
        return "hdf5"
    raise DataError(
        f"{path}: features on disk must be in an .npy or an HDF5 file, got one that starts with {head!r}: "
        "save them with np.save, or with h5py"
    )


def npy_header(stream) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether column by column, and number type; raises ``ValueError`` for what is no such header."""
    version = np.lib.format.read_magic(stream)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise ValueError(f"unknown version {version} of the .npy format")
    return readers[version](stream)


def _from_npy(path: str) -> _Map:
    with open(path, "rb") as file:
        shape, by_columns, dtype = npy_header(file)
        start, size = file.tell(), os.fstat(file.fileno()).st_size
    _check_matrix(path, shape, dtype)
    check_size(path, shape, dtype, size - start)
    return _Map(np.memmap(path, dtype, "r", start, shape, "F" if by_columns else "C"))


def check_size(path: str | Path, shape: tuple[int, ...], dtype: np.dtype, there: int) -> None:
    """Raise ``DataError`` unless ``shape`` takes exactly the bytes that are ``there``."""
    claimed = prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or claimed != there:
        raise DataError(
            f"{path}: its header claims {dtype} of shape {shape}, {claimed:,} bytes, but {there:,} follow: "
            "the file is truncated or damaged, copy or write it again"
        )


def _check_matrix(path: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
    if dtype.kind not in "biuf":
        raise DataError(f"{path}: features must be real numbers, got {dtype}: save them as float32")
    if len(shape) != 2 or 0 in shape:
        raise DataError(
            f"{path}: features must be a matrix with rows and columns, got shape {shape}: save them as (N, D)"
        )


def _from_hdf5(path: str, key: str) -> _Map | _Slices:
    entry = hdf5_array(Path(path), open_hdf5(path, rdcc_nbytes=2 * BLOCK), key)
    _check_matrix(f"{path}: {key!r}", entry.shape, entry.dtype)
    start = entry.id.get_offset() if entry.chunks is None else None
    if start is not None and start + prod(entry.shape) * entry.dtype.itemsize <= os.path.getsize(
        path
    ):
        array = np.memmap(path, entry.dtype, "r", start, entry.shape)
        # The offset counts from the start of the file only as far as the library says so: look.
        if all(array[row].tobytes() == entry[row].tobytes() for row in (0, -1)):
            entry.file.close()
            return _Map(array)
    return _Slices(entry, path, key)


def hdf5_array(path: Path, file, key: str):
    """The array ``key`` of an open HDF5 file, known to lie in it whole; raises ``DataError`` for a link, a group, a claim."""
    import h5py

    place, parts = file, [part for part in key.split("/") if part]
    for number, part in enumerate(parts):
        there = (
            list(place) if isinstance(place, h5py.Group) else []
        )  # the trial has looked for no other names
        if part not in there:
            got = (
                (", ".join(map(repr, there)) or "nothing")
                if isinstance(place, h5py.Group)
                else "an array"
            )
            raise DataError(
                f"{path}: the file must hold {key!r}, got {got}: name the array, as in key='group/name'"
            )
        if not isinstance(place.get(part, getlink=True), h5py.HardLink):
            name = "/".join(parts[: number + 1])
            raise DataError(
                f"{path}: {name!r} points elsewhere, which is not followed: name the file and array that it means"
            )
        place = place[part]
    if not isinstance(place, h5py.Dataset):
        raise DataError(
            f"{path}: {key!r} must be an array, got {type(place).__name__.lower()}: name an array in it"
        )
    check_hdf5_array(path, place, os.path.getsize(path))
    return place
