"""Preprocessing agrees with scikit-learn, can be undone, and never sees a test row."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import PCA
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from gsmflow_lite.datasets import Preprocessing
from gsmflow_lite.errors import ConfigError, DataError

PEERS = {
    "min-max": lambda width: MinMaxScaler(),
    "standardise": lambda width: StandardScaler(),
    "whitened-pca": lambda width: PCA(width, whiten=True, svd_solver="full"),
}


@pytest.mark.parametrize("kind", PEERS)
def test_preprocessing_agrees_with_scikit_learn_fitted_on_train(kind, rng):
    train = rng.standard_normal((200, 4)) @ rng.standard_normal((4, 4)) + 3
    other = rng.standard_normal((50, 4)) @ rng.standard_normal((4, 4)) + 3
    ours = Preprocessing.fit(kind, train).transform(other)
    theirs = PEERS[kind](4).fit(train).transform(other)
    if kind == "whitened-pca":  # an axis is known up to its sign; scikit-learn divides by n - 1
        theirs = theirs * np.sign((ours * theirs).sum(0)) * np.sqrt(200 / 199)
    assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_pca_keeps_proportions_of_distances(rng):
    x = rng.standard_normal((200, 4)) * [5, 3, 1, 0.5]
    z = Preprocessing.fit("pca", x).transform(x)
    before = np.linalg.norm(x[:100] - x[100:], axis=1)
    after = np.linalg.norm(z[:100] - z[100:], axis=1)
    ratio = after / before
    assert_allclose(ratio, np.full(100, ratio[0]), rtol=1e-4)


@pytest.mark.parametrize("kind", ["none", "min-max", "standardise", "pca", "whitened-pca"])
def test_preprocessing_is_invertible(kind, rng):
    x = (rng.standard_normal((50, 5)) * [1, 10, 0.1, 3, 1] + 4).astype(np.float32)
    fitted = Preprocessing.fit(kind, x)
    assert_allclose(fitted.inverse(fitted.transform(x)), x, rtol=1e-4, atol=1e-4)


def test_fewer_components_give_back_the_projection(rng):
    x = rng.standard_normal((80, 6))
    fitted = Preprocessing.fit("whitened-pca", x, 2)
    peer = PCA(2, svd_solver="full").fit(x)
    expected = peer.inverse_transform(peer.transform(x))
    assert_allclose(fitted.inverse(fitted.transform(x)), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", ["min-max", "standardise", "whitened-pca"])
def test_constant_columns_are_shifted_and_not_divided_by_nothing(kind, rng):
    x = rng.standard_normal((30, 3)).astype(np.float32)
    x[:, 1] = 0.3
    fitted = Preprocessing.fit(kind, x)
    assert np.isfinite(fitted.transform(x)).all()
    assert_allclose(fitted.inverse(fitted.transform(x))[:, 1], 0.3, rtol=1e-5)


@pytest.mark.parametrize("kind", ["min-max", "standardise"])
def test_a_column_in_small_units_is_scaled_like_any_other(kind, rng):
    x = rng.standard_normal((100, 2)) * [1e30, 1e-3]
    ours = Preprocessing.fit(kind, x).transform(x)
    theirs = PEERS[kind](2).fit_transform(x)
    assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", ["min-max", "standardise", "pca", "whitened-pca"])
def test_preprocessing_of_a_data_set_does_not_depend_on_its_test_rows(kind, make_dataset):
    d = make_dataset()
    spoiled = d.features.copy()
    spoiled[np.concatenate([d.test_seen, d.test_unseen])] *= 1000
    clean = d.preprocessed(kind)
    other = replace(d, features=spoiled).preprocessed(kind)
    assert_array_equal(clean.features[d.train], other.features[d.train])


def test_preprocessing_twice_starts_again_from_the_original_features(make_dataset):
    d = make_dataset()
    once = d.preprocessed("standardise")
    twice = d.preprocessed("min-max").preprocessed("standardise")
    assert_array_equal(twice.features, once.features)


def test_preprocessed_features_decode_to_the_same_pictures(make_dataset):
    d = make_dataset(decode=lambda features: features.reshape(-1, 1, 3))
    whitened = d.preprocessed("whitened-pca")
    pictures = whitened.decode(whitened.features)
    assert_allclose(pictures, d.features.reshape(-1, 1, 3), rtol=1e-4, atol=1e-4)


def test_a_fitted_preprocessing_can_be_applied_to_another_data_set(make_dataset):
    fitted = make_dataset().preprocessed("standardise").preprocessing
    d = make_dataset(rows=20)
    assert_array_equal(d.transformed(fitted).features, fitted.transform(d.features))


def test_more_components_than_the_data_have_keeps_all_there_are(make_dataset):
    assert make_dataset(width=3).preprocessed("pca", 4).features.shape[1] == 3


@pytest.mark.parametrize(
    ("kind", "components", "words"),
    [
        ("zca", None, r"preprocessing must be one of none, min-max, .*got 'zca'"),
        ("min-max", 2, r"components go with pca or whitened-pca, got 2 with 'min-max'"),
        ("pca", 0, r"components must be at least 1, got 0"),
    ],
)
def test_impossible_preprocessing_is_refused(kind, components, words, make_dataset):
    with pytest.raises(ConfigError, match=words):
        make_dataset().preprocessed(kind, components)


def test_features_of_another_width_are_refused(make_dataset):
    with pytest.raises(
        DataError, match=r"can transform features of width 3, got 4: .*another data set"
    ):
        make_dataset(width=4).transformed(make_dataset().preprocessed("standardise").preprocessing)
