"""The two maps of the page: where points stand, what is said of them, and how they are marked."""

import numpy as np
import pytest
from parts import CHOSEN, EACH, LABELS, PCA, UMAP, browser, open_parts

EMPTY_EDGE = 0.08  # of the frame, on each side


@pytest.fixture(scope="module")
def chromium():
    with browser() as opened:
        yield opened


@pytest.fixture
def context(chromium):
    made = chromium.new_context(viewport={"width": 1200, "height": 900})
    yield made
    made.close()


@pytest.fixture
def page(context):
    opened = open_parts(context)
    yield opened
    assert opened.errors == []


def frame(page, lens="pca"):
    """The box of a lens in the window, without its border."""
    box = page.locator(f".lens[data-lens={lens}] > canvas").bounding_box()
    return {**box, "x": box["x"] + 1, "y": box["y"] + 1}


def on_screen(page, places, lens="pca"):
    """Where points of a map are in the window: the whole map fits, and units are square."""
    real = {"pca": PCA, "umap": UMAP}[lens]
    box = frame(page, lens)
    size = np.array([box["width"] - 2, box["height"] - 2])
    scale = (size / np.ptp(real, axis=0)).min() * (1 - 2 * EMPTY_EDGE)
    middle = (real.max(0) + real.min(0)) / 2
    return [box["x"], box["y"]] + size / 2 + (np.asarray(places) - middle) * [scale, -scale]


def point_at(page, x, y):
    page.mouse.move(x + 40, y + 60)
    page.mouse.move(x, y)


def draw(page, corners):
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner, steps=8)
    page.mouse.up()


def marked(page):
    return page.evaluate("app.map.marked()")


@pytest.mark.parametrize("lens", ["pca", "umap"])
@pytest.mark.parametrize("row", [0, 29])
def test_a_real_point_is_where_its_place_says(page, lens, row):
    page.click(".legend-part[data-layer=classes]")  # hides what lies over the real ones

    point_at(page, *on_screen(page, {"pca": PCA, "umap": UMAP}[lens][row], lens))

    assert f"row {row}" in page.text_content(".map-card")


def pixel(page, x, y):
    """The colour (red, green, blue, opacity) of the PCA map at a place in the window."""
    box = frame(page)
    at = [round(x - box["x"]), round(y - box["y"])]
    read = "([x, y]) => [...app.map.canvases()[0].getContext('2d').getImageData(x, y, 1, 1).data]"
    return page.evaluate(read, at)


@pytest.mark.parametrize(("row", "colour"), [(0, [0, 0x72, 0xB2]), (15, [0xD5, 0x5E, 0])])
def test_a_point_is_drawn_where_one_points_at_it_and_ringed_where_it_is_marked(page, row, colour):
    page.click(".legend-part[data-layer=classes]")
    x, y = on_screen(page, PCA[row])
    assert np.abs(np.array(pixel(page, x, y))[:3] - colour).max() < 12
    assert pixel(page, x, y + 7)[3] == 0

    page.evaluate("(row) => app.map.mark('real', row)", row)

    assert pixel(page, x, y + 7)[3] > 0


def test_a_synthesized_point_names_its_nearest_real_one_and_whether_it_is_off_the_map(page):
    far = on_screen(page, [0.15 + 0.3 * 4, 0.5])
    near = on_screen(page, [10.15 + 0.3 * 4, 0.5])

    point_at(page, *far)
    assert "=W" in page.text_content(".map-card p")
    assert "row 0" in page.text_content(".map-card")
    assert "1.5 \N{MULTIPLICATION SIGN} the usual distance" in page.text_content(".map-card")
    assert "off the map" in page.text_content(".map-card")

    point_at(page, *near)
    assert "row 10" in page.text_content(".map-card")
    assert "off the map" not in page.text_content(".map-card")


def test_names_are_text_and_never_markup(page):
    point_at(page, *on_screen(page, [10.15, 0.5]))

    assert "<b>X</b>" in page.text_content(".map-card")
    assert page.locator(".map-card b, .map-legend b").count() == 0
    assert page.text_content(".legend-part[data-class='1']") == "<b>X</b>"


def test_a_box_marks_the_same_points_in_both_lenses(page):
    low, high = np.array([-0.5, -0.5]), np.array([2.4, 0.7])
    page.click("[data-tool=box]")

    (left, bottom), (right, top) = on_screen(page, [low, high])
    draw(page, [(left, top), (right, bottom)])

    rows = marked(page)
    inside = np.flatnonzero(((low < PCA) & (high > PCA)).all(1))
    real = [row for row in rows if row["kind"] == "real"]
    assert [row["row"] for row in real] == inside.tolist()
    assert np.allclose([row["umap"] for row in real], UMAP[inside])
    made = [row for row in rows if row["kind"] == "synthesized"]
    assert len(made) == sum(0.3 * i + 0.15 < high[0] for i in range(EACH))
    assert f"{len(rows)} marked: {len(real)} real" in page.text_content(".map-status")


def test_a_lasso_follows_its_line(page):
    corners = np.array([[9.5, -0.5], [14.5, -0.5], [9.5, 1.6]])  # a triangle over the second class
    page.click("[data-tool=lasso]")

    draw(page, on_screen(page, corners))

    x, y = PCA.T  # its long side goes through (14.5, -0.5) and (9.5, 1.6)
    inside = np.flatnonzero((x > 9.5) & (x < 20) & (y < -0.5 + (14.5 - x) * 2.1 / 5))
    assert [r["row"] for r in marked(page) if r["kind"] == "real"] == inside.tolist()


def test_a_point_of_a_class_that_stands_aside_is_not_marked(page):
    page.click(".legend-part[data-class='1']")
    page.click("[data-tool=box]")
    (left, bottom), (right, top) = on_screen(page, [[-1, -1], [35, 2]])

    draw(page, [(left, top), (right, bottom)])

    labels = {row["label"] for row in marked(page)}
    assert labels == {"<b>X</b>", "Y", "Z"}  # grey ones belong to no class that is compared


def test_marks_can_be_taken_away(page):
    page.click("[data-tool=box]")
    (left, bottom), (right, top) = on_screen(page, [[-1, -1], [35, 2]])
    draw(page, [(left, top), (right, bottom)])
    assert len(marked(page)) == len(PCA) + len(CHOSEN) * EACH

    page.click(".map-tools > .map-tool")

    assert marked(page) == []
    assert page.text_content(".map-status") == "Nothing is marked."


def test_marks_stay_while_the_same_points_move(page):
    page.click("[data-tool=box]")
    (left, bottom), (right, top) = on_screen(page, [[-0.1, 0.3], [1, 0.7]])
    draw(page, [(left, top), (right, bottom)])
    before = marked(page)
    assert before

    page.evaluate("app.change({ structure: 1 })")
    page.wait_for_timeout(400)

    after = marked(page)
    assert [row["label"] for row in after] == [row["label"] for row in before]
    assert np.allclose([r["pca"][1] for r in after], [r["pca"][1] + 1 for r in before])


def test_keys_go_from_point_to_point_and_mark(page):
    canvas = page.locator(".lens[data-lens=pca] > canvas")
    page.click(".legend-part[data-layer=classes]")
    canvas.focus()

    said = []
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
        said.append(page.text_content(".unseen-text"))
    page.keyboard.press("Enter")

    rows = [int(text.split("row ")[1].split(",")[0]) for text in said]
    assert PCA[rows[1], 0] > PCA[rows[0], 0]
    assert rows[2] == rows[0]
    assert [row["row"] for row in marked(page)] == [rows[0]]


def test_zooming_keeps_what_is_under_the_pointer(page):
    where, view = page.evaluate(
        """() => {
          const box = { left: -3, right: 5, low: 0, high: 9 };
          const size = { width: 300, height: 200 };
          const view = zoomedAt(70, 30, 3, { x: 1, y: 4.5, zoom: 1 }, box, size);
          const before = placeAt(70, 30, { x: 1, y: 4.5, zoom: 1 }, box, size);
          return [[before, placeAt(70, 30, view, box, size)], view];
        }"""
    )

    assert np.allclose(*where)
    assert view["zoom"] == 3


def test_a_wheel_and_the_reset_button(page):
    x, y = on_screen(page, PCA[0])
    before = on_screen(page, PCA[12])
    page.mouse.move(x, y)
    page.mouse.wheel(0, -400)
    point_at(page, *before)
    assert page.locator(".map-card:visible").count() == 0

    page.click("[aria-label='See the whole map']")

    point_at(page, *before)
    assert "row 12" in page.text_content(".map-card") or "<b>X</b>" in page.text_content(
        ".map-card"
    )


def test_points_outside_of_the_frame_are_told(page):
    page.evaluate("app.change({ structure: 500 })")
    page.wait_for_timeout(400)

    assert f"Outside of what you see: {len(CHOSEN) * EACH}." in page.text_content(".map-status")


GLIDE = """async () => {
  const cloud = (places) => {
    const all = Float32Array.from(places);
    return { kind: "classes", labels: [0], pca: all, umap: all };
  };
  const glider = gliderOf(() => {});
  glider.send(cloud([0, 0]));
  glider.send(cloud([10, -10]));
  const seen = [];
  for (const wait of [0, 60, 600]) {
    await new Promise((go) => setTimeout(go, wait));
    await new Promise(requestAnimationFrame);
    seen.push([...glider.places("classes", "pca")]);
  }
  return seen;
}"""


def test_points_glide_and_arrive(page):
    *way, end = page.evaluate(GLIDE)

    assert any(0 < x < 10 and np.isclose(x, -y) for x, y in way)
    assert end == [10, -10]


def test_points_jump_where_no_motion_is_asked_for(chromium):
    context = chromium.new_context(reduced_motion="reduce")
    assert open_parts(context).evaluate(GLIDE) == [[10, -10]] * 3
    context.close()


def test_a_narrow_place_shows_one_lens_at_a_time(chromium):
    context = chromium.new_context(viewport={"width": 360, "height": 740}, has_touch=True)
    page = open_parts(context)
    assert page.locator(".lens:visible").count() == 1

    page.tap(".map-lens[data-lens=umap]")
    page.locator(".lens[data-lens=umap]").scroll_into_view_if_needed()
    page.touchscreen.tap(*on_screen(page, UMAP[25], "umap"))

    assert page.locator(".lens:visible").get_attribute("data-lens") == "umap"
    assert "row 25" in page.text_content(".map-card")
    small = page.evaluate(
        "[...document.querySelectorAll('#map button')].filter((one) => one.offsetWidth)"
        ".filter((one) => Math.min(one.offsetWidth, one.offsetHeight) < 40).length"
    )
    assert small == 0
    context.close()


def test_two_thousand_points_are_drawn_on_a_page(context):
    """They are there, in the colours of their classes, and in dots that do not hide each other."""
    rng = np.random.default_rng(0)
    many = rng.normal(size=(2000, 2))
    facts = {"labels": (np.arange(2000) % 4).tolist(), "pca": many.ravel().tolist()}
    page = open_parts(context, facts=facts | {"umap": many.ravel().tolist()})

    pixels = page.evaluate(
        """() => {
          const [canvas] = app.map.canvases();
          const { width, height } = canvas;
          return [...canvas.getContext("2d").getImageData(0, 0, width, height).data];
        }"""
    )

    colours = np.reshape(pixels, (-1, 4))
    shown = colours[colours[:, 3] > 0, :3]
    assert len(shown) > 2000
    for wanted in ([0, 0x72, 0xB2], [0xD5, 0x5E, 0]):
        assert (np.abs(shown - wanted).max(1) < 12).any()


def test_what_is_shown_first_has_no_more_classes_than_were_chosen(page):
    assert page.locator(".legend-part[data-class]").count() == len(CHOSEN)
    assert len(set(LABELS)) > len(CHOSEN)
