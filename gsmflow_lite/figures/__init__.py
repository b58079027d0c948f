"""Figures: arrays go in, a figure of plotly or matplotlib comes out.

Nothing here knows a generator or a widget. Plotly, matplotlib, seaborn and umap are imported by the
functions that need them, so importing this room is fast.

- ``style``: colours, the symbols of the verdicts, short names, plain axes.
- ``points``: rows as points on the two maps.
- ``projection``: the two maps, PCA and UMAP, fitted on real features and then kept.
- ``map_cache``: UMAP maps on disk, so that each is made once.
- ``lenses``: the two maps side by side.
- ``overlays``: ellipses, arrows and graphs over a map.
- ``ink``: pixels of pictures, ink on paper or light in colours.
- ``sprites``: many pictures on one sheet, for a page.
- ``charts``: pictures in rows, a training, scores, attributes.
- ``meters``: the meters of shifts on their scales.
- ``coverage``: what the regions of a density hold of real rows.
- ``explained_bars``: how much descriptions explain, by attribute and class.
- ``lessons``: figures that only the lessons draw.
"""

from __future__ import annotations

from .charts import attribute_heatmap, loss_curve, picture_grid, score_bars, telling_attributes
from .coverage import coverage_curves
from .explained_bars import explained_bars
from .lenses import (
    CURVES,
    LENSES,
    SPREAD_HEADING,
    SVG_POINTS,
    two_lenses,
    two_lenses_on,
    two_lenses_still,
)
from .lessons import heat_row, trade_off_curves, views_against_truth, walk_curves
from .meters import shift_meters
from .points import NO_POINTS, Points
from .projection import Projection
from .style import (
    CONTEXT,
    INK,
    LONGEST_NAME,
    PALETTE,
    PLOTLY_TYPE,
    QUIET,
    VERDICTS,
    VerdictStyle,
    class_colours,
    dataset_colours,
    legible,
    number,
    output,
    plain,
    plain_still,
    png,
    short,
    still_figure,
)

__all__ = [
    "CONTEXT",
    "CURVES",
    "INK",
    "LENSES",
    "LONGEST_NAME",
    "NO_POINTS",
    "PALETTE",
    "PLOTLY_TYPE",
    "QUIET",
    "SPREAD_HEADING",
    "SVG_POINTS",
    "VERDICTS",
    "Points",
    "Projection",
    "VerdictStyle",
    "attribute_heatmap",
    "class_colours",
    "coverage_curves",
    "dataset_colours",
    "explained_bars",
    "heat_row",
    "legible",
    "loss_curve",
    "number",
    "output",
    "picture_grid",
    "plain",
    "plain_still",
    "png",
    "score_bars",
    "shift_meters",
    "short",
    "still_figure",
    "telling_attributes",
    "trade_off_curves",
    "two_lenses",
    "two_lenses_on",
    "two_lenses_still",
    "views_against_truth",
    "walk_curves",
]
