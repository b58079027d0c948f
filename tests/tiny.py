"""A data set that is small enough to read."""

import numpy as np

from gsmflow_lite.datasets import GZSLDataset


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
