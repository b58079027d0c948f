"""Folders of the EPGN layout are read, whatever their indices count, or refused."""

import numpy as np
import pytest
from benchmark_folders import SEEN, SPLITS, UNSEEN, assert_same_epgn, epgn
from mat_files import one_up
from numpy.testing import assert_array_equal

from gsmflow_lite.datasets import load_folder
from gsmflow_lite.errors import DataError


@pytest.mark.parametrize("train_as", ["own", "attribute"])
@pytest.mark.parametrize("test_as", ["own", "attribute"])
def test_epgn_classes_are_found_by_description_whatever_the_indices_count(
    train_as, test_as, tmp_path, world
):
    assert_same_epgn(load_folder(epgn(tmp_path, world, train_as=train_as, test_as=test_as)), world)


def test_epgn_as_flo_has_it_is_read(tmp_path, world):
    """Unseen classes come first in ``attribute``.

    So train_idx k is row k + 2 there, and test_seen_idex counts from 3.
    """
    order = np.concatenate([UNSEEN, SEEN])
    flo = world | {
        "labels": np.argsort(order)[world["labels"]],
        "attributes": world["attributes"][order],
    }
    labels = {split: flo["labels"][flo[split]] for split in SPLITS}
    changes = {
        "seen_pro": flo["attributes"][2:],
        "unseen_pro": flo["attributes"][:2],
        "train_idx": one_up(labels["train"] - 2),
        "test_seen_idex": one_up(labels["test_seen"]),
        "test_unseen_idex": one_up(labels["test_unseen"]),
    }
    epgn(tmp_path, flo, **changes)
    assert changes["train_idx"].min() == 1
    assert changes["test_seen_idex"].min() == 3
    assert changes["test_unseen_idex"].max() == 2
    rows = np.concatenate([flo[split] for split in SPLITS])
    assert_array_equal(load_folder(tmp_path).labels, flo["labels"][rows])


def test_epgn_in_single_precision_is_matched(tmp_path, world):
    labels = world["labels"][world["train"]]
    single = world["attributes"][labels].astype(np.float32)
    folder = epgn(tmp_path, world, att_train=single)
    assert_same_epgn(load_folder(folder), world)


def test_epgn_prototypes_in_another_order_are_matched(tmp_path, world):
    assert_same_epgn(
        load_folder(epgn(tmp_path, world, seen_pro=world["attributes"][SEEN[::-1]])), world
    )


BAD_EPGN = {
    "descriptions of other classes": (
        lambda w: {"att_train": w["attributes"][w["labels"][w["train"]]] + 1},
        r"data.mat: each row of att_train must equal one row of attribute, "
        r"but row \d+ equals no row",
    ),
    "two classes described alike": (
        lambda w: {"attribute": w["attributes"][[0, 0, 2, 3, 4, 5, 6]]},
        r"each row of seen_pro must equal one row of attribute, but row 1 equals rows 1 and 2",
    ),
    "labels of other images": (
        lambda w: {"train_idx": np.roll(one_up(w["labels"][w["train"]]), 1)},
        r"data.mat: train_idx and att_train must agree, "
        r"but number \d of train_idx stands for several classes",
    ),
    "descriptions transposed": (
        lambda w: {"seen_pro": w["attributes"][SEEN].T},
        r"seen_pro must be as wide as attribute",
    ),
    "too few labels": (
        lambda w: {"test_seen_idex": one_up(w["labels"][w["test_seen"]])[:-1]},
        r"test_seen_fea must have one row per entry of label.mat's test_seen_idex \(9\), "
        r"got \(10, 4\)",
    ),
    "features of two widths": (
        lambda w: {"test_unseen_fea": np.ones((20, 5))},
        r"test_unseen_fea must be as wide as train",
    ),
    "a seen class without images": (
        lambda w: {"seen_pro": w["attributes"][[0, 1, 2, 3, 5, 6]]},
        r"att_train and seen_pro must describe the same classes, but row 2 of attribute",
    ),
    "test classes out of range": (
        lambda w: {"test_unseen_idex": one_up(w["labels"][w["test_unseen"]] + 9)},
        r"label.mat: test_unseen_idex must number the rows of attribute \(1 to 7\) "
        r"that are in unseen_pro, .*got 11 to 14",
    ),
    "test labels from 0": (
        lambda w: {"test_seen_idex": w["labels"][w["test_seen"]][:, None]},
        r"label.mat: test_seen_idex must number the rows of attribute .*got 0 to 6",
    ),
    "two readings that differ": (
        lambda w: {
            "unseen_pro": w["attributes"][[1, 0]],
            "seen_pro": w["attributes"][2:],
            "test_unseen_idex": one_up(np.arange(20) % 2),
            "test_seen_idex": one_up(2 + np.arange(10) % 5),
            "att_train": w["attributes"][2 + np.arange(40) % 5],
            "train_idx": one_up(np.arange(40) % 5),
        },
        r"label.mat: test_unseen_idex can be read as rows of attribute and as rows of unseen_pro",
    ),
}


@pytest.mark.parametrize("case", BAD_EPGN)
def test_a_bad_epgn_folder_is_refused_with_file_rule_and_value(case, tmp_path, world):
    changes, words = BAD_EPGN[case]
    epgn(tmp_path, world, **changes(world))
    with pytest.raises(DataError, match=words):
        load_folder(tmp_path)
