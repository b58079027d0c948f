"""The controls of the shift explorer, and the order in which they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as widgets

from ..datasets.base import GZSLDataset
from ..generators.mechanisms import SWITCHES
from ..generators.zoo import Mechanisms
from .controls import choice, heading, label, rows, slider, switch
from .legend import Legend
from .map_panel import class_chooser
from .tints import CLASS, COLOUR_BY, OF_TEXTS

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

LAYER_SIGNS = {  # of the legend: a text and a sign
    "real": ("real", "●"),
    "synthesized": ("synthesized", "◇"),
    "others": ("other classes", "·"),
    "arrows": ("arrows", "↗"),
}
DRAWN = (("points", "points"), ("density contours", "contours"), ("both", "both"))
# Settings that change how the same features look, and nothing of what is synthesized or measured.
VIEW_SETTINGS = (*OVERLAYS, "size", "opacity", "layers", "colour", "attribute", "hidden")


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
        **_looks(dataset),
    }


def meaningless(dataset: GZSLDataset) -> tuple[str, ...]:
    """Name the settings that say nothing of these data: one number of many that were made of texts.

    >>> from gsmflow_lite.datasets.gaussian_world import gaussian_world
    >>> meaningless(gaussian_world().dataset)
    ()
    """
    return ("attribute",) if dataset.text_encoder else ()


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
            "Samples", 25, 5, 200, 5, "Synthesized features of each class that are drawn"
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


def _looks(dataset: GZSLDataset) -> dict[str, Any]:
    attributes = [(label(name), name) for name in dataset.unique_attribute_names]
    colours = OF_TEXTS if meaningless(dataset) else COLOUR_BY
    return {
        "layers": choice(
            "Drawn as", DRAWN, "points", "Contours hold 50 % and 90 %: solid real, dashed others"
        ),
        "size": slider("Point size", 1.0, 0.4, 3.0, 0.1, "Times the usual size of the points"),
        "opacity": slider(
            "Opacity", 1.0, 0.1, 1.6, 0.1, "Times the usual opacity; low shows where points crowd"
        ),
        "colour": choice("Colour by", colours, CLASS, "What the colours of the points say"),
        "attribute": choice(
            "Attribute", attributes, attributes[0][1], "The one that Colour by can show"
        ),
        "hidden": Legend(LAYER_SIGNS, dataset.unique_names),
    }


def explore_order(controls: Mapping[str, Any], ranked: widgets.Dropdown) -> list[widgets.Widget]:
    """The controls in groups; ``ranked`` is the list of classes by their shift."""
    switches = [controls[name] for name in SWITCHES if name in controls]
    training: list[widgets.Widget] = []
    if switches:
        training = [heading("Mechanisms in training", "Training"), *rows(*_pairs(switches))]
    return [
        heading("Classes"),
        controls["classes"].widget,
        ranked,
        heading("What synthesizes", "Generator"),
        *[controls[key] for key in ("generator", "temperature", "samples", "seed")],
        *training,
        heading("Injected shifts, of known dose", "Shifts"),
        widgets.HTML('<span class="calm">Further right is more of a shift.</span>'),
        *[controls[key] for key in DOSES],
        heading("Drawn over the points", "View"),
        *rows(*_pairs([controls[key] for key in OVERLAYS])),
        *[controls[key] for key in ("layers", "size", "opacity", "colour", "attribute")],
    ]


def _pairs(switches: Sequence[widgets.Widget]) -> list[Sequence[widgets.Widget]]:
    return [switches[i : i + 2] for i in range(0, len(switches), 2)]
