"""What a report says in words, tables and JSON, of readings made by hand: to the letter."""

import json
from dataclasses import replace

import numpy as np
import pytest

from gsmflow_lite.errors import ConfigError, DataError
from gsmflow_lite.shifts.estimates import Bounded, Estimate
from gsmflow_lite.shifts.measuring import Collector
from gsmflow_lite.shifts.meter import Measurement
from gsmflow_lite.shifts.meters import BY_NAME
from gsmflow_lite.shifts.report import Reading, ShiftReport

NAN = float("nan")


def reading(
    metric: str,
    label: str | None,
    score: float,
    word: str = "watch",
    value: float = 0.4567,
) -> Reading:
    return Reading(
        meter=BY_NAME[metric].meter,
        metric=metric,
        label=label,
        value=value,
        low=value - 0.1,
        high=value + 0.1,
        floor=0.0,
        ceiling=0.98765,
        score=score,
        word=word,
    )


def missing(metric: str, label: str | None) -> Reading:
    return Reading.missing(BY_NAME[metric], label)


READINGS = (
    reading("agreement", None, 0.9, "fine"),
    reading("spread", None, 0.45, "shifted"),
    reading("distance order", None, 0.6),
    reading("agreement", "cat", 0.7),
    reading("agreement", "dog", 0.9),
    reading("spread", "cat", 0.8),
    reading("spread", "dog", 0.2),
    reading("distance order", "cat", 0.75),
    reading("distance order", "dog", 0.75),
)


def report(**changes) -> ShiftReport:
    parts = {
        "readings": READINGS,
        "classes": np.array([4, 7]),
        "names": ("cat", "dog"),
        "attribute_names": ("furry", "barks"),
        "attributes": np.array([[1.0, 0.0], [0.5, 1.0]]),
        "read_real": np.array([[0.5, 0.25], [0.5, 1.0]]),
        "read_synthesized": np.array([[0.75, 0.0], [0.123456, 2.0]]),
        "readability": np.array([0.9, 0.80006]),
        "responses": {"furry": 0.98765432},
        "mantel_p": 0.03,
        "changed": (("cat", "dog", "cow", 0.25),),
        "settings": {"n": 60},
        "notes": ("recall: none", "volume: few"),
    }
    return ShiftReport(**parts | changes)


# --- Words ----------------------------------------------------------------------------------------

SEMANTIC = (
    "Semantic: fine. Descriptions can be read off the synthesized classes "
    "(0.46; real classes 0.99, guessing 0.00)."
)
VARIANCE = "Variance: shifted. The synthesized classes are 0.46 times as varied as real ones."
STRUCTURE = (
    "Structure: watch. Which class is near which is right in part (0.46; real classes 0.99)."
)


@pytest.mark.parametrize(
    ("kept", "sentence"),
    [
        ((0, 1, 2), f"{SEMANTIC} {VARIANCE} {STRUCTURE}"),
        ((0, 2), f"{SEMANTIC} {STRUCTURE}"),
        ((1,), VARIANCE),
        ((), ""),
    ],
)
def test_the_sentence_to_the_letter(kept, sentence):
    assert report(readings=tuple(READINGS[i] for i in kept)).sentence == sentence


def test_the_sentence_of_what_could_not_be_measured():
    nothing = tuple(missing(name, None) for name in ("agreement", "spread", "distance order"))
    assert report(readings=nothing).sentence == (
        "Semantic: not measured. Variance: not measured. Structure: not measured."
    )


def test_the_printed_report_to_the_letter():
    readings = (READINGS[0], missing("distance order", None), READINGS[3])
    assert str(report(readings=readings)).splitlines() == [
        f"{SEMANTIC} Structure: not measured.",
        "",
        "           metric                 value            95 % interval     floor   ceiling"
        "  score  word",
        "semantic   agreement             0.4567         0.3567 to 0.5567         0    0.9877"
        "   0.90  fine",
        "structure  distance order           nan               nan to nan       nan       nan"
        "    nan  not measured",
        "note: recall: none",
        "note: volume: few",
    ]


# --- Tables ---------------------------------------------------------------------------------------


def test_the_table_is_of_all_classes_together():
    table = report().table()
    assert table.index.names == ["meter", "metric"]
    assert list(table.index) == [
        ("semantic", "agreement"),
        ("variance", "spread"),
        ("structure", "distance order"),
    ]
    columns = ["value", "low", "high", "floor", "ceiling", "score", "word", "advice", "beside"]
    assert list(table.columns) == columns


def test_the_table_by_class_has_a_row_for_each_class_and_metric():
    table = report().table(by_class=True)
    assert table.index.names == ["meter", "metric", "class"]
    assert list(table["score"]) == [0.7, 0.9, 0.8, 0.2, 0.75, 0.75]
    assert list(table.columns) == list(report().table().columns)


def test_the_attribute_table_has_classes_as_rows_and_attributes_as_columns():
    table = report().attribute_table()
    assert list(table.index) == ["cat", "dog"]
    assert list(table.columns) == ["furry", "barks"]
    np.testing.assert_allclose(table, [[0.25, -0.25], [-0.376544, 1.0]])


def test_the_worst_class_is_that_with_the_lowest_score_of_a_headline():
    assert report().worst() == [("dog", 0.2, "variance"), ("cat", 0.7, "semantic")]


def test_what_cannot_be_told_comes_after_what_can():
    unsure = {("spread", "dog"), *((r.metric, "cat") for r in READINGS)}
    readings = [
        replace(r, word="cannot tell") if (r.metric, r.label) in unsure else r for r in READINGS
    ]
    found = report(readings=tuple(readings)).worst()
    assert found == [("dog", 0.75, "structure"), ("cat", 0.7, "semantic")]


def test_what_was_not_measured_makes_no_class_the_worst():
    gone = {("spread", "dog")} | {(r.metric, "cat") for r in READINGS}
    readings = [missing(r.metric, r.label) if (r.metric, r.label) in gone else r for r in READINGS]
    assert report(readings=tuple(readings)).worst() == [("dog", 0.75, "structure")]


def test_the_dictionary_to_the_letter():
    nothing = dict.fromkeys(("value", "low", "high", "floor", "ceiling", "score"))
    entries = report(readings=(READINGS[0], missing("spread", "cat"))).to_dict()
    assert entries == {
        "readings": [
            {
                "meter": "semantic",
                "metric": "agreement",
                "label": None,
                "value": 0.4567,
                "low": 0.4567 - 0.1,
                "high": 0.4567 + 0.1,
                "floor": 0.0,
                "ceiling": 0.98765,
                "score": 0.9,
                "word": "fine",
                "advice": "",
                "beside": None,
            },
            {
                "meter": "variance",
                "metric": "spread",
                "label": "cat",
                "word": "not measured",
                "advice": "",
                "beside": None,
                **nothing,
            },
        ],
        "classes": ["cat", "dog"],
        "attributes": {
            "names": ["furry", "barks"],
            "asked": [[1.0, 0.0], [0.5, 1.0]],
            "read_real": [[0.5, 0.25], [0.5, 1.0]],
            "read_made": [[0.75, 0.0], [0.1235, 2.0]],
            "readability": [0.9, 0.8001],
        },
        "responses": {"furry": 0.9877},
        "mantel_p": 0.03,
        "changed_places": [["cat", "dog", "cow", 0.25]],
        "settings": {"n": 60},
        "notes": ["recall: none", "volume: few"],
        "sentence": SEMANTIC,
    }
    json.dumps(entries, allow_nan=False)


@pytest.mark.parametrize(("count", "listed"), [(5, "0, 1, 2, 3, 4"), (6, "0, 1, 2, 3, 4 ...")])
def test_a_reading_that_does_not_exist_is_answered_with_what_there_is(count, listed):
    metrics = ", ".join(BY_NAME)
    with pytest.raises(ConfigError) as error:
        report(names=tuple(map(str, range(count)))).reading("beauty", "cow")
    assert str(error.value) == (
        f"there is no reading of 'beauty' for 'cow': metrics are {metrics}; "
        f"classes are {listed}, or None for all"
    )


# --- From estimates to readings -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [([0.5, 0.7], 0.323, 0.877), ([0.0, 0.2], 0, 0.377), ([0.8, 1], 0.623, 1)],
)
def test_an_interval_is_1_96_standard_deviations_within_what_can_be(values, low, high):
    interval = BY_NAME["recall"].interval(np.array(values))
    assert interval == pytest.approx((low, high), abs=6e-4)


def test_a_reading_has_the_numbers_of_its_estimate():
    around = np.array([-1.0, 1.0]) / np.sqrt(2)  # of standard deviation 1
    numbers = Bounded(0.5 + 0.1 * around, 0.0, 1 + 0.3 * around)
    result = Reading.of(BY_NAME["response"], "cat", numbers, numbers)
    assert (result.meter, result.metric, result.label) == ("semantic", "response", "cat")
    assert (result.value, result.floor, result.ceiling) == pytest.approx((0.5, 0.0, 1.0))
    assert (result.low, result.high) == pytest.approx((0.5 - 0.196, 0.5 + 0.196))
    assert (result.score, result.word) == (pytest.approx(0.5), "watch")


def estimate(metric: str, value: list[list[float]]) -> Estimate:
    """Repeats of classes, with a ceiling of 1 and a floor of 0."""
    values = np.array(value)
    ones = np.ones_like(values)
    together = Bounded(values.mean(1), 0.0, ones.mean(1))
    by_class = Bounded(values, np.zeros(values.shape[1]), ones)
    return Estimate(BY_NAME[metric], by_class, together, together)


def measurement(metrics: str, *estimates: Estimate, name: str = "name") -> Measurement:
    """A measurement of these metrics that gives these estimates, whatever the evidence."""
    known = tuple(BY_NAME[metric] for metric in metrics.split(", "))
    return Measurement(known, lambda evidence: estimates, name)


def collector(*names: str) -> Collector:
    return Collector(names or ("cat", "dog"), frozenset({"agreement", "spread"}), [])


def test_readings_come_by_metric_for_all_and_then_class_by_class():
    collected = collector()
    agreement = estimate("agreement", [[0.9, 0.3], [0.9, 0.3]])
    collected.add(measurement("agreement, response", agreement), None)
    readings = collected.readings()
    assert [(r.metric, r.label, r.word) for r in readings] == [
        ("agreement", None, "watch"),
        ("spread", None, "not measured"),
        ("agreement", "cat", "fine"),
        ("spread", "cat", "not measured"),
        ("agreement", "dog", "shifted"),
        ("spread", "dog", "not measured"),
    ]
    assert [r.score for r in readings if r.measured] == pytest.approx([0.6, 0.9, 0.3])
    assert collected.notes == []


def test_the_reading_of_what_was_not_measured_has_no_numbers():
    r = missing("spread", "cat")
    assert (r.meter, r.metric, r.label, r.measured) == ("variance", "spread", "cat", False)
    assert np.isnan([r.value, r.low, r.high, r.floor, r.ceiling, r.score]).all()


def test_what_is_not_chosen_is_not_measured():
    def fail(evidence):
        pytest.fail("measured all the same")

    recall_and_volume = (BY_NAME["recall"], BY_NAME["volume"])
    collector().add(Measurement(recall_and_volume, fail, "name"), None)


@pytest.mark.parametrize("others", [("dog",), ("dog", "cow")])
def test_classes_that_could_not_be_measured_are_all_named_in_a_note(others):
    collected = collector("cat", *others)
    row = [0.9] + [NAN] * len(others)
    collected.add(measurement("spread", estimate("spread", [row, row])), None)
    names = ", ".join(others)
    assert collected.notes == [f"spread: too few or too equal rows, or descriptions, of {names}"]
    by_class = {r.label: r.word for r in collected.readings() if r.metric == "spread"}
    assert by_class["cat"] == "fine"
    assert {by_class[name] for name in others} == {"not measured"}


def test_where_no_class_could_be_measured_alone_there_is_no_note():
    collected = collector()
    nothing = [[NAN, NAN], [NAN, NAN]]
    collected.add(measurement("spread", estimate("spread", nothing)), None)
    assert collected.notes == []


def failing(error: Exception) -> Measurement:
    def fail(evidence):
        raise error

    return Measurement((BY_NAME["spread"], BY_NAME["volume"]), fail, "spectra")


def test_an_error_of_the_data_becomes_a_note():
    collected = collector()
    collected.add(failing(DataError("no rows")), None)
    assert collected.notes == ["spectra: no rows"]
    assert collected.estimates == {}


def test_another_error_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        collector().add(failing(ZeroDivisionError()), None)


@pytest.mark.parametrize(("p", "word"), [(0.05, "cannot tell"), (0.0499, "fine"), (None, "fine")])
def test_chance_takes_fine_from_the_distance_order_of_all_and_not_of_a_class(p, word):
    lucky = replace(estimate("distance order", [[0.95, 0.9], [0.95, 0.9]]), p=p)
    assert Reading.of_all_classes(lucky, 20).word == word
    assert Reading.of_class(lucky, 0, "cat").word == "fine"


# --- What cannot be told, and what stands beside ----------------------------------------------


def test_the_sentence_of_what_cannot_be_told():
    unsure = [replace(r, word="cannot tell", advice="ask for more") for r in READINGS[:3]]
    assert report(readings=tuple(unsure)).sentence == (
        "Semantic: cannot tell. Descriptions can hardly be read off real classes: ask for more "
        "(0.46; real classes 0.99, guessing 0.00). "
        "Variance: cannot tell. So few real rows do not say how varied the classes are: "
        "ask for more. "
        "Structure: cannot tell. There are too few classes to say which is near which: "
        "ask for more (0.46; real classes 0.99)."
    )


@pytest.mark.parametrize(
    ("advice", "few"),
    [
        ("about 8 rows a class would do, real and synthesized, in place of 7", "rows a class"),
        ("it takes more than 7 rows a class, real and synthesized", "rows a class"),
        ("about 9 classes would do, in place of 7", "classes"),
    ],
)
def test_too_few_and_enough_are_said_of_one_thing(advice, few):
    unsure = replace(READINGS[2], word="cannot tell", advice=advice)
    (sentence,) = report(readings=(unsure,)).sentences
    assert f"There are too few {few} to say which is near which: {advice}" in sentence


@pytest.mark.parametrize(
    ("word", "part"),
    [
        ("fine", "can hardly tell synthesized rows from real ones (AUC 0.46; real from real 0.99)"),
        ("watch", "tells some synthesized rows"),
        ("shifted", "A classifier tells synthesized rows from real ones"),
        ("cannot tell", "too few rows for a classifier: ask for more"),
    ],
)
def test_the_sentence_of_the_overall_view(word, part):
    overall = replace(reading("quadratic test", None, 0.9, value=0.46), word=word, ceiling=0.99)
    overall = replace(overall, advice="ask for more" if word == "cannot tell" else "")
    (sentence,) = report(readings=(overall,)).sentences
    assert sentence.startswith(f"Overall: {word}. ")
    assert part in sentence


def test_only_what_cannot_be_told_has_advice():
    sure = Reading.of_all_classes(estimate("spread", [[0.9], [0.9]]), 20)
    unsure = estimate("spread", [[0.9], [0.9]])
    unsure = replace(unsure, goodness=replace(unsure.goodness, ceiling=np.array([0.0, 1.0])))
    assert sure.advice == ""
    # The half width is 1.96 / sqrt(2), the room 0.5: (1.386 / 0.5)^2 = 7.68 times as many rows.
    assert Reading.of_all_classes(unsure, 20).advice == (
        "about 154 rows a class would do, real and synthesized, in place of 20"
    )


def test_beside_each_reading_stands_what_another_generator_reaches():
    other = report(
        readings=(
            reading("agreement", None, 0.9, value=0.125),
            reading("spread", "cat", 0.8, value=0.25),
            missing("spread", None),
        )
    )
    both = report().beside(other)
    beside = {(r.metric, r.label): r.beside for r in both.readings if r.beside is not None}
    assert beside == {("agreement", None): 0.125, ("spread", "cat"): 0.25}
    assert [replace(r, beside=None) for r in both.readings] == list(READINGS)


def test_readings_of_another_report_are_added_where_there_are_none():
    new = reading("quadratic test", None, 0.1)
    other = report(readings=(reading("agreement", None, 0.2), new))
    assert report().with_readings_of(other).readings == (*READINGS, new)
