"""Data sets for generalized zero-shot learning, and how they are read safely.

What a data set is:

- ``base``: ``GZSLDataset``
- ``rules``: the rules that every data set obeys
- ``splits``: rows and classes that are held out at random
- ``redraws``: other seen and unseen classes of the same data
- ``names``: names of classes and attributes, each different
- ``preprocessing``: min-max, standardise and PCA, fitted on training rows
- ``statistics``: means and covariances of classes

Where it comes from:

- ``loading``: ``load``, by a name or a path
- ``glyphs``: letters and digits of real typefaces, embedded in the package
- ``hangul``: Korean syllables of real typefaces, embedded as well
- ``syllables``: the letters that a Korean syllable is made of
- ``typefaces``: what both embedded data sets need
- ``gaussian_world``: Gaussian classes whose truth is known
- ``crescents``: bent classes whose truth is known
- ``spread``: random points that keep apart, as attributes of these two worlds
- ``arrays``: plain arrays and DataFrames
- ``inputs``: what users hand in becomes checked arrays
- ``files``: .npz files, folders of .npy files, HDF5 files
- ``benchmarks``: folders of .mat files of published benchmarks, in one of two layouts
- ``xlsa17``: the layout of Xian et al.
- ``epgn``: the layout of Yu et al.
- ``mat_arrays``: what both layouts need

How it is read:

- ``formats``: the file formats, .npy, .npz, HDF5 and .mat
- ``on_disk``: features that stay in their file
- ``blocks``: how many rows are worked on at a time
"""

from __future__ import annotations

from .arrays import from_arrays, from_dataframe
from .base import GZSLDataset
from .benchmarks import BENCHMARKS, Benchmark, check_folder, load_folder
from .crescents import CrescentWorld, crescent_world
from .files import from_folder, from_hdf5, from_npz, save_folder, save_npz
from .formats.mat import mat_names, read_mat
from .gaussian_world import GaussianWorld, gaussian_world
from .glyphs import glyphs
from .hangul import hangul
from .loading import available, load
from .on_disk import FeaturesOnDisk, in_chunks, open_features, rows_of
from .preprocessing import KINDS, Preprocessing
from .statistics import class_means, within_covariance

__all__ = [
    "BENCHMARKS",
    "KINDS",
    "Benchmark",
    "CrescentWorld",
    "FeaturesOnDisk",
    "GZSLDataset",
    "GaussianWorld",
    "Preprocessing",
    "available",
    "check_folder",
    "class_means",
    "crescent_world",
    "from_arrays",
    "from_dataframe",
    "from_folder",
    "from_hdf5",
    "from_npz",
    "gaussian_world",
    "glyphs",
    "hangul",
    "in_chunks",
    "load",
    "load_folder",
    "mat_names",
    "open_features",
    "read_mat",
    "rows_of",
    "save_folder",
    "save_npz",
    "within_covariance",
]
