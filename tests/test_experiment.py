"""A whole run on glyphs: the claims that the demo makes."""

import pytest
import torch

from gsmflow_lite import ClassifierConfig, Config, ConfigError, DataError, Epoch, ModelConfig, TrainingConfig
from gsmflow_lite.datasets import gaussian_world, glyphs
from gsmflow_lite.experiment import run_experiment
from gsmflow_lite.report import write_report

QUICK = Config(
    name="quick",
    preprocessing="whitened-pca",
    components=32,
    checks=1,
    model=ModelConfig(blocks=2, hidden=64, embedding=32, base="ridge-gaussian"),
    training=TrainingConfig(epochs=2, lr=5e-4, batch=512, prototype_weight=0.0, perturbation=0.0, mining=None),
    classifier=ClassifierConfig(samples=60, penalties=(3e-3,)),
)


@pytest.fixture(scope="module")
def experiment():
    return run_experiment(glyphs(), QUICK)


def test_imagined_letters_are_recognised_far_above_chance(experiment):
    assert experiment.result["scores"]["zsl"] > 5 * 100 / 9


def test_the_oracle_is_above_every_generator(experiment):
    baselines = experiment.result["baselines"]
    others = [experiment.result["scores"], baselines["ridge_gaussian"], baselines["eszsl"]]
    assert baselines["oracle"]["harmonic"] > max(scores["harmonic"] for scores in others)


def test_features_have_the_preprocessing_of_the_settings(experiment):
    assert experiment.dataset.features.shape[1] == experiment.model.features == 32


def test_the_report_shows_a_picture_row_for_each_unseen_class(experiment, tmp_path):
    write_report(experiment, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert page.count('src="data:image/png;base64,') == 9
    assert len(page) < 8e6


def test_data_without_pictures_get_a_report_without_pictures(tmp_path):
    small = Config(checks=1, training=TrainingConfig(epochs=1, mining=None), model=ModelConfig(blocks=1, hidden=4, embedding=4))
    run = run_experiment(gaussian_world(3, seen=6, unseen=3, samples=20).dataset, small, baselines=False)
    write_report(run, tmp_path / "report.html")
    assert "<img" not in (tmp_path / "report.html").read_text()


def test_data_that_a_baseline_cannot_use_say_so_before_the_flow_is_trained(make_dataset):
    lonely = make_dataset(rows=10, test_unseen=[40, 50, 51])  # one row of the first unseen class
    events = []
    with pytest.raises(DataError, match=r"met by the baseline oracle; baselines=False, or --no-baselines"):
        run_experiment(lonely, Config(classifier=ClassifierConfig(samples=5)), watch=events.append)
    assert not any(isinstance(event, Epoch) for event in events)


def test_an_unknown_classifier_is_refused():
    with pytest.raises(ConfigError, match=r"classifier must be one of softmax, likelihood, got 'trees'"):
        run_experiment(gaussian_world(2).dataset, QUICK, classifier="trees")


def test_the_global_random_state_is_left_alone():
    before = torch.random.get_rng_state()
    small = Config(checks=1, training=TrainingConfig(epochs=1, mining=None), model=ModelConfig(blocks=1, hidden=4, embedding=4))
    run_experiment(gaussian_world(3, seen=6, unseen=3, samples=20).dataset, small, baselines=False)
    assert torch.equal(before, torch.random.get_rng_state())
