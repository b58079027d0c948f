"""Half steps add up to the model and undo each other; densities are those of closed forms."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from flows import A, normal, random_model
from scipy import integrate
from scipy.stats import multivariate_normal

from gsmflow_lite.datasets import crescent_world
from gsmflow_lite.datasets.crescents import TURN
from gsmflow_lite.errors import ConfigError, DataError
from gsmflow_lite.events import Epoch
from gsmflow_lite.explorer import anatomy
from gsmflow_lite.explorer.anatomy import (
    Density,
    box_around,
    density,
    grid_lines,
    normal_circles,
    small_flow,
    to_data,
    to_noise,
    world_flow,
)

STARTS = pytest.mark.parametrize("start", [False, True], ids=["no start", "with a start"])


@pytest.fixture(scope="module")
def trained():
    return world_flow(seed=0)


# --- journeys ------------------------------------------------------------------------------------


@STARTS
def test_a_journey_ends_where_the_model_does(start):
    model, x, a = random_model(start=start), normal(20, 2), normal(1, A, seed=2)
    expected = model(x, a)[0].detach().numpy()
    np.testing.assert_allclose(to_noise(model, x, a).points[-1], expected, rtol=1e-12)


@STARTS
def test_log_dets_of_the_moves_add_up_to_the_autograd_jacobian(start):
    model, x, a = random_model(start=start), normal(4, 2), normal(1, A, seed=2)
    jacobians = torch.stack(
        [torch.autograd.functional.jacobian(lambda v: model(v[None], a)[0][0], row) for row in x]
    )
    expected = torch.linalg.slogdet(jacobians).logabsdet
    assert (expected.abs() > 0.01).all()
    np.testing.assert_allclose(to_noise(model, x, a).log_dets.sum(0), expected.numpy(), rtol=1e-9)


def test_each_move_adds_its_own_log_det_as_areas_say():
    model, a = random_model(), normal(1, A, seed=2)
    corner, side = np.array([0.3, -0.4]), 1e-6
    square = corner + side * np.array([[0, 0], [1, 0], [0, 1]])
    journey = to_noise(model, square, a)
    edges = journey.points[:, 1:] - journey.points[:, :1]  # (S, 2, 2)
    areas = np.abs(np.linalg.det(edges))
    np.testing.assert_allclose(np.diff(np.log(areas)), journey.log_dets[1:, 0], atol=1e-4)


@STARTS
@pytest.mark.parametrize("blocks", [1, 3])
def test_there_are_two_moves_for_each_block_and_one_for_the_start(blocks, start):
    journey = to_noise(random_model(start=start, blocks=blocks), normal(5, 2), normal(1, A, seed=2))
    assert (
        len(journey)
        == len(journey.names)
        == len(journey.points)
        == len(journey.log_dets)
        == 1 + start + 2 * blocks
    )


def test_steps_are_named_in_plain_words():
    model, x, a = random_model(blocks=1), normal(5, 2), normal(1, A, seed=2)
    assert to_noise(model, x, a).names == (
        "data",
        "start, centred and scaled",
        "block 1, sideways",
        "block 1, up and down",
    )
    assert to_data(model, x, a).names == (
        "noise",
        "block 1 undone, up and down",
        "block 1 undone, sideways",
        "start undone, in its place",
    )


def test_the_places_of_a_model_with_one_block_follow_the_formula_of_the_paper():
    model, x, a = random_model(start=False, blocks=1), normal(20, 2), normal(1, A, seed=2)
    block, c = model.flow.blocks[0], model.flow.condition(model.embed(a))
    s, t = block.net2(x[:, 1:], c[1]).chunk(2, dim=1)
    y1 = x[:, :1] * (0.636 * s.atan()).exp() + t
    s, t = block.net1(y1, c[0]).chunk(2, dim=1)
    y2 = x[:, 1:] * (0.636 * s.atan()).exp() + t
    expected = (
        torch.stack([x, torch.cat([y1, x[:, 1:]], 1), torch.cat([y1, y2], 1)]).detach().numpy()
    )
    np.testing.assert_allclose(to_noise(model, x, a).points, expected, rtol=1e-12)


def test_a_half_step_moves_points_along_one_axis_only():
    journey = to_noise(random_model(start=False, blocks=3), normal(20, 2), normal(1, A, seed=2))
    moved = np.abs(np.diff(journey.points, axis=0)).max(1)  # (moves, axis)
    np.testing.assert_array_equal(moved > 1e-3, [[True, False], [False, True]] * 3)
    assert (moved[0::2, 1] == 0).all()
    assert (moved[1::2, 0] == 0).all()


@STARTS
def test_the_way_back_visits_the_same_places_in_reverse(start):
    model, x, a = random_model(start=start, blocks=3), normal(20, 2), normal(1, A, seed=2)
    there = to_noise(model, x, a)
    back = to_data(model, there.points[-1], a)
    np.testing.assert_allclose(back.points, there.points[::-1], atol=1e-9)


@STARTS
def test_the_way_back_takes_the_log_det_of_each_move_away_again(start):
    model, x, a = random_model(start=start, blocks=3), normal(20, 2), normal(1, A, seed=2)
    there = to_noise(model, x, a)
    back = to_data(model, there.points[-1], a)
    np.testing.assert_allclose(back.log_dets[1:], -there.log_dets[:0:-1], atol=1e-9)


def test_a_journey_begins_with_the_points_handed_in_and_no_log_det():
    model, x = random_model(), normal(20, 2)
    for walk in (to_noise, to_data):
        journey = walk(model, x, normal(1, A, seed=2))
        np.testing.assert_array_equal(journey.points[0], x.numpy())
        assert (journey.log_dets[0] == 0).all()


def test_rows_that_are_not_numbers_stay_so_and_disturb_no_other():
    model, x, a = random_model(), normal(20, 2), normal(1, A, seed=2)
    holed = x.clone()
    holed[7] = torch.nan
    journey, whole = to_noise(model, holed, a), to_noise(model, x, a)
    assert np.isnan(journey.points[:, 7]).all()
    np.testing.assert_allclose(
        np.delete(journey.points, 7, 1), np.delete(whole.points, 7, 1), rtol=1e-12
    )


def test_points_of_another_width_are_refused():
    with pytest.raises(
        DataError,
        match=r"points must be \(N, 2\).* got shape \(5, 3\) and 2 features: try world_flow",
    ):
        to_noise(random_model(), normal(5, 3), normal(1, A))


def test_a_model_of_more_features_is_refused():
    with pytest.raises(DataError, match=r"got shape \(5, 2\) and 4 features: try world_flow"):
        to_data(random_model(features=4), normal(5, 2), normal(1, A))


def test_two_classes_at_once_are_refused():
    with pytest.raises(
        DataError,
        match=r"attributes must describe one class, \(1, A\), got shape \(2, 3\): take one row",
    ):
        to_noise(random_model(), normal(5, 2), normal(2, A))


# --- boxes and grids -----------------------------------------------------------------------------


def test_a_box_is_a_square_around_all_points_with_room():
    assert box_around(np.array([[0.0, 1.0], [4.0, 2.0], [np.nan, np.nan]]), 0.25) == (
        -1.0,
        5.0,
        -1.5,
        4.5,
    )


def test_a_grid_has_straight_lines_at_even_distances_from_border_to_border():
    pieces = np.split(grid_lines((-1, 3, 0, 1), lines=5, detail=4), 10)
    assert all(np.isnan(piece[-1]).all() and np.isfinite(piece[:-1]).all() for piece in pieces)
    for i, piece in enumerate(pieces[:5]):
        np.testing.assert_allclose(
            piece[:-1], [[-1 + i, height] for height in (0, 1 / 3, 2 / 3, 1)]
        )
    for i, piece in enumerate(pieces[5:]):
        np.testing.assert_allclose(
            piece[:-1], [[across, i / 4] for across in (-1, 1 / 3, 5 / 3, 3)]
        )


@pytest.mark.parametrize(("lines", "detail"), [(1, 5), (5, 1)])
def test_a_grid_of_less_than_two_lines_or_points_is_refused(lines, detail):
    with pytest.raises(
        ConfigError, match=f"lines and detail must be at least 2, got {lines} and {detail}"
    ):
        grid_lines((0, 1, 0, 1), lines, detail)


@pytest.mark.parametrize("box", [(1, 0, 0, 1), (0, 1, 2, 2), (0, np.nan, 0, 1), (0, np.inf, 0, 1)])
def test_a_box_without_an_inside_is_refused(box):
    with pytest.raises(
        ConfigError, match=r"a box must be \(left, right, bottom, top\) with left < right"
    ):
        grid_lines(box)


# --- densities -----------------------------------------------------------------------------------


class Gaussian:
    """A correlated Gaussian as scipy has it, in the shape of a world."""

    covariance = np.array([[1.0, 0.6], [0.6, 0.8]])

    def log_prob(self, features, number):
        return multivariate_normal([0.5, -0.2], self.covariance).logpdf(features)


def test_a_density_has_at_each_cell_what_the_model_says_there():
    model, a = random_model(), normal(1, A, seed=2)
    d = density(model, a, (-2, 1, 0, 6), cells=7)
    x, y = torch.tensor([[-2 + 3 * 5.5 / 7, 6 * 2.5 / 7]], dtype=torch.float64)[0]
    z, log_det = model(torch.stack([x, y])[None], a)
    latent = multivariate_normal([0, 0]).logpdf(z[0].detach().numpy())
    assert d.values[2, 5] == pytest.approx(
        np.exp(latent + log_det.item())
    )  # third row from the bottom, sixth column
    assert (d.x[5], d.y[2]) == pytest.approx((x.item(), y.item()))


def test_the_mass_of_a_gaussian_in_a_box_is_that_of_its_distribution_function():
    left, right, bottom, top = box = (-1.0, 1.5, -0.7, 2.0)
    exact, _ = integrate.dblquad(
        lambda y, x: np.exp(Gaussian().log_prob([x, y], 0)), left, right, bottom, top
    )
    assert exact < 0.9
    assert density(Gaussian(), 0, box, cells=300).mass == pytest.approx(exact, abs=1e-4)


def test_the_density_of_a_model_integrates_to_one():
    assert density(
        random_model(), normal(1, A, seed=2), (-25, 25, -25, 25), cells=800
    ).mass == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_the_level_of_a_share_is_the_closed_form_of_a_gaussian(share):
    peak = 1 / (2 * np.pi * np.sqrt(np.linalg.det(Gaussian.covariance)))
    assert density(Gaussian(), 0, (-6, 7, -7, 6), cells=400).level(share) == pytest.approx(
        (1 - share) * peak, rel=0.01
    )


def test_lines_of_a_standard_normal_are_the_circles_of_its_shares():
    x = np.linspace(-5, 5, 401)
    x = (x[1:] + x[:-1]) / 2
    standard = Density(np.exp(-0.5 * (x**2 + x[:, None] ** 2)) / (2 * np.pi), (-5, 5, -5, 5))
    for share in anatomy.SHARES:
        radii = [
            np.sqrt(np.nansum(curve([share]) ** 2, axis=1))
            for curve in (standard.lines, normal_circles)
        ]
        assert radii[0][:-1].mean() == pytest.approx(radii[1][:-1].mean(), abs=0.02)


def test_circles_hold_the_share_of_normal_points_that_they_promise(rng):
    z = rng.standard_normal((100_000, 2))
    for share in anatomy.SHARES:
        radius = np.nanmax(normal_circles([share])[:, 0])
        assert np.mean(np.linalg.norm(z, axis=1) < radius) == pytest.approx(share, abs=0.005)


def test_lines_enclose_points_of_a_high_box_upright():
    d = density(Gaussian(), 0, (-3, 4, -9, 8), cells=120)
    curve = d.lines([0.9])
    assert np.nanmean(curve, axis=0) == pytest.approx([0.5, -0.2], abs=0.05)
    slope = np.cov(curve[np.isfinite(curve[:, 0])].T)
    assert slope[0, 1] > 0  # as its covariance


def test_a_density_of_two_classes_is_refused():
    with pytest.raises(
        DataError, match="a density must be of one class, got 2: take one row of attributes"
    ):
        density(random_model(), normal(2, A), (0, 1, 0, 1), cells=5)


def test_a_density_of_one_cell_is_refused():
    with pytest.raises(ConfigError, match="cells must be at least 2, got 1"):
        density(Gaussian(), 0, (0, 1, 0, 1), cells=1)


@pytest.mark.parametrize("share", [0, 1, -0.1])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ConfigError, match=f"a share must lie between 0 and 1, got {share}"):
        density(Gaussian(), 0, (0, 1, 0, 1), cells=5).level(share)


# --- the trained flow ----------------------------------------------------------------------------


def test_the_trained_flow_bends_where_a_gaussian_cannot(trained):
    world, model = trained
    gains = []
    for k in world.dataset.seen_classes:
        x, a = world.sample(k, 1000, seed=9), world.dataset.attributes[k : k + 1]
        truth, found = world.log_prob(x, k).mean(), model.log_prob(x, a).mean().item()
        fitted = (
            multivariate_normal(x.mean(0), np.cov(x.T)).logpdf(x).mean()
        )  # a Gaussian of its own for each class
        assert truth - found < 0.15  # nats: the Kullback-Leibler divergence
        gains.append(found - fitted)
    assert np.mean(gains) > 0.3


def test_the_trained_flow_bends_a_class_as_its_attribute_says(trained):
    _, model = trained
    place = np.array([0.2, -0.1])
    for bend in (-0.8, 0.8):
        made = model.synthesize(np.array([[*place, bend]]), 4000, seed=0)[0].numpy()
        v = (made - made.mean(0)) @ TURN
        inner = np.abs(v[:, 0]) < 1.2
        assert np.polyfit(*v[inner].T, 2)[0] == pytest.approx(bend, abs=0.35)


def test_the_density_of_the_trained_flow_integrates_to_one(trained):
    world, model = trained
    for k in world.dataset.unseen_classes:
        box = box_around(world.sample(k, 2000, seed=1), 0.5)
        assert density(model, world.dataset.attributes[k : k + 1], box).mass == pytest.approx(
            1, abs=0.01
        )


def test_training_again_gives_the_same_weights():
    first, second = (world_flow(seed=3, epochs=2)[1].state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_training_is_watched_event_by_event():
    events = []
    world_flow(epochs=3, watch=events.append)
    assert [event.epoch for event in events if isinstance(event, Epoch)] == [1, 2, 3]


def test_an_untrained_flow_is_nearly_the_gaussian_of_its_start():
    dataset = crescent_world().dataset
    journey = to_noise(small_flow(dataset, epochs=0), dataset.features[:50], dataset.attributes[:1])
    assert (
        np.abs(np.diff(journey.points, axis=0))[1:].max()
        < 0.3
        < np.abs(np.diff(journey.points, axis=0))[0].max()
    )


def test_importing_it_loads_no_drawing_library():
    code = "import sys, gsmflow_lite.explorer; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert {"plotly", "matplotlib", "contourpy"}.isdisjoint(done.stdout.split())
