"""Halves are random, disjoint and of one size; intervals and leading directions come from them."""

from dataclasses import replace

import numpy as np
import pytest

from gsmflow_lite.datasets import gaussian_world
from gsmflow_lite.shifts.halves import DIMENSIONS, Halves, leading_axes
from gsmflow_lite.shifts.report import Reading
from gsmflow_lite.shifts.variance import spread


def spread_of_all(halves: Halves) -> Reading:
    (estimate,) = spread(halves)
    return Reading.of_all_classes(estimate)


def test_the_interval_of_the_spread_contains_the_true_ratio_about_as_often_as_it_says():
    deviations = np.array([0.5, 1.0, 2.0])
    hits = []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        real = [rng.standard_normal((40, 3)) * deviations for _ in range(3)]
        synthesized = [0.7 * rng.standard_normal((40, 3)) * deviations for _ in range(3)]
        (estimate,) = spread(Halves(real, synthesized, 40, seed))
        of_all = Reading.of_all_classes(estimate)
        of_class = Reading.of_class(estimate, 0, "one")
        hits.append([r.low <= 0.49 <= r.high for r in (of_all, of_class)])

    share = np.mean(hits, 0)
    assert ((share >= 0.85) & (share <= 1)).all(), share
    assert np.mean(hits) < 1  # or intervals would be wide for nothing


def test_more_rows_make_narrower_intervals():
    def width(n):
        real, synthesized = np.random.default_rng(0).standard_normal((2, 3, n, 3))
        reading = spread_of_all(Halves(real, synthesized, 60, 0))
        return reading.high - reading.low

    assert width(400) == pytest.approx(width(100) / 2, rel=0.35)


def test_halves_are_disjoint_and_of_one_size():
    rng = np.random.default_rng(0)
    real = [rng.random((n, 2)) for n in (9, 30, 7)]
    synthesized = [rng.random((20, 2)) for _ in range(3)]
    halves = Halves(real, synthesized, 6, 0)

    for k, size in enumerate((4, 10, 3)):
        first = halves.first.rows[k]
        second = halves.second.rows[k]
        third = halves.synthesized.rows[k]
        assert first.shape == second.shape == third.shape == (6, size)
        for repeat in range(6):
            assert len({*first[repeat], *second[repeat]}) == 2 * size
            assert len({*third[repeat]}) == size
        assert len({tuple(rows) for rows in first}) > 1


def test_shuffled_labels_give_no_class_its_own():
    halves = Halves([np.eye(4)] * 5, [np.eye(4)] * 5, 50, 0)
    for other in halves.mistaken:
        assert sorted(other) == list(range(5))
        assert (other != np.arange(5)).all()


def test_another_seed_draws_other_halves():
    features = [np.eye(20)]
    a = Halves(features, features, 3, 0)
    b = Halves(features, features, 3, 1)
    assert not np.array_equal(a.first.rows[0], b.first.rows[0])
    assert not np.array_equal(a.second.rows[0], b.second.rows[0])
    assert not np.array_equal(a.synthesized.rows[0], b.synthesized.rows[0])


# --- Leading axes ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wide():
    return gaussian_world(80, seen=14, unseen=5, attributes=4, samples=30).dataset


def test_leading_axes_are_the_principal_directions_of_the_training_rows(wide):
    rows = wide.features[wide.train]
    expected = np.linalg.svd(rows - rows.mean(0), full_matrices=False)[2].T
    axes = leading_axes(wide, 0)
    assert axes.shape == (80, DIMENSIONS)
    cosines = (axes[:, :20] * expected[:, :20]).sum(0)
    np.testing.assert_allclose(np.abs(cosines), 1, atol=0.02)


def test_test_rows_do_not_matter_to_leading_axes(wide):
    features = np.full_like(wide.features, 9)
    features[wide.train] = wide.features[wide.train]
    moved = replace(wide, features=features)
    np.testing.assert_array_equal(leading_axes(moved, 0), leading_axes(wide, 0))


def test_few_features_are_all_taken():
    assert leading_axes(gaussian_world(DIMENSIONS, samples=10).dataset, 0) is None
