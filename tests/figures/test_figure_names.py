"""Class names on a map stand beside their points, and never over each other."""

import itertools

import numpy as np
import pytest

from gsmflow_lite.figures.names import CENTRAL, EDGE, place_names, text_size

AREA = (330.0, 270.0)


def dots(points: np.ndarray, everything: np.ndarray) -> np.ndarray:
    """Places on a drawing of ``AREA`` with one scale, whose middle is 0."""
    low, high = everything.min(0), everything.max(0)
    return (points - (low + high) / 2) / max((high - low) / AREA)


def central(points: np.ndarray) -> np.ndarray:
    away = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    return points[away <= np.quantile(away, CENTRAL)]


def islands(rng, classes: int, spread: float = 0.3) -> list[np.ndarray]:
    """Tight clouds at random places, as on a UMAP map."""
    return [rng.uniform(-5, 5, 2) + spread * rng.standard_normal((40, 2)) for _ in range(classes)]


def boxes(clouds, sizes, others, **options) -> list:
    """The middle and the size of each name in dots; None for a name without a place."""
    everything = np.concatenate([*clouds, others])
    placed = place_names(sizes, clouds, others, AREA, **options)
    return [
        None if one is None else (dots(one.anchor, everything) + one.offset, size)
        for one, size in zip(placed, sizes, strict=True)
    ]


def overlap(one, two) -> bool:
    (a, b), (c, d) = one, two
    apart = [abs(a[i] - c[i]) >= (b[i] + d[i]) / 2 for i in (0, 1)]
    return not any(apart)


@pytest.mark.parametrize("classes", [1, 3, 9, 12, 47])
@pytest.mark.parametrize("seed", range(3))
def test_no_name_covers_its_central_points_or_another_name_or_leaves_the_map(classes, seed):
    rng = np.random.default_rng(seed)
    clouds = islands(rng, classes)
    others = rng.uniform(-5, 5, (200, 2))
    sizes = [text_size(name, 17) for name in ("Q", "red fox", "Élan d'Amérique") * 16][:classes]
    everything = np.concatenate([*clouds, others])
    placed = boxes(clouds, sizes, others)
    if classes <= 12:
        assert None not in placed
    for box, cloud in zip(placed, clouds, strict=True):
        if box is None:
            continue
        middle, size = box
        under = np.abs(central(dots(cloud, everything)) - middle) <= size / 2
        assert not under.all(axis=1).any()
        assert (np.abs(middle) + size / 2 <= np.array(AREA) / 2 + EDGE + 1e-9).all()
    there = [box for box in placed if box is not None]
    assert len(there) >= min(classes, 12)
    assert not any(overlap(*pair) for pair in itertools.combinations(there, 2))


def test_a_lonely_island_has_its_name_above_it_near_its_upper_edge():
    rng = np.random.default_rng(0)
    cloud = 0.2 * rng.standard_normal((60, 2))
    others = np.array([[-5.0, -5.0], [5.0, 5.0]])
    (placed,) = place_names([text_size("Q", 17)], [cloud], others, AREA)
    right, up = placed.offset
    assert 0 < up < 30
    assert abs(right) < 15
    assert placed.anchor[1] > np.median(cloud[:, 1])


def test_a_name_stays_clear_of_its_central_points_when_the_map_is_made_larger():
    rng = np.random.default_rng(1)
    clouds = islands(rng, 6)
    others = rng.uniform(-5, 5, (50, 2))
    sizes = [text_size("fox", 17)] * 6
    everything = np.concatenate([*clouds, others])
    for placed, cloud, size in zip(
        place_names(sizes, clouds, others, AREA), clouds, sizes, strict=True
    ):
        for larger in (1.0, 1.25, 1.5):
            anchor = larger * dots(placed.anchor, everything)
            own = larger * central(dots(cloud, everything))
            assert not (np.abs(own - anchor - placed.offset) <= size / 2).all(1).any()


def test_a_name_for_which_there_is_no_place_is_left_out():
    cloud = np.random.default_rng(0).standard_normal((30, 2))
    wide = np.array([2000.0, 20.0])
    assert place_names([wide], [cloud], np.empty((0, 2)), AREA) == [None]


def test_names_that_may_not_be_far_are_not():
    rng = np.random.default_rng(0)
    clouds = islands(rng, 47)
    sizes = [text_size("fox", 13)] * 47
    everything = np.concatenate(clouds)
    for box, cloud in zip(boxes(clouds, sizes, np.empty((0, 2)), farthest=34), clouds, strict=True):
        if box is not None:
            middle, size = box
            edge = np.abs(dots(cloud, everything) - middle) - size / 2
            assert np.linalg.norm(edge.clip(0), axis=1).min() <= 34


def test_the_same_points_have_their_names_at_the_same_places():
    clouds = islands(np.random.default_rng(3), 9)
    sizes = [text_size("fox", 17)] * 9
    once, again = (place_names(sizes, clouds, np.zeros((1, 2)), AREA) for _ in range(2))
    for one, other in zip(once, again, strict=True):
        np.testing.assert_array_equal(one.anchor, other.anchor)
        np.testing.assert_array_equal(one.offset, other.offset)


@pytest.mark.parametrize("clouds", [[], [np.empty((0, 2))]])
def test_without_points_there_are_no_names(clouds):
    assert place_names([np.ones(2)] * len(clouds), clouds, np.empty((0, 2)), AREA) == [None] * len(
        clouds
    )


def test_classes_on_one_place_have_names_all_the_same():
    clouds = [np.zeros((4, 2)), np.zeros((4, 2))]
    placed = boxes(clouds, [text_size("a", 17)] * 2, np.array([[1.0, 1.0]]))
    assert not overlap(*placed)


def test_a_wide_script_takes_more_room():
    assert text_size("大熊猫", 10)[0] > text_size("fox", 10)[0]
    assert text_size("&amp;", 10)[0] == text_size("a", 10)[0]
