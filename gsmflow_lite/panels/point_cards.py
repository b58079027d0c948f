"""What the explorer says of points: a card of the one that is looked at, a gallery of several."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from jaxtyping import Float, Int

from ..datasets.base import GZSLDataset
from ..explorer.row_pictures import (
    decoded,
    has_pictures,
    nearest_rows,
    real_pictures,
    shows_nearest,
)
from ..explorer.scene import Scene, Synthesized
from . import show
from .map_panel import class_status, distance

CLASSES_COUNTED = 5
PICTURES_A_LINE = 6
SMALL = 60  # pixels of a picture with words under it
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
    lines = [f"{dataset.unique_names[k]}, {origin}, {class_status(dataset, k)} class"]
    away = ""
    if synthesized is not None:
        row = _nearest(scene, synthesized, number)
        lines.append(f"nearest real point: {_row_in_words(dataset, row)}")
        away = f"<br>{distance(synthesized.far[number])}"

    images = ""
    if has_pictures(dataset):
        images = _images(scene, synthesized, number, lines)
    words = "<br>".join(escape(line) for line in lines)
    return f"{images}<br>{words}{away}" if images else f"{words}{away}"


def _nearest(scene: Scene, synthesized: Synthesized, number: int) -> int:
    """The row of the nearest real point."""
    return int(scene.rows[synthesized.near[number]])


def _row_in_words(dataset: GZSLDataset, row: int) -> str:
    return f"{dataset.unique_names[dataset.labels[row]]}, row {row}"


def _images(
    scene: Scene, synthesized: Synthesized | None, number: int, lines: Sequence[str]
) -> str:
    """The picture of a point; beside that of a synthesized one, its nearest real point."""
    dataset = scene.dataset
    if synthesized is None:
        return show.image(real_pictures(dataset, scene.rows[[number]])[0], lines[0])
    if shows_nearest(dataset):
        return _nearest_images(scene, synthesized, number)
    row = _nearest(scene, synthesized, number)
    own = decoded(dataset, synthesized.features[[number]])[0]
    real = real_pictures(dataset, np.array([row]))[0]
    return " ".join([show.image(own, lines[0]), show.image(real, lines[1])])


def _nearest_images(scene: Scene, synthesized: Synthesized, number: int) -> str:
    """The real images that are nearest to a feature that does not decode, each with its class."""
    dataset = scene.dataset
    feature = synthesized.features[number]
    rows = nearest_rows(scene, feature, int(synthesized.near[number]))
    images = [
        show.captioned(
            show.image(picture, f"nearest real image: {_row_in_words(dataset, int(row))}"),
            show.name(dataset.unique_names[dataset.labels[row]], show.CAPTION),
        )
        for picture, row in zip(real_pictures(dataset, rows), rows, strict=True)
    ]
    return f"nearest real images<br>{' '.join(images)}"


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
    images = _gallery_images(scene, synthesized, numbers, origin) if has_pictures(dataset) else ""
    return f"<p>{len(numbers)} {escape(origin)} points selected: {counts}</p>{images}{table}"


def _counts(names: Sequence[str], labels: Int[np.ndarray, " n"]) -> str:
    """How many points there are of the most frequent classes, and how many classes are left."""
    classes, counts = np.unique(labels, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    listed = [f"{show.name(names[classes[i]])} {counts[i]}" for i in order[:CLASSES_COUNTED]]
    rest = len(classes) - CLASSES_COUNTED
    return ", ".join(listed) + (f" and {rest} more classes" if rest > 0 else "")


def _gallery_images(
    scene: Scene,
    synthesized: Synthesized | None,
    numbers: Int[np.ndarray, " n"],
    origin: str,
) -> str:
    """Pictures of some points, evenly spread over all."""
    count = min(len(numbers), show.MOST_PICTURES)
    some = numbers[np.linspace(0, len(numbers) - 1, count).astype(int)]
    rest = "" if count == len(numbers) else f"<br>{count} of them are shown"
    if synthesized is None:
        pictures = real_pictures(scene.dataset, scene.rows[some])
    elif shows_nearest(scene.dataset):
        return _gallery_of_nearest(scene, synthesized.near[some]) + rest
    else:
        pictures = decoded(scene.dataset, synthesized.features[some])
    text = f"{count} of the selected {origin} points"
    return show.image_sheet(pictures, text, columns=PICTURES_A_LINE) + rest


def _gallery_of_nearest(scene: Scene, near: Int[np.ndarray, " n"]) -> str:
    """The real images that are nearest to features, the most frequent first, and their classes."""
    dataset = scene.dataset
    different, counts = np.unique(near, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    rows = scene.rows[different[order]]
    images = []
    for picture, row, times in zip(real_pictures(dataset, rows), rows, counts[order], strict=True):
        often = f" \N{MULTIPLICATION SIGN}{times}" if times > 1 else ""
        alt = f"nearest real image: {_row_in_words(dataset, int(row))}"
        words = show.name(dataset.unique_names[dataset.labels[row]], show.CAPTION) + often
        images.append(show.captioned(show.image(picture, alt, SMALL), words))
    of_classes = _counts(dataset.unique_names, dataset.labels[scene.rows[near]])
    return f"<p>nearest real images: {of_classes}</p>{' '.join(images)}"
