"""Fixtures that many test files share: real data, seeded random numbers, a tiny data set."""

import os
from pathlib import Path

import numpy as np
import pytest

from gsmflow_lite.datasets import GZSLDataset


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real benchmark files, or a skip that says where it was looked for."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "gzsl"
    folder = Path(os.environ.get("GSMFLOW_DATA") or beside)
    if not folder.is_dir():
        remedy = "set GSMFLOW_DATA to the folder that holds them"
        pytest.skip(f"real benchmark files are not at {folder}: {remedy}")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def make_dataset():
    return tiny_dataset


def tiny_dataset(
    *, seen: int = 4, unseen: int = 2, rows: int = 10, width: int = 3, **changes
) -> GZSLDataset:
    """A data set of random numbers.

    Classes 0 to seen - 1 are seen. The last fifth of the rows of each seen class is test_seen.
    ``changes`` replace any field.
    """
    rng = np.random.default_rng(7)
    classes = seen + unseen
    labels = np.repeat(np.arange(classes), rows)
    place = np.tile(np.arange(rows), classes)
    of_seen = labels < seen
    tested = place >= rows - rows // 5
    fields = {
        "features": rng.standard_normal((len(labels), width)).astype(np.float32) + labels[:, None],
        "labels": labels,
        "attributes": rng.random((classes, 5)) + 0.1,
        "train": np.flatnonzero(of_seen & ~tested),
        "test_seen": np.flatnonzero(of_seen & tested),
        "test_unseen": np.flatnonzero(~of_seen),
        "name": "tiny",
        "source": "tiny.npz",
    }
    return GZSLDataset(**fields | changes)
