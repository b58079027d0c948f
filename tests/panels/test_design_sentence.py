"""A sentence in the class designer: what is read of it, what is said, and what stays."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from live_widgets import live_widgets

from gsmflow_lite.datasets import from_npz, save_npz
from gsmflow_lite.errors import ConfigError
from gsmflow_lite.explorer.invention import describe
from gsmflow_lite.explorer.scene import Scene
from gsmflow_lite.generators.ridge_gaussian import RidgeGaussian
from gsmflow_lite.panels.design import DesignPanel
from gsmflow_lite.panels.design_sentence import LONGEST_SENTENCE
from gsmflow_lite.panels.explore import explore
from gsmflow_lite.texts import text_encoder

INSTANCES = live_widgets()
TEXTS = [
    ["a red bird", "it sings"],
    ["a grey wolf"],
    ["a green frog"],
    ["a black cat"],
    ["<img src=x onerror=alert(1)> $a$"],
    ["a white owl"],
]
NAMES = ["bird", "wolf", "frog", "cat", "<b>x</b>", "owl"]
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def letter_counts(texts: list[str]) -> np.ndarray:
    return np.array([[1 + text.lower().count(letter) for letter in LETTERS] for text in texts])


@pytest.fixture
def encoder():
    return text_encoder(letter_counts)


@pytest.fixture
def worded(make_dataset, encoder):
    rows = np.stack([encoder(texts).mean(0) for texts in TEXTS])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return make_dataset(
        attributes=rows, texts=TEXTS, text_encoder=encoder.name, class_names=NAMES, rows=20
    )


@pytest.fixture
def open_panel():
    opened = []

    def build(dataset, **options) -> DesignPanel:
        generator = RidgeGaussian.fit(dataset)
        opened.append(DesignPanel(Scene.first(dataset), generator, **options))
        return opened[-1]

    yield build
    for panel in opened:
        panel.close()


@pytest.fixture
def panel(open_panel, worded, encoder):
    return open_panel(worded, encoder=encoder)


# --- What is synthesized -----------------------------------------------------------------------


def test_a_sentence_is_encoded_as_the_texts_were_and_synthesized(panel, encoder):
    panel.controls["text"].value = "a red wolf"
    description = encoder(["a red wolf"])
    np.testing.assert_allclose(panel.description, description[0], atol=1e-6)
    expected = panel.generator.synthesize(torch.tensor(panel.description[None]), 40, seed=0)
    np.testing.assert_array_equal(panel.invented.features, expected[0])
    trace = panel.map.trace("synthesized", "pca")
    placed = panel.scene.place(panel.invented.features, np.zeros(40)).points.pca
    np.testing.assert_allclose(np.stack([trace.x, trace.y], axis=1), placed)


def test_without_a_sentence_a_class_is_described_by_its_own_texts(panel, worded):
    for k, name in enumerate(NAMES):
        panel.set(start=name)
        np.testing.assert_allclose(panel.description, worded.attributes[k], atol=1e-6)
        assert panel.controls["text"].placeholder.endswith(f": {TEXTS[k][0]}")


def test_the_text_of_a_class_describes_it_where_it_is_its_only_one(panel):
    panel.set(text="a grey wolf")
    assert "description of wolf, a real class (seen)" in panel.sentence.value


def test_classes_are_added_and_taken_away_and_the_sum_has_length_one(panel, worded, encoder):
    panel.set(text="a red wolf", less="wolf", more="frog")
    total = encoder(["a red wolf"])[0] - worded.attributes[1] + worded.attributes[2]
    np.testing.assert_allclose(panel.description, total / np.linalg.norm(total), atol=1e-6)


def test_nothing_is_left_of_a_text_less_itself(panel):
    before = panel.invented
    panel.set(text="a grey wolf", less="wolf")
    assert "all attributes of this one are 0" in panel.tools.line.value
    assert panel.invented is before


# --- What is said ------------------------------------------------------------------------------


def test_the_nearest_descriptions_are_named_by_their_cosine(panel, worded, encoder):
    panel.set(text="a red bird")
    row = encoder(["a red bird"])[0]
    cosines = worded.attributes @ row
    first = int(np.argmax(cosines))
    near = panel.invented.near.loc[first]
    assert near["cosine"] == pytest.approx(cosines[first], abs=1e-6)
    listed = panel.answer.value.split("<li>")[1:]
    assert len(listed) == 3
    order = np.argsort(-cosines)
    for line, k in zip(listed, order, strict=False):
        assert f"{cosines[k]:.2f}" in line
        assert ("unseen" in line) == (k >= 4)
    assert TEXTS[first][0] in listed[0]


def test_the_class_whose_images_are_nearest_to_what_is_synthesized_is_named(panel):
    panel.set(text="a red bird")
    features = panel.invented.features.mean(0)
    tests = np.concatenate([panel.scene.dataset.test_seen, panel.scene.dataset.test_unseen])
    data = panel.scene.dataset
    means = [data.features[data.of_class(k, tests)].mean(0) for k in range(4)]
    nearest = int(np.argmin(np.linalg.norm(np.stack(means) - features, axis=1)))
    best = panel.invented.nearest("distance", 1)["class"].iloc[0]
    if best in NAMES[:4]:
        assert best == NAMES[nearest]
    assert f"lands nearest to real {best}" in panel.answer.value.replace("</span>", "")


def test_texts_and_sentences_are_text_on_the_page(panel):
    panel.set(text="<img src=x onerror=alert(2)> $b$")
    for view in (panel.sentence, panel.table, panel.answer):
        assert "<img src=x" not in view.value
        assert "<b>x</b>" not in view.value
    panel.still().draw_without_rendering()


def test_the_title_quotes_the_sentence(panel):
    panel.set(text="a  red\twolf", more="frog")
    assert panel.title == "\u201ca red wolf\u201d + frog"


# --- What is shown -----------------------------------------------------------------------------


def test_there_are_no_sliders_for_numbers_that_mean_nothing(panel):
    assert set(panel.controls) == {"text", "start", "less", "more", "temperature", "seed"}


def test_a_class_gives_its_text_to_be_changed_and_back(panel):
    panel.set(start="wolf")
    panel.words.edit.click()
    assert panel.settings["text"] == "a grey wolf"
    assert panel.controls["start"].disabled
    panel.words.clear.click()
    assert panel.settings["text"] == ""
    assert not panel.controls["start"].disabled


def test_the_box_waits_for_enter(panel):
    assert panel.controls["text"].continuous_update is False


def test_closing_frees_every_widget(open_panel, worded, encoder):
    count = len(INSTANCES)
    open_panel(worded, encoder=encoder).close()
    assert len(INSTANCES) == count


# --- What stays --------------------------------------------------------------------------------


def test_a_state_brings_the_sentence_back(panel):
    panel.set(text="a red wolf & 한글", more="frog")
    text = panel.state()
    features = panel.invented.features
    panel.reset()
    assert panel.settings["text"] == ""
    panel.restore(text)
    assert panel.settings["text"] == "a red wolf & 한글"
    np.testing.assert_array_equal(panel.invented.features, features)


def test_the_longest_sentence_fits_into_a_state(panel):
    panel.set(text="한" * LONGEST_SENTENCE)
    text = panel.state()
    panel.reset()
    panel.restore(text)
    assert len(panel.settings["text"]) == LONGEST_SENTENCE


def test_undo_takes_a_sentence_back(panel):
    panel.set(text="a red wolf")
    panel.set(text="a red frog")
    panel.undo()
    assert panel.settings["text"] == "a red wolf"


def test_a_kept_sentence_is_in_the_log(panel):
    panel.set(text="a grey wolf")
    panel.keep.click()
    assert panel.log["state"].tolist() == [panel.state()]
    assert panel.log["cosine"].iloc[0] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("text", ["", "a 'red' wolf\\"])
def test_the_code_makes_the_same_features_exactly(panel, encoder, text):
    panel.set(text=text, less="cat", temperature=0.5, seed=3)
    names = {
        "scene": panel.scene,
        "dataset": panel.scene.dataset,
        "generator": panel.generator,
        "encoder": encoder,
    }
    exec(panel.code(), names)
    np.testing.assert_array_equal(names["features"], panel.invented.features)
    assert names["nearest"].equals(panel.invented.near)


# --- What is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x" * (LONGEST_SENTENCE + 1), "at most 1000 characters, got 1001"),
        ("a\x07b", "no control characters"),
        ("a\ud800", "no control characters"),
    ],
)
def test_a_sentence_that_cannot_be_read_leaves_the_view(panel, text, words):
    panel.set(text="a red wolf")
    features = panel.invented.features
    panel.set(text=text)
    assert words in panel.tools.line.value
    assert panel.settings["text"] == "a red wolf"
    np.testing.assert_array_equal(panel.invented.features, features)


def test_without_its_encoder_the_panel_opens_and_says_why(open_panel, worded):
    panel = open_panel(worded)
    assert "which is not opened unasked" in panel.tools.line.value
    assert panel.controls["text"].disabled
    panel.set(start="frog")
    np.testing.assert_allclose(panel.description, worded.attributes[2], atol=1e-6)
    assert "which is not opened unasked" in panel.tools.line.value
    panel.set(text="a red wolf")
    assert panel.settings["text"] == ""


def test_with_another_encoder_it_says_that_they_differ(open_panel, worded):
    other = text_encoder(letter_counts, name="another one")
    panel = open_panel(worded, encoder=other)
    assert "must be encoded as the descriptions were" in panel.tools.line.value
    assert panel.controls["text"].disabled


def test_data_that_were_written_and_read_take_sentences(open_panel, worded, encoder, tmp_path):
    read = from_npz(save_npz(worded, tmp_path / "data.npz"))
    panel = open_panel(read, encoder=encoder)
    panel.set(text="a red wolf")
    np.testing.assert_allclose(panel.description, encoder(["a red wolf"])[0], atol=1e-6)


def test_single_numbers_of_a_text_cannot_be_changed(worded, encoder):
    with pytest.raises(ConfigError, match="changes must be empty"):
        describe(worded, "wolf", changes={"attribute 3": 1.0})


def test_a_sentence_needs_attributes_that_were_made_of_texts(make_dataset, encoder):
    with pytest.raises(ConfigError, match="sentences can only be read where"):
        describe(make_dataset(), "class 0", sentence="a bird", encoder=encoder)


# --- The explorer ------------------------------------------------------------------------------


def test_the_explorer_offers_no_colours_by_numbers_that_mean_nothing(worded, no_layout):
    panel = explore(worded, name="texts")
    assert panel.controls["attribute"].layout.display == "none"
    assert [value for _, value in panel.controls["colour"].options] == ["class", "distance"]
    panel.close()
    plain = explore(replace(worded, text_encoder=""), name="plain", hide="seed")
    assert plain.controls["attribute"].layout.display is None
    assert plain.controls["seed"].layout.display == "none"
    plain.close()
