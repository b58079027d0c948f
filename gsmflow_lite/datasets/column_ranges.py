"""Columns of attributes in ranges of their own: in distances between classes the widest decides."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from .base import GZSLDataset

TIMES_AS_FAR = 10  # times the median range; such a column outweighs some dozen others
NAMED_COLUMNS = 3  # in a sentence


def to_one_range(attributes: Float[np.ndarray, "K A"]) -> Float[np.ndarray, "K A"]:
    """Bring each column to 0..1 over the classes: the lowest to 0, the highest to 1.

    A constant column becomes 0. A table is left as it is where all columns that vary go from 0 to 1
    already. Where a class would be left with zeros alone, which is no description, columns are
    divided by their largest size instead, and the lowest stays above 0.
    """
    given = attributes.astype(np.float64)
    low = given.min(0)
    spread = np.ptp(given, axis=0)
    if ((low == 0) & (spread == 1))[spread > 0].all():
        return attributes
    scaled = _divided(given - low, spread)
    if (given.any(1) & ~scaled.any(1)).any():
        scaled = _divided(given, np.abs(given).max(0))
    return scaled.astype(attributes.dtype)


def _divided(
    columns: Float[np.ndarray, "K A"], by: Float[np.ndarray, " A"]
) -> Float[np.ndarray, "K A"]:
    return np.divide(columns, by, out=np.zeros_like(columns), where=by > 0)


def range_note(dataset: GZSLDataset) -> str:
    """Return a sentence if a column of attributes varies far more than most; else empty text.

    It does so if the range from its lowest to its highest value is more than ten times the median
    of the columns that vary. What an encoder made of texts is left as it is.
    """
    if dataset.texts is not None:
        return ""
    ranges = np.ptp(dataset.attributes.astype(np.float64), axis=0)
    varying = np.sort(ranges[ranges > 0])
    if not len(varying):
        return ""
    usual = varying[(len(varying) - 1) // 2]  # a range that occurs, also where there are two
    order = np.argsort(-ranges, kind="stable")
    wide = order[ranges[order] > TIMES_AS_FAR * usual]
    if not len(wide):
        return ""
    named = ", ".join(_called(dataset, column) for column in wide[:NAMED_COLUMNS])
    more = " ..." if len(wide) > NAMED_COLUMNS else ""
    verb = "column varies" if len(wide) == 1 else "columns vary"
    return (
        f"{len(wide)} {verb} more than {TIMES_AS_FAR} times as far as most ({named}{more}; most by "
        f"{usual:.4g}): what else the descriptions say hardly counts beside that, so scale the "
        "columns to one range"
    )


def _called(dataset: GZSLDataset, column: int) -> str:
    values = dataset.attributes[:, column]
    name = dataset.attribute_names[column]
    return f"{name!r} from {values.min():.4g} to {values.max():.4g}"
