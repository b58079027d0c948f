"""The map of the class designer: an invented class among the real ones that are near it."""

from __future__ import annotations

import numpy as np

from ..explorer.invention import Invented, RealClasses
from ..explorer.scene import proportions
from ..figures.points import Points
from ..figures.style import dataset_colours
from .design_views import INVENTED
from .lensmap import LensMap

NEAREST_COLOURED = 3  # nearest classes of each kind that stand out


class DesignMap(LensMap):
    """A live map with one class more than the data have: the invented one, whose number is last.

    ``class_colours`` are the colours of the classes that stand out, by number.
    """

    def __init__(self, real: RealClasses) -> None:
        super().__init__([*real.names, "invented"])
        self.figure.update_layout(dragmode="pan")  # nothing is selected here
        self.invented_number = len(real.names)
        self.follow(real)

    def follow(self, real: RealClasses) -> None:
        """Take the real classes of another scene; they are shown with the next invented class."""
        self.real = real
        self.class_colours: dict[int, str] = {}
        self._colours = dataset_colours(real.scene.dataset)
        self._hover_texts = self._real_texts()

    def _real_texts(self) -> list[str]:
        """The hover text of each real point: they are many, and change only with the scene."""
        kinds = ["seen" if seen else "unseen" for seen in self.real.seen]
        texts = [
            f"<b>{name}</b>, real, {kind}" for name, kind in zip(self.names, kinds, strict=False)
        ]
        return [texts[k] for k in self.real.scene.real.labels]

    def show_invented(self, invented: Invented) -> None:
        """Show a class, its typical sample in a ring, and the real classes near it."""
        colours = self._colours_near(invented)
        if colours != self.class_colours:  # two thousand points: only when other classes are near
            self.class_colours = colours
            near = [k for k in colours if k != self.invented_number]
            self.show_real(self.real.scene.real, near, self._hover_texts, colours)
        self._show_samples(invented)
        if invented.typical is not None:
            self._mark_typical(invented.typical)
        self.draw()

    def _colours_near(self, invented: Invented) -> dict[int, str]:
        """Colours of the invented class and of the real ones near it."""
        near = [
            int(k)
            for by in ("cosine", "distance")
            for k in invented.nearest(by, NEAREST_COLOURED).index
        ]
        return {self.invented_number: INVENTED} | {k: self._colours[k] for k in near}

    def _show_samples(self, invented: Invented) -> None:
        points = invented.synthesized.points
        labels = np.full(points.count, self.invented_number)
        nearest = self.real.scene.real.labels[invented.synthesized.near]
        texts = [
            f"<b>invented</b>, synthesized<br>nearest real point: {self.names[k]}" for k in nearest
        ]
        self.show_synthesized(Points(points.pca, points.umap, labels, points.rows), texts)

    def _mark_typical(self, typical: np.ndarray) -> None:
        scene = self.real.scene
        space = proportions(scene.dataset, typical[None])
        self.mark({"pca": scene.projection.pca(space), "umap": scene.projection.place(space)})
