"""Ink and light: what a screen gets, what fits on one sheet, and smaller pictures."""

import numpy as np
import pytest

from gsmflow_lite.figures.ink import alike, as_light, at_most, height_and_width, is_coloured, paper


def colours(rng, *shape: int) -> np.ndarray:
    return rng.integers(0, 256, (*shape, 3)).astype(np.uint8)


def test_ink_is_dark_and_colours_stay(rng):
    ink = np.array([[0.0, 1.0], [np.nan, 9.0]])
    assert as_light(ink).tolist() == [[255, 0], [255, 0]]
    picture = colours(rng, 4, 5)
    np.testing.assert_array_equal(as_light(picture), picture)


def test_paper_is_white_in_both_kinds(rng):
    assert (as_light(paper((2, 3), np.ones((4, 4)))) == 255).all()
    blank = paper((2, 3), colours(rng, 4, 4))
    assert blank.shape == (2, 3, 3)
    assert (as_light(blank) == 255).all()


def test_three_columns_of_ink_are_no_colours():
    assert not is_coloured(np.zeros((5, 4, 3), np.float32))
    assert height_and_width(np.zeros((5, 4, 3), np.float32)) == (4, 3)
    assert height_and_width(np.zeros((5, 4, 3), np.uint8)) == (5, 4)


def test_ink_beside_colours_becomes_grey_light(rng):
    picture = colours(rng, 2, 4, 4)
    ink = rng.random((3, 4, 4)).astype(np.float32)
    one, other = alike([picture, ink])
    np.testing.assert_array_equal(one, picture)
    for channel in range(3):
        np.testing.assert_array_equal(other[..., channel], as_light(ink))


def test_smaller_pictures_become_as_large_as_the_largest(rng):
    small = rng.random((2, 3, 2)).astype(np.float32)
    large = rng.random((4, 6, 8)).astype(np.float32)
    one, other = alike([small, large])
    np.testing.assert_array_equal(one, small.repeat(2, axis=1).repeat(4, axis=2))
    np.testing.assert_array_equal(other, large)


@pytest.mark.parametrize("kind", ["ink", "colours"])
@pytest.mark.parametrize("size", [(100, 60), (97, 48), (48, 48), (50, 49)])
def test_a_smaller_picture_has_the_means_of_blocks(rng, kind, size):
    many = colours(rng, 2, *size) if kind == "colours" else rng.random((2, *size))
    small = at_most(many, 48)
    step = -(-max(size) // 48)
    assert max(height_and_width(small)) <= 48
    for i in range(2):
        for y in range(small.shape[1]):
            for x in (0, small.shape[2] - 1):
                block = many[i, y * step : (y + 1) * step, x * step : (x + 1) * step]
                np.testing.assert_allclose(
                    small[i, y, x], block.mean((0, 1)), atol=0.51 if kind == "colours" else 1e-5
                )
