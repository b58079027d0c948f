"""The two maps of a page: which points are drawn, how they look, and what the script reads.

The scene itself, with all its points and their places, is the one that the explorer shows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Int

from .. import figures
from ..datasets.base import GZSLDataset
from ..events import Watch
from ..explorer.row_pictures import (
    Pixels,
    decoded,
    has_pictures,
    real_pictures,
    shows_nearest,
)
from ..explorer.scene import Scene, Synthesized
from ..figures.ink import alike, at_most
from ..figures.points import Points
from ..generators.base import Generator
from ..seeds import stream

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from matplotlib.figure import Figure

# Together with the grey points these are as many as plotly draws without WebGL.
COLOURED_POINTS = 900  # real and synthesized ones of the classes in focus
CONTEXT_POINTS = 450  # grey ones: real rows of other classes
POINTS_EACH = 50  # of one class, real or synthesized, at most
THUMBNAIL = 48  # pixels a side, at most


@dataclass(frozen=True, eq=False)
class Lenses:
    """What the maps of a page show.

    The points of the page are numbered: first all real points of the scene, then the synthesized
    ones. ``drawn`` are the numbers of the real points that are drawn. ``pictures`` are thumbnails
    of all points, or None where the data have none; of the real ones alone where features do not
    decode.
    """

    scene: Scene
    synthesized: Synthesized
    focus: list[int]
    drawn: Int[np.ndarray, " d"]
    pictures: Pixels | None

    @property
    def count(self) -> int:
        """The number of points, P."""
        return self.scene.real.count + self.synthesized.points.count

    @property
    def describe(self) -> str:
        """How the maps were made, and how many of their real points are drawn if not all are."""
        recipe = self.scene.projection.describe
        if len(self.drawn) == self.scene.real.count:
            return recipe
        drawn = f"{len(self.drawn)} of {self.scene.real.count} real rows are drawn"
        return f"{recipe}; {drawn}, neighbours are found among all of them"

    @property
    def real_points(self) -> Points:
        """The real points that are drawn, with their numbers as rows."""
        real = self.scene.real
        numbered = Points(real.pca, real.umap, real.labels, np.arange(real.count))
        return numbered.only(self.drawn)

    @property
    def synthesized_points(self) -> Points:
        """The synthesized points, with their numbers as rows."""
        points = self.synthesized.points
        numbers = self.scene.real.count + np.arange(points.count)
        return Points(points.pca, points.umap, points.labels, numbers)


def look(
    dataset: GZSLDataset,
    generator: Generator,
    focus: Sequence[int],
    *,
    n: int,
    seed: int,
    watch: Watch,
) -> Lenses:
    """Make the scene of a data set, and synthesize at most ``n`` features of each class in focus.

    The generator is asked for the classes in ascending order, because its noise depends on the
    order, and the explorer asks so.
    Raises ``DataError`` where there are too few rows for a map.
    """
    classes = [int(k) for k in focus]
    each = int(np.clip(COLOURED_POINTS // (2 * len(classes)), 1, POINTS_EACH))

    scene = Scene.of(dataset, seed=seed, watch=watch)
    synthesized = scene.ask(generator, sorted(classes), min(each, n), seed=seed)
    drawn = choose_drawn(scene.real.labels, classes, each, seed)
    return Lenses(scene, synthesized, classes, drawn, _pictures(scene, synthesized))


def choose_drawn(
    labels: Int[np.ndarray, " R"],
    focus: Sequence[int],
    each: int,
    seed: int,
) -> Int[np.ndarray, " d"]:
    """Choose the real points to draw, as numbers in ascending order.

    They are at most ``each`` of every class in focus, and some of the other classes. Another
    generator with the same classes in focus gets the same points.
    """
    rng = stream(seed, "points of a page")
    chosen = [rng.permutation(np.flatnonzero(labels == k))[:each] for k in sorted(focus)]
    others = np.flatnonzero(~np.isin(labels, focus))
    chosen.append(rng.permutation(others)[:CONTEXT_POINTS])
    return np.sort(np.concatenate(chosen))


# --- Figures -------------------------------------------------------------------------------------


def interactive(
    lenses: Lenses,
    names: Sequence[str],
    spread: Mapping[int, float],
) -> go.Figure:
    """Draw the maps in plotly, without hover labels of their own, because the page shows a card."""
    figure = figures.two_lenses(
        lenses.real_points,
        lenses.synthesized_points,
        names=names,
        focus=lenses.focus,
        colours=figures.dataset_colours(lenses.scene.dataset),
        spread=spread,
    )
    figure.update_traces(hoverinfo="none", hovertemplate=None, text=None)
    if len(lenses.focus) > len(figures.PALETTE):
        figure.for_each_annotation(_make_small)
    margin = {"l": 10, "r": 10, "t": 40, "b": 10}
    return figure.update_layout(height=540, margin=margin, hovermode="closest")


def _make_small(note: go.layout.Annotation) -> None:
    """Make the name of a class smaller, so that many names do not hide the points."""
    if note.bgcolor:  # titles have none
        note.update(font_size=12)


def still_lenses(
    lenses: Lenses,
    names: Sequence[str],
    spread: Mapping[int, float],
) -> Figure:
    """Draw the same in matplotlib, for paper and for where no script runs."""
    return figures.two_lenses_still(
        lenses.real_points,
        lenses.synthesized_points,
        names=names,
        focus=lenses.focus,
        colours=figures.dataset_colours(lenses.scene.dataset),
        spread=spread,
    )


# --- Pictures ------------------------------------------------------------------------------------


def _pictures(scene: Scene, synthesized: Synthesized) -> Pixels | None:
    """Thumbnails of all points that have a picture, the real ones first; None without any."""
    if not has_pictures(scene.dataset):
        return None
    pictures = [real_pictures(scene.dataset, scene.rows)]
    if not shows_nearest(scene.dataset):
        pictures.append(decoded(scene.dataset, synthesized.features))
    return at_most(np.concatenate(alike(pictures)), THUMBNAIL)


# --- What the script reads -----------------------------------------------------------------------


def page_data(
    lenses: Lenses,
    dataset: GZSLDataset,
    figure: go.Figure,
    sprite: dict[str, int] | None,
) -> dict[str, Any]:
    """Collect what the script of the page reads, ready for JSON. ``names`` are plain text."""
    scene = lenses.scene
    synthesized = lenses.synthesized
    count = synthesized.points.count
    shown = np.concatenate([lenses.drawn, lenses.synthesized_points.rows])
    return {
        "figure": json.loads(figure.to_json()),
        "names": [figures.short(name) for name in dataset.class_names],
        "seen": _is_seen(dataset).tolist(),
        "label": [*scene.real.labels.tolist(), *synthesized.points.labels.tolist()],
        "real": [True] * scene.real.count + [False] * count,
        "row": [*scene.rows.tolist(), *[None] * count],
        "drawn": shown.tolist(),  # the points among which the arrow keys walk
        "first": scene.real.count,  # where walking begins: the first synthesized one
        "near": [*scene.real_near.tolist(), *synthesized.near.tolist()],
        "far": np.concatenate([scene.real_far, synthesized.far]).round(2).tolist(),
        "pca": _places(lenses, "pca"),
        "umap": _places(lenses, "umap"),
        "sprite": sprite,
    }


def _is_seen(dataset: GZSLDataset) -> Bool[np.ndarray, " K"]:
    return np.isin(np.arange(len(dataset.class_names)), dataset.seen_classes)


def _places(lenses: Lenses, lens: str) -> list[list[float]]:
    real = lenses.scene.real.through(lens)
    synthesized = lenses.synthesized.points.through(lens)
    return np.concatenate([real, synthesized]).astype(float).round(4).tolist()
