"""A scene keeps apart what it shows and what it hands out, and places features as a loop does."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gsmflow_lite import glyphs
from gsmflow_lite.errors import ConfigError, DataError
from gsmflow_lite.explorer.scene import Scene, choose_rows, proportions
from gsmflow_lite.figures.projection import Projection
from gsmflow_lite.generators.zoo import glyph_zoo


class Fixed:
    """Hands out the same array whatever is asked."""

    def __init__(self, made) -> None:
        self.made = made

    def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
        return self.made


class Noting:
    """Notes how it was asked; features are 0."""

    def __init__(self, width: int) -> None:
        self.width, self.asked = width, []

    def synthesize(self, attributes, n, **options):
        self.asked.append((np.asarray(attributes), n, options))
        return torch.zeros(len(attributes), n, self.width)


@pytest.fixture(scope="module")
def letters() -> Scene:
    return Scene.of_zoo(glyph_zoo())


@pytest.fixture
def small(make_dataset) -> Scene:
    return Scene.first(make_dataset(rows=20))


def handed_out(scene: Scene) -> np.ndarray:
    """Every feature that the oracle has, by asking for more than there can be."""
    classes = np.union1d(scene.dataset.seen_classes, scene.dataset.unseen_classes)
    most = int(np.bincount(scene.dataset.labels).max())
    made = scene.oracle.synthesize(torch.from_numpy(scene.dataset.attributes[classes]), most)
    return np.unique(made.numpy().reshape(-1, made.shape[-1]), axis=0)


def test_no_feature_that_is_shown_is_handed_out(small):
    shown = {row.tobytes() for row in small.dataset.features[small.rows]}
    out = handed_out(small)
    assert len(out) == 2 * 10 + 4 * 16  # half of the unseen rows, and the training rows
    assert shown.isdisjoint(row.tobytes() for row in out)


def test_no_feature_that_the_meters_compare_with_is_handed_out(small):
    tests = [*small.dataset.test_seen, *small.dataset.test_unseen]
    measured = {small.dataset.features[row].tobytes() for row in tests}
    assert measured.isdisjoint(row.tobytes() for row in handed_out(small))


def test_no_training_row_is_shown(letters):
    assert np.intersect1d(letters.rows, letters.dataset.train).size == 0


def test_unseen_letters_shown_and_handed_out_share_no_typeface(letters):
    dataset, unseen = letters.dataset, letters.dataset.unseen_classes
    shown = letters.rows[np.isin(dataset.labels[letters.rows], unseen)]
    held = letters.held[np.isin(dataset.labels[letters.held], unseen)]
    assert len(shown) > 100
    assert len(held) > 100
    assert set(dataset.groups[shown].tolist()).isdisjoint(dataset.groups[held].tolist())


def test_distances_between_letters_are_those_of_their_pictures(letters):
    dataset = letters.dataset
    rows = letters.rows[:40]
    pictures = dataset.decode(dataset.features[rows]).reshape(len(rows), -1).astype(np.float64)
    space = proportions(dataset, dataset.features[rows]).astype(np.float64)
    for i in range(0, 40, 7):
        expected = [np.sqrt(((pictures[i] - other) ** 2).sum()) for other in pictures]
        np.testing.assert_allclose(
            np.linalg.norm(space - space[i], axis=1), expected, rtol=1e-3, atol=1e-3
        )


@pytest.mark.parametrize("kind", ["none", "standardise", "pca"])
def test_features_that_were_not_whitened_keep_their_proportions(make_dataset, kind):
    dataset = make_dataset().preprocessed(kind)
    np.testing.assert_array_equal(proportions(dataset, dataset.features), dataset.features)


def test_a_first_scene_has_no_places_on_the_umap_map(small):
    assert not small.has_map
    assert np.isnan(small.real.umap).all()
    assert np.isfinite(small.real.pca).all()
    assert np.isnan(
        small.place(small.dataset.features[:3], small.dataset.labels[:3]).points.umap
    ).all()


def test_the_scene_of_the_zoo_is_mapped_at_once(letters):
    assert letters.has_map
    np.testing.assert_array_equal(letters.real.umap, glyph_zoo().umap)


def test_the_first_scene_shows_the_rows_of_the_mapped_one(make_dataset, monkeypatch):
    monkeypatch.setattr(
        Projection,
        "fit",
        lambda space, **_: Projection.ready(space, space[:, :2], neighbours=3, seed=0),
    )
    dataset = make_dataset(rows=20)
    first, whole = Scene.first(dataset, seed=4), Scene.of(dataset, seed=4)
    assert whole.has_map
    np.testing.assert_array_equal(first.rows, whole.rows)
    np.testing.assert_array_equal(first.held, whole.held)
    np.testing.assert_array_equal(first.real.pca, whole.real.pca)


def test_the_map_is_made_with_the_seed_and_its_stages_are_told(make_dataset, monkeypatch):
    asked, told = [], []

    def fit(space, *, seed, most, watch):
        asked.append((seed, most == len(space)))
        watch("a stage")
        return Projection.ready(space, space[:, :2], neighbours=3, seed=seed)

    monkeypatch.setattr(Projection, "fit", fit)
    Scene.of(make_dataset(rows=20), seed=4, watch=told.append)
    assert (asked, told) == ([(4, True)], ["a stage"])


def test_another_seed_holds_other_rows_back(make_dataset):
    one, other = (Scene.first(make_dataset(rows=20), seed=seed) for seed in (0, 1))
    assert not np.array_equal(one.held, other.held)


def test_places_on_the_linear_lens_are_those_of_numpy(small):
    space = small.dataset.features[small.rows].astype(np.float64)
    new = small.dataset.features[small.dataset.train[:7]].astype(np.float64)
    axes = np.linalg.svd(space - space.mean(0), full_matrices=False)[2][:2]
    made = small.place(new.astype(np.float32), np.zeros(7, np.int64))
    np.testing.assert_allclose(
        np.abs(made.points.pca), np.abs((new - space.mean(0)) @ axes.T), rtol=1e-4, atol=1e-5
    )


def test_near_and_far_are_those_of_a_search_through_all(letters):
    dataset = letters.dataset
    new = dataset.features[letters.held[:25]]
    made = letters.place(new, dataset.labels[letters.held[:25]])
    width = dataset.preprocessing.scale.astype(np.float64)
    real = dataset.features[letters.rows] * width
    between = np.array([[np.sqrt(((a * width - b) ** 2).sum()) for b in real] for a in new])
    np.testing.assert_array_equal(made.near, between.argmin(1))
    own = [np.sort(np.sqrt(((real - row) ** 2).sum(1)))[1] for row in real]  # the first is itself
    np.testing.assert_allclose(made.far, between.min(1) / np.quantile(own, 0.95), rtol=1e-4)


def test_the_nearest_other_real_point_is_that_of_a_search_through_all(small):
    space = small.dataset.features[small.rows].astype(np.float64)
    between = np.linalg.norm(space[:, None] - space, axis=2)
    np.fill_diagonal(between, np.inf)
    nearest = between.min(1)
    np.testing.assert_array_equal(small.real_near, between.argmin(1))
    np.testing.assert_allclose(small.real_far, nearest / np.quantile(nearest, 0.95), rtol=1e-6)


def test_what_is_far_from_all_real_points_is_off_the_map(small):
    made = small.place(
        small.dataset.features[small.rows[:2]] + np.array([[0.0], [100.0]], np.float32),
        np.zeros(2, int),
    )
    assert made.far[0] == pytest.approx(0, abs=1e-5)
    assert made.far[1] > 10


def test_synthesized_features_are_those_of_the_generator_class_by_class(small):
    made = torch.arange(2 * 3 * 3, dtype=torch.float32).reshape(2, 3, 3)
    synthesized = small.ask(Fixed(made), [5, 1], 3)
    np.testing.assert_array_equal(
        synthesized.features, np.arange(18, dtype=np.float32).reshape(6, 3)
    )
    np.testing.assert_array_equal(synthesized.points.labels, [5, 5, 5, 1, 1, 1])


def test_a_generator_is_asked_with_the_descriptions_of_the_classes(small):
    generator = Noting(3)
    small.ask(generator, [5, 1], 2, seed=9)
    asked, n, options = generator.asked[0]
    np.testing.assert_array_equal(asked, small.dataset.attributes[[5, 1]])
    assert (n, options) == (2, {"seed": 9})  # no temperature: not every generator has one
    small.ask(generator, [5], 2, temperature=0.5)
    assert generator.asked[1][2] == {"temperature": 0.5, "seed": 0}


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 4, 3), (6, 3), (3, 3, 3)])
def test_features_of_another_shape_are_refused(small, shape):
    with pytest.raises(DataError, match=r"must give shape \(2, 3, 3\), got \("):
        small.ask(Fixed(torch.zeros(shape)), [4, 5], 3)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_not_finite_are_refused(small, value):
    made = torch.zeros(1, 3, 3)
    made[0, 1, 2] = value
    with pytest.raises(DataError, match="must be finite, but those of class 'class 4' are not"):
        small.ask(Fixed(made), [4], 3)


def test_a_seed_that_is_none_is_refused(small):
    with pytest.raises(ConfigError, match="seed"):
        small.ask(Noting(3), [4], 2, seed=-1)


def test_chosen_rows_are_test_rows_in_order_and_cover_every_class():
    dataset = glyphs()
    rows = choose_rows(dataset)
    assert len(rows) <= 2000
    assert (np.diff(rows) > 0).all()
    assert np.isin(rows, np.concatenate([dataset.test_seen, dataset.test_unseen])).all()
    assert set(dataset.labels[rows].tolist()) == set(range(47))


def test_at_most_45_in_a_hundred_chosen_rows_are_unseen_and_equally_many_of_each_class():
    dataset = glyphs()
    rows = choose_rows(dataset, most=400)
    counts = np.bincount(dataset.labels[rows], minlength=47)
    unseen = dataset.unseen_classes
    assert len(rows) <= 400
    assert set(counts[unseen].tolist()) == {180 // len(unseen)}
    assert len(set(counts[dataset.seen_classes].tolist())) == 1


def test_each_class_is_shown_however_few_rows_are_wanted(make_dataset):
    dataset = make_dataset(seen=6, unseen=5)
    rows = choose_rows(dataset, most=3)
    np.testing.assert_array_equal(np.bincount(dataset.labels[rows]), np.ones(11))


def test_chosen_rows_depend_on_the_seed(make_dataset):
    dataset = make_dataset(rows=40)
    assert not np.array_equal(*(choose_rows(dataset, most=20, seed=seed) for seed in (0, 1)))


@pytest.mark.parametrize("alone", ["row", "group"])
def test_data_too_few_to_be_held_back_are_shown_whole_without_an_oracle(make_dataset, alone):
    dataset = make_dataset(rows=20)
    if alone == "row":
        rest = dataset.test_unseen[dataset.labels[dataset.test_unseen] == 5]
        dataset = replace(dataset, test_unseen=np.append(dataset.of_class(4), rest[0]))
    else:
        dataset = replace(dataset, groups=dataset.labels)
    scene = Scene.first(dataset)
    assert scene.oracle is None
    assert len(scene.held) == 0
    assert np.isin(dataset.test_unseen, scene.rows).all()


def test_real_features_and_means_are_those_of_all_test_rows_also_those_not_shown(letters):
    dataset = letters.dataset
    tests = np.concatenate([dataset.test_seen, dataset.test_unseen])
    assert len(letters.rows) < len(tests)
    for k in (dataset.seen_classes[0], dataset.unseen_classes[0]):
        own = dataset.features[[row for row in tests if dataset.labels[row] == k]]
        np.testing.assert_array_equal(letters.real_features(k), own)
        np.testing.assert_allclose(letters.real_means([k])[0], own.mean(0), rtol=1e-4, atol=1e-5)


def test_no_more_than_2000_points_are_shown(make_dataset):
    scene = Scene.first(make_dataset(seen=8, unseen=4, rows=1500))
    assert 1900 < len(scene.rows) <= 2000
