"""What differs between two reports: values, intervals, and which is nearer to real data."""

from dataclasses import replace

import numpy as np
import pytest

from gsmflow_lite import DataError, Injected, gaussian_world, measure
from gsmflow_lite.shifts.comparison import differences
from gsmflow_lite.shifts.report import Reading, ShiftReport

WORLD = gaussian_world(8, seen=8, unseen=4, attributes=5, samples=60).dataset


def report_with(**dose: float) -> ShiftReport:
    shifted = Injected(WORLD, **dose)
    return measure(WORLD, shifted, n=40, metrics=("variance", "semantic"), repeats=10)


def report(value: float, half: float, metric: str = "spread", word: str = "fine") -> ShiftReport:
    """A report with one reading, and an interval of ``half`` on either side."""
    low = value - half
    high = value + half
    reading = Reading("variance", metric, None, value, low, high, 0.0, 1.0, 1.0, word)
    empty = np.empty((0, 0))
    return ShiftReport((reading,), empty, (), (), empty, empty, empty, empty, {}, None, (), {}, ())


def test_a_collapse_is_a_difference_and_the_whole_one_is_nearer():
    table = differences(report_with(), report_with(variance=0.5))
    whole = table[table["class"].isna() & (table["metric"] == "spread")].iloc[0]
    assert whole["difference"] == pytest.approx(whole["second"] - whole["first"])
    assert whole["second"] == pytest.approx(0.25 * whole["first"], rel=1e-4)
    assert whole["nearer"] == "first"


def test_a_report_does_not_differ_from_itself():
    same = report_with()
    table = differences(same, same)
    assert (table["difference"] == 0).all()
    assert set(table["nearer"]) == {"chance"}


def test_every_class_has_a_line_for_each_metric():
    first = report_with()
    second = report_with(variance=0.5)
    assert len(differences(first, second)) == 2 * (1 + len(first.names))


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
    # 0.7 and 1.4 differ by more than their intervals, but 1.4 is as bad as 0.71.
    table = differences(report(0.7, 0.09), report(second, 0.12))
    assert table["nearer"][0] == nearer
    assert table["high"][0] - table["low"][0] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("second", "nearer"), [(0.69, "chance"), (0.6, "second"), (0.9, "first"), (0.1, "first")]
)
def test_of_chances_to_tell_apart_the_one_nearer_to_a_half_is_nearer(second, nearer):
    metric = "quadratic test"
    table = differences(report(0.3, 0.06, metric), report(second, 0.06, metric))
    assert table["nearer"][0] == nearer


def test_an_interval_that_ends_where_values_end_is_as_wide_as_its_other_side_says():
    first = report(0.97, 0.1, metric="recall")
    cut = replace(first, readings=(replace(first.readings[0], high=1.0),))
    row = differences(cut, report(0.88, 0.04, metric="recall")).iloc[0]
    assert row["high"] - row["difference"] == pytest.approx(np.hypot(0.1, 0.04))
    assert row["nearer"] == "chance"


def test_what_was_not_measured_has_no_difference():
    nothing = report(float("nan"), 0.1, word="not measured")
    row = differences(report(1.0, 0.1), nothing).iloc[0]
    assert row["nearer"] == "not measured"
    assert np.isnan(row["difference"])


def test_reports_on_other_classes_are_refused():
    generator = Injected(WORLD)
    first = measure(WORLD, generator, n=20, classes=WORLD.unseen_classes[:2], repeats=4)
    second = measure(WORLD, generator, n=20, classes=WORLD.unseen_classes[1:3], repeats=4)
    with pytest.raises(DataError, match="must be of the same classes"):
        differences(first, second)
