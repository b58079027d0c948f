"""The explorer without its widgets: what the panels show, computed."""

from __future__ import annotations

from .anatomy import Density, box_around, density, grid_lines, to_data, to_noise, world_flow
from .anatomy_figures import anatomy_replay, anatomy_still, density_strip
from .scene import Scene, Synthesized, proportions

__all__ = [
    "Density",
    "Synthesized",
    "Scene",
    "anatomy_replay",
    "anatomy_still",
    "box_around",
    "density",
    "density_strip",
    "grid_lines",
    "proportions",
    "to_data",
    "to_noise",
    "world_flow",
]
