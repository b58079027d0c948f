"""Pictures of synthesized features in rows: a row for each class, with a real picture of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from .scene import Scene, Synthesized


@dataclass(frozen=True, eq=False)
class PictureRow:
    """The pictures of the class ``number``.

    ``synthesized`` holds n groups of g pictures: one picture of each generator, all from the same
    latent noise. ``real`` is the real row that is nearest to the mean of its class; None where the
    scene has no real point of the class.
    """

    number: int
    real: Float[np.ndarray, "H W"] | None
    synthesized: Float[np.ndarray, "n g H W"]


def picture_rows(
    scene: Scene, sets: Sequence[Synthesized], classes: Sequence[int], each: int
) -> list[PictureRow]:
    """Decode the first ``each`` features of each class, and a real row beside them.

    ``sets`` are what the generators synthesized, in the same order of classes and noise. All are
    decoded at once. There are no rows where the features have no pictures.
    """
    decode = scene.dataset.decode
    if decode is None or not sets:
        return []
    found = [_of_class(sets, k, each) for k in classes]
    real = [_typical(scene, k) for k in classes]
    flat = [features.reshape(-1, features.shape[-1]) for features in found]
    pictures = np.asarray(decode(np.concatenate([*flat, *real])))

    ends = np.cumsum([len(one) for one in [*flat, *real]])
    parts = np.split(pictures, ends[:-1])
    return [
        PictureRow(
            int(k),
            parts[len(found) + i][0] if len(real[i]) else None,
            parts[i].reshape(*found[i].shape[:2], *pictures.shape[1:]),
        )
        for i, k in enumerate(classes)
    ]


def _of_class(sets: Sequence[Synthesized], number: int, each: int) -> Float[np.ndarray, "n g D"]:
    """The first features of a class: of each noise, what every generator made of it."""
    of_each = [one.features[np.flatnonzero(one.points.labels == number)[:each]] for one in sets]
    return np.stack(of_each, axis=1)


def _typical(scene: Scene, number: int) -> Float[np.ndarray, "r D"]:
    """The real row on the map that is nearest to the mean of its class; none without real rows."""
    rows = scene.rows[scene.real.labels == number]
    features = np.asarray(scene.dataset.features[rows])
    if not len(rows):
        return features
    nearest = np.square(features - features.mean(0)).sum(1).argmin()
    return features[[nearest]]


def sheet(rows: Sequence[PictureRow], *, margin: int = 2, gap: int = 6) -> Float[np.ndarray, "Y X"]:
    """Put rows of pictures on one sheet: the real picture, a gap, then the groups with gaps.

    Pixels go from 0, paper, to 1, ink. All rows must have equally many pictures of one size.
    """
    lines = [_line(row, margin, gap) for row in rows]
    space = np.zeros((margin, lines[0].shape[1]))
    return np.concatenate([part for line in lines for part in (line, space)][:-1])


def _line(row: PictureRow, margin: int, gap: int) -> Float[np.ndarray, "H X"]:
    height, width = row.synthesized.shape[2:]
    real = np.zeros((height, width)) if row.real is None else row.real
    between = np.zeros((height, gap))
    parts = [real]
    for group in row.synthesized:
        parts.append(between)
        for picture in group:
            parts += [picture, np.zeros((height, margin))]
    return np.concatenate(parts, axis=1)
