"""A data set is found by its name or path, and a wrong one gets a hint."""

import re
import subprocess
import sys

import h5py
import pytest
from benchmark_folders import epgn
from feature_files import write_hdf5
from numpy.testing import assert_array_equal

from gsmflow_lite.datasets import available, from_npz, load, save_folder, save_npz
from gsmflow_lite.errors import DataError


def test_load_knows_the_names_that_it_lists():
    assert {"glyphs", "hangul", "gaussian_world", "gaussian_world_2d"} <= set(available())
    assert load("gaussian_world_2d").features.shape[1] == 2


def test_load_reads_an_npz_file(full, tmp_path):
    assert load(save_npz(full, tmp_path / "mine.npz")).name == "my flowers"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "glyhps",
            r"must be one of glyphs, hangul, gaussian_world.*got 'glyhps'.*did you mean 'glyphs'\?",
        ),
        ("zzz", r"got 'zzz', which is none of them$"),
    ],
)
def test_an_unknown_name_lists_the_known_ones_and_the_closest(name, words):
    with pytest.raises(DataError, match=words):
        load(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [("res101.mat", "give the folder that holds the file"), ("birds.csv", "give one of these")],
)
def test_load_says_what_it_reads_where_another_file_is_given(name, words, tmp_path):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match=words):
        load(tmp_path / name)


def test_load_of_a_missing_npz_says_so(tmp_path):
    with pytest.raises(DataError, match=r"none.npz: there is no such file"):
        load(tmp_path / "none.npz")


@pytest.mark.parametrize("option", ["features", "splits"])
@pytest.mark.parametrize("kind", ["name", "npz", "h5", "EPGN"])
def test_an_option_that_does_not_apply_is_refused(option, kind, full, tmp_path, world):
    places = {
        "name": lambda: "gaussian_world_2d",
        "npz": lambda: save_npz(full, tmp_path / "mine.npz"),
        "h5": lambda: write_hdf5(tmp_path, full.features),
        "EPGN": lambda: epgn(tmp_path, world),
    }
    with pytest.raises(DataError, match=rf"{option} names .*got 'vit': leave out {option} \(--"):
        load(places[kind](), **{option: "vit"})


def test_a_folder_of_npy_files_has_no_file_of_splits(full, tmp_path):
    with pytest.raises(DataError, match=r"a folder of .npy files must come without it"):
        load(save_folder(full, tmp_path / "birds"), splits="x")


@pytest.mark.parametrize("value", ["", 3, b"vit"])
def test_an_option_that_is_no_name_is_refused(value, full, tmp_path):
    with pytest.raises(DataError, match="features must name a file of the folder, got"):
        load(save_folder(full, tmp_path / "birds"), features=value)


@pytest.mark.parametrize(("value", "words"), [(None, "NoneType"), (3, "int"), ([], "list")])
def test_what_is_no_name_is_refused(value, words):
    with pytest.raises(DataError, match=f"must be a name or a path, got {words}"):
        load(value)


def test_a_loaded_data_set_need_not_be_loaded(full):
    with pytest.raises(DataError, match="use it as it is"):
        load(full)


def test_an_empty_name_is_not_the_working_directory(full, tmp_path, monkeypatch):
    monkeypatch.chdir(save_folder(full, tmp_path / "birds"))
    with pytest.raises(DataError, match="got '', which is none of them"):
        load("")


@pytest.mark.parametrize(
    ("asked", "there"), [("brids.npz", "birds.npz"), ("brids", "birds"), ("x/birds", "x/birds2")]
)
def test_a_path_that_nearly_exists_is_suggested(asked, there, tmp_path):
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_bytes(b"")
    with pytest.raises(DataError, match=rf"did you mean '{re.escape(str(tmp_path / there))}'\?$"):
        load(tmp_path / asked)


@pytest.mark.parametrize("name", ["data", "DATA.NPZ", "data.npz", "run.2"])
def test_what_is_saved_under_a_name_is_read_under_it(name, full, tmp_path):
    path = save_npz(full, tmp_path / name)
    for read in (load, from_npz):
        assert_array_equal(read(path).features, full.features)
        assert_array_equal(read(tmp_path / name).features, full.features)


def test_capitals_are_read_in_every_kind_of_file(full, tmp_path):
    folder = save_folder(full, tmp_path / "birds")
    for path in list(folder.iterdir()):
        path.rename(path.with_suffix(".NPY"))
    assert_array_equal(load(folder).features[:], full.features)
    with h5py.File(tmp_path / "birds.HDF5", "w") as file:
        for key in ("features", "labels", "attributes"):
            file[key] = getattr(full, key)
        file["unseen"] = full.unseen_classes
    assert_array_equal(load(tmp_path / "birds.HDF5").features[:], full.features)


def test_a_folder_of_npy_files_without_features_npy_is_told_so(full, tmp_path):
    folder = save_folder(full, tmp_path / "birds")
    (folder / "features.npy").rename(folder / "vit.npy")
    with pytest.raises(DataError, match=r"features.npy is missing, got .*vit.npy.*--features"):
        load(folder)
    assert_array_equal(load(folder, features="vit").features[:], full.features)


def test_importing_data_sets_loads_no_slow_library():
    slow = {"scipy", "pandas", "h5py", "sklearn"}
    code = f"import sys, gsmflow_lite.datasets; print({slow} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
