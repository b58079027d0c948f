"""What panels with pointable points share: the card of one, the gallery and table of several."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as widgets
import numpy as np
from jaxtyping import Float, Int

from ..explorer.scene import Scene, Synthesized
from ..figures.lenses import LENSES
from .controls import button, slider
from .exports import Exports
from .map_panel import MapPanel
from .point_cards import gallery, point_card, point_picture
from .pointer import Pointer

if TYPE_CHECKING:
    import pandas as pd

Selection = Mapping[str, Int[np.ndarray, " n"]]  # numbers of points by their kind


class PointPanel(MapPanel):
    """A panel whose points can be looked at, one by one or several together.

    A subclass defines :attr:`sets`, places ``walk``, ``card``, ``gallery`` and ``exports``, and
    calls :meth:`follow_points` in its ``refresh``, before it draws the map.

    What is selected stays selected while the points are the same ones: after a move of a slider it
    is shown as it is then. It is cleared where other points take their places.
    """

    origins: ClassVar[Mapping[str, str]] = {}  # names of kinds of points, where they differ

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._looked_at = ("synthesized", 0)  # an example says more than an empty card
        self._selected: Selection = {}
        self._identity: list[np.ndarray] = []
        self._selected_in: Scene = self.scene
        self.card, self.gallery = (
            widgets.HTML(layout=widgets.Layout(width="100%")) for _ in range(2)
        )
        self.card.add_class("card")
        for part in ("pictures", "under"):
            self.gallery.add_class(part)
        self.walk = slider(
            "Point", 0, 0, 1, 1, "Walk through the synthesized points by key, as the pointer does"
        )
        self.walk.add_class("card")
        self.walk.observe(lambda change: self.look_at("synthesized", change["new"]), names="value")
        self.map.on_point = self.point_at
        self.map.on_select = self.select
        self._make_tools_of_the_map()

    def _make_tools_of_the_map(self) -> None:
        """What shows pictures at the pointer, zooms, and saves; all of it is in ``exports``."""
        self.pointer = Pointer()
        self.pointer.on_cleared = lambda: self.select({})
        self.pointer.on_lasso = self.map.lassoed
        self.map.silence()  # there is one tooltip, not two
        self.zoom = button(
            "Zoom in", "search-plus", "Show the neighbourhood of what is selected", self.zoom_in
        )
        self.zoom.disabled = True
        whole = button("Whole", "expand", "Show the whole map", lambda: self.map.zoom({}))
        self.files = Exports(
            self, lambda: self.scene.dataset.name, self.points, [self.zoom, whole, self.pointer]
        )
        self.exports = self.files.box

    def arrange(self, left: Sequence[widgets.Widget], right: Sequence[widgets.Widget]) -> None:
        """Put controls and views in place, and what saves a view to what shares it."""
        self.tools.shared = [self.exports]
        super().arrange(left, right)

    def reset(self) -> None:
        """Set every control as at the start, with nothing selected. Undo takes back the former."""
        super().reset()
        self.select({})
        self.look_at("synthesized", 0)

    @property
    @abstractmethod
    def sets(self) -> Mapping[str, Synthesized]:
        """The synthesized features by the kind of their points; empty before the first view."""

    def origin(self, kind: str) -> str:
        """What points of a kind are called."""
        return self.origins.get(kind, kind)

    # --- One point ---------------------------------------------------------------------------

    def look_at(self, kind: str, number: int) -> None:
        """Show the card of a point, and rings around it and its nearest real one.

        Nothing happens where there is no such point.
        """
        if self.quiet or not self.sets or not 0 <= number < self._count(kind):
            return
        self._looked_at = (kind, number)
        if kind == "synthesized":
            with self.quietly():
                self.walk.value = number
        self._ring(kind, number)
        self.map.draw()
        with self.telling():  # the decoder of the data is not ours
            self.card.value = point_card(
                self.scene, self.sets.get(kind), number, origin=self.origin(kind)
            )

    def point_at(self, kind: str, number: int) -> None:
        """Show the card of a point, and its picture beside the pointer."""
        self.look_at(kind, number)
        if self._looked_at != (kind, number):
            return
        with self.telling():
            picture = point_picture(
                self.scene, self.sets.get(kind), number, origin=self.origin(kind)
            )
            self.pointer.show(kind, number, picture)

    def look_again(self) -> None:
        """Show the card that was shown last; there may be fewer synthesized points now."""
        kind, number = self._looked_at
        self.look_at(kind, min(number, self._count(kind) - 1))

    def _count(self, kind: str) -> int:
        return (self.scene.real if kind == "real" else self.sets[kind].points).count

    def _ring(self, kind: str, number: int) -> None:
        """Put rings around a point and its nearest real one, if the map shows the point."""
        shown = number in self.map.on_show().get(kind, ())
        self.map.mark({lens: self.rings(kind, number, lens) for lens in LENSES if shown})

    def rings(self, kind: str, number: int, lens: str) -> Float[np.ndarray, "n 2"]:
        """The place of a point; before it, that of the nearest real one of a synthesized point."""
        if kind == "real":
            return getattr(self.scene.real, lens)[[number]]
        synthesized = self.sets[kind]
        nearest = getattr(self.scene.real, lens)[[synthesized.near[number]]]
        return np.concatenate([nearest, getattr(synthesized.points, lens)[[number]]])

    # --- Several points ----------------------------------------------------------------------

    def select(self, selection: Selection) -> None:
        """Mark points in both lenses; show their pictures, and what is read off them.

        Without any point, what was selected is cleared.
        """
        self._selected = {kind: np.asarray(which) for kind, which in selection.items()}
        self.map.select(self._selected)
        self.map.draw()
        self._show_gallery()

    def zoom_in(self) -> None:
        """Show the neighbourhood of what is selected in both lenses."""
        self.map.zoom(self._selected)

    def follow_points(self) -> None:
        """Keep what is selected if the points are the same ones as before, and else clear it."""
        identity = [synthesized.points.labels for synthesized in self.sets.values()]
        same = len(identity) == len(self._identity) and all(
            np.array_equal(one, other) for one, other in zip(identity, self._identity, strict=True)
        )
        if not (same and self._selected_in is self.scene):
            self._selected = {}
        self.pointer.forget()
        self._selected = self._still_shown()
        self._identity = identity
        self._selected_in = self.scene
        self.map.select(self._selected)
        self._show_gallery()
        # Now, not when the card is made: the page would draw twice, and points would not glide.
        kind, number = self._looked_at
        self._ring(kind, min(number, self._count(kind) - 1))
        with self.quietly():
            self.walk.max = self.sets["synthesized"].points.count - 1

    def _still_shown(self) -> Selection:
        """What is selected of the points that the map shows."""
        shown = self.map.on_show()
        found = {kind: np.intersect1d(which, shown[kind]) for kind, which in self._selected.items()}
        return {kind: which for kind, which in found.items() if len(which)}

    def _show_gallery(self) -> None:
        self.zoom.disabled = not self._selected
        counts = [f"{len(which)} {self.origin(kind)}" for kind, which in self._selected.items()]
        every = f"<p>Selected: {escape(' and '.join(counts))} points</p>" if counts[1:] else ""
        with self.telling():
            galleries = [
                gallery(self.scene, self.sets.get(kind), which, origin=self.origin(kind))
                for kind, which in self._selected.items()
            ]
            self.gallery.value = every + "".join(galleries)

    def selection(self) -> pd.DataFrame:
        """What is selected: a row for each point.

        ``class`` is its class, ``origin`` is ``real`` or what synthesized it, ``row`` is its row in
        the data set (-1 for a synthesized one). ``pca_x`` to ``umap_y`` are its places on the map.
        """
        return self._tables(self._selected)

    def points(self) -> pd.DataFrame:
        """What is selected or, where nothing is, all points that the map shows."""
        return self._tables(self._selected or self.map.on_show())

    def _tables(self, chosen: Selection) -> pd.DataFrame:
        import pandas as pd

        tables = [self._table(kind, which) for kind, which in chosen.items()]
        columns = ["class", "origin", "row", *_PLACES]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)

    def _table(self, kind: str, which: Int[np.ndarray, " n"]) -> pd.DataFrame:
        import pandas as pd

        real = kind == "real"
        points = self.scene.real if real else self.sets[kind].points
        names = self.scene.dataset.unique_names
        places = np.concatenate([points.pca[which], points.umap[which]], axis=1)
        return pd.DataFrame(
            {
                "class": [names[k] for k in points.labels[which]],
                "origin": self.origin(kind),
                "row": self.scene.rows[which] if real else -1,
                **dict(zip(_PLACES, places.T, strict=True)),
            }
        )


_PLACES = ("pca_x", "pca_y", "umap_x", "umap_y")
