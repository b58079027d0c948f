"""Arrays of a .mat file, checked for both layouts of benchmark folders. Raises ``DataError``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Int, Shaped

from ..errors import DataError

LARGEST_EXACT = 2**53  # float64 tells all whole numbers up to it apart

MatContent = Mapping[str, Shaped[np.ndarray, " ..."] | list[str]]  # what ``read_mat`` returns


def mat_matrix(
    content: MatContent,
    key: str,
    path: Path,
) -> Shaped[np.ndarray, "N D"]:
    """Return the matrix of numbers ``key``."""
    values = content[key]
    if isinstance(values, list):
        raise DataError(f"{path}: {key} must be a matrix of numbers, got text: save it again")
    if values.ndim != 2 or 0 in values.shape:
        raise DataError(
            f"{path}: {key} must be a matrix of numbers, got shape {values.shape}: save it again"
        )
    return values


def mat_whole_numbers(
    content: MatContent,
    key: str,
    path: Path,
) -> Int[np.ndarray, " N"]:
    """Return a column or a row of whole numbers, as int64.

    Unsigned numbers would wrap around when 1 is subtracted.
    """
    values = mat_matrix(content, key, path)
    if 1 not in values.shape:
        raise DataError(
            f"{path}: {key} must be one column (n, 1) or one row (1, n), got shape {values.shape}"
        )
    flat = values.ravel().astype(np.float64)
    strange = ~np.isfinite(flat) | (flat != np.round(flat)) | (np.abs(flat) > LARGEST_EXACT)
    if strange.any():
        raise DataError(
            f"{path}: {key} must hold whole numbers, got {flat[strange][0]} "
            f"in place {np.argmax(strange) + 1}"
        )
    return flat.astype(np.int64)


def from_zero(
    index: Int[np.ndarray, " N"],
    most: int,
    key: str,
    path: Path,
    what: str,
) -> Int[np.ndarray, " N"]:
    """Return numbers from 0, of an index that counts from 1 to ``most``, as MATLAB does."""
    low = index.min()
    high = index.max()
    if low < 1 or high > most:
        hint = "do the two files belong together?"
        if low == 0 and high < most:
            hint = "they are 0-based, so add 1"
        raise DataError(
            f"{path}: {key} must be from 1 to {most} ({what}), got {low} to {high}: {hint}"
        )
    return index - 1
