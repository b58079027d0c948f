"""Attributes of texts and of tables, against numpy by hand."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from gsmflow_lite.datasets import from_arrays
from gsmflow_lite.errors import ConfigError, DataError
from gsmflow_lite.texts import Descriptions, encoder_of, read_descriptions

NAMES = ["Black_bear", "emu"]


def two_numbers(texts: list[str]) -> np.ndarray:
    """How many a and how many b."""
    return np.array([[text.count("a"), text.count("b")] for text in texts], float)


def test_attributes_are_the_mean_of_unit_rows_brought_to_length_one():
    texts = {"emu": ["aaaa", "b"], "Black_bear": "ab"}
    read = read_descriptions(texts, NAMES, encoder=two_numbers)
    half = np.sqrt(0.5)
    assert_allclose(read.attributes, [[half, half], [half, half]], atol=1e-7)  # not 4 to 1
    assert read.attributes.dtype == np.float32
    assert read.texts == (("ab",), ("aaaa", "b"))
    assert read.text_encoder == f"{__name__}.two_numbers"
    assert read.class_names == ("Black_bear", "emu")


def test_three_texts_are_averaged():
    read = read_descriptions(
        {"emu": ["a", "a", "b"], "Black_bear": "b"}, NAMES, encoder=two_numbers
    )
    assert_allclose(read.attributes[1], np.array([2, 1]) / np.sqrt(5), atol=1e-7)


def test_each_text_is_encoded_once():
    asked = []

    def encoder(texts):
        asked.extend(texts)
        return two_numbers(texts)

    read_descriptions({"emu": ["a", "ab", "a"], "Black_bear": ["ab"]}, NAMES, encoder=encoder)
    assert sorted(asked) == ["a", "a bird", "ab"]  # the second is what its width is measured on


def test_classes_of_one_description_are_named():
    read = read_descriptions({"emu": "a b", "Black_bear": "ab"}, NAMES, encoder=two_numbers)
    assert read.notes == (
        "classes 'Black_bear' and 'emu' have the same description: nothing tells them apart, and "
        "where both are unseen, evaluate --labelled cannot move them",
    )
    other = read_descriptions({"emu": "a", "Black_bear": "ab"}, NAMES, encoder=two_numbers)
    assert other.notes == ()


def test_without_descriptions_names_are_encoded():
    read = read_descriptions(None, ["Black_bear", "abba"], encoder=two_numbers)
    assert read.texts == (("Black bear",), ("abba",))
    assert_allclose(read.attributes[0], np.array([2, 1]) / np.sqrt(5), atol=1e-7)


@pytest.fixture(params=["csv", "json", "frame", "dict"])
def table(request, tmp_path):
    """The same table of numbers, in the other order of classes and with one class more."""
    frame = pd.DataFrame(
        {"wings": [1.0, 0, 0], "size": [0.5, 2, 3]}, index=["EMU", "black bear", "yak"]
    )
    if request.param == "frame":
        return frame
    if request.param == "dict":
        return {name: row.tolist() for name, row in zip(frame.index, frame.to_numpy(), strict=True)}
    path = tmp_path / f"table.{request.param}"
    if request.param == "csv":
        frame.to_csv(path, index_label="class")
    else:
        frame.to_json(path, orient="index")
    return path


def test_a_table_of_numbers_is_brought_into_the_order_that_was_asked_for(table):
    read = read_descriptions(table, NAMES)
    assert_array_equal(read.attributes, np.array([[0, 2], [1, 0.5]], np.float32))
    if not isinstance(table, dict):
        assert read.attribute_names == ("wings", "size")
    assert (read.texts, read.text_encoder) == (None, "")


def test_a_matrix_without_names_is_in_the_order_of_the_classes(tmp_path):
    np.save(tmp_path / "matrix.npy", np.eye(2))
    assert_array_equal(read_descriptions(tmp_path / "matrix.npy", NAMES).attributes, np.eye(2))
    with pytest.raises(DataError, match="a row for each of 3 classes, got 2"):
        read_descriptions(tmp_path / "matrix.npy", [*NAMES, "yak"])


def test_a_class_that_is_missing_in_a_table_is_named(table):
    with pytest.raises(DataError, match="'zebra' is not among them"):
        read_descriptions(table, [*NAMES, "zebra"])


def test_texts_without_the_extra_say_how_it_is_installed(monkeypatch):
    from gsmflow_lite.texts.static_vectors import wordllama

    wordllama.cache_clear()
    monkeypatch.setattr("gsmflow_lite.texts.static_vectors.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install"):
        read_descriptions({"emu": "a", "Black_bear": "b"}, NAMES)


def test_what_is_read_makes_a_data_set_that_knows_its_encoder(rng):
    names = ["emu", "yak", "bear"]
    read: Descriptions = read_descriptions(
        {"emu": "a", "yak": "ab", "bear": ["b", "aab"]}, names, encoder=two_numbers
    )
    data = from_arrays(
        rng.random((30, 4)),
        np.repeat(names, 10),
        read.attributes,
        class_names=names,
        unseen=["bear"],
        texts=read.texts,
        text_encoder=read.text_encoder,
    )
    encoder = encoder_of(data, two_numbers)
    assert_allclose(encoder(["a"])[0], data.attributes[0], atol=1e-6)
