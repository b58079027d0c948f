"""Real features, handed out by a generator."""

import numpy as np
import pytest

from gsmflow_lite.errors import DataError
from gsmflow_lite.generators.stored import RealSamples


@pytest.fixture
def dataset(make_dataset):
    return make_dataset()


@pytest.fixture
def training_rows(dataset):
    """A generator of training rows: eight of each of the classes 0 to 3."""
    return RealSamples(dataset, dataset.train)


@pytest.mark.parametrize("rows", ["train", "test_seen"])
def test_real_samples_are_rows_of_the_class_asked_for_and_of_the_rows_allowed(dataset, rows):
    allowed = getattr(dataset, rows)
    classes = [2, 0]
    features = RealSamples(dataset, allowed).synthesize(dataset.attributes[classes], 50).numpy()
    for x, k in zip(features, classes, strict=True):
        expected = {tuple(dataset.features[i]) for i in allowed if dataset.labels[i] == k}
        assert {tuple(row) for row in x} == expected  # at most 8, each of which comes in 50


@pytest.mark.parametrize("n", [3, 8])
def test_no_real_sample_comes_twice_while_others_are_left(dataset, training_rows, n):
    features = training_rows.synthesize(dataset.attributes[:1], n)[0]
    assert len(features.unique(dim=0)) == n


def test_each_real_sample_comes_equally_often_when_more_are_asked_for_than_there_are(
    dataset, training_rows
):
    features = training_rows.synthesize(dataset.attributes[:1], 24)[0]
    assert features.unique(dim=0, return_counts=True)[1].tolist() == [3] * 8


def test_classes_with_equal_attributes_share_their_real_samples(make_dataset):
    attributes = np.eye(6, 5, dtype=np.float32) + 1
    attributes[1] = attributes[0]
    dataset = make_dataset(attributes=attributes)
    features = RealSamples(dataset, dataset.train).synthesize(attributes[:1], 16)[0].numpy()
    both = dataset.features[[i for i in dataset.train if dataset.labels[i] in (0, 1)]]
    assert {tuple(row) for row in features} == {tuple(row) for row in both}


def test_classes_with_equal_attributes_get_their_own_when_asked_for_together(make_dataset):
    attributes = np.eye(6, 5, dtype=np.float32) + 1
    attributes[3] = attributes[1]
    dataset = make_dataset(attributes=attributes)
    asked = [3, 0, 1]  # equal ones stand for their classes in the order of numbers
    features = RealSamples(dataset, dataset.train).synthesize(attributes[asked], 8).numpy()
    for x, k in zip(features, [1, 0, 3], strict=True):
        own = dataset.features[dataset.of_class(k, dataset.train)]
        assert {tuple(row) for row in x} == {tuple(row) for row in own}


def test_real_samples_of_a_class_without_rows_are_refused(dataset, training_rows):
    with pytest.raises(
        DataError, match=r"exist for 'class 0', .* 'class 3', but class 'class 4' was asked for"
    ):
        training_rows.synthesize(dataset.attributes[dataset.unseen_classes], 2)


def test_real_samples_of_an_unknown_description_are_refused(dataset, training_rows):
    with pytest.raises(DataError, match="real features exist only for classes of the data set"):
        training_rows.synthesize(dataset.attributes[:1] + 0.1, 2)


def test_real_samples_of_a_description_of_another_length_are_refused(dataset, training_rows):
    with pytest.raises(DataError, match="no class has the attributes asked for"):
        training_rows.synthesize(dataset.attributes[:1, :2], 2)


def test_real_samples_have_no_temperature(dataset, training_rows):
    with pytest.raises(
        DataError, match=r"real features have no temperature: it must be 1, got 0\.5"
    ):
        training_rows.synthesize(dataset.attributes[:1], 2, temperature=0.5)
