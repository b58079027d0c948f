"""How much descriptions say of where classes lie, of which classes, and by which attributes."""

import json
from dataclasses import replace

import numpy as np
import pytest

from gsmflow_lite import explained_share
from gsmflow_lite.datasets import class_means, gaussian_world, glyphs, hangul, open_features
from gsmflow_lite.datasets.left_out import STRENGTHS, LeftOut, ratio
from gsmflow_lite.errors import ConfigError, DataError


def permuted(dataset, seed=0):
    """The same data, with each description given to another class."""
    order = np.random.default_rng(seed).permutation(len(dataset.attributes))
    return replace(dataset, attributes=dataset.attributes[order], attribute_groups=None)


NAMES = ("tail", "wings", "legs", "stripes", "horns")


def telling(dataset):
    """The same classes, each where its description says, but for noise."""
    d = dataset
    rng = np.random.default_rng(1)
    turned = d.attributes @ rng.normal(size=(d.attributes.shape[1], 4))
    noise = 0.5 * rng.normal(size=d.features.shape)
    return replace(d, features=(turned[d.labels] + noise).astype(np.float32))


@pytest.fixture
def told(make_dataset):
    """Sixteen seen classes whose descriptions say where they lie."""
    return telling(make_dataset(seen=16, unseen=3, rows=6, width=4, attribute_names=NAMES))


def seen_data(dataset):
    """Means and descriptions of the seen classes."""
    seen = dataset.seen_classes
    means = class_means(dataset, seen, dataset.train).astype(np.float64)
    return means, dataset.attributes[seen].astype(np.float64)


def one_by_one(means, attributes, columns, unit_of=None) -> np.ndarray:
    """The errors by fitting anew without each class, on some columns, with scikit-learn."""
    from sklearn.linear_model import Ridge

    count = len(means)
    whole = attributes if unit_of is None else unit_of
    unit = ((whole - whole.mean(0)) ** 2).sum() / len(whole)
    tried = []
    for strength in STRENGTHS:
        errors = []
        for k in range(count):
            rest = np.arange(count) != k
            fitted = Ridge(alpha=strength * unit).fit(attributes[rest][:, columns], means[rest])
            predicted = fitted.predict(attributes[[k]][:, columns])[0]
            errors.append(((predicted - means[k]) ** 2).sum())
        tried.append(np.array(errors))
    return min(tried, key=np.sum)


def of_others(means) -> np.ndarray:
    """The squared distance of each class from the mean of the others."""
    places = range(len(means))
    return np.array([((np.delete(means, k, 0).mean(0) - means[k]) ** 2).sum() for k in places])


# --- The numbers ----------------------------------------------------------------------------------


def test_the_share_is_that_of_fitting_anew_without_each_class(told):
    means, attributes = seen_data(told)
    refitted = one_by_one(means, attributes, range(5)) / of_others(means).sum()
    assert explained_share(told).share == pytest.approx(1 - refitted.sum(), abs=1e-9)
    assert explained_share(told).share > 0.5


def test_the_share_of_each_class_is_that_of_fitting_anew_without_it(told):
    means, attributes = seen_data(told)
    shares = 1 - one_by_one(means, attributes, range(5)) / of_others(means)
    table = explained_share(told).classes
    names = [told.class_names[k] for k in told.seen_classes]
    np.testing.assert_allclose(table["share"][names], shares, atol=1e-8)
    np.testing.assert_allclose(table["distance"][names], np.sqrt(of_others(means)), rtol=1e-5)
    assert table["share"].is_monotonic_decreasing
    assert (table["rows"] == 5).all()


def test_what_an_attribute_is_worth_is_that_of_fitting_anew_without_it_and_with_it_alone(told):
    means, attributes = seen_data(told)
    without = of_others(means).sum()
    everything = one_by_one(means, attributes, range(5)).sum()
    table = explained_share(told).attributes
    for j, name in enumerate(NAMES):
        rest = [i for i in range(5) if i != j]
        lost = (one_by_one(means, attributes, rest).sum() - everything) / without
        alone = 1 - one_by_one(means, attributes, [j]).sum() / without
        assert table["lost"][name] == pytest.approx(lost, abs=1e-8)
        assert table["alone"][name] == pytest.approx(alone, abs=1e-8)
    assert table["lost"].is_monotonic_decreasing


@pytest.mark.parametrize("classes", [12, 30])  # with fewer classes and with more than attributes
def test_a_group_of_attributes_counts_as_one(classes, rng):
    attributes = rng.normal(size=(classes, 20))
    means = attributes @ rng.normal(size=(20, 3)) + rng.normal(size=(classes, 3))
    data = LeftOut.of(means, attributes)
    size = np.abs(means - means.mean(0)).max() ** 2
    for columns in ([0, 3, 5], list(range(15))):
        rest = np.setdiff1d(range(20), columns)
        refitted = one_by_one(means, attributes, rest)
        np.testing.assert_allclose(data.without_columns(columns) * size, refitted, rtol=1e-6)
        refitted = one_by_one(means, attributes, columns)
        np.testing.assert_allclose(data.of_columns(columns) * size, refitted, rtol=1e-6)


def test_a_shuffle_is_the_share_of_the_shuffled_descriptions(told):
    means, attributes = seen_data(told)
    order = np.random.default_rng(2).permutation(len(means))
    moved = LeftOut.of(means, attributes[order]).share.value
    both = LeftOut.of(means, attributes).shuffled(np.stack([np.arange(len(means)), order]))
    assert both == pytest.approx([explained_share(told).share, moved], abs=1e-10)


def test_units_change_nothing(told):
    moved = replace(told, features=told.features * 100 + 7, attributes=told.attributes * 30)
    assert explained_share(moved).share == pytest.approx(explained_share(told).share, abs=1e-4)
    assert explained_share(moved).p == explained_share(told).p


def test_half_of_the_variance_told_is_a_share_of_a_half(rng):
    """Two independent halves of the position; one is described, and classes are many."""
    told, hidden = rng.normal(size=(2, 400, 3))
    means = np.hstack([told, hidden])
    assert LeftOut.of(means, told).share.value == pytest.approx(0.5, abs=0.05)
    assert LeftOut.of(means, np.hstack([told, hidden])).share.value > 0.999


# --- Chance ---------------------------------------------------------------------------------------


def test_descriptions_of_other_classes_explain_nothing(told):
    assert explained_share(told).beyond_chance
    found = explained_share(permuted(told))
    assert not found.beyond_chance
    assert found.share < found.chance


def test_p_is_uniform_where_descriptions_say_nothing(told):
    """One in ten lies below a tenth, and so on: the shuffles are as good as the order given."""
    found = np.array([explained_share(permuted(told, seed), shuffles=49).p for seed in range(200)])
    for level in (0.1, 0.3, 0.5, 0.8):
        assert abs((found <= level).mean() - level) < 4 * np.sqrt(level * (1 - level) / 200)


def test_of_classes_of_one_size_the_interval_is_that_of_a_mean(rng):
    from scipy.stats import sem, t

    gains = rng.normal(size=20)
    low, high = t.interval(0.95, 19, gains.mean() / 3, sem(gains) / 3)
    assert ratio(gains, np.full(20, 3.0)) == pytest.approx((gains.mean() / 3, low, high))


def test_the_interval_of_the_share_is_that_of_taking_each_class_away(told):
    """The jackknife of astropy, or any other: here by a loop, with the strengths as they were."""
    means, attributes = seen_data(told)
    shares = []
    for k in range(len(means)):
        rest = np.arange(len(means)) != k
        errors = one_by_one(means[rest], attributes[rest], range(5), unit_of=attributes)
        shares.append(1 - errors.sum() / of_others(means[rest]).sum())
    error = np.sqrt(np.var(shares) * (len(means) - 1))
    half = 2.1314495 * error  # of Student's distribution with 15 degrees of freedom
    found = explained_share(told)
    assert (found.share - found.low, found.high - found.share) == pytest.approx((half, half))


def test_the_interval_holds_the_truth_at_least_as_often_as_it_says():
    """Classes drawn from a world of 400: the truth is the share over all draws together."""
    d = gaussian_world(32, seen=395, unseen=5, attributes=12, samples=12).dataset
    means, descriptions = seen_data(d)
    rng = np.random.default_rng(0)
    found = []
    for _ in range(200):
        drawn = rng.choice(len(means), 30, replace=False)
        found.append(LeftOut.of(means[drawn], descriptions[drawn, :6]).share)
    value, low, high = np.array(found).T
    held = np.mean((low <= value.mean()) & (value.mean() <= high))
    assert held > 0.93
    assert np.mean(high - low) < 2.5 * 2 * 2.05 * value.std()  # and it is not just wide


# --- What is read ---------------------------------------------------------------------------------


def test_only_training_rows_are_read(told):
    features = told.features.copy()
    features[np.append(told.test_seen, told.test_unseen)] = 1e6
    found = explained_share(replace(told, features=features))
    assert found.to_dict() == explained_share(told).to_dict()
    assert found.classes.equals(explained_share(told).classes)


def test_features_on_disk_give_the_same(told, tmp_path):
    np.save(tmp_path / "x.npy", told.features)
    found = explained_share(replace(told, features=open_features(tmp_path / "x.npy")))
    assert found.share == pytest.approx(explained_share(told).share, abs=1e-6)


def test_the_means_of_one_data_set_are_read_once(told, monkeypatch):
    from gsmflow_lite.datasets import explained

    calls = []
    monkeypatch.setattr(
        explained, "class_means", lambda *given: calls.append(given) or class_means(*given)
    )
    assert explained_share(told) is explained_share(told)
    assert len(calls) == 1


def test_classes_of_very_different_sizes_are_measured(told):
    """One class has one training row, another 300: the means are what counts."""
    few = told.of_class(0, told.train)
    many = np.tile(told.of_class(1, told.train), 60)
    features = np.concatenate([told.features, told.features[many]])
    labels = np.concatenate([told.labels, told.labels[many]])
    train = np.concatenate(
        [np.setdiff1d(told.train, few[1:]), np.arange(len(told.labels), len(labels))]
    )
    found = explained_share(replace(told, features=features, labels=labels, train=train))
    assert found.classes["rows"][["class 0", "class 1"]].tolist() == [1, 305]
    assert found.share == pytest.approx(explained_share(told).share, abs=0.1)


# --- Words ----------------------------------------------------------------------------------------


def test_the_sentences_say_the_numbers(make_dataset):
    many = make_dataset(seen=60, unseen=3, rows=6, width=4, attribute_names=NAMES)
    found = explained_share(telling(many))
    interval = f"({100 * found.low:.0f} to {100 * found.high:.0f} %)"
    start = f"Descriptions explain {100 * found.share:.0f} % {interval} of where a left-out class"
    assert found.sentence.startswith(start)
    assert f"about {100 * found.share:.0f} % of the way" in found.expect
    lost = found.attributes["lost"]
    assert f"{lost.index[0]} ({100 * lost.iloc[0]:.0f} %)" in found.carried
    ends = found.classes.index
    assert found.ends == (
        f"Best described: {', '.join(ends[:3])}; worst: {', '.join(ends[::-1][:3])}."
    )
    assert str(found).splitlines() == found.lines


def test_where_descriptions_explain_nothing_no_attribute_and_no_class_is_named(told):
    found = explained_share(permuted(told))
    assert found.sentence.startswith("Descriptions explain nothing of where a left-out class lies")
    assert "no nearer to where they lie than the mean of the seen ones" in found.expect
    assert found.lines == [found.sentence, found.expect]


def test_few_classes_and_data_that_do_not_vary_tell_nothing(make_dataset, told):
    equal = {
        "there are 9 seen classes, and it takes 10": make_dataset(seen=9),
        "the means of all seen classes are equal": replace(
            told, features=np.ones_like(told.features)
        ),
        "the descriptions of all seen classes are equal": replace(
            told, attributes=np.ones_like(told.attributes)
        ),
    }
    for why, dataset in equal.items():
        found = explained_share(dataset)
        assert found.lines == [f"How much descriptions explain cannot be told: {why}."]
        assert not found.beyond_chance
        assert found.to_dict()["share"] is None
        assert len(found.classes) == len(found.attributes) == 0


def test_attributes_of_an_embedding_are_not_named(told):
    numbered = replace(told, attribute_names=[f"dim {j}" for j in range(5)])
    encoded = replace(told, texts=[["a text"]] * 19, text_encoder="words 1.0")
    for dataset in (numbered, encoded):
        found = explained_share(dataset)
        assert found.carried == ""
        assert len(found.attributes) == 0
        assert found.share == explained_share(told).share


def test_groups_of_attributes_are_named_and_not_their_members():
    found = explained_share(hangul().with_seen(100))
    assert set(found.attributes.index) == {"initial", "vowel", "final"}
    assert (found.attributes["low"] > 0).all()


def test_names_are_text_on_a_page(told):
    hostile = replace(told, class_names=["<b>", *told.class_names[1:]])
    shown = explained_share(hostile)._repr_html_()
    assert "<b>" not in shown
    assert "<table" in shown


def test_what_was_found_is_strict_json(told, make_dataset):
    for dataset in (told, make_dataset(seen=9)):
        json.dumps(explained_share(dataset).to_dict(), allow_nan=False)


def test_what_is_no_data_set_and_no_number_of_shuffles_is_refused(told):
    with pytest.raises(DataError, match="a GZSLDataset is needed"):
        explained_share(told.features)
    with pytest.raises(ConfigError, match="shuffles must be at least 1"):
        explained_share(told, shuffles=0)


@pytest.mark.parametrize("make", [glyphs, lambda: hangul().with_seen(200)])
def test_embedded_descriptions_explain_their_features(make):
    assert explained_share(make()).beyond_chance
