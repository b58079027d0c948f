"""What a data set holds, in plain text, and what looks strange about it."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ..storage import suffix_of
from .base import GZSLDataset
from .benchmarks import BENCHMARKS, Benchmark
from .class_order import order_note
from .column_ranges import range_note
from .explained import explained_share
from .formats.mat import mat_format, mat_names
from .image_rows import axis_of_colour
from .leaks import leak_note
from .loading import find
from .on_disk import FeaturesOnDisk, in_chunks


def check_data(
    name_or_path: str | Path,
    features: str | None = None,
    splits: str | None = None,
) -> str:
    """Read a data set as :func:`load` does, and describe it in plain text.

    It also says how much descriptions explain (:func:`explained_share`), and ends with notes on
    what was left out, or looks strange. Raises ``DataError`` for data that cannot be used.
    """
    found = find(name_or_path, features, splits)
    dataset = found.read()
    low, high = _extremes(dataset)
    by_val_loc = " by val_loc" if "xlsa17" in found.what else ""
    lines = [
        *(_described_file(path) for path in found.files if suffix_of(path) == ".mat"),
        *_on_disk(dataset, found.files),
        f"features: {len(dataset.labels)} rows x {len(low)}, from {low.min():.4g} to "
        f"{high.max():.4g}",
        *_described(dataset, f"declared{by_val_loc}"),
        *explained_share(dataset).lines,
        *(f"note: {note}" for note in dataset.notes),
    ]
    if Path(name_or_path).is_dir() and found.files:
        lines += [f"note: {note}" for note in _unlike_published(dataset)]
    lines += [f"note: {note}" for note in _alike(dataset, low, high)]
    last = (order_note(dataset), range_note(dataset), leak_note(dataset), _image_note(dataset))
    lines += [f"note: {note}" for note in last if note and note not in dataset.notes]
    return "\n".join([f"{name_or_path}: {found.what}", *(f"  {line}" for line in lines)])


def _described_file(path: Path) -> str:
    return f"{path.name} ({mat_format(path)}): {', '.join(mat_names(path))}"


def _on_disk(dataset: GZSLDataset, files: tuple[Path, ...]) -> list[str]:
    if not isinstance(dataset.features, FeaturesOnDisk):
        return []
    return [f"{files[0].name}, which stays on disk"]


def _described(dataset: GZSLDataset, declared: str) -> list[str]:
    validation = "none declared: a seeded draw of seen classes is used"
    if dataset.declared_validation is not None:
        validation = f"{len(dataset.declared_validation)} seen classes, {declared}"
    return [
        f"classes: {len(dataset.seen_classes)} seen, {len(dataset.unseen_classes)} unseen, "
        f"each with {dataset.attributes.shape[1]} attributes",
        f"splits: train {len(dataset.train)}, test_seen {len(dataset.test_seen)}, "
        f"test_unseen {len(dataset.test_unseen)}",
        f"validation classes: {validation}",
    ]


def _image_note(dataset: GZSLDataset) -> str:
    if dataset.images is None or axis_of_colour(dataset.images) is not None:
        return ""
    return (
        f"images of shape {dataset.images.shape} are kept, but no picture of them is shown: "
        "make them (N, H, W), (N, H, W, 3) or (N, 3, H, W)"
    )


def _extremes(dataset: GZSLDataset) -> tuple[Float[np.ndarray, " D"], Float[np.ndarray, " D"]]:
    """Return the lowest and the highest value of each feature."""
    low = np.full(dataset.features.shape[1], np.inf)
    high = -low
    for _, block in in_chunks(dataset.features):
        low = np.minimum(low, block.min(0))
        high = np.maximum(high, block.max(0))
    return low, high


def _alike(
    dataset: GZSLDataset,
    low: Float[np.ndarray, " D"],
    high: Float[np.ndarray, " D"],
) -> list[str]:
    """Say what is the same in all rows, and so tells no class apart."""
    notes = []
    if (low == high).all():
        notes.append("the features of all rows are equal: extract them again")
    if np.ptp(dataset.attributes, axis=0).max() == 0:
        notes.append("the descriptions of all classes are equal: nothing tells unseen ones apart")
    return notes


def _unlike_published(dataset: GZSLDataset) -> list[str]:
    """Say where a folder that is called like a benchmark differs from what was published."""
    known = next((name for name in BENCHMARKS if _is_called(dataset.name, name)), None)
    if known is None:
        return []
    counts = asdict(_counted(dataset))
    return [
        f"{known} as published has {published} {field.replace('_', ' ')}, this folder has "
        f"{counts[field]}: compare scores only with those on the same files"
        for field, published in asdict(BENCHMARKS[known]).items()
        if published != counts[field]
    ]


def _is_called(name: str, benchmark: str) -> bool:
    """Return whether a name begins with that of a benchmark, as FLO_lite0, and not as flowers."""
    return re.match(rf"{benchmark}(?![a-z])", name, re.IGNORECASE) is not None


def _counted(dataset: GZSLDataset) -> Benchmark:
    train = len(dataset.train)
    test_seen = len(dataset.test_seen)
    test_unseen = len(dataset.test_unseen)
    return Benchmark(
        images=train + test_seen + test_unseen,
        seen=len(dataset.seen_classes),
        unseen=len(dataset.unseen_classes),
        attributes=dataset.attributes.shape[1],
        train=train,
        test_seen=test_seen,
        test_unseen=test_unseen,
    )
