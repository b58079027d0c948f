"""Measuring: its arguments, its errors, and what the report says."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from shift_worlds import (
    NUMBERS,
    Changed,
    Truth,
    numbers_of,
    poor_report,
    same,
    small_world,
    sound,
    true_report,
)

from gsmflow_lite.errors import ConfigError, DataError
from gsmflow_lite.shifts.measuring import measure, real_features
from gsmflow_lite.shifts.meters import BY_NAME, HEADLINES, MEASUREMENTS, METERS, METRICS, SHIFTS
from gsmflow_lite.shifts.readout import AttributeReadout


@pytest.fixture(scope="module")
def world():
    return small_world()


@pytest.fixture(scope="module")
def report():
    return true_report()


@pytest.fixture(scope="module")
def poor():
    return poor_report()


# --- The catalogue of metrics ---------------------------------------------------------------------


def test_each_metric_is_measured_exactly_once():
    measured = [metric for measurement in MEASUREMENTS for metric in measurement.metrics]
    assert sorted(measured, key=METRICS.index) == list(METRICS)


def test_metric_names_differ_from_each_other_and_from_meters():
    assert len(BY_NAME) == len(METRICS)
    assert set(BY_NAME).isdisjoint(METERS)


def test_each_metric_says_its_own_meter():
    assert tuple(dict.fromkeys(metric.meter for metric in METRICS)) == METERS


# --- Seeds ----------------------------------------------------------------------------------------


def test_the_same_seed_repeats_every_number(world, report):
    again = measure(world.dataset, Truth(world), n=60, repeats=10)
    assert json.dumps(again.to_dict()) == json.dumps(report.to_dict())


def test_another_seed_changes_every_spread(world, report):
    other = measure(world.dataset, Truth(world), n=60, repeats=10, seed=1)
    for label in (None, *report.names):
        assert other.reading("spread", label).value != report.reading("spread", label).value


def test_a_seed_may_be_numpys(world):
    sizes = {"n": np.int64(20), "repeats": np.int32(2), "seed": np.uint8(3)}
    report = measure(world.dataset, Truth(world), **sizes)
    assert json.loads(json.dumps(report.to_dict()))["settings"]["seed"] == 3


def test_measuring_leaves_the_global_random_state_alone(world):
    torch.manual_seed(3)
    of_torch = torch.get_rng_state().clone()
    of_numpy = np.random.get_state()[1].copy()  # noqa: NPY002
    measure(world.dataset, Truth(world), n=20, repeats=2)
    assert torch.equal(torch.get_rng_state(), of_torch)
    np.testing.assert_array_equal(np.random.get_state()[1], of_numpy)  # noqa: NPY002


# --- What a report says ---------------------------------------------------------------------------


@pytest.mark.parametrize("by_class", [False, True])
def test_the_table_and_the_readings_say_the_same(by_class, poor):
    table = poor.table(by_class=by_class)
    chosen = [r for r in poor.readings if (r.label is not None) == by_class]
    assert list(table.columns) == [*NUMBERS, "word", "advice", "beside"]
    assert len(table) == len(chosen) == len(METRICS) * (len(poor.names) if by_class else 1)
    for r in chosen:
        row = table.loc[(r.meter, r.metric, r.label) if by_class else (r.meter, r.metric)]
        np.testing.assert_array_equal(row[list(NUMBERS)].astype(float), numbers_of(r))
        assert row["word"] == r.word


def test_the_dictionary_and_the_readings_say_the_same(poor):
    for r, entry in zip(poor.readings, poor.to_dict()["readings"], strict=True):
        assert entry["word"] == r.word
        assert entry["value"] == (r.value if r.measured else None)


def test_a_report_survives_json(poor):
    entries = json.loads(json.dumps(poor.to_dict(), allow_nan=False))
    settings = {"dataset": poor.settings["dataset"], "n": 60, "seed": 0, "repeats": 10}
    assert entries == json.loads(json.dumps(poor.to_dict()))
    assert entries["classes"] == list(poor.names)
    assert entries["settings"] == settings
    assert np.shape(entries["attributes"]["read_made"]) == (5, 3)
    assert {tuple(change) for change in entries["changed_places"]} == set(poor.changed)


def test_the_sentence_has_the_headlines_and_their_words(poor):
    semantic, variance, structure = (poor.reading(meter) for meter in SHIFTS)
    scale = f"{semantic.value:.2f}; real classes {semantic.ceiling:.2f}, guessing"
    for part in (
        f"Semantic: {semantic.word}. ",
        f"({scale} {semantic.floor + 0.0:.2f})",
        f"Variance: {variance.word}. The synthesized classes are {variance.value:.2f} times",
        f"Structure: {structure.word}. ",
        f"({structure.value:.2f}; real classes {structure.ceiling:.2f})",
    ):
        assert part in poor.sentence


def test_a_printed_report_has_a_row_for_every_metric_and_every_note(poor):
    lines = str(poor).splitlines()
    for r in poor.readings[: len(METRICS)]:
        start = [r.meter, *r.metric.split()]
        (row,) = [line.split() for line in lines if line.split()[: len(start)] == start]
        assert row[-1] == r.word.split()[-1]
        assert f"{r.value:.4g}" in row  # and does not touch its neighbour
    assert {f"note: {note}" for note in poor.notes} <= set(lines)


def test_a_meter_is_another_name_of_its_headline(report):
    assert HEADLINES == {
        "semantic": "agreement",
        "variance": "spread",
        "structure": "distance order",
        "overall": "quadratic test",
    }
    for meter, metric in HEADLINES.items():
        assert report.reading(meter) is report.reading(metric)
        assert report.reading(meter, report.names[1]).label == report.names[1]


def test_a_reading_that_does_not_exist_is_answered_with_what_there_is(report):
    known = "metrics are agreement.*neighbour test; classes are"
    with pytest.raises(ConfigError, match=f"no reading of 'beauty' for None: {known}"):
        report.reading("beauty")
    with pytest.raises(ConfigError, match=rf"for 'nobody'.*classes are {report.names[0]}"):
        report.reading("spread", "nobody")


def test_the_worst_classes_come_first_by_their_worst_headline(poor):
    expected = {}
    for name in poor.names:
        scores = [(poor.reading(meter, name).score, meter) for meter in SHIFTS]
        expected[name] = min(scores)
    worst = poor.worst()
    assert {name: (score, meter) for name, score, meter in worst} == expected
    scores = [score for _, score, _ in worst]
    assert scores == sorted(scores)


def test_attributes_are_those_read_off_real_means_in_units_of_their_spread(world, poor):
    readout = AttributeReadout.fit(world.dataset)
    _, real, _ = real_features(world.dataset, None)
    read = [readout.read(x).mean(0) for x in real]
    np.testing.assert_allclose(poor.read_real, read, atol=1e-5)
    described = readout.standardise(world.dataset.attributes[poor.classes])
    np.testing.assert_allclose(poor.attributes, described)


def test_the_attribute_table_is_what_synthesized_means_say_more_than_real_ones(world, poor):
    table = poor.attribute_table()
    assert list(table.index) == list(poor.names)
    assert list(table.columns) == list(world.dataset.attribute_names)
    np.testing.assert_allclose(table, poor.read_synthesized - poor.read_real)


def test_the_sentence_says_what_was_measured_and_no_more(world):
    def sentence(*metrics):
        return measure(world.dataset, Truth(world), n=20, repeats=3, metrics=metrics).sentence

    semantic, variance, structure = (sentence(meter) for meter in SHIFTS)
    assert sentence(*SHIFTS) == f"{semantic} {variance} {structure}"
    assert sentence("recall") == ""


# --- Classes --------------------------------------------------------------------------------------


def test_classes_may_be_chosen_and_seen_ones_are_compared_with_their_test_rows(world):
    d = world.dataset
    classes = [d.unseen_classes[2], d.seen_classes[0], d.unseen_classes[0]]
    report = measure(d, Truth(world), n=20, repeats=3, classes=classes)
    np.testing.assert_array_equal(report.classes, classes)
    assert report.names == tuple(d.class_names[k] for k in classes)
    _, real, _ = real_features(d, classes)
    np.testing.assert_array_equal(real[1], d.features[d.of_class(classes[1], d.test_seen)])
    assert report.reading("spread").word == "fine"


@pytest.mark.parametrize(
    "classes", [[99], [-1], [0, 0], [], [0.5], 3, [[0, 1]], [True], ["cat"], ["class 0", 1]]
)
def test_classes_that_do_not_exist_are_refused(classes, world):
    message = "classes must be different class numbers from 0 to 18, got .*: give a list of"
    with pytest.raises(DataError, match=message):
        measure(world.dataset, Truth(world), classes=classes)


@pytest.mark.parametrize("form", [list, tuple, np.array, lambda names: np.array(names, object)])
def test_classes_may_be_called_by_name(form, world):
    d = world.dataset
    numbers = [d.unseen_classes[2], d.seen_classes[0]]
    classes = form([d.class_names[k] for k in numbers])
    report = measure(d, Truth(world), n=20, repeats=3, classes=classes, metrics="variance")
    np.testing.assert_array_equal(report.classes, numbers)


def test_classes_of_one_name_are_told_apart(world):
    names = list(world.dataset.class_names)
    first, second, *_ = world.dataset.unseen_classes
    names[first] = "twin"
    names[second] = "twin"
    dataset = replace(world.dataset, class_names=names)
    report = measure(dataset, Truth(world), n=20, repeats=3)
    assert report.names[:2] == tuple(dataset.unique_names[k] for k in (first, second))
    assert len({(r.metric, r.label) for r in report.readings}) == len(report.readings)


# --- Settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 3}, "n of at least 4 and at least 2 repeats, got n 3"),
        ({"repeats": 1}, "at least 2 repeats, got n 400 and 1 repeats"),
        ({"seed": -1}, "seed must be from 0"),
    ],
)
def test_settings_that_measure_nothing_are_refused(arguments, message, world):
    with pytest.raises(ConfigError, match=message):
        measure(world.dataset, Truth(world), **arguments)


def test_only_the_chosen_metrics_are_read_and_they_are_those_of_the_whole_report(world):
    settings = {"n": 30, "repeats": 4, "seed": 2}
    whole = measure(world.dataset, Truth(world), **settings)
    metrics = ("variance", "disparity", "Frechet")
    part = measure(world.dataset, Truth(world), **settings, metrics=metrics)

    chosen = {"spread", "disparity", "Frechet"}
    expected = [r for r in whole.readings if r.metric in chosen]
    assert len(part.readings) == len(expected) == 3 * 6
    for r, s in zip(part.readings, expected, strict=True):
        assert (r.metric, r.label) == (s.metric, s.label)
        assert same(r, s, rtol=1e-9), r


@pytest.mark.parametrize("name", [*METERS, *BY_NAME])
def test_each_metric_can_be_chosen_alone(world, name):
    report = measure(world.dataset, Truth(world), n=20, repeats=3, metrics=(name,))
    assert {r.metric for r in report.readings} == {HEADLINES.get(name, name)}
    assert len(report.readings) == 1 + len(world.dataset.unseen_classes)


def test_permuted_descriptions_are_asked_only_for_the_response(world):
    calls = []

    class Counting(Truth):
        def synthesize(self, attributes, n, **options):
            calls.append(n)
            return super().synthesize(attributes, n, **options)

    measure(world.dataset, Counting(world), n=20, repeats=3, metrics=SHIFTS)
    assert calls == [20]


@pytest.mark.parametrize(
    ("metrics", "got"), [(("variance", "beauty"), "beauty"), (("",), "''"), ((), r"\(\)")]
)
def test_a_metric_that_does_not_exist_is_refused(world, metrics, got):
    message = f"metrics must be among semantic, variance, .*got .*{got}"
    with pytest.raises(ConfigError, match=message):
        measure(world.dataset, Truth(world), n=20, repeats=3, metrics=metrics)


# --- Features -------------------------------------------------------------------------------------


def test_features_that_are_not_finite_are_refused_by_the_name_of_their_class(world):
    def broken(x):
        x[2, 3, 1] = torch.nan
        return x

    name = world.dataset.class_names[world.dataset.unseen_classes[2]]
    message = rf"must be finite, but those of class '{name}' are not \(1 such class\): lower"
    with pytest.raises(DataError, match=message):
        measure(world.dataset, Changed(Truth(world), broken), n=20)


@pytest.mark.parametrize(
    "change",
    [lambda x: x[:, :-1], lambda x: x[..., :-1], lambda x: x[1:], lambda x: x.flatten(0, 1)],
)
def test_features_of_the_wrong_shape_are_refused(change, world):
    message = r"asked for 20 features of 5 classes must give shape \(5, 20, 6\), got"
    with pytest.raises(DataError, match=message):
        measure(world.dataset, Changed(Truth(world), change), n=20)


@pytest.mark.parametrize("kind", [torch.float64, torch.float16, torch.bfloat16, "grad", "numpy"])
def test_any_kind_of_number_is_measured(kind, world, report):
    def change(x):
        if kind == "grad":
            return x.requires_grad_()
        return x.numpy() if kind == "numpy" else x.to(kind)

    other = measure(world.dataset, Changed(Truth(world), change), n=60, repeats=10)
    expected = report.reading("variance").value
    assert other.reading("variance").value == pytest.approx(expected, rel=1e-3)
    sound(other)


def test_complex_features_are_refused(world):
    with pytest.raises(DataError, match="must be real numbers, got complex"):
        measure(world.dataset, Changed(Truth(world), lambda x: x + 1j), n=20, repeats=3)
