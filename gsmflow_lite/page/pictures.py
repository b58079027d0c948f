"""Pictures of a page: a decoder as one product of matrices, or else the images of real rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from ..datasets.base import GZSLDataset
from ..explorer.row_pictures import has_pictures, real_pictures
from ..explorer.scene import Scene
from ..figures.ink import at_most, is_coloured
from ..figures.sprites import sprite_sheet
from .small import halved

DECODED_SIDE = 56  # pixels a side: what is decoded is shown small, and as long as it is wide
IMAGE_SIDE = 48  # pixels a side of the image of a real row
TRIED_ON = 16  # real rows on which a decoder shows whether it is one product
AS_EYES_SEE = 1e-3  # of full ink: what is nearer than this is the same


@dataclass(frozen=True, eq=False)
class PagePictures:
    """How a page makes pictures: what its header says, and the arrays that it reads."""

    header: dict[str, Any] | None
    arrays: dict[str, Shaped[np.ndarray, " ..."]]

    @classmethod
    def of(cls, scene: Scene) -> PagePictures:
        """Decode where the decoder is affine and grey; else show the nearest real images."""
        decoder = _affine(scene)
        if decoder is not None:
            return decoder
        if has_pictures(scene.dataset):
            return _sheet(scene)
        return cls(None, {})


def _affine(scene: Scene) -> PagePictures | None:
    """The decoder as an offset and a basis; None where there is none, or it is no such thing."""
    dataset = scene.dataset
    if dataset.decode is None:
        return None
    width = dataset.features.shape[1]
    offset = _ink(dataset, np.zeros((1, width), np.float32))
    if offset is None:
        return None
    basis = _ink(dataset, np.eye(width, dtype=np.float32))
    assert basis is not None
    basis = basis - offset

    some = np.asarray(dataset.features[scene.rows[:TRIED_ON]])
    truth = _ink(dataset, some)
    guess = offset + np.tensordot(some, basis, 1)
    if truth is None or np.abs(guess.clip(0, 1) - truth.clip(0, 1)).max() > AS_EYES_SEE:
        return None
    height, wide = offset.shape[1:]
    flat = basis.reshape(width, -1).T
    arrays = {
        "picture.offset": offset.reshape(-1).astype(np.float32),
        "picture.basis": halved(np.ascontiguousarray(flat), np.abs(flat).max(initial=0)),
    }
    return PagePictures({"kind": "decoded", "height": height, "width": wide}, arrays)


def _ink(
    dataset: GZSLDataset, features: Float[np.ndarray, "n D"]
) -> Float[np.ndarray, "n H W"] | None:
    """What features decode to, made small, and not clipped; None for what is no ink."""
    assert dataset.decode is not None
    pictures = np.asarray(dataset.decode(features))
    if pictures.ndim != 3 or is_coloured(pictures) or not np.isfinite(pictures).all():
        return None
    return at_most(np.asarray(pictures, np.float64), DECODED_SIDE)


def _sheet(scene: Scene) -> PagePictures:
    """The images of all real rows on one sheet."""
    pictures = at_most(real_pictures(scene.dataset, scene.rows), IMAGE_SIDE)
    content, measures, kind = sprite_sheet(pictures)
    header = {"kind": "nearest", **{side: measures[side] for side in ("height", "width", "count")}}
    header["sheet"] = {"columns": measures["columns"], "lines": measures["lines"], "type": kind}
    return PagePictures(header, {"image": np.frombuffer(content, np.uint8)})
