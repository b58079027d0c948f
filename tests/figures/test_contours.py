"""Contours hold the share of the points that they are named by."""

import numpy as np
import pytest

from gsmflow_lite.figures.contours import density_contours


def curves(points: np.ndarray, share: float) -> list[np.ndarray]:
    curve = density_contours(points, [share])
    gaps = np.flatnonzero(np.isnan(curve[:, 0]))
    return [part[~np.isnan(part[:, 0])] for part in np.split(curve, gaps) if len(part) > 1]


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_around_a_gaussian_they_are_circles_of_the_radius_of_the_share(rng, share):
    n = 40_000
    points = rng.standard_normal((n, 2))
    (curve,) = curves(points, share)
    smoothed = np.sqrt(1 + n ** (-1 / 3))  # a Gaussian kernel adds its own variance
    expected = smoothed * np.sqrt(-2 * np.log(1 - share))
    np.testing.assert_allclose(np.linalg.norm(curve, axis=1), expected, rtol=0.08)


def test_they_follow_the_scale_of_each_axis(rng):
    points = rng.standard_normal((20_000, 2)) * [10, 0.1]
    (curve,) = curves(points, 0.5)
    wide, high = np.ptp(curve, axis=0)
    assert wide / high == pytest.approx(100, rel=0.1)


def test_two_islands_have_a_curve_each(rng):
    points = np.concatenate([rng.standard_normal((300, 2)), rng.standard_normal((300, 2)) + 14])
    assert len(curves(points, 0.9)) == 2


@pytest.mark.parametrize("points", [np.zeros((0, 2)), np.zeros((4, 2)), np.ones((50, 2))])
def test_too_few_points_or_points_without_width_have_none(points):
    assert density_contours(points).shape == (0, 2)
