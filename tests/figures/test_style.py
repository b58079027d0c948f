"""Colours, symbols, numbers and outputs that all figures share."""

import base64

import numpy as np
import pytest
from tiny import tiny_dataset

from gsmflow_lite import figures
from gsmflow_lite.figures.points import Points

NAMES = ["a", "b", "c", "d"]


@pytest.fixture
def real(rng) -> Points:
    pca, umap = rng.standard_normal((2, 9, 2))
    return Points(pca, umap, np.arange(9) % 4, np.arange(9))


def test_a_class_keeps_its_colour_when_others_are_added():
    few, many = figures.class_colours([5, 3]), figures.class_colours([5, 3, *range(10, 16), 1])
    assert few == {k: many[k] for k in few}
    assert len(set(many.values())) == 9
    assert len(set(figures.class_colours(range(27)).values())) == 27


def test_a_class_has_one_colour_in_all_that_shows_its_data_set():
    dataset = tiny_dataset(seen=6, unseen=3, rows=10)
    colours = figures.dataset_colours(dataset)
    assert sorted(colours) == list(range(9))
    assert [colours[k] for k in dataset.unseen_classes] == list(figures.PALETTE[:3])
    assert len(set(colours.values())) == 9


def test_a_figure_becomes_a_notebook_output_of_its_own_kind(real):
    interactive = figures.output(figures.two_lenses(real, names=NAMES))
    still = figures.output(figures.two_lenses_still(real, names=NAMES))
    assert len(interactive[figures.PLOTLY_TYPE]["data"]) > 8
    assert base64.b64decode(still["image/png"]).startswith(b"\x89PNG")


def test_words_differ_in_symbol_as_well_as_in_colour():
    verdicts = figures.VERDICTS.values()
    for part in ("colour", "marker", "symbol"):
        assert len({getattr(verdict, part) for verdict in verdicts}) >= 4
    assert len({(verdict.colour, verdict.symbol) for verdict in verdicts}) == 5


@pytest.mark.parametrize(
    ("value", "text"), [(0.126, "0.13"), (-0.001, "0.00"), (12.34, "12.3"), (-0.5, "-0.50")]
)
def test_numbers_are_short(value, text):
    assert figures.number(value) == text


def test_drawing_leaves_nothing_behind_in_pyplot(real):
    import matplotlib.pyplot as plt

    figures.two_lenses_still(real, names=NAMES)
    assert plt.get_fignums() == []
