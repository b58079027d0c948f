"""The class designer without a browser: settings move by value, its widgets say what it shows."""

from dataclasses import replace

import matplotlib.figure
import numpy as np
import pytest
import torch
from live_widgets import live_widgets

from gsmflow_lite.datasets import GZSLDataset
from gsmflow_lite.errors import ConfigError, DataError
from gsmflow_lite.explorer.invention import describe
from gsmflow_lite.explorer.scene import Scene
from gsmflow_lite.figures.projection import Projection
from gsmflow_lite.generators.ridge_gaussian import RidgeGaussian
from gsmflow_lite.generators.zoo import glyph_zoo
from gsmflow_lite.panels.attribute_sliders import POOL, AttributeSliders, changed_attributes
from gsmflow_lite.panels.design import DesignPanel, design
from gsmflow_lite.panels.tools import close_all

INSTANCES = live_widgets()
HOSTILE = ["<b>x</b>", "$a$", "%{x}", "_hidden", "a=b", "<img src=x onerror=alert(1)>"]


@pytest.fixture
def panel():
    panel = design()
    yield panel
    panel.close()


@pytest.fixture
def open_panel():
    opened = []

    def build(dataset: GZSLDataset, **options) -> DesignPanel:
        generator = RidgeGaussian.fit(dataset)
        opened.append(DesignPanel(Scene.first(dataset), generator, **options))
        return opened[-1]

    yield build
    for panel in opened:
        panel.close()


def with_attributes(dataset: GZSLDataset, count: int) -> GZSLDataset:
    attributes = np.random.default_rng(3).random((6, count)) + 0.1
    return replace(dataset, attributes=attributes, attribute_names=())


def visible(sliders: AttributeSliders) -> list:
    """The sliders that are shown."""
    return [slider for slider in sliders.sliders if slider.layout.display != "none"]


def labels(sliders: AttributeSliders) -> list[str]:
    """The attributes that are shown."""
    return [slider.description for slider in visible(sliders)]


def slider_of(panel: DesignPanel, name: str):
    """The slider of an attribute, searched for and found."""
    changes = panel.controls["changes"]
    changes.search.value = name
    return next(slider for slider in visible(changes) if slider.description == name)


def synthesized_directly(
    panel: DesignPanel, description: np.ndarray, temperature: float = 0.5, seed: int = 0
) -> np.ndarray:
    attributes = torch.from_numpy(description[None])
    features = panel.generator.synthesize(attributes, 40, temperature=temperature, seed=seed)
    return features[0].numpy()


# --- Attribute sliders ------------------------------------------------------------------------


@pytest.fixture
def sliders():
    names = [f"trait {k}" for k in range(20)]
    high = np.ones(20)
    high[19] = 0.0  # as low as the lowest: a constant attribute
    sliders = AttributeSliders(names, np.zeros(20), high)
    sliders.describe(np.full(20, 0.5))
    yield sliders
    close_all(sliders.widget)


def test_pages_show_the_attributes_one_after_the_other(sliders):
    seen = []
    for _ in range(3):
        seen += labels(sliders)
        sliders.after.click()
    assert seen == [f"trait {k}" for k in range(20)]
    assert sliders.after.disabled
    assert not sliders.before.disabled


def test_a_change_is_kept_when_its_attribute_is_not_on_the_page(sliders):
    sliders.sliders[1].value = 0.8
    sliders.after.click()
    sliders.sliders[0].value = 0.1
    assert sliders.value == ("trait 1=0.8", "trait 8=0.1")
    sliders.before.click()
    assert sliders.sliders[1].value == 0.8
    assert sliders.value == ("trait 1=0.8", "trait 8=0.1")


def test_turning_and_searching_tells_nobody(sliders):
    heard = []
    sliders.observe(heard.append)
    sliders.after.click()
    sliders.search.value = "trait 1"
    sliders.describe(np.full(20, 0.2))
    assert heard == []


def test_looking_at_a_change_leaves_its_digits(sliders):
    sliders.value = ("trait 9=0.123456789",)
    sliders.after.click()
    assert sliders.sliders[1].value == 0.123456789
    assert sliders.value == ("trait 9=0.123456789",)


def test_search_shows_the_attributes_that_contain_it(sliders):
    sliders.search.value = "T 1"
    assert labels(sliders) == ["trait 1", *(f"trait {k}" for k in range(10, 17))]
    sliders.search.value = "wings"
    assert labels(sliders) == []


def test_a_slider_goes_from_lowest_to_highest_without_steps_that_a_value_could_lie_between():
    sliders = AttributeSliders(["a", "b"], np.array([-3.0, 5.0]), np.array([1.0, 25.0]))
    first, second = visible(sliders)
    assert (first.min, first.max, first.step) == (-3, 1, None)
    assert (second.min, second.max, second.step) == (5, 25, None)


@pytest.mark.parametrize("changes", [(), ("trait 1=0.123456789",)])
def test_a_value_that_comes_back_from_the_page_rounded_is_no_change(sliders, changes):
    sliders.value = changes
    for one in visible(sliders):
        one.set_state({"value": one.value * (1 + 1e-15)})
    assert sliders.value == changes


def test_a_constant_attribute_is_disabled(sliders):
    sliders.search.value = "trait 19"
    assert sliders.sliders[0].disabled
    assert sliders.sliders[0].max > sliders.sliders[0].min  # else a browser cannot draw it


def test_back_at_the_description_is_no_change(sliders):
    sliders.sliders[0].value = 0.9
    sliders.sliders[0].value = 0.5
    assert sliders.value == ()


def test_clear_takes_all_changes_back(sliders):
    sliders.value = ("trait 1=0.8", "trait 12=0.1")
    sliders.clear.click()
    assert sliders.value == ()
    assert sliders.sliders[1].value == 0.5


@pytest.mark.parametrize("text", ["wings=1", "trait 1=7", "trait 1=nan", "trait 1=x", "trait 1"])
def test_what_is_no_change_of_an_attribute_is_refused(sliders, text):
    with pytest.raises(ValueError, match=r"attribute|goes from|float"):
        sliders.value = (text,)
    assert sliders.value == ()


def test_an_attribute_name_may_hold_the_equals_sign():
    sliders = AttributeSliders(["a=b"], np.zeros(1), np.ones(1))
    sliders.value = ("a=b=0.25",)
    assert changed_attributes(sliders.value) == {"a=b": 0.25}


# --- The panel --------------------------------------------------------------------------------


def test_a_slider_changes_what_is_synthesized_and_where_it_lies(panel):
    panel.set(start="P")
    slider_of(panel, "diagonal_lower_right").value = 1.0
    description = panel.scene.dataset.attributes[panel.names.index("R")]
    expected = synthesized_directly(panel, description)
    np.testing.assert_array_equal(panel.invented.features, expected)
    placed = panel.scene.place(expected, np.zeros(40)).points
    for lens in ("pca", "umap"):
        trace = panel.map.trace("synthesized", lens)
        drawn = np.stack([trace.x, trace.y], axis=1)
        np.testing.assert_allclose(drawn, getattr(placed, lens))
    assert "description of R, a real class" in panel.sentence.value


def test_arithmetic_between_classes_is_that_of_the_library(panel):
    panel.set(start="O", less="P", more="R", temperature=0.5, seed=3)
    description = describe(panel.scene.dataset, "O", less="P", more="R")
    expected = synthesized_directly(panel, description, 0.5, 3)
    np.testing.assert_array_equal(panel.invented.features, expected)


def test_another_class_moves_the_sliders_and_keeps_the_changes(panel):
    panel.set(start="P")
    slider_of(panel, "diagonal_lower_right").value = 0.4
    panel.set(start="F")
    changes = panel.controls["changes"]
    changes.search.value = ""
    described = panel.scene.dataset.attributes[panel.names.index("F")]
    largest = np.sort(described)[::-1][:POOL]  # a class shows first what it has most of
    np.testing.assert_allclose([slider.value for slider in changes.sliders], largest)
    names = panel.scene.dataset.unique_attribute_names
    values = [described[names.index(slider.description)] for slider in changes.sliders]
    np.testing.assert_allclose(values, largest)
    assert panel.settings["changes"] == ("diagonal_lower_right=0.4",)


def test_a_state_brings_a_change_back_whose_attribute_is_not_on_the_page(panel):
    changes = ("flag=0.35", "left_stem_upper=0.1")
    panel.set(start="P", changes=changes, sweep="flag", temperature=0.15)
    text = panel.state()
    features = panel.invented.features
    panel.reset()
    assert (panel.invented.features != features).any()
    panel.restore(text)
    assert panel.settings["changes"] == changes
    np.testing.assert_array_equal(panel.invented.features, features)


def test_undo_takes_back_a_change_whose_attribute_is_not_on_the_page(panel):
    slider_of(panel, "flag").value = 0.5
    panel.controls["changes"].search.value = ""
    panel.undo()
    assert panel.settings["changes"] == ()
    assert slider_of(panel, "flag").value == panel.description[panel.attribute_names.index("flag")]


def test_a_state_that_names_what_is_not_there_changes_nothing(panel):
    before = panel.settings
    with pytest.raises(ConfigError, match="wings"):
        panel.restore("design?start=P&changes=wings%3D1")
    assert panel.settings == before


def test_a_description_without_anything_says_so_and_the_view_stays(panel):
    features = panel.invented.features
    panel.set(less=panel.settings["start"])
    assert "all attributes of this one are 0" in panel.tools.line.value
    np.testing.assert_array_equal(panel.invented.features, features)
    assert panel.settings["less"] == ""  # as is shown
    panel.set(seed=5)
    assert "all attributes" not in panel.tools.line.value


def test_the_code_makes_the_same_features_exactly(panel):
    panel.set(start="O", less="P", more="R", changes=("flag=0.35",))
    panel.set(temperature=0.55, seed=7, sweep="flag")
    names = {}
    exec(panel.code(), names)
    np.testing.assert_array_equal(names["features"], panel.invented.features)
    np.testing.assert_array_equal(names["swept"].features, panel.swept.features)
    assert names["nearest"].equals(panel.invented.near)
    assert isinstance(names["figure"], matplotlib.figure.Figure)


def test_code_with_hostile_names_runs(open_panel, make_dataset):
    attribute_names = ["'", '"', "\\", "\n$", "]"]
    panel = open_panel(make_dataset(class_names=HOSTILE, attribute_names=attribute_names))
    panel.set(start="<b>x</b>", more="$a$", changes=("'=0.5",))
    names = {"scene": panel.scene, "dataset": panel.scene.dataset, "generator": panel.generator}
    exec(panel.code(), names)
    np.testing.assert_array_equal(names["features"], panel.invented.features)


def test_pictures_have_texts_and_the_typical_one_is_first(panel):
    assert panel.pictures.value.count("<img ") == 12
    typical = panel.pictures.value.index('alt="the typical sample"')
    second = panel.pictures.value.index('alt="synthesized sample 2"')
    assert typical < second
    assert panel.strip.value.count("<img ") == 18
    assert "pictures" in panel.pictures._dom_classes  # pixels stay pixels


def test_the_response_plots_what_the_sweep_read(panel):
    panel.set(sweep="diagonal_lower_right", seed=2)
    _, asked, mean, pictured = panel.response.data
    np.testing.assert_allclose(asked.x, np.linspace(0, 1, 9))
    np.testing.assert_allclose(asked.y, asked.x)
    np.testing.assert_allclose(mean.y, panel.swept.read.mean(1))
    np.testing.assert_allclose(pictured.y, panel.swept.read[:, 0])


def test_classes_that_stand_out_are_the_nearest_ones(panel):
    panel.set(start="Q")
    by_description = panel.invented.nearest("cosine", 3).index
    by_features = panel.invented.nearest("distance", 3).index
    near = {*by_description, *by_features}
    assert set(panel.map.focus) == near
    colours = panel.map.class_colours
    assert set(colours) == {*near, len(panel.names)}
    assert len(set(colours.values())) == len(colours)


def test_classes_that_stay_near_keep_their_colours(panel):
    panel.set(start="P")
    before = dict(panel.map.class_colours)
    panel.set(start="R")
    after = panel.map.class_colours
    both = set(before) & set(after)
    assert len(both) > 1
    assert all(before[k] == after[k] for k in both)


def test_a_hundred_moves_make_no_widget(panel):
    count = len(INSTANCES)
    changes = panel.controls["changes"]
    for i in range(100):
        changes.sliders[i % POOL].value = (i % 21) / 20
        if i % 10 == 0:
            changes.after.click()
        if i % 25 == 0:
            panel.set(start=panel.names[i % 47])
    panel.keep.click()
    panel.undo()
    assert len(INSTANCES) == count


@pytest.mark.parametrize("pictured", [True, False])
def test_closing_frees_every_widget(open_panel, make_dataset, pictured):
    count = len(INSTANCES)
    decode = (lambda features: np.zeros((len(features), 4, 4))) if pictured else None
    open_panel(make_dataset(decode=decode)).close()
    assert len(INSTANCES) == count


def test_a_second_panel_of_the_name_closes_the_first(open_panel, make_dataset):
    open_panel(make_dataset())
    count = len(INSTANCES)
    open_panel(make_dataset())
    assert len(INSTANCES) - count < 10  # the frame of the first one, with a sentence


@pytest.mark.parametrize("count", [2, 300])
def test_any_number_of_attributes_will_do(open_panel, make_dataset, count):
    panel = open_panel(with_attributes(make_dataset(), count))
    assert len(visible(panel.controls["changes"])) == min(count, POOL)
    panel.set(changes=(f"attribute {count - 1}=0.5",))
    assert panel.description[-1] == np.float32(0.5)
    panel.still().draw_without_rendering()


def test_without_pictures_bars_show_what_is_asked_and_read(open_panel, make_dataset):
    panel = open_panel(make_dataset())
    panel.set(changes=("attribute 4=0.5",))
    asked, read = panel.bars.data
    readout = panel.scene.readout
    wanted = (0.5 - readout.typical[4]) / readout.spread[4]
    means = readout.read(panel.invented.features).mean(0)
    assert asked.y[0] == pytest.approx(wanted)
    assert read.y[0] == pytest.approx(means[4])
    assert panel.bars.layout.xaxis.ticktext[0] == "attribute 4"


def test_without_pictures_the_rows_of_pictures_are_hidden(open_panel, make_dataset):
    panel = open_panel(make_dataset())
    for view in (panel.pictures, panel.strip):
        assert view.value == ""
        assert view.layout.display == "none"
    for view in (panel.sentence, panel.table, panel.answer):
        assert view.layout.display is None


@pytest.fixture
def hostile(open_panel, make_dataset):
    """A designer of data whose every name is markup."""
    panel = open_panel(make_dataset(class_names=HOSTILE, attribute_names=HOSTILE[:5]))
    panel.set(start=HOSTILE[5], changes=("<b>x</b>=0.5",), sweep="<b>x</b>")
    return panel


def test_names_are_text_on_the_page(hostile):
    assert "&lt;b&gt;x&lt;/b&gt;" in hostile.answer.value
    for view in (hostile.sentence, hostile.table, hostile.answer, hostile.strip):
        assert "<img src=x" not in view.value
        assert "<b>x</b>" not in view.value


def test_names_are_text_in_figures_and_on_sliders(hostile):
    texts = [
        *hostile.bars.layout.xaxis.ticktext,
        hostile.response.layout.xaxis.title.text,
        *hostile.map.trace("context", "pca").text,
    ]
    for text in texts:
        assert not any(markup in text for markup in ("<b>x</b>", "<img", "$", "%{"))
    assert not any("$" in text for text in labels(hostile.controls["changes"]))
    hostile.still().draw_without_rendering()


def test_classes_of_one_name_can_both_be_chosen(open_panel, make_dataset):
    panel = open_panel(make_dataset(class_names=["twin", "twin", "c", "d", "e", "f"]))
    panel.set(start="twin (class 1)")
    np.testing.assert_array_equal(panel.description, panel.scene.dataset.attributes[1])


def test_another_scene_shows_its_map(open_panel, make_dataset):
    panel = open_panel(make_dataset())
    assert not np.isfinite(panel.map.trace("synthesized", "umap").x.astype(float)).any()
    scene = panel.scene
    layout = np.random.default_rng(0).random((scene.real.count, 2)).astype(np.float32)
    ready = Projection.ready(scene.projection.features, layout, neighbours=5, seed=0)
    panel.follow_map(replace(scene, projection=ready, real=replace(scene.real, umap=layout)))
    assert np.isfinite(panel.map.trace("synthesized", "umap").x.astype(float)).all()


def test_hide_takes_controls_away(open_panel, make_dataset):
    panel = open_panel(make_dataset(), hide=["changes", "seed"])
    assert panel.controls["changes"].widget.layout.display == "none"
    assert panel.controls["seed"].layout.display == "none"


def test_a_kept_setting_is_on_the_list_with_its_scores(panel):
    panel.set(start="Q")
    panel.keep.click()
    assert panel.log["state"].tolist() == [panel.state()]
    assert panel.log["cosine"].iloc[0] == 1.0


def test_the_still_says_seed_method_and_map(panel):
    panel.set(seed=5)
    caption = panel.still()._supxlabel.get_text()
    for part in ("GSMFlow", "temperature 0.5", "seed 5", "PCA and UMAP fitted on"):
        assert part in caption


def test_glyphs_of_your_own_generator_are_those_of_the_package():
    mine = RidgeGaussian.fit(glyph_zoo().dataset)
    panel = design(generator=mine)
    assert panel.generator is mine
    panel.close()


def test_pictures_of_a_flow_begin_near_the_typical_one_and_those_of_others_with_all_variety(panel):
    other = design(generator=RidgeGaussian.fit(glyph_zoo().dataset), name="others")
    assert (panel.shown["temperature"], other.shown["temperature"]) == (0.5, 1.0)
    other.close()


def test_a_description_of_nothing_is_refused_and_the_panel_shows_all_the_same():
    panel = design(state="design?start=I&less=I", name="nothing")
    assert "all attributes of this one are 0" in panel.tools.line.value
    assert "image/png" not in panel._repr_mimebundle_()
    panel.tools.show.value = True
    with pytest.raises(DataError, match="nothing to draw yet: choose another description"):
        panel.invented  # noqa: B018
    panel.close()


def test_where_a_move_is_refused_what_is_shown_is_described_as_it_is(panel):
    panel.set(start="O", changes=("diagonal_lower_right=1",))
    title = panel.title
    code = panel.code()
    panel.set(less="O", changes=())
    assert "all attributes of this one are 0" in panel.tools.line.value
    assert panel.title == title
    assert panel.code() == code
    assert panel.still()._suptitle.get_text() == f"Invented: {title}"
    panel.keep.click()
    assert list(panel.log["state"]) == ["design?start=O&changes=diagonal_lower_right%3D1"]
