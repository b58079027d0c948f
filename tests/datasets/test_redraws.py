"""Other draws of seen and unseen classes: fewer seen ones, other unseen ones, whole parts."""

import pickle
from dataclasses import replace
from itertools import combinations, pairwise, product

import h5py
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import StandardScaler

from gsmflow_lite.datasets import GZSLDataset, load, save_folder, save_npz
from gsmflow_lite.datasets.redraws import draw_keeping_parts, order_of_need
from gsmflow_lite.errors import ConfigError, DataError

SHAPES = 6
COLOURS = 5
ROWS = 10  # of each class, each in a group of its own; the last two groups are held out


def made_of_parts(**changes) -> GZSLDataset:
    """A class for each of 6 shapes in each of 5 colours; 6 of the 30 are unseen."""
    classes = np.array(list(product(range(SHAPES), range(COLOURS))))
    attributes = np.hstack([np.eye(SHAPES)[classes[:, 0]], np.eye(COLOURS)[classes[:, 1]]])
    labels = np.repeat(np.arange(30), ROWS)
    groups = np.tile(np.arange(ROWS), 30)
    unseen = np.isin(labels, [0, 6, 12, 18, 24, 29])
    tested = groups >= 8
    rng = np.random.default_rng(3)
    fields = {
        "features": rng.standard_normal((300, 4)) + labels[:, None],
        "labels": labels,
        "attributes": attributes,
        "train": np.flatnonzero(~unseen & ~tested),
        "test_seen": np.flatnonzero(~unseen & tested),
        "test_unseen": np.flatnonzero(unseen),
        "class_names": [f"shape {s} colour {c}" for s, c in classes],
        "attribute_groups": {"shape": range(SHAPES), "colour": range(SHAPES, SHAPES + COLOURS)},
        "groups": groups,
        "name": "parts",
    }
    return GZSLDataset(**fields | changes)


def least_among_seen(d: GZSLDataset) -> int:
    """In how few seen classes a part of an unseen class occurs, counted by names."""
    parts = [set(zip(name.split()[::2], name.split()[1::2], strict=True)) for name in d.class_names]
    seen = [parts[k] for k in d.seen_classes]
    wanted = set.union(*(parts[k] for k in d.unseen_classes))
    return min(sum(part in others for others in seen) for part in wanted)


def names(d: GZSLDataset, classes) -> set[str]:
    return {d.class_names[k] for k in classes}


def rows_by_content(d: GZSLDataset, split: str) -> dict[bytes, str]:
    rows = getattr(d, split)
    return {d.features[row].tobytes(): d.class_names[d.labels[row]] for row in rows}


# --- fewer seen classes --------------------------------------------------------------------------


@pytest.mark.parametrize("grouped", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_a_larger_number_keeps_all_classes_of_a_smaller_one(seed, grouped):
    d = made_of_parts(**({} if grouped else {"attribute_groups": None}))
    draws = [d.with_seen(n, seed=seed) for n in (2, 5, 11, 24)]
    kept = [names(some, some.seen_classes) for some in draws]
    assert [len(some) for some in kept] == [2, 5, 11, 24]
    assert all(small < large for small, large in pairwise(kept))
    assert kept[-1] == names(d, d.seen_classes)


def test_unseen_classes_stay_and_seen_ones_keep_their_rows():
    d = made_of_parts()
    fewer = d.with_seen(7, seed=1)
    assert rows_by_content(fewer, "test_unseen") == rows_by_content(d, "test_unseen")
    for split, rows in (("train", 8), ("test_seen", 2)):
        kept = rows_by_content(fewer, split)
        assert kept.items() <= rows_by_content(d, split).items()
        assert len(kept) == 7 * rows
    for k, name in enumerate(fewer.class_names):
        assert_array_equal(fewer.attributes[k], d.attributes[d.class_names.index(name)])


def test_another_seed_keeps_other_classes():
    d = made_of_parts()
    draws = [names(s, s.seen_classes) for s in (d.with_seen(10, seed=k) for k in range(4))]
    assert len(set(map(frozenset, draws))) > 1


@pytest.mark.parametrize("seed", range(5))
def test_few_classes_have_as_many_parts_of_the_unseen_ones_as_can_be(seed):
    """Six classes are enough for six shapes and five colours, twelve for each of them twice."""
    d = made_of_parts()
    assert least_among_seen(d.with_seen(6, seed=seed)) == 1
    assert least_among_seen(d.with_seen(13, seed=seed)) >= 2


def test_preprocessing_is_fitted_anew_on_the_classes_that_are_left():
    d = made_of_parts().preprocessed("standardise").with_seen(5, seed=2)
    raw = made_of_parts().with_seen(5, seed=2)
    fitted = StandardScaler().fit(raw.features[raw.train].astype(np.float64))
    assert_allclose(d.features, fitted.transform(raw.features), rtol=1e-4, atol=1e-4)
    assert_array_equal(d.origin.features, raw.features)


@pytest.mark.parametrize("n", [1, 25])
def test_a_number_that_cannot_be_kept_is_refused(n):
    with pytest.raises(ConfigError, match=rf"with_seen must keep from 2 to 24 .*got {n}"):
        made_of_parts().with_seen(n)


def test_declared_validation_classes_are_declared_still_where_they_are_kept():
    d = made_of_parts(declared_validation=[21, 22, 23])
    fewer = d.with_seen(15, seed=0)
    expected = names(d, [21, 22, 23]) & names(fewer, fewer.seen_classes)
    assert expected
    assert names(fewer, fewer.declared_validation) == expected
    last = [k for k in d.seen_classes if d.class_names[k] not in fewer.class_names]
    assert made_of_parts(declared_validation=last[:2]).with_seen(15).declared_validation is None


# --- other unseen classes ------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_a_new_split_has_as_many_unseen_classes_and_the_same_rows(seed):
    d = made_of_parts()
    other = d.resplit(seed)
    assert len(other.unseen_classes) == 6
    assert_array_equal(other.labels, d.labels)
    everything = np.concatenate([other.train, other.test_seen, other.test_unseen])
    assert_array_equal(np.sort(everything), np.arange(300))
    for k in other.unseen_classes:
        assert np.isin(np.flatnonzero(d.labels == k), other.test_unseen).all()


def test_another_seed_draws_other_unseen_classes():
    draws = {frozenset(made_of_parts().resplit(k).unseen_classes.tolist()) for k in range(5)}
    assert len(draws) > 1


@pytest.mark.parametrize("seed", range(5))
def test_a_new_split_holds_out_the_same_groups(seed):
    other = made_of_parts().resplit(seed)
    assert set(other.groups[other.train]) == set(range(8))
    assert set(other.groups[other.test_seen]) == {8, 9}


def test_without_groups_a_fifth_of_a_class_that_becomes_seen_is_held_out(make_dataset):
    d = make_dataset(seen=6, unseen=3)
    other = d.resplit(1)
    became_seen = np.setdiff1d(d.unseen_classes, other.unseen_classes)
    assert len(became_seen)
    for k in became_seen:
        assert (d.labels[other.test_seen] == k).sum() == 2
        assert (d.labels[other.train] == k).sum() == 8
    stayed = np.intersect1d(d.seen_classes, other.seen_classes)
    for split in ("train", "test_seen"):
        before, after = getattr(d, split), getattr(other, split)
        assert set(before[np.isin(d.labels[before], stayed)]) <= set(after)


def test_rows_in_no_split_stay_out(make_dataset):
    d = make_dataset(seen=6, unseen=3)
    d = replace(d, train=d.train[1:], test_unseen=d.test_unseen[1:])
    other = d.resplit(1)
    left_out = {0, 60}
    assert not left_out & set(np.concatenate([other.train, other.test_seen, other.test_unseen]))


def test_a_new_split_of_preprocessed_data_is_fitted_on_its_own_training_rows():
    d = made_of_parts().preprocessed("standardise").resplit(4)
    raw = made_of_parts().resplit(4)
    assert_array_equal(d.test_unseen, raw.test_unseen)
    fitted = StandardScaler().fit(raw.features[raw.train].astype(np.float64))
    assert_allclose(d.features, fitted.transform(raw.features), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("seed", range(10))
def test_every_part_of_an_unseen_class_occurs_in_a_seen_one(seed):
    assert least_among_seen(made_of_parts().resplit(seed)) >= 3


def test_a_class_with_a_part_of_its_own_never_becomes_unseen():
    d = made_of_parts()
    attributes = np.hstack([d.attributes[:, :SHAPES], np.zeros((30, 1)), d.attributes[:, SHAPES:]])
    attributes[7, :SHAPES] = 0
    attributes[7, SHAPES] = 1  # a seventh shape
    groups = {"shape": range(7), "colour": range(7, 12)}
    rare = replace(d, attributes=attributes, attribute_names=(), attribute_groups=groups)
    assert all(7 not in rare.resplit(seed).unseen_classes for seed in range(20))
    assert any(7 in d.resplit(seed).unseen_classes for seed in range(20))


def test_a_draw_that_cannot_be_is_refused():
    d = made_of_parts()
    own = {"one of its own": range(30)}  # each class is the only one with its attribute
    lonely = replace(d, attributes=np.eye(30), attribute_names=(), attribute_groups=own)
    with pytest.raises(ConfigError, match=r"must occur in a seen one, but no draw of 6 unseen"):
        lonely.resplit(0)


def test_a_class_outside_the_groups_that_are_held_out_cannot_become_seen():
    d = made_of_parts()
    groups = np.where(np.isin(d.labels, d.unseen_classes), 100, d.groups)
    with pytest.raises(DataError, match=r"class \d+ must have rows inside and outside the groups"):
        replace(d, groups=groups).resplit(0)


# --- groups of attributes ------------------------------------------------------------------------


GROUPS = {"shape": tuple(range(6)), "colour": tuple(range(6, 11))}


def test_groups_of_attributes_stay_with_the_data():
    d = made_of_parts()
    assert d.attribute_groups == GROUPS
    for other in (
        d.preprocessed("whitened-pca", 2),
        d.preprocessed("min-max").preprocessed("none"),
        d.split_unseen()[1],
        d.with_seen(5),
        d.resplit(1),
        pickle.loads(pickle.dumps(d)),
    ):
        assert other.attribute_groups == GROUPS


@pytest.mark.parametrize("suffix", [".npz", "", ".h5"])
def test_groups_of_attributes_are_saved_and_read(suffix, tmp_path):
    place = tmp_path / f"mine{suffix}"
    d = made_of_parts()
    d = replace(d, attribute_groups={"shape": GROUPS["shape"]})  # the colours are in no group
    if suffix == ".npz":
        save_npz(d.preprocessed("min-max"), place)
    else:
        folder = save_folder(d, tmp_path / "mine")
    if suffix == ".h5":
        with h5py.File(place, "w") as file:
            for path in folder.glob("*.npy"):
                array = np.load(path)
                file[path.stem] = array.astype("S") if array.dtype.kind == "U" else array
    assert load(place).attribute_groups == d.attribute_groups


def test_a_folder_forgets_the_groups_of_the_data_that_it_held_before(tmp_path):
    save_folder(made_of_parts(), tmp_path)
    assert (
        load(save_folder(made_of_parts(attribute_groups=None), tmp_path)).attribute_groups is None
    )


# --- folds ---------------------------------------------------------------------------------------


def test_folds_of_new_draws_have_their_parts_among_the_rest():
    for d in (made_of_parts(), made_of_parts().resplit(2), made_of_parts().with_seen(15)):
        for number in range(2):
            fold = d.validation_fold(number)
            assert least_among_seen(fold) >= 1
            assert fold.attribute_groups == d.attribute_groups


@pytest.mark.parametrize("seed", range(5))
def test_folds_share_no_class_that_plays_an_unseen_one(seed):
    d = made_of_parts()
    folds = [d.validation_fold(number, seed=seed) for number in range(3)]
    played = [names(fold, fold.unseen_classes) for fold in folds]
    assert [len(some) for some in played] == [5, 5, 5]
    assert len(set.union(*played)) == 15


def test_folds_respect_parts_where_a_plain_draw_would_not():
    """Without care, some seed gives a fold with a part that only its own classes have."""
    few = made_of_parts().with_seen(13, seed=1)
    careless = replace(few, attribute_groups=None)
    assert any(least_among_seen(careless.validation_fold(seed=s)) == 0 for s in range(10))
    assert all(least_among_seen(few.validation_fold(seed=s)) >= 1 for s in range(10))


# --- the draws themselves, against brute force ---------------------------------------------------


@pytest.mark.parametrize("seed", range(30))
def test_a_draw_is_found_if_one_class_at_a_time_can_be_left_out(seed):
    rng = np.random.default_rng(seed)
    parts = np.hstack([np.eye(3, dtype=bool)[rng.integers(3, size=7)] for _ in range(2)])
    order = rng.permutation(7)
    drawn = draw_keeping_parts(order, order, 2, parts)
    possible = [pair for pair in combinations(range(7), 2) if keeps(parts, pair)]
    if drawn is None:
        singles = [k for k in range(7) if keeps(parts, (k,))]
        assert len(singles) < 2 or not possible or first_blocks(parts, order)
    else:
        assert tuple(sorted(drawn)) in possible


def keeps(parts: np.ndarray, out: tuple[int, ...]) -> bool:
    rest = np.delete(parts, out, axis=0)
    return bool(rest[:, parts[list(out)].any(0)].any(0).all())


def first_blocks(parts: np.ndarray, order: np.ndarray) -> bool:
    """Whether the first class that can be left out leaves no second one."""
    first = next(k for k in order if keeps(parts, (k,)))
    return not any(keeps(parts, (first, k)) for k in order if k != first)


def test_the_order_of_need_keeps_all_classes_once():
    d = made_of_parts()
    order = np.random.default_rng(0).permutation(d.seen_classes)
    parts = d.attributes != 0
    sorted_ = order_of_need(order, d.unseen_classes, parts)
    assert_array_equal(np.sort(sorted_), d.seen_classes)
    assert_array_equal(order_of_need(order, d.unseen_classes, None), order)
