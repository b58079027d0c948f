"""What becomes of a data set is the same for features on disk and in memory."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from feature_files import ROWS, WIDTH, assert_close, write_npy
from numpy.testing import assert_allclose, assert_array_equal

from gsmflow_lite import MiningConfig, ModelConfig, TrainingConfig, fit, new_model
from gsmflow_lite.datasets import Preprocessing, open_features
from gsmflow_lite.datasets.statistics import class_means, within_covariance
from gsmflow_lite.generators.stored import RealSamples
from gsmflow_lite.method.start import GaussianStart, ridge_means

pytestmark = pytest.mark.usefixtures("small_blocks")


def assert_same_preprocessing(found, expected):
    assert_allclose(found.offset, expected.offset, rtol=1e-5, atol=1e-6)
    assert_allclose(found.scale, expected.scale, rtol=1e-5, atol=1e-6)
    assert (found.basis is None) == (expected.basis is None)
    if found.basis is not None:
        assert_allclose(found.basis, expected.basis, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "components"),
    [
        ("none", None),
        ("min-max", None),
        ("standardise", None),
        ("pca", None),
        ("pca", 2),
        ("whitened-pca", 3),
    ],
)
def test_preprocessing_on_disk_equals_that_in_memory(kind, components, inner, outer):
    expected = inner.preprocessed(kind, components)
    found = outer.preprocessed(kind, components)
    assert_same_preprocessing(found.preprocessing, expected.preprocessing)
    assert found.features.shape == expected.features.shape
    assert_close(found.features, expected.features)
    assert_close(found.transformed(expected.preprocessing).features, expected.features)


@pytest.mark.parametrize("kind", ["min-max", "standardise", "whitened-pca"])
def test_a_constant_column_on_disk_is_treated_as_in_memory(kind, plain, tmp_path):
    plain[:, 2] = 0.375
    found = Preprocessing.fit(kind, open_features(write_npy(tmp_path, plain)))
    expected = Preprocessing.fit(kind, plain)
    assert_allclose(found.scale, expected.scale, rtol=1e-5)


def test_validation_folds_are_those_in_memory(inner, outer):
    for number in range(2):
        expected = inner.preprocessed("standardise").validation_fold(number)
        found = outer.preprocessed("standardise").validation_fold(number)
        assert_close(found.features, expected.features)
        for name in ("labels", "train", "test_seen", "test_unseen", "attributes"):
            assert_array_equal(getattr(found, name), getattr(expected, name))


def test_half_of_the_unseen_rows_are_those_in_memory(inner, outer):
    expected_rows, expected = inner.split_unseen()
    rows, found = outer.split_unseen()
    assert_array_equal(rows, expected_rows)
    assert_close(found.features, expected.features)


@pytest.fixture(params=["none", "standardise"])
def both(request, inner, outer):
    """The same data in memory and on disk."""
    return inner.preprocessed(request.param), outer.preprocessed(request.param)


def test_class_means_are_those_in_memory(both):
    in_memory, on_disk = both
    classes = np.array([11, 2, 5])  # in no order, and an unseen one among them
    rows = np.concatenate([in_memory.test_unseen, in_memory.train])
    means = class_means(on_disk, classes, rows)
    assert_allclose(means, class_means(in_memory, classes, rows), rtol=1e-5, atol=1e-6)


def test_the_covariance_within_classes_is_that_in_memory(both):
    in_memory, on_disk = both
    covariance = within_covariance(on_disk)
    assert_allclose(covariance, within_covariance(in_memory), rtol=1e-5, atol=1e-5)


def test_the_ridge_gaussian_is_that_in_memory(both):
    in_memory, on_disk = both
    means = ridge_means(on_disk)
    torch.testing.assert_close(means, ridge_means(in_memory), rtol=1e-4, atol=1e-5)

    root = GaussianStart.fit(on_disk).root
    expected = GaussianStart.fit(in_memory).root
    torch.testing.assert_close(root, expected, rtol=1e-4, atol=1e-5)


def test_class_means_on_disk_equal_a_loop(outer, plain):
    found = class_means(outer, outer.seen_classes, outer.train)
    for mean, k in zip(found, outer.seen_classes, strict=True):
        own = [plain[i].astype(float) for i in outer.train if outer.labels[i] == k]
        assert_allclose(mean, sum(own) / len(own), rtol=1e-6)


def test_real_samples_are_those_in_memory(inner, outer):
    attributes = torch.from_numpy(inner.attributes[inner.unseen_classes])
    in_memory = RealSamples(inner, inner.test_unseen).synthesize(attributes, 4, seed=2)
    on_disk = RealSamples(outer, outer.test_unseen).synthesize(attributes, 4, seed=2)
    assert torch.equal(on_disk, in_memory)


def trained_weights(dataset):
    shape = ModelConfig(blocks=1, hidden=8, embedding=4, start="ridge-gaussian")
    mining = MiningConfig(epochs=1, hidden=8, loops=1)
    training = TrainingConfig(epochs=2, batch=40, mining=mining)
    model = new_model(dataset, shape, seed=0)
    for _ in fit(model, dataset, training, seed=0, device="cpu"):
        pass
    return model.state_dict()


def test_a_flow_trained_from_disk_is_that_trained_from_memory(inner, outer):
    in_memory = trained_weights(inner.preprocessed("min-max"))
    on_disk = trained_weights(outer.preprocessed("min-max"))
    torch.testing.assert_close(on_disk, in_memory, rtol=1e-3, atol=1e-4)


def decoded(dataset):
    """Pictures of the first rows, from preprocessed features."""
    pictured = replace(dataset, decode=lambda x: x.reshape(-1, 1, WIDTH))
    whitened = pictured.preprocessed("whitened-pca")
    return whitened.decode(whitened.features[:9])


def test_pictures_are_decoded_from_preprocessed_rows(inner, outer):
    assert_allclose(decoded(outer), decoded(inner), rtol=1e-3, atol=1e-3)


def test_the_data_set_says_how_large_it_is(outer):
    assert "132 rows x 5 features" in repr(outer)
    assert outer.features.nbytes == ROWS * WIDTH * 4
