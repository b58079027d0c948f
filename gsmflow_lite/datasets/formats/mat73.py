"""A .mat file of MATLAB 7.3, which is an HDF5 file.

Dimensions are in the opposite order, text is stored as numbers, and cells as references.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Shaped

from ...errors import DataError
from .hdf5 import check_hdf5_array, open_hdf5
from .mat5 import AS_TEXT, LONGEST_TEXT, values_by_name

if TYPE_CHECKING:
    import h5py


def mat73_names(path: Path) -> list[str]:
    """Return the names of the arrays in the file."""
    with open_hdf5(path) as file:
        return _names(file)


def read_mat73(
    path: Path,
    choose: Callable[[list[str]], list[str]],
    single: set[str],
    spared: Mapping[str, list[str]],
) -> dict[str, Shaped[np.ndarray, " ..."] | list[str]]:
    """Read the arrays that ``choose`` picks from the names of all.

    Those named in ``single`` become float32, where they are in double precision. Those in
    ``spared`` are left out where they are of a kind that is not read; why is added to their list.
    Raises ``DataError``.
    """
    with open_hdf5(path) as file:
        names = choose(_names(file))
        return values_by_name(names, lambda name: _value(path, file, name, name in single), spared)


def _names(file: h5py.File) -> list[str]:
    return [name for name in file if not name.startswith("#")]  # '#refs#' holds contents of cells


def _value(
    path: Path,
    file: h5py.File,
    name: str,
    single: bool,
) -> np.ndarray | list[str]:
    entry = _checked_array(path, file, name)
    try:
        return _content(path, file, entry, name, single)
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: {name!r} must be text, but {error}: {AS_TEXT}") from None


def _content(
    path: Path,
    file: h5py.File,
    entry: h5py.Dataset,
    name: str,
    single: bool,
) -> np.ndarray | list[str]:
    import h5py

    kind = _matlab_class(entry)
    if kind == "char":
        return _rows_of_text(entry)
    if kind == "string" or "MATLAB_object_decode" in entry.attrs:
        raise DataError(
            f"{path}: {name!r} is an object of MATLAB, perhaps a string array: {AS_TEXT}"
        )
    if h5py.check_ref_dtype(entry.dtype) is not None:
        return _cells(path, file, entry)
    if h5py.check_string_dtype(entry.dtype) is not None:  # written from Python, not by MATLAB
        return [str(text).rstrip() for text in np.ravel(entry.asstr()[()], order="F")]
    return _numbers(path, entry, name, single)


def _checked_array(
    path: Path,
    file: h5py.File,
    name: str,
) -> h5py.Dataset:
    """Return the array ``name``, known to be full and to lie in this file."""
    import h5py

    if isinstance(file.get(name, getlink=True), h5py.ExternalLink):
        raise DataError(
            f"{path}: {name!r} points into another file, which is not followed: "
            "save the array itself"
        )
    entry = file[name]
    if "MATLAB_sparse" in entry.attrs:
        raise DataError(
            f"{path}: {name!r} is a sparse matrix, which cannot be used here: "
            "save it with full(...)"
        )
    if not isinstance(entry, h5py.Dataset):
        raise DataError(
            f"{path}: {name!r} must be an array, got a struct: save its fields as variables"
        )
    check_hdf5_array(path, entry, os.path.getsize(path))
    return entry


def _matlab_class(entry: h5py.Dataset) -> str:
    kind = entry.attrs.get("MATLAB_class", b"")
    return kind.decode("ascii", "replace") if isinstance(kind, bytes) else str(kind)


def _numbers(
    path: Path,
    entry: Any,
    name: str,
    single: bool,
) -> np.ndarray:
    if entry.dtype.kind not in "biuf":  # complex numbers are stored as pairs
        raise DataError(
            f"{path}: {name!r} must hold real numbers, got {entry.dtype}: save its real part"
        )
    if "MATLAB_empty" in entry.attrs:  # what is stored are the dimensions of an empty array
        return np.zeros((0, 0))
    if single and entry.dtype in (np.dtype("<f8"), np.dtype(">f8")):
        entry = entry.astype(np.float32)  # HDF5 converts it, a piece at a time
    return np.asarray(entry[()]).T  # HDF5 lists the dimensions in the opposite order


def _rows_of_text(entry: h5py.Dataset) -> list[str]:
    if "MATLAB_empty" in entry.attrs:
        return []
    rows = np.atleast_2d(np.asarray(entry[()]).T)
    length = rows.shape[-1]
    if length > LONGEST_TEXT:
        raise ValueError(f"a text of {length:,} characters is longer than {LONGEST_TEXT:,}")
    return [row.astype("<u2").tobytes().decode("utf-16-le").rstrip() for row in rows]


def _cells(
    path: Path,
    file: h5py.File,
    entry: h5py.Dataset,
) -> list[str]:
    references = np.ravel(np.asarray(entry[()]).T, order="F")
    return [_cell_text(path, entry, file[reference]) for reference in references]


def _cell_text(path: Path, cells: h5py.Dataset, cell: Any) -> str:
    import h5py

    if not isinstance(cell, h5py.Dataset) or cell.dtype.kind not in "iu":
        raise DataError(f"{path}: the cells of {cells.name!r} must each hold one text, got {cell}")
    check_hdf5_array(path, cell, os.path.getsize(path))
    rows = _rows_of_text(cell)
    if len(rows) > 1:
        raise DataError(
            f"{path}: the cells of {cells.name!r} must each hold one text, got {len(rows)} rows"
        )
    return rows[0] if rows else ""
