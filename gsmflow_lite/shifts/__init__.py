"""Shifts: how far synthesized classes drift from real ones, measured, and caused on purpose.

What to measure:

- ``metrics``: the formulas, pure functions of arrays; ``two_sample``: tests by a classifier
- ``metric``: what a metric is; ``meter``: what a meter is
- ``semantic``, ``variance``, ``structure``, ``overall``: the meters, each with its metrics
- ``meters``: all meters and metrics by name, and how to add one

How it is measured:

- ``readout``: reads attributes off features
- ``halves``: random halves of the features, on which all is repeated
- ``answers``: asks a generator for permuted descriptions
- ``estimates``: one metric over the repeats
- ``verdict``: what fine, watch, shifted, cannot tell and not measured mean
- ``measuring``: ``measure``, from a generator to a report
- ``report``: readings as tables, as JSON and in words
- ``foresight``: how many rows or classes would do, where a metric cannot tell
- ``coverage``: what the regions of a density hold of real rows
- ``comparison``: the reports of two generators side by side

Shifts on purpose:

- ``injection``: adds known doses of each shift; ``directions``: where class means are moved
- ``dose_response``: which metric sees which dose of which shift
- ``figures``: pictures of doses and metrics
"""

from __future__ import annotations

from .comparison import differences
from .coverage import Coverage, coverage
from .dose_response import dose_response, first_seen, proof
from .figures import dose_grid, sight_map
from .injection import Injected
from .measuring import measure
from .metrics import neighbourhood, spread_ratio
from .readout import AttributeReadout
from .report import Reading, ShiftReport

__all__ = [
    "AttributeReadout",
    "Coverage",
    "Injected",
    "Reading",
    "ShiftReport",
    "coverage",
    "differences",
    "dose_grid",
    "dose_response",
    "first_seen",
    "measure",
    "neighbourhood",
    "proof",
    "sight_map",
    "spread_ratio",
]
