"""Data sets become .npz files and come back the same; a bad file gets one clear error."""

import io
import zipfile

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from gsmflow_lite.datasets import from_arrays, from_npz, save_npz
from gsmflow_lite.errors import DataError, StorageError


def test_a_saved_data_set_is_read_back_the_same(full, tmp_path):
    back = from_npz(save_npz(full, tmp_path / "mine.npz"))
    for key in (
        "features",
        "labels",
        "attributes",
        "train",
        "test_seen",
        "test_unseen",
        "groups",
        "images",
        "declared_validation",
    ):
        assert_array_equal(getattr(back, key), getattr(full, key))
    assert (back.class_names, back.attribute_names, back.name) == (
        full.class_names,
        full.attribute_names,
        full.name,
    )


def test_preprocessed_features_are_saved_as_they_were_before(full, tmp_path):
    save_npz(full.preprocessed("whitened-pca", 2), tmp_path / "mine.npz")
    assert_array_equal(from_npz(tmp_path / "mine.npz").features, full.features)


def test_rows_in_no_split_stay_out_of_every_split(make_dataset, tmp_path):
    d = make_dataset(train=np.delete(make_dataset().train, [0, 9]))
    assert_array_equal(from_npz(save_npz(d, tmp_path / "mine.npz")).train, d.train)


def test_four_arrays_are_enough_for_a_file(parts, tmp_path):
    np.savez(
        tmp_path / "mine.npz",
        **dict(zip(("features", "labels", "attributes"), parts, strict=True)),
        unseen=[3],
    )
    d = from_npz(tmp_path / "mine.npz", seed=4)
    assert_array_equal(d.test_seen, from_arrays(*parts, unseen=[3], seed=4).test_seen)
    assert d.name == "mine"


def test_a_failed_save_leaves_the_old_file_and_nothing_else(full, tmp_path, monkeypatch):
    path = save_npz(full, tmp_path / "mine.npz")
    before = path.read_bytes()

    def full_disk(file, **content):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full_disk)
    with pytest.raises(StorageError, match=r"mine.npz cannot be written \(No space left"):
        save_npz(full, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_named(full, tmp_path):
    (tmp_path / "none").touch()
    with pytest.raises(StorageError, match=r"mine.npz cannot be written \("):
        save_npz(full, tmp_path / "none" / "mine.npz")


def write_npz(path, drop=(), **changes):
    """An .npz file whose members may be arrays or raw bytes."""
    rng = np.random.default_rng(0)
    content = {
        "features": rng.random((40, 3)),
        "labels": np.repeat([0, 1, 2, 3], 10),
        "attributes": np.eye(4),
        "unseen": np.array([3]),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, value in (content | changes).items():
            if key in drop:
                continue
            if not isinstance(value, bytes):
                stream = io.BytesIO()
                np.save(stream, value)
                value = stream.getvalue()
            archive.writestr(f"{key}.npy", value)
    return path


def npy_header(shape: str, kind: str = "<f8") -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


BAD_NPZ = {
    "a missing key": (
        {"drop": ("labels",)},
        r"must hold 'labels', got 'features', 'attributes', 'unseen'",
    ),
    "pickled objects": (
        {"labels": np.array([print] * 40, object)},
        r"'labels' must hold numbers or text, got object",
    ),
    "a claim of 8 TB": (
        {"features": npy_header("(1000000000000,)")},
        r"'features' claims shape \(1000000000000,\)",
    ),
    "a claim of many empty texts": (
        {"labels": npy_header("(1000000000000,)", "<U0")},
        r"'labels' claims shape",
    ),
    "a negative claim": ({"features": npy_header("(-3, 4)")}, r"'features' claims shape \(-3, 4\)"),
    "bytes after the end": (
        {"features": npy_header("(1, 1)") + bytes(16)},
        r"'features' has bytes after its end",
    ),
    "too few bytes": ({"features": npy_header("(2, 4)") + bytes(63)}, r"claims shape|damaged"),
    "junk in place of a header": (
        {"features": b"junk" * 40},
        r"an .npz file must be readable to its end",
    ),
    "names as a table": (
        {"class_names": np.array([["a"]])},
        r"class_names must be a list of names, got shape \(1, 1\)",
    ),
    "complex features": (
        {"features": np.ones((40, 3)) + 1j},
        r"'features' must hold numbers or text, got complex128",
    ),
    "unseen rows in train": (
        {"train": np.arange(32), "test_seen": np.arange(20, 30)},
        r"train and test_seen must not",
    ),
}


@pytest.mark.parametrize("case", BAD_NPZ)
def test_a_bad_npz_file_is_refused_with_file_rule_and_value(case, tmp_path):
    changes, words = BAD_NPZ[case]
    with pytest.raises(DataError, match=rf"(?s)mine.npz: .*({words})"):
        from_npz(write_npz(tmp_path / "mine.npz", **changes))


def test_an_array_that_occurs_twice_is_refused(tmp_path):
    path = write_npz(tmp_path / "mine.npz")
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("labels.npy", b"")
    with pytest.raises(DataError, match=r"mine.npz: each array must occur once"):
        from_npz(path)


def test_packing_that_has_no_bound_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "mine.npz", "w", zipfile.ZIP_LZMA) as archive:
        for key in ("features", "labels", "attributes", "unseen"):
            archive.writestr(f"{key}.npy", bytes(100))
    with pytest.raises(
        DataError, match=r"'features' must be stored plainly or deflated, got method 14"
    ):
        from_npz(tmp_path / "mine.npz")


def test_flipped_bits_in_an_npz_give_a_data_set_or_one_clear_error(tmp_path, rng):
    path = write_npz(tmp_path / "mine.npz")
    whole = path.read_bytes()
    for _ in range(200):
        spoiled = bytearray(whole)
        for place in rng.integers(0, len(whole), 2):
            spoiled[place] ^= 1 << rng.integers(8)
        path.write_bytes(spoiled[: rng.integers(len(whole) // 2, 2 * len(whole))])
        try:
            from_npz(path)
        except DataError as error:
            assert str(path) in str(error)  # noqa: PT017


def test_a_missing_npz_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none.npz: there is no such file"):
        from_npz(tmp_path / "none.npz")


@pytest.mark.parametrize("key", ["class_names", "attribute_names", "groups", "images"])
def test_an_empty_optional_array_costs_a_note(key, full, tmp_path):
    path = save_npz(full, tmp_path / "birds.npz")
    with np.load(path) as file:
        content = dict(file)
    np.savez(path, **{**content, key: np.zeros(0)})
    d = from_npz(path)
    assert_array_equal(d.features, full.features)
    assert d.notes == (f"{key} is left out: it is empty",)
    fresh = {"class_names": "class 0", "attribute_names": "attribute 0"}
    found = getattr(d, key)
    assert found is None or found[0] == fresh[key]


def test_an_empty_split_is_refused(full, tmp_path):
    path = save_npz(full, tmp_path / "birds.npz")
    with np.load(path) as file:
        content = dict(file)
    np.savez(path, **{**content, "test_seen": np.zeros(0, int)})
    with pytest.raises(DataError, match="test_seen must not be empty"):
        from_npz(path)


@pytest.mark.parametrize("name", ["birds.mat", "birds.NPY", "birds.csv"])
def test_the_suffix_of_another_kind_of_file_is_refused(name, full, tmp_path):
    with pytest.raises(StorageError, match=r"must end in .npz, got '\.\w+': end it so"):
        save_npz(full, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_list_of_contents_does_not_hide_an_optional_array(full, tmp_path):
    """Each name stands twice in the file: the second time in a list at its end."""
    path = save_npz(full, tmp_path / "birds.npz")
    content = path.read_bytes()
    place = content.rindex(b"test_seen.npy")
    path.write_bytes(content[:place] + b"T" + content[place + 1 :])
    with pytest.raises(DataError, match=r"must be readable to its end.*names? "):
        from_npz(path)
