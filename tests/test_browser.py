"""Panels in a real JupyterLab and a real Chromium.

They show, they answer, they write nothing to the console, and everybody can use them.
"""

import importlib.util
import io
import os
from pathlib import Path

import lab
import numpy as np
import pytest
from PIL import Image

EXPLORE = "from gsmflow_lite.panels import explore\nexplore()"
TRAIN = """from dataclasses import replace
from gsmflow_lite.panels.train import train
from gsmflow_lite.panels.training_settings import PRESETS
two = PRESETS["two dimensions"]
longer = replace(two.training, epochs=600)  # not over before the test stops it
train("gaussian_world_2d", config=replace(two, training=longer))"""
DESIGN = f"""import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from tiny import tiny_dataset
from gsmflow_lite.panels import design
design(tiny_dataset(rows=40), state="design?temperature=0.33")"""
SYNTHESIZED = 2  # the trace of synthesized points in the linear lens
RING = 9  # the trace of the ring around the point that is looked at
SECOND = 11  # traces of the linear lens: the second lens begins here
# How many names are on the map.
NAMED = "plot._fullLayout.annotations.filter((note) => note.text.startsWith('<b>')).length"
PLOT = ".gsmflow .js-plotly-plot"
LOSS = "document.querySelector('.gsmflow .area-meters .js-plotly-plot')._fullData[3]"
# JupyterLab's body has no height and hides what flows over: axe takes everything in it for hidden,
# and measures no contrast.
UNCOVER = """() => {
  let box = document.querySelector(".gsmflow").parentElement;
  for (; box; box = box.parentElement) box.style.overflow = "visible";
}"""
# A page that takes three seconds to load plotly: everything else waits for it, as where a slow
# processor does.
SLOW = """globalThis.Blob = class extends Blob {
  constructor(parts, options) {
    super(parts, options);
    for (const end = Date.now() + (this.size > 1e6 ? 3000 : 0); Date.now() < end;);
  }
};"""
# What the console may say. Lab asks for pages that a server of its own does not have, and Chromium
# for speed when it reads pixels back from its software renderer.
HARMLESS = (
    "favicon.ico",
    "/lab/api/news",
    "GPU stall due to ReadPixels",
    "WebSocket is closed before the connection",
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A browser, the address of a JupyterLab and its folder."""
    missing = [] if importlib.util.find_spec("playwright") else ["playwright"]
    missing += [] if lab.chromium_path() else ["chromium (set CHROMIUM to its path)"]
    if missing:
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say(f"the tests in a browser need {' and '.join(missing)}")
    folder = tmp_path_factory.mktemp("lab")
    with lab.jupyter_lab(folder) as address, lab.chromium() as browser:
        yield browser, address, folder


@pytest.fixture(scope="module")
def explorer_page(desk):
    page = lab.open_notebook(*desk, "explore", [EXPLORE])
    lab.wait_for_plot(page)
    # An example is shown once the meters have been read.
    page.wait_for_selector(".gsmflow .card img")
    yield page
    page.close()


@pytest.fixture
def explorer(explorer_page):
    """The page with its panel as at the start."""
    type_state(explorer_page, "explore")
    return explorer_page


@pytest.fixture(scope="module")
def trainer(desk):
    page = lab.open_notebook(*desk, "train", [TRAIN])
    lab.wait_for_plot(page)
    yield page
    page.close()


# --- Reading the page -----------------------------------------------------------------------------


def wait(page, condition: str, given=None) -> None:
    """Wait until a JavaScript condition holds.

    In the condition ``plot`` is the panel's figure, and ``given`` is the argument.
    """
    page.wait_for_function(
        f"(given) => {{ const plot = document.querySelector('{PLOT}'); return {condition} }}",
        arg=given,
    )


def read(page, expression: str):
    return page.evaluate(
        f"() => {{ const plot = document.querySelector('{PLOT}'); return {expression} }}"
    )


def places(page, trace: int = SYNTHESIZED) -> np.ndarray:
    """What plotly draws of a trace, (N, 2)."""
    return np.array(
        read(page, f"['x', 'y'].map((axis) => Array.from(plot._fullData[{trace}][axis]))")
    ).T


def names(page) -> set[str]:
    """Classes whose names stand on the map."""
    found = read(page, "plot._fullLayout.annotations.map((note) => note.text)")
    return {text[3:-4] for text in found if text.startswith("<b>")}


def pixels(page) -> np.ndarray:
    return np.asarray(
        Image.open(io.BytesIO(page.locator(PLOT).first.screenshot())).convert("RGB"), int
    )


def handle(page, label: str):
    """What a keyboard moves of the slider with this label."""
    return page.locator(".gsmflow .widget-slider", has=page.get_by_text(label, exact=True)).locator(
        ".noUi-handle"
    )


def open_group(page, title: str) -> None:
    """Show a group of controls, by key."""
    button = page.locator(".gsmflow .tabs button", has_text=title)
    button.focus()
    page.keyboard.press("Enter")
    lab.settle(page)


def state_of(page) -> str:
    return page.get_by_label("State", exact=True).input_value()


def type_state(page, text: str) -> None:
    """Type a state, press Enter, and wait until the figure is drawn and the meters rest."""
    open_group(page, "Share")
    field = page.get_by_label("State", exact=True)
    field.fill(text)
    field.press("Enter")
    lab.rest(page)


def moved(page, before: np.ndarray) -> None:
    """Wait until the synthesized points have left their places."""
    x = f"plot._fullData[{SYNTHESIZED}].x"
    wait(page, f"{x}.length !== given[0] || {x}[0] !== given[1]", [len(before), before[0, 0]])


def pixel_of(page, point: np.ndarray) -> tuple[float, float]:
    """Where on the page a place (2,) of the linear lens is."""
    x, y = page.evaluate(
        """([plot, x, y]) => {
          plot = document.querySelector(plot);
          const { xaxis, yaxis } = plot._fullLayout;
          const box = plot.getBoundingClientRect();
          return [box.x + xaxis._offset + xaxis.l2p(x), box.y + yaxis._offset + yaxis.l2p(y)];
        }""",
        [PLOT, *map(float, point)],
    )
    return x, y


def point_at(page, place: np.ndarray) -> None:
    """Point at a place (2,) of the linear lens until it has a ring and its card is shown.

    Where the page was too slow, point again.
    """
    ring = f"Math.abs(Array.from(plot._fullData[{RING}].x).at(-1) - {place[0]}) < 1e-4"
    for _ in range(lab.PATIENCE):
        page.mouse.move(0, 0)  # the same point is reported once
        page.mouse.move(*pixel_of(page, place), steps=2)
        page.wait_for_timeout(500)
        lab.settle(page)
        if read(page, ring):
            return
    raise AssertionError(f"no ring around {place}")


# --- The explorer ---------------------------------------------------------------------------------


def test_the_explorer_shows_its_map_through_both_lenses(explorer):
    assert names(explorer) == set("26I")
    for lens in (0, SECOND):
        assert places(explorer, lens + SYNTHESIZED).shape == (75, 2)
    picture = pixels(explorer)
    drawn = (picture != picture[60, 60]).any(-1)  # a place inside the frame where nothing is
    assert 0.02 < drawn.mean() < 0.9


def test_a_slider_moved_by_key_changes_the_data_and_the_picture(explorer):
    before = places(explorer)
    picture = pixels(explorer)
    open_group(explorer, "Shifts")
    handle(explorer, "Variance").focus()
    for _ in range(8):
        explorer.keyboard.press("ArrowRight")
    fields = "[...document.querySelectorAll('.gsmflow input')]"
    last = "explore?variance=0.4"  # once all eight keys have been followed
    wait(explorer, f"{fields}.some((field) => field.value === given)", last)

    # The deviation about 0, the centre of the lens, shrinks by more than this at the last dose.
    deviation = "((x) => Math.sqrt(x.reduce((sum, one) => sum + one * one, 0) / x.length))"
    shrunk = f"{deviation}(Array.from(plot._fullData[{SYNTHESIZED}].x)) < given"
    wait(explorer, shrunk, 0.95 * float(np.sqrt(np.square(before[:, 0]).mean())))
    lab.settle(explorer)
    assert (pixels(explorer) != picture).any(-1).sum() > 2000


def test_a_class_chosen_in_the_list_comes_into_focus(explorer):
    open_group(explorer, "Classes")
    chosen = explorer.get_by_label("chosen", exact=True)
    chosen.focus()
    chosen.press("Home")
    wait(explorer, f"{NAMED} === 2")
    assert names(explorer) == {"2"}
    assert len(places(explorer)) == 25


def test_the_search_field_leaves_what_is_chosen_and_what_is_found(explorer):
    open_group(explorer, "Classes")
    options = explorer.get_by_label("chosen", exact=True).locator("option")

    def offered() -> set[str]:
        return set(options.all_inner_texts())

    assert len(offered()) > 40
    field = explorer.get_by_label("Classes", exact=True)
    field.fill("k")
    explorer.wait_for_function(
        "() => document.querySelectorAll('.gsmflow select[multiple] option').length < 15"
    )
    assert offered() - set("26I") <= set("kK")
    field.fill("")
    explorer.wait_for_function(
        "() => document.querySelectorAll('.gsmflow select[multiple] option').length > 40"
    )
    assert names(explorer) == set("26I")


def test_pointing_at_a_point_shows_its_card_with_a_picture_and_moves_no_map(explorer):
    points = places(explorer)
    distances = np.linalg.norm(points - points.mean(0), axis=1)
    alone = np.argmax(distances)  # the outermost point: nothing lies over it
    before = pixel_of(explorer, points[alone])
    point_at(explorer, points[alone])
    card = explorer.locator(".gsmflow .card p").last
    assert "synthesized, unseen class" in card.inner_text()
    assert (
        explorer.locator(".gsmflow .card img").first.evaluate("(picture) => picture.naturalWidth")
        >= 20
    )
    after = pixel_of(explorer, points[alone])
    assert after == pytest.approx(before, abs=0.5)  # it stays under the pointer


def lasso(page, half: float) -> np.ndarray:
    """Draw a square of twice ``half`` around the middle; the numbers of the points inside."""
    points = places(page)
    middle = points.mean(0)
    left, top = pixel_of(page, middle - half)
    right, bottom = pixel_of(page, middle + half)
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner, steps=4)
    page.mouse.up()
    return np.flatnonzero((np.abs(points - middle) < half).all(1))


def test_a_lasso_marks_its_points_in_both_lenses_until_another_one_or_a_double_click(explorer):
    pictures = explorer.locator(".gsmflow .pictures")
    for half in (2, 1):  # the second lies inside the first
        inside = lasso(explorer, half)
        marked, other = (
            f"(plot._fullData[{lens + SYNTHESIZED}].selectedpoints ?? [])" for lens in (0, SECOND)
        )
        about = f"Math.abs({marked}.length - {len(inside)}) < 5"  # some lie on its edge
        wait(explorer, f"String({marked}) === String({other}) && {about}")
        lab.settle(explorer)  # the words come after the marks
        found = read(explorer, f"Array.from({marked})")
        assert len(set(found) ^ set(inside.tolist())) < 5 < len(found)
        assert f"{len(found)} synthesized points selected" in pictures.inner_text()
        assert pictures.locator("img").count()
        assert read(explorer, "plot._fullLayout.selections.length") == 0
    x, y = places(explorer).T
    explorer.mouse.dblclick(*pixel_of(explorer, np.array([x.max(), y.min()])))  # a free corner
    wait(explorer, f"!plot._fullData[{SYNTHESIZED}].selectedpoints")
    lab.settle(explorer)
    assert pictures.inner_text() == ""


def test_each_control_says_what_it_is_for_where_one_points_at_it(explorer):
    title = """(box) => {
      for (; box && !box.title; box = box.parentElement);
      return box?.title;
    }"""
    for control in ("input[type=checkbox]", "select", ".noUi-handle", "input[type=text]"):
        found = explorer.locator(f".gsmflow {control}")
        for number in range(found.count()):
            assert len(found.nth(number).evaluate(title) or "") > 12


def test_a_refused_change_is_said_on_top_and_its_control_goes_back(explorer):
    type_state(explorer, "explore?temperature=0.5")
    open_group(explorer, "Generator")
    explorer.get_by_label("Generator", exact=True).select_option("real features")
    explorer.wait_for_selector(".gsmflow [role=alert]")
    lab.settle(explorer)
    assert "no temperature" in explorer.locator(".gsmflow [role=alert]").inner_text()
    seen = explorer.locator(".gsmflow [role=alert]").bounding_box()
    assert 0 < seen["y"] < explorer.viewport_size["height"]
    assert "GSMFlow" in explorer.get_by_label("Generator", exact=True).input_value()
    assert state_of(explorer) == "explore?temperature=0.5"


def test_a_designer_of_any_data_is_not_changed_by_being_shown(desk):
    page = lab.open_notebook(*desk, "own", [DESIGN])
    lab.wait_for_plot(page)
    lab.rest(page)
    assert state_of(page) == "design?temperature=0.33"
    open_group(page, "Attributes")
    first = page.locator(".gsmflow .widget-slider .noUi-handle").first
    first.focus()
    page.keyboard.press("ArrowRight")
    fields = "[...document.querySelectorAll('.gsmflow input')]"
    wait(page, f"{fields}.some((field) => field.value.includes('changes='))")
    lab.settle(page)
    assert state_of(page).count("changes=") == 1
    page.close()


def test_undo_by_key_goes_back(explorer):
    # Moves of a slider within a second of each other are undone together.
    explorer.wait_for_timeout(1500)
    before = places(explorer)
    open_group(explorer, "Generator")
    handle(explorer, "Temperature").focus()
    explorer.keyboard.press("ArrowLeft")
    moved(explorer, before)
    undo = explorer.locator(".gsmflow").get_by_role("button", name="Undo")
    undo.focus()
    explorer.keyboard.press("Enter")
    wait(explorer, f"plot._fullData[{SYNTHESIZED}].x[0] === given", before[0, 0])
    np.testing.assert_array_equal(places(explorer), before)
    assert state_of(explorer) == "explore"


def test_a_state_that_is_typed_is_taken_over(explorer):
    type_state(explorer, "explore?classes=Q&classes=M&samples=20")
    wait(explorer, f"plot._fullData[{SYNTHESIZED}].x.length === 40")
    wait(explorer, f"{NAMED} === 4")  # in both lenses
    assert names(explorer) == {"Q", "M"}


def test_a_state_that_is_none_is_answered_in_words(explorer):
    type_state(explorer, "explore?heat=3")
    explorer.wait_for_selector(".gsmflow [role=alert]")
    alert = explorer.locator(".gsmflow [role=alert]")
    assert "no setting 'heat'" in alert.inner_text()
    assert alert.bounding_box()["y"] > 0  # in sight, though the field is far below the map
    assert len(places(explorer)) == 75


def test_a_slow_page_shows_the_map_as_it_is(desk):
    page = slow_page_with_20_points(desk, "slow")
    assert names(page) == {"Q"}
    page.close()


@pytest.mark.long  # two busy cores may take minutes to load a slow page anew
def test_a_slow_page_that_is_loaded_anew_shows_the_map_as_it_is(desk):
    page = slow_page_with_20_points(desk, "anew")
    lab.command(page, "docmanager:save")
    page.wait_for_function(lab.SAVED)  # or the page that comes anew has no panel
    lab.settle(page)
    page.reload()
    lab.wait_for_plot(page)
    assert len(places(page)) == 20
    assert names(page) == {"Q"}
    assert state_of(page) == "explore?classes=Q&samples=20"
    page.close()


def slow_page_with_20_points(desk, name: str):
    page = lab.open_notebook(*desk, name, [EXPLORE], first=SLOW)
    lab.wait_for_plot(page)
    wait(page, f"plot._fullData[{SYNTHESIZED}].x.length === 75")
    type_state(page, "explore?classes=Q&samples=20")
    wait(page, f"plot._fullData[{SYNTHESIZED}].x.length === 20")
    return page


def test_a_saved_panel_is_a_picture_once_its_kernel_is_gone(desk):
    browser, address, _ = desk
    page = lab.open_notebook(*desk, "saved", [DESIGN])
    lab.wait_for_plot(page)
    page.wait_for_selector(".gsmflow-note", state="attached")
    still = ".jp-RenderedImage img"
    assert not page.locator(".gsmflow-note").is_visible()
    assert not page.locator(still).is_visible()
    page.wait_for_timeout(500)
    lab.command(page, "docmanager:save")
    page.wait_for_function("() => !document.querySelector('.jp-mod-dirty')")
    lab.command(page, "kernelmenu:shutdown")
    page.close()

    again = browser.new_page()
    again.goto(f"{address}/lab/workspaces/again/tree/saved.ipynb")
    again.wait_for_selector(still, state="visible")
    assert again.locator(".gsmflow-note").is_visible()
    again.wait_for_timeout(3000)  # the page looks for the model of the widget
    assert "Error displaying widget" not in again.locator(".jp-Notebook").inner_text()
    again.close()


# --- The stage ------------------------------------------------------------------------------------

# What must be seen together: status line, words, both lenses, controls, meters, the card's picture.
PARTS = (".status", ".area-words", PLOT[9:], ".controls", ".area-meters table", ".card p img")


@pytest.fixture
def sized(explorer):
    """Set the size of the window, and whether the files are shown beside the notebook."""
    wide = explorer.viewport_size
    open_group(explorer, "Shifts")
    beside = []

    def resize(width: int, height: int, *, files: bool = False):
        explorer.set_viewport_size({"width": width, "height": height})
        if files:
            lab.command(explorer, "filebrowser:activate")
            beside.append(files)
        wait(explorer, "Math.abs(plot.clientWidth - plot._fullLayout.width) < 2")
        explorer.evaluate("() => document.querySelector('.gsmflow').scrollIntoView()")
        return explorer

    yield resize
    for _ in beside:
        lab.command(explorer, "application:toggle-left-area")
    explorer.set_viewport_size(wide)


def outside(page) -> list[str]:
    """Those of the parts that are not wholly in sight."""
    return page.evaluate(
        """(parts) => {
          const screen = document.querySelector(".jp-WindowedPanel-outer").getBoundingClientRect();
          return parts.filter((part) => {
            const box = document.querySelector(`.gsmflow ${part}`).getBoundingClientRect();
            const inside = box.top >= screen.top - 1 && box.bottom <= screen.bottom + 1;
            const beside = box.left >= screen.left && box.right <= screen.right + 1;
            return !(inside && beside && box.width);
          });
        }""",
        PARTS,
    )


@pytest.mark.parametrize(
    ("width", "height", "files"), [(1366, 768, True), (1024, 768, False), (1920, 1080, True)]
)
def test_all_that_belongs_together_is_on_the_screen_together(sized, width, height, files):
    page = sized(width, height, files=files)
    page.wait_for_function("() => document.querySelector('.gsmflow .card p img')?.complete")
    assert outside(page) == []
    assert read(page, "plot._fullLayout.xaxis2._length") > 240


def test_on_a_wide_screen_little_is_left_white(sized):
    page = sized(1920, 1080)
    used = page.evaluate(
        """() => {
          const wide = (part) => document.querySelector(part).getBoundingClientRect();
          return wide(".gsmflow .area-side").right / wide(".jp-OutputArea").right;
        }"""
    )
    assert used > 0.95
    assert read(page, "plot.clientWidth") > 900


def test_zoomed_in_the_map_stays_in_view_while_a_slider_moves(sized):
    page = sized(911, 512)  # 1366 x 768 at 150 %
    handle(page, "To the seen").scroll_into_view_if_needed()
    handle(page, "To the seen").focus()
    page.keyboard.press("ArrowRight")
    lab.settle(page)
    places = page.evaluate(
        """([plot]) => {
          const screen = document.querySelector(".jp-WindowedPanel-outer").getBoundingClientRect();
          const box = document.querySelector(plot).getBoundingClientRect();
          const moved = document.activeElement.getBoundingClientRect();
          return [box.top - screen.top, moved.top - box.bottom, screen.bottom - moved.bottom];
        }""",
        [PLOT],
    )
    assert min(places) > -2  # the map from its top on, the slider under it, both in sight


# That part of plotly takes the pointer: hover, lasso and zoom go through it.
POINTER_REACHES_THE_MAP = """() => {
  const map = document.querySelector(".gsmflow.present .js-plotly-plot.map");
  const box = map.getBoundingClientRect();
  const middle = document.elementFromPoint(box.x + box.width / 4, box.y + box.height / 2);
  return middle.classList.contains("nsewdrag");
}"""


def test_presenting_leaves_large_words_map_and_meters_until_escape(sized):
    page = sized(1366, 768)
    before = page.locator(".gsmflow table").first.evaluate("(x) => getComputedStyle(x).fontSize")
    button = page.get_by_role("button", name="Present")
    button.click()
    page.wait_for_selector(".gsmflow.present")
    large = page.locator(".gsmflow table").first.evaluate("(x) => getComputedStyle(x).fontSize")
    assert float(large[:-2]) > 1.3 * float(before[:-2])
    assert not page.locator(".gsmflow .area-card").is_visible()
    assert handle(page, "Variance").is_visible()  # of the group that was open
    page.wait_for_function(POINTER_REACHES_THE_MAP)
    page.keyboard.press("Escape")
    page.wait_for_selector(".gsmflow:not(.present)")
    assert page.locator(".gsmflow .area-card").is_visible()


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_the_explorer_can_be_used_by_everybody(explorer, theme):
    change_theme(explorer, theme)
    assert violations(explorer) == []


# --- Training -------------------------------------------------------------------------------------


def test_training_can_be_watched_and_stopped_while_the_panel_answers(trainer):
    panel = trainer.locator(".gsmflow")
    panel.get_by_role("button", name="Start").click()
    wait(trainer, f"{LOSS}.x.length > 2")  # a few epochs
    open_group(trainer, "Share")
    panel.get_by_role("button", name="Code").click()
    trainer.wait_for_selector(".gsmflow pre.code")
    assert "new_model(" in panel.locator("pre.code").inner_text()
    stop = panel.locator(".area-words").get_by_role("button", name="Stop")
    assert stop.is_enabled()  # it answered while it was training
    stop.click()
    trainer.wait_for_function(
        "() => document.querySelector('.gsmflow').innerText.includes('stopped by you')"
    )
    wait(trainer, f"{LOSS}.x.length === {LOSS}.y.length")
    epochs = read(trainer, f"{LOSS}.x.length")
    assert 2 < epochs < 600


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_the_training_panel_can_be_used_by_everybody(trainer, theme):
    change_theme(trainer, theme)
    assert violations(trainer) == []


# --- Many on one page -----------------------------------------------------------------------------

# Counts the contexts of WebGL that the page asks for: a browser ends the oldest of too many.
COUNT_CONTEXTS = """globalThis.contexts = new Set();
const getContext = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...options) {
  const made = getContext.call(this, kind, ...options);
  if (made && kind.startsWith("webgl")) contexts.add(this);
  return made;
};"""
MANY = [
    f"from gsmflow_lite.panels import {name}\n{name}()" for name in ("compare", "design", "dissect")
]


def test_three_panels_on_a_page_can_be_used_by_everybody_and_leave_room_for_more(desk):
    page = lab.open_notebook(*desk, "many", MANY, first=COUNT_CONTEXTS)
    page.wait_for_function(f"() => document.querySelectorAll('{PLOT} .main-svg').length >= 8")
    lab.rest(page)
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        change_theme(page, theme)
        assert violations(page) == []
    in_use = "[...contexts].filter((canvas) => canvas.isConnected).length"
    assert 2 <= page.evaluate(in_use) < 8
    page.close()


# --- Both -----------------------------------------------------------------------------------------


def test_the_console_stays_free_of_complaints(explorer, trainer):
    said = [
        f"{kind}: {text[:300]}"
        for page in (explorer, trainer)
        for kind, text in page.lines
        if complains(kind, text)
    ]
    assert said == []


def complains(kind: str, text: str) -> bool:
    bad = kind in ("error", "uncaught") or any(
        word in text for word in ("WebGL", "widget", "model not found", "context lost")
    )
    return bad and kind != "debug" and not any(word in text for word in HARMLESS)


def change_theme(page, theme: str) -> None:
    lab.command(page, "apputils:change-theme", theme=theme)
    page.wait_for_function(
        "(light) => document.body.dataset.jpThemeLight === light", arg=str("Light" in theme).lower()
    )
    # Colours fade from one theme to the other.
    page.wait_for_function("() => document.getAnimations().length === 0")


def violations(page) -> list[str]:
    """What axe finds serious or critical inside the panel."""
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate(UNCOVER)
    found = (
        Axe()
        .run(page, context=".gsmflow", options={"resultTypes": ["violations"]})
        .response["violations"]
    )
    return [
        f"{one['id']}: {node['html'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
