"""The attribute readout is ridge regression; classes that it did not see say how good it is."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import subspace_angles
from sklearn.linear_model import Ridge
from tiny import tiny_dataset

from gsmflow_lite.datasets import GZSLDataset, gaussian_world
from gsmflow_lite.datasets.statistics import class_means
from gsmflow_lite.shifts.readout import READOUT_STRENGTHS, AttributeReadout


def noisy_world(width: int, seed: int = 0) -> GZSLDataset:
    world = gaussian_world(
        width,
        seen=20,
        unseen=4,
        attributes=3,
        samples=20,
        curvature=0.3,
        noise=1.0,
        seed=seed,
    )
    return world.dataset


@pytest.fixture(scope="module")
def dataset():
    return noisy_world(8)


@pytest.fixture(scope="module")
def readout(dataset):
    return AttributeReadout.fit(dataset)


def standardised(dataset: GZSLDataset) -> tuple[np.ndarray, np.ndarray]:
    """Class means and standardised attributes of the seen classes."""
    means = class_means(dataset, dataset.seen_classes, dataset.train).astype(np.float64)
    table = dataset.attributes[dataset.seen_classes].astype(np.float64)
    return means, (table - table.mean(0)) / table.std(0)


def left_out_errors(x: np.ndarray, y: np.ndarray, strength: float) -> np.ndarray:
    """Squared errors (S, A) on each class by scikit-learn's ridge regression on all others."""
    errors = []
    for k in range(len(x)):
        others = np.arange(len(x)) != k
        ridge = Ridge(strength).fit(x[others], y[others])
        errors.append((ridge.predict(x[[k]])[0] - y[k]) ** 2)
    return np.array(errors)


# --- The fit --------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [8, 40], ids=["n > D", "n < D"])
def test_weights_and_readability_are_those_of_ridge_regression_with_each_class_left_out_in_turn(
    width,
):
    dataset = noisy_world(width, seed=1)
    readout = AttributeReadout.fit(dataset)
    x, y = standardised(dataset)
    strengths = np.asarray(READOUT_STRENGTHS) * x.var(0).sum()
    errors = [left_out_errors(x, y, strength) for strength in strengths]
    best = int(np.argmin([e.mean() for e in errors]))
    assert 0 < best < len(READOUT_STRENGTHS) - 1

    weights = Ridge(strengths[best]).fit(x, y).coef_.T
    np.testing.assert_allclose(readout.weights, weights, rtol=1e-6)
    expected = 1 - errors[best].mean(0)
    assert ((expected > 0.1) & (expected < 0.999)).all()
    np.testing.assert_allclose(readout.readability, expected, rtol=1e-6)


def test_unseen_classes_and_test_rows_play_no_part(dataset, readout):
    features = dataset.features.copy()
    features[dataset.test_seen] += 100
    features[dataset.test_unseen] += 100
    attributes = dataset.attributes.copy()
    attributes[dataset.unseen_classes] += 100
    again = AttributeReadout.fit(replace(dataset, features=features, attributes=attributes))
    np.testing.assert_array_equal(again.weights, readout.weights)
    np.testing.assert_array_equal(again.readability, readout.readability)


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_units_of_attributes_do_not_matter(unit, dataset, readout):
    scaled = replace(dataset, attributes=dataset.attributes * [unit, 1, -unit])
    other = AttributeReadout.fit(scaled)
    np.testing.assert_allclose(other.weights, readout.weights * [1, 1, -1], rtol=1e-4)
    np.testing.assert_allclose(other.readability, readout.readability, rtol=1e-4)


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_units_and_origin_of_features_do_not_matter(unit, dataset, readout):
    other = AttributeReadout.fit(replace(dataset, features=unit * (dataset.features + 1)))
    rows = dataset.features[:9]
    expected = readout.read(rows)
    np.testing.assert_allclose(other.read(unit * (rows + 1)), expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(other.readability, readout.readability, rtol=1e-3)


@pytest.mark.parametrize("value", [0.1, 1e4, 0.0])
def test_an_attribute_that_all_seen_classes_share_is_not_readable_and_has_the_unit_1(
    value, dataset
):
    attributes = dataset.attributes.copy()
    attributes[:, 1] = value
    readout = AttributeReadout.fit(replace(dataset, attributes=attributes))
    assert readout.readability[1] == 0
    assert readout.readability[[0, 2]].min() > 0.1
    assert readout.spread[1] == 1
    np.testing.assert_allclose(readout.weights[:, 1], 0, atol=1e-9)
    assert np.isfinite(readout.read(dataset.features)).all()


def test_an_attribute_of_noise_is_not_readable_and_a_written_one_is(rng):
    dataset = gaussian_world(6, seen=30, unseen=2, attributes=2, noise=0.1).dataset
    attributes = dataset.attributes.copy()
    attributes[:, 1] = rng.random(len(attributes)) + 1
    readability = AttributeReadout.fit(replace(dataset, attributes=attributes)).readability
    assert readability[0] > 0.8
    assert readability[1] < 0.3


def test_one_attribute_is_read():
    dataset = gaussian_world(4, seen=12, unseen=2, attributes=1, noise=0.3).dataset
    readout = AttributeReadout.fit(dataset)
    assert readout.weights.shape == (4, 1)
    assert readout.readability.shape == (1,)
    assert readout.readability[0] > 0.8


def test_of_two_seen_classes_nothing_can_be_read_for_certain():
    readout = AttributeReadout.fit(tiny_dataset(seen=2, unseen=2))
    np.testing.assert_array_equal(readout.readability, 0)
    assert np.isfinite(readout.weights).all()


# --- Reading, and agreement -----------------------------------------------------------------------


def test_what_is_read_are_standardised_attributes_with_the_intercept_of_ridge_regression(
    dataset, readout
):
    x, y = standardised(dataset)
    np.testing.assert_allclose(readout.read(x).mean(0), 0, atol=1e-12)
    described = readout.standardise(dataset.attributes[dataset.seen_classes])
    np.testing.assert_allclose(described, y, atol=1e-6)
    assert readout.read(np.zeros((2, 5, 8))).shape == (2, 5, 3)


def test_agreement_is_the_cosine_weighted_by_readability_as_in_a_loop(readout, rng):
    read = rng.standard_normal((2, 5, 3))
    described = rng.standard_normal((4, 3))
    noise = rng.random((2, 5))
    agreement = readout.agreement(read, described, noise)

    for r, m, k in np.ndindex(2, 5, 4):
        product = square = described_square = 0.0
        for weight, a, b in zip(readout.readability, read[r, m], described[k], strict=True):
            product += weight * a * b
            square += weight * a**2
            described_square += weight * b**2
        square = max(square - noise[r, m], 0.1 * square)
        cosine = product / np.sqrt(square * described_square)
        assert agreement[r, m, k] == pytest.approx(np.clip(cosine, -1, 1))


def test_a_description_agrees_with_itself_fully_and_with_its_opposite_not_at_all(readout, rng):
    described = rng.standard_normal((4, 3))
    np.testing.assert_allclose(np.diag(readout.agreement(2 * described, described)), 1)
    np.testing.assert_allclose(np.diag(readout.agreement(-described, described)), -1)


def test_where_nothing_is_read_or_described_the_agreement_is_0(readout, rng):
    described = rng.standard_normal((4, 3))
    assert (readout.agreement(np.zeros((2, 3)), described) == 0).all()
    assert (readout.agreement(described, np.zeros((2, 3))) == 0).all()


# --- What is seen, and what is not ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "attributes", "visible"),
    # No more than features, attributes, or seen classes less one.
    [(8, 3, 3), (3, 6, 3), (4, 4, 4), (1, 2, 1), (30, 16, 9)],
)
def test_visible_and_blind_directions_are_orthonormal_and_complete(width, attributes, visible):
    dataset = gaussian_world(width, seen=10, unseen=2, attributes=attributes, samples=10).dataset
    readout = AttributeReadout.fit(dataset)
    assert readout.visible.shape == (width, visible)
    both = np.hstack([readout.visible, readout.blind])
    np.testing.assert_allclose(both.T @ both, np.eye(width), atol=1e-12)
    if visible == attributes:
        assert subspace_angles(readout.visible, readout.weights).max() < 1e-6


def test_a_move_along_blind_directions_changes_nothing_that_is_read(readout, rng):
    x = rng.standard_normal((5, 8))
    move = 100 * rng.standard_normal((5, 5)) @ readout.blind.T
    np.testing.assert_allclose(readout.read(x + move), readout.read(x), atol=1e-10)


def test_constant_features_are_blind_everywhere():
    dataset = tiny_dataset()
    readout = AttributeReadout.fit(replace(dataset, features=np.ones_like(dataset.features)))
    np.testing.assert_array_equal(readout.readability, 0)
    assert readout.visible.shape == (3, 0)
    assert readout.blind.shape == (3, 3)
