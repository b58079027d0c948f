"""The images of rows: which axis holds their colours, and images that stay on disk."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Int, Shaped


def axis_of_colour(images: Any) -> int | None:
    """Return which axis of images holds their colours; 0 for ink, None for what is no picture."""
    if images is None:
        return None
    if images.ndim == 3:
        return 0
    if images.ndim != 4:
        return None
    return next((axis for axis in (3, 1) if images.shape[axis] in (1, 3)), None)


class ImageRows:
    """Some rows of images in a memory map. Nothing is read before it is asked for.

    It has the ``shape``, ``dtype`` and ``ndim`` of an array, and becomes one by ``np.asarray``.
    """

    def __init__(
        self, images: Shaped[np.ndarray, "N H W ..."], rows: Int[np.ndarray, " n"]
    ) -> None:
        self.images = images
        self.rows = rows
        self.shape = (len(rows), *images.shape[1:])
        self.dtype = images.dtype
        self.ndim = images.ndim

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: Any) -> Shaped[np.ndarray, " ..."]:
        return self.images[self.rows[key]]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.images[self.rows], dtype)


def images_of_rows(
    images: Shaped[np.ndarray, "N H W ..."] | ImageRows, rows: Int[np.ndarray, " n"]
) -> Shaped[np.ndarray, "n H W ..."] | ImageRows:
    """Return images of some rows: a copy in memory, or a selection on disk, which reads nothing."""
    if isinstance(images, ImageRows):
        return ImageRows(images.images, images.rows[rows])
    return ImageRows(images, rows) if _is_mapped(images) else images[rows]


def _is_mapped(array: Any) -> bool:
    """Return whether an array is a part of a file, whatever view of it was taken."""
    while isinstance(array, np.ndarray):
        if getattr(array, "_mmap", None) is not None:
            return True
        array = array.base
    return False
