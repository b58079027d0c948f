"""What differs between two reports: values, intervals, and which is nearer to real data."""

import numpy as np
import pytest

from gsmflow_lite import DataError, Injected, gaussian_world, measure
from gsmflow_lite.comparison import differences
from gsmflow_lite.shifts import Reading, ShiftReport

WORLD = gaussian_world(8, seen=8, unseen=4, attributes=5, samples=60).dataset


def reports(**dose):
    return [measure(WORLD, Injected(WORLD, **one), n=40, metrics=("variance", "semantic"), repeats=10) for one in ({}, dose)]


def report(value: float, half: float, metric: str = "spread", word: str = "fine") -> ShiftReport:
    reading = Reading("variance", metric, None, value, value - half, value + half, 0.0, 1.0, 1.0, word)
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


@pytest.mark.parametrize(("second", "nearer"), [(1.2, "second"), (4.0, "first"), (0.4, "chance"), (1.8, "chance")])
def test_of_ratios_the_one_nearer_to_one_is_nearer_beyond_chance(second, nearer):
    # the half-widths 0.3 and 0.4 make an interval of 0.5
    table = differences(report(0.5 if second != 1.8 else 1.5, 0.3), report(second, 0.4))
    assert table["nearer"][0] == nearer
    assert table["high"][0] - table["low"][0] == pytest.approx(1.0)


def test_what_was_not_measured_has_no_difference():
    row = differences(report(1.0, 0.1), report(float("nan"), 0.1, word="not measured")).iloc[0]
    assert row["nearer"] == "not measured"
    assert np.isnan(row["difference"])


def test_reports_on_other_classes_are_refused():
    generator = Injected(WORLD)
    a, b = (measure(WORLD, generator, n=20, classes=WORLD.unseen_classes[part], repeats=4) for part in (slice(2), slice(1, 3)))
    with pytest.raises(DataError, match="must be of the same classes"):
        differences(a, b)
