"""What a report says in words, tables and JSON, of readings made by hand: to the letter."""

import json
from dataclasses import replace

import numpy as np
import pytest

from gsmflow_lite.errors import ConfigError, DataError
from gsmflow_lite.shifts import report as shifts
from gsmflow_lite.shifts.estimates import BY_NAME, Estimate
from gsmflow_lite.shifts.report import NOT_MEASURED, Reading, ShiftReport

NAN = float("nan")


def reading(
    metric: str, label: str | None, score: float, word: str = "watch", value: float = 0.4567
) -> Reading:
    return Reading(
        BY_NAME[metric].meter,
        metric,
        label,
        value,
        value - 0.1,
        value + 0.1,
        0.0,
        0.98765,
        score,
        word,
    )


def missing(metric: str, label: str | None) -> Reading:
    return Reading(BY_NAME[metric].meter, metric, label, *[NAN] * 6, NOT_MEASURED)


READINGS = (
    reading("agreement", None, 0.9, "fine"),
    reading("spread", None, 0.45, "shifted"),
    reading("distance order", None, 0.6),
    *(reading("agreement", name, score) for name, score in (("cat", 0.7), ("dog", 0.9))),
    *(reading("spread", name, score) for name, score in (("cat", 0.8), ("dog", 0.2))),
    *(reading("distance order", name, 0.75) for name in ("cat", "dog")),
)


def report(**changes) -> ShiftReport:
    parts = {
        "readings": READINGS,
        "classes": np.array([4, 7]),
        "names": ("cat", "dog"),
        "attribute_names": ("furry", "barks"),
        "asked": np.array([[1.0, 0.0], [0.5, 1.0]]),
        "read_real": np.array([[0.5, 0.25], [0.5, 1.0]]),
        "read_made": np.array([[0.75, 0.0], [0.123456, 2.0]]),
        "readability": np.array([0.9, 0.80006]),
        "responses": {"furry": 0.98765432},
        "mantel_p": 0.03,
        "changed": (("cat", "dog", "cow", 0.25),),
        "settings": {"n": 60},
        "notes": ("recall: none", "volume: few"),
    }
    return ShiftReport(**parts | changes)


# --- Words ------------------------------------------------------------------------------------------------------------

SEMANTIC = (
    "The synthesized classes agree with their descriptions at 0.46, where real ones reach 0.99 and mistaken ones 0.00 "
    "(semantic: fine)"
)
VARIANCE = "they are 0.46 times as varied as real ones (variance: shifted)"
STRUCTURE = "they stand to each other as in reality at a rank correlation of 0.46, where real data reach 0.99 (structure: watch)"


@pytest.mark.parametrize(
    ("kept", "sentence"),
    [
        ((0, 1, 2), f"{SEMANTIC}; {VARIANCE}; and {STRUCTURE}."),
        ((0, 2), f"{SEMANTIC}; and {STRUCTURE}."),
        ((1,), f"{VARIANCE}."),
        ((), ""),
    ],
)
def test_the_sentence_to_the_letter(kept, sentence):
    assert report(readings=tuple(READINGS[i] for i in kept)).sentence == sentence


def test_the_sentence_of_what_could_not_be_measured():
    nothing = tuple(missing(name, None) for name in ("agreement", "spread", "distance order"))
    assert report(readings=nothing).sentence == (
        "What the synthesized classes say could not be read; their variety could not be measured; "
        "and how they stand to each other could not be measured."
    )


def test_the_printed_report_to_the_letter():
    assert str(
        report(readings=(READINGS[0], missing("distance order", None), READINGS[3]))
    ) == "\n".join(
        [
            f"{SEMANTIC}; and how they stand to each other could not be measured.",
            "",
            "           metric                 value            95 % interval     floor   ceiling  score  word",
            "semantic   agreement             0.4567         0.3567 to 0.5567         0    0.9877   0.90  fine",
            "structure  distance order           nan               nan to nan       nan       nan    nan  not measured",
            "note: recall: none",
            "note: volume: few",
        ]
    )


# --- Tables -----------------------------------------------------------------------------------------------------------


def test_the_table_is_of_all_classes_together_unless_it_is_asked_for_by_class():
    whole, each = report().table(), report().table(by_class=True)
    assert whole.index.names == ["meter", "metric"]
    assert list(whole.index) == [
        ("semantic", "agreement"),
        ("variance", "spread"),
        ("structure", "distance order"),
    ]
    assert each.index.names == ["meter", "metric", "class"]
    assert list(each["score"]) == [0.7, 0.9, 0.8, 0.2, 0.75, 0.75]
    assert (
        list(whole.columns)
        == list(each.columns)
        == ["value", "low", "high", "floor", "ceiling", "score", "word"]
    )


def test_the_attribute_table_has_classes_as_rows_and_attributes_as_columns():
    table = report().attribute_table()
    assert (list(table.index), list(table.columns)) == (["cat", "dog"], ["furry", "barks"])
    np.testing.assert_allclose(table, [[0.25, -0.25], [-0.376544, 1.0]])


def test_the_worst_class_is_that_with_the_lowest_score_of_a_headline():
    assert report().worst() == [("dog", 0.2, "variance"), ("cat", 0.7, "semantic")]


def test_what_was_not_measured_makes_no_class_the_worst():
    unmeasured = (
        missing("agreement", "cat"),
        missing("spread", "cat"),
        missing("distance order", "cat"),
    )
    some = [r for r in READINGS if r.label != "cat" and (r.metric, r.label) != ("spread", "dog")]
    left = report(readings=(*some, *unmeasured, missing("spread", "dog")))
    assert left.worst() == [("dog", 0.75, "structure")]


def test_the_dictionary_to_the_letter():
    said = report(readings=(READINGS[0], missing("spread", "cat"))).to_dict()
    assert said == {
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
            },
            {"meter": "variance", "metric": "spread", "label": "cat", "word": NOT_MEASURED}
            | dict.fromkeys(("value", "low", "high", "floor", "ceiling", "score")),
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
        "sentence": f"{SEMANTIC}.",
    }
    json.dumps(said, allow_nan=False)


@pytest.mark.parametrize(("count", "listed"), [(5, "0, 1, 2, 3, 4"), (6, "0, 1, 2, 3, 4 ...")])
def test_a_reading_that_is_not_there_is_answered_with_what_there_is(count, listed):
    metrics = ", ".join(BY_NAME)
    with pytest.raises(ConfigError) as error:
        report(names=tuple(map(str, range(count)))).reading("beauty", "cow")
    assert str(error.value) == (
        f"there is no reading of 'beauty' for 'cow': metrics are {metrics}; classes are {listed}, or None for all"
    )


# --- From estimates to readings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [([0.5, 0.7], 0.323, 0.877), ([0.0, 0.2], 0, 0.377), ([0.8, 1], 0.623, 1)],
)
def test_an_interval_is_1_96_standard_deviations_within_what_can_be(values, low, high):
    assert shifts.interval(np.array(values), BY_NAME["recall"]) == pytest.approx(
        (low, high), abs=6e-4
    )


BOUNDS = [  # value, its wobble, that of the ceiling, which is 1 where the floor is 0: what word
    (0.8, 0.0, 0.0, "fine"),
    (0.5, 0.0, 0.0, "watch"),
    (0.4999, 0.0, 0.0, "shifted"),
    (0.25, 0.0, 0.76 / 1.96, "watch"),  # the intervals meet
    (0.25, 0.76 / 1.96, 0.0, "watch"),
    (0.25, 0.0, 0.74 / 1.96, "shifted"),
]


@pytest.mark.parametrize(("value", "wobble", "of_ceiling", "word"), BOUNDS)
def test_the_borders_of_the_words(value, wobble, of_ceiling, word):
    around = np.array([-1.0, 1.0]) / np.sqrt(2)  # of standard deviation 1
    values, ceilings = value + wobble * around, 1 + of_ceiling * around
    found = shifts._reading(
        BY_NAME["response"], "cat", values, ceilings, 0, (values, 0.0, ceilings)
    )
    assert found.word == word
    assert (found.meter, found.metric, found.label, found.floor) == (
        "semantic",
        "response",
        "cat",
        0.0,
    )
    assert (found.value, found.ceiling) == (pytest.approx(value), pytest.approx(1))
    assert (found.low, found.high) == pytest.approx((value - 1.96 * wobble, value + 1.96 * wobble))


def test_values_beyond_the_ceiling_and_below_the_floor_meet_it_or_not_by_their_intervals():
    both = np.ones(2)
    low = shifts._reading(
        BY_NAME["Frechet"],
        None,
        np.array([9.0, 9.0]),
        np.array([1.0, 1.0]),
        9,
        (-9 * both, -9.0, -both),
    )
    assert (low.score, low.word) == (0, "shifted")


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_room_between_floor_and_ceiling_is_judged_in_their_own_units(size):
    values = size * np.array([1.0, 1.0])
    at = [shifts._reading(BY_NAME["Frechet"], None, values, values, size, (-v * values, -2 * size, -c * values)) for v, c in (
        (1.4, 1.0), (2.0, 2.0), (2.1, 2.0), (1.0, 2 - 1e-8)
    )]  # fmt: skip
    assert [r.score for r in at] == [pytest.approx(0.6), 1, 0, 1]
    assert [r.word for r in at] == ["watch", "watch", "watch", "fine"]


def estimate(metric: str, value: list[list[float]]) -> Estimate:
    """Two repeats of two classes, with a ceiling of 1 and a floor of 0."""
    value = np.array(value)
    one = np.ones_like(value)
    return Estimate(
        BY_NAME[metric],
        value,
        one,
        np.zeros(2),
        value.mean(1),
        one.mean(1),
        0.0,
        (value.mean(1), 0.0, one.mean(1)),
    )


def collector(wanted=("agreement", "spread")) -> shifts._Collector:
    return shifts._Collector(("cat", "dog"), [], frozenset(wanted))


def test_readings_come_by_metric_for_all_and_then_class_by_class():
    found = collector()
    found.add("agreement, response", lambda: [estimate("agreement", [[0.9, 0.3], [0.9, 0.3]])])
    readings = found.readings()
    assert [(r.metric, r.label) for r in readings] == [
        ("agreement", None), ("spread", None), ("agreement", "cat"), ("spread", "cat"), ("agreement", "dog"), ("spread", "dog"),
    ]  # fmt: skip
    assert [r.word for r in readings] == [
        "watch",
        NOT_MEASURED,
        "fine",
        NOT_MEASURED,
        "shifted",
        NOT_MEASURED,
    ]
    assert [r.score for r in readings][::2] == pytest.approx([0.6, 0.9, 0.3])
    assert all(
        np.isnan([r.value, r.low, r.high, r.floor, r.ceiling, r.score]).all()
        for r in readings[1::2]
    )
    assert {r.meter for r in readings[1::2]} == {"variance"}
    assert found.notes == []


def test_what_is_not_wanted_is_not_made():
    collector().add("recall, volume", lambda: pytest.fail("made all the same"))


def test_a_class_that_could_not_be_measured_has_a_note():
    found = collector()
    found.add("spread", lambda: [estimate("spread", [[0.9, NAN], [0.9, NAN]])])
    assert found.notes == ["spread: too few or too equal rows, or descriptions, of dog"]
    assert [r.word for r in found.readings() if r.metric == "spread"][1:] == ["fine", NOT_MEASURED]


def test_classes_that_could_not_be_measured_are_all_named():
    value = np.array([[0.9, NAN, NAN]])
    some = Estimate(
        BY_NAME["spread"], value, value, np.zeros(3), value[:, 0], value[:, 0], 0.0, (0.9, 0.0, 1.0)
    )
    found = shifts._Collector(("cat", "dog", "cow"), [], frozenset({"spread"}))
    found.add("spread", lambda: [some])
    assert found.notes == ["spread: too few or too equal rows, or descriptions, of dog, cow"]


def test_where_no_class_could_be_measured_alone_there_is_no_note():
    found = collector()
    found.add("spread", lambda: [estimate("spread", [[NAN, NAN], [NAN, NAN]])])
    assert found.notes == []


@pytest.mark.parametrize(("name", "called"), [(None, "spread, volume"), ("spectra", "spectra")])
def test_an_error_becomes_a_note(name, called):
    def fail():
        raise DataError("no rows")

    found = collector()
    found.add("spread, volume", fail, *([] if name is None else [name]))
    assert (found.notes, found.estimates) == ([f"{called}: no rows"], {})
    assert found.attempt("it", lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):  # not ours to hide
        found.attempt("it", lambda: 1 / 0)


@pytest.mark.parametrize(
    ("change", "p", "word"),
    [
        ({}, 0.2, "watch"),
        ({}, 0.05, "watch"),
        ({}, 0.0499, "fine"),
        ({}, None, "fine"),
        ({"label": "cat"}, 0.2, "fine"),
        ({"metric": "disparity"}, 0.2, "fine"),
        ({"word": "shifted"}, 0.2, "shifted"),
    ],
)
def test_chance_takes_fine_from_the_distance_order_of_all(change, p, word):
    lucky = replace(reading("distance order", None, 0.95, "fine"), **change)
    assert shifts._by_chance(lucky, p) == replace(lucky, word=word)


def test_classes_of_one_name_get_their_numbers():
    assert shifts._distinct(["a", "b", "a"], np.array([3, 5, 9])) == [
        "a (class 3)",
        "b",
        "a (class 9)",
    ]
