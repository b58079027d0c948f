"""Folders of the xlsa17 layout are read in every published variant, or refused."""

import re
import struct
import tracemalloc

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse
from benchmark_folders import CLASSES, SEEN, assert_same, xlsa17
from mat_files import EITHER_FORMAT, EVERY_FORMAT, cell, one_up, save_compressed, save_mat73
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
    "fewer attributes than classes": (
        lambda w: {"att": w["attributes"].T[:, 1:]},
        r"labels must be from 1 to 6 .*got 1 to 7",
    ),
    "attributes transposed": (
        lambda w: {"att": w["attributes"]},
        r"att_splits.mat: att must have one column per class, \(A, K\), got \(7, 3\) .*transposed",
    ),
    "a zero attribute vector": (
        lambda w: {"att": w["attributes"].T * (np.arange(7) != 2)},
        r"attributes of class 2 are",
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


# --- what may be missing or strange --------------------------------------------------------------


STRANGE = {
    "empty val_loc": ({"val_loc": np.zeros((0, 0))}, "val_loc is left out, .*: it is empty"),
    "empty train_loc": ({"train_loc": np.zeros((0, 1))}, "train_loc is left out, .*: it is empty"),
    "text as val_loc": ({"val_loc": cell("ab")}, "val_loc is left out, .*got text"),
    "a NaN in val_loc": ({"val_loc": np.array([[np.nan]])}, "val_loc is left out, .*got nan"),
    "sparse val_loc": (
        {"val_loc": scipy.sparse.csc_matrix(np.ones((3, 1)))},
        "'val_loc' is left out: .* is a sparse matrix",
    ),
    "complex val_loc": ({"val_loc": np.array([[1j]])}, "'val_loc' is left out: .*complex"),
    "numbers as names": (
        {"allclasses_names": np.ones((7, 1))},
        r"allclasses_names is left out: it is numbers \(7, 1\)",
    ),
    "too few names": ({"allclasses_names": cell("abc")}, "it has 3 names for 7 columns of att"),
    "no names": ({"allclasses_names": np.zeros((0, 0))}, "allclasses_names is left out: it is em"),
    "names in a struct": (
        {"allclasses_names": {"x": 1}},
        "'allclasses_names' is left out: .*struct",
    ),
    "names of numbers in cells": (
        {"allclasses_names": np.array([[1.0]] * 7, object)},
        "'allclasses_names' is left out: .*cells must hold text",
    ),
}


@pytest.mark.parametrize("case", STRANGE)
def test_an_optional_array_that_cannot_be_used_costs_a_note_and_not_the_folder(
    case, tmp_path, world
):
    changes, words = STRANGE[case]
    d = load_folder(xlsa17(tmp_path, world, **changes))
    assert_same(d, world)
    assert len(d.notes) == 1
    assert re.search(words, d.notes[0])
    if "names" in words:
        assert d.class_names[3] == "class 3"
    else:
        assert d.declared_validation is None


def string_array(name: str) -> bytes:
    """A string array as MATLAB writes it since 2017: an object whose content lies elsewhere."""

    def element(kind: int, content: bytes) -> bytes:
        return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)

    flags = element(6, struct.pack("<II", 13, 0)) + element(5, struct.pack("<2i", 6, 1))
    numbers = np.array([0xDD000000, 2, 1, 1, 1, 1], "u4").tobytes()
    inner = element(14, flags + element(1, b"") + element(6, numbers))
    head = element(6, struct.pack("<II", 17, 0)) + element(1, name.encode())
    return element(14, head + element(1, b"MCOS") + element(1, b"string") + inner)


def test_names_in_a_string_array_of_matlab_cost_a_note(tmp_path, world):
    xlsa17(tmp_path, world, drop=("allclasses_names",))
    with open(tmp_path / "att_splits.mat", "ab") as file:
        file.write(string_array("allclasses_names"))
    d = load_folder(tmp_path)
    assert_same(d, world)
    assert re.search("'allclasses_names' is left out: .*perhaps a string array", d.notes[0])


def test_names_in_a_string_array_of_matlab_73_cost_a_note(tmp_path, world):
    xlsa17(tmp_path, world, save=save_mat73)
    with h5py.File(tmp_path / "att_splits.mat", "r+") as file:
        del file["allclasses_names"]
        entry = file.create_dataset("allclasses_names", data=np.ones((6, 1), np.uint32))
        entry.attrs["MATLAB_class"] = np.bytes_("string")
    d = load_folder(tmp_path)
    assert re.search("'allclasses_names' is left out: .*perhaps a string array", d.notes[0])


def test_a_single_number_in_place_of_names_costs_a_note(tmp_path, world):
    """Only HDF5 has arrays without a dimension, which have no length."""
    xlsa17(tmp_path, world, save=save_mat73)
    with h5py.File(tmp_path / "att_splits.mat", "r+") as file:
        del file["allclasses_names"]
        file["allclasses_names"] = 1.0
    d = load_folder(tmp_path)
    assert_same(d, world)
    assert list(d.notes) == ["allclasses_names is left out: it is numbers () in place of text"]


def test_a_damaged_optional_array_is_refused(tmp_path, world):
    """It tells of a damaged file."""
    xlsa17(tmp_path, world, save=save_compressed)
    path = tmp_path / "att_splits.mat"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="must be readable to its end"):
        load_folder(tmp_path)


def test_a_good_folder_has_no_notes(tmp_path, world):
    assert tuple(load_folder(xlsa17(tmp_path, world)).notes) == ()


def test_classes_without_images_are_left_out_of_a_table_with_a_note(tmp_path, world):
    """Two classes are described beside those of the world, one of them in the middle."""
    att = np.insert(world["attributes"].T, [2, 7], 9, axis=1)
    labels = world["labels"] + (world["labels"] >= 2)
    names = cell(["a", "b", "without", "c", "d", "e", "f", "g", "also"])
    xlsa17(tmp_path, world, att=att, labels=one_up(labels), allclasses_names=names)
    d = load_folder(tmp_path)
    assert_same(d, world)
    assert d.class_names == tuple("abcdefg")
    assert_array_equal(d.declared_validation, SEEN[:2])
    assert d.notes[0].startswith("2 of 9 classes are described but have no rows in the splits")
    assert "'without', 'also'" in d.notes[0]


def test_other_files_of_features_and_splits_may_be_named(tmp_path, world):
    xlsa17(tmp_path, world)
    (tmp_path / "att_splits.mat").rename(tmp_path / "sent_splits.mat")
    assert_same(load_folder(tmp_path, splits="sent_splits.mat"), world)
    assert_same(load_folder(tmp_path, splits="sent_splits"), world)


def test_capitals_in_names_of_files_are_as_good_as_small_letters(tmp_path, world):
    xlsa17(tmp_path, world)
    (tmp_path / "att_splits.mat").rename(tmp_path / "ATT_splits.MAT")
    (tmp_path / "res101.mat").rename(tmp_path / "Res101.Mat")
    assert_same(load_folder(tmp_path), world)


def test_where_only_other_splits_are_there_they_are_suggested(tmp_path, world):
    xlsa17(tmp_path, world)
    (tmp_path / "att_splits.mat").rename(tmp_path / "sent_splits.mat")
    words = r"att_splits.mat is missing.*--splits sent_splits.mat \(in Python splits='sent_spl"
    with pytest.raises(DataError, match=words):
        load_folder(tmp_path)


def test_where_both_files_have_other_names_both_are_suggested(tmp_path, world):
    xlsa17(tmp_path, world, file="vit")
    (tmp_path / "att_splits.mat").rename(tmp_path / "sent_splits.mat")
    words = "att_splits.mat is missing.*--splits sent_splits.mat.*and use --features vit"
    with pytest.raises(DataError, match=words):
        load_folder(tmp_path)
