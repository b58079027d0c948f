"""Where class names stand on a map: beside their points, and never over each other."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

Place = Float[np.ndarray, " 2"]
PlacesOnMap = Float[np.ndarray, "n 2"]

CENTRAL = 0.8  # of the points of a class: a name keeps clear of these
GAPS = (7, 16, 30, 50, 80, 120, 170)  # tried between these points and the name, in dots
ANGLES = (90, 270, 60, 120, 0, 180, 30, 150, 300, 240, 330, 210)  # tried, in degrees
OWN, OTHER, GREY = 4.0, 2.0, 0.25  # how bad it is to cover a point
FAR = 0.06  # how bad a dot of distance is
STEP = 12  # dots between places all over the map
EDGE = 10  # dots around all points that names may use
BETWEEN = 3  # dots between two names
NO_PLACES = np.empty((0, 2))


@dataclass(frozen=True, eq=False)
class PlacedName:
    """A name beside a class: its middle is ``offset`` dots from ``anchor``, upwards positive.

    ``anchor`` is among the points of the class that are outermost towards the name. So the name
    stays outside when the map is made larger, while its letters stay as they are.
    """

    anchor: Place
    offset: Place


def text_size(text: str, size: float) -> Place:
    """Estimate width and height of a bold text on one line, as large as ``size``."""
    letters = html.unescape(text)
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in letters)
    width = 0.7 * (len(letters) - wide) + 1.05 * wide + 0.3
    return np.array([size * width, 1.2 * size])


def place_names(
    sizes: Sequence[Place],
    clouds: Sequence[PlacesOnMap],
    others: PlacesOnMap,
    area: tuple[float, float],
    farthest: float = np.inf,
) -> list[PlacedName | None]:
    """Find a place for the name of each class, one after the other; None where no place is left.

    ``sizes`` are widths and heights of the names in dots, ``clouds`` the points of each class, and
    ``others`` points that had better not be covered, all in units of the map. ``area`` is the
    width and height in dots on which the map is drawn, with one scale for both axes. A name covers
    no central point of its class, no other name, and as few other points as can be. It is at most
    ``farthest`` dots away. Points without a place (NaN) are left out.
    """
    clouds = [_with_places(cloud) for cloud in clouds]
    others = _with_places(others)
    everything = np.concatenate([*clouds, others])
    if not len(everything):
        return [None] * len(clouds)
    low, high = everything.min(0), everything.max(0)
    unit = max(*((high - low) / area), 1e-12)  # of the map, in a dot
    middle = (low + high) / 2
    dots = [(cloud - middle) / unit for cloud in clouds]
    rest = (others - middle) / unit

    taken: list[tuple[Place, Place]] = []  # middle and size of names
    placed: list[PlacedName | None] = []
    for number, (size, cloud) in enumerate(zip(sizes, dots, strict=True)):
        near = [other for i, other in enumerate(dots) if i != number]
        points = cloud, np.concatenate([NO_PLACES, *near]), rest
        sides = np.array(area)
        found = _best(_candidates(size, cloud, farthest), size, points, taken, sides)
        if found is None and np.isinf(farthest):
            found = _best(_anywhere(size, cloud, sides), size, points, taken, sides)
        if found is None:
            placed.append(None)
            continue
        anchor, place = found
        taken.append((place, size))
        placed.append(PlacedName(anchor * unit + middle, place - anchor))
    return placed


def _with_places(points: PlacesOnMap) -> PlacesOnMap:
    return points[np.isfinite(points).all(axis=1)]


def _best(
    candidates: Iterable[tuple[Place, Place, float]],
    size: Place,
    points: tuple[PlacesOnMap, PlacesOnMap, PlacesOnMap],
    taken: Sequence[tuple[Place, Place]],
    area: Place,
) -> tuple[Place, Place] | None:
    """The anchor and the middle of a name that cost least.

    ``points`` are those of its class, of the other classes, and the rest.
    """
    best = None
    least = np.inf
    inside = (area / 2 + EDGE) - size / 2
    for anchor, place, price in candidates:
        if price >= least or (np.abs(place) > inside).any() or _meets(place, size, taken):
            continue
        cost = price + sum(
            weight * covered(place, size, some).sum()
            for weight, some in zip((OWN, OTHER, GREY), points, strict=True)
        )
        if cost < least:
            best, least = (anchor, place), cost
    return best


def _candidates(
    size: Place, own: PlacesOnMap, farthest: float
) -> Iterator[tuple[Place, Place, float]]:
    """Anchors, middles of the name, and the price of their distance; the nearest come first.

    The name lies beyond the straight line that touches the central points from outside.
    """
    if not len(own):
        return
    middle, core = _central(own)
    for gap in [gap for gap in GAPS if gap <= farthest]:
        for rank, angle in enumerate(np.radians(ANGLES)):
            way = np.array([np.cos(angle), np.sin(angle)])
            reach = (core - middle) @ way
            half = np.abs(way) @ size / 2
            place = middle + way * (reach.max() + gap + half)
            edge = core[reach >= reach.max() - gap / 2]
            anchor = edge[np.linalg.norm(edge - place, axis=1).argmin()]
            yield anchor, place, FAR * gap + 0.05 * rank


def _central(own: PlacesOnMap) -> tuple[Place, PlacesOnMap]:
    """The middle of points, and those that are near it."""
    middle = np.median(own, axis=0)
    away = np.linalg.norm(own - middle, axis=1)
    return middle, own[away <= np.quantile(away, CENTRAL)]


def _anywhere(size: Place, own: PlacesOnMap, area: Place) -> Iterator[tuple[Place, Place, float]]:
    """PlacesOnMap all over the map, outside of the central points: the last resort."""
    if not len(own):
        return
    _, core = _central(own)
    across, up = (np.arange(-side / 2, side / 2, STEP) for side in area)
    for place in np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2):
        if not covered(place, size, core).any():
            away = np.linalg.norm(core - place, axis=1)
            yield core[away.argmin()], place, FAR * away.min()


def covered(place: Place, size: Place, points: PlacesOnMap) -> Bool[np.ndarray, " n"]:
    """Which points lie under a name."""
    return (np.abs(points - place) <= size / 2).all(axis=1)


def _meets(place: Place, size: Place, taken: Sequence[tuple[Place, Place]]) -> bool:
    """Whether a name would meet one that is there already."""
    return any(
        (np.abs(place - other) < (size + other_size) / 2 + BETWEEN).all()
        for other, other_size in taken
    )
