"""The picture of a row: its own image; of an imagined feature: decoded, or real images near it.

A real row shows its image, where there are images, and else what its feature decodes to. An
imagined feature has no image. It shows what it decodes to or, where features do not decode, the
image of the real row that is nearest to it, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from ..datasets.base import GZSLDataset
from ..datasets.image_rows import axis_of_colour
from ..errors import DataError
from ..figures.ink import at_most
from .scene import Scene, proportions

Pixels = Shaped[np.ndarray, "n H W ..."]  # grey or coloured, see ``figures.ink``

LARGEST_SIDE = 128  # pixels of a picture that is shown: more are not seen
LOOKED_AT = 64  # images that tell how large the numbers are
SCALES = (1.0, 255.0, 65535.0)  # what full ink or full light may be
NEAREST_IMAGES = 3  # of one imagined feature


def has_pictures(dataset: GZSLDataset) -> bool:
    """Return whether rows can be shown as pictures."""
    return dataset.decode is not None or axis_of_colour(dataset.images) is not None


def shows_nearest(dataset: GZSLDataset) -> bool:
    """Return whether an imagined feature is shown as the real image that is nearest to it."""
    return dataset.decode is None and has_pictures(dataset)


# --- Real rows -----------------------------------------------------------------------------------


def real_pictures(dataset: GZSLDataset, rows: Int[np.ndarray, " n"]) -> Pixels:
    """Return the images of rows; without images, what their features decode to.

    Of images on disk only these rows are read. Raises ``DataError`` where there are no pictures.
    """
    axis = axis_of_colour(dataset.images)
    if axis is None:
        return decoded(dataset, np.asarray(dataset.features[rows]))
    images = dataset.images
    assert images is not None
    some = np.moveaxis(np.asarray(images[rows]), axis, -1) if axis else np.asarray(images[rows])
    share = np.nan_to_num(some.astype(np.float32) / _largest(images)).clip(0, 1)
    if axis == 0 or share.shape[-1] == 1:
        grey = share if axis == 0 else share[..., 0]
        return at_most(grey, LARGEST_SIDE)
    return at_most(np.rint(255 * share).astype(np.uint8), LARGEST_SIDE)


def kept_pictures(dataset: GZSLDataset, rows: Int[np.ndarray, " n"]) -> Pixels | None:
    """Return what the features of rows decode to, where that is not their picture anyway.

    Features may keep less than the image shows. So an image is not compared with what an imagined
    feature decodes to without this picture between them. None where there is no such difference.
    """
    if dataset.decode is None or axis_of_colour(dataset.images) is None:
        return None
    return decoded(dataset, np.asarray(dataset.features[rows]))


def _largest(images: Any) -> float:
    """Return the number that means full ink or light, as some of the images tell."""
    if images.dtype == np.uint8:
        return 255.0
    some = np.linspace(0, len(images) - 1, min(len(images), LOOKED_AT)).astype(int)
    largest = float(np.nan_to_num(np.asarray(images[some], np.float64)).max(initial=0))
    return next((scale for scale in SCALES if largest <= scale), largest)


# --- Imagined features ---------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Imagined:
    """What is shown of imagined features: a picture of each.

    ``rows`` is None where the pictures are those of the features. Else each picture is the image
    of a real row, which is nearest to the feature among the real points of the scene.
    """

    pixels: Pixels
    rows: Int[np.ndarray, " n"] | None


def imagined_pictures(
    scene: Scene, features: Float[np.ndarray, "n D"], near: Int[np.ndarray, " n"] | None = None
) -> Imagined:
    """Return a picture of each feature: decoded, or the real image that is nearest to it.

    ``near`` are the numbers of the nearest real points, where they are known. Raises ``DataError``
    where the data have no pictures.
    """
    dataset = scene.dataset
    if not shows_nearest(dataset):
        return Imagined(decoded(dataset, features), None)
    if near is None:
        near = scene.projection.nearest(proportions(dataset, features))[1]
    rows = scene.rows[near]
    return Imagined(real_pictures(dataset, rows), rows)


def nearest_rows(
    scene: Scene, feature: Float[np.ndarray, " D"], near: int, most: int = NEAREST_IMAGES
) -> Int[np.ndarray, " m"]:
    """Return the real rows of the scene that are nearest to a feature, the nearest first.

    ``near`` is the number of the nearest real point, as the map says it.
    """
    space = proportions(scene.dataset, feature[None])[0]
    distance = np.square(scene.projection.features - space).sum(1)
    distance[near] = -1
    order = np.argsort(distance, kind="stable")[:most]
    return scene.rows[order]


def decoded(dataset: GZSLDataset, features: Float[np.ndarray, "n D"]) -> Pixels:
    """Return what features decode to: ink (n, H, W), or light in colours (n, H, W, 3).

    Raises ``DataError`` without a decoder, and for what is neither.
    """
    if dataset.decode is None:
        raise DataError(
            f"{dataset.name} must have a decoder or images to show pictures, got neither: give "
            "images"
        )
    pictures = np.asarray(dataset.decode(features))
    if pictures.ndim == 4 and pictures.shape[-1] == 3:
        if pictures.dtype != np.uint8:
            pictures = np.rint(255 * np.nan_to_num(pictures).clip(0, 1)).astype(np.uint8)
        return at_most(pictures, LARGEST_SIDE)
    if pictures.ndim != 3:
        raise DataError(
            "decoded pictures must be grey, (rows, height, width), or coloured, (rows, height, "
            f"width, 3), got shape {pictures.shape}: let decode return such an array"
        )
    return at_most(np.asarray(pictures, np.float32), LARGEST_SIDE)
