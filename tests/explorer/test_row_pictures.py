"""The picture of a real row is its own; of an imagined feature, decoded or the nearest real one."""

from dataclasses import replace

import numpy as np
import pytest

from gsmflow_lite.errors import DataError
from gsmflow_lite.explorer.pictures import nearest_in_words, picture_rows, sheet
from gsmflow_lite.explorer.row_pictures import (
    decoded,
    has_pictures,
    imagined_pictures,
    kept_pictures,
    nearest_rows,
    real_pictures,
    shows_nearest,
)
from gsmflow_lite.explorer.scene import Scene
from gsmflow_lite.generators import RidgeGaussian


def squares(features: np.ndarray) -> np.ndarray:
    """Pictures of 2 x 2 pixels that hold the first feature."""
    return np.broadcast_to(features[:, :1, None], (len(features), 2, 2))


def in_colour(d):
    """The data, with an image of each row: red says the class, green the row."""
    images = np.zeros((len(d.labels), 6, 5, 3), np.uint8)
    images[..., 0] = (40 * d.labels)[:, None, None]
    images[..., 1] = np.arange(len(d.labels))[:, None, None]
    return replace(d, images=images)


@pytest.fixture
def coloured(make_dataset):
    return in_colour(make_dataset(rows=20))


@pytest.fixture
def scene(coloured):
    return Scene.first(coloured)


@pytest.fixture
def imagined(scene):
    return scene.ask(RidgeGaussian.fit(scene.dataset), [4, 5], 6, seed=0)


# --- Real rows ------------------------------------------------------------------------------------

PARTS = {
    "as it is": lambda d: d,
    "resplit": lambda d: d.resplit(3),
    "with_seen": lambda d: d.with_seen(3),
    "validation_fold": lambda d: d.validation_fold(1),
    "split_unseen": lambda d: d.split_unseen()[1],
    "min-max": lambda d: d.preprocessed("min-max"),
    "whitened, then resplit": lambda d: d.preprocessed("whitened-pca", 2).resplit(1),
    "a fold of whitened": lambda d: d.preprocessed("whitened-pca", 2).validation_fold(),
}


@pytest.mark.parametrize("part", PARTS)
def test_each_row_has_its_own_image_whatever_was_done_to_the_data(coloured, part):
    one = PARTS[part](coloured)
    scene = Scene.first(one)
    pictures = real_pictures(scene.dataset, scene.rows)
    rows = pictures[:, 0, 0, 1]
    before = one.origin or one
    np.testing.assert_array_equal(before.features[scene.rows], coloured.features[rows])
    for row, picture in zip(scene.rows, pictures, strict=True):
        name = one.class_names[one.labels[row]]
        assert picture[0, 0, 0] == 40 * coloured.class_names.index(name)


def test_a_real_row_shows_its_image_even_where_features_decode(coloured):
    both = replace(coloured, decode=squares)
    rows = np.array([3, 50])
    np.testing.assert_array_equal(real_pictures(both, rows), coloured.images[rows])
    kept = kept_pictures(both, rows)
    np.testing.assert_allclose(kept[:, 0, 0], coloured.features[rows, 0])
    assert kept_pictures(coloured, rows) is None


def test_without_images_a_real_row_shows_what_its_feature_decodes_to(make_dataset):
    d = make_dataset(decode=squares)
    np.testing.assert_allclose(real_pictures(d, np.array([7]))[0, 1, 1], d.features[7, 0])
    assert kept_pictures(d, np.array([7])) is None


SAME = {
    "whole numbers": lambda x: np.rint(255 * x).astype(np.int64),
    "floats from 0 to 1": lambda x: x,
    "floats from 0 to 255": lambda x: 255 * x,
    "16 bits": lambda x: np.rint(65535 * x).astype(np.uint16),
    "channels first": lambda x: np.moveaxis(x, 3, 1),
}


@pytest.mark.parametrize("kind", SAME)
def test_images_of_all_kinds_of_numbers_look_the_same(make_dataset, rng, kind):
    light = rng.integers(0, 256, (60, 6, 5, 3)) / 255
    light[0] = 1
    d = make_dataset(images=SAME[kind](light))
    rows = np.array([5, 9])
    np.testing.assert_array_equal(real_pictures(d, rows), np.rint(255 * light[rows]))


@pytest.mark.parametrize("shape", [(60, 4, 5), (60, 4, 5, 1)])
def test_grey_images_hold_ink(make_dataset, rng, shape):
    images = rng.integers(0, 256, shape).astype(np.uint8)
    shown = real_pictures(make_dataset(images=images), np.array([8]))
    np.testing.assert_allclose(shown[0], images[8].reshape(4, 5) / 255, atol=1e-6)


def test_a_large_image_becomes_small(make_dataset):
    d = make_dataset(images=np.zeros((60, 300, 200, 3), np.uint8))
    assert real_pictures(d, np.array([0])).shape == (1, 100, 67, 3)


@pytest.mark.parametrize("images", [None, np.zeros((60, 4, 4, 2)), np.zeros((60, 2, 4, 4, 3))])
def test_data_without_pictures_have_none(make_dataset, images):
    d = make_dataset(images=images)
    assert not has_pictures(d)
    assert not shows_nearest(d)
    scene = Scene.first(d)
    some = scene.ask(RidgeGaussian.fit(d), [4], 2)
    assert picture_rows(scene, [some], [4], 2) == []
    with pytest.raises(DataError, match="must have a decoder or images to show pictures, got"):
        real_pictures(d, np.array([0]))


# --- Imagined features ----------------------------------------------------------------------------


def brute_force(scene, feature: np.ndarray) -> np.ndarray:
    """The rows of the scene, the nearest to a feature first, in the widths before whitening."""
    done = scene.dataset.preprocessing
    whitened = done is not None and done.kind == "whitened-pca"
    scale = done.scale if whitened else 1
    real = np.asarray(scene.dataset.features, np.float64)
    away = [float(np.sum(((real[row] - feature) * scale) ** 2)) for row in scene.rows]
    return scene.rows[np.argsort(away, kind="stable")]


@pytest.mark.parametrize("kind", [None, "standardise", "whitened-pca"])
def test_a_feature_that_does_not_decode_shows_the_nearest_real_image(coloured, kind):
    d = coloured if kind is None else coloured.preprocessed(kind)
    scene = Scene.first(d)
    imagined = scene.ask(RidgeGaussian.fit(d), [4, 5], 6, seed=0)
    expected = [brute_force(scene, feature) for feature in imagined.features]
    for near in (None, imagined.near):
        shown = imagined_pictures(scene, imagined.features, near)
        np.testing.assert_array_equal(shown.rows, [rows[0] for rows in expected])
        np.testing.assert_array_equal(shown.pixels[:, 0, 0, 1], shown.rows)
    for i, rows in enumerate(expected):
        found = nearest_rows(scene, imagined.features[i], int(imagined.near[i]))
        np.testing.assert_array_equal(found, rows[:3])


def test_a_feature_that_decodes_shows_itself(coloured):
    both = replace(coloured, decode=squares)
    scene = Scene.first(both)
    features = scene.ask(RidgeGaussian.fit(both), [4], 3).features
    shown = imagined_pictures(scene, features)
    assert shown.rows is None
    np.testing.assert_allclose(shown.pixels[:, 0, 0], features[:, 0], rtol=1e-6)


def test_a_decoder_may_give_colours(make_dataset):
    light = np.full((2, 3, 3, 3), 0.5)
    light[:, 0, 0, 0] = 7
    d = make_dataset(decode=lambda features: light)
    shown = decoded(d, np.zeros((2, 3)))
    assert shown.dtype == np.uint8
    assert shown[1, 0, 0].tolist() == [255, 128, 128]


@pytest.mark.parametrize("shape", [(2, 9), (2, 3, 3, 2)])
def test_decoded_pictures_of_another_shape_are_refused_in_words(make_dataset, shape):
    d = make_dataset(decode=lambda features: np.zeros(shape))
    with pytest.raises(DataError, match=r"decoded pictures must be grey.* got shape \(2, "):
        decoded(d, np.zeros((2, 3)))


# --- Rows of pictures -----------------------------------------------------------------------------


def test_a_row_names_the_class_of_each_nearest_image(scene, imagined):
    rows = picture_rows(scene, [imagined, imagined], [5, 4], 3)
    for row, begin in zip(rows, (6, 0), strict=True):
        for i in range(3):
            nearest = brute_force(scene, imagined.features[begin + i])[0]
            assert row.nearest[i].tolist() == [scene.dataset.labels[nearest]] * 2
            assert (row.synthesized[i, :, 0, 0, 1] == nearest).all()
    right = sum(int((row.nearest == row.number).sum()) for row in rows)
    expected = f"nearest real images, {right} of 12 of the class that was asked for"
    assert nearest_in_words(rows) == expected


def test_a_sheet_of_colours_has_white_gaps(scene, imagined):
    rows = picture_rows(scene, [imagined], [4, 5], 2)
    drawn = sheet(rows, margin=1, gap=2)
    assert drawn.dtype == np.uint8
    assert drawn.shape == (6 + 1 + 6, 5 + 2 * (2 + 5 + 1), 3)
    np.testing.assert_array_equal(drawn[:6, :5], rows[0].real)
    assert (drawn[:, 5:7] == 255).all()
    np.testing.assert_array_equal(drawn[7:, 7:12], rows[1].synthesized[0, 0])


def test_an_image_and_what_its_features_keep_stand_side_by_side(coloured):
    scene = Scene.first(replace(coloured, decode=squares))
    some = scene.ask(RidgeGaussian.fit(scene.dataset), [4], 2)
    row = picture_rows(scene, [some], [4], 2)[0]
    number = row.real[0, 0, 1]
    np.testing.assert_allclose(row.kept[0, 0], coloured.features[number, 0])
    assert sheet([row], margin=1, gap=2).shape == (6, 5 + 1 + 5 + 2 * (2 + 5 + 1), 3)
