"""Rows of pictures: which features they show, and how they lie on a sheet."""

from dataclasses import replace

import numpy as np
import pytest
from pages import Page

from gsmflow_lite.explorer.pictures import PictureRow, picture_rows, sheet
from gsmflow_lite.explorer.pictures_still import draw_pictures
from gsmflow_lite.explorer.scene import Scene
from gsmflow_lite.figures.style import still_figure
from gsmflow_lite.generators import RidgeGaussian
from gsmflow_lite.panels.picture_table import picture_table


def squares(features: np.ndarray) -> np.ndarray:
    """Pictures of 2 x 2 pixels that hold the first feature."""
    return np.broadcast_to(features[:, :1, None], (len(features), 2, 2))


@pytest.fixture
def scene(make_dataset):
    return Scene.first(replace(make_dataset(rows=20), decode=squares))


@pytest.fixture
def sets(scene):
    ridge = RidgeGaussian.fit(scene.dataset)
    return [scene.ask(ridge, [4, 5], 6, seed=seed) for seed in (0, 1)]


def test_a_row_has_the_first_features_of_its_class_from_each_generator(scene, sets):
    rows = picture_rows(scene, sets, [5, 4], 3)
    assert [row.number for row in rows] == [5, 4]
    for row, begin in zip(rows, (6, 0), strict=True):
        for g, one in enumerate(sets):
            expected = one.features[begin : begin + 3, 0]
            np.testing.assert_allclose(row.synthesized[:, g, 0, 0], expected)


def test_the_real_picture_is_of_the_row_nearest_to_the_mean_of_its_class(scene, sets):
    row = picture_rows(scene, sets, [5], 1)[0]
    features = scene.dataset.features[scene.rows[scene.real.labels == 5]]
    distances = [float(np.linalg.norm(one - features.mean(0))) for one in features]
    assert row.real[0, 0] == pytest.approx(features[int(np.argmin(distances)), 0])


def test_a_class_without_real_points_has_no_real_picture(scene, sets):
    away = replace(scene, real=scene.real.without([5]), rows=scene.rows[scene.real.labels != 5])
    rows = picture_rows(away, sets, [4, 5], 1)
    assert [row.real is None for row in rows] == [False, True]
    assert sheet(rows).shape == (2 + 2 + 2, 2 + 6 + 2 * (2 + 2))


def test_without_a_decoder_there_are_no_rows(scene, sets):
    blind = replace(scene, dataset=replace(scene.dataset, decode=None))
    assert picture_rows(blind, sets, [4], 3) == []


def test_a_sheet_has_the_real_picture_first_then_groups_with_gaps():
    group = np.stack([np.full((1, 1), 0.2), np.full((1, 1), 0.4)])
    row = PictureRow(0, np.ones((1, 1)), np.stack([group, 2 * group]))
    line = [1, 0, 0, 0.2, 0, 0.4, 0, 0, 0, 0.4, 0, 0.8, 0]
    np.testing.assert_allclose(sheet([row, row], margin=1, gap=2), [line, [0] * 13, line])


def test_a_table_shows_names_as_text_whatever_they_hold():
    row = PictureRow(0, np.ones((2, 2)), np.zeros((4, 1, 2, 2)))
    name = '<b>bold</b> & "quoted"'
    page = Page(picture_table([row], [name], {0: "#123456"}, ["it"], "said"))
    assert "b" not in page.tag_names
    assert page.tag_names.count("img") == 1 + 4
    assert page.of("img")[0]["alt"] == f"{name}, real"


def test_the_still_names_each_row():
    rows = [PictureRow(k, np.ones((2, 2)), np.zeros((3, 1, 2, 2))) for k in (1, 0)]
    axes = still_figure(4, 2, "", "").subplots()
    draw_pictures(axes, rows, ["A", "B$"], "title")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["B\\$", "A"]
