"""The embedded letters and digits: splits, pictures, attributes, and a damaged file."""

import importlib

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from gsmflow_lite.datasets import glyphs, load, typefaces
from gsmflow_lite.errors import DataError

module = importlib.import_module(
    "gsmflow_lite.datasets.glyphs"
)  # the package's own `glyphs` is the function


@pytest.fixture
def content(rng):
    """A small file of the same layout: 8 faces of 4 families, 5 classes."""
    return {
        "images": rng.integers(0, 256, (8, 5, 28, 28), dtype=np.uint8),
        "faces": np.array([f"face {k}" for k in range(8)]),
        "families": np.array([0, 0, 1, 1, 2, 2, 7, 7]),
        "test_faces": np.array([0, 0, 0, 0, 0, 0, 1, 1], bool),
        "class_names": np.array(list("01ABC")),
        "attributes": rng.random((5, 4)),
        "attribute_names": np.array(["stem", "bar", "bowl", "tail"]),
        "unseen": np.array([3]),
    }


@pytest.fixture
def write(content, tmp_path, monkeypatch):
    """Put a file with these changes in the place of the embedded one."""

    def put(**changes):
        np.savez(
            tmp_path / "glyphs.npz",
            **{k: v for k, v in (content | changes).items() if v is not None},
        )
        monkeypatch.setattr(module, "embedded", lambda name, script: tmp_path / name)

    return put


def test_each_row_is_one_face_of_one_class(write, content):
    write()
    d = glyphs(None)
    row = 2 * 5 + 4
    picture = content["images"][2, 4]
    assert_array_equal(d.images[row], picture)
    assert_allclose(d.features[row], picture.ravel() / 255, rtol=1e-6)
    assert d.labels[row] == 4
    assert d.groups[row] == 1


def test_unseen_classes_and_test_faces_are_held_out_whole(write):
    write()
    d = glyphs(None)
    face = np.arange(40) // 5
    assert set(d.unseen_classes) == {3}
    assert_array_equal(np.unique(face[d.train]), np.arange(6))
    assert_array_equal(np.unique(face[d.test_seen]), [6, 7])
    assert_array_equal(np.unique(face[d.test_unseen]), np.arange(8))


def test_pixels_decode_to_their_pictures(write):
    write()
    d = glyphs(None)
    assert_allclose(d.decode(d.features) * 255, d.images, atol=1e-3)


def test_components_decode_to_the_projection_on_them(write):
    write()
    d = glyphs(3)
    raw = glyphs(None)
    train = raw.features[raw.train].astype(np.float64)
    mean = train.mean(0)
    axes = np.linalg.svd(train - mean, full_matrices=False)[2][:3]
    expected = (raw.features - mean) @ axes.T @ axes + mean
    assert_allclose(d.decode(d.features).reshape(40, -1), expected, atol=1e-4)


BAD = {
    "a missing key": ({"unseen": None}, r"glyphs.npz: the file must hold 'unseen'"),
    "pictures of another size": (
        {"images": np.zeros((8, 5, 14, 14), np.uint8)},
        r"must be \(faces, classes, 28, 28\) of uint8",
    ),
    "pictures in float": (
        {"images": np.zeros((8, 5, 28, 28))},
        r"images must be .* of uint8, got .* of float64",
    ),
    "too few families": (
        {"families": np.zeros(7, int)},
        r"families must have shape \(8,\), got \(7,\)",
    ),
    "too few names": (
        {"class_names": np.array(["a"])},
        r"class_names must have shape \(5,\), got \(1,\)",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_spoiled_file_is_refused(case, write):
    changes, words = BAD[case]
    write(**changes)
    with pytest.raises(DataError, match=words):
        glyphs()


def test_without_the_file_the_error_says_where_it_belongs(monkeypatch, tmp_path):
    place = tmp_path / "gsmflow_lite" / "datasets" / "typefaces.py"
    monkeypatch.setattr(typefaces, "__file__", str(place))
    with pytest.raises(
        DataError,
        match=r"embedded.glyphs.npz: this file comes with the package "
        r".*data.glyphs.npz.*build_glyphs",
    ):
        glyphs()


# --- the real file -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real():
    try:
        module.embedded("glyphs.npz", "build_glyphs.py")
    except DataError:
        pytest.skip("data/glyphs.npz has not been built: run the script in data/")
    return glyphs()


def test_the_embedded_data_have_47_classes_of_which_a_few_are_unseen(real):
    assert len(real.attributes) == len(set(real.class_names)) == 47
    assert 5 <= len(real.unseen_classes) <= 15
    assert real.features.shape[1] == 64


def test_no_picture_of_a_training_face_is_among_the_seen_test_rows(real):
    face = np.arange(len(real.labels)) // 47
    assert not np.intersect1d(face[real.train], face[real.test_seen]).size


def test_no_family_of_typefaces_is_on_both_sides(real):
    assert not np.intersect1d(real.groups[real.train], real.groups[real.test_seen]).size


def test_a_validation_fold_splits_no_family(real):
    fold = real.origin.validation_fold()
    assert not np.intersect1d(fold.groups[fold.train], fold.groups[fold.test_seen]).size


def test_64_components_decode_to_readable_pictures(real):
    pictures = real.decode(real.features[real.test_unseen]) * 255
    truth = real.images[real.test_unseen].astype(np.float64)
    assert 1 - ((pictures - truth) ** 2).mean() / truth.var() > 0.75


def test_no_two_classes_share_a_description(real):
    assert len(np.unique(real.attributes, axis=0)) == 47


def test_glyphs_can_be_loaded_by_name(real):
    assert_array_equal(load("glyphs").features, real.features)
