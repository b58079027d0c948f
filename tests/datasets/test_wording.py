"""Texts in data sets: checked, kept by every smaller data set, and written to files and read."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

from gsmflow_lite.datasets import (
    from_arrays,
    from_folder,
    from_hdf5,
    from_npz,
    save_folder,
    save_npz,
)
from gsmflow_lite.datasets.unused import without_unused_classes
from gsmflow_lite.datasets.wording import LONGEST_DESCRIPTION, as_texts, texts_as_array
from gsmflow_lite.errors import DataError

TEXTS = tuple((f"text of class {k}", "한글 \U0001f426")[: 1 + k % 2] for k in range(6))
ENCODER = "letters sha256:1a2b3c4d"


@pytest.fixture
def worded(make_dataset):
    names = [f"class {k}" for k in range(6)]
    return make_dataset(texts=TEXTS, text_encoder=ENCODER, class_names=names)


def own_text(dataset) -> bool:
    """Whether each class still has the texts of its name."""
    return all(
        texts == TEXTS[int(name.removeprefix("class "))]
        for name, texts in zip(dataset.class_names, dataset.texts, strict=True)
    )


# --- The rules -----------------------------------------------------------------------------------


def test_a_text_alone_is_the_only_one_of_its_class(make_dataset):
    dataset = make_dataset(texts=["a", b"b", ("c",), ["d", "e"], np.array(["f"]), " g  h\n"])
    assert dataset.texts == (("a",), ("b",), ("c",), ("d", "e"), ("f",), ("g h",))
    assert dataset.text_encoder == ""


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["a"] * 5, "texts must be 6, an entry for each class, got 5"),
        ("abcdef", "must be a list with the texts of each class, got str"),
        ({"a": "b"}, "must be a list with the texts of each class, got dict"),
        (7, "must be a list with the texts of each class, got int"),
        ([*"abcde", []], "class 5 has none"),
        ([*"abcde", ""], "a text of class 5 must not be empty"),
        ([*"abcde", None], "texts of class 5 must be a list of texts, got NoneType"),
        ([*"abcde", {"f"}], "texts of class 5 must be a list of texts, got set"),
        ([*"abcde", [3]], "a text of class 5 must be a text, got int"),
        ([*"abcde", ["f", "g\0"]], "a text of class 5 must hold no control characters"),
        ([*"abcde", "x" * (LONGEST_DESCRIPTION + 1)], "at most 4000 characters, got 4001"),
        (np.ones((6, 2)), "must be an array of text"),
        (np.full((6, 1, 1), "a"), "must be an array of text"),
        (np.array([["a"]] * 5 + [[""]]), "class 5 has none"),
    ],
)
def test_texts_that_break_a_rule_are_refused(make_dataset, texts, words):
    with pytest.raises(DataError, match=f"tiny.npz: .*{words}"):
        make_dataset(texts=texts)


def test_an_encoder_without_texts_is_refused(make_dataset):
    with pytest.raises(DataError, match="so texts must be there"):
        make_dataset(text_encoder=ENCODER)
    with pytest.raises(DataError, match="text_encoder must be a name, got NoneType"):
        make_dataset(texts=TEXTS, text_encoder=None)


def test_an_array_of_texts_is_padded_with_empty_ones():
    array = texts_as_array(TEXTS)
    assert array.shape == (6, 2)
    assert as_texts(array, 6, "") == TEXTS


# --- Smaller data sets ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "smaller",
    [
        lambda data: data.with_seen(2, seed=3),
        lambda data: data.resplit(1),
        lambda data: data.validation_fold(0),
        lambda data: data.preprocessed("min-max").with_seen(3).validation_fold(0),
        lambda data: data.preprocessed("min-max"),
        lambda data: data.split_unseen()[1],
    ],
)
def test_every_class_keeps_its_texts(worded, smaller):
    dataset = smaller(worded)
    assert own_text(dataset)
    assert dataset.text_encoder == ENCODER


def test_texts_of_classes_without_rows_go_with_them():
    fields = {
        "features": np.ones((3, 1)),
        "labels": [0, 2, 2],
        "attributes": np.eye(3),
        "train": [0],
        "test_seen": [1],
        "test_unseen": [2],
        "texts": [["a"], ["b"], ["c"]],
    }
    smaller, _ = without_unused_classes(fields)
    assert smaller["texts"] == (["a"], ["c"])


# --- Arrays --------------------------------------------------------------------------------------

ROWS = np.repeat(["ant", "bee", "cow"], 10)
ATTRIBUTES = {"cow": [1, 0], "bee": [0, 1], "ant": [1, 1]}


def of_arrays(texts, labels=ROWS, attributes=ATTRIBUTES):
    features = np.random.default_rng(0).random((30, 2))
    return from_arrays(features, labels, attributes, unseen=["cow"], texts=texts)


def test_texts_by_name_find_their_classes():
    dataset = of_arrays({"ant": "an ant", "cow": ["a cow", "it moos"], "bee": "a bee"})
    by_name = dict(zip(dataset.class_names, dataset.texts, strict=True))
    assert by_name == {"ant": ("an ant",), "cow": ("a cow", "it moos"), "bee": ("a bee",)}


def test_texts_in_a_list_are_in_the_order_of_the_numbers():
    dataset = of_arrays(["a cow", "a bee", "an ant"])
    assert dict(zip(dataset.class_names, dataset.texts, strict=True))["cow"] == ("a cow",)


def test_texts_in_a_list_are_refused_where_names_have_changed_the_order():
    attributes = {2: [1, 0], 1: [0, 1], 0: [1, 1]}
    features = np.random.default_rng(0).random((30, 2))
    numbers = np.repeat([0, 1, 2], 10)
    with pytest.raises(DataError, match="texts must be a dict by name, because"):
        from_arrays(features, numbers, attributes, unseen=[2], texts=["a", "b", "c"])
    dataset = from_arrays(features, numbers, attributes, unseen=[2], texts={2: "c", 1: "b", 0: "a"})
    assert dataset.texts == (("a",), ("b",), ("c",))


@pytest.mark.parametrize(
    "texts",
    [{"ant": "x", "bee": "y"}, {"ant": "x", "bee": "y", "yak": "z"}],
)
def test_texts_by_name_must_be_those_of_the_classes(texts):
    with pytest.raises(DataError, match=r"an entry for each of 3|must be among the classes"):
        of_arrays(texts)


def test_a_class_that_is_left_out_takes_its_texts_with_it():
    texts = {"ant": "an ant", "bee": "a bee", "cow": "a cow", "yak": "a yak"}
    dataset = of_arrays(texts, attributes=ATTRIBUTES | {"yak": [2, 2]})
    assert sorted(dataset.texts) == [("a bee",), ("a cow",), ("an ant",)]
    assert dict(zip(dataset.class_names, dataset.texts, strict=True))["bee"] == ("a bee",)


# --- Files ---------------------------------------------------------------------------------------


def as_hdf5(dataset, path):
    """Write what an .npz file would hold as HDF5, texts as h5py writes them."""
    npz = save_npz(dataset, path / "data.npz")
    with np.load(npz) as content, h5py.File(path / "data.h5", "w") as file:
        for key in content.files:
            value = content[key]
            kind = h5py.string_dtype() if value.dtype.kind == "U" else None
            file.create_dataset(key, data=value.astype(object) if kind else value, dtype=kind)
    return path / "data.h5"


FORMATS = {
    "npz": lambda dataset, path: from_npz(save_npz(dataset, path / "data")),
    "folder": lambda dataset, path: from_folder(save_folder(dataset, path / "data")),
    "hdf5": lambda dataset, path: from_hdf5(as_hdf5(dataset, path)),
}


@pytest.mark.parametrize("written_and_read", FORMATS.values(), ids=FORMATS)
def test_texts_survive_a_file(worded, tmp_path, written_and_read):
    dataset = written_and_read(worded, tmp_path)
    assert dataset.texts == TEXTS
    assert dataset.text_encoder == ENCODER
    assert dataset.class_names == worded.class_names


@pytest.mark.parametrize("written_and_read", FORMATS.values(), ids=FORMATS)
def test_data_without_texts_are_read_as_before(make_dataset, tmp_path, written_and_read):
    dataset = written_and_read(make_dataset(), tmp_path)
    assert dataset.texts is None
    assert dataset.text_encoder == ""


def test_a_folder_forgets_the_texts_of_the_data_that_were_there_before(
    worded, make_dataset, tmp_path
):
    save_folder(worded, tmp_path)
    dataset = from_folder(save_folder(make_dataset(), tmp_path))
    assert dataset.texts is None


def test_texts_that_others_have_written_as_one_column_are_read(worded, tmp_path):
    path = save_npz(replace(worded, texts=[texts[:1] for texts in TEXTS]), tmp_path / "data.npz")
    with np.load(path) as content:
        arrays = dict(content)
    arrays["texts"] = arrays["texts"][:, 0]
    np.savez(path, **arrays)
    assert from_npz(path).texts == tuple(texts[:1] for texts in TEXTS)
