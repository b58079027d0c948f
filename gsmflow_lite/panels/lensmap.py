"""The live map: one figure with both lenses; every change puts new arrays into its traces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int

from ..figures.lenses import CURVES, LENSES
from ..figures.points import Points
from ..figures.style import CONTEXT, class_colours, legible, plain
from .lens_traces import empty_lenses
from .live import LiveFigure

Places = Float[np.ndarray, "n 2"]
Curves = Mapping[str, Mapping[str, Places]]  # by kind (a name in ``CURVES``) and lens

NOWHERE = np.empty((0, 2))
NONE_SELECTED = np.empty(0, np.int64)
COLOURS = 27  # that class_colours gives before it repeats itself
ARROW_HEAD = 14  # pixels
MAP_IS_COMING = "the map is being made ..."
NO_MAP = {  # stands in the middle of the UMAP lens
    "text": MAP_IS_COMING,
    "showarrow": False,
    "x": 0.5,
    "y": 0.5,
    "xref": "x2 domain",
    "yref": "y2 domain",
}


@dataclass
class Cloud:
    """Points that are on the map, with the text of each.

    The texts are markup of this library around names that were made plain. ``shown`` are the
    numbers of the points that are drawn, in the order of the trace.
    """

    points: Points
    text: Sequence[str]
    shown: Int[np.ndarray, " n"]


class LensMap:
    """PCA beside UMAP in one :class:`LiveFigure`.

    From back to front it shows real points in grey, real points of the classes in focus, one or two
    ``sets`` of synthesized points, lines, class names, and a ring around the point that is looked
    at.

    ``on_point(kind, number)`` is called when the pointer rests on a point. The kind is ``real``,
    ``synthesized`` or ``synthesized 2``; the number is the place of the point among those that were
    shown. ``on_select({kind: numbers})`` is called when the box or the lasso has selected points,
    and with nothing when they have found none, or after a double click.
    """

    def __init__(self, names: Sequence[str], *, sets: int = 1, height: int = 450) -> None:
        self.names = [plain(name) for name in legible(names)]
        self.focus: list[int] = []
        self.colours: dict[int, str] = self._grey()
        self.clouds: dict[str, Cloud] = {}
        self.kinds = ["real", "synthesized", "synthesized 2"][: 1 + sets]
        self.on_point: Callable[[str, int], None] = lambda kind, number: None
        self.on_select: Callable[[dict[str, np.ndarray]], None] = lambda selection: None
        self._inside: dict[str, Sequence[int]] = {}  # what the lasso has found so far
        self._marks: dict[int, list[int] | None] = {}  # by trace: places of what is selected
        self._edits: dict[int, dict[str, object]] = {}  # by trace: what `draw` will send
        self._notes: list[dict] | None = None
        figure, self._parts = empty_lenses(self.kinds, height)
        self.figure = LiveFigure(figure)
        self._titles = [note.to_plotly_json() for note in self.figure.layout.annotations]
        self._listen()

    def _grey(self) -> dict[int, str]:
        return dict.fromkeys(range(len(self.names)), CONTEXT)

    # --- Putting things on the map: nothing is sent before `draw` ----------------------------

    def show_real(
        self,
        points: Points,
        focus: Iterable[int],
        text: Sequence[str],
        colours: Mapping[int, str],
        *,
        missing: str = MAP_IS_COMING,
    ) -> None:
        """Show real points: those of classes in ``focus`` in colour with their names, others grey.

        ``missing`` stands in the UMAP lens where the points have no places there yet.
        """
        self.focus = [int(k) for k in focus]
        self.colours = {**self._grey(), **colours}
        inside = np.isin(points.labels, self.focus)
        self._fill("context", Cloud(points, text, np.flatnonzero(~inside)))
        self._fill("real", Cloud(points, text, np.flatnonzero(inside)))

        self._notes = [*self._titles, *self._class_names(points)]
        if not _has_places(points, "umap"):
            self._notes.append({**NO_MAP, "text": missing})

    def show_synthesized(
        self, points: Points, text: Sequence[str], kind: str = "synthesized"
    ) -> None:
        """Show synthesized points in the colours of their classes."""
        self._fill(kind, Cloud(points, text, np.arange(points.count)))

    def show_lines(self, curves: Curves) -> None:
        """Show curves with gaps; the kinds that are left out are taken away."""
        for part in CURVES:
            for lens in LENSES:
                curve = curves.get(part, {}).get(lens, NOWHERE)
                heads = _arrow_heads(curve) if part == "moved" else {}
                self._edit(part, lens, **_xy(curve), **heads)

    def select(self, selection: Mapping[str, Int[np.ndarray, " n"]]) -> None:
        """Mark the points of these numbers, by kind, in both lenses; all are alike without any."""
        for kind, cloud in self.clouds.items():
            inside = np.isin(cloud.shown, selection.get(_origin(kind), NONE_SELECTED))
            where = np.flatnonzero(inside).tolist() if selection else None
            for lens in LENSES:
                self._edit(kind, lens, selectedpoints=where)
                self._marks[self._parts[kind, lens]] = where

    def mark(self, places: Mapping[str, Places]) -> None:
        """Draw rings around places, by lens; the rings before are taken away."""
        for lens in LENSES:
            self._edit("ring", lens, **_xy(places.get(lens, NOWHERE)))

    def draw(self) -> None:
        """Send what was put on the map in one message: the page draws the figure anew for each.

        This is not ``batch_update``, for where a property changes in some of its traces only, the
        page loses it in the others. Here the others are sent what they have.
        """
        traces = list(self._edits)
        changed = dict.fromkeys(prop for edits in self._edits.values() for prop in edits)
        restyle = {prop: self._values(prop) for prop in changed}
        relayout = {} if self._notes is None else {"annotations": self._notes}
        self.figure.plotly_update(restyle, relayout, traces)
        self._edits = {}
        self._notes = None

    def _values(self, prop: str) -> list[object]:
        """A property of each trace that will be sent: the new value or, without one, the old."""
        now = self.figure.data
        return [edits.get(prop, now[trace][prop]) for trace, edits in self._edits.items()]

    def trace(self, part: str, lens: str) -> go.Scattergl:
        """Return a trace by its part and lens.

        The parts are ``context``, the ``kinds``, the kinds of line, ``ring`` and ``room``.
        """
        return self.figure.data[self._parts[part, lens]]

    def _class_names(self, points: Points) -> list[dict[str, object]]:
        """The names of the classes in focus, in each lens that has places."""
        present = [k for k in self.focus if (points.labels == k).any()]
        lenses = [lens for lens in LENSES if _has_places(points, lens)]
        return [self._class_name(k, points, lens) for lens in lenses for k in present]

    def _class_name(self, k: int, points: Points, lens: str) -> dict[str, object]:
        """The name of a class in the middle of its real points.

        It is no trace, for what is drawn with WebGL would cover it.
        """
        x, y = np.median(getattr(points.of(k), lens), axis=0)
        number = "" if lens == "pca" else "2"
        return {
            "text": f"<b>{self.names[k]}</b>",
            "x": float(x),
            "y": float(y),
            "xref": f"x{number}",
            "yref": f"y{number}",
            "showarrow": False,
            "font": {"size": 19},
        }

    def _edit(self, part: str, lens: str, **changes: object) -> None:
        self._edits.setdefault(self._parts[part, lens], {}).update(changes)

    def _fill(self, kind: str, cloud: Cloud) -> None:
        """Put points into the traces of a kind, and make room for rings around all points."""
        self.clouds[kind] = cloud
        which = cloud.shown
        changes: dict[str, object] = {
            "customdata": which,
            "text": [cloud.text[i] for i in which],
        }
        if kind != "context":
            changes["marker.color"] = [self.colours[int(k)] for k in cloud.points.labels[which]]

        everything = [other.points for other in self.clouds.values()]
        for lens in LENSES:
            self._edit(kind, lens, **_xy(getattr(cloud.points, lens)[which]), **changes)
            self._edit("room", lens, **_xy(_corners(everything, lens)))

    # --- Pointing and selecting --------------------------------------------------------------

    def _listen(self) -> None:
        for lens in LENSES:
            for kind in ("context", *self.kinds):
                self._listen_to(kind, self.trace(kind, lens))
        last = self.figure.data[-1]  # plotly tells each trace in turn, also of nothing
        last.on_selection(lambda trace, points, area: self._lasso_ended(area))
        last.on_deselect(lambda trace, points: self.selected({}))

    def _listen_to(self, kind: str, trace: go.Scattergl) -> None:
        trace.on_hover(lambda trace, points, state: self.pointed(kind, points.point_inds))
        trace.on_click(lambda trace, points, state: self.pointed(kind, points.point_inds))
        trace.on_selection(lambda trace, points, area: self._note_inside(kind, points.point_inds))

    def _note_inside(self, kind: str, where: Sequence[int]) -> None:
        self._inside[kind] = [*self._inside.get(kind, []), *where]

    def _lasso_ended(self, area: object) -> None:
        """Tell what is inside the lasso or box.

        Without an ``area`` the page says that it has taken the outline away, and all marks with it.
        """
        inside = self._inside
        self._inside = {}
        if area is None:
            for trace, where in self._marks.items():
                self._edits.setdefault(trace, {}).update(selectedpoints=where)
            self.draw()
        else:
            self.figure.forget_lasso()
            self.selected(inside)

    def pointed(self, kind: str, where: Sequence[int]) -> None:
        """Tell ``on_point`` which point it is: the first of ``where``, places in a trace."""
        shown = self._shown(kind)
        if where and where[0] < len(shown):  # an older picture may have had more points
            self.on_point(_origin(kind), int(shown[where[0]]))

    def selected(self, inside: Mapping[str, Sequence[int]]) -> None:
        """Tell ``on_select`` which points they are, given places in the trace of each kind."""
        numbers: dict[str, list[int]] = {}
        for kind, where in inside.items():
            shown = self._shown(kind)
            found = [int(shown[place]) for place in where if place < len(shown)]
            if found:
                numbers.setdefault(_origin(kind), []).extend(found)
        self.on_select({kind: np.unique(found) for kind, found in numbers.items()})

    def _shown(self, kind: str) -> Int[np.ndarray, " n"]:
        return self.clouds[kind].shown if kind in self.clouds else NONE_SELECTED


def _origin(kind: str) -> str:
    return "real" if kind == "context" else kind


def _has_places(points: Points, lens: str) -> bool:
    """Whether the points have places through this lens already."""
    return bool(np.isfinite(getattr(points, lens)).all())


def _corners(clouds: Sequence[Points], lens: str) -> Places:
    """Two corners of the box around all points with places through this lens; none without any."""
    places = [getattr(points, lens) for points in clouds if _has_places(points, lens)]
    every = np.concatenate([NOWHERE, *places])
    return np.stack([every.min(0), every.max(0)]) if len(every) else NOWHERE


def _xy(places: Places) -> dict[str, np.ndarray]:
    return {"x": np.ascontiguousarray(places[:, 0]), "y": np.ascontiguousarray(places[:, 1])}


def _arrow_heads(curve: Places) -> dict[str, np.ndarray]:
    """Size and direction of the heads of arrows, one at the second of each three points.

    Directions are in degrees, clockwise from upwards.
    """
    way = curve[1::3] - curve[::3]
    size = np.zeros(len(curve))
    size[1::3] = ARROW_HEAD
    angle = np.zeros(len(curve))
    angle[1::3] = np.degrees(np.arctan2(way[:, 0], way[:, 1]))
    return {"marker.size": size, "marker.angle": angle}


def focus_colours(classes: Sequence[int], before: Mapping[int, str]) -> dict[int, str]:
    """Choose colours for classes in focus; those that were in focus before keep theirs."""
    kept = {k: colour for k, colour in before.items() if k in classes}
    every = list(class_colours(range(COLOURS)).values())
    free = [colour for colour in every if colour not in kept.values()] or every

    new = [int(k) for k in classes if k not in kept]
    return kept | {k: free[i % len(free)] for i, k in enumerate(new)}
