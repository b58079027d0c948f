"""What injectors of one data set and seed have in common is derived once, and shared."""

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch

from gsmflow_lite.datasets import gaussian_world
from gsmflow_lite.shifts.directions import MOST_SEEDS, Directions
from gsmflow_lite.shifts.injection import Injected
from gsmflow_lite.shifts.readout import AttributeReadout

DOSES = {"semantic": 0.4, "structure": 0.7, "towards_seen": 0.2}


@pytest.fixture
def dataset():
    """A new data set for each test, of which nothing is kept yet."""
    return gaussian_world(12, seen=20, unseen=6, attributes=4, samples=30).dataset


@pytest.fixture
def attributes(dataset):
    return dataset.attributes[dataset.unseen_classes]


@pytest.fixture
def derived(monkeypatch):
    """The names of what is derived, in order: the readout, and the directions it does not see."""
    names = []
    fit = AttributeReadout.from_means.__func__
    blind = AttributeReadout.blind.fget

    def counted_fit(cls, means, attributes):
        names.append("readout")
        return fit(cls, means, attributes)

    def counted_blind(self):
        names.append("blind")
        return blind(self)

    monkeypatch.setattr(AttributeReadout, "from_means", classmethod(counted_fit))
    monkeypatch.setattr(AttributeReadout, "blind", property(counted_blind))
    return names


def test_a_moving_slider_derives_each_thing_once(dataset, attributes, derived):
    for dose in (0.1, 0.2, 0.3):
        Injected(dataset, semantic=dose, structure=dose).synthesize(attributes, 5)
    assert derived == ["readout", "blind"]


def test_what_no_dose_needs_is_not_derived(dataset, attributes, derived):
    Injected(dataset, variance=0.5, mixed=0.5, towards_seen=0.5).synthesize(attributes, 5)
    assert derived == []


def test_another_seed_derives_anew(dataset, attributes, derived):
    for seed in (0, 1, 0):
        Injected(dataset, structure=0.5, seed=seed).synthesize(attributes, 5)
    assert derived == ["readout", "blind"] * 2


def test_an_equal_data_set_that_is_another_one_derives_anew(dataset, attributes, derived):
    for data in (dataset, replace(dataset), dataset):
        Injected(data, structure=0.5).synthesize(attributes, 5)
    assert derived == ["readout", "blind"] * 2


def test_shared_directions_give_the_same_features_as_new_ones(dataset, attributes):
    Injected(dataset, **DOSES).synthesize(attributes, 5)
    shared = Injected(dataset, **DOSES).synthesize(attributes, 5)
    new = Injected(replace(dataset), **DOSES).synthesize(attributes, 5)
    assert torch.equal(shared, new)


def test_shared_directions_give_each_dose_its_own_size(dataset, attributes):
    start = Injected(dataset).synthesize(attributes, 5).numpy()
    moves = [
        Injected(dataset, structure=dose).synthesize(attributes, 5).numpy() - start
        for dose in (0.5, 1.0)
    ]
    assert np.abs(moves[0]).max() > 0.1
    np.testing.assert_allclose(moves[1], 2 * moves[0], atol=1e-5)


def test_only_the_latest_seeds_are_kept(dataset):
    first = Directions.of(dataset, 0)
    for seed in range(1, MOST_SEEDS):
        Directions.of(dataset, seed)
    assert Directions.of(dataset, 0) is first
    Directions.of(dataset, MOST_SEEDS)
    assert Directions.of(dataset, 0) is not first


def test_a_data_set_that_nobody_needs_is_freed_with_its_directions(attributes):
    dataset = gaussian_world(12, seen=20, unseen=6, attributes=4, samples=30).dataset
    Injected(dataset, **DOSES).synthesize(attributes, 5)
    data = weakref.ref(dataset)
    directions = weakref.ref(Directions.of(dataset, 0))
    del dataset
    gc.collect()
    assert data() is None
    assert directions() is None
