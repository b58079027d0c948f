"""Folders of published benchmarks: which layout they have, what the check says, and real files."""

import pytest
import scipy.io
from benchmark_folders import epgn, xlsa17
from mat_files import save_mat73
from numpy.testing import assert_array_equal

from gsmflow_lite.datasets import BENCHMARKS, check_data, load_folder, read_mat
from gsmflow_lite.errors import DataError

# --- which files are there -----------------------------------------------------------------------


def test_a_missing_feature_file_is_named_with_what_it_holds_and_who_has_it(tmp_path, world):
    xlsa17(tmp_path, world)
    (tmp_path / "res101.mat").unlink()
    with pytest.raises(
        DataError,
        match=r"res101.mat is missing: .*features \(D, N\).*Xian.*there: att_splits.mat\)",
    ) as caught:
        load_folder(tmp_path)
    assert "--features" not in str(caught.value)


def test_another_feature_file_is_suggested(tmp_path, world):
    xlsa17(tmp_path, world, file="lite0")
    with pytest.raises(DataError, match=r"res101.mat is missing: .*use --features lite0"):
        load_folder(tmp_path)


@pytest.mark.parametrize(
    ("there", "words"),
    [
        (
            (),
            r"res101.mat \(features, labels\) and att_splits.mat .* are missing; "
            r".*Xian.*EPGN.*there: none",
        ),
        (("res101",), r"att_splits.mat is missing: it must hold att \(A, K\), trainval_loc"),
        (("data",), r"label.mat is missing beside data.mat: it must hold train_idx"),
        (("label",), r"data.mat is missing beside label.mat: it must hold train_fea"),
    ],
)
def test_a_folder_that_lacks_files_is_told_which(there, words, tmp_path):
    for name in there:
        scipy.io.savemat(tmp_path / f"{name}.mat", {"x": 1})
    with pytest.raises(DataError, match=words):
        load_folder(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(
        DataError, match=r"nowhere: a folder with .mat files is needed, but there is none"
    ):
        load_folder(tmp_path / "nowhere")


# --- the check -----------------------------------------------------------------------------------


def test_the_check_of_a_good_folder_says_what_is_in_it(tmp_path, world):
    text = check_data(xlsa17(tmp_path, world))
    for words in (
        "a good xlsa17 folder",
        "res101.mat (MATLAB 5): features, labels, image_files",
        "70 rows x 4",
        "5 seen, 2 unseen, each with 3 attributes",
        "train 40, test_seen 10, test_unseen 20",
        "2 seen classes, declared by val_loc",
    ):
        assert words in text
    assert "note" not in text


def test_the_check_knows_the_other_layout_and_format(tmp_path, world):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    assert "a good EPGN folder" in check_data(epgn(tmp_path / "one", world))
    assert "(MATLAB 7.3)" in check_data(xlsa17(tmp_path / "two", world, save=save_mat73))


def test_the_check_warns_where_a_known_name_has_other_counts(tmp_path, world):
    (tmp_path / "AWA2").mkdir()
    text = check_data(xlsa17(tmp_path / "AWA2", world))
    assert "AWA2 as published has 40 seen, this folder has 5" in text


@pytest.mark.parametrize("name", BENCHMARKS)
def test_the_splits_of_a_known_benchmark_add_up_to_its_images(name):
    known = BENCHMARKS[name]
    assert known.train + known.test_seen + known.test_unseen == known.images


# --- real files ----------------------------------------------------------------------------------


@pytest.fixture
def flo(shared_data):
    if not (shared_data / "FLO_lite0" / "lite0.mat").is_file():
        pytest.skip(f"no FLO_lite0/lite0.mat in {shared_data}")
    return shared_data / "FLO_lite0"


@pytest.fixture
def awa2(shared_data):
    if not (shared_data / "AWA2_attributes" / "att_splits.mat").is_file():
        pytest.skip(f"no AWA2_attributes/att_splits.mat in {shared_data}")
    return shared_data / "AWA2_attributes"


def test_real_flo_has_the_published_counts_and_declared_validation_classes(flo):
    d = load_folder(flo, "lite0")
    known = BENCHMARKS["FLO"]
    assert len(d.train) == known.train
    assert len(d.test_seen) == known.test_seen
    assert len(d.test_unseen) == known.test_unseen
    assert len(d.seen_classes) == known.seen
    assert len(d.unseen_classes) == known.unseen
    assert d.attributes.shape[1] == known.attributes
    assert len(d.declared_validation) == 20


def test_real_flo_is_read_as_scipy_reads_it(flo):
    d = load_folder(flo, "lite0")
    theirs = scipy.io.loadmat(flo / "lite0.mat")
    assert_array_equal(d.features, theirs["features"].T)
    assert_array_equal(d.labels, theirs["labels"].ravel().astype(int) - 1)


def test_real_flo_without_its_feature_file_names_the_one_that_is_there(flo):
    with pytest.raises(DataError, match=r"res101.mat is missing: .*--features lite0"):
        load_folder(flo)


def test_real_awa2_attributes_and_splits_have_the_published_counts(awa2):
    table = read_mat(awa2 / "att_splits.mat")
    known = BENCHMARKS["AWA2"]
    assert table["att"].shape == (known.attributes, known.seen + known.unseen)
    assert table["trainval_loc"].size == known.train
    assert table["test_unseen_loc"].size == known.test_unseen
    assert table["allclasses_names"][:3] == ["antelope", "grizzly+bear", "killer+whale"]


def test_real_awa2_without_features_says_so(awa2):
    with pytest.raises(DataError, match=r"res101.mat is missing: .*there: att_splits.mat\)"):
        load_folder(awa2)
