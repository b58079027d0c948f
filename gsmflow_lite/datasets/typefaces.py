"""Pictures of typefaces, embedded in the package: one of each class in each face."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from ..errors import DataError
from .base import GZSLDataset
from .formats.npz import read_npz

SIDE = 28  # pixels
KEYS = ("images", "test_faces", "unseen")

Content = dict[str, Shaped[np.ndarray, " ..."]]


def embedded(name: str, script: str) -> Path:
    """Return the path of a file that comes with the package; ``script`` in data/ builds that file.

    A wheel carries the file inside. An editable install has it in the repository's data folder.
    Raises ``DataError`` if it is missing.
    """
    package = Path(__file__).resolve().parents[1]
    inside = package / "embedded" / name
    beside = package.parent / "data" / name
    for place in (inside, beside):
        if place.is_file():
            return place
    raise DataError(
        f"{inside}: this file comes with the package and must be there (or at {beside}), but it is "
        f"not: install the package again, or build the file with data/{script}"
    )


def read_faces(path: Path, per_face: str, per_class: str, *more: str) -> Content:
    """Read pictures, which faces are for tests, which classes are unseen, and more by name.

    ``images`` has a row for each face and a column for each class. ``per_face`` and ``per_class``
    name arrays with an entry for each. Raises ``DataError``.
    """
    content = read_npz(path, (*KEYS, per_face, per_class, *more))
    images = content["images"]
    if images.ndim != 4 or images.shape[2:] != (SIDE, SIDE) or images.dtype != np.uint8:
        raise DataError(
            f"{path}: images must be (faces, classes, 28, 28) of uint8, "
            f"got {images.shape} of {images.dtype}"
        )
    faces, classes = images.shape[:2]
    lengths = {per_face: faces, "test_faces": faces, per_class: classes}
    for key, length in lengths.items():
        if content[key].shape != (length,):
            raise DataError(
                f"{path}: {key} must have shape ({length},), got {content[key].shape}: "
                "build the file again"
            )
    return content


def dataset_of_faces(
    content: Mapping[str, Shaped[np.ndarray, " ..."]],
    groups: Shaped[np.ndarray, " faces"],
    **fields: Any,
) -> GZSLDataset:
    """Return the data set whose features are pixels, from 0 (paper) to 1 (ink).

    Faces of one group stay together; ``groups`` names the group of each. ``fields`` are those of
    :class:`GZSLDataset` that say what the classes are.
    """
    images = content["images"]
    faces, classes = images.shape[:2]
    pixels = images.reshape(faces * classes, SIDE, SIDE)
    labels: Int[np.ndarray, " N"] = np.tile(np.arange(classes), faces)
    numbers = np.unique(groups, return_inverse=True)[1]

    unseen = np.isin(labels, content["unseen"])
    tested = np.repeat(content["test_faces"].astype(bool), classes)
    return GZSLDataset(
        features=pixels.reshape(len(labels), -1) / np.float32(255),
        labels=labels,
        train=np.flatnonzero(~unseen & ~tested),
        test_seen=np.flatnonzero(~unseen & tested),
        test_unseen=np.flatnonzero(unseen),
        groups=np.repeat(numbers, classes),
        images=pixels,
        decode=_pictures,
        **fields,
    )


def _pictures(pixels: Float[np.ndarray, "M D"]) -> Float[np.ndarray, "M H W"]:
    return np.asarray(pixels, np.float32).reshape(-1, SIDE, SIDE)
