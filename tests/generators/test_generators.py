"""Whatever synthesizes features speaks one language: shapes, seeds, and rows of the class that was asked for."""

import pickle

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from scipy.io import savemat

from gsmflow_lite.config import ModelConfig
from gsmflow_lite.datasets.statistics import within_covariance
from gsmflow_lite.errors import DataError
from gsmflow_lite.generators.base import AtTemperature, Generator
from gsmflow_lite.generators.ridge_gaussian import RidgeGaussian
from gsmflow_lite.generators.stored import FromFile, RealSamples
from gsmflow_lite.method.training import new_model

MAKE = {
    "GSMFlow": lambda dataset: new_model(dataset, ModelConfig(blocks=2, hidden=8, embedding=6)),
    "GSMFlow with a start": lambda dataset: new_model(
        dataset, ModelConfig(blocks=2, hidden=8, embedding=6, start="ridge")
    ),
    "RidgeGaussian": RidgeGaussian.fit,
    "RealSamples": lambda dataset: RealSamples(dataset, np.arange(len(dataset.labels))),
    "FromFile": lambda dataset: FromFile(dataset, dataset.features, dataset.labels),
}


@pytest.fixture
def dataset(make_dataset):
    return make_dataset()


@pytest.fixture(params=MAKE)
def generator(request, dataset):
    return MAKE[request.param](dataset)


def test_every_generator_speaks_the_protocol(generator):
    assert isinstance(generator, Generator)


def test_what_cannot_synthesize_is_no_generator():
    assert not isinstance(torch.nn.Identity(), Generator)


@pytest.mark.parametrize(("classes", "n"), [(1, 1), (6, 4), (2, 100)])
def test_features_come_as_classes_by_samples_by_width(dataset, generator, classes, n):
    x = generator.synthesize(torch.from_numpy(dataset.attributes[:classes]), n)
    assert isinstance(x, torch.Tensor)
    assert (x.shape, x.dtype) == ((classes, n, 3), torch.float32)
    assert x.isfinite().all()


def test_attributes_may_be_an_array(dataset, generator):
    of_array = generator.synthesize(dataset.attributes, 4, seed=1)
    assert torch.equal(
        of_array, generator.synthesize(torch.from_numpy(dataset.attributes), 4, seed=1)
    )


def test_the_same_seed_gives_the_same_features(dataset, generator):
    assert torch.equal(
        generator.synthesize(dataset.attributes, 9, seed=3),
        generator.synthesize(dataset.attributes, 9, seed=3),
    )


def test_another_seed_gives_other_features(dataset, generator):
    assert not torch.equal(
        generator.synthesize(dataset.attributes, 9, seed=3),
        generator.synthesize(dataset.attributes, 9, seed=4),
    )


def test_the_global_random_streams_are_left_alone(dataset, generator):
    torch.manual_seed(12345)  # a state that nothing else would set by chance
    np.random.seed(12345)  # noqa: NPY002 - the stream itself
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002
    generator.synthesize(dataset.attributes, 9)
    assert torch.equal(torch.get_rng_state(), torch_before)
    np.testing.assert_equal(np.random.get_state(), numpy_before)  # noqa: NPY002


# --- the ridge-Gaussian ----------------------------------------------------------------------------------------------


def test_ridge_gaussian_samples_have_the_predicted_mean_and_the_pooled_covariance(dataset):
    generator, n = RidgeGaussian.fit(dataset), 50_000
    means = generator.start.means(torch.from_numpy(dataset.attributes)).numpy()
    covariance = within_covariance(dataset)
    scale = np.sqrt(np.diag(covariance))
    for x, mean in zip(
        generator.synthesize(dataset.attributes, n).double().numpy(), means, strict=True
    ):
        assert np.abs((x.mean(0) - mean) / scale).max() < 5 / np.sqrt(n)
        assert np.abs((np.cov(x.T) - covariance) / np.outer(scale, scale)).max() < 5 * np.sqrt(
            2 / n
        )


def test_ridge_gaussian_at_temperature_zero_gives_the_predicted_mean(dataset):
    generator = RidgeGaussian.fit(dataset)
    expected = generator.start.means(torch.from_numpy(dataset.attributes))[:, None].expand(
        -1, 4, -1
    )
    torch.testing.assert_close(generator.synthesize(dataset.attributes, 4, temperature=0), expected)


def test_ridge_gaussian_temperature_scales_the_spread(dataset):
    generator = RidgeGaussian.fit(dataset)
    mean, plain, half = (
        generator.synthesize(dataset.attributes, 9, temperature=t) for t in (0, 1, 0.5)
    )
    torch.testing.assert_close(half - mean, 0.5 * (plain - mean), atol=1e-5, rtol=1e-4)


def test_ridge_gaussian_samples_of_two_classes_are_independent(dataset):
    first, second = RidgeGaussian.fit(dataset).synthesize(dataset.attributes[:2], 5000)
    assert (torch.corrcoef(torch.cat([first, second], 1).T)[:3, 3:]).abs().max() < 0.08


# --- real features ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", ["train", "test_seen"])
def test_real_samples_are_rows_of_the_class_asked_for_and_of_the_rows_allowed(dataset, rows):
    allowed = getattr(dataset, rows)
    x = RealSamples(dataset, allowed).synthesize(dataset.attributes[[2, 0]], 50).numpy()
    for drawn, k in zip(x, (2, 0), strict=True):
        real = {tuple(dataset.features[i]) for i in allowed if dataset.labels[i] == k}
        assert {
            tuple(row) for row in drawn
        } == real  # each of at most eight rows turns up in 50 draws


@pytest.mark.parametrize("n", [3, 8])  # eight rows of class 0 are allowed
def test_no_real_sample_comes_twice_while_others_are_left(dataset, n):
    drawn = RealSamples(dataset, dataset.train).synthesize(dataset.attributes[:1], n)[0]
    assert len(drawn.unique(dim=0)) == n


def test_each_real_sample_comes_equally_often_when_more_are_asked_for_than_there_are(dataset):
    drawn = RealSamples(dataset, dataset.train).synthesize(dataset.attributes[:1], 24)[0]
    assert drawn.unique(dim=0, return_counts=True)[1].tolist() == [3] * 8


def test_classes_with_equal_attributes_share_their_real_samples(make_dataset):
    attributes = np.eye(6, 5, dtype=np.float32) + 1
    attributes[1] = attributes[0]
    dataset = make_dataset(attributes=attributes)
    drawn = RealSamples(dataset, dataset.train).synthesize(attributes[:1], 16)[0].numpy()
    both = dataset.features[[i for i in dataset.train if dataset.labels[i] in (0, 1)]]
    assert {tuple(row) for row in drawn} == {tuple(row) for row in both}


def test_real_samples_of_a_class_without_rows_are_refused(dataset):
    generator = RealSamples(dataset, dataset.train)
    with pytest.raises(
        DataError, match=r"exist for 'class 0', .* 'class 3', but class 'class 4' was asked for"
    ):
        generator.synthesize(dataset.attributes[dataset.unseen_classes], 2)


def test_real_samples_of_an_unknown_description_are_refused(dataset):
    with pytest.raises(DataError, match="real features exist only for classes of the data set"):
        RealSamples(dataset, dataset.train).synthesize(dataset.attributes[:1] + 0.1, 2)


def test_real_samples_of_a_description_of_another_length_are_refused(dataset):
    with pytest.raises(DataError, match="no class has the attributes asked for"):
        RealSamples(dataset, dataset.train).synthesize(dataset.attributes[:1, :2], 2)


def test_real_samples_have_no_temperature(dataset):
    with pytest.raises(
        DataError, match=r"real features have no temperature: it must be 1, got 0\.5"
    ):
        RealSamples(dataset, dataset.train).synthesize(dataset.attributes[:1], 2, temperature=0.5)


# --- features from a file --------------------------------------------------------------------------------------------


@pytest.fixture
def synthesized(dataset):
    """Five features of each unseen class (4 and 5) that nothing else holds, in mixed order: features (10, 3), labels (10,)."""
    rng = np.random.default_rng(3)
    return rng.standard_normal((10, 3)).astype(np.float32), rng.permutation(np.repeat([4, 5], 5))


def rows_by_class(generator, classes=(4, 5), n=5) -> list[set]:
    """What is handed out, as sets of rows, class by class."""
    attributes = generator.dataset.attributes[list(classes)]
    return [{tuple(row) for row in x} for x in generator.synthesize(attributes, n).numpy()]


def expected_rows(features, labels, classes=(4, 5)) -> list[set]:
    return [{tuple(x) for x, y in zip(features, labels, strict=True) if y == k} for k in classes]


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
    np.savez(tmp_path / "made.npz", features=features, **WAYS_TO_SAY_THE_CLASS[way](labels))
    made = FromFile.read(tmp_path / "made.npz", make_dataset(class_names=LETTERS))
    assert rows_by_class(made) == expected_rows(features, labels)


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
    savemat(
        tmp_path / "made.mat",
        {"features": features.T if turned else features, **WAYS_IN_MATLAB[way](labels)},
    )
    made = FromFile.read(tmp_path / "made.mat", make_dataset(class_names=LETTERS))
    assert rows_by_class(made) == expected_rows(features, labels)


def test_a_mat_file_of_version_7_3_is_read(dataset, synthesized, tmp_path):
    features, labels = synthesized
    with h5py.File(tmp_path / "made.mat", "w") as file:
        file["features"], file["labels"] = (
            features.T,
            labels[None] + 1.0,
        )  # HDF5 lists MATLAB's dimensions backwards
    assert rows_by_class(FromFile.read(tmp_path / "made.mat", dataset)) == expected_rows(
        features, labels
    )


def test_a_frame_hands_out_the_rows_that_its_label_column_gives_to_a_class(
    make_dataset, synthesized
):
    features, labels = synthesized
    frame = pd.DataFrame(features, columns=list("xyz")).assign(kind=[LETTERS[y] for y in labels])
    made = FromFile.from_dataframe(frame, make_dataset(class_names=LETTERS), label="kind")
    assert rows_by_class(made) == expected_rows(features, labels)


def test_class_names_stay_text_whatever_they_hold(make_dataset, synthesized):
    features, labels = synthesized
    names = ["{0}", "%s", "__import__('os')", "a\x00b", "<script>alert(1)</script>", "ß" * 2000]
    made = FromFile(make_dataset(class_names=names), features, np.array(names, object)[labels])
    assert rows_by_class(made) == expected_rows(features, labels)


def test_what_the_command_line_synthesizes_is_read(tmp_path):
    from gsmflow_lite.cli import main
    from gsmflow_lite.datasets import load
    from gsmflow_lite.method.model import SavedModel

    dataset = load("gaussian_world_2d")
    model = new_model(dataset, ModelConfig(blocks=2, hidden=8, embedding=6))
    SavedModel(model=model).save(tmp_path / "model.safetensors")
    main(
        [
            "synthesize",
            str(tmp_path / "model.safetensors"),
            "gaussian_world_2d",
            "-n",
            "7",
            "--out",
            str(tmp_path / "x.npz"),
        ]
    )
    made = FromFile.read(tmp_path / "x.npz", dataset)
    unseen = dataset.unseen_classes
    direct = model.synthesize(dataset.attributes[unseen], 7).numpy()
    assert rows_by_class(made, unseen, 7) == [{tuple(row) for row in x} for x in direct]


def test_no_feature_from_a_file_comes_twice_while_others_are_left(dataset, synthesized):
    drawn = FromFile(dataset, *synthesized).synthesize(dataset.attributes[4:5], 12)[0]
    assert sorted(drawn.unique(dim=0, return_counts=True)[1].tolist()) == [2, 2, 2, 3, 3]


def test_features_from_a_file_say_which_classes_they_are_of(dataset, synthesized):
    assert FromFile(dataset, *synthesized).classes.tolist() == [4, 5]


def test_features_from_a_file_say_how_many_there_are_of_each_class(dataset, synthesized):
    assert FromFile(dataset, synthesized[0], [5, 5, 4, 5, 5, 5, 4, 5, 4, 5]).counts.tolist() == [
        3,
        7,
    ]


@pytest.mark.parametrize(("kind", "components"), [("standardise", None), ("whitened-pca", 2)])
def test_features_in_the_datas_own_units_are_preprocessed_as_those_of_the_data_set_were(
    dataset, kind, components
):
    mapped = dataset.preprocessed(kind, components)
    rows = dataset.of_class(4)
    made = (
        FromFile(mapped, dataset.features, dataset.labels)
        .synthesize(dataset.attributes[4:5], 10)[0]
        .numpy()
    )
    np.testing.assert_allclose(np.sort(made, 0), np.sort(mapped.features[rows], 0), atol=1e-5)


def test_features_that_are_preprocessed_already_stay_as_they_are(dataset):
    mapped = dataset.preprocessed("standardise")
    made = FromFile(mapped, mapped.features, mapped.labels, preprocessed=True)
    assert rows_by_class(made, n=10) == expected_rows(mapped.features, mapped.labels)


def test_features_from_a_file_have_no_temperature(dataset, synthesized):
    with pytest.raises(
        DataError, match=r"synthesized features have no temperature: it must be 1, got 0\.5"
    ):
        FromFile(dataset, *synthesized).synthesize(dataset.attributes[4:5], 2, temperature=0.5)


def test_a_class_that_the_file_lacks_is_named_with_those_it_has(dataset, synthesized):
    generator = FromFile(dataset, *synthesized, source="made.npz")
    with pytest.raises(
        DataError,
        match=r"made.npz: .* exist for 'class 4', 'class 5', but class 'class 1' was asked for",
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
        lambda x, y: {"features": x, "labels": y.astype(str)},
        "must be among the classes .* got '[45]'",
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
    np.savez(tmp_path / "made.npz", **change(*synthesized))
    with pytest.raises(DataError, match=rf"made\.npz: .*{words}"):
        FromFile.read(tmp_path / "made.npz", dataset)


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
    savemat(tmp_path / "made.mat", change(*synthesized))
    with pytest.raises(DataError, match=rf"made\.mat: .*{words}"):
        FromFile.read(tmp_path / "made.mat", dataset)


def test_a_pickle_is_never_opened(dataset, tmp_path):
    (tmp_path / "made.npz").write_bytes(pickle.dumps({"features": 1, "labels": 2}))
    with pytest.raises(DataError, match=r"an \.npz file must be readable to its end"):
        FromFile.read(tmp_path / "made.npz", dataset)


def test_a_file_of_another_kind_is_refused(dataset, tmp_path):
    with pytest.raises(
        DataError, match=r"made\.csv: synthesized features must be in an \.npz or a \.mat file"
    ):
        FromFile.read(tmp_path / "made.csv", dataset)


def test_a_missing_file_is_named(dataset, tmp_path):
    with pytest.raises(DataError, match=r"made\.npz: there is no such file"):
        FromFile.read(tmp_path / "made.npz", dataset)


def test_features_of_the_preprocessed_width_are_refused_with_the_option_that_takes_them(dataset):
    mapped = dataset.preprocessed("pca", 2)
    with pytest.raises(
        DataError, match=r"must be 3 wide before preprocessing, .* say preprocessed=True"
    ):
        FromFile(mapped, mapped.features, mapped.labels)


def test_features_of_the_original_width_are_refused_where_preprocessed_ones_are_promised(dataset):
    mapped = dataset.preprocessed("pca", 2)
    with pytest.raises(
        DataError, match=r"must be 2 wide after preprocessing, .* leave preprocessed out"
    ):
        FromFile(mapped, dataset.features, mapped.labels, preprocessed=True)


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


@pytest.mark.parametrize("name", ["GSMFlow", "RidgeGaussian"])
def test_a_generator_with_a_temperature_of_its_own_imagines_as_its_source_does_at_that(
    name, dataset
):
    source, asked = MAKE[name](dataset), torch.from_numpy(dataset.attributes)
    warm = AtTemperature(source, 0.3)
    assert isinstance(warm, Generator)
    expected = source.synthesize(asked, 4, temperature=0.3, seed=5)
    assert not torch.allclose(expected, source.synthesize(asked, 4, seed=5))
    torch.testing.assert_close(warm.synthesize(asked, 4, seed=5), expected)


def test_temperatures_multiply(dataset):
    source, asked = RidgeGaussian.fit(dataset), torch.from_numpy(dataset.attributes)
    twice = AtTemperature(AtTemperature(source, 0.5), 3.0)
    torch.testing.assert_close(
        twice.synthesize(asked, 4, temperature=2.0, seed=1),
        source.synthesize(asked, 4, temperature=3.0, seed=1),
    )


def test_real_features_have_no_temperature_by_a_detour_either(dataset):
    with pytest.raises(DataError, match="have no temperature"):
        AtTemperature(MAKE["RealSamples"](dataset), 0.5).synthesize(
            torch.from_numpy(dataset.attributes), 2
        )
