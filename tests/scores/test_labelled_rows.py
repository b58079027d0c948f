"""Labelled rows: none is the zero-shot generator, many are the mean of the rows."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gsmflow_lite import Config, DataError, RidgeGaussian
from gsmflow_lite.config import ClassifierConfig
from gsmflow_lite.datasets import gaussian_world
from gsmflow_lite.datasets.statistics import class_means
from gsmflow_lite.scores import protocol
from gsmflow_lite.scores.class_prior import ClassPrior
from gsmflow_lite.scores.labelled_rows import (
    DOUBTS,
    LABELLED_ROWS,
    choose_doubts,
    draw_labelled,
    labelled,
    labelled_alone,
    labelled_rows_alone,
    t1,
    t1_of_draw,
    with_labelled_rows,
)

CONFIG = Config(classifier=ClassifierConfig(kinds=("likelihood",)))


@pytest.fixture(scope="module")
def data():
    """Classes in 6-D, whose descriptions tell 2 of the 6 attributes that move them."""
    d = gaussian_world(6, seen=16, unseen=4, attributes=6, samples=40).dataset
    return replace(d, attributes=d.attributes[:, :2], attribute_names=())


def means_of(generator, d) -> np.ndarray:
    asked = torch.from_numpy(d.attributes[d.unseen_classes])
    return generator.synthesize(asked, 1, temperature=0)[:, 0].numpy()


# --- Drawing -------------------------------------------------------------------------------------


def test_more_labelled_rows_are_the_same_ones_and_others_and_never_tested(data):
    few, _ = draw_labelled(data, 2, seed=4)
    many, rest = draw_labelled(data, 5, seed=4)
    np.testing.assert_array_equal(many[:, :2], few)
    assert (data.labels[many] == data.unseen_classes[:, None]).all()
    assert not np.isin(many, rest.test_unseen).any()
    np.testing.assert_array_equal(rest.test_unseen, data.split_unseen(seed=4)[1].test_unseen)


def test_another_seed_labels_other_rows(data):
    assert not np.array_equal(draw_labelled(data, 5)[0], draw_labelled(data, 5, seed=1)[0])


def test_a_class_with_too_few_rows_is_named(make_dataset):
    d = make_dataset(rows=6)
    with pytest.raises(DataError, match="'class 4' has 3 and 4 were asked for: ask for at most 3"):
        draw_labelled(d, 4)


def with_few_rows(data, k, kept):
    """The same data with only so many training rows of a seen class."""
    rows = data.of_class(k, data.train)
    return replace(data, train=np.setdiff1d(data.train, rows[kept:]), made_from=None)


def test_a_seen_class_with_few_rows_limits_nothing(data):
    fold_classes = {k for n in (0, 1) for k in in_fold(data, n)}
    few = with_few_rows(data, fold_classes.pop(), 3)
    assert set(choose_doubts(few, [1, 5])) == {1, 5}
    method = labelled(protocol.ridge_gaussian(CONFIG), CONFIG, (0, 5))
    assert set(protocol.run_by(LABELLED_ROWS, method, few, folds=(0, 1))) == {0, 5}


def test_seen_classes_of_one_description_forbid_nothing(data):
    table = data.attributes.copy()
    for number in (0, 1):
        first, second = in_fold(data, number)[:2]
        table[first] = table[second]
    same = replace(data, attributes=table, made_from=None)
    assert set(choose_doubts(same, [1, 5])) == {1, 5}


def test_unseen_classes_of_one_description_are_named(data):
    table = data.attributes.copy()
    first, second = data.unseen_classes[:2]
    table[second] = table[first]
    same = replace(data, attributes=table, made_from=None)
    rows, rest = draw_labelled(same, 2)
    both = f"'{data.class_names[first]}' and '{data.class_names[second]}' have the same"
    with pytest.raises(DataError, match=both):
        with_labelled_rows(RidgeGaussian.fit(rest), rest, rows)
    with pytest.raises(DataError, match=both):
        labelled_rows_alone(rest, rows)


def in_fold(data, number):
    """The numbers, in the data, of the classes that play the unseen ones in a fold."""
    fold = data.validation_fold(number)
    return [data.class_names.index(fold.class_names[k]) for k in fold.unseen_classes]


def test_t1_of_a_draw_is_that_of_its_parts(data):
    generator = RidgeGaussian.fit(data)
    found = t1_of_draw(generator, data, [0, 2], seed=4)
    rows, rest = draw_labelled(data, 2, seed=4)
    prior = ClassPrior.fit(rest).doubting(choose_doubts(rest, [2], seed=4)[2])
    moved = with_labelled_rows(generator, rest, rows, prior=prior)
    assert found == {
        "described": {0: t1(generator, rest), 2: t1(moved, rest)},
        "alone": {2: t1(labelled_rows_alone(rest, rows), rest)},
    }


# --- Moving --------------------------------------------------------------------------------------


def test_without_rows_the_generator_is_the_same_to_the_last_bit(data):
    generator = RidgeGaussian.fit(data)
    same = with_labelled_rows(generator, data, np.empty(0, int))
    x, every = torch.from_numpy(data.features), torch.from_numpy(data.attributes)
    assert torch.equal(same.log_prob(x, every), generator.log_prob(x, every))


def test_with_much_doubt_a_class_lies_at_the_mean_of_its_rows(data):
    rows, rest = draw_labelled(data, 5)
    expected = class_means(data, data.unseen_classes, rows.ravel())
    prior = ClassPrior.fit(rest, doubt=1e6)
    found = with_labelled_rows(RidgeGaussian.fit(rest), rest, rows, prior=prior)
    np.testing.assert_allclose(means_of(found, data), expected, atol=2e-3)
    alone = labelled_rows_alone(rest, rows)
    np.testing.assert_allclose(means_of(alone, data), expected, atol=1e-3)


def test_without_doubt_a_class_stays_where_its_description_puts_it(data):
    rows, rest = draw_labelled(data, 5)
    generator = RidgeGaussian.fit(rest)
    found = with_labelled_rows(generator, rest, rows, prior=ClassPrior.fit(rest, doubt=0))
    np.testing.assert_array_equal(means_of(found, data), means_of(generator, data))


def test_the_order_of_labelled_rows_does_not_matter(data, rng):
    rows, rest = draw_labelled(data, 5)
    generator = RidgeGaussian.fit(rest)
    found = (with_labelled_rows(generator, rest, r) for r in (rows, rng.permutation(rows.ravel())))
    first, second = (means_of(one, data) for one in found)
    np.testing.assert_allclose(first, second, atol=1e-5)


def test_a_class_without_labelled_rows_stays_where_it_is(data):
    rows, rest = draw_labelled(data, 5)
    generator = RidgeGaussian.fit(rest)
    moves = means_of(with_labelled_rows(generator, rest, rows[1:]), data) - means_of(
        generator, data
    )
    assert not moves[0].any()
    assert moves[1:].any(1).all()


@pytest.mark.parametrize("split", ["test_seen", "test_unseen"])
def test_rows_that_are_tested_are_refused(data, split):
    rows = getattr(data, split)[:3]
    with pytest.raises(DataError, match="must not be tested, but 3 of them are"):
        with_labelled_rows(RidgeGaussian.fit(data), data, rows)
    with pytest.raises(DataError, match="must not be tested"):
        labelled_rows_alone(data, rows)


# --- Under the rules of the protocol -------------------------------------------------------------


def test_no_labelled_row_is_the_method_itself_on_the_same_test_rows(data):
    method = protocol.ridge_gaussian(CONFIG)
    found = protocol.run_by(LABELLED_ROWS, labelled(method, CONFIG, (0, 5)), data, seed=2)
    generator = RidgeGaussian.fit(data)
    rest = data.split_unseen(seed=2)[1]
    assert set(found) == {0, 5}
    assert found[0].scores.zsl == pytest.approx(t1(generator, rest))
    assert found[5].scores.zsl > found[0].scores.zsl + 5
    assert found[5].scores.harmonic > found[0].scores.harmonic


def test_labelled_rows_alone_offer_a_score_for_each_count(data):
    found = protocol.run_by(LABELLED_ROWS, labelled_alone(CONFIG, (1, 5)), data)
    rows, rest = draw_labelled(data, 5)
    for count in (1, 5):
        assert found[count].scores.zsl == pytest.approx(
            t1(labelled_rows_alone(rest, rows[:, :count]), rest)
        )


def test_t1_of_the_likelihood_is_that_of_the_protocol(data):
    outcome = protocol.run(protocol.ridge_gaussian(CONFIG), data)
    assert t1(RidgeGaussian.fit(data), data) == pytest.approx(outcome.scores.zsl)


def test_the_doubt_is_the_one_that_does_best_where_seen_classes_play_the_unseen_ones(data):
    right = {doubt: 0.0 for doubt in DOUBTS}
    for number in (0, 1):
        fold = data.validation_fold(number)
        rows, rest = draw_labelled(fold, 3)
        for doubt in DOUBTS:
            prior = ClassPrior.fit(fold, doubt)
            moved = with_labelled_rows(RidgeGaussian.fit(fold), rest, rows[:, :2], prior=prior)
            right[doubt] += t1(moved, rest)
    best = choose_doubts(data, [2, 3])[2]
    assert right[best] == max(right.values())


def test_no_unseen_row_is_read_for_the_doubt(data):
    changed = data.features.copy()
    changed[np.isin(data.labels, data.unseen_classes)] = 1e3
    other = replace(data, features=changed)
    assert choose_doubts(other, [1, 5]) == choose_doubts(data, [1, 5])
