"""Data that are too few, too equal or out of scale are measured as far as possible."""

from dataclasses import replace

import numpy as np
import pytest
from shift_worlds import Linear, only_test, sound
from tiny import tiny_dataset

from gsmflow_lite.datasets import GZSLDataset, gaussian_world
from gsmflow_lite.errors import DataError
from gsmflow_lite.generators.ridge_gaussian import RidgeGaussian
from gsmflow_lite.shifts.measuring import measure
from gsmflow_lite.shifts.report import ShiftReport


@pytest.fixture
def small():
    """Six seen and four unseen classes of 12 rows and 3 features."""
    return tiny_dataset(seen=6, unseen=4, rows=12)


@pytest.fixture
def guess(rng):
    return Linear(rng.standard_normal((5, 3)))


def measured(report: ShiftReport, label: str | None = None) -> set[str]:
    """Names of the metrics that are measured on a class, or on all."""
    return {r.metric for r in report.readings if r.label == label and r.measured}


def missing(report: ShiftReport, label: str | None = None) -> set[str]:
    return {r.metric for r in report.readings if r.label == label and not r.measured}


def has_note(report: ShiftReport, start: str, end: str = "") -> bool:
    return any(note.startswith(start) and note.endswith(end) for note in report.notes)


# --- Few classes ----------------------------------------------------------------------------------


def of_few(unseen: int) -> ShiftReport:
    """A report on a world with so many unseen classes."""
    world = gaussian_world(4, seen=10, unseen=unseen, attributes=2, samples=20, noise=0.5)
    return measure(world.dataset, RidgeGaussian.fit(world.dataset), n=20, repeats=4)


def test_one_unseen_class_is_measured_without_what_takes_several():
    report = of_few(1)
    assert measured(report) == {"agreement", "spread", "effective rank", "volume", "recall"}
    assert report.mantel_p is None
    assert report.changed == ()
    assert any("takes at least 3 of them, got 1" in note for note in report.notes)
    sound(report)


def test_two_unseen_classes_are_measured_without_structure():
    report = of_few(2)
    assert missing(report) == {"distance order", "disparity", "scale", "neighbour order"}
    assert "Structure: not measured." in report.sentence
    sound(report)


def test_three_unseen_classes_are_enough_for_everything():
    report = of_few(3)
    assert missing(report) == set()
    assert report.notes == ()
    assert 0 < report.mantel_p <= 1
    sound(report)


# --- Few rows -------------------------------------------------------------------------------------


def with_rows(dataset: GZSLDataset, rows: int) -> GZSLDataset:
    """The same data with so many test rows of each unseen class."""
    return only_test(dataset, dict.fromkeys(dataset.unseen_classes.tolist(), rows))


def test_classes_that_are_left_out_are_all_named(small, guess):
    few = only_test(small, {6: 3, 7: 2})
    notes = measure(few, guess, n=20, repeats=4, metrics=("spread",)).notes
    assert notes == ("left out, for want of 4 real test rows: class 6, class 7",)


@pytest.mark.parametrize("rows", [1, 3])
def test_a_class_with_too_few_rows_is_left_out_with_a_note(rows, small, guess):
    report = measure(only_test(small, {7: rows}), guess, n=20, repeats=4)
    assert report.names == ("class 6", "class 8", "class 9")
    assert report.notes[0] == "left out, for want of 4 real test rows: class 7"
    sound(report)


@pytest.mark.parametrize("rows", [4, 5, 7, 11])
def test_a_class_with_few_rows_is_measured_as_far_as_possible(rows, small, guess):
    report = measure(only_test(small, {7: rows}), guess, n=20, repeats=4)
    assert {"agreement", "spread", "distance order"} <= measured(report, "class 7")
    assert {"recall", "neighbour test"} <= missing(report, "class 7")
    assert ("volume" in missing(report, "class 7")) == (rows < 6)
    assert has_note(report, "recall: too few or too equal rows", "class 7")
    sound(report)


def test_if_no_class_has_enough_rows_it_is_said_what_is_missing(small, guess):
    message = "at least 4 real test rows, but none of class 6, class 7, class 8, class 9 has"
    with pytest.raises(DataError, match=message):
        measure(with_rows(small, 3), guess, n=20)


def test_four_samples_a_class_are_the_least(small, guess):
    report = measure(small, guess, n=4, repeats=4)
    assert "spread" in measured(report)
    assert {"volume", "recall"} <= missing(report)
    few = ("effective rank, volume", "recall", "two-sample tests")
    assert report.notes == tuple(f"{name}: no class has enough different real rows" for name in few)


def test_four_real_rows_of_a_class_are_the_least(small, guess):
    report = measure(with_rows(small, 4), guess, n=20, repeats=4, metrics=("spread",))
    assert len(report.names) == 4
    assert report.notes == ()
    sound(report)


@pytest.mark.parametrize(("rows", "width"), [(12, 40), (6, 100), (4, 200)])
def test_fewer_rows_than_features_are_measured(rows, width, rng):
    dataset = tiny_dataset(seen=6, unseen=4, rows=max(rows, 5), width=width)
    generator = Linear(rng.standard_normal((5, width)))
    report = measure(with_rows(dataset, rows), generator, n=rows, repeats=4)
    assert {"spread", "distance order"} <= measured(report)
    sound(report)


# --- Few features, and equal ones -----------------------------------------------------------------


def test_a_single_feature_is_measured(rng):
    dataset = tiny_dataset(seen=6, unseen=4, rows=20, width=1)
    report = measure(dataset, Linear(rng.standard_normal((5, 1))), n=20, repeats=4)
    of_all = [r for r in report.readings if r.label is None and r.meter != "semantic"]
    assert all(r.measured for r in of_all)
    assert report.reading("effective rank").value == 1
    sound(report)


@pytest.mark.parametrize("noise", [0, 1], ids=["constant generator", "random generator"])
@pytest.mark.parametrize("width", [3, 80], ids=["few features", "more features than are compared"])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e6])
def test_constant_features_say_nothing_and_it_is_said(width, value, noise, rng):
    dataset = tiny_dataset(seen=6, unseen=4, rows=20, width=width)
    dataset = replace(dataset, features=np.full_like(dataset.features, value))
    generator = Linear(noise * rng.standard_normal((5, width)), noise=noise)
    report = measure(dataset, generator, n=20, repeats=4)
    distributions = {"Frechet", "sliced Wasserstein", "quadratic test", "neighbour test"}
    assert measured(report) <= distributions
    assert report.mantel_p is None
    start = "Semantic: not measured. Variance: not measured."
    assert report.sentence.startswith(start)
    sound(report)


def test_one_constant_feature_among_others_does_no_harm(small, guess):
    features = small.features.copy()
    features[:, 1] = 0.3
    sound(measure(replace(small, features=features), guess, n=20, repeats=4))


@pytest.mark.parametrize("different", [0, 1, 2])
def test_a_class_whose_real_rows_are_equal_has_no_variance_to_compare_with(different, small, guess):
    features = small.features.copy()
    rows = small.of_class(7)
    features[rows[different:]] = features[rows[0]]
    report = measure(replace(small, features=features), guess, n=20, repeats=12)
    assert {"spread", "effective rank", "volume", "recall"} <= missing(report, "class 7")
    assert "spread" in measured(report)  # of the other classes
    assert has_note(report, "spread: too few or too equal rows", "class 7")
    sound(report)


def test_all_classes_of_equal_rows_still_have_places(small, guess):
    features = small.features[np.searchsorted(small.labels, small.labels)]
    report = measure(replace(small, features=features), guess, n=20, repeats=4)
    assert "distance order" in measured(report)
    assert {"spread", "own class"} <= missing(report)
    assert "Variance: not measured." in report.sentence
    sound(report)
