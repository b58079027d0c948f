"""Glyphs: letters and digits as real typefaces draw them, embedded in the package; its features decode to pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import DataError
from .arrays import read_npz
from .base import GZSLDataset

SIDE = 28  # pixels
KEYS = (
    "images",
    "families",
    "test_faces",
    "class_names",
    "attributes",
    "attribute_names",
    "unseen",
)


def glyphs(components: int | None = 64) -> GZSLDataset:
    """47 classes of letters and digits, one picture a class and typeface, described by their strokes.

    Features are ``components`` whitened principal components of the pixels, or, where None, the 784 pixels from 0 (paper)
    to 1 (ink). Whole typefaces are held out for ``test_seen``; ``groups`` are families of typefaces. ``decode`` turns
    features (M, D) into pictures (M, 28, 28). Raises ``DataError`` where the embedded file is missing or damaged.
    """
    content = _read(embedded("glyphs.npz", "build_glyphs.py"))
    images = content["images"]  # (faces, classes, 28, 28)
    faces, classes = images.shape[:2]
    labels = np.tile(np.arange(classes), faces)
    tested = np.repeat(content["test_faces"].astype(bool), classes)
    unseen = np.isin(labels, content["unseen"])
    pixels = images.reshape(faces * classes, SIDE, SIDE)
    dataset = GZSLDataset(
        features=pixels.reshape(len(labels), -1) / np.float32(255),
        labels=labels,
        attributes=content["attributes"],
        train=np.flatnonzero(~unseen & ~tested),
        test_seen=np.flatnonzero(~unseen & tested),
        test_unseen=np.flatnonzero(unseen),
        class_names=content["class_names"],
        attribute_names=content["attribute_names"],
        groups=np.repeat(np.unique(content["families"], return_inverse=True)[1], classes),
        images=pixels,
        decode=_pictures,
        name="glyphs",
        source="the embedded glyphs.npz",
    )
    return dataset if components is None else dataset.preprocessed("whitened-pca", components)


def _pictures(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(pixels, np.float32).reshape(-1, SIDE, SIDE)


def embedded(name: str, script: str) -> Path:
    """A file that comes with the package: a wheel carries it inside, an editable install in the repository's data folder.

    ``script`` is the one in data/ that makes it. Raises ``DataError`` where it is missing.
    """
    package = Path(__file__).resolve().parents[1]
    places = [package / "embedded" / name, package.parent / "data" / name]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise DataError(
            f"{places[0]}: this file comes with the package and must be there (or at {places[1]}), but it is not: install the "
            f"package again, or build the file with data/{script}"
        )
    return found


def _read(path: Path) -> dict[str, np.ndarray]:
    content = read_npz(path, KEYS)
    images = content["images"]
    if images.ndim != 4 or images.shape[2:] != (SIDE, SIDE) or images.dtype != np.uint8:
        raise DataError(
            f"{path}: images must be (faces, classes, 28, 28) of uint8, got {images.shape} of {images.dtype}"
        )
    for key, length in (
        ("families", images.shape[0]),
        ("test_faces", images.shape[0]),
        ("class_names", images.shape[1]),
    ):
        if content[key].shape != (length,):
            raise DataError(
                f"{path}: {key} must have shape ({length},), got {content[key].shape}: build the file again"
            )
    return content
