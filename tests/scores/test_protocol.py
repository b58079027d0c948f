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
from gsmflow_lite.events import Step
from gsmflow_lite.scores.protocol import (
    PROTOCOLS,
    Candidate,
    eszsl,
    flow,
    oracle,
    ridge_gaussian,
    run_by_classifier,
)

CONFIG = Config(
    checks=2,
    model=ModelConfig(blocks=1, hidden=8, embedding=4),
    training=TrainingConfig(epochs=4, mining=None, batch=64),
    classifier=ClassifierConfig(samples=20, penalties=(1e-2, 1e-3)),
)
METHODS = {"flow": flow(CONFIG, device="cpu"), "ridge": ridge_gaussian(CONFIG), "eszsl": eszsl}


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


# --- The validation protocol -----------------------------------------------------------------


@pytest.mark.parametrize("name", METHODS)
def test_the_validation_protocol_chooses_the_same_whatever_the_test_rows_are(world, name):
    ours = run(METHODS[name], world)
    noisy = run(METHODS[name], with_other_test_rows(world))
    assert ours.choice == noisy.choice
    assert ours.scores != noisy.scores


def test_training_anew_lasts_as_long_as_was_chosen(world):
    events = []
    outcome = run(METHODS["flow"], world, watch=events.append)
    epochs = [event.epoch for event in events if isinstance(event, Epoch)]
    of_fold = CONFIG.training.epochs
    chosen = dict(outcome.choice.setting)["epoch"]
    assert epochs[of_fold:] == list(range(1, chosen + 1))


def test_two_folds_weigh_alike_in_the_choice(world):
    choice = run(METHODS["ridge"], world, folds=(0, 1)).choice
    harmonic = {}
    calibration = {}
    events = []
    for fold in (world.validation_fold(0), world.validation_fold(1)):
        for candidate in ridge_gaussian(CONFIG)(fold, 0):
            logits = candidate.judge(events.append)
            best = logits.best_calibration()
            harmonic.setdefault(candidate.setting, []).append(logits.scores(best).harmonic)
            calibration.setdefault(candidate.setting, []).append(best)

    assert choice.setting == max(harmonic, key=lambda setting: np.mean(harmonic[setting]))
    assert choice.calibration == pytest.approx(np.mean(calibration[choice.setting]))


# --- Every classifier ------------------------------------------------------------------------


def test_each_classifier_gets_what_it_would_get_alone(world):
    both = run_by_classifier(METHODS["flow"], world, folds=(0, 1))
    assert set(both) == {"softmax", "likelihood"}
    for kind, outcome in both.items():
        only = replace(CONFIG, classifier=replace(CONFIG.classifier, kinds=(kind,)))
        alone = run(flow(only, device="cpu"), world, folds=(0, 1))
        assert outcome.choice == alone.choice
        assert outcome.scores == alone.scores
    assert next(iter(both.values())).choice == run(METHODS["flow"], world, folds=(0, 1)).choice


def test_classifiers_share_a_training(world):
    events = []
    one_check = replace(CONFIG, checks=1)
    run_by_classifier(flow(one_check, device="cpu"), world, watch=events.append)
    epochs = [event.epoch for event in events if isinstance(event, Epoch)]
    assert epochs == [1, 2, 3, 4] * 2  # on the fold, then on all training rows


def test_a_method_that_names_no_classifier_has_none_to_compare(world):
    with pytest.raises(ConfigError, match="a method must name its classifier in its settings"):
        run_by_classifier(METHODS["eszsl"], world)


# --- The published protocol ------------------------------------------------------------------


def test_the_published_protocol_looks_at_the_test_rows_and_says_so(world):
    outcome = run(METHODS["flow"], world, protocol="published")
    assert outcome.choice.chosen_on == "the TEST set, best of 6 looks"
    assert "TEST" in PROTOCOLS["published"]
    assert outcome.scores == outcome.choice.scores


def test_the_published_protocol_reports_the_best_of_what_it_saw(world):
    best = run(METHODS["eszsl"], world, protocol="published").scores.harmonic
    assert best == max(candidate.judge(print).scores().harmonic for candidate in eszsl(world, 0))


# --- Methods ---------------------------------------------------------------------------------


def test_the_oracle_does_not_depend_on_descriptions(world):
    scores = run(oracle(CONFIG), world).scores
    unseen, seen = world.unseen_classes, world.seen_classes
    for first, second in ((unseen[0], unseen[1]), (unseen[0], seen[0]), (seen[0], seen[1])):
        table = world.attributes.copy()
        table[first] = table[second]
        same = replace(world, attributes=table, made_from=None)
        assert run(oracle(CONFIG), same).scores == scores


def test_the_oracle_is_scored_on_rows_that_it_has_not_seen(world):
    candidate = next(oracle(CONFIG)(world, 0))
    tested = candidate.judge(print).dataset.test_unseen
    assert not np.isin(tested, candidate.generator.rows).any()
    assert len(tested) + len(candidate.generator.rows) == len(world.test_unseen)


def test_the_likelihood_classifier_goes_through_the_same_door(world):
    only = replace(CONFIG, classifier=replace(CONFIG.classifier, kinds=("likelihood",)))
    outcome = run(flow(only, device="cpu"), world)
    setting = dict(outcome.choice.setting)
    assert set(setting) == {"epoch", "classifier"}
    assert setting["classifier"] == "likelihood"
    assert 0 < outcome.scores.zsl <= 100


def offered(method, dataset):
    """What a method offers on a data set: a classifier and its penalty for each candidate."""
    items = [item for item in method(dataset, 0, None) if isinstance(item, Candidate)]
    settings = [dict(candidate.setting) for candidate in items]
    return {(setting["classifier"], setting.get("penalty")) for setting in settings}


def test_a_density_offers_both_classifiers_and_what_has_none_the_softmax_alone(world):
    softmax = {("softmax", 1e-2), ("softmax", 1e-3)}
    both = softmax | {("likelihood", None)}
    assert offered(ridge_gaussian(CONFIG), world) == both
    assert offered(flow(CONFIG, device="cpu"), world) == both
    assert offered(oracle(CONFIG), world) == softmax


def test_only_the_kinds_of_the_settings_are_offered(world):
    for kind in ("softmax", "likelihood"):
        only = replace(CONFIG, classifier=replace(CONFIG.classifier, kinds=(kind,)))
        assert {name for name, _ in offered(ridge_gaussian(only), world)} == {kind}
        assert {name for name, _ in offered(oracle(only), world)} == {"softmax"}


def test_judging_by_likelihood_is_reported_row_by_row(world):
    events = []
    only = replace(CONFIG, classifier=replace(CONFIG.classifier, kinds=("likelihood",)))
    run(ridge_gaussian(only), world, watch=events.append)
    rows = len(world.test_seen) + len(world.test_unseen)
    assert events[-1] == Step("likelihood", rows, rows)


def test_the_same_seed_gives_the_same_scores(world):
    assert run(METHODS["flow"], world, seed=5).scores == run(METHODS["flow"], world, seed=5).scores


# --- Errors ----------------------------------------------------------------------------------


def test_an_unknown_protocol_is_refused(world):
    with pytest.raises(
        ConfigError, match=r"protocol must be one of validation, published, got 'test'"
    ):
        run(METHODS["ridge"], world, protocol="test")


def test_no_fold_to_choose_on_is_refused(world):
    with pytest.raises(ConfigError, match="at least one validation fold is needed to choose on"):
        run(METHODS["ridge"], world, folds=())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_method_that_offers_nothing_is_refused(world, protocol):
    def empty(dataset, seed, chosen=None):
        yield from ()

    with pytest.raises(ConfigError, match="must offer at least one candidate, got none"):
        run(empty, world, protocol=protocol)


def test_a_method_whose_setting_depends_on_the_data_set_is_refused(world):
    def by_name(dataset, seed, chosen=None):
        (candidate, *_) = eszsl(dataset, seed)
        yield Candidate((("number of rows", len(dataset.train)),), candidate.judge)

    with pytest.raises(ConfigError, match=r"must offer the setting .* on every data set"):
        run(by_name, world)
