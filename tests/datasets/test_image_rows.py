"""Images on disk stay there, whatever is done to the rows of a data set."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from gsmflow_lite.datasets import from_folder, from_npz, save_folder, save_npz
from gsmflow_lite.datasets.image_rows import ImageRows, images_of_rows
from gsmflow_lite.explorer.row_pictures import real_pictures
from gsmflow_lite.explorer.scene import Scene


@pytest.fixture
def numbered(make_dataset):
    """Data whose image of a row holds the number of the row."""
    d = make_dataset(rows=20)
    images = np.zeros((len(d.labels), 4, 5, 3), np.uint8)
    images[...] = np.arange(len(images))[:, None, None, None]
    return replace(d, images=images)


@pytest.fixture
def on_disk(numbered, tmp_path):
    return from_folder(save_folder(numbered, tmp_path / "data"))


def test_a_selection_of_a_selection_has_the_right_images(on_disk, numbered):
    some = np.array([9, 3, 70, 3])
    once = images_of_rows(on_disk.images, some)
    assert isinstance(once, ImageRows)
    assert (once.shape, once.dtype, once.ndim) == ((4, 4, 5, 3), np.uint8, 4)
    np.testing.assert_array_equal(once, numbered.images[some])
    twice = images_of_rows(once, np.array([2, 0]))
    np.testing.assert_array_equal(twice[1:], numbered.images[[9]])


def test_images_in_memory_are_arrays_as_before(numbered):
    assert isinstance(images_of_rows(numbered.images, np.array([1, 2])), np.ndarray)
    assert isinstance(numbered.validation_fold().images, np.ndarray)


@pytest.mark.parametrize("make", ["validation_fold", "with_seen"])
def test_a_part_of_the_data_has_the_images_of_its_rows(on_disk, numbered, make):
    one, other = (
        d.validation_fold() if make == "validation_fold" else d.with_seen(3)
        for d in (on_disk, numbered)
    )
    assert isinstance(one.images, ImageRows)
    np.testing.assert_array_equal(one.images, other.images)
    numbers = np.asarray(one.images)[:, 0, 0, 0]
    np.testing.assert_array_equal(np.asarray(one.features[:]), numbered.features[numbers])


def test_a_part_of_images_on_disk_can_be_saved(on_disk, tmp_path):
    part = on_disk.with_seen(3)
    folder = from_folder(save_folder(part, tmp_path / "part"))
    np.testing.assert_array_equal(folder.images, np.asarray(part.images))
    in_memory = replace(part, features=np.asarray(part.features[:]))
    again = from_npz(save_npz(in_memory, tmp_path / "part.npz"))
    np.testing.assert_array_equal(again.images, np.asarray(part.images))


def test_of_100000_images_only_those_that_are_shown_are_read(make_dataset, tmp_path):
    d = make_dataset(rows=17_000)
    folder = save_folder(d, tmp_path / "many")
    shape = (len(d.labels), 48, 48, 3)  # 705 MB; the file has holes, and takes no room
    np.lib.format.open_memmap(folder / "images.npy", mode="w+", dtype=np.uint8, shape=shape)
    tracemalloc.start()
    try:
        many = from_folder(folder)
        for one in (many, many.resplit(1), many.validation_fold(), many.with_seen(3)):
            scene = Scene.first(one)
            pictures = real_pictures(scene.dataset, scene.rows[:50])
            assert pictures.shape == (50, 48, 48, 3)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 150e6
