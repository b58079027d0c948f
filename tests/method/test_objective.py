"""The losses are their closed forms, and the noise has the strength that it is asked for."""

import math

import pytest
import torch

from gsmflow_lite.method.flow import ConditionalFlow
from gsmflow_lite.method.objective import negative_log_likelihood, perturb, prototype_loss


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_likelihood_equals_the_sum_written_out():
    z = normal(5, 3)
    log_det = normal(5, seed=1)
    squares = sum(float(value) ** 2 for row in z for value in row) / (5 * 3)
    expected = squares / 2 - sum(map(float, log_det)) / 5 / 3
    assert negative_log_likelihood(z, log_det).item() == pytest.approx(expected, rel=1e-12)


def test_likelihood_is_minus_log_prob_a_dimension_without_its_constant():
    flow = ConditionalFlow(4, 2, blocks=2, hidden=6).double()
    for i, weight in enumerate(flow.parameters()):
        weight.data = 0.3 * normal(*weight.shape, seed=i)
    x = normal(20, 4)
    c = normal(20, 2, seed=1)
    expected = -flow.log_prob(x, c).mean() / 4 - math.log(2 * math.pi) / 2
    torch.testing.assert_close(negative_log_likelihood(*flow(x, c)), expected)


def test_likelihood_falls_when_the_map_stretches_more():
    z = normal(5, 3)
    assert negative_log_likelihood(z, torch.full((5,), 2.0)) < negative_log_likelihood(
        z, torch.full((5,), 1.0)
    )


def test_prototype_loss_is_the_mean_squared_entry_of_the_difference():
    generated = normal(4, 3)
    real = normal(4, 3, seed=1)
    expected = (
        sum(float(a - b) ** 2 for a, b in zip(generated.flatten(), real.flatten(), strict=True))
        / 12
    )
    assert prototype_loss(generated, real).item() == pytest.approx(expected, rel=1e-12)


def test_prototype_loss_of_the_class_means_themselves_is_zero():
    assert prototype_loss(normal(4, 3), normal(4, 3)) == 0


@pytest.mark.parametrize("strength", [0.02, 0.5, 3.0])
def test_noise_has_mean_zero_and_the_strength_asked_for(strength):
    x = normal(400, 500)
    noise = perturb(x, strength, torch.Generator().manual_seed(1)) - x
    assert abs(noise.mean()) < 5 * strength / math.sqrt(x.numel())
    assert noise.std().item() == pytest.approx(strength, rel=0.01)


def test_noise_is_the_generators_times_the_strength_on_the_device_of_the_features():
    x = normal(5, 3)
    drawn = torch.randn(5, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert torch.equal(perturb(x, 0.3, torch.Generator().manual_seed(1)), x + 0.3 * drawn)
    assert perturb(
        torch.empty(5, 3, device="meta"), 0.3
    ).is_meta  # the one other device that is everywhere


def test_noise_of_one_entry_says_nothing_about_another():
    noise = perturb(torch.zeros(100_000, 3), 1.0, torch.Generator().manual_seed(1))
    assert (torch.corrcoef(noise.T) - torch.eye(3)).abs().max() < 0.02


def test_the_same_generator_state_gives_the_same_noise():
    x = normal(5, 3)
    first, again = (perturb(x, 0.3, torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(first, again)


def test_noise_goes_on_along_its_generator():
    x = normal(5, 3)
    generator = torch.Generator().manual_seed(4)
    assert not torch.equal(perturb(x, 0.3, generator), perturb(x, 0.3, generator))


def test_a_generator_of_its_own_leaves_the_global_random_stream_alone():
    before = torch.get_rng_state()
    perturb(normal(5, 3), 0.3, torch.Generator().manual_seed(4))
    assert torch.equal(before, torch.get_rng_state())


def test_strength_zero_leaves_features_as_they_are():
    x = normal(5, 3)
    assert torch.equal(perturb(x, 0.0), x)


def test_features_themselves_are_not_changed_by_the_noise():
    x = normal(5, 3)
    perturb(x, 1.0)
    assert torch.equal(x, normal(5, 3))
