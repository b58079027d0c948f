"""Classifiers against scikit-learn, autograd and loops over copies of rows."""

import numpy as np
import pytest
import torch
from sklearn.covariance import ShrunkCovariance
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

from gsmflow_lite import ClassifierConfig
from gsmflow_lite.scores.classifier import SoftmaxClassifier, _covariance, _weighted_loss

SIZES = (60, 30, 10)  # rows of the three classes


@pytest.fixture
def rows(rng) -> tuple[np.ndarray, np.ndarray]:
    y = np.repeat([0, 1, 2], SIZES)
    mixed = rng.standard_normal((100, 4)) @ rng.standard_normal((4, 4))
    return mixed + y[:, None] * [1, -1, 0.5, 0] + 10, y  # far from the origin: the bias must follow


def fitted(x, y, times=None, **settings) -> SoftmaxClassifier:
    times = None if times is None else torch.as_tensor(times)
    return SoftmaxClassifier.fit(
        torch.as_tensor(x), torch.as_tensor(y), ClassifierConfig(**settings), times=times
    )


def probabilities(classifier: SoftmaxClassifier, x: np.ndarray) -> np.ndarray:
    return classifier.logits(torch.as_tensor(x)).softmax(1).numpy()


@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize("penalty", [1.0, 0.01, 1e-4])
def test_the_lbfgs_classifier_is_scikit_learns_logistic_regression(rows, balanced, penalty):
    x, y = rows
    weights = 1 / (3 * np.bincount(y)[y]) if balanced else np.full(100, 0.01)
    peer = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=10_000).fit(
        x - x.mean(0), y, sample_weight=weights
    )
    ours = fitted(x, y, penalties=(penalty,), balanced=balanced)
    np.testing.assert_allclose(probabilities(ours, x), peer.predict_proba(x - x.mean(0)), atol=1e-3)


@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize("shrinkage", [0.0001, 0.5, 0.9])
def test_the_lda_classifier_is_scikit_learns_discriminant_analysis(rows, balanced, shrinkage):
    x, y = rows
    priors = np.full(3, 1 / 3) if balanced else None
    peer = LinearDiscriminantAnalysis(
        solver="lsqr", covariance_estimator=ShrunkCovariance(shrinkage=shrinkage), priors=priors
    ).fit(x, y)
    ours = fitted(x, y, solver="lda", penalties=(shrinkage,), balanced=balanced)
    expected = peer.decision_function(x)
    found = ours.logits(torch.as_tensor(x)).numpy()
    np.testing.assert_allclose(
        found - found.mean(1, keepdims=True), expected - expected.mean(1, keepdims=True), atol=1e-6
    )


def test_a_covariance_from_some_rows_is_that_of_all_however_they_are_sorted(rng):
    y = np.arange(70_000) % 8  # class by class in turn; one varies ten times as much
    x = (rng.standard_normal((len(y), 3)) * np.where(y == 0, 10, 1)[:, None]).astype(np.float32)
    found = _covariance(
        torch.as_tensor(x), torch.ones(len(y)), torch.zeros(8, 3), torch.as_tensor(y)
    )
    np.testing.assert_allclose(found, np.cov(x.T), rtol=0.1, atol=1.2)


@pytest.mark.parametrize("solver", ["lbfgs", "lda"])
@pytest.mark.parametrize("balanced", [True, False])
def test_a_row_that_counts_twice_is_two_equal_rows(rows, solver, balanced):
    x, y = rows
    times = 1 + np.arange(len(y)) % 3
    settings = {"solver": solver, "balanced": balanced, "penalties": (0.1,)}
    once = fitted(x, y, times, **settings)
    laid_out = fitted(np.repeat(x, times, axis=0), np.repeat(y, times), **settings)
    np.testing.assert_allclose(probabilities(once, x), probabilities(laid_out, x), atol=1e-3)


def test_an_epoch_of_adam_goes_through_every_copy(rows):
    """With batches as large as all copies, the order within one does not matter."""
    x, y = rows
    times = 1 + np.arange(len(y)) % 3
    settings = {"solver": "adam", "batch": 1000, "epochs": 5, "lr": 0.1, "balanced": False}
    once, plain = fitted(x, y, times, **settings), fitted(x, y, **settings)
    laid_out = fitted(np.repeat(x, times, axis=0), np.repeat(y, times), **settings)
    np.testing.assert_allclose(once.weight.numpy(), laid_out.weight.numpy(), atol=1e-6)
    assert (once.weight - plain.weight).abs().max() > 1e-3


@pytest.mark.parametrize("at_once", [10**6, 17])  # 17: some rows at a time, the last part shorter
def test_loss_and_gradients_are_those_of_autograd(rows, at_once, monkeypatch):
    monkeypatch.setattr("gsmflow_lite.scores.classifier.LOGITS_AT_ONCE", at_once)
    x, y = map(torch.as_tensor, rows)
    generator = torch.Generator().manual_seed(0)
    importance = torch.rand(len(x), generator=generator, dtype=x.dtype)
    weight, bias = (
        torch.randn(shape, generator=generator, dtype=x.dtype, requires_grad=True)
        for shape in ((3, 4), (3,))
    )
    expected = (
        torch.nn.functional.cross_entropy(x @ weight.T + bias, y, reduction="none") @ importance
    )
    gradients = torch.autograd.grad(expected, (weight, bias))
    found = _weighted_loss(x, y, importance, weight.detach(), bias.detach())
    for mine, theirs in zip(found, (expected.detach(), *gradients), strict=True):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("solver", ["lbfgs", "lda", "adam"])
def test_one_class_alone_is_always_right(rng, solver):
    ours = fitted(rng.standard_normal((5, 3)), np.full(5, 7), solver=solver, penalties=(0.1,))
    assert ours.classes.tolist() == [7]
    assert np.isfinite(ours.weight.numpy()).all()
    assert np.isfinite(ours.bias.numpy()).all()


@pytest.mark.parametrize("solver", ["lbfgs", "lda"])
def test_a_column_that_never_changes_does_no_harm(rows, solver):
    x, y = rows
    constant = np.hstack([x, np.full((len(x), 1), 3.0)])
    without, with_it = (fitted(one, y, solver=solver, penalties=(1e-3,)) for one in (x, constant))
    np.testing.assert_allclose(
        probabilities(with_it, constant), probabilities(without, x), atol=0.01
    )


def test_the_adam_classifier_separates_what_can_be_separated(rng):
    y = torch.arange(3).repeat_interleave(50)
    x = (
        torch.eye(3, dtype=torch.float64)[y] * 5
        + torch.from_numpy(rng.standard_normal((150, 3))).float()
    )
    config = ClassifierConfig(solver="adam", epochs=40, batch=32, lr=0.05)
    ours = SoftmaxClassifier.fit(x, y, config)
    assert (ours.logits(x).argmax(1) == y).float().mean() > 0.97


def test_the_adam_classifier_is_the_same_for_the_same_seed():
    y, x = (
        torch.arange(2).repeat(20),
        torch.randn(40, 3, generator=torch.Generator().manual_seed(0)),
    )
    config = ClassifierConfig(solver="adam", epochs=3, batch=7)
    first, again, other = (SoftmaxClassifier.fit(x, y, config, seed=s).weight for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
