"""Features on disk are read as rows of an array, and memory does not grow with their file."""

import mmap
import pickle
import subprocess
import sys
from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch
from feature_files import FILES, ROWS, WIDTH, assert_close, write_hdf5, write_npy
from numpy.testing import assert_array_equal

from gsmflow_lite.datasets import (
    FeaturesOnDisk,
    Preprocessing,
    blocks,
    from_arrays,
    in_chunks,
    open_features,
    rows_of,
)
from gsmflow_lite.datasets.formats import matrices
from gsmflow_lite.datasets.on_disk import as_on_disk
from gsmflow_lite.errors import DataError, StorageError

pytestmark = pytest.mark.usefixtures("small_blocks")


# --- rows ----------------------------------------------------------------------------------------

KEYS = {
    "a row": 17,
    "a row from the end": -2,
    "a NumPy number": np.int64(3),
    "all": slice(None),
    "a slice": slice(3, 90),
    "a slice with a step": slice(120, 5, -9),
    "an empty slice": slice(9, 9),
    "rows": np.array([5, 3, 131, 3, -1, 60]),
    "rows in a row": np.arange(20, 60),
    "the same row again and again": np.array([4, 4, 6]),
    "a list": [9, 8],
    "no rows": [],
    "unsigned rows": np.array([1, 2], np.uint8),
    "a table of rows": np.arange(12).reshape(3, 4) * 7,
    "a mask": np.arange(ROWS) % 3 == 1,
    "a tensor": torch.tensor([30, 10]),
}


@pytest.mark.parametrize("kind", FILES)
def test_every_kind_of_file_gives_its_rows(kind, plain, tmp_path):
    features = open_features(FILES[kind](tmp_path, plain))
    scattered = KEYS["rows"]
    assert_array_equal(features[:], plain)
    assert_array_equal(features[scattered], plain[scattered])
    assert_array_equal(np.concatenate(list(features.chunks())), plain)


@pytest.mark.parametrize("key", KEYS)
def test_rows_are_those_of_the_array_in_memory(key, on_disk, plain):
    rows = on_disk[KEYS[key]]
    assert rows.dtype == np.float32
    assert_array_equal(rows, plain[KEYS[key]])


def test_what_is_read_is_a_copy_of_ones_own(on_disk, plain):
    on_disk[3:9][:] = 0
    assert_array_equal(on_disk[3:9], plain[3:9])
    torch.from_numpy(on_disk[:4])  # warns, and so fails, where an array cannot be written to


def test_chunks_are_all_rows_in_order(on_disk, plain):
    assert [len(block) for block in on_disk.chunks(50)] == [50, 50, 32]
    assert max(len(block) for block in on_disk.chunks()) == 7
    assert_array_equal(np.concatenate(list(on_disk.chunks())), plain)
    assert_array_equal(list(on_disk), plain)


def test_a_selection_of_a_selection_is_lazy_and_right(on_disk, plain):
    once = on_disk.select(np.arange(100, 10, -3))
    twice = once.select(np.array([4, 0, 9]))
    assert twice.shape == (3, WIDTH)
    assert twice.ndim == 2
    assert twice.dtype == np.float32
    assert len(twice) == 3
    assert_array_equal(twice[:], plain[100:10:-3][[4, 0, 9]])


@pytest.mark.parametrize("rows", [None, np.arange(90, 3, -2)])
def test_in_chunks_goes_through_memory_and_disk_alike(rows, on_disk, plain):
    for features in (on_disk, plain):
        parts = list(in_chunks(features, rows))
        assert len(parts) > 5
        expected = plain if rows is None else plain[rows]
        assert_array_equal(np.concatenate([x for _, x in parts]), expected)
        assert all((expected[places] == x).all() for places, x in parts)


def test_rows_of_selects_on_disk_and_copies_in_memory(on_disk, plain):
    rows = np.array([3, 1])
    assert isinstance(rows_of(on_disk, rows), FeaturesOnDisk)
    assert_array_equal(rows_of(on_disk, rows)[:], rows_of(plain, rows))


def test_another_process_gets_the_name_of_the_file_only(on_disk, plain):
    standardise = Preprocessing.fit("standardise", plain)
    lazy = on_disk.select(np.arange(40, 60)).transformed(standardise)
    sent = pickle.dumps(lazy)
    assert len(sent) < 2000 < len(pickle.dumps(plain))
    assert_array_equal(pickle.loads(sent)[:], lazy[:])


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (
            (3, 2),
            r"got a pair of indices: take rows first, then columns, features\[rows\]\[:, columns\]",
        ),
        (np.ones(7, bool), r"a mask of 132 rows, got bool of shape \(7,\)"),
        ([0.5], r"taken by row numbers.*got float64"),
    ],
)
def test_what_is_no_choice_of_rows_is_refused(key, words, on_disk):
    with pytest.raises(DataError, match=words):
        on_disk[key]


@pytest.mark.parametrize("key", [ROWS, -ROWS - 1, [0, 999]])
def test_a_row_that_is_not_there_is_refused(key, on_disk):
    with pytest.raises(IndexError, match="rows must be from 0 to 131, got"):
        on_disk[key]


COPIES = {
    "asarray": np.asarray,
    "array": np.array,
    "stack": lambda x: np.stack([x, x]),
    "another number type": lambda x: np.asarray(x, np.float64),
}


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
def test_nothing_copies_all_of_it_by_accident(copy, on_disk):
    with pytest.raises(
        DataError,
        match=r"stay on disk and are not copied whole unasked: .*features.chunks\(\), or say",
    ):
        copy(on_disk)


def test_a_saved_copy_is_a_plain_array_of_single_precision(on_disk, plain, tmp_path):
    min_max = Preprocessing.fit("min-max", plain)
    lazy = on_disk.select(np.arange(100)).transformed(min_max)
    saved = np.load(lazy.save(tmp_path / "copy.npy"))
    assert_array_equal(saved, min_max.transform(plain[:100]))
    assert saved.dtype == np.float32


def test_a_failed_save_leaves_the_old_file_and_nothing_else(plain, tmp_path):
    path = write_npy(tmp_path, plain)
    features = open_features(path)
    spoiled = np.load(path, mmap_mode="r+")
    spoiled[-1] = np.nan
    with pytest.raises(DataError, match="got nan in row 131"):
        features.save(tmp_path / "copy.npy")
    with pytest.raises(StorageError, match=r"copy.npy cannot be written \("):
        features.save(path / "copy.npy")
    assert list(tmp_path.iterdir()) == [path]


# --- ways to name features -----------------------------------------------------------------------


@pytest.fixture
def others(inner):
    """What a data set needs beside features."""
    return {"labels": inner.labels, "attributes": inner.attributes, "unseen": [9, 10, 11]}


def test_from_arrays_takes_the_name_of_a_file(others, plain, tmp_path):
    d = from_arrays(str(write_npy(tmp_path, plain)), **others)
    assert_close(d.features, plain)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_from_arrays_takes_a_memory_map(mode, kind, others, plain, tmp_path):
    path = write_npy(tmp_path, plain.astype(kind))
    d = from_arrays(np.load(path, mmap_mode=mode), **others)
    assert_close(d.features, plain)


def test_a_memory_map_that_joblib_put_in_place_of_an_array_is_an_array(inner, plain, tmp_path):
    swapped = replace(
        inner, features=np.load(write_npy(tmp_path, plain), mmap_mode="r")
    ).preprocessed("standardise")
    assert_array_equal(np.asarray(swapped.features), inner.preprocessed("standardise").features)


def test_the_part_of_a_memory_map_is_read_where_it_lies(others, plain, tmp_path):
    wide = np.hstack([plain, plain + 1, plain])
    memory_map = np.load(write_npy(tmp_path, wide), mmap_mode="r")
    part = memory_map[:, WIDTH : 2 * WIDTH]
    assert_close(from_arrays(part, **others).features, plain + 1)


def test_the_part_of_a_memory_map_is_not_sent_to_another_process(plain, tmp_path):
    part = as_on_disk(np.load(write_npy(tmp_path, plain), mmap_mode="r")[3:])
    with pytest.raises(
        DataError, match=r"some.npy: a part of a memory map.*use datasets.open_features"
    ):
        pickle.dumps(part)


def test_changes_to_a_copy_on_write_map_are_kept(plain, tmp_path, monkeypatch):
    monkeypatch.setattr(matrices, "MOST_RESIDENT", 0)
    array = np.load(write_npy(tmp_path, plain), mmap_mode="c")
    array[5] = 99
    features = as_on_disk(array)
    assert (features[:][5] == 99).all()


@pytest.mark.parametrize("options", [{}, {"chunks": (8, 2), "compression": "gzip"}])
def test_from_arrays_takes_an_h5py_data_set_even_if_its_file_is_closed_later(
    options, others, plain, tmp_path
):
    with h5py.File(write_hdf5(tmp_path, plain, **options)) as file:
        d = from_arrays(file["features"], **others)
    assert_close(d.features, plain)


@pytest.mark.parametrize(
    ("ours_first", "locking"),
    [
        (True, None),
        (False, None),
        (False, False),
    ],
)
def test_a_file_may_be_open_elsewhere_too(ours_first, locking, plain, tmp_path):
    """HDF5 wants a file opened in one way within a process; an unusual one must come first."""
    path = write_hdf5(tmp_path, plain, chunks=(8, 2))
    features = open_features(path) if ours_first else None
    with h5py.File(path, locking=locking) as file:
        assert_array_equal((features or open_features(path))[:], file["features"][()])


def test_an_h5py_data_set_that_can_still_be_written_is_refused(others, plain, tmp_path):
    with (
        h5py.File(write_hdf5(tmp_path, plain), "r+") as file,
        pytest.raises(DataError, match=r"open for reading only, got 'r\+'"),
    ):
        from_arrays(file["features"], **others)


def test_an_array_in_a_group_of_an_hdf5_file_is_named_by_its_path(plain, tmp_path):
    with h5py.File(tmp_path / "some.h5", "w") as file:
        file["vit/train"] = plain
    assert_array_equal(open_features(tmp_path / "some.h5", "vit/train")[:], plain)


# --- memory --------------------------------------------------------------------------------------

GROWTH = """
import sys
import numpy as np
from pathlib import Path
from gsmflow_lite.datasets import from_arrays
from gsmflow_lite.datasets import class_means

def highest():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))

path, rows = sys.argv[1], int(sys.argv[2])
labels = np.arange(rows) % 8
before = highest()
d = from_arrays(path, labels, np.eye(8), unseen=[7])
fold = d.preprocessed("standardise").validation_fold()
class_means(fold, fold.seen_classes, fold.train)
d.features[np.random.default_rng(0).permutation(rows)[:2000]]
print(highest() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_does_not_grow_with_the_file(tmp_path):
    """1.2 GB that take no room on the disk: a file with a hole, all zero."""
    rows = 150_000
    width = 2048
    path = tmp_path / "large.npy"
    header = {"descr": "<f4", "fortran_order": False, "shape": (rows, width)}
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + rows * width * 4)
    command = [sys.executable, "-c", GROWTH, str(path), str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 500, "megabytes; the file has 1172"


class Recorder:
    """In place of the pages of a memory map: it keeps which bytes were announced."""

    def __init__(self):
        self.announced = []

    def madvise(self, advice, start=None, length=None):
        if advice == mmap.MADV_WILLNEED:
            self.announced.append((start, start + length))


@pytest.mark.skipif(not hasattr(mmap, "MADV_WILLNEED"), reason="the system takes no advice")
def test_a_disk_is_told_of_all_rows_before_they_are_read(tmp_path, rng, monkeypatch):
    """Rows of 12,000 bytes, so that they start and end within pages."""
    monkeypatch.setattr(blocks, "BLOCK", 7 * 12_000)
    features = rng.random((200, 3000), dtype=np.float32)
    opened = open_features(write_npy(tmp_path, features))
    rows = np.array([7, 3, 4, 199, 0, 3, 90])
    opened.matrix.pages = Recorder()
    assert_array_equal(opened[rows], features[rows])

    header = (tmp_path / "some.npy").stat().st_size - features.nbytes
    announced = opened.matrix.pages.announced
    for row in rows:
        start = header + row * 12_000
        end = start + 12_000
        assert any(first <= start and end <= last for first, last in announced)
    assert sum(last - first for first, last in announced) < 6 * (12_000 + mmap.PAGESIZE)


# --- bad values --------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_a_value_that_is_not_finite_is_found_with_its_row_and_column(
    value, others, plain, tmp_path
):
    features = plain.astype(np.float64)
    features[77, 3] = value
    with pytest.raises(
        DataError,
        match=r"some.npy: features must be finite in single precision, got .* in row 77, column 3",
    ):
        from_arrays(write_npy(tmp_path, features), **others)
    with pytest.raises(DataError, match=r"^mine: .*some.npy: features must be finite"):
        from_arrays(np.load(tmp_path / "some.npy", mmap_mode="r"), **others, source="mine")


def test_a_value_that_is_not_finite_is_found_in_an_h5py_data_set(others, plain, tmp_path):
    plain[77, 3] = np.nan
    path = write_hdf5(tmp_path, plain)
    with (
        h5py.File(path) as file,
        pytest.raises(DataError, match=r"some.h5: .*got nan in row 77, column 3"),
    ):
        from_arrays(file["features"], **others)


def test_without_a_check_a_bad_value_is_found_when_it_is_read(plain, tmp_path):
    plain[77, 3] = np.nan
    features = open_features(write_npy(tmp_path, plain), check=False)
    assert_array_equal(features[:70], plain[:70])
    with pytest.raises(DataError, match=r"got nan in row 77, column 3"):
        features.select(np.arange(131, 60, -1))[50:]


def test_without_a_check_opening_a_data_set_reads_nothing(others, plain, tmp_path, monkeypatch):
    features = open_features(write_npy(tmp_path, plain), check=False)
    monkeypatch.setattr(matrices.MemoryMap, "read", None)
    from_arrays(features, **others)


def test_a_file_is_checked_once(outer, monkeypatch):
    for kind in (matrices.MemoryMap, matrices.Hdf5Slices):
        monkeypatch.setattr(kind, "read", None)
    outer.validation_fold()


def test_preprocessing_that_leaves_single_precision_says_so(plain, tmp_path):
    features = open_features(write_npy(tmp_path, plain))
    wild = Preprocessing(
        "standardise", np.zeros(WIDTH, np.float32), np.full(WIDTH, 1e-39, np.float32)
    )
    with pytest.raises(DataError, match=r"got -?inf in row \d+, column \d after preprocessing"):
        features.transformed(wild)[:]


def test_features_with_other_labels_are_refused(others, plain, tmp_path):
    with pytest.raises(DataError, match=r"labels must be one per row of features \(131\), got 132"):
        from_arrays(write_npy(tmp_path, plain[1:]), **others)


def test_a_data_set_of_a_closed_file_is_refused(tmp_path, plain):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["features"] = plain
    with h5py.File(tmp_path / "x.h5") as file:
        closed = file["features"]
    with pytest.raises(DataError, match="its file is closed: open it again"):
        as_on_disk(closed)
