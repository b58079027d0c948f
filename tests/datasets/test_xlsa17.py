"""Folders of the xlsa17 layout are read in every published variant, or refused."""

import tracemalloc

import numpy as np
import pytest
import scipy.io
import scipy.sparse
from benchmark_folders import CLASSES, SEEN, assert_same, xlsa17
from mat_files import EITHER_FORMAT, EVERY_FORMAT, cell, one_up
from numpy.testing import assert_array_equal

from gsmflow_lite.datasets import load_folder
from gsmflow_lite.errors import DataError


@EVERY_FORMAT
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float64])
@pytest.mark.parametrize("shape", [(-1, 1), (1, -1)], ids=["column", "row"])
def test_xlsa17_is_read_in_every_number_type_shape_and_format(save, kind, shape, tmp_path, world):
    assert_same(load_folder(xlsa17(tmp_path, world, save=save, kind=kind, shape=shape)), world)


@EITHER_FORMAT
def test_xlsa17_class_names_are_read(save, tmp_path, world):
    d = load_folder(xlsa17(tmp_path, world, save=save))
    assert d.class_names == tuple(f"class+{k}" for k in range(CLASSES))


@EVERY_FORMAT
def test_features_beyond_single_precision_are_refused(save, tmp_path, world):
    features = world["features"].T.astype(np.float64)
    features[2, 7] = 1e200
    xlsa17(tmp_path, world, save=save, features=features)
    with pytest.raises(
        DataError,
        match=r"res101.mat with att_splits.mat: features must be finite .* in row 7, column 2",
    ):
        load_folder(tmp_path)


@EVERY_FORMAT
def test_loading_takes_little_more_memory_than_the_features_do(save, tmp_path, world):
    """They are stored in double precision, so reading them whole would take twice as much."""
    features = np.repeat(world["features"].T, 20_000, axis=0)
    xlsa17(tmp_path, world, save=save, features=features.astype(np.float64))
    tracemalloc.start()
    loaded = load_folder(tmp_path).features
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert loaded.shape == (70, 80_000)
    assert most < 1.5 * loaded.nbytes


def test_xlsa17_without_any_optional_key_is_read(tmp_path, world):
    drop = ("train_loc", "val_loc", "allclasses_names", "original_att", "image_files")
    d = load_folder(xlsa17(tmp_path, world, drop=drop))
    assert_same(d, world)
    assert d.declared_validation is None
    assert d.class_names[3] == "class 3"


def test_val_loc_declares_its_classes_and_gives_no_rows(tmp_path, world):
    d = load_folder(xlsa17(tmp_path, world))
    assert_array_equal(d.validation_classes, SEEN[:2])
    assert not np.isin(d.validation, d.test_seen).any()


@pytest.mark.parametrize(
    "classes",
    [[0, 1], [0, 2, 3, 5], [0, 3]],
    ids=["one is unseen", "one is left", "not all of a class"],
)
def test_val_loc_declares_nothing_where_it_is_no_clean_cut_of_seen_classes(
    classes, tmp_path, world
):
    of = [np.flatnonzero(world["labels"] == k) for k in range(CLASSES)]
    rest = [of[k] for k in SEEN if k not in classes]
    if classes == [0, 3]:
        rest.append(of[3][:1])
    folder = xlsa17(
        tmp_path,
        world,
        val_loc=one_up(np.concatenate([of[k] for k in classes])),
        train_loc=one_up(np.concatenate(rest)),
    )
    assert load_folder(folder).declared_validation is None


def test_the_feature_file_may_have_any_name_with_or_without_its_ending(tmp_path, world):
    xlsa17(tmp_path, world, file="vit")
    assert_same(load_folder(tmp_path, "vit"), world)
    assert_same(load_folder(tmp_path, "vit.mat"), world)


BAD_XLSA17 = {
    "features transposed": (
        lambda w: {"features": w["features"]},
        r"res101.mat: features must be stored as \(D, N\).*got \(70, 4\) with 70 labels: "
        r"they are transposed",
    ),
    "features of other images": (
        lambda w: {"features": w["features"].T[:, 1:]},
        r"res101.mat: features must have one column per label \(70\), got shape \(4, 69\)",
    ),
    "labels from 0": (
        lambda w: {"labels": w["labels"][:, None]},
        r"res101.mat: labels must be from 1 to 7 .*got 0 to 6: they are 0-based, so add 1",
    ),
    "labels out of range": (
        lambda w: {"labels": w["labels"][:, None] + 2},
        r"res101.mat: labels must be from 1 to 7 \(classes in att_splits.mat's att\), got 2 to 8",
    ),
    "labels that single precision cannot tell from others": (
        lambda w: {"labels": np.full((70, 1), 2.0**24 + 1)},
        r"labels must be from 1 to 7 .*got 16777217",
    ),
    "fractional labels": (
        lambda w: {"labels": w["labels"][:, None] + 1.5},
        r"res101.mat: labels must hold whole numbers, got",
    ),
    "NaN labels": (
        lambda w: {"labels": np.full((70, 1), np.nan)},
        r"labels must hold whole numbers, got nan in place 1",
    ),
    "labels as a table": (
        lambda w: {"labels": np.ones((70, 2))},
        r"labels must be one column .*got shape \(70, 2\)",
    ),
    "rows from 0": (
        lambda w: {"test_seen_loc": np.append(0, w["test_seen"])[:, None]},
        r"att_splits.mat: test_seen_loc must be from 1 to 70 .*0-based, so add 1",
    ),
    "rows out of range": (
        lambda w: {"trainval_loc": one_up(w["train"] + 9)},
        r"att_splits.mat: trainval_loc must be from 1 to 70 \(rows in res101.mat\), "
        r"got .*belong together",
    ),
    "val_loc out of range": (
        lambda w: {"val_loc": one_up([70])},
        r"att_splits.mat: val_loc must be from 1 to 70",
    ),
    "NaN features": (
        lambda w: {"features": w["features"].T * np.nan},
        r"res101.mat with att_splits.mat: features must",
    ),
    "an unseen class in train": (
        lambda w: {
            "trainval_loc": one_up(np.append(w["train"], w["test_unseen"][:1])),
            "test_unseen_loc": one_up(w["test_unseen"][1:]),
        },
        r"an unseen class must have no training rows, but class \d \('class\+\d'\) has 1",
    ),
    "overlapping splits": (
        lambda w: {"test_seen_loc": one_up(np.append(w["test_seen"], w["train"][:1]))},
        r"train and test_seen must not share rows",
    ),
    "a class without images": (
        lambda w: {
            "att": np.hstack([w["attributes"].T, np.ones((3, 1))]),
            "allclasses_names": cell("abcdefgh"),
        },
        r"every class needs samples, but class 7 \('h'\) has none in any split",
    ),
    "fewer attributes than classes": (
        lambda w: {"att": w["attributes"].T[:, 1:]},
        r"labels must be from 1 to 6 .*got 1 to 7",
    ),
    "attributes transposed": (
        lambda w: {"att": w["attributes"]},
        r"labels must be from 1 to 3 .*got 1 to 7",
    ),
    "a zero attribute vector": (
        lambda w: {"att": w["attributes"].T * (np.arange(7) != 2)},
        r"attributes of class 2 are",
    ),
    "too few names": (
        lambda w: {"allclasses_names": cell("abc")},
        r"one name per column of att \(7\), got 3",
    ),
    "names that are numbers": (
        lambda w: {"allclasses_names": np.ones((7, 1))},
        r"allclasses_names must be a cell",
    ),
    "attributes that are text": (
        lambda w: {"att": cell("abc")},
        r"att_splits.mat: att must be a matrix of numbers, got text",
    ),
    "sparse features": (
        lambda w: {"features": scipy.sparse.csc_matrix(w["features"].T)},
        r"res101.mat: 'features' is a sparse matrix: save it as a full array",
    ),
    "complex features": (
        lambda w: {"features": w["features"].T + 1j},
        r"'features' must hold real numbers, got complex",
    ),
    "features in a struct": (
        lambda w: {"features": {"x": w["features"]}},
        r"'features' is a struct",
    ),
    "features in cells": (
        lambda w: {"features": np.array([[w["features"]]], object)},
        r"res101.mat: .*cells must hold",
    ),
}


@pytest.mark.parametrize("case", BAD_XLSA17)
def test_a_bad_xlsa17_folder_is_refused_with_file_rule_and_value(case, tmp_path, world):
    changes, words = BAD_XLSA17[case]
    xlsa17(tmp_path, world, **changes(world))
    with pytest.raises(DataError, match=words):
        load_folder(tmp_path)


@EITHER_FORMAT
@pytest.mark.parametrize(
    ("key", "file"),
    [
        ("features", "res101"),
        ("labels", "res101"),
        ("att", "att_splits"),
        ("test_unseen_loc", "att_splits"),
    ],
)
def test_a_missing_key_is_named_with_those_that_are_there(save, key, file, tmp_path, world):
    xlsa17(tmp_path, world, save=save, drop=(key,))
    with pytest.raises(
        DataError, match=rf"{file}.mat: the file must hold '{key}', got '\w+', '\w+'"
    ):
        load_folder(tmp_path)
