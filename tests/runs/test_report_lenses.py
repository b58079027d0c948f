"""The maps of a page show the scene of the explorer: the same points at the same places."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from gsmflow_lite import figures
from gsmflow_lite.datasets import gaussian_world
from gsmflow_lite.explorer.scene import Scene
from gsmflow_lite.figures import projection
from gsmflow_lite.figures.sprites import sprite_sheet
from gsmflow_lite.generators.ridge_gaussian import RidgeGaussian
from gsmflow_lite.generators.zoo import ZOO_SEED, glyph_zoo
from gsmflow_lite.panels.explore import explore
from gsmflow_lite.runs import report_lenses
from gsmflow_lite.runs.report_lenses import choose_drawn, interactive, look, page_data

SEED = 3


@pytest.fixture(autouse=True)
def cheap_layout(monkeypatch, tmp_path):
    """A stand-in for UMAP that takes no time: the first two columns."""
    monkeypatch.setenv("GSMFLOW_CACHE", str(tmp_path))
    monkeypatch.setattr(projection, "lay_out", lambda x, *_, **__: x[:, :2].astype(np.float32))


def nobody(event) -> None:
    """Watches nothing."""


@pytest.fixture
def dataset():
    return gaussian_world(6, seen=9, unseen=6, attributes=5, samples=40).dataset


@pytest.fixture
def ridge(dataset):
    return RidgeGaussian.fit(dataset)


@pytest.fixture
def lenses(dataset, ridge):
    worst_first = dataset.unseen_classes[::-1]
    return look(dataset, ridge, worst_first, n=30, seed=SEED, watch=nobody)


@pytest.fixture
def data(lenses, dataset) -> dict:
    """What the script of the page reads."""
    figure = interactive(lenses, dataset.class_names, {})
    return page_data(lenses, dataset, figure, None)


def test_the_page_and_the_explorer_show_the_same_points_at_the_same_places(dataset, ridge, data):
    panel = explore(dataset, ridge, seed=SEED).wait(60)
    panel.controls["classes"].value = [dataset.class_names[c] for c in dataset.unseen_classes]
    panel.controls["samples"].value = 30
    panel.controls["seed"].value = SEED
    real, synthesized = panel.scene.real, panel.synthesized
    assert panel.scene.has_map

    rows = [row for row in data["row"] if row is not None]
    np.testing.assert_array_equal(rows, panel.scene.rows)
    np.testing.assert_array_equal(data["label"], [*real.labels, *synthesized.points.labels])
    for lens in ("pca", "umap"):
        places = np.concatenate([real.through(lens), synthesized.points.through(lens)])
        np.testing.assert_allclose(data[lens], places, atol=1e-4)
    np.testing.assert_array_equal(data["near"][len(rows) :], synthesized.near)
    np.testing.assert_allclose(data["far"][len(rows) :], synthesized.far, atol=0.006)
    panel.close()


def test_letters_of_the_page_lie_where_the_map_of_the_package_has_them(monkeypatch):
    zoo = glyph_zoo()
    monkeypatch.setattr(projection, "lay_out", lambda *_, **__: zoo.umap)
    shown = look(zoo.dataset, zoo.baseline, [5, 17], n=4, seed=ZOO_SEED, watch=nobody)
    expected = Scene.of_zoo(zoo).ask(zoo.baseline, [5, 17], 4, seed=ZOO_SEED)
    np.testing.assert_array_equal(shown.scene.real.pca, Scene.of_zoo(zoo).real.pca)
    np.testing.assert_array_equal(shown.synthesized.points.pca, expected.points.pca)
    np.testing.assert_array_equal(shown.synthesized.points.umap, expected.points.umap)


def test_the_nearest_real_neighbour_of_each_point_is_that_of_a_search(lenses, dataset, data):
    real = dataset.features[lenses.scene.rows].astype(np.float64)
    points = np.concatenate([real, lenses.synthesized.features])
    distance = np.linalg.norm(points[:, None] - real, axis=2)
    np.fill_diagonal(distance, np.inf)  # no point is its own neighbour
    np.testing.assert_array_equal(data["near"], distance.argmin(1))

    usual = np.quantile(distance[: len(real)].min(1), 0.95)
    np.testing.assert_allclose(data["far"], distance.min(1) / usual, atol=0.006)


def test_each_drawn_point_carries_its_number(lenses, data):
    labels = np.array(data["label"])
    for points, real in ((lenses.real_points, True), (lenses.synthesized_points, False)):
        np.testing.assert_array_equal(labels[points.rows], points.labels)
        np.testing.assert_allclose(np.array(data["pca"])[points.rows], points.pca, atol=1e-4)
        assert {data["real"][i] for i in points.rows} == {real}
    assert data["drawn"] == [*lenses.real_points.rows, *lenses.synthesized_points.rows]
    assert not data["real"][data["first"]]


def test_another_generator_of_the_same_classes_gets_the_same_real_points(dataset, ridge, lenses):
    other = look(dataset, ridge, dataset.unseen_classes, n=7, seed=SEED, watch=nobody)
    np.testing.assert_array_equal(other.real_points.umap, lenses.real_points.umap)
    np.testing.assert_array_equal(other.drawn, lenses.drawn)


@pytest.mark.parametrize("classes", [1, 2, 12])
def test_the_points_never_need_webgl(classes):
    each = min(report_lenses.POINTS_EACH, report_lenses.COLOURED_POINTS // (2 * classes))
    labels = np.arange(2000) % 20
    drawn = choose_drawn(labels, range(classes), each, 0)
    assert len(drawn) + classes * each <= figures.SVG_POINTS
    counts = np.bincount(labels[drawn], minlength=20)
    assert set(counts[:classes].tolist()) == {each}
    assert counts[classes:].sum() == report_lenses.CONTEXT_POINTS


def test_as_many_points_as_may_be_drawn_need_no_webgl():
    most = report_lenses.COLOURED_POINTS + report_lenses.CONTEXT_POINTS
    assert most <= figures.SVG_POINTS


# --- Pictures ------------------------------------------------------------------------------------


def sprites(content: bytes, sheet: dict) -> list[np.ndarray]:
    """The pictures of a sheet, in their order."""
    drawn = np.asarray(Image.open(io.BytesIO(content)), np.float64)
    height, width = sheet["height"], sheet["width"]
    places = [divmod(i, sheet["columns"]) for i in range(sheet["count"])]
    return [drawn[y * height :, x * width :][:height, :width] for y, x in places]


def test_each_picture_of_the_sheet_is_that_of_its_point(rng):
    pictures = rng.random((13, 2, 3)).astype(np.float32)
    content, sheet, kind = sprite_sheet(pictures)
    assert (kind, sheet["width"], sheet["height"]) == ("png", 3, 2)
    for shown, picture in zip(sprites(content, sheet), pictures, strict=True):
        np.testing.assert_allclose(1 - shown / 255, picture, atol=0.04)  # sixteen greys


def test_each_coloured_picture_of_the_sheet_is_that_of_its_point(rng):
    colours = rng.integers(0, 256, (13, 1, 1, 3)).astype(np.uint8)
    content, sheet, kind = sprite_sheet(np.tile(colours, (1, 10, 8, 1)))
    assert (kind, sheet["width"], sheet["height"]) == ("jpeg", 8, 16)  # whole blocks
    for shown, colour in zip(sprites(content, sheet), colours, strict=True):
        np.testing.assert_allclose(shown[:8], np.broadcast_to(colour, (8, 8, 3)), atol=6)
        assert shown[11:].mean() > 225  # white beneath it


def test_pictures_are_those_of_all_points_in_their_order():
    zoo = glyph_zoo()
    scene = Scene.of_zoo(zoo)
    shown = look(zoo.dataset, zoo.baseline, [5], n=2, seed=ZOO_SEED, watch=nobody)
    decode = zoo.dataset.decode
    assert shown.pictures is not None
    assert len(shown.pictures) == shown.count == len(scene.rows) + 2
    real = zoo.dataset.images[scene.rows]
    np.testing.assert_allclose(shown.pictures[:-2], real / 255, atol=1e-5)
    synthesized = decode(shown.synthesized.features)
    np.testing.assert_allclose(shown.pictures[-2:], synthesized, atol=1e-5)


def test_without_a_decoder_only_real_points_have_a_picture(dataset, ridge):
    images = np.zeros((len(dataset.labels), 60, 60, 3), np.uint8)
    images[..., 0] = dataset.labels[:, None, None]
    images[..., 1] = (np.arange(len(images)) % 256)[:, None, None]
    shown = look(replace(dataset, images=images), ridge, [9, 10], n=5, seed=SEED, watch=nobody)
    assert shown.pictures.shape == (len(shown.scene.rows), 30, 30, 3)
    np.testing.assert_array_equal(shown.pictures[:, 3, 3, 1], shown.scene.rows % 256)
    np.testing.assert_array_equal(shown.pictures[:, 3, 3, 0], shown.scene.real.labels)
