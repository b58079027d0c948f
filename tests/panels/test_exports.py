"""What panels save: pictures and tables, as files with safe names and cells."""

import io
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest
from explorers import LETTERS, said
from PIL import Image

from gsmflow_lite.panels.saver import as_csv, file_name

pytestmark = pytest.mark.usefixtures("no_layout")


@pytest.fixture
def panel(explorer):
    explorer.remember({"semantic": 0.5})
    explorer.set(classes=LETTERS, samples=10)
    explorer.cancel()  # the meters are not looked at here
    return explorer


@pytest.fixture
def saved(panel, monkeypatch) -> list:
    """The files that are sent to the page: name, type and content."""
    files = []

    def send(message, buffers=None):
        files.append((message["name"], message["type"], buffers[0]))

    monkeypatch.setattr(panel.files.saver, "send", send)
    return files


def table_of(content: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(content))


def test_a_png_is_a_picture_of_the_view(panel, saved):
    panel.files.buttons["PNG"].click()
    ((name, kind, content),) = saved
    assert (name, kind) == ("glyphs-explore.png", "image/png")
    assert Image.open(io.BytesIO(content)).size[0] > 2000


def test_an_svg_is_a_drawing_whose_words_can_be_read(panel, saved):
    panel.files.buttons["SVG"].click()
    ((name, kind, content),) = saved
    assert (name, kind) == ("glyphs-explore.svg", "image/svg+xml")
    words = "".join(ElementTree.fromstring(content).itertext())
    assert "PCA: shows spread" in words
    assert b"<image" not in content  # no bitmap


def test_the_points_that_are_selected_are_saved(panel, saved):
    panel.map.selected({"synthesized": [3, 12]})
    panel.files.buttons["Points"].click()
    ((name, kind, content),) = saved
    assert (name, kind) == ("glyphs-explore-points.csv", "text/csv")
    pd.testing.assert_frame_equal(
        table_of(content), panel.selection(), check_dtype=False, rtol=1e-6
    )


def test_without_a_selection_all_points_that_are_shown_are_saved(panel, saved):
    panel.set(hidden=("layer others", "Q"))
    panel.files.buttons["Points"].click()
    table = table_of(saved[0][2])
    labels = panel.scene.real.labels
    real = int(np.isin(labels, [k for k in panel.classes if k != panel.classes[-1]]).sum())
    assert table["origin"].value_counts().to_dict() == {"real": real, "synthesized": 30}
    assert set(table["class"]) == set(LETTERS) - {"Q"}


def test_the_log_is_saved(panel, saved):
    panel.files.buttons["Log"].click()
    ((name, _, content),) = saved
    assert name == "glyphs-explore-log.csv"
    assert table_of(content)["state"].tolist() == panel.log["state"].tolist()


def test_what_cannot_be_drawn_is_said(panel, saved, monkeypatch):
    monkeypatch.setattr(panel, "still", lambda: 1 / 0)
    panel.files.buttons["PNG"].click()
    assert saved == []
    assert "division by zero" in said(panel)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_or_heading_is_a_formula(cell):
    content = as_csv(pd.DataFrame({"class": [cell, "fox"], cell: [1.5, -2.0]}))
    table = pd.read_csv(io.BytesIO(content), lineterminator="\n")
    assert table["class"][0] == f"'{cell}"
    assert table["class"][1] == "fox"
    assert table.columns[1] == f"'{cell}"
    assert table.iloc[:, 1].tolist() == [1.5, -2.0]  # numbers stay numbers


def test_names_with_commas_quotes_and_lines_come_back():
    names = ["a,b", '"q"', "two\nlines", "大熊猫"]
    content = as_csv(pd.DataFrame({"class": names, "row": range(4)}))
    assert table_of(content)["class"].tolist() == names


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("glyphs", "explore", ""), "glyphs-explore.csv"),
        (("../../etc/passwd", "explore"), "etc-passwd-explore.csv"),
        (("大熊猫", "explore"), "explore.csv"),
        (("<b>\"'\n", ""), "b.csv"),
        (("...",), "gsmflow.csv"),
        (("x" * 500,), "x" * 60 + ".csv"),
    ],
)
def test_file_names_have_safe_characters_only(parts, name):
    assert file_name(*parts, suffix="csv") == name
