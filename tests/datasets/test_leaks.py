"""Columns that give the answer away are refused by name; features that only look so are not."""

import io

import numpy as np
import pandas as pd
import pytest

from gsmflow_lite.datasets import from_arrays, from_dataframe, glyphs
from gsmflow_lite.datasets.leaks import check_leaks, leak_note
from gsmflow_lite.errors import DataError

NAMES = ["ant", "bee", "cat", "dog"]


def beside(features, column):
    return np.column_stack([features[:, :1], column, features[:, 1:]])


@pytest.mark.parametrize("start", [0, 1, 100])
@pytest.mark.parametrize("shuffled", [False, True])
def test_a_column_of_row_numbers_is_refused(start, shuffled, parts, rng):
    features, labels, attributes = parts
    numbers = start + np.arange(80)
    if shuffled:
        numbers = rng.permutation(numbers)
    with pytest.raises(DataError, match="must not hold row numbers, but column 1 does"):
        from_arrays(beside(features, numbers), labels, attributes, unseen=[3])


def test_the_row_numbers_of_a_csv_are_called_by_the_name_of_their_column(parts):
    features, labels, attributes = parts
    frame = pd.DataFrame(features, columns=list("abc")).assign(kind=[NAMES[k] for k in labels])
    again = pd.read_csv(io.StringIO(frame.to_csv()))
    table = pd.DataFrame(attributes, index=NAMES)
    with pytest.raises(DataError, match="but column 'Unnamed: 0' does"):
        from_dataframe(again, label="kind", attributes=table, unseen=["dog"])
    without = again.drop(columns="Unnamed: 0")
    assert from_dataframe(without, label="kind", attributes=table, unseen=["dog"])


@pytest.mark.parametrize("value", [lambda k: k, lambda k: 0.3 * k - 1, lambda k: (k - 1.5) ** 3])
def test_a_column_that_says_the_class_is_refused(value, parts):
    features, labels, attributes = parts
    with pytest.raises(DataError, match="must not hold the class itself, but column 1 has"):
        from_arrays(beside(features, value(labels)), labels, attributes, unseen=[3])


@pytest.mark.parametrize(
    "column",
    [
        lambda labels, rng: np.zeros(80),  # says nothing
        lambda labels, rng: labels // 2,  # two classes have one value
        lambda labels, rng: np.where(np.arange(80) == 70, 9, labels),  # not for one row
        lambda labels, rng: labels + 1e-4 * rng.random(80),  # a good feature, but a measured one
        lambda labels, rng: np.arange(80) * 2.0,
        lambda labels, rng: np.r_[np.arange(79), 200],
    ],
)
def test_a_column_that_does_not_quite_say_it_is_taken(column, parts, rng):
    features, labels, attributes = parts
    from_arrays(beside(features, column(labels, rng)), labels, attributes, unseen=[3])


def test_features_without_any_noise_are_taken(parts):
    _, labels, attributes = parts
    from_arrays(attributes[labels], labels, attributes, unseen=[3])


def test_few_rows_and_two_classes_say_nothing(rng):
    check_leaks(np.arange(6.0)[:, None], np.arange(6), (), "")
    binary = np.column_stack([np.repeat([0, 1], 6), rng.random(12)])
    check_leaks(binary, np.repeat([0, 1], 6), (), "")


def test_every_row_is_looked_at(rng):
    """The pairs that are compared first may all agree."""
    labels = np.repeat(np.arange(3), 1000)
    column = labels.astype(float)
    column[1501] += 0.5
    check_leaks(np.column_stack([column, rng.random(3000)]), labels, (), "")


@pytest.mark.parametrize(
    "column",
    [
        lambda labels, rng: labels + 0.9 * rng.random(80),
        lambda labels, rng: 3.0 - labels + 0.01 * rng.random(80),
    ],
)
def test_a_column_that_separates_all_classes_is_noted(column, parts, rng):
    features, labels, attributes = parts
    assert not leak_note(from_arrays(features, labels, attributes, unseen=[3]))
    told = from_arrays(beside(features, column(labels, rng)), labels, attributes, unseen=[3])
    assert "column 1 of the features alone tells all classes apart (1 such" in leak_note(told)


def test_a_column_that_separates_all_classes_but_two_is_not_noted(parts, rng):
    features, labels, attributes = parts
    column = np.minimum(labels, 2) + 0.5 * rng.random(80)
    data = from_arrays(beside(features, column), labels, attributes, unseen=[3])
    assert not leak_note(data)


@pytest.mark.parametrize("what", ["one-hot labels", "attributes", "a column of two values"])
def test_columns_with_one_value_within_each_class_are_noted(what, parts):
    features, labels, attributes = parts
    told = {
        "one-hot labels": np.eye(4)[labels],
        "attributes": np.array([[0, 2, 1], [0, 2, 5], [3, 3, 1], [3, 4, 1]])[labels],
        "a column of two values": labels[:, None] % 2,
    }[what]
    data = from_arrays(np.hstack([features, told]), labels, attributes, unseen=[3])
    varying = (np.ptp(told, axis=0) > 0).sum()
    assert f"{varying} columns of the features have one value within each class" in leak_note(data)


def test_a_column_that_is_constant_in_all_classes_of_two_rows_says_nothing(rng):
    """A rarely active feature may be 0 but in the only row of one class."""
    labels = np.repeat([0, 1, 2, 3, 4], [8, 8, 8, 8, 1])
    rare = (labels == 4).astype(float)
    features = np.column_stack([rng.normal(size=(33, 2)), rare, np.ones(33)])
    data = from_arrays(features, labels, np.eye(5), unseen=[4])
    assert not leak_note(data)


def test_row_numbers_on_disk_are_noted(parts, tmp_path):
    features, labels, attributes = parts
    np.save(tmp_path / "x.npy", beside(features, 7 + np.arange(80)))
    data = from_arrays(tmp_path / "x.npy", labels, attributes, unseen=[3])
    assert "column 1 of the features" in leak_note(data)


def test_letters_have_no_such_column():
    assert not leak_note(glyphs())


@pytest.mark.parametrize(
    "some", [lambda f: f.drop(index=5), lambda f: f.sample(frac=0.7, random_state=0)]
)
def test_row_numbers_of_a_csv_are_known_by_their_name_if_some_are_missing(some, parts):
    features, labels, attributes = parts
    frame = pd.DataFrame(features, columns=list("abc")).assign(kind=[NAMES[k] for k in labels])
    again = some(pd.read_csv(io.StringIO(frame.to_csv())))
    table = pd.DataFrame(attributes, index=NAMES)
    with pytest.raises(DataError, match="but column 'Unnamed: 0' does"):
        from_dataframe(again, label="kind", attributes=table, unseen=["dog"])


def test_a_column_that_separates_all_classes_stands_in_the_notes(parts, rng):
    features, labels, attributes = parts
    told = beside(features, labels + 0.9 * rng.random(80))
    (note,) = from_arrays(told, labels, attributes, unseen=[3]).notes
    assert "column 1 of the features alone tells all classes apart" in note
