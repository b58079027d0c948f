"""The prior is the standard normal: its density is scipy's, and its samples are as they should."""

import numpy as np
import pytest
import torch
from scipy import stats

from gsmflow_lite.method import prior


@pytest.fixture
def z() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return 2 * torch.randn(7, 3, generator=generator, dtype=torch.float64)


def test_the_log_density_is_scipys(z):
    expected = stats.multivariate_normal(np.zeros(3), np.eye(3)).logpdf(z.numpy())
    np.testing.assert_allclose(prior.log_density(z).numpy(), expected, rtol=1e-12)


def test_the_energy_is_minus_the_log_density_of_an_entry_without_its_constant(z):
    expected = -stats.norm.logpdf(z.numpy()).mean() - np.log(2 * np.pi) / 2
    assert prior.mean_energy(z).item() == pytest.approx(expected, rel=1e-12)


def test_samples_are_those_of_a_standard_normal():
    z = prior.sample(20_000, 2, torch.Generator().manual_seed(0)).numpy()
    for column in z.T:
        assert stats.kstest(column, "norm").pvalue > 0.01
    assert abs(np.corrcoef(z.T)[0, 1]) < 0.03


def test_the_generator_alone_decides_what_is_sampled():
    first = prior.sample(3, 2, torch.Generator().manual_seed(5))
    torch.manual_seed(0)
    assert torch.equal(prior.sample(3, 2, torch.Generator().manual_seed(5)), first)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_a_circle_holds_its_share_of_the_plane(share):
    # The squared radius of a normal point in the plane has a chi-squared distribution.
    assert stats.chi2(2).cdf(prior.circle_radius(share) ** 2) == pytest.approx(share, rel=1e-12)
