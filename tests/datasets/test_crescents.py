"""The crescents follow their closed form, and their attributes are true."""

from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal

from gsmflow_lite.datasets import crescent_world, load
from gsmflow_lite.datasets.crescents import REACH, TURN, WIDTHS
from gsmflow_lite.errors import ConfigError, DataError
from gsmflow_lite.explorer.anatomy import box_around, density


def bent_and_placed(u, mean, bend):
    """The formula of the docstring, for one sample."""
    bent = u[1] + bend * (u[0] ** 2 - WIDTHS[0] ** 2)
    turned = torch.from_numpy(TURN) @ torch.stack([u[0], bent])
    return turned + torch.from_numpy(mean)


def test_the_density_of_a_crescent_is_the_change_of_variables_of_its_gaussian():
    world = crescent_world()
    gaussian = multivariate_normal([0, 0], np.diag(np.square(WIDTHS)))
    rows = torch.from_numpy(np.random.default_rng(0).standard_normal((5, 2)) * WIDTHS)
    for k in (0, 3):
        bend = partial(bent_and_placed, mean=world.means[k], bend=world.bends[k])
        for row in rows:
            jacobian = torch.autograd.functional.jacobian(bend, row)
            expected = gaussian.logpdf(row.numpy()) - torch.linalg.slogdet(jacobian)[1].item()
            found = world.log_prob(bend(row).numpy()[None], k)[0]
            assert found == pytest.approx(expected)


def test_the_true_density_integrates_to_one():
    world = crescent_world()
    for k in (0, 3):
        box = box_around(world.sample(k, 5000, seed=1), 0.2)
        assert density(world, k, box, cells=400).mass == pytest.approx(1, abs=1e-3)


def test_samples_of_a_crescent_follow_its_density():
    """In each of 20 x 20 cells, the share of samples is the integral of the density."""
    world = crescent_world()
    box = box_around(world.sample(3, 50_000, seed=1), 0.0)
    x, y = world.sample(3, 200_000, seed=2).T
    counts, _, _ = np.histogram2d(x, y, bins=20, range=(box[:2], box[2:]))

    coarse = density(world, 3, box, cells=20)
    width = coarse.x[1] - coarse.x[0]
    height = coarse.y[1] - coarse.y[0]
    fine = density(world, 3, box, cells=400).values
    mean_density = fine.reshape(20, 20, 20, 20).mean((1, 3))
    assert_allclose(counts.T / 200_000, mean_density * width * height, atol=0.003)


def test_rows_of_a_class_lie_around_the_mean_that_its_attributes_name():
    world = crescent_world(samples=4000)
    d = world.dataset
    means = [d.features[d.labels == k].mean(0) for k in range(len(world.means))]
    assert_allclose(means, REACH * d.attributes[:, :2], atol=0.06)
    assert_array_equal(world.bends.astype(np.float32), d.attributes[:, 2])


def test_the_bend_is_the_curvature_of_the_rows_in_the_turned_frame():
    world = crescent_world(samples=4000)
    d = world.dataset
    for k in range(len(world.means)):
        v = (d.features[d.labels == k] - world.means[k]) @ TURN
        curvature = np.polyfit(v[:, 0], v[:, 1], 2)[0]
        assert curvature == pytest.approx(world.bends[k], abs=0.03)


def test_the_same_seed_gives_the_same_world_and_another_another():
    first = crescent_world(seed=1).dataset.features
    assert_array_equal(crescent_world(seed=1).dataset.features, first)
    assert not np.allclose(crescent_world(seed=2).dataset.features, first)


def test_the_unseen_crescents_are_those_nearest_to_the_middle_of_the_map():
    d = crescent_world().dataset
    distance = np.hypot(d.attributes[:, 0], d.attributes[:, 1])
    assert set(np.argsort(distance)[:2]) == set(d.unseen_classes)


@pytest.mark.parametrize("number", [-1, 16])
def test_a_crescent_that_is_not_there_is_refused(number):
    for ask in (
        lambda world: world.sample(number, 5),
        lambda world: world.log_prob(np.zeros((1, 2)), number),
    ):
        with pytest.raises(DataError, match=f"a class must be a number from 0 to 15, got {number}"):
            ask(crescent_world())


@pytest.mark.parametrize(("size", "least"), [("seen", 2), ("unseen", 1), ("samples", 2)])
def test_a_world_without_enough_classes_or_rows_is_refused(size, least):
    with pytest.raises(ConfigError, match=f"{size} must be at least {least}, got {least - 1}"):
        crescent_world(**{size: least - 1})


def test_the_crescents_can_be_loaded_by_the_name_of_their_data_set():
    dataset = crescent_world().dataset
    assert_array_equal(load(dataset.name).features, dataset.features)
