"""The published benchmarks, read from folders of .mat files in the xlsa17 or the EPGN layout."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import DataError
from . import epgn, xlsa17
from .base import GZSLDataset
from .files import DEFAULT_FEATURES, features_file, from_folder
from .formats.mat import mat_format, mat_names
from .on_disk import in_chunks


@dataclass(frozen=True)
class Benchmark:
    """How many images, classes, attributes and rows of each split a published data set has."""

    images: int
    seen: int
    unseen: int
    attributes: int
    train: int
    test_seen: int
    test_unseen: int


# Xian et al. (2019), "Zero-Shot Learning - A Comprehensive Evaluation of the Good, the Bad and the
# Ugly", tables 1 and 2 (proposed split). The attributes of FLO are the sentence embedding of Reed
# et al. (2016), 1024 numbers.
BENCHMARKS = {
    "CUB": Benchmark(11788, 150, 50, 312, 7057, 1764, 2967),
    "AWA2": Benchmark(37322, 40, 10, 85, 23527, 5882, 7913),
    "FLO": Benchmark(8189, 82, 20, 1024, 5631, 1403, 1155),
    "aPY": Benchmark(15339, 20, 12, 64, 5932, 1483, 7924),
    "AWA1": Benchmark(30475, 40, 10, 85, 19832, 4958, 5685),
    "SUN": Benchmark(14340, 645, 72, 102, 10320, 2580, 1440),
}


def load_folder(
    folder: str | Path,
    features: str = DEFAULT_FEATURES,
    *,
    name: str | None = None,
) -> GZSLDataset:
    """Read a benchmark from a folder of .mat files.

    It holds ``<features>.mat`` with ``att_splits.mat`` (the xlsa17 layout), or ``data.mat`` with
    ``label.mat`` (the EPGN layout). The data set is called ``name``, or as the folder where None.
    Raises ``DataError`` with the file, the rule, the value and the remedy.
    """
    folder = Path(folder)
    features = features.removesuffix(".mat")
    name = name or folder.resolve().name
    if _layout(folder, features) == "EPGN":
        return epgn.read_epgn(folder, name)
    return xlsa17.read_xlsa17(folder, features, name)


# --- which layout --------------------------------------------------------------------------------


def _layout(folder: Path, features: str) -> str:
    """Return the name of the layout.

    Raises ``DataError`` that says which file is missing, what it holds, and who has it.
    """
    if not folder.is_dir():
        raise DataError(
            f"{folder}: a folder with .mat files is needed, but there is none: check the path"
        )
    files = sorted(path.name for path in folder.glob("*.mat"))
    if {f"{features}.mat", xlsa17.SPLITS_FILE} <= set(files):
        return "xlsa17"
    if {epgn.FEATURES_FILE, epgn.LABELS_FILE} <= set(files):
        return "EPGN"
    raise DataError(
        f"{folder}: {_what_is_missing(folder, features, files)} "
        f"(.mat files there: {', '.join(files) or 'none'})"
    )


def _what_is_missing(
    folder: Path,
    features: str,
    files: list[str],
) -> str:
    if xlsa17.SPLITS_FILE in files:
        return xlsa17.without_features(features) + _other_features(folder, files)
    if f"{features}.mat" in files:
        return xlsa17.WITHOUT_SPLITS
    if epgn.FEATURES_FILE in files:
        return epgn.WITHOUT_LABELS
    if epgn.LABELS_FILE in files:
        return epgn.WITHOUT_FEATURES
    return (
        f"{features}.mat (features, labels) and {xlsa17.SPLITS_FILE} "
        f"(att, {', '.join(xlsa17.SPLIT_KEYS)}) are missing; {xlsa17.XLSA17_SOURCE}. "
        f"Or {epgn.FEATURES_FILE} and {epgn.LABELS_FILE}, the EPGN layout"
    )


def _other_features(folder: Path, files: list[str]) -> str:
    """Suggest another file of the folder that holds features."""
    for file in files:
        if file != xlsa17.SPLITS_FILE and _has_features(folder / file):
            return f"; or use --features {file.removesuffix('.mat')}, whose file is there"
    return ""


def _has_features(path: Path) -> bool:
    try:
        return "features" in mat_names(path)
    except DataError:  # only a suggestion depends on it
        return False


# --- the check of a folder -----------------------------------------------------------------------


def check_folder(folder: str | Path, features: str = DEFAULT_FEATURES) -> str:
    """Read a folder as :func:`load` does, and describe it in plain text. Raises ``DataError``."""
    folder = Path(folder)
    npy_features = features_file(folder, features)
    if npy_features is not None:
        lines = _check_npy_folder(folder, npy_features)
    else:
        lines = _check_mat_folder(folder, features)
    first, *rest = lines
    return "\n".join([f"{folder}: {first}", *(f"  {line}" for line in rest)])


def _check_npy_folder(folder: Path, features: str) -> list[str]:
    dataset = from_folder(folder, features)
    file = f"{features}.npy, which stays on disk"
    return ["a good folder of .npy files", file, *_described(dataset, "declared")]


def _check_mat_folder(folder: Path, features: str) -> list[str]:
    dataset = load_folder(folder, features)
    features = features.removesuffix(".mat")
    layout = _layout(folder, features)
    names = [epgn.FEATURES_FILE, epgn.LABELS_FILE]
    if layout == "xlsa17":
        names = [f"{features}.mat", xlsa17.SPLITS_FILE]
    files = [_described_file(folder / name) for name in names]
    return [f"a good {layout} folder", *files, *_described(dataset, "declared by val_loc")]


def _described_file(path: Path) -> str:
    return f"{path.name} ({mat_format(path)}): {', '.join(mat_names(path))}"


def _described(dataset: GZSLDataset, declared: str) -> list[str]:
    rows, width = dataset.features.shape
    low, high = _extremes(dataset)
    validation = "none declared: a seeded draw of seen classes is used"
    if dataset.declared_validation is not None:
        validation = f"{len(dataset.declared_validation)} seen classes, {declared}"
    return [
        f"features: {rows} rows x {width}, from {low:.4g} to {high:.4g}",
        f"classes: {len(dataset.seen_classes)} seen, {len(dataset.unseen_classes)} unseen, "
        f"each with {dataset.attributes.shape[1]} attributes",
        f"splits: train {len(dataset.train)}, test_seen {len(dataset.test_seen)}, "
        f"test_unseen {len(dataset.test_unseen)}",
        f"validation classes: {validation}",
        *(f"note: {note}" for note in _notes(dataset)),
    ]


def _extremes(dataset: GZSLDataset) -> tuple[float, float]:
    low = float("inf")
    high = -low
    for _, block in in_chunks(dataset.features):
        low = min(low, float(block.min()))
        high = max(high, float(block.max()))
    return low, high


def _notes(dataset: GZSLDataset) -> list[str]:
    """Say where a folder that is called like a benchmark differs from what was published."""
    called = dataset.name.upper()
    known = next((name for name in BENCHMARKS if called.startswith(name.upper())), None)
    if known is None:
        return []
    counts = asdict(_counted(dataset))
    return [
        f"{known} as published has {published} {field.replace('_', ' ')}, this folder has "
        f"{counts[field]}: compare scores only with those on the same files"
        for field, published in asdict(BENCHMARKS[known]).items()
        if published != counts[field]
    ]


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
