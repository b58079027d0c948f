"""What the comparison says of its meters: a sentence for each, and a table of the differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from ..figures.style import number
from ..shifts.meters import HEADLINES, SHIFTS
from . import show

SIDES = ("first", "second")
BESIDE = ' style="border-left:1px solid var(--quiet);padding-left:14px"'  # of a meter's columns


def compare_headlines(table: pd.DataFrame, name: str | None) -> dict[str, pd.Series]:
    """The row of each meter's headline, for a class by name or for all together (None)."""
    chosen = table["class"].isna() if name is None else table["class"] == name
    by_metric = table[chosen].set_index("metric")
    return {meter: by_metric.loc[HEADLINES[meter]] for meter in SHIFTS}


def compare_sentence(meter: str, row: pd.Series, settings: Mapping[str, Any]) -> str:
    """Which generator is nearer to real data by a meter."""
    if row["nearer"] in SIDES:
        values = f"{number(row['first'])} against {number(row['second'])}"
        name = settings[row["nearer"]]
        return f"{meter.capitalize()}: {name}. It is nearer to real data ({values})."
    if row["nearer"] == "chance":
        return f"{meter.capitalize()}: equal. There is no difference beyond chance."
    return f"{meter.capitalize()}: not measured."


def differences_table(table: pd.DataFrame, names: Sequence[str], caption: str) -> str:
    """The differences in HTML: three columns for each meter, a line for each class."""
    meters = "".join(
        f'<th scope="colgroup" colspan="3" class="group"{BESIDE}>{meter}</th>' for meter in SHIFTS
    )
    columns = "".join(
        f'<th scope="col"{BESIDE if column == SIDES[0] else ""}>{column}</th>'
        for column in [*SIDES, "difference"] * len(SHIFTS)
    )
    lines = [_line("all together", compare_headlines(table, None))]
    lines += [_line(show.name(name), compare_headlines(table, name)) for name in names]
    return (
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead><tr><td></td>{meters}</tr><tr><td></td>{columns}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def _line(heading: str, headlines: Mapping[str, pd.Series]) -> str:
    cells = "".join(_cells(row) for row in headlines.values())
    return f'<tr><th scope="row">{heading}</th>{cells}</tr>'


def _cells(row: pd.Series) -> str:
    """Both values and their difference; the nearer one to real data is bold."""
    if row["nearer"] not in (*SIDES, "chance"):
        return f'<td colspan="3"{BESIDE}><span class="calm">not measured</span></td>'

    values = {side: number(row[side]) for side in SIDES}
    if row["nearer"] in SIDES:
        values[row["nearer"]] = f"<b>{values[row['nearer']]}</b>"
    interval = escape(f"95 % interval {number(row['low'])} to {number(row['high'])}")
    first, second = values.values()
    cells = f"<td{BESIDE}>{first}</td><td>{second}</td>"
    return f'{cells}<td title="{interval}">{row["difference"]:+.2f}</td>'
