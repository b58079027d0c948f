"""A data set is found by its name or path, and a wrong one gets a hint."""

import subprocess
import sys

import pytest

from gsmflow_lite.datasets import available, load, save_npz
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


def test_load_asks_for_the_folder_where_a_mat_file_is_given(tmp_path):
    (tmp_path / "res101.mat").write_bytes(b"")
    with pytest.raises(DataError, match=r"give the folder that holds the file"):
        load(tmp_path / "res101.mat")


def test_load_of_a_missing_npz_says_so(tmp_path):
    with pytest.raises(DataError, match=r"none.npz: there is no such file"):
        load(tmp_path / "none.npz")


def test_importing_data_sets_loads_no_slow_library():
    slow = {"scipy", "pandas", "h5py", "sklearn"}
    code = f"import sys, gsmflow_lite.datasets; print({slow} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
