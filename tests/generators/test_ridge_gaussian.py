"""The ridge-Gaussian synthesizes from the Gaussian that it was fitted to."""

import numpy as np
import pytest
import torch

from gsmflow_lite.datasets.statistics import within_covariance
from gsmflow_lite.generators.ridge_gaussian import RidgeGaussian


@pytest.fixture
def dataset(make_dataset):
    return make_dataset()


@pytest.fixture
def generator(dataset):
    return RidgeGaussian.fit(dataset)


def test_samples_have_the_predicted_mean_and_the_pooled_covariance(dataset, generator):
    n = 50_000
    means = generator.start.means(torch.from_numpy(dataset.attributes)).numpy()
    covariance = within_covariance(dataset)
    scale = np.sqrt(np.diag(covariance))
    samples = generator.synthesize(dataset.attributes, n).double().numpy()
    for x, mean in zip(samples, means, strict=True):
        mean_error = (x.mean(0) - mean) / scale
        covariance_error = (np.cov(x.T) - covariance) / np.outer(scale, scale)
        assert np.abs(mean_error).max() < 5 / np.sqrt(n)
        assert np.abs(covariance_error).max() < 5 * np.sqrt(2 / n)


def test_at_temperature_zero_it_gives_the_predicted_mean(dataset, generator):
    means = generator.start.means(torch.from_numpy(dataset.attributes))
    features = generator.synthesize(dataset.attributes, 4, temperature=0)
    torch.testing.assert_close(features, means[:, None].expand(-1, 4, -1))


def test_the_temperature_scales_the_spread(dataset, generator):
    mean, plain, half = (
        generator.synthesize(dataset.attributes, 9, temperature=t) for t in (0, 1, 0.5)
    )
    torch.testing.assert_close(half - mean, 0.5 * (plain - mean), atol=1e-5, rtol=1e-4)


def test_samples_of_two_classes_are_independent(dataset, generator):
    first, second = generator.synthesize(dataset.attributes[:2], 5000)
    correlations = torch.corrcoef(torch.cat([first, second], 1).T)
    assert correlations[:3, 3:].abs().max() < 0.08
