"""Plain arrays, DataFrames and .npz files become data sets, and data sets become .npz files."""

import io
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
import torch

from gsmflow_lite.datasets import available, from_arrays, from_dataframe, from_npz, load, save_npz
from gsmflow_lite.errors import DataError, StorageError

NAMES = ["ant", "bee", "cat", "dog"]


@pytest.fixture
def parts(rng):
    """Features, labels and attributes of 4 classes with 20 rows each, shuffled."""
    labels = rng.permutation(np.repeat(np.arange(4), 20))
    return rng.random((80, 3), dtype=np.float32), labels, rng.random((4, 5)) + 0.1


# --- from_arrays ----------------------------------------------------------------------------------------------------


def test_a_fifth_of_each_seen_class_is_held_out(parts):
    d = from_arrays(*parts, unseen=[3])
    np.testing.assert_array_equal(np.bincount(d.labels[d.test_seen]), [4, 4, 4])
    np.testing.assert_array_equal(np.bincount(d.labels[d.train]), [16, 16, 16])
    np.testing.assert_array_equal(d.test_unseen, np.flatnonzero(d.labels == 3))


def test_the_seed_decides_which_rows_are_held_out(parts):
    one, same, other = (from_arrays(*parts, unseen=[3], seed=seed).test_seen for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_whole_groups_are_held_out(parts):
    groups = np.arange(80) % 10
    d = from_arrays(*parts, unseen=[3], groups=groups)
    assert not np.intersect1d(groups[d.train], groups[d.test_seen]).size


@pytest.mark.parametrize("as_what", [list, np.asfortranarray, torch.tensor, pd.DataFrame])
def test_features_of_any_container_are_read(as_what, parts):
    features, labels, attributes = parts
    given = features.tolist() if as_what is list else as_what(features)
    np.testing.assert_array_equal(
        from_arrays(given, labels, attributes, unseen=[3]).features, features
    )


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float64])
def test_tensors_of_any_precision_that_need_gradients_are_read(kind, parts):
    features, labels, attributes = parts
    tensor = torch.tensor(features, dtype=kind, requires_grad=True)
    d = from_arrays(
        tensor, torch.tensor(labels), torch.tensor(attributes), unseen=torch.tensor([3])
    )
    np.testing.assert_array_equal(d.features, tensor.detach().float().numpy())


@pytest.mark.parametrize(
    "as_what", [list, np.array, pd.Series, lambda names: pd.Series(names, dtype="category")]
)
def test_labels_may_be_names(as_what, parts):
    features, labels, attributes = parts
    d = from_arrays(
        features, as_what([NAMES[k] for k in labels]), attributes, unseen=["dog"], class_names=NAMES
    )
    np.testing.assert_array_equal(d.labels, labels)
    np.testing.assert_array_equal(d.unseen_classes, [3])


def test_a_table_of_attributes_names_classes_and_attributes(parts):
    features, labels, attributes = parts
    table = pd.DataFrame(attributes, index=NAMES, columns=list("vwxyz"))
    d = from_arrays(features, [NAMES[k] for k in labels], table, unseen=["bee"])
    assert d.class_names == tuple(NAMES)
    assert d.attribute_names == tuple("vwxyz")
    np.testing.assert_array_equal(d.labels, labels)


def test_whole_numbers_are_looked_up_in_the_index_of_the_table(parts):
    features, labels, attributes = parts
    table = pd.DataFrame(attributes, index=[10, 20, 30, 40])
    d = from_arrays(features, 10 * (labels + 1), table, unseen=[40])
    np.testing.assert_array_equal(d.labels, labels)
    assert d.class_names[3] == "40"


@pytest.mark.parametrize("mask", [False, True])
def test_test_rows_may_be_given_as_numbers_or_mask(mask, parts):
    _, labels, _ = parts
    rows = np.concatenate([np.flatnonzero(labels == k)[:3] for k in range(3)])
    given = np.isin(np.arange(80), rows) if mask else rows
    d = from_arrays(*parts, unseen=[3], test_seen=given)
    np.testing.assert_array_equal(np.sort(d.test_seen), np.sort(rows))
    np.testing.assert_array_equal(d.train, np.setdiff1d(np.flatnonzero(labels < 3), rows))


BAD = {
    "no unseen class": ({"unseen": []}, r"unseen must name at least one class"),
    "an unseen class without rows": ({"unseen": [7]}, r"every unseen class needs rows to be tested on, but class 7 has none"),
    "names without class_names": ({"unseen": ["dog"]}, r"unseen are names \('dog' ...\), so class_names must name"),
    "an unknown name": ({"unseen": ["cow"], "class_names": NAMES}, r"must be among the classes \(ant, .*got 'cow' \(1 such"),
    "the same name twice": ({"unseen": ["cat"], "class_names": ["ant", "bee", "bee", "cat"]}, r"must differ, but 'bee' occurs"),
    "groups too short": ({"unseen": [3], "groups": [1, 2]}, r"groups must have one entry per label \(80\), got shape \(2,\)"),
    "an unseen row in test_seen": ({"unseen": [3], "test_seen": np.arange(80)}, r"train must not be empty"),
    "features that are no array": ({"unseen": [3], "features": {"a": 1}}, r"features must be a matrix of numbers"),
    "labels in a table": ({"unseen": [3], "labels": np.ones((80, 2))}, r"labels must be one-dimensional, got shape \(80, 2\)"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_arrays_are_refused_with_rule_and_value(case, parts):
    changes, words = BAD[case]
    given = dict(zip(("features", "labels", "attributes"), parts, strict=True)) | changes
    with pytest.raises(DataError, match=rf"^mine: .*{words}"):
        from_arrays(**given, source="mine")


def test_unseen_classes_may_be_a_mask(parts):
    np.testing.assert_array_equal(
        from_arrays(*parts, unseen=[False, True, False, True]).unseen_classes, [1, 3]
    )
    with pytest.raises(
        DataError, match=r"unseen as a mask must have an entry for each of 4, got shape \(2,\)"
    ):
        from_arrays(*parts, unseen=[False, True])


def test_attributes_that_are_one_number_are_refused(parts):
    with pytest.raises(
        DataError, match=r"attributes must be a matrix with rows and columns, got shape \(\)"
    ):
        from_arrays(*parts[:2], np.float32(3), unseen=[3])


def test_names_in_bytes_are_text(parts, tmp_path):
    features, labels, attributes = parts
    names = np.array(NAMES, dtype="S")
    content = {
        "features": features,
        "labels": names[labels],
        "attributes": attributes,
        "unseen": names[3:],
        "class_names": names,
    }
    np.savez(tmp_path / "a.npz", **content)
    for d in (
        from_npz(tmp_path / "a.npz"),
        from_arrays(**content),
        from_arrays(**content | {"class_names": list(names)}),
    ):
        assert d.class_names == tuple(NAMES)
        np.testing.assert_array_equal(d.labels, labels)
        np.testing.assert_array_equal(d.unseen_classes, [3])


def test_missing_labels_are_counted(parts):
    features, labels, attributes = parts
    names = pd.Series([NAMES[k] for k in labels])
    names[[4, 7]] = None
    with pytest.raises(DataError, match=r"labels must be among the classes .*\(2 such entries\)"):
        from_arrays(features, names, attributes, unseen=["dog"], class_names=NAMES)


# --- from_dataframe -------------------------------------------------------------------------------------------------


@pytest.fixture
def frame(parts):
    features, labels, attributes = parts
    table = pd.DataFrame(attributes, index=NAMES)
    return pd.DataFrame(features, columns=["a", "b", "c"]).assign(
        kind=[NAMES[k] for k in labels]
    ), table


def test_a_frame_gives_its_other_columns_as_features(frame, parts):
    rows, table = frame
    d = from_dataframe(rows, label="kind", attributes=table, unseen=["dog"])
    np.testing.assert_array_equal(d.features, parts[0])
    np.testing.assert_array_equal(d.labels, parts[1])


def test_a_frame_with_columns_of_text_names_them(frame):
    rows, table = frame
    with pytest.raises(
        DataError, match=r"all columns but 'kind' must be numbers, got file, when: take them out"
    ):
        from_dataframe(
            rows.assign(file="x.jpg", when=pd.Timestamp(0)),
            label="kind",
            attributes=table,
            unseen=["dog"],
        )


def test_a_frame_without_the_label_column_says_so(frame):
    with pytest.raises(
        DataError,
        match=r"label must name a column of the frame \(a, b, c, kind ...\), got 'species'",
    ):
        from_dataframe(frame[0], label="species", attributes=frame[1], unseen=["dog"])


# --- npz ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def full(make_dataset):
    """A data set with everything that a file can carry."""
    return make_dataset(
        class_names=["ä", "b", "c", "d", "e", "f"],
        groups=np.tile(np.arange(10), 6),
        images=np.arange(240, dtype=np.uint8).reshape(60, 2, 2),
        declared_validation=[2],
        name="my flowers",
    )


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
        np.testing.assert_array_equal(getattr(back, key), getattr(full, key))
    assert (back.class_names, back.attribute_names, back.name) == (
        full.class_names,
        full.attribute_names,
        full.name,
    )


def test_preprocessed_features_are_saved_as_they_were_before(full, tmp_path):
    save_npz(full.preprocessed("whitened-pca", 2), tmp_path / "mine.npz")
    np.testing.assert_array_equal(from_npz(tmp_path / "mine.npz").features, full.features)


def test_rows_in_no_split_stay_out_of_every_split(make_dataset, tmp_path):
    d = make_dataset(train=np.delete(make_dataset().train, [0, 9]))
    np.testing.assert_array_equal(from_npz(save_npz(d, tmp_path / "mine.npz")).train, d.train)


def test_four_arrays_are_enough_for_a_file(parts, tmp_path):
    np.savez(
        tmp_path / "mine.npz",
        **dict(zip(("features", "labels", "attributes"), parts, strict=True)),
        unseen=[3],
    )
    d = from_npz(tmp_path / "mine.npz", seed=4)
    np.testing.assert_array_equal(d.test_seen, from_arrays(*parts, unseen=[3], seed=4).test_seen)
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
    "a missing key": ({"drop": ("labels",)}, r"must hold 'labels', got 'features', 'attributes', 'unseen'"),
    "pickled objects": ({"labels": np.array([print] * 40, object)}, r"'labels' must hold numbers or text, got object"),
    "a claim of 8 TB": ({"features": npy_header("(1000000000000,)")}, r"'features' claims shape \(1000000000000,\)"),
    "a claim of many empty texts": ({"labels": npy_header("(1000000000000,)", "<U0")}, r"'labels' claims shape"),
    "a negative claim": ({"features": npy_header("(-3, 4)")}, r"'features' claims shape \(-3, 4\)"),
    "bytes after the end": ({"features": npy_header("(1, 1)") + bytes(16)}, r"'features' has bytes after its end"),
    "too few bytes": ({"features": npy_header("(2, 4)") + bytes(63)}, r"claims shape|damaged"),
    "junk in place of a header": ({"features": b"junk" * 40}, r"an .npz file must be readable to its end"),
    "names as a table": ({"class_names": np.array([["a"]])}, r"class_names must be a list of names, got shape \(1, 1\)"),
    "complex features": ({"features": np.ones((40, 3)) + 1j}, r"'features' must hold numbers or text, got complex128"),
    "unseen rows in train": ({"train": np.arange(32), "test_seen": np.arange(20, 30)}, r"train and test_seen must not"),
}  # fmt: skip


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


# --- load -----------------------------------------------------------------------------------------------------------


def test_load_knows_the_names_that_it_lists():
    assert {"glyphs", "gaussian_world", "gaussian_world_2d"} <= set(available())
    assert load("gaussian_world_2d").features.shape[1] == 2


def test_load_reads_an_npz_file(full, tmp_path):
    assert load(save_npz(full, tmp_path / "mine.npz")).name == "my flowers"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("glyhps", r"must be one of glyphs, gaussian_world.*got 'glyhps'.*did you mean 'glyphs'\?"),
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
    code = "import sys, gsmflow_lite.datasets as d; print([m for m in ('scipy', 'pandas', 'h5py', 'sklearn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_unseen_must_leave_something_to_learn_from(rng):
    with pytest.raises(DataError, match="unseen must leave seen classes to learn from"):
        from_arrays(
            rng.random((12, 2)), np.repeat([0, 1, 2], 4), rng.random((3, 2)), unseen=[0, 1, 2]
        )


def test_names_may_be_an_array_beside_a_frame_of_attributes(rng):
    attributes = pd.DataFrame(rng.random((3, 2)), index=["a", "b", "c"])
    names = np.array(["hot", "cold"])
    d = from_arrays(
        rng.random((15, 2)),
        np.repeat(["a", "b", "c"], 5),
        attributes,
        unseen=["c"],
        attribute_names=names,
    )
    assert d.attribute_names == ("hot", "cold")


def test_a_label_that_is_a_list_is_refused_by_name(rng):
    frame = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "kind": [["cat"], ["dog"], ["cat"], ["dog"]]})
    attributes = pd.DataFrame(rng.random((2, 2)), index=["cat", "dog"])
    with pytest.raises(DataError, match=r"labels must be numbers or names, got \['cat'\]"):
        from_dataframe(frame, label="kind", attributes=attributes, unseen=["dog"])
