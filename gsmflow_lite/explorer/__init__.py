"""The explorer without its widgets: what the panels show, computed.

- ``scene``: real features on two maps, and synthesized features placed among them.
- ``baseline``: what the ridge-Gaussian reaches, to stand beside the meters.
- ``invention``: a class that nobody has, and the real classes near it.
- ``invention_figures``: the still figure of such a class.
- ``anatomy``: a flow in two dimensions, taken apart, and exact densities.
- ``anatomy_figures``: these as pictures.
- ``row_pictures``: the picture of a real row, and that of an imagined feature.
- ``pictures``: pictures of synthesized features, beside real ones.
- ``pictures_still``: these as a still figure.
- ``replay``: a training as it was watched.
- ``replay_figures``: a figure to play it, and a still one.
"""

from __future__ import annotations

from .anatomy import (
    Density,
    Journey,
    box_around,
    density,
    grid_lines,
    small_flow,
    to_data,
    to_noise,
    world_flow,
)
from .anatomy_figures import anatomy_figure, anatomy_replay, anatomy_still, density_strip
from .invention import Invented, Reach, RealClasses, Sweep, describe, invent, sweep
from .invention_figures import design_figure
from .replay import Frame, Recording, View, quick_harmonic
from .replay_figures import replay_figure, replay_still
from .scene import Scene, Synthesized, proportions

__all__ = [
    "Density",
    "Frame",
    "Invented",
    "Journey",
    "Reach",
    "RealClasses",
    "Recording",
    "Scene",
    "Sweep",
    "Synthesized",
    "View",
    "anatomy_figure",
    "anatomy_replay",
    "anatomy_still",
    "box_around",
    "density",
    "density_strip",
    "describe",
    "design_figure",
    "grid_lines",
    "invent",
    "proportions",
    "quick_harmonic",
    "replay_figure",
    "replay_still",
    "small_flow",
    "sweep",
    "to_data",
    "to_noise",
    "world_flow",
]
