"""The map in a real browser: pictures at the pointer, names and legend to click, files to save."""

import lab
import numpy as np
import pytest
from test_browser import PLOT, SYNTHESIZED, desk, names, open_group, pixel_of, places, read, wait  # noqa: F401

EXPLORE = "from gsmflow_lite.panels import explore\nexplore()"
TIP = ".gsmflow-pointer"


@pytest.fixture(scope="module")
def page(desk):  # noqa: F811
    page = lab.open_notebook(*desk, "map", [EXPLORE])
    lab.wait_for_plot(page)
    page.wait_for_selector(".gsmflow .card img")
    lab.rest(page)
    yield page
    page.close()


def outermost(page, way) -> np.ndarray:
    """The synthesized point of the linear lens that is outermost in a direction."""
    points = places(page)
    return points[(points @ np.array(way)).argmax()]


@pytest.mark.parametrize("way", [(1, 0), (-1, 0), (0, 1), (0, -1)])
def test_the_picture_of_a_point_stands_beside_it_inside_the_window(page, way):
    x, y = pixel_of(page, outermost(page, way))
    tip = page.locator(TIP).first
    for _ in range(5):  # where the page was too slow, point again
        page.mouse.move(0, 0)
        page.mouse.move(x, y, steps=2)
        page.wait_for_timeout(600)
        lab.settle(page)
        if tip.locator("img").count():
            break
    assert "synthesized, unseen class" in tip.inner_text()
    assert tip.locator("img").first.evaluate("(image) => image.naturalWidth") >= 20
    box = tip.bounding_box()
    size = page.viewport_size
    right, bottom = box["x"] + box["width"], box["y"] + box["height"]
    assert min(box["x"], box["y"]) >= 0
    assert right <= size["width"]
    assert bottom <= size["height"]
    assert not (box["x"] <= x <= right and box["y"] <= y <= bottom)
    assert page.locator(".gsmflow .hoverlayer text").count() == 0  # one tooltip, not two
    page.keyboard.press("Escape")
    assert not tip.is_visible()


def test_a_double_click_on_a_name_shows_its_class_alone_and_in_the_legend_all(page):
    every = names(page)
    name = sorted(every)[0]
    place = page.locator(f"{PLOT} .annotation", has_text=name).first
    place.click()
    place.click()
    wait(page, "plot._fullLayout.annotations.filter((n) => n.text.startsWith('<b>')).length === 2")
    assert names(page) == {name}
    legend = page.get_by_role("group", name="legend of the map")
    assert legend.locator("[aria-pressed=false]").count() == len(every) - 1
    legend.get_by_role("button", name=name, exact=True).dblclick()
    wait(
        page,
        "plot._fullLayout.annotations.filter((n) => n.text.startsWith('<b>')).length === given",
        2 * len(every),
    )


def test_the_legend_hides_and_shows_by_key_and_keeps_the_focus(page):
    count = len(places(page))
    button = page.get_by_role("button", name="synthesized", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    wait(page, f"plot._fullData[{SYNTHESIZED}].x.length === 0")
    assert page.evaluate("document.activeElement.textContent").endswith("synthesized")
    page.keyboard.press("Space")
    wait(page, f"plot._fullData[{SYNTHESIZED}].x.length === given", count)


def test_the_tool_bar_covers_no_heading(page):
    page.mouse.move(*pixel_of(page, places(page).mean(0)))
    bar = page.locator(f"{PLOT} .modebar").first.bounding_box()
    for heading in ("PCA: shows spread", "UMAP: shows neighbours"):
        box = page.locator(f"{PLOT} .annotation-text", has_text=heading).bounding_box()
        apart = box["x"] + box["width"] <= bar["x"] or bar["x"] + bar["width"] <= box["x"]
        assert apart or box["y"] >= bar["y"] + bar["height"]


@pytest.mark.parametrize(
    ("button", "name", "begins"),
    [
        ("PNG", "glyphs-explore.png", b"\x89PNG"),
        ("SVG", "glyphs-explore.svg", b"<?xml"),
        ("Points", "glyphs-explore-points.csv", b"class,origin,row"),
    ],
)
def test_what_is_saved_reaches_the_disk(page, button, name, begins):
    open_group(page, "Share")
    with page.expect_download() as waiting:
        page.locator(".gsmflow .exports button", has_text=button).click()
    assert waiting.value.suggested_filename == name
    with open(waiting.value.path(), "rb") as file:
        assert file.read().startswith(begins)


def test_the_wheel_zooms_the_map(page):
    span = "((range) => range[1] - range[0])(plot._fullLayout.xaxis.range)"
    before = read(page, span)
    page.mouse.move(*pixel_of(page, places(page).mean(0)))
    page.mouse.wheel(0, -200)
    wait(page, f"{span} < given", 0.95 * before)
