"""The data set that a function was given: checked, or loaded where a name or path stands for it."""

from __future__ import annotations

from os import PathLike
from typing import Any

from ..errors import DataError
from .base import GZSLDataset
from .loading import load


def the_dataset(given: Any) -> GZSLDataset:
    """Return what was given, which must be a data set.

    Raises ``DataError`` that says how to make one of anything else.
    """
    if isinstance(given, GZSLDataset):
        return given
    kind = "None" if given is None else type(given).__name__
    raise DataError(f"a GZSLDataset is needed, got {kind}: {_remedy(given)}")


def dataset_or_load(given: Any) -> GZSLDataset:
    """Return the data set that was given, or load the one of this name or path.

    Raises ``DataError``.
    """
    return load(given) if isinstance(given, str | PathLike) else the_dataset(given)


def _remedy(given: Any) -> str:
    if isinstance(given, str | PathLike):
        return f"hand in load({str(given)!r})"
    if isinstance(getattr(given, "dataset", None), GZSLDataset):
        return "hand in its .dataset"
    if hasattr(given, "iloc"):
        return "make one with from_dataframe, or from_arrays"
    if hasattr(given, "synthesize") and not isinstance(given, type):
        return "this is a generator; hand in the data set in its place (mind the order)"
    if callable(given):
        return "hand in what it returns"
    return "make one with from_arrays, or load one"
