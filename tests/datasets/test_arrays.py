"""Plain arrays, DataFrames and .npz files become data sets, and data sets become .npz files."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal

from gsmflow_lite.datasets import from_arrays, from_dataframe, from_npz
from gsmflow_lite.errors import DataError

NAMES = ["ant", "bee", "cat", "dog"]


# --- from_arrays ---------------------------------------------------------------------------------


def test_a_fifth_of_each_seen_class_is_held_out(parts):
    d = from_arrays(*parts, unseen=[3])
    assert_array_equal(np.bincount(d.labels[d.test_seen]), [4, 4, 4])
    assert_array_equal(np.bincount(d.labels[d.train]), [16, 16, 16])
    assert_array_equal(d.test_unseen, np.flatnonzero(d.labels == 3))


def test_the_seed_decides_which_rows_are_held_out(parts):
    first = from_arrays(*parts, unseen=[3], seed=1)
    same = from_arrays(*parts, unseen=[3], seed=1)
    other = from_arrays(*parts, unseen=[3], seed=2)
    assert_array_equal(same.test_seen, first.test_seen)
    assert not np.array_equal(other.test_seen, first.test_seen)


def test_whole_groups_are_held_out(parts):
    groups = np.arange(80) % 10
    d = from_arrays(*parts, unseen=[3], groups=groups)
    assert not np.intersect1d(groups[d.train], groups[d.test_seen]).size


@pytest.mark.parametrize("as_what", [list, np.asfortranarray, torch.tensor, pd.DataFrame])
def test_features_of_any_container_are_read(as_what, parts):
    features, labels, attributes = parts
    given = features.tolist() if as_what is list else as_what(features)
    assert_array_equal(from_arrays(given, labels, attributes, unseen=[3]).features, features)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float64])
def test_tensors_of_any_precision_that_need_gradients_are_read(kind, parts):
    features, labels, attributes = parts
    tensor = torch.tensor(features, dtype=kind, requires_grad=True)
    d = from_arrays(
        tensor, torch.tensor(labels), torch.tensor(attributes), unseen=torch.tensor([3])
    )
    assert_array_equal(d.features, tensor.detach().float().numpy())


@pytest.mark.parametrize(
    "as_what", [list, np.array, pd.Series, lambda names: pd.Series(names, dtype="category")]
)
def test_labels_may_be_names(as_what, parts):
    features, labels, attributes = parts
    d = from_arrays(
        features, as_what([NAMES[k] for k in labels]), attributes, unseen=["dog"], class_names=NAMES
    )
    assert_array_equal(d.labels, labels)
    assert_array_equal(d.unseen_classes, [3])


def test_a_table_of_attributes_names_classes_and_attributes(parts):
    features, labels, attributes = parts
    table = pd.DataFrame(attributes, index=NAMES, columns=list("vwxyz"))
    d = from_arrays(features, [NAMES[k] for k in labels], table, unseen=["bee"])
    assert d.class_names == tuple(NAMES)
    assert d.attribute_names == tuple("vwxyz")
    assert_array_equal(d.labels, labels)


def test_whole_numbers_are_looked_up_in_the_index_of_the_table(parts):
    features, labels, attributes = parts
    table = pd.DataFrame(attributes, index=[10, 20, 30, 40])
    d = from_arrays(features, 10 * (labels + 1), table, unseen=[40])
    assert_array_equal(d.labels, labels)
    assert d.class_names[3] == "40"


@pytest.mark.parametrize("mask", [False, True])
def test_test_rows_may_be_given_as_numbers_or_mask(mask, parts):
    _, labels, _ = parts
    of_class = [np.flatnonzero(labels == k) for k in range(3)]
    rows = np.concatenate([rows[:3] for rows in of_class])
    given = np.isin(np.arange(80), rows) if mask else rows
    d = from_arrays(*parts, unseen=[3], test_seen=given)
    assert_array_equal(np.sort(d.test_seen), np.sort(rows))
    assert_array_equal(d.train, np.setdiff1d(np.flatnonzero(labels < 3), rows))


BAD = {
    "no unseen class": ({"unseen": []}, r"unseen must name at least one class"),
    "an unseen class without rows": (
        {"unseen": [7]},
        r"every unseen class needs rows to be tested on, but class 7 has none",
    ),
    "names without class_names": (
        {"unseen": ["dog"]},
        r"unseen are names \('dog' ...\), so class_names must name",
    ),
    "an unknown name": (
        {"unseen": ["cow"], "class_names": NAMES},
        r"must be among the classes \(ant, .*got 'cow' \(1 such",
    ),
    "the same name twice": (
        {"unseen": ["cat"], "class_names": ["ant", "bee", "bee", "cat"]},
        r"must differ, but 'bee' stands for class 1 and class 2",
    ),
    "groups too short": (
        {"unseen": [3], "groups": [1, 2]},
        r"groups must have one entry per label \(80\), got shape \(2,\)",
    ),
    "groups in a column": (
        {"unseen": [3], "groups": np.ones((80, 1), bool)},
        r"groups must have one entry per label \(80\), got shape \(80, 1\)",
    ),
    "an unseen row in test_seen": (
        {"unseen": [3], "test_seen": np.arange(80)},
        r"train must not be empty",
    ),
    "features that are no array": (
        {"unseen": [3], "features": {"a": 1}},
        r"features must be an array, got a dict: give a list",
    ),
    "labels in a table": (
        {"unseen": [3], "labels": np.ones((80, 2))},
        r"labels must be one-dimensional, got shape \(80, 2\)",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arrays_are_refused_with_rule_and_value(case, parts):
    changes, words = BAD[case]
    given = dict(zip(("features", "labels", "attributes"), parts, strict=True)) | changes
    with pytest.raises(DataError, match=rf"^mine: .*{words}"):
        from_arrays(**given, source="mine")


def test_unseen_classes_may_be_a_mask(parts):
    assert_array_equal(
        from_arrays(*parts, unseen=[False, True, False, True]).unseen_classes, [1, 3]
    )
    with pytest.raises(
        DataError, match=r"unseen as a mask must have an entry for each of 4, got shape \(2,\)"
    ):
        from_arrays(*parts, unseen=[False, True])


def test_attributes_that_are_one_number_are_refused(parts):
    with pytest.raises(
        DataError, match=r"attributes must be a matrix with rows and columns, got shape \(\)"
    ):
        from_arrays(*parts[:2], np.float32(3), unseen=[3])


def test_names_in_bytes_are_text(parts, tmp_path):
    features, labels, attributes = parts
    names = np.array(NAMES, dtype="S")
    content = {
        "features": features,
        "labels": names[labels],
        "attributes": attributes,
        "unseen": names[3:],
        "class_names": names,
    }
    np.savez(tmp_path / "a.npz", **content)
    for d in (
        from_npz(tmp_path / "a.npz"),
        from_arrays(**content),
        from_arrays(**content | {"class_names": list(names)}),
    ):
        assert d.class_names == tuple(NAMES)
        assert_array_equal(d.labels, labels)
        assert_array_equal(d.unseen_classes, [3])


def test_missing_labels_are_counted(parts):
    features, labels, attributes = parts
    names = pd.Series([NAMES[k] for k in labels])
    names[[4, 7]] = None
    words = r"labels must not be missing, got nan in place 4 \(2 such entries\)"
    with pytest.raises(DataError, match=words):
        from_arrays(features, names, attributes, unseen=["dog"], class_names=NAMES)


# --- from_dataframe ------------------------------------------------------------------------------


@pytest.fixture
def frame(parts):
    features, labels, attributes = parts
    table = pd.DataFrame(attributes, index=NAMES)
    return pd.DataFrame(features, columns=["a", "b", "c"]).assign(
        kind=[NAMES[k] for k in labels]
    ), table


def test_a_frame_gives_its_other_columns_as_features(frame, parts):
    rows, table = frame
    d = from_dataframe(rows, label="kind", attributes=table, unseen=["dog"])
    assert_array_equal(d.features, parts[0])
    assert_array_equal(d.labels, parts[1])


def test_a_frame_with_columns_of_text_names_them(frame):
    rows, table = frame
    with pytest.raises(
        DataError, match=r"all columns but 'kind' must be numbers, got file, when: take them out"
    ):
        from_dataframe(
            rows.assign(file="x.jpg", when=pd.Timestamp(0)),
            label="kind",
            attributes=table,
            unseen=["dog"],
        )


def test_a_frame_without_the_label_column_says_so(frame):
    with pytest.raises(
        DataError,
        match=r"label must name a column of the frame \(a, b, c, kind ...\), got 'species'",
    ):
        from_dataframe(frame[0], label="species", attributes=frame[1], unseen=["dog"])


def test_unseen_must_leave_something_to_learn_from(rng):
    features = rng.random((12, 2))
    labels = np.repeat([0, 1, 2], 4)
    attributes = rng.random((3, 2))
    with pytest.raises(DataError, match="unseen must leave seen classes to learn from"):
        from_arrays(features, labels, attributes, unseen=[0, 1, 2])


def test_names_may_be_an_array_beside_a_frame_of_attributes(rng):
    attributes = pd.DataFrame(rng.random((3, 2)), index=["a", "b", "c"])
    names = np.array(["hot", "cold"])
    d = from_arrays(
        rng.random((15, 2)),
        np.repeat(["a", "b", "c"], 5),
        attributes,
        unseen=["c"],
        attribute_names=names,
    )
    assert d.attribute_names == ("hot", "cold")


def test_a_label_that_is_a_list_is_refused_by_name(rng):
    labels = [["cat"], ["dog"], ["cat"], ["dog"]]
    frame = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "kind": labels})
    attributes = pd.DataFrame(rng.random((2, 2)), index=["cat", "dog"])
    with pytest.raises(DataError, match=r"labels must be numbers or names, got \['cat'\]"):
        from_dataframe(frame, label="kind", attributes=attributes, unseen=["dog"])
