"""The check takes what load takes, says what is there, and what looks strange."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
from benchmark_folders import xlsa17
from numpy.testing import assert_array_equal

from gsmflow_lite.datasets import check_data, glyphs, load, save_folder, save_npz
from gsmflow_lite.errors import DataError

HELD = (
    "features: 60 rows x 3, from ",
    "classes: 4 seen, 2 unseen, each with 5 attributes",
    "splits: train 32, test_seen 8, test_unseen 20",
    "validation classes: 1 seen classes, declared",
)


def as_hdf5(dataset, folder):
    with h5py.File(folder / "mine.h5", "w") as file:
        for key in ("features", "labels", "attributes", "train", "test_seen", "test_unseen"):
            file[key] = getattr(dataset, key)
        file["unseen"] = dataset.unseen_classes
        file["declared_validation"] = dataset.declared_validation
    return folder / "mine.h5"


PLACES = {
    "a good .npz file": lambda d, folder: save_npz(d, folder / "mine.npz"),
    "a good HDF5 file": as_hdf5,
    "a good folder of .npy files": lambda d, folder: save_folder(d, folder / "mine"),
}


@pytest.mark.parametrize("what", PLACES)
def test_data_of_every_kind_are_described(what, full, tmp_path):
    path = PLACES[what](full, tmp_path)
    text = check_data(path)
    assert text.startswith(f"{path}: {what}\n")
    for line in HELD:
        assert f"\n  {line}" in text
    assert ("which stays on disk" in text) == ("npz" not in what)
    assert "note" not in text


def test_an_embedded_data_set_is_described():
    text = check_data("gaussian_world_2d")
    assert text.startswith("gaussian_world_2d: an embedded data set\n  features: ")


def test_what_was_left_out_is_noted(full, tmp_path):
    path = save_npz(full, tmp_path / "mine.npz")
    with np.load(path) as file:
        np.savez(path, **{**file, "groups": np.zeros(0)})
    assert "\n  note: groups is left out: it is empty" in check_data(path)


def test_a_folder_with_another_file_of_splits_is_checked(tmp_path, world):
    xlsa17(tmp_path, world)
    (tmp_path / "att_splits.mat").rename(tmp_path / "sent_splits.mat")
    text = check_data(tmp_path, splits="sent_splits.mat")
    assert "sent_splits.mat (MATLAB 5): att, original_att, trainval_loc" in text


@pytest.mark.parametrize("name", ["glyps", "nowhere.npz", "nowhere"])
def test_what_load_refuses_the_check_refuses_in_the_same_words(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = []
    for read in (load, check_data):
        with pytest.raises(DataError) as caught:
            read(name)
        words.append(str(caught.value))
    assert words[0] == words[1]
    assert "a folder with .mat files is needed" not in words[0]


def test_descriptions_in_another_order_are_noted(tmp_path):
    letters = glyphs()
    few = replace(letters, decode=None, images=None, made_from=None)
    order = np.random.default_rng(0).permutation(len(letters.attributes))
    paths = {}
    for name, table in (("right", few.attributes), ("wrong", few.attributes[order])):
        paths[name] = save_npz(replace(few, attributes=table), tmp_path / name)
    assert "note" not in check_data(paths["right"])
    assert "note: descriptions explain nothing of where classes lie" in check_data(paths["wrong"])


@pytest.mark.parametrize(
    ("shape", "noted"),
    [((4, 4), False), ((4, 4, 3), False), ((1, 4, 4), False), ((4, 4, 2), True)],
)
def test_images_that_no_picture_is_shown_of_are_noted(shape, noted, full, tmp_path):
    images = np.zeros((len(full.labels), *shape), np.uint8)
    path = save_npz(replace(full, images=images), tmp_path / "mine")
    note = f"images of shape {images.shape} are kept, but no picture of them is shown"
    assert (note in check_data(path)) == noted


@pytest.mark.parametrize(
    ("key", "note"),
    [
        ("features", "the features of all rows are equal"),
        ("attributes", "the descriptions of all classes are equal"),
    ],
)
def test_what_is_equal_everywhere_is_noted(key, note, full, tmp_path):
    equal = np.tile(getattr(full, key)[:1], (len(getattr(full, key)), 1))
    for one_differs in (False, True):
        equal[-1, -1] += one_differs
        path = save_npz(replace(full, **{key: equal}), tmp_path / "mine")
        assert (f"note: {note}" in check_data(path)) != one_differs


@pytest.mark.parametrize(
    ("name", "noted"), [("FLO_lite0", True), ("FLO", True), ("flowers", False)]
)
def test_only_the_name_of_a_benchmark_is_compared_with_what_was_published(
    name, noted, tmp_path, world
):
    (tmp_path / name).mkdir()
    assert ("FLO as published" in check_data(xlsa17(tmp_path / name, world))) == noted
    assert_array_equal(load(tmp_path / name).labels, world["labels"])
