"""Classifiers against scikit-learn, autograd and loops over copies of rows."""

import numpy as np
import pytest
import torch
from sklearn.covariance import ShrunkCovariance
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

from gsmflow_lite import ClassifierConfig
from gsmflow_lite.scores import solvers
from gsmflow_lite.scores.classifier import SoftmaxClassifier
from gsmflow_lite.scores.solvers import WeightedRows

SIZES = (60, 30, 10)  # rows of the three classes


@pytest.fixture
def rows(rng) -> tuple[np.ndarray, np.ndarray]:
    """100 rows of three classes, far from the origin, so that the bias must follow."""
    y = np.repeat([0, 1, 2], SIZES)
    mixed = rng.standard_normal((100, 4)) @ rng.standard_normal((4, 4))
    return mixed + y[:, None] * [1, -1, 0.5, 0] + 10, y


def fitted(x, y, times=None, **settings) -> SoftmaxClassifier:
    times = None if times is None else torch.as_tensor(times)
    config = ClassifierConfig(**settings)
    return SoftmaxClassifier.fit(torch.as_tensor(x), torch.as_tensor(y), config, times=times)


def probabilities(classifier: SoftmaxClassifier, x: np.ndarray) -> np.ndarray:
    return classifier.logits(torch.as_tensor(x)).softmax(1).numpy()


def centred(logits: np.ndarray) -> np.ndarray:
    """Logits without what they have in common, which changes no probability."""
    return logits - logits.mean(1, keepdims=True)


# --- Peers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize("penalty", [1.0, 0.01, 1e-4])
def test_the_lbfgs_classifier_is_scikit_learns_logistic_regression(rows, balanced, penalty):
    x, y = rows
    weights = 1 / (3 * np.bincount(y)[y]) if balanced else np.full(100, 0.01)
    around_zero = x - x.mean(0)
    peer = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=10_000)
    peer.fit(around_zero, y, sample_weight=weights)

    ours = fitted(x, y, penalties=(penalty,), balanced=balanced)
    expected = peer.predict_proba(around_zero)
    np.testing.assert_allclose(probabilities(ours, x), expected, atol=1e-3)


@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize("shrinkage", [0.0001, 0.5, 0.9])
def test_the_lda_classifier_is_scikit_learns_discriminant_analysis(rows, balanced, shrinkage):
    x, y = rows
    peer = LinearDiscriminantAnalysis(
        solver="lsqr",
        covariance_estimator=ShrunkCovariance(shrinkage=shrinkage),
        priors=np.full(3, 1 / 3) if balanced else None,
    )
    expected = peer.fit(x, y).decision_function(x)

    ours = fitted(x, y, solver="lda", penalties=(shrinkage,), balanced=balanced)
    logits = ours.logits(torch.as_tensor(x)).numpy()
    np.testing.assert_allclose(centred(logits), centred(expected), atol=1e-6)


def test_a_covariance_from_some_rows_is_that_of_all_however_they_are_sorted(rng):
    y = np.arange(70_000) % 8  # class by class in turn; one varies ten times as much
    spread = np.where(y == 0, 10, 1)[:, None]
    x = (rng.standard_normal((len(y), 3)) * spread).astype(np.float32)
    covariance = solvers.sampled_covariance(
        torch.as_tensor(x), torch.ones(len(y)), torch.zeros(8, 3), torch.as_tensor(y)
    )
    np.testing.assert_allclose(covariance, np.cov(x.T), rtol=0.1, atol=1.2)


@pytest.mark.parametrize("at_once", [10**6, 17])  # 17: some rows at a time, the last part shorter
def test_loss_and_gradients_are_those_of_autograd(rows, at_once, monkeypatch):
    monkeypatch.setattr(solvers, "LOGITS_AT_ONCE", at_once)
    x, y = map(torch.as_tensor, rows)
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator, dtype=x.dtype)

    importance = random(len(x)).abs()
    weight = random(3, 4).requires_grad_()
    bias = random(3).requires_grad_()
    losses = torch.nn.functional.cross_entropy(x @ weight.T + bias, y, reduction="none")
    expected = losses @ importance
    gradients = torch.autograd.grad(expected, (weight, bias))

    weighted = WeightedRows(x, y, torch.ones_like(y), importance, 3)
    ours = solvers.weighted_loss(weighted, weight.detach(), bias.detach())
    for mine, theirs in zip(ours, (expected.detach(), *gradients), strict=True):
        torch.testing.assert_close(mine, theirs)


# --- Rows that count several times -----------------------------------------------------------


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
    once = fitted(x, y, times, **settings)
    plain = fitted(x, y, **settings)
    laid_out = fitted(np.repeat(x, times, axis=0), np.repeat(y, times), **settings)
    np.testing.assert_allclose(once.weight.numpy(), laid_out.weight.numpy(), atol=1e-6)
    assert (once.weight - plain.weight).abs().max() > 1e-3


# --- Corner cases ----------------------------------------------------------------------------


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
    without = fitted(x, y, solver=solver, penalties=(1e-3,))
    with_it = fitted(constant, y, solver=solver, penalties=(1e-3,))
    expected = probabilities(without, x)
    np.testing.assert_allclose(probabilities(with_it, constant), expected, atol=0.01)


# --- The papers' training --------------------------------------------------------------------


def test_the_adam_classifier_separates_what_can_be_separated(rng):
    y = torch.arange(3).repeat_interleave(50)
    noise = torch.from_numpy(rng.standard_normal((150, 3))).float()
    x = torch.eye(3, dtype=torch.float64)[y] * 5 + noise
    config = ClassifierConfig(solver="adam", epochs=40, batch=32, lr=0.05)
    ours = SoftmaxClassifier.fit(x, y, config)
    assert (ours.logits(x).argmax(1) == y).float().mean() > 0.97


def test_the_adam_classifier_is_the_same_for_the_same_seed():
    y = torch.arange(2).repeat(20)
    x = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    config = ClassifierConfig(solver="adam", epochs=3, batch=7)
    first, again, other = (SoftmaxClassifier.fit(x, y, config, seed=s).weight for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
