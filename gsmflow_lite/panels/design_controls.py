"""The controls of the class designer, and the order in which they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import numpy as np

from ..datasets.base import GZSLDataset
from ..explorer.invention import ranges
from ..explorer.scene import Scene
from ..generators.base import Generator
from ..method.model import GSMFlow
from .attribute_sliders import AttributeSliders
from .controls import WIDE, Heading, choice, heading, label, slider
from .part_menus import PartMenus

NOBODY = [("none", "")]
CALM = 0.5  # a temperature at which pictures of a flow look like what is asked for


def design_controls(scene: Scene, generator: Generator) -> dict[str, Any]:
    """Make the controls by name of their setting."""
    if scene.dataset.text_encoder:
        return sentence_controls(scene, generator)
    dataset = scene.dataset
    attribute_names = dataset.unique_attribute_names
    attributes = [(label(name), name) for name in attribute_names]
    most_readable = attribute_names[int(np.argmax(scene.readout.readability))]
    kept = "Its attributes are added; sums stay within what the data have"
    return {
        **_classes(dataset, "Its attributes are subtracted", kept),
        "changes": _changes(dataset),
        **_noise(scene, generator),
        "sweep": choice(
            "Sweep", attributes, most_readable, "The attribute that goes from low to high below"
        ),
    }


def sentence_controls(scene: Scene, generator: Generator) -> dict[str, Any]:
    """Make the controls of data whose attributes were made of texts: a sentence, not sliders."""
    kept = "Its texts are added; the sum is brought to length 1"
    return {
        "text": widgets.Text(
            continuous_update=False,  # when Enter is pressed, or the box is left
            tooltip="A sentence; Enter synthesizes a class of it",
            layout=widgets.Layout(width=WIDE),
        ),
        **_classes(scene.dataset, "Its texts are subtracted", kept),
        **_noise(scene, generator),
    }


def _classes(dataset: GZSLDataset, less: str, more: str) -> dict[str, widgets.Dropdown]:
    classes = [(label(name), name) for name in dataset.unique_names]
    first = dataset.unique_names[int(dataset.unseen_classes[0])]
    return {
        "start": choice("Start from", classes, first, "The class whose description you begin with"),
        "less": choice("minus", NOBODY + classes, "", less),
        "more": choice("plus", NOBODY + classes, "", more),
    }


def _noise(scene: Scene, generator: Generator) -> dict[str, widgets.Widget]:
    pictured = scene.dataset.decode is not None and isinstance(generator, GSMFlow)
    return {
        "temperature": slider(
            "Temperature",
            CALM if pictured else 1.0,
            0.0,
            1.5,
            0.05,
            "How far samples stray: 0 gives the typical one alone, 1 all the variety there is",
        ),
        "seed": slider("Seed", 0, 0, 99, 1, "Of the noise"),
    }


def _changes(dataset: GZSLDataset) -> AttributeSliders | PartMenus:
    """Menus where all attributes are in groups of which a class has one, else sliders."""
    names = dataset.unique_attribute_names
    groups = dataset.attribute_groups or {}
    if sum(map(len, groups.values())) == len(names):
        return PartMenus(names, groups)
    return AttributeSliders(names, *ranges(dataset))


def design_order(
    controls: Mapping[str, Any], buttons: Sequence[widgets.Widget] = ()
) -> list[widgets.Widget | Heading]:
    """The controls with their headings, from top to bottom; ``buttons`` stand under a sentence."""
    if "text" in controls:
        return [
            heading("Describe a class in words, and press Enter", "Sentence"),
            controls["text"],
            widgets.HBox(list(buttons)),
            controls["start"],
            controls["less"],
            controls["more"],
            heading("What is synthesized", "Samples"),
            controls["temperature"],
            controls["seed"],
        ]
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
