"""Data sets in files: an .npz file, a folder of .npy files, or an HDF5 file.

The arrays are named as the arguments of :func:`~gsmflow_lite.datasets.from_arrays`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from ..errors import DataError, StorageError
from ..storage import written_whole
from .arrays import from_arrays
from .base import SPLITS, GZSLDataset
from .formats.hdf5 import hdf5_values, open_hdf5
from .formats.limits import one_clear_error
from .formats.npy import read_npy
from .formats.npz import read_npz
from .inputs import as_text
from .on_disk import FeaturesOnDisk, open_features

REQUIRED = ("features", "labels", "attributes", "unseen")
OPTIONAL = (
    *SPLITS,
    "class_names",
    "attribute_names",
    "attribute_groups",
    "groups",
    "images",
    "declared_validation",
    "name",
)
DEFAULT_FEATURES = "res101"  # the features of the benchmarks, where no others are named


# --- reading -------------------------------------------------------------------------------------


def from_npz(
    path: str | Path,
    *,
    name: str | None = None,
    seed: int = 0,
) -> GZSLDataset:
    """Read a data set from an .npz file with features, labels, attributes and unseen.

    It may hold more: the names in ``OPTIONAL``. All mean what the arguments of :func:`from_arrays`
    mean, but ``attribute_groups`` holds the name of the group of each attribute, or an empty text.
    Nothing is unpickled, and sizes are compared with the file before memory is taken.
    Raises ``DataError``.
    """
    path = Path(path)
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
    keys = [key for key in (*REQUIRED[1:], *OPTIONAL) if (path / f"{key}.npy").is_file()]
    _check_keys(path, [*keys, "features"], [f"{key}.npy" for key in keys], "np.save")
    content: dict[str, Any] = {
        key: read_npy(path / f"{key}.npy", on_disk=key == "images") for key in keys
    }
    content["features"] = open_features(path / f"{features}.npy")
    return _from_content(content, path, name, path.resolve().name, seed)


def features_file(folder: Path, features: str) -> str | None:
    """Return the name, without ending, of the .npy file of a folder that holds the features.

    It is the file that is named, or ``features.npy`` where none was named; None if neither exists.
    Raises ``DataError`` for a name that such a folder does not have.
    """
    named = features.removesuffix(".npy")
    if (folder / f"{named}.npy").is_file():
        return named
    if not (folder / "features.npy").is_file():
        return None
    if features == DEFAULT_FEATURES:
        return "features"
    if (folder / f"{features.removesuffix('.mat')}.mat").is_file():
        return None
    names = ", ".join(sorted(file.name for file in folder.glob("*.npy")))
    raise DataError(
        f"{folder}: features must name a file of the folder ({names}), got {features!r}: "
        "correct the name, or leave it out"
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
    path = Path(path)
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
    stored_name = content.pop("name", None)
    if not name:
        name = fallback if stored_name is None else str(stored_name)
    for key in ("class_names", "attribute_names", "attribute_groups"):
        if key in content and content[key].ndim != 1:
            raise DataError(
                f"{path}: {key} must be a list of names, got shape {content[key].shape}"
            )
    if "attribute_groups" in content:
        content["attribute_groups"] = _numbers_by_group(content["attribute_groups"])
    return from_arrays(**content, name=name, source=str(path), seed=seed)


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

    The old file stays until the new one is whole. Features are written as they were before
    preprocessing, which belongs to a model; ``decode`` cannot be written. Raises ``StorageError``.
    """
    path = Path(path)
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
    for key in ("class_names", "attribute_names", "name"):
        content[key] = np.asarray(getattr(dataset, key), dtype=str)
    if dataset.attribute_groups is not None:
        content["attribute_groups"] = _group_of_each(dataset)
    return content


def _group_of_each(dataset: GZSLDataset) -> Shaped[np.ndarray, " A"]:
    """Return the name of the group of each attribute, empty for those in none."""
    names = [""] * dataset.attributes.shape[1]
    for name, numbers in (dataset.attribute_groups or {}).items():
        for number in numbers:
            names[number] = name
    return np.asarray(names, dtype=str)
