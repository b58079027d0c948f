"""Columns of attributes: brought to one range, and noted where one is far wider than most."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.preprocessing import minmax_scale

from gsmflow_lite.datasets import available, check_data, from_arrays, gaussian_world, load, save_npz
from gsmflow_lite.datasets.column_ranges import range_note, to_one_range
from gsmflow_lite.datasets.formats.mat import read_mat


def test_columns_are_scaled_as_scikit_learn_does_it(rng):
    table = rng.normal(size=(9, 5)) * [1, 500, 0.01, 3, 0] + [0, 1990, 0, -7, 4]
    expected = minmax_scale(table)
    np.testing.assert_allclose(to_one_range(table), expected, atol=1e-12)
    assert to_one_range(table.astype(np.float32)).dtype == np.float32


def test_no_class_is_left_without_a_description():
    table = np.array([[0, 1, 2], [1, 6, 3], [1, 3, 2.5]])
    np.testing.assert_allclose(to_one_range(table), table / [1, 6, 3])
    empty = np.array([[0.0, 0.0], [1.0, 4.0]])  # was empty before: the data set says so
    np.testing.assert_allclose(to_one_range(empty), [[0, 0], [1, 1]])


def with_column(dataset, factor):
    """The same data, whose last attribute is multiplied."""
    table = dataset.attributes.copy()
    table[:, -1] *= factor * np.ptp(table[:, :-1]) / np.ptp(table[:, -1])
    return replace(dataset, attributes=table, made_from=None)


def test_one_wide_column_is_noted_by_its_name_wherever_notes_go(tmp_path):
    plain = gaussian_world(6, seen=12, unseen=4, attributes=5).dataset
    wide = with_column(plain, 30)
    note = range_note(wide)
    assert note.startswith(
        f"1 column varies more than 10 times as far as most ('{wide.attribute_names[4]}' "
    )
    assert note.endswith("scale the columns to one range")
    assert range_note(plain) == range_note(with_column(plain, 5)) == ""
    path = save_npz(wide, tmp_path / "wide.npz")
    assert check_data(path).count(f"note: {note}") == 1
    parts = (wide.features, wide.labels, wide.attributes)
    assert note in from_arrays(*parts, unseen=wide.unseen_classes).notes
    texts = [["some text"]] * len(wide.attributes)
    assert range_note(replace(wide, texts=texts)) == ""


def test_of_two_columns_the_wide_one_is_noted():
    two = gaussian_world(6, seen=12, unseen=4, attributes=2).dataset
    assert range_note(with_column(two, 30)) != ""
    assert range_note(replace(two, attributes=np.ones_like(two.attributes), made_from=None)) == ""


@pytest.mark.parametrize("name", available())
def test_no_embedded_data_set_is_noted(name):
    assert range_note(load(name)) == ""


@pytest.mark.parametrize("folder", ["AWA2_attributes", "FLO_lite0"])
def test_no_benchmark_is_noted(folder, shared_data):
    path = shared_data / folder / "att_splits.mat"
    if not path.is_file():
        pytest.skip(f"no {path}")
    arrays = read_mat(path)
    for key in ("att", "original_att"):
        if key in arrays:
            table = arrays[key].T
            d = gaussian_world(6, seen=len(table) - 4, unseen=4, attributes=5, samples=4).dataset
            given = replace(d, attributes=table, attribute_names=(), made_from=None)
            assert range_note(given) == ""
