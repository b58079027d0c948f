"""GZSLDataset refuses what breaks the rules of GZSL, and its splits keep test rows apart."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import StandardScaler

from gsmflow_lite.datasets import GZSLDataset, blocks
from gsmflow_lite.datasets.splits import hold_out
from gsmflow_lite.errors import ConfigError, DataError, GSMFlowError


def fields(d: GZSLDataset) -> dict:
    """Copies of the arrays, so that a test can spoil them."""
    names = ("features", "labels", "attributes", "train", "test_seen", "test_unseen")
    return {name: getattr(d, name).copy() for name in names} | {"source": "tiny.npz"}


def spoil(name, value, *where):
    """Return a function that puts ``value`` at ``where`` of a field, or in place of all of it."""

    def change(f):
        if where:
            f[name][where] = value
        else:
            f[name] = value(f) if callable(value) else value

    return change


def leak(f):
    f["train"] = np.append(f["train"], f["test_unseen"][0])
    f["test_unseen"] = f["test_unseen"][1:]


BAD = {
    "NaN features": (
        spoil("features", np.nan, 3, 1),
        r"features must be finite.*got nan in row 3, column 1 \(1 such",
    ),
    "infinite features": (
        spoil("features", -np.inf, 0, 2),
        r"features must be finite.*got -inf in row 0, column 2",
    ),
    "features beyond float32": (
        spoil("features", np.full((60, 3), 1e200)),
        r"finite in single precision, got 1e\+200",
    ),
    "complex features": (
        spoil("features", lambda f: f["features"] + 0j),
        r"features must be real numbers, got complex ones",
    ),
    "features that are text": (
        spoil("features", [["a", "b"]]),
        r"features must be a matrix of numbers",
    ),
    "features of one dimension": (
        spoil("features", np.ones(60)),
        r"features must be a matrix.*got shape \(60,\)",
    ),
    "no features": (
        spoil("features", np.ones((0, 3))),
        r"features must be a matrix with rows and columns",
    ),
    "ragged features": (spoil("features", [[1, 2], [3]]), r"features must be an array, got list"),
    "features transposed": (
        spoil("features", lambda f: f["features"].T),
        r"per row of features \(3\), got 60. .*transposed",
    ),
    "labels from 1": (
        spoil("labels", lambda f: f["labels"] + 1),
        r"labels must run from 0 to 5, got 1 to 6.*subtract 1",
    ),
    "a negative label": (spoil("labels", -1, 0), r"labels must start at 0, got -1"),
    "a label out of range": (
        spoil("labels", 9, -1),
        r"got 6 rows but label 9 .*so 10 rows are needed",
    ),
    "a fractional label": (
        spoil("labels", lambda f: f["labels"] + 0.5),
        r"labels must be whole numbers, got 0.5 in place 0",
    ),
    "a NaN label": (
        spoil("labels", lambda f: np.where(f["labels"] == 2, np.nan, f["labels"])),
        r"whole numbers, got nan",
    ),
    "an infinite label": (
        spoil("labels", lambda f: np.where(f["labels"], np.inf, 0)),
        r"whole numbers, got inf",
    ),
    "a huge label": (
        spoil("labels", lambda f: f["labels"] + np.uint64(2**63)),
        r"labels must be whole numbers",
    ),
    "labels as a column": (
        spoil("labels", lambda f: f["labels"][:, None]),
        r"one-dimensional, got shape \(60, 1\)",
    ),
    "labels that are text": (
        spoil("labels", lambda f: f["labels"].astype(str)),
        r"labels must be whole numbers, got <U",
    ),
    "an unseen class in train": (
        leak,
        r"unseen class must have no training rows, but class 4 \('class 4'\) has 1 .*remove",
    ),
    "overlapping splits": (
        spoil("test_seen", lambda f: np.append(f["test_seen"], f["train"][5])),
        r"train and test_seen must not share rows, but both hold row 5 \(1 shared\)",
    ),
    "a class without samples": (
        spoil("test_unseen", lambda f: f["test_unseen"][f["labels"][f["test_unseen"]] == 4]),
        r"every class needs samples, but class 5 \('class 5'\) has none in any split",
    ),
    "too few attributes": (
        spoil("attributes", lambda f: f["attributes"][:-1]),
        r"one row per class, got 5 rows but label 5",
    ),
    "a zero attribute vector": (
        spoil("attributes", 0, 2),
        r"attributes of class 2 are all zero \(1 such",
    ),
    "NaN attributes": (
        spoil("attributes", np.nan, 1, 4),
        r"attributes must be finite.*row 1, column 4",
    ),
    "one seen class only": (
        lambda f: f.update(labels=(f["labels"] > 3).astype(int), attributes=np.ones((2, 5))),
        r"at least 2 seen classes are needed.*got 1",
    ),
    "test_seen of a strange class": (
        lambda f: f.update(
            test_seen=np.append(f["test_seen"], f["test_unseen"][:10]),
            test_unseen=f["test_unseen"][10:],
        ),
        r"test_seen holds class 4 .*no training rows: move it to test_unseen",
    ),
    "a seen class without test rows": (
        spoil("test_seen", lambda f: f["test_seen"][2:]),
        r"class 0 .* has no rows in test_seen",
    ),
    "a split out of range": (
        spoil("train", 60, 0),
        r"train must hold row numbers from 0 to 59, got 1 to 60",
    ),
    "a negative row": (
        spoil("test_unseen", -1, 0),
        r"test_unseen must hold row numbers from 0 to 59, got -1",
    ),
    "a row twice": (spoil("train", 1, 0), r"train names row 1 more than once"),
    "an empty split": (spoil("test_unseen", []), r"test_unseen must not be empty"),
    "a mask for a split": (
        spoil("train", lambda f: f["labels"] < 4),
        r"train must be whole numbers, got bool: .*flatnonzero",
    ),
    "too few names": (spoil("class_names", ["a"]), r"class_names must be 6, one per class, got 1"),
    "too many attribute names": (
        spoil("attribute_names", list("abcdef")),
        r"attribute_names must be 5, .* got 6",
    ),
    "groups of another length": (
        spoil("groups", [1, 2]),
        r"groups must have one entry per row of features \(60\), got 2",
    ),
    "images of another length": (
        spoil("images", np.ones((2, 4, 4))),
        r"images must have one entry per row of features",
    ),
    "unseen validation classes": (
        spoil("declared_validation", [4]),
        r"validation classes must be seen ones, but class 4",
    ),
    "too many validation classes": (
        spoil("declared_validation", [0, 1, 2]),
        r"leave at least 2 of the 4 seen classes.*got 3",
    ),
    "no validation classes": (spoil("declared_validation", []), r"hold at least 1, got 0"),
    "attribute groups in a list": (
        spoil("attribute_groups", [[0, 1]]),
        r"attribute_groups must map names to attribute numbers, got list",
    ),
    "an attribute group out of range": (
        spoil("attribute_groups", {"a": [0, 5]}),
        r"attribute_groups\['a'\] must hold attribute numbers from 0 to 4, got \[0, 5\]",
    ),
    "an empty attribute group": (
        spoil("attribute_groups", {"a": []}),
        r"attribute_groups\['a'\] must hold attribute numbers",
    ),
    "fractional attribute numbers": (
        spoil("attribute_groups", {"a": [0.5]}),
        r"attribute_groups\['a'\] must be whole numbers, got 0.5",
    ),
    "an attribute in two groups": (
        spoil("attribute_groups", {"a": [0], "b": [0]}),
        r"in one group only, once, but attribute_groups\['b'\] repeats some: \[0\]",
    ),
    "an attribute twice in a group": (
        spoil("attribute_groups", {"a": [1, 1]}),
        r"in one group only, once, but attribute_groups\['a'\] repeats",
    ),
    "two attributes of one group": (
        spoil("attribute_groups", {"b": [2], "a": [0, 1]}),
        r"exactly one attribute of a group, but class 0 \('class 0'\) has 2 of 'a' \(6 such",
    ),
    "a validation class twice": (
        spoil("declared_validation", [1, 1]),
        r"names a class more than once",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_file_rule_and_value(case, make_dataset):
    change, words = BAD[case]
    f = fields(make_dataset())
    change(f)
    with pytest.raises(DataError, match=rf"(?s)^tiny.npz: .*{words}"):
        GZSLDataset(**f)


def test_bad_values_in_several_blocks_are_counted_and_the_first_is_named(make_dataset, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 4 * 3 * 7)  # seven rows
    features = np.ones((60, 3))
    features[[30, 31, 58], [2, 0, 1]] = np.nan
    with pytest.raises(DataError, match=r"got nan in row 30, column 2 \(3 such values\)"):
        make_dataset(features=features)


def test_the_error_is_a_value_error_and_one_of_the_librarys_own(make_dataset):
    with pytest.raises(ValueError, match="finite") as caught:
        make_dataset(features=np.full((60, 3), np.nan))
    assert isinstance(caught.value, GSMFlowError)


@pytest.mark.parametrize("kind", [np.float64, np.float16, np.int32, np.uint8])
def test_features_of_any_number_type_become_float32(kind, make_dataset):
    features = np.arange(180).reshape(60, 3).astype(kind)
    d = make_dataset(features=features[:, ::-1])  # not contiguous either
    assert d.features.dtype == np.float32
    assert_array_equal(d.features, features[:, ::-1].astype(np.float32))


def test_seen_and_unseen_classes_are_those_of_the_splits(make_dataset):
    d = make_dataset()
    assert_array_equal(d.seen_classes, [0, 1, 2, 3])
    assert_array_equal(d.unseen_classes, [4, 5])


def test_the_data_set_cannot_be_changed_by_assignment(make_dataset):
    with pytest.raises(AttributeError):
        make_dataset().labels = np.zeros(60)


def contents(features: np.ndarray) -> set[bytes]:
    return {row.tobytes() for row in features}


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_validation_fold_holds_training_rows_only_by_content(number, make_dataset):
    d = make_dataset(seen=9, unseen=3)
    fold = contents(d.validation_fold(number).features)
    assert fold <= contents(d.features[d.train])
    assert not fold & contents(d.features[np.concatenate([d.test_seen, d.test_unseen])])


def test_a_validation_fold_of_preprocessed_data_holds_training_rows_only_by_content(make_dataset):
    d = make_dataset(seen=9, unseen=3)
    fold = d.preprocessed("whitened-pca", 2).validation_fold()
    assert contents(fold.origin.features) <= contents(d.features[d.train])


def test_a_validation_fold_fits_its_preprocessing_on_its_own_training_rows(make_dataset):
    fold = make_dataset(seen=9, unseen=3).preprocessed("standardise").validation_fold()
    expected = StandardScaler().fit(fold.origin.features[fold.train].astype(np.float64))
    assert_allclose(fold.preprocessing.offset, expected.mean_, rtol=1e-5)
    assert_allclose(fold.features, expected.transform(fold.origin.features), rtol=1e-4, atol=1e-4)


def test_a_validation_fold_keeps_each_row_with_its_class_and_description(make_dataset):
    d = make_dataset(seen=9, unseen=3)
    fold = d.validation_fold(1)
    home = {row.tobytes(): k for row, k in zip(d.features, d.labels, strict=True)}
    for row, k in zip(fold.features, fold.labels, strict=True):
        original = home[row.tobytes()]
        assert fold.class_names[k] == d.class_names[original]
        assert_array_equal(fold.attributes[k], d.attributes[original])


@pytest.mark.parametrize("declared", [None, [3, 5]])
def test_validation_folds_have_disjoint_unseen_classes_and_declared_ones_come_first(
    declared, make_dataset
):
    d = make_dataset(seen=9, unseen=3, declared_validation=declared)
    folds = [d.validation_fold(k) for k in range(4)]
    names = [{fold.class_names[k] for k in fold.unseen_classes} for fold in folds]
    assert len(set.union(*names)) == sum(map(len, names))
    if declared:
        assert names[0] == {"class 3", "class 5"}


def test_validation_rows_are_training_rows_of_the_declared_classes(make_dataset):
    d = make_dataset(declared_validation=[2])
    assert_array_equal(d.validation, d.train[d.labels[d.train] == 2])
    assert_array_equal(d.validation_classes, [2])


def test_the_same_seed_gives_the_same_fold(make_dataset):
    first = make_dataset(seen=9, unseen=3).validation_fold(1, seed=5)
    again = make_dataset(seen=9, unseen=3).validation_fold(1, seed=5)
    assert_array_equal(again.features, first.features)


def test_a_fold_that_does_not_exist_is_refused(make_dataset):
    with pytest.raises(ConfigError, match=r"has 4 disjoint validation folds \(0 to 3\), got 4"):
        make_dataset(seen=9, unseen=3).validation_fold(4)


def test_two_seen_classes_are_too_few_to_choose_with(make_dataset):
    with pytest.raises(ConfigError, match=r"at least 3 seen classes .*got 2"):
        make_dataset(seen=2).validation_fold()


def test_split_unseen_shares_the_unseen_rows_of_every_class_and_no_row_is_on_both_sides(
    make_dataset,
):
    d = make_dataset()
    rows, rest = d.split_unseen(seed=3)
    assert_array_equal(np.sort(np.concatenate([rows, rest.test_unseen])), d.test_unseen)
    assert not np.intersect1d(rows, rest.test_unseen).size
    assert_array_equal(np.bincount(d.labels[rows])[4:], [5, 5])


def test_split_unseen_stays_split_when_preprocessing_is_fitted_anew(make_dataset):
    _, rest = make_dataset().preprocessed("standardise").split_unseen()
    assert_array_equal(rest.preprocessed("min-max").test_unseen, rest.test_unseen)


def test_split_unseen_of_single_rows_is_refused(make_dataset):
    d = make_dataset()
    with pytest.raises(DataError, match=r"class 4 has 1 row: to hold some out, each class needs 2"):
        replace(d, test_unseen=d.test_unseen[[0, 10]]).split_unseen()


@pytest.mark.parametrize("seed", range(10))
def test_groups_are_never_split(seed, make_dataset):
    groups = np.tile(np.array([0, 0, 0, 1, 1, 2, 2, 2, 3, 3]), 12)
    d = make_dataset(seen=9, unseen=3, groups=groups)
    fold = d.validation_fold(seed=seed)
    assert not np.intersect1d(fold.groups[fold.train], fold.groups[fold.test_seen]).size
    rows, rest = d.split_unseen(seed=seed)
    assert not np.intersect1d(groups[rows], groups[rest.test_unseen]).size


def test_groups_that_cannot_be_held_out_whole_are_refused(make_dataset):
    d = make_dataset(groups=np.repeat(np.arange(6), 10))  # one group a class
    with pytest.raises(DataError, match=r"class 4 lies in one group only.*groups=None"):
        d.split_unseen()


def test_groups_that_each_lack_some_class_still_leave_every_class_on_both_sides(make_dataset):
    groups = np.concatenate(
        [np.arange(10) % 5 + (k % 3) for k in range(12)]
    )  # classes are in groups 0-4, 1-5 or 2-6
    fold = make_dataset(seen=9, unseen=3, groups=groups).validation_fold()
    assert not np.intersect1d(fold.groups[fold.train], fold.groups[fold.test_seen]).size
    fitted = np.unique(fold.labels[fold.train])
    tested = np.unique(fold.labels[fold.test_seen])
    assert_array_equal(fitted, tested)


@pytest.mark.parametrize("seed", range(20))
def test_a_class_in_two_small_groups_has_rows_on_both_sides(seed):
    labels = np.append(np.repeat(0, 200), [1, 1])
    groups = np.append(np.arange(200) // 20, [10, 11])
    held = hold_out(labels, np.arange(202), np.random.default_rng(seed), groups=groups)
    assert (labels[held] == 1).sum() == 1
    assert 20 <= (labels[held] == 0).sum() <= 60
