"""The rules: what may be chosen on which rows."""

from dataclasses import replace

import numpy as np
import pytest

from gsmflow_lite import (
    ClassifierConfig,
    Config,
    ConfigError,
    Epoch,
    ModelConfig,
    TrainingConfig,
    run,
)
from gsmflow_lite.datasets import gaussian_world
from gsmflow_lite.scores.protocol import PROTOCOLS, eszsl, flow, oracle, ridge_gaussian

CONFIG = Config(
    checks=2,
    model=ModelConfig(blocks=1, hidden=8, embedding=4),
    training=TrainingConfig(epochs=4, mining=None, batch=64),
    classifier=ClassifierConfig(samples=20, penalties=(1e-2, 1e-3)),
)


@pytest.fixture(scope="module")
def world():
    return gaussian_world(6, seen=8, unseen=4, samples=25).dataset


def with_other_test_rows(dataset):
    """The same training rows; test rows that are nothing but noise."""
    features = dataset.features.copy()
    rng = np.random.default_rng(3)
    for rows in (dataset.test_seen, dataset.test_unseen):
        features[rows] = 5 * rng.standard_normal((len(rows), features.shape[1]))
    return replace(dataset, features=features)


METHODS = {"flow": flow(CONFIG, device="cpu"), "ridge": ridge_gaussian(CONFIG), "eszsl": eszsl}


@pytest.mark.parametrize("name", METHODS)
def test_the_validation_protocol_chooses_the_same_whatever_the_test_rows_are(world, name):
    one, other = (run(METHODS[name], d) for d in (world, with_other_test_rows(world)))
    assert one.choice == other.choice
    assert one.scores != other.scores


def test_the_published_protocol_looks_at_the_test_rows_and_says_so(world):
    outcome = run(METHODS["flow"], world, protocol="published")
    assert outcome.choice.chosen_on == "the TEST set, best of 4 looks"
    assert "TEST" in PROTOCOLS["published"]
    assert outcome.scores == outcome.choice.scores


def test_the_published_protocol_reports_the_best_of_what_it_saw(world):
    best = run(METHODS["eszsl"], world, protocol="published").scores.harmonic
    assert best == max(candidate.judge().scores().harmonic for candidate in eszsl(world, 0))


def test_training_anew_lasts_as_long_as_was_chosen(world):
    seen = []
    outcome = run(METHODS["flow"], world, watch=seen.append)
    final = [event for event in seen if isinstance(event, Epoch)][
        4:
    ]  # the fold's training has 4 epochs
    assert [event.epoch for event in final] == list(
        range(1, dict(outcome.choice.setting)["epoch"] + 1)
    )


def test_two_folds_weigh_alike_in_the_choice(world):
    choice = run(METHODS["ridge"], world, folds=(0, 1)).choice
    per_fold = {}
    for fold in (world.validation_fold(0), world.validation_fold(1)):
        for candidate in ridge_gaussian(CONFIG)(fold, 0):
            logits = candidate.judge()
            calibration = logits.best_calibration()
            per_fold.setdefault(candidate.setting, []).append(
                (logits.scores(calibration).harmonic, calibration)
            )
    best = max(per_fold, key=lambda setting: np.mean([h for h, _ in per_fold[setting]]))
    assert choice.setting == best
    assert choice.calibration == pytest.approx(np.mean([c for _, c in per_fold[best]]))


def test_the_oracle_is_scored_on_rows_that_it_has_not_seen(world):
    (candidate, *_) = oracle(CONFIG)(world, 0)
    tested = candidate.judge().dataset.test_unseen
    assert not np.isin(tested, candidate.generator.rows).any()
    assert len(tested) + len(candidate.generator.rows) == len(world.test_unseen)


def test_the_likelihood_classifier_goes_through_the_same_door(world):
    outcome = run(flow(CONFIG, classifier="likelihood", device="cpu"), world)
    assert set(dict(outcome.choice.setting)) == {"epoch"}
    assert 0 < outcome.scores.zsl <= 100


def test_the_same_seed_gives_the_same_scores(world):
    assert run(METHODS["flow"], world, seed=5).scores == run(METHODS["flow"], world, seed=5).scores


def test_an_unknown_protocol_is_refused(world):
    with pytest.raises(
        ConfigError, match=r"protocol must be one of validation, published, got 'test'"
    ):
        run(METHODS["ridge"], world, protocol="test")
