"""Files of the xlsa17 layout that are written come back the same, also by an independent reader."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.io
from benchmark_folders import small_world
from numpy.testing import assert_array_equal

from gsmflow_lite.datasets import from_arrays, load, save_xlsa17, xlsa17_writing
from gsmflow_lite.errors import StorageError

NAMES = ["ant", "red fox", "Élan d'Amérique", "大熊猫", "<b>bold</b> & co", "grizzly+bear", "g"]
ROWS = ("train", "test_seen", "test_unseen")


@pytest.fixture
def dataset(rng):
    world = small_world(rng)
    parts = (world["features"], world["labels"], world["attributes"])
    return from_arrays(*parts, unseen=[2, 5], class_names=NAMES, name="mine")


def by_hand(folder) -> dict:
    """Read a folder as published code does: scipy, squeezed, one taken from every number."""
    features = scipy.io.loadmat(folder / "res101.mat")
    table = scipy.io.loadmat(folder / "att_splits.mat")
    found = {"features": features["features"].T, "label": features["labels"].squeeze() - 1}
    found |= {key: table[key].squeeze() - 1 for key in table if key.endswith("_loc")}
    found["att"] = table["att"].T
    found["original_att"] = table["original_att"].T
    found["names"] = [cell[0][0] for cell in table["allclasses_names"]]
    return found


def test_what_is_written_comes_back_the_same(dataset, tmp_path):
    back = load(save_xlsa17(dataset, tmp_path / "mine"))
    for key in ("features", "labels", "attributes", *ROWS):
        assert_array_equal(getattr(back, key), getattr(dataset, key))
    assert back.class_names == tuple(NAMES)
    assert not back.notes


def test_an_independent_reader_finds_what_was_meant(dataset, tmp_path):
    found = by_hand(save_xlsa17(dataset, tmp_path))
    assert_array_equal(found["features"], dataset.features)
    assert_array_equal(found["label"], dataset.labels)
    assert_array_equal(found["att"], dataset.attributes)
    assert_array_equal(found["original_att"], dataset.attributes)
    assert found["names"] == NAMES
    published = ("trainval_loc", "test_seen_loc", "test_unseen_loc")
    for key, ours in zip(published, ROWS, strict=True):
        assert_array_equal(found[key], getattr(dataset, ours))


def test_the_training_rows_are_divided_by_class_for_validation(dataset, tmp_path):
    found = by_hand(save_xlsa17(dataset, tmp_path))
    train, held = (set(dataset.labels[found[key]]) for key in ("train_loc", "val_loc"))
    assert train
    assert held
    assert not train & held
    assert_array_equal(np.sort(np.r_[found["train_loc"], found["val_loc"]]), dataset.train)
    fold = dataset.validation_fold()
    assert {NAMES[k] for k in held} == {fold.class_names[k] for k in fold.unseen_classes}


def test_declared_validation_classes_are_kept(dataset, tmp_path):
    declared = replace(dataset, declared_validation=[1, 4])
    found = by_hand(save_xlsa17(declared, tmp_path))
    assert set(dataset.labels[found["val_loc"]]) == {1, 4}
    assert load(tmp_path).declared_validation.tolist() == [1, 4]


def test_too_few_classes_for_a_fold_are_written_without_one(make_dataset, tmp_path):
    few = make_dataset(seen=2)
    back = load(save_xlsa17(few, tmp_path))
    assert back.declared_validation is None
    assert_array_equal(back.train, few.train)


def test_features_are_written_as_they_were_before_preprocessing(dataset, tmp_path):
    back = load(save_xlsa17(dataset.preprocessed("min-max"), tmp_path))
    assert_array_equal(back.features, dataset.features)


def test_features_on_disk_are_written_too(dataset, tmp_path):
    np.save(tmp_path / "x.npy", dataset.features)
    on_disk = from_arrays(
        tmp_path / "x.npy", dataset.labels, dataset.attributes, unseen=[2, 5], class_names=NAMES
    )
    back = load(save_xlsa17(on_disk, tmp_path / "mine"))
    assert_array_equal(back.features, dataset.features)


def test_more_than_the_format_holds_is_refused(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(xlsa17_writing, "MOST_BYTES", dataset.features.nbytes - 1)
    with pytest.raises(StorageError, match=r"at most 2 GB .*got 70 rows x 4: use save_folder"):
        save_xlsa17(dataset, tmp_path)


def test_a_failed_writing_leaves_the_older_file(dataset, tmp_path, monkeypatch):
    save_xlsa17(dataset, tmp_path)
    before = (tmp_path / "res101.mat").read_bytes()

    def full(file, content, **options):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scipy.io, "savemat", full)
    with pytest.raises(StorageError, match="No space left"):
        save_xlsa17(dataset, tmp_path)
    assert (tmp_path / "res101.mat").read_bytes() == before
