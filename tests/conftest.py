"""What several test files share: real data where they are, a seeded generator, a data set small enough to read."""

import os
from pathlib import Path

import numpy as np
import pytest

from gsmflow_lite.datasets import GZSLDataset


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real benchmark files, or a skip that says where it was looked for."""
    folder = Path(
        os.environ.get("GSMFLOW_DATA") or Path(__file__).resolve().parents[2] / "shared" / "gzsl"
    )
    if not folder.is_dir():
        pytest.skip(
            f"real benchmark files are not at {folder}: set GSMFLOW_DATA to the folder that holds them"
        )
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
    """Classes 0 .. seen - 1 are seen; of each class's rows the last fifth is test_seen. ``changes`` replace any field."""
    rng = np.random.default_rng(7)
    classes = seen + unseen
    labels = np.repeat(np.arange(classes), rows)
    place = np.tile(np.arange(rows), classes)
    of_seen, tested = labels < seen, place >= rows - rows // 5
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
