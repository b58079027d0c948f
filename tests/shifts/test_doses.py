"""Each meter feels its own shift and no other."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from shift_worlds import Truth

from gsmflow_lite.datasets import gaussian_world, glyphs
from gsmflow_lite.generators.stored import RealSamples
from gsmflow_lite.shifts.injection import Injected
from gsmflow_lite.shifts.measuring import measure
from gsmflow_lite.shifts.meters import SHIFTS
from gsmflow_lite.shifts.report import Reading

LADDERS = {
    "variance": (0, 0.15, 0.3, 0.45, 0.6, 0.75),
    "semantic": (0, 0.15, 0.3, 0.45, 0.6, 0.75),
    "structure": (0, 0.25, 0.5, 0.75, 1, 1.5),
}


def headlines(dataset, generator, n: int, seed: int) -> dict[str, Reading]:
    report = measure(dataset, generator, n=n, seed=seed, metrics=SHIFTS)
    return {meter: report.reading(meter) for meter in SHIFTS}


def setting(name: str, seed: int):
    """Return data, the data to measure on, a perfect generator, and how much to ask for."""
    if name == "glyphs":
        letters = glyphs(64)
        rows, rest = letters.split_unseen(seed=seed)
        return letters, rest, RealSamples(letters, rows), 200
    world = gaussian_world(64, seed=seed)
    return world.dataset, world.dataset, Truth(world), 100


@pytest.fixture(scope="module", params=["Gaussian world", "glyphs"])
def ladders(request):
    """For each shift and seed, the headlines at every dose."""
    by_shift = {shift: [] for shift in LADDERS}
    for seed in range(2):
        dataset, tested, source, n = setting(request.param, seed)
        start = headlines(tested, source, n, seed)
        for shift, doses in LADDERS.items():
            readings = [start]
            for dose in doses[1:]:
                shifted = Injected(dataset, source, **{shift: dose}, seed=seed)
                readings.append(headlines(tested, shifted, n, seed))
            by_shift[shift].append(readings)
    return by_shift


@pytest.mark.parametrize("shift", LADDERS)
def test_a_meter_falls_step_by_step_with_the_dose_of_its_own_shift(shift, ladders):
    correlations = []
    for readings in ladders[shift]:
        values = [headline[shift].value for headline in readings]
        correlations.append(spearmanr(LADDERS[shift], values).statistic)
    assert len(correlations) == 2
    assert np.mean(correlations) <= -0.95, correlations


@pytest.mark.parametrize("shift", LADDERS)
def test_a_meter_stays_in_its_interval_whatever_the_dose_of_another_shift(shift, ladders):
    for readings in ladders[shift]:
        for meter in set(LADDERS) - {shift}:
            start = readings[0][meter]
            for dose, headline in zip(LADDERS[shift], readings, strict=True):
                value = headline[meter].value
                assert start.low <= value <= start.high, (meter, dose, start, value)


@pytest.mark.parametrize("shift", LADDERS)
def test_no_dose_is_fine_and_a_large_one_is_not(shift, ladders):
    for readings in ladders[shift]:
        assert readings[0][shift].word == "fine"
        assert readings[1][shift].word != "shifted"
        assert readings[-1][shift].word in ("watch", "shifted")
