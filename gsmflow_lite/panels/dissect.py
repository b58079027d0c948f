"""Flow anatomy: a flow in two dimensions, taken apart one half layer at a time, from data to noise and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np
import plotly.graph_objects as go
import traitlets

from ..datasets import crescent_world
from ..errors import DataError
from ..events import Epoch, Step
from ..explorer.anatomy import (
    Box,
    Density,
    Journey,
    box_around,
    density,
    grid_lines,
    normal_circles,
    small_flow,
    to_data,
    to_noise,
)
from ..explorer.anatomy_figures import SPACES, along, anatomy_figure, anatomy_still, sides, view
from ..figures.style import MIDDLE_GREY, PALETTE, plain, short
from ..method.model import GSMFlow
from ..seeds import stream
from .controls import WIDE, choice, heading, rows, slider, switch
from .live import LiveFigure
from .panel import Panel, button

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DISSECT_SEED = 0
ROWS_SHOWN = 500  # drawn from a class; fewer are shown
PACE = 900  # milliseconds of a step that is played; below `ONE_MOVE`, so that undo takes all of it back at once
NOISE_BOX = (-3.0, 3.0, -3.0, 3.0)
MINUS = "\N{MINUS SIGN}"
TRAINING = "training the little flow"
_trained: dict[
    int, GSMFlow
] = {}  # the flow of the world that comes with the panel, by seed: trained once in a process


@dataclass(frozen=True, eq=False)
class FlowScene:
    """What one class, direction and choice of points show, whatever the step.

    ``middle`` is the journey of one point, that which begins at the mean of the others; ``before`` its log-density there.
    """

    points: Journey
    grid: Journey
    middle: Journey
    learned: Density
    truth: Density
    before: float

    @property
    def after(self) -> np.ndarray:
        """Log-density of the middle point after each step, (S,): what a move spreads out becomes less dense."""
        return self.before - self.middle.log_dets[:, 0].cumsum()

    @property
    def log_det(self) -> np.ndarray:
        """The log-determinant so far, mean over the points, (S,)."""
        return self.points.log_dets.mean(1).cumsum()

    def box(self, space: str, step: int) -> Box:
        """What is in the picture of a space: data have a scale of their own, all else has one whatever the step."""
        moving = space == self.points.towards
        of_data = len(self.points) - 1 if self.points.towards == "data" else 0
        if (step if moving else 0) == of_data:
            return self.learned.box
        clouds = (
            np.delete(self.points.points, of_data, axis=0) if moving else self.points.points[:1]
        )
        return view(clouds, normal_circles())


def dissection(
    world, model: GSMFlow, number: int, towards: str, *, n: int = 300, temperature: float = 1.0
) -> FlowScene:
    """Class ``number`` of a world on its way to ``noise``, or noise of a ``temperature`` on its way to ``data``."""
    description = world.dataset.attributes[number : number + 1]
    x = world.sample(number, ROWS_SHOWN, seed=DISSECT_SEED)
    box = box_around(x, 0.2)
    if towards == "noise":
        start, net, walk = x[:n], grid_lines(box), to_noise
    else:
        start, net, walk = _noise(n, temperature), grid_lines(NOISE_BOX), to_data
    middle = walk(model, start.mean(0, keepdims=True), description)
    before = (
        model.log_prob(middle.points[0], description).item()
        if towards == "noise"
        else _log_normal(middle.points[0])
    )
    return FlowScene(
        walk(model, start, description),
        walk(model, net, description),
        middle,
        density(model, description, box),
        density(world, number, box),
        before,
    )


def _noise(n: int, temperature: float) -> np.ndarray:
    return temperature * stream(DISSECT_SEED, "latent noise").standard_normal((n, 2))


def _log_normal(z: np.ndarray) -> float:
    """Log-density of one point z (1, 2) under the standard normal, in nats."""
    return float(-0.5 * (z.astype(np.float64) ** 2).sum() - np.log(2 * np.pi))


class DissectPanel(Panel):
    """Step through the coupling layers of a flow: the grid bends, the density stays exact. See :func:`dissect`."""

    kind = "dissect"
    help = "Press play, or step with the arrow keys: each step is half a coupling layer."

    def __init__(
        self,
        world=None,
        model: GSMFlow | None = None,
        *,
        state: str = "",
        hide: Sequence[str] = (),
        name: str = "dissect",
    ) -> None:
        if world is None and model is not None:
            raise DataError(
                "a model must come with the world whose classes it knows: dissect(world, model)"
            )
        self.given = [
            part for part, value in (("world", world), ("model", model)) if value is not None
        ]
        self.world = crescent_world(seed=DISSECT_SEED) if world is None else world
        model = _trained.get(DISSECT_SEED) if world is None else model
        self.trained = model is not None
        self.model = (
            small_flow(self.world.dataset, DISSECT_SEED, epochs=0) if model is None else model
        )
        self._scene: tuple[tuple, FlowScene] | None = None
        first = int(self.world.dataset.seen_classes[0])
        scene = dissection(
            self.world, self.model, first, "noise"
        )  # refuses what has not two features, before any widget
        super().__init__(
            _controls(self.world.dataset, first, len(scene.points) - 1),
            name=name,
            hide=hide,
            start=state,
        )
        self.figure = LiveFigure(_figure(scene))
        self.readout, self.described = (
            widgets.HTML(),
            widgets.HTML(layout=widgets.Layout(width=WIDE)),
        )
        self.again = button("Train", "cogs", "Train the flow on this world", self._train)
        self.play = widgets.Play(max=len(scene.points) - 1, interval=PACE)
        self._link = traitlets.link((self.controls["step"], "value"), (self.play, "value"))
        self._arrange(hide)
        self.refresh()
        if not self.trained:
            self._train()

    def _arrange(self, hide: Sequence[str]) -> None:
        c = self.controls
        self.play.layout.display = "none" if "step" in hide else "flex"
        self.play.layout.margin = "0 0 0 104px"
        left = [
            c["number"], self.described, c["towards"], c["points"], c["temperature"],
            heading("Moves"), c["step"], self.play,
            heading("Shown"), *rows([c["grid"], c["density"]], [c["truth"], self.again]),
        ]  # fmt: skip
        self.arrange(left, [self.figure, self.readout])

    # --- Training ----------------------------------------------------------------------------------------------------

    def _train(self) -> None:
        def job(task) -> GSMFlow:
            def watch(event) -> None:
                task(
                    Step(TRAINING, event.epoch, event.epochs) if isinstance(event, Epoch) else None
                )

            return small_flow(self.world.dataset, DISSECT_SEED, watch=watch)

        self.submit(TRAINING, job, self._ready)

    def _ready(self, model: GSMFlow) -> None:
        self.model, self.trained = model, True
        if not self.given:
            _trained[DISSECT_SEED] = model
        self._redraw()

    def _busy(self, name, event) -> None:
        super()._busy(name, event)
        self.again.disabled = name is not None

    # --- The view ----------------------------------------------------------------------------------------------------

    @property
    def scene(self) -> FlowScene:
        """What is shown, at all steps."""
        now = self.shown
        key = (self.model, *(now[one] for one in ("number", "towards", "points", "temperature")))
        if self._scene is None or self._scene[0] != key:
            made = dissection(
                self.world, self.model, *key[1:3], n=now["points"], temperature=now["temperature"]
            )
            self._scene = key, made
        return self._scene[1]

    def refresh(self) -> None:
        scene, now = self.scene, self.shown
        self.controls["temperature"].disabled = now["towards"] == "noise"  # data are as they are
        self.again.layout.display = "none" if self.trained else "flex"
        with self.figure.batch_update():
            self._fill(scene, now)
        self.described.value = _described(self.world.dataset, now["number"])
        self.readout.value = _words(scene, now["step"], self.trained)

    def _fill(self, scene: FlowScene, now: dict[str, Any]) -> None:
        both = sides(scene.points, scene.grid, now["step"], scene.learned)
        for i, side in enumerate(both):
            grid, outline, dots, middle = (
                self.trace(SPACES[i], part) for part in ("grid", "outline", "points", "middle")
            )
            at = now["step"] if SPACES[i] == scene.points.towards else 0
            for trace, curve in (
                (grid, side.grid),
                (outline, side.outline),
                (dots, side.dots),
                (middle, scene.middle.points[at]),
            ):
                _put(trace, curve)
            grid.visible, dots.marker.color, dots.customdata = (
                now["grid"],
                along(scene.points.points[0]),
                _rows(side.dots),
            )
            self.figure.layout.annotations[i].text = plain(side.title, most=None)
            self._zoom(i, scene.box(SPACES[i], now["step"]))
        _put(self.trace("data", "truth"), scene.truth.lines())
        self.trace("data", "outline").visible = now["density"]
        self.trace("data", "truth").visible = now["truth"]

    def _zoom(self, side: int, box) -> None:
        x, y = (("xaxis", "yaxis"), ("xaxis2", "yaxis2"))[side]
        self.figure.layout[x].range, self.figure.layout[y].range = box[:2], box[2:]

    def trace(self, space: str, part: str):
        """One trace of the figure: ``grid``, ``outline``, ``points`` or ``middle`` of a space, or ``truth`` of the data."""
        return next(self.figure.select_traces({"meta": f"{space} {part}"}))

    def code(self) -> str:
        now = self.shown
        k, walk = now["number"], "to_noise" if now["towards"] == "noise" else "to_data"
        names = ["box_around", "density", "grid_lines", walk]
        if "world" not in self.given:
            making = [
                "world, model = world_flow(seed=0)"
                if self.trained
                else "world, model = world_flow(seed=0, epochs=0)"
            ]
            names.append("world_flow")
        elif "model" not in self.given:
            making = [
                "# world: as you handed it in",
                f"model = small_flow(world.dataset, 0{'' if self.trained else ', epochs=0'})",
            ]
            names.append("small_flow")
        else:
            making = ["# world and model: as you handed them in"]
        return "\n".join(
            [
                *(["import numpy as np"] if walk == "to_data" else []),
                f"from gsmflow_lite.explorer.anatomy import {', '.join(sorted(names))}",
                "from gsmflow_lite.explorer.anatomy_figures import anatomy_figure, anatomy_still",
                "",
                *making,
                f"description = world.dataset.attributes[{k}:{k + 1}]",
                f"x = world.sample({k}, {ROWS_SHOWN}, seed={DISSECT_SEED})",
                "box = box_around(x, 0.2)",
                *_way(now),
                "learned = density(model, description, box)",
                f"truth = density(world, {k}, box)",
                f"anatomy_figure(points, grid, {now['step']}, target=learned)  # this step",
                "anatomy_still(points, grid, target=learned)  # all of them",
            ]
        )

    def still(self) -> Figure:
        scene, now = self.scene, self.shown
        name = self.world.dataset.class_names[now["number"]]
        caption = f"{self.world.dataset.name}, {name}, seed {DISSECT_SEED}. The data have a scale of their own, all others have one."
        title = f"From {scene.grid.names[0]} to {now['towards']}, one half layer at a time"
        title += "" if self.trained else ": a flow before training"
        return anatomy_still(
            scene.points, scene.grid, target=scene.learned, title=title, caption=caption
        )

    def close(self) -> None:
        self._link.unlink()
        super().close()


def dissect(
    world=None,
    model: GSMFlow | None = None,
    *,
    state: str = "",
    hide: Sequence[str] = (),
    name: str = "dissect",
) -> DissectPanel:
    """Step through a flow in two dimensions: from data to noise and back, half a coupling layer at a time.

    Without arguments it is the flow of :func:`gsmflow_lite.explorer.anatomy.world_flow`, shown untrained at once and trained in a few
    seconds in the background; ``dissect().wait()`` waits for it. A ``world`` is a ``CrescentWorld``, or anything else of two
    features with its ``dataset``, ``sample`` and ``log_prob``; without a ``model`` a flow is trained on it. ``state`` is a text
    from the panel's state, ``hide`` names controls to take away; a second panel of the same ``name`` closes the first.
    """
    return DissectPanel(world, model, state=state, hide=hide, name=name)


def _controls(dataset, first: int, steps: int) -> dict[str, Any]:
    unseen = set(dataset.unseen_classes.tolist())
    classes = [
        (f"{name}{' (unseen)' if k in unseen else ''}", k)
        for k, name in enumerate(dataset.class_names)
    ]
    return {
        "number": choice("class", classes, first, "Whose points, or whose description"),
        "towards": choice(
            "direction",
            [("data to noise", "noise"), ("noise to data", "data")],
            "noise",
            "Which way to go",
        ),
        "points": slider("points", 300, 50, ROWS_SHOWN, 50, "How many points travel"),
        "temperature": slider(
            "temperature",
            1.0,
            0.0,
            1.5,
            0.05,
            "Scales the noise before it goes to data; 0: all one point",
        ),
        "step": slider("step", 0, 0, steps, 1, "Half layers so far; arrow keys move it too"),
        "grid": switch("grid", True, "Straight at the start"),
        "density": switch(
            "density", True, "Curves that hold 50, 90 and 99 % of the flow's density"
        ),
        "truth": switch(
            "true density", False, "The same curves of the world's own density, dashed"
        ),
    }


def _figure(scene: FlowScene) -> go.Figure:
    """All traces, made once: grid, outline, points and middle on each side, and the truth."""
    figure = anatomy_figure(scene.points, scene.grid, 0)
    for trace, space in zip(figure.data, np.repeat(SPACES, 3), strict=True):
        trace.meta = f"{space} {trace.name if trace.name in ('grid', 'points') else 'outline'}"
    dashed = {"color": PALETTE[1], "width": 2, "dash": "dash"}
    cross = {
        "symbol": "x",
        "size": 13,
        "color": MIDDLE_GREY,
        "line": {"width": 1.5, "color": "#FFFFFF"},
    }
    hover = "the point that began in the middle<extra></extra>"
    figure.add_trace(
        go.Scatter(mode="lines", line=dashed, hoverinfo="skip", meta="data truth"), 1, 1
    )
    for column, space in enumerate(SPACES, start=1):
        middle = go.Scatter(
            mode="markers", marker=cross, hovertemplate=hover, meta=f"{space} middle"
        )
        figure.add_trace(middle, 1, column)
    figure.update_traces(line_color=MIDDLE_GREY, selector={"meta": "noise outline"})
    figure.update_traces(
        fill="toself", fillcolor="rgba(0, 158, 115, 0.12)", selector={"meta": "data outline"}
    )
    figure.update_traces(line_color="rgba(127, 127, 127, 0.45)", selector={"name": "grid"})
    figure.update_annotations(yshift=6)
    figure.update_xaxes(linecolor=MIDDLE_GREY, mirror=True)
    figure.update_yaxes(linecolor=MIDDLE_GREY, mirror=True)
    return figure.update_layout(
        template="none", autosize=True, height=480, title=None, margin={"l": 34, "r": 8, "t": 42, "b": 28},
        font={"size": 13, "color": MIDDLE_GREY},
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", uirevision="kept", dragmode="pan",
    )  # fmt: skip


def _put(trace, curve: np.ndarray) -> None:
    trace.x, trace.y = (np.ascontiguousarray(curve[:, i], np.float32) for i in (0, 1))


def _rows(dots: np.ndarray) -> np.ndarray:
    return np.arange(len(dots))[:, None]


def _way(now: dict[str, Any]) -> list[str]:
    """The lines of code from ``x`` and ``description`` to ``points`` and ``grid``."""
    if now["towards"] == "noise":
        return [
            f"points = to_noise(model, x[:{now['points']}], description)",
            "grid = to_noise(model, grid_lines(box), description)",
        ]
    return [
        f'noise = {now["temperature"]!r} * stream({DISSECT_SEED}, "latent noise").standard_normal(({now["points"]}, 2))',
        "points = to_data(model, noise, description)",
        f"grid = to_data(model, grid_lines({NOISE_BOX}), description)",
    ]


def _words(scene: FlowScene, step: int, trained: bool) -> str:
    """The account of a step: what the moves did to areas, and so to the density."""
    names = scene.points.names
    log_det = scene.middle.log_dets[: step + 1, 0].sum()
    lines = [
        f"<b>Step {step} of {len(names) - 1}: {escape(names[step])}.</b> Log-determinant so far, mean over the points: "
        f"<b>{_nats(scene.log_det[step])}</b>.",
        f"The point ✕ began in the middle: log-density {_nats(scene.before)} there, minus its own log-determinant "
        f"{_nats(log_det)}, makes <b>{_nats(scene.after[step])}</b> here.",
        f"The density of the {'' if trained else 'untrained '}flow integrates to <b>{scene.learned.mass:.3f}</b> over the "
        f"picture of the data; the truth to {scene.truth.mass:.3f}.",
    ]
    return f'<div class="card" role="status">{"<br>".join(lines)}</div>'


def _nats(value: float) -> str:
    return f"{value:.2f} nats".replace("-", MINUS)


def _described(dataset, number: int) -> str:
    """What is said of a class; the first attributes are enough."""
    pairs = zip(dataset.attribute_names, dataset.attributes[number], strict=False)
    text = ", ".join(
        f"{short(name)} {value:.2f}".replace("-", MINUS) for name, value in list(pairs)[:4]
    )
    return f'<div class="card calm" style="text-align: right">{escape(text)}</div>'
