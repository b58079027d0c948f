"""Time a random batch of 256 rows on disk, beside NumPy's memory map and h5py's own indexing.

    python benchmarks/rows.py --json rows.json

A made-up file of 100,000 x 2048 features, 0.8 GB: as .npy, and as HDF5 in chunks of 16 rows,
compressed (LZF). *Cold*: Linux is asked to forget the file before each batch, so that the disk is
read; what that means depends on the disk. *Warm*: the file is in the page cache. Both readers of a
file give the same numbers.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
from pairs import Row, Work, main, row

from gsmflow_lite.datasets import open_features

BATCH = 256


def works(options: argparse.Namespace) -> Iterator[Work]:
    yield from ()  # forgetting a file is not part of what is timed


def batches(options: argparse.Namespace, done: list[Row]) -> list[Row]:
    shape = (300, 64) if options.small else (100_000, 2048)
    rng = np.random.default_rng(0)
    found = []
    with tempfile.TemporaryDirectory(prefix="rows") as folder:
        npy, hdf5 = write(Path(folder), rng.random(shape, dtype=np.float32))
        with h5py.File(hdf5) as file:
            readers = {
                ("npy", "np.memmap", npy): (open_features(npy), np.load(npy, mmap_mode="r")),
                ("HDF5, chunks of 16 rows", "h5py", hdf5): (open_features(hdf5), file["features"]),
            }
            for (what, peer, path), (ours, theirs) in readers.items():
                for state in ("cold", "warm"):
                    times = [
                        pair(ours, theirs, path, state == "cold", rng)
                        for _ in range(options.runs + 1)
                    ][1:]
                    found.append(
                        row(
                            f"{BATCH} rows at random, {what}, {state}",
                            peer,
                            *zip(*times, strict=True),
                            "s",
                        )
                    )
            del readers, ours, theirs
    return found


def write(folder: Path, features: np.ndarray) -> tuple[Path, Path]:
    np.save(folder / "features.npy", features)
    with h5py.File(folder / "features.h5", "w") as file:
        file.create_dataset(
            "features", data=features, chunks=(16, features.shape[1]), compression="lzf"
        )
    return folder / "features.npy", folder / "features.h5"


def pair(ours, theirs, path: Path, cold: bool, rng: np.random.Generator) -> tuple[float, float]:
    """Seconds of ours and of the peer.

    Each reads other rows, because rows that were read before would be in some cache.
    """
    times = []
    for read in (ours, theirs):
        chosen = rng.choice(len(ours), min(BATCH, len(ours)), replace=False)
        rows = np.sort(chosen)  # h5py takes them in ascending order only
        if cold:
            forget(path)
        times.append(timed(lambda read=read, rows=rows: read[rows]))
        np.testing.assert_array_equal(ours[rows], theirs[rows])
    return times[0], times[1]


def forget(path: Path) -> None:
    if hasattr(os, "posix_fadvise"):  # elsewhere all is warm
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    main(__doc__, works, batches)
