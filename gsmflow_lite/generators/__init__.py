"""Generators: everything that synthesizes features from attributes, and ``ask``, which calls them.

- ``base``: the Generator protocol, ``ask``, ``ask_density``, and a generator at another
  temperature
- ``ridge_gaussian``: the baseline to beat
- ``moved``: a flow or a ridge-Gaussian with classes that are moved in latent space
- ``stored``: generators that hand out stored features, real ones or another model's
- ``feature_tables``: reads and checks files of synthesized features
- ``zuko_flow``: a flow from another library
- ``mechanisms``: the table of the method's parts that can be switched off
- ``zoo``: small flows that come trained, one for every choice of mechanisms

The GSMFlow itself is a generator too; it is in :mod:`gsmflow_lite.method`.
"""

from __future__ import annotations

from .base import AtTemperature, ExactDensity, Generator, ask, ask_density, check_generator
from .mechanisms import MECHANISMS, Mechanism
from .ridge_gaussian import RidgeGaussian
from .stored import FromFile, RealSamples, StoredFeatures
from .zoo import Mechanisms, Zoo, glyph_zoo, hangul_zoo
from .zuko_flow import ZukoFlow

__all__ = [
    "MECHANISMS",
    "AtTemperature",
    "ExactDensity",
    "FromFile",
    "Generator",
    "Mechanism",
    "Mechanisms",
    "RealSamples",
    "RidgeGaussian",
    "StoredFeatures",
    "Zoo",
    "ZukoFlow",
    "ask",
    "ask_density",
    "check_generator",
    "glyph_zoo",
    "hangul_zoo",
]
