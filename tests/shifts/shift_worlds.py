"""Worlds, generators and reports that the tests of the meters share."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import torch

from gsmflow_lite.datasets import GaussianWorld, GZSLDataset, gaussian_world
from gsmflow_lite.errors import DataError
from gsmflow_lite.shifts.halves import Halves
from gsmflow_lite.shifts.injection import Injected
from gsmflow_lite.shifts.measuring import measure, real_features
from gsmflow_lite.shifts.meters import BY_NAME
from gsmflow_lite.shifts.report import Reading, ShiftReport

NUMBERS = ("value", "low", "high", "floor", "ceiling", "score")


class Truth:
    """Fresh samples of the true distribution of each class of a Gaussian world."""

    def __init__(self, world: GaussianWorld) -> None:
        self.world = world

    def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
        classes = [self._class_of(row) for row in np.asarray(attributes)]
        return torch.from_numpy(self.world.sample(classes, n, seed=seed + 1000)).float()

    def _class_of(self, attributes):
        matches = np.flatnonzero((self.world.dataset.attributes == attributes).all(1))
        if not len(matches):
            raise DataError("the truth is known only of classes of the world")
        return matches[0]


class Linear:
    """Class means that are a linear map (A, D) of the attributes, with noise."""

    def __init__(self, weights: np.ndarray, noise: float = 1.0) -> None:
        self.weights = weights
        self.noise = noise

    def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
        means = np.asarray(attributes) @ self.weights
        shape = (len(means), n, self.weights.shape[1])
        noise = np.random.default_rng(seed).standard_normal(shape)
        return torch.from_numpy(means[:, None] + self.noise * noise).float()


class Changed:
    """Another generator's features after ``change``, a function of a tensor (M, n, D)."""

    def __init__(self, source, change) -> None:
        self.source = source
        self.change = change

    def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
        return self.change(self.source.synthesize(attributes, n, seed=seed))


def only_test(dataset: GZSLDataset, counts: dict[int, int]) -> GZSLDataset:
    """Return the same data with at most so many test rows of each of these unseen classes."""
    labels = dataset.labels[dataset.test_unseen]
    places = [np.arange((labels == k).sum()) for k in dataset.unseen_classes]
    most = np.array([counts.get(int(k), 10**6) for k in labels])
    kept = np.concatenate(places) < most
    return replace(dataset, test_unseen=dataset.test_unseen[kept])


def numbers_of(reading: Reading) -> list[float]:
    return [getattr(reading, name) for name in NUMBERS]


def same(a: Reading, b: Reading, **tolerance) -> bool:
    """Return whether two readings have the same word and numbers."""
    numbers_agree = np.allclose(numbers_of(a), numbers_of(b), equal_nan=True, **tolerance)
    return a.word == b.word and numbers_agree


def sound(report: ShiftReport) -> None:
    """Check that each reading is finite, or not measured and explained; and that JSON is strict."""
    for reading in report.readings:
        numbers = numbers_of(reading)
        if reading.measured:
            assert np.isfinite(numbers).all(), reading
        else:
            assert np.isnan(numbers).all(), reading
            is_explained = any(note_on(reading.metric) in note for note in report.notes)
            assert is_explained or reading.label is not None, (reading, report.notes)

    json.dumps(report.to_dict(), allow_nan=False)
    assert report.sentence
    assert str(report)


def note_on(metric: str) -> str:
    """Return how a note begins that says why a metric of all classes was not measured."""
    if BY_NAME[metric].meter == "structure":
        return "structure: "
    return "two-sample tests" if metric.endswith("test") else metric


@cache
def small_world() -> GaussianWorld:
    """Return a Gaussian world of 14 seen and 5 unseen classes."""
    return gaussian_world(6, seen=14, unseen=5, attributes=3, samples=60, noise=0.8)


@cache
def true_report() -> ShiftReport:
    """Return a report on the true distribution of the small world."""
    world = small_world()
    return measure(world.dataset, Truth(world), n=60, repeats=10)


@cache
def poor_report() -> ShiftReport:
    """Return a report on a generator with every shift."""
    world = small_world()
    shifted = Injected(world.dataset, Truth(world), variance=0.6, semantic=0.8, structure=1.0)
    return measure(world.dataset, shifted, n=60, repeats=10)


@cache
def true_halves() -> Halves:
    """Return the very halves that the true report was measured on."""
    world = small_world()
    classes, real, _ = real_features(world.dataset, None)
    synthesized = Truth(world).synthesize(world.dataset.attributes[classes], 60).numpy()
    return Halves(real, list(synthesized), 10, 0)
