"""The prior of a class's shift against brute force: integration, matrices, refits."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.linear_model import Ridge

from gsmflow_lite.datasets import gaussian_world
from gsmflow_lite.datasets.statistics import class_means
from gsmflow_lite.method.start import GaussianStart, ridge_errors
from gsmflow_lite.scores.class_prior import ClassPrior


@pytest.mark.parametrize("count", [0, 1, 5])
@pytest.mark.parametrize("error", [0.1, 3.0])
def test_the_expected_shift_in_one_dimension_is_the_integral_over_all_shifts(count, error, rng):
    z = rng.normal(1.5, 1, count)

    def weight(shift: float) -> float:
        return float(np.exp(norm.logpdf(z, shift).sum()) * norm.pdf(shift, 0, np.sqrt(error)))

    total = quad(weight, -12, 12, points=[0, 1.5])[0]
    expected = quad(lambda shift: shift * weight(shift), -12, 12, points=[0, 1.5])[0] / total
    prior = ClassPrior(np.eye(1), np.array([error]))
    found = prior.expected(np.array([[z.sum()]]), np.array([float(count)]))
    assert found.item() == pytest.approx(expected, abs=1e-6)


def test_expected_shifts_and_their_cost_are_those_of_the_whole_matrix(rng):
    axes = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    prior = ClassPrior(axes, np.array([0.1, 0.5, 1.0, 4.0]))
    precision = np.linalg.inv(axes @ np.diag(prior.errors) @ axes.T)
    sums = rng.standard_normal((2, 4))
    counts = np.array([1.0, 3.5])
    found = prior.expected(sums, counts)
    for one, total, n in zip(found, sums, counts, strict=True):
        np.testing.assert_allclose(one, np.linalg.solve(precision + n * np.eye(4), total))
    cost = sum(one @ precision @ one for one in found) / 2
    assert prior.cost(found) == pytest.approx(cost)


def test_doubt_multiplies_the_errors():
    d = gaussian_world(1).dataset
    plain, doubting = ClassPrior.fit(d), ClassPrior.fit(d, doubt=0.25)
    np.testing.assert_allclose(doubting.errors, plain.errors / 4)


@pytest.mark.parametrize("attributes", [3, 30])  # fewer and more than seen classes
def test_the_error_of_a_left_out_class_is_that_of_a_fit_without_it(attributes):
    d = gaussian_world(2, seen=9, unseen=3, attributes=attributes).dataset
    strength = 0.3
    found = ridge_errors(d, (strength,))
    described = d.attributes[d.seen_classes].astype(np.float64)
    means = class_means(d, d.seen_classes, d.train).astype(np.float64)
    ridge = strength * described.var(0).sum()
    for k in range(len(means)):
        rest = np.delete(np.arange(len(means)), k)
        fitted = Ridge(alpha=ridge).fit(described[rest], means[rest])
        np.testing.assert_allclose(
            found[k], means[k] - fitted.predict(described[[k]])[0], rtol=1e-6, atol=1e-8
        )


def test_the_variances_of_the_prior_add_up_to_the_squared_errors_in_units_of_a_class():
    d = gaussian_world(5).dataset
    root = GaussianStart.fit(d).root.double().numpy()
    missed = np.linalg.solve(root, ridge_errors(d).T).T
    # Ledoit and Wolf shrink towards the mean variance, which keeps the trace.
    expected = (missed**2).sum(1).mean()
    assert ClassPrior.fit(d).errors.sum() == pytest.approx(expected, rel=1e-4)
