"""Pictures in colour at points, in galleries, tables and the designer, against known images."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from pages import Page
from PIL import Image

from gsmflow_lite.explorer.pictures import picture_rows
from gsmflow_lite.explorer.scene import Scene
from gsmflow_lite.figures.ink import is_coloured
from gsmflow_lite.generators import RidgeGaussian
from gsmflow_lite.panels import compare, design, show
from gsmflow_lite.panels.picture_table import picture_table
from gsmflow_lite.panels.point_cards import gallery, point_card, point_picture

ORIGIN = "synthesized"


@pytest.fixture
def coloured(make_dataset):
    """Data with an image of each row: red says the class, green the row."""
    d = make_dataset(rows=20, class_names=[*"abcd", "<i>e</i>", "f"])
    images = np.zeros((len(d.labels), 6, 5, 3), np.uint8)
    images[..., 0] = (40 * d.labels)[:, None, None]
    images[..., 1] = np.arange(len(d.labels))[:, None, None]
    return replace(d, images=images)


@pytest.fixture
def scene(coloured):
    return Scene.first(coloured)


@pytest.fixture
def imagined(scene):
    return scene.ask(RidgeGaussian.fit(scene.dataset), [4, 5], 30, seed=0)


def drawn(attributes: dict) -> np.ndarray:
    """The pixels of an <img>."""
    content = base64.b64decode(attributes["src"].partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(content)))


def rows_drawn(text: str) -> list[int]:
    """The row that each image of a text shows."""
    return [int(drawn(image)[2, 2, 1]) for image in Page(text).of("img")]


def away(scene, feature: np.ndarray) -> np.ndarray:
    """The rows of the scene, the nearest to a feature first."""
    distance = [np.linalg.norm(scene.dataset.features[row] - feature) for row in scene.rows]
    return scene.rows[np.argsort(distance)]


# --- Points ---------------------------------------------------------------------------------------


def test_colours_come_through_as_they_are_and_are_drawn_smoothly(rng):
    picture = rng.integers(0, 256, (6, 4, 3)).astype(np.uint8)
    image = Page(show.image(picture, "it", height=60)).of("img")[0]
    np.testing.assert_array_equal(drawn(image), picture)
    assert (image["width"], image["height"]) == ("40", "60")
    assert "image-rendering:auto" in image["style"]
    assert "style" not in Page(show.image(np.zeros((4, 4)), "ink")).of("img")[0]


def test_pictures_in_colour_lie_in_lines_on_white(rng):
    many = rng.integers(0, 200, (3, 4, 5, 3)).astype(np.uint8)
    sheet = drawn(Page(show.image_sheet(many, "three", columns=2)).of("img")[0])
    assert sheet.shape == (12, 14, 3)
    np.testing.assert_array_equal(sheet[7:11, 1:6], many[2])
    assert (sheet[6:, 7:] == 255).all()


@pytest.mark.parametrize("number", [0, 13, 35])
def test_a_real_point_shows_its_own_image(scene, number):
    assert rows_drawn(point_card(scene, None, number, origin="real")) == [scene.rows[number]]


@pytest.mark.parametrize("number", [2, 35])
def test_a_synthesized_point_shows_the_nearest_real_images_with_their_classes(
    scene, imagined, number
):
    text = point_picture(scene, imagined, number, origin=ORIGIN)
    expected = away(scene, imagined.features[number])[:3]
    assert rows_drawn(text) == expected.tolist()
    page = Page(text)
    names = [scene.dataset.unique_names[k] for k in scene.dataset.labels[expected]]
    assert page.said.startswith(f"nearest real images {' '.join(names)}")
    alts = [image["alt"] for image in page.of("img")]
    for alt, name, row in zip(alts, names, expected, strict=True):
        assert alt == f"nearest real image: {name}, row {row}"
    assert "i" not in page.tag_names


def test_where_features_decode_a_synthesized_point_is_its_own_picture(scene, imagined):
    both = replace(scene, dataset=replace(scene.dataset, decode=lambda x: x[:, :2, None]))
    text = point_picture(both, imagined, 3, origin=ORIGIN)
    own, near = Page(text).of("img")
    assert drawn(own).shape == (2, 1)
    assert drawn(near)[0, 0, 1] == away(scene, imagined.features[3])[0]
    assert "nearest real image" not in text.replace("nearest real point", "")


# --- Several points -------------------------------------------------------------------------------


def test_a_gallery_of_real_points_has_their_images_in_order(scene):
    numbers = np.array([5, 1, 30])
    sheet = drawn(Page(gallery(scene, None, numbers, origin="real")).of("img")[0])
    assert sheet[3, [3, 10, 17], 1].tolist() == scene.rows[numbers].tolist()


def test_a_gallery_of_synthesized_points_counts_the_classes_of_the_nearest_images(scene, imagined):
    numbers = np.arange(0, 60, 3)
    text = gallery(scene, imagined, numbers, origin=ORIGIN)
    nearest = [int(away(scene, imagined.features[i])[0]) for i in numbers]
    assert sorted(rows_drawn(text)) == sorted(set(nearest))
    said = Page(text).said
    of_images = said.partition("nearest real images:")[2]
    for k in set(scene.dataset.labels[nearest].tolist()):
        count = sum(scene.dataset.labels[row] == k for row in nearest)
        assert f"{scene.dataset.unique_names[k]} {count}" in of_images
    assert "of them are shown" not in said


def test_of_many_points_24_are_shown_and_it_says_so(scene, imagined):
    text = gallery(scene, imagined, np.arange(60), origin=ORIGIN)
    assert Page(text).said.count("24 of them are shown") == 1


def test_a_table_has_the_class_under_each_nearest_image_and_another_one_in_bold(scene, imagined):
    rows = picture_rows(scene, [imagined, imagined], [4, 5], 2)
    text = picture_table(rows, scene.dataset.unique_names, {}, ["one", "two"], "said")
    page = Page(text)
    assert page.tag_names.count("img") == 2 * (1 + 2 * 2)
    wrong = sum(int((row.nearest != row.number).sum()) for row in rows)
    assert page.tag_names.count("b") == wrong > 0
    assert "i" not in page.tag_names
    assert "one | two: nearest real images" in page.said


def test_a_table_shows_what_features_keep_of_a_real_image(coloured):
    scene = Scene.first(replace(coloured, decode=lambda x: x[:, :2, None]))
    some = scene.ask(RidgeGaussian.fit(scene.dataset), [4], 2)
    page = Page(picture_table(picture_rows(scene, [some], [4], 2), list("abcdef"), {}, ["x"], ""))
    assert page.tag_names.count("img") == 1 + 1 + 2
    assert "class real decoded synthesized" in page.said


# --- Panels ---------------------------------------------------------------------------------------


@pytest.fixture
def opened():
    panels = []
    yield panels
    for panel in panels:
        panel.close()


@pytest.mark.usefixtures("no_layout")
def test_the_designer_shows_nearest_real_images_of_samples_and_sweep(coloured, opened):
    panel = design(coloured, RidgeGaussian.fit(coloured))
    opened.append(panel.wait(60))
    for text, features in (
        (panel.pictures.value, panel.invented.shown),
        (panel.strip.value, np.concatenate([panel.swept.typical, panel.swept.features[:, 0]])),
    ):
        assert rows_drawn(text) == [int(away(panel.scene, one)[0]) for one in features]
        assert "nearest real images" in Page(text).said
    assert panel.pictures.layout.display == "block"
    strips = [axes.images[0].get_array() for axes in panel.still().axes if axes.images]
    assert len(strips) == 3
    assert all(is_coloured(np.asarray(strip)) for strip in strips)


@pytest.mark.usefixtures("no_layout")
def test_compare_shows_the_nearest_real_image_of_each_side(coloured, opened):
    ridge = RidgeGaussian.fit(coloured)
    panel = compare(coloured, {"one": ridge, "two": ridge})
    opened.append(panel.wait(60))
    assert "shown is the real image that is nearest" in Page(panel.pairs.value).said
    for row in panel.picture_rows([4]):
        np.testing.assert_array_equal(row.nearest[:, 0], row.nearest[:, 1])
    titles = [axes.get_title("left") for axes in panel.still().axes]
    assert any("nearest real images" in title for title in titles)
