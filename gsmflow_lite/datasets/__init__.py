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
- ``attribute_matrix``: the attributes of all classes, whatever holds them
- ``table_side``: the order and the names of its classes, and of its attributes
- ``row_order``: rows that pandas names by an index
- ``wording``: texts that describe classes
- ``leaks``: columns of features that give the class away
- ``given``: the data set that a function was given, or is to load
- ``files``: .npz files, folders of .npy files, HDF5 files
- ``benchmarks``: folders of .mat files of published benchmarks, in one of two layouts
- ``xlsa17``: the layout of Xian et al.; ``xlsa17_writing`` writes it
- ``epgn``: the layout of Yu et al.
- ``mat_arrays``: what both layouts need
- ``attribute_tables``: tables of attributes in .csv, .tsv, .txt, .json and .npy files
- ``unused``: classes that are described but have no rows
- ``check``: what a data set holds, and what looks strange about it
- ``explained``: how much the descriptions say of where classes lie
- ``left_out``: the errors of ridge regression for left-out classes, in closed form
- ``class_order``: whether features and descriptions have their classes in one order

How it is read:

- ``formats``: the file formats, .npy, .npz, HDF5, .mat, text and JSON
- ``on_disk``: features that stay in their file
- ``image_rows``: images that stay in theirs
- ``blocks``: how many rows are worked on at a time
"""

from __future__ import annotations

from .arrays import from_arrays, from_dataframe
from .attribute_tables import read_attribute_table
from .base import GZSLDataset
from .benchmarks import BENCHMARKS, Benchmark, load_folder
from .check import check_data
from .crescents import CrescentWorld, crescent_world
from .explained import Explained, explained_share
from .files import from_folder, from_hdf5, from_npz, save_folder, save_npz
from .formats.mat import mat_names, read_mat
from .gaussian_world import GaussianWorld, gaussian_world
from .glyphs import glyphs
from .hangul import hangul
from .loading import available, load
from .on_disk import FeaturesOnDisk, in_chunks, open_features, rows_of
from .preprocessing import KINDS, Preprocessing
from .statistics import class_means, within_covariance
from .xlsa17_writing import save_xlsa17

__all__ = [
    "BENCHMARKS",
    "KINDS",
    "Benchmark",
    "CrescentWorld",
    "Explained",
    "FeaturesOnDisk",
    "GZSLDataset",
    "GaussianWorld",
    "Preprocessing",
    "available",
    "check_data",
    "class_means",
    "crescent_world",
    "explained_share",
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
    "read_attribute_table",
    "read_mat",
    "rows_of",
    "save_folder",
    "save_npz",
    "save_xlsa17",
    "within_covariance",
]
