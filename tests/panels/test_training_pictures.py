"""What one sees while a flow trains: pictures that sharpen, and the curve of the run before."""

from dataclasses import replace

import numpy as np
import pytest
from pages import Page

from gsmflow_lite.config import Config, ModelConfig, TrainingConfig
from gsmflow_lite.panels.train import train

SMALL = Config(
    name="small",
    model=ModelConfig(blocks=2, hidden=16, embedding=8),
    training=TrainingConfig(
        epochs=3, batch=64, lr=1e-3, prototype_weight=0.0, perturbation=0.0, mining=None
    ),
)


def squares(features: np.ndarray) -> np.ndarray:
    """Pictures of 2 x 2 pixels that hold the first feature."""
    return np.broadcast_to(features[:, :1, None], (len(features), 2, 2))


@pytest.fixture
def open_panel(make_dataset):
    panels = []

    def build(decode=squares, **options):
        dataset = replace(make_dataset(rows=40, seen=8, unseen=4), decode=decode)
        panels.append(train(dataset, config=SMALL, name=f"own {len(panels)}", **options))
        return panels[-1]

    yield build
    for panel in panels:
        panel.close()


@pytest.fixture
def panel(open_panel):
    return open_panel()


def trained(panel):
    panel.start()
    panel.wait()
    return panel


def curve(panel, part: str) -> list[float]:
    return list(panel.pictures.curve.trace(part).y)


# --- Pictures -------------------------------------------------------------------------------------


def test_each_frame_shows_the_same_noise_of_three_classes_beside_a_real_picture(panel):
    trained(panel)
    recording = panel.recording
    assert [frame.epoch for frame in recording.frames] == [0, 1, 2, 3]
    for frame in recording.frames:
        rows = recording.pictures(frame)
        assert [row.number for row in rows] == recording.view.shown[:3].tolist()
        for i, row in enumerate(rows):
            decode = recording.view.scene.dataset.decode  # from features as they are prepared
            pictures = decode(frame.synthesized.features[40 * i : 40 * i + 4])
            np.testing.assert_allclose(row.synthesized[:, 0], pictures)
    page = Page(panel.pictures.samples.value)
    assert page.tag_names.count("img") == 3 * (1 + 4)


def test_the_pictures_follow_the_replay(panel):
    trained(panel)
    last = panel.pictures.samples.value
    panel.pictures.player.frame.value = 0
    first = panel.pictures.samples.value
    assert first != last
    panel.pictures.player.frame.value = 3
    assert panel.pictures.samples.value == last


def test_data_without_a_decoder_have_no_pictures(open_panel):
    panel = trained(open_panel(decode=None))
    assert panel.pictures.samples.value == ""
    assert "pictures0" not in [axes.get_label() for axes in panel.still().axes]


def test_the_still_has_the_pictures_of_the_first_and_the_last_frame(panel):
    trained(panel)
    figure = panel.still()
    sheets = {a.get_title("left"): a.images[0].get_array() for a in figure.axes if a.images}
    assert list(sheets) == ["epoch 0", "epoch 3"]
    assert not np.allclose(sheets["epoch 0"], sheets["epoch 3"])


def test_a_decoder_that_fails_is_told_in_words_and_ends_no_training(open_panel):
    def broken(features):
        raise ZeroDivisionError("no pixels")

    panel = trained(open_panel(decode=broken))
    assert len(panel.history) == 3
    assert curve(panel, "likelihood")
    assert panel.pictures.samples.value == ""


# --- The run before -------------------------------------------------------------------------------


def test_the_curves_of_the_previous_run_stay_under_the_new_ones(panel):
    trained(panel)
    before = {part: curve(panel, part) for part in ("likelihood", "score")}
    assert curve(panel, "likelihood before") == []
    panel.set(lr=0.02)
    trained(panel)
    for part, values in before.items():
        assert curve(panel, f"{part} before") == values
        assert curve(panel, part) != values
    trace = panel.pictures.curve.trace("likelihood before")
    assert trace.name == "previous run"
    assert trace.opacity < 1


def test_a_run_that_was_cut_off_at_once_leaves_the_one_before_it(panel):
    before = curve(trained(panel), "likelihood")
    panel.start()
    panel.stop()
    panel.wait()
    trained(panel)
    assert curve(panel, "likelihood before") == before


@pytest.mark.parametrize(
    "change", [lambda panel: panel.reset(), lambda panel: panel.set(data="gaussian_world_2d")]
)
def test_a_reset_or_other_data_take_the_previous_run_away(panel, change):
    trained(panel)
    trained(panel)
    assert curve(panel, "likelihood before") != []
    change(panel)
    assert curve(panel, "likelihood before") == []
    assert curve(panel, "score before") == []


# --- Signs ----------------------------------------------------------------------------------------


def test_start_is_answered_at_once_on_top(panel):
    panel.start()
    assert "starting ..." in panel.tools.line.value
    panel.wait()


def test_the_strength_of_mining_is_disabled_where_nothing_is_mined(panel):
    assert panel.settings["mining"] == 0
    assert panel.controls["strength"].disabled
    panel.set(mining=3)
    assert not panel.controls["strength"].disabled
    panel.set(mining=0)
    assert panel.controls["strength"].disabled
