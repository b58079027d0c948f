"""The map of a training, and the words around it."""

from __future__ import annotations

from html import escape

import numpy as np

from ..explorer.replay import HOW_H, View, extent
from ..explorer.scene import Scene, Synthesized
from ..figures.points import NO_POINTS
from ..figures.style import dataset_colours, legible, plain, short
from .lensmap import MAP_IS_COMING, LensMap

NAMES_SHOWN = 12  # of the classes that play the unseen
MAP_IS_OFF = "switch on “UMAP map” for this lens"
HOW_DRAWN = "Dots are real, open diamonds synthesized; grey are real features of other classes."


class TrainingMap(LensMap):
    """The map of a training. Its ranges come from the real points, and stay while it trains."""

    def __init__(self) -> None:
        super().__init__([])
        self.figure.update_layout(dragmode="pan")  # nothing is selected here

    def show_view(self, view: View, *, map_is_coming: bool) -> None:
        """Show the real points of a view. ``map_is_coming``: whether the UMAP map is being made."""
        real = view.scene.real
        self.names = [plain(name) for name in legible(view.scene.dataset.class_names)]
        texts = [f"{self.names[k]}, real" for k in real.labels]
        missing = MAP_IS_COMING if map_is_coming else MAP_IS_OFF
        self.show_real(
            real, view.shown, texts, dataset_colours(view.scene.dataset), missing=missing
        )
        self.figure.plotly_relayout(_ranges(view.scene))
        self.draw()

    def show_features(self, synthesized: Synthesized | None) -> None:
        """Show synthesized features instead of those before; None shows none."""
        points = NO_POINTS if synthesized is None else synthesized.points
        self.show_synthesized(points, [f"{self.names[k]}, synthesized" for k in points.labels])
        self.draw()


def _ranges(scene: Scene) -> dict[str, list[float]]:
    """The ranges of all axes of the map, from its real points alone."""
    ranges = {}
    for places, number in ((scene.real.pca, ""), (scene.real.umap, "2")):
        if np.isfinite(places).all():
            x, y = extent(places)
            ranges[f"xaxis{number}.range"] = x
            ranges[f"yaxis{number}.range"] = y
    return ranges


def count_outside(scene: Scene, synthesized: Synthesized) -> int:
    """How many synthesized points lie outside the picture of the linear map."""
    lows, highs = np.transpose(extent(scene.real.pca))
    places = synthesized.points.pca
    inside = ((lows <= places) & (places <= highs)).all(axis=1)
    return int((~inside).sum())


# --- Words around the map --------------------------------------------------------------------


def classes_note(view: View, *, watched: bool) -> str:
    """Say which classes play the unseen, as markup. ``watched``: whether H is."""
    names = [short(name, 24) for name in view.names]
    rest = len(names) - NAMES_SHOWN
    text = ", ".join(names[:NAMES_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
    return _calm(_watched_note(escape(text)) if watched else _unwatched_note(escape(text)))


def _watched_note(names: str) -> str:
    return (
        f"<b>{names}</b> play the unseen: seen classes that are left out of this training. "
        f"Nothing is chosen on the test set.<br>{escape(HOW_H)}."
    )


def _unwatched_note(names: str) -> str:
    return (
        "Trained on all seen classes, without H. "
        f"On the map: unseen classes ({names}); nothing is chosen by them."
    )


def map_caption(text: str) -> str:
    """A caption below the map as markup: what a recording says of itself, and how to read it."""
    return _calm(f"{escape(text)}. {HOW_DRAWN}")


def _calm(markup: str) -> str:
    return f'<span class="calm">{markup}</span>'
