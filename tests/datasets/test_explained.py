"""How much descriptions say of where classes lie, and whether two files have one order."""

from dataclasses import replace

import numpy as np
import pytest

from gsmflow_lite.datasets import class_means, glyphs, hangul, load_folder, open_features
from gsmflow_lite.datasets.explained import STRENGTHS, explained_share, order_note


def permuted(dataset, seed=0):
    """The same data, with each description given to another class."""
    order = np.random.default_rng(seed).permutation(len(dataset.attributes))
    return replace(dataset, attributes=dataset.attributes[order], attribute_groups=None)


@pytest.fixture
def told(make_dataset):
    """Sixteen seen classes that lie, but for noise, where their descriptions say."""
    d = make_dataset(seen=16, unseen=3, rows=6, width=4)
    rng = np.random.default_rng(1)
    turned = d.attributes @ rng.normal(size=(d.attributes.shape[1], 4))
    noise = 0.5 * rng.normal(size=d.features.shape)
    return replace(d, features=(turned[d.labels] + noise).astype(np.float32))


def one_by_one(dataset) -> float:
    """The share by fitting anew without each class, with scikit-learn."""
    from sklearn.linear_model import Ridge

    seen = dataset.seen_classes
    means = class_means(dataset, seen, dataset.train).astype(np.float64)
    attributes = dataset.attributes[seen].astype(np.float64)
    unit = ((attributes - attributes.mean(0)) ** 2).sum() / len(seen)
    errors = []
    for strength in STRENGTHS:
        error = 0.0
        for k in range(len(seen)):
            rest = np.arange(len(seen)) != k
            fitted = Ridge(alpha=strength * unit).fit(attributes[rest], means[rest])
            error += ((fitted.predict(attributes[[k]])[0] - means[k]) ** 2).sum()
        errors.append(error)
    others = [
        ((means[np.arange(len(seen)) != k].mean(0) - means[k]) ** 2).sum() for k in range(len(seen))
    ]
    return 1 - min(errors) / sum(others)


def test_the_share_is_that_of_fitting_anew_without_each_class(told):
    assert explained_share(told).share == pytest.approx(one_by_one(told), abs=1e-9)
    assert explained_share(told).share > 0.5


def test_units_change_nothing(told):
    moved = replace(told, features=told.features * 100 + 7, attributes=told.attributes * 30)
    assert explained_share(moved).share == pytest.approx(explained_share(told).share, abs=1e-4)
    assert explained_share(moved).p == explained_share(told).p


def test_descriptions_of_other_classes_explain_nothing(told):
    assert explained_share(told).beyond_chance
    assert order_note(told) == ""
    found = explained_share(permuted(told))
    assert not found.beyond_chance
    assert found.share < found.chance
    assert "are the classes of the features and of the descriptions in the same order?" in (
        order_note(permuted(told))
    )


def test_p_is_uniform_where_descriptions_say_nothing(told):
    """One in ten lies below a tenth, and so on: the shuffles are as good as the order given."""
    found = np.array([explained_share(permuted(told, seed), shuffles=49).p for seed in range(200)])
    for level in (0.1, 0.3, 0.5, 0.8):
        assert abs((found <= level).mean() - level) < 4 * np.sqrt(level * (1 - level) / 200)


def test_only_training_rows_are_read(told):
    features = told.features.copy()
    features[np.append(told.test_seen, told.test_unseen)] = 1e6
    assert explained_share(replace(told, features=features)) == explained_share(told)


def test_features_on_disk_give_the_same(told, tmp_path):
    np.save(tmp_path / "x.npy", told.features)
    found = explained_share(replace(told, features=open_features(tmp_path / "x.npy")))
    assert found.share == pytest.approx(explained_share(told).share, abs=1e-6)


def test_few_classes_and_features_that_do_not_vary_tell_nothing(make_dataset, told):
    assert explained_share(make_dataset(seen=9)) is None
    assert order_note(make_dataset(seen=9)) == ""
    assert explained_share(replace(told, features=np.ones_like(told.features))) is None


@pytest.mark.parametrize("make", [glyphs, hangul])
def test_embedded_descriptions_explain_their_features(make):
    assert order_note(make()) == ""
    if make is glyphs:
        assert "explain nothing" in order_note(permuted(make()))


def test_real_flowers_are_explained_by_their_own_descriptions_only(shared_data):
    if not (shared_data / "FLO_lite0" / "lite0.mat").is_file():
        pytest.skip(f"no FLO_lite0/lite0.mat in {shared_data}")
    flowers = load_folder(shared_data / "FLO_lite0", "lite0")
    assert order_note(flowers) == ""
    assert "explain nothing" in order_note(permuted(flowers))
