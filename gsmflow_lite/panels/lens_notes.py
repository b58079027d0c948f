"""What stands on the live map besides its traces: class names, and curves of density."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from ..figures.contours import density_contours
from ..figures.lenses import LENSES
from ..figures.names import PlacedName, place_names, text_size
from ..figures.points import Points

LENS_AREA = (330.0, 270.0)  # dots of a lens: on larger pages there is more room
NAME_FONT = 17  # of names, in dots
MANY = 14  # names from which on they are smaller
SMALL_NAME_FONT = 13
NEAR = 34  # dots between a name and its points without a line between them


def has_places(points: Points, lens: str) -> bool:
    """Whether the points have places through this lens already."""
    return bool(np.isfinite(points.through(lens)).all())


def class_names(
    points: Points, named: Sequence[int], names: Sequence[str], colours: Mapping[int, str]
) -> list[dict[str, Any]]:
    """The names of classes beside their real points, in each lens, as annotations of plotly.

    They are no traces, for what is drawn with WebGL would cover them. A name for which no place is
    left is left out.
    """
    present = [k for k in named if (points.labels == k).any()]
    font = NAME_FONT if len(present) <= MANY else SMALL_NAME_FONT
    sizes = [text_size(names[k], font) for k in present]
    rest = points.without(present)
    notes = []
    for lens in LENSES:
        if not has_places(points, lens):
            continue
        clouds = [points.of(k).through(lens).astype(np.float64) for k in present]
        others = rest.through(lens).astype(np.float64)
        places = place_names(
            sizes, clouds, others, LENS_AREA, np.inf if font == NAME_FONT else NEAR
        )
        notes += [
            _class_name(k, names[k], place, lens, font, colours[k])
            for k, place in zip(present, places, strict=True)
            if place is not None
        ]
    return notes


def _class_name(
    k: int, name: str, place: PlacedName, lens: str, font: int, colour: str
) -> dict[str, Any]:
    """A name; a thin line leads from one that is far to its class.

    A line costs the page time at each drawing, so those that are near have none.
    """
    right, up = map(float, place.offset)
    shift: dict[str, Any] = {"showarrow": False, "xshift": right, "yshift": up}
    if np.hypot(right, up) > NEAR:
        line = {"arrowhead": 0, "arrowwidth": 1.5, "arrowcolor": colour}
        shift = {"showarrow": True, "ax": right, "ay": -up, **line}
    return {
        "text": f"<b>{name}</b>",
        "name": str(k),  # the page tells it where the name is clicked
        "x": float(place.anchor[0]),
        "y": float(place.anchor[1]),
        "xref": f"x{axis_number(lens)}",
        "yref": f"y{axis_number(lens)}",
        **shift,
        "borderpad": 0,
        "captureevents": True,
        "font": {"size": font},
    }


def axis_number(lens: str) -> str:
    """What stands behind the names of the axes of a lens."""
    return "" if lens == "pca" else "2"


def contour(
    places: Float[np.ndarray, "n 2"], lens: str, colour: str, dash: str
) -> list[dict[str, Any]]:
    """The curves of density of some points through one lens, as shapes of plotly; or none."""
    path = _path(density_contours(places))
    if not path:
        return []
    return [
        {
            "type": "path",
            "path": path,
            "xref": f"x{axis_number(lens)}",
            "yref": f"y{axis_number(lens)}",
            "line": {"color": colour, "width": 2, "dash": dash},
            "layer": "above",
        }
    ]


def _path(curve: Float[np.ndarray, "n 2"]) -> str:
    """A curve with gaps as a path of SVG."""
    words = []
    pen = "M"
    for x, y in curve:
        if np.isnan(x):
            pen = "M"
            continue
        words.append(f"{pen}{x:.5g},{y:.5g}")
        pen = "L"
    return " ".join(words)
