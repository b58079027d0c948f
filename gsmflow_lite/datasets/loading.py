"""A data set by its name, or from wherever it lies: a folder, an .npz file, an HDF5 file."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple, NoReturn

from ..errors import DataError
from ..storage import nearby, suffix_of, to_read
from .base import GZSLDataset
from .benchmarks import mat_files
from .crescents import crescent_world
from .files import features_file, from_folder, from_hdf5, from_npz, refuse_options
from .gaussian_world import gaussian_world
from .glyphs import glyphs
from .hangul import hangul
from .names import did_you_mean


class _Embedded(NamedTuple):
    description: str
    make: Callable[[], GZSLDataset]


_EMBEDDED = {
    "glyphs": _Embedded(
        "letters and digits of real typefaces, features decode to pictures", glyphs
    ),
    "hangul": _Embedded(
        "Korean syllables of real typefaces, each made of three letters, features decode to "
        "pictures",
        hangul,
    ),
    "gaussian_world": _Embedded(
        "64 features, 40 Gaussian classes whose truth is known",
        lambda: gaussian_world(64).dataset,
    ),
    "gaussian_world_2d": _Embedded(
        "2 features, 8 Gaussian classes, for drawing", lambda: gaussian_world(2).dataset
    ),
    "crescents": _Embedded(
        "2 features, 16 bent classes that no Gaussian fits", lambda: crescent_world().dataset
    ),
}


class Found(NamedTuple):
    """Where a data set lies: what that is, in words, its files, and what reads it."""

    what: str
    files: tuple[Path, ...]
    read: Callable[[], GZSLDataset]


def available() -> dict[str, str]:
    """Return the names that :func:`load` knows without any file, each with a line about it."""
    return {name: embedded.description for name, embedded in _EMBEDDED.items()}


def load(
    name_or_path: str | os.PathLike[str],
    *,
    features: str | None = None,
    splits: str | None = None,
) -> GZSLDataset:
    """Load a data set by name (see :func:`available`), or from a folder, an .npz or an HDF5 file.

    A folder holds a benchmark in .mat files, or .npy files. ``features`` names the feature file of
    an xlsa17 folder where that is not ``res101.mat``, or of a folder of .npy files where that is
    not ``features.npy``. ``splits`` names the file of attributes and splits of an xlsa17 folder
    where that is not ``att_splits.mat``. Features of .npy and HDF5 files stay on disk. What was
    left out stands in the ``notes`` of the data set. Raises ``DataError``.
    """
    return find(name_or_path, features, splits).read()


def find(
    name_or_path: str | os.PathLike[str],
    features: str | None = None,
    splits: str | None = None,
) -> Found:
    """Return where :func:`load` would read, without reading. Raises ``DataError``."""
    _check_text(name_or_path, features, splits)
    name = str(name_or_path)
    if name in _EMBEDDED:
        refuse_options(f"the embedded {name}", features=features, splits=splits)
        return Found("an embedded data set", (), _EMBEDDED[name].make)
    path = to_read(Path(name_or_path), ".npz", ".h5", ".hdf5")
    if name and path.is_dir():
        return _in_directory(path, features, splits)
    if suffix_of(path) == ".npz":
        refuse_options("an .npz file", features=features, splits=splits)
        return Found("a good .npz file", (path,), partial(from_npz, path))
    if suffix_of(path) in (".h5", ".hdf5"):
        refuse_options("an HDF5 file", features=features, splits=splits)
        return Found("a good HDF5 file", (path,), partial(from_hdf5, path))
    _refuse(path, name)


def _check_text(name_or_path: object, features: object, splits: object) -> None:
    if not isinstance(name_or_path, str | os.PathLike):
        remedy = "give its name or path"
        if isinstance(name_or_path, GZSLDataset):
            remedy = "it is loaded already, so use it as it is"
        raise DataError(
            f"a data set to load must be a name or a path, got {type(name_or_path).__name__}: "
            f"{remedy}"
        )
    for option, value in (("features", features), ("splits", splits)):
        if value is not None and not (isinstance(value, str) and value):
            raise DataError(
                f"{option} must name a file of the folder, got {value!r}: give a name, or leave it "
                "out"
            )


def _in_directory(folder: Path, features: str | None, splits: str | None) -> Found:
    npy = features_file(folder, features)
    if npy is not None:
        refuse_options("a folder of .npy files", splits=splits)
        return Found("a good folder of .npy files", (npy,), partial(from_folder, folder, npy.name))
    files = mat_files(folder, features, splits)
    return Found(
        f"a good {files.layout} folder",
        (files.features, files.table),
        partial(files.read, folder.resolve().name),
    )


def _refuse(path: Path, name: str) -> NoReturn:
    if path.is_file():
        remedy = "give one of these"
        if suffix_of(path) in (".mat", ".npy"):
            remedy = "give the folder that holds the file"
        raise DataError(
            f"{path}: a data set must be a folder of .mat or .npy files, or a file that ends in "
            f".npz, .h5 or .hdf5: {remedy}"
        )
    raise DataError(
        f"a data set must be one of {', '.join(_EMBEDDED)}, a folder, an .npz or an HDF5 file, "
        f"got {name!r}, which is none of them{did_you_mean(name, _EMBEDDED) or nearby(path)}"
    )
