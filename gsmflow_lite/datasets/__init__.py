"""GZSLDataset and its sources: glyphs (real, embedded), two worlds whose truth is known, benchmarks, the user's arrays."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from ..errors import DataError
from .arrays import (
    features_file,
    from_arrays,
    from_dataframe,
    from_folder,
    from_hdf5,
    from_npz,
    save_folder,
    save_npz,
)
from .base import GZSLDataset
from .benchmarks import BENCHMARKS, Benchmark, check_folder, load_folder
from .crescents import CrescentWorld, crescent_world
from .gaussian_world import GaussianWorld, gaussian_world
from .glyphs import glyphs
from .matfiles import mat_names, read_mat
from .on_disk import FeaturesOnDisk, in_chunks, open_features, rows_of
from .preprocessing import KINDS, Preprocessing

__all__ = [
    "BENCHMARKS",
    "KINDS",
    "Benchmark",
    "CrescentWorld",
    "GZSLDataset",
    "GaussianWorld",
    "FeaturesOnDisk",
    "Preprocessing",
    "available",
    "check_folder",
    "crescent_world",
    "from_arrays",
    "from_dataframe",
    "from_folder",
    "from_hdf5",
    "from_npz",
    "gaussian_world",
    "glyphs",
    "in_chunks",
    "load",
    "load_folder",
    "mat_names",
    "open_features",
    "read_mat",
    "rows_of",
    "save_folder",
    "save_npz",
]

_EMBEDDED = {
    "glyphs": ("letters and digits of real typefaces, features decode to pictures", glyphs),
    "gaussian_world": (
        "64 features, 40 Gaussian classes whose truth is known",
        lambda: gaussian_world(64).dataset,
    ),
    "gaussian_world_2d": (
        "2 features, 8 Gaussian classes, for drawing",
        lambda: gaussian_world(2).dataset,
    ),
    "crescents": (
        "2 features, 16 bent classes that no Gaussian fits",
        lambda: crescent_world().dataset,
    ),
}


def available() -> dict[str, str]:
    """Names that :func:`load` knows without any file, each with a line that describes it."""
    return {name: text for name, (text, _) in _EMBEDDED.items()}


def load(name_or_path: str | Path, *, features: str = "res101") -> GZSLDataset:
    """A data set by name (see :func:`available`), from a benchmark folder, a folder of .npy files, an .npz or an HDF5 file.

    ``features`` names the feature file of an xlsa17 folder, or of a folder of .npy files where that is not
    ``features.npy``. Features of .npy and HDF5 files stay on disk. Raises ``DataError``.
    """
    path = Path(name_or_path)
    if str(name_or_path) in _EMBEDDED:
        return _EMBEDDED[str(name_or_path)][1]()
    if path.is_dir():
        own = features_file(path, features)
        return from_folder(path, own) if own else load_folder(path, features)
    if path.suffix == ".npz":
        return from_npz(path)
    if path.suffix in (".h5", ".hdf5"):
        return from_hdf5(path)
    if path.is_file():
        raise DataError(
            f"{path}: a data set must be a folder of .mat or .npy files, an .npz or an HDF5 file: "
            "give the folder that holds the file"
        )
    close = get_close_matches(str(name_or_path), _EMBEDDED, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise DataError(
        f"a data set must be one of {', '.join(_EMBEDDED)}, a folder, an .npz or an HDF5 file, got {str(name_or_path)!r}, "
        f"which is none of them{hint}"
    )
