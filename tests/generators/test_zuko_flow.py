"""A flow of another library speaks the protocol, learns a known world, and obeys its seed."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from gsmflow_lite.datasets import gaussian_world
from gsmflow_lite.errors import ConfigError, TrainingError
from gsmflow_lite.generators.base import Generator
from gsmflow_lite.generators.zuko_flow import ZukoFlow

SMALL = {"transforms": 3, "hidden": 32, "epochs": 15, "batch": 64, "lr": 5e-3, "perturbation": 0.0}
TINY = {"transforms": 2, "hidden": 8, "epochs": 1}
UNIT = 10.0  # of the features, which are far from standardised
ORIGIN = 100.0


@pytest.fixture(scope="module")
def world():
    return gaussian_world(3, seen=12, unseen=3, samples=100, noise=0.5)


@pytest.fixture(scope="module")
def dataset(world):
    return replace(world.dataset, features=UNIT * world.dataset.features + ORIGIN)


@pytest.fixture(scope="module", params=["affine", "spline"])
def fitted(request, dataset):
    return ZukoFlow.fit(dataset, kind=request.param, **SMALL)


@pytest.fixture
def tiny(dataset):
    return ZukoFlow.fit(dataset, **TINY)


# --- the protocol ----------------------------------------------------------------------------


def test_a_zuko_flow_speaks_the_protocol(tiny):
    assert isinstance(tiny, Generator)


@pytest.mark.parametrize(("classes", "n"), [(1, 1), (15, 4), (2, 100)])
def test_features_come_as_classes_by_samples_by_width(dataset, tiny, classes, n):
    x = tiny.synthesize(torch.from_numpy(dataset.attributes[:classes]), n)
    assert (x.shape, x.dtype) == ((classes, n, 3), torch.float32)


def test_attributes_may_be_an_array(dataset, tiny):
    of_array = tiny.synthesize(dataset.attributes, 4, seed=1)
    assert torch.equal(of_array, tiny.synthesize(torch.from_numpy(dataset.attributes), 4, seed=1))


def test_samples_need_no_gradient(dataset, tiny):
    assert not tiny.synthesize(dataset.attributes, 4).requires_grad


# --- what it learns --------------------------------------------------------------------------


def test_seen_classes_are_synthesized_around_their_true_means(world, dataset, fitted):
    seen = dataset.seen_classes
    means = fitted.synthesize(dataset.attributes[seen], 2000).mean(1).numpy()
    noise = UNIT * np.sqrt(np.diagonal(world.covariances[seen], axis1=1, axis2=2))
    expected = UNIT * world.means[seen] + ORIGIN
    assert (np.abs(means - expected) < 0.6 * noise).all()  # 80 rows tell a mean to 0.11 of it


def test_seen_classes_are_synthesized_with_the_true_covariance(world, dataset, fitted):
    samples = fitted.synthesize(dataset.attributes[dataset.seen_classes], 2000).numpy()
    covariance = np.mean([np.cov(x.T) for x in samples], axis=0)
    expected = UNIT**2 * world.covariances[0]  # one for all classes
    np.testing.assert_allclose(covariance, expected, atol=0.2 * UNIT**2 * 0.5**2)


def test_unseen_classes_are_synthesized_nearer_their_true_means_than_those_of_other_classes(
    world, dataset, fitted
):
    unseen = dataset.unseen_classes
    means = fitted.synthesize(dataset.attributes[unseen], 2000).mean(1).numpy()
    distances = np.linalg.norm(means[:, None] - (UNIT * world.means + ORIGIN), axis=2)
    assert distances.argmin(1).tolist() == unseen.tolist()


def test_at_temperature_zero_all_samples_of_a_class_are_one_point(dataset, fitted):
    x = fitted.synthesize(dataset.attributes, 5, temperature=0)
    torch.testing.assert_close(x, x[:, :1].expand(-1, 5, -1))


def test_a_larger_temperature_spreads_samples_further(dataset, fitted):
    cold, plain, hot = (
        fitted.synthesize(dataset.attributes, 200, temperature=t).var(1).sum()
        for t in (0.5, 1.0, 1.5)
    )
    assert cold < plain < hot


def test_perturbation_widens_what_is_synthesized(dataset):
    def spread(perturbation: float) -> float:
        flow = ZukoFlow.fit(dataset, **SMALL | {"perturbation": perturbation})
        return float(flow.synthesize(dataset.attributes, 500).var(1).sum())

    assert spread(1.0) > 2 * spread(0.0)


def test_two_classes_are_synthesized_independently(dataset, tiny):
    first, second = tiny.synthesize(dataset.attributes[:2], 5000)
    correlations = torch.corrcoef(torch.cat([first, second], 1).T)
    assert correlations[:3, 3:].abs().max() < 0.08


# --- columns without spread ------------------------------------------------------------------


def test_an_attribute_that_is_the_same_for_all_seen_classes_changes_nothing(dataset):
    table = np.hstack([dataset.attributes, np.full((15, 1), 0.3, np.float32)])
    flow = ZukoFlow.fit(replace(dataset, attributes=table, attribute_names=()), **TINY)
    other = table + np.array([0, 0, 0, 7], np.float32)
    assert torch.equal(flow.synthesize(table, 4), flow.synthesize(other, 4))


def test_a_constant_feature_is_synthesized_as_that_constant(dataset):
    features = np.hstack([dataset.features, np.full((1500, 1), 42, np.float32)])
    flow = ZukoFlow.fit(replace(dataset, features=features), **SMALL)
    assert (flow.synthesize(dataset.attributes, 100)[:, :, 3] - 42).abs().max() < 1


# --- randomness ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["affine", "spline"])
def test_the_same_seed_trains_the_same_flow(dataset, kind):
    first, second = (
        ZukoFlow.fit(dataset, kind=kind, seed=4, **TINY).synthesize(dataset.attributes, 9)
        for _ in range(2)
    )
    assert torch.equal(first, second)


def test_another_seed_trains_another_flow(dataset, tiny):
    other = ZukoFlow.fit(dataset, seed=1, **TINY)
    assert not torch.equal(
        tiny.synthesize(dataset.attributes, 9), other.synthesize(dataset.attributes, 9)
    )


def test_the_same_seed_gives_the_same_features(dataset, tiny):
    assert torch.equal(
        tiny.synthesize(dataset.attributes, 9, seed=3),
        tiny.synthesize(dataset.attributes, 9, seed=3),
    )


def test_another_seed_gives_other_features(dataset, tiny):
    assert not torch.equal(
        tiny.synthesize(dataset.attributes, 9, seed=3),
        tiny.synthesize(dataset.attributes, 9, seed=4),
    )


def test_the_global_random_stream_is_left_alone(dataset):
    torch.manual_seed(12345)  # a state that nothing else would set by chance
    before = torch.get_rng_state()
    ZukoFlow.fit(dataset, **TINY).synthesize(dataset.attributes, 9)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_test_rows_are_not_learnt_from(dataset, tiny):
    features = dataset.features.copy()
    features[np.concatenate([dataset.test_seen, dataset.test_unseen])] = 0
    other = ZukoFlow.fit(replace(dataset, features=features), **TINY)
    assert torch.equal(
        tiny.synthesize(dataset.attributes, 9), other.synthesize(dataset.attributes, 9)
    )


# --- errors ----------------------------------------------------------------------------------


def test_without_zuko_the_error_says_how_to_install_it(dataset, monkeypatch):
    monkeypatch.setitem(sys.modules, "zuko", None)
    with pytest.raises(ConfigError, match="not installed: pip install zuko"):
        ZukoFlow.fit(dataset, **TINY)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"kind": "glow"}, "kind must be one of affine, spline, got 'glow'"),
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"transforms": -1}, "transforms must be at least 1, got -1"),
        ({"hidden": 0}, "hidden must be at least 1"),
        ({"batch": 2.5}, "batch must be a whole number, got 2.5"),
        ({"lr": float("nan")}, "lr must be finite, got nan"),
        ({"lr": 0}, "lr must be positive, got 0"),
        ({"perturbation": -0.1}, "perturbation must be at least 0, got -0.1"),
        ({"seed": -1}, "seed must be from 0"),
    ],
)
def test_a_setting_out_of_its_range_is_refused(dataset, setting, words):
    with pytest.raises(ConfigError, match=words):
        ZukoFlow.fit(dataset, **TINY | setting)


def test_a_loss_that_is_not_finite_ends_training(dataset):
    with pytest.raises(TrainingError, match=r"loss must stay finite, got .*: lower lr"):
        ZukoFlow.fit(dataset, **TINY | {"lr": 1e30, "epochs": 3})
