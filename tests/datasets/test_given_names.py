"""Names beat places: indices, keys and masks are used, or refused where they contradict."""

import enum
import json
import unicodedata

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal

from gsmflow_lite.datasets import from_arrays, from_dataframe, from_npz, save_npz
from gsmflow_lite.errors import DataError

NAMES = ["ant", "bee", "cat", "dog"]


def described(d, attributes, labels):
    """Whether each row has the description of its class."""
    return np.array_equal(d.attributes[d.labels], np.float32(attributes)[labels])


def called(labels):
    return [NAMES[k] for k in labels]


# --- the index of a table ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "index",
    [
        [0.0, 1.0, 2.0, 3.0],
        ["0", "1", "2", "3"],
        [b"0", b"1", b"2", b"3"],
        [0, "1", 2.0, np.int8(3)],
    ],
)
def test_numbers_are_looked_up_in_an_index_of_any_type(index, parts):
    features, labels, attributes = parts
    table = pd.DataFrame(attributes, index=pd.Index(index, dtype=object)).iloc[::-1]
    d = from_arrays(features, labels, table, unseen=[3])
    assert described(d, attributes, labels)
    assert_array_equal(d.labels, labels)
    assert_array_equal(d.unseen_classes, [3])


def test_a_number_that_the_index_does_not_have_is_refused(parts):
    features, labels, attributes = parts
    table = pd.DataFrame(attributes, index=[0, 1, 2, "other"])
    with pytest.raises(DataError, match=r"labels must be among the classes .* got 3 \(20 such"):
        from_arrays(features, labels, table, unseen=[1])


def test_the_keys_of_json_are_looked_up_as_numbers(rng):
    attributes = rng.random((12, 5))
    labels = np.repeat(np.arange(12), 5)
    text = json.dumps({str(k): row.tolist() for k, row in enumerate(attributes)}, sort_keys=True)
    for table in (json.loads(text), pd.DataFrame.from_dict(json.loads(text), orient="index")):
        d = from_arrays(rng.random((60, 3)), labels, table, unseen=[9, 10, 11])
        assert described(d, attributes, labels)
        assert [d.class_names[k] for k in d.unseen_classes] == ["9", "10", "11"]


def test_a_table_and_a_list_of_names_in_another_order_are_brought_together(parts):
    features, labels, attributes = parts
    table = pd.DataFrame(attributes, index=NAMES).iloc[::-1]
    for given in (called(labels), labels):
        d = from_arrays(features, given, table, unseen=["dog"], class_names=NAMES)
        assert described(d, attributes, labels)
        assert d.class_names == tuple(NAMES)


def test_the_columns_of_a_table_and_a_list_of_names_are_brought_together(parts):
    features, labels, attributes = parts
    table = pd.DataFrame(attributes, index=NAMES, columns=list("vwxyz"))
    d = from_arrays(features, called(labels), table, unseen=["dog"], attribute_names=list("zyxwv"))
    assert_array_equal(d.attributes, np.float32(attributes)[:, ::-1])


@pytest.mark.parametrize(
    ("index", "names"),
    [(NAMES, ["ant", "bee", "cat", "cow"]), ([3, 2, 1, 0], NAMES), (NAMES, ["A", "B", "C", "D"])],
)
def test_names_that_contradict_the_table_are_refused(index, names, parts):
    features, labels, attributes = parts
    table = pd.DataFrame(attributes, index=index)
    with pytest.raises(DataError, match=r"class_names must be those of the table"):
        from_arrays(features, labels, table, unseen=[3], class_names=names)


def test_a_name_that_stands_for_two_classes_is_refused(parts):
    features, labels, attributes = parts
    table = pd.DataFrame(attributes, index=NAMES)
    swapped = {"ant": "bee", "bee": "ant", "cat": "cat", "dog": "dog"}
    with pytest.raises(DataError, match=r"'bee' stands for class 1 and class 0"):
        from_arrays(features, called(labels), table, unseen=["dog"], class_names=swapped)


def test_an_index_of_several_levels_is_refused(parts):
    features, labels, attributes = parts
    index = pd.MultiIndex.from_tuples([(name, 1) for name in NAMES])
    with pytest.raises(DataError, match="indexed by one name a class, got an index of 2 levels"):
        from_arrays(features, labels, pd.DataFrame(attributes, index=index), unseen=[3])


# --- dicts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        dict(enumerate(NAMES)),
        {str(k): name for k, name in enumerate(NAMES)},
        {name: k for k, name in reversed(list(enumerate(NAMES)))},
        pd.Series(NAMES, index=[0, 1, 2, 3])[::-1],
        pd.Series({name: k for k, name in enumerate(NAMES)})[::-1],
    ],
)
def test_names_may_be_given_by_number_and_numbers_by_name(names, parts):
    features, labels, attributes = parts
    for given in (labels, called(labels)):
        d = from_arrays(features, given, attributes, unseen=[3], class_names=names)
        assert d.class_names == tuple(NAMES)
        assert described(d, attributes, labels)


def test_a_dict_renames_the_classes_of_a_table(parts):
    features, labels, attributes = parts
    table = pd.DataFrame(attributes, index=["n1", "n2", "n3", "n4"])
    names = {"n4": "dog", "n1": "ant", "n2": "bee", "n3": "cat", "n5": "eel"}
    for given in (called(labels), [f"n{k + 1}" for k in labels]):
        d = from_arrays(features, given, table, unseen=["dog"], class_names=names)
        assert d.class_names == tuple(NAMES)
        assert described(d, attributes, labels)


def test_numbers_beside_a_table_by_name_are_those_of_the_dict(parts):
    features, labels, attributes = parts
    table = pd.DataFrame(attributes, index=NAMES).iloc[::-1]
    names = {name: 10 * k for k, name in enumerate(NAMES)}
    d = from_arrays(features, 10 * labels, table, unseen=[30], class_names=names)
    assert described(d, attributes, labels)
    assert d.class_names == tuple(NAMES)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (set(NAMES), "must have an order, got a set"),
        ("abcd", "must be a list of names, got the text 'abcd'"),
        (5, "must be a list of names, got 5"),
        (["ant", None, "cat", "dog"], r"must be names, got None for 1"),
        ([["ant"], "bee", "cat", "dog"], r"must be names, got \['ant'\] for 0"),
        (NAMES[:3], "must be 4, one per class, got 3"),
        ({1: "ant", 2: "bee", 3: "cat", 4: "dog"}, "must number the rows .* 4 from 1 to 4"),
        ({"ant": 0, "bee": 0, "cat": 1, "dog": 2}, "gives one number to two names"),
        ({0: 1, 1: 0, 2: 2, 3: 3}, "maps numbers to the same numbers in another order"),
        ({"n1": "ant", "n2": "bee"}, "as a dict must map numbers to names"),
        ({"1": "0", "0": "1", "2": "2", "3": "3"}, "maps numbers to the same numbers in another"),
        ({"1": "ant", 1: "bee", 2: "cat", 3: "dog"}, "gives one number|two keys"),
    ],
)
def test_names_without_an_order_or_with_two_are_refused(names, words, parts):
    with pytest.raises(DataError, match=rf"class_names {words}"):
        from_arrays(*parts, unseen=[3], class_names=names)


def test_a_dict_of_descriptions_is_found_by_name(parts):
    features, labels, attributes = parts
    table = {name: row for name, row in zip(NAMES, attributes, strict=True)}
    nested = {name: dict(zip("vwxyz", row, strict=True)) for name, row in table.items()}
    mixed = {name: dict(reversed(list(row.items()))) for name, row in nested.items()}
    mixed["ant"] = nested["ant"]
    for given in (table, nested, mixed, pd.Series(table)):
        d = from_arrays(features, called(labels), given, unseen=["dog"])
        assert described(d, attributes, labels)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dog": [1.0, 2.0]}, "as many for each class, got 5 for 'ant' and 2 for 'dog'"),
        ({"dog": {"v": 1.0}}, "must be an array, got a dict"),
    ],
)
def test_descriptions_of_different_lengths_are_refused(change, words, parts):
    features, labels, attributes = parts
    table = dict(zip(NAMES, attributes.tolist(), strict=True)) | change
    with pytest.raises(DataError, match=words):
        from_arrays(features, called(labels), table, unseen=["dog"])


def test_an_attribute_that_one_class_lacks_is_named(parts):
    features, labels, attributes = parts
    table = {
        name: dict(zip("vwxyz", row, strict=True))
        for name, row in zip(NAMES, attributes, strict=True)
    }
    del table["dog"]["x"]
    with pytest.raises(DataError, match="same attributes, but 'dog' differs in 'x'"):
        from_arrays(features, called(labels), table, unseen=["dog"])


def test_labels_that_are_numbers_do_not_count_the_entries_of_a_dict(parts):
    features, labels, attributes = parts
    table = dict(zip(NAMES, attributes, strict=True))
    for given in (labels, labels.astype(str)):
        with pytest.raises(DataError, match=r"labels are numbers .* a dict by name"):
            from_arrays(features, given, table, unseen=["dog"])
    d = from_arrays(features, labels, table, unseen=["dog"], class_names=NAMES)
    assert described(d, attributes, labels)


# --- text ----------------------------------------------------------------------------------------


def test_composed_and_decomposed_letters_are_one_name(parts):
    features, labels, attributes = parts
    names = ["\u00e9" + name for name in NAMES]
    apart = [unicodedata.normalize("NFD", names[k]) for k in labels]
    d = from_arrays(features, apart, attributes, unseen=[names[3]], class_names=names)
    assert_array_equal(d.labels, labels)
    d = from_arrays(features, labels, attributes, unseen=[3], class_names=sorted(set(apart)))
    assert d.class_names == tuple(names)


Insect = enum.Enum("Insect", {name.upper(): name for name in NAMES}, type=str)


@pytest.mark.parametrize(
    "as_what",
    [
        lambda x: np.array(x, dtype=np.dtypes.StringDType()),
        lambda x: np.array([name.encode() for name in x], object),
        lambda x: pd.Series(x, dtype="string"),
        lambda x: [np.str_(name) for name in x],
        lambda x: [Insect(name) for name in x],
        lambda x: iter(x),
    ],
)
def test_text_of_any_kind_is_text(as_what, parts):
    features, labels, attributes = parts
    d = from_arrays(
        features, as_what(called(labels)), attributes, unseen="dog", class_names=as_what(NAMES)
    )
    assert_array_equal(d.labels, labels)
    assert d.class_names == tuple(NAMES)


def test_a_near_miss_is_named(parts):
    features, labels, attributes = parts
    for wrong in ("bees", "Bee", " bee"):
        given = ["bee" if k == 1 else NAMES[k] for k in labels]
        given[3] = wrong
        with pytest.raises(DataError, match=rf"got '{wrong}' \(1 such.*did you mean 'bee'\?"):
            from_arrays(features, given, attributes, unseen=["dog"], class_names=NAMES)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
def test_a_missing_label_is_named_by_its_place(missing, parts):
    features, labels, attributes = parts
    given = called(labels)
    given[7] = missing
    with pytest.raises(DataError, match=r"labels must not be missing, got .* in place 7 \(1 such"):
        from_arrays(features, given, attributes, unseen=["dog"], class_names=NAMES)


def test_truth_values_are_no_labels(parts):
    features, labels, attributes = parts
    with pytest.raises(DataError, match=r"labels must be numbers or names, got .*astype\(int\)"):
        from_arrays(features, labels > 1, attributes[:2], unseen=[1])


# --- unseen classes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "unseen",
    [
        {"cat", "dog"},
        {"cat": 1, "dog": 2}.keys(),
        pd.Series([True, True, False, False], index=["dog", "cat", "bee", "ant"]),
        pd.Series([True, True, False, False], index=[3, 2, 1, 0]),
        {"dog": True, "ant": False, "cat": True, "bee": False},
        pd.array([False, False, True, True], dtype="boolean"),
        np.array([False, False, True, True], object),
        frozenset({2, 3}),
        ["3", "2"],
    ],
)
def test_unseen_classes_may_be_a_set_or_a_mask_with_names(unseen, parts):
    features, labels, attributes = parts
    d = from_arrays(features, called(labels), attributes, unseen=unseen, class_names=NAMES)
    assert_array_equal(d.unseen_classes, [2, 3])


@pytest.mark.parametrize(
    ("unseen", "words"),
    [
        (None, "unseen must be an array, got nothing"),
        ([0, 0, 1, 1], r"unseen must be classes, got only 0 and 1, .* astype\(bool\)"),
        (
            pd.Series([True, False], index=["dog", "ant"]),
            "one entry for each class, got 2 for 2 of",
        ),
        (
            pd.Series([True, False, True, True], index=["dog", "ant", "dog", "bee"]),
            "one entry for each class, got 4 for 3 of 4 classes",
        ),
        (pd.Series([True], index=["cow"]), "the index of unseen must be among the classes"),
        ({"dog": 3}, "as a dict must say True or False of each class"),
    ],
)
def test_unseen_classes_that_mean_nothing_are_refused(unseen, words, parts):
    features, labels, attributes = parts
    with pytest.raises(DataError, match=words):
        from_arrays(features, called(labels), attributes, unseen=unseen, class_names=NAMES)


def test_a_mask_without_names_is_refused_where_the_order_has_changed(parts):
    features, labels, attributes = parts
    table = pd.DataFrame(attributes, index=[3, 2, 1, 0])
    with pytest.raises(DataError, match=r"unseen must be names or numbers, .* got a mask without"):
        from_arrays(features, labels, table, unseen=[False, False, False, True])


# --- rows ----------------------------------------------------------------------------------------


def test_labels_and_masks_with_an_index_follow_the_rows_of_the_features(parts, rng):
    features, labels, attributes = parts
    index = [f"image {i}" for i in range(80)]
    order = rng.permutation(80)
    tested = np.isin(np.arange(80), np.flatnonzero(labels < 3)[::3])
    d = from_arrays(
        pd.DataFrame(features, index=index),
        pd.Series(labels, index=index).iloc[order],
        attributes,
        unseen=[3],
        test_seen=pd.Series(tested, index=index).iloc[order],
        groups=pd.Series(np.arange(80) // 4, index=index).iloc[order],
    )
    assert_array_equal(d.features, features)
    assert_array_equal(d.labels, labels)
    assert_array_equal(d.test_seen, np.flatnonzero(tested))
    assert_array_equal(d.groups, np.arange(80) // 4)


def test_rows_may_be_named(parts):
    features, labels, attributes = parts
    index = pd.Index([f"image {i}" for i in range(80)])
    rows = np.flatnonzero(labels < 3)[::3]
    frame = pd.DataFrame(features, index=index)
    for given in (index[rows], list(index[rows]), rows):
        d = from_arrays(frame, labels, attributes, unseen=[3], test_seen=given)
        assert_array_equal(d.test_seen, rows)
    with pytest.raises(DataError, match="test_seen must name rows of the features, got 'image 99'"):
        from_arrays(frame, labels, attributes, unseen=[3], test_seen=["image 99"])


def test_numbers_that_may_be_rows_or_names_of_rows_are_refused(parts):
    features, labels, attributes = parts
    frame = pd.DataFrame(features, index=np.arange(80)[::-1])
    with pytest.raises(DataError, match="test_seen must be row numbers, but the index"):
        from_arrays(frame, labels, attributes, unseen=[3], test_seen=[1, 2, 3])
    found = frame.index[np.flatnonzero(labels < 3)[::3]]
    d = from_arrays(frame, labels, attributes, unseen=[3], test_seen=found)
    assert_array_equal(d.test_seen, np.flatnonzero(labels < 3)[::3])


def test_an_index_of_other_rows_is_refused(parts):
    features, labels, attributes = parts
    frame = pd.DataFrame(features, index=np.arange(3, 83))
    with pytest.raises(DataError, match=r"index of labels must name the same rows .*to_numpy\(\)"):
        from_arrays(frame, pd.Series(labels), attributes, unseen=[3])


def test_an_index_that_names_nothing_does_not_matter(parts):
    features, labels, attributes = parts
    frame = pd.DataFrame(features, index=[f"image {i}" for i in range(80)])
    d = from_arrays(frame, pd.Series(labels), attributes, unseen=[3])
    assert_array_equal(d.labels, labels)


def test_groups_may_be_names(parts):
    groups = [f"font {i % 5}" for i in range(80)]
    d = from_arrays(*parts, unseen=[3], groups=groups)
    assert_array_equal(d.groups, np.arange(80) % 5)
    groups[2] = None
    with pytest.raises(DataError, match="groups must not be missing, got None in place 2"):
        from_arrays(*parts, unseen=[3], groups=groups)


def test_attribute_groups_may_name_attributes(parts):
    features, labels, _ = parts
    attributes = np.array([[1, 0, 2], [0, 1, 2], [1, 0, 3], [0, 1, 4]])
    d = from_arrays(
        features,
        labels,
        pd.DataFrame(attributes, columns=["round", "square", "size"]),
        unseen=[3],
        attribute_groups={"shape": ["square", "round"]},
    )
    assert d.attribute_groups == {"shape": (1, 0)}


# --- more or fewer classes -----------------------------------------------------------------------


def test_described_classes_without_rows_are_left_out_with_a_note(parts):
    features, labels, attributes = parts
    table = pd.DataFrame(
        np.vstack([attributes[::-1], attributes + 1]), index=[*NAMES[::-1], *"wxyz"]
    )
    d = from_arrays(features, called(labels), table, unseen=["dog"])
    assert described(d, attributes, labels)
    assert d.class_names == tuple(NAMES[::-1])
    assert "4 of 8 classes are described but have no rows" in d.notes[0]


def test_a_table_that_lies_on_its_side_is_refused(rng):
    attributes = rng.random((4, 20))
    labels = np.repeat(np.arange(4), 5)
    with pytest.raises(DataError, match=r"shape \(20, 4\) for 4 classes: they look transposed"):
        from_arrays(rng.random((20, 3)), labels, attributes.T, unseen=[3])


@pytest.mark.parametrize("label", [["kind"], "twice", {"kind": 1}, None])
def test_the_column_of_labels_must_be_one(label, parts):
    features, labels, attributes = parts
    frame = pd.DataFrame(features, columns=["a", "twice", "twice"]).assign(kind=called(labels))
    table = pd.DataFrame(attributes, index=NAMES)
    with pytest.raises(DataError, match="label must name a column of the frame"):
        from_dataframe(frame, label=label, attributes=table, unseen=["dog"])


def test_a_table_in_a_file_is_found_by_name(parts, tmp_path):
    features, labels, attributes = parts
    table = pd.DataFrame(np.float32(attributes), index=NAMES).iloc[::-1]
    table.to_csv(tmp_path / "table.csv")
    table.T.to_json(tmp_path / "table.json", double_precision=15)
    for file in ("table.csv", "table.json"):
        d = from_arrays(features, called(labels), str(tmp_path / file), unseen=["dog"])
        assert described(d, attributes, labels)
    with pytest.raises(DataError, match=r"labels are numbers .* a dict by name"):
        from_arrays(features, labels, tmp_path / "table.json", unseen=["dog"])


# --- numbers that are names, and numbers of classes that are left out ----------------------------


@pytest.mark.parametrize("as_what", [list, np.array, lambda x: [str(k) for k in x], torch.tensor])
def test_class_names_that_are_numbers_are_those_of_the_labels_or_refused(as_what, parts):
    features, labels, attributes = parts
    ids = [10, 20, 30, 40]
    d = from_arrays(features, 10 * labels + 10, attributes, unseen=[40], class_names=as_what(ids))
    assert described(d, attributes, labels)
    assert d.class_names == ("10", "20", "30", "40")
    d = from_arrays(features, labels, attributes, unseen=[3], class_names=as_what(ids))
    assert described(d, attributes, labels)
    with pytest.raises(DataError, match="labels may be places or names, because the names are num"):
        from_arrays(features, labels, attributes, unseen=[3], class_names=as_what([2, 0, 1, 3]))


def test_names_that_are_numerals_may_be_numbered(parts):
    features, labels, attributes = parts
    for names in ({2: "0", 0: "1", 1: "2", 3: "3"}, {"1": 0, "2": 1, "0": 2, "3": 3}):
        d = from_arrays(features, labels, attributes, unseen=[3], class_names=names)
        assert d.class_names == ("1", "2", "0", "3")
        assert described(d, attributes, labels)


def test_names_that_are_numerals_survive_a_file(parts, tmp_path):
    features, labels, attributes = parts
    names = {2: "0", 0: "1", 1: "2", 3: "3"}
    d = from_arrays(features, labels, attributes, unseen=[3], class_names=names)
    again = from_npz(save_npz(d, tmp_path / "a.npz"))
    assert again.class_names == d.class_names
    assert_array_equal(again.labels, d.labels)


@pytest.mark.parametrize("as_what", [dict, lambda x: dict(map(reversed, x.items()))])
def test_names_of_some_classes_of_a_table_are_taken(as_what, parts):
    features, labels, attributes = parts
    table = pd.DataFrame(
        np.vstack([attributes[::-1], attributes[:2] + 1]), [*NAMES[::-1], "x", "y"]
    )
    for names in (as_what(dict(enumerate(NAMES))), NAMES):
        d = from_arrays(features, called(labels), table, unseen=["dog"], class_names=names)
        assert described(d, attributes, labels)
        assert d.class_names == tuple(NAMES)
        assert "2 of 6 classes are described" in d.notes[0]


@pytest.mark.parametrize("form", [list, [str(k) for k in range(5)].__getitem__, float])
def test_numbers_are_not_moved_by_a_class_that_is_left_out(form, parts):
    features, labels, attributes = parts
    table = pd.DataFrame(np.insert(attributes, 2, 7, axis=0), ["ant", "bee", "yak", "cat", "dog"])
    moved = np.where(labels > 1, labels + 1, labels).tolist()
    given = moved if form is list else [form(k) for k in moved]
    with pytest.raises(DataError, match=r"class 2 \('yak'\) has none in any split"):
        from_arrays(features, given, table, unseen=[4])


def test_names_that_are_numerals_may_lose_a_class_without_rows(parts):
    features, labels, attributes = parts
    table = pd.DataFrame(np.insert(attributes, 2, 7, axis=0), ["10", "11", "12", "13", "14"])
    names = np.array(["10", "11", "13", "14"])
    d = from_arrays(features, names[labels].tolist(), table, unseen=["14"])
    assert d.class_names == ("10", "11", "13", "14")
    assert described(d, attributes, labels)


# --- what is misunderstood at first --------------------------------------------------------------


def test_an_index_that_counts_in_another_order_beside_plain_features_is_refused(parts, rng):
    features, labels, attributes = parts
    order = rng.permutation(80)
    shuffled = pd.Series(labels).iloc[order]
    with pytest.raises(DataError, match="the index of labels counts all rows in another order"):
        from_arrays(features, shuffled, attributes, unseen=[3])
    groups = pd.Series(np.arange(80) // 4).iloc[order]
    with pytest.raises(DataError, match="the index of groups counts all rows in another order"):
        from_arrays(features, labels, attributes, unseen=[3], groups=groups)
    part = pd.Series(labels, index=100 + order)  # as train_test_split leaves it
    assert_array_equal(from_arrays(features, part, attributes, unseen=[3]).labels, labels)


@pytest.mark.parametrize("unseen", [iter(["dog"]), (name for name in ["dog"]), map(str, ["dog"])])
def test_unseen_classes_may_be_a_generator(unseen, parts):
    features, labels, attributes = parts
    d = from_arrays(features, called(labels), attributes, unseen=unseen, class_names=NAMES)
    assert_array_equal(d.unseen_classes, [3])


def test_rows_may_be_a_set_and_no_mask_of_numbers(parts):
    features, labels, attributes = parts
    rows = np.flatnonzero(labels < 3)[::3]
    d = from_arrays(features, labels, attributes, unseen=[3], test_seen=set(rows.tolist()))
    assert_array_equal(np.sort(d.test_seen), rows)
    mask = np.isin(np.arange(80), rows).astype(int)
    with pytest.raises(DataError, match=r"test_seen must be row numbers, got only 0 and 1"):
        from_arrays(features, labels, attributes, unseen=[3], test_seen=mask)


def test_a_table_of_names_that_lies_on_its_side_is_refused(parts):
    features, labels, attributes = parts
    table = pd.DataFrame(attributes, index=NAMES)
    with pytest.raises(DataError, match=r"all labels are names of columns: .*attributes\.T"):
        from_arrays(features, called(labels), table.T, unseen=["dog"])


@pytest.mark.parametrize("column", ["Unnamed: 0", "id", "index"])
def test_a_first_column_that_should_be_the_index_is_refused(column, parts):
    features, labels, attributes = parts
    for cells in (range(4), [1, 2, 3, 4], NAMES):
        table = pd.DataFrame(attributes, columns=list("vwxyz"))
        table.insert(0, column, cells)
        with pytest.raises(DataError, match=rf"column '{column}' names the rows: .*set_index"):
            from_arrays(features, labels, table, unseen=[3])


def test_a_description_of_each_image_is_refused(parts):
    features, labels, attributes = parts
    with pytest.raises(DataError, match="one row per class, got one for each of 80 images"):
        from_arrays(features, labels, attributes[labels], unseen=[3])


def test_cells_of_matlab_are_unpacked(parts):
    features, labels, attributes = parts
    cells = np.empty(80, object)
    cells[:] = [np.array([name]) for name in called(labels)]
    d = from_arrays(features, cells, attributes, unseen=["dog"], class_names=NAMES)
    assert_array_equal(d.labels, labels)


@pytest.mark.parametrize("labels", [lambda y: y[:10], lambda y: np.append(y, 0)])
def test_a_wrong_count_of_labels_is_told_first(labels, parts):
    features, numbers, attributes = parts
    with pytest.raises(DataError, match=r"labels must be one per row of features \(80\)"):
        from_arrays(features, labels(numbers), attributes, unseen=[3])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"labels": lambda y: y + 0.5}, r"labels must be whole numbers, got \d\.5"),
        ({"labels": lambda y: y - 1}, "labels must start at 0, got -1"),
        ({"unseen": 2.5}, r"unseen must be whole numbers, got 2\.5"),
        ({"notes": "hello"}, "notes must be a list of texts, got 'hello'"),
        ({"name": None}, "name must be a text, got None"),
        ({"attribute_groups": {"s": 1}}, "attribute_groups.* must be one-dimensional"),
    ],
)
def test_each_argument_is_told_by_its_name(change, words, parts):
    features, labels, attributes = parts
    given = {"labels": labels, "unseen": [3]} | change
    if callable(given["labels"]):
        given["labels"] = given["labels"](labels)
    with pytest.raises(DataError, match=words):
        from_arrays(features, attributes=attributes, **given)


def test_a_column_of_vectors_holds_the_features(parts):
    features, labels, attributes = parts
    vectors = pd.Series(list(features))
    assert_array_equal(from_arrays(vectors, labels, attributes, unseen=[3]).features, features)
    frame = pd.DataFrame({"vector": vectors, "kind": called(labels)})
    table = pd.DataFrame(attributes, index=NAMES)
    d = from_dataframe(frame, label="kind", attributes=table, unseen=["dog"])
    assert_array_equal(d.features, features)


@pytest.mark.parametrize("frame", ["features.csv", {"a": 1}, None, np.ones((3, 2)), pd.Series([1])])
def test_only_a_frame_is_a_frame(frame):
    with pytest.raises(DataError, match="a pandas DataFrame is needed, got "):
        from_dataframe(frame, label="kind", attributes=[[1.0]], unseen=[0])


def test_columns_of_several_levels_have_a_label(parts):
    features, labels, attributes = parts
    frame = pd.DataFrame(features, columns=pd.MultiIndex.from_product([["x"], list("abc")]))
    frame[("y", "kind")] = called(labels)
    table = pd.DataFrame(attributes, index=NAMES)
    d = from_dataframe(frame, label=("y", "kind"), attributes=table, unseen=["dog"])
    assert_array_equal(d.labels, labels)
