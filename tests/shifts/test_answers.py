"""How far a generator follows permuted attributes is measured, and what cannot be is said."""

import numpy as np
import pytest
import torch
from shift_worlds import Linear, Truth, small_world, sound

from gsmflow_lite.generators.stored import RealSamples
from gsmflow_lite.method.start import ridge_means
from gsmflow_lite.shifts.measuring import measure
from gsmflow_lite.shifts.readout import AttributeReadout


@pytest.fixture(scope="module")
def world():
    return small_world()


class Deaf:
    """The same features whatever the attributes are."""

    def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
        return torch.ones(len(attributes), n, 6)


def test_a_generator_that_ignores_its_condition_has_no_response(world):
    report = measure(world.dataset, Deaf(), n=10, repeats=3)
    reading = report.reading("response")
    assert (reading.value, reading.low, reading.high, reading.word) == (0, 0, 0, "shifted")
    assert set(report.responses.values()) == {0.0}


def test_a_linear_generator_responds_as_its_map_and_the_readout_say(world, rng):
    readout = AttributeReadout.fit(world.dataset)
    weights = rng.standard_normal((3, 6))
    report = measure(world.dataset, Linear(weights), n=10, repeats=3)

    slopes = readout.spread * np.einsum("ad,da->a", weights, readout.weights)
    expected = dict(zip(world.dataset.attribute_names, slopes, strict=True))
    assert report.responses == pytest.approx(expected, rel=1e-3, abs=1e-4)

    reading = report.reading("response")
    assert min(slopes) < reading.value < max(slopes)
    assert reading.floor == 0


def test_a_generator_that_is_the_ridge_map_of_the_real_means_reaches_the_ceiling_of_response(world):
    weights = ridge_means(world.dataset).numpy()[:-1]
    report = measure(world.dataset, Linear(weights), n=10, repeats=3)
    for label in (None, *report.names):
        reading = report.reading("response", label)
        assert reading.value == pytest.approx(reading.ceiling, rel=1e-3)
        assert reading.score == pytest.approx(1, rel=1e-3)
        assert reading.word == "fine"


class Brittle(Truth):
    """The truth, and NaN for attributes of no class."""

    def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
        known = {tuple(row) for row in self.world.dataset.attributes}
        if all(tuple(row) in known for row in np.asarray(attributes)):
            return super().synthesize(attributes, n, seed=seed)
        return torch.full((len(attributes), n, 6), np.nan)


def test_a_generator_that_breaks_on_new_descriptions_has_no_response_and_a_note(world):
    report = measure(world.dataset, Brittle(world), n=20, repeats=3)
    assert not report.reading("response").measured
    assert report.responses == {}
    start = (
        "response: the generator does not answer a permuted attribute: synthesized features must"
    )
    assert any(note.startswith(start) for note in report.notes)
    sound(report)


def test_stored_features_have_no_response_and_it_is_said(world):
    stored = RealSamples(world.dataset, world.dataset.test_unseen)
    report = measure(world.dataset, stored, n=10, repeats=3, metrics=("response",))
    assert report.notes == (
        "response: stored features cannot be asked what they would be for another description",
    )


class InPlace(Linear):
    """A generator that writes into the attributes that it gets."""

    def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
        features = super().synthesize(attributes, n, seed=seed)
        attributes.zero_()
        return features


def test_a_generator_that_works_in_place_does_not_change_what_it_is_asked(world, rng):
    weights = rng.standard_normal((3, 6))
    expected = measure(world.dataset, Linear(weights), n=20, repeats=3)
    report = measure(world.dataset, InPlace(weights), n=20, repeats=3)
    assert report.reading("response") == expected.reading("response")
