"""Figures of the meters show what the tables say."""

import numpy as np
import pandas as pd
import pytest

from gsmflow_lite.shifts.dose_response import PURE
from gsmflow_lite.shifts.figures import dose_grid, sight_map
from gsmflow_lite.shifts.report import HEADLINES


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rows = [
        {"shift": shift, "dose": dose, "seed": seed, "meter": meter, "metric": HEADLINES[meter], "value": 1 - dose * i / 9,
         "low": 0.9, "high": 1.1, "badness": dose}
        for i, (shift, meter) in enumerate((s, m) for s in PURE for m in PURE)
        for seed in (0, 1)
        for dose in (0.0, 0.5, 1.0)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_each_panel_draws_one_meter_under_one_shift_a_line_for_each_seed(frame):
    panels = dose_grid(frame).axes
    assert len(panels) == 9
    for row, meter in enumerate(PURE):
        for column, shift in enumerate(PURE):
            own = frame[
                (frame["shift"] == shift) & (frame["meter"] == meter) & (frame["seed"] == 0)
            ]
            lines = panels[3 * row + column].lines
            assert len(lines) == 2
            np.testing.assert_allclose(lines[0].get_ydata(), own["value"])


def test_a_meters_own_shift_is_in_colour_and_the_others_are_grey(frame):
    colours = np.array([axes.lines[0].get_color() for axes in dose_grid(frame).axes]).reshape(3, 3)
    assert len(set(np.diag(colours))) == 1
    assert set(colours[~np.eye(3, dtype=bool)]).isdisjoint(np.diag(colours))


def test_the_map_says_the_dose_blind_or_better():
    table = pd.DataFrame(
        [
            ("semantic", "agreement", "variance", np.nan, True),
            ("semantic", "agreement", "semantic", 0.15, True),
            ("known", "precision", "variance", 0.3, False),
            ("known", "precision", "semantic", 0.45, True),
        ],
        columns=["meter", "metric", "shift", "dose", "worse"],
    )
    texts = sorted(text.get_text() for text in sight_map(table).axes[0].texts)
    assert texts == ["0.15", "0.3\nbetter", "0.45", "blind"]
