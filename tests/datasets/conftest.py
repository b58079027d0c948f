"""What several tests of data sets share."""

from dataclasses import replace

import numpy as np
import pytest
from benchmark_folders import small_world
from feature_files import FILES, ROWS, WIDTH

from gsmflow_lite.datasets import blocks, open_features


@pytest.fixture
def world(rng):
    """What benchmark folders are made of, see :func:`benchmark_folders.small_world`."""
    return small_world(rng)


@pytest.fixture
def plain(rng):
    """Features that half precision holds exactly, so that every kind of file holds the same."""
    return (rng.integers(-99, 99, (ROWS, WIDTH)) / 8).astype(np.float32)


@pytest.fixture
def full(make_dataset):
    """A data set with everything that a file can carry."""
    return make_dataset(
        class_names=["ä", "b", "c", "d", "e", "f"],
        groups=np.tile(np.arange(10), 6),
        images=np.arange(240, dtype=np.uint8).reshape(60, 2, 2),
        declared_validation=[2],
        name="my flowers",
    )


@pytest.fixture
def parts(rng):
    """Features, labels and attributes of 4 classes with 20 rows each, shuffled."""
    labels = rng.permutation(np.repeat(np.arange(4), 20))
    features = rng.random((80, 3), dtype=np.float32)
    return features, labels, rng.random((4, 5)) + 0.1


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of seven rows, so that a toy takes many of them."""
    monkeypatch.setattr(blocks, "BLOCK", 7 * 4 * WIDTH)


# The short run takes every test through one file of each reader; the long one through all kinds.
REPRESENTATIVE = ("npy float32", "hdf5 contiguous", "hdf5 chunks of both")
KINDS = [
    pytest.param(kind, marks=() if kind in REPRESENTATIVE else pytest.mark.long) for kind in FILES
]


@pytest.fixture(params=KINDS)
def on_disk(request, plain, tmp_path):
    """The plain features in a file of each kind."""
    return open_features(FILES[request.param](tmp_path, plain))


@pytest.fixture
def inner(make_dataset, plain):
    """A data set in memory: 9 seen and 3 unseen classes whose rows lie scattered over the file."""
    d = make_dataset(seen=9, unseen=3, rows=11, width=WIDTH)
    scattered = np.random.default_rng(3).permutation(ROWS)
    moved = {name: scattered[getattr(d, name)] for name in ("train", "test_seen", "test_unseen")}
    labels = np.empty(ROWS, np.int64)
    labels[scattered] = d.labels
    return replace(d, features=plain, labels=labels, **moved)


@pytest.fixture
def outer(inner, on_disk):
    """The same data set, whose features are on disk."""
    return replace(inner, features=on_disk)
