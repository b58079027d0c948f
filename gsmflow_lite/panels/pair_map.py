"""Two maps of one lens: left what the first generator synthesizes, right what the second does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..figures.points import Points
from ..figures.style import plain
from .lensmap import MAP_IS_COMING, LensMap

# Where a generator is drawn: the map of a `LensMap` with that name.
PLACE_OF_KIND = {"synthesized": "pca", "synthesized 2": "umap"}


class PairMap(LensMap):
    """The same lens twice, with the same real points and axes.

    Points of the kind ``synthesized`` are drawn on the left map, which other methods call ``pca``,
    and those of ``synthesized 2`` on the right one, ``umap``. To zoom one map zooms both.
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(names, sets=2)
        self.lens = "pca"
        self._sides: Sequence[str] = ("", "")
        self._real: tuple[tuple[Any, ...], dict[str, Any]] | None = None  # what was shown last
        same = {"xaxis2": {"matches": "x"}, "yaxis2": {"matches": "y", "scaleanchor": None}}
        self.figure.update_layout(same)

    def look_through(self, lens: str, sides: Sequence[str]) -> None:
        """Draw through another lens, under other headings; synthesized points must follow."""
        if (lens, sides) == (self.lens, self._sides):
            return
        self.lens = lens
        self._sides = sides
        self.entitle([plain(side, most=None) for side in sides])
        if self._real is not None:
            arguments, options = self._real
            self.show_real(*arguments, **options)

    def show_real(
        self,
        points: Points,
        focus: Iterable[int],
        text: Sequence[str],
        colours: Mapping[int, str],
        *,
        missing: str = MAP_IS_COMING,
    ) -> None:
        """Show the same real points on both maps."""
        self._real = (points, focus, text, colours), {"missing": missing}
        places = points.through(self.lens)
        twice = Points(places, places, points.labels, points.rows)
        super().show_real(twice, focus, text, colours, missing=missing)

    def show_synthesized(
        self, points: Points, text: Sequence[str], kind: str = "synthesized"
    ) -> None:
        """Show synthesized points on the map of their generator, and nowhere else."""
        nowhere = np.full((points.count, 2), np.nan)
        places = dict.fromkeys(PLACE_OF_KIND.values(), nowhere)
        places[PLACE_OF_KIND[kind]] = points.through(self.lens)
        on_side = Points(places["pca"], places["umap"], points.labels, points.rows)
        super().show_synthesized(on_side, text, kind)
