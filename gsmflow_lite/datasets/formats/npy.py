"""The .npy format: one array of numbers or text in a file, never unpickled."""

from __future__ import annotations

import os
import sys
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import Shaped

from ...errors import DataError
from .limits import one_clear_error, raise_unreadable

NPY_MAGIC = b"\x93NUMPY"
NUMBERS_OR_TEXT = "biufSU"  # kinds of NumPy type that are read; an array of objects is a pickle
LONGEST_HEADER = 10_000  # bytes that NumPy is ready to understand
SURROGATES = (0xD800, 0xE000)  # numbers from the first to below the second are no characters


def npy_header(stream) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Read shape, whether the array is stored column by column, and number type.

    Raises ``ValueError`` for what is no such header.
    """
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(stream)
    if version == (2, 0):
        start = stream.tell()
        length = int.from_bytes(stream.read(4), "little")
        if length > LONGEST_HEADER:  # NumPy would take that much memory before it reads
            raise ValueError(f"its header claims {length:,} bytes")
        stream.seek(start)
        return np.lib.format.read_array_header_2_0(stream)
    raise ValueError(f"unknown version {version} of the .npy format")


def check_size(
    path: str | Path,
    shape: tuple[int, ...],
    dtype: np.dtype,
    size: int,
) -> None:
    """Check that an array of this shape takes exactly ``size`` bytes. Raises ``DataError``."""
    claimed = prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or claimed != size:
        raise DataError(
            f"{path}: its header claims {dtype} of shape {shape}, {claimed:,} bytes, but {size:,} "
            "follow: the file is truncated or damaged, copy or write it again"
        )


def read_npy(path: Path, *, on_disk: bool = False) -> Shaped[np.ndarray, " ..."]:
    """Read numbers or text; with ``on_disk`` the array stays in its file, as a memory map.

    Raises ``DataError``.
    """
    try:
        with open(path, "rb") as file, one_clear_error(path, "an .npy"):
            _check_header(path, file)
            array = np.load(path, mmap_mode="r" if on_disk else None, allow_pickle=False)
            return as_characters(array)
    except OSError as error:
        raise_unreadable(path, error)


def _check_header(path: Path, file: BinaryIO) -> None:
    shape, _, dtype = npy_header(file)
    if dtype.kind not in NUMBERS_OR_TEXT:
        raise DataError(
            f"{path}: the file must hold numbers or text, got {dtype}: "
            "convert it with astype before saving"
        )
    check_size(path, shape, dtype, os.fstat(file.fileno()).st_size - file.tell())


def as_characters(array: Shaped[np.ndarray, " ..."]) -> Shaped[np.ndarray, " ..."]:
    """Return text in place of bytes, and the array itself otherwise.

    Raises ``ValueError`` for text with numbers that are no characters: Python would fail on them
    much later.
    """
    if array.dtype.kind == "S":
        return np.char.decode(array, "utf-8")
    if array.dtype.kind == "U" and array.nbytes:
        _check_characters(array)
    return array


def _check_characters(array: np.ndarray) -> None:
    native = array.dtype.newbyteorder("=")
    text = np.atleast_1d(array).astype(native, order="C", copy=False)
    numbers = text.view(np.uint32)

    first, end = SURROGATES
    if numbers.max() > sys.maxunicode or ((numbers >= first) & (numbers < end)).any():
        raise ValueError("its text holds what is no character")
