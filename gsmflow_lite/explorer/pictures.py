"""Pictures of synthesized features in rows: a row for each class, with a real picture of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Shaped

from ..figures.ink import alike, height_and_width, paper
from .row_pictures import has_pictures, imagined_pictures, kept_pictures, real_pictures
from .scene import Scene, Synthesized


@dataclass(frozen=True, eq=False)
class PictureRow:
    """The pictures of the class ``number``.

    ``synthesized`` holds n groups of g pictures: one picture of each generator, all from the same
    latent noise. ``real`` is the real row that is nearest to the mean of its class; None where the
    scene has no real point of the class. ``kept`` is what the feature of that row decodes to, where
    it has an image as well: features may keep less than an image shows.

    ``nearest`` is None where the pictures are those of the features. Else each picture is the real
    image that is nearest to a feature, and ``nearest`` has the number of its class.
    """

    number: int
    real: Shaped[np.ndarray, "H W ..."] | None
    synthesized: Shaped[np.ndarray, "n g H W ..."]
    nearest: Int[np.ndarray, "n g"] | None = None
    kept: Shaped[np.ndarray, "H W ..."] | None = None


def picture_rows(
    scene: Scene, sets: Sequence[Synthesized], classes: Sequence[int], each: int
) -> list[PictureRow]:
    """Picture the first ``each`` features of each class, and a real row beside them.

    ``sets`` are what the generators synthesized, in the same order of classes and noise. All are
    decoded at once. There are no rows where the data have no pictures, or nothing was synthesized.
    """
    if not has_pictures(scene.dataset) or not sets:
        return []
    dataset = scene.dataset
    which = [_of_class(sets, k, each) for k in classes]
    if not sum(one.size for one in which):
        return []
    shown = imagined_pictures(
        scene,
        np.concatenate([_from_each(sets, one, "features") for one in which]),
        np.concatenate([_from_each(sets, one, "near") for one in which]),
    )
    ends = np.cumsum([one.size for one in which])[:-1]
    pictures = np.split(shown.pixels, ends)
    labels = None if shown.rows is None else np.split(dataset.labels[shown.rows], ends)

    rows = []
    for i, k in enumerate(classes):
        groups = which[i].shape
        typical = _typical(scene, k)
        kept = kept_pictures(dataset, typical) if len(typical) else None
        rows.append(
            PictureRow(
                int(k),
                real_pictures(dataset, typical)[0] if len(typical) else None,
                pictures[i].reshape(*groups, *pictures[i].shape[1:]),
                None if labels is None else labels[i].reshape(groups),
                None if kept is None else kept[0],
            )
        )
    return rows


def _of_class(sets: Sequence[Synthesized], number: int, each: int) -> Int[np.ndarray, "n g"]:
    """The numbers of the first points of a class, of each noise in every set."""
    of_each = [np.flatnonzero(one.points.labels == number)[:each] for one in sets]
    return np.stack(of_each, axis=1)


def _from_each(
    sets: Sequence[Synthesized], which: Int[np.ndarray, "n g"], field: str
) -> Shaped[np.ndarray, "m ..."]:
    """A field of the points ``which``: of each noise, what every set has of it, flat."""
    values = [getattr(one, field)[which[:, g]] for g, one in enumerate(sets)]
    stacked = np.stack(values, axis=1)
    return stacked.reshape(-1, *stacked.shape[2:])


def _typical(scene: Scene, number: int) -> Int[np.ndarray, " r"]:
    """The real row on the map that is nearest to the mean of its class; none without real rows."""
    rows = scene.rows[scene.real.labels == number]
    if not len(rows):
        return rows
    features = np.asarray(scene.dataset.features[rows])
    nearest = np.square(features - features.mean(0)).sum(1).argmin()
    return rows[[nearest]]


def nearest_in_words(rows: Sequence[PictureRow]) -> str:
    """Say how many of the nearest real images are of the class that was asked for."""
    right = [row.nearest == row.number for row in rows if row.nearest is not None]
    of_it = sum(int(one.sum()) for one in right)
    count = sum(one.size for one in right)
    return f"nearest real images, {of_it} of {count} of the class that was asked for"


def sheet(
    rows: Sequence[PictureRow], *, margin: int = 2, gap: int = 6
) -> Shaped[np.ndarray, "Y X ..."]:
    """Put rows of pictures on one sheet: the real picture, a gap, then the groups with gaps.

    What features keep of the real picture stands behind it. All rows must have equally many
    pictures. Pictures of different sizes and kinds are brought to one.
    """
    reals = [row.real for row in rows if row.real is not None]
    kept = [row.kept for row in rows if row.kept is not None]
    size = alike([rows[0].synthesized, *reals[:1], *kept[:1]])[0]
    empty = paper(height_and_width(size), size)
    lines = []
    for row in rows:
        first = [row.real, row.kept] if kept else [row.real]
        given = [empty if one is None else one for one in first]
        *left, groups, _ = alike([*given, row.synthesized, empty])
        lines.append(_line(left, groups, margin, gap))
    space = paper((margin, lines[0].shape[1]), lines[0])
    return np.concatenate([part for line in lines for part in (line, space)][:-1])


def _line(
    left: Sequence[Shaped[np.ndarray, "H W ..."]],
    groups: Shaped[np.ndarray, "n g H W ..."],
    margin: int,
    gap: int,
) -> Shaped[np.ndarray, "H X ..."]:
    height = groups.shape[2]
    space = paper((height, margin), groups)
    parts = [left[0]]
    for one in left[1:]:
        parts += [space, one]
    for group in groups:
        parts.append(paper((height, gap), groups))
        for picture in group:
            parts += [picture, space]
    return np.concatenate(parts, axis=1)
