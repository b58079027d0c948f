"""Panels for notebooks: a view, controls beside it, and the library calls behind it. The only place that needs ipywidgets."""

from .dissect import dissect
from .explore import explore

__all__ = ["dissect", "explore"]
