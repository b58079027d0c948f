"""Principal axes are eigenvectors whose sign is no accident."""

import numpy as np
import pytest

from gsmflow_lite import gaussian
from gsmflow_lite.axes import principal_axes


@pytest.fixture
def covariance(rng):
    rows = rng.standard_normal((200, 64)) * np.linspace(1, 3, 64)
    return np.cov(rows.T)


def test_they_diagonalise_the_covariance_and_are_orthonormal(covariance):
    variances, axes = principal_axes(covariance)
    np.testing.assert_allclose(axes.T @ covariance @ axes, np.diag(variances), atol=1e-12)
    np.testing.assert_allclose(axes.T @ axes, np.eye(64), atol=1e-12)
    assert (np.diff(variances) > 0).all()


def test_the_largest_entry_of_each_is_positive(covariance):
    axes = principal_axes(covariance)[1]
    assert (axes.max(0) > -axes.min(0)).all()


def test_the_start_of_a_flow_does_not_depend_on_how_sums_were_rounded(rng):
    # Whitened features have one variance in all dimensions that tell no classes apart: any axes of those would do.
    turn = np.linalg.qr(rng.standard_normal((64, 64)))[0]
    covariance = (turn * np.r_[np.linspace(0.1, 0.9, 37), np.ones(27)]) @ turn.T
    noise = 1e-15 * rng.standard_normal((64, 64))
    root = gaussian._root(covariance)
    np.testing.assert_allclose(gaussian._root(covariance + noise + noise.T), root, atol=1e-6)
    np.testing.assert_allclose(root @ root.T, covariance, atol=1e-6)
