"""Settings survive JSON, and a setting that cannot be is refused in words."""

import json
from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest

from gsmflow_lite.config import (
    ClassifierConfig,
    Config,
    MiningConfig,
    ModelConfig,
    TrainingConfig,
    of_kind,
)
from gsmflow_lite.errors import ConfigError
from gsmflow_lite.presets import PAPERS, PUBLISHED_BENCHMARKS, lite, preset

# --- to JSON and back ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config",
    [
        Config(),
        *(preset(paper, name) for paper in PAPERS for name in PUBLISHED_BENCHMARKS),
        lite("glyphs"),
        lite("features"),
        Config(
            preprocessing="pca",
            components=7,
            model=ModelConfig(start="ridge", relative_positioning=False, semantics="none"),
        ),
    ],
    ids=lambda config: config.name,
)
def test_settings_survive_json(config):
    assert Config.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_settings_that_are_not_named_keep_their_defaults():
    assert Config.from_dict({"training": {"epochs": 3}}) == Config(
        training=TrainingConfig(epochs=3)
    )


def test_a_whole_number_serves_as_a_float():
    clamp = Config.from_dict({"model": {"clamp": 2}}).model.clamp
    assert (clamp, type(clamp)) == (2.0, float)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"epochs": 3}, "config has no setting 'epochs': known are name, source"),
        ({"model": {"depth": 3}}, "config.model has no setting 'depth': known are blocks, hidden"),
        (
            {"training": {"mining": {"aug_lr": 20}}},
            "config.training.mining has no setting 'aug_lr': known are epochs",
        ),
        ({"model": {"blocks": "3"}}, "config.model.blocks must be of type int, got '3'"),
        ({"model": {"blocks": 3.0}}, "config.model.blocks must be of type int, got 3.0"),
        ({"model": {"blocks": True}}, "config.model.blocks must be of type int, got True"),
        ({"model": {"clamp": True}}, "config.model.clamp must be of type float, got True"),
        (
            {"model": {"relative_positioning": 1}},
            "config.model.relative_positioning must be of type bool, got 1",
        ),
        ({"components": "all"}, "config.components must be of type int or NoneType, got 'all'"),
        (
            {"training": {"mining": False}},
            "config.training.mining must be of type MiningConfig or NoneType, got False",
        ),
        ({"model": None}, "config.model must be of type ModelConfig, got None"),
        ({"classifier": {"penalties": 0.1}}, "config.classifier.penalties must be a list, got 0.1"),
        ([1, 2], "config must be a table of settings, got "),
        ({"model": {"blocks": 0}}, "blocks must be positive, got 0"),
    ],
)
def test_unknown_or_ill_typed_settings_are_refused_with_their_place(values, words):
    with pytest.raises(ConfigError, match=words):
        Config.from_dict(values)


KINDS_OF_SETTINGS = (Config, ModelConfig, TrainingConfig, MiningConfig, ClassifierConfig)
SETTINGS = [
    (make, setting.name, setting.type) for make in KINDS_OF_SETTINGS for setting in fields(make)
]
NO_NUMBER = (None, "2", True, float("nan"), 1j, [1])


@pytest.mark.parametrize(("make", "name", "hint"), SETTINGS)
def test_a_setting_of_another_type_is_refused_when_it_is_made(make, name, hint):
    for value in (*NO_NUMBER, 2.5, object()):
        if hint in ("float", "bool", "str") and type(value).__name__ == hint and value == value:
            continue
        if value is None and hint.endswith("None"):
            continue
        if value == [1] and hint == "tuple[float, ...]":
            continue
        with pytest.raises(ConfigError, match=f"{name} must be (of type|a list).*, got"):
            make(**{name: value})


NUMPY = {
    "int": np.int64(3),
    "int | None": np.int32(3),
    "float": np.float64(0.5),
    "bool": np.bool_(True),
    "tuple[float, ...]": np.array([0.5, 0.25]),
}


@pytest.mark.parametrize(
    ("make", "name", "given"),
    [(make, name, NUMPY[hint]) for make, name, hint in SETTINGS if hint in NUMPY],
)
def test_numbers_of_numpy_become_plain_ones_that_json_can_hold(make, name, given):
    value = getattr(make(**{name: given}), name)
    assert np.array_equal(value, given)
    assert json.loads(json.dumps(value)) == (list(value) if isinstance(value, tuple) else value)


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        (lite(), ModelConfig, "must be a ModelConfig, got Config: hand in config.model"),
        (lite(), TrainingConfig, "must be a TrainingConfig, got Config: hand in config.training"),
        (lite(), MiningConfig, r"must be a MiningConfig, got Config: make one by MiningConfig\("),
        (ModelConfig(), Config, r"must be a Config, got ModelConfig: hand in Config\(model=...\)"),
        (None, Config, r"must be a Config, got None: hand in lite\(\), or Config\(...\)"),
        ({}, TrainingConfig, r"must be a TrainingConfig, got dict: make one by TrainingConfig\("),
    ],
)
def test_settings_of_another_kind_are_refused_with_what_to_hand_in(value, kind, words):
    with pytest.raises(ConfigError, match=f"config {words}"):
        of_kind(value, kind)


# --- ranges --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "name"),
    [
        *((ModelConfig, name) for name in ("blocks", "hidden", "embedding", "clamp")),
        *((TrainingConfig, name) for name in ("epochs", "batch", "lr", "lr_step", "lr_gamma")),
        *((MiningConfig, name) for name in ("epochs", "batch", "lr", "hidden", "loops")),
        *((ClassifierConfig, name) for name in ("samples", "epochs", "batch", "lr")),
    ],
)
@pytest.mark.parametrize("value", [0, -1])
def test_a_setting_that_must_be_positive_is(make, name, value):
    with pytest.raises(ConfigError, match=f"{name} must be positive, got {value}"):
        make(**{name: value})


@pytest.mark.parametrize(
    ("make", "name"),
    [
        *((TrainingConfig, name) for name in ("weight_decay", "prototype_weight", "perturbation")),
        *((MiningConfig, name) for name in ("weight_decay", "step", "beta")),
    ],
)
def test_a_setting_that_may_be_zero_may_not_be_negative(make, name):
    assert getattr(make(**{name: 0.0}), name) == 0
    with pytest.raises(ConfigError, match=f"{name} must not be negative, got -0.1"):
        make(**{name: -0.1})


@pytest.mark.parametrize("name", ["checks", "folds"])
def test_a_choice_takes_at_least_one_check_and_one_fold(name):
    with pytest.raises(ConfigError, match=f"{name} must be at least 1, got 0"):
        Config(**{name: 0})


@pytest.mark.parametrize("penalties", [(), (0.1, 0.0), (-1.0,)])
def test_penalties_are_one_or_more_positive_numbers(penalties):
    with pytest.raises(
        ConfigError, match="classifier penalties must be one or more positive numbers, got"
    ):
        ClassifierConfig(penalties=penalties)


@pytest.mark.parametrize(
    ("make", "name", "allowed"),
    [
        (ModelConfig, "semantics", ("every", "first", "none")),
        (ModelConfig, "anchors", ("all", "seen")),
        (ModelConfig, "start", ("none", "ridge", "ridge-gaussian")),
        (TrainingConfig, "precision", ("float32", "tf32", "bf16")),
        (ClassifierConfig, "solver", ("lbfgs", "lda", "adam")),
    ],
)
def test_a_choice_is_one_of_those_named(make, name, allowed):
    assert [getattr(make(**{name: value}), name) for value in allowed] == list(allowed)
    with pytest.raises(
        ConfigError, match=f"{name} must be one of {', '.join(allowed)}, got 'other'"
    ):
        make(**{name: "other"})


def test_a_penalty_of_lda_is_a_share():
    assert ClassifierConfig(solver="lda", penalties=(0.5, 0.9)).penalties == (0.5, 0.9)
    with pytest.raises(ConfigError, match="below 1 for lda, a share of the covariance each, got"):
        ClassifierConfig(solver="lda", penalties=(0.5, 1.0))


def test_settings_cannot_be_changed_in_place():
    with pytest.raises(FrozenInstanceError):
        Config().model.blocks = 5
    assert replace(Config(), name="mine").name == "mine"
