"""Benchmark folders are read in every published variant, and each bad file gets one error that says what to do."""

import tracemalloc
import zlib

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse

from gsmflow_lite.datasets import BENCHMARKS, check_folder, load_folder, mat_names, read_mat
from gsmflow_lite.errors import DataError

CLASSES, ROWS, WIDTH, TRAITS = 7, 10, 4, 3
SEEN = np.array([0, 2, 3, 5, 6])
UNSEEN = np.array([1, 4])


@pytest.fixture
def world(rng):
    """What the folders below are made of, counted from 0: rows are shuffled, so that order cannot help."""
    labels = rng.permutation(np.repeat(np.arange(CLASSES), ROWS))
    rank = np.array([np.sum(labels[:i] == k) for i, k in enumerate(labels)])
    seen = np.isin(labels, SEEN)
    return {
        "features": rng.random((len(labels), WIDTH), dtype=np.float32),
        "labels": labels,
        "attributes": rng.random((CLASSES, TRAITS)),
        "train": rng.permutation(np.flatnonzero(seen & (rank < 8))),
        "test_seen": np.flatnonzero(seen & (rank >= 8)),
        "test_unseen": np.flatnonzero(~seen),
    }


def save_mat73(path, content: dict) -> None:
    """Write as MATLAB 7.3 does: dimensions reversed, text as uint16, cells as references, a header of 512 bytes."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in content.items():
            if value.dtype == object:
                inside = [
                    file.create_dataset(f"#refs#/{name}{i}", data=_characters(text))
                    for i, text in enumerate(value.flat)
                ]
                data = np.empty(value.T.shape, h5py.ref_dtype)
                data.flat = [entry.ref for entry in inside]
                file.create_dataset(name, data=data, dtype=h5py.ref_dtype).attrs["MATLAB_class"] = (
                    np.bytes_("cell")
                )
            else:
                options = {"compression": "gzip"} if value.size > 50 else {}
                file.create_dataset(name, data=value.T, **options).attrs["MATLAB_class"] = (
                    np.bytes_("double")
                )
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


def _characters(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-16-le"), np.uint16)[:, None]


def cell(names) -> np.ndarray:
    return np.array(list(names), object)[:, None]


def one_up(index, kind=np.uint16, shape=(-1, 1)) -> np.ndarray:
    return (np.asarray(index) + 1).astype(kind).reshape(shape)


def xlsa17(
    folder,
    world,
    *,
    save=scipy.io.savemat,
    kind=np.uint16,
    shape=(-1, 1),
    file="res101",
    drop=(),
    **changes,
):
    """Write an xlsa17 folder; ``changes`` replace arrays of either file, ``drop`` leaves some out."""
    one = {
        "features": world["features"].T,
        "labels": one_up(world["labels"], kind, shape),
        "image_files": cell("ab"),
    }
    two = {"att": world["attributes"].T, "original_att": world["attributes"].T * 100}
    for key, split in (
        ("trainval_loc", "train"),
        ("test_seen_loc", "test_seen"),
        ("test_unseen_loc", "test_unseen"),
    ):
        two[key] = one_up(world[split], kind, shape)
    held = np.isin(world["labels"][world["train"]], SEEN[:2])
    test_seen_too = world["test_seen"][
        ~np.isin(world["labels"][world["test_seen"]], SEEN[:2])
    ]  # as in the published files
    two["train_loc"] = one_up(np.concatenate([world["train"][~held], test_seen_too]), kind, shape)
    two["val_loc"] = one_up(world["train"][held], kind, shape)
    two["allclasses_names"] = cell(f"class+{k}" for k in range(CLASSES))
    for name, content in ((file, one), ("att_splits", two)):
        kept = {key: changes.get(key, value) for key, value in content.items() if key not in drop}
        save(folder / f"{name}.mat", kept)
    return folder


def assert_same(d, world):
    for key in ("features", "labels", "train", "test_seen", "test_unseen"):
        np.testing.assert_array_equal(getattr(d, key), world[key])
    np.testing.assert_array_equal(d.attributes, world["attributes"].astype(np.float32))


# --- xlsa17 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("save", [scipy.io.savemat, save_mat73], ids=["5", "7.3"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float64])
@pytest.mark.parametrize("shape", [(-1, 1), (1, -1)], ids=["column", "row"])
def test_xlsa17_is_read_in_every_number_type_shape_and_format(save, kind, shape, tmp_path, world):
    assert_same(load_folder(xlsa17(tmp_path, world, save=save, kind=kind, shape=shape)), world)


@pytest.mark.parametrize("save", [scipy.io.savemat, save_mat73], ids=["5", "7.3"])
def test_xlsa17_class_names_are_read(save, tmp_path, world):
    d = load_folder(xlsa17(tmp_path, world, save=save))
    assert d.class_names == tuple(f"class+{k}" for k in range(CLASSES))


def test_compressed_matlab_5_files_are_read(tmp_path, world):
    def save(path, content):
        scipy.io.savemat(path, content, do_compression=True)

    assert_same(load_folder(xlsa17(tmp_path, world, save=save)), world)


def save_compressed(path, content):
    scipy.io.savemat(path, content, do_compression=True)


WAYS = pytest.mark.parametrize(
    "save", [scipy.io.savemat, save_compressed, save_mat73], ids=["5", "5 compressed", "7.3"]
)


@WAYS
@pytest.mark.parametrize("kind", [">f8", "<f4", np.int16])
def test_double_precision_becomes_single_where_it_is_asked_for(kind, save, tmp_path, rng):
    values = {"x": (200 * rng.random((700, 800))).astype(kind), "y": rng.random((2, 1))}
    save(tmp_path / "some.mat", values)
    found = read_mat(tmp_path / "some.mat", single=["x"])
    np.testing.assert_array_equal(
        found["x"], values["x"].astype(np.int16 if kind is np.int16 else np.float32)
    )
    assert found["x"].dtype == (np.int16 if kind is np.int16 else np.float32)
    np.testing.assert_array_equal(found["y"], values["y"])


@WAYS
def test_features_beyond_single_precision_are_refused(save, tmp_path, world):
    features = world["features"].T.astype(np.float64)
    features[2, 7] = 1e200
    xlsa17(tmp_path, world, save=save, features=features)
    with pytest.raises(
        DataError,
        match=r"res101.mat with att_splits.mat: features must be finite .* in row 7, column 2",
    ):
        load_folder(tmp_path)


@WAYS
def test_loading_takes_little_more_memory_than_the_features_do(save, tmp_path, world):
    """They are stored in double precision, so reading them whole would take twice as much before they are single."""
    features = np.repeat(world["features"].T, 20_000, axis=0)
    xlsa17(tmp_path, world, save=save, features=features.astype(np.float64))
    tracemalloc.start()
    loaded = load_folder(tmp_path).features
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert loaded.shape == (70, 80_000)
    assert most < 1.5 * loaded.nbytes


def test_xlsa17_without_any_optional_key_is_read(tmp_path, world):
    drop = ("train_loc", "val_loc", "allclasses_names", "original_att", "image_files")
    d = load_folder(xlsa17(tmp_path, world, drop=drop))
    assert_same(d, world)
    assert d.declared_validation is None
    assert d.class_names[3] == "class 3"


def test_val_loc_declares_its_classes_and_gives_no_rows(tmp_path, world):
    d = load_folder(xlsa17(tmp_path, world))
    np.testing.assert_array_equal(d.validation_classes, SEEN[:2])
    assert not np.isin(d.validation, d.test_seen).any()


@pytest.mark.parametrize(
    "classes",
    [[0, 1], [0, 2, 3, 5], [0, 3]],
    ids=["one is unseen", "one is left", "not all of a class"],
)
def test_val_loc_declares_nothing_where_it_is_no_clean_cut_of_seen_classes(
    classes, tmp_path, world
):
    of = {k: np.flatnonzero(world["labels"] == k) for k in range(CLASSES)}
    rest = [of[k] for k in SEEN if k not in classes] + ([of[3][:1]] if classes == [0, 3] else [])
    folder = xlsa17(
        tmp_path,
        world,
        val_loc=one_up(np.concatenate([of[k] for k in classes])),
        train_loc=one_up(np.concatenate(rest)),
    )
    assert load_folder(folder).declared_validation is None


def test_the_feature_file_may_have_any_name_with_or_without_its_ending(tmp_path, world):
    xlsa17(tmp_path, world, file="vit")
    assert_same(load_folder(tmp_path, "vit"), world)
    assert_same(load_folder(tmp_path, "vit.mat"), world)


BAD_XLSA17 = {
    "features transposed": (
        lambda w: {"features": w["features"]},
        r"res101.mat: features must be stored as \(D, N\).*got \(70, 4\) with 70 labels: they are transposed",
    ),
    "features of other images": (
        lambda w: {"features": w["features"].T[:, 1:]},
        r"res101.mat: features must have one column per label \(70\), got shape \(4, 69\)",
    ),
    "labels from 0": (
        lambda w: {"labels": w["labels"][:, None]},
        r"res101.mat: labels must be from 1 to 7 .*got 0 to 6: they are 0-based, so add 1",
    ),
    "labels out of range": (
        lambda w: {"labels": w["labels"][:, None] + 2},
        r"res101.mat: labels must be from 1 to 7 \(classes in att_splits.mat's att\), got 2 to 8",
    ),
    "labels that single precision cannot tell from others": (
        lambda w: {"labels": np.full((70, 1), 2.0**24 + 1)},
        r"labels must be from 1 to 7 .*got 16777217",
    ),
    "fractional labels": (lambda w: {"labels": w["labels"][:, None] + 1.5}, r"res101.mat: labels must hold whole numbers, got"),
    "NaN labels": (lambda w: {"labels": np.full((70, 1), np.nan)}, r"labels must hold whole numbers, got nan in place 1"),
    "labels as a table": (lambda w: {"labels": np.ones((70, 2))}, r"labels must be one column .*got shape \(70, 2\)"),
    "rows from 0": (
        lambda w: {"test_seen_loc": np.append(0, w["test_seen"])[:, None]},
        r"att_splits.mat: test_seen_loc must be from 1 to 70 .*0-based, so add 1",
    ),
    "rows out of range": (
        lambda w: {"trainval_loc": one_up(w["train"] + 9)},
        r"att_splits.mat: trainval_loc must be from 1 to 70 \(rows in res101.mat\), got .*belong together",
    ),
    "val_loc out of range": (lambda w: {"val_loc": one_up([70])}, r"att_splits.mat: val_loc must be from 1 to 70"),
    "NaN features": (lambda w: {"features": w["features"].T * np.nan}, r"res101.mat with att_splits.mat: features must"),
    "an unseen class in train": (
        lambda w: {
            "trainval_loc": one_up(np.append(w["train"], w["test_unseen"][:1])),
            "test_unseen_loc": one_up(w["test_unseen"][1:]),
        },
        r"an unseen class must have no training rows, but class \d \('class\+\d'\) has 1",
    ),
    "overlapping splits": (
        lambda w: {"test_seen_loc": one_up(np.append(w["test_seen"], w["train"][:1]))},
        r"train and test_seen must not share rows",
    ),
    "a class without images": (
        lambda w: {"att": np.hstack([w["attributes"].T, np.ones((3, 1))]), "allclasses_names": cell("abcdefgh")},
        r"every class needs samples, but class 7 \('h'\) has none in any split",
    ),
    "fewer attributes than classes": (lambda w: {"att": w["attributes"].T[:, 1:]}, r"labels must be from 1 to 6 .*got 1 to 7"),
    "attributes transposed": (lambda w: {"att": w["attributes"]}, r"labels must be from 1 to 3 .*got 1 to 7"),
    "a zero attribute vector": (lambda w: {"att": w["attributes"].T * (np.arange(7) != 2)}, r"attributes of class 2 are"),
    "too few names": (lambda w: {"allclasses_names": cell("abc")}, r"one name per column of att \(7\), got 3"),
    "names that are numbers": (lambda w: {"allclasses_names": np.ones((7, 1))}, r"allclasses_names must be a cell"),
    "attributes that are text": (lambda w: {"att": cell("abc")}, r"att_splits.mat: att must be a matrix of numbers, got text"),
    "sparse features": (
        lambda w: {"features": scipy.sparse.csc_matrix(w["features"].T)},
        r"res101.mat: 'features' is a sparse matrix: save it as a full array",
    ),
    "complex features": (lambda w: {"features": w["features"].T + 1j}, r"'features' must hold real numbers, got complex"),
    "features in a struct": (lambda w: {"features": {"x": w["features"]}}, r"'features' is a struct"),
    "features in cells": (lambda w: {"features": np.array([[w["features"]]], object)}, r"res101.mat: .*cells must hold"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_XLSA17)
def test_a_bad_xlsa17_folder_is_refused_with_file_rule_and_value(case, tmp_path, world):
    changes, words = BAD_XLSA17[case]
    xlsa17(tmp_path, world, **changes(world))
    with pytest.raises(DataError, match=words):
        load_folder(tmp_path)


@pytest.mark.parametrize("save", [scipy.io.savemat, save_mat73], ids=["5", "7.3"])
@pytest.mark.parametrize(
    ("key", "file"),
    [
        ("features", "res101"),
        ("labels", "res101"),
        ("att", "att_splits"),
        ("test_unseen_loc", "att_splits"),
    ],
)
def test_a_missing_key_is_named_with_those_that_are_there(save, key, file, tmp_path, world):
    xlsa17(tmp_path, world, save=save, drop=(key,))
    with pytest.raises(
        DataError, match=rf"{file}.mat: the file must hold '{key}', got '\w+', '\w+'"
    ):
        load_folder(tmp_path)


# --- which files are there ------------------------------------------------------------------------------------------


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
            r"res101.mat \(features, labels\) and att_splits.mat .* are missing; .*Xian.*EPGN.*there: none",
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


# --- EPGN -----------------------------------------------------------------------------------------------------------


def epgn(folder, world, *, train_as="own", test_as="attribute", **changes):
    """Write an EPGN folder. Indices count rows of ``attribute``, or of ``seen_pro`` and ``unseen_pro`` ("own")."""
    part = {key: world["features"][world[key]] for key in ("train", "test_seen", "test_unseen")}
    label = {key: world["labels"][world[key]] for key in part}
    data = {
        **{f"{key}_fea": part[key] for key in part},
        "seen_pro": world["attributes"][SEEN],
        "unseen_pro": world["attributes"][UNSEEN],
        "attribute": world["attributes"],
        "att_train": world["attributes"][label["train"]],
    }

    def number(labels, convention):
        return one_up(
            np.searchsorted(SEEN if labels[0] in SEEN else UNSEEN, labels)
            if convention == "own"
            else labels
        )

    index = {
        "train_idx": number(label["train"], train_as),
        "test_seen_idex": number(label["test_seen"], test_as),
        "test_unseen_idex": number(label["test_unseen"], test_as),
        "train_label_new": np.eye(len(SEEN))[np.searchsorted(SEEN, label["train"])],
    }
    for name, content in (("data", data), ("label", index)):
        scipy.io.savemat(
            folder / f"{name}.mat", {key: changes.get(key, value) for key, value in content.items()}
        )
    return folder


def assert_same_epgn(d, world):
    rows = np.concatenate([world[key] for key in ("train", "test_seen", "test_unseen")])
    np.testing.assert_array_equal(d.features, world["features"][rows])
    np.testing.assert_array_equal(d.labels, world["labels"][rows])
    np.testing.assert_array_equal(d.attributes, world["attributes"].astype(np.float32))
    np.testing.assert_array_equal(
        [len(d.train), len(d.test_seen), len(d.test_unseen)], [40, 10, 20]
    )
    np.testing.assert_array_equal(d.seen_classes, SEEN)


@pytest.mark.parametrize("train_as", ["own", "attribute"])
@pytest.mark.parametrize("test_as", ["own", "attribute"])
def test_epgn_classes_are_found_by_description_whatever_the_indices_count(
    train_as, test_as, tmp_path, world
):
    assert_same_epgn(load_folder(epgn(tmp_path, world, train_as=train_as, test_as=test_as)), world)


def test_epgn_as_flo_has_it_is_read(tmp_path, world):
    """Unseen classes come first in ``attribute``: train_idx k is row k + 2 there, and test_seen_idex counts from 3."""
    order = np.concatenate([UNSEEN, SEEN])
    flo = world | {
        "labels": np.argsort(order)[world["labels"]],
        "attributes": world["attributes"][order],
    }
    data = {"seen_pro": flo["attributes"][2:], "unseen_pro": flo["attributes"][:2]}
    train_idx = one_up(flo["labels"][flo["train"]] - 2)
    seen, unseen = (one_up(flo["labels"][flo[key]]) for key in ("test_seen", "test_unseen"))
    epgn(tmp_path, flo, **data, train_idx=train_idx, test_seen_idex=seen, test_unseen_idex=unseen)
    assert (train_idx.min(), seen.min(), unseen.max()) == (1, 3, 2)
    rows = np.concatenate([flo[key] for key in ("train", "test_seen", "test_unseen")])
    np.testing.assert_array_equal(load_folder(tmp_path).labels, flo["labels"][rows])


def test_epgn_in_single_precision_is_matched(tmp_path, world):
    changes = {"att_train": world["attributes"][world["labels"][world["train"]]].astype(np.float32)}
    assert_same_epgn(load_folder(epgn(tmp_path, world, **changes)), world)


def test_epgn_prototypes_in_another_order_are_matched(tmp_path, world):
    assert_same_epgn(
        load_folder(epgn(tmp_path, world, seen_pro=world["attributes"][SEEN[::-1]])), world
    )


BAD_EPGN = {
    "descriptions of other classes": (
        lambda w: {"att_train": w["attributes"][w["labels"][w["train"]]] + 1},
        r"data.mat: each row of att_train must equal one row of attribute, but row \d+ equals no row",
    ),
    "two classes described alike": (
        lambda w: {"attribute": w["attributes"][[0, 0, 2, 3, 4, 5, 6]]},
        r"each row of seen_pro must equal one row of attribute, but row 1 equals rows 1 and 2",
    ),
    "labels of other images": (
        lambda w: {"train_idx": np.roll(one_up(w["labels"][w["train"]]), 1)},
        r"data.mat: train_idx and att_train must agree, but number \d of train_idx stands for several classes",
    ),
    "descriptions transposed": (lambda w: {"seen_pro": w["attributes"][SEEN].T}, r"seen_pro must be as wide as attribute"),
    "too few labels": (
        lambda w: {"test_seen_idex": one_up(w["labels"][w["test_seen"]])[:-1]},
        r"test_seen_fea must have one row per entry of label.mat's test_seen_idex \(9\), got \(10, 4\)",
    ),
    "features of two widths": (lambda w: {"test_unseen_fea": np.ones((20, 5))}, r"test_unseen_fea must be as wide as train"),
    "a seen class without images": (
        lambda w: {"seen_pro": w["attributes"][[0, 1, 2, 3, 5, 6]]},
        r"att_train and seen_pro must describe the same classes, but row 2 of attribute",
    ),
    "test classes out of range": (
        lambda w: {"test_unseen_idex": one_up(w["labels"][w["test_unseen"]] + 9)},
        r"label.mat: test_unseen_idex must number the rows of attribute \(1 to 7\) that are in unseen_pro, .*got 11 to 14",
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
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_EPGN)
def test_a_bad_epgn_folder_is_refused_with_file_rule_and_value(case, tmp_path, world):
    changes, words = BAD_EPGN[case]
    epgn(tmp_path, world, **changes(world))
    with pytest.raises(DataError, match=words):
        load_folder(tmp_path)


# --- the check ------------------------------------------------------------------------------------------------------


def test_the_check_of_a_good_folder_says_what_is_in_it(tmp_path, world):
    text = check_folder(xlsa17(tmp_path, world))
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
    assert "a good EPGN folder" in check_folder(epgn(tmp_path / "one", world))
    assert "(MATLAB 7.3)" in check_folder(xlsa17(tmp_path / "two", world, save=save_mat73))


def test_the_check_warns_where_a_known_name_has_other_counts(tmp_path, world):
    (tmp_path / "AWA2").mkdir()
    text = check_folder(xlsa17(tmp_path / "AWA2", world))
    assert "AWA2 as published has 40 seen, this folder has 5" in text


@pytest.mark.parametrize("name", BENCHMARKS)
def test_the_splits_of_a_known_benchmark_add_up_to_its_images(name):
    known = BENCHMARKS[name]
    assert known.train + known.test_seen + known.test_unseen == known.images


# --- broken and hostile files ---------------------------------------------------------------------------------------


@pytest.fixture(params=["5", "5 compressed", "7.3"])
def some_mat(request, tmp_path, rng):
    """A good file and its content."""
    path = tmp_path / "some.mat"
    content = {
        "numbers": rng.random((6, 40)),
        "names": cell(["one", "two+three", "vier", "fünf", ""]),
        "flags": np.eye(2) > 0,
    }
    if request.param == "7.3":
        content["names"] = content["names"][:4]
        save_mat73(path, content)
    else:
        scipy.io.savemat(path, content, do_compression="compressed" in request.param)
    return path, content


def test_arrays_and_names_are_read_as_they_were_written(some_mat):
    path, content = some_mat
    found = read_mat(path)
    assert set(found) == set(mat_names(path)) == set(content)
    np.testing.assert_array_equal(found["numbers"], content["numbers"])
    np.testing.assert_array_equal(found["flags"], content["flags"])
    assert found["names"] == content["names"].ravel().tolist()


@pytest.mark.parametrize(
    "kind", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", ">f8", ">i2"]
)
@pytest.mark.parametrize("compressed", [False, True])
def test_matlab_5_numbers_are_read_as_scipy_reads_them(kind, compressed, tmp_path, rng):
    path = tmp_path / "some.mat"
    scipy.io.savemat(
        path,
        {"x": (rng.random((3, 4, 2)) * 100).astype(kind), "y": np.zeros((0, 3), kind)},
        do_compression=compressed,
    )
    ours, theirs = read_mat(path), scipy.io.loadmat(path)
    for key in "xy":
        np.testing.assert_array_equal(ours[key], theirs[key])
        assert ours[key].dtype == theirs[key].dtype.newbyteorder("=")


def test_rows_of_characters_are_read_as_names(tmp_path):
    scipy.io.savemat(tmp_path / "some.mat", {"x": np.array(["ab", "cde"]), "y": "hello"})
    assert read_mat(tmp_path / "some.mat") == {"x": ["ab", "cde"], "y": ["hello"]}


def test_big_endian_files_are_read(tmp_path):
    """The example of the format's description, written by hand: x = [1 2; 3 4] as int16."""

    def element(kind, data):
        return np.array([kind, len(data)], ">u4").tobytes() + data + bytes(-len(data) % 8)

    body = element(6, np.array([10, 0], ">u4").tobytes()) + element(
        5, np.array([2, 2], ">i4").tobytes()
    )
    body += element(1, b"x") + element(3, np.array([1, 3, 2, 4], ">i2").tobytes())
    path = tmp_path / "some.mat"
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI" + element(14, body))
    np.testing.assert_array_equal(read_mat(path)["x"], [[1, 2], [3, 4]])


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.999])
def test_a_truncated_file_is_refused(share, some_mat):
    path, _ = some_mat
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match=r"some.mat: .*truncated or damaged"):
        read_mat(path)


def test_flipped_bits_give_the_content_or_one_clear_error(some_mat, rng):
    path, _ = some_mat
    whole = path.read_bytes()
    for _ in range(150):
        spoiled = bytearray(whole)
        for place in rng.integers(128, len(whole), 3):
            spoiled[place] ^= 1 << rng.integers(8)
        path.write_bytes(spoiled)
        try:
            found = read_mat(path)
        except DataError as error:
            assert str(path) in str(error)  # noqa: PT017
        else:
            assert sum(
                value.nbytes for value in found.values() if isinstance(value, np.ndarray)
            ) <= 1032 * len(whole)


def test_a_flipped_bit_in_compressed_numbers_is_noticed(tmp_path, rng):
    path = tmp_path / "some.mat"
    scipy.io.savemat(path, {"x": rng.random((50, 50))}, do_compression=True)
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 4
    path.write_bytes(whole)
    with pytest.raises(DataError, match="damaged"):
        read_mat(path)


def test_a_wrong_checksum_of_compressed_numbers_is_noticed(tmp_path):
    path = tmp_path / "some.mat"
    scipy.io.savemat(path, {"x": np.eye(9)}, do_compression=True)
    whole = bytearray(path.read_bytes())
    whole[-1] ^= 1
    path.write_bytes(whole)
    with pytest.raises(DataError, match="damaged"):
        read_mat(path)


def test_compressed_bytes_after_the_end_of_an_array_are_refused(tmp_path):
    scipy.io.savemat(tmp_path / "plain.mat", {"x": np.eye(9)})
    whole = (tmp_path / "plain.mat").read_bytes()
    packed = zlib.compress(whole[128:] + bytes(2000))
    (tmp_path / "some.mat").write_bytes(
        whole[:128] + np.array([15, len(packed)], "<u4").tobytes() + packed
    )
    with pytest.raises(DataError, match="goes on after its end"):
        read_mat(tmp_path / "some.mat")


def test_a_name_that_occurs_twice_is_refused(tmp_path):
    path = tmp_path / "some.mat"
    scipy.io.savemat(path, {"x": np.eye(9)})
    whole = path.read_bytes()
    path.write_bytes(whole + whole[128:])
    with pytest.raises(DataError, match="the name 'x' occurs twice"):
        read_mat(path)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_small_file_that_claims_a_large_array_is_refused(compressed, tmp_path):
    """10^5 x 10^4 doubles, 8 GB, in a few hundred bytes."""
    body = np.array(
        [6, 8, 6, 0, 5, 8, 10**5, 10**4, 1 | 1 << 16, ord("x"), 9, 2**31], "<u4"
    ).tobytes()
    element = np.array([14, len(body) + 2**31], "<u4").tobytes() + body + bytes(300)
    if compressed:
        packed = zlib.compress(element)
        element = np.array([15, len(packed)], "<u4").tobytes() + packed
    path = tmp_path / "some.mat"
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + element)
    with pytest.raises(DataError, match=r"some.mat: .*claimed where at most"):
        read_mat(path)


def test_an_hdf5_file_that_claims_a_large_array_is_refused(tmp_path):
    with h5py.File(tmp_path / "some.mat", "w") as file:
        file.create_dataset(
            "x", shape=(10**12,), dtype="f8", chunks=(1000,)
        )  # no chunk is ever written
    with pytest.raises(DataError, match=r"'/x' claims shape \(1000000000000,\) .*at most 64 bytes"):
        read_mat(tmp_path / "some.mat")


def test_an_hdf5_link_into_another_file_is_not_followed(tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = np.ones((2, 2))
    with h5py.File(tmp_path / "some.mat", "w") as file:
        file["x"] = h5py.ExternalLink("secret.h5", "/x")
    with pytest.raises(DataError, match=r"'x' points into another file"):
        read_mat(tmp_path / "some.mat")


def test_an_hdf5_array_kept_in_another_file_is_not_read(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(80))
    with h5py.File(tmp_path / "some.mat", "w") as file:
        file.create_dataset(
            "x", shape=(10,), dtype="f8", external=[(str(tmp_path / "secret"), 0, 80)]
        )
    with pytest.raises(DataError, match=r"'/x' keeps its data in another file"):
        read_mat(tmp_path / "some.mat")


@pytest.mark.parametrize("save", [scipy.io.savemat, save_mat73], ids=["5", "7.3"])
def test_a_cell_that_holds_no_text_is_refused(save, tmp_path):
    if save is scipy.io.savemat:
        save(tmp_path / "some.mat", {"names": np.array([[np.ones(3)]], object)})
    else:
        with h5py.File(tmp_path / "some.mat", "w") as file:
            file["#refs#/a"] = np.ones(3)
            file.create_dataset(
                "names",
                data=np.array([[file["#refs#/a"].ref]], h5py.ref_dtype),
                dtype=h5py.ref_dtype,
            )
    with pytest.raises(DataError, match=r"cells .*must .*hold"):
        read_mat(tmp_path / "some.mat")


def test_deeply_nested_cells_are_refused(tmp_path):
    body = b""
    for _ in range(3000):
        header = np.array([6, 8, 1, 0, 5, 8, 1, 1, 1, 0], "<u4").tobytes()
        body = np.array([14, len(header + body)], "<u4").tobytes() + header + body
    path = tmp_path / "some.mat"
    named = np.array([6, 8, 1, 0, 5, 8, 1, 1, 1 | 1 << 16, ord("x")], "<u4").tobytes() + body
    path.write_bytes(
        b"MATLAB".ljust(124) + b"\x00\x01IM" + np.array([14, len(named)], "<u4").tobytes() + named
    )
    with pytest.raises(DataError, match="not further cells"):
        read_mat(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"must start with a MATLAB 5 or 7.3 header, got b'': it is empty"),
        (b"<!DOCTYPE html><html>", r"looks like a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", r"Git LFS pointer"),
        (b"PK\x03\x04", r"zip archive"),
        (b"\x80\x04\x95junk", r"save it with MATLAB's -v7"),
    ],
)
def test_a_file_that_is_no_mat_file_is_refused_with_a_guess_at_what_happened(
    content, words, tmp_path
):
    (tmp_path / "some.mat").write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_mat(tmp_path / "some.mat")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none.mat: there is no such file"):
        read_mat(tmp_path / "none.mat")


# --- real files -----------------------------------------------------------------------------------------------------


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
    d, known = load_folder(flo, "lite0"), BENCHMARKS["FLO"]
    assert (len(d.train), len(d.test_seen), len(d.test_unseen)) == (
        known.train,
        known.test_seen,
        known.test_unseen,
    )
    assert (len(d.seen_classes), len(d.unseen_classes)) == (known.seen, known.unseen)
    assert d.attributes.shape[1] == known.attributes
    assert len(d.declared_validation) == 20


def test_real_flo_is_read_as_scipy_reads_it(flo):
    d, theirs = load_folder(flo, "lite0"), scipy.io.loadmat(flo / "lite0.mat")
    np.testing.assert_array_equal(d.features, theirs["features"].T)
    np.testing.assert_array_equal(d.labels, theirs["labels"].ravel().astype(int) - 1)


def test_real_flo_without_its_feature_file_names_the_one_that_is_there(flo):
    with pytest.raises(DataError, match=r"res101.mat is missing: .*--features lite0"):
        load_folder(flo)


def test_real_awa2_attributes_and_splits_have_the_published_counts(awa2):
    table, known = read_mat(awa2 / "att_splits.mat"), BENCHMARKS["AWA2"]
    assert table["att"].shape == (known.attributes, known.seen + known.unseen)
    assert (table["trainval_loc"].size, table["test_unseen_loc"].size) == (
        known.train,
        known.test_unseen,
    )
    assert table["allclasses_names"][:3] == ["antelope", "grizzly+bear", "killer+whale"]


def test_real_awa2_without_features_says_so(awa2):
    with pytest.raises(DataError, match=r"res101.mat is missing: .*there: att_splits.mat\)"):
        load_folder(awa2)
