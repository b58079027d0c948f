"""The shipped flows are what their settings say: all load, differ, and survive a file."""

import subprocess
import sys
import textwrap
from dataclasses import astuple
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
import torch

from gsmflow_lite import RidgeGaussian, fit, glyphs, new_model
from gsmflow_lite.datasets.typefaces import embedded
from gsmflow_lite.errors import ConfigError, DataError
from gsmflow_lite.generators.zoo import (
    ZOO_SEED,
    ZOOS,
    Mechanisms,
    Zoo,
    glyph_zoo,
    hangul_zoo,
    zoo_file,
)
from gsmflow_lite.storage import read_tensors


@pytest.fixture(scope="module")
def zoo() -> Zoo:
    return glyph_zoo()


@pytest.fixture(scope="module")
def unseen(zoo) -> torch.Tensor:
    """The attributes of the unseen classes."""
    return torch.from_numpy(zoo.dataset.attributes[zoo.dataset.unseen_classes])


def test_a_shipped_flow_is_what_training_by_its_settings_gives(zoo, unseen):
    config = Mechanisms(positioning=False).config()
    dataset = glyphs()
    model = new_model(dataset, config.model, seed=ZOO_SEED)
    for _ in fit(model, dataset, config.training, seed=ZOO_SEED, device="cpu"):
        pass
    shipped = zoo.model(Mechanisms(positioning=False))
    assert model.state_dict().keys() == shipped.state_dict().keys()

    ours = model.eval().synthesize(unseen, 100, seed=0)
    theirs = shipped.synthesize(unseen, 100, seed=0)
    # The features deviate by 1. Weights are stored rounded, and another processor sums in another
    # order; another seed makes ten times as much.
    assert (ours - theirs).abs().mean() < 0.015


def test_the_shipped_data_are_the_glyphs_as_they_are_preprocessed_anew(zoo):
    np.testing.assert_allclose(zoo.dataset.features, glyphs().features, atol=1e-4)


def test_the_shipped_baseline_is_what_a_fit_gives(zoo):
    attributes = torch.from_numpy(zoo.dataset.attributes)
    fitted = RidgeGaussian.fit(zoo.dataset).synthesize(attributes, 5, seed=3)
    shipped = zoo.baseline.synthesize(attributes, 5, seed=3)
    torch.testing.assert_close(shipped, fitted, rtol=1e-4, atol=1e-4)


def test_there_are_12_choices_that_make_a_difference():
    meaningful = {
        (semantics, positioning, *rest)
        for semantics, positioning, *rest in product((True, False), repeat=4)
        if semantics or not positioning
    }
    choices = [astuple(choice) for choice in Mechanisms.every()]
    assert len(choices) == 12
    assert set(choices) == meaningful


def test_a_choice_without_a_flow_is_refused_with_the_choice():
    with pytest.raises(ConfigError, match="mechanisms must be among the choices of the hangul"):
        hangul_zoo().model(Mechanisms(perturbation=False))


def test_syllables_that_no_flow_was_shown_are_told_apart_by_the_likelihood():
    zoo = hangul_zoo()
    d = zoo.dataset
    rng = np.random.default_rng(0)
    rows = rng.choice(d.test_unseen, 300, replace=False)
    attributes = d.attributes[d.unseen_classes]
    answers = zoo.model().log_prob(torch.from_numpy(d.features[rows]), attributes).argmax(1)
    assert (d.unseen_classes[answers.numpy()] == d.labels[rows]).mean() > 0.8


def test_all_flows_load_and_no_two_synthesize_the_same(zoo, unseen):
    features = [
        zoo.model(choice).synthesize(unseen[:3], 4, seed=1) for choice in Mechanisms.every()
    ]
    assert all(torch.isfinite(x).all() for x in features)
    assert min(float((a - b).abs().max()) for a, b in combinations(features, 2)) > 1e-3


@pytest.mark.parametrize("start", [False, True])
def test_blocks_without_semantics_ignore_the_description(zoo, start):
    flow = zoo.model(Mechanisms(semantics=False, start=start)).flow
    context = Mechanisms().config().model.embedding
    width = zoo.dataset.features.shape[1]
    x = torch.randn(5, width, generator=torch.Generator().manual_seed(0))
    of_zeros = flow(x, torch.zeros(5, context))[0]
    of_ones = flow(x, torch.ones(5, context))[0]
    torch.testing.assert_close(of_zeros, of_ones, rtol=0, atol=0)


def test_without_semantics_every_class_is_synthesized_alike(zoo, unseen):
    model = zoo.model(Mechanisms(semantics=False, start=False))
    typical = model.synthesize(unseen, 1, temperature=0.0, seed=0)
    torch.testing.assert_close(typical, typical[:1].expand_as(typical), rtol=0, atol=1e-5)


def test_with_semantics_no_two_classes_are_synthesized_alike(zoo, unseen):
    typical = zoo.model().synthesize(unseen, 1, temperature=0.0, seed=0)[:, 0]
    assert torch.pdist(typical).min() > 0.01


@pytest.mark.parametrize(
    ("mechanisms", "key"),
    [
        (Mechanisms(), "1111"),
        (Mechanisms(start=False), "1110"),
        (Mechanisms(semantics=False), "0011"),  # nothing is left to position
        (Mechanisms(semantics=False, positioning=False), "0011"),
        (Mechanisms(positioning=False, perturbation=False), "1001"),
    ],
)
def test_a_key_has_a_digit_for_each_mechanism_that_acts(mechanisms, key):
    assert mechanisms.key == key


def test_settings_without_mechanisms_switch_all_of_them_off():
    config = Mechanisms(False, False, False, False).config()
    assert config.model.semantics == "none"
    assert not config.model.relative_positioning
    assert config.model.start == "none"
    assert config.training.perturbation == 0.0


def test_settings_with_mechanisms_switch_all_of_them_on():
    config = Mechanisms(start=True).config()
    assert config.model.semantics == "every"
    assert config.model.relative_positioning
    assert config.model.start == "ridge-gaussian"
    assert config.training.perturbation > 0


def test_what_is_saved_is_what_is_shipped(zoo, tmp_path):
    path = tmp_path / "zoo.safetensors"
    zoo.save(path)
    tensors, settings = read_tensors(path)
    shipped, shipped_settings = read_tensors(embedded(zoo_file("glyphs"), "build_zoo.py"))
    assert settings == shipped_settings
    assert tensors.keys() == shipped.keys()
    for name, values in shipped.items():  # of the same precision too
        torch.testing.assert_close(tensors[name], values, rtol=0, atol=0)


def test_what_is_shipped_is_what_the_zoo_holds(zoo):
    tensors, settings = read_tensors(embedded(zoo_file("glyphs"), "build_zoo.py"))
    assert (settings["kind"], settings["neighbours"]) == ("zoo", zoo.neighbours)
    np.testing.assert_array_equal(tensors["map.umap"].float().numpy(), zoo.umap)
    scale = tensors["preprocessing.scale"].numpy()
    np.testing.assert_array_equal(scale, zoo.dataset.preprocessing.scale)


def test_the_files_are_small_enough_to_ship():
    files = [embedded(zoo_file(name), "build_zoo.py") for name in ZOOS]
    assert sum(file.stat().st_size for file in files) < 12e6


def test_the_ready_map_has_a_place_for_each_row_that_its_scene_shows(zoo):
    from gsmflow_lite.explorer.scene import Scene

    scene = Scene.of_zoo(zoo)
    assert zoo.umap.shape == (len(scene.rows), 2)
    assert np.isfinite(zoo.umap).all()


def test_importing_the_package_does_not_read_the_flows():
    code = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
import gsmflow_lite, gsmflow_lite.generators.zoo
before = any("_zoo.safetensors" in path for path in opened)
gsmflow_lite.generators.zoo.glyph_zoo()
print(before, any("glyphs.npz" in path for path in opened))
"""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.split() == ["False", "True"]


def test_reading_a_flow_imports_nothing_slow():
    """The explorer's first picture would wait a second each for torch's compiler and sklearn."""
    code = """
        import sys
        from gsmflow_lite.generators.zoo import glyph_zoo
        glyph_zoo().model(), glyph_zoo().baseline
        print(*{"torch._dynamo", "sklearn"} & set(sys.modules))"""
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_message_on_a_missing_file_names_the_script_that_makes_it():
    with pytest.raises(
        DataError,
        match=r"none\.bin.*install the package again, or build the file with data/build_none\.py",
    ):
        embedded("none.bin", "build_none.py")
