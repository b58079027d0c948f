"""Tables of a study: scores by seed, their means with intervals, and these as text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ConfigError
from ..shifts.meters import SHIFTS

if TYPE_CHECKING:
    import pandas as pd

STUDY_SCORES = {"seen": "S", "unseen": "U", "harmonic": "H", "zsl": "T1", "ausuc": "AUSUC"}
ROW = ["dataset", "preset", "variant"]


def scores_by_seed(frame: pd.DataFrame, *, reference: str | None = None) -> pd.DataFrame:
    """Return the long table behind figures: ``dataset, preset, variant, seed, score, value``.

    It has the finished cells. ``score`` is seen, unseen, harmonic, zsl, ausuc (per cent), semantic,
    variance or structure (headlines of the meters). With ``reference``, values are differences to
    that row with the same data set, preset and seed, and the row itself is left out. Raises
    ``ConfigError`` for a reference that is not a row.
    """
    done = frame[frame["status"] == "done"]
    columns = [*STUDY_SCORES, *SHIFTS]
    long = done.melt([*ROW, "seed"], columns, "score", "value").dropna(subset="value")
    if reference is None:
        return long.reset_index(drop=True)

    rows = dict.fromkeys(frame["variant"])
    if reference not in rows:
        raise ConfigError(f"reference must be a row, one of {', '.join(rows)}, got {reference!r}")
    is_reference = long["variant"] == reference
    theirs = long[is_reference].drop(columns="variant").rename(columns={"value": "theirs"})
    both = long[~is_reference].merge(theirs, on=["dataset", "preset", "seed", "score"])
    return both.assign(value=both["value"] - both["theirs"]).drop(columns="theirs")


def summary(frame: pd.DataFrame, *, reference: str | None = None) -> pd.DataFrame:
    """Return means over seeds: ``dataset, preset, variant, score, mean, half, seeds``.

    With ``reference``, they are means of differences to that row. ``half`` is the half-width of
    the 95 % interval by Student's t over seeds, NaN for a single one. It says what other seeds
    would do with the same data, not what other data would.
    """
    long = scores_by_seed(frame, reference=reference)
    groups = long.groupby([*ROW, "score"], sort=False)["value"]
    return groups.agg(mean="mean", half=student_half_width, seeds="count").reset_index()


def student_half_width(values: Sequence[float]) -> float:
    """Half of the 95 % interval of a mean, by Student's t; NaN for fewer than two values."""
    from scipy.stats import t

    n = len(values)
    if n < 2:
        return math.nan
    return float(t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n))


def readable(frame: pd.DataFrame, *, reference: str | None = None) -> pd.DataFrame:
    """Means ± half-widths as text, a line for each row of the study.

    With ``reference``, differences of H and T1 to that row stand at the end.
    """
    import pandas as pd

    columns = {}
    for score in (*STUDY_SCORES, *SHIFTS):
        columns[STUDY_SCORES.get(score, score)] = _texts(frame, score)
    if reference is not None:
        for score in ("harmonic", "zsl"):
            heading = f"{STUDY_SCORES[score]} - {reference}"
            columns[heading] = _texts(frame, score, reference)

    rows = pd.MultiIndex.from_frame(frame[ROW].drop_duplicates())
    table = pd.DataFrame(columns).reindex(rows).fillna("")
    done = frame[frame["status"] == "done"].groupby(ROW).size()
    table["seeds"] = done.reindex(rows).fillna(0).astype(int)
    constant = [name for name in ("dataset", "preset") if frame[name].nunique() == 1]
    return table.droplevel(constant).loc[:, (table != "").any()]


def _texts(frame: pd.DataFrame, score: str, reference: str | None = None) -> pd.Series:
    means = summary(frame, reference=reference)
    means = means[means["score"] == score].set_index(ROW)
    digits = 2 if score in SHIFTS else 1
    texts = [
        _mean_text(mean, half, digits)
        for mean, half in zip(means["mean"], means["half"], strict=True)
    ]
    return means.assign(text=texts)["text"] if texts else means["mean"].astype(str)


def _mean_text(mean: float, half: float, digits: int) -> str:
    interval = "" if math.isnan(half) else f" ± {half:.{digits}f}"
    return f"{mean:.{digits}f}{interval}"
