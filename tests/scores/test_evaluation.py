"""Scores against scikit-learn and by hand; classifiers against their optimality conditions."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score

from gsmflow_lite import ClassifierConfig, RealSamples, RidgeGaussian
from gsmflow_lite.config import ModelConfig
from gsmflow_lite.datasets import gaussian_world
from gsmflow_lite.datasets import on_disk as mapped
from gsmflow_lite.method.start import GaussianStart
from gsmflow_lite.method.training import new_model
from gsmflow_lite.scores.classifier import SoftmaxClassifier
from gsmflow_lite.scores.evaluation import (
    GZSLScores,
    TestLogits,
    _few_of_each,
    eszsl_logits,
    likelihood_logits,
    per_class_accuracy,
    softmax_logits,
)

TestLogits.__test__ = False  # a class of ours, not a test


def random_logits(dataset, rng) -> TestLogits:
    seen, unseen = (
        rng.standard_normal((len(rows), len(dataset.attributes)))
        for rows in (dataset.test_seen, dataset.test_unseen)
    )
    return TestLogits(dataset, seen, unseen, unseen[:, dataset.unseen_classes])


def test_mean_per_class_accuracy_is_scikit_learns_balanced_accuracy(rng):
    truth, predicted = rng.integers(0, 5, 200), rng.integers(0, 5, 200)
    assert per_class_accuracy(truth, predicted).mean() == pytest.approx(
        balanced_accuracy_score(truth, predicted)
    )


def test_a_rare_class_weighs_as_much_as_a_frequent_one():
    truth = np.array([0] * 98 + [1] * 2)
    assert per_class_accuracy(truth, np.zeros(100)).tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("seen", "unseen", "harmonic"), [(60, 30, 40), (50, 50, 50), (0, 0, 0), (80, 0, 0)]
)
def test_the_harmonic_mean_is_twice_the_product_over_the_sum(seen, unseen, harmonic):
    assert GZSLScores.of(seen, unseen, 0).harmonic == harmonic


def test_scores_equal_a_loop_over_rows(make_dataset, rng):
    d = make_dataset()
    logits, calibration = random_logits(d, rng), 0.3
    hits = {int(k): [] for k in range(len(d.attributes))}
    for table, rows in ((logits.joint_seen, d.test_seen), (logits.joint_unseen, d.test_unseen)):
        for values, row in zip(table, rows, strict=True):
            corrected = [
                v - calibration if k in d.seen_classes else v for k, v in enumerate(values)
            ]
            hits[int(d.labels[row])].append(int(np.argmax(corrected)) == d.labels[row])
    scores = logits.scores(calibration)
    assert scores.seen == pytest.approx(100 * np.mean([np.mean(hits[k]) for k in d.seen_classes]))
    assert scores.unseen == pytest.approx(
        100 * np.mean([np.mean(hits[k]) for k in d.unseen_classes])
    )


def test_t1_lets_only_unseen_classes_compete(make_dataset):
    d = make_dataset(seen=3, unseen=2)
    own = (d.labels[d.test_unseen][:, None] == d.unseen_classes).astype(float)
    seen_everywhere = np.eye(len(d.attributes))[np.zeros(len(d.test_unseen), int)]
    logits = TestLogits(d, np.zeros((len(d.test_seen), 5)), seen_everywhere, own)
    assert (logits.scores().unseen, logits.scores().zsl) == (0, 100)


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
    tried = [np.quantile(leads, i / ((most or 200) - 1)) for i in range(most or 200)]
    found = [logits.scores(c).harmonic for c in tried]
    best = [
        c for c, h in zip(tried, found, strict=True) if h == pytest.approx(max(found), abs=1e-9)
    ]
    assert len(best) > 1 or most == 7
    assert logits.best_calibration(*(() if most is None else (most,))) == pytest.approx(
        best[len(best) // 2], rel=1e-12
    )


def test_the_scale_of_the_logits_does_not_matter_to_the_calibration(make_dataset, rng):
    logits = random_logits(make_dataset(rows=20), rng)
    scaled = TestLogits(
        logits.dataset, 1e3 * logits.joint_seen, 1e3 * logits.joint_unseen, logits.zsl
    )
    assert scaled.best_calibration() == pytest.approx(1e3 * logits.best_calibration(), rel=1e-6)


@pytest.mark.parametrize("seen", [4, 8])  # fewer and more than attributes
def test_eszsl_is_where_the_gradient_of_its_objective_vanishes(seen, make_dataset):
    d = make_dataset(width=3, seen=seen)
    x = torch.from_numpy(d.features[d.train]).double()
    s = torch.from_numpy(d.attributes[d.seen_classes]).double()
    y = (
        2
        * (
            torch.from_numpy(d.labels[d.train])[:, None] == torch.from_numpy(d.seen_classes)
        ).double()
        - 1
    )
    gamma, lam = 0.1 * (x.T @ x).trace() / 3, 0.2 * (s.T @ s).trace() / 5
    v = torch.linalg.solve(
        x.T @ x + gamma * torch.eye(3, dtype=torch.float64), x.T @ y @ s
    ) @ torch.linalg.inv(s.T @ s + lam * torch.eye(5, dtype=torch.float64))
    v.requires_grad_(True)
    objective = (x @ v @ s.T - y).square().sum() + gamma * (v @ s.T).square().sum()
    objective = objective + lam * (x @ v).square().sum() + gamma * lam * v.square().sum()
    (gradient,) = torch.autograd.grad(objective, v)
    assert (
        gradient.abs().max() < 1e-9 * (x.T @ y @ s).abs().max()
    )  # rounding; so v is the optimum; and ours is v:
    expected = (
        d.features[d.test_seen] @ (v.detach() @ torch.from_numpy(d.attributes).double().T).numpy()
    )
    found = eszsl_logits(d, 0.1, 0.2)
    np.testing.assert_allclose(found.joint_seen, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(found.zsl, found.joint_unseen[:, d.unseen_classes])
    assert found.joint_seen.dtype == np.float32


def test_eszsl_is_the_same_from_one_block_of_rows_or_from_many(make_dataset, monkeypatch):
    d = make_dataset()
    whole = eszsl_logits(d, 0.1, 0.2).joint_unseen
    monkeypatch.setattr(mapped, "BLOCK", 5 * 4 * 3)  # five rows of three features
    np.testing.assert_allclose(eszsl_logits(d, 0.1, 0.2).joint_unseen, whole, rtol=1e-5, atol=1e-6)


def test_with_the_true_density_the_likelihood_classifier_is_the_bayes_classifier():
    world = gaussian_world(4, seen=6, unseen=3, attributes=5, samples=40)
    d = world.dataset
    model = new_model(d, ModelConfig(blocks=1, hidden=4, embedding=4, start="ridge-gaussian"))
    a = np.hstack([d.attributes, np.ones((len(d.attributes), 1))]).astype(np.float64)
    weights = np.linalg.lstsq(a, world.means, rcond=None)[0]
    np.testing.assert_allclose(
        a @ weights, world.means, atol=1e-6
    )  # the world's means are linear in the attributes
    root = np.linalg.cholesky(world.covariances[0])
    model.start = GaussianStart(torch.from_numpy(weights).float(), torch.from_numpy(root).float())
    with torch.no_grad():
        for parameter in model.flow.parameters():
            parameter.zero_()
    found = likelihood_logits(model, d)
    for logits, rows in ((found.joint_seen, d.test_seen), (found.joint_unseen, d.test_unseen)):
        np.testing.assert_array_equal(
            logits.argmax(1), world.bayes(d.features[rows], np.arange(len(d.attributes)))
        )
    np.testing.assert_array_equal(found.zsl, found.joint_unseen[:, d.unseen_classes])
    assert found.dataset is d


def test_no_unseen_row_reaches_the_softmax_classifier(make_dataset):
    d = make_dataset(rows=10)
    moved = d.features.copy()
    moved[d.test_unseen] += 100.0
    generator, config = RidgeGaussian.fit(d), ClassifierConfig(samples=20)
    one = softmax_logits(generator, d, config)
    other = softmax_logits(generator, make_dataset(rows=10, features=moved), config)
    np.testing.assert_array_equal(one.joint_seen, other.joint_seen)


class Counting:
    """Synthesizes the same 12 rows of each class over and over, and notes how many were asked for."""

    def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
        self.asked, self.temperature, self.seed = n, temperature, seed
        rows = torch.randn(len(attributes), 12, 3, generator=torch.Generator().manual_seed(0))
        return rows.repeat(1, n // 12 + 1, 1)[:, :n]


@pytest.mark.parametrize("solver", ["lbfgs", "lda"])
def test_few_rows_that_count_often_are_as_many_samples(make_dataset, solver):
    d, generator = make_dataset(), Counting()
    config = ClassifierConfig(samples=30, solver=solver, balanced=False, penalties=(0.1,))
    every = softmax_logits(generator, d, config)
    assert generator.asked == 30
    few = softmax_logits(
        generator, d, replace(config, rows=12)
    )  # six of them count three times, six twice
    assert generator.asked == 12
    for name in ("joint_seen", "joint_unseen", "zsl"):
        np.testing.assert_allclose(getattr(few, name), getattr(every, name), atol=2e-3)


@pytest.mark.parametrize("seed", [None, 3])
def test_seed_and_temperature_reach_the_generator_and_both_classifiers(make_dataset, seed):
    d, generator, config = (
        make_dataset(),
        Counting(),
        ClassifierConfig(samples=12, solver="adam", epochs=2, batch=10),
    )
    found = softmax_logits(
        generator, d, config, temperature=0.7, **({} if seed is None else {"seed": seed})
    )
    assert (generator.temperature, generator.seed) == (0.7, seed or 0)
    fake = generator.synthesize(d.attributes[d.unseen_classes], 12).flatten(0, 1)
    labels, tested = (
        torch.from_numpy(d.unseen_classes).repeat_interleave(12),
        torch.from_numpy(d.features[d.test_unseen]),
    )
    alone = SoftmaxClassifier.fit(fake, labels, config, seed=seed or 0)
    np.testing.assert_allclose(found.zsl, alone.logits(tested), atol=1e-5)
    joint = SoftmaxClassifier.fit(
        torch.cat([torch.from_numpy(d.features[d.train]), fake]),
        torch.cat([torch.from_numpy(d.labels[d.train]), labels]),
        config,
        seed=seed or 0,
    )
    np.testing.assert_allclose(found.joint_unseen, joint.logits(tested), atol=1e-5)


def test_the_seed_also_decides_which_real_rows_stand_for_the_others(make_dataset):
    d, config = (
        make_dataset(rows=50),
        ClassifierConfig(samples=12, rows=12, solver="lda", penalties=(0.1,)),
    )
    one, again, other = (
        softmax_logits(Counting(), d, config, seed=seed).joint_seen for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("most", [1, 3, 4, 50])
def test_a_class_with_many_rows_is_stood_for_by_some_that_count_as_often(rng, most):
    labels = rng.permutation(np.repeat([2, 5, 9], [1, 10, 4]))
    places, times = _few_of_each(labels, most, seed=0)
    for k, count in ((2, 1), (5, 10), (9, 4)):
        own = times[labels[places] == k]
        assert (len(own), own.sum()) == (min(count, most), count)
        assert own.max() - own.min() <= 1
    assert (np.diff(places) > 0).all()


def test_another_seed_keeps_other_rows_of_a_large_class():
    labels = np.zeros(100, int)
    first, again, other = (_few_of_each(labels, 10, seed=seed)[0].tolist() for seed in (0, 0, 1))
    assert first == again != other


def test_the_oracle_beats_a_generator_that_knows_nothing(rng):
    d = gaussian_world(8, seen=8, unseen=4, samples=60).dataset
    rows, rest = d.split_unseen()

    class Blind:
        def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
            return torch.randn(len(attributes), n, 8, generator=torch.Generator().manual_seed(seed))

    config = ClassifierConfig(samples=100)
    known = softmax_logits(RealSamples(d, rows), rest, config).scores()
    assert known.zsl > softmax_logits(Blind(), rest, config).scores().zsl + 15
