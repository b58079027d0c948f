"""What panels say in HTML: names are text, words have a sign, pictures have their pixels."""

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from pages import Page
from PIL import Image

from gsmflow_lite.figures.style import VERDICTS
from gsmflow_lite.panels import show
from gsmflow_lite.shifts.report import Reading

HOSTILE = '"><script>alert(1)</script>'


class Report:
    """Readings by meter and class."""

    names = ("good", HOSTILE)

    def reading(self, meter, label=None):
        word = {None: "watch", "good": "fine", HOSTILE: "shifted"}[label]
        return reading(word, metric=meter, label=label)


def reading(
    word: str, *, metric: str = "spread", label: str | None = None, value: float = 0.5
) -> Reading:
    return Reading("variance", metric, label, value, 0.25, 0.75, 0.0, 1.0, 0.5, word)


def pixels(text: str) -> np.ndarray:
    """The picture in an <img>."""
    source = Page(text).of("img")[0]["src"]
    head, _, body = source.partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(body))))


@pytest.mark.parametrize("word", ["fine", "watch", "shifted", "cannot tell"])
def test_a_reading_has_its_number_its_word_and_a_sign(word):
    page = Page(show.verdict_cell(reading(word)))
    assert "0.5" in " ".join(page.words)
    assert word in " ".join(page.words)
    assert VERDICTS[word].symbol in page.words
    assert "0.25 to 0.75" in page.of("td")[0]["title"]


def test_what_cannot_be_told_says_what_would_do():
    unsure = replace(reading("cannot tell"), advice="ask for <more>")
    assert "ask for <more>" in Page(show.verdict_cell(unsure)).of("td")[0]["title"]


def test_what_was_not_measured_has_no_number():
    said = "".join(Page(show.verdict_cell(reading("not measured", value=float("nan")))).words)
    assert said == "not measured"


def test_a_table_has_a_line_for_all_and_one_for_each_class():
    meters = ("semantic", "spread")
    page = Page(show.verdict_table(Report(), {"good": "#123456", HOSTILE: "#654321"}, meters))
    assert len(page.of("tr")) == 4
    assert len(page.of("td")) == 6
    said = " ".join(page.words)
    assert re.search(r"all 2 classes.*watch.*good.*fine.*shifted", said, re.DOTALL)
    assert any("#123456" in attrs.get("style", "") for attrs in page.of("span"))


def test_names_are_text_in_tables_cards_and_pictures():
    table = show.verdict_table(Report(), {HOSTILE: "#654321"}, ("semantic",))
    card = show.attribute_table([HOSTILE], np.ones(1), np.ones(1))
    image = show.image(np.zeros((4, 4)), HOSTILE)
    for text in (table, card, image):
        page = Page(text)
        assert "script" not in page.tag_names
        assert "<script" not in text
    assert Page(image).of("img")[0]["alt"] == HOSTILE


def test_a_long_name_is_cut():
    assert len(show.name("x" * 500)) < 50


def test_a_picture_is_dark_where_there_is_ink():
    ink = np.array([[0.0, 1.0], [0.5, 0.0]])
    drawn = pixels(show.image(ink, "ink"))
    np.testing.assert_allclose(drawn, [[255, 0], [127, 255]], atol=1)


def test_pixels_out_of_range_are_clipped():
    odd = np.array([[-3.0, 7.0], [np.nan, 1.0]])
    np.testing.assert_array_equal(pixels(show.image(odd, "odd")), [[255, 0], [255, 0]])


def test_a_picture_keeps_its_shape():
    image = Page(show.image(np.zeros((10, 20)), "wide", height=50)).of("img")[0]
    assert (image["width"], image["height"]) == ("100", "50")


def test_pictures_lie_in_lines_in_their_order():
    many = np.linspace(0.1, 1, 5)[:, None, None] * np.ones((5, 3, 4))
    sheet = pixels(show.image_sheet(many, "five", columns=2))
    assert sheet.shape == (3 * 5, 2 * 6)
    for i in range(5):
        top = i // 2 * 5
        left = i % 2 * 6
        inside = sheet[top + 1 : top + 4, left + 1 : left + 5]
        np.testing.assert_allclose(inside, 255 * (1 - many[i]), atol=1)
    assert (sheet[10:, 6:] == 255).all()  # no sixth


def test_the_most_unusual_attributes_come_first():
    asked = np.array([0.1, -3.0, 2.0, 0.0])
    read = np.array([0.5, -1.0, 2.5, 9.0])
    page = Page(show.attribute_table(["a", "b", "c", "d"], asked, read, most=3))
    words = [word for word in page.words if word.strip()]
    assert " ".join(words) == "attribute asked read b -3.0 -1.0 c +2.0 +2.5 a +0.1 +0.5"


@pytest.mark.parametrize(
    ("value", "side", "width"), [(1.5, "left", 20), (-1.5, "right", 20), (30.0, "left", 40)]
)
def test_a_bar_goes_to_the_right_for_more_than_is_typical(value, side, width):
    style = Page(show.attribute_table(["a"], np.ones(1), np.array([value]))).of("span")[1]["style"]
    assert f"{side}:40px" in style
    assert f"width:{width}px" in style
