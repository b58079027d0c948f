"""Figures of a study: means with 95 % intervals over seeds, and the seeds themselves.

One is drawn by seaborn, to keep; one by plotly, to point at. Each takes the table of
:func:`gsmflow_lite.runs.study.run_study`. With ``reference``, they show differences to that row,
seed by seed, so that the luck which rows share drops out; the dotted line is *no difference*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import DataError
from ..figures.style import INK, PALETTE, QUIET, plain, plain_still, still_figure
from .tables import scores_by_seed, student_half_width, summary

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

HEADINGS = {
    "seen": "S (%)",
    "unseen": "U (%)",
    "harmonic": "H (%)",
    "zsl": "T1 (%)",
    "ausuc": "AUSUC (%)",
    "semantic": "semantic: agreement",
    "variance": "variance: spread",
    "structure": "structure: distance order",
}
BASIC = ("harmonic", "zsl")
STUDY_MARKS = ("o", "D", "s", "^", "v", "P")
PLOTLY_MARKS = ("circle", "diamond", "square", "triangle-up", "triangle-down", "cross")
DODGE = 0.5  # of a line's height, from the first group to the last
BELOW = 0.15  # of a line's height, from a mean to its seeds


@dataclass(frozen=True)
class Drawing:
    """What both figures draw: single seeds with a column ``group``, rows and groups in order.

    A group is a data set and a preset, or what of the two differs.
    """

    seeds: pd.DataFrame
    rows: list[str]
    groups: list[str]
    scores: Sequence[str]
    reference: str | None

    @classmethod
    def of(cls, frame: pd.DataFrame, reference: str | None, scores: Sequence[str]) -> Drawing:
        """Raises ``DataError`` for scores that are not known, or where nothing is finished."""
        unknown = [score for score in scores if score not in HEADINGS]
        if unknown or not scores:
            raise DataError(
                f"scores must be among {', '.join(HEADINGS)}, got {unknown or scores!r}"
            )
        seeds = scores_by_seed(frame, reference=reference)
        seeds = seeds[seeds["score"].isin(scores)].assign(group=_groups)
        if seeds.empty:
            raise DataError(
                "a figure needs a finished row, or two where one is the reference, got none: "
                "see the column error"
            )
        rows = list(dict.fromkeys(seeds["variant"]))
        groups = list(dict.fromkeys(seeds["group"]))
        return cls(seeds, rows, groups, scores, reference)

    def heading(self, score: str) -> str:
        """What stands above a panel."""
        heading = HEADINGS[score]
        return heading if self.reference is None else f"{heading} minus that of {self.reference}"

    def shift(self, group: int) -> float:
        """Where a group stands beside the middle of its line, as seaborn's dodge has it."""
        if len(self.groups) < 2:
            return 0.0
        return DODGE * (group / (len(self.groups) - 1) - 0.5)

    def colour(self, group: int) -> str:
        """The colour of a group."""
        return PALETTE[group % len(PALETTE)]


def _groups(table: pd.DataFrame) -> pd.Series:
    if table["preset"].nunique() == 1:
        return table["dataset"]
    if table["dataset"].nunique() == 1:
        return table["preset"]
    return table["dataset"] + ", " + table["preset"]


# --- To keep ------------------------------------------------------------------------------------


def study_still(
    frame: pd.DataFrame,
    *,
    reference: str | None = None,
    scores: Sequence[str] = BASIC,
    title: str = "",
    caption: str = "",
) -> Figure:
    """Draw a panel for each of ``scores``, with a line for each row of the study.

    A colour and a mark stand for each data set and preset. Large marks are means with 95 %
    intervals, small ones single seeds. Raises ``DataError`` if nothing is finished.
    """
    drawing = Drawing.of(frame, reference, scores)
    line_height = max(0.5, 0.34 * len(drawing.groups))
    height = 1.9 + len(drawing.rows) * line_height
    figure = still_figure(2.4 + 4.6 * len(scores), height, title, caption)
    panels = figure.subplots(1, len(scores), sharey=True, squeeze=False)[0]
    for axes, score in zip(panels, scores, strict=True):
        _draw_seeds(axes, drawing, score)
        _draw_means(axes, drawing, score)
        _label(axes, drawing, score)
    if len(drawing.groups) > 1:
        handles, labels = _legend(drawing)
        figure.legend(handles, labels, loc="outside right upper", frameon=False, fontsize=12)
    return figure


def _draw_seeds(axes: Axes, drawing: Drawing, score: str) -> None:
    seeds = drawing.seeds[drawing.seeds["score"] == score]
    for i, group in enumerate(drawing.groups):
        of_group = seeds[seeds["group"] == group]
        height = of_group["variant"].map(drawing.rows.index) + drawing.shift(i) + BELOW
        colour = drawing.colour(i)
        axes.scatter(of_group["value"], height, s=22, color=colour, alpha=0.45, linewidths=0)


def _draw_means(axes: Axes, drawing: Drawing, score: str) -> None:
    import seaborn as sns

    count = len(drawing.groups)
    sns.pointplot(
        drawing.seeds[drawing.seeds["score"] == score],
        x="value",
        y="variant",
        hue="group",
        order=drawing.rows,
        hue_order=drawing.groups,
        palette=[drawing.colour(i) for i in range(count)],
        markers=[_mark(i) for i in range(count)],
        dodge=DODGE if count > 1 else False,
        errorbar=_interval,
        err_kws={"linewidth": 2.2},
        capsize=0.12 / count,
        linestyle="none",
        markersize=8,
        legend=False,
        ax=axes,
    )


def _mark(group: int) -> str:
    return STUDY_MARKS[group % len(STUDY_MARKS)]


def _interval(values: pd.Series) -> tuple[float, float]:
    half = student_half_width(values)
    return values.mean() - half, values.mean() + half


def _label(axes: Axes, drawing: Drawing, score: str) -> None:
    # Not before the means are drawn: names that were cut short may be equal.
    axes.set_yticks(range(len(drawing.rows)), [plain_still(row) for row in drawing.rows])
    axes.set_title(plain_still(drawing.heading(score), most=None), fontsize=14, loc="left")
    axes.set(xlabel="", ylabel="")
    axes.tick_params(labelsize=12)
    axes.locator_params(axis="x", nbins=5)  # labels such as -0.006 are wide
    axes.grid(axis="x", color="#E6E6E6")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if drawing.reference is not None:
        axes.axvline(0, color=QUIET, linestyle=":", linewidth=1.5, zorder=1)


def _legend(drawing: Drawing) -> tuple[list[Line2D], list[str]]:
    from matplotlib.lines import Line2D

    handles = []
    for i in range(len(drawing.groups)):
        handles.append(Line2D([], [], color=drawing.colour(i), marker=_mark(i), linestyle=""))
    return handles, [plain_still(group) for group in drawing.groups]


# --- To point at --------------------------------------------------------------------------------


def study_interactive(
    frame: pd.DataFrame,
    *,
    reference: str | None = None,
    scores: Sequence[str] = BASIC,
    title: str = "",
    caption: str = "",
) -> go.Figure:
    """Draw the same picture in plotly.

    A pointer on a mark reads the mean, its interval and the seeds; on a dot, its seed. Raises
    ``DataError`` where there is nothing to draw.
    """
    from plotly.subplots import make_subplots

    drawing = Drawing.of(frame, reference, scores)
    means = summary(frame, reference=reference)
    # The same lines as those of the seeds, because the names of the groups depend on them.
    means = means[means["score"].isin(scores)].assign(group=_groups)
    headings = [plain(drawing.heading(score), most=None) for score in scores]
    figure = make_subplots(
        1, len(scores), shared_yaxes=True, subplot_titles=headings, horizontal_spacing=0.06
    )
    for column, score in enumerate(scores, start=1):
        for i in range(len(drawing.groups)):
            figure.add_traces(_traces(drawing, means, score, i, legend=column == 1), 1, column)
        if reference is not None:
            figure.add_vline(0, line={"color": QUIET, "dash": "dot"}, row=1, col=column)
    return _lay_out(figure, drawing, title, caption)


def _traces(
    drawing: Drawing, means: pd.DataFrame, score: str, group: int, *, legend: bool
) -> list[go.Scatter]:
    """The seeds and the means of one group in one panel."""
    name = drawing.groups[group]
    seeds, middle = (
        table[(table["score"] == score) & (table["group"] == name)]
        for table in (drawing.seeds, means)
    )
    places = {row: height + drawing.shift(group) for height, row in enumerate(drawing.rows)}
    style = {
        "color": drawing.colour(group),
        "symbol": PLOTLY_MARKS[group % len(PLOTLY_MARKS)],
    }
    return [
        _dots(seeds, places, name, style),
        _means(middle, places, name, style, legend),
    ]


def _dots(
    seeds: pd.DataFrame, places: dict[str, float], group: str, style: dict[str, Any]
) -> go.Scatter:
    import plotly.graph_objects as go

    return go.Scatter(
        x=seeds["value"],
        y=seeds["variant"].map(places) + BELOW,
        mode="markers",
        marker=style | {"size": 6, "opacity": 0.45},
        customdata=seeds[["seed"]],
        text=[plain(row) for row in seeds["variant"]],
        hovertemplate="<b>%{text}</b><br>seed %{customdata[0]}: %{x:.2f}<extra></extra>",
        legendgroup=group,
        showlegend=False,
    )


def _means(
    means: pd.DataFrame,
    places: dict[str, float],
    group: str,
    style: dict[str, Any],
    legend: bool,
) -> go.Scatter:
    import plotly.graph_objects as go

    return go.Scatter(
        x=means["mean"],
        y=means["variant"].map(places),
        error_x={"type": "data", "array": means["half"].fillna(0), "thickness": 2.2, "width": 5},
        mode="markers",
        marker=style | {"size": 11},
        customdata=means[["half", "seeds"]],
        text=[plain(row) for row in means["variant"]],
        hovertemplate="<b>%{text}</b><br>%{x:.2f} ± %{customdata[0]:.2f}, "
        "%{customdata[1]} seeds<extra></extra>",
        name=plain(group),
        legendgroup=group,
        showlegend=legend,
    )


def _lay_out(figure: go.Figure, drawing: Drawing, title: str, caption: str) -> go.Figure:
    rows = drawing.rows
    figure.update_xaxes(nticks=6)
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[plain(row) for row in rows],
        range=[len(rows) - 0.5, -0.5],
    )
    figure.add_annotation(
        text=plain(caption, most=None),
        showarrow=False,
        font={"size": 12, "color": QUIET},
        x=0,
        y=0,
        yshift=-34,
        xref="paper",
        yref="paper",
        xanchor="left",
        yanchor="top",
    )
    return figure.update_layout(
        template="plotly_white",
        title={"text": plain(title, most=None), "x": 0, "xref": "paper", "font": {"size": 20}},
        font={"size": 14, "color": INK},
        height=190 + 60 * len(rows),
        margin={"l": 10, "r": 10, "t": 90, "b": 70},
        showlegend=len(drawing.groups) > 1,
    )
