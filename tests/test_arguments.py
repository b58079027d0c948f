"""Every public function that takes a number takes NumPy's, and refuses what is none in one way."""

import numpy as np
import pytest
import torch

from gsmflow_lite import (
    FromFile,
    Injected,
    ModelConfig,
    RealSamples,
    RidgeGaussian,
    TrainingConfig,
    ZukoFlow,
    fit,
    from_arrays,
    gaussian_world,
    glyphs,
    lite,
    measure,
    metrics,
    new_model,
    protocol,
)
from gsmflow_lite.arguments import check_asked, check_seed, real, whole
from gsmflow_lite.datasets import Preprocessing, crescent_world
from gsmflow_lite.errors import ConfigError
from gsmflow_lite.explorer import Scene
from gsmflow_lite.generators import AtTemperature, ask
from gsmflow_lite.runs import diagnose, run_experiment
from gsmflow_lite.shifts.coverage import coverage

WORLD = gaussian_world(6, seen=6, unseen=3, attributes=4, samples=12, noise=0.5)
DATA = WORLD.dataset
RIDGE = RidgeGaussian.fit(DATA)
MODEL = new_model(DATA, ModelConfig(blocks=1, hidden=4, embedding=4))
UNSEEN = DATA.attributes[DATA.unseen_classes]
ROWS = DATA.test_unseen
STORED = {
    "real features": RealSamples(DATA, ROWS),
    "a file": FromFile(DATA, DATA.features[ROWS], DATA.labels[ROWS]),
}
GENERATORS = {
    "a flow": MODEL,
    "a ridge-Gaussian": RIDGE,
    "injected shifts": Injected(DATA, RIDGE, variance=0.5),
    "another temperature": AtTemperature(RIDGE, 0.5),
    **STORED,
}
FEW, MORE = DATA.features[:20], DATA.features[20:50]
NEAR = metrics.distances(WORLD.means, WORLD.means)
QUICK = TrainingConfig(epochs=1, mining=None)


def synthesize(generator, **changed):
    asked = {"n": 2, "temperature": 1.0, "seed": 0} | changed
    return generator.synthesize(UNSEEN, asked.pop("n"), **asked)


# By what they are of: a function of the number, and a good one.
WHOLE = {
    **{f"n of {name}": (lambda x, g=g: synthesize(g, n=x), 2) for name, g in GENERATORS.items()},
    "n of ask": (lambda x: ask(RIDGE, UNSEEN, x), 2),
    "n of measure": (lambda x: measure(DATA, RIDGE, n=x, metrics=["variance"]), 8),
    "repeats of measure": (
        lambda x: measure(DATA, RIDGE, n=8, repeats=x, metrics=["variance"]),
        2,
    ),
    "n of coverage": (lambda x: coverage(DATA, RIDGE, x), 10),
    "n of run_experiment": (lambda x: run_experiment(DATA, lite(), n=x), None),
    "n of diagnose": (lambda x: diagnose(DATA, RIDGE, lite(), n=x), None),
    "n of a scene": (lambda x: Scene.first(DATA).ask(RIDGE, [0], x), 2),
    "components of a data set": (lambda x: DATA.preprocessed("pca", x), 2),
    "components of Preprocessing": (lambda x: Preprocessing.fit("pca", DATA.features, x), 2),
    "components of glyphs": (glyphs, None),
    "number of a validation fold": (DATA.validation_fold, 1),
    "n of with_seen": (DATA.with_seen, 4),
    "folds of a protocol": (
        lambda x: protocol.run(protocol.eszsl, DATA, folds=[x]),
        1,
    ),
    "features of a Gaussian world": (gaussian_world, 2),
    "seen of a Gaussian world": (lambda x: gaussian_world(2, seen=x), 4),
    "unseen of a Gaussian world": (lambda x: gaussian_world(2, unseen=x), 2),
    "attributes of a Gaussian world": (lambda x: gaussian_world(4, attributes=x), 3),
    "samples of a Gaussian world": (lambda x: gaussian_world(2, samples=x), 5),
    "n of samples of a Gaussian world": (lambda x: WORLD.sample(0, x), 2),
    "seen of a crescent world": (lambda x: crescent_world(seen=x), 4),
    "unseen of a crescent world": (lambda x: crescent_world(unseen=x), 2),
    "samples of a crescent world": (lambda x: crescent_world(samples=x), 5),
    "n of samples of a crescent world": (lambda x: crescent_world().sample(0, x), 2),
    "epochs of ZukoFlow": (lambda x: ZukoFlow.fit(DATA, epochs=x), None),
    "hidden of ZukoFlow": (lambda x: ZukoFlow.fit(DATA, hidden=x), None),
    "neighbours": (lambda x: metrics.neighbourhood(FEW, MORE, x), 3),
    "permutations of mantel": (lambda x: metrics.mantel(NEAR, NEAR, permutations=x), 9),
    "count of directions": (lambda x: metrics.unit_directions(3, x), 3),
}
SEEDS = {
    **{f"seed of {name}": lambda x, g=g: synthesize(g, seed=x) for name, g in GENERATORS.items()},
    "seed of ask": lambda x: ask(RIDGE, UNSEEN, 2, seed=x),
    "seed of measure": lambda x: measure(DATA, RIDGE, n=8, seed=x, metrics=["variance"]),
    "seed of coverage": lambda x: coverage(DATA, RIDGE, 10, x),
    "seed of new_model": lambda x: new_model(DATA, MODEL.config, seed=x),
    "seed of fit": lambda x: list(fit(MODEL, DATA, QUICK, seed=x, device="cpu")),
    "seed of ZukoFlow": lambda x: ZukoFlow.fit(DATA, epochs=1, transforms=1, hidden=2, seed=x),
    "seed of a protocol": lambda x: protocol.run(protocol.eszsl, DATA, seed=x),
    "seed of an injector": lambda x: Injected(DATA, RIDGE, seed=x),
    "seed of a validation fold": lambda x: DATA.validation_fold(seed=x),
    "seed of with_seen": lambda x: DATA.with_seen(4, seed=x),
    "seed of resplit": lambda x: DATA.resplit(x),
    "seed of split_unseen": lambda x: DATA.split_unseen(seed=x),
    "seed of from_arrays": lambda x: from_arrays(
        DATA.features, DATA.labels, DATA.attributes, unseen=[0], seed=x
    ),
    "seed of a Gaussian world": lambda x: gaussian_world(2, seed=x),
    "seed of a crescent world": lambda x: crescent_world(seed=x),
    "seed of a scene": lambda x: Scene.first(DATA, seed=x),
}
REAL = {
    **{
        f"temperature of {name}": (lambda x, g=g: synthesize(g, temperature=x), 1)
        for name, g in GENERATORS.items()
    },
    "temperature of ask": (lambda x: ask(RIDGE, UNSEEN, 2, temperature=x), 0.5),
    "temperature of AtTemperature": (lambda x: AtTemperature(RIDGE, x), 0.5),
    "noise of a Gaussian world": (lambda x: gaussian_world(2, noise=x), 0.5),
    "curvature of a Gaussian world": (lambda x: gaussian_world(2, curvature=x), 0.5),
    "lr of ZukoFlow": (lambda x: ZukoFlow.fit(DATA, lr=x), None),
    **{
        f"dose of {name}": (lambda x, name=name: Injected(DATA, RIDGE, **{name: x}), 0.5)
        for name in ("variance", "semantic", "structure", "mixed", "towards_seen")
    },
}
NO_NUMBER = [None, "2", b"2", True, np.bool_(True), float("nan"), float("inf"), 2j, [2], {}, "nan"]
NONE_MEANS_MORE = {  # where None is a value
    name for name in WHOLE if name.startswith(("components", "seen", "unseen", "attributes"))
} | {"noise of a Gaussian world"}


def refused(function, value) -> str:
    with pytest.raises(ConfigError) as told:
        function(value)
    return str(told.value)


@pytest.mark.parametrize("what", WHOLE)
def test_what_is_no_whole_number_is_refused_with_its_value(what):
    function, _ = WHOLE[what]
    for value in [*NO_NUMBER, 2.5, 2.0, np.float64(2), -1, torch.tensor(2.0), np.array([2])]:
        if value is None and what in NONE_MEANS_MORE and "crescent" not in what:
            continue
        words = refused(function, value)
        rules = ("must", "measuring needs", "coverage needs", "disjoint validation folds")
        assert any(rule in words for rule in rules), value
        assert "got " in words, value


@pytest.mark.parametrize("what", [name for name, (_, good) in WHOLE.items() if good is not None])
@pytest.mark.parametrize("kind", [np.int8, np.uint64, np.array, torch.tensor])
def test_whole_numbers_of_numpy_and_torch_are_taken(what, kind):
    function, good = WHOLE[what]
    function(kind(good))


@pytest.mark.parametrize("what", SEEDS)
def test_what_is_no_seed_is_refused_with_its_value(what):
    for value in [*NO_NUMBER, 0.0, 1.5]:
        words = refused(SEEDS[what], value)
        assert words.startswith("seed must be a whole number, got "), value
    for value in (-1, 2**32):
        words = refused(SEEDS[what], value)
        assert words.startswith(f"seed must be from 0 to 4294967295, got {value}: give a"), value


@pytest.mark.parametrize("what", SEEDS)
def test_seeds_of_numpy_are_taken(what):
    SEEDS[what](np.int64(3))
    SEEDS[what](np.uint8(3))


@pytest.mark.parametrize("what", REAL)
def test_what_is_no_real_number_is_refused_with_its_value(what):
    function, _ = REAL[what]
    for value in NO_NUMBER:
        if value is None and what in NONE_MEANS_MORE:
            continue
        words = refused(function, value)
        assert ("must be a number, got " in words) or ("must be finite, got " in words), value


@pytest.mark.parametrize("what", [name for name, (_, good) in REAL.items() if good is not None])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.array, torch.tensor])
def test_real_numbers_of_numpy_and_torch_are_taken(what, kind):
    function, good = REAL[what]
    function(kind(good))


def test_the_same_seed_of_another_type_is_the_same_seed():
    for generator in (MODEL, RIDGE):
        plain = generator.synthesize(UNSEEN, 3, seed=7)
        for kind in (np.int64, np.uint8, torch.tensor):
            torch.testing.assert_close(generator.synthesize(UNSEEN, 3, seed=kind(7)), plain)


# --- the functions themselves --------------------------------------------------------------------


def test_numbers_come_back_as_plain_ones():
    asked = check_asked(np.int64(3), np.float32(0.5), torch.tensor(7))
    assert asked == (3, 0.5, 7)
    assert [type(number) for number in asked] == [int, float, int]
    assert (whole(2**70, "n"), type(real(3, "x"))) == (2**70, float)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: whole(0, "n", least=1), "n must be at least 1, got 0: give a larger number"),
        (lambda: whole(9, "n", most=3), "n must be at most 3, got 9: give a smaller number"),
        (lambda: whole(9, "n", least=0, most=3), "n must be from 0 to 3, got 9: give a smaller"),
        (lambda: whole(2.5, "n"), "n must be a whole number, got 2.5: round it to an int"),
        (lambda: whole("2", "n"), "n must be a whole number, got '2': give an int"),
        (lambda: whole([1], "n"), "n must be a whole number, got an object of type list: give"),
        (lambda: whole(torch.empty((), device="meta"), "n"), "got an object of type Tensor"),
        (lambda: real(-0.5, "x", least=0), "x must be at least 0, got -0.5: give a larger number"),
        (lambda: real(10**400, "x"), "x must be finite, got 1000"),
        (lambda: real("1", "x"), "x must be a number, got '1': give an int or a float"),
        (lambda: check_seed(2**32), "seed must be from 0 to 4294967295, got 4294967296: give a sm"),
    ],
)
def test_the_rule_the_value_and_the_remedy_are_told(call, words):
    with pytest.raises(ConfigError) as told:
        call()
    assert words in str(told.value)
