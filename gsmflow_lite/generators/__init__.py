"""Generators: whatever synthesizes features from attributes, and the one door through which it is asked."""

from __future__ import annotations

from .base import AtTemperature, Generator, ask
from .ridge_gaussian import RidgeGaussian
from .stored import FromFile, RealSamples
from .zoo import Mechanisms, Zoo, glyph_zoo
from .zuko_flow import ZukoFlow

__all__ = [
    "AtTemperature",
    "FromFile",
    "Generator",
    "Mechanisms",
    "RealSamples",
    "RidgeGaussian",
    "Zoo",
    "ZukoFlow",
    "ask",
    "glyph_zoo",
]
