"""The live map: one figure with both lenses, made once; every change puts new arrays into its traces."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..figures.lenses import CURVES, LENSES
from ..figures.points import Points
from ..figures.style import CONTEXT, MIDDLE_GREY, class_colours, plain
from .live import LiveFigure

EMPTY = np.empty((0, 2))
SET_SYMBOLS = (
    "diamond-open",
    "triangle-up-open",
)  # of the synthesized sets: told apart without colour
NO_MAP = {
    "text": "the map is being made ...",
    "showarrow": False,
    "x": 0.5,
    "y": 0.5,
    "xref": "x2 domain",
    "yref": "y2 domain",
}


@dataclass
class Cloud:
    """Points to draw, with the text of each: markup of our own around names that were made plain."""

    points: Points
    text: Sequence[str]
    shown: np.ndarray  # numbers of those that are drawn, in the order of the trace


class LensMap:
    """PCA beside UMAP in one :class:`LiveFigure`.

    From back to front: other real points in grey, real ones of the classes in focus, up to two sets of synthesized points, lines,
    class names, and a ring around the point that is looked at. ``on_point(kind, number)`` is called when the pointer rests on a
    point: kind is ``real`` or ``synthesized`` (``synthesized 2``), number its place in the cloud that was shown; ``on_select(kind,
    numbers)`` when points are selected with the box or the lasso.
    """

    def __init__(self, names: Sequence[str], *, sets: int = 1, height: int = 450) -> None:
        self.names = [plain(name) for name in names]
        self.colours = dict.fromkeys(range(len(names)), CONTEXT)
        self.focus: list[int] = []
        self.clouds: dict[str, Cloud] = {}
        self.kinds = [
            "real",
            *("synthesized" if i == 0 else f"synthesized {i + 1}" for i in range(sets)),
        ]
        self.on_point: Callable[[str, int], None] = lambda kind, number: None
        self.on_select: Callable[[str, np.ndarray], None] = lambda kind, numbers: None
        self._parts: dict[tuple[str, str], int] = {}
        self._edits: dict[int, dict[str, object]] = {}  # by trace: what `draw` will send
        self._notes: list[dict] | None = None
        self.figure = LiveFigure(self._empty(height))
        self._titles = [note.to_plotly_json() for note in self.figure.layout.annotations]
        self._listen()

    # --- Putting things on the map: nothing is sent before `draw` ----------------------------------------------------

    def show_real(
        self, points: Points, focus: Sequence[int], text: Sequence[str], colours: Mapping[int, str]
    ) -> None:
        """Real points: those of classes in ``focus`` in colour with their names, all others grey."""
        self.focus, self.colours = (
            [int(k) for k in focus],
            {**dict.fromkeys(range(len(self.names)), CONTEXT), **colours},
        )
        inside = np.isin(points.labels, self.focus)
        self._fill("context", Cloud(points, text, np.flatnonzero(~inside)))
        self._fill("real", Cloud(points, text, np.flatnonzero(inside)))
        there = [k for k in self.focus if (points.labels == k).any()]
        self._notes = [
            *self._titles,
            *(
                self._name(k, points, lens)
                for lens in LENSES
                for k in there
                if _mapped(points, lens)
            ),
        ]
        if not _mapped(points, "umap"):
            self._notes.append(NO_MAP)

    def show_synthesized(
        self, points: Points, text: Sequence[str], kind: str = "synthesized"
    ) -> None:
        """Synthesized points in the colours of their classes."""
        self._fill(kind, Cloud(points, text, np.arange(points.count)))

    def show_lines(self, curves: Mapping[str, Mapping[str, np.ndarray]]) -> None:
        """Curves (n, 2) with gaps, by kind (see ``CURVES``) and lens; those left out are taken away."""
        for part in CURVES:
            for lens in LENSES:
                curve = curves.get(part, {}).get(lens, EMPTY)
                self._edit(part, lens, **_xy(curve), **(_heads(curve) if part == "moved" else {}))

    def mark(self, places: Mapping[str, np.ndarray]) -> None:
        """Rings around places (n, 2) by lens."""
        for lens in LENSES:
            self._edit("ring", lens, **_xy(places.get(lens, EMPTY)))

    def draw(self) -> None:
        """Send what was put on the map, all in one message: the page draws the whole figure anew for each.

        Not by ``batch_update``: where a property changes in some of its traces only, the page loses it in the others. Here
        the others are sent what they have.
        """
        traces, changed = (
            list(self._edits),
            dict.fromkeys(prop for edits in self._edits.values() for prop in edits),
        )
        now = self.figure.data
        restyle = {
            prop: [self._edits[i].get(prop, now[i][prop]) for i in traces] for prop in changed
        }
        self.figure.plotly_update(
            restyle, {} if self._notes is None else {"annotations": self._notes}, traces
        )
        self._edits, self._notes = {}, None

    def trace(self, part: str, lens: str):
        """One trace of the figure: ``context``, ``real``, ``synthesized``, a kind of line, ``ring`` or ``room``."""
        return self.figure.data[self._parts[part, lens]]

    def _name(self, k: int, points: Points, lens: str) -> dict[str, object]:
        """A class's name where its real points are. Not a trace: what is drawn with WebGL would cover it."""
        x, y = map(float, np.median(getattr(points.of(k), lens), axis=0))
        axes = {"xref": "x", "yref": "y"} if lens == "pca" else {"xref": "x2", "yref": "y2"}
        return {
            "text": f"<b>{self.names[k]}</b>",
            "x": x,
            "y": y,
            "showarrow": False,
            "font": {"size": 19},
            **axes,
        }

    def _edit(self, part: str, lens: str, **changes) -> None:
        self._edits.setdefault(self._parts[part, lens], {}).update(changes)

    def _fill(self, kind: str, cloud: Cloud) -> None:
        self.clouds[kind] = cloud
        which = cloud.shown
        changes = {"customdata": which, "text": [cloud.text[i] for i in which]}
        if kind != "context":
            changes["marker.color"] = [self.colours[int(k)] for k in cloud.points.labels[which]]
        for lens in LENSES:
            self._edit(kind, lens, **_xy(getattr(cloud.points, lens)[which]), **changes)
            self._edit(
                "room", lens, **_xy(_corners([one.points for one in self.clouds.values()], lens))
            )

    # --- The figure, made once ---------------------------------------------------------------------------------------

    def _empty(self, height: int) -> go.Figure:
        figure = make_subplots(1, 2, subplot_titles=list(LENSES.values()), horizontal_spacing=0.03)
        for column, lens in enumerate(LENSES, start=1):
            for part, trace in self._traces():
                self._parts[part, lens] = len(figure.data)
                figure.add_trace(trace, 1, column)
        figure.update_xaxes(
            showticklabels=False, zeroline=False, showgrid=False, linecolor=MIDDLE_GREY, mirror=True
        )
        figure.update_yaxes(
            showticklabels=False, zeroline=False, showgrid=False, linecolor=MIDDLE_GREY, mirror=True
        )
        figure.layout.yaxis.scaleanchor, figure.layout.yaxis2.scaleanchor = "x", "x2"
        figure.update_annotations(yshift=3)  # their edge would cut the frame
        return figure.update_layout(
            template="none", autosize=True, height=height, showlegend=False, dragmode="lasso", hovermode="closest",
            uirevision="kept",  # zoom and pan stay when the points change
            margin={"l": 4, "r": 4, "t": 34, "b": 4}, paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
            font={"size": 14, "color": MIDDLE_GREY}, hoverlabel={"bgcolor": "#262626", "font": {"color": "#FFFFFF", "size": 13}},
        )  # fmt: skip

    def _traces(self):
        """What is drawn through each lens, from back to front."""
        hover = "%{text}<extra></extra>"
        yield "context", _points(color=CONTEXT, size=4, opacity=0.55, hovertemplate=hover)
        yield "real", _points(size=6, opacity=0.6, hovertemplate=hover)
        for kind, symbol in zip(self.kinds[1:], SET_SYMBOLS, strict=False):
            yield (
                kind,
                _points(
                    size=8, opacity=0.95, symbol=symbol, line={"width": 1.6}, hovertemplate=hover
                ),
            )
        for part, (colour, width, dash) in CURVES.items():
            line = {"color": colour, "width": width, "dash": dash}
            head = {"symbol": "arrow", "color": colour, "size": [], "angle": [], "opacity": 1}
            mode, marker = ("lines+markers", head) if part == "moved" else ("lines", None)
            yield (
                part,
                go.Scattergl(x=[], y=[], mode=mode, line=line, marker=marker, hoverinfo="skip"),
            )
        ring = {"symbol": "circle-open", "size": 20, "color": MIDDLE_GREY, "line": {"width": 3}}
        yield "ring", go.Scattergl(x=[], y=[], mode="markers", marker=ring, hoverinfo="skip")
        # Unseen, as large and as far out as a ring can be: else the map would move under the pointer that asks for one.
        yield (
            "room",
            go.Scattergl(x=[], y=[], mode="markers", marker=ring, hoverinfo="skip", opacity=0),
        )

    # --- Pointing and selecting --------------------------------------------------------------------------------------

    def _listen(self) -> None:
        for kind in ["context", *self.kinds]:
            for lens in LENSES:
                trace = self.trace(kind, lens)
                trace.on_hover(
                    lambda trace, points, state, kind=kind: self._pointed(kind, points.point_inds)
                )
                trace.on_click(
                    lambda trace, points, state, kind=kind: self._pointed(kind, points.point_inds)
                )
                trace.on_selection(
                    lambda trace, points, selector, kind=kind: self._selected(
                        kind, points.point_inds
                    )
                )

    def _pointed(self, kind: str, where: Sequence[int]) -> None:
        shown = self.clouds[kind].shown if kind in self.clouds else ()
        if where and where[0] < len(shown):  # an older picture may have had more points
            self.on_point("real" if kind == "context" else kind, int(shown[where[0]]))

    def _selected(self, kind: str, where: Sequence[int]) -> None:
        shown = self.clouds[kind].shown if kind in self.clouds else np.empty(0, np.int64)
        inside = [i for i in where if i < len(shown)]
        if inside:
            self.on_select("real" if kind == "context" else kind, shown[inside])


def _mapped(points: Points, lens: str) -> bool:
    """Whether there are places through this lens already."""
    return bool(np.isfinite(getattr(points, lens)).all())


def _corners(clouds: Sequence[Points], lens: str) -> np.ndarray:
    """The corners (2, 2) of the box around all points that have places through this lens; (0, 2) where none have."""
    places = np.concatenate(
        [getattr(points, lens) for points in clouds if _mapped(points, lens)] or [EMPTY]
    )
    return np.stack([places.min(0), places.max(0)]) if len(places) else EMPTY


def _xy(places: np.ndarray) -> dict[str, np.ndarray]:
    return {"x": np.ascontiguousarray(places[:, 0]), "y": np.ascontiguousarray(places[:, 1])}


def _heads(curve: np.ndarray) -> dict[str, np.ndarray]:
    """Size and direction of the heads of arrows (3 M, 2): one at the second of each three points, in degrees from upwards."""
    way = curve[1::3] - curve[::3]
    size, angle = np.zeros(len(curve)), np.zeros(len(curve))
    size[1::3], angle[1::3] = 14, np.degrees(np.arctan2(way[:, 0], way[:, 1]))
    return {"marker.size": size, "marker.angle": angle}


def _points(*, hovertemplate: str, opacity: float, **marker) -> go.Scattergl:
    return go.Scattergl(
        x=[], y=[], mode="markers", marker=marker, opacity=opacity, hovertemplate=hovertemplate, text=[], customdata=[],
        unselected={"marker": {"opacity": 0.25}},
    )  # fmt: skip


def focus_colours(classes: Sequence[int], before: Mapping[int, str]) -> dict[int, str]:
    """Colours of classes in focus; those that were in focus before keep theirs."""
    kept = [k for k in before if k in classes]
    return {k: before[k] for k in kept} | _fresh(
        [k for k in classes if k not in kept], {before[k] for k in kept}
    )


def _fresh(classes: Sequence[int], taken: set[str]) -> dict[int, str]:
    every = list(class_colours(range(27)).values())
    free = [colour for colour in every if colour not in taken] or every
    return {int(k): free[i % len(free)] for i, k in enumerate(classes)}
