"""The classifiers of the two-sample tests are scikit-learn's, and judge only rows new to them."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from gsmflow_lite.errors import DataError
from gsmflow_lite.shifts.metrics import NEIGHBOURS
from gsmflow_lite.shifts.two_sample import PENALTY, TWO_SAMPLE_TESTS, auc, two_sample_scores


@pytest.fixture(params=TWO_SAMPLE_TESTS)
def classifier(request):
    return request.param


def test_a_classifier_is_not_asked_about_rows_that_it_was_trained_on(classifier, rng):
    # They are wide: a linear classifier names all rows that it was trained on.
    a, b = rng.standard_normal((2, 100, 60))
    assert auc(*two_sample_scores(a, b, classifier)) == pytest.approx(0.5, abs=0.12)


def test_a_classifier_tells_distant_sets_apart_always(classifier, rng):
    a = rng.standard_normal((40, 3))
    b = 20 + rng.standard_normal((30, 3))
    scores = two_sample_scores(a, b, classifier)
    assert [len(x) for x in scores] == [40, 30]
    assert auc(*scores) == 1


def test_leading_axes_are_worked_through_as_in_a_loop(classifier, rng):
    a = rng.standard_normal((2, 3, 20, 4))
    b = rng.standard_normal((2, 3, 31, 4))
    scores_a, scores_b = two_sample_scores(a, b, classifier, seed=3)
    for i, j in np.ndindex(2, 3):
        alone_a, alone_b = two_sample_scores(a[i, j], b[i, j], classifier, seed=3)
        np.testing.assert_allclose(scores_a[i, j], alone_a, atol=1e-12)
        np.testing.assert_allclose(scores_b[i, j], alone_b, atol=1e-12)


def test_only_the_quadratic_classifier_sees_a_difference_of_spread(rng):
    a = rng.standard_normal((300, 4))
    b = 0.4 * rng.standard_normal((300, 4))
    assert auc(*two_sample_scores(a, b, "quadratic")) > 0.9
    assert auc(*two_sample_scores(a, b, "linear")) == pytest.approx(0.5, abs=0.1)


def test_an_unknown_classifier_is_refused(rng):
    message = "classifier must be one of linear, quadratic, neighbours, got 'forest'"
    with pytest.raises(DataError, match=message):
        two_sample_scores(*rng.standard_normal((2, 9, 2)), "forest")


def with_squares(x: np.ndarray) -> np.ndarray:
    return np.hstack([x, x**2])


@pytest.mark.parametrize(
    ("name", "steps"),
    [("linear", []), ("quadratic", [FunctionTransformer(with_squares)])],
)
def test_linear_and_quadratic_classifiers_are_scikit_learns_ridge_regression(name, steps, rng):
    rows = rng.standard_normal((30, 4))
    rows[:, 2] = 1  # a column that says nothing
    is_b = np.repeat([0.0, 1.0], [12, 18])
    queries = rng.standard_normal((20, 4))

    peer = make_pipeline(StandardScaler(), *steps, Ridge(alpha=PENALTY)).fit(rows, is_b)
    scores = TWO_SAMPLE_TESTS[name](rows, is_b, queries) + is_b.mean()
    np.testing.assert_allclose(scores, peer.predict(queries), atol=1e-10)


@pytest.mark.parametrize("count", [3, 40])
def test_the_neighbour_classifier_is_scikit_learns(count, rng):
    rows = rng.standard_normal((count, 4))
    is_b = rng.integers(0, 2, count).astype(float)
    queries = rng.standard_normal((20, 4))
    peer = KNeighborsRegressor(min(NEIGHBOURS, count)).fit(rows, is_b)
    scores = TWO_SAMPLE_TESTS["neighbours"](rows, is_b, queries)
    np.testing.assert_allclose(scores, peer.predict(queries))


@pytest.mark.parametrize("levels", [6, 10**6], ids=["ties", "no ties"])
def test_the_area_under_the_curve_is_that_of_scikit_learn(levels, rng):
    a = rng.integers(0, levels, 20)
    b = rng.integers(levels // 2, levels, 30)
    is_b = np.repeat([0, 1], [20, 30])
    expected = roc_auc_score(is_b, np.concatenate([a, b]))
    assert 0.5 < expected < 1
    assert auc(a, b) == pytest.approx(expected)


def test_the_area_under_the_curve_handles_leading_axes_as_in_a_loop(rng):
    a = rng.standard_normal((2, 3, 9))
    b = rng.standard_normal((2, 3, 7))
    expected = [[auc(a[i, j], b[i, j]) for j in range(3)] for i in range(2)]
    np.testing.assert_allclose(auc(a, b), expected)
