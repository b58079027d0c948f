"""What the explorer says of points: a card of the one that is looked at, a gallery of several."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from jaxtyping import Float, Int

from ..explorer.scene import Scene, Synthesized
from . import show
from .map_panel import class_status, distance

CLASSES_COUNTED = 5
PICTURES_A_LINE = 6
TEXTS_SHOWN = 3  # of a class


def features_of(
    scene: Scene, synthesized: Synthesized | None, numbers: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "n D"]:
    """The features behind some of the synthesized points; of real ones without any."""
    if synthesized is None:
        return scene.dataset.features[scene.rows[numbers]]
    return synthesized.features[numbers]


# --- One point -------------------------------------------------------------------------------


def point_card(scene: Scene, synthesized: Synthesized | None, number: int, *, origin: str) -> str:
    """What a point is, its picture, and what is read off it.

    A synthesized one is shown beside its nearest real point, with the distance in words. Without
    ``synthesized`` it is a real point. ``origin`` says in a word what the point is.
    """
    points = scene.real if synthesized is None else synthesized.points
    feature = features_of(scene, synthesized, np.array([number]))[0]
    table = _described(scene, points.labels[[number]], feature)
    return f"<p>{point_picture(scene, synthesized, number, origin=origin)}</p>{table}"


def point_picture(
    scene: Scene, synthesized: Synthesized | None, number: int, *, origin: str
) -> str:
    """What a point is, and its picture: the upper part of :func:`point_card`."""
    dataset = scene.dataset
    points = scene.real if synthesized is None else synthesized.points
    k = int(points.labels[number])
    features = [features_of(scene, synthesized, np.array([number]))[0]]
    lines = [f"{dataset.unique_names[k]}, {origin}, {class_status(dataset, k)} class"]
    away = ""
    if synthesized is not None:
        nearest = int(scene.rows[synthesized.near[number]])
        features.append(dataset.features[nearest])
        nearest_name = dataset.unique_names[dataset.labels[nearest]]
        lines.append(f"nearest real point: {nearest_name}, row {nearest}")
        away = f"<br>{distance(synthesized.far[number])}"

    images = _images(scene, features, lines)
    words = "<br>".join(escape(line) for line in lines)
    return f"{images}<br>{words}{away}" if images else f"{words}{away}"


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


def _described(
    scene: Scene, labels: Int[np.ndarray, " n"], feature: Float[np.ndarray, " D"]
) -> str:
    """What the descriptions of classes ask for and what is read off a feature.

    Attributes that were made of texts say nothing alone: then the texts of a class stand here.
    """
    dataset = scene.dataset
    if not dataset.text_encoder:
        asked = scene.readout.standardise(dataset.attributes[labels]).mean(0)
        read = scene.readout.read(feature)
        return show.attribute_table(dataset.unique_attribute_names, asked, read)
    if dataset.texts is None or len(set(labels.tolist())) > 1:
        return ""
    texts = dataset.texts[labels[0]][:TEXTS_SHOWN]
    return "".join(f"<p>{escape(show.in_quotes(text))}</p>" for text in texts)


# --- Several points --------------------------------------------------------------------------


def gallery(
    scene: Scene,
    synthesized: Synthesized | None,
    numbers: Int[np.ndarray, " n"],
    *,
    origin: str,
) -> str:
    """How many points there are of each class, their pictures, and what is read off their mean."""
    dataset = scene.dataset
    features = features_of(scene, synthesized, numbers)
    points = scene.real if synthesized is None else synthesized.points
    labels = points.labels[numbers]
    counts = _counts(dataset.unique_names, labels)
    table = _described(scene, labels, features.mean(0))
    images = _gallery_images(scene, features, origin)
    return f"<p>{len(numbers)} {escape(origin)} points selected: {counts}</p>{images}{table}"


def _counts(names: Sequence[str], labels: Int[np.ndarray, " n"]) -> str:
    """How many points there are of the most frequent classes, and how many classes are left."""
    classes, counts = np.unique(labels, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    listed = [f"{show.name(names[classes[i]])} {counts[i]}" for i in order[:CLASSES_COUNTED]]
    rest = len(classes) - CLASSES_COUNTED
    return ", ".join(listed) + (f" and {rest} more classes" if rest > 0 else "")


def _gallery_images(scene: Scene, features: Float[np.ndarray, "n D"], origin: str) -> str:
    """Pictures of some features, evenly spread over all; none where features have no pictures."""
    decode = scene.dataset.decode
    if decode is None:
        return ""
    count = min(len(features), show.MOST_PICTURES)
    spread = np.linspace(0, len(features) - 1, count).astype(int)
    text = f"{count} of the selected {origin} points"
    sheet = show.image_sheet(decode(features[spread]), text, columns=PICTURES_A_LINE)
    return sheet if count == len(features) else f"{sheet}<br>{count} of them are shown"
