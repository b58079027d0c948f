"""A data set by its name, or from wherever it lies: a folder, an .npz file, an HDF5 file."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from ..errors import DataError
from .base import GZSLDataset
from .benchmarks import load_folder
from .crescents import crescent_world
from .files import DEFAULT_FEATURES, features_file, from_folder, from_hdf5, from_npz
from .gaussian_world import gaussian_world
from .glyphs import glyphs
from .hangul import hangul


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


def available() -> dict[str, str]:
    """Return the names that :func:`load` knows without any file, each with a line about it."""
    return {name: embedded.description for name, embedded in _EMBEDDED.items()}


def load(name_or_path: str | Path, *, features: str = DEFAULT_FEATURES) -> GZSLDataset:
    """Load a data set by name (see :func:`available`), or from a folder, an .npz or an HDF5 file.

    A folder holds a benchmark in .mat files, or .npy files. ``features`` names the feature file of
    an xlsa17 folder, or of a folder of .npy files where that is not ``features.npy``. Features of
    .npy and HDF5 files stay on disk. Raises ``DataError``.
    """
    if str(name_or_path) in _EMBEDDED:
        return _EMBEDDED[str(name_or_path)].make()
    path = Path(name_or_path)
    if path.is_dir():
        return _load_directory(path, features)
    if path.suffix == ".npz":
        return from_npz(path)
    if path.suffix in (".h5", ".hdf5"):
        return from_hdf5(path)
    if path.is_file():
        raise DataError(
            f"{path}: a data set must be a folder of .mat or .npy files, an .npz or an HDF5 file: "
            "give the folder that holds the file"
        )
    raise DataError(
        f"a data set must be one of {', '.join(_EMBEDDED)}, a folder, an .npz or an HDF5 file, "
        f"got {str(name_or_path)!r}, which is none of them{_hint(str(name_or_path))}"
    )


def _load_directory(folder: Path, features: str) -> GZSLDataset:
    npy_features = features_file(folder, features)
    if npy_features is not None:
        return from_folder(folder, npy_features)
    return load_folder(folder, features)


def _hint(name: str) -> str:
    close = get_close_matches(name, _EMBEDDED, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""
