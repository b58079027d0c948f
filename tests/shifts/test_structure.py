"""Classes that changed places are found, beyond chance."""

from itertools import permutations

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform
from scipy.stats import norm
from shift_worlds import Changed, Truth, small_world

from gsmflow_lite.datasets import gaussian_world, glyphs
from gsmflow_lite.generators.stored import RealSamples
from gsmflow_lite.shifts.halves import Halves
from gsmflow_lite.shifts.injection import Injected
from gsmflow_lite.shifts.measuring import measure, real_features
from gsmflow_lite.shifts.structure import changed_places


@pytest.fixture(scope="module")
def world():
    return small_world()


def gap(distances: np.ndarray, c: int, i: int, j: int) -> float:
    """By how much j is further from c than i, as a share of the sum."""
    return (distances[c, j] - distances[c, i]) / (distances[c, j] + distances[c, i])


def test_classes_that_changed_places_are_named_and_only_those():
    world = gaussian_world(8, seen=14, unseen=6, attributes=4, noise=0.02)
    swap = [1, 0, 2, 3, 4, 5]
    report = measure(world.dataset, Changed(Truth(world), lambda x: x[swap]), n=60, repeats=10)

    real = squareform(pdist(world.means[report.classes], "sqeuclidean"))
    synthesized = real[np.ix_(swap, swap)]
    expected = {}
    for triple in permutations(range(6), 3):
        nearer = gap(real, *triple)
        further = -gap(synthesized, *triple)
        if nearer > 0 and further > 0:
            expected[triple] = min(nearer, further)
    assert 5 < len(expected) < 50

    number = {name: k for k, name in enumerate(report.names)}
    changed = {(number[c], number[i], number[j]): size for c, i, j, size in report.changed}
    assert changed.keys() == expected.keys()
    assert changed == pytest.approx(expected, rel=0.1, abs=0.005)

    sizes = [change[3] for change in report.changed]
    assert sizes == sorted(sizes, reverse=True)


def test_changed_places_are_those_that_a_loop_over_triples_finds_beyond_chance(world):
    classes, features, _ = real_features(world.dataset, None)
    generator = Injected(world.dataset, Truth(world), structure=0.7)
    synthesized = generator.synthesize(world.dataset.attributes[classes], 60).numpy()
    halves = Halves(features, list(synthesized), 40, 0)

    sure = norm.isf(0.05 / 30)  # 5 classes to look from, 6 pairs of the others
    real_distances = halves.first.distances
    distances = halves.synthesized.distances
    expected = set()
    for c, i, j in permutations(range(5), 3):
        nearer = real_distances[:, c, j] - real_distances[:, c, i]
        further = distances[:, c, i] - distances[:, c, j]
        if min(x.mean() / x.std(ddof=1) for x in (nearer, further)) > sure:
            expected.add((c, i, j))

    assert 0 < len(expected) < 30
    assert {change[:3] for change in changed_places(halves)} == expected


@pytest.mark.parametrize("seed", [0, 1])
def test_of_many_classes_that_stand_as_they_do_none_changes_places_by_chance(seed):
    world = gaussian_world(8, seen=20, unseen=16, attributes=6, samples=60, noise=1.0, seed=seed)
    assert not measure(world.dataset, Truth(world), n=60, metrics=("structure",)).changed


def test_of_many_changed_places_the_largest_are_kept(world):
    _, real, _ = real_features(world.dataset, None)
    halves = Halves(real, list(reversed(real)), 10, 0)
    every = changed_places(halves, most=10**6)
    assert len(every) > 1
    assert changed_places(halves, most=1) == every[:1]


def test_three_classes_in_the_right_order_cannot_tell_for_they_have_few_orders():
    world = gaussian_world(4, seen=10, unseen=3, attributes=2, samples=40, noise=0.2)
    report = measure(world.dataset, Truth(world), n=40, repeats=4, metrics=("structure",))
    assert report.mantel_p > 0.1  # of six orders one is right
    assert report.reading("structure").score > 0.9
    assert report.reading("structure").value == pytest.approx(1)
    assert report.reading("structure").word == "cannot tell"
    assert report.reading("structure").advice == "about 4 classes would do, in place of 3"


def test_the_distance_order_never_gets_better_as_more_rows_come_from_wrong_classes():
    letters = glyphs(64)
    rows, rest = letters.split_unseen(seed=0)
    real = RealSamples(letters, rows)
    orders = []
    for dose in (0, 0.3, 0.5):
        generator = Injected(rest, real, mixed=dose)
        report = measure(rest, generator, n=100, repeats=20, metrics=("distance order",))
        orders.append(report.reading("distance order").value)
    assert orders == sorted(orders, reverse=True)
