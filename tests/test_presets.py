"""Presets hold the numbers that the papers and their released code state."""

from dataclasses import asdict, replace

import pytest

from gsmflow_lite.errors import ConfigError
from gsmflow_lite.presets import (
    PAPERS,
    PUBLISHED_BENCHMARKS,
    for_few_rows,
    lite,
    preset,
    published_seed,
)

# What the papers and their released code state, typed here once more, column by column.
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
    # Batches of 64 are what the released code really takes.
    ("tmm2022", "FLO"): (1000, 64, 1e-4, 1e-4, 30, 0.8, 3, 3, 0.1),
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
    settings = asdict(config.training) | {"blocks": config.model.blocks}
    published = dict(zip(NAMES, FLOWS[paper, benchmark], strict=True))
    assert {name: settings[name] for name in NAMES} == published


@pytest.mark.parametrize(("paper", "benchmark"), EVERY)
def test_a_preset_has_the_published_widths_and_every_mechanism_on(paper, benchmark):
    model = preset(paper, benchmark).model
    assert (model.hidden, model.embedding, model.clamp) == (2048, 1024, 1)
    assert (model.semantics, model.relative_positioning, model.start) == ("every", True, "none")


@pytest.mark.parametrize(("paper", "benchmark"), EVERY)
def test_a_preset_classifies_as_published(paper, benchmark):
    classifier = preset(paper, benchmark).classifier
    settings = (classifier.samples, classifier.lr, classifier.epochs, classifier.batch)
    assert settings == CLASSIFIERS[paper, benchmark]
    assert (classifier.solver, classifier.balanced) == ("adam", False)


@pytest.mark.parametrize("benchmark", PUBLISHED_BENCHMARKS)
def test_the_2022_preset_mines_as_published_with_a_step_for_each_sample(benchmark):
    mining = preset("tmm2022", benchmark).training.mining
    settings = (
        mining.epochs,
        mining.batch,
        mining.lr,
        mining.weight_decay,
        mining.step,
        mining.loops,
        mining.beta,
    )
    assert settings == MININGS[benchmark]
    assert mining.hidden == 2048


@pytest.mark.parametrize("benchmark", PUBLISHED_BENCHMARKS)
def test_the_2021_preset_does_not_mine(benchmark):
    assert preset("mm2021", benchmark).training.mining is None


def test_the_2021_anchors_are_seen_classes_except_on_apy():
    anchors = [preset("mm2021", name).model.anchors for name in PUBLISHED_BENCHMARKS]
    assert anchors == ["seen", "seen", "seen", "all"]


def test_the_2022_anchors_are_of_all_classes():
    anchors = [preset("tmm2022", name).model.anchors for name in PUBLISHED_BENCHMARKS]
    assert anchors == ["all"] * 4


@pytest.mark.parametrize("paper", PAPERS)
def test_awa2_and_apy_are_scaled_and_the_others_used_as_stored(paper):
    kinds = [preset(paper, name).preprocessing for name in PUBLISHED_BENCHMARKS]
    assert kinds == ["none", "min-max", "none", "min-max"]


@pytest.mark.parametrize("paper", PAPERS)
def test_published_seeds_are_those_of_the_released_code(paper):
    seeds = tuple(published_seed(paper, name) for name in PUBLISHED_BENCHMARKS)
    assert seeds == SEEDS[paper]


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
    names = "settings must be one of glyphs, hangul, features, got 'CUB'"
    with pytest.raises(ConfigError, match=names):
        lite("CUB")


@pytest.mark.parametrize(
    ("rows", "kept"), [(3, 8), (56, 8), (63, 9), (454, 64), (1791, 255), (1792, 256), (9999, 256)]
)
def test_each_component_has_seven_training_rows_but_there_are_some_in_any_case(rows, kept):
    assert for_few_rows(lite(), rows) == replace(lite(), components=kept)


def test_settings_without_components_stay_as_they_are_with_few_rows():
    assert for_few_rows(preset("mm2021", "CUB"), 3) == preset("mm2021", "CUB")
