"""Doses and meters of the page, against ``measure`` of the same rows and samples."""

from functools import cache

import numpy as np
import pytest
import torch
from engine import NAMES, asked, engine_page, worlds
from scipy.stats import rankdata, spearmanr

from gsmflow_lite.shifts import Injected, measure
from gsmflow_lite.shifts.estimates import Bounded
from gsmflow_lite.shifts.report import Reading
from gsmflow_lite.shifts.semantic import AGREEMENT

READINGS = {"semantic": "agreement", "variance": "spread", "structure": "distance order"}
NUMBERS = ("value", "low", "high", "floor", "ceiling", "score")
DOSES = (
    {},
    {"variance": 0.6},
    {"semantic": 0.5},
    {"structure": 1.2},
    {"variance": -1.0, "semantic": 1.3, "structure": 0.4},
)


@pytest.fixture(scope="module")
def page():
    with engine_page() as page:
        yield page


class Held:
    """A generator that asks another one always with the same temperature and seed."""

    def __init__(self, source, temperature: float, seed: int) -> None:
        self.source = source
        self.settings = {"temperature": temperature, "seed": seed}

    def synthesize(self, attributes, n, **_):
        return self.source.synthesize(attributes, n, **self.settings)


def generator(name, flow=0, doses=None, temperature=1.0, seed=0):
    world = worlds()[name]
    source = Held(world.flows[flow].model, temperature, seed)
    return Injected(world.measured, source, **(doses or {}))


@cache
def report(name, flow, doses, temperature, seed):
    world = worlds()[name]
    shifted = generator(name, flow, dict(doses), temperature, seed)
    return measure(
        world.measured, shifted, n=64, classes=world.chosen.tolist(), metrics=list(READINGS)
    )


def assert_same(reading, expected):
    numbers = [reading[name] for name in NUMBERS]
    np.testing.assert_allclose(numbers, [getattr(expected, n) for n in NUMBERS], atol=0.01)
    assert reading["word"] == expected.word


def both(page, name, flow=0, doses=None, temperature=1.0, seed=0):
    doses = doses or {}
    given = {"flow": flow, "doses": doses, "temperature": temperature, "seed": seed}
    expected = report(name, flow, tuple(doses.items()), temperature, seed)
    return asked(page, "meters", name, **given), expected


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("doses", DOSES, ids=str)
def test_headlines_are_those_of_the_report(page, name, doses):
    result, expected = both(page, name, doses=doses)
    for meter, metric in READINGS.items():
        assert_same(result["readings"][metric], expected.reading(meter))


@pytest.mark.parametrize("name", NAMES)
def test_headlines_of_another_flow_seed_and_temperature_are_those_of_the_report(page, name):
    last = len(worlds()[name].flows) - 1
    result, expected = both(page, name, flow=last, temperature=0.6, seed=5)
    for meter, metric in READINGS.items():
        assert_same(result["readings"][metric], expected.reading(meter))


@pytest.mark.parametrize("name", NAMES)
def test_spread_by_class_is_that_of_the_report(page, name):
    result, expected = both(page, name, doses={"variance": 0.6})
    for of_class, label in zip(result["spreadByClass"], expected.names, strict=True):
        assert_same(of_class, expected.reading("spread", label))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("doses", DOSES[1:], ids=str)
def test_doses_move_samples_as_the_injector_does(page, name, doses):
    world = worlds()[name]
    attributes = torch.from_numpy(world.dataset.attributes[world.chosen])
    expected = generator(name, doses=doses).synthesize(attributes, 16).flatten(0, 1).numpy()
    result = asked(page, "classes", name, flow=0, count=16, doses=doses)
    error = np.linalg.norm(np.reshape(result["features"], expected.shape) - expected)
    assert error < 1e-3 * np.linalg.norm(expected)


def test_a_dose_of_a_class_that_is_made_up_takes_the_step_of_the_nearest(page):
    world = worlds()["letters"]
    attributes = world.dataset.attributes[world.chosen[2]] + 1e-3
    step = generator("letters", doses={"structure": 1.0})._step(
        world.dataset.attributes[world.chosen[2]]
    )
    given = {"flow": 0, "attributes": attributes.tolist(), "count": 3}
    moved = asked(page, "imagine", "letters", **given, doses={"structure": 1.0})["features"]
    plain = asked(page, "imagine", "letters", **given)["features"]
    move = np.reshape(moved, (3, -1)) - np.reshape(plain, (3, -1))
    np.testing.assert_allclose(move, np.tile(step, (3, 1)), atol=1e-5)


def test_the_typical_row_has_no_part_in_what_doses_do(page):
    attributes = worlds()["odd"].dataset.attributes[worlds()["odd"].chosen[0]].tolist()
    doses = {"variance": 0.5, "semantic": 0.8}
    given = {"flow": 0, "attributes": attributes, "count": 4, "doses": doses}
    alone = asked(page, "imagine", "odd", **given)["features"]
    beside = asked(page, "imagine", "odd", **given, typical=True)["features"]
    np.testing.assert_allclose(beside[-len(alone) :], alone, rtol=1e-6)


# --- What cannot be measured, and what cannot tell ----------------------------------------------

FEW = """(change) => {
  const world = new World(structuredClone(worlds[0].header), worlds[0].arrays);
  const evidence = world.evidence;
  change === "unread" ? evidence.readout.canRead = false : keepTwo(evidence);
  return plain(toTheEnd(world.meters({ flow: 0 })).readings);

  function keepTwo(evidence) {
    evidence.features.length = 2;
    evidence.classes = evidence.classes.slice(0, 2);
  }
}"""


def test_two_classes_have_no_distance_order(page):
    readings = page.evaluate(FEW, "few")
    assert readings["distance order"]["word"] == "not measured"
    assert np.isnan(readings["distance order"]["value"])
    assert readings["spread"]["word"] != "not measured"


def test_nothing_is_read_where_no_attribute_is_readable(page):
    assert page.evaluate(FEW, "unread")["agreement"]["word"] == "not measured"


# --- Statistics and words -------------------------------------------------------------------------


def made_up_cases() -> list[tuple[Bounded, float | None]]:
    """Numbers over repeats in all relations to each other, and p-values."""
    rng = np.random.default_rng(1)
    cases = []
    for i in range(300):
        middles = rng.choice([0.0, 0.02, 0.4, 0.5, 0.79, 0.82, 1.0], size=4)
        if i % 3 == 0:
            middles = [rng.choice([0.82, 0.9]), 0.0, 1.0, rng.choice([0.82, 0.9])]
        scatter = rng.choice([1e-3, 0.02, 0.2])
        lists = np.reshape(middles, (4, 1)) + scatter * rng.standard_normal((4, 12))
        value, floor, ceiling, faulty = lists
        if rng.random() < 0.1:
            ceiling = floor.copy()
        faulty = faulty if rng.random() < 0.5 else None
        p = rng.choice([None, 0.001, 0.049, 0.05, 0.3])
        cases.append((Bounded(value, floor, ceiling, faulty), p))
    return cases


def test_words_are_those_of_the_verdict(page):
    cases = made_up_cases()
    expected = [Reading.of(AGREEMENT, None, goodness, goodness, p) for goodness, p in cases]
    assert {reading.word for reading in expected} == {"fine", "watch", "shifted", "cannot tell"}
    given = [
        {name: None if of is None else of.tolist() for name, of in vars(goodness).items()}
        | {"p": p}
        for goodness, p in cases
    ]
    script = """(cases) => cases.map(({ p, ...numbers }) => {
      return plain(readNumbers({ least: -1, most: 1 }, numbers, numbers, p));
    })"""
    for reading, of in zip(page.evaluate(script, given), expected, strict=True):
        assert reading["word"] == of.word
        numbers = [reading[name] for name in NUMBERS]
        np.testing.assert_allclose(numbers, [getattr(of, name) for name in NUMBERS], atol=1e-9)


def test_ranks_and_correlations_with_ties_are_those_of_scipy(page, rng):
    a, b = rng.integers(0, 8, (2, 30)).tolist()
    ranks, correlation, constant = page.evaluate(
        """([a, b]) => [
          plain(ranksOf(a)), correlationOf(ranksOf(a), ranksOf(b)), correlationOf(a, a.map(() => 1))
        ]""",
        [a, b],
    )
    assert ranks == rankdata(a).tolist()
    assert correlation == pytest.approx(spearmanr(a, b).statistic)
    assert constant == 0


def test_quantiles_are_those_of_numpy(page, rng):
    values = rng.standard_normal(17).tolist()
    found = page.evaluate("(v) => [0, 0.3, 0.95, 1].map((share) => quantileOf(v, share))", values)
    np.testing.assert_allclose(found, np.quantile(values, [0, 0.3, 0.95, 1]))


def test_noise_takes_at_most_nine_tenths_of_a_squared_length(page, rng):
    readout = worlds()["letters"].scene.readout
    read = rng.standard_normal((4, len(readout.typical)))
    described = readout.standardise(worlds()["letters"].dataset.attributes)
    noise = np.array([0.0, 0.5, 3.0, 1e6])
    expected = readout.agreement(read, described, noise)
    script = """([read, noise]) => {
      const { readout, described } = worlds[0].evidence;
      return plain(readout.agreements(read, described, noise));
    }"""
    given = page.evaluate(script, [read.ravel().tolist(), noise.tolist()])
    np.testing.assert_allclose(given, expected, atol=1e-5)


def test_faulty_rows_of_half_the_size_have_a_quarter_of_the_variance(page):
    assert page.evaluate("withFault([1], [0.8]).faulty") == [pytest.approx(0.2)]
