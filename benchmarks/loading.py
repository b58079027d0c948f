"""Time loading .mat files of AWA2's size, beside scipy.io.loadmat or h5py and the usual indexing.

    python benchmarks/loading.py --json loading.json

Made-up features, 37,322 x 2048, are written in the layout of xlsa17 into a temporary folder, in
double and in single precision and in every format: MATLAB 5, the same compressed, MATLAB 7.3 (HDF5,
compressed). *Ours* is ``load_folder``: one array in single precision and the row numbers of its
splits, every rule checked. The peer is what published code does: read all of it, transpose, index
three splits, turn them into float tensors; nothing is checked. Both hold the same numbers. Memory
is what a process of its own grows by. Files are read from the page cache, once they were written: a
disk takes its own time.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy.io
import torch
from pairs import Work, main
from scale import AWA2, TOY, dataset

from gsmflow_lite import GZSLDataset
from gsmflow_lite.datasets import load_folder

PLACE = "GSMFLOW_BENCHMARK_FILES"  # the processes that measure memory find the files by it
FORMATS = ("MATLAB 5", "MATLAB 5 compressed", "MATLAB 7.3")
KINDS = {"double": np.float64, "single": np.float32}
SPLITS = {"train": "trainval_loc", "test_seen": "test_seen_loc", "test_unseen": "test_unseen_loc"}
HEADER = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"


def works(options: argparse.Namespace) -> Iterator[Work]:
    if options.alone:
        yield from (work(kind, form, Path(os.environ[PLACE])) for kind in KINDS for form in FORMATS)
        return
    data = dataset(TOY if options.small else AWA2)
    for kind, dtype in list(KINDS.items())[: 1 if options.small else None]:
        for form in FORMATS:
            folder = Path(tempfile.mkdtemp(prefix="loading"))
            try:
                write(folder, data, dtype, form)
                os.environ[PLACE] = str(folder)
                yield work(kind, form, folder)
            finally:
                shutil.rmtree(folder)


def work(kind: str, form: str, folder: Path) -> Work:
    peer, read = (
        ("h5py and indexing", read_hdf5)
        if form == "MATLAB 7.3"
        else ("loadmat and indexing", scipy.io.loadmat)
    )
    return Work(
        f"loading AWA2, {kind} precision, {form}",
        lambda: load_folder(folder),
        {peer: lambda: plainly(folder, read)},
        memory=True,
        same=same,
    )


def plainly(folder: Path, read) -> dict[str, torch.Tensor]:
    content = read(folder / "res101.mat")
    table = read(folder / "att_splits.mat")
    features = content["features"].T
    labels = content["labels"].astype(int).squeeze() - 1
    found = {"attributes": torch.from_numpy(table["att"].T).float()}
    for split, key in SPLITS.items():
        rows = table[key].astype(int).squeeze() - 1
        found[split] = torch.from_numpy(features[rows]).float()
        found[f"{split} labels"] = torch.from_numpy(labels[rows]).long()
    return found


def read_hdf5(path: Path) -> dict[str, np.ndarray]:
    import h5py

    with h5py.File(path) as file:
        return {name: file[name][()].T for name in file}


def same(ours: GZSLDataset, peer: dict[str, torch.Tensor]) -> None:
    np.testing.assert_array_equal(ours.attributes, peer["attributes"])
    for split in SPLITS:
        rows = getattr(ours, split)
        np.testing.assert_array_equal(ours.features[rows], peer[split])
        np.testing.assert_array_equal(ours.labels[rows], peer[f"{split} labels"])


def write(folder: Path, data: GZSLDataset, dtype: type, form: str) -> None:
    one = {"features": data.features.T.astype(dtype), "labels": data.labels[:, None] + 1.0}
    two = {"att": data.attributes.T.astype(np.float64)}
    two |= {key: getattr(data, split)[:, None] + 1.0 for split, key in SPLITS.items()}
    for name, content in (("res101", one), ("att_splits", two)):
        if form == "MATLAB 7.3":
            write_hdf5(folder / f"{name}.mat", content)
        else:
            scipy.io.savemat(
                folder / f"{name}.mat", content, do_compression=form.endswith("compressed")
            )


def write_hdf5(path: Path, content: dict[str, np.ndarray]) -> None:
    """As MATLAB does it: dimensions reversed, gzip of level 3, a header of 512 bytes."""
    import h5py

    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in content.items():
            file.create_dataset(name, data=value.T, compression="gzip", compression_opts=3)
    with open(path, "r+b") as file:
        file.write(HEADER)


if __name__ == "__main__":
    main(__doc__, works)
