"""Figures of a study: means with 95 % intervals over seeds, and the seeds; in seaborn to keep, in plotly to point at.

Each takes the table of :func:`gsmflow_lite.runs.study.run_study`. With ``reference``, what is drawn are differences to that row,
seed by seed, in which the luck that rows share is gone; the dotted line is *no difference*.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import DataError
from ..figures.style import INK, PALETTE, QUIET, plain, plain_still, still_figure
from .tables import half_width, scores_by_seed, summary

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go
    from matplotlib.figure import Figure

HEADS = {
    "seen": "S (%)",
    "unseen": "U (%)",
    "harmonic": "H (%)",
    "zsl": "T1 (%)",
    "semantic": "semantic: agreement",
    "variance": "variance: spread",
    "structure": "structure: distance order",
}
BASIC = ("harmonic", "zsl")
STUDY_MARKS = ("o", "D", "s", "^", "v", "P")
DODGE, BELOW = (
    0.5,
    0.15,
)  # of a line's height: from the first group to the last, and from a mean to its seeds
PLOTLY_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "triangle-down", "cross")


def study_still(
    frame: pd.DataFrame,
    *,
    reference: str | None = None,
    scores: Sequence[str] = BASIC,
    title: str = "",
    caption: str = "",
) -> Figure:
    """A panel for each of ``scores``, a line for each row of the study; a colour and a mark for each data set and preset.

    Large marks are means with 95 % intervals, small ones single seeds. Raises ``DataError`` if nothing is finished.
    """
    import seaborn as sns

    long, rows, groups = _drawn(frame, reference, scores)
    figure = still_figure(
        2.4 + 4.6 * len(scores), 1.9 + len(rows) * max(0.5, 0.34 * len(groups)), title, caption
    )
    options = {"x": "value", "y": "variant", "hue": "group", "order": rows, "hue_order": groups}
    colours, marks = (([*of] * len(groups))[: len(groups)] for of in (PALETTE, STUDY_MARKS))
    options |= {
        "palette": colours,
        "markers": marks,
        "dodge": DODGE if len(groups) > 1 else False,
        "legend": False,
    }
    for axes, score in zip(
        figure.subplots(1, len(scores), sharey=True, squeeze=False)[0], scores, strict=True
    ):
        own = long[long["score"] == score]
        for i, group in enumerate(groups):
            seeds = own[own["group"] == group]
            places = seeds["variant"].map(rows.index) + _shift(i, groups) + BELOW
            axes.scatter(
                seeds["value"],
                places,
                s=22,
                color=PALETTE[i % len(PALETTE)],
                alpha=0.45,
                linewidths=0,
            )
        bars = {"errorbar": _bar, "err_kws": {"linewidth": 2.2}, "capsize": 0.12 / len(groups)}
        sns.pointplot(own, **options, **bars, linestyle="none", markersize=8, ax=axes)
        axes.set_yticks(
            range(len(rows)), [plain_still(row) for row in rows]
        )  # not before: names cut short may be equal
        _dressed_still(axes, _head(score, reference), reference is not None)
    if len(groups) > 1:
        figure.legend(*_handles(groups), loc="outside right upper", frameon=False, fontsize=12)
    return figure


def _bar(values: pd.Series) -> tuple[float, float]:
    half = half_width(values)
    return values.mean() - half, values.mean() + half


def _dressed_still(axes, head: str, difference: bool) -> None:
    axes.set_title(plain_still(head, most=None), fontsize=14, loc="left")
    axes.set(xlabel="", ylabel="")
    axes.tick_params(labelsize=12)
    axes.locator_params(axis="x", nbins=5)  # labels such as -0.006 are wide
    axes.grid(axis="x", color="#E6E6E6")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if difference:
        axes.axvline(0, color=QUIET, linestyle=":", linewidth=1.5, zorder=1)


def _handles(groups: Sequence[str]) -> tuple[list, list[str]]:
    from matplotlib.lines import Line2D

    marks = [
        (PALETTE[i % len(PALETTE)], STUDY_MARKS[i % len(STUDY_MARKS)]) for i in range(len(groups))
    ]
    return [Line2D([], [], color=c, marker=m, linestyle="") for c, m in marks], [
        plain_still(group) for group in groups
    ]


def study_interactive(
    frame: pd.DataFrame,
    *,
    reference: str | None = None,
    scores: Sequence[str] = BASIC,
    title: str = "",
    caption: str = "",
) -> go.Figure:
    """The same picture in plotly: a pointer on a mark reads the mean, its interval and the seeds; on a dot, its seed.

    Raises ``DataError`` where there is nothing to draw.
    """
    from plotly.subplots import make_subplots

    long, rows, groups = _drawn(frame, reference, scores)
    means = summary(frame, reference=reference)
    means = means[means["score"].isin(scores)].assign(
        group=_groups
    )  # of the same lines as `long`: groups depend on them
    heads = [plain(_head(score, reference), most=None) for score in scores]
    figure = make_subplots(
        1, len(scores), shared_yaxes=True, subplot_titles=heads, horizontal_spacing=0.06
    )
    for column, score in enumerate(scores, start=1):
        for i, group in enumerate(groups):
            seeds, middle = (
                t[(t["score"] == score) & (t["group"] == group)] for t in (long, means)
            )
            places = {row: y + _shift(i, groups) for y, row in enumerate(rows)}
            style = {
                "color": PALETTE[i % len(PALETTE)],
                "symbol": PLOTLY_SYMBOLS[i % len(PLOTLY_SYMBOLS)],
            }
            traces = [
                _dots(seeds, places, group, style),
                _means(middle, places, group, style, column == 1),
            ]
            figure.add_traces(traces, 1, column)
        if reference is not None:
            figure.add_vline(0, line={"color": QUIET, "dash": "dot"}, row=1, col=column)
    figure.update_xaxes(nticks=6)
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[plain(row) for row in rows],
        range=[len(rows) - 0.5, -0.5],
    )
    return _dressed(figure, title, caption, len(rows), len(groups) > 1)


def _dots(seeds: pd.DataFrame, places: dict[str, float], group: str, style: dict[str, str]):
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
    means: pd.DataFrame, places: dict[str, float], group: str, style: dict[str, str], legend: bool
):
    import plotly.graph_objects as go

    return go.Scatter(
        x=means["mean"],
        y=means["variant"].map(places),
        error_x={"type": "data", "array": means["half"].fillna(0), "thickness": 2.2, "width": 5},
        mode="markers",
        marker=style | {"size": 11},
        customdata=means[["half", "seeds"]],
        text=[plain(row) for row in means["variant"]],
        hovertemplate="<b>%{text}</b><br>%{x:.2f} ± %{customdata[0]:.2f}, %{customdata[1]} seeds<extra></extra>",
        name=plain(group),
        legendgroup=group,
        showlegend=legend,
    )


def _dressed(figure: go.Figure, title: str, caption: str, rows: int, legend: bool) -> go.Figure:
    below = {
        "x": 0,
        "y": 0,
        "yshift": -34,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "top",
    }
    figure.add_annotation(
        text=plain(caption, most=None), showarrow=False, font={"size": 12, "color": QUIET}, **below
    )
    return figure.update_layout(
        template="plotly_white",
        title={"text": plain(title, most=None), "x": 0, "xref": "paper", "font": {"size": 20}},
        font={"size": 14, "color": INK},
        height=190 + 60 * rows,
        margin={"l": 10, "r": 10, "t": 90, "b": 70},
        showlegend=legend,
    )


def _drawn(
    frame: pd.DataFrame, reference: str | None, scores: Sequence[str]
) -> tuple[pd.DataFrame, list[str], list[str]]:
    """What is drawn, by seed, with a column ``group``; the rows and the groups in the order of the study."""
    unknown = [score for score in scores if score not in HEADS]
    if unknown or not scores:
        raise DataError(f"scores must be among {', '.join(HEADS)}, got {unknown or scores!r}")
    long = scores_by_seed(frame, reference=reference)
    long = long[long["score"].isin(scores)].assign(group=_groups)
    if long.empty:
        raise DataError(
            "a figure needs a finished row, or two where one is the reference, got none: see the column error"
        )
    return long, list(dict.fromkeys(long["variant"])), list(dict.fromkeys(long["group"]))


def _shift(i: int, groups: Sequence[str]) -> float:
    """Where a group stands beside the middle of its line, as seaborn's dodge has it."""
    return DODGE * (i / (len(groups) - 1) - 0.5) if len(groups) > 1 else 0.0


def _groups(table: pd.DataFrame) -> pd.Series:
    """Names of data set and preset, or of what of the two differs."""
    if table["preset"].nunique() == 1:
        return table["dataset"]
    return (
        table["preset"]
        if table["dataset"].nunique() == 1
        else table["dataset"] + ", " + table["preset"]
    )


def _head(score: str, reference: str | None) -> str:
    return HEADS[score] if reference is None else f"{HEADS[score]} minus that of {reference}"
