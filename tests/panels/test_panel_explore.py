"""The shift explorer without a browser: what is drawn and read follows from the settings."""

import html
import re

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from explorers import LETTERS, by_class, check_same_readings, said, xy
from pages import Page

from gsmflow_lite import RidgeGaussian, explained_share, measure
from gsmflow_lite.errors import DataError
from gsmflow_lite.explorer.scene import proportions
from gsmflow_lite.figures.overlays import ellipse, neighbour_graph
from gsmflow_lite.figures.style import number
from gsmflow_lite.generators.zoo import Mechanisms, glyph_zoo
from gsmflow_lite.panels.map_panel import REAL_NAME, RIDGE_NAME
from gsmflow_lite.shifts.meters import SHIFTS

pytestmark = pytest.mark.usefixtures("no_layout")


# --- What is drawn ---------------------------------------------------------------------------


def test_at_the_start_three_unseen_classes_are_in_focus_and_drawn(explorer):
    dataset = explorer.scene.dataset
    shown = dataset.labels[explorer.scene.rows]
    in_focus = np.isin(shown, dataset.unseen_classes[:3]).sum()
    assert explorer.classes == dataset.unseen_classes[:3].tolist()
    assert xy(explorer, "synthesized").shape == (25 * 3, 2)
    assert len(xy(explorer, "real")) == in_focus
    assert len(xy(explorer, "context")) == len(shown) - in_focus


def test_points_are_those_of_the_model_through_the_axes_of_the_real_ones(explorer):
    explorer.set(classes=LETTERS, samples=20, seed=3, temperature=0.5)
    dataset = explorer.scene.dataset
    numbers = [dataset.class_names.index(name) for name in LETTERS]
    attributes = torch.from_numpy(dataset.attributes[numbers])
    features = glyph_zoo().model().synthesize(attributes, 20, seed=3, temperature=0.5)

    def pixels(x):
        return dataset.decode(x).reshape(len(x), -1).astype(np.float64)

    real = pixels(dataset.features[explorer.scene.rows])
    middle = real.mean(0)
    axes = np.linalg.svd(real - middle, full_matrices=False)[2][:2]
    expected = (pixels(features.reshape(80, -1).numpy()) - middle) @ axes.T
    drawn = xy(explorer, "synthesized")
    np.testing.assert_allclose(np.abs(drawn), np.abs(expected), rtol=1e-3, atol=2e-3)


def test_half_a_dose_of_variance_leaves_a_quarter_of_the_variance_and_every_centre(explorer):
    before = by_class(explorer)
    explorer.set(variance=0.5)
    after = by_class(explorer)
    np.testing.assert_allclose(after.var(axis=1), 0.25 * before.var(axis=1), rtol=1e-3)
    np.testing.assert_allclose(after.mean(axis=1), before.mean(axis=1), atol=1e-4)


@pytest.mark.parametrize("dose", ["semantic", "structure", "towards_seen"])
def test_a_dose_that_moves_classes_leaves_their_spread(explorer, dose):
    before = by_class(explorer)
    explorer.set(**{dose: 0.5})
    after = by_class(explorer)
    np.testing.assert_allclose(after.var(axis=1), before.var(axis=1), rtol=1e-2)
    assert np.abs(after.mean(axis=1) - before.mean(axis=1)).max() > 0.1


def test_at_temperature_0_each_class_is_one_point(explorer):
    explorer.set(temperature=0.0)
    points = by_class(explorer)
    first = points[:, :1]
    np.testing.assert_allclose(points, np.broadcast_to(first, points.shape), atol=1e-4)
    assert len(np.unique(first[:, 0].round(3), axis=0)) == len(points)


@pytest.mark.parametrize("switch", list(vars(Mechanisms())))
def test_each_switch_takes_the_flow_that_was_trained_so(explorer, switch):
    before = explorer.synthesized.features
    now = not explorer.settings[switch]
    explorer.set(**{switch: now})
    attributes = torch.from_numpy(explorer.scene.dataset.attributes[explorer.classes])
    flow = glyph_zoo().model(Mechanisms(**{switch: now}))
    expected = flow.synthesize(attributes, 25, seed=0).reshape(len(before), -1)
    np.testing.assert_array_equal(explorer.synthesized.features, expected)
    assert np.abs(explorer.synthesized.features - before).max() > 0.01


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"generator": RIDGE_NAME}, {"generator": REAL_NAME}, {"mixed": 0.5}]
)
def test_a_move_of_a_control_moves_the_points(explorer, change):
    before = xy(explorer, "synthesized").copy()
    ((key, value),) = change.items()
    explorer.controls[key].value = value  # as a hand does it
    assert np.abs(xy(explorer, "synthesized") - before).max() > 0.1


def test_real_points_stay_where_they_are_whatever_synthesizes(explorer):
    before = {lens: xy(explorer, "real", lens).copy() for lens in ("pca", "umap")}
    explorer.set(generator=RIDGE_NAME, variance=0.5, seed=4)
    for lens, places in before.items():
        np.testing.assert_array_equal(xy(explorer, "real", lens), places)


def colours_by_name(explorer) -> dict[str, str]:
    names = explorer.settings["classes"]
    return {
        name: explorer.class_colours[k] for name, k in zip(names, explorer.classes, strict=True)
    }


def test_a_class_keeps_its_colour_while_others_come_and_go(explorer):
    before = colours_by_name(explorer)
    names = explorer.settings["classes"]
    explorer.set(classes=("A", *names[2:]))
    after = colours_by_name(explorer)
    assert all(after[name] == before[name] for name in names[2:])
    assert len(set(after.values())) == len(after)


def test_the_nearest_real_point_is_said_of_every_synthesized_one(explorer):
    explorer.set(classes=LETTERS, samples=5)
    dataset = explorer.scene.dataset
    names = dataset.class_names
    rows = explorer.scene.rows
    real = proportions(dataset, dataset.features[rows]).astype(np.float64)
    synthesized = proportions(dataset, explorer.synthesized.features).astype(np.float64)
    labels = explorer.synthesized.points.labels
    texts = explorer.map.trace("synthesized", "umap").text
    for feature, label, text in zip(synthesized, labels, texts, strict=True):
        place = np.linalg.norm(real - feature, axis=1).argmin()
        nearest = names[dataset.labels[rows[place]]]
        wanted = f"<b>{names[label]}</b>, synthesized<br>nearest real: {nearest}<br>"
        assert text.startswith(wanted)


def widgets_below(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from widgets_below(child)


def test_the_figure_is_one_with_two_pictures(explorer):
    every = widgets_below(explorer.widget)
    figures = [widget for widget in every if isinstance(widget, go.FigureWidget)]
    assert figures == [explorer.map.figure]
    assert {trace.xaxis for trace in figures[0].data} == {"x", "x2"}


# --- What is drawn over the points -----------------------------------------------------------


def real_places(explorer, k: int) -> np.ndarray:
    """Real points of a class through the linear lens."""
    return explorer.scene.real.pca[explorer.scene.real.labels == k]


def test_arrows_go_from_real_to_synthesized_means(explorer):
    explorer.set(classes=LETTERS, prototypes=True)
    lines = xy(explorer, "moved")
    real = [real_places(explorer, k).mean(0) for k in explorer.classes]
    np.testing.assert_allclose(lines[::3], real, atol=1e-5)
    np.testing.assert_allclose(lines[1::3], by_class(explorer).mean(axis=1), atol=1e-4)


def test_ellipses_are_those_of_the_points_and_only_on_the_linear_lens(explorer):
    explorer.set(classes=LETTERS, ellipses=True)
    points = {
        "synthesized ellipse": by_class(explorer)[0],
        "real ellipse": real_places(explorer, explorer.classes[0]).astype(np.float64),
    }
    for part, places in points.items():
        curve = ellipse(places)
        drawn = xy(explorer, part)[: len(curve)]
        np.testing.assert_allclose(drawn, curve, rtol=1e-3, atol=1e-3)
        assert len(xy(explorer, part, "umap")) == 0


def test_the_class_graph_has_the_edges_of_real_and_synthesized_means(explorer):
    explorer.set(classes=LETTERS, graph=True, structure=1.0)
    dataset = explorer.scene.dataset
    tests = np.concatenate([dataset.test_seen, dataset.test_unseen])
    rows = [tests[dataset.labels[tests] == k] for k in explorer.classes]
    real = np.stack([dataset.features[of_class].mean(0) for of_class in rows])
    synthesized = explorer.synthesized.features.reshape(len(real), 25, -1).mean(axis=1)

    before = neighbour_graph(real)
    after = neighbour_graph(synthesized)
    assert before != after
    expected = {"both": before & after, "lost": before - after, "added": after - before}
    for part, edges in expected.items():
        for lens in ("pca", "umap"):
            assert len(xy(explorer, part, lens)) == 3 * len(edges)


def test_what_is_switched_off_is_taken_away(explorer):
    explorer.set(ellipses=True, graph=True, prototypes=True)
    explorer.set(ellipses=False, graph=False, prototypes=False)
    for part in ("moved", "real ellipse", "synthesized ellipse", "both", "lost", "added"):
        for lens in ("pca", "umap"):
            assert len(xy(explorer, part, lens)) == 0


# --- Readings --------------------------------------------------------------------------------


class Warm:
    """The generator of an explorer at a temperature of its own."""

    def __init__(self, explorer, temperature: float) -> None:
        self.generator = explorer.generator()
        self.temperature = temperature

    def synthesize(self, attributes, n, *, seed=0):
        return self.generator.synthesize(attributes, n, temperature=self.temperature, seed=seed)


def test_the_report_is_that_of_measuring_anew(explorer):
    explorer.set(variance=0.6, temperature=0.8, seed=2)
    explorer.wait()
    dataset = explorer.scene.dataset
    report = measure(
        dataset,
        Warm(explorer, 0.8),
        n=200,
        seed=2,
        classes=dataset.unseen_classes,
        metrics=SHIFTS,
    )
    check_same_readings(explorer.report, report, labels=(None, *report.names))


def test_what_a_classifier_tells_is_said_once_the_sliders_rest(explorer):
    explorer.set(variance=0.4)
    explorer.wait()
    options = {"n": 200, "seed": 0, "classes": explorer.measured_classes}
    dataset, generator = explorer.scene.dataset, explorer.generator()
    found = measure(dataset, generator, **options, metrics="overall").reading("overall")
    assert explorer.report.reading("overall") == found
    words = Page(explorer.sentence.value).said
    for meter in ("Semantic:", "Variance:", "Structure:", f"Overall: {found.word}."):
        assert words.count(meter) == 1

    lines = explorer.sentence.value.count("<br>")
    explorer._show_words(measure(dataset, generator, **options, metrics=SHIFTS))
    assert explorer.sentence.value.count("<br>") == lines  # nothing jumps when it comes


def test_the_table_says_the_words_of_the_report(explorer):
    explorer.set(classes=LETTERS, variance=0.6, temperature=0.8, seed=2)
    explorer.wait()
    report = explorer.report
    lines = re.findall(r"<tr>(.*?)</tr>", explorer.table.value)[1:]  # of the ridge-Gaussian: calm
    names = [None, *explorer.settings["classes"]]
    assert len(lines) == len(names)
    for line, name in zip(lines, names, strict=True):
        words = re.findall(r"(fine|watch|shifted|cannot tell|not measured)</td>", line)
        assert words == [report.reading(meter, name).word for meter in SHIFTS]
        assert name is None or f">{name}</th>" in line.replace("</span>", ">")


def test_the_table_says_what_the_ridge_gaussian_reaches(explorer):
    explorer.set(variance=0.6, seed=2)
    explorer.wait()
    dataset = explorer.scene.dataset
    options = {"n": 200, "seed": 2, "classes": explorer.measured_classes, "metrics": SHIFTS}
    plain = measure(dataset, RidgeGaussian.fit(dataset), **options)
    line = re.search(r'<tr class="calm">.*?</tr>', explorer.table.value)[0]
    cells = re.findall(r"<td>(.*?)</td>", line)
    assert cells == [number(plain.reading(meter).value) for meter in SHIFTS]


def test_the_ranking_is_that_of_the_report(explorer):
    explorer.set(structure=0.5)
    explorer.wait()
    report = explorer.report
    values = [value for _, value in explorer.ranked.options[1:]]
    assert values == [name for name, _, _ in report.worst()]
    scores = [min(report.reading(meter, name).score for meter in SHIFTS) for name in values]
    assert scores == sorted(scores)


def test_a_class_of_the_ranking_shows_its_samples(explorer):
    explorer.wait()
    name = explorer.ranked.options[2][1]
    explorer.ranked.value = name
    assert f"25 synthesized points selected: {name} 25" in Page(explorer.gallery.value).said


def test_a_class_of_the_ranking_comes_into_focus(explorer):
    explorer.set(classes=("C",))
    explorer.wait()
    name = next(value for _, value in explorer.ranked.options[1:] if value != "C")
    explorer.ranked.value = name
    assert explorer.settings["classes"] == ("C", name)
    assert f"{name} 25" in Page(explorer.gallery.value).said


def test_seen_classes_in_focus_are_measured_too(explorer):
    explorer.set(classes=("A", "Q"))
    explorer.wait()
    assert "A" in explorer.report.names
    assert len(re.findall(r"<tr>", explorer.table.value)) == 4  # head, all, A and Q


def test_what_the_descriptions_explain_is_said_below_all(explorer):
    explorer.wait()
    dataset = explorer.scene.dataset
    lines = explained_share(dataset.origin or dataset).lines
    assert explorer.described.value == html.escape(" ".join(lines))
    assert "Descriptions explain" in lines[0]


def test_settings_that_were_tried_are_kept_with_their_readings(explorer):
    explorer.set(variance=0.7)
    explorer.wait()
    last = explorer.log.iloc[-1]
    value = explorer.report.reading("variance").value
    assert last["state"] == "explore?variance=0.7"
    assert last["variance"] == pytest.approx(value, abs=1e-3)


def test_readings_are_not_noted_under_settings_that_failed(explorer):
    explorer.set(seed=7)  # is being measured
    explorer.set(generator=REAL_NAME, temperature=0.5)  # cannot be
    explorer.wait()
    assert explorer.state() == "explore?seed=7"  # what is shown
    assert not explorer.log["state"].str.contains("temperature=0.5").any()


def test_before_the_meters_are_read_there_is_no_report(explore_own, make_dataset):
    panel = explore_own(make_dataset(rows=20), state="explore?classes=")
    with pytest.raises(DataError, match="nothing to draw yet: wait until the meters are read"):
        panel.report  # noqa: B018
    assert "choose at least one class" in said(panel)


# --- The code --------------------------------------------------------------------------------

DOSES = {"semantic": 0.3, "variance": -0.25, "structure": 0.5, "mixed": 0.1, "towards_seen": 0.2}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"classes": LETTERS, **DOSES},
        {"temperature": 0.55, "samples": 35, "seed": 4, "perturbation": False, "start": False},
        {"generator": RIDGE_NAME, "temperature": 1.35, "variance": 0.4},
        {"generator": REAL_NAME, "seed": 2},
        {"temperature": 0.0, "semantics": False},
    ],
    ids=["start", "doses", "temperature", "ridge", "real", "typical"],
)
def test_the_code_of_the_view_makes_the_same_features_and_readings(explorer, settings):
    explorer.set(**settings)
    explorer.wait()
    names = {}
    exec(explorer.code(), names)
    features = explorer.synthesized.features
    np.testing.assert_allclose(names["synthesized"].features, features, rtol=0, atol=1e-4)
    labels = (None, *explorer.report.names)
    check_same_readings(names["report"], explorer.report, labels=labels)


def test_the_code_of_a_view_of_own_data_makes_the_same_features_and_readings(
    explore_own, make_dataset
):
    dataset = make_dataset(rows=40, seen=6, unseen=3)
    generators = {'it\'s "mine"': RidgeGaussian.fit(dataset)}
    panel = explore_own(dataset, generators, seed=5).wait()
    names = {"dataset": dataset, "generators": generators}
    exec(panel.code(), names)
    np.testing.assert_array_equal(names["scene"].rows, panel.scene.rows)
    np.testing.assert_array_equal(names["synthesized"].features, panel.synthesized.features)
    check_same_readings(names["report"], panel.report)
