"""The published benchmarks from folders of .mat files, in the xlsa17 and the EPGN layout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import DataError
from .arrays import features_file, from_folder
from .base import GZSLDataset
from .matfiles import mat_format, mat_names, read_mat
from .on_disk import FeaturesOnDisk, in_chunks


@dataclass(frozen=True)
class Benchmark:
    """What a published data set holds: ``images``, classes, length of a description, rows of each split."""

    images: int
    seen: int
    unseen: int
    attributes: int
    train: int
    test_seen: int
    test_unseen: int


# Source: Xian et al. (2019), "Zero-Shot Learning - A Comprehensive Evaluation of the Good, the Bad and the Ugly", tables
# 1 and 2 (proposed split); FLO's semantic side is the 1024-d sentence embedding of Reed et al. (2016).
BENCHMARKS = {
    "CUB": Benchmark(11788, 150, 50, 312, 7057, 1764, 2967),
    "AWA2": Benchmark(37322, 40, 10, 85, 23527, 5882, 7913),
    "FLO": Benchmark(8189, 82, 20, 1024, 5631, 1403, 1155),
    "aPY": Benchmark(15339, 20, 12, 64, 5932, 1483, 7924),
    "AWA1": Benchmark(30475, 40, 10, 85, 19832, 4958, 5685),
    "SUN": Benchmark(14340, 645, 72, 102, 10320, 2580, 1440),
}

XLSA17_SOURCE = (
    "it comes with 'Zero-Shot Learning - A Comprehensive Evaluation of the Good, the Bad and the Ugly' (Xian et al.), on its "
    "data page at MPI Informatics under 'Proposed Split'"
)
EPGN_SOURCE = "it comes with the code of 'Episode-based Prototype Generating Network' (Yu et al., 2020), GitHub yunlongyu/EPGN"

EPGN_FEATURES = ("train_fea", "test_seen_fea", "test_unseen_fea")
EPGN_LABELS = ("train_idx", "test_seen_idex", "test_unseen_idex")  # spelt so in the published files
SPLITS = ("trainval_loc", "test_seen_loc", "test_unseen_loc")


def load_folder(
    folder: str | Path, features: str = "res101", *, name: str | None = None
) -> GZSLDataset:
    """Read a benchmark folder: ``<features>.mat`` with ``att_splits.mat`` (xlsa17), or ``data.mat`` with ``label.mat`` (EPGN).

    ``name`` is the folder's own name where None. Raises ``DataError`` with the file, the rule, the value and the remedy.
    """
    folder = Path(folder)
    features = features.removesuffix(".mat")
    reader = _read_epgn if _layout(folder, features) == "EPGN" else _read_xlsa17
    return reader(folder, features, name or folder.resolve().name)


def check_folder(folder: str | Path, features: str = "res101") -> str:
    """Read a folder as :func:`load` does and describe it in plain text; raises ``DataError`` for a bad one."""
    folder = Path(folder)
    own = features_file(folder, features)
    if own:
        d, kind, files = (
            from_folder(folder, own),
            "a good folder of .npy files",
            [f"{own}.npy, which stays on disk"],
        )
    else:
        d = load_folder(folder, features)
        features = features.removesuffix(".mat")
        layout = _layout(folder, features)
        names = (
            ("data.mat", "label.mat") if layout == "EPGN" else (f"{features}.mat", "att_splits.mat")
        )
        kind = f"a good {layout} folder"
        files = [
            f"{file} ({mat_format(folder / file)}): {', '.join(mat_names(folder / file))}"
            for file in names
        ]
    return "\n".join(
        [
            f"{folder}: {kind}",
            *(f"  {line}" for line in [*files, *_described(d, "" if own else " by val_loc")]),
        ]
    )


def _described(d: GZSLDataset, by: str) -> list[str]:
    declared = "none declared: a seeded draw of seen classes is used"
    if d.declared_validation is not None:
        declared = f"{len(d.declared_validation)} seen classes, declared{by}"
    (rows, width), (low, high) = d.features.shape, _extremes(d.features)
    return [
        f"features: {rows} rows x {width}, from {low:.4g} to {high:.4g}",
        f"classes: {len(d.seen_classes)} seen, {len(d.unseen_classes)} unseen, each with {d.attributes.shape[1]} attributes",
        f"splits: train {len(d.train)}, test_seen {len(d.test_seen)}, test_unseen {len(d.test_unseen)}",
        f"validation classes: {declared}",
        *(f"note: {note}" for note in _notes(d)),
    ]


def _extremes(features: np.ndarray | FeaturesOnDisk) -> tuple[float, float]:
    low, high = zip(*((x.min(), x.max()) for _, x in in_chunks(features)), strict=True)
    return min(low), max(high)


def _notes(d: GZSLDataset) -> list[str]:
    """Where a folder named like a benchmark differs from what was published under that name."""
    known = next((key for key in BENCHMARKS if d.name.upper().startswith(key.upper())), None)
    if known is None:
        return []
    seen, unseen = len(d.seen_classes), len(d.unseen_classes)
    splits = [len(rows) for rows in (d.train, d.test_seen, d.test_unseen)]
    found = Benchmark(sum(splits), seen, unseen, d.attributes.shape[1], *splits)
    published = BENCHMARKS[known]
    return [
        f"{known} as published has {getattr(published, field)} {field.replace('_', ' ')}, this folder has "
        f"{getattr(found, field)}: compare scores only with those on the same files"
        for field in published.__dataclass_fields__
        if getattr(published, field) != getattr(found, field)
    ]


# --- which layout ---------------------------------------------------------------------------------------------------


def _layout(folder: Path, features: str) -> str:
    """The name of the folder's layout, or one error that says which file is missing, what it holds and who has it."""
    if not folder.is_dir():
        raise DataError(
            f"{folder}: a folder with .mat files is needed, but there is none: check the path"
        )
    there = sorted(path.name for path in folder.glob("*.mat"))
    if {f"{features}.mat", "att_splits.mat"} <= set(there):
        return "xlsa17"
    if {"data.mat", "label.mat"} <= set(there):
        return "EPGN"
    raise DataError(
        f"{folder}: {_what_is_missing(folder, features, there)} (.mat files there: {', '.join(there) or 'none'})"
    )


def _what_is_missing(folder: Path, features: str, there: list[str]) -> str:
    if "att_splits.mat" in there:
        others = [
            file for file in there if file != "att_splits.mat" and _has_features(folder / file)
        ]
        hint = (
            f"; or use --features {others[0].removesuffix('.mat')}, whose file is there"
            if others
            else ""
        )
        return f"{features}.mat is missing: it must hold features (D, N) and labels (N, 1); {XLSA17_SOURCE}{hint}"
    if f"{features}.mat" in there:
        return f"att_splits.mat is missing: it must hold att (A, K), {', '.join(SPLITS)}; {XLSA17_SOURCE}"
    if "data.mat" in there:
        return f"label.mat is missing beside data.mat: it must hold {', '.join(EPGN_LABELS)}; {EPGN_SOURCE}"
    if "label.mat" in there:
        return f"data.mat is missing beside label.mat: it must hold {', '.join(EPGN_FEATURES)}, attribute, ...; {EPGN_SOURCE}"
    return (
        f"{features}.mat (features, labels) and att_splits.mat (att, {', '.join(SPLITS)}) are missing; {XLSA17_SOURCE}. "
        "Or data.mat and label.mat, the EPGN layout"
    )


def _has_features(path: Path) -> bool:
    try:
        return "features" in mat_names(path)
    except DataError:  # only a suggestion hangs on it
        return False


# --- xlsa17 ---------------------------------------------------------------------------------------------------------


def _read_xlsa17(folder: Path, features: str, name: str) -> GZSLDataset:
    path, splits = folder / f"{features}.mat", folder / "att_splits.mat"
    content = read_mat(path, ["features", "labels"], single=["features"])
    table = read_mat(
        splits, ["att", *SPLITS], optional=["train_loc", "val_loc", "allclasses_names"]
    )
    matrix, attributes = _table(content, "features", path), _table(table, "att", splits).T
    labels = _whole(content, "labels", path)
    _check_orientation(path, matrix.shape, len(labels))
    labels = _from_one(labels, len(attributes), "labels", path, f"classes in {splits.name}'s att")
    rows = {
        key: _from_one(_whole(table, key, splits), len(labels), key, splits, f"rows in {path.name}")
        for key in SPLITS
    }
    declared = _declared_validation(table, splits, labels, rows["trainval_loc"], path)
    return GZSLDataset(
        features=matrix.T,
        labels=labels,
        attributes=attributes,
        train=rows["trainval_loc"],
        test_seen=rows["test_seen_loc"],
        test_unseen=rows["test_unseen_loc"],
        class_names=_names(table, len(attributes), splits),
        declared_validation=declared,
        name=name,
        source=f"{path} with {splits.name}",
    )


def _declared_validation(table, splits: Path, labels, trainval, path: Path) -> np.ndarray | None:
    """Seen classes that val_loc sets aside, where they are a clean cut; only its classes are used, never its rows.

    The rows of train_loc and val_loc together are not those of trainval_loc: in published files they hold test images.
    """
    if not {"train_loc", "val_loc"} <= set(table):
        return None
    fitted, held = (
        np.unique(
            labels[
                _from_one(
                    _whole(table, key, splits), len(labels), key, splits, f"rows in {path.name}"
                )
            ]
        )
        for key in ("train_loc", "val_loc")
    )
    seen = np.unique(labels[trainval])
    clean = (
        len(held)
        and np.isin(held, seen).all()
        and len(seen) - len(held) >= 2
        and not np.isin(held, fitted).any()
    )
    return held if clean else None


def _check_orientation(path: Path, shape: tuple[int, int], labels: int) -> None:
    if shape[1] == labels:
        return
    if shape[0] == labels:
        raise DataError(
            f"{path}: features must be stored as (D, N), one column per image, got {shape} with {labels} labels: they are "
            "transposed, so save features' (MATLAB) or features.T (Python)"
        )
    raise DataError(
        f"{path}: features must have one column per label ({labels}), got shape {shape}: save both together again"
    )


def _names(table, classes: int, path: Path) -> list[str]:
    names = table.get("allclasses_names", [])
    if isinstance(names, np.ndarray):
        raise DataError(
            f"{path}: allclasses_names must be a cell array of text, got numbers {names.shape}: leave it out"
        )
    if names and len(names) != classes:
        raise DataError(
            f"{path}: allclasses_names must have one name per column of att ({classes}), got {len(names)}"
        )
    return names


# --- EPGN -----------------------------------------------------------------------------------------------------------


def _read_epgn(folder: Path, features: str, name: str) -> GZSLDataset:
    path, where = folder / "data.mat", folder / "label.mat"
    data = read_mat(
        path,
        [*EPGN_FEATURES, "seen_pro", "unseen_pro", "attribute", "att_train"],
        single=EPGN_FEATURES,
    )
    label = read_mat(where, EPGN_LABELS)
    parts = [_table(data, key, path) for key in EPGN_FEATURES]
    numbers = [_whole(label, key, where) for key in EPGN_LABELS]
    for key, index, part, count in zip(EPGN_FEATURES, EPGN_LABELS, parts, numbers, strict=True):
        if len(part) != len(count):
            raise DataError(
                f"{path}: {key} must have one row per entry of {where.name}'s {index} ({len(count)}), got {part.shape}"
            )
        if part.shape[1] != parts[0].shape[1]:
            raise DataError(
                f"{path}: {key} must be as wide as train_fea ({parts[0].shape[1]}), got {part.shape[1]}"
            )
    labels = _epgn_labels(
        {key: _table(data, key, path) for key in data if key not in EPGN_FEATURES}, numbers, path
    )
    ends = np.cumsum([len(part) for part in parts])
    train, test_seen, test_unseen = np.split(np.arange(ends[-1]), ends[:-1])
    return GZSLDataset(
        features=np.concatenate(parts, dtype=np.float32, casting="same_kind"),
        labels=labels,
        attributes=data["attribute"],
        train=train,
        test_seen=test_seen,
        test_unseen=test_unseen,
        name=name,
        source=f"{path} with {where.name}",
    )


def _epgn_labels(
    tables: dict[str, np.ndarray], numbers: list[np.ndarray], path: Path
) -> np.ndarray:
    """Class of each row, as a row number of ``attribute``: told by the descriptions, since index conventions differ.

    ``att_train`` says which class a training row is of, whatever ``train_idx`` counts. The test indices number the rows of
    ``attribute``, or, in some copies, those of ``seen_pro`` and ``unseen_pro``: ``seen_pro`` and ``unseen_pro`` decide.
    """
    attribute = tables["attribute"]
    rows = {
        key: _match(tables[key], attribute, key, path)
        for key in ("seen_pro", "unseen_pro", "att_train")
    }
    train, (train_idx, test_seen, test_unseen) = rows["att_train"], numbers
    if len(train) != len(train_idx):
        raise DataError(
            f"{path}: att_train must have one row per training image ({len(train_idx)}), got {len(train)}"
        )
    _check_pairing(train_idx, train, path)
    if set(train) != set(rows["seen_pro"]):
        odd = sorted(set(train) ^ set(rows["seen_pro"]))
        raise DataError(
            f"{path}: att_train and seen_pro must describe the same classes, but row {odd[0] + 1} of attribute is in one of "
            f"them only ({len(odd)} such classes): do data.mat and label.mat belong together?"
        )
    seen_as = _test_classes(test_seen, rows["seen_pro"], len(attribute), "test_seen_idex", path)
    unseen_as = _test_classes(
        test_unseen, rows["unseen_pro"], len(attribute), "test_unseen_idex", path
    )
    return np.concatenate([train, seen_as, unseen_as])


def _match(rows: np.ndarray, attribute: np.ndarray, key: str, path: Path) -> np.ndarray:
    """For each row, the row number of ``attribute`` that equals it to single precision, or an error."""
    if rows.shape[1] != attribute.shape[1]:
        raise DataError(
            f"{path}: {key} must be as wide as attribute ({attribute.shape[1]}), got shape {rows.shape}: transposed?"
        )
    if not (np.isfinite(rows).all() and np.isfinite(attribute).all()):
        raise DataError(
            f"{path}: {key} and attribute must be finite, got {rows[~np.isfinite(rows)][:1]}: save them again"
        )
    unique, back = np.unique(
        rows, axis=0, return_inverse=True
    )  # thousands of images, but few classes
    tolerance = 1e-4 * max(np.abs(attribute).max(), np.finfo(np.float32).tiny)
    found = np.empty(len(unique), np.int64)
    for i, row in enumerate(unique):
        same = np.flatnonzero(np.abs(attribute - row).max(1) <= tolerance)
        if len(same) != 1:
            what = "no row" if not len(same) else f"rows {same[0] + 1} and {same[1] + 1}"
            raise DataError(
                f"{path}: each row of {key} must equal one row of attribute, but row {np.argmax(back.ravel() == i) + 1} equals "
                f"{what}: without that, images cannot be given their classes"
            )
        found[i] = same[0]
    return found[back.ravel()]


def _check_pairing(index: np.ndarray, classes: np.ndarray, path: Path) -> None:
    """One number in train_idx must mean one class, and the other way round, or the two files are of different data."""
    pairs = np.unique(np.stack([index, classes]), axis=1)
    for side, what in (
        (0, "number {} of train_idx stands for several classes"),
        (1, "class {} has several numbers in train_idx"),
    ):
        values, counts = np.unique(pairs[side], return_counts=True)
        if (counts > 1).any():
            value = values[counts.argmax()] + side
            raise DataError(
                f"{path}: train_idx and att_train must agree, but {what.format(value)}: "
                "do data.mat and label.mat belong together?"
            )


def _test_classes(
    index: np.ndarray, prototypes: np.ndarray, classes: int, key: str, path: Path
) -> np.ndarray:
    """Read a test index as row numbers of ``attribute``, or of the prototypes where only that fits."""
    of_attribute = _from_one_or_none(index, classes)
    if of_attribute is not None and set(of_attribute) != set(prototypes):
        of_attribute = None
    own = _from_one_or_none(index, len(prototypes))
    of_prototypes = (
        None if own is None or set(own) != set(range(len(prototypes))) else prototypes[own]
    )
    table, where = ("unseen_pro" if "unseen" in key else "seen_pro"), path.with_name("label.mat")
    if of_attribute is None and of_prototypes is None:
        raise DataError(
            f"{where}: {key} must number the rows of attribute (1 to {classes}) that are in "
            f"{table}, or the rows of that (1 to {len(prototypes)}), got {index.min()} to {index.max()}, "
            f"{len(np.unique(index))} different: do data.mat and label.mat belong together?"
        )
    if (
        of_attribute is not None
        and of_prototypes is not None
        and (of_attribute != of_prototypes).any()
    ):
        raise DataError(
            f"{where}: {key} can be read as rows of attribute and as rows of {table}, and the "
            "two give different classes: sort the prototypes in the order of attribute"
        )
    return of_prototypes if of_attribute is None else of_attribute


# --- what both layouts need -----------------------------------------------------------------------------------------


def _table(content, key: str, path: Path) -> np.ndarray:
    values = content[key]
    if isinstance(values, list) or values.ndim != 2 or 0 in values.shape:
        got = "text" if isinstance(values, list) else f"shape {values.shape}"
        raise DataError(f"{path}: {key} must be a matrix of numbers, got {got}: save it again")
    return values


def _whole(content, key: str, path: Path) -> np.ndarray:
    """A column or row of whole numbers as (n,) int64: unsigned ones would wrap round when 1 is taken off."""
    values = _table(content, key, path)
    if 1 not in values.shape:
        raise DataError(
            f"{path}: {key} must be one column (n, 1) or one row (1, n), got shape {values.shape}"
        )
    flat = values.ravel().astype(np.float64)
    strange = ~np.isfinite(flat) | (flat != np.round(flat)) | (np.abs(flat) > 2**53)
    if strange.any():
        raise DataError(
            f"{path}: {key} must hold whole numbers, got {flat[strange][0]} in place {np.argmax(strange) + 1}"
        )
    return flat.astype(np.int64)


def _from_one(index: np.ndarray, most: int, key: str, path: Path, what: str) -> np.ndarray:
    """MATLAB counts from 1 to ``most``; the same from 0."""
    if index.min() < 1 or index.max() > most:
        hint = (
            "they are 0-based, so add 1"
            if index.min() == 0 and index.max() < most
            else "do the two files belong together?"
        )
        raise DataError(
            f"{path}: {key} must be from 1 to {most} ({what}), got {index.min()} to {index.max()}: {hint}"
        )
    return index - 1


def _from_one_or_none(index: np.ndarray, most: int) -> np.ndarray | None:
    return index - 1 if index.min() >= 1 and index.max() <= most else None
