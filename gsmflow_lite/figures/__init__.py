"""Figures: arrays in, a plotly or matplotlib figure out. They know no generator and no widget."""

from __future__ import annotations

from .charts import (
    attribute_heatmap,
    loss_curve,
    picture_grid,
    score_bars,
    shift_meters,
    telling_attributes,
)
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
    class_colours,
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
    "Points",
    "Projection",
    "QUIET",
    "SPREAD_HEADING",
    "SVG_POINTS",
    "VERDICTS",
    "attribute_heatmap",
    "class_colours",
    "heat_row",
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
