"""Regions of highest density hold what they should, by chi-square, for Gaussians that are known."""

import sys

import numpy as np
import pytest
import torch
from scipy.stats import chi2
from tiny import tiny_dataset

from gsmflow_lite.datasets import gaussian_world
from gsmflow_lite.errors import ConfigError, DataError
from gsmflow_lite.generators.ridge_gaussian import RidgeGaussian
from gsmflow_lite.shifts.coverage import Held, coverage, levels

FEATURES = 6


class Known:
    """The true Gaussians of a world, with deviations larger by a factor."""

    def __init__(self, world, factor=1.0):
        self.world = world
        self.factor = factor
        self.asked = []

    def number(self, attributes):
        (row,) = np.asarray(attributes)
        (k,) = np.flatnonzero((self.world.dataset.attributes == row).all(1))
        return k

    def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
        k = self.number(attributes)
        self.asked.append(int(k))
        mean = self.world.means[k]
        x = mean + self.factor * (self.world.sample(int(k), n, seed=seed + 77) - mean)
        return torch.from_numpy(x)[None].float()

    def log_prob(self, x, attributes):
        k = self.number(attributes)
        mean = self.world.means[k]
        inner = mean + (np.asarray(x, np.float64) - mean) / self.factor
        return torch.from_numpy(self.world.log_prob(inner, int(k)))[:, None]


@pytest.fixture(scope="module")
def world():
    return gaussian_world(FEATURES, seen=20, unseen=20, attributes=4, samples=100, noise=1.0)


def by_chi_square(shares: np.ndarray, factor: float) -> np.ndarray:
    """What the region of each share holds of a Gaussian whose deviations are smaller by factor."""
    return chi2.cdf(factor**2 * chi2.ppf(shares, FEATURES), FEATURES)


@pytest.mark.parametrize("factor", [1.0, 1.25, 0.8])
def test_regions_hold_of_known_gaussians_what_chi_square_says(world, factor):
    found = coverage(world.dataset, Known(world, factor), n=400)
    for curve in found.curves:
        expected = by_chi_square(curve.shares, factor)
        np.testing.assert_allclose(curve.held, expected, atol=0.06)
        excess = (expected - curve.shares).mean()
        assert curve.excess == pytest.approx(excess, abs=0.03)
        assert curve.gap == pytest.approx(abs(excess), abs=0.03)
        assert curve.excess_low <= excess <= curve.excess_high


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (1.0, "as it should, as far as chance allows."),
        (1.4, "it is too wide."),
        (0.7, "it is too narrow, or in the wrong place."),
    ],
)
def test_a_plain_sentence_says_whether_it_is_too_wide(world, factor, words):
    found = coverage(world.dataset, Known(world, factor))
    for curve in found.curves:
        held = round(100 * curve.held[89])
        assert curve.shares[89] == pytest.approx(0.9)
        assert curve.sentence == (
            f"The region that holds 90 % of what it synthesizes holds {held} % of the real rows of "
            f"{curve.kind} classes: {words}"
        )
    assert found.sentence == f"{found.seen.sentence} {found.unseen.sentence}"


def test_a_band_is_as_wide_as_resampled_classes_and_rows_scatter():
    # Resampling rows of resampled classes counts the scatter of rows twice, so rather too wide.
    classes, rows = 8, 20
    widths = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        curve = Held.of("seen", [rng.random(rows) for _ in range(classes)], seed)
        widths.append((curve.high - curve.low)[[19, 49, 79]])
    variance = np.array([0.16, 0.25, 0.16]) / (classes * rows)
    twice = (classes - 1) / classes + (rows - 1) / rows
    expected = 2 * 1.96 * np.sqrt(twice * variance)
    np.testing.assert_allclose(np.mean(widths, 0), expected, rtol=0.15)


def test_levels_are_the_share_of_synthesized_densities_above():
    rng = np.random.default_rng(0)
    real = rng.integers(0, 9, 30).astype(float)  # with ties
    synthesized = rng.integers(0, 9, 20).astype(float)
    counts = [(np.sum(synthesized > x) + np.sum(synthesized == x) / 2 + 0.5) / 21 for x in real]
    np.testing.assert_allclose(levels(real, synthesized), counts)


def test_classes_count_alike_however_many_rows_they_have():
    curve = Held.of("seen", [np.full(1000, 0.2), np.full(2, 0.8)], 0)
    assert curve.held[49] == 0.5
    assert (curve.classes, curve.rows) == (2, 1002)


def test_the_cost_is_bounded(world, monkeypatch):
    module = sys.modules["gsmflow_lite.shifts.coverage"]  # the room has a function of this name
    monkeypatch.setattr(module, "CLASSES_ASKED", 5)
    monkeypatch.setattr(module, "ROWS_ASKED", 7)
    generator = Known(world)
    found = coverage(world.dataset, generator, seed=3)
    assert len(generator.asked) == len(set(generator.asked)) == 10
    for curve in found.curves:
        assert (curve.classes, curve.rows) == (5, 35)
    again = coverage(world.dataset, Known(world), seed=3)
    np.testing.assert_array_equal(again.unseen.held, found.unseen.held)
    coverage(world.dataset, other := Known(world), seed=4)
    assert set(other.asked) != set(generator.asked)


def test_the_ridge_gaussian_of_a_linear_world_is_about_right():
    world = gaussian_world(8, seen=60, unseen=8, attributes=3, samples=60, noise=1.0)
    found = coverage(world.dataset, RidgeGaussian.fit(world.dataset))
    assert found.seen.gap < 0.05
    assert found.unseen.gap < 0.08


class Broken(Known):
    def __init__(self, world, answer):
        super().__init__(world)
        self.answer = answer

    def log_prob(self, x, attributes):
        return self.answer(len(x))


@pytest.mark.parametrize(
    ("answer", "got"),
    [
        (lambda n: torch.zeros(n), "got shape (300,) with 0 that"),
        (lambda n: torch.full((n, 1), torch.nan), "got shape (300, 1) with 300 that"),
    ],
)
def test_a_density_that_is_none_is_refused(answer, got):
    world = gaussian_world(3, seen=4, unseen=2, attributes=2, samples=200)
    with pytest.raises(DataError) as error:
        coverage(world.dataset, Broken(world, answer), n=260)
    assert "a finite density for each row and class" in str(error.value)
    assert got in str(error.value)


def test_a_generator_without_a_density_is_refused():
    class Plain:
        def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
            return torch.zeros(len(attributes), n, 3)

    with pytest.raises(DataError, match=r"a method log_prob\(x, attributes\), got Plain"):
        coverage(tiny_dataset(), Plain())


def test_too_few_synthesized_rows_are_refused(world):
    with pytest.raises(ConfigError, match="n of at least 10, got 9: give more"):
        coverage(world.dataset, Known(world), n=9)
