"""What is saved from the page: pictures, and tables that no spreadsheet computes."""

import base64
import csv
import io

import numpy as np
import pandas as pd
import pytest
from parts import EACH
from PIL import Image

from gsmflow_lite.panels.saver import FORMULA

HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    'a "b", c',
    "two\nlines",
    "Q",
    "<b>X</b>",
]

TWICE_AS_SHARP = "app.map.sharpened(2, ([{ canvas }]) => canvas.toDataURL().split(',')[1])"
GAP = 12
TOP = 56  # title and headings, in pixels of the page
TITLE = 44  # of the imagined pictures


@pytest.fixture
def page(page):
    page.click("#saving summary")
    return page


def saved(page, button):
    if not page.locator(".saving-menu").is_visible():
        page.click("#saving summary")  # a press elsewhere has closed it
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button).click()
    return waiting.value.suggested_filename, waiting.value.path().read_bytes()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_text_for_a_spreadsheet(page, name):
    """The rule is that of the panels' tables, and Python reads what was written."""
    made = page.evaluate("cell", name)

    [read] = next(csv.reader(io.StringIO(made, newline="")))
    assert read == (f"'{name}" if name.startswith(FORMULA) else name)


def test_the_table_has_the_marked_points(page):
    page.evaluate("app.change({ selected: '=W' })")
    page.click("[data-tool=box]")
    box = page.locator(".lens[data-lens=pca] > canvas").bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] - 2, steps=5)
    page.mouse.up()

    name, content = saved(page, "Marked points")

    assert name == "made-points.csv"
    table = pd.read_csv(io.BytesIO(content))
    assert table.columns.tolist() == [
        *("label", "kind", "nearest real row", "distance", "pca 1", "pca 2", "umap 1", "umap 2")
    ]
    own = table[table.label == "'=W"]
    assert (own.kind == "synthesized").sum() == EACH
    real = own[own.kind == "real"]
    assert real["nearest real row"].tolist() == list(range(10))
    assert real["pca 1"].tolist() == [i % 5 for i in range(10)]
    assert own[own.kind == "synthesized"].distance.tolist() == [1.5] * EACH


def test_without_marks_it_says_what_to_do(page):
    page.get_by_role("button", name="Marked points").click()

    assert "Mark points on the map first" in page.text_content(".saving-said")


def test_both_maps_are_saved_side_by_side_with_what_they_show(page):
    before = page.evaluate("app.map.canvases().map((one) => [one.width, one.height])")
    name, content = saved(page, "Both maps")

    picture = Image.open(io.BytesIO(content))
    assert name == "made-map.png"
    [[width, height], [other, _]] = 2 * np.array(before)  # the least width takes twice as much
    assert picture.width == width + other + 2 * GAP >= 1200
    assert picture.height > height + 2 * TOP
    blue = [0, 0x72, 0xB2]
    pixels = np.asarray(picture.convert("RGB"), int)
    lenses = pixels[2 * TOP : 2 * TOP + height]
    for lens in (lenses[:, :width], lenses[:, -other:]):
        assert (np.abs(lens - blue).sum(2) < 30).any()
    drawn = base64.b64decode(page.evaluate(TWICE_AS_SHARP))
    in_lens = np.asarray(Image.open(io.BytesIO(drawn)))
    whole = in_lens[..., 3] == 255  # where no paper shines through
    np.testing.assert_array_equal(lenses[:, :width][whole], in_lens[..., :3][whole])
    # A title above, and below the legend in the colours of the classes.
    assert np.ptp(pixels[: 2 * TOP]) > 200
    for colour in (blue, [0xD5, 0x5E, 0x00]):
        assert (np.abs(pixels[2 * TOP + height :] - colour).sum(2) < 30).any()
    # The page itself is as it was.
    assert page.evaluate("app.map.canvases().map((one) => [one.width, one.height])") == before


def test_sealed_pictures_are_not_saved(page):
    page.evaluate("app.imagine()")
    page.evaluate("app.change({ quiz: 6, hints: [] })")
    page.get_by_role("button", name="Pictures (PNG)").click()
    assert "sealed" in page.text_content(".saving-said")
    page.evaluate("app.change({ hints: ['pictures'] })")
    name, _ = saved(page, "Pictures (PNG)")
    assert name == "made-gallery.png"


def test_the_gallery_is_saved_as_one_picture(page):
    page.get_by_role("button", name="Pictures (PNG)").click()
    assert "no pictures" in page.text_content(".saving-said")

    page.evaluate("app.imagine()")
    _, content = saved(page, "Pictures (PNG)")

    picture = Image.open(io.BytesIO(content))  # twelve of 2 x 3, four times as large, in two lines
    assert picture.size == (6 * (4 * 3 + 12), 2 * (4 * 2 + 12) + TITLE)
    light = np.asarray(picture.convert("L"))
    assert light[TITLE + 7, 7] == 0
    assert light[TITLE + 1, 1] == 255
    assert np.ptp(light[:TITLE]) > 200  # what it shows


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (["My data", "map"], "My-data-map.png"),
        (["../../etc", "map"], "etc-map.png"),
        (["한"], "gsmflow.png"),
    ],
)
def test_a_file_has_a_name_that_every_system_takes(page, parts, expected):
    assert page.evaluate("(parts) => fileName(parts, 'png')", parts) == expected
