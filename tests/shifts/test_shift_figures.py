"""Figures of the meters show what the tables say."""

import numpy as np
import pandas as pd
import pytest

from gsmflow_lite.shifts.dose_response import PURE
from gsmflow_lite.shifts.figures import dose_grid, sight_map
from gsmflow_lite.shifts.meters import HEADLINES


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    pairs = [(shift, meter) for shift in PURE for meter in PURE]
    rows = []
    for number, (shift, meter) in enumerate(pairs):
        for seed in (0, 1):
            for dose in (0.0, 0.5, 1.0):
                value = 1 - dose * number / 9
                metric = HEADLINES[meter]
                rows.append((shift, dose, seed, meter, metric, value, 0.9, 1.1, dose))
    columns = ["shift", "dose", "seed", "meter", "metric", "value", "low", "high", "badness"]
    return pd.DataFrame(rows, columns=columns)


def test_each_panel_draws_one_meter_under_one_shift_a_line_for_each_seed(frame):
    panels = np.reshape(dose_grid(frame).axes, (3, 3))
    first_seed = frame[frame["seed"] == 0]
    for row, meter in enumerate(PURE):
        for column, shift in enumerate(PURE):
            chosen = (first_seed["shift"] == shift) & (first_seed["meter"] == meter)
            lines = panels[row, column].lines
            assert len(lines) == 2
            np.testing.assert_allclose(lines[0].get_ydata(), first_seed[chosen]["value"])


def test_a_meters_own_shift_is_in_colour_and_the_others_are_grey(frame):
    colours = [axes.lines[0].get_color() for axes in dose_grid(frame).axes]
    grid = np.array(colours).reshape(3, 3)
    assert len(set(np.diag(grid))) == 1
    assert set(grid[~np.eye(3, dtype=bool)]).isdisjoint(np.diag(grid))


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
