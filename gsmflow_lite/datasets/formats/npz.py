"""The .npz format: a zip archive of .npy files, never unpickled."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable
from math import prod
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from ...errors import DataError
from .limits import most_inflated, one_clear_error, raise_unreadable
from .npy import NUMBERS_OR_TEXT, as_characters, npy_header


def read_npz(
    path: Path, required: Iterable[str], optional: Iterable[str] = ()
) -> dict[str, Shaped[np.ndarray, " ..."]]:
    """Read arrays by name: all of ``required``, and those of ``optional`` that are in the file.

    Raises ``DataError``.
    """
    try:
        size = os.path.getsize(path)
        with (
            open(path, "rb") as file,
            one_clear_error(path, "an .npz"),
            zipfile.ZipFile(file) as archive,
        ):
            members = _members(path, archive)
            keys = _keys_to_read(path, list(members), list(required), list(optional))
            return {key: _member(path, archive, members[key], key, size) for key in keys}
    except OSError as error:
        raise_unreadable(path, error)


def _members(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    if len(members) < len(archive.infolist()):
        raise DataError(
            f"{path}: each array must occur once in the file, but one occurs again: "
            "write the file anew"
        )
    for info in archive.infolist():  # a damaged list of contents would hide what is optional
        archive.open(info).close()
    return members


def _keys_to_read(
    path: Path,
    keys: list[str],
    required: list[str],
    optional: list[str],
) -> list[str]:
    missing = [key for key in required if key not in keys]
    if missing:
        raise DataError(
            f"{path}: the file must hold {', '.join(map(repr, missing))}, "
            f"got {', '.join(map(repr, keys)) or 'nothing'}: add what is missing with np.savez"
        )
    return [*required, *(key for key in optional if key in keys)]


def _member(
    path: Path,
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    key: str,
    size: int,
) -> np.ndarray:
    """Read one array, after its header's claim is known to fit into the bytes that can be there."""
    _check_claim(path, archive, info, key, _most_bytes(path, info, key, size))
    with archive.open(info) as stream:
        array = np.lib.format.read_array(stream, allow_pickle=False)
        if stream.read(1):
            raise ValueError(f"{key!r} has bytes after its end")
    return as_characters(array)


def _most_bytes(
    path: Path,
    info: zipfile.ZipInfo,
    key: str,
    size: int,
) -> int:
    """Return how many bytes are believed to be in one member of an archive of ``size`` bytes."""
    packed = min(info.compress_size, size)
    if info.compress_type == zipfile.ZIP_STORED:
        return min(info.file_size, packed)
    if info.compress_type == zipfile.ZIP_DEFLATED:
        return min(info.file_size, most_inflated(packed))
    raise DataError(
        f"{path}: {key!r} must be stored plainly or deflated, got method {info.compress_type}: "
        "use np.savez_compressed"
    )


def _check_claim(
    path: Path,
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    key: str,
    most: int,
) -> None:
    with archive.open(info) as stream:
        shape, _, dtype = npy_header(stream)
    if dtype.kind not in NUMBERS_OR_TEXT:
        raise DataError(
            f"{path}: {key!r} must hold numbers or text, got {dtype}: "
            "convert it with astype before saving"
        )
    claimed = prod(shape) * max(dtype.itemsize, 1)
    if min(shape, default=0) < 0 or claimed > most:
        raise DataError(
            f"{path}: {key!r} claims shape {shape} ({claimed:,} bytes) but at most {most:,} bytes "
            "are believed to be there: the file is truncated or damaged, so write it again"
        )
