"""Looks say which points are drawn, and scales give numbers their colours."""

import numpy as np
import pytest

from gsmflow_lite.figures.looks import VIRIDIS, Looks, Scale

LABELS = np.array([0, 1, 2, 1])


@pytest.mark.parametrize(
    ("looks", "layer", "drawn"),
    [
        (Looks(), "real", [1, 1, 1, 1]),
        (Looks(hidden=frozenset({"real"})), "real", [0, 0, 0, 0]),
        (Looks(hidden=frozenset({"real"})), "synthesized", [1, 1, 1, 1]),
        (Looks(off=frozenset({1})), "synthesized", [1, 0, 1, 0]),
        (Looks(off=frozenset({1})), "others", [1, 1, 1, 1]),
        (Looks(points=False), "real", [0, 0, 0, 0]),
        (Looks(points=False), "others", [1, 1, 1, 1]),
        (Looks(hidden=frozenset({"others"})), "others", [0, 0, 0, 0]),
    ],
)
def test_what_is_hidden_is_not_drawn(looks, layer, drawn):
    assert looks.drawn(layer, LABELS).tolist() == [bool(one) for one in drawn]


def test_the_ends_of_a_scale_are_the_ends_of_the_ramp():
    colours = Scale(1.0, 3.0).colours(np.array([1.0, 3.0, -9.0, 9.0, np.nan]))
    assert colours == [VIRIDIS[0], VIRIDIS[-1], VIRIDIS[0], VIRIDIS[-1], VIRIDIS[0]]


def test_larger_numbers_are_lighter():
    def light(colour: str) -> float:
        return sum(
            weight * int(colour[i : i + 2], 16)
            for weight, i in zip((0.2, 0.7, 0.1), (1, 3, 5), strict=True)
        )

    steps = [light(colour) for colour in Scale(0, 1).colours(np.linspace(0, 1, 32))]
    assert (np.diff(steps) > 0).all()


def test_a_scale_leaves_out_the_few_at_its_ends():
    values = np.arange(101.0)
    values[-1] = 1e9
    scale = Scale.over([values[:50], values[50:], np.array([np.nan])])
    assert (scale.low, scale.high) == (2.0, 98.0)


@pytest.mark.parametrize("values", [[], [np.empty(0)], [np.full(3, 7.0)]])
def test_numbers_without_a_range_have_a_colour(values):
    scale = Scale.over(values)
    assert scale.colours(np.array([7.0, 7.0]))[0] in VIRIDIS
