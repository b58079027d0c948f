"""Every generator speaks one language: shapes, seeds, and features of the class asked for."""

import numpy as np
import pytest
import torch

from gsmflow_lite.config import ModelConfig
from gsmflow_lite.errors import DataError
from gsmflow_lite.generators import AtTemperature, FromFile, Generator, RealSamples, RidgeGaussian
from gsmflow_lite.method.training import new_model

SMALL = {"blocks": 2, "hidden": 8, "embedding": 6}
MAKE = {
    "GSMFlow": lambda d: new_model(d, ModelConfig(**SMALL)),
    "GSMFlow with a start": lambda d: new_model(d, ModelConfig(**SMALL, start="ridge")),
    "RidgeGaussian": RidgeGaussian.fit,
    "RealSamples": lambda d: RealSamples(d, np.arange(len(d.labels))),
    "FromFile": lambda d: FromFile(d, d.features, d.labels),
}


@pytest.fixture
def dataset(make_dataset):
    return make_dataset()


@pytest.fixture(params=MAKE)
def generator(request, dataset):
    return MAKE[request.param](dataset)


def test_every_generator_speaks_the_protocol(generator):
    assert isinstance(generator, Generator)


def test_what_cannot_synthesize_is_no_generator():
    assert not isinstance(torch.nn.Identity(), Generator)


@pytest.mark.parametrize(("classes", "n"), [(1, 1), (6, 4), (2, 100)])
def test_features_come_as_classes_by_samples_by_width(dataset, generator, classes, n):
    x = generator.synthesize(torch.from_numpy(dataset.attributes[:classes]), n)
    assert isinstance(x, torch.Tensor)
    assert (x.shape, x.dtype) == ((classes, n, 3), torch.float32)
    assert x.isfinite().all()


def test_attributes_may_be_an_array(dataset, generator):
    of_array = generator.synthesize(dataset.attributes, 4, seed=1)
    of_tensor = generator.synthesize(torch.from_numpy(dataset.attributes), 4, seed=1)
    assert torch.equal(of_array, of_tensor)


def test_the_same_seed_gives_the_same_features(dataset, generator):
    first = generator.synthesize(dataset.attributes, 9, seed=3)
    assert torch.equal(first, generator.synthesize(dataset.attributes, 9, seed=3))


def test_another_seed_gives_other_features(dataset, generator):
    first = generator.synthesize(dataset.attributes, 9, seed=3)
    assert not torch.equal(first, generator.synthesize(dataset.attributes, 9, seed=4))


def test_the_global_stream_of_torch_is_left_alone(dataset, generator):
    torch.manual_seed(12345)  # a state that nothing else would set by chance
    before = torch.get_rng_state()
    generator.synthesize(dataset.attributes, 9)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_global_stream_of_numpy_is_left_alone(dataset, generator):
    np.random.seed(12345)  # noqa: NPY002 - the stream itself
    before = np.random.get_state()  # noqa: NPY002
    generator.synthesize(dataset.attributes, 9)
    np.testing.assert_equal(np.random.get_state(), before)  # noqa: NPY002


# --- Another temperature ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["GSMFlow", "RidgeGaussian"])
def test_a_generator_at_a_temperature_synthesizes_as_its_source_does_at_that(name, dataset):
    source = MAKE[name](dataset)
    attributes = torch.from_numpy(dataset.attributes)
    cool = AtTemperature(source, 0.3)
    assert isinstance(cool, Generator)
    expected = source.synthesize(attributes, 4, temperature=0.3, seed=5)
    assert not torch.allclose(expected, source.synthesize(attributes, 4, seed=5))
    torch.testing.assert_close(cool.synthesize(attributes, 4, seed=5), expected)


def test_temperatures_multiply(dataset):
    source = RidgeGaussian.fit(dataset)
    attributes = torch.from_numpy(dataset.attributes)
    nested = AtTemperature(AtTemperature(source, 0.5), 3.0)
    features = nested.synthesize(attributes, 4, temperature=2.0, seed=1)
    expected = source.synthesize(attributes, 4, temperature=3.0, seed=1)
    torch.testing.assert_close(features, expected)


def test_real_features_have_no_temperature_by_a_detour_either(dataset):
    detour = AtTemperature(MAKE["RealSamples"](dataset), 0.5)
    with pytest.raises(DataError, match="have no temperature"):
        detour.synthesize(torch.from_numpy(dataset.attributes), 2)
