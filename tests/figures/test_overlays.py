"""What is drawn over a map, against numpy and loops."""

import numpy as np
import pytest

from gsmflow_lite.figures import overlays
from gsmflow_lite.figures.points import Points


@pytest.fixture
def points(rng) -> Points:
    labels = np.repeat([0, 1, 2], [30, 41, 52])
    pca, umap = rng.standard_normal((2, len(labels), 2)) * [[2, 0.5]] + labels[:, None]
    return Points(pca, umap, labels, np.arange(len(labels)))


def graph(means: np.ndarray, neighbours: int) -> set:
    """By a loop: each class with its nearest others."""
    edges = set()
    for i, one in enumerate(means):
        others = sorted(
            (float(np.linalg.norm(one - other)), j) for j, other in enumerate(means) if j != i
        )
        edges |= {tuple(sorted((i, j))) for _, j in others[:neighbours]}
    return edges


def test_an_ellipse_lies_two_mahalanobis_distances_from_the_mean(rng):
    x = rng.standard_normal((200, 2)) @ np.array([[3.0, 1.0], [0.0, 0.2]]) + [5, -7]
    curve = overlays.ellipse(x)[:-1]
    away = curve - x.mean(0)
    squares = np.einsum("ni,ij,nj->n", away, np.linalg.inv(np.cov(x.T)), away)
    np.testing.assert_allclose(np.sqrt(squares), 2.0)


def test_an_ellipse_is_closed_and_followed_by_a_gap(rng):
    curve = overlays.ellipse(rng.standard_normal((20, 2)), steps=30)
    assert curve.shape == (31, 2)
    np.testing.assert_allclose(curve[0], curve[-2])
    assert np.isnan(curve[-1]).all()
    assert np.isfinite(curve[:-1]).all()


def test_an_ellipse_goes_all_the_way_round(rng):
    away = overlays.ellipse(rng.standard_normal((500, 2)))[:-1]
    angles = np.unwrap(np.arctan2(away[:, 1], away[:, 0]))
    assert abs(angles[-1] - angles[0]) == pytest.approx(2 * np.pi)


def test_so_many_deviations_make_it_so_much_larger(rng):
    x = rng.standard_normal((50, 2))
    one, three = (overlays.ellipse(x, deviations=d)[:-1] - x.mean(0) for d in (1.0, 3.0))
    np.testing.assert_allclose(three, 3 * one)


def test_the_ellipse_of_one_point_is_the_point():
    np.testing.assert_array_equal(
        overlays.ellipse(np.array([[3.0, 4.0]]))[:-1], np.tile([3.0, 4.0], (48, 1))
    )


def test_the_ellipse_of_points_in_a_line_stays_on_the_line(rng):
    for slope in range(1, 60):  # of some the smaller variance comes out below 0
        t = rng.standard_normal(30)
        curve = overlays.ellipse(np.stack([t, slope * t], axis=1))[:-1]
        np.testing.assert_allclose(curve[:, 1], slope * curve[:, 0], atol=1e-5)


def test_ellipses_follow_each_other_in_the_order_of_the_classes(points):
    both = overlays.ellipses(points, [2, 0])
    expected = [overlays.ellipse(points.pca[points.labels == k]) for k in (2, 0)]
    np.testing.assert_allclose(both, np.concatenate(expected))
    assert overlays.ellipses(points, []).shape == (0, 2)


def test_centres_are_means_on_the_linear_lens_and_medians_on_the_map(points):
    for lens, middle in (("pca", np.mean), ("umap", np.median)):
        expected = [middle(getattr(points, lens)[points.labels == k], axis=0) for k in (2, 1)]
        np.testing.assert_allclose(overlays.centres(points, [2, 1], lens), expected)
    assert overlays.centres(points, [], "pca").shape == (0, 2)


def test_arrows_are_start_end_and_gap():
    start, end = np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([[4.0, 5.0], [6.0, 7.0]])
    nan = [np.nan, np.nan]
    np.testing.assert_array_equal(
        overlays.arrows(start, end), [[0, 1], [4, 5], nan, [2, 3], [6, 7], nan]
    )


@pytest.mark.parametrize("neighbours", [1, 2, 4])
def test_the_graph_is_that_of_a_loop(rng, neighbours):
    means = rng.standard_normal((12, 5))
    assert overlays.neighbour_graph(means, neighbours) == graph(means, neighbours)


def test_two_classes_are_neighbours_however_many_are_wanted():
    assert overlays.neighbour_graph(np.array([[0.0, 0.0], [9.0, 9.0]]), 5) == {(0, 1)}


def test_edges_are_drawn_between_the_places_of_their_classes():
    places = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    lines = overlays.graph_lines(frozenset({(1, 2), (0, 2)}), places)
    np.testing.assert_array_equal(lines[::3], places[[0, 1]])
    np.testing.assert_array_equal(lines[1::3], places[[2, 2]])
    assert np.isnan(lines[2::3]).all()


def test_no_edges_are_no_lines():
    assert overlays.graph_lines(frozenset(), np.zeros((3, 2))).shape == (0, 2)


def test_edges_are_kept_lost_or_added():
    found = overlays.changed_edges(frozenset({(0, 1), (1, 2)}), frozenset({(1, 2), (2, 3), (0, 3)}))
    assert found == {"both": {(1, 2)}, "lost": {(0, 1)}, "added": {(2, 3), (0, 3)}}
