"""Data at the edge of what is legal: they are used, or refused in one sentence."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gsmflow_lite import (
    ClassifierConfig,
    RidgeGaussian,
    TrainingConfig,
    fit,
    from_arrays,
    measure,
    new_model,
)
from gsmflow_lite.config import ModelConfig
from gsmflow_lite.errors import GSMFlowError
from gsmflow_lite.scores.eszsl import eszsl_logits
from gsmflow_lite.scores.evaluation import softmax_logits

MODEL = ModelConfig(blocks=2, hidden=8, embedding=6)
TRAINING = TrainingConfig(epochs=2, batch=16, lr=1e-3, mining=None)
CLASSIFIER = ClassifierConfig(samples=20)


def arrays(
    *,
    features: int = 5,
    seen: int = 4,
    unseen: int = 2,
    attributes: int = 3,
    rows: int = 24,
    seed: int = 0,
):
    """Features, labels and attributes in float64, and which classes are unseen."""
    rng = np.random.default_rng(seed)
    classes = seen + unseen
    table = rng.normal(size=(classes, attributes))
    labels = np.repeat(np.arange(classes), rows)
    centres = table[:, :1] + rng.normal(size=(classes, features))
    x = centres[labels] + 0.3 * rng.normal(size=(len(labels), features))
    return x, labels, table, range(seen, classes)


def whole(x, labels, attributes, unseen, *, start: str = "ridge-gaussian"):
    """What a user does with data: train, synthesize, score by three classifiers, measure."""
    data = from_arrays(x, labels, attributes, unseen=unseen)
    model = new_model(data, replace(MODEL, start=start))
    list(fit(model, data, TRAINING, device="cpu"))

    assert model.synthesize(data.attributes, 7).isfinite().all()
    assert model.log_prob(data.features, data.attributes).isfinite().all()
    for generator in (model, RidgeGaussian.fit(data)):
        assert np.isfinite(softmax_logits(generator, data, CLASSIFIER).scores().harmonic)
    assert np.isfinite(eszsl_logits(data, 1.0, 1.0).scores().harmonic)
    return model, measure(data, model, n=20)


@pytest.mark.parametrize("start", ["ridge-gaussian", "none"])
@pytest.mark.parametrize(
    "sizes",
    [
        {"features": 1},
        {"seen": 2, "unseen": 2},
        {"attributes": 1},
        {"attributes": 100_000},
        {"features": 1, "attributes": 1},
    ],
    ids=str,
)
def test_few_or_very_many_of_anything_are_trained_on_and_measured(sizes, start):
    _, report = whole(*arrays(**sizes), start=start)
    assert np.isfinite(report.reading("variance").value)


@pytest.mark.parametrize("start", ["ridge-gaussian", "none"])
def test_constant_columns_are_trained_on_and_measured(start):
    x, *rest = arrays()
    x[:, 1] = 3.0
    whole(x, *rest, start=start)


def test_constant_columns_of_attributes_are_trained_on_and_measured():
    x, labels, attributes, unseen = arrays()
    attributes[:, 1] = 3.0
    whole(x, labels, attributes, unseen)


@pytest.mark.parametrize("scale", [1e30, 1e-30])
@pytest.mark.parametrize("what", ["features", "attributes"])
def test_extreme_units_are_used_or_refused_in_one_sentence(what, scale):
    x, labels, attributes, unseen = arrays()
    x, attributes = (x * scale, attributes) if what == "features" else (x, attributes * scale)
    refusal = None
    try:
        whole(x, labels, attributes, unseen)
    except GSMFlowError as error:
        refusal = str(error)
    assert refusal is None or (
        "\n" not in refusal and ("scale" in refusal or "preprocessing" in refusal)
    )


@pytest.mark.parametrize("scale", [1e30, 1e-30])
def test_extreme_units_of_features_are_no_matter_once_they_are_standardised(scale):
    x, *rest = arrays()
    plain, scaled = (
        from_arrays(values, *rest[:2], unseen=rest[2]).preprocessed("standardise")
        for values in (x, x * scale)
    )
    np.testing.assert_allclose(plain.features, scaled.features, atol=1e-4)


@pytest.mark.parametrize("kind", [np.float64, np.float16, np.int64, ">f4"])
def test_any_kind_of_number_gives_what_single_precision_gives(kind):
    x, *rest = arrays()
    x = np.round(x * 8).astype(kind)
    models = [whole(values, *rest)[0] for values in (x, x.astype(np.float32))]
    assert all(
        torch.equal(a, b)
        for a, b in zip(*(model.state_dict().values() for model in models), strict=True)
    )


@pytest.mark.parametrize("order", ["columns first", "every second", "backwards", "read only"])
def test_any_layout_in_memory_gives_what_a_plain_array_gives(order):
    x, *rest = arrays()
    x = x.astype(np.float32)
    strange = {
        "columns first": np.asfortranarray(x),
        "every second": np.repeat(x, 2, axis=1)[:, ::2],
        "backwards": x[::-1].copy()[::-1],
        "read only": x.copy(),
    }[order]
    strange.flags.writeable = order != "read only"
    models = [whole(values, *rest)[0] for values in (strange, x)]
    assert all(
        torch.equal(a, b)
        for a, b in zip(*(model.state_dict().values() for model in models), strict=True)
    )


def test_training_leaves_the_arrays_that_it_was_given_alone():
    given = arrays()
    copies = [np.array(values) for values in given]
    whole(*given)
    assert all(np.array_equal(a, b) for a, b in zip(given, copies, strict=True))
