"""What would mislead a meter does not: one bad class, few rows, copies, units, stored rows."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from shift_worlds import NUMBERS, Changed, Truth, same, small_world, sound

from gsmflow_lite.datasets import gaussian_world
from gsmflow_lite.generators.base import AtTemperature
from gsmflow_lite.generators.stored import RealSamples
from gsmflow_lite.shifts.injection import Injected
from gsmflow_lite.shifts.measuring import measure


@pytest.fixture(scope="module")
def world():
    return small_world()


def stretched(x: torch.Tensor, factor) -> torch.Tensor:
    """Features (M, n, D) that lie by a factor further from their class means."""
    means = x.mean(1, keepdim=True)
    return means + factor * (x - means)


# --- Rows and classes that are not alike ----------------------------------------------------------


def test_agreement_does_not_grow_with_the_number_of_synthesized_rows():
    # It grew by 0.12 when all synthesized rows were compared with half of the real ones.
    growth = []
    for seed in range(4):
        world = gaussian_world(64, samples=8, seed=seed)
        shifted = Injected(world.dataset, Truth(world), semantic=0.5)
        few = measure(world.dataset, shifted, n=8, metrics=("semantic",)).reading("semantic")
        many = measure(world.dataset, shifted, n=400, metrics=("semantic",)).reading("semantic")
        assert few.ceiling == pytest.approx(many.ceiling, abs=0.03)
        growth.append(many.value - few.value)
    assert abs(np.mean(growth)) < 0.03


def test_one_bad_class_does_not_hide_among_good_ones(world):
    factors = torch.tensor([4.0, 1, 1, 1, 1])[:, None, None]
    uneven = Changed(Truth(world), lambda x: stretched(x, factors))
    report = measure(world.dataset, uneven, n=60, repeats=10)

    spreads = [report.reading("spread", name) for name in report.names]
    assert [reading.word for reading in spreads] == ["shifted", "fine", "fine", "fine", "fine"]
    assert spreads[0].value == pytest.approx(16, rel=0.4)
    name, _, meter = report.worst()[0]
    assert (name, meter) == (report.names[0], "variance")


def test_one_wide_class_that_collapsed_is_not_hidden_by_the_others(world):
    dataset = world.dataset
    features = dataset.features.copy()
    features[dataset.labels == dataset.unseen_classes[-1]] *= 20
    report = measure(replace(dataset, features=features), Truth(world), n=20, repeats=5)
    assert report.reading("spread").value < 0.2
    assert report.reading("spread").word == "shifted"


def test_classes_that_shift_both_ways_are_shifted_though_they_cancel():
    world = gaussian_world(6, seen=14, unseen=6, attributes=3, samples=60, noise=0.8)
    factors = torch.tensor([0.1, 1.9] * 3).sqrt()[:, None, None]
    uneven = Changed(Truth(world), lambda x: stretched(x, factors))
    reading = measure(world.dataset, uneven, n=200, metrics=("spread",)).reading("spread")
    assert reading.value == pytest.approx(1, abs=0.15)
    assert reading.word == "shifted"


def test_a_perfect_generator_of_many_features_is_fine_though_real_rows_are_few():
    # Axes that were fitted to the real rows compared held those rows, and no others: the
    # two-sample tests always told them apart.
    world = gaussian_world(300, seen=14, unseen=5, attributes=4, samples=20)
    report = measure(world.dataset, Truth(world), n=200)
    of_all = [r for r in report.readings if r.label is None and r.metric != "response"]
    words = {r.metric: r.word for r in of_all}
    unsure = {metric for metric, word in words.items() if word == "cannot tell"}
    # 20 rows fill 19 of 64 directions, and a collapse would be no further from half of them.
    assert unsure == {"effective rank", "Frechet", "sliced Wasserstein", "neighbour test"}
    assert {words[metric] for metric in words.keys() - unsure} == {"fine"}, words
    assert report.reading("recall").value > 0.9


# --- Collapse -------------------------------------------------------------------------------------


def test_a_class_collapsed_to_a_point_has_no_spread_and_is_shifted(world):
    def collapsed(x):
        x[1] = x[1, 0]
        return x

    report = measure(world.dataset, Changed(Truth(world), collapsed), n=60, repeats=10)
    name = report.names[1]
    for metric in ("spread", "effective rank", "volume"):
        reading = report.reading(metric, name)
        assert (reading.value, reading.score, reading.word) == (0, 0, "shifted")
    assert report.worst()[0][:2] == (name, 0)
    assert report.reading("recall", name).value == 0
    sound(report)


def test_a_collapse_among_many_features_is_one_to_the_last_bit():
    world = gaussian_world(100, seen=10, unseen=3, attributes=4, samples=40)
    flat = Changed(Truth(world), lambda x: x[:, :1].expand(-1, x.shape[1], -1).contiguous())
    metrics = ("spread", "effective rank", "volume")
    report = measure(world.dataset, flat, n=40, repeats=6, metrics=metrics)
    assert {reading.value for reading in report.readings} == {0}


def test_all_classes_collapsed_to_one_point_are_shifted_in_variance_and_structure(world):
    point = Changed(Truth(world), torch.ones_like)
    report = measure(world.dataset, point, n=60, repeats=10)
    assert report.reading("variance").word == "shifted"
    assert report.reading("structure").word == "shifted"
    assert report.reading("disparity").value == 1
    assert report.reading("scale").value == 0
    sound(report)


# --- Stored rows ----------------------------------------------------------------------------------


def test_a_generator_that_hands_back_the_very_real_rows_is_fine_but_for_what_spots_copies(world):
    stored = RealSamples(world.dataset, world.dataset.test_unseen)
    report = measure(world.dataset, stored, n=60, repeats=10, seed=1)
    for r in report.readings:
        if r.label is None and r.measured and r.metric != "neighbour test":
            assert r.word == "fine", r
    sound(report)


def unwrapped(dataset, generator):
    return generator


def injected(dataset, generator):
    return Injected(dataset, generator)


def injected_at_a_temperature(dataset, generator):
    return AtTemperature(Injected(dataset, generator), 1.0)


@pytest.mark.parametrize("wrap", [unwrapped, injected, injected_at_a_temperature])
def test_stored_rows_that_come_again_are_noted_whatever_wraps_them(world, wrap):
    stored = RealSamples(world.dataset, world.dataset.test_unseen)
    generator = wrap(world.dataset, stored)
    report = measure(world.dataset, generator, n=90, metrics=("spread",), repeats=4)
    assert any("only 60 stored rows" in note for note in report.notes)


@pytest.mark.parametrize(("n", "is_noted"), [(7, False), (8, True)])
def test_rows_that_come_again_are_noted(n, is_noted, world):
    dataset = world.dataset
    rows = np.concatenate([dataset.of_class(k)[:7] for k in dataset.unseen_classes])
    notes = measure(dataset, RealSamples(dataset, rows), n=n, repeats=3).notes
    assert any("only 7 stored rows" in note for note in notes) == is_noted
    assert any("rows came again" in note for note in notes) == is_noted


# --- Units and origin -----------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_the_unit_of_the_features_does_not_matter(unit, world):
    dataset = world.dataset
    source = Injected(dataset, Truth(world), variance=0.3, mixed=0.2)
    expected = measure(dataset, source, n=40, repeats=5)
    scaled = replace(dataset, features=dataset.features * np.float32(unit))
    report = measure(scaled, Changed(source, lambda x: x * unit), n=40, repeats=5)

    for r, s in zip(report.readings, expected.readings, strict=True):
        if r.metric in ("Frechet", "sliced Wasserstein"):  # they have the unit, not their score
            in_old_units = {name: getattr(s, name) for name in NUMBERS if name != "score"}
            r = replace(r, **in_old_units)
        assert same(r, s, rtol=0.02, atol=0.01), (r, s)


def test_an_offset_of_the_features_does_not_matter(world):
    dataset = world.dataset
    source = Injected(dataset, Truth(world), variance=0.3)
    expected = measure(dataset, source, n=40, repeats=5)
    moved = replace(dataset, features=dataset.features + 100)
    report = measure(moved, Changed(source, lambda x: x + 100), n=40, repeats=5)
    for r, s in zip(report.readings, expected.readings, strict=True):
        assert same(r, s, rtol=0.02, atol=0.01), (r, s)
