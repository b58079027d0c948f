"""runs.tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ConfigError
from ..shifts.report import SHIFTS

if TYPE_CHECKING:
    import pandas as pd


STUDY_SCORES = {"seen": "S", "unseen": "U", "harmonic": "H", "zsl": "T1"}


def scores_by_seed(frame: pd.DataFrame, *, reference: str | None = None) -> pd.DataFrame:
    """The long table behind figures: ``dataset, preset, variant, seed, score, value``, of finished cells.

    ``score``: seen, unseen, harmonic, zsl (per cent), semantic, variance, structure (headlines of the meters). With
    ``reference``, values are differences to that row with the same data set, preset and seed, and it is itself left out. Raises
    ``ConfigError`` for a reference that is not a row.
    """
    keys = ["dataset", "preset", "seed", "score"]
    done = frame[frame["status"] == "done"]
    long = done.melt(
        ["dataset", "preset", "variant", "seed"], [*STUDY_SCORES, *SHIFTS], "score", "value"
    ).dropna(subset="value")
    if reference is None:
        return long.reset_index(drop=True)
    if reference not in set(frame["variant"]):
        raise ConfigError(
            f"reference must be a row, one of {', '.join(dict.fromkeys(frame['variant']))}, got {reference!r}"
        )
    theirs = (
        long[long["variant"] == reference]
        .drop(columns="variant")
        .rename(columns={"value": "theirs"})
    )
    both = long[long["variant"] != reference].merge(theirs, on=keys)
    return both.assign(value=both["value"] - both["theirs"]).drop(columns="theirs")


def summary(frame: pd.DataFrame, *, reference: str | None = None) -> pd.DataFrame:
    """Means over seeds: ``dataset, preset, variant, score, mean, half, seeds``; of differences, where ``reference`` is given.

    ``half`` is the half-width of the 95 % interval by Student's t over seeds, NaN for a single one. It says what other seeds
    would do with the same data, not what other data would.
    """
    long = scores_by_seed(frame, reference=reference)
    groups = long.groupby(["dataset", "preset", "variant", "score"], sort=False)["value"]
    return groups.agg(mean="mean", half=half_width, seeds="count").reset_index()


def half_width(values: Sequence[float]) -> float:
    """Half of the 95 % interval of a mean, by Student's t; NaN for fewer than two values."""
    from scipy.stats import t

    n = len(values)
    return float(t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n)) if n > 1 else math.nan


def readable(frame: pd.DataFrame, *, reference: str | None = None) -> pd.DataFrame:
    """Means ± half-widths as text, a line for each row of the study; differences to ``reference`` at the end."""
    import pandas as pd

    parts = {
        STUDY_SCORES.get(score, score): _cells_of(frame, score)
        for score in (*STUDY_SCORES, *SHIFTS)
    }
    if reference is not None:
        parts |= {
            f"{STUDY_SCORES[s]} - {reference}": _cells_of(frame, s, reference)
            for s in ("harmonic", "zsl")
        }
    rows = pd.MultiIndex.from_frame(frame[["dataset", "preset", "variant"]].drop_duplicates())
    table = pd.DataFrame(parts).reindex(rows).fillna("")
    done = frame[frame["status"] == "done"].groupby(["dataset", "preset", "variant"]).size()
    table["seeds"] = done.reindex(rows).fillna(0).astype(int)
    single = [name for name in ("dataset", "preset") if frame[name].nunique() == 1]
    return table.droplevel(single).loc[:, (table != "").any()]


def _cells_of(frame: pd.DataFrame, score: str, reference: str | None = None) -> pd.Series:
    means = summary(frame, reference=reference)
    means = means[means["score"] == score].set_index(["dataset", "preset", "variant"])
    digits = 2 if score in SHIFTS else 1
    texts = [
        f"{m:.{digits}f}" + (f" ± {h:.{digits}f}" if h == h else "")
        for m, h in zip(means["mean"], means["half"], strict=True)
    ]
    return means.assign(text=texts)["text"] if texts else means["mean"].astype(str)
