"""The controls of the class designer, and the order in which they stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets
import numpy as np

from ..datasets.base import GZSLDataset
from ..explorer.invention import ranges
from ..explorer.scene import Scene
from ..generators.base import Generator
from ..method.model import GSMFlow
from .attribute_sliders import AttributeSliders
from .controls import choice, heading, label, slider
from .part_menus import PartMenus

NOBODY = [("none", "")]
CALM = 0.5  # a temperature at which pictures of a flow look like what is asked for


def design_controls(scene: Scene, generator: Generator) -> dict[str, Any]:
    """Make the controls by name of their setting."""
    pictured = scene.dataset.decode is not None and isinstance(generator, GSMFlow)
    dataset = scene.dataset
    classes = [(label(name), name) for name in dataset.unique_names]
    attribute_names = dataset.unique_attribute_names
    attributes = [(label(name), name) for name in attribute_names]
    first = dataset.unique_names[int(dataset.unseen_classes[0])]
    most_readable = attribute_names[int(np.argmax(scene.readout.readability))]
    kept = "Its attributes are added; sums stay within what the data have"
    return {
        "start": choice("Start from", classes, first, "The class whose description you begin with"),
        "less": choice("minus", NOBODY + classes, "", "Its attributes are subtracted"),
        "more": choice("plus", NOBODY + classes, "", kept),
        "changes": _changes(dataset),
        "temperature": slider(
            "Temperature",
            CALM if pictured else 1.0,
            0.0,
            1.5,
            0.05,
            "How far samples stray: 0 gives the typical one alone, 1 all the variety there is",
        ),
        "seed": slider("Seed", 0, 0, 99, 1, "Of the noise"),
        "sweep": choice(
            "Sweep", attributes, most_readable, "The attribute that goes from low to high below"
        ),
    }


def _changes(dataset: GZSLDataset) -> AttributeSliders | PartMenus:
    """Menus where all attributes are in groups of which a class has one, else sliders."""
    names = dataset.unique_attribute_names
    groups = dataset.attribute_groups or {}
    if sum(map(len, groups.values())) == len(names):
        return PartMenus(names, groups)
    return AttributeSliders(names, *ranges(dataset))


def design_order(controls: Mapping[str, Any]) -> list[widgets.Widget]:
    """The controls with their headings, from top to bottom."""
    return [
        heading("A description", "Class"),
        controls["start"],
        controls["less"],
        controls["more"],
        heading("Its attributes", "Attributes"),
        controls["changes"].widget,
        heading("What is synthesized", "Samples"),
        controls["temperature"],
        controls["seed"],
        controls["sweep"],
    ]
