"""The published benchmarks, read from folders of .mat files in the xlsa17 or the EPGN layout."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ..errors import DataError
from ..storage import in_folder, nearby, suffix_of
from . import epgn, xlsa17
from .base import GZSLDataset
from .files import refuse_options, without_suffix
from .formats.mat import mat_names
from .names import did_you_mean

DEFAULT_FEATURES = "res101"  # the features of the benchmarks, where no others are named


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


class MatFiles(NamedTuple):
    """The two files of a benchmark folder, and their layout: xlsa17 or EPGN."""

    layout: str
    features: Path
    table: Path

    def read(self, name: str) -> GZSLDataset:
        """Read the data set, and call it ``name``. Raises ``DataError``."""
        read = epgn.read_epgn if self.layout == "EPGN" else xlsa17.read_xlsa17
        return read(self.features, self.table, name)


def load_folder(
    folder: str | Path,
    features: str | None = None,
    splits: str | None = None,
    *,
    name: str | None = None,
) -> GZSLDataset:
    """Read a benchmark from a folder of .mat files.

    It holds ``res101.mat`` with ``att_splits.mat`` (the xlsa17 layout), where ``features`` and
    ``splits`` may name others, or ``data.mat`` with ``label.mat`` (the EPGN layout). The data set
    is called ``name``, or as the folder where None. Raises ``DataError`` with the file, the rule,
    the value and the remedy.
    """
    folder = Path(folder)
    return mat_files(folder, features, splits).read(name or folder.resolve().name)


# --- which files ---------------------------------------------------------------------------------


def mat_files(folder: Path, features: str | None, splits: str | None) -> MatFiles:
    """Return the files of a folder, without reading them.

    Raises ``DataError`` that says which file is missing, what it holds, and who has it.
    """
    if not folder.is_dir():
        got = "got a file" if folder.exists() else "but there is none"
        raise DataError(
            f"{folder}: a folder with .mat files is needed, {got}: check the path{nearby(folder)}"
        )
    stem = without_suffix(features or DEFAULT_FEATURES, ".mat")
    table = without_suffix(splits or xlsa17.SPLITS_FILE, ".mat") + ".mat"
    one = in_folder(folder, f"{stem}.mat")
    two = in_folder(folder, table)
    if one is not None and two is not None:
        return MatFiles("xlsa17", one, two)

    data = in_folder(folder, epgn.FEATURES_FILE)
    index = in_folder(folder, epgn.LABELS_FILE)
    if data is not None and index is not None:
        refuse_options(f"a folder of EPGN layout ({folder})", features=features, splits=splits)
        return MatFiles("EPGN", data, index)
    files = sorted(path.name for path in folder.glob("*") if suffix_of(path) == ".mat")
    raise DataError(
        f"{folder}: {_what_is_missing(folder, stem, table, files)} "
        f"(.mat files there: {', '.join(files) or 'none'})"
    )


def _what_is_missing(
    folder: Path,
    features: str,
    splits: str,
    files: list[str],
) -> str:
    other_features = _holding(folder, files, {"features"})
    other_splits = _holding(folder, files, {"att", *xlsa17.SPLIT_KEYS})
    if in_folder(folder, splits) is not None:
        hint = _hint("features", features, other_features)
        return xlsa17.without_features(features) + hint
    if in_folder(folder, f"{features}.mat") is not None or (other_features and other_splits):
        hint = _hint("splits", splits, other_splits)
        if in_folder(folder, f"{features}.mat") is None:
            hint += f", and {_hint('features', features, other_features).removeprefix('; or ')}"
        return xlsa17.without_splits(splits) + hint
    if in_folder(folder, epgn.FEATURES_FILE) is not None:
        return epgn.WITHOUT_LABELS
    if in_folder(folder, epgn.LABELS_FILE) is not None:
        return epgn.WITHOUT_FEATURES
    return (
        f"{features}.mat (features, labels) and {splits} "
        f"(att, {', '.join(xlsa17.SPLIT_KEYS)}) are missing; {xlsa17.XLSA17_SOURCE}. "
        f"Or {epgn.FEATURES_FILE} and {epgn.LABELS_FILE}, the EPGN layout"
    )


def _holding(folder: Path, files: list[str], keys: Collection[str]) -> list[str]:
    """Return the files of a folder that hold arrays of these names, without their ending."""
    return [without_suffix(file, ".mat") for file in files if set(keys) <= _keys(folder / file)]


def _keys(path: Path) -> set[str]:
    try:
        return set(mat_names(path))
    except DataError:  # only a suggestion depends on it
        return set()


def _hint(option: str, wanted: str, others: list[str]) -> str:
    """Suggest the other file of the folder that fits best, if there is one."""
    if not others:
        return ""
    best = next((name for name in others if did_you_mean(wanted, [name])), others[0])
    best += ".mat" if option == "splits" else ""
    return f"; or use --{option} {best} (in Python {option}={best!r}), whose file is there"
