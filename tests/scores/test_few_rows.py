"""Some rows of a large class stand for all of them."""

import numpy as np
import pytest

from gsmflow_lite.scores.few_rows import few_of_each


@pytest.mark.parametrize("most", [1, 3, 4, 50])
def test_a_class_with_many_rows_is_stood_for_by_some_that_count_as_often(rng, most):
    labels = rng.permutation(np.repeat([2, 5, 9], [1, 10, 4]))
    places, times = few_of_each(labels, most, seed=0)
    for k, count in ((2, 1), (5, 10), (9, 4)):
        of_class = times[labels[places] == k]
        assert (len(of_class), of_class.sum()) == (min(count, most), count)
        assert of_class.max() - of_class.min() <= 1
    assert (np.diff(places) > 0).all()


def test_another_seed_keeps_other_rows_of_a_large_class():
    labels = np.zeros(100, int)
    first, again, other = (few_of_each(labels, 10, seed=seed)[0].tolist() for seed in (0, 0, 1))
    assert first == again != other
