"""Data sets become folders and HDF5 files, and come back the same; features stay on disk."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
from feature_files import ROWS, assert_close, write_hdf5
from numpy.testing import assert_array_equal

from gsmflow_lite.datasets import check_data, from_folder, from_hdf5, load, save_folder, save_npz
from gsmflow_lite.errors import DataError, StorageError

pytestmark = pytest.mark.usefixtures("small_blocks")


@pytest.fixture
def full(outer):
    return replace(
        outer,
        class_names=[f"ä{k}" for k in range(12)],
        groups=np.arange(ROWS) % 40,
        declared_validation=[2],
        name="my birds",
        images=np.arange(ROWS * 4, dtype=np.uint8).reshape(ROWS, 2, 2),
    )


SAVED = (
    "labels",
    "attributes",
    "train",
    "test_seen",
    "test_unseen",
    "groups",
    "images",
    "declared_validation",
)


def assert_same_fields(back, full):
    for key in SAVED:
        assert_array_equal(getattr(back, key), getattr(full, key))
    assert back.class_names == full.class_names


def test_a_saved_folder_is_read_back_the_same(full, plain, tmp_path):
    back = load(save_folder(full.preprocessed("min-max"), tmp_path / "birds"))
    assert_same_fields(back, full)
    assert back.attribute_names == full.attribute_names
    assert back.name == full.name
    assert_close(back.features, plain)


def test_a_folder_may_be_saved_over_itself(full, plain, tmp_path):
    folder = save_folder(full, tmp_path / "birds")
    save_folder(load(folder), folder)
    back = load(folder)
    assert_close(back.features, plain)
    assert_array_equal(back.images, full.images)


def test_what_a_data_set_lacks_is_not_left_over_from_the_one_before(full, plain, tmp_path):
    save_folder(full, tmp_path / "birds")
    poorer = replace(full, groups=None, images=None, declared_validation=None)
    back = load(save_folder(poorer, tmp_path / "birds"))
    assert back.groups is None
    assert back.images is None
    assert back.declared_validation is None
    assert_close(back.features, plain)


def test_a_name_of_features_that_a_folder_lacks_is_refused(full, tmp_path):
    folder = save_folder(full, tmp_path / "birds")
    np.save(folder / "vit.npy", np.zeros((ROWS, 2)))
    for read in (load, check_data):
        with pytest.raises(
            DataError, match=r"must name a file of the folder \(.*vit\.npy\), got 'vti'"
        ):
            read(folder, features="vti")


def test_a_data_set_in_memory_is_saved_as_a_folder_too(inner, plain, tmp_path):
    assert_close(from_folder(save_folder(inner, tmp_path / "birds")).features, plain)


def test_a_folder_may_hold_several_feature_files(full, plain, tmp_path):
    save_folder(full, tmp_path / "birds")
    np.save(tmp_path / "birds" / "vit.npy", plain + 1)
    assert_close(load(tmp_path / "birds", features="vit").features, plain + 1)
    assert_close(load(tmp_path / "birds").features, plain)


def test_a_checked_folder_is_described(full, plain, tmp_path):
    text = check_data(save_folder(full, tmp_path / "birds"))
    assert "birds: a good folder of .npy files\n  features.npy, which stays on disk\n" in text
    assert f"features: 132 rows x 5, from {plain.min():.4g} to {plain.max():.4g}\n" in text
    assert "validation classes: 1 seen classes, declared" in text


@pytest.mark.parametrize("options", [{}, {"chunks": (8, 2), "compression": "gzip"}])
def test_an_hdf5_file_may_hold_all_of_a_data_set(options, full, plain, tmp_path):
    with h5py.File(tmp_path / "birds.h5", "w") as file:
        file.create_dataset("features", data=plain, **options)
        for key in SAVED:
            file[key] = getattr(full, key)
        file["class_names"] = list(full.class_names)
        file["unseen"] = full.unseen_classes
        file["name"] = "my birds"
    back = load(tmp_path / "birds.h5")
    assert_same_fields(back, full)
    assert back.name == "my birds"
    assert_close(back.features, plain)


def test_features_on_disk_are_not_packed_into_an_npz(outer, tmp_path):
    with pytest.raises(
        StorageError, match=r"features on disk .* are not packed into an .npz file.*use save_folder"
    ):
        save_npz(outer, tmp_path / "birds.npz")


@pytest.mark.parametrize("key", ["labels", "attributes", "unseen"])
def test_a_folder_that_lacks_an_array_names_it(key, full, tmp_path):
    save_folder(full, tmp_path)
    (tmp_path / f"{key}.npy").unlink()
    with pytest.raises(
        DataError,
        match=rf"a data set must hold '{key}', got .*\.npy: add what is missing with np.save",
    ):
        load(tmp_path)


def test_a_single_number_in_place_of_attributes_is_refused(full, plain, tmp_path):
    """Only a file of HDF5 has numbers without a dimension, beside names of classes."""
    with h5py.File(tmp_path / "birds.h5", "w") as file:
        file.create_dataset("features", data=plain)
        file["labels"] = full.labels
        file["attributes"] = 1.0
        file["unseen"] = full.unseen_classes
        file["class_names"] = list(full.class_names)
    with pytest.raises(DataError, match="attributes must be a matrix"):
        load(tmp_path / "birds.h5")


def test_an_hdf5_file_that_lacks_an_array_names_it(plain, tmp_path):
    with pytest.raises(
        DataError,
        match=r"some.h5: a data set must hold 'labels', 'attributes', 'unseen', got features",
    ):
        from_hdf5(write_hdf5(tmp_path, plain))


def test_labels_that_are_pickled_objects_are_refused(full, tmp_path):
    save_folder(full, tmp_path)
    np.save(tmp_path / "labels.npy", np.array([print] * ROWS, object), allow_pickle=True)
    with pytest.raises(
        DataError, match=r"labels.npy: the file must hold numbers or text, got object"
    ):
        load(tmp_path)


@pytest.mark.parametrize("key", ["class_names", "attribute_names", "groups", "images"])
@pytest.mark.parametrize("kind", ["folder", "HDF5"])
def test_an_empty_optional_array_costs_a_note(kind, key, full, plain, tmp_path):
    if kind == "folder":
        path = save_folder(full, tmp_path / "birds")
        np.save(path / f"{key}.npy", np.zeros((0, 2)))
    else:
        (tmp_path / "other").mkdir()
        path = write_hdf5(tmp_path / "other", plain)
        with h5py.File(path, "r+") as file:
            file["labels"], file["attributes"] = full.labels, full.attributes
            file["unseen"], file[key] = full.unseen_classes, np.zeros((0, 2))
    back = load(path)
    assert_close(back.features, plain)
    assert back.notes == (f"{key} is left out: it is empty",)
