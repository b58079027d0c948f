"""Shifts: how far synthesized classes drift from real ones, measured, and caused on purpose."""

from __future__ import annotations

from .dose_response import dose_response, first_seen, proof
from .figures import dose_grid, sight_map
from .injection import Injected
from .metrics import neighbourhood, spread_ratio
from .readout import AttributeReadout
from .report import Reading, ShiftReport, measure

__all__ = [
    "AttributeReadout",
    "Injected",
    "Reading",
    "ShiftReport",
    "dose_grid",
    "dose_response",
    "first_seen",
    "measure",
    "neighbourhood",
    "proof",
    "sight_map",
    "spread_ratio",
]
