"""The controls of the shift explorer, and the order in which they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as widgets

from ..datasets.base import GZSLDataset
from ..generators.mechanisms import SWITCHES
from ..generators.zoo import Mechanisms
from .controls import choice, heading, rows, slider, switch
from .map_panel import class_chooser

DOSES = {  # label, lowest and highest dose, what it does
    "semantic": ("Semantic", 0.0, 2.0, "class means turn away from their descriptions"),
    "variance": ("Variance", -1.0, 1.0, "classes shrink; below 0 they grow"),
    "structure": ("Structure", 0.0, 2.0, "classes move to where they do not belong"),
    "mixed": ("Mixed", 0.0, 1.0, "this share of samples is of other classes"),
    "towards_seen": ("To the seen", 0.0, 1.0, "classes are drawn to the nearest seen one"),
}
OVERLAYS = {  # label, whether it is on at the start, what it is
    "prototypes": (
        "prototype arrows",
        True,
        "From the real middle of a class to the synthesized one",
    ),
    "ellipses": (
        "ellipses",
        False,
        "Two standard deviations: solid real, dashed synthesized; linear lens only",
    ),
    "graph": (
        "class graph",
        False,
        "Which classes are neighbours: blue lost, orange dashed added",
    ),
}


def explore_controls(
    dataset: GZSLDataset, sources: Sequence[str], *, switches: bool
) -> dict[str, Any]:
    """Make the controls by name of their setting; ``sources`` are the names of the generators.

    Only where flows with and without each mechanism come trained are there ``switches`` for them.
    """
    return {
        "classes": class_chooser(dataset),
        "generator": choice("Generator", sources, sources[0], "What synthesizes the features"),
        **(_mechanism_switches() if switches else {}),
        **_sampling(),
        **_doses(),
        **{key: switch(*arguments) for key, arguments in OVERLAYS.items()},
    }


def _mechanism_switches() -> dict[str, widgets.Checkbox]:
    trained = Mechanisms()
    return {
        name: switch(mechanism.label, getattr(trained, name), mechanism.help)
        for name, mechanism in SWITCHES.items()
    }


def _sampling() -> dict[str, widgets.Widget]:
    return {
        "temperature": slider(
            "Temperature", 1.0, 0.0, 2.0, 0.05, "Scale of the latent noise: 0 typical samples only"
        ),
        "samples": slider(
            "Samples", 50, 5, 200, 5, "Synthesized features of each class that are drawn"
        ),
        "seed": slider(
            "Seed", 0, 0, 20, 1, "Of the noise: is what you see there with other seeds?"
        ),
    }


def _doses() -> dict[str, widgets.FloatSlider]:
    return {
        key: slider(text, 0.0, low, high, 0.05, f"Dose: {effect}")
        for key, (text, low, high, effect) in DOSES.items()
    }


def explore_order(controls: Mapping[str, Any]) -> list[widgets.Widget]:
    """The controls with their headings, from top to bottom."""
    first = [controls["classes"].widget, controls["generator"]]
    switches = [controls[name] for name in SWITCHES if name in controls]
    if switches:
        first += [heading("Mechanisms in training"), *rows(*_pairs(switches))]
    return [
        *first,
        heading("Sampling"),
        *[controls[key] for key in ("temperature", "samples", "seed")],
        heading("Injected shifts, of known dose"),
        *[controls[key] for key in DOSES],
        heading("Drawn over the points"),
        *rows(*_pairs([controls[key] for key in OVERLAYS])),
    ]


def _pairs(switches: Sequence[widgets.Widget]) -> list[Sequence[widgets.Widget]]:
    return [switches[i : i + 2] for i in range(0, len(switches), 2)]
