"""The figures of lessons 02 and 03 draw the numbers that they are given."""

import numpy as np
import pandas as pd
import pytest

from gsmflow_lite.errors import DataError
from gsmflow_lite.figures.lessons import heat_row, views_against_truth


def table(values, columns=("stem", "bowl", "bar")):
    return pd.DataFrame(values, index=["Q", "_I$"], columns=list(columns))


def test_a_heat_row_has_one_map_for_each_table_with_its_numbers():
    tables = {"asked": table(np.arange(6.0).reshape(2, 3)), "read": table(-np.ones((2, 3)))}
    figure = heat_row(tables, label="units")
    maps = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title(loc="left") for axes in maps[:2]] == ["asked", "read"]
    for axes, one in zip(maps, tables.values(), strict=False):
        np.testing.assert_array_equal(axes.images[0].get_array(), one.to_numpy())


def test_all_maps_of_a_heat_row_share_one_scale_around_zero():
    figure = heat_row({"small": table(np.full((2, 3), 0.1)), "large": table(np.full((2, 3), -3.0))})
    limits = {axes.images[0].get_clim() for axes in figure.axes[:2]}
    assert limits == {(-3.0, 3.0)}


def test_a_heat_row_of_zeros_can_be_drawn():
    assert heat_row({"nothing": table(np.zeros((2, 3)))}).axes[0].images[0].get_clim() == (
        -1.0,
        1.0,
    )


def test_a_heat_row_refuses_tables_that_are_not_alike():
    other = table(np.zeros((2, 3)), columns=("stem", "bar", "bowl"))
    with pytest.raises(DataError, match="same rows and columns"):
        heat_row({"one": table(np.zeros((2, 3))), "other": other})


def frame():
    rows = [
        (true, view, true * bend)
        for view, bend in (("straight", 1.0), ("bent", 2.0))
        for true in (0.5, 1.0)
    ]
    return pd.DataFrame([row for row in rows for _ in range(3)], columns=["true", "view", "value"])


def test_a_view_is_drawn_as_the_median_of_its_classes():
    data = frame()
    data.loc[0, "value"] = 100.0  # one class of three far off: the median stays
    figure = views_against_truth({"a world": data})
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    np.testing.assert_allclose(lines["straight"].get_ydata(), [0.5, 1.0])
    np.testing.assert_allclose(lines["bent"].get_ydata(), [1.0, 2.0])


def test_the_band_of_a_view_reaches_from_the_lowest_to_the_highest_class():
    data = frame()
    data.loc[0, "value"] = 4.0
    band = views_against_truth({"a world": data}).axes[0].collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (0.5, 4.0)


def test_each_world_has_a_panel_of_its_own_with_the_true_widths_as_ticks():
    figure = views_against_truth({"one": frame(), "two": frame()})
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["one", "two"]
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["0.5", "1"]
