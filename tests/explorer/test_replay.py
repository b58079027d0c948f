"""A recorded training: which frames are kept, what a replay holds, what the quick H is."""

import numpy as np
import pytest

from gsmflow_lite import fit, new_model
from gsmflow_lite.config import Config, ModelConfig, TrainingConfig
from gsmflow_lite.datasets import load
from gsmflow_lite.events import Epoch
from gsmflow_lite.explorer.replay import (
    MOST_FRAMES,
    Frame,
    Recording,
    View,
    frame_epochs,
    quick_harmonic,
)
from gsmflow_lite.explorer.replay_figures import replay_figure, replay_still
from gsmflow_lite.explorer.scene import Scene
from gsmflow_lite.generators.stored import RealSamples
from gsmflow_lite.scores.evaluation import per_class_accuracy

SETTINGS = Config(
    model=ModelConfig(blocks=1, hidden=16, embedding=8),
    training=TrainingConfig(epochs=3, batch=128, prototype_weight=0.0, mining=None),
)


@pytest.fixture(scope="module")
def recording():
    dataset = load("gaussian_world_2d")
    view = View.of(dataset, Scene.first(dataset), fold=True)
    one = Recording(view, SETTINGS, 0)
    model = new_model(view.problem, SETTINGS.model)
    one.frames.append(Frame(0, view.ask(model)))
    for event in fit(
        model,
        view.problem,
        SETTINGS.training,
        validate=lambda m, _: quick_harmonic(m, view.problem),
    ):
        if isinstance(event, Epoch):
            one.history.append(event)
            one.frames.append(Frame(event.epoch, view.ask(model)))
    return one


@pytest.mark.parametrize(
    ("epochs", "every"), [(1, 1), (9, 2), (200, 1), (200, 3), (61, 1), (20, 20), (5, 20)]
)
def test_frames_are_bounded_and_include_both_ends(epochs, every):
    marks = frame_epochs(epochs, every)
    assert {0, epochs} <= marks
    assert len(marks) <= MOST_FRAMES
    assert all(mark % every == 0 for mark in marks - {epochs})


def test_frames_come_as_often_as_asked_where_they_are_few():
    assert frame_epochs(9, 2) == {0, 2, 4, 6, 8, 9}


def test_a_replay_has_a_frame_with_the_arrays_of_each_recorded_one(recording):
    figure = replay_figure(recording)
    assert [frame.name for frame in figure.frames] == ["0", "1", "2", "3"]
    for frame, one in zip(figure.frames, recording.frames, strict=True):
        here, points = frame.data
        assert here.x == (one.epoch,)
        np.testing.assert_allclose(points.x, one.synthesized.points.pca[:, 0])
    assert len(figure.layout.sliders[0].steps) == 4


def test_a_frame_replaces_the_synthesized_points_and_the_ring_and_nothing_else(recording):
    figure = replay_figure(recording)
    ring, synthesized = figure.frames[2].traces
    assert figure.data[ring].name == "this frame"
    assert figure.data[synthesized].marker.symbol == "diamond-open"


def test_a_figure_says_data_settings_seed_and_map(recording):
    texts = " ".join(str(note.text) for note in replay_figure(recording).layout.annotations)
    for part in ("gaussian_world_2d", "seed 0", "epoch 3 of 3", "PCA fitted on"):
        assert part in texts
    assert "seed 0" in replay_still(recording)._supxlabel.get_text()


def test_names_from_a_file_are_text_in_the_exported_page(recording, make_dataset):
    names = ["<img src=x>", "a", "b", "c", "d", "e"]
    dataset = make_dataset(seen=5, unseen=1, rows=20, class_names=names)
    view = View.of(dataset, Scene.first(dataset), fold=False)
    bad = make_dataset(seen=5, unseen=1, rows=20, class_names=[*names[1:], names[0]])
    view = View.of(bad, Scene.first(bad), fold=False)
    one = Recording(view, SETTINGS, 0, frames=[Frame(0, view.ask(new_model(bad, SETTINGS.model)))])
    assert "<img" not in replay_figure(one).to_json().replace("\\u003c", "<")


def test_h_of_real_features_is_that_of_a_nearest_mean_classifier_at_its_best_handicap():
    fold = load("gaussian_world").validation_fold()
    truth, unseen = fold.labels, np.isin(np.arange(len(fold.attributes)), fold.unseen_classes)
    fitted = np.concatenate([fold.train, fold.test_unseen])
    means = np.stack(
        [fold.features[fitted][truth[fitted] == k].mean(0) for k in range(len(unseen))]
    )
    costs = ((fold.features[:, None] - means) ** 2).sum(2)

    def harmonic(handicap):
        guess = (costs + handicap * ~unseen).argmin(1)
        s, u = (
            per_class_accuracy(truth[rows], guess[rows]).mean()
            for rows in (fold.test_seen, fold.test_unseen)
        )
        return 200 * s * u / (s + u)

    best = max(harmonic(handicap) for handicap in np.linspace(-50, 50, 201))
    most = np.bincount(truth[fold.test_unseen]).max()  # all rows there are
    assert quick_harmonic(RealSamples(fold, fold.test_unseen), fold, samples=most) == pytest.approx(
        best, abs=0.7
    )


def test_a_generator_that_imagines_the_same_of_all_classes_has_a_low_h():
    fold = load("gaussian_world").validation_fold()

    class Dull:
        def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
            return np.zeros((len(attributes), n, fold.features.shape[1]), np.float32)

    good = quick_harmonic(RealSamples(fold, fold.test_unseen), fold)
    assert quick_harmonic(Dull(), fold) < 0.6 * good


@pytest.mark.parametrize("fold", [True, False])
def test_the_classes_on_the_map_are_those_that_are_synthesized(fold):
    dataset = load("gaussian_world")
    view = View.of(dataset, Scene.first(dataset), fold=fold)
    assert not fold or list(view.shown) != list(view.classes)  # or this test could not fail
    assert [dataset.class_names[k] for k in view.shown] == [
        view.problem.class_names[k] for k in view.classes
    ]


def test_a_fold_with_another_preprocessing_is_shown_in_the_space_of_the_scene(recording):
    dataset = load("gaussian_world").preprocessed("whitened-pca", 64)
    view = View.of(dataset, Scene.first(dataset), fold=True)
    rows = view.problem.test_unseen[:20]
    raw = view.problem.origin.features[rows]
    np.testing.assert_allclose(
        view.translate(view.problem.features[rows]),
        dataset.preprocessing.transform(raw),
        rtol=1e-3,
        atol=1e-3,
    )
