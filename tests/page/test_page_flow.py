"""Samples, log-densities and pictures of the page against those of PyTorch."""

import numpy as np
import pytest
import torch
from engine import NAMES, asked, each_flow, engine_page, worlds

from gsmflow_lite.figures.ink import as_light

PRECISION = 1e-3  # of the norm; weights of the page are in half precision
DENSITY = """([world, flow, x, attributes]) => {
  const rows = Float32Array.from(x);
  return plain(worlds[world].flow(flow).logDensity(rows, Float32Array.from(attributes)));
}"""


@pytest.fixture(scope="module")
def page():
    with engine_page() as page:
        yield page


def assert_close(given, expected):
    expected = np.asarray(expected, np.float64)
    error = np.linalg.norm(np.reshape(given, expected.shape) - expected)
    assert error <= PRECISION * np.linalg.norm(expected)


@pytest.mark.parametrize(("name", "number"), each_flow())
def test_samples_are_those_of_the_model(page, name, number):
    world = worlds()[name]
    attributes = torch.from_numpy(world.dataset.attributes[world.chosen])
    expected = world.flows[number].model.synthesize(attributes, 5, temperature=0.7, seed=4)
    result = asked(page, "classes", name, flow=number, count=5, temperature=0.7, seed=4)
    assert_close(result["features"], expected.flatten(0, 1).numpy())
    assert result["labels"] == world.chosen.repeat(5).tolist()


@pytest.mark.parametrize(("name", "number"), each_flow())
def test_densities_are_those_of_the_model(page, name, number):
    world = worlds()[name]
    model = world.flows[number].model
    attributes = world.dataset.attributes[world.chosen[:1]]
    x = model.synthesize(torch.from_numpy(attributes), 6).flatten(0, 1)
    expected = model.log_prob(x, torch.from_numpy(attributes)).numpy()[:, 0]
    given = [NAMES.index(name), number, x.flatten().tolist(), attributes[0].tolist()]
    np.testing.assert_allclose(page.evaluate(DENSITY, given), expected, rtol=2e-3)


@pytest.mark.parametrize("name", NAMES)
def test_an_imagined_class_has_a_typical_row_first(page, name):
    world = worlds()[name]
    attributes = world.dataset.attributes[world.chosen[1]]
    model = world.flows[0].model
    one = torch.from_numpy(attributes)[None]
    expected = torch.cat([model.synthesize(one, 1, temperature=0), model.synthesize(one, 4)], 1)
    given = {"flow": 0, "attributes": attributes.tolist(), "count": 4, "typical": True}
    result = asked(page, "imagine", name, **given)
    assert result["count"] == 5
    assert_close(result["features"], expected[0].numpy())

    readout = world.scene.readout
    mean = expected[0, 1:].double().mean(0).numpy()
    assert_close(result["read"], readout.typical + readout.spread * readout.read(mean))


@pytest.mark.parametrize("name", NAMES[:2])
def test_pictures_are_those_that_features_decode_to(page, name):
    world = worlds()[name]
    attributes = world.dataset.attributes[world.chosen[0]]
    features = world.flows[0].model.synthesize(torch.from_numpy(attributes)[None], 12, seed=1)
    expected = as_light(world.dataset.decode(features[0].numpy())).astype(float)
    given = {"flow": 0, "attributes": attributes.tolist(), "count": 12, "seed": 1}
    light = np.reshape(asked(page, "imagine", name, **given)["pictures"], expected.shape)
    np.testing.assert_allclose(light, expected, atol=3)
    assert light.std() > 30


@pytest.mark.parametrize("name", NAMES[:2])
def test_pictures_of_real_rows_are_those_of_their_features(page, name):
    world = worlds()[name]
    rows = [3, 400, 1]
    features = world.dataset.features[world.scene.rows[rows]]
    expected = as_light(world.dataset.decode(features)).astype(float)
    light = np.reshape(asked(page, "picturesOf", name, rows=rows)["pictures"], expected.shape)
    np.testing.assert_allclose(light, expected, atol=3)


def test_a_sweep_goes_from_the_lowest_to_the_highest_value(page):
    world = worlds()["letters"]
    place = 2
    attributes = world.dataset.attributes[world.chosen[0]]
    column = world.dataset.attributes[:, place]
    swept = attributes[None].repeat(5, 0)
    swept[:, place] = np.linspace(column.min(), column.max(), 5)
    features = world.flows[0].model.synthesize(torch.from_numpy(swept), 1, temperature=0)
    expected = as_light(world.dataset.decode(features[:, 0].numpy())).astype(float)
    given = {"flow": 0, "attributes": attributes.tolist(), "attribute": place, "steps": 5}
    result = asked(page, "sweep", "letters", **given)
    assert_close(result["values"], swept[:, place])
    np.testing.assert_allclose(np.reshape(result["pictures"], expected.shape), expected, atol=3)


def test_a_world_without_a_decoder_has_no_pictures(page):
    assert asked(page, "picturesOf", "odd", rows=[0, 1])["pictures"] is None
