"""The HDF5 format: arrays by name, which are checked before they are read.

No link into another file is followed.
"""

from __future__ import annotations

import os
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Shaped

from ...errors import DataError
from .limits import most_inflated
from .sandbox import failure

if TYPE_CHECKING:
    import h5py

KNOWN_FILTERS = {1, 2, 3, 32000}  # deflate, shuffle, checksum, LZF
NUMBERS_OR_BYTES = "biufS"  # kinds of NumPy type
SPARE_CHUNK = 1 << 20  # bytes by which a chunk may be larger than its array


def open_hdf5(path: str | Path, **options: Any) -> h5py.File:
    """Open an HDF5 file for reading; ``options`` go to ``h5py.File``. Raises ``DataError``."""
    import h5py

    problem = failure(path)
    if problem:
        raise DataError(
            f"{path}: an HDF5 file must be readable, but {problem}: it is damaged, "
            "so copy or download it again"
        )
    # All who open a file in one process must open it in the same way, so the usual way comes first.
    try:
        return h5py.File(path, "r", **options)
    except OSError:  # locks fail on some network disks, and nothing is written
        return h5py.File(path, "r", locking=False, **options)


def hdf5_array(
    path: Path,
    file: h5py.File,
    key: str,
) -> h5py.Dataset:
    """Find the array ``key`` of an open file, and check that all of it lies in this file.

    Raises ``DataError`` for a link, for a group, and for an array that claims more than it can
    hold.
    """
    import h5py

    entry: Any = file
    walked: list[str] = []
    for part in key.split("/"):
        if part:
            walked.append(part)
            entry = _member(path, entry, walked, key)

    if not isinstance(entry, h5py.Dataset):
        raise DataError(
            f"{path}: {key!r} must be an array, got {type(entry).__name__.lower()}: "
            "name an array in it"
        )
    check_hdf5_array(path, entry, os.path.getsize(path))
    return entry


def _member(
    path: Path,
    group: Any,
    walked: list[str],
    key: str,
) -> Any:
    """Go one step down, from a group to its member ``walked[-1]``."""
    import h5py

    name = walked[-1]
    is_group = isinstance(group, h5py.Group)
    names = list(group) if is_group else []  # the trial process has looked at these names only
    if name not in names:
        got = ", ".join(map(repr, names)) or "nothing"
        raise DataError(
            f"{path}: the file must hold {key!r}, got {got if is_group else 'an array'}: "
            "name the array, as in key='group/name'"
        )
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise DataError(
            f"{path}: {'/'.join(walked)!r} points elsewhere, which is not followed: "
            "name the file and array that it means"
        )
    return group[name]


def check_hdf5_array(path: Path, entry: h5py.Dataset, size: int) -> None:
    """Check that the stored bytes can hold what the shape claims, and that all lie in this file.

    ``size`` is that of the file in bytes. Raises ``DataError``.
    """
    if entry.external or entry.is_virtual:
        raise DataError(
            f"{path}: {entry.name!r} keeps its data in another file, which is not followed: "
            "save the array itself"
        )
    if entry.shape is None:
        raise DataError(f"{path}: {entry.name!r} holds nothing: save the array again")

    most = _most_bytes(path, entry, size)
    claimed = prod(entry.shape) * entry.dtype.itemsize
    chunk = prod(entry.chunks or ()) * entry.dtype.itemsize
    if claimed > most or chunk > max(claimed, SPARE_CHUNK) + SPARE_CHUNK:
        raise DataError(
            f"{path}: {entry.name!r} claims shape {entry.shape} ({max(claimed, chunk):,} bytes) "
            f"but at most {most:,} bytes are believed to be there: the file is truncated or "
            "damaged, copy or download it again"
        )


def _most_bytes(path: Path, entry: h5py.Dataset, size: int) -> int:
    """Return how many bytes are believed to be in an array of a file of ``size`` bytes."""
    stored = min(entry.id.get_storage_size(), size)
    filters = _filters(entry)
    if set(filters) - KNOWN_FILTERS or len(set(filters)) < len(filters):
        raise DataError(
            f"{path}: {entry.name!r} is compressed in an unknown way (filters {filters}): "
            "save it with gzip (-v7.3)"
        )
    return most_inflated(stored) if filters else stored + 64


def _filters(entry: h5py.Dataset) -> list[int]:
    plan = entry.id.get_create_plist()
    return [plan.get_filter(number)[0] for number in range(plan.get_nfilters())]


def hdf5_values(
    path: Path,
    file: h5py.File,
    key: str,
) -> Shaped[np.ndarray, " ..."]:
    """Read the numbers or the text of the array ``key``. Raises ``DataError``."""
    import h5py

    entry = hdf5_array(path, file, key)
    if h5py.check_string_dtype(entry.dtype) is not None:
        return np.asarray(entry.asstr()[()], dtype=str)
    if entry.dtype.kind not in NUMBERS_OR_BYTES:
        raise DataError(
            f"{path}: {key!r} must hold numbers or text, got {entry.dtype}: save it as one of these"
        )
    return entry[()]
