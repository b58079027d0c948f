"""UMAP maps on disk: one file a map, its bytes followed by their sha256. Any file may be lost."""

from __future__ import annotations

import contextlib
import hashlib
import io
from importlib.metadata import version
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ..errors import StorageError
from ..storage import cache_folder, write_whole
from .umap_layout import EPOCHS, JITTER, MAP_FORMAT

DIGEST = hashlib.sha256().digest_size


def map_key(
    features: Float[np.ndarray, "N D"],
    neighbours: int,
    seed: int,
) -> str:
    """Hash what the map is made from, and the version of umap: another may draw another map."""
    recipe = (MAP_FORMAT, version("umap-learn"), EPOCHS, JITTER)
    settings = (*recipe, neighbours, seed, features.shape)
    digest = hashlib.sha256(repr(settings).encode())
    digest.update(np.ascontiguousarray(features, np.float32).tobytes())
    return digest.hexdigest()


def cached_map(
    key: str,
    rows: int,
) -> Float[np.ndarray, "N 2"] | None:
    """Read the map of so many rows; None where there is no file or it is damaged."""
    try:
        content = _path(key).read_bytes()
    except (OSError, RuntimeError):  # RuntimeError: a user without a home
        return None

    body = content[:-DIGEST]
    if hashlib.sha256(body).digest() != content[-DIGEST:]:
        return None
    try:
        layout = np.load(io.BytesIO(body), allow_pickle=False)
    except (ValueError, EOFError):
        return None
    return layout if layout.shape == (rows, 2) and layout.dtype == np.float32 else None


def keep_map(
    key: str,
    layout: Float[np.ndarray, "N 2"],
) -> None:
    """Write a map. A folder that cannot be written is no error, for the caller has the map."""
    body = io.BytesIO()
    np.save(body, layout, allow_pickle=False)
    content = body.getvalue()
    with contextlib.suppress(StorageError, RuntimeError):
        write_whole(_path(key), content + hashlib.sha256(content).digest())


def _path(key: str) -> Path:
    return cache_folder() / f"{key}.map"
