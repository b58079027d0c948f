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


def rows(n: int, of_class: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.full((n,), of_class), torch.arange(n)


def test_samples_are_those_of_a_standard_normal():
    z = prior.sample(0, *rows(20_000), 2).numpy()
    for column in z.T:
        assert stats.kstest(column, "norm").pvalue > 0.01
    assert abs(np.corrcoef(z.T)[0, 1]) < 0.03


def test_seed_class_and_place_alone_decide_what_is_sampled():
    first = prior.sample(5, *rows(4), 2)
    torch.manual_seed(0)
    assert torch.equal(prior.sample(5, *rows(7), 2)[:4], first)
    for other in (prior.sample(6, *rows(4), 2), prior.sample(5, *rows(4, of_class=1), 2)):
        assert not torch.isclose(other, first).any()


@pytest.mark.parametrize("rows_at_once", [1, 4, 7, 100])
def test_blocks_are_all_rows_class_after_class(rows_at_once):
    blocks = list(prior.blocks(3, 4, 5, 2, rows_at_once=rows_at_once, device=torch.device("cpu")))
    assert max(len(z) for _, _, z in blocks) == min(rows_at_once, 20)
    numbers = torch.cat([torch.arange(20)[part] for part, _, _ in blocks])
    assert numbers.tolist() == list(range(20))
    classes = torch.cat([of_rows for _, of_rows, _ in blocks])
    assert classes.tolist() == sorted([0, 1, 2, 3] * 5)
    z = torch.cat([z for _, _, z in blocks])
    assert torch.equal(z[10:15], prior.sample(3, *rows(5, of_class=2), 2))


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_a_circle_holds_its_share_of_the_plane(share):
    # The squared radius of a normal point in the plane has a chi-squared distribution.
    assert stats.chi2(2).cdf(prior.circle_radius(share) ** 2) == pytest.approx(share, rel=1e-12)
