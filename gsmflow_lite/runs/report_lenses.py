"""The two lenses of a report: which rows are shown, where they lie, what is said of each, and how they look."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .. import figures
from ..datasets.base import GZSLDataset
from ..errors import DataError
from ..figures.points import Points
from ..figures.projection import Projection, Watch
from ..generators.base import Generator
from ..seeds import stream

COLOURED_POINTS = 900  # points of these, real and synthesized: with the grey ones below what plotly would need WebGL for
POINTS_EACH = 50  # of one class and origin, at most
CONTEXT_POINTS = 450  # real rows of other classes
THUMBNAIL = 48  # pixels a side, at most


@dataclass(frozen=True, eq=False)
class Lenses:
    """Real rows and synthesized ones through both lenses; ``rows`` of the points number them all, real ones first.

    ``near`` (P,) is the number of the nearest other real point; ``far`` (P,) its distance over the one within which 95 % of
    the real points have a neighbour; ``source`` (R,) the row in the data set of each real point; ``pictures`` (P, H, W) or
    None.
    """

    real: Points
    synthesized: Points
    near: np.ndarray
    far: np.ndarray
    source: np.ndarray
    pictures: np.ndarray | None
    focus: list[int]
    describe: str

    @property
    def count(self) -> int:
        return self.real.count + self.synthesized.count


def look(
    dataset: GZSLDataset,
    generator: Generator,
    focus: Sequence[int],
    *,
    n: int,
    seed: int,
    watch: Watch,
) -> Lenses:
    """Fit the lenses on real test rows of the classes in ``focus`` and some other rows; place at most ``n`` synthesized each.

    Where features decode to pictures, near means alike to the eye: the lenses look at pixels. Raises ``DataError`` where there
    are too few rows.
    """
    focus = [int(k) for k in focus]
    each = int(np.clip(COLOURED_POINTS // (2 * len(focus)), 1, POINTS_EACH))
    synthesized = min(each, n)
    source = _rows(dataset, focus, each, stream(seed, "rows of a map"))
    made = generator.synthesize(torch.from_numpy(dataset.attributes[focus]), synthesized, seed=seed)
    features = np.concatenate(
        [
            dataset.features[source],
            torch.as_tensor(made).detach().cpu().float().flatten(0, 1).numpy(),
        ]
    )
    pictures = None if dataset.decode is None else thumbnails(dataset.decode(features))
    space = features if pictures is None else pictures.reshape(len(pictures), -1)
    labels = np.concatenate([dataset.labels[source], np.repeat(focus, synthesized)])
    projection = Projection.fit(space[: len(source)], seed=seed, watch=watch)
    near, far = _nearest(space, len(source), projection.usual_distance)
    points = projection.points(space, labels)
    return Lenses(
        _part(points, slice(len(source))),
        _part(points, slice(len(source), None)),
        near,
        far,
        source,
        pictures,
        focus,
        projection.describe,
    )


def _rows(
    dataset: GZSLDataset, focus: list[int], each: int, rng: np.random.Generator
) -> np.ndarray:
    """Real rows to show: of classes in focus from the test sets, then of all others. Another generator gets the same map."""
    tests = np.concatenate([dataset.test_seen, dataset.test_unseen])
    own = [dataset.of_class(k, tests) for k in sorted(focus)]
    chosen = [rng.permutation(rows)[:each] for rows in own]
    rest = np.concatenate([dataset.train, dataset.test_unseen])
    rest = rest[~np.isin(dataset.labels[rest], focus)]
    return np.concatenate([*chosen, rng.permutation(rest)[:CONTEXT_POINTS]])


def _nearest(space: np.ndarray, real: int, usual: float) -> tuple[np.ndarray, np.ndarray]:
    """For each row the nearest of the first ``real`` rows other than itself, and its distance in units of ``usual``."""
    from sklearn.neighbors import NearestNeighbors  # slow to import

    space = space.astype(np.float64)
    tree = NearestNeighbors(n_neighbors=1).fit(space[:real])
    parts = [tree.kneighbors(), tree.kneighbors(space[real:])]
    distance, index = (np.concatenate([part[i][:, 0] for part in parts]) for i in (0, 1))
    return index, distance / (usual or 1.0)


def _part(points: Points, which: slice) -> Points:
    return Points(points.pca[which], points.umap[which], points.labels[which], points.rows[which])


def interactive(lenses: Lenses, names: Sequence[str], spread: Mapping[int, float]):
    """The plotly figure, without hover labels of its own: the page shows a card."""
    figure = figures.two_lenses(
        lenses.real, lenses.synthesized, names=names, focus=lenses.focus, spread=spread
    )
    figure.update_traces(hoverinfo="none", hovertemplate=None, text=None)
    if len(lenses.focus) > len(figures.PALETTE):  # labels as large as usual would hide the points
        figure.for_each_annotation(
            lambda label: label.update(font_size=12) if label.bgcolor else None
        )
    return figure.update_layout(
        height=540, margin={"l": 10, "r": 10, "t": 40, "b": 10}, hovermode="closest"
    )


def still_lenses(lenses: Lenses, names: Sequence[str], spread: Mapping[int, float]):
    """The same for paper, and for where no script runs."""
    return figures.two_lenses_still(
        lenses.real, lenses.synthesized, names=names, focus=lenses.focus, spread=spread
    )


def thumbnails(pictures: np.ndarray) -> np.ndarray:
    """Pictures (P, H, W) with every so many pixels left out, so that neither side is longer than ``THUMBNAIL``."""
    pictures = np.asarray(pictures, np.float32)
    if pictures.ndim != 3:
        raise DataError(
            f"decoded pictures must be grey, (rows, height, width), got shape {pictures.shape}"
        )
    step = -(-max(pictures.shape[1:]) // THUMBNAIL)
    return pictures[:, ::step, ::step]


def sprite_sheet(pictures: np.ndarray) -> tuple[bytes, dict[str, int]]:
    """All pictures (P, H, W), 0 paper to 1 ink, in one PNG; and its columns, lines, and the width and height of each."""
    from PIL import Image  # comes with matplotlib

    count, height, width = pictures.shape
    columns = int(np.ceil(np.sqrt(count)))
    lines = -(-count // columns)
    sheet = np.zeros((lines * columns, height, width))
    sheet[:count] = np.nan_to_num(pictures).clip(0, 1)
    grid = (
        sheet.reshape(lines, columns, height, width)
        .swapaxes(1, 2)
        .reshape(lines * height, columns * width)
    )
    content = io.BytesIO()
    levels = (
        np.round(15 * (1 - grid)) * 17
    )  # sixteen greys: half the size, and no eye misses the others
    Image.fromarray(levels.astype(np.uint8)).save(content, format="png", optimize=True)
    return content.getvalue(), {
        "columns": columns,
        "lines": lines,
        "width": width,
        "height": height,
    }


def page_data(
    lenses: Lenses, dataset: GZSLDataset, figure, sprite: dict[str, int] | None
) -> dict[str, Any]:
    """What the script of the page reads, ready for JSON. Names in ``names`` are plain text."""
    points = (lenses.real, lenses.synthesized)
    labels = np.concatenate([p.labels for p in points])
    return {
        "figure": json.loads(figure.to_json()),
        "names": [figures.short(name) for name in dataset.class_names],
        "seen": np.isin(np.arange(len(dataset.class_names)), dataset.seen_classes).tolist(),
        "label": labels.tolist(),
        "real": [i < lenses.real.count for i in range(lenses.count)],
        "row": [*lenses.source.tolist(), *[None] * lenses.synthesized.count],
        "first": lenses.real.count,  # where walking by key begins: the first synthesized one
        "near": lenses.near.tolist(),
        "far": np.round(lenses.far, 2).tolist(),
        "pca": np.concatenate([p.pca for p in points]).round(4).tolist(),
        "umap": np.concatenate([p.umap for p in points]).astype(float).round(4).tolist(),
        "sprite": sprite,
    }
