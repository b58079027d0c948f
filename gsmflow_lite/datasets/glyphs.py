"""Letters and digits of real typefaces, embedded in the package; features decode to pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float, Shaped

from ..errors import DataError
from .base import GZSLDataset
from .formats.npz import read_npz

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
    """Load 47 classes of letters and digits: one picture of each class in each typeface.

    The attributes of a class describe its strokes. Features are ``components`` whitened principal
    components of the pixels. Where ``components`` is None, they are the 784 pixels themselves,
    from 0 (paper) to 1 (ink). Whole typefaces are held out for ``test_seen``; ``groups`` are
    families of typefaces. ``decode`` turns features into pictures of 28 x 28 pixels. Raises
    ``DataError`` if the embedded file is missing or damaged.
    """
    dataset = _pixels(_read(embedded("glyphs.npz", "build_glyphs.py")))
    return dataset if components is None else dataset.preprocessed("whitened-pca", components)


def _pixels(content: dict[str, np.ndarray]) -> GZSLDataset:
    """Return the data set whose features are pixels."""
    images = content["images"]
    faces, classes = images.shape[:2]
    pixels = images.reshape(faces * classes, SIDE, SIDE)
    labels = np.tile(np.arange(classes), faces)
    families = np.unique(content["families"], return_inverse=True)[1]

    unseen = np.isin(labels, content["unseen"])
    tested = np.repeat(content["test_faces"].astype(bool), classes)
    return GZSLDataset(
        features=pixels.reshape(len(labels), -1) / np.float32(255),
        labels=labels,
        attributes=content["attributes"],
        train=np.flatnonzero(~unseen & ~tested),
        test_seen=np.flatnonzero(~unseen & tested),
        test_unseen=np.flatnonzero(unseen),
        class_names=content["class_names"].tolist(),
        attribute_names=content["attribute_names"].tolist(),
        groups=np.repeat(families, classes),
        images=pixels,
        decode=_pictures,
        name="glyphs",
        source="the embedded glyphs.npz",
    )


def _pictures(pixels: Float[np.ndarray, "M D"]) -> Float[np.ndarray, "M H W"]:
    return np.asarray(pixels, np.float32).reshape(-1, SIDE, SIDE)


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


def _read(path: Path) -> dict[str, Shaped[np.ndarray, " ..."]]:
    """Read the file; ``images`` has a row for each face and a column for each class."""
    content = read_npz(path, KEYS)
    images = content["images"]
    if images.ndim != 4 or images.shape[2:] != (SIDE, SIDE) or images.dtype != np.uint8:
        raise DataError(
            f"{path}: images must be (faces, classes, 28, 28) of uint8, "
            f"got {images.shape} of {images.dtype}"
        )
    faces, classes = images.shape[:2]
    lengths = {"families": faces, "test_faces": faces, "class_names": classes}
    for key, length in lengths.items():
        if content[key].shape != (length,):
            raise DataError(
                f"{path}: {key} must have shape ({length},), got {content[key].shape}: "
                "build the file again"
            )
    return content
