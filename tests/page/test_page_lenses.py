"""Where the page places features, against the projection of the scene."""

import numpy as np
import pytest
import torch
from engine import NAMES, asked, engine_page, worlds

from gsmflow_lite.explorer.scene import proportions

COUNT = 20


@pytest.fixture(scope="module")
def page():
    with engine_page() as page:
        yield page


@pytest.fixture(params=NAMES)
def both(request, page):
    """The world, what the page says of its classes, and the same features in proportion."""
    world = worlds()[request.param]
    attributes = torch.from_numpy(world.dataset.attributes[world.chosen])
    features = world.flows[0].model.synthesize(attributes, COUNT, seed=2).flatten(0, 1).numpy()
    result = asked(page, "classes", request.param, flow=0, count=COUNT, seed=2)
    return world, result, proportions(world.dataset, features)


def test_the_linear_lens_is_that_of_the_scene(both):
    world, result, space = both
    expected = world.scene.projection.pca(space)
    error = np.abs(np.reshape(result["pca"], (-1, 2)) - expected)
    assert error.max() < 2e-3 * np.abs(expected).max()


def test_places_on_the_map_are_those_of_the_scene(both):
    world, result, space = both
    expected = world.scene.projection.place(space)
    size = np.ptp(world.scene.real.umap, axis=0).max()
    error = np.abs(np.reshape(result["umap"], (-1, 2)) - expected).max(1)
    # A feature between two crowds goes to the other one if a last digit says so.
    assert np.quantile(error, 0.95) < 0.01 * size
    assert np.median(error) < 0.001 * size


def test_the_nearest_real_row_and_its_distance_are_those_of_the_scene(both):
    world, result, space = both
    distance, near = world.scene.projection.nearest(space)
    expected = distance / world.scene.projection.usual_distance
    np.testing.assert_allclose(result["far"], expected, rtol=5e-3)
    assert np.mean(np.array(result["near"]) == near) > 0.98


def test_a_real_row_lies_on_itself(page):
    script = """(rows) => rows.map((row) => {
      const world = worlds[0];
      const own = world.real.space.subarray(row * world.width, (row + 1) * world.width);
      const { places, near, far } = placeOnMap(own, world.real, world.header.map);
      return [near[0], far[0], ...places];
    })"""
    rows = [0, 77, 1200]
    umap = worlds()["letters"].scene.real.umap[rows]
    found = np.array(page.evaluate(script, rows))
    assert found[:, 0].tolist() == rows
    assert (found[:, 1] == 0).all()
    np.testing.assert_allclose(found[:, 2:], umap, atol=1e-3)
