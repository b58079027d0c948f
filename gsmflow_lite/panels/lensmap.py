"""The live map: one figure with both lenses; every change puts new arrays into its traces."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int

from ..figures.lenses import CURVES, LENSES
from ..figures.looks import Looks, Tints
from ..figures.points import Points
from ..figures.style import MIDDLE_GREY, legible, plain
from .lens_notes import axis_number, class_names, contour, has_places
from .lens_traces import OPACITIES, SIZES, empty_lenses
from .live import LiveFigure

Places = Float[np.ndarray, "n 2"]
Curves = Mapping[str, Mapping[str, Places]]  # by kind (a name in ``CURVES``) and lens

NOWHERE = np.empty((0, 2))
NONE_SELECTED = np.empty(0, np.int64)
ARROW_HEAD = 14  # pixels
# Directions of heads: each is a texture that the page takes long to make, and WebGL has 16 of them.
TURNS, TURNS_OF_MANY = 24, 12
MAP_BUTTONS = ["zoom2d", "pan2d", "select2d", "lasso2d", "resetScale2d"]
CHANGED_BY_THE_PAGE = {"selectedpoints"}  # a lasso marks points before Python knows
DASHES = ("solid", "dash", "dot")  # of the curves of density, by kind of points
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


@dataclass
class PointSource:
    """Points that may be on the map, with the text of each; ``among`` are those that may."""

    points: Points
    text: Sequence[str]
    among: Int[np.ndarray, " n"]


class LensFigure(LiveFigure):
    """The figure of both lenses; the wheel zooms."""

    # The tool bar stands over the first lens, whose heading is short: it covers none there.
    _css = ".gsmflow .map .modebar-container { right: 51.5% !important; width: auto !important; }"

    def __init__(self, figure: go.Figure) -> None:
        super().__init__(figure)
        self._config = {**self._config, "scrollZoom": True, "modeBarButtons": [MAP_BUTTONS]}
        self.add_class("map")


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

    def __init__(self, names: Sequence[str], *, sets: int = 1) -> None:
        self.names = [plain(name) for name in legible(names)]
        self.focus: list[int] = []
        self.colours: dict[int, str] = self._grey()
        self.looks = Looks()
        self._tints: Tints = {}
        self._sources: dict[str, PointSource] = {}
        self.clouds: dict[str, Cloud] = {}
        self.kinds = ["real", "synthesized", "synthesized 2"][: 1 + sets]
        self.on_point: Callable[[str, int], None] = lambda kind, number: None
        self.on_select: Callable[[dict[str, np.ndarray]], None] = lambda selection: None
        self._selection: Mapping[str, Int[np.ndarray, " n"]] = {}  # what is marked, by kind
        self._inside: dict[str, Sequence[int]] = {}  # what the lasso has found so far
        self._marks: dict[int, list[int] | None] = {}  # by trace: places of what is selected
        self._edits: dict[int, dict[str, object]] = {}  # by trace: what `draw` will send
        self._known: dict[int, dict[str, object]] = {}  # by trace: what was sent, or will be
        self._notes: list[dict] | None = None
        self._ringed: Mapping[str, Places] = {}  # what has a ring, by lens
        self._missing = MAP_IS_COMING
        self._stale_contours = False
        self._contoured = False  # whether curves of density are on the page
        figure, self._parts = empty_lenses(self.kinds)
        self.figure = LensFigure(figure)
        self._titles = [note.to_plotly_json() for note in self.figure.layout.annotations]
        self._listen()

    def _grey(self) -> dict[int, str]:
        return dict.fromkeys(range(len(self.names)), MIDDLE_GREY)

    def entitle(self, texts: Sequence[str]) -> None:
        """Give the lenses other headings, as markup; they show with the next real points."""
        self._titles = [
            {**title, "text": text} for title, text in zip(self._titles, texts, strict=True)
        ]

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
        self._fill("context", PointSource(points, text, np.flatnonzero(~inside)))
        self._fill("real", PointSource(points, text, np.flatnonzero(inside)))
        self._missing = missing
        self._write_notes(points)

    def show_synthesized(
        self, points: Points, text: Sequence[str], kind: str = "synthesized"
    ) -> None:
        """Show synthesized points in the colours of their classes."""
        self._fill(kind, PointSource(points, text, np.arange(points.count)))

    def look(self, looks: Looks, tints: Tints) -> None:
        """Show the real points in another way, and synthesized ones when they are shown next.

        ``tints`` are colours of points by kind, in the place of those of their classes.
        """
        before, tints_before = self.looks, self._tints
        self.looks, self._tints = looks, tints
        if looks != before or tints.get("real") != tints_before.get("real"):
            for kind in ("context", "real"):
                if kind in self._sources:
                    self._fill(kind, self._sources[kind])
        if looks != before:
            if "real" in self._sources:
                self._write_notes(self._sources["real"].points)
            for kind in ("context", *self.kinds):
                for lens in LENSES:
                    self._edit(kind, lens, **_size_and_opacity(kind, looks))

    def show_lines(self, curves: Curves) -> None:
        """Show curves with gaps; the kinds that are left out are taken away."""
        for part in CURVES:
            for lens in LENSES:
                curve = curves.get(part, {}).get(lens, NOWHERE)
                heads = _arrow_heads(curve) if part == "moved" else {}
                self._edit(part, lens, **_xy(curve), **heads)

    def select(self, selection: Mapping[str, Int[np.ndarray, " n"]]) -> None:
        """Mark the points of these numbers, by kind, in both lenses; all are alike without any."""
        self._selection = selection
        for kind, cloud in self.clouds.items():
            inside = np.isin(cloud.shown, selection.get(_origin(kind), NONE_SELECTED))
            where = np.flatnonzero(inside).tolist() if selection else None
            for lens in LENSES:
                self._edit(kind, lens, selectedpoints=where)
                self._marks[self._parts[kind, lens]] = where

    def mark(self, places: Mapping[str, Places]) -> None:
        """Draw rings around places, by lens; the rings before are taken away."""
        rings = {lens: places.get(lens, NOWHERE) for lens in LENSES}
        if all(np.array_equal(rings[lens], self._ringed.get(lens, NOWHERE)) for lens in LENSES):
            return
        self._ringed = rings
        for lens in LENSES:
            self._edit("ring", lens, **_xy(rings[lens]))

    def draw(self) -> None:
        """Send what was put on the map in one message: the page draws the figure anew for each.

        This is not ``batch_update``, for where a property changes in some of its traces only, the
        page loses it in the others. Here the others are sent what they have.
        """
        if not self._edits and self._notes is None:
            return
        traces = list(self._edits)
        changed = dict.fromkeys(prop for edits in self._edits.values() for prop in edits)
        restyle = {prop: self._values(prop) for prop in changed}
        relayout = {}
        if self._notes is not None:
            relayout["annotations"] = self._notes
        if self._stale_contours and (self._contoured or self.looks.contours):
            relayout["shapes"] = self._contours()
            self._contoured = self.looks.contours
        self._stale_contours = False
        self.figure.plotly_update(restyle, relayout, traces)
        self._edits = {}
        self._notes = None

    def _values(self, prop: str) -> list[object]:
        """A property of each trace that will be sent: the new value or, without one, the old."""
        values = []
        for trace, edits in self._edits.items():
            known = edits if prop in edits else self._known.get(trace, {})
            values.append(known[prop] if prop in known else self.figure.data[trace][prop])
        return values

    def silence(self) -> None:
        """Show no tooltips of plotly's: a :class:`.pointer.Pointer` shows a better one."""
        for kind in ("context", *self.kinds):
            for lens in LENSES:
                self.trace(kind, lens).update(hoverinfo="none", hovertemplate=None)

    def on_show(self) -> dict[str, Int[np.ndarray, " n"]]:
        """The numbers of the points that are drawn, by kind."""
        found: dict[str, list[np.ndarray]] = {}
        for kind, cloud in self.clouds.items():
            found.setdefault(_origin(kind), []).append(cloud.shown)
        return {kind: np.unique(np.concatenate(shown)) for kind, shown in found.items()}

    def zoom(self, selection: Mapping[str, Int[np.ndarray, " n"]]) -> None:
        """Show the neighbourhood of the points of these numbers, by kind; all without any."""
        ranges: dict[str, object] = {}
        for lens in LENSES:
            places = [
                self._sources[kind].points.through(lens)[which]
                for kind, which in selection.items()
                if len(which) and kind in self._sources
            ]
            for axis, limits in zip("xy", _around(places), strict=True):
                name = f"{axis}axis{axis_number(lens)}"
                ranges[f"{name}.autorange" if limits is None else f"{name}.range"] = (
                    True if limits is None else limits
                )
        self.figure.plotly_relayout(ranges)

    def trace(self, part: str, lens: str) -> go.Scattergl:
        """Return a trace by its part and lens.

        The parts are ``context``, the ``kinds``, the kinds of line, ``ring`` and ``room``.
        """
        return self.figure.data[self._parts[part, lens]]

    def _write_notes(self, points: Points) -> None:
        """Write the headings of the lenses, and the names of the classes in focus."""
        named = [k for k in self.focus if k not in self.looks.off]
        self._stale_contours = True
        self._notes = [*self._titles, *class_names(points, named, self.names, self.colours)]
        if not has_places(points, "umap"):
            self._notes.append({**NO_MAP, "text": self._missing})

    def _contours(self) -> list[dict]:
        """Curves around where points are dense: solid for real ones, dashed for synthesized."""
        if not self.looks.contours:
            return []
        shapes = []
        for kind, dash in zip(self.kinds, DASHES, strict=False):
            source = self._sources.get(kind)
            if source is None or not self.looks.shows(_layer(kind)):
                continue
            for k in [k for k in self.focus if k not in self.looks.off]:
                points = source.points.of(k)
                for lens in LENSES:
                    if has_places(points, lens):
                        colour = self.colours[k]
                        shapes += contour(points.through(lens), lens, colour, dash)
        return shapes

    def _edit(self, part: str, lens: str, **changes: object) -> None:
        """Send changes with the next drawing; what stays as it is would cost as much."""
        trace = self._parts[part, lens]
        known = self._known.setdefault(trace, {})
        fresh = {
            prop: value
            for prop, value in changes.items()
            if prop in CHANGED_BY_THE_PAGE or prop not in known or not _same(value, known[prop])
        }
        if fresh:
            self._edits.setdefault(trace, {}).update(fresh)
            known.update(fresh)

    def _fill(self, kind: str, source: PointSource) -> None:
        """Put points into the traces of a kind, and make room for rings around all points."""
        self._sources[kind] = source
        self._stale_contours = True
        points = source.points
        which = source.among[self.looks.drawn(_layer(kind), points.labels[source.among])]
        self.clouds[kind] = Cloud(points, source.text, which)
        changes: dict[str, object] = {
            "customdata": which,
            "meta": _fingerprint(points, which),  # points of other classes do not glide
            "text": [source.text[i] for i in which],
        }
        if kind != "context":
            changes["marker.color"] = self._point_colours(kind, points, which)

        everything = [other.points for other in self.clouds.values()]
        for lens in LENSES:
            self._edit(kind, lens, **_xy(points.through(lens)[which]), **changes)
            self._edit("room", lens, **_xy(_corners(everything, lens)))

    def _point_colours(self, kind: str, points: Points, which: Int[np.ndarray, " n"]) -> list[str]:
        tints = self._tints.get(kind)
        if tints is not None and len(tints) == points.count:
            return [tints[i] for i in which]
        return [self.colours[int(k)] for k in points.labels[which]]

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
        self.on_select(self._numbers(inside))

    def lassoed(self, inside: Mapping[int, Sequence[int]]) -> None:
        """Hear once more what a lasso has found: places in each trace, by its number.

        Nothing happens if these points are marked already: plotly's own message has come.
        """
        parts = {number: part for (part, _), number in self._parts.items()}
        by_kind: dict[str, list[int]] = {}
        for number, places in inside.items():
            by_kind.setdefault(parts.get(number, ""), []).extend(places)
        found = self._numbers(by_kind)
        marked = self._selection
        same = [np.array_equal(found[kind], marked[kind]) for kind in found.keys() & marked.keys()]
        if found.keys() != marked.keys() or not all(same):
            self.figure.forget_lasso()
            self.on_select(found)

    def _numbers(self, inside: Mapping[str, Sequence[int]]) -> dict[str, np.ndarray]:
        """The numbers of points by what they are, given places in the trace of each kind."""
        numbers: dict[str, list[int]] = {}
        for kind, where in inside.items():
            shown = self._shown(kind)
            found = [int(shown[place]) for place in where if place < len(shown)]
            if found:
                numbers.setdefault(_origin(kind), []).extend(found)
        return {kind: np.unique(found) for kind, found in numbers.items()}

    def _shown(self, kind: str) -> Int[np.ndarray, " n"]:
        return self.clouds[kind].shown if kind in self.clouds else NONE_SELECTED


def _same(value: object, other: object) -> bool:
    if isinstance(value, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(value, other, equal_nan=True)
    return type(value) is type(other) and value == other


def _fingerprint(points: Points, which: Int[np.ndarray, " n"]) -> int:
    """A number that is another one where the points are others: then they do not glide."""
    return zlib.crc32(np.ascontiguousarray(points.labels[which], np.int64).tobytes())


def _origin(kind: str) -> str:
    return "real" if kind == "context" else kind


def _layer(kind: str) -> str:
    """The layer of a kind of points."""
    if kind == "context":
        return "others"
    return "real" if kind == "real" else "synthesized"


def _size_and_opacity(kind: str, looks: Looks) -> dict[str, float]:
    return {
        "marker.size": SIZES[kind] * looks.size,
        "opacity": min(1.0, OPACITIES[kind] * looks.opacity),
    }


def _corners(clouds: Sequence[Points], lens: str) -> Places:
    """Two corners of the box around all points with places through this lens; none without any."""
    places = [getattr(points, lens) for points in clouds if has_places(points, lens)]
    every = np.concatenate([NOWHERE, *places])
    return np.stack([every.min(0), every.max(0)]) if len(every) else NOWHERE


def _around(places: Sequence[Places]) -> list[list[float] | None]:
    """The ranges of both axes around places, with a margin; None where there is no place."""
    every = np.concatenate([NOWHERE, *places])
    every = every[np.isfinite(every).all(axis=1)]
    if not len(every):
        return [None, None]
    low, high = every.min(0), every.max(0)
    margin = 0.15 * (high - low).max() or 0.5
    return [[float(a - margin), float(b + margin)] for a, b in zip(low, high, strict=True)]


def _xy(places: Places) -> dict[str, np.ndarray]:
    return {"x": np.ascontiguousarray(places[:, 0]), "y": np.ascontiguousarray(places[:, 1])}


def _arrow_heads(curve: Places) -> dict[str, np.ndarray]:
    """Size and direction of the heads of arrows, one at the second of each three points.

    Directions are in degrees, clockwise from upwards. They are rounded, more coarsely for many.
    """
    way = curve[1::3] - curve[::3]
    size = np.zeros(len(curve))
    size[1::3] = ARROW_HEAD
    angle = np.zeros(len(curve))
    angle[1::3] = np.degrees(np.arctan2(way[:, 0], way[:, 1]))
    step = 360 / (TURNS if len(way) <= TURNS_OF_MANY else TURNS_OF_MANY)
    angle = (angle / step).round() * step % 360
    return {"marker.size": size, "marker.angle": angle}
