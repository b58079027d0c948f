"""Scores against scikit-learn and by hand; classifiers against what is known to be right."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.metrics import balanced_accuracy_score

from gsmflow_lite import ClassifierConfig, RealSamples, RidgeGaussian
from gsmflow_lite.config import ModelConfig
from gsmflow_lite.datasets import gaussian_world
from gsmflow_lite.method.start import GaussianStart
from gsmflow_lite.method.training import new_model
from gsmflow_lite.scores import evaluation
from gsmflow_lite.scores.classifier import SoftmaxClassifier
from gsmflow_lite.scores.evaluation import (
    GZSLScores,
    TestLogits,
    likelihood_logits,
    per_class_accuracy,
    softmax_logits,
)

TestLogits.__test__ = False  # a class of ours, not a test


def random_logits(dataset, rng) -> TestLogits:
    classes = len(dataset.attributes)
    seen = rng.standard_normal((len(dataset.test_seen), classes))
    unseen = rng.standard_normal((len(dataset.test_unseen), classes))
    return TestLogits(dataset, seen, unseen, unseen[:, dataset.unseen_classes])


# --- Scores ----------------------------------------------------------------------------------


def test_mean_per_class_accuracy_is_scikit_learns_balanced_accuracy(rng):
    truth = rng.integers(0, 5, 200)
    predicted = rng.integers(0, 5, 200)
    expected = balanced_accuracy_score(truth, predicted)
    assert per_class_accuracy(truth, predicted).mean() == pytest.approx(expected)


def test_a_rare_class_weighs_as_much_as_a_frequent_one():
    truth = np.array([0] * 98 + [1] * 2)
    assert per_class_accuracy(truth, np.zeros(100)).tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("seen", "unseen", "harmonic"), [(60, 30, 40), (50, 50, 50), (0, 0, 0), (80, 0, 0)]
)
def test_the_harmonic_mean_is_twice_the_product_over_the_sum(seen, unseen, harmonic):
    assert GZSLScores.of(seen, unseen, 0, 0).harmonic == harmonic


def test_scores_equal_a_loop_over_rows(make_dataset, rng):
    d = make_dataset()
    logits = random_logits(d, rng)
    calibration = 0.3
    hits = {k: [] for k in range(len(d.attributes))}

    for table, rows in ((logits.joint_seen, d.test_seen), (logits.joint_unseen, d.test_unseen)):
        for values, row in zip(table, rows, strict=True):
            corrected = [
                value - calibration if k in d.seen_classes else value
                for k, value in enumerate(values)
            ]
            truth = int(d.labels[row])
            hits[truth].append(np.argmax(corrected) == truth)

    scores = logits.scores(calibration)
    accuracy = [100 * np.mean(hits[k]) for k in range(len(d.attributes))]
    assert scores.seen == pytest.approx(np.mean([accuracy[k] for k in d.seen_classes]))
    assert scores.unseen == pytest.approx(np.mean([accuracy[k] for k in d.unseen_classes]))


def test_t1_lets_only_unseen_classes_compete(make_dataset):
    d = make_dataset(seen=3, unseen=2)
    right = (d.labels[d.test_unseen][:, None] == d.unseen_classes).astype(float)
    always_class_0 = np.eye(len(d.attributes))[np.zeros(len(d.test_unseen), int)]
    logits = TestLogits(d, np.zeros((len(d.test_seen), 5)), always_class_0, right)
    assert (logits.scores().unseen, logits.scores().zsl) == (0, 100)


# --- Calibration -----------------------------------------------------------------------------


def test_the_best_calibration_is_as_good_as_the_best_of_all_thresholds(make_dataset, rng):
    logits = random_logits(make_dataset(rows=20), rng)
    every = [logits.scores(c).harmonic for c in np.linspace(-4, 4, 2001)]
    assert logits.scores(logits.best_calibration()).harmonic == pytest.approx(max(every), abs=1e-9)


@pytest.mark.parametrize("most", [7, 50, None])
def test_the_best_calibration_is_the_middle_of_the_best_quantiles_of_the_leads(
    make_dataset, rng, most
):
    logits = random_logits(make_dataset(rows=20), rng)
    d = logits.dataset
    every = np.concatenate([logits.joint_seen, logits.joint_unseen])
    leads = every[:, d.seen_classes].max(1) - every[:, d.unseen_classes].max(1)
    count = most or 200
    tried = [np.quantile(leads, i / (count - 1)) for i in range(count)]

    harmonic = [logits.scores(c).harmonic for c in tried]
    highest = pytest.approx(max(harmonic), abs=1e-9)
    best = [c for c, h in zip(tried, harmonic, strict=True) if h == highest]
    assert len(best) > 1 or most == 7

    chosen = logits.best_calibration() if most is None else logits.best_calibration(most)
    assert chosen == pytest.approx(best[len(best) // 2], rel=1e-12)


def test_the_scale_of_the_logits_does_not_matter_to_the_calibration(make_dataset, rng):
    logits = random_logits(make_dataset(rows=20), rng)
    scaled = replace(
        logits, joint_seen=1e3 * logits.joint_seen, joint_unseen=1e3 * logits.joint_unseen
    )
    assert scaled.best_calibration() == pytest.approx(1e3 * logits.best_calibration(), rel=1e-6)


# --- The flow as a classifier ----------------------------------------------------------------


@pytest.fixture(scope="module")
def world():
    return gaussian_world(4, seen=6, unseen=3, attributes=5, samples=40)


@pytest.fixture(scope="module")
def true_density(world):
    """A model whose density of every class is the world's own."""
    d = world.dataset
    config = ModelConfig(blocks=1, hidden=4, embedding=4, start="ridge-gaussian")
    model = new_model(d, config)
    with_one = np.hstack([d.attributes, np.ones((len(d.attributes), 1))]).astype(np.float64)
    weights = np.linalg.lstsq(with_one, world.means, rcond=None)[0]
    # The world's means are linear in the attributes.
    np.testing.assert_allclose(with_one @ weights, world.means, atol=1e-6)
    root = np.linalg.cholesky(world.covariances[0])

    model.start = GaussianStart(torch.from_numpy(weights).float(), torch.from_numpy(root).float())
    with torch.no_grad():
        for parameter in model.flow.parameters():
            parameter.zero_()
    return model


def test_with_the_true_density_the_likelihood_classifier_is_the_bayes_classifier(
    world, true_density
):
    d = world.dataset
    found = likelihood_logits(true_density, d)
    every_class = np.arange(len(d.attributes))
    for logits, rows in ((found.joint_seen, d.test_seen), (found.joint_unseen, d.test_unseen)):
        expected = world.bayes(d.features[rows], every_class)
        np.testing.assert_array_equal(logits.argmax(1), expected)
    np.testing.assert_array_equal(found.zsl, found.joint_unseen[:, d.unseen_classes])
    assert found.dataset is d


def test_the_ridge_gaussian_as_a_classifier_is_linear_discriminant_analysis(world):
    generator = RidgeGaussian.fit(world.dataset)
    found = likelihood_logits(generator, world.dataset)
    root = generator.start.root.double().numpy()
    means = generator.start.means(torch.from_numpy(world.dataset.attributes)).double().numpy()
    x = world.dataset.features[world.dataset.test_seen]
    for k in (0, len(means) - 1):
        expected = multivariate_normal(means[k], root @ root.T).logpdf(x)
        np.testing.assert_allclose(found.joint_seen[:, k], expected, rtol=1e-4, atol=1e-3)


def test_the_size_of_a_block_changes_no_likelihood(world, true_density, monkeypatch):
    whole = likelihood_logits(true_density, world.dataset)
    monkeypatch.setattr(evaluation, "JUDGED_AT_ONCE", 7)
    events = []
    parts = likelihood_logits(true_density, world.dataset, watch=events.append)
    np.testing.assert_allclose(parts.joint_seen, whole.joint_seen, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(parts.joint_unseen, whole.joint_unseen, rtol=1e-5, atol=1e-4)
    rows = len(world.dataset.test_seen) + len(world.dataset.test_unseen)
    assert [event.done for event in events[1:]] == [*range(7, rows, 7), rows]


# --- The softmax on synthesized features -----------------------------------------------------


class Counting:
    """Synthesizes the same 12 rows of each class over and over, and notes what it was asked."""

    def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
        self.n = n
        self.temperature = temperature
        self.seed = seed
        rows = torch.randn(len(attributes), 12, 3, generator=torch.Generator().manual_seed(0))
        return rows.repeat(1, n // 12 + 1, 1)[:, :n]


def test_no_unseen_row_reaches_the_softmax_classifier(make_dataset):
    d = make_dataset(rows=10)
    moved = d.features.copy()
    moved[d.test_unseen] += 100.0
    generator = RidgeGaussian.fit(d)
    config = ClassifierConfig(samples=20)
    before = softmax_logits(generator, d, config)
    after = softmax_logits(generator, make_dataset(rows=10, features=moved), config)
    np.testing.assert_array_equal(before.joint_seen, after.joint_seen)


@pytest.mark.parametrize("solver", ["lbfgs", "lda"])
def test_few_rows_that_count_often_are_as_many_samples(make_dataset, solver):
    d = make_dataset()
    generator = Counting()
    config = ClassifierConfig(samples=30, solver=solver, balanced=False, penalties=(0.1,))
    every = softmax_logits(generator, d, config)
    assert generator.n == 30

    few = softmax_logits(generator, d, replace(config, rows=12))  # these count 2 or 3 times
    assert generator.n == 12
    for name in ("joint_seen", "joint_unseen", "zsl"):
        np.testing.assert_allclose(getattr(few, name), getattr(every, name), atol=2e-3)


ADAM = ClassifierConfig(samples=12, solver="adam", epochs=2, batch=10)


@pytest.mark.parametrize("seed", [None, 3])
def test_seed_and_temperature_reach_the_generator(make_dataset, seed):
    generator = Counting()
    options = {} if seed is None else {"seed": seed}
    softmax_logits(generator, make_dataset(), ADAM, temperature=0.7, **options)
    assert (generator.temperature, generator.seed) == (0.7, seed or 0)


@pytest.mark.parametrize("seed", [None, 3])
def test_the_seed_reaches_both_classifiers(make_dataset, seed):
    d = make_dataset()
    options = {} if seed is None else {"seed": seed}
    logits = softmax_logits(Counting(), d, ADAM, **options)
    synthesized = Counting().synthesize(d.attributes[d.unseen_classes], 12).flatten(0, 1)
    labels = torch.from_numpy(d.unseen_classes).repeat_interleave(12)
    tested = torch.from_numpy(d.features[d.test_unseen])

    alone = SoftmaxClassifier.fit(synthesized, labels, ADAM, seed=seed or 0)
    np.testing.assert_allclose(logits.zsl, alone.logits(tested), atol=1e-5)

    x = torch.cat([torch.from_numpy(d.features[d.train]), synthesized])
    y = torch.cat([torch.from_numpy(d.labels[d.train]), labels])
    joint = SoftmaxClassifier.fit(x, y, ADAM, seed=seed or 0)
    np.testing.assert_allclose(logits.joint_unseen, joint.logits(tested), atol=1e-5)


def test_the_seed_also_decides_which_real_rows_stand_for_the_others(make_dataset):
    d = make_dataset(rows=50)
    config = ClassifierConfig(samples=12, rows=12, solver="lda", penalties=(0.1,))
    first, again, other = (
        softmax_logits(Counting(), d, config, seed=seed).joint_seen for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


class Blind:
    """A generator that does not read the attributes."""

    def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
        return torch.randn(len(attributes), n, 8, generator=torch.Generator().manual_seed(seed))


def test_the_oracle_beats_a_generator_that_knows_nothing():
    d = gaussian_world(8, seen=8, unseen=4, samples=60).dataset
    rows, rest = d.split_unseen()
    config = ClassifierConfig(samples=100)
    oracle = softmax_logits(RealSamples(d, rows), rest, config).scores()
    assert oracle.zsl > softmax_logits(Blind(), rest, config).scores().zsl + 15
