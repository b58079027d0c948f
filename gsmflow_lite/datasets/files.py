"""Data sets in files: an .npz file, a folder of .npy files, or an HDF5 file.

The arrays are named as the arguments of :func:`~gsmflow_lite.datasets.from_arrays`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from ..errors import DataError, StorageError
from ..storage import in_folder, suffix_of, to_read, to_write, written_whole
from .arrays import from_arrays
from .base import SPLITS, GZSLDataset
from .formats.hdf5 import hdf5_values, open_hdf5
from .formats.limits import one_clear_error
from .formats.npy import read_npy
from .formats.npz import read_npz
from .names import as_text, did_you_mean
from .on_disk import FeaturesOnDisk, open_features
from .wording import texts_as_array

REQUIRED = ("features", "labels", "attributes", "unseen")
OPTIONAL = (
    *SPLITS,
    "class_names",
    "attribute_names",
    "attribute_groups",
    "groups",
    "images",
    "declared_validation",
    "texts",
    "text_encoder",
    "backbone",
    "name",
)
MAY_BE_EMPTY = tuple(key for key in OPTIONAL if key not in SPLITS)  # an empty split is a mistake


# --- reading -------------------------------------------------------------------------------------


def from_npz(
    path: str | Path,
    *,
    name: str | None = None,
    seed: int = 0,
) -> GZSLDataset:
    """Read a data set from an .npz file with features, labels, attributes and unseen.

    It may hold more: the names in ``OPTIONAL``. All mean what the arguments of :func:`from_arrays`
    mean, but ``attribute_groups`` holds the name of the group of each attribute, or an empty text,
    and ``texts`` (K, T) an empty text where a class has fewer than another.
    What is optional may be empty. Nothing is unpickled, and sizes are compared with the file before
    memory is taken. Raises ``DataError``.
    """
    path = to_read(path, ".npz")
    content = read_npz(path, REQUIRED, OPTIONAL)
    return _from_content(content, path, name, path.stem, seed)


def from_folder(
    path: str | Path,
    features: str = "features",
    *,
    name: str | None = None,
    seed: int = 0,
) -> GZSLDataset:
    """Read a data set from a folder of .npy files; features stay on disk.

    It must hold ``<features>.npy``, ``labels.npy``, ``attributes.npy`` and ``unseen.npy``. It may
    hold more: the names in ``OPTIONAL``, such as ``class_names.npy``, an array of text. Nothing is
    unpickled. Raises ``DataError``.
    """
    path = Path(path)
    files = {key: in_folder(path, f"{key}.npy") for key in (*REQUIRED[1:], *OPTIONAL)}
    there = {key: file for key, file in files.items() if file is not None}
    _check_keys(path, [*there, "features"], [file.name for file in there.values()], "np.save")
    content: dict[str, Any] = {
        key: read_npy(file, on_disk=key == "images") for key, file in there.items()
    }
    stem = without_suffix(features, ".npy")
    content["features"] = open_features(in_folder(path, f"{stem}.npy") or path / f"{stem}.npy")
    return _from_content(content, path, name, path.resolve().name, seed)


def without_suffix(name: str, suffix: str) -> str:
    """Return the name of a file without its suffix, in small letters or capitals.

    >>> without_suffix("vit.MAT", ".mat"), without_suffix("vit", ".mat")
    ('vit', 'vit')
    """
    return name[: -len(suffix)] if name.lower().endswith(suffix) else name


def features_file(folder: Path, features: str | None) -> Path | None:
    """Return the .npy file of a folder that holds the features, or None in a folder of .mat files.

    It is the file that is named, or ``features.npy`` where none was named. Raises ``DataError`` for
    a name that such a folder does not have.
    """
    own = in_folder(folder, "features.npy")
    listed = sorted(file.name for file in folder.glob("*") if suffix_of(file) == ".npy")
    has_mat = any(suffix_of(file) == ".mat" for file in folder.glob("*"))
    if features is None:
        if own is None and not has_mat and in_folder(folder, "labels.npy"):
            raise DataError(
                f"{folder}: features.npy is missing, got {', '.join(listed)}: name another file "
                "with features= (--features)"
            )
        return own
    named = in_folder(folder, f"{without_suffix(features, '.npy')}.npy")
    in_mat = in_folder(folder, f"{without_suffix(features, '.mat')}.mat")
    if named is not None or in_mat is not None or own is None:
        return named
    raise DataError(
        f"{folder}: features must name a file of the folder ({', '.join(listed)}), "
        f"got {features!r}: correct the name, or leave it out{did_you_mean(features, listed)}"
    )


def refuse_options(what: str, **options: str | None) -> None:
    """Raise ``DataError`` for an option that is given although data of this kind have none such."""
    for option, value in options.items():
        if value is not None:
            raise DataError(
                f"{option} names a file in a folder of benchmark files, and {what} must come "
                f"without it, got {value!r}: leave out {option} (--{option})"
            )


def from_hdf5(
    path: str | Path,
    *,
    name: str | None = None,
    seed: int = 0,
) -> GZSLDataset:
    """Read a data set from an HDF5 file; features stay on disk.

    See :func:`open_features` for how they are best stored. Links are not followed. Raises
    ``DataError``.
    """
    path = to_read(path, ".h5", ".hdf5")
    features = open_features(path)
    with one_clear_error(path, "an HDF5"), open_hdf5(path) as file:
        names = list(file)
        _check_keys(path, names, names, "h5py")
        keys = [key for key in (*REQUIRED[1:], *OPTIONAL) if key in names]
        content: dict[str, Any] = {key: hdf5_values(path, file, key) for key in keys}
    content["features"] = features
    return _from_content(content, path, name, path.stem, seed)


def _check_keys(
    path: Path,
    keys: list[str],
    listed: list[str],
    how: str,
) -> None:
    missing = [key for key in REQUIRED if key not in keys]
    if missing:
        raise DataError(
            f"{path}: a data set must hold {', '.join(map(repr, missing))}, "
            f"got {', '.join(listed) or 'nothing'}: add what is missing with {how}"
        )


def _from_content(
    content: dict[str, Any],
    path: Path,
    name: str | None,
    fallback: str,
    seed: int,
) -> GZSLDataset:
    """Make the data set, called ``name``, or as the file says, or ``fallback``."""
    empty = [key for key in MAY_BE_EMPTY if key in content and not np.size(content[key])]
    for key in empty:
        del content[key]
    name = name or _only_text(content.pop("name", "")) or fallback
    for key in ("class_names", "attribute_names", "attribute_groups"):
        if key in content and content[key].ndim != 1:
            raise DataError(
                f"{path}: {key} must be a list of names, got shape {content[key].shape}"
            )
    if "attribute_groups" in content:
        content["attribute_groups"] = _numbers_by_group(content["attribute_groups"])
    content["class_names"] = _by_number(content)
    for key in ("text_encoder", "backbone"):
        content[key] = _only_text(content.get(key, ""))
    dataset = from_arrays(**content, name=name, source=str(path), seed=seed)
    notes = [f"{key} is left out: it is empty" for key in empty]
    return replace(dataset, notes=(*dataset.notes, *notes)) if notes else dataset


def _only_text(stored: Any) -> str:
    """Return the text that an array of one holds; empty for any other array."""
    texts = np.ravel(stored)
    return as_text(texts[0]) if len(texts) == 1 else ""


def _by_number(content: dict[str, Any]) -> Any:
    """Return the class names of a file: there they stand in the order of the class numbers."""
    names = content.get("class_names", ())
    classes = len(np.atleast_1d(content["attributes"]))
    return dict(enumerate(names)) if 0 < len(names) == classes else names


def _numbers_by_group(group_of_each: Sequence) -> dict[str, list[int]]:
    """Return the attribute numbers of each group; a file has the group of each attribute."""
    groups: dict[str, list[int]] = {}
    for number, name in enumerate(map(as_text, group_of_each)):
        if name:
            groups.setdefault(name, []).append(number)
    return groups


# --- writing -------------------------------------------------------------------------------------


def save_npz(dataset: GZSLDataset, path: str | Path) -> Path:
    """Write a data set so that :func:`from_npz` and the command line read it.

    ``.npz`` is appended where the path does not end so; the path is returned. The old file stays
    until the new one is whole. Features are written as they were before preprocessing, which
    belongs to a model; ``decode`` cannot be written. Raises ``StorageError``.
    """
    path = to_write(path, ".npz")
    before = dataset.origin or dataset
    if isinstance(before.features, FeaturesOnDisk):
        raise StorageError(
            f"{path}: features on disk ({before.features.path}) are not packed into an .npz file, "
            "which is read whole: use save_folder(dataset, path)"
        )
    content: dict[str, Any] = {"features": before.features, **_small_content(before)}
    with written_whole(path) as file:
        np.savez_compressed(file, **content)
    return path


def save_folder(dataset: GZSLDataset, path: str | Path) -> Path:
    """Write a data set so that :func:`from_folder` and the command line read it.

    Features on disk are copied block by block. Like :func:`save_npz`, it writes features as they
    were before preprocessing. Raises ``StorageError``.
    """
    path = Path(path)
    before = dataset.origin or dataset
    content = _small_content(before)
    if not isinstance(before.features, FeaturesOnDisk):
        content["features"] = before.features

    # Each file is replaced when it is whole: what is written may be a map of the old file.
    for key, value in content.items():
        with written_whole(path / f"{key}.npy") as file:
            np.save(file, value, allow_pickle=False)
    for key in set(OPTIONAL) - set(content):  # of a data set that was in the folder before
        (path / f"{key}.npy").unlink(missing_ok=True)
    if isinstance(before.features, FeaturesOnDisk):
        before.features.save(path / "features.npy")
    return path


def _small_content(dataset: GZSLDataset) -> dict[str, np.ndarray]:
    """Return all arrays that a file holds beside the features."""
    content = {"unseen": dataset.unseen_classes}
    for key in ("labels", "attributes", *SPLITS, "groups", "images", "declared_validation"):
        value = getattr(dataset, key)
        if value is not None:
            content[key] = value
    if dataset.backbone:
        content["backbone"] = np.asarray(dataset.backbone, dtype=str)
    for key in ("class_names", "attribute_names", "name"):
        content[key] = np.asarray(getattr(dataset, key), dtype=str)
    if dataset.attribute_groups is not None:
        content["attribute_groups"] = _group_of_each(dataset)
    if dataset.texts is not None:
        content["texts"] = texts_as_array(dataset.texts)
        content["text_encoder"] = np.asarray(dataset.text_encoder, dtype=str)
    return content


def _group_of_each(dataset: GZSLDataset) -> Shaped[np.ndarray, " A"]:
    """Return the name of the group of each attribute, empty for those in none."""
    names = [""] * dataset.attributes.shape[1]
    for name, numbers in (dataset.attribute_groups or {}).items():
        for number in numbers:
            names[number] = name
    return np.asarray(names, dtype=str)
