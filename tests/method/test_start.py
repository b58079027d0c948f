"""The ridge-Gaussian agrees with scipy's density, and with scikit-learn's ridge by brute force."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.linear_model import Ridge

from gsmflow_lite.datasets import gaussian_world
from gsmflow_lite.datasets.statistics import class_means, within_covariance
from gsmflow_lite.errors import DataError
from gsmflow_lite.method.start import RIDGE_STRENGTHS, GaussianStart, NoStart, ridge_means

SEEN = 9


@pytest.fixture(params=[1, 3, 6])
def dataset(make_dataset, request):
    return make_dataset(seen=SEEN, rows=20, width=request.param)


def tables(dataset) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return tuple(
        torch.from_numpy(t) for t in (dataset.features, dataset.attributes, dataset.labels)
    )


def means_by_loop(dataset) -> np.ndarray:
    """Mean training row of each seen class, (S, D), float64."""
    means = []
    for k in range(SEEN):
        rows = [dataset.features[i].astype(float) for i in dataset.train if dataset.labels[i] == k]
        means.append(sum(rows) / len(rows))
    return np.array(means)


# --- what is estimated ---------------------------------------------------------------------------


def test_class_means_equal_a_loop(dataset):
    np.testing.assert_allclose(
        class_means(dataset, dataset.seen_classes, dataset.train), means_by_loop(dataset), rtol=1e-5
    )


def test_the_pooled_covariance_equals_a_loop(dataset):
    means = means_by_loop(dataset)
    total = 0
    for i in dataset.train:
        residual = dataset.features[i] - means[dataset.labels[i]]
        total = total + np.outer(residual, residual)
    np.testing.assert_allclose(
        within_covariance(dataset), total / (len(dataset.train) - SEEN), rtol=1e-4, atol=1e-6
    )


def test_the_pooled_covariance_is_close_to_the_true_one():
    world = gaussian_world(3, samples=3000)
    estimated = within_covariance(world.dataset)
    true = world.covariances[0]
    assert np.abs(estimated - true).max() < 5 * true.max() * np.sqrt(2 / len(world.dataset.train))


def ridge(dataset, relative: float, left_out: int | None = None) -> Ridge:
    """scikit-learn's ridge, with its strength in units of the attributes' total variance."""
    attributes = dataset.attributes[:SEEN].astype(np.float64)
    means = means_by_loop(dataset)
    strength = relative * ((attributes - attributes.mean(0)) ** 2).sum(1).mean()
    kept = [k for k in range(SEEN) if k != left_out]
    return Ridge(strength).fit(attributes[kept], means[kept])


def test_ridge_means_are_those_of_the_strength_that_leaving_classes_out_chooses(dataset):
    real = means_by_loop(dataset)

    def error(strength: float) -> float:
        guesses = [
            ridge(dataset, strength, k).predict(dataset.attributes[[k]]) for k in range(SEEN)
        ]
        return sum(((guess - mean) ** 2).sum() for guess, mean in zip(guesses, real, strict=True))

    best = min(RIDGE_STRENGTHS, key=error)
    assert RIDGE_STRENGTHS[0] < best < RIDGE_STRENGTHS[-1]  # or nothing was chosen
    means = GaussianStart.fit(dataset).means(torch.from_numpy(dataset.attributes)).numpy()
    expected = ridge(dataset, best).predict(dataset.attributes).reshape(means.shape)
    np.testing.assert_allclose(means, expected, rtol=1e-3, atol=1e-4)


def test_one_strength_is_the_plain_ridge(dataset):
    expected = ridge(dataset, 0.5)
    means = ridge_means(dataset, (0.5,)).numpy()
    np.testing.assert_allclose(
        means[:-1], np.reshape(expected.coef_, (-1, 5)).T, rtol=1e-3, atol=1e-4
    )
    np.testing.assert_allclose(means[-1], np.ravel(expected.intercept_), rtol=1e-4)


def test_the_unit_of_the_attributes_does_not_matter(dataset):
    per_cent = replace(dataset, attributes=100 * dataset.attributes)
    plain, scaled = (
        GaussianStart.fit(data).means(torch.from_numpy(data.attributes))
        for data in (dataset, per_cent)
    )
    torch.testing.assert_close(scaled, plain, atol=1e-3, rtol=1e-3)


def test_rows_outside_the_training_split_have_no_influence(dataset):
    before = GaussianStart.fit(dataset).state_dict()
    dataset.features[np.r_[dataset.test_seen, dataset.test_unseen]] += 100
    after = GaussianStart.fit(dataset).state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_where_means_are_linear_in_the_attributes_unseen_ones_are_found():
    world = gaussian_world(8, seen=30, unseen=5, attributes=4, samples=500, noise=0.3)
    unseen = world.dataset.unseen_classes
    means = (
        GaussianStart.fit(world.dataset)
        .means(torch.from_numpy(world.dataset.attributes[unseen]))
        .numpy()
    )
    assert np.abs(means - world.means[unseen]).max() < 0.1


# --- the map -------------------------------------------------------------------------------------


@pytest.mark.parametrize("whiten", [True, False])
def test_density_equals_scipys(dataset, whiten):
    start = GaussianStart.fit(dataset, whiten=whiten)
    x, attributes, _ = tables(dataset)
    covariance = within_covariance(dataset) if whiten else np.eye(x.shape[1])
    for k in (2, 10):  # a seen and an unseen class
        u, log_det = start(x, attributes[k : k + 1])
        log_density = stats.norm.logpdf(u.double().numpy()).sum(1) + log_det.numpy()
        expected = stats.multivariate_normal(
            start.means(attributes)[k].double().numpy(), covariance
        ).logpdf(x.numpy())
        np.testing.assert_allclose(log_density, expected.ravel(), rtol=1e-4, atol=1e-3)


def test_log_det_is_minus_half_that_of_the_covariance(dataset):
    expected = -0.5 * np.linalg.slogdet(within_covariance(dataset)).logabsdet
    start = GaussianStart.fit(dataset)
    x, attributes, labels = tables(dataset)
    np.testing.assert_allclose(
        start(x, attributes, labels)[1].numpy(), expected, rtol=1e-4, atol=1e-5
    )


def test_inverse_undoes_the_map_and_its_log_det(dataset):
    start = GaussianStart.fit(dataset)
    x, attributes, labels = tables(dataset)
    u, log_det = start(x, attributes, labels)
    back, log_det_back = start.inverse(u, attributes, labels)
    torch.testing.assert_close(back, x, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(log_det_back, -log_det)


def test_training_rows_around_their_own_means_become_white(dataset):
    start = GaussianStart.fit(dataset)
    residuals = (
        dataset.features[dataset.train] - means_by_loop(dataset)[dataset.labels[dataset.train]]
    )
    u = torch.from_numpy(residuals).float() @ start.unroot.T
    covariance = u.T @ u / (len(u) - SEEN)
    torch.testing.assert_close(covariance, torch.eye(len(covariance)), atol=1e-3, rtol=0)


def test_without_whitening_features_are_only_shifted(dataset):
    start = GaussianStart.fit(dataset, whiten=False)
    x, attributes, labels = tables(dataset)
    u, log_det = start(x, attributes, labels)
    torch.testing.assert_close(u, x - start.means(attributes)[labels])
    assert not log_det.any()


@pytest.mark.parametrize("spoil", ["a constant feature", "a feature twice"])
def test_directions_without_spread_stay_finite_and_invertible(make_dataset, spoil):
    dataset = make_dataset(width=4)
    if spoil == "a constant feature":
        dataset.features[:, 1] = 5
    else:
        dataset.features[:, 1] = dataset.features[:, 0]
    start = GaussianStart.fit(dataset)
    x, attributes, labels = tables(dataset)
    u, log_det = start(x, attributes, labels)
    assert all(part.isfinite().all() for part in (u, log_det))
    torch.testing.assert_close(start.inverse(u, attributes, labels)[0], x, atol=1e-3, rtol=1e-3)


def test_one_row_a_class_has_no_covariance(make_dataset):
    dataset = make_dataset(width=4, rows=5, train=np.arange(0, 20, 5))
    words = r"two training rows, but in 'tiny' each of the 4 seen classes has one: .*start='ridge'"
    with pytest.raises(DataError, match=words):
        GaussianStart.fit(dataset)
    start = GaussianStart.fit(dataset, whiten=False)  # as the message says
    assert all(part.isfinite().all() for part in start(*tables(dataset)))


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6])
def test_features_that_do_not_vary_within_classes_have_no_covariance(make_dataset, value):
    dataset = make_dataset(width=4)
    means = value * (1 + dataset.labels % 3)[:, None]  # 0.1 is no float32: means of it are rounded
    dataset.features[:] = means * np.array([1, -1, 3, 7])
    with pytest.raises(DataError, match=r"must vary within classes, .* did the extractor give any"):
        GaussianStart.fit(dataset)


def test_no_start_is_the_identity():
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    for direction in (NoStart().forward, NoStart().inverse):
        same, log_det = direction(x, torch.ones(1, 2))
        assert same is x
        assert torch.equal(log_det, torch.zeros(5))


def test_nothing_about_the_start_is_trained(dataset):
    assert list(GaussianStart.fit(dataset).parameters()) == []
