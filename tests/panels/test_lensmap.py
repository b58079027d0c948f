"""The live map shows the arrays put on it, sends whole messages, and knows each point."""

import numpy as np
import pytest

from gsmflow_lite.figures.lenses import CURVES
from gsmflow_lite.figures.points import Points
from gsmflow_lite.figures.style import MIDDLE_GREY
from gsmflow_lite.panels.lensmap import LensMap

NAMES = ("one", "two", "three", "four")
HOSTILE = ("<b>x</b>", "$x$", "%{y}", "<script>alert(1)</script>")


def cloud(rng, count: int = 20, classes: int = 4) -> Points:
    return Points(
        rng.standard_normal((count, 2)),
        rng.standard_normal((count, 2)),
        np.arange(count) % classes,
        np.arange(count),
    )


def texts(count: int, word: str = "point") -> list[str]:
    return [f"{word} {i}" for i in range(count)]


@pytest.fixture
def real(rng) -> Points:
    return cloud(rng)


@pytest.fixture
def synthesized(rng) -> Points:
    return cloud(rng, 6, 3)


@pytest.fixture
def shown(real, synthesized):
    lens_map = LensMap(NAMES, sets=2)
    lens_map.show_real(real, [1, 2], texts(20, "real"), {1: "#111111", 2: "#222222"})
    lens_map.show_synthesized(synthesized, texts(6, "synthesized"))
    lens_map.draw()
    yield lens_map
    lens_map.figure.close()


@pytest.fixture
def messages(shown, monkeypatch) -> list:
    """What is sent to the page from now on: pairs of changes and numbers of traces."""
    sent = []
    send = shown.figure._send_update_msg

    def note(restyle_data, relayout_data, trace_indexes=None, source_view_id=None):
        sent.append((restyle_data, list(trace_indexes)))
        send(restyle_data, relayout_data, trace_indexes, source_view_id)

    monkeypatch.setattr(shown.figure, "_send_update_msg", note)
    return sent


def notes(lens_map: LensMap) -> list[dict]:
    """Annotations as the page gets them."""
    return lens_map.figure.to_dict()["layout"]["annotations"]


def selections(lens_map: LensMap) -> list[dict]:
    """What the map tells of lassos from now on."""
    heard = []
    lens_map.on_select = lambda found: heard.append({k: v.tolist() for k, v in found.items()})
    return heard


def page_says(lens_map: LensMap, event: str, found: dict, selector=None) -> None:
    """Send an event as the page does; ``found`` are places in traces by part and lens."""
    pairs = [(lens_map._parts[key], place) for key, places in found.items() for place in places]
    points = {
        "trace_indexes": [trace for trace, _ in pairs],
        "point_indexes": [place for _, place in pairs],
        "xs": [0.0] * len(pairs),
        "ys": [0.0] * len(pairs),
    }
    lens_map.figure._js2py_pointsCallback = {
        "event_type": event,
        "points": points,
        "selector": selector,
        "device_state": None,
    }


def lasso(lens_map: LensMap, found: dict) -> None:
    """Draw a lasso around points."""
    around = {"type": "lasso", "selector_state": {"xs": [0, 1, 1], "ys": [0, 0, 1]}}
    page_says(lens_map, "plotly_selected", found, around)


def moved_right(points: Points) -> Points:
    """The same points, one further to the right and upwards through the linear lens alone."""
    return Points(points.pca + 1, points.umap, points.labels, points.rows)


def written_on(names, points: Points, focus: list[int]) -> list[str]:
    """The texts that stand on a new map of real points."""
    lens_map = LensMap(names)
    lens_map.show_real(points, focus, texts(points.count), {})
    lens_map.draw()
    written = [note["text"] for note in notes(lens_map)]
    lens_map.figure.close()
    return written


def xy(trace) -> np.ndarray:
    return np.stack([trace.x, trace.y], axis=1)


@pytest.mark.parametrize("lens", ["pca", "umap"])
def test_the_figure_has_the_points_that_were_put_on_it(shown, real, synthesized, lens):
    inside = np.isin(real.labels, [1, 2])
    np.testing.assert_array_equal(xy(shown.trace("real", lens)), getattr(real, lens)[inside])
    np.testing.assert_array_equal(xy(shown.trace("context", lens)), getattr(real, lens)[~inside])
    np.testing.assert_array_equal(xy(shown.trace("synthesized", lens)), getattr(synthesized, lens))


def test_each_point_has_its_own_text_and_number(shown, real):
    for part, inside in (
        ("real", np.isin(real.labels, [1, 2])),
        ("context", ~np.isin(real.labels, [1, 2])),
    ):
        numbers = [i for i in range(20) if inside[i]]
        assert list(shown.trace(part, "pca").customdata) == numbers
        assert list(shown.trace(part, "umap").text) == [f"real {i}" for i in numbers]


def test_points_in_focus_have_the_colours_of_their_classes(shown, real, synthesized):
    colour = {1: "#111111", 2: "#222222"}
    of_real = [colour[k] for k in real.labels if k in colour]
    assert list(shown.trace("real", "pca").marker.color) == of_real
    assert list(shown.trace("synthesized", "umap").marker.color) == [
        colour.get(k, MIDDLE_GREY) for k in synthesized.labels
    ]


def test_nothing_is_sent_before_draw(shown, messages, synthesized):
    shown.show_synthesized(moved_right(synthesized), texts(6))
    shown.mark({"pca": np.ones((1, 2))})
    assert messages == []
    np.testing.assert_array_equal(xy(shown.trace("synthesized", "pca")), synthesized.pca)
    shown.draw()
    assert len(messages) == 1  # the page draws the whole figure anew for each
    np.testing.assert_array_equal(xy(shown.trace("synthesized", "pca")), synthesized.pca + 1)


def test_every_message_has_a_value_of_each_property_for_each_of_its_traces(
    shown, messages, synthesized, real
):
    # The UMAP trace stays as it is.
    shown.show_synthesized(moved_right(synthesized), texts(6, "synthesized"))
    shown.draw()
    shown.show_real(real, [1], texts(20, "real"), {1: "#111111"})
    shown.show_lines({"moved": {"pca": np.zeros((3, 2))}})
    shown.mark({"umap": np.ones((2, 2))})
    shown.draw()
    assert len(messages) == 2
    for changes, traces in messages:
        for prop, values in changes.items():
            assert isinstance(values, list), prop
            assert len(values) == len(traces), prop


def test_what_stays_in_one_lens_is_sent_again_with_what_changes_in_the_other(
    shown, messages, synthesized
):
    shown.show_synthesized(moved_right(synthesized), texts(6, "other words"))
    shown.draw()
    places = {
        lens: shown.figure.data.index(shown.trace("synthesized", lens)) for lens in ("pca", "umap")
    }
    sent = {
        trace: values
        for changes, traces in messages
        for trace, values in zip(traces, changes.get("x", []), strict=False)
    }
    np.testing.assert_array_equal(sent[places["pca"]], synthesized.pca[:, 0] + 1)
    np.testing.assert_array_equal(sent[places["umap"]], synthesized.umap[:, 0])


def test_traces_in_which_nothing_changes_are_not_sent(shown, messages, synthesized):
    shown.show_synthesized(moved_right(synthesized), texts(6, "synthesized"))
    shown.draw()
    (changes, traces), *more = messages
    room = [shown._parts["room", "pca"]]
    assert not more
    assert set(traces) <= {shown._parts["synthesized", "pca"], *room}
    assert "customdata" not in changes

    messages.clear()
    shown.show_synthesized(moved_right(synthesized), texts(6, "synthesized"))
    shown.draw()
    assert messages == []


def test_drawing_again_sends_nothing(shown, messages):
    shown.draw()
    assert messages == []


def test_lines_that_are_left_out_are_taken_away(shown):
    curve = np.array([[0.0, 0.0], [1.0, 2.0], [np.nan, np.nan]])
    shown.show_lines({"lost": {"pca": curve}})
    shown.draw()
    np.testing.assert_array_equal(xy(shown.trace("lost", "pca")), curve)
    assert len(shown.trace("lost", "umap").x) == 0
    shown.show_lines({})
    shown.draw()
    assert all(len(shown.trace(part, lens).x) == 0 for part in CURVES for lens in ("pca", "umap"))


@pytest.mark.parametrize(
    ("way", "degrees"), [((0, 1), 0), ((1, 0), 90), ((0, -1), 180), ((-1, 0), -90), ((1, 1), 45)]
)
def test_an_arrow_has_one_head_at_its_end_that_points_its_way(shown, way, degrees):
    start = np.array([3.0, 4.0])
    arrow = np.stack([start, start + way, [np.nan, np.nan]])
    shown.show_lines({"moved": {"pca": arrow}})
    shown.draw()
    marker = shown.trace("moved", "pca").marker
    assert [size > 0 for size in marker.size] == [False, True, False]
    assert marker.angle[1] == pytest.approx(degrees % 360)  # clockwise, as plotly turns its arrows


@pytest.mark.parametrize(("arrows", "directions"), [(12, 24), (13, 12)])
def test_heads_point_in_few_directions_for_each_costs_the_page_time(shown, rng, arrows, directions):
    curve = np.full((3 * arrows, 2), np.nan)
    curve[::3] = 0
    curve[1::3] = way = rng.standard_normal((arrows, 2))
    shown.show_lines({"moved": {"pca": curve}})
    shown.draw()
    angles = np.array(shown.trace("moved", "pca").marker.angle[1::3])
    assert set(angles % (360 / directions)) == {0}
    off = np.angle(np.exp(1j * np.radians(angles)) * np.exp(-1j * np.arctan2(way[:, 0], way[:, 1])))
    assert np.abs(np.degrees(off)).max() <= 180 / directions + 1e-9


def test_a_ring_is_drawn_around_each_marked_place_and_goes(shown):
    shown.mark({"pca": np.array([[1.0, 2.0], [3.0, 4.0]])})
    shown.draw()
    np.testing.assert_array_equal(xy(shown.trace("ring", "pca")), [[1, 2], [3, 4]])
    shown.mark({})
    shown.draw()
    assert len(shown.trace("ring", "pca").x) == 0


def test_the_name_of_a_class_leads_to_one_of_its_real_points_in_both_lenses(shown, real):
    places = {(note["text"], note["xref"]): (note["x"], note["y"]) for note in notes(shown)}
    for k in (1, 2):
        for lens, axis in (("pca", "x"), ("umap", "x2")):
            own = real.through(lens)[real.labels == k]
            place = places[f"<b>{NAMES[k]}</b>", axis]
            assert np.linalg.norm(own - place, axis=1).min() < 1e-6


def test_headings_stay_when_the_classes_change(shown, real):
    shown.show_real(real, [3], texts(20), {3: "#111111"})
    shown.draw()
    said = [note["text"] for note in notes(shown)]
    assert sum("PCA" in text for text in said) == 1
    assert sum("UMAP" in text for text in said) == 1
    assert "<b>four</b>" in said
    assert "<b>two</b>" not in said


def test_names_from_files_are_text(real):
    said = " ".join(written_on(HOSTILE, real, [0, 1, 2, 3]))
    assert "&lt;b&gt;x&lt;/b&gt;" in said
    assert all(bad not in said for bad in ("<script", "<b>x</b>", "$", "%{"))


def test_a_class_without_real_points_has_no_name(real):
    assert "<b>five</b>" not in written_on((*NAMES, "five"), real, [4])


def test_without_a_umap_map_its_side_says_so(rng):
    points = cloud(rng)
    unmapped = Points(points.pca, np.full((20, 2), np.nan), points.labels, points.rows)
    said = written_on(NAMES, unmapped, [0, 1])
    assert sum("being made" in text for text in said) == 1
    assert {"<b>one</b>", "<b>two</b>"} <= set(said)


@pytest.mark.parametrize(("part", "inside"), [("real", True), ("context", False)])
def test_pointing_reports_the_number_of_the_real_point_in_the_whole_cloud(
    shown, real, part, inside
):
    heard = []
    shown.on_point = lambda kind, number: heard.append((kind, number))
    numbers = np.flatnonzero(np.isin(real.labels, [1, 2]) == inside)
    for place in range(len(numbers)):
        shown.pointed(part, [place])
    assert heard == [("real", int(number)) for number in numbers]


def test_pointing_at_synthesized_points_reports_their_set(shown, synthesized):
    heard = []
    shown.on_point = lambda kind, number: heard.append((kind, number))
    shown.show_synthesized(synthesized, texts(6), "synthesized 2")
    shown.pointed("synthesized", [5])
    shown.pointed("synthesized 2", [3])
    assert heard == [("synthesized", 5), ("synthesized 2", 3)]


def test_selecting_reports_the_numbers_of_the_whole_cloud(shown, real):
    heard = selections(shown)
    outside = [i for i in range(20) if real.labels[i] not in (1, 2)]
    inside = [i for i in range(20) if real.labels[i] in (1, 2)]
    shown.selected({"context": [0, 3], "real": [2], "synthesized": [4, 1]})
    numbers = sorted([outside[0], outside[3], inside[2]])
    assert heard == [{"real": numbers, "synthesized": [1, 4]}]


def test_a_lasso_through_one_lens_is_told_once_and_its_outline_taken_away(shown, monkeypatch):
    heard = selections(shown)
    sent = []
    monkeypatch.setattr(shown.figure, "_send_relayout_msg", sent.append)
    lasso(shown, {("context", "pca"): [1], ("synthesized", "pca"): [0, 2]})
    first = int(shown.trace("context", "pca").customdata[1])
    assert heard == [{"real": [first], "synthesized": [0, 2]}]
    assert sent == [{"selections": []}]
    shown.select({"real": np.array([first])})
    shown.draw()
    page_says(shown, "plotly_selected", {})  # the outline is gone, and all marks with it
    assert len(heard) == len(sent) == 1
    assert shown.trace("context", "umap").selectedpoints == (1,)
    assert shown.trace("real", "pca").selectedpoints == ()
    lasso(shown, {})  # around nothing
    assert heard[1:] == [{}]


def test_a_double_click_tells_that_nothing_is_selected(shown):
    heard = selections(shown)
    page_says(shown, "plotly_deselect", {})
    assert heard == [{}]


def test_what_is_selected_is_marked_in_both_lenses_and_all_else_is_faded(shown, real):
    numbers = [int(shown.trace("context", "pca").customdata[1]), 0]
    shown.select({"real": np.array(numbers), "synthesized": np.array([2, 5])})
    shown.draw()
    for lens in ("pca", "umap"):
        marked = [
            int(shown.trace(part, lens).customdata[place])
            for part in ("context", "real")
            for place in shown.trace(part, lens).selectedpoints
        ]
        assert sorted(marked) == sorted(set(numbers))
        assert shown.trace("synthesized", lens).selectedpoints == (2, 5)
    shown.select({})
    shown.draw()
    assert shown.trace("real", "umap").selectedpoints is None


def test_a_lasso_fades_no_line_and_shows_no_invisible_ring(shown):
    for lens in ("pca", "umap"):
        for part, opacity in (("moved", 1), ("ring", 1), ("room", 0)):
            trace = shown.trace(part, lens)
            assert trace.unselected.marker.opacity == trace.selected.marker.opacity == opacity


def test_places_of_an_older_picture_are_ignored(shown):
    heard = []
    shown.on_point = lambda kind, number: heard.append(number)
    shown.pointed("synthesized", [6])
    shown.pointed("synthesized", [])
    shown.pointed("synthesized 2", [0])  # never shown
    assert heard == []
    selected = selections(shown)
    shown.selected({"synthesized": [6, 100], "synthesized 2": [0]})
    shown.selected({"synthesized": [2, 6]})
    assert selected == [{}, {"synthesized": [2]}]


def test_each_trace_tells_of_its_own_points(shown):
    """Through the callbacks of plotly, as the page calls them."""
    from plotly.callbacks import InputDeviceState
    from plotly.callbacks import Points as Pointed

    heard = []
    shown.on_point = lambda kind, number: heard.append((kind, number))
    for part in ("context", "real", "synthesized"):
        for lens in ("pca", "umap"):
            shown.trace(part, lens)._dispatch_on_hover(Pointed(point_inds=[1]), InputDeviceState())
    in_grey = ("real", int(shown.trace("context", "pca").customdata[1]))
    in_focus = ("real", int(shown.trace("real", "pca").customdata[1]))
    synthesized = ("synthesized", 1)
    assert heard == [in_grey, in_grey, in_focus, in_focus, synthesized, synthesized]


def test_two_sets_of_synthesized_points_are_told_apart_without_colour(shown):
    symbols = [
        shown.trace(part, lens).marker.symbol
        for part in ("synthesized", "synthesized 2")
        for lens in ("pca", "umap")
    ]
    assert symbols[0] == symbols[1] != symbols[2] == symbols[3]
    assert shown.trace("real", "pca").marker.symbol not in symbols


def test_the_figure_has_two_pictures_and_its_buttons_send_nothing_away(shown):
    assert {trace.type for trace in shown.figure.data} == {"scattergl"}
    assert {trace.xaxis for trace in shown.figure.data} == {"x", "x2"}
    (buttons,) = shown.figure._config["modeBarButtons"]
    assert not any("send" in button.lower() for button in buttons)
