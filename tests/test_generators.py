"""Whatever imagines features speaks one language: shapes, seeds, and rows of the class that was asked for."""

import numpy as np
import pytest
import torch

from gsmflow_lite.config import ModelConfig
from gsmflow_lite.errors import DataError
from gsmflow_lite.gaussian import within_covariance
from gsmflow_lite.generators import Generator, RealSamples, RidgeGaussian
from gsmflow_lite.training import new_model

MAKE = {
    "GSMFlow": lambda dataset: new_model(dataset, ModelConfig(blocks=2, hidden=8, embedding=6)),
    "GSMFlow with a base": lambda dataset: new_model(dataset, ModelConfig(blocks=2, hidden=8, embedding=6, base="ridge")),
    "RidgeGaussian": RidgeGaussian.fit,
    "RealSamples": lambda dataset: RealSamples(dataset, np.arange(len(dataset.labels))),
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
    assert torch.equal(of_array, generator.synthesize(torch.from_numpy(dataset.attributes), 4, seed=1))


def test_the_same_seed_gives_the_same_features(dataset, generator):
    assert torch.equal(generator.synthesize(dataset.attributes, 9, seed=3), generator.synthesize(dataset.attributes, 9, seed=3))


def test_another_seed_gives_other_features(dataset, generator):
    assert not torch.equal(
        generator.synthesize(dataset.attributes, 9, seed=3), generator.synthesize(dataset.attributes, 9, seed=4)
    )


def test_the_global_random_streams_are_left_alone(dataset, generator):
    torch.manual_seed(12345)  # a state that nothing else would set by chance
    np.random.seed(12345)  # noqa: NPY002 - the stream itself
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002
    generator.synthesize(dataset.attributes, 9)
    assert torch.equal(torch.get_rng_state(), torch_before)
    np.testing.assert_equal(np.random.get_state(), numpy_before)  # noqa: NPY002


# --- the ridge-Gaussian ----------------------------------------------------------------------------------------------


def test_ridge_gaussian_samples_have_the_predicted_mean_and_the_pooled_covariance(dataset):
    generator, n = RidgeGaussian.fit(dataset), 50_000
    means = generator.base.means(torch.from_numpy(dataset.attributes)).numpy()
    covariance = within_covariance(dataset)
    scale = np.sqrt(np.diag(covariance))
    for x, mean in zip(generator.synthesize(dataset.attributes, n).double().numpy(), means, strict=True):
        assert np.abs((x.mean(0) - mean) / scale).max() < 5 / np.sqrt(n)
        assert np.abs((np.cov(x.T) - covariance) / np.outer(scale, scale)).max() < 5 * np.sqrt(2 / n)


def test_ridge_gaussian_at_temperature_zero_gives_the_predicted_mean(dataset):
    generator = RidgeGaussian.fit(dataset)
    expected = generator.base.means(torch.from_numpy(dataset.attributes))[:, None].expand(-1, 4, -1)
    torch.testing.assert_close(generator.synthesize(dataset.attributes, 4, temperature=0), expected)


def test_ridge_gaussian_temperature_scales_the_spread(dataset):
    generator = RidgeGaussian.fit(dataset)
    mean, plain, half = (generator.synthesize(dataset.attributes, 9, temperature=t) for t in (0, 1, 0.5))
    torch.testing.assert_close(half - mean, 0.5 * (plain - mean), atol=1e-5, rtol=1e-4)


def test_ridge_gaussian_samples_of_two_classes_are_independent(dataset):
    first, second = RidgeGaussian.fit(dataset).synthesize(dataset.attributes[:2], 5000)
    assert (torch.corrcoef(torch.cat([first, second], 1).T)[:3, 3:]).abs().max() < 0.08


# --- real features ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", ["train", "test_seen"])
def test_real_samples_are_rows_of_the_class_asked_for_and_of_the_rows_allowed(dataset, rows):
    allowed = getattr(dataset, rows)
    x = RealSamples(dataset, allowed).synthesize(dataset.attributes[[2, 0]], 50).numpy()
    for drawn, k in zip(x, (2, 0), strict=True):
        real = {tuple(dataset.features[i]) for i in allowed if dataset.labels[i] == k}
        assert {tuple(row) for row in drawn} == real  # each of at most eight rows turns up in 50 draws


def test_real_samples_of_a_class_without_rows_are_refused(dataset):
    generator = RealSamples(dataset, dataset.train)
    with pytest.raises(DataError, match="no class with rows has these attributes"):
        generator.synthesize(dataset.attributes[dataset.unseen_classes], 2)


def test_real_samples_of_an_unknown_description_are_refused(dataset):
    with pytest.raises(DataError, match="real features exist only for classes of the data set"):
        RealSamples(dataset, dataset.train).synthesize(dataset.attributes[:1] + 0.1, 2)


def test_real_samples_have_no_temperature(dataset):
    with pytest.raises(DataError, match=r"real features have no temperature: it must be 1, got 0\.5"):
        RealSamples(dataset, dataset.train).synthesize(dataset.attributes[:1], 2, temperature=0.5)
