"""Principal axes are eigenvectors whose sign is no accident."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from gsmflow_lite.axes import principal_axes
from gsmflow_lite.gaussian import GaussianBase


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


@pytest.mark.parametrize("threads", [2, 4])
def test_the_start_of_a_flow_does_not_depend_on_the_number_of_threads(threads, make_dataset):
    data = make_dataset(rows=60, width=64)
    with threadpool_limits(1):
        one = GaussianBase.fit(data).root
    with threadpool_limits(threads):
        several = GaussianBase.fit(data).root
    np.testing.assert_allclose(several, one, atol=1e-5)
