"""What is handed in as data, settings, model or generator is taken as meant, or refused alike."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from gsmflow_lite import (
    ClassifierConfig,
    Config,
    FromFile,
    Injected,
    MiningConfig,
    ModelConfig,
    RealSamples,
    RidgeGaussian,
    SavedModel,
    TrainingConfig,
    ZukoFlow,
    fit,
    from_arrays,
    full,
    gaussian_world,
    lite,
    measure,
    new_model,
    preset,
    protocol,
)
from gsmflow_lite.datasets import save_npz
from gsmflow_lite.errors import ConfigError, DataError
from gsmflow_lite.explorer import Scene
from gsmflow_lite.generators import AtTemperature, ask
from gsmflow_lite.method.start import GaussianStart
from gsmflow_lite.panels import compare, design, dissect, explore, train
from gsmflow_lite.runs import diagnose, run_experiment
from gsmflow_lite.scores import likelihood_logits, softmax_logits
from gsmflow_lite.scores.eszsl import eszsl_logits
from gsmflow_lite.shifts.coverage import coverage

WORLD = gaussian_world(4, seen=6, unseen=3, attributes=3, samples=12, noise=0.5)
DATA = WORLD.dataset
RIDGE = RidgeGaussian.fit(DATA)
SMALL = Config(
    model=ModelConfig(blocks=1, hidden=4, embedding=4),
    training=TrainingConfig(epochs=2, mining=None),
    classifier=ClassifierConfig(samples=8, penalties=(0.01,)),
    checks=1,
)
MODEL = new_model(DATA, SMALL.model)

# --- Data ----------------------------------------------------------------------------------------

NEEDS_DATA = {
    "new_model": lambda data: new_model(data, SMALL.model),
    "fit": lambda data: list(fit(MODEL, data, SMALL.training)),
    "measure": lambda data: measure(data, RIDGE),
    "coverage": lambda data: coverage(data, RIDGE),
    "diagnose": lambda data: diagnose(data, RIDGE, SMALL),
    "protocol.run": lambda data: protocol.run(protocol.eszsl, data),
    "RidgeGaussian.fit": RidgeGaussian.fit,
    "GaussianStart.fit": GaussianStart.fit,
    "ZukoFlow.fit": ZukoFlow.fit,
    "RealSamples": lambda data: RealSamples(data, DATA.train),
    "FromFile": lambda data: FromFile(data, DATA.features, DATA.labels),
    "Injected": Injected,
    "Scene.of": Scene.of,
}
TAKES_A_NAME = {
    "run_experiment": lambda data: run_experiment(data, SMALL),
    "explore": explore,
    "compare": compare,
    "design": design,
    "train": train,
}
NO_DATA = {
    "an array": (DATA.features, "got ndarray: make one with from_arrays, or load one"),
    "a table": (pd.DataFrame(DATA.features), "got DataFrame: make one with from_dataframe"),
    "a world": (WORLD, "got GaussianWorld: hand in its .dataset"),
    "a flow": (new_model(DATA, SMALL.model), "got GSMFlow: this is a generator; hand in the data"),
    "a function": (gaussian_world, "got function: hand in what it returns"),
}


@pytest.mark.parametrize("call", [*NEEDS_DATA, *TAKES_A_NAME])
@pytest.mark.parametrize("what", NO_DATA)
def test_what_is_no_data_set_is_refused_with_the_remedy(call, what):
    given, words = NO_DATA[what]
    with pytest.raises(DataError, match=f"a GZSLDataset is needed, {words}"):
        (NEEDS_DATA | TAKES_A_NAME)[call](given)


@pytest.mark.parametrize("call", NEEDS_DATA)
@pytest.mark.parametrize(
    ("given", "words"),
    [(None, "got None: make one with from_arrays"), ("glyphs", r"got str: hand in load\('glyphs'")],
)
def test_a_name_is_refused_where_a_data_set_is_needed(call, given, words):
    with pytest.raises(DataError, match=f"a GZSLDataset is needed, {words}"):
        NEEDS_DATA[call](given)


def test_an_experiment_takes_a_name_or_a_path(tmp_path):
    path = tmp_path / "small.npz"
    save_npz(DATA, path)
    for given in (str(path), path):
        run = run_experiment(given, SMALL, device="cpu", baselines=False, n=8)
        assert np.array_equal(run.dataset.features, DATA.features)


@pytest.mark.parametrize("call", TAKES_A_NAME)
def test_a_name_that_is_not_known_is_refused(call):
    with pytest.raises(DataError, match="a data set must be one of"):
        TAKES_A_NAME[call]("no such data")


# --- Settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: new_model(DATA, lite()), "must be a ModelConfig, .* hand in config.model"),
        (
            lambda: list(fit(MODEL, DATA, lite())),
            "must be a TrainingConfig, .* hand in config.training",
        ),
        (lambda: run_experiment(DATA, ModelConfig()), r"must be a Config, .* Config\(model=..."),
        (
            lambda: diagnose(DATA, RIDGE, ClassifierConfig()),
            r"must be a Config, .* Config\(classifier=...",
        ),
        (lambda: run_experiment(DATA, "lite"), r"must be a Config, got str: hand in lite\(\)"),
        (lambda: train(DATA, config=TrainingConfig()), r"must be a Config, .*training=..."),
    ],
)
def test_settings_of_another_kind_are_refused_with_the_remedy(call, words):
    with pytest.raises(ConfigError, match=f"config {words}"):
        call()


# --- Names, paths, functions and methods ---------------------------------------------------------

SHORT = {"device": "cpu", "baselines": False, "n": 8}
A_METHOD = "a method must be a function of a data set, a seed and a setting"
NOT_AS_MEANT = {
    "settings for a method": (
        lambda: protocol.run(SMALL, DATA),
        rf"{A_METHOD}.*, got Config: hand in protocol.flow\(config\)",
    ),
    "a generator for a method": (lambda: protocol.run(RIDGE, DATA), f"{A_METHOD}.*, got Ridge"),
    "a flow for a method": (lambda: protocol.run(MODEL, DATA), f"{A_METHOD}.*, got GSMFlow"),
    "a class for a method": (lambda: protocol.run(RidgeGaussian, DATA), f"{A_METHOD}.*, got"),
    "None for a method": (lambda: protocol.run(None, DATA), f"{A_METHOD}.*, got None: hand in"),
    "a maker of methods": (
        lambda: protocol.run(protocol.oracle, DATA),
        rf"{A_METHOD}.*: hand in protocol.oracle\(config\)",
    ),
    "the data first": (
        lambda: protocol.run(DATA, protocol.eszsl),
        f"{A_METHOD}.*, got GZSLDataset: the method comes first",
    ),
    "by classifier": (lambda: protocol.run_by_classifier(None, DATA), f"{A_METHOD}.*, got None"),
    "a list for lite": (lambda: lite(["glyphs"]), r"settings must be one of .*, got \['glyphs'\]"),
    "a list for full": (lambda: full(["x"]), r"settings must be one of .*, got \['x'\]"),
    "a list for a paper": (lambda: preset([], []), r"paper must be one of .*, got \[\]"),
    "a list for a benchmark": (
        lambda: preset("mm2021", np.array(["CUB", "FLO"])),
        "benchmark must be one of",
    ),
    "a list for a protocol": (
        lambda: run_experiment(DATA, SMALL, protocol=["validation"], **SHORT),
        r"protocol must be one of .*, got \['validation'\]",
    ),
    "no device": (
        lambda: run_experiment(DATA, SMALL, **SHORT | {"device": None}),
        "device must be auto, cpu, cuda or mps, got None: give one",
    ),
    "no device to fit": (
        lambda: list(fit(MODEL, DATA, SMALL.training, device=None)),
        "device must be auto, cpu, cuda or mps, got None: give one",
    ),
    "a number for a file": (
        lambda: run_experiment(DATA, SMALL, checkpoint=5, **SHORT),
        "checkpoint must be a path, got 5: give text",
    ),
    "a number for a file to fit": (
        lambda: list(fit(MODEL, DATA, SMALL.training, checkpoint=3)),
        "checkpoint must be a path, got 3: give text",
    ),
    "nothing to load": (lambda: SavedModel.load(None), "path must be a path, got None: give text"),
    "nowhere to save": (
        lambda: SavedModel(model=MODEL).save(None),
        "path must be a path, got None",
    ),
    "nobody watches": (
        lambda: run_experiment(DATA, SMALL, watch=None, **SHORT),
        "watch must be a function, got None: give one, or leave it out",
    ),
    "nobody watches a method": (
        lambda: protocol.run(protocol.eszsl, DATA, watch=None),
        "watch must be a function, got None: give one",
    ),
    "a number to validate": (
        lambda: list(fit(MODEL, DATA, SMALL.training, validate=3)),
        "validate must be a function, got 3: give one, or leave it out",
    ),
    "a number for metrics": (
        lambda: measure(DATA, RIDGE, metrics=3),
        "metrics must be a list of names, got 3: give texts",
    ),
    "lists for metrics": (
        lambda: measure(DATA, RIDGE, metrics=[["spread"]]),
        "metrics must be a list of names, got an object of type list: give texts",
    ),
}


@pytest.mark.parametrize("what", NOT_AS_MEANT)
def test_what_is_not_as_meant_is_refused_with_the_remedy(what):
    call, words = NOT_AS_MEANT[what]
    with pytest.raises(ConfigError, match=words):
        call()


def no_work(*_, **__):
    raise AssertionError("work was begun")


@pytest.mark.parametrize("wrong", [{"device": None}, {"checkpoint": 5}, {"watch": None}])
def test_an_experiment_refuses_before_its_baselines(wrong, monkeypatch):
    monkeypatch.setattr(protocol, "run", no_work)
    with pytest.raises(ConfigError, match="must be"):
        run_experiment(DATA, SMALL, **SHORT | {"baselines": True} | wrong)


PANELS = {
    "explore": lambda **more: explore(DATA, RIDGE, **more),
    "compare": lambda **more: compare(DATA, {"a": RIDGE, "b": MODEL}, **more),
    "design": lambda **more: design(DATA, RIDGE, **more),
    "dissect": lambda **more: dissect(**more),
    "train": lambda **more: train(DATA, **more),
}


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"hide": None}, "hide must be a list of names, got None: give texts"),
        ({"hide": [3]}, "hide must be a list of names, got an object of type list: give texts"),
        ({"hide": "no control"}, r"hide must name controls of this panel \(.*, got 'no control'"),
        ({"state": 3}, "a state must be text, got int: give what"),
    ],
)
def test_every_panel_refuses_what_is_no_name_or_state(panel, wrong, words):
    with pytest.raises(ConfigError, match=words):
        PANELS[panel](**wrong)


def test_one_name_is_as_good_as_a_list_of_one():
    panel = PANELS["explore"](hide="seed")
    assert {key for key, one in panel.controls.items() if one.layout.display == "none"} == {"seed"}
    panel.close()


# --- Models --------------------------------------------------------------------------------------


def other_widths(features=4, attributes=3):
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(5), 6)
    return from_arrays(
        random.normal(size=(30, features)), labels, random.random((5, attributes)), unseen=[4]
    )


@pytest.mark.parametrize("widths", [{"features": 3}, {"attributes": 2}])
def test_a_model_of_other_widths_is_refused(widths):
    data = other_widths(**widths)
    words = "a model of 4 features and 3 attributes must get such data, got"
    with pytest.raises(DataError, match=words):
        list(fit(MODEL, data, SMALL.training))
    for generator in (MODEL, RIDGE):
        with pytest.raises(DataError, match=r"must give shape|with 3 columns, as in training"):
            measure(data, generator)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (RIDGE, "got RidgeGaussian: make one with new_model"),
        (SimpleNamespace(model=MODEL), "got SimpleNamespace: hand in its .model"),
    ],
)
def test_what_is_no_flow_is_not_trained(model, words):
    with pytest.raises(DataError, match=f"a model must be a GSMFlow, {words}"):
        list(fit(model, DATA, SMALL.training))


@pytest.mark.parametrize("world", [DATA, "crescents", SimpleNamespace(dataset=DATA)])
def test_an_anatomy_needs_a_world(world):
    with pytest.raises(DataError, match="a world must have a dataset, sample and log_prob, got"):
        dissect(world)


def test_an_anatomy_needs_a_flow():
    with pytest.raises(DataError, match="a model must be a GSMFlow, got RidgeGaussian"):
        dissect(WORLD, RIDGE)


# --- Generators ----------------------------------------------------------------------------------

NEEDS_A_GENERATOR = {
    "ask": lambda generator: ask(generator, DATA.attributes, 2),
    "measure": lambda generator: measure(DATA, generator),
    "coverage": lambda generator: coverage(DATA, generator),
    "diagnose": lambda generator: diagnose(DATA, generator, SMALL),
    "softmax_logits": lambda generator: softmax_logits(generator, DATA, SMALL.classifier),
    "Injected": lambda generator: Injected(DATA, generator),
    "AtTemperature": lambda generator: AtTemperature(generator, 0.5),
    "explore": lambda generator: explore(DATA, generator),
    "compare": lambda generator: compare(DATA, {"a": generator, "b": RIDGE}),
    "design": lambda generator: design(DATA, generator),
}


@pytest.mark.parametrize("call", NEEDS_A_GENERATOR)
@pytest.mark.parametrize(
    ("generator", "words"),
    [
        (RIDGE.synthesize, "got method: hand in the RidgeGaussian itself, not its method"),
        (lambda attributes, n: None, "got function: make it a method of that name in a class"),
        (3, "got int: see notebook 08"),
    ],
)
def test_what_cannot_synthesize_is_refused_at_the_door(call, generator, words):
    rule = r"^(generator '\w+': )?a generator must have a method synthesize\(.*\)"
    with pytest.raises(DataError, match=f"{rule}, {words}"):
        NEEDS_A_GENERATOR[call](generator)


# --- Attributes ----------------------------------------------------------------------------------

GENERATORS = {
    "a flow": MODEL,
    "a ridge-Gaussian": RIDGE,
    "real features": RealSamples(DATA, DATA.train),
    "injected shifts": Injected(DATA, RIDGE, variance=0.5),
}
SEEN = DATA.attributes[DATA.seen_classes]
FORMS = {
    "backwards": np.ascontiguousarray(SEEN[::-1])[::-1],
    "float64": SEEN.astype(np.float64),
    "big-endian": SEEN.astype(">f4"),
    "objects": SEEN.astype(object),
    "lists": SEEN.tolist(),
    "a DataFrame": pd.DataFrame(SEEN),
    "a tensor": torch.from_numpy(SEEN),
    "a list of tensors": list(torch.from_numpy(SEEN)),
    "a sparse tensor": torch.from_numpy(SEEN).to_sparse(),
}
WRONG = {
    "nan": (SEEN * np.nan, "attributes must be finite, got nan in row 0, column 0"),
    "infinity": (SEEN * np.inf, "attributes must be finite, got"),
    "one class alone": (SEEN[0], r"hand in attributes\[None\]"),
    "three axes": (SEEN[None], "attributes must be a matrix"),
    "text": (SEEN.astype(str), "attributes must be numbers, got <U"),
    "complex": (SEEN + 1j, "attributes must be real numbers"),
    "masked": (np.ma.masked_greater(SEEN, 0), "attributes must have no masked entries"),
    "nothing": (None, "attributes must be an array, got nothing"),
}


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("form", FORMS)
def test_all_generators_take_the_same_forms_of_attributes(name, form):
    generator = GENERATORS[name]
    expected = generator.synthesize(torch.from_numpy(SEEN), 3, seed=1)
    assert torch.equal(generator.synthesize(FORMS[form], 3, seed=1), expected)


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("what", WRONG)
def test_all_generators_refuse_the_same_attributes(name, what):
    attributes, words = WRONG[what]
    with pytest.raises(DataError, match=words):
        GENERATORS[name].synthesize(attributes, 3)


@pytest.mark.parametrize("name", ["a flow", "a ridge-Gaussian"])
def test_densities_take_and_refuse_the_same(name):
    density = GENERATORS[name]
    x = DATA.features[:5]
    expected = density.log_prob(torch.from_numpy(x), torch.from_numpy(SEEN))
    for given in FORMS.values():
        assert torch.equal(density.log_prob(x[::-1], given).flip(0), expected)
    for given, words in WRONG.values():
        with pytest.raises(DataError, match=words):
            density.log_prob(x, given)
    for bad in (x * np.nan, x[:, :2], x.astype(str), None):
        with pytest.raises(DataError, match="features must be"):
            density.log_prob(bad, SEEN)


class Broken:
    """A generator whose density fails."""

    def synthesize(self, attributes, n, *, seed=0):
        return torch.zeros(len(attributes), n, 4)

    def log_prob(self, x, attributes):
        raise LookupError("no density today")


def test_a_density_that_fails_is_named_wherever_it_is_asked():
    for call in (
        lambda: likelihood_logits(Broken(), DATA),
        lambda: coverage(DATA, Broken()),
    ):
        with pytest.raises(
            DataError, match=r"Broken.log_prob raised LookupError: no density today"
        ):
            call()


# --- Few rows ------------------------------------------------------------------------------------

FLOWS = {start: replace(SMALL.model, start=start) for start in ("none", "ridge", "ridge-gaussian")}


def few(rows: int, fill: str = ""):
    """A data set of 8 classes with so many rows each."""
    random = np.random.default_rng(0)
    table = random.random((8, 3))
    labels = np.repeat(np.arange(8), rows)
    x = table[labels] @ random.normal(size=(3, 6)) * 2 + 0.5 * random.normal(size=(8 * rows, 6))
    if fill == "zero":
        x[:] = 0
    elif fill == "one value":
        x[:] = 0.1
    elif fill == "a value of each class":
        x[:] = table[labels, :1]
    return from_arrays(x, labels, table, unseen=[6, 7])


SCARCE = {
    "one training row a class": few(2),
    "three images a class": few(3),
    "zeros": few(10, "zero"),
    "one value": few(10, "one value"),
    "a value of each class": few(10, "a value of each class"),
}
MINING = TrainingConfig(epochs=1, mining=MiningConfig(epochs=1, hidden=4, loops=2))
METHODS = {
    "ridge-Gaussian": lambda data: RidgeGaussian.fit(data).synthesize(data.attributes, 5),
    **{
        f"flow from {start}": lambda data, c=config: list(fit(new_model(data, c), data, MINING))
        for start, config in FLOWS.items()
    },
    **{
        f"experiment from {start}": lambda data, c=config: run_experiment(
            data, replace(SMALL, model=c), device="cpu", n=8
        )
        for start, config in FLOWS.items()
    },
    "measure": lambda data: measure(data, new_model(data, SMALL.model), n=8),
    "ESZSL": lambda data: eszsl_logits(data, 0.1, 0.1).scores(),
    **{
        solver: lambda data, s=solver: softmax_logits(
            new_model(data, SMALL.model), data, replace(SMALL.classifier, solver=s)
        ).scores()
        for solver in ("lbfgs", "lda", "adam")
    },
    "injected": lambda data: Injected(data, semantic=0.5, structure=0.5).synthesize(
        data.attributes[6:], 3
    ),
    **{kind: lambda data, k=kind: data.preprocessed(k) for kind in ("pca", "whitened-pca")},
}
SAYS = "two training rows|row: to hold some out|must vary|needs at least|leave no plane"


def what_is_said(call) -> str:
    """The message of a ``DataError``; nothing where the call works. Other errors pass."""
    try:
        call()
    except DataError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("scarce", SCARCE)
@pytest.mark.parametrize("method", METHODS)
def test_with_few_rows_a_method_works_or_says_what_is_missing(scarce, method):
    told = what_is_said(lambda: METHODS[method](SCARCE[scarce]))
    assert not told or re.search(SAYS, told)


def test_a_ridge_gaussian_of_one_row_a_class_is_refused_with_a_remedy_that_helps():
    data = SCARCE["one training row a class"]
    words = r"a covariance needs a class with two training rows, .*start='ridge' or 'none'"
    for build in (RidgeGaussian.fit, lambda data: new_model(data, FLOWS["ridge-gaussian"])):
        with pytest.raises(DataError, match=words):
            build(data)
    for start in ("ridge", "none"):
        assert list(fit(new_model(data, FLOWS[start]), data, SMALL.training))


def test_single_training_rows_are_called_so_with_the_rows_that_are_needed():
    words = "has 1 training row: to hold some out, each class needs 2, and a third row for the test"
    data = SCARCE["one training row a class"]
    with pytest.raises(DataError, match=words):
        run_experiment(data, SMALL, **SHORT)
    run_experiment(few(3), SMALL, **SHORT)  # the remedy helps


def test_two_seen_classes_can_be_run_as_the_message_says():
    data = gaussian_world(3, seen=2, unseen=2, attributes=3, samples=12, noise=0.5).dataset
    with pytest.raises(ConfigError, match="got 2: give more, or take protocol='published'"):
        run_experiment(data, SMALL, **SHORT)
    run_experiment(data, SMALL, protocol="published", **SHORT)


def test_baselines_are_named_as_the_cause_only_where_leaving_them_out_helps():
    options = {"device": "cpu", "n": 8}
    three = SCARCE["three images a class"]
    config = replace(SMALL, model=FLOWS["ridge"])
    with pytest.raises(DataError, match=r"two training rows, but in .*fold 0.*baselines=False"):
        run_experiment(three, config, **options)
    run_experiment(three, config, baselines=False, **options)

    whole = replace(SMALL, model=FLOWS["ridge-gaussian"])
    for data, settings in ((three, whole), (SCARCE["one training row a class"], config)):
        with pytest.raises(DataError) as told:
            run_experiment(data, settings, **options)
        assert "baselines" not in str(told.value)


@pytest.mark.parametrize("fill", ["zeros", "one value", "a value of each class"])
def test_features_that_do_not_vary_are_said_not_to(fill):
    with pytest.raises(DataError, match=r"must vary within classes, .* extractor give any"):
        run_experiment(SCARCE[fill], SMALL, device="cpu", n=8)


def test_an_explorer_of_one_row_a_class_shows_the_generator_it_was_given():
    data = SCARCE["one training row a class"]
    panel = explore(data, new_model(data, SMALL.model), name="one row a class")
    assert "ridge-Gaussian" not in panel.generators
    assert panel.synthesized.features.shape[1] == 6
    panel.still()
    panel.close()
