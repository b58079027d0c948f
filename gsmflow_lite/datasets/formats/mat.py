"""The .mat format of MATLAB 5 to 7.3: arrays by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from ...errors import DataError
from .limits import one_clear_error, raise_unreadable
from .mat5 import mat5_names, read_mat5
from .mat73 import mat73_names, read_mat73

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
HDF5_OFFSETS = (0, 512, 1024, 2048)  # MATLAB puts a header of 512 bytes before the HDF5 part
NOT_MAT = {  # what is found in place of a .mat file when a download went wrong
    b"version https://git-lfs": "it is a Git LFS pointer: fetch the file itself with git lfs pull",
    b"<": "it looks like a web page: the download was refused or needs a login",
    b"PK": "it is a zip archive: unpack it first",
    b"\x1f\x8b": "it is a gzip archive: unpack it first",
}


def read_mat(
    path: str | Path,
    wanted: Iterable[str] | None = None,
    *,
    optional: Iterable[str] = (),
    single: Iterable[str] = (),
    left_out: list[str] | None = None,
) -> dict[str, Shaped[np.ndarray, " ..."] | list[str]]:
    """Read arrays by name: numbers as arrays in MATLAB's shape, text as a list of ``str``.

    All of ``wanted`` must be in the file; None reads everything. Those of ``optional`` are read if
    the file has them. With a list ``left_out``, one of them that is of a kind that is not read,
    such as a string of MATLAB, is left out, and a sentence on it is added to the list. Arrays named
    in ``single`` become float32 while they are read, where they are in double precision: this takes
    a third of the memory of converting them afterwards. The file's header says whether it is MATLAB
    5 (to 7.2) or 7.3, which is HDF5.

    Raises ``DataError`` for a file that is missing, truncated or damaged, lacks a name, holds
    something else under it (sparse, struct, complex), or claims to hold more than fits.
    """
    path = Path(path)
    read = read_mat73 if _is_hdf5(path) else read_mat5
    choose: Callable[[list[str]], list[str]] = list
    if wanted is not None:
        choose = partial(_choose, path, list(wanted), list(optional))
    spared = {} if left_out is None else dict.fromkeys(optional, left_out)
    with one_clear_error(path):
        return read(path, choose, set(single), spared)


def mat_names(path: str | Path) -> list[str]:
    """Return the names of the arrays in a .mat file, without reading them. Raises ``DataError``."""
    path = Path(path)
    names_in = mat73_names if _is_hdf5(path) else mat5_names
    with one_clear_error(path):
        return names_in(path)


def mat_format(path: str | Path) -> str:
    """Return ``"MATLAB 5"`` (versions 5 to 7.2) or ``"MATLAB 7.3"``, by the file's header.

    Raises ``DataError``.
    """
    return "MATLAB 7.3" if _is_hdf5(Path(path)) else "MATLAB 5"


def _is_hdf5(path: Path) -> bool:
    """Tell the two formats apart by the header. Raises ``DataError`` for any other file."""
    try:
        with open(path, "rb") as file:
            head = file.read(HDF5_OFFSETS[-1] + len(HDF5_SIGNATURE))
    except OSError as error:
        raise_unreadable(path, error)
    if any(head[at : at + len(HDF5_SIGNATURE)] == HDF5_SIGNATURE for at in HDF5_OFFSETS):
        return True
    if head[126:128] in (b"IM", b"MI"):
        return False
    raise DataError(
        f"{path}: a .mat file must start with a MATLAB 5 or 7.3 header, got {head[:12]!r}: "
        f"{_guess(head)}"
    )


def _guess(head: bytes) -> str:
    """Return what happened to a file that begins with ``head``, and what to do."""
    if not head:
        return "it is empty: copy or download it again"
    for start, hint in NOT_MAT.items():
        if head.lstrip().startswith(start):
            return hint
    return "save it with MATLAB's -v7 or -v7.3 option"


def _choose(
    path: Path,
    wanted: list[str],
    optional: list[str],
    present: list[str],
) -> list[str]:
    """Return the names to read, or raise an error that lists the names in the file."""
    missing = [name for name in wanted if name not in present]
    if missing:
        raise DataError(
            f"{path}: the file must hold {', '.join(map(repr, missing))}, "
            f"got {', '.join(map(repr, present)) or 'nothing'}: "
            "is it the right file, in the layout that was meant?"
        )
    return wanted + [name for name in optional if name in present and name not in wanted]
