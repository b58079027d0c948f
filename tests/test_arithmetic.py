"""Shorter arithmetic changes products and nothing else, and leaves no trace."""

import pytest
import torch

from gsmflow_lite.arithmetic import arithmetic
from gsmflow_lite.flow import ConditionalFlow
from gsmflow_lite.gaussian import GaussianBase


@pytest.fixture
def flow() -> ConditionalFlow:
    torch.manual_seed(0)
    flow = ConditionalFlow(6, 4, blocks=3, hidden=16)
    for weight in flow.parameters():
        torch.nn.init.normal_(weight, std=0.3)  # the usual start is near the identity, where no product counts
    return flow


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(50, 6, generator=generator), torch.randn(50, 4, generator=generator)


def test_bf16_is_as_near_as_its_digits(flow, batch):
    exact, log_det = flow(*batch)
    with arithmetic("bf16"):
        z, found = flow(*batch)
    assert 1e-4 < (z - exact).norm() / exact.norm() < 0.02  # bfloat16 has 8 bits: 2**-8 is 0.004
    torch.testing.assert_close(found, log_det, atol=0.1, rtol=0)


def test_bf16_leaves_features_and_log_determinants_in_single_precision(flow, batch):
    with arithmetic("bf16"):
        for result in (*flow(*batch), *flow.inverse(*batch)):
            assert result.dtype == torch.float32


def test_what_bf16_maps_it_maps_back(flow, batch):
    x, c = batch
    with arithmetic("bf16"):
        z, there = flow(x, c)
        back, home = flow.inverse(z, c)
    torch.testing.assert_close(back, x, atol=1e-5, rtol=0)  # both ways read the same rounded scales and shifts
    torch.testing.assert_close(there, -home, atol=1e-5, rtol=0)


def test_the_gaussian_that_a_flow_starts_from_stays_exact(make_dataset):
    d = make_dataset()
    base, x = GaussianBase.fit(d), torch.from_numpy(d.features[:8])
    attributes, index = torch.from_numpy(d.attributes), torch.arange(8) % 4
    exact = base(x, attributes, index)[0]
    with arithmetic("bf16"):
        u, _ = base(x, attributes, index)
        back, _ = base.inverse(u, attributes, index)
    assert torch.equal(u, exact)
    torch.testing.assert_close(back, x)


def test_gradients_in_bf16_point_where_those_in_single_precision_do(flow, batch):
    def gradient() -> torch.Tensor:
        z, log_det = flow(*batch)
        return torch.cat([g.flatten() for g in torch.autograd.grad(z.square().sum() - log_det.sum(), flow.parameters())])

    exact = gradient()
    with arithmetic("bf16"):
        rounded = gradient()
    assert torch.nn.functional.cosine_similarity(exact, rounded, dim=0) > 0.999
    assert not torch.equal(exact, rounded)


def test_tf32_holds_within_its_block_alone():
    before = torch.get_float32_matmul_precision()
    with arithmetic("tf32"):
        assert torch.get_float32_matmul_precision() == "medium"
    assert torch.get_float32_matmul_precision() == before


@pytest.mark.parametrize("precision", ["tf32", "bf16"])
def test_an_error_leaves_no_arithmetic_behind(precision):
    before = torch.get_float32_matmul_precision()
    with pytest.raises(RuntimeError, match="on purpose"), arithmetic(precision):
        raise RuntimeError("on purpose")
    assert torch.get_float32_matmul_precision() == before
    assert not torch.is_autocast_enabled("cpu")


def test_float32_changes_nothing(flow, batch):
    with arithmetic("float32"):
        z, _ = flow(*batch)
    assert torch.equal(z, flow(*batch)[0])
