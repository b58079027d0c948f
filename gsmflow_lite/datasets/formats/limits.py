"""Limits on what a file may claim to hold, and one clear error for a file that is broken.

A compressed file may claim to hold far more bytes than it has. Before memory is taken, the claim is
compared with the largest content that is believed (:func:`most_inflated`):

- Deflate cannot pack better than ``DEFLATE_LIMIT`` to 1. A larger claim is false.
- Real data rarely pack better than ``USUAL_RATIO`` to 1. A larger claim may be made to fill the
  memory.
- Such a claim is believed up to ``ALWAYS_BELIEVED`` bytes, because sorted labels do pack so well.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from ...errors import DataError
from ...storage import nearby

DEFLATE_LIMIT = 1032  # deflate packs at best 258 bytes into 2 bits
USUAL_RATIO = 100
ALWAYS_BELIEVED = 1 << 28  # bytes; sorted labels of 30 million rows take about as many


def most_inflated(packed: int) -> int:
    """Return how many bytes are believed to be in ``packed`` deflated bytes."""
    usual = max(USUAL_RATIO * packed, ALWAYS_BELIEVED)
    return min(DEFLATE_LIMIT * packed, usual) + 64


@contextmanager
def one_clear_error(path: Path, what: str = "a .mat") -> Iterator[None]:
    """Turn whatever a reader raises on a broken file into one ``DataError`` that names the file."""
    try:
        yield
    except DataError:
        raise
    except MemoryError as error:
        raise DataError(
            f"{path}: {what} file must fit into memory to be read, but there is too little "
            f"({error}): close other programs, or keep features on disk (datasets.open_features)"
        ) from None
    except Exception as error:  # h5py, zlib and struct raise some twenty kinds on damaged files
        raise DataError(
            f"{path}: {what} file must be readable to its end, but reading failed "
            f"({type(error).__name__}: {error}): it is truncated or damaged, so copy or download "
            "it again"
        ) from None


def raise_unreadable(path: str | Path, error: OSError) -> NoReturn:
    """Raise a ``DataError`` for a file that the system does not let us read."""
    if isinstance(error, FileNotFoundError):
        raise DataError(f"{path}: there is no such file: check its name{nearby(path)}") from None
    raise DataError(f"{path}: the file must be readable, got {error.strerror or error}") from None
