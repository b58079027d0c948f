"""What differs between two reports: values, intervals, and which is nearer to real data."""

from dataclasses import replace

import numpy as np
import pytest

from gsmflow_lite import DataError, Injected, gaussian_world, measure
from gsmflow_lite.shifts.comparison import differences
from gsmflow_lite.shifts.report import Reading, ShiftReport

WORLD = gaussian_world(8, seen=8, unseen=4, attributes=5, samples=60).dataset


def reports(**dose):
    return [
        measure(WORLD, Injected(WORLD, **one), n=40, metrics=("variance", "semantic"), repeats=10)
        for one in ({}, dose)
    ]


def report(value: float, half: float, metric: str = "spread", word: str = "fine") -> ShiftReport:
    reading = Reading(
        "variance", metric, None, value, value - half, value + half, 0.0, 1.0, 1.0, word
    )
    empty = np.empty((0, 0))
    return ShiftReport((reading,), empty, (), (), empty, empty, empty, empty, {}, None, (), {}, ())


def test_a_collapse_is_a_difference_and_the_whole_one_is_nearer():
    table = differences(*reports(variance=0.5)).set_index(["metric", "class"])
    whole = table[table.index.get_level_values(1).isna()].loc["spread"].iloc[0]
    assert whole["difference"] == pytest.approx(whole["second"] - whole["first"])
    assert whole["second"] == pytest.approx(0.25 * whole["first"], rel=1e-4)
    assert whole["nearer"] == "first"


def test_a_report_does_not_differ_from_itself():
    one, _ = reports()
    table = differences(one, one)
    assert (table["difference"] == 0).all()
    assert set(table["nearer"]) == {"chance"}


def test_every_class_has_a_line_for_each_metric():
    one, other = reports(variance=0.5)
    assert len(differences(one, other)) == 2 * (1 + len(one.names))


@pytest.mark.parametrize(
    ("second", "nearer"),
    [
        (0.93, "second"),
        (1.05, "second"),
        (5.0, "first"),
        (0.4, "first"),
        (0.8, "chance"),
        (1.4, "chance"),
        (1.6, "chance"),
    ],
)
def test_of_ratios_the_one_nearer_to_one_is_nearer_beyond_chance(second, nearer):
    # 0.7 and 1.4 differ by more than their intervals, but 1.4 is as bad as 0.71
    table = differences(report(0.7, 0.09), report(second, 0.12))
    assert table["nearer"][0] == nearer
    assert table["high"][0] - table["low"][0] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("second", "nearer"), [(0.69, "chance"), (0.6, "second"), (0.9, "first"), (0.1, "first")]
)
def test_of_chances_to_tell_apart_the_one_nearer_to_a_half_is_nearer(second, nearer):
    table = differences(
        report(0.3, 0.06, metric="quadratic test"), report(second, 0.06, metric="quadratic test")
    )
    assert table["nearer"][0] == nearer


def test_an_interval_that_ends_where_values_end_is_as_wide_as_its_other_side_says():
    first, second = report(0.97, 0.1, metric="recall"), report(0.88, 0.04, metric="recall")
    cut = replace(first, readings=(replace(first.readings[0], high=1.0),))
    one = differences(cut, second).iloc[0]
    assert one["high"] - one["difference"] == pytest.approx(np.hypot(0.1, 0.04))
    assert one["nearer"] == "chance"


def test_what_was_not_measured_has_no_difference():
    row = differences(report(1.0, 0.1), report(float("nan"), 0.1, word="not measured")).iloc[0]
    assert row["nearer"] == "not measured"
    assert np.isnan(row["difference"])


def test_reports_on_other_classes_are_refused():
    generator = Injected(WORLD)
    a, b = (
        measure(WORLD, generator, n=20, classes=WORLD.unseen_classes[part], repeats=4)
        for part in (slice(2), slice(1, 3))
    )
    with pytest.raises(DataError, match="must be of the same classes"):
        differences(a, b)
