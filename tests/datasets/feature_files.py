"""Write features into .npy and HDF5 files, for the tests of several readers."""

import h5py
import numpy as np
from numpy.testing import assert_allclose

from gsmflow_lite.datasets import FeaturesOnDisk

ROWS = 132
WIDTH = 5


def write_npy(folder, features):
    """Write ``some.npy``."""
    np.save(folder / "some.npy", features)
    return folder / "some.npy"


def write_hdf5(folder, features, **options):
    """Write ``some.h5``; ``options`` go to ``create_dataset``."""
    with h5py.File(folder / "some.h5", "w", userblock_size=512) as file:
        file.create_dataset("features", data=features, **options)
    return folder / "some.h5"


FILES = {
    "npy float32": lambda path, x: write_npy(path, x),
    "npy float16": lambda path, x: write_npy(path, x.astype(np.float16)),
    "npy float64": lambda path, x: write_npy(path, x.astype(np.float64)),
    "npy big-endian": lambda path, x: write_npy(path, x.astype(">f4")),
    "npy column by column": lambda path, x: write_npy(path, np.asfortranarray(x)),
    "hdf5 contiguous": lambda path, x: write_hdf5(path, x),
    "hdf5 contiguous float64": lambda path, x: write_hdf5(path, x.astype(np.float64)),
    "hdf5 chunks of rows": lambda path, x: write_hdf5(
        path, x, chunks=(4, WIDTH), compression="gzip"
    ),
    "hdf5 chunks of columns": lambda path, x: write_hdf5(
        path, x, chunks=(ROWS, 1), compression="lzf", shuffle=True
    ),
    "hdf5 chunks of both": lambda path, x: write_hdf5(path, x.astype(np.float16), chunks=(50, 2)),
}


def assert_close(lazy, expected, rtol=1e-5):
    """Features are on disk, and hold what is expected."""
    assert isinstance(lazy, FeaturesOnDisk)
    assert_allclose(lazy[:], expected, rtol=rtol, atol=1e-5)
