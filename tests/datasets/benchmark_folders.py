"""A small world, written as benchmark folders of the xlsa17 and the EPGN layout."""

import numpy as np
import scipy.io
from mat_files import cell, one_up
from numpy.testing import assert_array_equal

CLASSES = 7
ROWS = 10
WIDTH = 4
ATTRIBUTES = 3
SEEN = np.array([0, 2, 3, 5, 6])
UNSEEN = np.array([1, 4])
SPLITS = ("train", "test_seen", "test_unseen")


def small_world(rng) -> dict:
    """What the folders hold, counted from 0. Rows are shuffled, so that order cannot help."""
    labels = rng.permutation(np.repeat(np.arange(CLASSES), ROWS))
    rank = np.array([np.sum(labels[:i] == k) for i, k in enumerate(labels)])
    seen = np.isin(labels, SEEN)
    return {
        "features": rng.random((len(labels), WIDTH), dtype=np.float32),
        "labels": labels,
        "attributes": rng.random((CLASSES, ATTRIBUTES)),
        "train": rng.permutation(np.flatnonzero(seen & (rank < 8))),
        "test_seen": np.flatnonzero(seen & (rank >= 8)),
        "test_unseen": np.flatnonzero(~seen),
    }


# --- xlsa17 ---------------------------------------------------------------------------------------


def xlsa17(
    folder,
    world,
    *,
    save=scipy.io.savemat,
    kind=np.uint16,
    shape=(-1, 1),
    file="res101",
    drop=(),
    **changes,
):
    """Write an xlsa17 folder; ``changes`` replace arrays, ``drop`` leaves some out."""
    features = {
        "features": world["features"].T,
        "labels": one_up(world["labels"], kind, shape),
        "image_files": cell("ab"),
    }
    rows = {key: one_up(index, kind, shape) for key, index in _xlsa17_rows(world).items()}
    splits = {
        "att": world["attributes"].T,
        "original_att": world["attributes"].T * 100,
        **rows,
        "allclasses_names": cell(f"class+{k}" for k in range(CLASSES)),
    }
    for name, content in ((file, features), ("att_splits", splits)):
        kept = {key: changes.get(key, value) for key, value in content.items() if key not in drop}
        save(folder / f"{name}.mat", kept)
    return folder


def _xlsa17_rows(world) -> dict:
    """The rows of each split; as in the published files, train_loc holds test rows."""
    labels = world["labels"]
    train = world["train"]
    test_seen = world["test_seen"]
    held = np.isin(labels[train], SEEN[:2])
    tested = test_seen[~np.isin(labels[test_seen], SEEN[:2])]
    return {
        "trainval_loc": train,
        "test_seen_loc": test_seen,
        "test_unseen_loc": world["test_unseen"],
        "train_loc": np.concatenate([train[~held], tested]),
        "val_loc": train[held],
    }


def assert_same(dataset, world):
    """The data set holds the world, row by row."""
    for key in ("features", "labels", *SPLITS):
        assert_array_equal(getattr(dataset, key), world[key])
    assert_array_equal(dataset.attributes, world["attributes"].astype(np.float32))


# --- EPGN -----------------------------------------------------------------------------------------


def epgn(folder, world, *, train_as="own", test_as="attribute", **changes):
    """Write an EPGN folder; ``changes`` replace arrays of either file.

    Indices count rows of ``attribute``, or those of ``seen_pro`` and ``unseen_pro`` ("own").
    """
    labels = {split: world["labels"][world[split]] for split in SPLITS}
    data = {
        **{f"{split}_fea": world["features"][world[split]] for split in SPLITS},
        "seen_pro": world["attributes"][SEEN],
        "unseen_pro": world["attributes"][UNSEEN],
        "attribute": world["attributes"],
        "att_train": world["attributes"][labels["train"]],
    }
    index = {
        "train_idx": _epgn_index(labels["train"], train_as),
        "test_seen_idex": _epgn_index(labels["test_seen"], test_as),
        "test_unseen_idex": _epgn_index(labels["test_unseen"], test_as),
        "train_label_new": np.eye(len(SEEN))[np.searchsorted(SEEN, labels["train"])],
    }
    for name, content in (("data", data), ("label", index)):
        changed = {key: changes.get(key, value) for key, value in content.items()}
        scipy.io.savemat(folder / f"{name}.mat", changed)
    return folder


def _epgn_index(labels, convention) -> np.ndarray:
    if convention == "attribute":
        return one_up(labels)
    own = SEEN if labels[0] in SEEN else UNSEEN
    return one_up(np.searchsorted(own, labels))


def assert_same_epgn(dataset, world):
    """The data set holds the world, split after split."""
    rows = np.concatenate([world[key] for key in SPLITS])
    assert_array_equal(dataset.features, world["features"][rows])
    assert_array_equal(dataset.labels, world["labels"][rows])
    assert_array_equal(dataset.attributes, world["attributes"].astype(np.float32))
    sizes = [len(getattr(dataset, split)) for split in SPLITS]
    assert sizes == [40, 10, 20]
    assert_array_equal(dataset.seen_classes, SEEN)
