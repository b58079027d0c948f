"""Features on disk give what the same features give in memory, memory does not grow with the file, bad files are refused."""

import mmap
import pickle
import subprocess
import sys
from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch

from gsmflow_lite import MiningConfig, ModelConfig, TrainingConfig, fit, new_model
from gsmflow_lite.datasets import (
    FeaturesOnDisk,
    Preprocessing,
    check_folder,
    from_arrays,
    from_folder,
    from_hdf5,
    in_chunks,
    load,
    open_features,
    rows_of,
    save_folder,
    save_npz,
)
from gsmflow_lite.datasets import on_disk as mapped
from gsmflow_lite.datasets.statistics import class_means, within_covariance
from gsmflow_lite.errors import DataError, StorageError
from gsmflow_lite.generators.stored import RealSamples
from gsmflow_lite.method.start import GaussianStart, ridge_means

ROWS, WIDTH = 132, 5


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """So that a toy takes many of them, of seven rows."""
    monkeypatch.setattr(mapped, "BLOCK", 7 * 4 * WIDTH)


@pytest.fixture
def plain(rng):
    """Half precision holds these numbers exactly, so that every kind of file holds the same."""
    return (rng.integers(-99, 99, (ROWS, WIDTH)) / 8).astype(np.float32)


def npy(path, features):
    np.save(path / "some.npy", features)
    return path / "some.npy"


def hdf5(path, features, **options):
    with h5py.File(path / "some.h5", "w", userblock_size=512) as file:
        file.create_dataset("features", data=features, **options)
    return path / "some.h5"


FILES = {
    "npy float32": lambda path, x: npy(path, x),
    "npy float16": lambda path, x: npy(path, x.astype(np.float16)),
    "npy float64": lambda path, x: npy(path, x.astype(np.float64)),
    "npy big-endian": lambda path, x: npy(path, x.astype(">f4")),
    "npy column by column": lambda path, x: npy(path, np.asfortranarray(x)),
    "hdf5 contiguous": lambda path, x: hdf5(path, x),
    "hdf5 contiguous float64": lambda path, x: hdf5(path, x.astype(np.float64)),
    "hdf5 chunks of rows": lambda path, x: hdf5(path, x, chunks=(4, WIDTH), compression="gzip"),
    "hdf5 chunks of columns": lambda path, x: hdf5(
        path, x, chunks=(ROWS, 1), compression="lzf", shuffle=True
    ),
    "hdf5 chunks of both": lambda path, x: hdf5(path, x.astype(np.float16), chunks=(50, 2)),
}


@pytest.fixture(params=FILES)
def on_disk(request, plain, tmp_path):
    return open_features(FILES[request.param](tmp_path, plain))


# --- rows -----------------------------------------------------------------------------------------------------------

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


@pytest.mark.parametrize("key", KEYS)
def test_rows_are_those_of_the_array_in_memory(key, on_disk, plain):
    found, expected = on_disk[KEYS[key]], plain[KEYS[key]]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)


def test_what_is_read_is_a_copy_of_ones_own(on_disk, plain):
    on_disk[3:9][:] = 0
    np.testing.assert_array_equal(on_disk[3:9], plain[3:9])
    torch.from_numpy(on_disk[:4])  # warns, and so fails, where an array cannot be written to


def test_chunks_are_all_rows_in_order(on_disk, plain):
    assert [len(block) for block in on_disk.chunks(50)] == [50, 50, 32]
    assert max(len(block) for block in on_disk.chunks()) == 7
    np.testing.assert_array_equal(np.concatenate(list(on_disk.chunks())), plain)
    np.testing.assert_array_equal(list(on_disk), plain)


def test_a_selection_of_a_selection_is_lazy_and_right(on_disk, plain):
    once = on_disk.select(np.arange(100, 10, -3))
    twice = once.select(np.array([4, 0, 9]))
    assert (twice.shape, len(twice), twice.ndim, twice.dtype) == ((3, WIDTH), 3, 2, np.float32)
    np.testing.assert_array_equal(twice[:], plain[100:10:-3][[4, 0, 9]])


@pytest.mark.parametrize("rows", [None, np.arange(90, 3, -2)])
def test_in_chunks_goes_through_memory_and_disk_alike(rows, on_disk, plain):
    for features in (on_disk, plain):
        parts = list(in_chunks(features, rows))
        assert len(parts) > 5
        expected = plain if rows is None else plain[rows]
        np.testing.assert_array_equal(np.concatenate([x for _, x in parts]), expected)
        assert all((expected[places] == x).all() for places, x in parts)


def test_rows_of_selects_on_disk_and_copies_in_memory(on_disk, plain):
    rows = np.array([3, 1])
    assert isinstance(rows_of(on_disk, rows), FeaturesOnDisk)
    np.testing.assert_array_equal(rows_of(on_disk, rows)[:], rows_of(plain, rows))


def test_another_process_gets_the_name_of_the_file_only(on_disk, plain):
    lazy = on_disk.select(np.arange(40, 60)).through(Preprocessing.fit("standardise", plain))
    sent = pickle.dumps(lazy)
    assert len(sent) < 2000 < pickle.dumps(plain).__len__()
    np.testing.assert_array_equal(pickle.loads(sent)[:], lazy[:])


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


@pytest.mark.parametrize(
    "copy", [np.asarray, np.array, lambda x: np.stack([x, x]), lambda x: np.asarray(x, np.float64)]
)
def test_nothing_copies_all_of_it_by_accident(copy, on_disk):
    with pytest.raises(
        DataError,
        match=r"stay on disk and are not copied whole unasked: .*features.chunks\(\), or say",
    ):
        copy(on_disk)


def test_a_saved_copy_is_a_plain_array_of_single_precision(on_disk, plain, tmp_path):
    lazy = on_disk.select(np.arange(100)).through(Preprocessing.fit("min-max", plain))
    saved = np.load(lazy.save(tmp_path / "copy.npy"))
    np.testing.assert_array_equal(saved, Preprocessing.fit("min-max", plain).transform(plain[:100]))
    assert saved.dtype == np.float32


def test_a_failed_save_leaves_the_old_file_and_nothing_else(plain, tmp_path):
    path = npy(tmp_path, plain)
    features = open_features(path)
    spoiled = np.load(path, mmap_mode="r+")
    spoiled[-1] = np.nan
    with pytest.raises(DataError, match="got nan in row 131"):
        features.save(tmp_path / "copy.npy")
    with pytest.raises(StorageError, match=r"copy.npy cannot be written \("):
        features.save(path / "copy.npy")
    assert list(tmp_path.iterdir()) == [path]


# --- what becomes of a data set -------------------------------------------------------------------------------------


@pytest.fixture
def inner(make_dataset, plain):
    """A data set in memory: 9 seen and 3 unseen classes whose rows lie scattered over the file."""
    d = make_dataset(seen=9, unseen=3, rows=11, width=WIDTH)
    scattered = np.random.default_rng(3).permutation(ROWS)
    moved = {name: scattered[getattr(d, name)] for name in ("train", "test_seen", "test_unseen")}
    labels = np.empty(ROWS, np.int64)
    labels[scattered] = d.labels
    return replace(d, features=plain, labels=labels, **moved)


@pytest.fixture
def outer(inner, on_disk):
    return replace(inner, features=on_disk)


def assert_close(lazy, expected, rtol=1e-5):
    assert isinstance(lazy, FeaturesOnDisk)
    np.testing.assert_allclose(lazy[:], expected, rtol=rtol, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "components"),
    [
        ("none", None),
        ("min-max", None),
        ("standardise", None),
        ("pca", None),
        ("pca", 2),
        ("whitened-pca", 3),
    ],
)
def test_preprocessing_on_disk_equals_that_in_memory(kind, components, inner, outer):
    expected, found = inner.preprocessed(kind, components), outer.preprocessed(kind, components)
    for name in ("offset", "scale", "basis"):
        one, other = getattr(found.preprocessing, name), getattr(expected.preprocessing, name)
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert found.features.shape == expected.features.shape
    assert_close(found.features, expected.features)
    assert_close(found.transformed(expected.preprocessing).features, expected.features)


@pytest.mark.parametrize("kind", ["min-max", "standardise", "whitened-pca"])
def test_a_constant_column_on_disk_is_treated_as_in_memory(kind, plain, tmp_path):
    plain[:, 2] = 0.375
    found, expected = (
        Preprocessing.fit(kind, x) for x in (open_features(npy(tmp_path, plain)), plain)
    )
    np.testing.assert_allclose(found.scale, expected.scale, rtol=1e-5)


def test_validation_folds_are_those_in_memory(inner, outer):
    for number in range(2):
        expected, found = (
            d.preprocessed("standardise").validation_fold(number) for d in (inner, outer)
        )
        assert_close(found.features, expected.features)
        for name in ("labels", "train", "test_seen", "test_unseen", "attributes"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_half_of_the_unseen_rows_are_those_in_memory(inner, outer):
    (rows, expected), (same, found) = inner.split_unseen(), outer.split_unseen()
    np.testing.assert_array_equal(same, rows)
    assert_close(found.features, expected.features)


@pytest.mark.parametrize("preprocessed", [False, True])
def test_the_ridge_gaussian_is_that_in_memory(preprocessed, inner, outer):
    one, two = (d.preprocessed("standardise") if preprocessed else d for d in (inner, outer))
    classes = np.array([11, 2, 5])  # in no order, and an unseen one among them
    rows = np.concatenate([one.test_unseen, one.train])
    np.testing.assert_allclose(
        class_means(two, classes, rows), class_means(one, classes, rows), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(within_covariance(two), within_covariance(one), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(ridge_means(two), ridge_means(one), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        GaussianStart.fit(two).root, GaussianStart.fit(one).root, rtol=1e-4, atol=1e-5
    )


def test_class_means_on_disk_equal_a_loop(outer, plain):
    found = class_means(outer, outer.seen_classes, outer.train)
    for mean, k in zip(found, outer.seen_classes, strict=True):
        own = [plain[i].astype(float) for i in outer.train if outer.labels[i] == k]
        np.testing.assert_allclose(mean, sum(own) / len(own), rtol=1e-6)


def test_real_samples_are_those_in_memory(inner, outer):
    asked = torch.from_numpy(inner.attributes[inner.unseen_classes])
    expected, found = (
        RealSamples(d, d.test_unseen).synthesize(asked, 4, seed=2) for d in (inner, outer)
    )
    assert torch.equal(found, expected)


def test_a_flow_trained_from_disk_is_that_trained_from_memory(inner, outer):
    shape = ModelConfig(blocks=1, hidden=8, embedding=4, start="ridge-gaussian")
    how = TrainingConfig(epochs=2, batch=40, mining=MiningConfig(epochs=1, hidden=8, loops=1))
    weights = []
    for d in (inner.preprocessed("min-max"), outer.preprocessed("min-max")):
        model = new_model(d, shape, seed=0)
        for _ in fit(model, d, how, seed=0, device="cpu"):
            pass
        weights.append(model.state_dict())
    torch.testing.assert_close(weights[1], weights[0], rtol=1e-3, atol=1e-4)


def test_pictures_are_decoded_from_preprocessed_rows(inner, outer):
    one, two = (
        replace(d, decode=lambda x: x.reshape(-1, 1, WIDTH)).preprocessed("whitened-pca")
        for d in (inner, outer)
    )
    np.testing.assert_allclose(
        two.decode(two.features[:9]), one.decode(one.features[:9]), rtol=1e-3, atol=1e-3
    )


def test_the_data_set_says_how_large_it_is(outer):
    assert "132 rows x 5 features" in repr(outer)
    assert outer.features.nbytes == ROWS * WIDTH * 4


# --- ways to name features ------------------------------------------------------------------------------------------


@pytest.fixture
def parts(inner):
    return {"labels": inner.labels, "attributes": inner.attributes, "unseen": [9, 10, 11]}


def test_from_arrays_takes_the_name_of_a_file(parts, plain, tmp_path):
    d = from_arrays(str(npy(tmp_path, plain)), **parts)
    assert_close(d.features, plain)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_from_arrays_takes_a_memory_map(mode, kind, parts, plain, tmp_path):
    d = from_arrays(np.load(npy(tmp_path, plain.astype(kind)), mmap_mode=mode), **parts)
    assert_close(d.features, plain)


def test_a_memory_map_that_joblib_put_in_place_of_an_array_is_an_array(inner, plain, tmp_path):
    swapped = replace(inner, features=np.load(npy(tmp_path, plain), mmap_mode="r")).preprocessed(
        "standardise"
    )
    np.testing.assert_array_equal(
        np.asarray(swapped.features), inner.preprocessed("standardise").features
    )


def test_the_part_of_a_memory_map_is_read_where_it_lies(parts, plain, tmp_path):
    both = np.load(npy(tmp_path, np.hstack([plain, plain + 1, plain])), mmap_mode="r")
    assert_close(from_arrays(both[:, WIDTH : 2 * WIDTH], **parts).features, plain + 1)


def test_the_part_of_a_memory_map_is_not_sent_to_another_process(plain, tmp_path):
    part = mapped.as_mapped(np.load(npy(tmp_path, plain), mmap_mode="r")[3:])
    with pytest.raises(
        DataError, match=r"some.npy: a part of a memory map.*use datasets.open_features"
    ):
        pickle.dumps(part)


def test_changes_to_a_copy_on_write_map_are_kept(plain, tmp_path, monkeypatch):
    monkeypatch.setattr(mapped, "HELD", 0)
    array = np.load(npy(tmp_path, plain), mmap_mode="c")
    array[5] = 99
    features = mapped.as_mapped(array)
    assert (features[:][5] == 99).all()


@pytest.mark.parametrize("options", [{}, {"chunks": (8, 2), "compression": "gzip"}])
def test_from_arrays_takes_an_h5py_data_set_even_if_its_file_is_closed_later(
    options, parts, plain, tmp_path
):
    with h5py.File(hdf5(tmp_path, plain, **options)) as file:
        d = from_arrays(file["features"], **parts)
    assert_close(d.features, plain)


@pytest.mark.parametrize(("ours_first", "locking"), [(True, None), (False, None), (False, False)])
def test_a_file_may_be_open_elsewhere_too(ours_first, locking, plain, tmp_path):
    """HDF5 wants a file opened in one way within a process, so where that is an unusual one, it must come first."""
    path = hdf5(tmp_path, plain, chunks=(8, 2))
    features = open_features(path) if ours_first else None
    with h5py.File(path, locking=locking) as file:
        np.testing.assert_array_equal((features or open_features(path))[:], file["features"][()])


def test_an_h5py_data_set_that_can_still_be_written_is_refused(parts, plain, tmp_path):
    with (
        h5py.File(hdf5(tmp_path, plain), "r+") as file,
        pytest.raises(DataError, match=r"open for reading only, got 'r\+'"),
    ):
        from_arrays(file["features"], **parts)


def test_an_array_in_a_group_of_an_hdf5_file_is_named_by_its_path(plain, tmp_path):
    with h5py.File(tmp_path / "some.h5", "w") as file:
        file["vit/train"] = plain
    np.testing.assert_array_equal(open_features(tmp_path / "some.h5", "vit/train")[:], plain)


@pytest.fixture
def full(outer):
    return replace(
        outer, class_names=[f"ä{k}" for k in range(12)], groups=np.arange(ROWS) % 40, declared_validation=[2], name="my birds",
        images=np.arange(ROWS * 4, dtype=np.uint8).reshape(ROWS, 2, 2),
    )  # fmt: skip


SAVED = (
    "labels",
    "attributes",
    "train",
    "test_seen",
    "test_unseen",
    "groups",
    "images",
    "declared_validation",
)


def test_a_saved_folder_is_read_back_the_same(full, plain, tmp_path):
    back = load(save_folder(full.preprocessed("min-max"), tmp_path / "birds"))
    for key in SAVED:
        np.testing.assert_array_equal(getattr(back, key), getattr(full, key))
    assert (back.class_names, back.attribute_names, back.name) == (
        full.class_names,
        full.attribute_names,
        full.name,
    )
    assert_close(back.features, plain)


def test_a_folder_may_be_saved_over_itself(full, plain, tmp_path):
    back = load(save_folder(load(save_folder(full, tmp_path / "birds")), tmp_path / "birds"))
    assert_close(back.features, plain)
    np.testing.assert_array_equal(back.images, full.images)


def test_what_a_data_set_lacks_is_not_left_over_from_the_one_before(full, plain, tmp_path):
    save_folder(full, tmp_path / "birds")
    back = load(
        save_folder(
            replace(full, groups=None, images=None, declared_validation=None), tmp_path / "birds"
        )
    )
    assert (back.groups, back.images, back.declared_validation) == (None, None, None)
    assert_close(back.features, plain)


def test_a_name_of_features_that_a_folder_lacks_is_refused(full, tmp_path):
    folder = save_folder(full, tmp_path / "birds")
    np.save(folder / "vit.npy", np.zeros((ROWS, 2)))
    for read in (load, check_folder):
        with pytest.raises(
            DataError, match=r"must name a file of the folder \(.*vit\.npy\), got 'vti'"
        ):
            read(folder, features="vti")


def test_a_data_set_in_memory_is_saved_as_a_folder_too(inner, plain, tmp_path):
    assert_close(from_folder(save_folder(inner, tmp_path / "birds")).features, plain)


def test_a_folder_may_hold_several_feature_files(full, plain, tmp_path):
    save_folder(full, tmp_path / "birds")
    np.save(tmp_path / "birds" / "vit.npy", plain + 1)
    assert_close(load(tmp_path / "birds", features="vit").features, plain + 1)
    assert_close(load(tmp_path / "birds").features, plain)


def test_a_checked_folder_is_described(full, plain, tmp_path):
    text = check_folder(save_folder(full, tmp_path / "birds"))
    assert "birds: a good folder of .npy files\n  features.npy, which stays on disk\n" in text
    assert f"features: 132 rows x 5, from {plain.min():.4g} to {plain.max():.4g}\n" in text
    assert "validation classes: 1 seen classes, declared" in text


@pytest.mark.parametrize("options", [{}, {"chunks": (8, 2), "compression": "gzip"}])
def test_an_hdf5_file_may_hold_all_of_a_data_set(options, full, plain, tmp_path):
    with h5py.File(tmp_path / "birds.h5", "w") as file:
        file.create_dataset("features", data=plain, **options)
        for key in SAVED:
            file[key] = getattr(full, key)
        file["class_names"], file["unseen"], file["name"] = (
            list(full.class_names),
            full.unseen_classes,
            "my birds",
        )
    back = load(tmp_path / "birds.h5")
    for key in SAVED:
        np.testing.assert_array_equal(getattr(back, key), getattr(full, key))
    assert (back.class_names, back.name) == (full.class_names, "my birds")
    assert_close(back.features, plain)


def test_features_on_disk_are_not_packed_into_an_npz(outer, tmp_path):
    with pytest.raises(
        StorageError, match=r"features on disk .* are not packed into an .npz file.*use save_folder"
    ):
        save_npz(outer, tmp_path / "birds.npz")


# --- memory ---------------------------------------------------------------------------------------------------------

GROWTH = """
import sys
import numpy as np
from pathlib import Path
from gsmflow_lite.datasets import from_arrays
from gsmflow_lite.method.start import class_means

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
    rows, width = 150_000, 2048
    with open(tmp_path / "large.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "<f4", "fortran_order": False, "shape": (rows, width)}
        )
        file.truncate(file.tell() + rows * width * 4)
    command = [sys.executable, "-c", GROWTH, str(tmp_path / "large.npy"), str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 500, "megabytes; the file has 1172"


@pytest.mark.skipif(not hasattr(mmap, "MADV_WILLNEED"), reason="the system takes no advice")
def test_a_disk_is_told_of_all_rows_before_they_are_read(tmp_path, rng, monkeypatch):
    """Rows of 12,000 bytes, so that they start and end within pages."""
    monkeypatch.setattr(mapped, "BLOCK", 7 * 12_000)
    features = rng.random((200, 3000), dtype=np.float32)
    opened = open_features(npy(tmp_path, features))
    rows, told = np.array([7, 3, 4, 199, 0, 3, 90]), []
    opened._source._pages = type(
        "Recorder", (), {"madvise": lambda self, *advice: told.append(advice)}
    )()
    np.testing.assert_array_equal(opened[rows], features[rows])
    wanted = [(start, start + length) for advice, start, length in (t for t in told if len(t) == 3)]
    begin = (
        tmp_path / "some.npy"
    ).stat().st_size - features.nbytes  # of the numbers, after the header
    for row in rows:
        place = begin + row * 12_000
        assert any(start <= place and place + 12_000 <= end for start, end in wanted)
    assert sum(end - start for start, end in wanted) < 6 * (12_000 + mmap.PAGESIZE)


# --- bad files ------------------------------------------------------------------------------------------------------


def header(shape, kind="'<f4'", size=0) -> bytes:
    text = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + bytes(size)


BAD_NPY = {
    "truncated": (header((100, 5), size=1996), r"claims float32 of shape \(100, 5\), 2,000 bytes, but 1,996 follow"),
    "more rows than there are": (header((10**13, 2048), size=80), r"of shape \(10000000000000, 2048\), .*but 80 follow"),
    "bytes after the end": (header((2, 2), size=20), r"16 bytes, but 20 follow"),
    "negative rows": (header((-1, 2), size=20), r"claims|matrix"),
    "objects": (header((2, 2), "'|O'", 32), r"features must be real numbers, got object: save them as float32"),
    "complex numbers": (header((2, 2), "'<c8'", 32), r"features must be real numbers, got complex64"),
    "text": (header((2, 2), "'<U1'", 16), r"features must be real numbers, got <U1"),
    "records": (header((2,), "[('a', '<f4')]", 8), r"features must be real numbers, got \[\('a'"),
    "one dimension": (header((4,), size=16), r"features must be a matrix with rows and columns, got shape \(4,\)"),
    "three dimensions": (header((2, 2, 1), size=16), r"must be a matrix with rows and columns, got shape \(2, 2, 1\)"),
    "no rows": (header((0, 4)), r"must be a matrix with rows and columns, got shape \(0, 4\)"),
    "a header of nonsense": (b"\x93NUMPY\x01\x00\x10\x00" + b"[" * 16, r"an .npy file must be readable to its end"),
    "a header that ends": (b"\x93NUMPY\x01\x00\xff", r"an .npy file must be readable to its end"),
    "another version": (b"\x93NUMPY\x09\x00\x10\x00" + bytes(16), r"unknown version \(9, 0\)"),
    "an .npz": (b"PK\x03\x04", r"must be in an .npy or an HDF5 file, got one that starts with b'PK"),
    "nothing": (b"", r"must be in an .npy or an HDF5 file, got one that starts with b''"),
    "a pickle": (b"\x80\x04\x95", r"must be in an .npy or an HDF5 file"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_NPY)
def test_a_bad_npy_file_is_refused_with_file_rule_and_value(case, tmp_path):
    content, words = BAD_NPY[case]
    (tmp_path / "some.npy").write_bytes(content)
    with pytest.raises(DataError, match=rf"some.npy: .*({words})"):
        open_features(tmp_path / "some.npy")


def test_flipped_bits_in_an_npy_give_features_or_one_clear_error(plain, tmp_path, rng):
    path = npy(tmp_path, plain)
    whole = path.read_bytes()
    for _ in range(200):
        spoiled = bytearray(whole)
        for place in rng.integers(0, 140, 2):
            spoiled[place] ^= 1 << rng.integers(8)
        path.write_bytes(spoiled[: rng.integers(len(whole) // 2, 2 * len(whole))])
        try:
            open_features(path)[:]
        except DataError as error:
            assert str(path) in str(error)  # noqa: PT017


def outside(path):
    (path / "raw").write_bytes(bytes(80))
    return {"shape": (10, 2), "dtype": "f4", "external": [(str(path / "raw"), 0, 80)]}


def link(target):
    def write(file, path):
        with h5py.File(path / "other.h5", "w") as other:
            other["x/features"] = np.ones((3, 2))
        file["group/here"] = np.ones((3, 2))
        file[target[0]] = (
            h5py.ExternalLink(*target[1])
            if isinstance(target[1], tuple)
            else h5py.SoftLink(target[1])
        )

    return write


BAD_HDF5 = {
    "another name": (lambda f, p: f.create_dataset("x", data=np.ones((2, 2))), r"must hold 'features', got 'x': name the"),
    "nothing": (lambda f, p: None, r"must hold 'features', got nothing"),
    "a group": (lambda f, p: f.create_group("features"), r"'features' must be an array, got group"),
    "text": (lambda f, p: f.create_dataset("features", data=[["a", "b"]]), r"features must be real numbers, got object"),
    "complex numbers": (lambda f, p: f.create_dataset("features", data=np.ones((2, 2), complex)), r"numbers, got complex128"),
    "one dimension": (lambda f, p: f.create_dataset("features", data=np.ones(4)), r"rows and columns, got shape \(4,\)"),
    "a scalar": (lambda f, p: f.create_dataset("features", data=1.0), r"matrix with rows and columns, got shape \(\)"),
    "no space": (lambda f, p: f.create_dataset("features", data=h5py.Empty("f4")), r"holds nothing: save the array again"),
    "never written": (
        lambda f, p: f.create_dataset("features", shape=(10**9, 2048), dtype="f4", chunks=(16, 2048)),
        r"claims shape \(1000000000, 2048\) .*at most 64 bytes",
    ),
    "data in another file": (lambda f, p: f.create_dataset("features", **outside(p)), r"keeps its data in another file"),
    "a link into another file": (link(("features", ("other.h5", "/x/features"))), r"'features' points elsewhere, which is not"),
    "a link within": (link(("features", "/group/here")), r"'features' points elsewhere"),
    "references": (
        lambda f, p: f.create_dataset("features", data=np.full((1, 1), f.ref, h5py.ref_dtype), dtype=h5py.ref_dtype),
        r"features must be real numbers, got object",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_HDF5)
def test_a_bad_hdf5_file_is_refused_with_file_rule_and_value(case, tmp_path):
    write, words = BAD_HDF5[case]
    with h5py.File(tmp_path / "some.h5", "w") as file:
        write(file, tmp_path)
    with pytest.raises(DataError, match=rf"some.h5: .*{words}"):
        open_features(tmp_path / "some.h5")


def test_a_link_on_the_way_to_an_array_is_not_followed(tmp_path):
    with h5py.File(tmp_path / "some.h5", "w") as file:
        link(("x", ("other.h5", "/x")))(file, tmp_path)
    with pytest.raises(DataError, match=r"'x' points elsewhere"):
        open_features(tmp_path / "some.h5", "x/features")


def test_a_virtual_array_is_refused(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.ones((4, 2))
    layout = h5py.VirtualLayout(shape=(4, 2), dtype="f8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", shape=(4, 2))
    with h5py.File(tmp_path / "some.h5", "w") as file:
        file.create_virtual_dataset("features", layout)
    with pytest.raises(DataError, match=r"keeps its data in another file"):
        open_features(tmp_path / "some.h5")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.98])
@pytest.mark.parametrize("options", [{}, {"chunks": (8, 5), "compression": "gzip"}])
def test_a_truncated_hdf5_file_is_refused(options, share, plain, tmp_path):
    path = hdf5(tmp_path, plain, **options)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(
        DataError, match=r"some.h5: an HDF5 file must be readable to its end|some.h5: .*truncated"
    ):
        open_features(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none.npy: there is no such file"):
        open_features(tmp_path / "none.npy")


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_a_value_that_is_not_finite_is_found_with_its_row_and_column(value, parts, plain, tmp_path):
    features = plain.astype(np.float64)
    features[77, 3] = value
    with pytest.raises(
        DataError,
        match=r"some.npy: features must be finite in single precision, got .* in row 77, column 3",
    ):
        from_arrays(npy(tmp_path, features), **parts)
    with pytest.raises(DataError, match=r"^mine: .*some.npy: features must be finite"):
        from_arrays(np.load(tmp_path / "some.npy", mmap_mode="r"), **parts, source="mine")


def test_a_value_that_is_not_finite_is_found_in_an_h5py_data_set(parts, plain, tmp_path):
    plain[77, 3] = np.nan
    path = hdf5(tmp_path, plain)
    with (
        h5py.File(path) as file,
        pytest.raises(DataError, match=r"some.h5: .*got nan in row 77, column 3"),
    ):
        from_arrays(file["features"], **parts)


def test_without_a_check_a_bad_value_is_found_when_it_is_read(plain, tmp_path):
    plain[77, 3] = np.nan
    features = open_features(npy(tmp_path, plain), check=False)
    np.testing.assert_array_equal(features[:70], plain[:70])
    with pytest.raises(DataError, match=r"got nan in row 77, column 3"):
        features.select(np.arange(131, 60, -1))[50:]


def test_without_a_check_opening_a_data_set_reads_nothing(parts, plain, tmp_path, monkeypatch):
    features = open_features(npy(tmp_path, plain), check=False)
    monkeypatch.setattr(mapped._Map, "read", None)
    from_arrays(features, **parts)


def test_a_file_is_checked_once(outer, monkeypatch):
    for kind in (mapped._Map, mapped._Slices):
        monkeypatch.setattr(kind, "read", None)
    outer.validation_fold()


def test_preprocessing_that_leaves_single_precision_says_so(plain, tmp_path):
    features = open_features(npy(tmp_path, plain))
    wild = Preprocessing(
        "standardise", np.zeros(WIDTH, np.float32), np.full(WIDTH, 1e-39, np.float32)
    )
    with pytest.raises(DataError, match=r"got -?inf in row \d+, column \d after preprocessing"):
        features.through(wild)[:]


@pytest.mark.parametrize("key", ["labels", "attributes", "unseen"])
def test_a_folder_that_lacks_an_array_names_it(key, full, tmp_path):
    save_folder(full, tmp_path)
    (tmp_path / f"{key}.npy").unlink()
    with pytest.raises(
        DataError,
        match=rf"a data set must hold '{key}', got .*\.npy: add what is missing with np.save",
    ):
        load(tmp_path)


def test_an_hdf5_file_that_lacks_an_array_names_it(plain, tmp_path):
    with pytest.raises(
        DataError,
        match=r"some.h5: a data set must hold 'labels', 'attributes', 'unseen', got features",
    ):
        from_hdf5(hdf5(tmp_path, plain))


def test_labels_that_are_pickled_objects_are_refused(full, tmp_path):
    save_folder(full, tmp_path)
    np.save(tmp_path / "labels.npy", np.array([print] * ROWS, object), allow_pickle=True)
    with pytest.raises(
        DataError, match=r"labels.npy: the file must hold numbers or text, got object"
    ):
        load(tmp_path)


def test_features_with_other_labels_are_refused(parts, plain, tmp_path):
    with pytest.raises(DataError, match=r"labels must be one per row of features \(131\), got 132"):
        from_arrays(npy(tmp_path, plain[1:]), **parts)
