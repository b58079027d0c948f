"""Classes without rows leave a table of attributes, and all numbers follow."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from gsmflow_lite.datasets import GZSLDataset, open_features
from gsmflow_lite.datasets.unused import looks_transposed, without_unused_classes

NAMES = tuple("abcdefgh")


@pytest.fixture
def fields(rng):
    """Eight described classes, of which 1, 4 and 7 have no rows in any split; 4 has other rows."""
    present = np.array([0, 2, 3, 5, 6])
    labels = rng.permutation(np.repeat([*present, 4], 6))
    rank = np.array([np.sum(labels[:row] == k) for row, k in enumerate(labels)])
    seen = np.isin(labels, [0, 2, 3])
    return {
        "features": rng.random((36, 3), dtype=np.float32),
        "labels": labels,
        "attributes": rng.random((8, 4)) + 0.1,
        "train": np.flatnonzero(seen & (rank < 4)),
        "test_seen": np.flatnonzero(seen & (rank >= 4)),
        "test_unseen": np.flatnonzero(np.isin(labels, [5, 6])),
        "class_names": NAMES,
        "groups": np.arange(36),
        "images": rng.integers(0, 9, (36, 2, 2)),
        "declared_validation": np.array([3]),
    }


def described(fields, split) -> list:
    """What a split says of each row: its features, group, picture, class and description."""
    rows = fields[split]
    return [
        (
            fields["features"][row].tolist(),
            int(fields["groups"][row]),
            fields["images"][row].tolist(),
            fields["class_names"][fields["labels"][row]],
            fields["attributes"][fields["labels"][row]].tolist(),
        )
        for row in rows
    ]


def test_every_row_keeps_its_name_description_and_picture(fields):
    smaller, _ = without_unused_classes(fields)
    for split in ("train", "test_seen", "test_unseen"):
        assert described(smaller, split) == described(fields, split)
    assert smaller["class_names"] == ("a", "c", "d", "f", "g")
    assert [smaller["class_names"][k] for k in smaller["declared_validation"]] == ["d"]
    GZSLDataset(**smaller)


def test_the_note_names_the_classes_and_counts_their_rows(fields):
    _, note = without_unused_classes(fields)
    assert note == (
        "3 of 8 classes are described but have no rows in the splits: they are left out "
        "('b', 'e', 'h'), with 6 rows in no split"
    )


def test_features_on_disk_stay_there(fields, tmp_path):
    np.save(tmp_path / "x.npy", fields["features"])
    on_disk = fields | {"features": open_features(tmp_path / "x.npy")}
    smaller, _ = without_unused_classes(on_disk)
    expected, _ = without_unused_classes(fields)
    assert_array_equal(smaller["features"][:], expected["features"])


def test_lists_and_fields_that_are_missing_are_taken(fields):
    few = {name: fields[name] for name in ("features", "attributes")}
    rows = {name: fields[name].tolist() for name in ("labels", "train", "test_seen", "test_unseen")}
    smaller, note = without_unused_classes({**few, **rows, "groups": None})
    assert len(smaller["attributes"]) == 5
    assert "(1, 4, 7)" in note


def test_where_all_classes_have_rows_nothing_changes(fields):
    smaller, _ = without_unused_classes(fields)
    again, note = without_unused_classes(smaller)
    assert note == ""
    assert all(again[name] is smaller[name] for name in smaller)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("labels", np.full(36, 8)),
        ("labels", np.full(36, -1)),
        ("labels", np.full(36, 0.5)),
        ("labels", np.full(36, "a")),
        ("train", np.array([99])),
        ("train", np.array([], int)),
        ("test_seen", np.array([[1]])),
    ],
)
def test_fields_that_break_a_rule_are_left_to_the_data_set(fields, name, value):
    broken = fields | {name: value}
    same, note = without_unused_classes(broken)
    assert note == ""
    assert same == broken


@pytest.mark.parametrize(
    ("shape", "labels", "names", "transposed"),
    [
        ((20, 6), range(6), 0, True),  # as many columns as classes
        ((6, 20), range(6), 0, False),
        ((6, 6), range(6), 0, False),
        ((20, 6), range(3), 0, False),  # a table of more classes, or nothing to tell
        ((20, 6), [0, 2, 19], 0, False),
        ((20, 6), range(3), 6, True),  # as many names as columns
        ((20, 6), range(6), 20, False),
        ((6, 20), range(6), 20, False),
        ((20, 6), range(20), 6, False),  # all rows have images
        ((20, 6), [0, 7], 6, False),  # there is no column 7
    ],
)
def test_a_table_on_its_side_is_told_by_its_classes(shape, labels, names, transposed):
    assert looks_transposed(shape, np.array(labels), names) is transposed
