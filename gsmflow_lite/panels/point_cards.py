"""What the explorer says of points: a card of the one that is looked at, a gallery of several."""

from __future__ import annotations

from html import escape

import numpy as np
from jaxtyping import Float, Int

from ..explorer.scene import Scene, Synthesized
from ..figures.points import Points
from . import show
from .map_panel import class_status, distance


def points_of(scene: Scene, synthesized: Synthesized, kind: str) -> Points:
    """The points of a kind: ``real`` or ``synthesized``."""
    return scene.real if kind == "real" else synthesized.points


def features_of(
    scene: Scene, synthesized: Synthesized, kind: str, numbers: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "n D"]:
    """The features behind some of the points of a kind."""
    if kind == "real":
        return scene.dataset.features[scene.rows[numbers]]
    return synthesized.features[numbers]


# --- One point -------------------------------------------------------------------------------


def point_card(scene: Scene, synthesized: Synthesized, kind: str, number: int) -> str:
    """What a point is, its picture, and what is read off it.

    A synthesized one is shown beside its nearest real point, with the distance in words.
    """
    dataset = scene.dataset
    k = int(points_of(scene, synthesized, kind).labels[number])
    feature = features_of(scene, synthesized, kind, np.array([number]))[0]
    features = [feature]
    lines = [f"{dataset.unique_names[k]}, {kind}, {class_status(dataset, k)} class"]
    away = ""
    if kind == "synthesized":
        nearest = int(scene.rows[synthesized.near[number]])
        features.append(dataset.features[nearest])
        nearest_name = dataset.unique_names[dataset.labels[nearest]]
        lines.append(f"nearest real point: {nearest_name}, row {nearest}")
        away = f"<br>{distance(synthesized.far[number])}"

    images = _images(scene, features, lines)
    words = "<br>".join(escape(line) for line in lines)
    asked = scene.readout.standardise(dataset.attributes[k])
    table = show.attribute_table(dataset.unique_attribute_names, asked, scene.readout.read(feature))
    return f"<p>{images}<br>{words}{away}</p>{table}"


def _images(scene: Scene, features: list[Float[np.ndarray, " D"]], texts: list[str]) -> str:
    """A picture of each feature, where features have pictures."""
    decode = scene.dataset.decode
    if decode is None:
        return ""
    images = [
        show.image(decode(feature[None])[0], text)
        for feature, text in zip(features, texts, strict=True)
    ]
    return " ".join(images)


# --- Several points --------------------------------------------------------------------------


def gallery(
    scene: Scene, synthesized: Synthesized, kind: str, numbers: Int[np.ndarray, " n"]
) -> str:
    """How many points there are of each class, their pictures, and what is read off their mean."""
    dataset = scene.dataset
    features = features_of(scene, synthesized, kind, numbers)
    labels = points_of(scene, synthesized, kind).labels[numbers]
    counts = ", ".join(
        f"{show.name(dataset.unique_names[k])} {(labels == k).sum()}" for k in np.unique(labels)
    )
    asked = scene.readout.standardise(dataset.attributes[labels]).mean(0)
    read = scene.readout.read(features).mean(0)
    table = show.attribute_table(dataset.unique_attribute_names, asked, read)
    images = _gallery_images(scene, features, kind)
    return f"<p>{len(numbers)} {kind} points selected: {counts}</p>{images}{table}"


def _gallery_images(scene: Scene, features: Float[np.ndarray, "n D"], kind: str) -> str:
    """Pictures of some features, evenly spread over all; none where features have no pictures."""
    decode = scene.dataset.decode
    if decode is None:
        return ""
    count = min(len(features), show.MOST_PICTURES)
    spread = np.linspace(0, len(features) - 1, count).astype(int)
    return show.image_sheet(decode(features[spread]), f"{count} of the selected {kind} points")
