"""The Gaussian world's truth is the truth: moments, densities and the best classifier."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from scipy.spatial.distance import pdist

from gsmflow_lite.datasets import gaussian_world
from gsmflow_lite.errors import ConfigError, DataError


@pytest.fixture(params=[2, 5], ids=["2-d", "5-d"])
def world(request):
    return gaussian_world(
        request.param,
        seen=6,
        unseen=2,
        attributes=3,
        shared_covariance=False,
        curvature=0.3,
        noise=0.7,
    )


def assert_moments(rows, world, number):
    """Mean and covariance are those of the class, within five standard errors."""
    n = len(rows)
    deviations = np.sqrt(np.diag(world.covariances[number]))
    mean_error = (rows.mean(0) - world.means[number]) / deviations
    assert np.abs(mean_error).max() < 5 / np.sqrt(n)

    covariance_error = np.cov(rows.T) - world.covariances[number]
    relative = covariance_error / np.outer(deviations, deviations)
    assert np.abs(relative).max() < 5 * np.sqrt(2 / n)


def test_samples_have_the_known_mean_and_covariance(world):
    n = 200_000
    assert_moments(world.sample([3], n, seed=1)[0], world, 3)


def test_rows_of_the_data_set_have_the_known_mean_and_covariance_of_their_class():
    world = gaussian_world(2, samples=20_000, shared_covariance=False)
    for k in (0, 5):
        rows = world.dataset.features[world.dataset.of_class(k)]
        assert_moments(rows.astype(np.float64), world, k)


def test_log_prob_agrees_with_scipy(world):
    x = world.sample([1, 4], 20).reshape(40, -1)
    expected = stats.multivariate_normal(world.means[4], world.covariances[4]).logpdf(x)
    assert_allclose(world.log_prob(x, 4), expected, rtol=1e-10)


def test_bayes_picks_the_class_of_highest_density(world):
    x = world.sample([0, 2, 7], 50).reshape(150, -1)
    densities = [
        stats.multivariate_normal(m, c).logpdf(x)
        for m, c in zip(world.means, world.covariances, strict=True)
    ]
    assert_array_equal(world.bayes(x), np.argmax(densities, 0))


def test_bayes_among_some_classes_names_only_those(world):
    assert set(world.bayes(world.sample(0, 100), [5, 2])) <= {2, 5}


def test_bayes_accuracy_on_two_classes_of_one_covariance_is_the_closed_form():
    world = gaussian_world(3, seen=2, unseen=1, noise=1.0)
    apart = world.means[1] - world.means[0]
    distance = np.sqrt(apart @ np.linalg.solve(world.covariances[0], apart))
    n = 50_000
    right = (world.bayes(world.sample(0, n), [0, 1]) == 0).mean()
    assert abs(right - stats.norm.cdf(distance / 2)) < 5 * np.sqrt(0.25 / n)


def linear_guess(world):
    """Means of the unseen classes, as the seen ones predict them linearly from attributes."""
    d = world.dataset
    table = np.column_stack([d.attributes, np.ones(len(world.means))])
    seen = d.seen_classes
    fitted = np.linalg.lstsq(table[seen], world.means[seen], rcond=None)[0]
    return table[d.unseen_classes] @ fitted


def test_without_curvature_attributes_predict_the_means_exactly():
    world = gaussian_world(8, curvature=0.0)
    truth = world.means[world.dataset.unseen_classes]
    assert_allclose(linear_guess(world), truth, atol=1e-4)


def test_more_curvature_takes_unseen_means_further_from_a_linear_guess():
    def error(curvature):
        world = gaussian_world(8, curvature=curvature)
        truth = world.means[world.dataset.unseen_classes]
        return np.linalg.norm(linear_guess(world) - truth)

    assert error(0.1) < error(0.5) < error(1.0)


def test_covariances_are_full_and_shared_or_not():
    shared = gaussian_world(4)
    own = gaussian_world(4, shared_covariance=False)
    assert np.ptp(shared.covariances, axis=0).max() == 0
    spread = np.ptp(own.covariances, axis=0)
    assert np.diag(spread).min() > 0.1
    off_diagonal = shared.covariances[0][~np.eye(4, dtype=bool)]
    assert np.abs(off_diagonal).min() > 0


def test_noise_is_the_within_class_deviation_per_feature():
    world = gaussian_world(64, noise=1.5)
    assert_allclose(np.trace(world.covariances[0]) / 64, 1.5**2)


def test_the_same_seed_gives_the_same_world():
    first = gaussian_world(3, seed=1)
    same = gaussian_world(3, seed=1)
    assert_array_equal(same.dataset.features, first.dataset.features)
    assert_array_equal(same.sample(0, 5, seed=3), first.sample(0, 5, seed=3))
    assert not np.array_equal(gaussian_world(3, seed=2).means, first.means)


@pytest.mark.parametrize("seed", range(5))
def test_the_world_for_drawing_has_classes_that_can_be_told_apart(seed):
    world = gaussian_world(2, seed=seed)
    d = world.dataset
    assert (len(d.seen_classes), len(d.unseen_classes)) == (6, 2)
    assert (world.bayes(d.features) == d.labels).mean() > 0.95
    distances = pdist(world.means)
    assert distances.min() > 3 * 0.2


def test_in_a_drawing_the_attributes_say_where_a_class_is():
    world = gaussian_world(2)
    assert world.dataset.attribute_names == ("east", "north")
    for axis in (0, 1):
        assert_array_equal(
            np.argsort(world.dataset.attributes[:, axis]), np.argsort(world.means[:, axis])
        )


def test_the_large_world_is_neither_trivial_nor_hopeless():
    world = gaussian_world()
    d = world.dataset
    assert d.features.shape[1] == 64
    assert len(d.seen_classes) == 30
    assert len(d.unseen_classes) == 10
    assert 0.7 < (world.bayes(d.features) == d.labels).mean() < 0.95


def test_samples_of_one_class_and_of_several_have_their_shapes():
    world = gaussian_world(2)
    assert world.sample(1, 7).shape == (7, 2)
    assert world.sample([1, 2, 3], 7).shape == (3, 7, 2)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"features": 0}, "features must be at least 1, got 0"),
        ({"seen": 1}, "seen must be at least 2, got 1"),
        ({"unseen": 0}, "unseen must be at least 1, got 0"),
        ({"attributes": 0}, "attributes must be at least 1, got 0"),
        ({"samples": 1}, "samples must be at least 2, got 1"),
        ({"noise": 0.0}, "noise must be a number above 0, got 0.0"),
        ({"noise": np.nan}, "noise must be finite, got nan"),
    ],
)
def test_an_impossible_world_is_refused(setting, words):
    with pytest.raises(ConfigError, match=words):
        gaussian_world(**setting)


@pytest.mark.parametrize("classes", [8, -1, []])
def test_a_class_that_does_not_exist_is_refused(classes):
    with pytest.raises(DataError, match=r"classes must be numbers from 0 to 7, got"):
        gaussian_world(2).sample(classes, 3)
