"""A training as it was watched: its curve, a quick validation score, what was synthesized after chosen epochs; to replay it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from ..config import Config
from ..datasets.base import GZSLDataset
from ..datasets.statistics import class_means
from ..events import Epoch
from ..figures.lenses import LENSES
from ..figures.style import (
    CONTEXT,
    INK,
    PALETTE,
    QUIET,
    class_colours,
    plain,
    plain_still,
    still_figure,
)
from ..generators.base import Generator, ask
from ..scores.evaluation import TestLogits
from ..seeds import stream
from .scene import Scene, Synthesized

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_FRAMES = 60  # of a recording: each holds features
MOST_CLASSES = 8  # that are synthesized on the map: more cannot be told apart
SAMPLES_EACH = 40  # synthesized features of a class
CANDIDATES = (
    60  # calibrations that are tried after each epoch; the search must be cheaper than the epoch
)
CONTEXT_POINTS = 600  # grey ones in an exported replay: each is stored
HOW_H = "H: nearest class mean; seen classes have their real mean, the others that of 50 synthesized; best calibration there"
LOSS_COLOUR, H_COLOUR = PALETTE[0], PALETTE[1]


def quick_harmonic(
    generator: Generator, fold: GZSLDataset, *, samples: int = 50, seed: int = 0
) -> float:
    r"""The harmonic mean H, in per cent, of a classifier without any training: the nearest class mean,

    .. math:: \hat y(x) = \arg\min_y |x - \mu_y|^2 + \gamma \, [y \text{ seen}]

    with real means of seen classes and means of ``samples`` synthesized features of the unseen ones. The calibration
    :math:`\gamma` is the best on these very rows, so hand in a validation fold, never the test set. It sees where classes
    are synthesized, not how widely they spread: the softmax classifier of :mod:`gsmflow_lite.scores.protocol` is what is reported.
    """
    unseen = fold.unseen_classes
    asked = fold.attributes[unseen]
    synthesized = (
        ask(generator, asked, samples, seed=seed, width=fold.features.shape[1]).cpu().numpy()
    )
    means = np.empty((len(fold.attributes), fold.features.shape[1]))
    means[fold.seen_classes] = class_means(fold, fold.seen_classes, fold.train)
    means[unseen] = synthesized.mean(1)
    # |x|^2 is the same for all classes
    seen_rows, unseen_rows = (
        2 * fold.features[rows] @ means.T - (means**2).sum(1)
        for rows in (fold.test_seen, fold.test_unseen)
    )
    logits = TestLogits(fold, seen_rows, unseen_rows, unseen_rows[:, unseen])
    return logits.scores(logits.best_calibration(CANDIDATES)).harmonic


@dataclass(frozen=True, eq=False)
class View:
    """What is trained on, ``problem``, and where it is looked at.

    ``classes`` (M,) of the problem are synthesized; in the data set of ``scene``, which may have another preprocessing, the same
    ones are ``shown`` (M,).
    """

    problem: GZSLDataset
    scene: Scene
    classes: np.ndarray
    shown: np.ndarray

    @classmethod
    def of(cls, dataset: GZSLDataset, scene: Scene, *, fold: bool) -> View:
        """``fold``: train on the seen classes but those for validation, which then play the unseen; else on all."""
        problem = dataset.validation_fold() if fold else dataset
        classes = problem.unseen_classes
        if len(classes) > MOST_CLASSES:
            classes = classes[np.linspace(0, len(classes) - 1, MOST_CLASSES).round().astype(int)]
        # A fold consists of training rows, and numbers the seen classes anew in their order.
        return cls(problem, scene, classes, dataset.seen_classes[classes] if fold else classes)

    @property
    def names(self) -> list[str]:
        """Of the classes that play the unseen, all of them."""
        return [self.problem.class_names[k] for k in self.problem.unseen_classes]

    def ask(self, generator: Generator, *, each: int = SAMPLES_EACH, seed: int = 0) -> Synthesized:
        """``each`` features of each class in view, on the map, as arrays that belong to nobody else."""
        asked = self.problem.attributes[self.classes]
        made = ask(generator, asked, each, seed=seed, width=self.problem.features.shape[1]).flatten(
            0, 1
        )
        return self.scene.place(self.translate(made.cpu().numpy()), self.shown.repeat(each))

    def translate(self, features: np.ndarray) -> np.ndarray:
        """Features (N, d) of the problem as the scene's data set has them."""
        ours, theirs = self.problem.preprocessing, self.scene.dataset.preprocessing
        if ours is theirs:
            return features
        raw = features if ours is None else ours.inverse(features)
        return raw if theirs is None else theirs.transform(raw)


@dataclass(frozen=True, eq=False)
class Frame:
    """What the model of that epoch synthesizes; epoch 0 is the untrained one."""

    epoch: int
    synthesized: Synthesized


@dataclass(eq=False)
class Recording:
    """A training that grows: every epoch, the loss of some batches as pairs (epoch, loss), and at most 60 frames."""

    view: View
    config: Config
    seed: int
    history: list[Epoch] = field(default_factory=list)
    batches: list[tuple[float, float]] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)

    @property
    def caption(self) -> str:
        """Data, settings, seed, length and the recipe of the map: what it takes to make it again."""
        done, scene = len(self.history), self.view.scene
        lens = (
            scene.projection.describe
            if scene.has_map
            else f"PCA fitted on {scene.real.count} real rows"
        )
        return (
            f"{self.view.problem.name}; settings {self.config.name}, seed {self.seed}, epoch {done} of "
            f"{self.config.training.epochs}; map: {lens}"
        )

    def said(self, epoch: int) -> str:
        """An epoch in words."""
        if not epoch:
            return "epoch 0, untrained"
        one = self.history[epoch - 1]
        h = "" if one.score is None else f", validation H {one.score:.1f} %"
        return f"epoch {epoch}: negative log-likelihood {one.likelihood:.3f}{h}"

    def curve(self, name: str) -> tuple[list[int], list[float]]:
        """A field of the epochs, such as ``likelihood``, where it is known."""
        known = [(e.epoch, getattr(e, name)) for e in self.history if getattr(e, name) is not None]
        return [x for x, _ in known], [y for _, y in known]


def frame_epochs(epochs: int, every: int) -> set[int]:
    """Epochs after which a frame is kept: 0, the last, and every so many, fewer where that would be more than 60."""
    step = every * ceil(epochs / (every * (MOST_FRAMES - 2)))
    return {*range(0, epochs, step), epochs}


def extent(points: np.ndarray, pad: float = 0.08) -> tuple[list[float], list[float]]:
    """Ranges of x and y around ``points`` (N, 2), real ones: the frame of a map that must not move with what is synthesized."""
    low, high = points.min(0), points.max(0)
    room = pad * (high - low) + 1e-9
    return [float(low[0] - room[0]), float(high[0] + room[0])], [
        float(low[1] - room[1]),
        float(high[1] + room[1]),
    ]


# --- Offline: a figure with frames, a still one -----------------------------------------------------------------------


def replay_figure(recording: Recording, *, milliseconds: int = 700) -> go.Figure:
    """The training as one plotly figure to play, to step through and to scrub where no kernel runs.

    ``write_html(path, auto_play=False)`` makes a page of it. ``milliseconds``: how long a frame stays.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    lenses = _lenses(recording)
    figure = make_subplots(
        1, 1 + len(lenses), specs=[[{"secondary_y": True}, *[{}] * len(lenses)]], horizontal_spacing=0.07,
        subplot_titles=["training", *(LENSES[lens] for lens in lenses)],
    )  # fmt: skip
    moving = [_add_curve(figure, recording)]
    for column, lens in enumerate(lenses, start=2):
        moving.append(_add_map(figure, recording, lens, column))
    figure.frames = [
        go.Frame(name=str(one.epoch), traces=moving, data=_moved(recording, one))
        for one in recording.frames
    ]
    return _with_player(figure, recording, milliseconds)


def still(recording: Recording) -> Figure:
    """The curve, and the first and the last map, in matplotlib."""
    lenses = _lenses(recording)
    ends = [recording.frames[0], recording.frames[-1]] if recording.frames else []
    title = f"Training on {recording.view.problem.name}"
    wide = 5 + 4.2 * len(ends)
    figure = still_figure(wide, 4.2 * len(lenses) + 0.5, title, "")
    lines = [
        line for text in (recording.caption, HOW_H) for line in textwrap.wrap(text, int(13 * wide))
    ]
    figure.supxlabel(
        "\n".join(map(_still_text, lines)), fontsize=10.5, x=0.01, ha="left", color=QUIET
    )
    axes = figure.subplot_mosaic(
        [["curve", *(f"{lens}{j}" for j in range(len(ends)))] for lens in lenses]
    )
    _still_curve(axes["curve"], recording)
    for lens in lenses:
        for j, one in enumerate(ends):
            _still_map(axes[f"{lens}{j}"], recording, one, lens)
    return figure


def _still_text(text: str) -> str:
    return plain_still(text, most=None)


def _lenses(recording: Recording) -> Sequence[str]:
    return list(LENSES) if recording.view.scene.has_map else ["pca"]


def _add_curve(figure: go.Figure, recording: Recording) -> int:
    """Both curves and the dot that marks the frame, whose number among the traces is returned."""
    import plotly.graph_objects as go

    for name, text, colour, second in (
        ("likelihood", "negative log-likelihood", LOSS_COLOUR, False),
        ("score", "validation H (%)", H_COLOUR, True),
    ):
        x, y = recording.curve(name)
        if x:
            trace = go.Scatter(
                x=x, y=y, name=text, mode="lines+markers", line={"color": colour, "width": 3}
            )
            figure.add_trace(trace, 1, 1, secondary_y=second)
            figure.update_yaxes(
                title=text, title_font_color=colour, secondary_y=second, row=1, col=1
            )
    if recording.curve("score")[0]:
        figure.update_yaxes(
            range=[0, 100],
            tickmode="linear",
            dtick=20,
            showgrid=False,
            secondary_y=True,
            row=1,
            col=1,
        )
    figure.add_trace(_here(recording, recording.frames[0]), 1, 1, secondary_y=False)
    figure.update_xaxes(
        title="epoch", range=[-0.5, recording.config.training.epochs + 0.5], row=1, col=1
    )
    return len(figure.data) - 1


def _here(recording: Recording, one: Frame) -> go.Scatter:
    import plotly.graph_objects as go

    losses = recording.curve("likelihood")[1]
    y = (
        [losses[max(0, one.epoch - 1)]] if losses else [None]
    )  # the untrained model has no epoch: it stands before the first
    ring = {"symbol": "circle-open", "size": 16, "color": INK, "line": {"width": 3}}
    return go.Scatter(
        x=[one.epoch], y=y, mode="markers", marker=ring, name="this frame", hoverinfo="skip"
    )


def _add_map(figure: go.Figure, recording: Recording, lens: str, column: int) -> int:
    """Real points and the synthesized ones of the first frame, the number of whose trace is returned."""
    import plotly.graph_objects as go

    real, shown = recording.view.scene.real, recording.view.shown
    rest = real.without(shown)
    some = stream(0, "context points").permutation(rest.count)[:CONTEXT_POINTS]
    colours = class_colours(shown)
    figure.add_trace(_dots(go, getattr(rest, lens)[some], CONTEXT, 4, 0.5), 1, column)
    for k in shown:
        own = getattr(real.of(k), lens)
        figure.add_trace(_dots(go, own, colours[int(k)], 6, 0.55), 1, column)
        if len(own):
            x, y = np.median(own, axis=0)
            text = f"<b>{plain(recording.view.scene.dataset.class_names[k])}</b>"
            figure.add_annotation(
                x=x,
                y=y,
                text=text,
                showarrow=False,
                row=1,
                col=column,
                bgcolor="rgba(255,255,255,0.7)",
                font={"size": 15},
            )
    figure.add_trace(_diamonds(recording, recording.frames[0], lens), 1, column)
    x, y = extent(getattr(real, lens))
    figure.update_xaxes(
        range=x, showticklabels=False, zeroline=False, showgrid=False, row=1, col=column
    )
    figure.update_yaxes(
        range=y, showticklabels=False, zeroline=False, showgrid=False, row=1, col=column
    )
    return len(figure.data) - 1


def _dots(go: Any, places: np.ndarray, colour: str, size: int, opacity: float) -> go.Scatter:
    marker = {"color": colour, "size": size, "opacity": opacity}
    return go.Scatter(
        x=places[:, 0],
        y=places[:, 1],
        mode="markers",
        marker=marker,
        showlegend=False,
        hoverinfo="skip",
    )


def _diamonds(recording: Recording, one: Frame, lens: str) -> go.Scatter:
    import plotly.graph_objects as go

    colours = class_colours(recording.view.shown)
    points = one.synthesized.points
    marker = {
        "symbol": "diamond-open",
        "size": 8,
        "line": {"width": 1.6},
        "color": [colours[int(k)] for k in points.labels],
    }
    x, y = getattr(points, lens).T
    return go.Scatter(x=x, y=y, mode="markers", marker=marker, showlegend=False, hoverinfo="skip")


def _moved(recording: Recording, one: Frame) -> list[go.Scatter]:
    """What a frame changes, in the order of the traces that move."""
    return [
        _here(recording, one),
        *(_diamonds(recording, one, lens) for lens in _lenses(recording)),
    ]


def _with_player(figure: go.Figure, recording: Recording, milliseconds: int) -> go.Figure:
    now = {
        "mode": "immediate",
        "frame": {"duration": 0, "redraw": True},
        "transition": {"duration": 0},
    }
    play = {
        "frame": {"duration": milliseconds, "redraw": True},
        "fromcurrent": True,
        "transition": {"duration": 0},
    }
    buttons = [
        {"label": "▶ Play", "method": "animate", "args": [None, play]},
        {"label": "❚❚ Pause", "method": "animate", "args": [[None], now]},
    ]
    steps = [
        {"label": str(f.epoch), "method": "animate", "args": [[str(f.epoch)], now]}
        for f in recording.frames
    ]
    return figure.update_layout(
        template="plotly_white", height=600, font={"size": 14, "color": INK},
        title={"text": plain(f"Training on {recording.view.problem.name}", most=None), "x": 0.01, "y": 0.98},
        legend={"orientation": "h", "x": 0, "y": -0.14, "yanchor": "top"},
        margin={"l": 60, "r": 20, "t": 80, "b": 200},
        updatemenus=[{"type": "buttons", "direction": "left", "x": 0, "y": -0.27, "xanchor": "left", "yanchor": "top",
                      "buttons": buttons, "showactive": False}],
        sliders=[{"steps": steps, "x": 0.2, "len": 0.8, "y": -0.2, "currentvalue": {"prefix": "after epoch "}}],
    ).add_annotation(
        text=plain(recording.caption, most=None), x=0, y=0, yshift=-196, xref="paper", yref="paper", xanchor="left",
        yanchor="bottom", showarrow=False, font={"size": 12, "color": QUIET},
    )  # fmt: skip


def _still_curve(axes: Axes, recording: Recording) -> None:
    axes.plot(*recording.curve("likelihood"), marker="o", color=LOSS_COLOUR, linewidth=2)
    axes.set_xlabel("epoch", fontsize=13)
    axes.set_ylabel("negative log-likelihood\nper dimension (nats)", fontsize=13, color=LOSS_COLOUR)
    axes.set_xlim(0, recording.config.training.epochs + 0.5)
    axes.xaxis.get_major_locator().set_params(integer=True)
    x, y = recording.curve("score")
    if x:
        right = axes.twinx()
        right.plot(x, y, marker="s", linestyle="--", color=H_COLOUR, linewidth=2)
        right.set_ylim(0, 100)
        right.set_ylabel("validation H (%)", fontsize=13, color=H_COLOUR)


def _still_map(axes: Axes, recording: Recording, one: Frame, lens: str) -> None:
    real, shown = recording.view.scene.real, recording.view.shown
    colours, points = class_colours(shown), one.synthesized.points
    axes.scatter(*getattr(real.without(shown), lens).T, s=5, color=CONTEXT, alpha=0.5, linewidths=0)
    for k in shown:
        colour = colours[int(k)]
        own = getattr(real.of(k), lens)
        axes.scatter(*own.T, s=13, color=colour, alpha=0.55, linewidths=0)
        axes.scatter(
            *getattr(points.of(k), lens).T,
            s=20,
            marker="D",
            facecolors="none",
            edgecolors=colour,
            linewidths=0.9,
        )
        if len(own):
            name = plain_still(recording.view.scene.dataset.class_names[k])
            box = {"fc": "white", "ec": "none", "alpha": 0.75, "pad": 1}
            axes.annotate(
                name,
                np.median(own, axis=0),
                ha="center",
                va="center",
                fontsize=13,
                weight="bold",
                bbox=box,
            )
    x, y = extent(getattr(real, lens))
    axes.set(xlim=x, ylim=y, xticks=[], yticks=[])
    axes.set_title(f"{LENSES[lens].split(':')[0]}, epoch {one.epoch}", fontsize=13, loc="left")
