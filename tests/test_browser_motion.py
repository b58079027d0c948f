"""Points that glide to where they are sent, in a real JupyterLab and a real Chromium."""

import lab
import numpy as np
import pytest
from test_browser import SYNTHESIZED, desk  # noqa: F401

EXPLORE = "from gsmflow_lite.panels import explore\npanel = explore()\npanel"
# Notes the first place of the synthesized points at the end of each drawing, as the graphics card
# has it.
SPY = """(trace) => {
  const plot = document.querySelector(".gsmflow .js-plotly-plot");
  window.plot = plot;
  window.drawn = [];
  const watch = () => {
    const scene = plot._fullLayout._plots.xy._scene;
    if (scene.watched) return;
    scene.watched = true;
    const { update } = scene.scatter2d;
    let place;
    scene.scatter2d.update = function (changes) {
      place = changes?.[trace]?.positions ?? place;
      return update.apply(this, arguments);
    };
    const { draw } = scene;
    scene.draw = function () {
      if (place) window.drawn.push({ x: place[0], y: place[1], time: performance.now() });
      return draw.apply(this, arguments);
    };
  };
  watch();
  plot.on("plotly_afterplot", watch);
}"""
STATE = """(text) => {
  const label = [...document.querySelectorAll(".gsmflow label")].find((one) =>
    one.innerText === "State");
  const field = label.parentElement.querySelector("input");
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
  field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", keyCode: 13, bubbles: true }));
}"""


@pytest.fixture(scope="module")
def page(desk):  # noqa: F811
    page = lab.open_notebook(*desk, "motion", [EXPLORE])
    lab.wait_for_plot(page)
    lab.rest(page)
    page.evaluate(SPY, SYNTHESIZED)
    yield page
    page.close()


def place(page) -> np.ndarray:
    """Where the first synthesized point is by the data of the figure."""
    return np.array(
        page.evaluate(f"['x', 'y'].map((axis) => window.plot._fullData[{SYNTHESIZED}][axis][0])")
    )


def move(page, state: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Take over a state; the place before it, the places that were drawn (n, 2), and the last."""
    before = place(page)
    page.evaluate("() => { window.drawn.length = 0 }")
    page.evaluate(STATE, state)
    page.wait_for_function(
        f"(x) => window.plot._fullData[{SYNTHESIZED}].x[0] !== x", arg=float(before[0])
    )
    page.wait_for_timeout(400)  # longer than a glide
    lab.rest(page)
    drawn = page.evaluate("() => window.drawn.map(({ x, y }) => [x, y])")
    return before, np.array(drawn), place(page)


def share(before: np.ndarray, drawn: np.ndarray, after: np.ndarray) -> np.ndarray:
    """How much of its way a point has gone in each drawing."""
    way = after - before
    return (drawn - before) @ way / (way @ way)


def test_points_glide_to_where_a_slider_sends_them_and_end_there_exactly(page):
    page.emulate_media(reduced_motion="no-preference")
    before, drawn, after = move(page, "explore?variance=0.6")
    seen = share(before, drawn, after)[1:]  # plotly's own drawing is never seen
    assert 0 < seen[0] < 0.6  # the first picture shows the first part of the way
    assert (np.diff(seen) >= -1e-6).all()
    np.testing.assert_array_equal(drawn[-1], after)


def test_points_of_other_classes_jump(page):
    page.emulate_media(reduced_motion="no-preference")
    before, drawn, after = move(page, "explore?classes=M&classes=Q&classes=U")
    assert set(share(before, drawn, after).round(6)) == {1.0}


def test_points_jump_where_no_motion_is_wanted(page):
    page.emulate_media(reduced_motion="reduce")
    before, drawn, after = move(page, "explore?variance=0.3")
    assert set(share(before, drawn, after).round(6)) == {1.0}
