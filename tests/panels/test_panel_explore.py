"""The shift explorer without a browser: what is drawn, read and said follows from the settings, and nothing is left behind."""

import base64
import gc
import re
import time
import tracemalloc
from dataclasses import replace
from html.parser import HTMLParser

import ipywidgets as widgets
import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from ipywidgets.widgets.widget import _instances
from matplotlib.figure import Figure

from gsmflow_lite import RidgeGaussian, measure
from gsmflow_lite.datasets import GZSLDataset
from gsmflow_lite.errors import ConfigError, DataError
from gsmflow_lite.explorer.scene import Scene, proportions
from gsmflow_lite.figures.lenses import CURVES
from gsmflow_lite.figures.overlays import ellipse, neighbour_graph
from gsmflow_lite.figures.projection import Projection
from gsmflow_lite.generators.zoo import Mechanisms, glyph_zoo
from gsmflow_lite.panels.explore import METERS, REAL, RIDGE, ExplorePanel, explore

HOSTILE = '<b>x</b>"><script>alert(1)</script>'
LETTERS = ("A", "B", "I", "Q")


@pytest.fixture(scope="module")
def letters():
    """One panel for all tests that leave it as they find it, by way of ``panel``."""
    made = explore(name="explore letters")
    yield made
    made.close()


@pytest.fixture
def panel(letters) -> ExplorePanel:
    letters.reset()
    letters.card.value = letters.gallery.value = ""
    return letters


@pytest.fixture(autouse=True)
def no_layout(monkeypatch, tmp_path):
    """A map of one's own data takes no time: its first two columns. The cache is one's own."""
    monkeypatch.setenv("GSMFLOW_CACHE", str(tmp_path))
    ready = lambda space, **_: Projection.ready(
        space, space[:, :2].astype(np.float32), neighbours=3, seed=0
    )  # noqa: E731
    monkeypatch.setattr(Projection, "fit", ready)


@pytest.fixture
def own():
    """Makes panels of one's own data and closes them."""
    made = []

    def make(dataset: GZSLDataset, generators=None, **options) -> ExplorePanel:
        made.append(explore(dataset, generators, name=f"own {len(made)}", **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


class Shaped:
    """Features of a wrong width."""

    def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
        return torch.zeros(len(attributes), n, 99)


class Page(HTMLParser):
    """Tags and text as a browser reads them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def said(self) -> str:
        return " ".join(" ".join(self.words).split())


def xy(panel: ExplorePanel, part: str, lens: str = "pca") -> np.ndarray:
    trace = panel.map.trace(part, lens)
    return np.stack([trace.x, trace.y], axis=1)


def said(panel: ExplorePanel) -> str:
    """The line under the controls."""
    return Page(panel._frame.line.value).said


def by_class(panel: ExplorePanel) -> np.ndarray:
    """What is drawn through the linear lens: (classes, samples, 2)."""
    return xy(panel, "synthesized").reshape(
        len(panel.settings["classes"]), panel.settings["samples"], 2
    )


def close_to(report, other, *, labels=(None,)) -> None:
    for meter in METERS:
        for label in labels:
            one, two = report.reading(meter, label), other.reading(meter, label)
            assert one.word == two.word
            np.testing.assert_allclose(
                [one.value, one.low, one.high], [two.value, two.low, two.high], atol=1e-5
            )


# --- What is drawn ---------------------------------------------------------------------------------------------------


def test_at_the_start_the_unseen_classes_are_in_focus_and_drawn(panel):
    dataset = panel.scene.dataset
    assert panel.classes == dataset.unseen_classes.tolist()
    assert xy(panel, "synthesized").shape == (50 * len(panel.classes), 2)
    assert (
        len(xy(panel, "real"))
        == np.isin(dataset.labels[panel.scene.rows], dataset.unseen_classes).sum()
    )
    assert len(xy(panel, "real")) + len(xy(panel, "context")) == len(panel.scene.rows)


def test_points_are_those_of_the_model_through_the_axes_of_the_real_ones(panel):
    panel.set(classes=LETTERS, samples=20, seed=3, temperature=0.5)
    dataset, scene = panel.scene.dataset, panel.scene
    asked = torch.from_numpy(
        dataset.attributes[[dataset.class_names.index(name) for name in LETTERS]]
    )
    made = (
        glyph_zoo().model().synthesize(asked, 20, seed=3, temperature=0.5).reshape(80, -1).numpy()
    )
    pixels = lambda x: dataset.decode(x).reshape(len(x), -1).astype(np.float64)  # noqa: E731
    real = pixels(dataset.features[scene.rows])
    axes = np.linalg.svd(real - real.mean(0), full_matrices=False)[2][:2]
    expected = (pixels(made) - real.mean(0)) @ axes.T
    np.testing.assert_allclose(
        np.abs(xy(panel, "synthesized")), np.abs(expected), rtol=1e-3, atol=2e-3
    )


def test_half_a_dose_of_variance_leaves_a_quarter_of_the_variance_and_every_centre(panel):
    before = by_class(panel).astype(np.float64)
    panel.set(variance=0.5)
    after = by_class(panel).astype(np.float64)
    np.testing.assert_allclose(after.var(axis=1), 0.25 * before.var(axis=1), rtol=1e-3)
    np.testing.assert_allclose(after.mean(axis=1), before.mean(axis=1), atol=1e-4)


@pytest.mark.parametrize("dose", ["semantic", "structure", "towards_seen"])
def test_a_dose_that_moves_classes_leaves_their_spread(panel, dose):
    before = by_class(panel).astype(np.float64)
    panel.set(**{dose: 0.5})
    after = by_class(panel).astype(np.float64)
    np.testing.assert_allclose(after.var(axis=1), before.var(axis=1), rtol=1e-2)
    assert np.abs(after.mean(axis=1) - before.mean(axis=1)).max() > 0.1


def test_at_temperature_0_each_class_is_one_point(panel):
    panel.set(temperature=0.0)
    points = by_class(panel)
    np.testing.assert_allclose(points, np.broadcast_to(points[:, :1], points.shape), atol=1e-4)
    assert len(np.unique(points[:, 0].round(3), axis=0)) == len(points)


@pytest.mark.parametrize("switch", list(vars(Mechanisms())))
def test_each_switch_takes_the_flow_that_was_trained_so(panel, switch):
    before = panel.synthesized.features
    now = not panel.settings[switch]
    panel.set(**{switch: now})
    chosen = Mechanisms(**{switch: now})
    expected = (
        glyph_zoo()
        .model(chosen)
        .synthesize(torch.from_numpy(panel.scene.dataset.attributes[panel.classes]), 50, seed=0)
    )
    np.testing.assert_array_equal(panel.synthesized.features, expected.reshape(len(before), -1))
    assert np.abs(panel.synthesized.features - before).max() > 0.01


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"generator": RIDGE}, {"generator": REAL}, {"mixed": 0.5}]
)
def test_a_move_of_a_control_moves_the_points(panel, change):
    before = xy(panel, "synthesized").copy()
    ((key, value),) = change.items()
    panel.controls[key].value = value  # as a hand does it
    assert np.abs(xy(panel, "synthesized") - before).max() > 0.1


def test_real_points_stay_where_they_are_whatever_imagines(panel):
    before = {lens: xy(panel, "real", lens).copy() for lens in ("pca", "umap")}
    panel.set(generator=RIDGE, variance=0.5, seed=4)
    for lens, places in before.items():
        np.testing.assert_array_equal(xy(panel, "real", lens), places)


def test_a_class_keeps_its_colour_while_others_come_and_go(panel):
    before = dict(
        zip(panel.settings["classes"], (panel._colours[k] for k in panel.classes), strict=True)
    )
    names = panel.settings["classes"]
    panel.set(classes=("A", *names[2:]))
    after = dict(
        zip(panel.settings["classes"], (panel._colours[k] for k in panel.classes), strict=True)
    )
    assert all(after[name] == before[name] for name in names[2:])
    assert len(set(after.values())) == len(after)


def test_the_nearest_real_point_is_said_of_every_synthesized_one(panel):
    panel.set(classes=LETTERS, samples=5)
    dataset, scene = panel.scene.dataset, panel.scene
    real = proportions(dataset, dataset.features[scene.rows]).astype(np.float64)
    made = proportions(dataset, panel.synthesized.features).astype(np.float64)
    for feature, label, text in zip(
        made,
        panel.synthesized.points.labels,
        panel.map.trace("synthesized", "umap").text,
        strict=True,
    ):
        nearest = dataset.class_names[
            dataset.labels[scene.rows[np.linalg.norm(real - feature, axis=1).argmin()]]
        ]
        assert text.startswith(
            f"<b>{dataset.class_names[label]}</b>, synthesized<br>nearest real: {nearest}<br>"
        )


def test_the_figure_is_one_with_two_pictures(panel):
    def below(widget):
        yield widget
        for child in getattr(widget, "children", ()):
            yield from below(child)

    figures = [one for one in below(panel.widget) if isinstance(one, go.FigureWidget)]
    assert figures == [panel.map.figure]
    assert {trace.xaxis for trace in figures[0].data} == {"x", "x2"}


# --- What is drawn over the points -----------------------------------------------------------------------------------


def test_arrows_go_from_real_to_synthesized_means(panel):
    panel.set(classes=LETTERS, prototypes=True)
    lines = xy(panel, "moved")
    real = [panel.scene.real.pca[panel.scene.real.labels == k].mean(0) for k in panel.classes]
    np.testing.assert_allclose(lines[::3], real, atol=1e-5)
    np.testing.assert_allclose(lines[1::3], by_class(panel).mean(axis=1), atol=1e-4)


def test_ellipses_are_those_of_the_points_and_only_on_the_linear_lens(panel):
    panel.set(classes=LETTERS, ellipses=True)
    for part, points in (("synthesized ellipse", by_class(panel)[0]), ("real ellipse", None)):
        own = (
            panel.scene.real.pca[panel.scene.real.labels == panel.classes[0]]
            if points is None
            else points
        )
        curve = ellipse(np.asarray(own, np.float64))
        np.testing.assert_allclose(xy(panel, part)[: len(curve)], curve, rtol=1e-3, atol=1e-3)
        assert len(xy(panel, part, "umap")) == 0


def test_the_class_graph_has_the_edges_of_real_and_synthesized_means(panel):
    panel.set(graph=True, structure=1.0)
    dataset = panel.scene.dataset
    tests = np.concatenate([dataset.test_seen, dataset.test_unseen])
    real = np.stack(
        [dataset.features[tests[dataset.labels[tests] == k]].mean(0) for k in panel.classes]
    )
    made = panel.synthesized.features.reshape(len(real), 50, -1).mean(axis=1)
    one, other = neighbour_graph(real), neighbour_graph(made)
    assert one != other
    for part, edges in (("both", one & other), ("lost", one - other), ("added", other - one)):
        for lens in ("pca", "umap"):
            assert len(xy(panel, part, lens)) == 3 * len(edges)


def test_what_is_switched_off_is_taken_away(panel):
    panel.set(ellipses=True, graph=True, prototypes=True)
    panel.set(ellipses=False, graph=False, prototypes=False)
    for part in ("moved", "real ellipse", "synthesized ellipse", "both", "lost", "added"):
        for lens in ("pca", "umap"):
            assert len(xy(panel, part, lens)) == 0


# --- Readings --------------------------------------------------------------------------------------------------------


def test_the_table_says_what_measuring_anew_says(panel):
    panel.set(variance=0.6, temperature=0.8, seed=2)
    panel.wait()
    dataset = panel.scene.dataset

    class Warm:
        def synthesize(self, attributes, n, *, seed=0):
            return panel.generator().synthesize(attributes, n, temperature=0.8, seed=seed)

    report = measure(dataset, Warm(), n=200, seed=2, classes=dataset.unseen_classes, metrics=METERS)
    close_to(panel.report, report, labels=(None, *report.names))
    lines = re.findall(r"<tr>(.*?)</tr>", panel.table.value)[1:]
    names = [None, *(name for name, _, _ in report.worst())]
    assert len(lines) == len(names)
    for line, name in zip(lines, names, strict=True):
        words = re.findall(r"(fine|watch|shifted|not measured)</td>", line)
        assert words == [report.reading(meter, name).word for meter in METERS]
        assert name is None or f">{name}</th>" in line.replace("</span>", ">")


def test_the_ranking_is_that_of_the_report(panel):
    panel.set(structure=0.5)
    panel.wait()
    values = [value for _, value in panel.ranked.options]
    assert values == [name for name, _, _ in panel.report.worst()]
    scores = [min(panel.report.reading(meter, name).score for meter in METERS) for name in values]
    assert scores == sorted(scores)


def test_a_class_of_the_ranking_shows_its_samples(panel):
    panel.wait()
    panel.ranked.value = panel.ranked.options[2][1]
    assert (
        f"50 synthesized points selected: {panel.ranked.value} 50" in Page(panel.gallery.value).said
    )


def test_a_class_of_the_ranking_comes_into_focus(panel):
    panel.set(classes=("C",))
    panel.wait()
    name = next(value for _, value in panel.ranked.options if value != "C")
    panel.ranked.value = name
    assert panel.settings["classes"] == ("C", name)
    assert f"{name} 50" in Page(panel.gallery.value).said


def test_a_class_of_the_ranking_comes_into_focus_where_none_was(panel):
    panel.wait()
    panel.set(classes=())
    name = panel.ranked.options[0][1]
    panel.ranked.value = name
    assert panel.settings["classes"] == (name,)


def test_seen_classes_in_focus_are_measured_too(panel):
    panel.set(classes=("A", "Q"))
    panel.wait()
    assert "A" in panel.report.names
    assert len(re.findall(r"<tr>", panel.table.value)) == 4  # head, all, A and Q


def test_settings_that_were_tried_are_kept_with_their_readings(panel):
    panel.set(variance=0.7)
    panel.wait()
    last = panel.log.iloc[-1]
    assert last["state"] == "explore?variance=0.7"
    assert last["variance"] == pytest.approx(panel.report.reading("variance").value, abs=1e-3)


def test_readings_are_not_noted_under_settings_that_failed(panel):
    panel.set(seed=7)  # is being measured
    panel.set(generator=REAL, temperature=0.5)  # cannot be
    panel.wait()
    assert panel.state() not in set(panel.log["state"])


# --- The code --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {
            "classes": LETTERS,
            "semantic": 0.3,
            "variance": -0.25,
            "structure": 0.5,
            "mixed": 0.1,
            "towards_seen": 0.2,
        },
        {"temperature": 0.55, "samples": 35, "seed": 4, "mining": False, "start": True},
        {"generator": RIDGE, "temperature": 1.35, "variance": 0.4},
        {"generator": REAL, "seed": 2},
        {"temperature": 0.0, "semantics": False},
    ],
    ids=["start", "doses", "temperature", "ridge", "real", "typical"],
)
def test_the_code_of_the_view_makes_the_same_features_and_readings(panel, settings):
    panel.set(**settings)
    panel.wait()
    found = {}
    exec(panel.code(), found)
    np.testing.assert_allclose(
        found["synthesized"].features, panel.synthesized.features, rtol=0, atol=1e-4
    )
    close_to(found["report"], panel.report, labels=(None, *panel.report.names))


def test_the_code_of_a_view_of_own_data_makes_the_same_features_and_readings(own, make_dataset):
    dataset = make_dataset(rows=40, seen=6, unseen=3)
    generators = {'it\'s "mine"': RidgeGaussian.fit(dataset)}
    panel = own(dataset, generators, seed=5).wait()
    found = {"dataset": dataset, "generators": generators}
    exec(panel.code(), found)
    np.testing.assert_array_equal(found["scene"].rows, panel.scene.rows)
    np.testing.assert_array_equal(found["synthesized"].features, panel.synthesized.features)
    close_to(found["report"], panel.report)


# --- Looking at points -----------------------------------------------------------------------------------------------


def test_the_card_of_an_synthesized_point_has_it_and_its_nearest_real_one_by_a_search_through_all(
    panel,
):
    panel.set(classes=LETTERS, samples=10)
    dataset, scene = panel.scene.dataset, panel.scene
    real = dataset.decode(dataset.features[scene.rows]).reshape(len(scene.rows), -1)
    for number in (0, 17, 39):
        panel.look_at("synthesized", number)
        made = dataset.decode(panel.synthesized.features[[number]]).reshape(-1)
        place = int(np.square(real - made).sum(1).argmin())
        row = scene.rows[place]
        page = Page(panel.card.value)
        assert f"{LETTERS[number // 10]}, synthesized" in page.said
        assert (
            f"nearest real point: {dataset.class_names[dataset.labels[row]]}, row {row}"
            in page.said
        )
        assert [tag for tag, _ in page.tags].count("img") == 2
        np.testing.assert_allclose(
            xy(panel, "ring"), [scene.real.pca[place], xy(panel, "synthesized")[number]], atol=1e-5
        )


def test_the_card_of_a_real_point_has_its_class_and_status(panel):
    dataset, scene = panel.scene.dataset, panel.scene
    for number in (0, len(scene.rows) - 1):
        panel.look_at("real", number)
        k = dataset.labels[scene.rows[number]]
        status = "unseen" if k in dataset.unseen_classes else "seen"
        page = Page(panel.card.value)
        assert f"{dataset.class_names[k]}, real, {status} class" in page.said
        assert [tag for tag, _ in page.tags].count("img") == 1
        np.testing.assert_allclose(xy(panel, "ring"), scene.real.pca[[number]], atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "number"), [("synthesized", 10**6), ("synthesized", -1), ("real", 10**6)]
)
def test_a_point_that_is_not_there_leaves_the_card(panel, kind, number):
    panel.look_at("synthesized", 3)
    before = panel.card.value
    panel.look_at(kind, number)
    assert panel.card.value == before


def test_points_can_be_walked_through_without_a_pointer(panel):
    panel.set(classes=("A", "Q"), samples=10)
    assert panel.walk.max == 19
    panel.walk.value = 12
    assert "Q, synthesized" in Page(panel.card.value).said


def test_pointing_at_the_figure_shows_the_card(panel):
    panel.set(classes=LETTERS, samples=10)
    panel.map._pointed("synthesized", [25])
    assert "I, synthesized" in Page(panel.card.value).said
    panel.map._pointed("context", [0])
    number = np.flatnonzero(~np.isin(panel.scene.real.labels, panel.classes))[0]
    assert (
        panel.scene.dataset.class_names[panel.scene.real.labels[number]] + ", real"
        in Page(panel.card.value).said
    )


def test_a_selection_is_counted_class_by_class(panel):
    panel.set(classes=LETTERS, samples=10)
    panel.map._selected("synthesized", [0, 1, 2, 15, 39])
    page = Page(panel.gallery.value)
    assert "5 synthesized points selected: A 3, B 1, Q 1" in page.said
    assert [tag for tag, _ in page.tags].count("img") == 1


def test_what_is_read_off_a_selection_is_the_mean_of_its_points(panel):
    panel.set(classes=("Q",), samples=10)
    panel.select("synthesized", np.array([2, 5, 6]))
    dataset, readout = panel.scene.dataset, panel.scene.readout
    read = np.mean([readout.read(panel.synthesized.features[i]) for i in (2, 5, 6)], axis=0)
    asked = readout.standardise(dataset.attributes[panel.classes[0]])
    first = int(np.abs(asked).argmax())
    cells = re.search(
        r"<tbody><tr><th[^>]*>(.*?)</th><td>(.*?)</td><td>(.*?)</td>", panel.gallery.value
    ).groups()
    assert cells == (dataset.attribute_names[first], f"{asked[first]:+.1f}", f"{read[first]:+.1f}")


# --- What goes wrong -------------------------------------------------------------------------------------------------


def test_no_class_chosen_is_said_and_the_picture_stays(panel):
    before = xy(panel, "synthesized").copy()
    panel.set(classes=())
    assert "choose at least one class" in said(panel)
    np.testing.assert_array_equal(xy(panel, "synthesized"), before)


def test_real_features_with_a_temperature_are_refused_and_the_picture_stays(panel):
    panel.set(generator=REAL)
    before = {part: xy(panel, part).copy() for part in ("synthesized", "real", "context")}
    panel.set(temperature=0.5, classes=("A", "B"))
    assert "have no temperature: it must be 1" in said(panel)
    panel.look_at("synthesized", 0)  # draws
    for part, places in before.items():
        np.testing.assert_array_equal(xy(panel, part), places)
    panel.set(temperature=1.0)
    assert said(panel) == "" or "measuring" in said(panel)
    assert len(xy(panel, "synthesized")) == 100


def test_features_of_the_wrong_shape_are_said_plainly(own, make_dataset):
    panel = own(make_dataset(rows=20), Shaped())
    assert "must return features of shape" in said(panel)
    assert "got (2, 50, 99)" in said(panel)
    panel.set(generator=RIDGE)
    assert xy(panel, "synthesized").shape == (100, 2)


def test_a_panel_without_a_picture_can_be_shown(own, make_dataset):
    bundle = own(make_dataset(rows=20), Shaped())._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "image/png" not in bundle


def test_generators_without_their_data_are_refused():
    with pytest.raises(ConfigError, match="generators need the data"):
        explore(generators=RidgeGaussian.fit(glyph_zoo().dataset))


def test_what_cannot_imagine_is_refused(make_dataset):
    with pytest.raises(ConfigError, match="generator 'one' must have a method synthesize"):
        explore(make_dataset(), {"one": 3})


def test_a_setting_that_is_none_is_refused_and_all_stay(panel):
    before = panel.settings
    with pytest.raises(ConfigError, match=r"temperature cannot be '9\.0'"):
        panel.set(seed=3, temperature=9.0)
    assert panel.settings == before


# --- Names from files ------------------------------------------------------------------------------------------------


def test_hostile_names_are_text_wherever_they_are_shown(own, make_dataset):
    names = [HOSTILE, "$x$", "%{y}", "<i>three</i>", "<img src=x onerror=alert(1)>", "</td><td>"]
    dataset = make_dataset(
        rows=40,
        class_names=names,
        attribute_names=[f"<u>{k}</u>" for k in range(5)],
        name="<s>data</s>",
    )
    dataset = replace(dataset, decode=lambda x: np.zeros((len(x), 4, 4)))
    panel = own(dataset, {"<em>mine</em>": RidgeGaussian.fit(dataset)})
    panel.set(classes=tuple(names))
    panel.wait()
    panel.look_at("synthesized", 0)
    panel.select("synthesized", np.arange(100))
    panel._frame.show.value = True
    ours = {"p", "br", "table", "caption", "thead", "tbody", "tr", "th", "td", "span", "img", "pre"}
    for part in (panel.card, panel.table, panel.gallery, panel.sentence, panel._frame.code):
        tags = Page(part.value).tags
        assert {tag for tag, _ in tags} <= ours
        assert not any("onerror" in attrs for _, attrs in tags)
    assert HOSTILE[:20] in Page(panel.table.value).said
    assert "<u>" in Page(panel.card.value).said
    panel.map.show_real(panel.scene.real, [0, 1, 2], panel._real_texts(), {})
    texts = [
        text
        for trace in panel.map.figure.data
        for text in (trace.text if trace.text is not None else ())
    ]
    assert len(texts) > 500
    for text in texts:
        inside = text.replace("<b>", "").replace("</b>", "").replace("<br>", "")
        assert not re.search(r"[<$]|%\{", inside), text


def test_two_classes_of_one_name_are_told_apart(own, make_dataset):
    dataset = make_dataset(rows=40, class_names=["a", "b", "twin", "c", "d", "twin"])
    panel = own(dataset).wait()
    assert panel.settings["classes"] == ("d", "twin (class 5)")
    assert len(re.findall("<tr>", panel.table.value)) == 4
    panel.set(classes=("twin (class 2)",))
    panel.wait()
    assert panel.classes == [2]
    panel.ranked.value = panel.ranked.options[
        [value for _, value in panel.ranked.options].index("twin (class 5)")
    ][1]
    assert panel.classes == [2, 5]


# --- State, still and the panel itself -------------------------------------------------------------------------------


def test_the_state_brings_the_same_view_back(panel):
    panel.set(
        classes=LETTERS,
        generator=RIDGE,
        temperature=0.55,
        seed=4,
        variance=-0.35,
        mining=False,
        graph=True,
    )
    text, settings, places = panel.state(), panel.settings, xy(panel, "synthesized").copy()
    panel.reset()
    assert not np.array_equal(xy(panel, "synthesized"), places)
    panel.restore(text)
    assert panel.settings == settings
    np.testing.assert_array_equal(xy(panel, "synthesized"), places)


def test_a_panel_starts_from_a_state():
    other = explore(
        state="explore?classes=A&classes=Q&samples=10&temperature=0.5", name="from a state"
    )
    try:
        assert other.settings["classes"] == ("A", "Q")
        assert other.settings["temperature"] == 0.5
        assert xy(other, "synthesized").shape == (20, 2)
    finally:
        other.close()


def test_undo_brings_the_view_before_back(panel):
    panel.set(seed=1)
    before = xy(panel, "synthesized").copy()
    panel.set(seed=2)
    panel.undo()
    assert panel.settings["seed"] == 1
    np.testing.assert_array_equal(xy(panel, "synthesized"), before)


def test_the_still_is_a_figure_with_both_lenses(panel):
    figure = panel.still()
    assert isinstance(figure, Figure)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert any("PCA" in title for title in titles)
    assert any("UMAP" in title for title in titles)


def test_the_still_has_the_curves_that_are_on_the_map(panel):
    panel.set(classes=LETTERS, prototypes=False)
    bare = len(panel.still().axes[0].lines)
    panel.set(ellipses=True, graph=True)
    for lens, axes in zip(("pca", "umap"), panel.still().axes, strict=True):
        drawn = [
            np.stack(one.get_data()).tobytes() for one in axes.lines[bare:] if len(one.get_xdata())
        ]
        traces = [panel.map.trace(part, lens) for part in CURVES]
        assert drawn
        assert sorted(drawn) == sorted(
            np.stack([one.x, one.y]).tobytes() for one in traces if len(one.x)
        )


def test_the_still_has_an_arrow_for_each_class_that_moved(panel):
    panel.set(classes=LETTERS, prototypes=True)
    for axes in panel.still().axes:
        arrows = [one for one in axes.texts if one.arrow_patch is not None]
        assert len(arrows) == len(LETTERS)


def test_the_card_follows_the_picture(panel):
    panel.set(classes=LETTERS, samples=10)
    panel.wait()
    panel.look_at("synthesized", 29)
    panel.set(classes=LETTERS[:1], seed=3)
    panel.wait()
    assert panel.card.value == panel._card("synthesized", 9)  # there are only ten now


def test_a_panel_that_is_shown_has_a_picture_for_where_no_kernel_runs(panel):
    bundle = panel._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_hidden_controls_are_left_out(make_dataset, own):
    panel = own(make_dataset(rows=20), hide=("semantic", "seed"))
    assert panel.controls["semantic"].layout.display == "none"
    assert panel.controls["variance"].layout.display is None


def test_each_view_has_a_width_of_its_own(panel):
    assert (panel.table.layout.width, panel.card.layout.width, panel.gallery.layout.width) == (
        "450px",
        "100%",
        "100%",
    )


def test_a_second_panel_of_a_name_closes_the_first_and_frees_its_widgets(make_dataset, panel):
    panel.wait()
    dataset = make_dataset(rows=20)
    before = len(_instances)
    first = explore(dataset, name="twice").wait()
    alone = len(_instances)
    second = explore(dataset, name="twice").wait()
    assert len(_instances) == alone
    assert first.widget.comm is None  # closed
    assert second.widget.model_id in _instances
    second.close()
    assert len(_instances) == before


def moves(panel: ExplorePanel, count: int) -> None:
    """So many moves over every control, as a hand makes them."""
    rng = np.random.default_rng(0)
    names = panel.scene.dataset.class_names
    for i in range(count):
        key = list(panel.controls)[i % len(panel.controls)]
        control = panel.controls[key]
        if key == "classes":
            control.value = tuple(rng.choice(names, 3, replace=False).tolist())
        elif isinstance(control, widgets.Dropdown):
            control.value = control.options[rng.integers(len(control.options))]
        elif isinstance(control, widgets.Checkbox):
            control.value = not control.value
        else:
            control.value = control.min + control.step * int(
                rng.integers((control.max - control.min) / control.step)
            )
        if i % 25 == 0:
            panel.wait()
            panel.look_at("synthesized", i % 10)
            panel.select("synthesized", np.arange(5))
            if panel.ranked.options:
                panel.ranked.value = panel.ranked.options[0][1]
    panel.wait()


def test_500_moves_leave_no_widget_and_no_memory_behind(panel):
    panel.set(classes=("Q", "A"), samples=10)
    moves(
        panel, 220
    )  # fills the log and the steps of undo, which are kept up to 200, and reads the flows once
    gc.collect()
    live = len(_instances)
    tracemalloc.start()
    moves(panel, 250)
    gc.collect()
    early = tracemalloc.get_traced_memory()[0]
    moves(panel, 250)
    gc.collect()
    late = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(_instances) == live
    assert late - early < 1.5e6  # one picture kept at each move would be 250 x 10 kB at least


# --- One's own data --------------------------------------------------------------------------------------------------


def test_of_own_data_the_linear_lens_is_there_at_once_and_the_map_comes(
    own, make_dataset, monkeypatch, tmp_path
):
    monkeypatch.undo()
    monkeypatch.setenv("GSMFLOW_CACHE", str(tmp_path))
    panel = own(make_dataset(rows=20), seed=1)
    assert np.isfinite(xy(panel, "synthesized")).all()
    assert np.isnan(xy(panel, "synthesized", "umap")).all()
    linear = xy(panel, "synthesized").copy()
    panel.wait(300)
    assert panel.scene.has_map
    assert np.isfinite(xy(panel, "synthesized", "umap")).all()
    assert np.isfinite(xy(panel, "real", "umap")).all()
    np.testing.assert_array_equal(xy(panel, "synthesized"), linear)


def test_before_the_map_is_there_a_still_can_be_made(own, make_dataset, monkeypatch):
    monkeypatch.setattr(Scene, "of", lambda *_, **__: time.sleep(60))
    panel = own(make_dataset(rows=20))
    assert not panel.scene.has_map
    assert isinstance(panel.still(), Figure)


def test_a_map_that_cannot_be_made_is_said_and_the_linear_lens_stays(
    own, make_dataset, monkeypatch
):
    def refuse(*_, **__):
        raise DataError("no map of this")

    monkeypatch.setattr(Scene, "of", refuse)
    panel = own(make_dataset(rows=40)).wait()
    assert "map: no map of this" in said(panel)
    assert np.isfinite(xy(panel, "synthesized")).all()


def test_own_generators_stand_first_and_keep_their_names(own, make_dataset):
    dataset = make_dataset(rows=20)
    generators = {"one": RidgeGaussian.fit(dataset), "two": RidgeGaussian.fit(dataset)}
    panel = own(dataset, generators)
    assert list(panel.controls["generator"].options) == ["one", "two", RIDGE, REAL]
    assert "mining" not in panel.controls


def test_data_that_cannot_be_held_back_offer_no_real_features(own, make_dataset):
    dataset = make_dataset(rows=20)
    panel = own(replace(dataset, groups=dataset.labels)).wait()
    assert list(panel.controls["generator"].options) == [RIDGE]
    assert panel.report is not None


def test_where_a_move_is_refused_what_is_shown_is_described_as_it_is(panel):
    panel.wait()
    panel.set(variance=0.9)
    panel.set(classes=())  # refused, before that measurement is done
    panel.set(variance=0.0, generator=REAL)
    assert "choose at least one class" in said(panel)
    before = len(panel.log)
    panel.wait()
    assert len(panel.log) == before
    assert "trained with the package" in panel.caption
    assert "variance=0.9" in panel.still()._supxlabel.get_text()
    assert "variance=0.9" in panel.code()
    assert "choose at least one class" not in panel.code()


def test_code_before_anything_is_drawn_says_what_is_missing(own, make_dataset):
    panel = own(make_dataset(rows=20), state="explore?classes=")
    panel._frame.show.value = True
    assert "choose at least one class" in panel._frame.code.value


class Plain:
    """A generator that has no temperature."""

    def synthesize(self, attributes, n, *, seed=0):
        return RidgeGaussian.fit(self.dataset).synthesize(attributes, n, seed=seed)


def test_a_generator_without_a_temperature_says_so_and_the_picture_stays(own, make_dataset):
    plain = Plain()
    plain.dataset = make_dataset(rows=20)
    panel = own(plain.dataset, plain)
    before = xy(panel, "synthesized").copy()
    for doses in ({}, {"variance": 0.5}):
        panel.set(temperature=0.5, **doses)
        assert "Plain features have no temperature: it must be 1, got 0.5" in said(panel)
        np.testing.assert_array_equal(xy(panel, "synthesized"), before)
