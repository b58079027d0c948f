"""``ask`` takes whatever a generator returns, copies it, and refuses what breaks a rule."""

import re
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from gsmflow_lite import ClassifierConfig, Config, RidgeGaussian
from gsmflow_lite.datasets import gaussian_world
from gsmflow_lite.errors import ConfigError, DataError
from gsmflow_lite.explorer import Scene
from gsmflow_lite.explorer.invention import ask_one
from gsmflow_lite.explorer.replay import View, quick_harmonic
from gsmflow_lite.generators import AtTemperature, ask, ask_density
from gsmflow_lite.runs import diagnose
from gsmflow_lite.scores import softmax_logits
from gsmflow_lite.shifts import Injected, measure

ATTRIBUTES = np.array([[1.0, 0.5, 0.25], [0.0, 2.0, 4.0]], np.float32)
FEATURES = np.arange(24).reshape(2, 3, 4)  # whole numbers, which every kind of number can hold


class Returning:
    """A generator that returns what it was given, and has no temperature."""

    def __init__(self, values) -> None:
        self.values = values

    def synthesize(self, attributes, n, *, seed):
        return self.values


class Listening:
    """A generator that keeps what it was asked with."""

    def synthesize(self, attributes, n, **options):
        self.attributes = attributes
        self.n = n
        self.options = options
        return torch.zeros(len(attributes), n, 4)


class Stubborn:
    """An object that fails where NumPy wants an array of it."""

    def __array__(self, dtype=None, copy=None):
        raise ZeroDivisionError("no array")


# --- What a generator may return -------------------------------------------------------------


def tensor(dtype: torch.dtype) -> torch.Tensor:
    return torch.from_numpy(FEATURES).to(dtype)


def read_only() -> np.ndarray:
    array = FEATURES.astype(np.float32)
    array.setflags(write=False)
    return array


def made_in_inference_mode() -> torch.Tensor:
    with torch.inference_mode():
        return tensor(torch.float32) + 0


RESULTS = {
    "float32 tensor": lambda: tensor(torch.float32),
    "float64 tensor": lambda: tensor(torch.float64),
    "half tensor": lambda: tensor(torch.float16),
    "bfloat16 tensor": lambda: tensor(torch.bfloat16),
    "tensor of whole numbers": lambda: tensor(torch.int64),
    "tensor that requires a gradient": lambda: tensor(torch.float32).requires_grad_(),
    "tensor of a graph": lambda: 1 * tensor(torch.float32).requires_grad_(),
    "tensor made in inference mode": made_in_inference_mode,
    "tensor in another order": lambda: tensor(torch.float32).mT.contiguous().mT,
    "float32 array": lambda: FEATURES.astype(np.float32),
    "float64 array": lambda: FEATURES.astype(np.float64),
    "half array": lambda: FEATURES.astype(np.float16),
    "longdouble array": lambda: FEATURES.astype(np.longdouble),
    "array of whole numbers": lambda: FEATURES,
    "array of foreign byte order": lambda: FEATURES.astype(">f4"),
    "array with negative strides": lambda: FEATURES[::-1].astype(np.float32)[::-1],
    "array in Fortran order": lambda: np.asfortranarray(FEATURES.astype(np.float32)),
    "read-only array": read_only,
    "lists": lambda: FEATURES.tolist(),
    "list of arrays": lambda: list(FEATURES),
    "list of tensors": lambda: list(tensor(torch.float32)),
    "array of objects": lambda: FEATURES.astype(object),
    "masked array without masked entries": lambda: np.ma.masked_array(FEATURES),
    "sparse tensor": lambda: tensor(torch.float32).to_sparse(),
    "tuple of tensors of a graph": lambda: tuple(1 * tensor(torch.float32).requires_grad_()),
}


@pytest.mark.parametrize("kind", RESULTS)
def test_features_of_every_kind_become_a_plain_float32_tensor(kind):
    features = ask(Returning(RESULTS[kind]()), ATTRIBUTES, 3, width=4)
    assert type(features) is torch.Tensor
    assert features.dtype == torch.float32
    assert features.is_contiguous()
    assert not features.requires_grad
    assert not features.is_inference()
    np.testing.assert_array_equal(features.numpy(), FEATURES)


@pytest.mark.parametrize("kind", ["float32 tensor", "float32 array"])
def test_the_result_has_its_own_memory(kind):
    values = RESULTS[kind]()
    ask(Returning(values), ATTRIBUTES, 3).fill_(7)
    np.testing.assert_array_equal(values, FEATURES)


def test_a_generator_may_return_the_same_buffer_each_time():
    class Reusing:
        buffer = torch.empty(2, 3, 4)

        def synthesize(self, attributes, n, *, seed):
            return self.buffer.fill_(seed)

    generator = Reusing()
    first = ask(generator, ATTRIBUTES, 3, seed=1)
    ask(generator, ATTRIBUTES, 3, seed=2)
    assert (first == 1).all()


# --- What a generator gets -------------------------------------------------------------------

FORMS = {
    "float32 array": lambda: ATTRIBUTES.copy(),
    "float64 array": lambda: ATTRIBUTES.astype(np.float64),
    "array with negative strides": lambda: ATTRIBUTES[::-1].copy()[::-1],
    "lists": lambda: ATTRIBUTES.tolist(),
    "float32 tensor": lambda: torch.tensor(ATTRIBUTES),
    "float64 tensor": lambda: torch.tensor(ATTRIBUTES).double(),
    "tensor that requires a gradient": lambda: torch.tensor(ATTRIBUTES).requires_grad_(),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_generator_gets_attributes_as_a_plain_float32_tensor(form):
    generator = Listening()
    ask(generator, FORMS[form](), 3)
    assert type(generator.attributes) is torch.Tensor
    assert generator.attributes.dtype == torch.float32
    assert not generator.attributes.requires_grad
    np.testing.assert_array_equal(generator.attributes.numpy(), ATTRIBUTES)


@pytest.mark.parametrize("form", ["float32 array", "float32 tensor"])
def test_a_generator_may_change_its_attributes_in_place(form):
    class Spoiling:
        def synthesize(self, attributes, n, *, seed):
            features = torch.zeros(len(attributes), n, 4)
            attributes.fill_(-1).resize_(1, 1)
            return features

    attributes = FORMS[form]()
    assert ask(Spoiling(), attributes, 3).shape == (2, 3, 4)
    np.testing.assert_array_equal(attributes, ATTRIBUTES)


def test_a_generator_gets_number_and_seed():
    generator = Listening()
    ask(generator, ATTRIBUTES, 5, seed=8)
    assert (generator.n, generator.options) == (5, {"seed": 8})


def test_a_temperature_is_handed_on_only_where_it_is_not_one():
    generator = Listening()
    ask(generator, ATTRIBUTES, 3, temperature=1.0)
    assert "temperature" not in generator.options
    ask(generator, ATTRIBUTES, 3, temperature=0.5)
    assert generator.options["temperature"] == 0.5


def test_a_temperature_that_the_generator_lacks_is_refused():
    with pytest.raises(
        DataError, match=r"Returning features have no temperature: it must be 1, got 0\.5"
    ):
        ask(Returning(FEATURES), ATTRIBUTES, 3, temperature=0.5)


# --- What is refused -------------------------------------------------------------------------


def with_entry(value) -> np.ndarray:
    """Features of which one of the second class is ``value``."""
    features = FEATURES.astype(np.float64)
    features[1, 2, 0] = value
    return features


RAGGED = [[[0.0, 0.0, 0.0, 0.0]] * 3, [[0.0, 0.0, 0.0, 0.0]] * 2]
PARTS_DIFFER = "must be one tensor, got a list whose parts differ: take the one that is meant, or"
WRONG = {
    "a class too few": (FEATURES[:1], r"must give shape \(2, 3, 4\), got \(1, 3, 4\)"),
    "a feature too few": (FEATURES[:, :2], r"must give shape \(2, 3, 4\), got \(2, 2, 4\)"),
    "another width": (FEATURES[:, :, :2], r"must give shape \(2, 3, 4\), got \(2, 3, 2\)"),
    "a matrix": (FEATURES[0], r"asked for 3 features of 2 classes .*, got \(3, 4\)"),
    "one axis too many": (FEATURES[..., None], r"must give shape .*, got \(2, 3, 4, 1\)"),
    "one number": (1.0, r"must give shape \(2, 3, 4\), got \(\)"),
    "a complex tensor": (tensor(torch.complex64), "must be real numbers, got complex ones"),
    "a complex array": (FEATURES + 0j, "must be real numbers, got complex ones: take their real"),
    "text": (FEATURES.astype(str), "must be numbers, got <U21: give a tensor or an array"),
    "objects": (np.array([object()]), "must be numbers, got object"),
    "texts in an array of objects": (FEATURES.astype(str).astype(object), "got object: give a"),
    "nothing": (None, "synthesized features must be an array, got nothing"),
    "a dict": ({"x": FEATURES}, "synthesized features must be an array, got a dict"),
    "a set": ({1.0, 2.0}, "synthesized features must be an array, got a set"),
    "features and something else": (
        (torch.zeros(2, 3, 4), None),
        "must be one tensor, got a tuple whose parts differ: take the one that is meant, or",
    ),
    "masked entries": (np.ma.masked_less(FEATURES, 5), "must have no masked entries, got 5: fill"),
    "dates": (FEATURES.astype("M8[D]"), "must be numbers or text, got datetime64"),
    "a tensor without data": (torch.zeros(2, 3, 4, device="meta"), "must be a plain tensor"),
    "what cannot become an array": (Stubborn(), "Stubborn raised ZeroDivisionError: no array"),
    "ragged lists": (RAGGED, "must be an array, got list: .*inhomogeneous"),
    "a list of unlike tensors": ([torch.zeros(3, 4), torch.zeros(2, 4)], PARTS_DIFFER),
    "a tensor and nothing": ([torch.zeros(3, 4), None], PARTS_DIFFER),
    "nan": (with_entry(np.nan), r"must be finite, .* class 'O' are not \(1 such class\): lower"),
    "infinity": (with_entry(-np.inf), "must be finite, but those of class 'O' are not"),
    "too large for float32": (with_entry(1e39), "must be finite, but those of class 'O' are not"),
}


@pytest.mark.parametrize("what", WRONG)
def test_features_that_break_a_rule_are_refused(what):
    values, words = WRONG[what]
    with pytest.raises(DataError, match=words):
        ask(Returning(values), ATTRIBUTES, 3, width=4, names=["I", "O"])


@pytest.mark.parametrize(("values", "got"), [(FEATURES[0], r"\(3, 4\)"), (1.0, r"\(\)")])
def test_a_wrong_shape_is_refused_where_the_width_is_not_known(values, got):
    with pytest.raises(DataError, match=rf"must give shape \(2, 3, D\), got {got}"):
        ask(Returning(values), ATTRIBUTES, 3)


def test_any_width_is_right_where_it_is_not_known():
    assert ask(Returning(FEATURES[:, :, :2]), ATTRIBUTES, 3).shape == (2, 3, 2)


def test_a_class_without_a_name_is_known_by_its_number():
    with pytest.raises(DataError, match="those of class number 1 of those asked for are not"):
        ask(Returning(with_entry(np.nan)), ATTRIBUTES, 3)


def test_the_number_of_broken_classes_is_told():
    with pytest.raises(DataError, match=r"class 'I' are not \(2 such classes\)"):
        ask(Returning(np.full((2, 3, 4), np.nan)), ATTRIBUTES, 3, names=["I", "O"])


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        (ATTRIBUTES[0], r"one row per class, got shape \(3,\): .* hand in attributes\[None\]"),
        (torch.zeros(2, 3, 1), r"one row per class, got shape \(2, 3, 1\)"),
        ([["tall", "red"]], "attributes must be numbers, got <U4"),
        ([[1.0], [2.0, 3.0]], "attributes must be an array, got list: .*inhomogeneous"),
        (
            ATTRIBUTES * np.nan,
            r"must be finite, got nan in row 0, column 0 \(6 such values\): fill",
        ),
        (ATTRIBUTES + 1j, "attributes must be real numbers, got complex ones"),
    ],
)
def test_attributes_that_are_no_matrix_of_numbers_are_refused(attributes, words):
    with pytest.raises(DataError, match=words):
        ask(Returning(FEATURES), attributes, 3)


@pytest.mark.parametrize(
    ("generator", "words"),
    [
        (torch.nn.Identity(), "got Identity: make it a method of that name in a class"),
        (lambda attributes, n, **options: None, "got function: make it a method of that name"),
        (Listening().synthesize, "got method: hand in the Listening itself, not its method"),
        ({"mine": Listening()}, "got dict: hand in one of its values"),
        (SimpleNamespace(model=Listening()), r"got SimpleNamespace: hand in its \.model"),
        (SimpleNamespace(synthesize=3), "got SimpleNamespace: see notebook 08"),
        (None, "got None: see notebook 08"),
    ],
)
def test_what_has_no_method_synthesize_is_refused(generator, words):
    with pytest.raises(DataError, match=rf"must have a method synthesize\(.*, {words}"):
        ask(generator, ATTRIBUTES, 3)


class Failing:
    """A generator that raises an error instead of an answer."""

    def __init__(self, error) -> None:
        self.error = error

    def synthesize(self, attributes, n, *, seed):
        raise self.error

    def log_prob(self, x, attributes):
        raise self.error


FOREIGN = [RuntimeError("CUDA out of memory"), KeyError("x"), StopIteration(), MemoryError()]


@pytest.mark.parametrize("error", FOREIGN, ids=repr)
def test_an_error_of_a_generator_is_told_with_its_kind_and_its_text(error):
    words = f"Failing.{{}} raised {type(error).__name__}: {error}"
    with pytest.raises(DataError, match=re.escape(words.format("synthesize"))) as told:
        ask(Failing(error), ATTRIBUTES, 3)
    assert told.value.__cause__ is error
    with pytest.raises(DataError, match=re.escape(words.format("log_prob"))):
        ask_density(Failing(error), torch.zeros(1, 4), torch.from_numpy(ATTRIBUTES))


@pytest.mark.parametrize("error", [DataError("of our own"), KeyboardInterrupt()], ids=repr)
def test_errors_of_the_library_and_an_interrupt_pass(error):
    with pytest.raises(type(error)) as told:
        ask(Failing(error), ATTRIBUTES, 3)
    assert told.value is error


def test_a_generator_that_takes_no_seed_is_told_what_is_missing():
    generator = SimpleNamespace(synthesize=lambda attributes, n: torch.zeros(2, n, 4))
    with pytest.raises(DataError, match=r"raised TypeError: .*unexpected keyword argument 'seed'"):
        ask(generator, ATTRIBUTES, 3)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"n": 0}, "n must be at least 1, got 0"),
        ({"n": "3"}, "n must be a whole number, got '3'"),
        ({"n": 3.0}, "n must be a whole number, got 3.0"),
        ({"temperature": -0.1}, "temperature must be at least 0, got -0.1"),
        ({"temperature": np.nan}, "temperature must be finite, got nan"),
        ({"seed": None}, "seed must be a whole number, got None"),
        ({"seed": -1}, "seed must be from 0 to 4294967295, got -1"),
    ],
)
def test_what_is_asked_for_must_be_a_number(asked, words):
    with pytest.raises(ConfigError, match=words):
        ask(Returning(FEATURES), ATTRIBUTES, **{"n": 3} | asked)


def test_a_generator_gets_plain_numbers():
    listening = Listening()
    ask(listening, ATTRIBUTES, np.int64(3), temperature=np.float32(0.5), seed=np.uint8(7))
    kinds = [type(x) for x in (listening.n, *listening.options.values())]
    assert (kinds, listening.n) == ([int, int, float], 3)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (torch.zeros(1), r"each row and class, shape \(1, 2\), got shape \(1,\)"),
        (torch.full((1, 2), np.nan), "with 2 that are not finite: mend the generator"),
        (None, "log-densities must be an array, got nothing"),
    ],
)
def test_log_densities_of_another_kind_are_refused(given, words):
    density = SimpleNamespace(log_prob=lambda x, attributes: given)
    with pytest.raises(DataError, match=words):
        ask_density(density, torch.zeros(1, 4), torch.from_numpy(ATTRIBUTES))


def test_a_class_in_place_of_an_object_is_refused():
    with pytest.raises(
        DataError, match=r"got the class Listening: hand in what Listening\(\.\.\.\)"
    ):
        ask(Listening, ATTRIBUTES, 3)


# --- A generator without temperature works everywhere ----------------------------------------


class Plain:
    """The least that a generator must be: ``synthesize(attributes, n, *, seed)``."""

    def __init__(self, source) -> None:
        self.source = source

    def synthesize(self, attributes, n, *, seed):
        return self.source.synthesize(attributes, n, seed=seed).numpy()


@pytest.fixture(scope="module")
def dataset():
    return gaussian_world(4, seen=6, unseen=4, samples=40).dataset


@pytest.fixture(scope="module")
def view(dataset):
    return View.of(dataset, Scene.first(dataset), fold=False)


def measured(dataset, generator) -> list[tuple]:
    report = measure(dataset, generator, n=20)
    return [(reading.metric, reading.label, reading.value) for reading in report.readings]


def diagnosed(dataset, generator) -> dict:
    config = Config(classifier=ClassifierConfig(samples=20))
    result = diagnose(dataset, generator, config, n=20).result
    return {key: result[key] for key in ("scores", "baselines", "shifts", "notes")}


USES = {
    "softmax_logits": lambda g, view: asdict(
        softmax_logits(g, view.problem, ClassifierConfig(samples=20)).scores()
    ),
    "measure": lambda g, view: measured(view.problem, g),
    "diagnose": lambda g, view: diagnosed(view.problem, g),
    "Scene.ask": lambda g, view: view.scene.ask(g, view.classes, 5, seed=3).features,
    "View.ask": lambda g, view: view.ask(g, seed=3).features,
    "quick_harmonic": lambda g, view: quick_harmonic(g, view.problem),
    "ask_one": lambda g, view: ask_one(g, view.problem.attributes[0], seed=3),
    "Injected": lambda g, view: (
        Injected(view.problem, g, variance=0.5, mixed=0.5)
        .synthesize(view.problem.attributes, 5, seed=3)
        .numpy()
    ),
    "AtTemperature": lambda g, view: (
        AtTemperature(g, 1.0).synthesize(view.problem.attributes, 5, seed=3).numpy()
    ),
}


@pytest.mark.parametrize("use", USES)
def test_a_generator_without_temperature_is_as_good_as_one_with_it(use, view):
    full = RidgeGaussian.fit(view.problem)
    np.testing.assert_equal(USES[use](Plain(full), view), USES[use](full, view))
