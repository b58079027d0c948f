"""Presets hold the published numbers, settings survive JSON, and a setting that cannot be is refused in words."""

import json
from dataclasses import FrozenInstanceError, replace

import pytest

from gsmflow_lite.config import (
    PAPERS,
    PUBLISHED_BENCHMARKS,
    ClassifierConfig,
    Config,
    MiningConfig,
    ModelConfig,
    TrainingConfig,
    lite,
    preset,
    published_seed,
)
from gsmflow_lite.errors import ConfigError

# What the papers and their released code state, retyped here by column. A preset is compared with all of it.
NAMES = (
    "epochs",
    "batch",
    "lr",
    "weight_decay",
    "lr_step",
    "lr_gamma",
    "blocks",
    "prototype_weight",
    "perturbation",
)
FLOWS = {
    ("mm2021", "CUB"): (600, 256, 3e-4, 1e-5, 15, 0.8, 5, 1, 0.05),
    ("mm2021", "AWA2"): (500, 256, 3e-4, 3e-6, 15, 0.92, 3, 10, 0.15),
    ("mm2021", "FLO"): (300, 256, 3e-4, 1e-4, 15, 0.8, 5, 3, 0.07),
    ("mm2021", "aPY"): (600, 200, 3e-4, 1e-6, 15, 0.55, 5, 3, 0.02),
    ("tmm2022", "CUB"): (1500, 256, 1e-4, 3e-5, 25, 0.8, 3, 1, 0.05),
    ("tmm2022", "AWA2"): (1000, 256, 3e-4, 3e-6, 17, 0.92, 3, 10, 0.15),
    ("tmm2022", "FLO"): (
        1000,
        64,
        1e-4,
        1e-4,
        30,
        0.8,
        3,
        3,
        0.1,
    ),  # 64: what the released code really does
    ("tmm2022", "aPY"): (600, 200, 3e-4, 1e-5, 20, 0.55, 5, 3, 0.02),
}
CLASSIFIERS = {  # samples per unseen class, learning rate, epochs, batch
    ("mm2021", "CUB"): (600, 0.01, 30, 3000),
    ("mm2021", "AWA2"): (50_000, 0.001, 30, 1200),
    ("mm2021", "FLO"): (3000, 0.005, 30, 1000),
    ("mm2021", "aPY"): (9000, 0.001, 20, 1200),
    ("tmm2022", "CUB"): (600, 0.003, 50, 600),
    ("tmm2022", "AWA2"): (50_000, 0.005, 30, 1200),
    ("tmm2022", "FLO"): (3000, 0.005, 30, 1000),
    ("tmm2022", "aPY"): (9000, 0.001, 20, 1200),
}
MININGS = {  # epochs, batch, learning rate, weight decay, aug_lr / batch, loops, beta
    "CUB": (100, 256, 1e-4, 1e-6, 20 / 256, 20, 10),
    "AWA2": (50, 256, 3e-4, 3e-6, 100 / 256, 30, 20),
    "FLO": (60, 64, 3e-4, 1e-6, 20 / 64, 20, 1),
    "aPY": (50, 200, 1e-3, 3e-6, 30 / 200, 20, 10),
}
SEEDS = {"mm2021": (6152, 6152, 6152, 6152), "tmm2022": (6167, 7848, 6289, 6152)}
EVERY = list(FLOWS)


@pytest.mark.parametrize(("paper", "benchmark"), EVERY)
def test_a_preset_trains_the_flow_as_published(paper, benchmark):
    config = preset(paper, benchmark)
    found = [getattr(config.model if name == "blocks" else config.training, name) for name in NAMES]
    assert dict(zip(NAMES, found, strict=True)) == dict(
        zip(NAMES, FLOWS[paper, benchmark], strict=True)
    )


@pytest.mark.parametrize(("paper", "benchmark"), EVERY)
def test_a_preset_has_the_published_widths_and_every_mechanism_on(paper, benchmark):
    model = preset(paper, benchmark).model
    assert (model.hidden, model.embedding, model.clamp) == (2048, 1024, 1)
    assert (model.semantics, model.relative_positioning, model.start) == ("every", True, "none")


@pytest.mark.parametrize(("paper", "benchmark"), EVERY)
def test_a_preset_classifies_as_published(paper, benchmark):
    classifier = preset(paper, benchmark).classifier
    assert (classifier.samples, classifier.lr, classifier.epochs, classifier.batch) == CLASSIFIERS[
        paper, benchmark
    ]
    assert (classifier.solver, classifier.balanced) == ("adam", False)


@pytest.mark.parametrize("benchmark", PUBLISHED_BENCHMARKS)
def test_the_2022_preset_mines_as_published_with_a_step_for_each_sample(benchmark):
    mining = preset("tmm2022", benchmark).training.mining
    found = (
        mining.epochs,
        mining.batch,
        mining.lr,
        mining.weight_decay,
        mining.step,
        mining.loops,
        mining.beta,
    )
    assert found == MININGS[benchmark]
    assert mining.hidden == 2048


@pytest.mark.parametrize("benchmark", PUBLISHED_BENCHMARKS)
def test_the_2021_preset_does_not_mine(benchmark):
    assert preset("mm2021", benchmark).training.mining is None


def test_the_2021_anchors_are_seen_classes_except_on_apy():
    assert [preset("mm2021", benchmark).model.anchors for benchmark in PUBLISHED_BENCHMARKS] == [
        "seen",
        "seen",
        "seen",
        "all",
    ]


def test_the_2022_anchors_are_of_all_classes():
    assert {preset("tmm2022", benchmark).model.anchors for benchmark in PUBLISHED_BENCHMARKS} == {
        "all"
    }


@pytest.mark.parametrize("paper", PAPERS)
def test_awa2_and_apy_are_scaled_and_the_others_used_as_stored(paper):
    assert [preset(paper, benchmark).preprocessing for benchmark in PUBLISHED_BENCHMARKS] == [
        "none",
        "min-max",
        "none",
        "min-max",
    ]


@pytest.mark.parametrize("paper", PAPERS)
def test_published_seeds_are_those_of_the_released_code(paper):
    assert (
        tuple(published_seed(paper, benchmark) for benchmark in PUBLISHED_BENCHMARKS)
        == SEEDS[paper]
    )


@pytest.mark.parametrize(
    ("paper", "identifier"), [("mm2021", "2107.03163"), ("tmm2022", "2207.01798")]
)
def test_a_preset_states_its_name_and_source(paper, identifier):
    config = preset(paper, "AWA2")
    assert config.name == f"{paper}/AWA2"
    assert f"arXiv {identifier}" in config.source


@pytest.mark.parametrize(
    ("paper", "benchmark", "words"),
    [
        ("cvpr2020", "CUB", "paper must be one of mm2021, tmm2022, got 'cvpr2020'"),
        ("mm2021", "cub", "benchmark must be one of CUB, AWA2, FLO, aPY, got 'cub'"),
    ],
)
def test_a_preset_that_does_not_exist_is_refused_with_those_that_do(paper, benchmark, words):
    with pytest.raises(ConfigError, match=words):
        preset(paper, benchmark)


def test_settings_of_the_library_that_do_not_exist_are_refused_with_those_that_do():
    with pytest.raises(ConfigError, match="settings must be one of glyphs, features, got 'CUB'"):
        lite("CUB")


# --- to JSON and back ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config",
    [
        Config(),
        *(preset(*which) for which in EVERY),
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


# --- ranges ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "name"),
    [
        *((ModelConfig, name) for name in ("blocks", "hidden", "embedding", "clamp")),
        *((TrainingConfig, name) for name in ("epochs", "batch", "lr", "lr_step", "lr_gamma")),
        *((MiningConfig, name) for name in ("epochs", "batch", "lr", "hidden", "loops")),
        *((ClassifierConfig, name) for name in ("samples", "epochs", "batch", "lr")),
    ],
)
@pytest.mark.parametrize("value", [0, -1, float("nan")])
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
    for value in (-0.1, float("nan")):
        with pytest.raises(ConfigError, match=f"{name} must not be negative, got {value}"):
            make(**{name: value})


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
