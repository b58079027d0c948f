"""An invented class, against numpy by hand, brute force and the generator itself."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gsmflow_lite.errors import ConfigError, DataError
from gsmflow_lite.explorer.invention import (
    RealClasses,
    ask_one,
    describe,
    invent,
    ranges,
    read_off,
    sweep,
    telling,
    typical,
)
from gsmflow_lite.explorer.invention_figures import design_figure
from gsmflow_lite.explorer.scene import Scene, proportions
from gsmflow_lite.generators.ridge_gaussian import RidgeGaussian
from gsmflow_lite.generators.stored import RealSamples
from gsmflow_lite.generators.zoo import glyph_zoo

HOSTILE = ["<b>x</b>", "$a$", "%{x}", "_hidden", "a=b", "x" * 90]


@pytest.fixture(scope="module")
def zoo():
    return glyph_zoo()


@pytest.fixture(scope="module")
def scene(zoo):
    return Scene.of_zoo(zoo)


@pytest.fixture(scope="module")
def model(zoo):
    return zoo.model()


@pytest.fixture
def tiny(make_dataset):
    dataset = make_dataset(class_names=HOSTILE)
    return Scene.first(dataset), RidgeGaussian.fit(dataset)


def attributes_of(dataset, name):
    return dataset.attributes[dataset.class_names.index(name)]


def test_p_with_a_diagonal_is_the_description_of_r(zoo):
    np.testing.assert_array_equal(
        describe(zoo.dataset, "P", changes={"diagonal_lower_right": 1.0}),
        attributes_of(zoo.dataset, "R"),
    )


def test_q_is_o_plus_what_r_has_and_p_lacks_in_that_attribute(zoo):
    dataset = zoo.dataset
    k = dataset.attribute_names.index("diagonal_lower_right")
    made = describe(dataset, "O", less="P", more="R")
    expected = attributes_of(dataset, "O").copy()
    expected[k] += 1.0
    np.testing.assert_array_equal(made, expected)


def test_arithmetic_is_clipped_to_the_range_of_each_attribute(make_dataset):
    dataset = make_dataset()
    a = dataset.attributes.astype(np.float64)
    made = describe(dataset, "class 0", less="class 1", more="class 2")
    by_hand = np.minimum(np.maximum(a[0] - a[1] + a[2], a.min(0)), a.max(0))
    np.testing.assert_allclose(made, by_hand, rtol=1e-6)
    assert (np.abs(made - (a[0] - a[1] + a[2])) > 1e-3).any()  # else nothing was clipped here


def test_arithmetic_without_less_and_more_is_the_class_itself(make_dataset):
    dataset = make_dataset()
    np.testing.assert_array_equal(describe(dataset, "class 3"), dataset.attributes[3])


def test_changes_come_after_the_arithmetic(make_dataset):
    dataset = make_dataset()
    value = float(dataset.attributes[:, 2].mean())
    made = describe(dataset, "class 0", more="class 2", changes={"attribute 2": value})
    assert made[2] == np.float32(value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"start": "nobody"}, "no class 'nobody'"),
        ({"start": "class 0", "less": "nobody"}, "no class"),
        ({"start": "class 0", "changes": {"wings": 1.0}}, "no attribute 'wings'"),
        ({"start": "class 0", "changes": {"attribute 1": 99.0}}, "must be from .* got 99"),
        ({"start": "class 0", "changes": {"attribute 1": float("nan")}}, "must be from .* got nan"),
    ],
)
def test_what_is_not_in_the_data_is_refused_with_the_reason(make_dataset, words, message):
    with pytest.raises(ConfigError, match=message):
        describe(make_dataset(), **words)


def test_a_class_minus_itself_is_refused_where_nothing_is_left(zoo):
    with pytest.raises(ConfigError, match="all attributes of this one are 0"):
        describe(zoo.dataset, "O", less="O")


def test_synthesized_features_are_those_of_the_generator(model, zoo):
    description = describe(zoo.dataset, "O")
    direct = model.synthesize(torch.from_numpy(description[None]), 7, temperature=0.5, seed=3)[
        0
    ].numpy()
    np.testing.assert_array_equal(ask_one(model, description, 7, temperature=0.5, seed=3), direct)


def test_the_typical_sample_knows_no_noise(model, zoo):
    description = describe(zoo.dataset, "O")
    direct = model.synthesize(torch.from_numpy(description[None]), 1, temperature=0.0, seed=8)[
        0, 0
    ].numpy()
    np.testing.assert_array_equal(typical(model, description), direct)


def test_a_generator_without_temperature_has_no_typical_sample(zoo, scene):
    stored = RealSamples(zoo.dataset, zoo.dataset.train)
    description = describe(zoo.dataset, "O")
    assert typical(stored, description) is None
    assert invent(RealClasses(scene), stored, description).shown.shape == (12, 64)


def test_features_that_are_not_finite_are_refused(zoo):
    class Broken:
        def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
            return torch.full((1, n, 64), float("nan"))

    with pytest.raises(DataError, match="must be finite, but those of class 'designed' are not"):
        ask_one(Broken(), describe(zoo.dataset, "O"))


def test_near_classes_are_those_of_brute_force(scene, model):
    dataset = scene.dataset
    description = describe(dataset, "O", less="P", more="R")
    features = ask_one(model, description, seed=1)
    near = RealClasses(scene).near(description, features)
    seen = dataset.attributes[dataset.seen_classes].astype(np.float64)
    spread = np.where(seen.std(0) > 1e-9, seen.std(0), 1)
    tests = np.concatenate([dataset.test_seen, dataset.test_unseen])
    means = {
        k: proportions(dataset, dataset.features[tests[dataset.labels[tests] == k]]).mean(0)
        for k in range(47)
    }
    pairs = [np.linalg.norm(means[i] - means[j]) for i in means for j in means if i < j]
    mean = proportions(dataset, features).mean(0)
    for k in range(47):
        a, b = (
            (dataset.attributes[k] - seen.mean(0)) / spread,
            (description - seen.mean(0)) / spread,
        )
        assert near.loc[k, "class"] == dataset.class_names[k]
        assert near.loc[k, "seen"] == (k in dataset.seen_classes)
        assert near.loc[k, "cosine"] == pytest.approx(
            a @ b / np.linalg.norm(a) / np.linalg.norm(b), rel=1e-5
        )
        assert near.loc[k, "distance"] == pytest.approx(
            np.linalg.norm(means[k] - mean) / np.median(pairs), rel=1e-4
        )
    assert near["cosine"].is_monotonic_decreasing


def test_lists_of_nearest_classes_begin_with_the_nearest(scene, model):
    made = invent(RealClasses(scene), model, describe(scene.dataset, "Q"))
    assert made.nearest("cosine")["class"].iloc[0] == "Q"
    assert made.nearest("distance")["distance"].iloc[0] == made.near["distance"].min()


def test_reach_is_the_smallest_distance_and_the_scale_that_of_real_classes(tiny):
    scene, _ = tiny
    real = RealClasses(scene)
    a = scene.readout.standardise(scene.dataset.attributes)
    description = scene.dataset.attributes.mean(0)
    reach = real.reach(description)
    own = [min(np.linalg.norm(a[i] - a[j]) for j in range(6) if j != i) for i in range(6)]
    distances = np.linalg.norm(a - scene.readout.standardise(description), axis=1)
    assert (reach.distance, reach.nearest) == (
        pytest.approx(distances.min()),
        real.names[distances.argmin()],
    )
    assert (reach.usual, reach.most) == (pytest.approx(np.median(own)), pytest.approx(max(own)))


def test_a_real_description_is_said_to_be_one(scene):
    reach = RealClasses(scene).reach(describe(scene.dataset, "Q"))
    assert "description of Q, a real class (unseen)" in reach.sentence
    assert not reach.extrapolates


def test_a_far_description_is_called_extrapolation(scene):
    reach = RealClasses(scene).reach(ranges(scene.dataset)[1])  # every stroke at once
    assert reach.extrapolates
    assert reach.sentence.startswith("Extrapolation: ")


def test_a_sweep_ends_at_what_is_synthesized_directly(scene, model):
    description = describe(scene.dataset, "P")
    k = scene.dataset.attribute_names.index("diagonal_lower_right")
    swept = sweep(scene, model, description, "diagonal_lower_right", temperature=0.7, seed=4)
    np.testing.assert_allclose(swept.values, np.linspace(0, 1, 9))
    for end, value in ((0, 0.0), (-1, 1.0)):
        one = description.copy()
        one[k] = value
        direct = model.synthesize(torch.from_numpy(one[None]), 12, temperature=0.7, seed=4)[
            0
        ].numpy()
        np.testing.assert_array_equal(swept.features[end], direct)
        calm = model.synthesize(torch.from_numpy(one[None]), 1, temperature=0.0)[0, 0].numpy()
        np.testing.assert_array_equal(swept.typical[end], calm)


def test_a_sweep_leaves_the_description_that_it_was_given(scene, model):
    description = describe(scene.dataset, "P")
    before = description.copy()
    sweep(scene, model, description, "diagonal_lower_right")
    np.testing.assert_array_equal(description, before)


def test_what_is_read_off_is_in_the_units_of_the_data(scene, model):
    swept = sweep(scene, model, describe(scene.dataset, "P"), "diagonal_lower_right", seed=4)
    k = scene.dataset.attribute_names.index("diagonal_lower_right")
    r = scene.readout
    by_hand = ((swept.features[3, 5] - r.centre) @ r.weights[:, k]) * r.spread[k] + r.typical[k]
    assert swept.read[3, 5] == pytest.approx(by_hand)
    assert read_off(r, swept.features[3, 5])[k] == pytest.approx(by_hand)
    assert swept.readability == r.readability[k]


def test_an_attribute_that_cannot_be_read_is_said_to_be(scene, model):
    k = int(np.argmin(scene.readout.readability))
    swept = sweep(scene, model, describe(scene.dataset, "P"), scene.dataset.attribute_names[k])
    assert "cannot be read off" in swept.sentence


def test_a_constant_attribute_has_nothing_to_sweep(make_dataset):
    dataset = make_dataset()
    dataset = replace(
        dataset, attributes=np.hstack([dataset.attributes, np.ones((6, 1))]), attribute_names=()
    )
    scene = Scene.first(dataset)
    swept = sweep(scene, RidgeGaussian.fit(dataset), describe(dataset, "class 0"), "attribute 5")
    assert "nothing to sweep" in swept.sentence
    np.testing.assert_array_equal(swept.features[0], swept.features[-1])


def test_attributes_that_were_changed_are_shown_first(scene):
    chosen = telling(scene.readout, describe(scene.dataset, "O"), [30, 2])
    assert chosen[:2].tolist() == [30, 2]
    assert len(set(chosen)) == len(chosen) == 12


@pytest.mark.parametrize("pictured", [True, False])
def test_a_still_figure_is_drawn_whatever_the_names(tiny, pictured):
    scene, generator = tiny
    if pictured:
        decode = lambda features: np.zeros((len(features), 4, 4))  # noqa: E731
        scene = replace(
            scene,
            dataset=replace(
                scene.dataset, decode=decode, attribute_names=["$a$", "$", "_x", "<b>", "%{x}"]
            ),
        )
    traits = scene.dataset.attribute_names
    description = describe(scene.dataset, "<b>x</b>", more="$a$")
    made = invent(RealClasses(scene), generator, description)
    figure = design_figure(
        scene, made, sweep(scene, generator, description, traits[0]), title="$a$", caption="$"
    )
    figure.draw_without_rendering()
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert any("$a" in text.replace("\\", "") for text in texts)
