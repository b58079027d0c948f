"""The bars of an explained share are the numbers of its tables."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from gsmflow_lite.figures import explained_bars, png


@dataclass
class Found:
    """What the figure needs of an explained share."""

    share: float
    classes: pd.DataFrame
    attributes: pd.DataFrame


def found(classes: int, attributes: int, worst: float = -0.5) -> Found:
    share = np.linspace(0.9, worst, classes)
    lost = np.linspace(0.3, 0.01, attributes)
    named = {"lost": lost, "low": lost - 0.05, "high": lost + 0.1, "alone": lost}
    return Found(
        0.25,
        pd.DataFrame({"share": share}, index=[f"class {k}" for k in range(classes)]),
        pd.DataFrame(named, index=[f"trait {k}" for k in range(attributes)]),
    )


def lengths(axes) -> list[float]:
    return [bar.get_width() for bar in axes.patches]


def labels(axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def test_each_attribute_and_class_has_its_bar():
    made = found(10, 4)
    attributes, classes = explained_bars(made).axes
    assert lengths(attributes) == pytest.approx(100 * made.attributes["lost"])
    assert labels(attributes) == list(made.attributes.index)
    assert lengths(classes) == pytest.approx(100 * made.classes["share"])
    assert labels(classes) == list(made.classes.index)


def test_whiskers_are_the_intervals():
    made = found(10, 4)
    whiskers = explained_bars(made).axes[0].collections[0].get_segments()
    ends = np.array([[start[0], end[0]] for start, end in whiskers])
    np.testing.assert_allclose(ends, 100 * made.attributes[["low", "high"]])


def test_of_many_classes_both_ends_are_drawn_and_of_many_attributes_the_first():
    attributes, classes = explained_bars(found(200, 300)).axes
    assert labels(classes) == [f"class {k}" for k in (*range(6), *range(194, 200))]
    assert labels(attributes) == [f"trait {k}" for k in range(12)]


def test_without_attributes_there_are_classes_alone():
    assert len(explained_bars(found(10, 0)).axes) == 1


def test_a_class_far_below_0_does_not_hide_the_others():
    assert explained_bars(found(10, 0, worst=-40)).axes[0].get_xlim() == (-100, 100)


def test_names_that_matplotlib_would_read_as_formulas_are_drawn():
    made = found(10, 1)
    made.classes.index = ["$x", *made.classes.index[1:]]
    assert png(explained_bars(made, title="a title", caption="a caption"))
