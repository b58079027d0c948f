"""What is saved from the page: pictures, and tables that no spreadsheet computes."""

import csv
import io

import pandas as pd
import pytest
from parts import EACH, browser, open_parts
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


@pytest.fixture(scope="module")
def chromium():
    with browser() as opened:
        yield opened


@pytest.fixture
def page(chromium):
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    opened = open_parts(context)
    opened.click("#saving summary")
    yield opened
    assert opened.errors == []
    context.close()


def saved(page, button):
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


def test_both_maps_are_saved_side_by_side(page):
    name, content = saved(page, "Both maps")

    picture = Image.open(io.BytesIO(content))
    sizes = page.evaluate("app.map.canvases().map((one) => [one.width, one.height])")
    assert name == "made-map.png"
    assert picture.size == (sizes[0][0] + sizes[1][0] + 12, sizes[0][1])
    blue = (0, 0x72, 0xB2)
    counts = picture.convert("RGB").getcolors(1 << 20)
    assert any(
        sum(abs(a - b) for a, b in zip(colour, blue, strict=True)) < 30 for _, colour in counts
    )


def test_the_gallery_is_saved_as_one_picture(page):
    page.get_by_role("button", name="Pictures").click()
    assert "no pictures" in page.text_content(".saving-said")

    page.evaluate("app.imagine()")
    _, content = saved(page, "Pictures")

    picture = Image.open(io.BytesIO(content))  # twelve of 2 x 3, four times as large, in two lines
    assert picture.size == (6 * (4 * 3 + 12), 2 * (4 * 2 + 12))
    assert picture.convert("L").getpixel((7, 7)) == 0
    assert picture.convert("L").getpixel((1, 1)) == 255


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
