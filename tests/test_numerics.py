"""Arithmetic changes products only, and principal axes are eigenvectors with a fixed sign."""

import numpy as np
import pytest
import torch

from gsmflow_lite import ConfigError, numerics
from gsmflow_lite.method.flow import ConditionalFlow
from gsmflow_lite.method.start import GaussianStart, symmetric_root
from gsmflow_lite.numerics import arithmetic, choose_device, principal_axes


@pytest.fixture
def flow() -> ConditionalFlow:
    torch.manual_seed(0)
    flow = ConditionalFlow(6, 4, blocks=3, hidden=16)
    for weight in flow.parameters():
        # The usual first weights are near the identity, where no product counts.
        torch.nn.init.normal_(weight, std=0.3)
    return flow


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(50, 6, generator=generator), torch.randn(50, 4, generator=generator)


def test_bf16_is_as_near_as_its_digits(flow, batch):
    exact, log_det = flow(*batch)
    with arithmetic("bf16"):
        z, rounded = flow(*batch)
    assert 1e-4 < (z - exact).norm() / exact.norm() < 0.02  # bfloat16 has 8 bits: 2**-8 is 0.004
    torch.testing.assert_close(rounded, log_det, atol=0.1, rtol=0)


def test_bf16_leaves_features_and_log_determinants_in_single_precision(flow, batch):
    with arithmetic("bf16"):
        for result in (*flow(*batch), *flow.inverse(*batch)):
            assert result.dtype == torch.float32


def test_the_inverse_in_bf16_undoes_the_map(flow, batch):
    x, c = batch
    with arithmetic("bf16"):
        z, log_det = flow(x, c)
        back, log_det_back = flow.inverse(z, c)
    # Both ways read the same rounded scales and shifts.
    torch.testing.assert_close(back, x, atol=1e-5, rtol=0)
    torch.testing.assert_close(log_det, -log_det_back, atol=1e-5, rtol=0)


def test_the_gaussian_that_a_flow_starts_from_stays_exact(make_dataset):
    d = make_dataset()
    start = GaussianStart.fit(d)
    x = torch.from_numpy(d.features[:8])
    attributes = torch.from_numpy(d.attributes)
    index = torch.arange(8) % 4
    exact = start(x, attributes, index)[0]
    with arithmetic("bf16"):
        u, _ = start(x, attributes, index)
        back, _ = start.inverse(u, attributes, index)
    assert torch.equal(u, exact)
    torch.testing.assert_close(back, x)


def test_gradients_in_bf16_point_where_those_in_single_precision_do(flow, batch):
    def gradient() -> torch.Tensor:
        z, log_det = flow(*batch)
        return torch.cat(
            [
                g.flatten()
                for g in torch.autograd.grad(z.square().sum() - log_det.sum(), flow.parameters())
            ]
        )

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


@pytest.fixture
def covariance(rng):
    rows = rng.standard_normal((200, 64)) * np.linspace(1, 3, 64)
    return np.cov(rows.T)


def test_principal_axes_diagonalise_the_covariance_and_are_orthonormal(covariance):
    variances, axes = principal_axes(covariance)
    np.testing.assert_allclose(axes.T @ covariance @ axes, np.diag(variances), atol=1e-12)
    np.testing.assert_allclose(axes.T @ axes, np.eye(64), atol=1e-12)
    assert (np.diff(variances) > 0).all()


def test_the_largest_entry_of_each_axis_is_positive(covariance):
    axes = principal_axes(covariance)[1]
    assert (axes.max(0) > -axes.min(0)).all()


def test_the_start_of_a_flow_does_not_depend_on_how_sums_were_rounded(rng):
    # Whitened features have one variance in all dimensions that separate no classes. Any axes of
    # those would do.
    turn = np.linalg.qr(rng.standard_normal((64, 64)))[0]
    covariance = (turn * np.r_[np.linspace(0.1, 0.9, 37), np.ones(27)]) @ turn.T
    noise = 1e-15 * rng.standard_normal((64, 64))
    root = symmetric_root(covariance)
    np.testing.assert_allclose(symmetric_root(covariance + noise + noise.T), root, atol=1e-6)
    np.testing.assert_allclose(root @ root.T, covariance, atol=1e-6)


# --- device and memory ---------------------------------------------------------------------------


def test_the_cpu_is_always_there():
    assert choose_device("cpu") == torch.device("cpu")


def test_auto_takes_an_accelerator_where_there_is_one():
    expected = (
        "cuda"
        if torch.cuda.is_available()
        else "mps"
        if torch.backends.mps.is_available()
        else "cpu"
    )
    assert choose_device("auto").type == expected


def test_an_unknown_device_is_refused():
    with pytest.raises(
        ConfigError, match="device must be auto, cpu, cuda or mps and present here, got 'abacus'"
    ):
        choose_device("abacus")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is present")
def test_a_device_that_is_not_here_is_refused():
    with pytest.raises(
        ConfigError, match="device must be auto, cpu, cuda or mps and present here, got 'cuda'"
    ):
        choose_device("cuda")


def test_a_container_has_the_memory_that_it_may_use(monkeypatch, tmp_path):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(numerics, "LIMIT_OF_CONTAINER", limit)
    whole = numerics.memory_in_bytes()
    limit.write_text("1000000\n")
    assert numerics.memory_in_bytes() == 1e6
    limit.write_text("max\n")
    assert numerics.memory_in_bytes() == whole
