"""The curves that the explorer draws over the points, so that a shift can be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..explorer.scene import Scene, Synthesized
from ..figures import overlays
from ..figures.lenses import LENSES
from .lensmap import Curves, Places

Centres = Mapping[str, tuple[Places, Places]]  # by lens: real ones and synthesized ones


def curves_over(
    scene: Scene, synthesized: Synthesized, classes: Sequence[int], settings: Mapping[str, Any]
) -> Curves:
    """The curves that are switched on in ``settings``, over classes that have real points."""
    centres = {lens: _centres(scene, synthesized, classes, lens) for lens in LENSES}
    curves: dict[str, Mapping[str, Places]] = {}
    if settings["prototypes"]:
        curves["moved"] = {lens: overlays.arrows(*ends) for lens, ends in centres.items()}
    if settings["ellipses"]:
        curves["real ellipse"] = {"pca": overlays.ellipses(scene.real, classes)}
        curves["synthesized ellipse"] = {"pca": overlays.ellipses(synthesized.points, classes)}
    if settings["graph"] and len(classes) > 2:
        curves |= _class_graph(scene, synthesized, classes, centres)
    return curves


def _centres(
    scene: Scene, synthesized: Synthesized, classes: Sequence[int], lens: str
) -> tuple[Places, Places]:
    real = overlays.centres(scene.real, classes, lens)
    return real, overlays.centres(synthesized.points, classes, lens)


def _class_graph(
    scene: Scene, synthesized: Synthesized, classes: Sequence[int], centres: Centres
) -> dict[str, Mapping[str, Places]]:
    """Edges between neighbouring classes: in both graphs, lost, and added; at the real centres."""
    labels = synthesized.points.labels
    means = np.stack([synthesized.features[labels == k].mean(0) for k in classes])
    real = overlays.neighbour_graph(scene.real_means(classes).astype(np.float64))
    invented = overlays.neighbour_graph(means.astype(np.float64))
    return {
        part: {lens: overlays.graph_lines(edges, ends[0]) for lens, ends in centres.items()}
        for part, edges in overlays.changed_edges(real, invented).items()
    }
