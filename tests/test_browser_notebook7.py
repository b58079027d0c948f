"""The explorer with its tour, in a real Notebook 7: it shows, follows a key, nobody complains."""

import importlib.util
import os

import lab
import pytest

CELL = "from gsmflow_lite.panels import explore\nexplore(tour=True)"
# What Notebook 7 itself says, also of a notebook without a panel, and what Chromium says of its
# software renderer.
HARMLESS = (
    "Menu entry for command",
    "[yjs#509]",
    "Cannot read properties of undefined (reading 'schema')",
    "favicon.ico",
    "GPU stall due to ReadPixels",
    "WebSocket is closed before",
)
DRAWN = "document.querySelector('.gsmflow .js-plotly-plot')._fullData[2].x"


@pytest.fixture
def page(tmp_path):
    if not (importlib.util.find_spec("playwright") and lab.chromium_path()):
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say("the tests in a browser need playwright and chromium (set CHROMIUM to its path)")
    with lab.jupyter_lab(tmp_path) as address, lab.chromium() as browser:
        page = lab.open_notebook(browser, address, tmp_path, "seven", [CELL], classic=True)
        page.set_viewport_size({"width": 1366, "height": 768})
        lab.wait_for_plot(page)
        yield page


def test_a_slider_of_the_explorer_moves_by_key_in_notebook_7(page):
    assert "/notebooks/seven.ipynb" in page.url
    lab.rest(page)
    page.locator(".gsmflow .tabs").get_by_role("button", name="Shifts").click()
    before = page.evaluate(f"Array.from({DRAWN})")
    name = page.get_by_text("Variance", exact=True)
    handle = page.locator(".gsmflow .widget-slider", has=name).locator(".noUi-handle")
    handle.wait_for()  # the kernel opens the group
    handle.press("ArrowRight")
    page.wait_for_function(f"(before) => {DRAWN}.some((x, i) => x !== before[i])", arg=before)
    assert "step 1 of 6" in page.locator(".gsmflow .area-tour [role=status]").inner_text()

    lab.rest(page)
    complaints = [
        text
        for kind, text in page.lines
        if kind in ("error", "warning", "uncaught") and not any(one in text for one in HARMLESS)
    ]
    assert complaints == []
