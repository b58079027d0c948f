"""Features that another model wrote are read, checked against the data set, and handed out."""

import pickle

import h5py
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy.io import savemat

from gsmflow_lite.config import ModelConfig
from gsmflow_lite.errors import DataError
from gsmflow_lite.generators.stored import FromFile
from gsmflow_lite.method.training import new_model


@pytest.fixture
def dataset(make_dataset):
    return make_dataset()


@pytest.fixture
def synthesized(dataset):
    """Features (10, 3) and labels (10,): five rows of each unseen class (4 and 5), mixed."""
    rng = np.random.default_rng(3)
    features = rng.standard_normal((10, 3)).astype(np.float32)
    return features, rng.permutation(np.repeat([4, 5], 5))


def rows_by_class(generator, classes=(4, 5), n=5) -> list[set]:
    """What is handed out, as sets of rows, class by class."""
    attributes = generator.dataset.attributes[list(classes)]
    features = generator.synthesize(attributes, n).numpy()
    return [set(map(tuple, x)) for x in features]


def expected_rows(features, labels, classes=(4, 5)) -> list[set]:
    return [set(map(tuple, features[labels == k])) for k in classes]


LETTERS = ("A", "B", "C", "D", "E", "F")

WAYS_TO_SAY_THE_CLASS = {
    "numbers": lambda y: {"labels": y},
    "names": lambda y: {"labels": np.array(LETTERS)[y]},
    "numbers of its own names": lambda y: {
        "labels": 6 - y,
        "class_names": np.array(["stranger", "F", "E"]),
    },
}


@pytest.mark.parametrize("way", WAYS_TO_SAY_THE_CLASS)
def test_an_npz_file_hands_out_the_rows_that_its_labels_give_to_a_class(
    make_dataset, synthesized, tmp_path, way
):
    features, labels = synthesized
    path = tmp_path / "x.npz"
    np.savez(path, features=features, **WAYS_TO_SAY_THE_CLASS[way](labels))
    generator = FromFile.read(path, make_dataset(class_names=LETTERS))
    assert rows_by_class(generator) == expected_rows(features, labels)


WAYS_IN_MATLAB = {
    "numbers from 1, as a row": lambda y: {"labels": np.uint8(y + 1)},
    "numbers from 1, as a column": lambda y: {"labels": np.uint8(y + 1)[:, None]},
    "names": lambda y: {"labels": np.array(LETTERS, object)[y]},
    "numbers of its own names, from 1": lambda y: {
        "labels": 7.0 - y,
        "class_names": np.array(["stranger", "F", "E"], object),
    },
}


@pytest.mark.parametrize("turned", [False, True])  # (N, D), or (D, N) as in xlsa17
@pytest.mark.parametrize("way", WAYS_IN_MATLAB)
def test_a_mat_file_hands_out_the_rows_that_its_labels_give_to_a_class(
    make_dataset, synthesized, tmp_path, way, turned
):
    features, labels = synthesized
    path = tmp_path / "x.mat"
    stored = features.T if turned else features
    savemat(path, {"features": stored, **WAYS_IN_MATLAB[way](labels)})
    generator = FromFile.read(path, make_dataset(class_names=LETTERS))
    assert rows_by_class(generator) == expected_rows(features, labels)


def test_a_mat_file_of_version_7_3_is_read(dataset, synthesized, tmp_path):
    features, labels = synthesized
    path = tmp_path / "x.mat"
    with h5py.File(path, "w") as file:  # HDF5 lists MATLAB's dimensions backwards
        file["features"] = features.T
        file["labels"] = labels[None] + 1.0
    generator = FromFile.read(path, dataset)
    assert rows_by_class(generator) == expected_rows(features, labels)


def test_a_frame_hands_out_the_rows_that_its_label_column_gives_to_a_class(
    make_dataset, synthesized
):
    features, labels = synthesized
    frame = pd.DataFrame(features, columns=list("xyz")).assign(kind=[LETTERS[y] for y in labels])
    dataset = make_dataset(class_names=LETTERS)
    generator = FromFile.from_dataframe(frame, dataset, label="kind")
    assert rows_by_class(generator) == expected_rows(features, labels)


def test_class_names_stay_text_whatever_they_hold(make_dataset, synthesized):
    features, labels = synthesized
    names = ["{0}", "%s", "__import__('os')", "a\x00b", "<script>alert(1)</script>", "ß" * 2000]
    dataset = make_dataset(class_names=names)
    generator = FromFile(dataset, features, np.array(names, object)[labels])
    assert rows_by_class(generator) == expected_rows(features, labels)


def test_what_the_command_line_synthesizes_is_read(tmp_path):
    from gsmflow_lite.cli import main
    from gsmflow_lite.datasets import load
    from gsmflow_lite.method.model import SavedModel

    dataset = load("gaussian_world_2d")
    model = new_model(dataset, ModelConfig(blocks=2, hidden=8, embedding=6))
    file = tmp_path / "model.safetensors"
    table = tmp_path / "x.npz"
    SavedModel(model=model).save(file)
    main(["synthesize", str(file), "gaussian_world_2d", "-n", "7", "--out", str(table)])

    generator = FromFile.read(table, dataset)
    unseen = dataset.unseen_classes
    expected = model.synthesize(dataset.attributes[unseen], 7).numpy()
    assert rows_by_class(generator, unseen, 7) == [set(map(tuple, x)) for x in expected]


def test_no_feature_from_a_file_comes_twice_while_others_are_left(dataset, synthesized):
    features = FromFile(dataset, *synthesized).synthesize(dataset.attributes[4:5], 12)[0]
    counts = features.unique(dim=0, return_counts=True)[1]
    assert sorted(counts.tolist()) == [2, 2, 2, 3, 3]


def test_features_from_a_file_say_which_classes_they_are_of(dataset, synthesized):
    assert FromFile(dataset, *synthesized).classes.tolist() == [4, 5]


def test_features_from_a_file_say_how_many_there_are_of_each_class(dataset, synthesized):
    generator = FromFile(dataset, synthesized[0], [5, 5, 4, 5, 5, 5, 4, 5, 4, 5])
    assert generator.counts.tolist() == [3, 7]


@pytest.mark.parametrize(("kind", "components"), [("standardise", None), ("whitened-pca", 2)])
def test_features_in_the_datas_own_units_are_preprocessed_as_those_of_the_data_set_were(
    dataset, kind, components
):
    preprocessed = dataset.preprocessed(kind, components)
    generator = FromFile(preprocessed, dataset.features, dataset.labels)
    features = generator.synthesize(dataset.attributes[4:5], 10)[0].numpy()
    expected = preprocessed.features[dataset.of_class(4)]
    np.testing.assert_allclose(np.sort(features, 0), np.sort(expected, 0), atol=1e-5)


def test_features_that_are_preprocessed_already_stay_as_they_are(dataset):
    ready = dataset.preprocessed("standardise")
    generator = FromFile(ready, ready.features, ready.labels, preprocessed=True)
    assert rows_by_class(generator, n=10) == expected_rows(ready.features, ready.labels)


def test_features_from_a_file_have_no_temperature(dataset, synthesized):
    with pytest.raises(
        DataError, match=r"synthesized features have no temperature: it must be 1, got 0\.5"
    ):
        FromFile(dataset, *synthesized).synthesize(dataset.attributes[4:5], 2, temperature=0.5)


def test_a_class_that_the_file_lacks_is_named_with_those_it_has(dataset, synthesized):
    generator = FromFile(dataset, *synthesized, source="x.npz")
    with pytest.raises(
        DataError,
        match=r"x.npz: .* exist for 'class 4', 'class 5', but class 'class 1' was asked for",
    ):
        generator.synthesize(dataset.attributes[[4, 1]], 2)


def test_an_unknown_description_is_refused(dataset, synthesized):
    with pytest.raises(
        DataError, match="synthesized features exist only for classes of the data set"
    ):
        FromFile(dataset, *synthesized).synthesize(dataset.attributes[4:5] + 0.1, 2)


WRONG = {
    "transposed": (
        lambda x, y: {"features": x.T, "labels": y},
        r"must be 3 wide, got shape \(3, 10\): .* features\.T",
    ),
    "another width": (
        lambda x, y: {"features": x[:, :2], "labels": y},
        r"must be 3 wide, got shape \(10, 2\): .* extractor",
    ),
    "not finite": (
        lambda x, y: {"features": np.where(x > 1, np.nan, x), "labels": y},
        "must be finite .* got nan in row",
    ),
    "text": (
        lambda x, y: {"features": x.astype(str), "labels": y},
        "features must be numbers, got <U32",
    ),
    "objects": (
        lambda x, y: {"features": x.astype(object), "labels": y},
        "must hold numbers or text, got object",
    ),
    "no labels": (lambda x, y: {"features": x}, "must hold 'labels', got 'features'"),
    "too few labels": (
        lambda x, y: {"features": x, "labels": y[1:]},
        r"labels must be one per row of features \(10\), got 9",
    ),
    "fractions": (
        lambda x, y: {"features": x, "labels": y + 0.5},
        r"labels must be whole numbers, got [45]\.5",
    ),
    "out of range": (
        lambda x, y: {"features": x, "labels": 2 * y},
        "class numbers of the data set, 6 of them, .* got 8 to 10",
    ),
    "negative": (
        lambda x, y: {"features": x, "labels": y - 5},
        "class numbers of the data set, .* got -1 to 0",
    ),
    "one less": (
        lambda x, y: {"features": x, "labels": y - 1},
        "adding 1 makes them exactly the unseen classes",
    ),
    "an unknown name": (
        lambda x, y: {"features": x, "labels": [f"class {k + 2}" for k in y]},
        "must be among the classes .* got 'class [67]'",
    ),
    "an unknown name in its list": (
        lambda x, y: {"features": x, "labels": y - 4, "class_names": ["class 4", "klass 5"]},
        "class_names of labels must be among the classes .* got 'klass 5'",
    ),
    "a label beyond its list": (
        lambda x, y: {"features": x, "labels": y, "class_names": ["class 4", "class 5"]},
        "numbers of class_names, 2 of them, .* got 4 to 5",
    ),
    "a table of names": (
        lambda x, y: {"features": x, "labels": y - 4, "class_names": [["class 4", "class 5"]]},
        r"class_names must be a list of names, got shape \(1, 2\)",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_an_npz_file_that_breaks_a_rule_is_refused_with_the_rule_and_the_file(
    dataset, synthesized, tmp_path, what
):
    change, words = WRONG[what]
    np.savez(tmp_path / "x.npz", **change(*synthesized))
    with pytest.raises(DataError, match=rf"x\.npz: .*{words}"):
        FromFile.read(tmp_path / "x.npz", dataset)


WRONG_IN_MATLAB = {
    "from 0": (
        lambda x, y: {"features": x, "labels": y - 4},
        "must count from 1, got 0: they are 0-based, so add 1",
    ),
    "one less": (
        lambda x, y: {"features": x, "labels": y},
        "adding 1 makes them exactly the unseen classes",
    ),
    "beyond the classes": (
        lambda x, y: {"features": x, "labels": y + 2},
        "got 5 to 6 as counted from 0",
    ),
    "text for features": (
        lambda x, y: {"features": ["ab"], "labels": y + 1},
        "features must be numbers, got text",
    ),
    "numbers for names": (
        lambda x, y: {"features": x, "labels": y - 3, "class_names": [4.0, 5.0]},
        "class_names must be text, got numbers",
    ),
    "a table of labels": (
        lambda x, y: {"features": x, "labels": np.ones((5, 2))},
        r"labels must be one column .* \(5, 2\)",
    ),
    "square": (
        lambda x, y: {"features": x[:3], "labels": y[:3] + 1},
        "features are square, .* cannot be told from columns",
    ),
}


@pytest.mark.parametrize("what", WRONG_IN_MATLAB)
def test_a_mat_file_that_breaks_a_rule_is_refused_with_the_rule_and_the_file(
    dataset, synthesized, tmp_path, what
):
    change, words = WRONG_IN_MATLAB[what]
    savemat(tmp_path / "x.mat", change(*synthesized))
    with pytest.raises(DataError, match=rf"x\.mat: .*{words}"):
        FromFile.read(tmp_path / "x.mat", dataset)


def test_a_pickle_is_never_opened(dataset, tmp_path):
    (tmp_path / "x.npz").write_bytes(pickle.dumps({"features": 1, "labels": 2}))
    with pytest.raises(DataError, match=r"an \.npz file must be readable to its end"):
        FromFile.read(tmp_path / "x.npz", dataset)


def test_a_file_of_another_kind_is_refused(dataset, tmp_path):
    with pytest.raises(
        DataError, match=r"x\.csv: synthesized features must be in an \.npz or a \.mat file"
    ):
        FromFile.read(tmp_path / "x.csv", dataset)


def test_a_missing_file_is_named(dataset, tmp_path):
    with pytest.raises(DataError, match=r"x\.npz: there is no such file"):
        FromFile.read(tmp_path / "x.npz", dataset)


def test_features_of_the_preprocessed_width_are_refused_with_the_option_that_takes_them(dataset):
    ready = dataset.preprocessed("pca", 2)
    with pytest.raises(
        DataError, match=r"must be 3 wide before preprocessing, .* say preprocessed=True"
    ):
        FromFile(ready, ready.features, ready.labels)


def test_features_of_the_original_width_are_refused_where_preprocessed_ones_are_promised(dataset):
    ready = dataset.preprocessed("pca", 2)
    with pytest.raises(
        DataError, match=r"must be 2 wide after preprocessing, .* leave preprocessed out"
    ):
        FromFile(ready, dataset.features, ready.labels, preprocessed=True)


def test_a_frame_without_the_label_column_is_refused(dataset, synthesized):
    with pytest.raises(DataError, match=r"label must name a column of the frame .* got 'kind'"):
        FromFile.from_dataframe(pd.DataFrame(synthesized[0]), dataset, label="kind")


def test_a_frame_with_a_column_of_text_is_refused(dataset, synthesized):
    frame = pd.DataFrame(synthesized[0]).assign(kind=synthesized[1], path="12")
    with pytest.raises(
        DataError, match="features must be numbers, got object: leave other columns out"
    ):
        FromFile.from_dataframe(frame, dataset, label="kind")


def test_two_labels_of_one_name_are_refused(make_dataset):
    dataset = make_dataset()
    names = [*dataset.class_names[:5], dataset.class_names[4]]
    with pytest.raises(DataError, match="class_names must differ, but two labels are of one name"):
        FromFile(dataset, dataset.features[:2], [4, 5], class_names=names)


def test_places_among_the_unseen_classes_are_not_taken_for_class_numbers(make_dataset):
    dataset = make_dataset()  # the unseen classes are 4 and 5
    with pytest.raises(
        DataError, match="run from 0 to 1, as places among the unseen classes would"
    ):
        FromFile(dataset, dataset.features[:4], [0, 0, 1, 1])


def test_numbers_from_the_wrong_start_are_refused_beside_names_too(make_dataset):
    dataset = make_dataset()
    with pytest.raises(DataError, match="adding 1 makes them exactly the unseen classes"):
        FromFile(dataset, dataset.features[:4], [3, 3, 4, 4], class_names=dataset.class_names)


@pytest.mark.parametrize("kind", ["npz", "mat"])
def test_an_empty_list_of_names_is_as_good_as_none(dataset, synthesized, tmp_path, kind):
    features, labels = synthesized
    content = {"features": features, "labels": labels, "class_names": np.zeros(0)}
    if kind == "npz":
        np.savez(tmp_path / "x.npz", **content | {"class_names": np.zeros(0, "U1")})
    else:
        savemat(tmp_path / "x.mat", content | {"labels": labels[:, None] + 1})
    generator = FromFile.read(tmp_path / f"x.{kind}", dataset)
    np.testing.assert_array_equal(generator.labels, labels)


@pytest.mark.parametrize("name", ["x", "X.NPZ"])
def test_a_table_is_read_without_its_suffix_and_in_capitals(dataset, synthesized, tmp_path, name):
    features, labels = synthesized
    written = tmp_path / (name if "." in name else f"{name}.npz")
    with open(written, "wb") as file:
        np.savez(file, features=features, labels=labels)
    np.testing.assert_array_equal(FromFile.read(tmp_path / name, dataset).labels, labels)


@pytest.mark.parametrize(
    "names",
    [
        {0: "class 5", 1: "class 4"},
        {"1": "class 4", "0": "class 5"},
        {"class 4": 1, "class 5": 0},
        pd.Series(["class 4", "class 5"], index=[1, 0]),
    ],
)
def test_names_of_stored_labels_may_be_given_by_number(names, dataset, synthesized):
    features, labels = synthesized
    generator = FromFile(dataset, features, 5 - labels, class_names=names)
    assert_array_equal(generator.labels, labels)


def test_stored_labels_may_be_numbers_in_text(dataset, synthesized):
    features, labels = synthesized
    assert_array_equal(FromFile(dataset, features, labels.astype(str)).labels, labels)
    with pytest.raises(DataError, match="as places among the unseen classes would"):
        FromFile(dataset, features, (labels - 4).astype(str))


def test_stored_labels_follow_the_index_of_the_features(dataset, synthesized):
    features, labels = synthesized
    index = [f"row {i}" for i in range(len(labels))]
    frame = pd.DataFrame(features, index=index)
    generator = FromFile(dataset, frame, pd.Series(labels, index=index).iloc[::-1])
    assert_array_equal(generator.labels, labels)


def test_numbers_that_are_names_of_the_data_are_not_taken_for_places(make_dataset, synthesized):
    features, labels = synthesized
    data = make_dataset(class_names=["0", "1", "3", "4", "5", "7"])
    with pytest.raises(DataError, match="labels may be places or names"):
        FromFile(data, features, labels)
    named = np.array([5, 7])[labels - 4]
    assert_array_equal(FromFile(data, features, named).labels, labels)


def test_a_number_that_the_names_leave_out_is_refused(dataset, synthesized):
    features, labels = synthesized
    with pytest.raises(
        DataError, match="each number among the labels must have a name, got none for 5"
    ):
        FromFile(dataset, features, labels, class_names={4: "class 4"})
